#!/bin/sh
# A model cut and rewired from the manifest: other outputs, sizes for open inputs, another calibration than the scheme's.
. "${top_srcdir:-.}/tests/cli/functions.sh"
# change LINE: the tiny manifest with a line more in its model
change() { manifest "$tmp/zoo.yaml" && sed -i "s|^    task: classify|&\n    $1|" "$tmp/zoo.yaml"; }

change 'outputs: [+sum.relu.out]'
sed -i 's|plugin: classification,|& output: scores.out,|' "$tmp/zoo.yaml"
expect_exit 0 run -o "$tmp/more" "$tmp/zoo.yaml"
expect_exit 0 run -o "$tmp/plain" "$tiny/tiny.yaml"
cut -d, -f1-8 "$tmp/more/layers.csv" >"$tmp/a"
cut -d, -f1-8 "$tmp/plain/layers.csv" | cmp - "$tmp/a" || fail "one more output changed the layers"

# An output taken out of the middle: what is behind it is gone.
change 'outputs: [flatten.out]'
expect_exit 0 run --limit 2 -o "$tmp/cut" "$tmp/zoo.yaml"
grep -q ',Gemm,' "$tmp/cut/layers.csv" && fail "the read-out is still there"
grep -q ',Conv,' "$tmp/cut/layers.csv" || fail "no layers"

for bad in 'outputs: [-scores.out]' 'outputs: [+scores.out]' 'outputs: [+flatten.uot]' 'outputs: [-flatten.out]' \
	'outputs: [+flatten.out, scores.out]' 'inputs: {image: [1, 3, 32, 32]}' 'inputs: {picture: [1, 3, 48, 48]}' \
	'inputs: {image: [1, 3, x, 48]}'; do
	change "$bad"
	expect_exit 2 validate --data "$tmp/zoo.yaml"
done
change 'outputs: [+flatten.uot]'
expect_exit 2 validate --data "$tmp/zoo.yaml"
says stdout 'zoo.yaml:[0-9]*:[0-9]*: .*did you mean .flatten.out.'
change 'inputs: {image: ["?", 3, 48, 48]}'
expect_exit 0 validate --data "$tmp/zoo.yaml"
# What the inputs' extents are belongs to a result's identity.
for inputs in '"?", 3, 48, 48' '1, 3, 48, 48' '"?", 3, 48, 48'; do
	change "inputs: {image: [$inputs]}"
	expect_exit 0 run --limit 2 --progress json -o "$tmp/sized" "$tmp/zoo.yaml"
	sed -n 's/.*"event":"evaluate".*"resumed":\([0-9]*\).*/\1/p' "$tmp/stderr" | tail -1 >>"$tmp/resumed"
done
test "$(tr '\n' ' ' <"$tmp/resumed")" = "0 0 2 " || fail "resumed: $(tr '\n' ' ' <"$tmp/resumed")"

change 'calibration: {method: minmax}'
expect_exit 0 run --limit 2 -o "$tmp/minmax" "$tmp/zoo.yaml"
grep -q ',calibrate=minmax' "$tmp/minmax/results.json" || fail "calibration: method is not used"
change 'calibration: {method: minimax}'
expect_exit 2 validate "$tmp/zoo.yaml"
says stdout 'scheme .channel. for model .tiny.'

# The names that all of this means, as the program lists them.
expect_exit 0 describe "$tiny/tiny.onnx"
says stdout '^input image float32\[1,3,48,48\]$'
says stdout '^flatten.out float32\[1,192\] = Flatten(average.out) {axis=1}  # flatten$'
says stdout '^output scores.out float32\[1,10\]$'
expect_exit 2 describe --pass +fuse-biaz "$tiny/tiny.onnx"
says stderr "did you mean 'fuse-bias'"
expect_exit 4 describe "$tmp/nowhere.onnx"
echo damaged >"$tmp/damaged.onnx"
expect_exit 4 describe "$tmp/damaged.onnx"
change 'watch: [flatten.uot]'
expect_exit 2 validate --data "$tmp/zoo.yaml"
says stdout 'zoo.yaml:[0-9]*:[0-9]*: watch, .*did you mean .flatten.out.'
change 'passes: [-fuse-bais]'
expect_exit 2 validate "$tmp/zoo.yaml"
says stdout 'zoo.yaml:[0-9]*:[0-9]*: .*did you mean .fuse-bias.'

# No passes are not the default ones: nothing is taken over from a folder that has results of these.
manifest "$tmp/zoo.yaml"
expect_exit 0 run --limit 2 -o "$tmp/passes" "$tmp/zoo.yaml"
change 'passes: []'
expect_exit 0 run --limit 2 --progress json -o "$tmp/passes" "$tmp/zoo.yaml"
says stderr '"resumed":0,'
says_not stderr '"resumed":[1-9]'
