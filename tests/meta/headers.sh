#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Each header compiles on its own, twice in a row (include guards), with the flags of the build; the public ones without
# any of ours.
cd "${top_builddir:-.}" || exit 1
src=${top_srcdir:-.}
var() { sed -n "s/^$1 = //p" Makefile; }
cc=$(var CC) status=0 n=0
libs="$(var PROTOBUF_C_CFLAGS) $(var YAML_CFLAGS) $(var PNG_CFLAGS) $(var JPEG_CFLAGS) $(var SQLITE_CFLAGS) $(var JANSSON_CFLAGS)"
[ -n "$cc" ] || { echo "FAIL: no compiler in Makefile"; exit 1; }

check() {
	header=$1
	shift
	n=$((n + 1))
	printf '#include "%s"\n#include "%s"\n' "$header" "$header" |
		$cc -std=gnu11 -Wall -Wextra -Wno-unused-parameter -Werror -fsyntax-only "$@" -x c - 2>&1 ||
		{ echo "FAIL: $header does not compile alone"; status=1; }
}

for h in $(cd "$src" && find core plugins cli -name '*.h' ! -path 'plugins/include/*' ! -name '*.pb-c.h' | LC_ALL=C sort); do
	# shellcheck disable=SC2086
	check "$h" -DHAVE_CONFIG_H -DOQZ_CORE_BUILD -I. -I"$src" -I"$src/plugins/include" $libs
done
for h in plugin.h quantizer.h task.h types.h; do
	check "oqz/$h" -std=c11 -pedantic -I"$src/plugins/include"
done
[ $n -gt 50 ] || { echo "FAIL: only $n headers found"; status=1; }
echo "$n headers"
exit $status
