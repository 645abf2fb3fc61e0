#!/bin/sh
# The ONNX project's test folders (Debian: libonnx-testdata; elsewhere $OQZ_ONNX_TESTDATA) through `oqz check-onnx` with both
# engines. No case may fail, and exactly those listed here are left out: a list that is longer than the truth hides the next
# failure.
data=${OQZ_ONNX_TESTDATA-/usr/share/libonnx-testdata/data}
test -d "$data" || { echo "$data is absent (Debian: libonnx-testdata)"; exit 77; }
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT

# Cases that are left out, with the reason the program must give.
sort > "$work/skipped" <<EOF
test_adam_multiple its outputs were computed with an epsilon that its model does not have
test_gradient_of_add training
test_gradient_of_add_and_mul training
EOF

bad=0
for engine in auto reference; do
	: > "$work/out"
	for group in node simple pytorch-operator pytorch-converted light real; do
		ls "$data/$group"/*/model.onnx > /dev/null 2>&1 || continue # the large models are not packaged
		"$OQZ" check-onnx --engine $engine "$data/$group" >> "$work/out" 2> "$work/err"
		status=$?
		test $status -eq 0 || test $status -eq 5 || { cat "$work/err"; echo "$group: exit status $status"; bad=1; }
	done
	sed -n 's/^SKIP \([^:]*\): /\1 /p' "$work/out" | sort > "$work/left"
	grep "^FAIL " "$work/out" > "$work/new"
	diff "$work/skipped" "$work/left" >> "$work/new"
	echo "$engine: $(grep -c '^PASS' "$work/out") passed, $(grep -c '^FAIL' "$work/out") failed, $(wc -l < "$work/left") skipped"
	test -s "$work/new" && { cat "$work/new"; bad=1; }
	test "$(grep -c '^PASS' "$work/out")" -ge 1000 || test -n "$OQZ_ONNX_TESTDATA" || { echo "too few cases ran"; bad=1; }
done
exit $bad
