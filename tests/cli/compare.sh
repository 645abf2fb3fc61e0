#!/bin/sh
# Two runs cell by cell: equal ones, another engine, another scheme under the same name, images that only one has, data that
# moved, data that changed, failures; and two plans site by site.
. "${top_srcdir:-.}/tests/cli/functions.sh"
manifest "$tmp/zoo.yaml"
expect_exit 0 run -o "$tmp/a" "$tmp/zoo.yaml"
expect_exit 0 run -o "$tmp/b" -j 1 "$tmp/zoo.yaml"
expect_exit 0 compare "$tmp/a" "$tmp/b"
says stdout '^tiny *(float)'
says stdout '^tiny *channel .* +0.00 '
says stdout '^3 cells in both, 0 with another figure, 0 significantly worse'
says_not stdout 'differs'
# Another engine is what one wants to compare: named, and close.
expect_exit 0 run -o "$tmp/sim" --engine sim "$tmp/zoo.yaml"
expect_exit 0 compare "$tmp/a" "$tmp/sim"
says stdout '(differs: engine)'
# Two bits under the name of a scheme that had eight: a regression, of this cell alone.
sed 's/granularity: channel/granularity: channel, bits: 2/' "$tmp/zoo.yaml" >"$tmp/worse.yaml"
expect_exit 0 run -o "$tmp/worse" "$tmp/worse.yaml"
expect_exit 1 compare "$tmp/a" "$tmp/worse"
says stdout '^tiny *channel .*REGRESSION  (differs: scheme, plan)'
says stdout '1 significantly worse'
expect_exit 0 compare "$tmp/worse" "$tmp/a"
expect_exit 1 compare --json "$tmp/a" "$tmp/worse"
says stdout '"scheme": "channel", "state": "paired".*"regression": true'
says stdout '"scheme": "pow2".*"regression": false'
expect_exit 1 compare --format csv "$tmp/a" "$tmp/worse"
test "$(grep -c '^tiny,channel,paired,top1,' "$tmp/stdout")" -eq 1 || fail "no row of channel's top1"
# What the comparison says is what the ledgers hold: B's figures here are B's own.
grep '"scheme": "channel"' "$tmp/worse/results.json" | sed 's/.*"top1": {[^}]*"quantized": \([0-9.e-]*\).*/\1/' >"$tmp/own"
sed -n 's/^tiny,channel,paired,top1,[^,]*,\([^,]*\),.*/\1/p' "$tmp/stdout" >"$tmp/theirs"
same "$tmp/own" "$tmp/theirs"
# A loss that such a level does not take for one.
expect_exit 0 compare --alpha 1e-300 "$tmp/a" "$tmp/worse"
expect_exit 2 compare --alpha 2 "$tmp/a" "$tmp/worse"
# Fewer images: those that both have.
expect_exit 0 run --limit 10 -o "$tmp/few" "$tmp/zoo.yaml"
expect_exit 0 compare --format csv "$tmp/a" "$tmp/few"
test "$(awk -F, '$2 == "channel" && $4 == "top1" { print $15 }' "$tmp/stdout")" = 10 || fail "not the 10 images of both"
# The same data elsewhere are the same data, and the cells can still be paired when the first place is gone.
copy_tiny "$tmp/moved"
sed "s|$tiny|$tmp/moved|g" "$tmp/zoo.yaml" >"$tmp/moved.yaml"
expect_exit 0 run -o "$tmp/m" "$tmp/moved.yaml"
expect_exit 0 compare "$tmp/a" "$tmp/m"
says_not stdout 'differs'
rm -r "$tmp/moved"
expect_exit 0 compare "$tmp/m" "$tmp/a"
says stdout '^3 cells in both, 0 with another figure'
# Neither place is there any more: figures without a test.
cp -R "$tmp/m" "$tmp/n"
expect_exit 0 compare "$tmp/m" "$tmp/n"
says stdout 'unpaired: '
says_not stdout REGRESSION
# Another label is another data set.
copy_tiny "$tmp/other"
sed '1s/ [0-9]*$/ 1/;2s/ [0-9]*$/ 2/' "$tiny/test.txt" >"$tmp/other/test.txt"
cmp -s "$tiny/test.txt" "$tmp/other/test.txt" && fail "the list did not change"
sed "s|$tiny|$tmp/other|g" "$tmp/zoo.yaml" >"$tmp/other.yaml"
expect_exit 0 run -o "$tmp/o" "$tmp/other.yaml"
expect_exit 6 compare "$tmp/a" "$tmp/o"
says stdout 'not comparable: the test data'
expect_exit 0 compare --same-data "$tmp/a" "$tmp/o"
says stdout '(differs: data)'
# A task with other parameters measures something else.
sed 's/k: \[1, 3\]/k: [1, 2]/' "$tmp/zoo.yaml" >"$tmp/task.yaml"
expect_exit 0 run -o "$tmp/t" "$tmp/task.yaml"
expect_exit 6 compare --same-data "$tmp/a" "$tmp/t"
says stdout 'the tasks differ'
# Cells of one run alone are named; nothing in common is no comparison.
expect_exit 0 run --select scheme=pow2 -o "$tmp/one" "$tmp/zoo.yaml"
expect_exit 0 compare "$tmp/a" "$tmp/one"
says stdout '^tiny *channel .*only in A'
sed 's/id: tiny/id: huge/; s/models: \[tiny\]/models: [huge]/' "$tmp/zoo.yaml" >"$tmp/huge.yaml"
expect_exit 0 run -o "$tmp/h" "$tmp/huge.yaml"
expect_exit 6 compare "$tmp/a" "$tmp/h"
says stdout 'only in B'
says stderr 'no cell in common'
# Plans.
p=$tmp/a/plans/tiny.channel.json
expect_exit 0 compare "$p" "$tmp/b/plans/tiny.channel.json"
says stdout '^0 of [0-9]* common sites differ, 0 are in one plan only$'
expect_exit 0 compare "$p" "$tmp/a/plans/tiny.pow2.json"
says stdout 'input 0 .*: scale x'
says stdout 'axis 0, .* scales against '
expect_exit 0 compare "$p" "$tmp/worse/plans/tiny.channel.json"
says stdout 'int2'
expect_exit 0 compare --json "$p" "$tmp/worse/plans/tiny.channel.json"
says stdout '"changes": \['
says stdout '"kind": "scheme", "name": "", "what": "int8 bits=8 against int8 bits=2"'
# Whatever made the plans differ is named: parameters of the scheme, of its rules, of its improvements, of the calibration; layers;
# outputs; numbers that improvements put in the place of others.
manifest "$tmp/kinds.yaml"
sed -i '/^schemes:/,/^[a-z]*:$/{/^  /d}' "$tmp/kinds.yaml"
sed -i 's/^schemes:/&\
  ema: {plugin: int8, calibrate: {method: ema, momentum: 0.5}}\
  ema9: {plugin: int8, calibrate: {method: ema, momentum: 0.9}}\
  out: {plugin: int8, outputs: true, calibrate: {method: ema, momentum: 0.5}}\
  some: {plugin: int8, exclude: [bank], calibrate: {method: ema, momentum: 0.5}}\
  bias: {plugin: int8, improve: [correct-bias]}\
  bias2: {plugin: int8, improve: [{correct-bias: {images: 2}}]}/' "$tmp/kinds.yaml"
