#!/bin/sh
# oqz score against the figures of the original programs: pycocotools, cityscapesScripts, PaddleOCR, mmediting.
. "${top_srcdir:-.}/tests/cli/functions.sh"
golden=$OQZ_SHARED/golden/metrics
test -d "$golden" || { echo "skipped: no $golden"; exit 77; }

# figures NAME...: of the last call, one a line
figures() { for key; do sed -n 's/.*"'"$key"'": \([-0-9.e]*\)[,}].*/\1/p' "$tmp/stdout"; done; }
# json_list KEY FILE: numbers of the first list of that name
json_list() { tr -d '\n ' <"$2" | sed 's/.*"'"$1"'":\[\([^]]*\)\].*/\1/' | tr ',' '\n'; }
# first_number KEY FILE: the first value of that key (a file without blanks)
first_number() { grep -o '"'"$1"'":[-0-9.e]*' "$2" | head -n 1 | cut -d: -f2; }
# near TOLERANCE WHAT: figures on standard input, expected ones in $tmp/want
near() {
	paste - "$tmp/want" | awk -v t="$1" 'NF != 2 { bad = 1 } { d = $1 - $2; if (d < 0) d = -d; if (!(d <= t)) bad = 1 } END { exit bad || NR == 0 }' ||
		fail "$2: $(figures AP psnr miou accuracy | tr '\n' ' ')"
}

for name in real perfect; do
	expect_exit 0 score --task detection --annotations "$golden/detection/real_gt.json" \
		--predictions "$golden/detection/${name}_dt.json"
	json_list stats "$golden/detection/${name}_expected.json" >"$tmp/want"
	figures AP AP50 AP75 APs APm APl AR1 AR10 AR100 ARs ARm ARl | near 1e-12 "$name"
done
expect_exit 0 score --task pose --annotations "$golden/pose/kp_gt.json" --predictions "$golden/pose/kp_dt.json"
json_list stats "$golden/pose/kp_expected.json" >"$tmp/want"
figures AP AP50 AP75 APM APL AR AR50 AR75 ARM ARL | near 1e-12 keypoints

mkdir "$tmp/truth" "$tmp/found"
cp "$golden"/segmentation/*_gtFine_labelIds.png "$tmp/truth"
cp "$golden"/segmentation/*_pred_labelIds.png "$tmp/found"
for set in all5 first4; do
	expect_exit 0 score --task segmentation --annotations "$tmp/truth" --predictions "$tmp/found"
	tr -d '\n ' <"$golden/segmentation/cityscapesscripts.json" | sed 's/.*"'$set'"//' >"$tmp/part"
	for key in averageScoreClasses averageScoreCategories; do first_number $key "$tmp/part"; done >"$tmp/want"
	figures miou category_miou | near 1e-12 "$set"
	test $set = first4 || { rm -f "$tmp"/*/aachen_000004_*; continue; }
	# mmsegmentation agrees where predictions are classes.
	tr -d '\n ' <"$golden/segmentation/mmseg.json" | sed 's/.*"nanmean"//' >"$tmp/part"
	for key in IoU aAcc Acc; do first_number $key "$tmp/part"; done >"$tmp/want"
	figures miou pixel_accuracy mean_accuracy | near 1e-12 mmseg
done

npy=$golden/classification/topk_logits_f32.npy
json_list labels "$golden/classification/topk.json" >"$tmp/labels.txt"
expect_exit 0 score --task classification --annotations "$tmp/labels.txt" --predictions "$npy"
figures top1 | grep -qx 0.109375 || fail "top1"

# Scores of 64-bit precision that differ in the twelfth digit are not equal: the better box must come first.
cat >"$tmp/gt.json" <<END
{"images": [{"id": 1, "file_name": "a"}], "categories": [{"id": 1, "name": "x"}],
 "annotations": [{"id": 1, "image_id": 1, "category_id": 1, "bbox": [0, 0, 10, 10], "area": 100, "iscrowd": 0}]}
END
cat >"$tmp/dt.json" <<END
[{"image_id": 1, "category_id": 1, "bbox": [50, 50, 9, 9], "score": 0.300000000001},
 {"image_id": 1, "category_id": 1, "bbox": [0, 0, 10, 10], "score": 0.300000000002}]
END
expect_exit 0 score --task detection --annotations "$tmp/gt.json" --predictions "$tmp/dt.json"
echo 1 >"$tmp/want"
figures AP | near 1e-12 "scores in double"

# Real models' boxes on real images.
coco=$OQZ_SHARED/zoo/data/coco/instances.json
for model in yolox_nano_kazuhito picodet_s_320 yolov5n_320; do
	boxes=$OQZ_SHARED/zoo/expected/$model.detections.json
	test -f "$boxes" || { echo "skipped: no $boxes"; continue; }
	expect_exit 0 score --task detection --annotations "$coco" --predictions "$boxes"
	for key in AP AP50 AP75 AP_small AP_medium AP_large AR_1 AR_10 AR_100 AR_small AR_medium AR_large; do
		tr -d '\n ' <"$OQZ_SHARED/zoo/expected/$model.json" >"$tmp/part"
		first_number $key "$tmp/part"
	done >"$tmp/want"
	figures AP AP50 AP75 APs APm APl AR1 AR10 AR100 ARs ARm ARl | near 1e-12 "$model"
done
