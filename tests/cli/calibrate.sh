#!/bin/sh
# Calibration alone writes the plans; a run behind it makes none anew and ends as one without it.
. "${top_srcdir:-.}/tests/cli/functions.sh"
expect_exit 0 calibrate -o "$tmp/a" "$tiny/tiny.yaml"
test -s "$tmp/a/plans/tiny.channel.json" && test -s "$tmp/a/plans/tiny.pow2.json" || fail "no plans"
test ! -e "$tmp/a/results.json" || fail "calibrate evaluates"
mkdir "$tmp/kept"
cp "$tmp/a/plans/"* "$tmp/kept"
expect_exit 0 run --progress json -o "$tmp/a" "$tiny/tiny.yaml"
says_not stderr '"event":"calibrate"'
for f in "$tmp/kept/"*; do same "$f" "$tmp/a/plans/${f##*/}"; done
expect_exit 0 run -j3 -o "$tmp/b" "$tiny/tiny.yaml"
same_results "$tmp/a" "$tmp/b"
for f in "$tmp/kept/"*; do same "$f" "$tmp/b/plans/${f##*/}"; done
# What cannot be planned is said.
manifest "$tmp/zoo.yaml"
sed -i 's/^schemes:/&\n  nothing: {plugin: int8, ops: [LSTM]}/' "$tmp/zoo.yaml"
expect_exit 4 calibrate -o "$tmp/c" "$tmp/zoo.yaml"
says stderr 'scheme .nothing.: .*nothing to quantize'
test -s "$tmp/c/plans/tiny.channel.json" || fail "the other schemes' plans are missing"
# A run shows it as a failed cell beside the others.
expect_exit 5 run -o "$tmp/c" "$tmp/zoo.yaml"
says stdout '^tiny  *channel  *top1'
grep '^tiny,nothing,' "$tmp/c/results.csv" | grep -q 'failed' || fail "no failed cell"
