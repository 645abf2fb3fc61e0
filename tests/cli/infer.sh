#!/bin/sh
# A model on tensors: .npy and .pb in, .npy out, random inputs, what is said when something does not fit.
. "${top_srcdir:-.}/tests/cli/functions.sh"
model=$tiny/tiny.onnx
image=$tiny/test/$(sed -n '1s/ .*//p' "$tiny/test.txt")
printf 'steps:\n  - normalize: {scale: 127.5, mean: 1}\n' >"$tmp/steps.yaml"
expect_exit 0 prepare --steps "$tmp/steps.yaml" -o "$tmp/x.npy" "$image"

expect_exit 0 infer --input "image=$tmp/x.npy" -o "$tmp/a" "$model"
test "$(npy_values "$tmp/a/scores.out.npy" | wc -l)" -eq 10 || fail "not ten scores"
best=$(npy_values "$tmp/a/scores.out.npy" | awk '$1 > m || NR == 1 { m = $1; b = NR - 1 } END { print b }')
test "$best" = "$(sed -n '1s/.* //p' "$tiny/test.txt")" || fail "the first image is taken for class $best"
# The lone input needs no name; every engine says the same up to rounding.
expect_exit 0 infer --input "$tmp/x.npy" -o "$tmp/b" "$model"
same "$tmp/a/scores.out.npy" "$tmp/b/scores.out.npy"
expect_exit 0 infer --input "$tmp/x.npy" --engine reference -o "$tmp/c" "$model"
npy_values "$tmp/c/scores.out.npy" >"$tmp/c.txt"
npy_values "$tmp/a/scores.out.npy" | paste - "$tmp/c.txt" |
	awk '{ d = $1 - $2; if (d > 1e-4 || d < -1e-4) exit 1 }' || fail "the reference engine differs"
# The same numbers as an ONNX TensorProto: dims 1, 3, 48, 48; float; raw data of 27648 bytes.
{
	printf '\010\001\010\003\010\060\010\060\020\001\112\200\330\001'
	tail -c 27648 "$tmp/x.npy"
} >"$tmp/x.pb"
expect_exit 0 infer --input "image=$tmp/x.pb" -o "$tmp/d" "$model"
same "$tmp/a/scores.out.npy" "$tmp/d/scores.out.npy"

expect_exit 2 infer "$model"
says stderr 'input .image. is missing'
expect_exit 2 infer --input "picture=$tmp/x.npy" "$model"
says stderr 'no such input'
expect_exit 4 infer --input "image=$tmp/none.npy" "$model"
says stderr 'none.npy'
npy "$tmp/wrong.npy" "(1, 2)" 1 2
expect_exit 4 infer --input "image=$tmp/wrong.npy" "$model"
says stderr 'image\|shape\|rank'
head -c 200 "$tmp/x.npy" >"$tmp/cut.npy"
expect_exit 4 infer --input "image=$tmp/cut.npy" "$model"
says stderr 'cut.npy'

# Random numbers follow the seed.
for n in 1 2 3; do expect_exit 0 infer --random $((n / 2)) -o "$tmp/r$n" "$model"; done
same "$tmp/r2/scores.out.npy" "$tmp/r3/scores.out.npy"
! cmp -s "$tmp/r1/scores.out.npy" "$tmp/r2/scores.out.npy" || fail "the seed does not matter"
expect_exit 0 infer --random 1 --repeat 3 -j 2 "$model"
tail -1 "$tmp/stderr" | grep -qx '[0-9.]* images/s' || fail "the last line is not a rate"

# Output names are made into file names: here "scores.out" becomes "sc/res out", of the same length.
sed 's/scores\.out/sc\/res out/g' "$model" >"$tmp/named.onnx"
expect_exit 0 infer --input "$tmp/x.npy" -o "$tmp/e" "$tmp/named.onnx"
same "$tmp/a/scores.out.npy" "$tmp/e/sc_res_out.npy"
