#!/bin/sh
# The installed program checks itself: all is well here, and what is wrong is named with the exit code of its kind.
. "${top_srcdir:-.}/tests/cli/functions.sh"
expect_exit 0 selftest
says_not stdout '^FAIL'
for line in 'rounding: ' 'small floats: ' 'grids: ' 'Conv 3x3: ' 'Conv 3x3, depthwise, int8: ' 'Gemm transposed, fp8: ' 'Softmax ' \
	'int8: quantizer ' 'detection: task '; do
	says stdout "^PASS $line"
done
n=$(grep -c '^PASS ' "$tmp/stdout")
test "$(tail -n 1 "$tmp/stdout")" = "$n passed, 0 failed" || fail "the last line does not count $n checks"
expect_exit 2 selftest more

# Plugins that are refused, crash or are not there at all.
if test -d "$top_builddir/tests/mock/.libs"; then
	path=$OQZ_PLUGIN_PATH
	mkdir "$tmp/plugins"
	cp "$top_builddir/tests/mock/.libs/mock-abi.so" "$top_builddir/tests/mock/.libs/mock-good.so" "$tmp/plugins"
	OQZ_PLUGIN_PATH=$tmp/plugins
	expect_exit 3 selftest
	says stdout '^FAIL .*mock-abi.so: refused: '
	says stdout ' passed, 1 failed$'
	cp "$top_builddir/tests/mock/.libs/mock-crash-plan.so" "$tmp/plugins/mock-abi.so"
	expect_exit 3 selftest
	says stderr 'mock-abi.so: crashed at work: signal '
	says stdout '^FAIL mock-crash-plan: its process ended'
	says stdout ' passed, 1 failed$'
	OQZ_PLUGIN_PATH=$path
fi
OQZ_PLUGIN_PATH=$tmp/nowhere
expect_exit 3 selftest
says stdout '^FAIL plugins: no plugins were found'
