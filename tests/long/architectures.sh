#!/bin/sh
# The architectures of tools/make_models.py agree with ONNX Runtime on random input: |ours - theirs| <= 1e-3 |theirs| +
# 1e-4 max |theirs| for every output. The models are $OQZ_ARCHITECTURES, a folder of them, or are made here, which takes a
# PyTorch (OQZ_PYTHON, default /usr/bin/python3). The peer is node with onnxruntime-node below OQZ_BENCH_NODE_PATH.
. "${top_srcdir:-.}/tests/cli/functions.sh"
skip() { echo "skipped: $*"; exit 0; }
command -v node >/dev/null || skip "no node"
node -e "require('module').createRequire((process.env.OQZ_BENCH_NODE_PATH || '.') + '/x.js')('onnxruntime-node')" 2>/dev/null ||
	skip "no onnxruntime-node; OQZ_BENCH_NODE_PATH names the node_modules that has it"
script=$OQZ_SHARED/tools/make_models.py
test -f "$script" || skip "no $script"
names=$(sed -n '/^Names:/,/^Batch/p' "$script" | sed 's/^Names://; /^Batch/d')
models=$OQZ_ARCHITECTURES
if [ -z "$models" ]; then
	python=${OQZ_PYTHON:-/usr/bin/python3} models=$tmp/models
	"$python" -c 'import torch, torchvision, onnx' 2>/dev/null || skip "no models, and no PyTorch to make them"
	mkdir "$models"
	"$python" "$script" "$models" >"$tmp/made" 2>&1 || { tail -3 "$tmp/made"; fail "make_models.py"; }
fi
count=0 bad=
for name in $names; do
	test -f "$models/$name.onnx" || fail "no $name.onnx in $models"
	node "$top_srcdir/bench/peer.mjs" agree "$OQZ" "$models/$name.onnx" >"$tmp/verdict" 2>&1 || bad="$bad $name"
	cat "$tmp/verdict"
	count=$((count + 1))
done
test -z "$bad" || fail "other numbers than the peer's:$bad"
test "$count" -ge 20 || fail "only $count architectures: make_models.py reads otherwise than this script thinks"
