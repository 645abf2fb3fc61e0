#!/bin/sh
# A second run computes nothing and gives the same table and the same bytes; a changed scheme computes only its own cells.
. "${top_srcdir:-.}/tests/cli/functions.sh"
manifest "$tmp/zoo.yaml"
expect_exit 0 run -o "$tmp/a" "$tmp/zoo.yaml"
says stdout '^tiny  *channel  *top1'
says stdout '^tiny  *pow2  *top1'
says stderr 'calibrate 80/80 images'
says stderr 'evaluate 240/240 images'
mv "$tmp/stdout" "$tmp/first"
mkdir "$tmp/kept"
cp "$tmp/a/"results.* "$tmp/a/layers.csv" "$tmp/kept"

expect_exit 0 run --progress json -o "$tmp/a" "$tmp/zoo.yaml"
same "$tmp/first" "$tmp/stdout"
same_results "$tmp/kept" "$tmp/a"
says_not stderr '"event":"calibrate"'
! grep '"event":"evaluate"' "$tmp/stderr" | grep -v '"resumed":240' || fail "the second run evaluates"

# Called as oqz-run it is the same.
ln -s "$OQZ" "$tmp/oqz-run"
(OQZ="$tmp/oqz-run" && expect_exit 0 -o "$tmp/a" "$tmp/zoo.yaml")
same "$tmp/first" "$tmp/stdout"

# A further scheme: what is there already stays.
sed -i 's/^schemes:/&\n  four: {plugin: int8, bits: 4}/' "$tmp/zoo.yaml"
expect_exit 0 run -o "$tmp/a" "$tmp/zoo.yaml"
says stdout '^tiny  *four  *top1'
grep -v ',four,' "$tmp/a/layers.csv" | cmp - "$tmp/kept/layers.csv" || fail "the other schemes' layers changed"
# Without it again.
manifest "$tmp/zoo.yaml"
expect_exit 0 run -o "$tmp/a" "$tmp/zoo.yaml"
same_results "$tmp/kept" "$tmp/a"
