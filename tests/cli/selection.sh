#!/bin/sh
# What is quantized, on a model: operators, nodes by name, below a tensor, weights only, outputs, and the model's say on top of the
# scheme's. A plan has exactly the sites that are asked for.
. "${top_srcdir:-.}/tests/cli/functions.sh"
# sites NAME PARAMETERS [KEYS-OF-THE-MODEL]: calibrates a scheme; $tmp/NAME has the sites of its plan, "node:input role"
sites() {
	manifest "$tmp/zoo.yaml"
	sed -i '/^schemes:/,/^[a-z]*:$/{/^  /d}' "$tmp/zoo.yaml"
	sed -i "s/^schemes:/&\n  s: {plugin: int8, calibrate: minmax$2}/; s/^    task: classify/&${3-}/" "$tmp/zoo.yaml"
	rm -rf "$tmp/out"
	expect_exit 0 calibrate -o "$tmp/out" "$tmp/zoo.yaml"
	sed -n 's/^.*{"node": "\([^"]*\)", "\(in\|out\)put": \([0-9]*\), .*"role": "\([a-z]*\)".*/\1:\2\3 \4/p' "$tmp/out/plans/tiny.s.json" >"$tmp/$1"
}
count() { wc -l <"$tmp/$1"; }
sites all ""
test "$(count all)" -gt 6 || fail "few sites"
grep -q ':in0 activation$' "$tmp/all" && grep -q ':in1 weight$' "$tmp/all" || fail "no activations or no weights"
! grep -q 'bias$\|:in2\|:out' "$tmp/all" || fail "a bias or an output"
sites weights ", activations: false"
grep ' weight$' "$tmp/all" | cmp - "$tmp/weights" || fail "weights only"
sites outputs ", outputs: true"
grep -v ':out0 output$' "$tmp/outputs" | cmp - "$tmp/all" || fail "outputs add more than outputs"
test "$(grep -c ':out0 output$' "$tmp/outputs")" -eq "$(grep -c ':in0' "$tmp/all")" || fail "not one output each"
sites bank ", include: [bank]"
grep '^bank:' "$tmp/all" | cmp - "$tmp/bank" || fail "include"
sites rest ", exclude: [bank]"
grep -v '^bank:' "$tmp/all" | cmp - "$tmp/rest" || fail "exclude"
sites model "" '\n    quantize: {exclude: [bank]}'
cmp "$tmp/rest" "$tmp/model" || fail "the model's exclude"
sites conv ", ops: [Conv]"
sites other ", ops: [-Conv]"
sort "$tmp/conv" "$tmp/other" >"$tmp/both"
sort "$tmp/all" | cmp - "$tmp/both" || fail "ops"
test -s "$tmp/conv" && test -s "$tmp/other" || fail "one kind of operator only"
# Below the output of a node: it and what follows stay float, what comes before does not change.
first=$(sed -n '1s/:.*//p' "$tmp/all")
last=$(sed -n '$s/:.*//p' "$tmp/all")
sites all ""
value=$(sed -n 's/^.*{"node": "'"$last"'", "input": 0, "tensor": "\([^"]*\)".*/\1/p' "$tmp/out/plans/tiny.s.json")
test -n "$value" && test "$first" != "$last" || fail "no last layer"
sites below ", below: [\"$value\"]"
test -s "$tmp/below" && ! grep -q "^$last:" "$tmp/below" || fail "below: $last is quantized"
grep -q "^$first:" "$tmp/below" || fail "below: $first is not"
