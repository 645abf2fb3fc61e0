#!/bin/sh
# Broken test images are counted and listed, and change nothing else: the figures are those of a data set without them.
. "${top_srcdir:-.}/tests/cli/functions.sh"
copy_tiny "$tmp/data"
set -- $(sed -n '3p;50p;51p;240p' "$tmp/data/test.txt" | cut -d ' ' -f 1)
sed '3d;50d;51d;240d' "$tmp/data/test.txt" >"$tmp/data/rest.txt"
sed 's/test.txt/rest.txt/' "$tmp/data/tiny.yaml" >"$tmp/data/rest.yaml"
expect_exit 0 run -o "$tmp/rest" "$tmp/data/rest.yaml"

head -c 300 "$tmp/data/test/$1" >"$tmp/cut" && mv "$tmp/cut" "$tmp/data/test/$1" # a PNG that ends early
printf '\377\330\377\340\000\020JFIF' >"$tmp/data/test/$2"                        # the beginning of a JPEG
echo "this is not an image" >"$tmp/data/test/$3"
rm "$tmp/data/test/$4"
expect_exit 0 run -o "$tmp/a" "$tmp/data/tiny.yaml"
for f; do says stderr "tiny: image .*$f failed: ."; done
grep -q '"images": 236, "failed_images": 4' "$tmp/a/results.json" || fail "failed images are not counted"
figures() { cut -d , -f 1-13,15- "$1/results.csv"; } # without the column that counts failures
head -1 "$tmp/a/results.csv" | cut -d , -f 13,14 | grep -qx 'images,failed_images' || fail "other columns than this test knows"
figures "$tmp/a" >"$tmp/a.figures"
figures "$tmp/rest" | cmp - "$tmp/a.figures" || fail "the other images' figures changed"
# Said again from the ledger.
expect_exit 0 run -o "$tmp/a" "$tmp/data/tiny.yaml"
for f; do says stderr "tiny: image .*$f failed: ."; done

# All broken: nothing is left to take a figure from.
for f in "$tmp/data/test/"*.png; do echo broken >"$f"; done
expect_exit 4 run -o "$tmp/b" "$tmp/data/tiny.yaml"
# A broken calibration image would shift every plan: the model fails and the image is named.
copy_tiny "$tmp/data2"
bad=$(sed -n '5s/ .*//p' "$tmp/data2/calib.txt")
echo broken >"$tmp/data2/calib/$bad"
expect_exit 4 run -o "$tmp/c" "$tmp/data2/tiny.yaml"
says stderr "calibration image .*$bad"
