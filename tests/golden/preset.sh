#!/bin/sh
# Installed presets on JPEGs, as the program gives them to a model: the bytes that the originals give (their sums; torchvision
# and Pillow's for ImageNet).
. "${top_srcdir:-.}/tests/cli/functions.sh"
requires gzip
images=$OQZ_SHARED/golden/metrics/images
test -d "$images" || { echo "skipped: no $images"; exit 77; }
crc32() { gzip -c | tail -c 8 | od -A n -t u4 -N 4 | tr -d ' '; } # gzip's trailer has it

# preset, shape of the tensor, image, its sum
while read -r preset shape file sum; do
	expect_exit 0 prepare --steps "$preset" -o "$tmp/x.npy" "$images/$file.JPEG"
	says stdout "\"shape\": \[$shape\]"
	got=$(tail -c $((4 * $(echo "$shape" | tr , "*"))) "$tmp/x.npy" | crc32)
	test "$got" = "$sum" || fail "$preset, $file: CRC-32 $got, not $sum"
done <<END
imagenet-256-224-bilinear 1,3,224,224 n01871265_tusker 2312806183
imagenet-256-224-bilinear 1,3,224,224 n01644373_tree_frog 743284726
imagenet-256-224-bilinear 1,3,224,224 n02094258_Norwich_terrier 3440935921
imagenet-256-224-bilinear 1,3,224,224 n03804744_nail 1956778601
imagenet-256-224-bilinear 1,3,224,224 n04442312_toaster 3224831052
END
