# SPDX-License-Identifier: Apache-2.0
# Makes a plugin's manual page of its <plugin>.md, which a test holds against the plugin's own tables: so the page cannot
# drift either. Knows what those files use: headings, paragraphs, lists, code by indent or fence, tables (as they stand).
#	awk -v name=int8 -f md2man.awk int8.md >oqz-int8.7

# Text that roff takes for text, code in bold.
function roff(s) {
	gsub(/\\/, "\\e", s)
	gsub(/-/, "\\-", s)
	while (match(s, /`[^`]+`/))
		s = substr(s, 1, RSTART - 1) "\\fB" substr(s, RSTART + 1, RLENGTH - 2) "\\fP" substr(s, RSTART + RLENGTH)
	gsub(/\*\*/, "", s)
	return s ~ /^[.']/ ? "\\&" s : s
}
function plain(s) {
	gsub(/\\/, "\\e", s)
	gsub(/-/, "\\-", s)
	return s ~ /^[.']/ ? "\\&" s : s
}
function text(s) { print roff(s); gap = 0 }
function block(on) {
	if (on == verbatim)
		return
	print on ? ".PP\n.RS\n.nf" : ".fi\n.RE"
	verbatim = on
	gap = !on
}

/^```/ { fence = !fence; block(fence); next }
fence { print plain($0); next }
/^    / && (verbatim || blank) && !list { block(1); print plain(substr($0, 5)); blank = 0; next }
/^\|/ { if (!verbatim) block(1); print plain($0); next }
/^$/ { if (verbatim && !fence) pending = 1; blank = 1; next }
{
	if (verbatim)
		block(0)
}
/^# / {
	kind = tolower($2)
	print ".\\\" made by md2man.awk"
	print ".TH OQZ\\-" toupper(name) " 7 \"\" \"oqz\" \"Plugins of oqz\""
	print ".ad l" # parameters are long words
	print ".SH NAME\noqz\\-" name " \\- " kind " " name " of oqz\n.SH DESCRIPTION"
	blank = list = 0
	first = 1
	next
}
/^## / { print ".SH " toupper(roff(substr($0, 4))); blank = list = 0; first = 1; next }
/^### / { print ".SS " roff(substr($0, 5)); blank = list = 0; first = 1; next }
/^- / { print ".IP \\(bu 2"; text(substr($0, 3)); list = 1; blank = first = 0; next }
/^  / && list { sub(/^ +/, ""); text($0); blank = 0; next }
{
	if ((blank || list) && !first)
		print ".PP"
	text($0)
	blank = list = first = 0
}
END { if (verbatim) block(0) }
