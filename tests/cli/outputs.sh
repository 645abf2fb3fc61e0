#!/bin/sh
# Outputs on a grid: more sites, more error, plans that are replayed and exported like others.
. "${top_srcdir:-.}/tests/cli/functions.sh"
manifest "$tmp/zoo.yaml"
sed -i 's/^schemes:/&\
  inputs: {plugin: int8, bits: 6, calibrate: minmax}\
  outputs: {plugin: int8, bits: 6, calibrate: minmax, outputs: true}\
  whole: {plugin: int8, outputs: true}\
  some: {plugin: int8, bits: 6, calibrate: minmax, overrides: [{nodes: [bank], outputs: true}]}/' "$tmp/zoo.yaml"
expect_exit 0 run -j2 -o "$tmp/out" "$tmp/zoo.yaml"
count() { grep -c "\"output\": 0" "$tmp/out/plans/tiny.$1.json" || :; }
layers=$(grep -c '"input": 0' "$tmp/out/plans/tiny.inputs.json")
test "$(count inputs) $(count outputs) $(count some)" = "0 $layers 1" || fail "sites: $(count inputs) $(count outputs) $(count some)"
aqe() { awk -F, -v s="$1" '$2 == s { print $15; exit }' "$tmp/out/results.csv"; }
awk -v a="$(aqe inputs)" -v b="$(aqe outputs)" 'BEGIN { exit !(a > 0 && b > a) }' ||
	fail "AQE $(aqe inputs) without, $(aqe outputs) with outputs"
# A layer's errors are taken before its own output's grid, also where that is the model's output, whose error (OQE) is that of
# what is on the grid.
test "$(grep -c '^tiny,outputs,' "$tmp/out/layers.csv")" = "$layers" || fail "not every layer has errors"
last() { awk -F, -v s="$1" -v c="$2" '$2 == s { v = $c } END { print v }' "$tmp/out/layers.csv"; }
oqe() { awk -F, -v s="$1" '$2 == s { print $17; exit }' "$tmp/out/results.csv"; }
test "$(head -n 1 "$tmp/out/results.csv" | cut -d, -f15,17)" = aqe,oqe || fail "columns of results.csv"
awk -v e="$(last outputs 6)" -v o="$(oqe outputs)" 'BEGIN { exit !(e > 0 && o > 0 && e != o) }' ||
	fail "the last layer's error is $(last outputs 6), the output's $(oqe outputs)"
awk -v e="$(last inputs 6)" -v o="$(oqe inputs)" 'BEGIN { exit !(e == o) }' || fail "without a grid behind it they are $(last inputs 6), $(oqe inputs)"
test -n "$(last outputs 7)" || fail "the last layer has no error of its own"
# So it is where an inner value is watched: OQE is of what its readers see.
tensor=$(sed -n 's/.*"node": "bank", "output": 0, "tensor": "\([^"]*\)".*/\1/p' "$tmp/out/plans/tiny.outputs.json")
sed "s|^    task: classify|&\n    watch: [$tensor]|" "$tmp/zoo.yaml" >"$tmp/watch.yaml"
expect_exit 0 run -o "$tmp/watch" "$tmp/watch.yaml"
cp "$tmp/watch/results.csv" "$tmp/out/results.csv"
bank() { awk -F, -v s="$1" '$2 == s && $4 == "bank" { print $6 }' "$tmp/watch/layers.csv"; }
awk -v e="$(bank outputs)" -v o="$(oqe outputs)" 'BEGIN { exit !(e > 0 && o > 1.01 * e) }' || fail "bank's error is $(bank outputs), the watched $(oqe outputs)"
awk -v e="$(bank inputs)" -v o="$(oqe inputs)" 'BEGIN { exit !(e > 0 && e == o) }' || fail "without a grid behind it they are $(bank inputs), $(oqe inputs)"
expect_exit 0 export --plan "$tmp/out/plans/tiny.whole.json" -o "$tmp/q.onnx" "$tiny/tiny.onnx"
test -s "$tmp/q.onnx" || fail "no export"
# Beside the float model the exported one is the scheme again, errors before and behind the output's grid included.
sed "s|^    task: classify|&\n    lanes: {again: $tmp/q.onnx}|" "$tmp/zoo.yaml" >"$tmp/lane.yaml"
expect_exit 0 run --select scheme=whole --select scheme=again -o "$tmp/lane" "$tmp/lane.yaml"
errors() { awk -F, -v s="$1" '$2 == s { print $15, $16, $17; exit }' "$tmp/lane/results.csv"; }
test -n "$(errors whole)" || fail "no errors"
test "$(errors whole)" = "$(errors again)" || fail "the scheme has $(errors whole), its export $(errors again)"
