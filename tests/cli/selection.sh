#!/bin/sh
# What is quantized, on a model: operators, nodes by name, below a tensor, weights only, outputs, and the model's say on top of the
# scheme's. A plan has exactly the sites that are asked for.
. "${top_srcdir:-.}/tests/cli/functions.sh"
# sites PARAMETERS: calibrates a scheme; the sites of its plan, "node:input role"
sites() {
	manifest "$tmp/zoo.yaml"
	sed -i '/^schemes:/,/^[a-z]*:$/{/^  /d}' "$tmp/zoo.yaml"
	sed -i "s/^schemes:/&\n  s: {plugin: int8, calibrate: minmax$1}/; s/^    task: classify/&${2-}/" "$tmp/zoo.yaml"
	rm -rf "$tmp/out"
	expect_exit 0 calibrate -o "$tmp/out" "$tmp/zoo.yaml"
	sed -n 's/^.*{"node": "\([^"]*\)", "\(in\|out\)put": \([0-9]*\), .*"role": "\([a-z]*\)".*/\1:\2\3 \4/p' "$tmp/out/plans/tiny.s.json"
}
count() { wc -l <"$tmp/$1"; }
sites "" >"$tmp/all"
test "$(count all)" -gt 6 || fail "few sites"
grep -q ':in0 activation$' "$tmp/all" && grep -q ':in1 weight$' "$tmp/all" || fail "no activations or no weights"
! grep -q 'bias$\|:in2\|:out' "$tmp/all" || fail "a bias or an output"
sites ", activations: false" >"$tmp/weights"
grep ' weight$' "$tmp/all" | cmp - "$tmp/weights" || fail "weights only"
sites ", outputs: true" >"$tmp/outputs"
grep -v ':out0 output$' "$tmp/outputs" | cmp - "$tmp/all" || fail "outputs add more than outputs"
test "$(grep -c ':out0 output$' "$tmp/outputs")" -eq "$(grep -c ':in0' "$tmp/all")" || fail "not one output each"
sites ", include: [bank]" >"$tmp/bank"
grep '^bank:' "$tmp/all" | cmp - "$tmp/bank" || fail "include"
sites ", exclude: [bank]" >"$tmp/rest"
grep -v '^bank:' "$tmp/all" | cmp - "$tmp/rest" || fail "exclude"
sites "" '\\n    quantize: {exclude: [bank]}' >"$tmp/model"
cmp "$tmp/rest" "$tmp/model" || fail "the model's exclude"
sites ", ops: [Conv]" >"$tmp/conv"
sites ", ops: [-Conv]" >"$tmp/other"
sort "$tmp/conv" "$tmp/other" >"$tmp/both"
sort "$tmp/all" | cmp - "$tmp/both" || fail "ops"
test -s "$tmp/conv" && test -s "$tmp/other" || fail "one kind of operator only"
# Below the output of a node: it and what follows stay float, what comes before does not change.
first=$(sed -n '1s/:.*//p' "$tmp/all")
last=$(sed -n '$s/:.*//p' "$tmp/all")
value=$(sed -n 's/^.*{"node": "'"$last"'", "input": 0, "tensor": "\([^"]*\)".*/\1/p' "$tmp/out/plans/tiny.s.json")
sites "" >"$tmp/all"
value=$(sed -n 's/^.*{"node": "'"$last"'", "input": 0, "tensor": "\([^"]*\)".*/\1/p' "$tmp/out/plans/tiny.s.json")
test -n "$value" && test "$first" != "$last" || fail "no last layer"
sites ", below: [\"$value\"]" >"$tmp/below"
test -s "$tmp/below" && ! grep -q "^$last:" "$tmp/below" || fail "below: $last is quantized"
grep -q "^$first:" "$tmp/below" || fail "below: $first is not"
