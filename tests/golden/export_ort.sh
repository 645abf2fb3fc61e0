#!/bin/sh
# ONNX Runtime loads what `oqz export` writes, at its default level of optimization, and makes of every layer, on equal inputs, what oqz makes of it: schemes that ONNX
# can say, per tensor, per channel, per block, asymmetric, mixed, on real models of several kinds. Needs node with the npm
# package onnxruntime-node (OQZ_BENCH_NODE_PATH: folder that holds node_modules) and the models below $OQZ_SHARED.
. "${top_srcdir:-.}/tests/cli/functions.sh"
requires node
models=$OQZ_SHARED/zoo/models
test -n "$OQZ_BENCH_NODE_PATH" || { echo "skipped: OQZ_BENCH_NODE_PATH names no folder with onnxruntime-node"; exit 77; }
test -d "$OQZ_BENCH_NODE_PATH/node_modules/onnxruntime-node" || { echo "skipped: no onnxruntime-node"; exit 77; }
test -f "$models/superres/fsrcnn_x4.onnx" || { echo "skipped: no $models"; exit 77; }
# An integer layer has no error but that of the last float operations: far below the step of a grid, which 1e-3 is.
OQZ_PEER_RTOL=2e-5 OQZ_PEER_ATOL=2e-5
export OQZ_PEER_RTOL OQZ_PEER_ATOL

# Scales do not matter here, only that there are some: a plan is made on noise pictures by the tiny data set's calibration
# images, brought to the model's size.
cat >"$tmp/zoo.yaml" <<EOF
oqz: 1
datasets:
  test: {reader: list, root: $tiny/test, list: $tiny/test.txt}
  calib: {reader: list, root: $tiny/calib, list: $tiny/calib.txt}
tasks:
  any: {plugin: classification, k: [1], test: test, calib: calib}
schemes:
  int8-channel: {plugin: int8, granularity: channel}
  int8-pow2: {plugin: int8, granularity: tensor, scale: pow2}
  int8-asym: {plugin: int8, granularity: channel, symmetric: false, calibrate: minmax}
  int8-positional: {plugin: int8, axis: positional}
  int8-outputs: {plugin: int8, outputs: true}
  int16: {plugin: int8, bits: 16, calibrate: minmax}
  int16-asym: {plugin: int8, bits: 16, symmetric: false, granularity: tensor, calibrate: minmax}
  int4-acts: {plugin: int8, bits: 4}
  int4-block: {plugin: int4, block: 32}
  int4-asym: {plugin: int4, block: 16, symmetric: false, scale: mse}
  fp8: {plugin: fp8, format: e4m3fn}
  fp8-e5m2: {plugin: fp8, format: e5m2, granularity: channel}
  fp8-outputs: {plugin: fp8, outputs: true}
  int8-improved: {plugin: int8, granularity: tensor, improve: [equalize, {migrate: {insert: true, images: 1}}, {correct-bias: {images: 1}}]}
  mixed: {plugin: int8, overrides: [{ops: [MatMul, Gemm], symmetric: false}, {nodes: ["*1*"], bits: 16, granularity: tensor, calibrate: minmax}]}
models:
EOF
# model ID FILE "WIDTH, HEIGHT" ORDER: a row, where the file is there
model() {
	test -f "$models/$2" || return 0
	printf '  - {id: %s, file: %s, task: any, calibration: {images: 1}, prepare: [%s{resize: {size: [%s]}}, {normalize: {scale: 127.5, mean: 1}}]}\n' \
		"$1" "$models/$2" "$4" "$3" >>"$tmp/zoo.yaml"
	ids="$ids $1"
}
ids=
model fsrcnn superres/fsrcnn_x4.onnx "48, 40" '{color: y}, '
model squeezenet classification/squeezenet1.1_mxnet.onnx "224, 224" ''
model mobilenet classification/mobilenet_v2_1.0_224_tf2ptq_deq_f32.onnx "224, 224" ''
model espnet segmentation/espnetv2_s0.5_city_256x512.onnx "512, 256" ''
model ocr ocr/en_number_mobile_v2.0_rec_infer.onnx "96, 32" ''
model simplepose pose/simplepose_nano.onnx "192, 256" ''
model picodet detection/picodet_s_320.onnx "320, 320" ''
model tinynet ../../golden/quantization/e2e/tinynet.onnx "64, 64" ''
model tinyvit ../../golden/quantization/e2e/tinyvit.onnx "64, 64" ''
expect_exit 0 calibrate --progress none -o "$tmp/out" "$tmp/zoo.yaml"

