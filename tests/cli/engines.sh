#!/bin/sh
# Every scheme plugin under the three engines: the error that each layer makes by itself, on equal float inputs, is the same number
# whether the layer runs lowered, simulated in float32, or by the reference kernels. `float` makes none at all.
. "${top_srcdir:-.}/tests/cli/functions.sh"
manifest "$tmp/zoo.yaml"
sed -i '/^schemes:/,/^[a-z]*:$/{/^  /d}' "$tmp/zoo.yaml"
sed -i 's/^schemes:/&\
  int8: {plugin: int8}\
  int8-pow2: {plugin: int8, granularity: tensor, scale: pow2}\
  int8-zero: {plugin: int8, symmetric: false, calibrate: minmax}\
  int8-positional: {plugin: int8, axis: positional, scope: batch}\
  int4-all: {plugin: int8, bits: 4, calibrate: mse}\
  int16: {plugin: int8, bits: 16}\
  weights: {plugin: int8, activations: false}\
  outputs: {plugin: int8, outputs: true}\
  e4m3: {plugin: fp8}\
  e4m3-zoo: {plugin: fp8, scale: candidates, rounding: half-toward-zero}\
  e5m2: {plugin: fp8, format: e5m2, granularity: channel}\
  e3m2: {plugin: fp8, format: e3m2, scale: mse}\
  mxfp8: {plugin: mx}\
  mxfp6: {plugin: mx, format: mxfp6_e2m3}\
  mxfp4: {plugin: mx, format: mxfp4}\
  mxint8: {plugin: mx, format: mxint8}\
  nvfp4: {plugin: mx, format: nvfp4}\
  int4: {plugin: int4}\
  fp16: {plugin: cast}\
  bf16: {plugin: cast, format: bf16}\
  float: {plugin: float}/' "$tmp/zoo.yaml"
for engine in auto sim reference; do
	expect_exit 0 run --engine $engine --limit 3 -o "$tmp/$engine" "$tmp/zoo.yaml"
	# scheme, node, local error
	awk -F, 'NR > 1 { print $2, $4, $7 == "" ? "-" : $7 }' "$tmp/$engine/layers.csv" >"$tmp/$engine.local"
done
test "$(awk '{ print $1 }' "$tmp/auto.local" | sort -u | wc -l)" -eq 21 || fail "not 21 schemes"
# Relative differences: sums of float32 in another order; below 1e-6 of the layer's output nothing is left to compare.
for engine in auto sim; do
	paste -d ' ' "$tmp/reference.local" "$tmp/$engine.local" | awk -v e=$engine '
		$1 != $4 || $2 != $5 { print "other layers: " $0; exit 1 }
		($3 == "-" || $6 == "-") && $1 != "outputs" { print "no error: " $0; exit 1 }
		$3 == "-" || $6 == "-" { next } # a layer that reads a grid of outputs has inputs that the float model does not have
		{ d = $6 - $3; d = d < 0 ? -d : d; n++ }
		$1 == "float" && $6 > 2e-6 { print e ": float is off: " $0; exit 1 }
		d > 2e-3 * $3 + 2e-6 { print e ": " $0; bad = 1 }
		END { exit bad || n < 60 }' || fail "$engine differs from reference"
done
