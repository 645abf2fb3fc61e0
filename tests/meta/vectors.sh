#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Every operator of core/ops/ops.def has a test vector: numbers written down by somebody who did not run this program. That
# is a row with its name in a test of operators (struct op_row), whose expected tensors stand beside it, or a case of
# the ONNX project's test data whose model has a node of that type (tests/unit/test_ops_onnx runs every case and allows
# only few to be skipped).
cd "${top_srcdir:-.}" || exit 1
data=${OQZ_ONNX_TESTDATA:-/usr/share/libonnx-testdata/data}
names=$(sed -n 's/^OQZ_OP([A-Z0-9_]*, "\([A-Za-z0-9]*\)".*/\1/p' core/ops/ops.def)
[ "$(echo "$names" | wc -l)" -gt 100 ] || { echo "FAIL: ops.def reads otherwise than this script thinks"; exit 1; }
own=$(cat $(grep -l 'struct op_row' tests/unit/test_*.c) | grep -oE '(\{ |op_run_text\()"([a-z.]+::)?[A-Z][A-Za-z0-9]+",' | sed 's/.*[":]\([A-Z][A-Za-z0-9]*\)",$/\1/' | sort -u)

# A NodeProto's op_type is field 4: byte 0x22 ("), a length, the name.
theirs=
if [ -d "$data/node" ]; then
	theirs=$(find "$data" -name model.onnx -exec cat {} + | tr '\n' '\001' | tr -c '[:print:]' '\n' |
		tr '\n' ' ' | grep -oE '" [A-Z][A-Za-z0-9]+' | cut -c3- | sort -u)
fi
missing=
for name in $names; do
	echo "$own" | grep -qx "$name" && continue
	# the byte behind a name may be printable: the tag of doc_string is 2, of attribute *
	[ -n "$theirs" ] && echo "$theirs" | grep -qxE "${name}2?" && continue
	missing="$missing $name"
done
if [ -n "$missing" ]; then
	[ -z "$theirs" ] && { echo "skipped: no ONNX test data, which these have their vectors in:$missing"; exit 77; }
	echo "FAIL: no test vector:$missing"
	exit 1
fi
echo "$(echo "$names" | wc -l) operators, $(echo "$names" | while read -r x; do echo "$own" | grep -x "$x"; done | wc -l) with vectors of their own"
