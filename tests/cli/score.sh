#!/bin/sh
# Figures of predictions made elsewhere: small sets whose answers are plain, and what does not fit together.
# (tests/golden/score.sh has the original programs' figures.)
. "${top_srcdir:-.}/tests/cli/functions.sh"

# classification: the second image has its label on place two
printf 'x/a 1.jpg 1\nb.jpg 0\n' >"$tmp/labels.txt"
printf 'image,score_0,score_1,score_2\nb.jpg,0.2,0.9,0.1\nx/a 1.jpg,1e-3,2.5,-4\n' >"$tmp/scores.csv"
expect_exit 0 score --task classification:k=1:2 --annotations "$tmp/labels.txt" --predictions "$tmp/scores.csv"
says stdout '^{"top1": 0.5, "top2": 1, "nan_rows": 0, "images": 2}$'
npy "$tmp/scores.npy" '(2, 3)' 0 2 1 0 2 1
printf '1\n0\n' >"$tmp/numbers.txt"
expect_exit 0 score --task classification --annotations "$tmp/numbers.txt" --predictions "$tmp/scores.npy"
says stdout '"top1": 0.5, "top5": 1'
expect_exit 4 score --task classification --annotations "$tmp/numbers.txt" --predictions "$tmp/scores.csv"
says stderr "<file> <label>"
sed 2d "$tmp/scores.csv" >"$tmp/less.csv"
expect_exit 4 score --task classification --annotations "$tmp/labels.txt" --predictions "$tmp/less.csv"
says stderr "no scores for 'b.jpg'"
printf 'image,score_0,score_1,score_2\nb.jpg,0.2,x,0.1\n' >"$tmp/word.csv"
expect_exit 4 score --task classification --annotations "$tmp/labels.txt" --predictions "$tmp/word.csv"
says stderr 'word.csv:2: an image and 3 scores expected'
npy "$tmp/short.npy" '(1, 3)' 0 2 1
expect_exit 4 score --task classification --annotations "$tmp/numbers.txt" --predictions "$tmp/short.npy"
says stderr 'a row for each line'

# detection: one of two objects found; standard input; a result for another image
cat >"$tmp/gt.json" <<END
{"images": [{"id": 7, "file_name": "a.jpg"}, {"id": 9, "file_name": "b.jpg"}],
 "categories": [{"id": 3, "name": "cat"}, {"id": 1, "name": "dog"}],
 "annotations": [{"id": 1, "image_id": 7, "category_id": 3, "bbox": [0, 0, 10, 10], "area": 100, "iscrowd": 0},
                 {"id": 2, "image_id": 9, "category_id": 3, "bbox": [5, 5, 10, 10], "area": 100, "iscrowd": 0}]}
END
printf '[{"image_id": 9, "category_id": 3, "bbox": [5, 5, 10, 10], "score": 0.5}]' >"$tmp/dt.json"
expect_exit 0 score --task detection --annotations "$tmp/gt.json" <"$tmp/dt.json"
says stdout '"AR1": 0.5, "AR10": 0.5, "AR100": 0.5, "ARs": 0.5, "ARm": -1, "ARl": -1, "AP_category": {"dog": -1, "cat": 0.50'
printf '[]' >"$tmp/none.json"
expect_exit 0 score --task detection --annotations "$tmp/gt.json" --predictions "$tmp/none.json"
says stdout '^{"AP": 0, '
printf '[{"image_id": 8, "category_id": 3, "bbox": [5, 5, 10, 10], "score": 0.5}]' >"$tmp/other.json"
expect_exit 4 score --task detection --annotations "$tmp/gt.json" --predictions "$tmp/other.json"
says stderr 'results\[0\]: the annotations have no image 8'
printf '[{"image_id": 7, "category_id": 3, "bbox": [5, 5, 10], "score": 0.5}]' >"$tmp/three.json"
expect_exit 4 score --task detection --annotations "$tmp/gt.json" --predictions "$tmp/three.json"
says stderr "'bbox' is not a list of 4 numbers"
printf '[{"image_id": 7, "category_id": 77, "bbox": [5, 5, 1, 1], "score": 1}]' >"$tmp/unknown.json"
expect_exit 0 score --task detection --annotations "$tmp/gt.json" --predictions "$tmp/unknown.json"
says stderr '1 results are of categories that the annotations do not list'

