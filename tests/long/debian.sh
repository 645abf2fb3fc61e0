#!/bin/bash
# debian/: a source package from the release tarball, its four packages built by dpkg-buildpackage with the tests (as root in
# a fresh minimal Debian that has what debian/control asks for and nothing else), lintian without errors or warnings, and, as
# root, the packages' life in another one: installed by apt with what they depend on, used by an ordinary user, removed without
# a trace.
#   OQZ_DEBIAN_ROOT   a minimal Debian of this release to begin with (it is copied), instead of debootstrap's
#   OQZ_KEEP          keeps the packages and the log
# shellcheck source=tests/long/functions.sh
. "${top_srcdir:-..}/tests/long/functions.sh"
requires dpkg-buildpackage dh lintian make
[ -d "$top_srcdir/debian" ] || { echo "skipped: a release tarball has no debian/"; exit 0; }
make_tarball

# ------------------------------------------------------------------------------------------------ source package
cd "$work"
tar xf "oqz-$version.tar.xz"
mkdir -p "oqz-$version/debian/source"
for f in "$top_srcdir"/debian/* "$top_srcdir"/debian/source/*; do
	[ ! -f "$f" ] || cp "$f" "oqz-$version/${f#"$top_srcdir/"}"
done
cp "oqz-$version.tar.xz" "oqz_$version.orig.tar.xz"
[ "$(dpkg-parsechangelog -l "oqz-$version/debian/changelog" -S Version | sed 's/-[^-]*$//')" = "$version" ] ||
	fail "debian/changelog is not about $version"
quietly "dpkg-source -b" dpkg-source -b "oqz-$version"
rm -rf "oqz-$version"

# ------------------------------------------------------------------------------------------------ packages
export DEB_BUILD_OPTIONS="parallel=$(nproc) ${DEB_BUILD_OPTIONS-}"
if can_debian_root; then
	debian_root "$work/builder"
	mkdir "$root/packages"
	cp oqz_* "$root/packages"
	quietly "apt-get update" within apt-get update
	quietly "apt-get build-dep" within sh -c 'apt-get build-dep -y /packages/oqz_*.dsc'
	there=$root/packages
	at_packages() { within sh -c 'cd /packages && "$@"' sh "$@"; }
else
	there=$work
	at_packages() { "$@"; }
fi
quietly "dpkg-source -x" at_packages dpkg-source -x "$(echo oqz_*.dsc)" "oqz-$version"
cd "$there/oqz-$version"
quietly "dpkg-buildpackage -us -uc -b" at_packages sh -c 'cd oqz-* && dpkg-buildpackage -us -uc -b'
# The inner loops are vectorised by the distribution's flags, too, and for wide registers.
objects=$(find build-deb/core -name '*.o' -exec sh -c 'objdump -d "$1" | grep -q "[a-z]ps .*%ymm"' sh {} \; -print)
if [ "$(dpkg --print-architecture)" = amd64 ]; then
	[ "$(wc -w <<<"$objects")" -ge 10 ] || fail "objects with vector code for x86-64-v3:" $objects
fi
quietly "dh clean" at_packages sh -c 'cd oqz-* && debian/rules clean'
cd "$work"
[ "$there" = "$work" ] || mv "$there"/* .
changes=$(echo oqz_*.changes)
for p in oqz oqz-plugins oqz-dev oqz-doc; do
	grep -q "^ .* ${p}_$version" "$changes" || fail "$changes lacks $p"
done
as=()
[ "$(id -u)" != 0 ] || as=(--allow-root)
# An intent to package is for whoever uploads to Debian.
quietly "lintian" lintian --suppress-tags initial-upload-closes-no-bugs "${as[@]}" --fail-on error,warning --tag-display-limit 0 --info "$changes" oqz_*.dsc
virtual=oqz-plugin-abi-$(sed -n 's,^#define OQZ_ABI "oqz\(.*\)"$,\1,p' "oqz-$version/plugins/include/oqz/plugin.h" | tr / -)
[ "$(dpkg-deb -f oqz_"$version"*.deb Provides)" = "$virtual" ] || fail "oqz does not provide $virtual"
dpkg-deb -f oqz-plugins_*.deb Depends | grep -q -w -F -- "$virtual" || fail "oqz-plugins does not depend on $virtual"

# ------------------------------------------------------------------------------------------------ installed
if ! can_debian_root; then
	echo "PASS (not installed: that takes root, and debootstrap or OQZ_DEBIAN_ROOT)"
	exit 0
fi
root=$work/root
debian_root "$root"
# minbase documents nothing; these packages are to
rm -f "$root"/etc/dpkg/dpkg.cfg.d/*
quietly "apt-get update" within apt-get update
mkdir "$root/debs"
cp $(ls ./*.deb | grep -v dbgsym) "$root/debs"
# What oqz needs of others goes first, so that its own traces can be told from theirs.
needs=$(dpkg-deb -f oqz_"$version"*.deb Depends | sed 's/([^)]*)//g; s/|[^,]*//g; s/,/ /g')
# shellcheck disable=SC2086
quietly "apt-get install, what oqz depends on" within apt-get install -y $needs
files() { (cd "$root" && find . -xdev \( -path ./proc -o -path ./tmp -o -path ./debs -o -path ./var -o -path ./home \) -prune -o -print | sort); }
files >"$work/before"
quietly "apt-get install, all four" within sh -c 'apt-get install -y /debs/*.deb'
files >"$work/installed"
[ "$(comm -13 "$work/before" "$work/installed" | grep -c oqz)" -ge 40 ] || fail "hardly anything was installed"

