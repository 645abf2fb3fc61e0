#!/bin/sh
# A plugin that was built anew, under the same name and version, is another one: what the ledger has of the old one is not
# taken for its results, be the scheme in the plan or in a function of the plugin. What did not change is not computed again.
. "${top_srcdir:-.}/tests/cli/functions.sh"
mock=$top_builddir/tests/mock/.libs
mkdir "$tmp/plugins"
OQZ_PLUGIN_PATH=$tmp/plugins:$OQZ_PLUGIN_PATH
export OQZ_PLUGIN_PATH
manifest "$tmp/zoo.yaml"
sed -i '/^matrix:/,$d
	s|^schemes:|&\n  plan: {plugin: mock-rebuilt}\n  function: {plugin: mock-rebuilt, custom: true}\n  shipped: {plugin: int8}|' "$tmp/zoo.yaml"
printf 'matrix:\n  - {models: [tiny], schemes: [plan, function, shipped]}\n' >>"$tmp/zoo.yaml"

# Images that the last run computed, in one lane at least.
computed() { sed -n 's/.*"event":"evaluate".*"total":\([0-9]*\).*"resumed":\([0-9]*\).*/\1 \2/p' "$tmp/stderr" | tail -1 | awk '{ print $1 - $2 }'; }
go() { expect_exit 0 run --progress json -o "$tmp/a" "$tmp/zoo.yaml"; } # on the ledger that is there
is_new() { expect_exit 0 run --progress none -o "$tmp/$1" "$tmp/zoo.yaml" && same_results "$tmp/a" "$tmp/$1"; }
# row SCHEME: figures of the last run
row() { grep "^tiny,$1," "$tmp/a/results.csv" || fail "no row $1"; }

cp "$mock/mock-built.so" "$tmp/plugins/scheme.so"
go
first=$(computed)
test "$first" -gt 0 || fail "nothing was computed at first"
go
test "$(computed)" -eq 0 || fail "$(computed) rows are computed again though nothing changed"

# As make does: another file in its place, here even of the old one's times.
cp "$mock/mock-rebuilt.so" "$tmp/plugins/new"
touch -r "$tmp/plugins/scheme.so" "$tmp/plugins/new"
mv "$tmp/plugins/new" "$tmp/plugins/scheme.so"
go
test "$(computed)" -eq "$first" || fail "$(computed) of $first images are computed for a new build"
is_new rebuilt
expect_exit 0 run --progress json --select scheme=shipped -o "$tmp/a" "$tmp/zoo.yaml"
test "$(computed)" -eq 0 || fail "$(computed) images of the scheme that did not change are computed again"
go

# A task: here the same one in another file, so the figures stay.
before=$(row shipped)
cp "$top_builddir/tasks/classification/.libs/classification.so" "$tmp/plugins/task.so"
echo >>"$tmp/plugins/task.so"
go
test "$(computed)" -eq "$first" || fail "$(computed) of $first images are computed for a new build of the task"
test "$(row shipped)" = "$before" || fail "another file, other figures"
