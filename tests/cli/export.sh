#!/bin/sh
# A scheme's model as ONNX: from the manifest and from its saved plan the same file, which runs and is close to the float model.
. "${top_srcdir:-.}/tests/cli/functions.sh"
# shellcheck disable=SC2046
npy "$tmp/x.npy" "(1, 3, 48, 48)" $(awk 'BEGIN { for (i = 0; i < 6912; i++) print (i * 37 + int(i / 48) * 5) % 256 / 128 - 1 }')
manifest "$tmp/zoo.yaml"
sed -i 's/^schemes:/&\n  f8: {plugin: fp8}\n  ties: {plugin: fp8, rounding: half-toward-zero}/' "$tmp/zoo.yaml"
expect_exit 0 calibrate -o "$tmp/out" "$tmp/zoo.yaml"
for s in channel f8; do
	expect_exit 0 export --scheme $s -o "$tmp/$s.onnx" "$tmp/zoo.yaml"
	expect_exit 0 export --plan "$tmp/out/plans/tiny.$s.json" -o "$tmp/again.onnx" "$tiny/tiny.onnx"
	same "$tmp/$s.onnx" "$tmp/again.onnx"
	expect_exit 0 infer --input "$tmp/x.npy" -o "$tmp/$s" "$tmp/$s.onnx"
done
expect_exit 0 infer --input "$tmp/x.npy" -o "$tmp/float" "$tiny/tiny.onnx"
for s in channel f8; do
	for f in "$tmp/float/"*.npy; do
		npy_values "$f" >"$tmp/a"
		npy_values "$tmp/$s/${f##*/}" >"$tmp/b"
		paste "$tmp/a" "$tmp/b" | awk '
			NF != 2 { exit 1 }
			{ e += ($1 - $2) ^ 2; n += $1 ^ 2 }
			END { exit !(e > 0 && e < 0.1 * n) }' || fail "$s: ${f##*/} is not near the float model's"
	done
done
# What ONNX cannot say is said.
expect_exit 4 export --scheme ties -o "$tmp/ties.onnx" "$tmp/zoo.yaml"
says stderr 'no element type'
test ! -e "$tmp/ties.onnx" || fail "a model was written all the same"
expect_exit 2 export "$tmp/zoo.yaml"
says stderr '4 cells'
expect_exit 2 export --scheme none "$tmp/zoo.yaml"
expect_exit 2 export --plan "$tmp/out/plans/tiny.f8.json" "$tiny/tiny.onnx"
expect_exit 4 export --plan "$tmp/none.json" -o "$tmp/x.onnx" "$tiny/tiny.onnx"
