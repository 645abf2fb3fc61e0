#!/bin/sh
# What a run will cost: images and products of each job, and its peak memory, which the run then has.
. "${top_srcdir:-.}/tests/cli/functions.sh"
manifest=$tiny/tiny.yaml
expect_exit 0 plan -j 2 "$manifest"
says stdout '^model .*GMAC/image.*peak memory.*(2 workers)'
test "$(grep -c '[KMG]iB' "$tmp/stdout")" -ge 1 || fail "no line with memory"
expect_exit 0 plan -j 2 --json "$manifest"
cp "$tmp/stdout" "$tmp/plan.json"
images=$(sed -n '1s/.*"images":\([0-9]*\).*/\1/p' "$tmp/plan.json")
test "$images" -eq "$(wc -l <"$tiny/test.txt")" || fail "$images images planned"
test "$(sed -n '1s/.*"macs":\([0-9]*\).*/\1/p' "$tmp/plan.json")" -gt 100000 || fail "no products"

# The run's own events say what it took: within a tenth, or within 8 MiB where everything is small.
expect_exit 0 run -j 2 --progress json -o "$tmp/run" "$manifest"
real=$(sed -n 's/.*"peak_bytes":\([0-9]*\).*/\1/p' "$tmp/stderr" | sort -n | tail -1)
want=$(sed -n 's/.*"peak_bytes":\([0-9]*\).*/\1/p' "$tmp/plan.json" | sort -n | tail -1)
awk -v a="$real" -v b="$want" 'BEGIN { d = a - b; d = d < 0 ? -d : d; exit !(d <= 0.1 * a || d < 8388608) }' ||
	fail "planned $want bytes, took $real"
test -z "$(ls -d "${TMPDIR:-/tmp}"/oqz-plan-?????? 2>/dev/null | while read -r d; do test -O "$d" && test -n "$(find "$d" -newer "$tmp/plan.json")" && echo "$d"; done)" ||
	fail "the trial's folder is still there"

expect_exit 2 plan -j 0 "$manifest"
# A job that cannot run is said so, in its line and by the exit status.
expect_exit 4 plan -j 1 --memory-limit 300K "$manifest"
says stdout "limit is 300"

# Columns stand under their heads, however long a name is.
name=a-model-whose-name-is-as-long-as-names-of-models-in-zoos-tend-to-be
sed "s/id: tiny/id: $name/; s/models: \[tiny\]/models: [$name]/" "$manifest" >"$tiny/long-$$.yaml"
expect_exit 0 plan -j 1 "$tiny/long-$$.yaml"
rm "$tiny/long-$$.yaml"
says stdout "$name"
awk '{ sub(/  \(1 worker\)$/, ""); if (NR == 1) n = length($0); if (length($0) != n) exit 1 }' "$tmp/stdout" ||
	fail "ragged columns"
