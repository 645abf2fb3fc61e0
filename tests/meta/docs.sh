#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# What man.sh does not look at: every exit code of cli.h stands on oqz(1), and there is no page for a verb that is gone.
cd "${top_srcdir:-.}" || exit 1
oqz=${OQZ:-cli/oqz} status=0
fail() { echo "FAIL: $*"; status=1; }

[ -x "$oqz" ] || { echo "skipped: $oqz is not built"; exit 77; }
verbs=$("$oqz" --help | sed -n '/^verbs:/,/^$/s/^  \([a-z][a-z-]*\) .*/\1/p')
for p in doc/oqz-*.1; do
	verb=${p#doc/oqz-}
	verb=${verb%.1}
	[ "$verb" = mpi ] && continue # a program of its own
	echo "$verbs" | grep -qx -- "$verb" || fail "$p: there is no such verb"
done
codes=$(sed -n 's/^[[:space:]]*OQZ_EXIT_[A-Z]* = \([0-9]*\).*/\1/p' cli/cli.h)
[ "$(echo "$codes" | wc -l)" -ge 5 ] || fail "cli.h reads otherwise than this script thinks"
for code in $codes; do
	sed -n '/^\.SH EXIT STATUS/,/^\.SH [^E]/p' doc/oqz.1 | grep -qE "^\.(B|BR|TP|IP|It) *\"?$code\"?\$|^$code\$" ||
		fail "doc/oqz.1 does not explain exit code $code"
done
exit $status
