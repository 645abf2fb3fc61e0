#!/bin/sh
# Activations behind quantized weights have other ranges: the plan of coarse weights changes beyond the first layer, its weights
# do not.
. "${top_srcdir:-.}/tests/cli/functions.sh"
manifest "$tmp/zoo.yaml"
sed -i 's/^schemes:/&\n  coarse: {plugin: int8, calibrate: minmax, overrides: [{ops: [Conv], bits: 3}]}/' "$tmp/zoo.yaml"
sed 's/^    task: classify/&\n    calibration: {weights: quantized}/' "$tmp/zoo.yaml" >"$tmp/quantized.yaml"
expect_exit 0 calibrate -o "$tmp/a" "$tmp/zoo.yaml"
expect_exit 0 calibrate -o "$tmp/b" "$tmp/quantized.yaml"
of_role() { grep "\"role\": \"$2\"" "$tmp/$1/plans/tiny.coarse.json" >"$tmp/$1.$2"; }
for role in weight activation; do
	of_role a $role
	of_role b $role
done
test -s "$tmp/a.weight" && test -s "$tmp/a.activation" || fail "no sites"
same "$tmp/a.weight" "$tmp/b.weight"
head -1 "$tmp/a.activation" >"$tmp/a1"
head -1 "$tmp/b.activation" >"$tmp/b1"
same "$tmp/a1" "$tmp/b1"
cmp -s "$tmp/a.activation" "$tmp/b.activation" && fail "the weights make no difference"
sed 's/weights: quantized/weights: none/' "$tmp/quantized.yaml" >"$tmp/bad.yaml"
expect_exit 2 validate "$tmp/bad.yaml"
says stderr 'float or quantized'
