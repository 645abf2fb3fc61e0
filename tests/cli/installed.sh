#!/bin/sh
# `make install DESTDIR=...` gives a tree that works where it lies, and where it is moved to: no variable has to be set.
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
mkdir "$tmp/elsewhere"
mv "$(dirname "$bin")" "$tmp/elsewhere/oqz-1"
try "$tmp/elsewhere/oqz-1/bin" "$tmp/b"
same_results "$tmp/a" "$tmp/b"
# Through a link from anywhere.
ln -s "$tmp/elsewhere/oqz-1/bin/oqz" "$tmp/oqz"
ln -s "$tmp/elsewhere/oqz-1/bin/oqz-run" "$tmp/oqz-run"
try "$tmp" "$tmp/b"