# opset ID SCHEME: the operator set that the export must have, by what the scheme says
opset() {
	case $1 in
	int8-*) echo 13 ;;
	fp8*) echo 19 ;;
	*) echo 21 ;;
	esac
}
# dims ID: extents of the unknown dims of its input
dims() {
	case $1 in
	fsrcnn) echo 40 48 ;;
	squeezenet) echo 1 ;;
	ocr) echo 1 32 96 ;;
	tiny*) echo 1 ;;
	esac
}
# Everything on two models, on the others what differs with the operators. (Four and eight bits of activations in one model are
# not asked for: ONNX Runtime 1.30 overruns its buffers there.)
schemes() {
	case $1 in
	fsrcnn | squeezenet) echo int8-channel int8-pow2 int8-asym int8-outputs int16 int16-asym int4-acts int4-block int4-asym fp8 fp8-e5m2 fp8-outputs mixed ;;
	tinynet | tinyvit) echo int8-channel int8-positional int8-asym int8-outputs int16 int4-acts int4-block int4-asym fp8 fp8-e5m2 fp8-outputs ;;
	ocr) echo int8-channel int8-asym fp8 fp8-e5m2 fp8-outputs mixed ;;
	mobilenet | picodet) echo int8-channel int8-asym int8-improved fp8 mixed ;;
	*) echo int8-channel int8-asym fp8 mixed ;;
	esac
}
# level SCHEME: of optimization. From the second on, the peer multiplies matrices of 4 bits by activations that it rounds to 8
# (MatMulNBits), which is another result by its own choice.
level() {
	case $1 in
	int4-*) echo basic ;;
	*) echo all ;;
	esac
}
failed=0
for id in $ids; do
	file=$(sed -n "s|.*id: $id, file: \([^,]*\),.*|\1|p" "$tmp/zoo.yaml")
	for scheme in $(schemes "$id"); do
		plan=$tmp/out/plans/$id.$scheme.json
		test -f "$plan" || fail "no plan $id.$scheme"
		expect_exit 0 export --plan "$plan" -o "$tmp/$id.$scheme.onnx" "$file"
		says stderr "operator set $(opset "$scheme"),"
		# codes instead of numbers: an export must not be as large as the model
		if test "$(wc -c <"$file")" -gt 1000000; then
			test "$(wc -c <"$tmp/$id.$scheme.onnx")" -lt "$(($(wc -c <"$file") * 3 / 4))" || fail "$id.$scheme: weights are not stored as codes"
		fi
		node "$top_srcdir/bench/peer.mjs" load "$tmp/$id.$scheme.onnx" || fail "$id.$scheme: ONNX Runtime does not load it"
		# shellcheck disable=SC2046
		layers=$(tests/golden/split_layers "$tmp/$id.$scheme.onnx" "$tmp/split.$id.$scheme.onnx" $(dims "$id")) || fail "$id.$scheme cannot be taken apart"
		echo "$id.$scheme: $layers"
		OQZ_PEER_LEVEL=$(level "$scheme") node "$top_srcdir/bench/peer.mjs" agree "$OQZ" "$tmp/split.$id.$scheme.onnx" || failed=$((failed + 1))
		rm -f "$tmp/$id.$scheme.onnx" "$tmp/split.$id.$scheme.onnx"
	done
done
test "$failed" -eq 0 || fail "$failed exports do not give in ONNX Runtime what they give here"
# What ONNX has no words for is an error that names the layer.
for bad in '{plugin: fp8, rounding: half-toward-zero}' '{plugin: mx, format: mxfp4}' '{plugin: int8, bits: 5}' '{plugin: fp8, format: e3m4}'; do
	sed "s/^schemes:/&\n  bad: $bad/" "$tmp/zoo.yaml" >"$tmp/bad.yaml"
	expect_exit 4 export --model fsrcnn --scheme bad -o "$tmp/bad.onnx" "$tmp/bad.yaml"
	says stderr 'no element type'
	test ! -e "$tmp/bad.onnx" || fail "a file all the same for $bad"
done
