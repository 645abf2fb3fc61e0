#!/bin/sh
# The scripts that made the demo zoo, in a copy of their folder: they draw its data sets to the byte, and train, for two steps,
# and export every model of its manifest, which then runs.
. "${top_srcdir:-..}/tests/long/functions.sh"
python=${PYTHON:-/usr/bin/python3}
"$python" -c 'import torch, onnx, numpy, PIL' 2>/dev/null || { echo "skipped: no $python with torch, onnx, numpy, PIL"; exit 0; }
built=$(pwd)
mkdir "$work/demo"
cp -R "$top_srcdir/demo/make" "$top_srcdir/demo/zoo.yaml" "$work/demo"
quietly "demo/make/all" env OQZ_DEMO_TRIAL=1 PYTHON="$python" "$work/demo/make/all" "$work/cache"
diff -r "$top_srcdir/demo/data" "$work/demo/data" || fail "other pictures than in demo/data (with other versions of NumPy or Pillow?)"
ls "$top_srcdir/demo/models" >"$work/want"
ls "$work/demo/models" >"$work/got"
diff "$work/want" "$work/got" || fail "other models than in demo/models"
cd "$built"
OQZ_PLUGIN_PATH=$(find "$built/quantizers" "$built/tasks" -type d -name .libs | tr '\n' :) OQZ_PRESET_PATH=$top_srcdir/etc/presets
export OQZ_PLUGIN_PATH OQZ_PRESET_PATH
quietly "oqz run" cli/oqz run --progress none --limit 2 -o "$work/out" "$work/demo/zoo.yaml"
[ "$(grep -c '"status": "ok"' "$work/out/results.json")" -ge 24 ] || fail "not every model ran"
echo PASS
