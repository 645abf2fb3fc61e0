#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Every implementation in core/exec/impl_list.c is held against the reference kernels on random graphs: it has a row, under
# its own name, in tests/unit/test_exec_random.c.
cd "${top_srcdir:-.}" || exit 1
listed=$(sed -n 's/^LIST(//p' core/exec/impl_list.c | grep -o 'oqz_impl_[a-z_0-9]*' | sort -u)
[ "$(echo "$listed" | wc -l)" -ge 10 ] || { echo "FAIL: impl_list.c reads otherwise than this script thinks"; exit 1; }
status=0
for impl in $listed; do
	name=$(cat core/exec/*.c core/exec/*/*.c | tr '\n\t' '  ' | grep -oE "const struct oqz_impl $impl = \{ *(\.name = )?\"[a-z0-9._]+\"" | sed 's/.*"\(.*\)"$/\1/')
	if [ -z "$name" ]; then
		echo "FAIL: no definition of $impl with a name was found"
		status=1
	elif ! grep -q "^	{ \"$name\", " tests/unit/test_exec_random.c; then
		echo "FAIL: $impl (\"$name\") has no row in tests/unit/test_exec_random.c"
		status=1
	fi
done
[ $status = 0 ] && echo "$(echo "$listed" | wc -l) implementations, each with a row"
exit $status
