#!/bin/sh
# The ONNX project's test folders (Debian: libonnx-testdata; elsewhere $OQZ_ONNX_TESTDATA) through `oqz check-onnx` with both
# engines. Exactly the cases listed here may fail, and each must: a list that is longer than the truth hides the next failure.
data=${OQZ_ONNX_TESTDATA-/usr/share/libonnx-testdata/data}
test -d "$data" || { echo "$data is absent (Debian: libonnx-testdata)"; exit 77; }
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT

# Vectors of onnx 1.12 that no correct program reproduces, with the reason.
sort > "$work/known" <<EOF
test_bernoulli                             draws of NumPy's generator, which ONNX leaves to each engine
test_bernoulli_double                      draws of NumPy's generator
test_bernoulli_double_expanded             draws of NumPy's generator
test_bernoulli_expanded                    draws of NumPy's generator
test_bernoulli_seed                        draws of NumPy's generator
test_bernoulli_seed_expanded               draws of NumPy's generator
test_cast_FLOAT_to_BFLOAT16                truncated; the specification rounds to nearest even (corrected in onnx 1.13)
test_castlike_FLOAT_to_BFLOAT16            truncated, as above
test_castlike_FLOAT_to_BFLOAT16_expanded   truncated, as above
EOF
# Cases that are left out, with the reason the program must give.
sort > "$work/skipped" <<EOF
test_adagrad training
test_adagrad_multiple training
test_adam training
test_adam_multiple training
test_cast_FLOAT_to_STRING strings
test_cast_STRING_to_FLOAT strings
test_castlike_FLOAT_to_STRING strings
test_castlike_FLOAT_to_STRING_expanded strings
test_castlike_STRING_to_FLOAT strings
test_castlike_STRING_to_FLOAT_expanded strings
test_gradient_of_add training
test_gradient_of_add_and_mul training
test_momentum training
test_momentum_multiple training
test_nesterov_momentum training
test_strnorm_model_monday_casesensintive_lower strings
test_strnorm_model_monday_casesensintive_nochangecase strings
test_strnorm_model_monday_casesensintive_upper strings
test_strnorm_model_monday_empty_output strings
test_strnorm_model_monday_insensintive_upper_twodim strings
test_strnorm_model_nostopwords_nochangecase strings
test_strnormalizer_export_monday_casesensintive_lower strings
test_strnormalizer_export_monday_casesensintive_nochangecase strings
test_strnormalizer_export_monday_casesensintive_upper strings
test_strnormalizer_export_monday_empty_output strings
test_strnormalizer_export_monday_insensintive_upper_twodim strings
test_strnormalizer_nostopwords_nochangecase strings
test_training_dropout training
test_training_dropout_default training
test_training_dropout_default_mask training
test_training_dropout_mask training
EOF
cut -d' ' -f1 "$work/known" > "$work/known.names"

bad=0
for engine in auto reference; do
	: > "$work/out"
	for group in node simple pytorch-operator pytorch-converted light real; do
		ls "$data/$group"/*/model.onnx > /dev/null 2>&1 || continue # the large models are not packaged
		"$OQZ" check-onnx --engine $engine "$data/$group" >> "$work/out" 2> "$work/err"
		status=$?
		test $status -eq 0 || test $status -eq 5 || { cat "$work/err"; echo "$group: exit status $status"; bad=1; }
	done
	sed -n 's/^FAIL \([^:]*\):.*/\1/p' "$work/out" | sort > "$work/failed"
	sed -n 's/^SKIP \([^:]*\): /\1 /p' "$work/out" | sort > "$work/left"
	comm -23 "$work/failed" "$work/known.names" | while read -r name; do grep "^FAIL $name:" "$work/out"; done > "$work/new"
	comm -13 "$work/failed" "$work/known.names" | sed 's/$/ should fail, but passes/' >> "$work/new"
	diff "$work/skipped" "$work/left" >> "$work/new"
	echo "$engine: $(grep -c '^PASS' "$work/out") passed, $(wc -l < "$work/failed") failed, $(wc -l < "$work/left") skipped"
	test -s "$work/new" && { cat "$work/new"; bad=1; }
	test "$(grep -c '^PASS' "$work/out")" -ge 1000 || test -n "$OQZ_ONNX_TESTDATA" || { echo "too few cases ran"; bad=1; }
done
exit $bad
