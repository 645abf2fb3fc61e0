#!/bin/sh
# The plugin template, as a stranger would use it: oqz is installed into a folder, the installed template is built there with
# nothing but the installed headers, oqz.pc and oqz.m4, and the installed program takes the plugin from OQZ_PLUGIN_PATH.
set -e
for tool in autoreconf pkg-config make; do
	command -v $tool >/dev/null || { echo "skipped: no $tool"; exit 77; }
done
unset MAKEFLAGS MAKELEVEL MFLAGS OQZ_PLUGIN_PATH
work=$PWD/tests/tmp/template.$$
rm -rf "$work"
mkdir -p "$work/root"
trap 'rm -rf "$work"' EXIT

make -s -C "${top_builddir:-.}" install DESTDIR="$work/root" >"$work/install.log" 2>&1 || {
	tail -30 "$work/install.log"
	echo "FAIL: make install"
	exit 1
}
# Where the build puts things is its own affair; the template finds them by oqz.pc and aclocal.
pc=$(find "$work/root" -name oqz.pc)
m4=$(find "$work/root" -name oqz.m4)
template=$(find "$work/root" -type d -path '*/oqz/template')
program=$(find "$work/root" -name oqz -path '*/bin/oqz')
for found in "$pc" "$m4" "$template" "$program"; do
	test -n "$found" || { echo "FAIL: not all was installed: pc=$pc m4=$m4 template=$template program=$program"; exit 1; }
done

cp -r "$template" "$work/plugin"
test "$(wc -l <"$work/plugin/example.c")" -lt 100 || { echo "FAIL: the example has grown to 100 lines"; exit 1; }
cd "$work/plugin"
PKG_CONFIG_PATH=$(dirname "$pc") PKG_CONFIG_SYSROOT_DIR=$work/root ACLOCAL_PATH=$(dirname "$m4")
export PKG_CONFIG_PATH PKG_CONFIG_SYSROOT_DIR ACLOCAL_PATH
{ autoreconf --install && ./configure -q && make -s CFLAGS='-O2 -Wall -Wextra -Werror'; } >"$work/build.log" 2>&1 || {
	tail -30 "$work/build.log"
	echo "FAIL: the template does not build"
	exit 1
}

OQZ_PLUGIN_PATH=$work/plugin/.libs "$program" describe example >"$work/out" || { cat "$work/out"; exit 1; }
cat "$work/out"
grep -q '^example 0.1: ' "$work/out"
grep -q 'clip (float, default 1, 0.01 to 1)' "$work/out"
OQZ_PLUGIN_PATH=$work/plugin/.libs "$program" list quantizers | grep '^example '
# Without the path it is not there.
if OQZ_PLUGIN_PATH= "$program" describe example >/dev/null 2>"$work/err"; then
	echo "FAIL: found without OQZ_PLUGIN_PATH"
	exit 1
fi
grep 'no plugin' "$work/err"
# The installed folder is used when it is told so at configure time.
make -s install DESTDIR="$work/second" >/dev/null 2>&1
test -n "$(find "$work/second" -name example.so -path '*/oqz/plugins/*')"
echo PASS
