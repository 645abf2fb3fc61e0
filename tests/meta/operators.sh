#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# `oqz list ops` and the page operators.md, which is made from it, name every row of the table core/ops/ops.def with its
# first operator set and at least the reference implementation.
oqz=${OQZ:-cli/oqz} status=0
work=$(mktemp -d "${TMPDIR:-/tmp}/oqz-ops.XXXXXX") || exit 1
trap 'rm -rf "$work"' EXIT
fail() { echo "FAIL: $*"; status=1; }

[ -x "$oqz" ] || { echo "skipped: $oqz is not built"; exit 77; }
"$oqz" list ops >"$work/list" || fail "oqz list ops: exit status $?"
"$oqz" list ops --markdown >"$work/page" || fail "oqz list ops --markdown: exit status $?"
sed -n 's/^OQZ_OP([A-Z0-9_]*, "\([A-Za-z0-9]*\)", "\([a-z.]*\)", \([0-9]*\),.*/\1 \2 \3/p' "${top_srcdir:-.}/core/ops/ops.def" >"$work/rows"
[ "$(wc -l <"$work/rows")" -gt 100 ] || { echo "FAIL: ops.def reads otherwise than this script thinks"; exit 1; }
while read -r name domain since; do
	[ -n "$since" ] || { since=$domain domain=; }
	grep -qE "^${domain:+$domain::}$name +$since(-[0-9]+)? .*reference\$" "$work/list" || fail "oqz list ops lacks $name"
	grep -qE "^\| $name \| $since(-[0-9]+)? \| .*reference \|\$" "$work/page" || fail "the page lacks $name"
done <"$work/rows"
page=${top_builddir:-.}/doc/operators.md
[ ! -f "$page" ] || cmp -s "$page" "$work/page" || fail "$page is not what oqz list ops --markdown prints"
"$oqz" list steps --markdown 2>/dev/null && fail "--markdown is taken for other lists"
exit $status
