#!/bin/sh
# Every calibrator in one run: schemes whose rules need a second pass over the images share it with each other and with the
# schemes that do not; the plans are those of each scheme alone, for any number of threads.
. "${top_srcdir:-.}/tests/cli/functions.sh"
expect_exit 0 list calibrators
for name in minmax percentile ema mse kl isotone floating constant; do says stdout "^$name  *tensor"; done
manifest "$tmp/zoo.yaml"
sed -i '/^schemes:/,/^[a-z]*:$/{/^  /d}' "$tmp/zoo.yaml"
sed -i 's/^schemes:/&\
  minmax: {plugin: int8, calibrate: minmax}\
  ema: {plugin: int8, calibrate: {method: ema, momentum: 0.5}}\
  mse: {plugin: int8, calibrate: mse}\
  mse-zero: {plugin: int8, calibrate: mse, symmetric: false}\
  mse-w: {plugin: int8, calibrate: mse, weight_calibrate: mse}\
  kl: {plugin: int8, calibrate: kl, scale: pow2}\
  isotone: {plugin: int8, calibrate: isotone}\
  floating: {plugin: int8, calibrate: floating}\
  constant: {plugin: int8, calibrate: constant}\
  fp8-p: {plugin: fp8, scale: percentile, q: 0.99, scope: batch}\
  fp8-e: {plugin: fp8, scale: ema}\
  fp8-1: {plugin: fp8, scale: constant}/' "$tmp/zoo.yaml"
expect_exit 0 calibrate -j1 -o "$tmp/a" "$tmp/zoo.yaml"
expect_exit 0 calibrate -j3 -o "$tmp/b" "$tmp/zoo.yaml"
test "$(ls "$tmp/a/plans" | wc -l)" -eq 12 || fail "not twelve plans"
for f in "$tmp/a/plans/"*; do same "$f" "$tmp/b/plans/${f##*/}"; done
for s in minmax mse kl isotone; do
	expect_exit 0 calibrate --select "scheme=$s" -o "$tmp/$s" "$tmp/zoo.yaml"
	same "$tmp/a/plans/tiny.$s.json" "$tmp/$s/plans/tiny.$s.json"
done
# No two rules give the same activations.
for s in minmax ema mse isotone floating constant; do
	grep '"role": "activation"' "$tmp/a/plans/tiny.$s.json" | sed 's/"rule": "[^"]*"//' | sha256sum
done >"$tmp/sums"
test "$(sort -u "$tmp/sums" | wc -l)" -eq 6 || fail "rules give equal plans"
# Behind quantized weights the second pass runs with what the first one settled.
sed 's/^    task: classify/&\n    calibration: {weights: quantized}/' "$tmp/zoo.yaml" >"$tmp/quantized.yaml"
expect_exit 0 calibrate -j2 -o "$tmp/q" "$tmp/quantized.yaml"
cmp -s "$tmp/q/plans/tiny.kl.json" "$tmp/a/plans/tiny.kl.json" && fail "the weights make no difference"
# What a rule cannot do is said.
sed 's/calibrate: floating/&, symmetric: false/' "$tmp/zoo.yaml" >"$tmp/bad.yaml"
expect_exit 2 calibrate --select scheme=floating -o "$tmp/bad" "$tmp/bad.yaml"
says stderr 'symmetric=true'
# What there is can be asked for.
expect_exit 0 describe kl
says stdout 'Kullback'
expect_exit 0 list passes
says stdout '^fuse-batchnorm  *default'
says stdout '^batchnorm-to-conv  *on request'
expect_exit 0 describe fuse-matmul-add
says stdout 'passes: .+NAME'
