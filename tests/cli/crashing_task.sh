#!/bin/sh
# A task that crashes fails the cells of its model, with the signal named; other models come to their results. What was
# evaluated is kept: when the plugin is mended, only the rest is run. (Of the last images before a crash while evaluating the
# ledger may or may not have heard.)
. "${top_srcdir:-.}/tests/cli/functions.sh"
OQZ_PLUGIN_PATH=$top_builddir/tests/mock/.libs:$OQZ_PLUGIN_PATH
export OQZ_PLUGIN_PATH
manifest "$tmp/zoo.yaml"
expect_exit 0 run -o "$tmp/whole" "$tmp/zoo.yaml"
sed -i "s|^datasets:|&\n  two: {}|; s|^tasks:|&\n  mocked: {plugin: mock-task, test: two, calib: two}|; s|^models:|&\n  - {id: doomed, file: $tiny/tiny.onnx, task: mocked, prepare: [{normalize: {scale: 127.5, mean: 1}}]}|; s|models: \[tiny\]|models: [tiny, doomed]|" "$tmp/zoo.yaml"
set -- "$tiny"/test/*.png
cd "$tmp" # where the mock looks for its two images
cp "$1" a.png && cp "$2" b.png
for where in score finish; do
	MOCK_TASK_CRASH=$where
	export MOCK_TASK_CRASH
	expect_exit 5 run -j1 --progress none -o "$tmp/$where" "$tmp/zoo.yaml"
	says stderr 'doomed: failed: .*signal 11'
	says stdout '^doomed  *pow2  *failed: .*signal 11'
	says stdout '^tiny  *pow2  *top1'
	grep '^tiny,' "$tmp/$where/results.csv" >"$tmp/part"
	grep '^tiny,' "$tmp/whole/results.csv" | cmp - "$tmp/part" || fail "the other model's results changed"
	unset MOCK_TASK_CRASH
	expect_exit 0 run -j1 --progress json -o "$tmp/$where" "$tmp/zoo.yaml"
	says stdout '^doomed  *pow2  *answer'
	test $where = score || says stderr '"event":"evaluate".*"model":"doomed".*"resumed":2'
done
# Where a comparison evaluates records, too.
MOCK_TASK_CRASH=finish
export MOCK_TASK_CRASH
expect_exit 3 compare "$tmp/score" "$tmp/finish"
says stderr '^oqz: a plugin: crashed at work: signal 11'
test ! -s "$tmp/stdout" || fail "half of a comparison"
unset MOCK_TASK_CRASH
expect_exit 0 compare "$tmp/score" "$tmp/finish"
