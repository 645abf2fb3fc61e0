#!/bin/sh
# Every built plugin exports exactly oqz_plugin_entry and needs nothing of the program: no undefined oqz symbol. The public
# headers agree with configure.ac about API and ABI.
set -e
command -v nm >/dev/null || { echo "skipped: no nm"; exit 77; }
top=${top_builddir:-.} src=${top_srcdir:-.}
status=0 n=0
for so in "$top"/quantizers/*/.libs/*.so "$top"/tasks/*/.libs/*.so; do
	test -f "$so" || continue
	n=$((n + 1))
	exported=$(nm -D --defined-only "$so" | awk '$2 != "w" && $2 != "V" { print $3 }' |
		grep -v -e '^__asan' -e '^__ubsan' -e '^__gcov' -e '^__odr_asan' -e '^_init$' -e '^_fini$' || :)
	if [ "$exported" != oqz_plugin_entry ]; then
		echo "FAIL: $so exports" $exported
		status=1
	fi
	wanted=$(nm -D --undefined-only "$so" | awk '{ print $2 }' | grep '^oqz_' || :)
	if [ -n "$wanted" ]; then
		echo "FAIL: $so needs" $wanted
		status=1
	fi
	echo "checked $so"
done
if [ $n -eq 0 ]; then
	echo "FAIL: no plugin is built"
	exit 1
fi
# The same facts stand in configure.ac (for oqz.pc) and in plugin.h.
value() { sed -n "s/^#define $1 \\(.*\\)\$/\\1/p" "$src/plugins/include/oqz/plugin.h"; }
for pair in "api=$(value OQZ_API_MAJOR).$(value OQZ_API_MINOR)" "abi=$(value OQZ_ABI | tr -d '"')"; do
	grep -qx "$pair" "$top/plugins/oqz.pc" || { echo "FAIL: oqz.pc lacks $pair"; status=1; }
done
exit $status