# An ordinary user, in a folder of his own.
within useradd -m -d /home/somebody somebody
user() { chroot --userspec=somebody "$root" env -i PATH=/usr/bin:/bin HOME=/home/somebody LC_ALL=C.UTF-8 sh -c "cd && $1" 2>&1 | tee -a "$log"; }
user 'oqz --version' | grep -qxF "oqz $version" || fail "oqz --version"
user 'oqz list quantizers' | grep -q '^int8 ' || fail "oqz does not find its plugins"
user 'oqz-run --progress none /usr/share/doc/oqz/examples/tiny/tiny.yaml; echo exit $?' >"$work/table"
grep -q '^tiny .*top1' "$work/table" && grep -qx 'exit 0' "$work/table" || fail "oqz-run tiny.yaml"
cat "$work/table"
user 'gzip -dc /usr/share/man/man7/oqz-int8.7.gz | head -5' | grep -q 'OQZ' || fail "oqz-int8(7)"
# The demo zoo, from the folder of the packages, which its user cannot write to.
user 'oqz-run --progress none /usr/share/doc/oqz/examples/demo/zoo.yaml; echo exit $?; ls zoo.oqz' >"$work/table"
grep -q '^textures-edsr .*psnr' "$work/table" && grep -qx 'exit 0' "$work/table" && grep -qx report.html "$work/table" ||
	fail "oqz-run demo/zoo.yaml"
cat "$work/table"
user 'gzip -dc /usr/share/man/man1/oqz-run.1.gz | head -5' | grep -q '^.TH OQZ-RUN\|^.TH OQZ\\-RUN' || fail "oqz-run(1)"

quietly "apt-get purge" within apt-get purge -y oqz oqz-plugins oqz-dev oqz-doc
left=$(files | comm -13 "$work/before" - | grep oqz || :)
[ -z "$left" ] || fail "left behind:" $left
left=$(comm -12 <(comm -13 "$work/before" "$work/installed") <(files))
[ -z "$left" ] || fail "left behind:" $left
left=$(find "$root/var" -name '*oqz*' ! -path '*/var/log/*' ! -path '*/apt/archives/*')
[ -z "$left" ] || fail "left behind:" $left

# A plugin built with oqz-dev, as its users do.
quietly "apt-get install, oqz-dev and tools" within sh -c \
	'apt-get install -y /debs/*.deb autoconf automake libtool pkgconf gcc libc6-dev make'
user 'cp -r /usr/share/oqz/template plugin && cd plugin && autoreconf -i && ./configure -q && make -s' >/dev/null
user 'OQZ_PLUGIN_PATH=plugin/.libs oqz describe example' | grep -q '^example 0.1: ' || fail "the template's plugin"
echo PASS