expect_exit 0 calibrate -o "$tmp/k" "$tmp/kinds.yaml"
sed 's/^    task: classify/&\n    calibration: {images: 5}/' "$tmp/kinds.yaml" >"$tmp/five.yaml"
expect_exit 0 calibrate --select scheme=ema -o "$tmp/k5" "$tmp/five.yaml"
plan() { echo "$tmp/k/plans/tiny.$1.json"; }
grep -q '"rule": "ema momentum=0.5 batch=' "$(plan ema)" || fail "momentum is not in the plan"
expect_exit 0 compare "$(plan ema)" "$(plan ema9)"
says stdout '^scheme: int8 momentum=0.5 against int8 momentum=0.9$'
says stdout '^bank input 0 .*: scale x.* (ema momentum=0.5 batch=[0-9]* against ema momentum=0.9 batch='
expect_exit 0 compare "$(plan ema)" "$tmp/k5/plans/tiny.ema.json"
says stdout '^scheme: calibration images=[0-9]* against calibration images=5$'
expect_exit 0 compare "$(plan ema)" "$(plan out)"
says stdout '^scheme: int8 outputs=false against int8 outputs=true$'
says stdout '^bank output 0 (.*): only in B: int8'
expect_exit 0 compare "$(plan some)" "$(plan ema)"
says stdout '^scheme: only in A: exclude=bank$'
says stdout '^bank input 1 (.*): only in B: int8'
expect_exit 0 compare "$(plan bias)" "$(plan bias2)"
says stdout '^scheme: improve correct-bias images=[0-9]* against improve correct-bias images=2$'
says stdout ' input 2: numbers replaced in both, .* of their norm apart$'
expect_exit 0 compare --format csv "$(plan bias)" "$(plan bias2)"
says stdout '^constant,[^,]*,input 2,,1,1,0,'
sed 2d "$p" >"$tmp/less.json"
expect_exit 0 compare "$p" "$tmp/less.json"
says stdout 'only in A'
sed 's/"node": "/"node": "x/' "$p" >"$tmp/alien.json"
expect_exit 6 compare "$p" "$tmp/alien.json"
# Misuse.
expect_exit 2 compare "$tmp/a"
expect_exit 2 compare "$tmp/a" "$p"
expect_exit 2 compare --format xml "$tmp/a" "$tmp/b"
expect_exit 4 compare "$tmp/a" "$tmp/nowhere"
mkdir "$tmp/empty"
expect_exit 4 compare "$tmp/a" "$tmp/empty"
