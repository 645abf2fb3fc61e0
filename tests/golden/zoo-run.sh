#!/bin/sh
# The example manifest on real ImageNet models and images, where they are there: accuracy in float is what other runtimes get on
# the same 200 images, every layer has a row, quantization in int8 per channel costs little.
. "${top_srcdir:-.}/tests/cli/functions.sh"
zoo=$OQZ_SHARED/zoo
for f in models/classification/squeezenet1.1_mxnet.onnx models/classification/mobilenet_v2_1.0_224_tf2ptq_deq_f32.onnx \
	models/classification/mobilenet_v2_1.0_224_tf2ptq_qdq_int8.onnx data/imagenet/test.txt; do
	test -f "$zoo/$f" || { echo "skipped: no $zoo/$f"; exit 77; }
done
OQZ_ZOO=$zoo
export OQZ_ZOO
expect_exit 0 run --progress none -o "$tmp/a" "$top_srcdir/etc/examples/imagenet.yaml"
cat "$tmp/stdout"
expect_exit 0 report --format json "$tmp/a"
same "$tmp/a/results.json" "$tmp/stdout"

# right MODEL LEAST MOST: how many of the 200 images the float model gets right (the `float` list has one line a model)
right() {
	sed -n '/^  "float": \[/,$p' "$tmp/a/results.json" | grep "\"model\": \"$1\"" |
		sed -n 's/.*"top1": \([0-9.]*\).*/\1/p' >"$tmp/top1"
	awk -v lo="$2" -v hi="$3" '{ n = $1 * 200; print; bad = n < lo - 0.01 || n > hi + 0.01 }
		END { exit bad || NR != 1 }' "$tmp/top1" || fail "$1: float top-1 $(cat "$tmp/top1"), not $2 to $3 of 200"
}
right squeezenet1.1 134 134
right mobilenet-v2 177 177

# layers MODEL SCHEME COUNT
layers() {
	n=$(grep -c "^$1,$2," "$tmp/a/layers.csv" || :)
	test "$n" -eq "$3" || fail "$1 $2: $n layers, not $3"
}
for scheme in int8-channel int8-pow2; do
	layers squeezenet1.1 $scheme 26
	layers mobilenet-v2 $scheme 53
done
# The model that another tool quantized, as a lane: its node names are others and some are names of other layers of the float
# model, yet all 53 layers find theirs (the weights lie on the lane's grid: no error of their own), the first has only its
# own error (taken on fewer images), and it scores what ONNX Runtime scores with it.
layers mobilenet-v2 tflite-int8 53
awk -F, '$2 == "tflite-int8" { n++; if ($10 > 1e-6) bad = 1; if ($3 == 0 && ($6 > 1.1 * $7 || $6 < 0.9 * $7)) bad = 1; if ($6 > 0.3) bad = 1 }
	END { exit bad || n != 53 }' "$tmp/a/layers.csv" || fail "tflite-int8: a layer is compared with another one"
awk -F, '$2 == "tflite-int8" && $5 == "top1" { n++; hits = $7 * 200; print hits; if (hits < 172.5 || hits > 177.5) bad = 1 }
	END { exit bad || n != 1 }' "$tmp/a/results.csv" || fail "tflite-int8 does not score 175 +- 2 of 200"
test "$(cut -d , -f 1 "$tmp/a/layers.csv" | sort -u | wc -l)" -eq 3 || fail "layers of models that were not quantized"
# A loss that is worth more than a few images would be a fault of ours.
awk -F , '$2 == "int8-channel" && $5 == "top1" { n++; if ($8 < -0.04) bad = 1 } END { exit bad || n != 2 }' "$tmp/a/results.csv" ||
	fail "int8 per channel loses more than 4 points"
