#!/bin/sh
# Any number of threads gives the same bytes.
. "${top_srcdir:-.}/tests/cli/functions.sh"
for j in 1 2 5; do
	expect_exit 0 run "-j$j" --progress none -o "$tmp/$j" "$tiny/tiny.yaml"
done
same_results "$tmp/1" "$tmp/2"
same_results "$tmp/1" "$tmp/5"
# Another engine agrees in what is counted; only float arithmetic in between may differ in its last bits.
expect_exit 0 run -j2 --engine sim --progress none -o "$tmp/sim" "$tiny/tiny.yaml"
top1() { sed -n 's/.*"top1": {"float": \([0-9.]*\).*/\1/p' "$1/results.json"; }
test "$(top1 "$tmp/1")" = "$(top1 "$tmp/sim")" || fail "float accuracy depends on the engine"
# The network classifies: above 0.9 in float on both rows (they are the same figure).
top1 "$tmp/1" | awk '{ if ($1 <= 0.9) bad = 1; n++ } END { exit bad || n != 2 }' || fail "top1 of the tiny model"
