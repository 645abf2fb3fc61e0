#!/bin/sh
# What `make install` puts into a DESTDIR, `make uninstall` takes away: no file and none of oqz's own folders stays behind.
set -e
unset MAKEFLAGS MAKELEVEL MFLAGS
command -v make >/dev/null || { echo "skipped: no make"; exit 77; }
work=$(mktemp -d "${TMPDIR:-/tmp}/oqz-install.XXXXXX")
trap 'rm -rf "$work"' EXIT
root=$work/root
fail() {
	echo "FAIL: $*"
	tail -20 "$work/log"
	exit 1
}
run_make() { make -s -C "${top_builddir:-.}" "$@" DESTDIR="$root" >"$work/log" 2>&1 || fail "make $*"; }

# Something that is not oqz's stays where it is.
run_make install
bin=$(dirname "$(find "$root" -path '*/bin/oqz')")
touch "$bin/other"
find "$root" ! -type d >"$work/installed"
for wanted in bin/oqz bin/oqz-run oqz/plugins/int8.so oqz/presets/cityscapes.yaml include/oqz/plugin.h pkgconfig/oqz.pc \
	aclocal/oqz.m4 oqz/template/example.c oqz/template/number.c man1/oqz-run.1 man5/oqz-manifest.5 man3/oqz-plugin.3 \
	man7/oqz-int8.7 man7/oqz-ocr.7 doc/oqz/README.md doc/oqz/TUTORIAL.md doc/oqz/operators.md \
	doc/oqz/examples/imagenet.yaml doc/oqz/examples/tiny/tiny.yaml doc/oqz/examples/demo/zoo.yaml doc/oqz/plugins/int8.md \
	bash-completion/completions/oqz bash-completion/completions/oqz-run; do
	grep -q "/$wanted\$" "$work/installed" || fail "not installed: $wanted"
done
run_make uninstall
left=$(find "$root" ! -type d)
[ "$left" = "$bin/other" ] || fail "left behind:" $left
folders=$(find "$root" -type d -name oqz)
[ -z "$folders" ] || fail "folders left behind:" $folders
