#!/bin/sh
# Every verb has a manual page that names every option of its --help, every plugin has one, and the pages are free of
# formatting errors.
set -u
status=0
complain() { echo "$*"; status=1; }
tmp=$(mktemp -d "${TMPDIR:-/tmp}/oqz-man.XXXXXX")
trap 'rm -rf "$tmp"' EXIT

verbs=$("$OQZ" --help | sed -n '/^verbs:/,/^$/s/^  \([a-z-]*\) .*/\1/p')
[ -n "$verbs" ] || complain "no verbs in --help"
for v in $verbs; do
	page=$top_srcdir/doc/oqz-$v.1
	if [ ! -f "$page" ]; then
		complain "doc/oqz-$v.1 is missing"
		continue
	fi
	# The options of the synopsis and of the list are those of --help: nothing is missing on either side, short names neither.
	"$OQZ" "$v" --help | sed -n 's/^  *\(-.*\)/\1/p' | sed 's/  .*//' | grep -oE -- '(^|[ ,])--?[a-z][a-z-]*' | tr -d ' ,' | sort -u >"$tmp/help"
	sed 's/\\-/-/g; s/\\f[A-Z]//g' "$page" | awk '
		/^\.SH/ { part = $2 } /^\.TP/ { tag = 1; next }
		part == "SYNOPSIS" || part == "OPTIONS" && tag && /^\.(BR|B|RB|BI) "?-/ { print }
		{ tag = 0 }' | grep -oE -- '(^|[^a-z-])--?[a-z][a-z-]*' | grep -oE -- '--?[a-z][a-z-]*' | sort -u >"$tmp/page"
	comm -23 "$tmp/help" "$tmp/page" | while read -r o; do echo "doc/oqz-$v.1 does not list $o"; done >>"$tmp/differ"
	comm -13 "$tmp/help" "$tmp/page" | while read -r o; do echo "doc/oqz-$v.1 lists $o, which oqz $v --help does not know"; done >>"$tmp/differ"
	grep -q "oqz.-$v (1)" "$top_srcdir/doc/oqz.1" || sed 's/\\-/-/g' "$top_srcdir/doc/oqz.1" | grep -q "oqz-$v (1)" ||
		complain "doc/oqz.1 does not list oqz-$v(1)"
done
[ ! -s "$tmp/differ" ] || complain "$(cat "$tmp/differ")"
if command -v man >/dev/null && command -v groff >/dev/null; then
	for f in "$top_srcdir"/doc/*.[135] "$top_builddir"/doc/*.7; do
		out=$(LC_ALL=C.UTF-8 MANROFFSEQ='' man --warnings -E UTF-8 -l -Tutf8 -Z "$f" 2>&1 >/dev/null)
		[ -z "$out" ] || complain "$f: $out"
	done
fi
# Every plugin has a page made of its own description.
for p in $("$OQZ" list plugins | sed 's/ .*//'); do
	grep -q "^oqz.-$p .- .* of oqz" "$top_builddir/doc/oqz-$p.7" || complain "there is no page for the plugin $p"
done
exit $status
