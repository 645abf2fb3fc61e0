#!/bin/sh
# A quantized model from a file as a lane: what `oqz export` wrote gives the figures of the scheme it was written from; layers
# that were renamed are found; what does not fit fails its own cell and says why; names and keys are checked.
. "${top_srcdir:-.}/tests/cli/functions.sh"
manifest "$tmp/zoo.yaml"
sed -i 's/^schemes:/&\n  f8: {plugin: fp8}/' "$tmp/zoo.yaml"
for s in channel f8; do
	expect_exit 0 export --scheme $s -o "$tmp/$s.onnx" "$tmp/zoo.yaml"
done
with_lanes() { sed "s|^    file: .*|&\n    lanes: {$1}|" "$tmp/zoo.yaml"; }
with_lanes 'again: channel.onnx, again8: f8.onnx' >"$tmp/lanes.yaml"
expect_exit 0 validate --data "$tmp/lanes.yaml"
expect_exit 0 show "$tmp/lanes.yaml"
says stdout 'again: .*channel.onnx'
expect_exit 0 run -o "$tmp/out" "$tmp/lanes.yaml"
says_not stderr 'counterpart'
# The same figures, row by row: metric, error of every layer accumulated and by itself, error of the weights, scales.
figures() { grep "^tiny,$2," "$tmp/out/$1" | cut -d , -f "$3"; }
for pair in channel,again f8,again8; do
	a=${pair%,*} b=${pair#*,}
	figures results.csv $a 4- | head -1 >"$tmp/a"
	figures results.csv $b 4- | head -1 >"$tmp/b"
	test -s "$tmp/a" || fail "no results of $a"
	same "$tmp/a" "$tmp/b"
	figures layers.csv $a 3-12 >"$tmp/a"
	figures layers.csv $b 3-12 >"$tmp/b"
	test "$(wc -l <"$tmp/a")" -ge 3 || fail "no layers of $a"
	same "$tmp/a" "$tmp/b"
done
# Selected like schemes; a second run computes nothing and says the same.
cp "$tmp/out/results.json" "$tmp/before.json"
expect_exit 0 run -o "$tmp/out" "$tmp/lanes.yaml"
same "$tmp/before.json" "$tmp/out/results.json"
expect_exit 0 run --select scheme=again -o "$tmp/one" "$tmp/lanes.yaml"
test "$(grep -c '"scheme": "again' "$tmp/one/results.json")" -eq 1 || fail "--select took other lanes"
# A lane needs no calibration images of its own.
sed -e 's/, calib: calib}/}/' -e '/^  calib:/d' -e 's/schemes: \["\*"\]/schemes: []/' "$tmp/lanes.yaml" >"$tmp/bare.yaml"
expect_exit 0 run --select scheme=again -o "$tmp/bare" "$tmp/bare.yaml"
says stdout 'tiny *again'
# What does not fit is the lane's failure alone.
with_lanes "float: $tiny/tiny.onnx, good: channel.onnx, gone: nowhere.onnx" >"$tmp/bad.yaml"
expect_exit 5 run -o "$tmp/bad" "$tmp/bad.yaml"
grep -q '"scheme": "good".*"status": "ok"' "$tmp/bad/results.json" || fail "the good lane failed too"
says stdout 'no quantized layer'
says stdout 'nowhere.onnx'
expect_exit 4 validate --data "$tmp/bad.yaml"
says stdout 'lane .float'
# Names.
with_lanes 'channel: channel.onnx' >"$tmp/twice.yaml"
expect_exit 2 validate "$tmp/twice.yaml"
says stderr 'lane .channel. has the name of a scheme'
with_lanes 'x: [a, b]' >"$tmp/list.yaml"
expect_exit 2 validate "$tmp/list.yaml"
with_lanes 'x: channel.onnx' | sed 's/lanes:/lames:/' >"$tmp/typo.yaml"
expect_exit 2 validate "$tmp/typo.yaml"
says stderr 'did you mean .lanes'
expect_exit 2 export --scheme again "$tmp/lanes.yaml"
says stderr 'is a file already'
