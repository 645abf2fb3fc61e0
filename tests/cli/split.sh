#!/bin/sh
# Splits of data sets: disjoint parts of the wanted sizes, the same every time, with annotation files of their own.
# (tests/unit/test_split.c has the hash and the golden lists.)
. "${top_srcdir:-.}/tests/cli/functions.sh"

# files: folders, lists sorted by name, digests
for class in a b; do
	mkdir -p "$tmp/images/$class"
	for i in 1 2 3 4 5 6; do : >"$tmp/images/$class/$class$i.JPEG"; done
done
: >"$tmp/images/a/notes.txt"
expect_exit 0 split imagenet --calib 4 --test 5 -o "$tmp/out" "$tmp/images"
test "$(wc -l <"$tmp/out/calib.txt")" -eq 4 || fail "calib.txt"
test "$(wc -l <"$tmp/out/test.txt")" -eq 5 || fail "test.txt"
test -z "$(sort "$tmp/out/calib.txt" "$tmp/out/test.txt" | uniq -d)" || fail "the parts overlap"
sort -c "$tmp/out/calib.txt" || fail "not sorted"
grep -q "\"calib_sha256\": \"$(sha256sum <"$tmp/out/calib.txt" | cut -d' ' -f1)\"" "$tmp/out/split.json" || fail "split.json"
expect_exit 0 split imagenet --calib 4 --test 5 -o "$tmp/again" "$tmp/images"
for f in calib.txt test.txt split.json; do same "$tmp/out/$f" "$tmp/again/$f"; done
expect_exit 0 split imagenet --calib 4 --test 5 --seed 7 -o "$tmp/other" "$tmp/images"
! cmp -s "$tmp/out/calib.txt" "$tmp/other/calib.txt" || fail "the seed changes nothing"
expect_exit 0 split imagenet --calib 4 --test 4 --stratified -o "$tmp/strata" "$tmp/images"
test "$(grep -c '^a/' "$tmp/strata/calib.txt")" -eq 2 || fail "not stratified"
expect_exit 4 split imagenet --calib 8 --test 5 -o "$tmp/none" "$tmp/images"
says stderr '8 + 5 are wanted, there are 12'
: >"$tmp/images/b/a1.JPEG"
expect_exit 4 split imagenet --calib 4 --test 5 -o "$tmp/none" "$tmp/images"
says stderr 'same name'

# persons: image 1 has three, one a crowd; image 2 one whose box is outside the image; 3 to 6 one each
person() { printf '{"id": %s, "image_id": %s, "category_id": 1, "iscrowd": %s, "num_keypoints": 3, "bbox": [%s, 5, 10, 10]}' "$@"; }
{
	printf '{"categories": [{"id": 1, "name": "person"}], "images": ['
	for i in 1 2 3 4 5 6; do printf '%s{"id": %s, "file_name": "%s.jpg", "width": 100, "height": 80}' "$comma" $i $i; comma=,; done
	printf '], "annotations": [%s, %s, %s, %s' "$(person 11 1 0 5)" "$(person 12 1 0 30)" "$(person 13 1 1 30)" "$(person 20 2 0 99)"
	for i in 3 4 5 6; do printf ', %s' "$(person ${i}0 $i 0 50)"; done
	printf ']}'
} >"$tmp/persons.json"
# ids KEY FILE: values of a key, in order
ids() { grep -o "\"$1\":[0-9]*" "$2" | cut -d: -f2 | sort -u; }
for how in '' --by-image; do
	# shellcheck disable=SC2086
	expect_exit 0 split persons $how --calib 3 --test 2 -o "$tmp/whole" "$tmp/persons.json"
	for part in calib test; do ids image_id "$tmp/whole/$part/PersonAnnotation.json"; done >"$tmp/used"
	test -z "$(sort "$tmp/used" | uniq -d)" || fail "an image is in both parts"
	says_not used '^2$'
	grep -q '"name":"person"' "$tmp/whole/test/PersonAnnotation.json" || fail "no categories"
	! grep -q '"id":13[,}]' "$tmp"/whole/*/PersonAnnotation.json || fail "a crowd"
done
expect_exit 0 split persons --by-person --calib 3 --test 3 -o "$tmp/single" "$tmp/persons.json"
sort "$tmp/single/calib.txt" "$tmp/single/test.txt" >"$tmp/drawn"
printf '11\n12\n30\n40\n50\n60\n' | cmp - "$tmp/drawn" || fail "not all that can be drawn"
for part in calib test; do
	# annotations of the part, and the images that they are of
	tr '{' '\n' <"$tmp/single/$part/PersonAnnotation.json" | sed -n 's/.*"id":\([0-9]*\).*"image_id".*/\1/p' | sort |
		cmp - "$tmp/single/$part.txt" || fail "$part: annotations"
	tr '{' '\n' <"$tmp/single/$part/PersonAnnotation.json" | sed -n 's/.*"id":\([0-9]*\).*"file_name".*/\1/p' | sort >"$tmp/images.ids"
	ids image_id "$tmp/single/$part/PersonAnnotation.json" | cmp - "$tmp/images.ids" || fail "$part: images"
done
expect_exit 2 split persons --by-person --by-image -o "$tmp/none" "$tmp/persons.json"
expect_exit 2 split coco --by-person -o "$tmp/none" "$tmp/persons.json"
says stderr 'for persons'
expect_exit 4 split persons --calib 5 --test 2 -o "$tmp/none" "$tmp/persons.json"
says stderr '5 + 2 are wanted, there are 6'

# detection: images without annotations stay
expect_exit 0 split coco --calib 2 --test 4 -o "$tmp/coco" "$tmp/persons.json"
cat "$tmp"/coco/*.txt | sort | uniq | wc -l | grep -q '^ *6$' || fail "coco"
test -f "$tmp/coco/test/DetectionAnnotation.json" || fail "no annotation file"
expect_exit 2 split pictures -o "$tmp/none" "$tmp/images"
says stderr 'imagenet, cityscapes, coco or persons'
