#!/bin/sh
# The whole zoo on a stand-in with the original's folders, names and formats: it validates, plans, runs to the end, and a part
# of it runs when the rest is missing.
. "${top_srcdir:-.}/tests/cli/functions.sh"
zoo=$tmp/QuantZoo
"$top_builddir/tests/zoo/make_quantzoo" "$zoo" || fail "no stand-in"
manifest=$top_srcdir/etc/quantzoo.yaml
OQZ_ZOO=$zoo
export OQZ_ZOO

expect_exit 0 validate --data "$manifest"
says stderr '50 jobs, no problems'
# In the other profile all but two files fit: B1 and V2-S were trained on larger pictures than the stand-ins take.
expect_exit 4 validate --data "$top_srcdir/etc/quantzoo-reference.yaml"
test "$(grep -c 'model .*: input .* is .*check .prepare' "$tmp/stdout")" = 2 || fail "the reference profile"
if "$OQZ" --help | grep -q '^  plan '; then
	expect_exit 0 plan "$manifest"
	says stdout vit_b_16
fi

expect_exit 0 run -j 2 -o "$tmp/out" "$manifest"
test "$(grep -c '"status": "ok"' "$tmp/out/results.json")" = 150 ||
	test "$(grep -o '"status": "ok"' "$tmp/out/results.json" | grep -c ok)" = 150 || fail "not 150 cells"
layers() { grep "^$1," "$tmp/out/layers.csv"; }
# Rewired: scores are taken before they are squeezed. The decoder's matrix counts as a layer, as in the drivers.
layers yolox_s,int8-channel | grep -q ',MatMul,' || fail "no matrix product in yolox_s"
# What is behind the monitored value of a pose model stays float: two convolutions of three, of which the second makes it.
test "$(layers hrnet_w32,fp8 | wc -l)" = 2 || fail "hrnet_w32 has $(layers hrnet_w32,fp8 | wc -l) layers"
test "$(layers deeppose_res50_coco_256x192,int8-pow2 | grep -c MatMul)" = 0 || fail "a layer behind deeppose's monitored value"
# The transformer's layer normalisation was put together and is quantized; its ranges are extremes, the others' percentiles.
layers vit_b_16,int8-channel | grep -q ',LayerNormalization,' || fail "no layer normalisation in vit_b_16"
grep -q ',calibrate=minmax' "$tmp/out/results.json" || fail "vit_b_16 by percentile"
test "$(grep -o ',calibrate=minmax' "$tmp/out/results.json" | grep -c minmax)" = 2 || fail "more than vit_b_16 by extremes"

# A part of it.
rm "$zoo/Model/yolo/yolox_s.onnx" "$zoo/Data/IC15/rec_gt_test.txt"
rm -r "$zoo/Data/Pose/Calib"
expect_exit 4 validate --data "$manifest"
test "$(wc -l <"$tmp/stdout")" = 3 || fail "each missing file once"
says stdout 'quantzoo.yaml:[0-9]*:[0-9]*: .*rec_gt_test.txt is missing (data set .ic15.: list; en_PP-OCRv3_rec_infer and 5 more)'
expect_exit 5 run -j 2 --keep-going --select tag=detection --select tag=ocr -o "$tmp/part" "$manifest"
says stderr 'yolox_s.onnx is missing (model file; yolox_s)'
says stderr '7 of 16 models lack something and are skipped'
says stdout '^yolov7p5_l '
test "$(grep -o '"status": "skipped"' "$tmp/part/results.json" | grep -c skipped)" = 21 || fail "7 models are not skipped"
says stdout 'skipped'
expect_exit 4 run --keep-going --select tag=pose -o "$tmp/none" "$manifest"
says stderr 'Pose/Calib is missing'
expect_exit 0 run -j 2 --select model=yolov6p5_n,scheme=fp8 -o "$tmp/one" "$manifest"
says_not stderr missing
