#!/bin/sh
# packaging/oqz.spec: rpm's tools accept it, and rpmbuild makes the four packages from the release tarball alone. Runs on any
# distribution: what is required is not looked up in rpm's database (--nodeps). The tests are those of the Debian package's
# build, so they are left out here.
. "${top_srcdir:-..}/tests/long/functions.sh"
requires rpmbuild rpmspec make
make_tarball
spec=$top_srcdir/packaging/oqz.spec
quietly "rpmspec -P" rpmspec -P "$spec"
[ "$(rpmspec -q --srpm --qf '%{version}' "$spec")" = "$version" ] || fail "the spec's version is not $version"
if command -v rpmlint >/dev/null; then
	quietly "rpmlint" rpmlint "$spec"
fi
quietly "rpmbuild -tb" rpmbuild -tb --nodeps --without check --define "_topdir $work/rpm" --define "_smp_build_ncpus $(nproc)" \
	"$work/oqz-$version.tar.xz"
cd "$work/rpm/RPMS"
# has PACKAGE PATH: some path that ends so
has() {
	rpm -qlp "$(find . -name "$1-$version-*.rpm")" 2>>"$log" | grep -q "$2\$" || fail "$1 lacks $2"
}
has oqz /bin/oqz
has oqz /bin/oqz-run
has oqz '/man1/oqz-run\.1\(\.gz\)\{0,1\}' # distributions compress it or do not
has oqz /completions/oqz
has oqz-plugins /oqz/plugins/int8.so
has oqz-devel /include/oqz/plugin.h
has oqz-devel /pkgconfig/oqz.pc
has oqz-doc /examples/tiny/tiny.yaml
has oqz-doc /examples/demo/zoo.yaml
provided=$(rpm -qp --provides "$(find . -name "oqz-$version-*.rpm")" 2>>"$log" | grep '^oqz-plugin-abi(') ||
	fail "oqz does not provide its plugin interface"
rpm -qp --requires "$(find . -name 'oqz-plugins-*.rpm')" 2>>"$log" | grep -qxF "$provided" ||
	fail "oqz-plugins does not require $provided"
find . -name '*.rpm' | sort
echo PASS
