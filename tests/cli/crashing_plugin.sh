#!/bin/sh
# A quantizer that crashes fails its own cells, with the signal named; other schemes and models come to their results.
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
# Beside others in one model it is left out, and these come to what they come to without it.
manifest "$tmp/beside.yaml"
sed -i '/^matrix:/,$d' "$tmp/beside.yaml"
for where in sites plan; do
	sed "s|^schemes:|&\n  crash: {plugin: mock-crash-plan, where: $where}|" "$tmp/beside.yaml" >"$tmp/$where.yaml"
	expect_exit 5 run -o "$tmp/beside-$where" "$tmp/$where.yaml"
	says stderr 'tiny: scheme `crash`: .*signal .*going on without it'
	says stdout '^tiny  *crash  *failed: .*signal '
	grep '^tiny,channel,\|^tiny,pow2,' "$tmp/whole/results.csv" | cut -d, -f1-18 >"$tmp/want"
	grep '^tiny,channel,\|^tiny,pow2,' "$tmp/beside-$where/results.csv" | cut -d, -f1-18 >"$tmp/got"
	test -s "$tmp/want" || fail "no results"
	same "$tmp/want" "$tmp/got"
	expect_exit 3 calibrate -o "$tmp/plans-$where" "$tmp/$where.yaml"
	test -s "$tmp/plans-$where/plans/tiny.channel.json" || fail "no plan of the scheme beside it"
done
# A limit of time stops what does not end.
sed -i 's/WHERE/plan/' "$tmp/zoo.yaml"
printf 'limits: {seconds: 0.001}\n' >>"$tmp/zoo.yaml"
expect_exit 4 run --select model=tiny -o "$tmp/late" "$tmp/zoo.yaml"
says stderr 'longer than its limit of 0.001 seconds'
