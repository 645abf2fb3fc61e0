#!/bin/sh
# The demo zoo gives the figures of demo/RESULTS.md: all six tasks under three schemes, calibration to report. Where the CPU has
# the instructions that they were made with, to the last digit; elsewhere within what another order of summation can do.
. "${top_srcdir:-.}/tests/cli/functions.sh"
here=$(cd "$top_srcdir" && pwd)
OQZ_PRESET_PATH=$here/etc/presets
export OQZ_PRESET_PATH OQZ
expect_exit 0 run --progress none -o "$tmp/out" "$here/demo/zoo.yaml"
cp "$tmp/stdout" "$tmp/table"
says stdout '^textures-bicubic  *(float)  *psnr'
test -s "$tmp/out/report.html" || fail "no report"
"$here/demo/results.sh" "$tmp/out" >"$tmp/RESULTS.md" || fail "results.sh"
made_with() { sed -n 's/^Made with: //p' "$1"; }
test -n "$(made_with "$tmp/RESULTS.md")" || fail "results.json does not say what it was made with"
if [ "$(made_with "$tmp/RESULTS.md")" = "$(made_with "$here/demo/RESULTS.md")" ]; then
	diff "$here/demo/RESULTS.md" "$tmp/RESULTS.md" || fail "other figures than demo/RESULTS.md"
	exit 0
fi
echo "made with $(made_with "$tmp/RESULTS.md"): figures may differ a little"
# Percents by one point, decibels by 0.05, errors of layers by a tenth of themselves.
awk -F ' *[|] *' '
	function off(a, b, by) { return (a == "") != (b == "") || a - b > by || b - a > by }
	!/^[|] [a-z]/ { next }
	FNR == NR { if ($2 != "model") want[$2 "|" $3 "|" $4] = $0; next }
	$2 == "model" { next }
	{
		key = $2 "|" $3 "|" $4
		if (!(key in want)) { print "new: " key; bad = 1; next }
		split(want[key], w, / *[|] */)
		delete want[key]
		by = $4 ~ /%/ ? 1 : 0.05
		if (off($5, w[5], by) || off($6, w[6], by)) { print "metric: " $0; print "  wanted " w[5], w[6]; bad = 1 }
		for (i = 8; i <= 10; i++) if (off($i, w[i], 0.1 * w[i])) { print "error: " $0; print "  wanted " w[i]; bad = 1 }
		if ($11 != w[11]) { print "images: " $0; bad = 1 }
	}
	END { for (key in want) { print "missing: " key; bad = 1 } exit bad }' "$here/demo/RESULTS.md" "$tmp/RESULTS.md" ||
	fail "figures too far from demo/RESULTS.md"
