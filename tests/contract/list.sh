#!/bin/sh
# oqz list and oqz describe on good and broken plugins: what is printed, where, and with which exit code.
oqz=${OQZ:-cli/oqz}
mocks=$(cd "${top_builddir:-.}/tests/mock/.libs" && pwd) || exit 1
work=$PWD/tests/tmp/list.$$
mkdir -p "$work/plugins"
trap 'rm -rf "$work"' EXIT
status=0

fail() {
	echo "FAIL: $*"
	sed 's/^/  out: /' "$work/out"
	sed 's/^/  err: /' "$work/err"
	status=1
}

# want CODE ARGUMENT...: runs oqz; output in $work/out and $work/err
want() {
	code=$1
	shift
	"$oqz" "$@" >"$work/out" 2>"$work/err"
	got=$?
	test $got -eq "$code" || fail "oqz $*: exit $got, not $code"
}
out() { grep -q -e "$1" "$work/out" || fail "standard output lacks '$1'"; }
err() { grep -q -e "$1" "$work/err" || fail "standard error lacks '$1'"; }

for mock in good twin crash-entry abi task; do
	ln -s "$mocks/mock-$mock.so" "$work/plugins/mock-$mock.so"
done
mv "$work/plugins/mock-twin.so" "$work/plugins/zz.so"
echo "not an ELF file" >"$work/plugins/text.so"
OQZ_PLUGIN_PATH=$work/plugins:$OQZ_PLUGIN_PATH
export OQZ_PLUGIN_PATH

want 0 list
out '^mock-good  *quantizer  1  .*/mock-good.so$'
out '^mock-good  *quantizer  1  .*/zz.so  (not used: .*/mock-good.so comes first)$'
out '^-  *refused  *.*/mock-crash-entry.so: crashed while being loaded: signal 11'
out '^-  *refused  *.*/mock-abi.so: its abi is'
out '^-  *refused  *.*/text.so: cannot be loaded'
out '^classification  *task '
want 0 list quantizers
out '^mock-good  *1  *a mock$'
test "$(grep -c mock-good "$work/out")" -eq 1 || fail "a shadowed plugin is listed"
err '3 refused'
want 0 list tasks
out '^classification '
want 0 list steps
out '^center-crop '
want 0 list calibrators
out '^minmax '
want 0 list ops
out '^Conv  *1-[0-9]*  .*reference$'
out '^oqz::FakeQuant '
want 2 list plugin
err 'did you mean .plugins.'

want 0 describe classification
out '^  k (ints, default 1:5, 1 to 1000000)$'
out '^  top1 (ratio, higher is better, 0 to 1, McNemar test)$'
want 0 describe --markdown classification
out '^- `k` (ints, default 1:5'
want 0 describe center-crop
out '^  size ('
want 0 describe "$mocks/mock-good.so"
out '^  word (string, default two, one|two)$'
want 0 describe int8:bits=4
out '^  weights: int4 \[-8,7\]'
out '^      -8 -7 -6 -5 -4 -3 -2 -1$'
want 2 describe int8:bits=44
err 'outside of the range 2 to 16'
want 3 describe classificaton
err 'did you mean .classification.'
want 3 describe mock-abi
err 'was refused: its abi is'
want 3 describe "$mocks/mock-abi.so"
want 3 describe /nonexistent/x.so
err 'no such plugin file'
want 3 describe "$mocks/mock-crash-open.so"
err 'crashed at work: signal 11'
want 2 describe
test $status -eq 0 && echo PASS
exit $status
