# Sourced by the scripts of this folder, which run in a configured build folder. $work is the script's own folder, removed at
# the end unless OQZ_KEEP is set.
set -eu
: "${top_srcdir:=..}" "${top_builddir:=.}"
top_srcdir=$(cd "$top_srcdir" && pwd)
unset MAKEFLAGS MAKELEVEL MFLAGS OQZ_PLUGIN_PATH OQZ_PRESET_PATH MALLOC_PERTURB_ OMP_NUM_THREADS OQZ
OQZ_SHARED=/nonexistent # packages are tested without the data that only some machines have
export OQZ_SHARED
umask 022
work=$(mktemp -d "${TMPDIR:-/tmp}/oqz-long.XXXXXX")
log=$work/log
: >"$log"
at_end() {
	status=$?
	trap - EXIT
	for m in "$work"/*/dev/pts "$work"/*/proc; do
		! mountpoint -q "$m" || umount "$m" || umount -l "$m"
	done
	[ -n "${OQZ_KEEP-}" ] && echo "kept: $work" || rm -rf --one-file-system "$work"
	exit $status
}
trap at_end EXIT
trap 'exit 1' HUP INT TERM

fail() {
	tail -40 "$log"
	echo "FAIL: $*"
	exit 1
}
# quietly WHAT COMMAND...: its output goes to the log, which is shown when it fails
quietly() {
	what=$1
	shift
	echo "$what" | tee -a "$log"
	"$@" >>"$log" 2>&1 || fail "$what"
}
requires() {
	for program; do
		command -v "$program" >/dev/null || { echo "skipped: no $program"; exit 0; }
	done
}
# the release tarball: $work/oqz-VERSION.tar.xz, and $version
make_tarball() {
	quietly "making the release tarball" make -s dist-xz
	version=$(sed -n 's/^PACKAGE_VERSION = //p' Makefile)
	mv "oqz-$version.tar.xz" "$work"
}
# A minimal Debian of this release to try things in: a copy of $OQZ_DEBIAN_ROOT, else debootstrap's.
can_debian_root() { [ "$(id -u)" = 0 ] && { [ -n "${OQZ_DEBIAN_ROOT-}" ] || command -v debootstrap >/dev/null; }; }
debian_root() { # FOLDER, which is made, and $root afterwards
	root=$1
	if [ -n "${OQZ_DEBIAN_ROOT-}" ]; then
		quietly "copying $OQZ_DEBIAN_ROOT" cp -a "$OQZ_DEBIAN_ROOT" "$root"
	else
		# shellcheck source=/dev/null
		quietly "debootstrap" debootstrap --variant=minbase "$(. /etc/os-release && echo "$VERSION_CODENAME")" "$root"
	fi
	printf '#!/bin/sh\nexit 101\n' >"$root/usr/sbin/policy-rc.d" # no daemons
	chmod 755 "$root/usr/sbin/policy-rc.d"
	cat >"$root/etc/apt/apt.conf.d/90test" <<-END
		APT::Sandbox::User "root";
		APT::Install-Recommends "false";
	END
	# What a machine has besides files, and the tests look at; where it cannot be mounted, those that need it are skipped.
	mount -t proc proc "$root/proc" 2>>"$log" && mount -t devpts -o newinstance,ptmxmode=0666 devpts "$root/dev/pts" 2>>"$log" ||
		echo "without /proc and pseudo-terminals: they cannot be mounted here"
}
within() { chroot "$root" env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/tmp LC_ALL=C.UTF-8 DEBIAN_FRONTEND=noninteractive \
	DEB_BUILD_OPTIONS="${DEB_BUILD_OPTIONS-}" "$@"; }
