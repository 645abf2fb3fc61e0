#!/bin/sh
# An installed preset on JPEGs, as the program gives it to a model: the bytes that torchvision and Pillow give (their sums).
. "${top_srcdir:-.}/tests/cli/functions.sh"
requires gzip
images=$OQZ_SHARED/golden/metrics/images
test -d "$images" || { echo "skipped: no $images"; exit 77; }
crc32() { gzip -c | tail -c 8 | od -A n -t u4 -N 4 | tr -d ' '; } # gzip's trailer has it

while read -r file sum; do
	expect_exit 0 prepare --steps imagenet-256-224-bilinear -o "$tmp/x.npy" "$images/$file.JPEG"
	says stdout '"shape": \[1,3,224,224\]'
	got=$(tail -c 602112 "$tmp/x.npy" | crc32)
	test "$got" = "$sum" || fail "$file: CRC-32 $got, not $sum"
done <<END
n01871265_tusker 2312806183
n01644373_tree_frog 743284726
n02094258_Norwich_terrier 3440935921
n03804744_nail 1956778601
n04442312_toaster 3224831052
END
