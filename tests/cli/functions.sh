# Sourced by the scripts of this folder. They run in the build folder with the environment of tests/local.mk; $tmp is the
# script's own folder, removed at the end. Any command that fails ends a script (set -e).
#
#	expect_exit 0 run -o "$tmp/out" "$tiny/tiny.yaml"     runs $OQZ; its output is in $tmp/stdout and $tmp/stderr
#	says stdout 'top1'                                    a basic regular expression that some line must match
set -e
: "${top_srcdir:=.}" "${top_builddir:=.}" "${OQZ:=cli/oqz}"
tiny=$top_builddir/demo/tiny/data
script=${0##*/}
tmp=$(mktemp -d "${TMPDIR:-/tmp}/oqz-${script%.sh}.XXXXXX")
cleanup_commands=

# cleanup COMMAND: run at the end, last one first, however the script ends
cleanup() { cleanup_commands="$1
$cleanup_commands"; }
finish() {
	status=$?
	trap - EXIT
	eval "$cleanup_commands" || :
	exit $status
}
trap finish EXIT
trap 'exit 1' HUP INT TERM
cleanup 'rm -rf "$tmp"'

fail() {
	echo "FAIL: $*"
	for f in stdout stderr; do
		test ! -f "$tmp/$f" || sed "s/^/  $f: /" "$tmp/$f" | head -40
	done
	exit 1
}

# requires PROGRAM...: else the script is skipped
requires() {
	for program; do
		command -v "$program" >/dev/null || { echo "skipped: no $program"; exit 77; }
	done
}

expect_exit() {
	want=$1
	shift
	got=0
	"$OQZ" "$@" >"$tmp/stdout" 2>"$tmp/stderr" || got=$?
	test "$got" -eq "$want" || fail "oqz $*: exit $got, not $want"
}

says() { grep -q -e "$2" "$tmp/$1" || fail "$1 lacks '$2'"; }
says_not() { ! grep -q -e "$2" "$tmp/$1" || fail "$1 has '$2'"; }
same() { cmp "$1" "$2" || fail "$1 and $2 differ"; }
# same_results A B: what two runs give must be equal byte for byte
same_results() { for f in results.json results.csv layers.csv; do same "$1/$f" "$2/$f"; done; }

# copy_tiny DIR: the tiny example to do harm to
copy_tiny() { cp -R "$tiny" "$1"; }
# manifest FILE: the tiny manifest with absolute paths, so that it can lie anywhere; more may be appended to it
manifest() { sed -e "s|root: |root: $tiny/|; s|list: \([a-z]*.txt\)|list: $tiny/\1|; s|file: |file: $tiny/|" "$tiny/tiny.yaml" >"$1"; }

# f32_bytes NUMBER...: as little-endian float32 on standard output (normal numbers and zero, exactly representable)
f32_bytes() {
	test $# -gt 0 || return 0
	# shellcheck disable=SC2059
	printf "$(printf '%s\n' "$@" | awk '{
		x = $1 + 0; s = x < 0 ? 128 : 0; if (x < 0) x = -x
		if (x == 0) { e = 0; m = 0 } else {
			e = 127; while (x >= 2) { x /= 2; e++ } while (x < 1) { x *= 2; e-- }
			m = int((x - 1) * 8388608 + 0.5)
		}
		printf "\\%03o\\%03o\\%03o\\%03o", m % 256, int(m / 256) % 256, (e % 2) * 128 + int(m / 65536), s + int(e / 2)
	}')"
}
# npy FILE SHAPE NUMBER...: SHAPE as in "(1, 3)" or "(4,)"
npy() {
	npy_file=$1 npy_header="{'descr': '<f4', 'fortran_order': False, 'shape': $2, }"
	shift 2
	{ printf '\223NUMPY\001\000v\000%-117s\n' "$npy_header"; f32_bytes "$@"; } >"$npy_file"
}
# npy_values FILE: the numbers of a float32 .npy, one a line
npy_values() {
	npy_skip=$(od -A n -t u1 -j 8 -N 2 "$1" | awk '{ print 10 + $1 + 256 * $2 }')
	od -A n -v -t f4 -j "$npy_skip" "$1" | tr -s ' ' '\n' | sed '/^$/d'
}