# An annotation with the id 0 is one to be found, unless the original's slip is wanted; that it is there is said.
sed 's/{"id": 1, "image_id"/{"id": 0, "image_id"/' "$tmp/gt.json" >"$tmp/zero.json"
expect_exit 0 score --task detection --annotations "$tmp/zero.json" --predictions "$tmp/dt.json"
says stdout '"AR100": 0.5,'
says stderr 'zero.json: an annotation has the id 0'
expect_exit 0 score --task detection --annotations "$tmp/gt.json" --predictions "$tmp/dt.json"
says_not stderr 'id 0'

# pose: the annotation itself as the result
points=$(awk 'BEGIN { for (i = 0; i < 17; i++) printf "%s%d, %d, 2", i ? ", " : "", 10 + i, 20 + 2 * i }')
cat >"$tmp/persons.json" <<END
{"images": [{"id": 1, "file_name": "a.jpg"}], "categories": [{"id": 1, "name": "person"}],
 "annotations": [{"id": 4, "image_id": 1, "category_id": 1, "bbox": [10, 20, 40, 60], "area": 2000, "iscrowd": 0,
                  "num_keypoints": 17, "keypoints": [$points]}]}
END
printf '[{"image_id": 1, "category_id": 1, "keypoints": [%s], "score": 0.9}]' "$points" >"$tmp/pose.json"
expect_exit 0 score --task pose --annotations "$tmp/persons.json" --predictions "$tmp/pose.json"
says stdout '^{"AP": \(1\|0.9999999[0-9]*\), .*"APL": -1, "AR": 1,'

# ocr
printf 'a.png\thello w\nb.png\tX1\n' >"$tmp/truth.tsv"
printf 'b.png\tx1\na.png\thello w\n' >"$tmp/read.tsv"
expect_exit 0 score --task ocr --annotations "$tmp/truth.tsv" --predictions "$tmp/read.tsv"
says stdout '"accuracy": 0.5, "norm_edit_distance": 0.75'
expect_exit 0 score --task ocr:is_filter=true --annotations "$tmp/truth.tsv" --predictions "$tmp/read.tsv"
says stdout '"accuracy": 1, "norm_edit_distance": 1'
expect_exit 4 score --task ocr --annotations "$tmp/truth.tsv" --predictions "$tmp/gt.json"
says stderr 'gt.json:1'
head -n 1 "$tmp/read.tsv" >"$tmp/one.tsv"
expect_exit 4 score --task ocr --annotations "$tmp/truth.tsv" --predictions "$tmp/one.tsv"
says stderr "no text for 'a.png'"

# segmentation and superres: pictures of the tiny example against themselves
mkdir "$tmp/hr" "$tmp/sr" "$tmp/empty"
first=$(sed -n '1s/ .*//p' "$tiny/test.txt")
cp "$tiny/test/$first" "$tmp/hr/one_HR.${first##*.}"
cp "$tiny/test/$first" "$tmp/sr/one_SR.${first##*.}"
expect_exit 0 score --task superres --annotations "$tmp/hr" --predictions "$tmp/sr"
says stdout '"psnr": null, "ssim": 1, "identical": 1'
expect_exit 4 score --task superres --annotations "$tmp/hr" --predictions "$tmp/empty"
says stderr 'empty: no images'
expect_exit 4 score --task segmentation --annotations "$tmp/empty" --predictions "$tmp/empty"

expect_exit 2 score --annotations "$tmp/truth.tsv"
says stderr -- '--task'
expect_exit 3 score --task tidying --annotations "$tmp/truth.tsv"
expect_exit 2 score --task ocr:is_filtered=true --annotations "$tmp/truth.tsv"
says stderr "did you mean 'is_filter'"
