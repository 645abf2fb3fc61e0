# SPDX-License-Identifier: Apache-2.0
# Turns text files into C strings: report.css becomes oqz_report_css.
FNR == 1 {
	name = FILENAME
	sub(/.*\//, "", name)
	gsub(/[^A-Za-z0-9]/, "_", name)
	if (NR > 1)
		print "\t;"
	else
		print "/* made by embed.awk */\n#include \"core/result/report_html.h\"\n"
	print "const char oqz_" name "[] ="
}
{
	gsub(/["\\]/, "\\\\&")
	gsub(/\t/, "\\t")
	gsub(/[?]/, "\\?") # no trigraphs
	print "\t\"" $0 "\\n\""
}
END { print "\t;" }
