#!/bin/sh
# Real models of all six tasks on real images, float and the three schemes of QuantZoo (tests/golden/zoo.yaml). Float figures
# are those that the original evaluation code gives for another runtime's outputs.
. "${top_srcdir:-.}/tests/cli/functions.sh"
zoo=$OQZ_SHARED/zoo
test -d "$zoo/expected" || { echo "skipped: no $zoo/expected"; exit 0; }
OQZ_ZOO=$zoo
export OQZ_ZOO
expect_exit 0 run --progress none -o "$tmp/a" "$top_srcdir/tests/golden/zoo.yaml"
cat "$tmp/stdout"
test "$(grep -c '"status": "ok"' "$tmp/a/results.json")" = 39 || fail "not 39 cells"

# float_is MODEL METRIC VALUE TOLERANCE
float_is() {
	got=$(sed -n '/^  "float": \[/,$p' "$tmp/a/results.json" | grep "\"model\": \"$1\"" | sed -n 's/.*"'"$2"'": \([-0-9.e]*\).*/\1/p')
	awk -v a="$got" -v b="$3" -v t="$4" 'BEGIN { d = a - b; exit a == "" || d > t || d < -t }' || fail "$1: $2 is $got, not $3"
}
# expected MODEL KEY: the first number of that key
expected() { tr -d '\n ' <"$zoo/expected/$1.json" | grep -o '"'"$2"'":[-0-9.e]*' | head -n 1 | cut -d: -f2; }

float_is squeezenet1.1_mxnet top1 0.67 1e-9
float_is squeezenet1.1_mxnet top5 "$(expected squeezenet1.1_mxnet top5)" 1e-9
float_is mobilenet_v2_1.0_224_tf2ptq_deq_f32 top1 "$(expected mobilenet_v2_1.0_224_tf2ptq_deq_f32 top1)" 1e-9
for model in yolox_nano_kazuhito picodet_s_320 yolov5n_320; do
	float_is $model ap "$(expected $model AP)" 1e-3
	float_is $model ap50 "$(expected $model AP50)" 1e-3
	float_is $model ar_100 "$(expected $model AR_100)" 1e-3
done
float_is simplepose_nano ap "$(expected simplepose_nano AP)" 1e-3
float_is simplepose_nano oks "$(expected simplepose_nano mean_own_oks)" 1e-3
float_is simplepose_nano displacement 0 0
for model in espnetv2_s0.5_city_256x512 espnetv2_s2.0_city_512x1024; do
	float_is $model miou "$(expected $model mIoU)" 1e-4
	float_is $model pixel_accuracy "$(expected $model pixel_accuracy)" 1e-4
done
float_is en_number-paddle_en accuracy 1 0
float_is en_number-paddle_imgs_words_en accuracy 0.6 1e-9
float_is en_number-paddle_imgs_words_en norm_edit_distance 0.685714286 1e-8
for model in realesr_animevideov3_x4 fsrcnn_x4 super_resolution_10; do
	float_is $model psnr "$(expected $model psnr)" 1e-3
done
