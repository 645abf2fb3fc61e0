#!/bin/sh
# What a manifest or a file of results may not say is refused in words, with its place; lists that edit what is below them do.
. "${top_srcdir:-.}/tests/cli/functions.sh"
copy_tiny "$tmp/data"
cd "$tmp/data" || exit 1
cp tiny.yaml whole.yaml

# refuses PREPARE MESSAGE: the tiny manifest with this in the place of its steps; the message has the line in front of it
refuses() {
	sed "s/^      - normalize:.*//; s|^    prepare:|    prepare: $1|" whole.yaml >tiny.yaml
	expect_exit 2 validate tiny.yaml
	says stdout "^$3.*yaml:[0-9]*:[0-9]*: .*$2"
}
refuses imagenet-1 'there is no preset .imagenet-1.'
refuses '{color: bgr}' '.prepare. is a list of steps or the name of a preset'
refuses '[[color, bgr]]' 'a step is .- name., .- name: value. or'
refuses '[{normalize: 1, color: bgr}]' 'a step is .- name., .- name: value. or'
refuses '[greyscale]' 'no preprocessing step is called .greyscale.'
refuses '[{normalize: {scale: 1, mean: [[1]]}}]' '.mean. takes plain values'
refuses '[{normalize: {scale: {a: 1}}}]' 'unknown parameter .scale.a.'
refuses '[{pad: {}}]' 'step pad: exactly one of size and multiple'
echo 'steps: {color: bgr}' >my.yaml
refuses ./my.yaml 'a preset is a list of steps' '.*my.'
# A step may be its name alone.
sed "s/^      - normalize:.*/      - orient\n&/" whole.yaml >tiny.yaml
expect_exit 0 validate tiny.yaml
# Parameters of schemes.
sed 's/method: percentile/colour: red/' whole.yaml >tiny.yaml
expect_exit 2 validate tiny.yaml
says stdout 'tiny.yaml:8:.*unknown parameter .calibrate.colour.'
# [+X, -Y] edits the list of the scheme that is extended: what is named with a minus goes, with a plus comes.
sed 's/^schemes:/&\n  base: {plugin: int8, ops: [Conv, Gemm]}\n  edit: {extends: base, ops: [+MatMul, -Gemm]}/' whole.yaml >tiny.yaml
expect_exit 0 show tiny.yaml
says stdout 'ops: \[Conv, MatMul\]'

# Files that are no results of detection.
echo '{"images": [{"id": 1, "file_name": "a.jpg", "width": 9, "height": 9}], "categories": [{"id": 1, "name": "cat"}],
"annotations": [{"id": 1, "image_id": 1, "category_id": 1, "bbox": [1, 1, 4, 3], "area": 12, "iscrowd": 0}]}' >truth.json
# judges RESULTS MESSAGE
judges() {
	echo "$1" >found.json
	expect_exit 4 score --task detection --annotations truth.json --predictions found.json
	says stderr "found.json.*$2"
}
judges '{"annotations": []}' 'not a list: not a file of COCO results'
judges '[3]' 'not an object'
judges '[{"image_id": 1, "category_id": 1, "bbox": [1, 1, 4, 3], "score": "high"}]' '.score. is not a number'
# The order of the file is no matter: the best of an image count first.
box() { echo "{\"image_id\": 1, \"category_id\": 1, \"bbox\": [$1, 1, 4, 3], \"score\": $2}"; }
echo "[$(box 5 0.3), $(box 1 0.9)]" >found.json
expect_exit 0 score --task detection --annotations truth.json --predictions found.json
cp "$tmp/stdout" "$tmp/one"
echo "[$(box 1 0.9), $(box 5 0.3)]" >found.json
expect_exit 0 score --task detection --annotations truth.json --predictions found.json
same "$tmp/one" "$tmp/stdout"
says stdout '"AP50": \(1\|0.99999\)'
