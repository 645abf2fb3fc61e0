#!/bin/sh
# A truncated model file costs its own cells, with a reason that names it; the other model's bytes do not change.
. "${top_srcdir:-.}/tests/cli/functions.sh"
manifest "$tmp/zoo.yaml"
expect_exit 0 run -o "$tmp/whole" "$tmp/zoo.yaml"
size=$(wc -c <"$tiny/tiny.onnx")
sed -i "s|^models:|&\n  - {id: broken, extends: tiny, file: $tmp/broken.onnx}|; s|models: .tiny.|models: [broken, tiny]|" "$tmp/zoo.yaml"
sed -i "s|extends: tiny, file: \(.*\)}|file: \1, task: classify, prepare: [{normalize: {scale: 127.5, mean: 1}}]}|" "$tmp/zoo.yaml"
for n in 0 7 1000 $((size / 2)) $((size - 1)); do
	head -c "$n" "$tiny/tiny.onnx" >"$tmp/broken.onnx"
	expect_exit 5 run -o "$tmp/a" "$tmp/zoo.yaml"
	says stderr 'broken: failed: .*broken.onnx'
	says stdout '^tiny  *channel  *top1'
	grep -c '^broken,.*,failed,' "$tmp/a/results.csv" | grep -qx 2 || fail "not two failed cells"
	grep '^tiny,' "$tmp/a/results.csv" >"$tmp/part"
	grep '^tiny,' "$tmp/whole/results.csv" | cmp - "$tmp/part" || fail "the other model's results changed"
done
# A damaged tensor: a byte in the middle changed makes another model, not a crash.
expect_exit 4 run --select model=broken -o "$tmp/b" "$tmp/zoo.yaml"
# Repaired, it is computed.
cp "$tiny/tiny.onnx" "$tmp/broken.onnx"
expect_exit 0 run -o "$tmp/a" "$tmp/zoo.yaml"
