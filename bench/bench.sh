#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# Ours and a peer in one go. Runs alternate, so that a machine whose speed drifts slows both; medians and their ratio are
# printed, with the spread of the ratios pair by pair.
#
#   bench.sh throughput [MODEL.onnx...]   float throughput on one core against ONNX Runtime on one core
#   bench.sh lanes MODEL.onnx PRESET DIR  a float + two int8 lanes evaluation against the float lane alone, on the images of
#                                         the list DIR/test.txt (calibrated on DIR/calib.txt)
#
# Needs: node and the npm package onnxruntime-node (OQZ_BENCH_NODE_PATH: folder that holds node_modules) for `throughput`.
# OQZ: the program; ROUNDS (5), SECONDS_PER_RUN (about 3) and CPU (0) may be set.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
OQZ=${OQZ:-oqz}
ROUNDS=${ROUNDS:-5}
SECONDS_PER_RUN=${SECONDS_PER_RUN:-3}
CPU=${CPU:-0}
export OMP_NUM_THREADS=1

pin() { if command -v taskset >/dev/null; then taskset -c "$CPU" "$@"; else "$@"; fi; }
ours() { pin "$OQZ" infer --random 1 --repeat "$2" "$1" 2>&1 | sed -n 's|^\([0-9.]*\) images/s$|\1|p' | tail -1; }
peer() { pin node "$here/peer.mjs" "$1" "$2" 1; }

# Reads "a b" lines; prints medians of a, of b, of a/b, and the least and largest a/b.
summary() {
	awk '{ a[NR] = $1; b[NR] = $2; r[NR] = $1 / $2 }
	function med(x, n,   i, j, t) {
		for (i = 1; i <= n; i++) for (j = i + 1; j <= n; j++) if (x[j] < x[i]) { t = x[i]; x[i] = x[j]; x[j] = t }
		return n % 2 ? x[(n + 1) / 2] : (x[n / 2] + x[n / 2 + 1]) / 2
	}
	END { n = NR; m = med(r, n); printf "%10.2f %10.2f %8.2f  %.2f .. %.2f\n", med(a, n), med(b, n), m, r[1], r[n] }'
}

throughput() {
	printf '%-44s %10s %10s %8s  %s\n' "float32, one core: images/s" ours peer ratio "pairs"
	for model in "$@"; do
		rate=$(ours "$model" 5)
		runs=$(awk -v r="$rate" -v s="$SECONDS_PER_RUN" 'BEGIN { n = int(r * s); print n < 5 ? 5 : n }')
		pairs=
		for i in $(seq "$ROUNDS"); do
			a=$(ours "$model" "$runs")
			b=$(peer "$model" "$runs")
			pairs="$pairs$a $b
"
		done
		printf '%-44s ' "$(basename "$model" .onnx)"
		printf '%s' "$pairs" | summary
	done
}

# Seconds of the evaluation phase of a run in a fresh folder whose plans are already there.
evaluate_seconds() { # MANIFEST DIR SELECT...
	manifest=$1
	dir=$2
	shift 2
	"$OQZ" run -j 1 --progress json -o "$dir" "$@" "$manifest" 2>&1 >/dev/null |
		sed -n 's/.*"event":"evaluate".*"seconds":\([0-9.]*\).*/\1/p' | tail -1
}

lanes() {
	model=$1
	preset=$2
	data=$3
	tmp=$(mktemp -d)
	trap 'rm -rf "$tmp"' EXIT
	cat >"$tmp/lanes.yaml" <<YAML
oqz: 1
datasets:
  test: {reader: list, root: "$data/test", list: "$data/test.txt", take_first: ${IMAGES:-60}}
  calib: {reader: list, root: "$data/calib", list: "$data/calib.txt", take_first: 10}
schemes:
  channel: {plugin: int8, granularity: channel}
  pow2: {plugin: int8, granularity: tensor, scale: pow2}
tasks:
  classify: {plugin: classification, test: test, calib: calib}
models:
  - {id: lanes, file: "$model", task: classify, prepare: $preset}
  - {id: alone, file: "$model", task: classify, prepare: $preset}
matrix:
  - {models: [lanes], schemes: [channel, pow2]}
  - {models: [alone], schemes: []}
limits: {local_images: ${LOCAL_IMAGES:-0}}
YAML
	"$OQZ" calibrate --progress none -o "$tmp/plans" --select model=lanes "$tmp/lanes.yaml"
	pairs=
	for i in $(seq "$ROUNDS"); do
		cp -r "$tmp/plans" "$tmp/run$i"
		a=$(evaluate_seconds "$tmp/lanes.yaml" "$tmp/run$i" --select model=lanes)
		b=$(evaluate_seconds "$tmp/lanes.yaml" "$tmp/alone$i" --select model=alone)
		pairs="$pairs$a $b
"
	done
	printf '%-44s %10s %10s %8s  %s\n' "float + 2 int8 lanes: seconds" lanes alone ratio pairs
	printf '%-44s ' "$(basename "$model" .onnx)"
	printf '%s' "$pairs" | summary
}

case ${1-} in
throughput) shift; throughput "$@" ;;
lanes) shift; lanes "$@" ;;
*) sed -n 's/^# \{0,1\}//p' "$0" | sed -n 3,17p; exit 2 ;;
esac
