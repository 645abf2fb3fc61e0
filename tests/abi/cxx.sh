#!/bin/sh
# The public headers serve C++, too: a plugin written in it exports the same one symbol, with C's name.
set -e
cxx=${CXX:-c++}
command -v $cxx >/dev/null && command -v nm >/dev/null || { echo "skipped: no C++ compiler or no nm"; exit 77; }
work=$PWD/tests/tmp/cxx.$$
mkdir -p "$work"
trap 'rm -rf "$work"' EXIT
cat >"$work/plugin.cc" <<'END'
#include <oqz/quantizer.h>
#include <oqz/task.h>

static oqz_quantizer make()
{
	oqz_quantizer q = {};
	q.base.magic = OQZ_PLUGIN_MAGIC;
	return q;
}

static const oqz_quantizer plugin = make();
OQZ_PLUGIN_EXPORT(plugin)
END
$cxx -std=c++11 -Wall -Wextra -Werror -I"${top_srcdir:-.}/plugins/include" -fPIC -shared -fvisibility=hidden \
	-o "$work/plugin.so" "$work/plugin.cc"
exported=$(nm -D --defined-only "$work/plugin.so" | awk '$2 == "T" { print $3 }' | grep -v -e '^_init$' -e '^_fini$')
test "$exported" = oqz_plugin_entry || { echo "FAIL: exports $exported"; exit 1; }
echo PASS
