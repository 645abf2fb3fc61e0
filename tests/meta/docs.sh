#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# What man.sh does not look at: every exit code of cli.h stands on oqz(1), every key of a manifest on oqz-manifest(5), and there is
# no page for a verb that is gone.
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

keys=$(sed -n 's/^OQZ_KEY([A-Z]*, "\([a-z_]*\)".*/\1/p' core/manifest/schema.def | sort -u)
[ "$(echo "$keys" | wc -l)" -ge 30 ] || fail "schema.def reads otherwise than this script thinks"
for key in $keys; do
	sed '/^\.SH EXAMPLE/,$d; s/\\-/-/g' doc/oqz-manifest.5 | grep -qw -- "$key" || fail "doc/oqz-manifest.5 does not explain the key $key"
done

# Paths that the README, ARCHITECTURE and HACKING name are there; <name> stands for any, and programs for their sources.
named=$(grep -oh '\(^\|[^[:alnum:]/._-]\)\(core\|cli\|tests\|etc\|plugins\|quantizers\|tasks\|bench\|packaging\|m4\)/[[:alnum:]_./<>-]*' README.md ARCHITECTURE.md HACKING.md |
	sed 's/^[^[:alnum:]]//; s/[.,:]*$//; s/<[a-z]*>/*/g' | sort -u)
[ "$(echo "$named" | wc -l)" -ge 30 ] || fail "README, ARCHITECTURE and HACKING read otherwise than this script thinks"
for path in $named; do
	# shellcheck disable=SC2086
	set -- $path
	[ -e "$1" ] || [ -e "$path.c" ] || fail "there is no $path, which README, ARCHITECTURE or HACKING names"
done

# The README's table has the figures that demo/RESULTS.md has: model, scheme, float, quantized, difference, AQE, MQE, OQE, images.
awk '
	function wanted(key, figures) { if (want[key] != figures) { print "FAIL: README.md: " key ": " figures ", RESULTS.md: " want[key]; bad = 1 } n++ }
	FNR == NR { split($0, c, / *[|] */); want[c[2] " " c[3]] = c[5] " " c[6] " " c[7] " " c[8] " " c[9] " " c[10] " " c[11]; next }
	/^    [a-z]+-[a-z]+ +(int8|fp8)-/ { wanted($1 " " $2, $5 " " $6 " " $7 " " $(NF - 3) " " $(NF - 2) " " $(NF - 1) " " $NF) }
	END { if (n < 3) { print "FAIL: README.md has no table of the demo zoo"; bad = 1 } exit bad }' demo/RESULTS.md README.md || status=1
exit $status
