#!/bin/sh
# Mixed precision: an override has its own parameters for its nodes, the last that matches wins, the others keep the scheme's.
. "${top_srcdir:-.}/tests/cli/functions.sh"
manifest "$tmp/zoo.yaml"
sed -i 's/^schemes:/&\n  mixed:\n    plugin: int8\n    calibrate: minmax\n    overrides:\n      - {ops: [Conv], bits: 4}\n      - {nodes: [bank], bits: 16}/' "$tmp/zoo.yaml"
expect_exit 0 validate "$tmp/zoo.yaml"
expect_exit 0 run -o "$tmp/out" "$tmp/zoo.yaml"
plan=$tmp/out/plans/tiny.mixed.json
bits_of() { sed -n "s/.*\"node\": \"$1\", \"input\": $2,.*\"bits\": \([0-9]*\).*/\1/p" "$plan"; }
test "$(bits_of bank 0)$(bits_of bank 1)" = 1616 || fail "bank: $(bits_of bank 0) $(bits_of bank 1)"
test "$(grep -c '"bits": 4,' "$plan")" -ge 2 || fail "no other convolution has 4 bits"
test "$(grep -c '"bits": 8,' "$plan")" -ge 2 || fail "nothing kept the scheme's 8 bits"
# One plan in node order with the same sites as the plain scheme's.
sites() { sed -n 's/^{"node": "\([^"]*\)", "input": \([0-9]*\),.*/\1 \2/p' "$1"; }
sites "$plan" >"$tmp/a"
sites "$tmp/out/plans/tiny.channel.json" >"$tmp/b"
test -s "$tmp/a" || fail "no sites"
same "$tmp/a" "$tmp/b"
# What is wrong is said where it stands.
for bad in '{bits: 4}' '{nodes: [x], plugin: fp8}' '{ops: [Conv], bitz: 4}' '{ops: [Conv], bits: 99}' 'text'; do
	manifest "$tmp/bad.yaml"
	sed -i "s/^schemes:/&\n  mixed: {plugin: int8, overrides: [$bad]}/" "$tmp/bad.yaml"
	expect_exit 2 validate "$tmp/bad.yaml"
done
