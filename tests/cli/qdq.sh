#!/bin/sh
# int8 on a tensor, against the formula: scale 2 max|x| / 255 (free) or the power of two above it, half to even, saturated.
. "${top_srcdir:-.}/tests/cli/functions.sh"
set -- 0.0078125 -0.0234375 0.4140625 -0.96875 0.71875 1.5 -1.984375 0.0703125 -0.1015625 1.25 0.5 -0.25
npy "$tmp/x.npy" "(3, 4)" "$@"
npy_values "$tmp/x.npy" | awk '{ printf "%.9g\n", $1 }' >"$tmp/x"
printf '%s\n' "$@" | awk '{ printf "%.9g\n", $1 }' | cmp - "$tmp/x" || fail "the test's own writing of .npy"

# near A B: the same numbers up to what float32 keeps of a product
near() { paste "$1" "$2" | awk 'NF != 2 || $1 - $2 > 5e-7 || $2 - $1 > 5e-7 { print; bad = 1 } END { exit bad }'; }

# formula BITS SCALE: of the numbers in $tmp/x (SCALE free: 2 max|x| / (codes - 1); pow2: the power of two above it)
formula() {
	awk -v bits="$1" -v kind="$2" '
		{ x[NR] = $1; a = $1 < 0 ? -$1 : $1; if (a > max) max = a }
		END {
			top = 2 ^ (bits - 1) - 1; s = 2 * max / (2 ^ bits - 1)
			if (kind == "pow2") { p = 2 ^ -40; while (p < s) p *= 2; s = p }
			for (i = 1; i <= NR; i++) {
				v = x[i] / s; q = v < 0 ? -int(-v + 0.5) : int(v + 0.5)
				if ((v < 0 ? -v : v) % 1 == 0.5 && q % 2) q += v < 0 ? 1 : -1
				if (q > top) q = top
				if (q < -top - 1) q = -top - 1
				printf "%.9g\n", q * s
			}
		}' "$tmp/x"
}
for bits in 8 4; do
	for scale in free pow2; do
		scheme=int8:bits=$bits,scale=$scale,calibrate=minmax
		expect_exit 0 qdq --scheme "$scheme" -o "$tmp/y.npy" --plan "$tmp/plan.json" "$tmp/x.npy"
		npy_values "$tmp/y.npy" >"$tmp/y"
		formula $bits $scale >"$tmp/want"
		near "$tmp/want" "$tmp/y" || fail "$scheme"
		# The plan alone gives the same again.
		expect_exit 0 qdq --plan "$tmp/plan.json" -o "$tmp/z.npy" "$tmp/x.npy"
		same "$tmp/y.npy" "$tmp/z.npy"
	done
done
# Weights: a scale for each row.
expect_exit 0 qdq --scheme int8 --role weight --axis 0 -o "$tmp/w.npy" --plan "$tmp/plan.json" "$tmp/x.npy"
for row in 1 2 3; do
	npy_values "$tmp/x.npy" | sed -n "$((row * 4 - 3)),$((row * 4))p" >"$tmp/x"
	formula 8 free
done >"$tmp/want"
npy_values "$tmp/w.npy" >"$tmp/y"
near "$tmp/want" "$tmp/y" || fail "per channel"

expect_exit 2 qdq "$tmp/x.npy"
says stderr 'give --scheme, or --plan alone'
expect_exit 2 qdq --scheme int8:bit=8 "$tmp/x.npy"
says stderr 'did you mean .bits.'
expect_exit 2 qdq --scheme int8:calibrate=kl,bins=1000 "$tmp/x.npy"
says stderr 'a power of two up to 8192, or 0, not 1000'
expect_exit 3 qdq --scheme int7 "$tmp/x.npy"
expect_exit 2 qdq --scheme int8 --role wheight "$tmp/x.npy"
# Damaged plans are refused by name.
size=$(wc -c <"$tmp/plan.json")
for n in 0 1 $((size / 3)) $((size - 3)); do
	head -c "$n" "$tmp/plan.json" >"$tmp/cut.json"
	expect_exit 4 qdq --plan "$tmp/cut.json" -o "$tmp/never.npy" "$tmp/x.npy"
	says stderr 'cut.json'
done
sed 's/"scale": *\[/"scale": [-1, /' "$tmp/plan.json" >"$tmp/bad.json"
! cmp -s "$tmp/plan.json" "$tmp/bad.json" || fail "the test does not know the plan's form"
expect_exit 4 qdq --plan "$tmp/bad.json" -o "$tmp/never.npy" "$tmp/x.npy"
says stderr 'bad.json'
test ! -e "$tmp/never.npy" || fail "a refused plan gave a result"

# Numbers that are none do not count in the scale of a block of 4-bit weights: these have their scale from 1.5, as if alone.
printf '\200\177' >"$tmp/inf"
npy "$tmp/x.npy" "(1, 4)" 1.5 0.5 -1 0
size=$(wc -c <"$tmp/x.npy")
dd if="$tmp/inf" of="$tmp/x.npy" bs=1 seek=$((size - 2)) conv=notrunc 2>"$tmp/dd"
for scale in amax mse; do
	expect_exit 0 qdq --scheme "int4:scale=$scale" --role weight -o "$tmp/y.npy" --plan "$tmp/plan.json" "$tmp/x.npy"
	grep -q '"scale": \[0\.[12][0-9]*\]' "$tmp/plan.json" || fail "int4:scale=$scale with infinity: $(cat "$tmp/plan.json")"
done
# mse of small floats gives powers of two however far the format's largest value (e5m2 of bias -30: 2^60) lies above the tensor.
npy "$tmp/x.npy" "(1, 4)" 1.5 0.5 -1 0.25
expect_exit 0 qdq --scheme fp8:format=e5m2finite,bias=-30,scale=mse -o "$tmp/y.npy" "$tmp/x.npy"
npy_values "$tmp/x.npy" >"$tmp/x"
npy_values "$tmp/y.npy" >"$tmp/y"
cmp "$tmp/x" "$tmp/y" || fail "fp8:scale=mse: not on the grid that holds all four"
