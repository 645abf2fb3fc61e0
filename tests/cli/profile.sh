#!/bin/sh
# Where the time goes: every step once, shares that add up, a trace that has them all.
. "${top_srcdir:-.}/tests/cli/functions.sh"
expect_exit 0 profile --repeat 2 --top 0 --trace "$tmp/trace.json" "$tiny/tiny.onnx"
says stdout ' ms per run on one thread, '
for node in bank depthwise pointwise deep scores; do says stdout " $node\$"; done
awk '/^ *ms/ { table++; next } table == 1 && NF { share += $2 } END { exit !(share > 99 && share < 101) }' "$tmp/stdout" ||
	fail "shares do not add up to 100 %"
grep -q '"name":"depthwise"' "$tmp/trace.json" || fail "the trace lacks a step"
expect_exit 4 profile "$tiny/tiny.yaml"
says stderr 'tiny.yaml'
