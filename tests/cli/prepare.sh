#!/bin/sh
# An image becomes the tensor that the model would get: against a formula (tests/golden/preset.sh has real images).
. "${top_srcdir:-.}/tests/cli/functions.sh"
image=$tiny/test/$(sed -n '1s/ .*//p' "$tiny/test.txt")
printf 'steps:\n  - center-crop: 2\n' >"$tmp/plain.yaml"
printf 'steps:\n  - center-crop: 2\n  - normalize: {scale: 64, mean: 1, std: 0.5}\n' >"$tmp/scaled.yaml"
expect_exit 0 prepare --steps "$tmp/plain.yaml" -o "$tmp/plain.npy" "$image"
says stdout '"shape": \[1,3,2,2\]}'
says stdout '"image_width": 48, "image_height": 48, "net_width": 2, "net_height": 2'
expect_exit 0 prepare --steps "$tmp/scaled.yaml" -o "$tmp/scaled.npy" "$image"
npy_values "$tmp/plain.npy" | awk '{ printf "%.6f\n", ($1 / 64 - 1) / 0.5 }' >"$tmp/want"
npy_values "$tmp/scaled.npy" | awk '{ printf "%.6f\n", $1 }' | cmp - "$tmp/want" || fail "normalize"
awk '$1 != int($1 * 32) / 32 { exit 1 }' "$tmp/want" || fail "the image is not of whole numbers"

# A list alone; standard input and output, where the geometry does not run into the tensor.
printf -- '- center-crop: 2\n' >"$tmp/list.yaml"
"$OQZ" prepare --steps - -o - "$image" <"$tmp/list.yaml" >"$tmp/out.npy" 2>"$tmp/stderr" || fail "standard output"
same "$tmp/plain.npy" "$tmp/out.npy"
says stderr '"shape": \[1,3,2,2\]}'
expect_exit 0 prepare --steps "$tmp/list.yaml" -o "$tmp/in.npy" - <"$image"
same "$tmp/plain.npy" "$tmp/in.npy"

expect_exit 2 prepare "$image"
says stderr -- '--steps'
expect_exit 2 prepare --steps no-such-preset "$image"
says stderr 'no-such-preset'
expect_exit 4 prepare --steps "$tmp/plain.yaml" "$tmp/plain.yaml"
says stderr 'plain.yaml'
printf 'steps:\n  - centre-crop: 2\n' >"$tmp/wrong.yaml"
expect_exit 2 prepare --steps "$tmp/wrong.yaml" "$image"
says stderr 'did you mean .center-crop.'

# A picture made smaller, as a picture: MATLAB's imresize, sides rounded up.
printf 'steps:\n  - resize: {scale: 0.3333333333333333, filter: matlab-bicubic}\n' >"$tmp/small.yaml"
expect_exit 0 prepare --steps "$tmp/small.yaml" -o "$tmp/small.png" "$image"
says stdout '"net_width": 16, "net_height": 16'
printf 'steps: []\n' >"$tmp/none.yaml"
expect_exit 0 prepare --steps "$tmp/small.yaml" -o "$tmp/small.npy" "$image"
expect_exit 0 prepare --steps "$tmp/none.yaml" -o "$tmp/again.npy" "$tmp/small.png"
same "$tmp/small.npy" "$tmp/again.npy"
expect_exit 2 prepare --steps "$tmp/scaled.yaml" -o "$tmp/scaled.png" "$image"
says stderr 'no level of 0 to 255'
