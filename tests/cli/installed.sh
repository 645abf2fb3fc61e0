#!/bin/sh
# `make install DESTDIR=...` gives a tree that works where it lies, and where it is moved to: no variable has to be set.
# Plugins of others may lie in it.
. "${top_srcdir:-.}/tests/cli/functions.sh"
requires make
test -e /proc/self/exe || { echo "skipped: without /proc (a bare chroot) a program cannot tell where it lies"; exit 77; }
unset MAKEFLAGS MAKELEVEL MFLAGS OQZ_PLUGIN_PATH OQZ_PRESET_PATH
make -s -C "$top_builddir" install DESTDIR="$tmp/root" >"$tmp/stdout" 2>"$tmp/stderr" || fail "make install"
bin=$(dirname "$(find "$tmp/root" -path '*/bin/oqz')")
try() {
	OQZ=$1/oqz
	expect_exit 0 list quantizers
	says stdout '^int8 '
	expect_exit 0 list tasks
	says stdout '^classification '
	expect_exit 0 list plugins
	says stdout "$tmp/.*/oqz/plugins/int8.so"
	expect_exit 0 prepare --steps mobilenet-tf "$tiny/test/$(sed -n '1s/ .*//p' "$tiny/test.txt")"
	says stdout '224,224'
	OQZ=$1/oqz-run # a link beside it
	expect_exit 0 --progress none -o "$2" "$tiny/tiny.yaml"
	says stdout '^tiny  *channel  *top1'
}
try "$bin" "$tmp/a"
# Another's plugin beside the program's own: a new build of it counts as new, a new build of the program's own of that
# version does not.
plugins=$(dirname "$(find "$tmp/root" -name int8.so)")
computed() { sed -n 's/.*"event":"evaluate".*"total":\([0-9]*\).*"resumed":\([0-9]*\).*/\1 \2/p' "$tmp/stderr" | tail -1 | awk '{ print $1 - $2 }'; }
manifest "$tmp/zoo.yaml"
sed -i '/^matrix:/,$d; s|^schemes:|&\n  other: {plugin: mock-rebuilt}|' "$tmp/zoo.yaml"
# recomputed SCHEME: whether it is computed anew
recomputed() {
	expect_exit 0 --progress json --select "scheme=$1" -o "$tmp/c" "$tmp/zoo.yaml"
	test "$(computed)" -gt 0
}
cp "$top_builddir/tests/mock/.libs/mock-built.so" "$plugins/other.so"
recomputed other || fail "nothing to compute"
! recomputed other || fail "the same again"
cp "$top_builddir/tests/mock/.libs/mock-rebuilt.so" "$plugins/other.so"
recomputed other || fail "results of another's plugin that was rebuilt are kept"
recomputed channel || fail "nothing to compute"
cp "$plugins/int8.so" "$tmp/int8.so"
echo >>"$tmp/int8.so"
cp "$tmp/int8.so" "$plugins/int8.so"
! recomputed channel || fail "the program's own plugin of the same version is another one"
rm "$plugins/other.so"
mkdir "$tmp/elsewhere"
mv "$(dirname "$bin")" "$tmp/elsewhere/oqz-1"
try "$tmp/elsewhere/oqz-1/bin" "$tmp/b"
same_results "$tmp/a" "$tmp/b"
# Through a link from anywhere.
ln -s "$tmp/elsewhere/oqz-1/bin/oqz" "$tmp/oqz"
ln -s "$tmp/elsewhere/oqz-1/bin/oqz-run" "$tmp/oqz-run"
try "$tmp" "$tmp/b"
