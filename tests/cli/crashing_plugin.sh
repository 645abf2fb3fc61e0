#!/bin/sh
# A quantizer that crashes fails the cells of its model, with the signal named; other models come to their results.
. "${top_srcdir:-.}/tests/cli/functions.sh"
OQZ_PLUGIN_PATH=$top_builddir/tests/mock/.libs:$OQZ_PLUGIN_PATH
export OQZ_PLUGIN_PATH
manifest "$tmp/zoo.yaml"
expect_exit 0 run -o "$tmp/whole" "$tmp/zoo.yaml"
sed -i '/^matrix:/,$d' "$tmp/zoo.yaml"
sed -i "s|^schemes:|&\n  crash: {plugin: mock-crash-plan, where: WHERE}|; s|^models:|&\n  - {id: doomed, file: $tiny/tiny.onnx, task: classify, prepare: [{normalize: {scale: 127.5, mean: 1}}]}|" "$tmp/zoo.yaml"
printf 'matrix:\n  - {models: [doomed], schemes: [crash]}\n  - {models: [tiny], schemes: [channel, pow2]}\n' >>"$tmp/zoo.yaml"
for where in sites plan; do
	sed "s/WHERE/$where/" "$tmp/zoo.yaml" >"$tmp/$where.yaml"
	signal=$(test $where = sites && echo 11 || echo 8)
	expect_exit 5 run -o "$tmp/$where" "$tmp/$where.yaml"
	says stderr "doomed: failed: .*signal $signal"
	says stdout '^tiny  *pow2  *top1'
	grep '^doomed,crash,' "$tmp/$where/results.csv" | grep -q "failed,.*signal $signal" || fail "the cell does not name the signal"
	grep '^tiny,' "$tmp/$where/results.csv" >"$tmp/part"
	grep '^tiny,' "$tmp/whole/results.csv" | cmp - "$tmp/part" || fail "the other model's results changed"
	# Alone it is a plugin's failure.
	expect_exit 3 run --select model=doomed -o "$tmp/$where-alone" "$tmp/$where.yaml"
	expect_exit 5 run -o "$tmp/$where" "$tmp/$where.yaml"
done
# A limit of time stops what does not end.
sed -i 's/WHERE/plan/' "$tmp/zoo.yaml"
printf 'limits: {seconds: 0.001}\n' >>"$tmp/zoo.yaml"
expect_exit 4 run --select model=tiny -o "$tmp/late" "$tmp/zoo.yaml"
says stderr 'longer than its limit of 0.001 seconds'
