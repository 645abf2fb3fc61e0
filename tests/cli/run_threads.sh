#!/bin/sh
# Any number of threads gives the same bytes.
. "${top_srcdir:-.}/tests/cli/functions.sh"
for j in 1 2 5; do
	expect_exit 0 run "-j$j" --progress none -o "$tmp/$j" "$tiny/tiny.yaml"
done
same_results "$tmp/1" "$tmp/2"
same_results "$tmp/1" "$tmp/5"
# Threads that images leave over share out the lanes of one.
expect_exit 0 run -j1 --limit 1 --progress none -o "$tmp/one1" "$tiny/tiny.yaml"
expect_exit 0 run -j4 --limit 1 --progress none -o "$tmp/one4" "$tiny/tiny.yaml"
same_results "$tmp/one1" "$tmp/one4"
# Side by side: two lanes whose grids wait for each other meet.
manifest "$tmp/meet.yaml"
sed -i 's/^schemes:/&\n  left: {plugin: mock-meet, lane: 1}\n  right: {plugin: mock-meet, lane: 2}/' "$tmp/meet.yaml"
MOCK_MEET=$tmp/met
export MOCK_MEET
OQZ_PLUGIN_PATH=$top_builddir/tests/mock/.libs:$OQZ_PLUGIN_PATH expect_exit 0 run -j4 --limit 1 --progress none \
	--select scheme=left --select scheme=right -o "$tmp/meet" "$tmp/meet.yaml"
test -e "$tmp/met" || fail "lanes of one image did not run side by side"
# Another engine agrees in what is counted; only float arithmetic in between may differ in its last bits.
expect_exit 0 run -j2 --engine sim --progress none -o "$tmp/sim" "$tiny/tiny.yaml"
top1() { sed -n 's/.*"top1": {"float": \([0-9.]*\).*/\1/p' "$1/results.json"; }
test "$(top1 "$tmp/1")" = "$(top1 "$tmp/sim")" || fail "float accuracy depends on the engine"
# The network classifies: above 0.9 in float on both rows (they are the same figure).
top1 "$tmp/1" | awk '{ if ($1 <= 0.9) bad = 1; n++ } END { exit bad || n != 2 }' || fail "top1 of the tiny model"

# Where memory forbids to run all lanes together they are run in groups, with the same bytes.
divided=
for limit in 1800K 2000K 2200K 2400K 2600K; do
	rm -rf "$tmp/small"
	"$OQZ" run -j1 --memory-limit $limit --progress none -o "$tmp/small" "$tiny/tiny.yaml" >"$tmp/small.out" 2>&1 || continue
	grep -q 'run in two groups' "$tmp/small.out" || continue
	divided=$limit
	same_results "$tmp/1" "$tmp/small"
	break
done
test -n "$divided" || fail "no memory limit made groups"
