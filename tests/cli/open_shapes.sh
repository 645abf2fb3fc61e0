#!/bin/sh
# Models whose batch, height and width are open: the inputs bind them anew in each run. Results whose shape only the data
# tell: NonZero, NonMaxSuppression, a Loop that grows what it carries.
. "${top_srcdir:-.}/tests/cli/functions.sh"
write=${top_builddir:-.}/tests/cli/write_model
test -x "$write" || { echo "skipped: $write is not built"; exit 77; }

# random N SEED: N numbers between -1 and 1
random() { awk -v n="$1" -v s="$2" 'BEGIN { srand(s); for (i = 0; i < n; i++) printf "%.6f ", 2 * rand() - 1 }'; }
# close A B: two files of float32 hold the same numbers up to rounding
close() {
	npy_values "$2" >"$tmp/close"
	npy_values "$1" | paste - "$tmp/close" | awk 'NF != 2 || ($1 - $2) ^ 2 > 1e-8 { exit 1 }' || fail "$1 and $2 differ"
}
# shape_of FILE SHAPE: what the header says (a comma may follow the last length)
shape_of() {
	shape_has=$(head -c 120 "$1" | tr -d '\0' | LC_ALL=C sed -n "s/.*'shape': (\([0-9, ]*\)).*/\1/p")
	shape_want=${2#(} shape_want=${shape_want%)}
	test "${shape_has%,}" = "${shape_want%,}" || fail "$1 is ($shape_has), not $2"
}

weights=$(random 108 7)
"$write" "$tmp/net.onnx" <<END || fail "write_model"
in x float32[?,3,?,?]
w = float32[4,3,3,3]: $weights
half = float32[4]: 1 1 0.5 0.5
c = Conv pads=[1,1,1,1] (x w)
r = Relu (c)
d = Resize mode=linear (r - half)
m = GlobalAveragePool (r)
z = Flatten (m)
out z d
END
# Two images of one size together are the two of them alone; other sizes need no other file.
npy "$tmp/a.npy" "(1, 3, 4, 6)" $(random 72 1)
npy "$tmp/b.npy" "(1, 3, 4, 6)" $(random 72 2)
npy "$tmp/ab.npy" "(2, 3, 4, 6)" $(random 72 1) $(random 72 2)
npy "$tmp/odd.npy" "(1, 3, 7, 5)" $(random 105 3)
for engine in auto reference; do
	for x in a b ab odd; do
		expect_exit 0 infer --engine $engine --input "$tmp/$x.npy" -o "$tmp/$engine-$x" "$tmp/net.onnx"
	done
	shape_of "$tmp/$engine-ab/d.npy" "(2, 4, 2, 3)"
	shape_of "$tmp/$engine-odd/d.npy" "(1, 4, 3, 2)"
	npy "$tmp/both.npy" "(2, 4)" $(npy_values "$tmp/$engine-a/z.npy") $(npy_values "$tmp/$engine-b/z.npy")
	close "$tmp/$engine-ab/z.npy" "$tmp/both.npy"
done
for x in a b ab odd; do
	close "$tmp/auto-$x/z.npy" "$tmp/reference-$x/z.npy"
	close "$tmp/auto-$x/d.npy" "$tmp/reference-$x/d.npy"
done
# What is not open stays so, and an empty batch is no crash.
npy "$tmp/four.npy" "(1, 4, 4, 6)" $(random 96 4)
expect_exit 4 infer --input "$tmp/four.npy" "$tmp/net.onnx"
says stderr 'x'
npy "$tmp/none.npy" "(0, 3, 4, 6)"
expect_exit 0 infer --input "$tmp/none.npy" -o "$tmp/empty" "$tmp/net.onnx"
shape_of "$tmp/empty/z.npy" "(0, 4)"

# NonZero: as many columns as the data have numbers.
"$write" "$tmp/nonzero.onnx" <<'END' || fail "write_model"
in x float32[?]
i = NonZero (x)
f = Cast to=1 (i)
z = Neg (f)
out z
END
npy "$tmp/x.npy" "(5,)" 0 3 0 -2 0
for engine in auto reference; do
	expect_exit 0 infer --engine $engine --input "$tmp/x.npy" -o "$tmp/nz" "$tmp/nonzero.onnx"
	shape_of "$tmp/nz/z.npy" "(1, 2)"
	test "$(npy_values "$tmp/nz/z.npy" | tr '\n' ' ')" = "-1 -3 " || fail "NonZero: $(npy_values "$tmp/nz/z.npy")"
done
npy "$tmp/x.npy" "(2,)" 0 0
expect_exit 0 infer --input "$tmp/x.npy" -o "$tmp/nz" "$tmp/nonzero.onnx"
shape_of "$tmp/nz/z.npy" "(1, 0)"

# NonMaxSuppression on any number of boxes; what follows works with what is left.
"$write" "$tmp/nms.onnx" <<'END' || fail "write_model"
in boxes float32[1,?,4]
in scores float32[1,1,?]
most = int64[1]: 10
iou = float32[1]: 0.5
from = float32[1]: 0.1
n = NonMaxSuppression (boxes scores most iou from)
col = int64[]: 2
i = Gather axis=1 (n col)
flat = int64[2]: -1 4
b = Reshape (boxes flat)
kept = Gather axis=0 (b i)
out kept
END
npy "$tmp/boxes.npy" "(1, 4, 4)" 0 0 1 1 0 0 1 0.9 2 2 3 3 5 5 6 6
npy "$tmp/scores.npy" "(1, 1, 4)" 0.5 0.9 0.8 0.05
for engine in auto reference; do
	expect_exit 0 infer --engine $engine --input "boxes=$tmp/boxes.npy" --input "scores=$tmp/scores.npy" -o "$tmp/nms" "$tmp/nms.onnx"
	shape_of "$tmp/nms/kept.npy" "(2, 4)"
	test "$(npy_values "$tmp/nms/kept.npy" | tr '\n' ' ')" = "0 0 1 0.9 2 2 3 3 " || fail "NMS: $(npy_values "$tmp/nms/kept.npy")"
done

# A Loop whose number of rounds and whose carried value depend on the data: it doubles what it has.
"$write" "$tmp/loop.onnx" <<'END' || fail "write_model"
in x float32[?]
in rounds float32[]
n = Cast to=7 (rounds)
go = bool[]: 1
y each = Loop (n go x)
with body
in i int64[]
in c bool[]
in s float32[?]
c2 = Identity (c)
t = Concat axis=0 (s s)
k = ReduceSum keepdims=0 (t)
end c2 t k:float32[]
z = Neg (y)
out z each
END
npy "$tmp/x.npy" "(2,)" 1 2
for rounds in 0 1 3; do
	npy "$tmp/n.npy" "()" $rounds
	for engine in auto reference; do
		expect_exit 0 infer --engine $engine --input "x=$tmp/x.npy" --input "rounds=$tmp/n.npy" -o "$tmp/loop" "$tmp/loop.onnx"
		test "$(npy_values "$tmp/loop/z.npy" | wc -l)" = $((2 << rounds)) || fail "$rounds rounds: $(npy_values "$tmp/loop/z.npy" | wc -l)"
		shape_of "$tmp/loop/each.npy" "($rounds,)"
	done
done
test "$(npy_values "$tmp/loop/each.npy" | tr '\n' ' ')" = "6 12 24 " || fail "sums: $(npy_values "$tmp/loop/each.npy")"
