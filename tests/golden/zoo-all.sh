#!/bin/sh
# Real models of all six tasks in one manifest: float beside the three schemes of QuantZoo. On the first two images of each,
# which shows that every cell works; tests/long/zoo.sh has all images and the figures, tests/golden/test_zoo_tasks each image.
. "${top_srcdir:-.}/tests/cli/functions.sh"
zoo=$OQZ_SHARED/zoo
for f in models/superres/fsrcnn_x4.onnx models/classification/squeezenet1.1_mxnet.onnx data/superres/Set5; do
	test -e "$zoo/$f" || { echo "skipped: no $zoo/$f"; exit 77; }
done
OQZ_ZOO=$zoo
export OQZ_ZOO
manifest=$top_srcdir/tests/golden/zoo.yaml
expect_exit 0 validate "$manifest"
expect_exit 0 run --limit 2 --progress none --set models[0].calibration.images=4 --set models[1].calibration.images=4 \
	--select model=squeezenet* --select model=picodet* --select model=simplepose* --select model=espnetv2_s0.5* \
	--select model=en_number-paddle_en --select model=fsrcnn* --select model=super_resolution* -o "$tmp/a" "$manifest"
cat "$tmp/stdout"
test "$(grep -c '"status": "ok"' "$tmp/a/results.json")" = 21 || fail "not 21 cells"
