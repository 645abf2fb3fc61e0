#!/bin/bash
# The README's two commands where nothing of oqz has ever been: a minimal Debian, git, a clone of what is committed here.
# `./quickstart` ends with the demo zoo's table, its report and the figures of demo/RESULTS.md; `./quickstart check` passes. Says
# how long both took and how much was downloaded. As root.
#   OQZ_DEBIAN_ROOT   a minimal Debian to begin with (it is copied), instead of debootstrap's
#   OQZ_KEEP          keeps the log
# shellcheck source=tests/long/functions.sh
. "${top_srcdir:-..}/tests/long/functions.sh"
requires git
[ -e "$top_srcdir/.git" ] || { echo "skipped: no git checkout"; exit 0; }
can_debian_root || { echo "skipped: that takes root, and debootstrap or OQZ_DEBIAN_ROOT"; exit 0; }
debian_root "$work/root"
within apt-get clean
on_disk() { du -smx "$@" | cut -f1; } # in MB
bare=$(on_disk "$root/usr")
quietly "apt-get update" within apt-get update
quietly "apt-get install, git" within apt-get install -y git ca-certificates
quietly "clone" git clone -q "file://$top_srcdir" "$root/tmp/oqz"
clone=$(on_disk "$root/tmp/oqz")
quietly "no packages yet" within apt-get clean
TIMEFORMAT='%R %U %S'
# timed WHAT COMMAND...: within the clone; its output is $work/said, and with the seconds since its start before each line $work/when
timed() {
	what=$1
	shift
	echo "$what" | tee -a "$log"
	began=$EPOCHSECONDS
	{ time within sh -c 'cd /tmp/oqz && "$@"' sh "$@" 2>&1 | while IFS= read -r line; do
		printf '%s %s\n' $((EPOCHSECONDS - began)) "$line"
	done >"$work/when"; status=${PIPESTATUS[0]}; } 2>"$work/took"
	cut -d' ' -f2- "$work/when" >"$work/said"
	cat "$work/said" >>"$log"
	[ "$status" = 0 ] || fail "$what: exit $status"
	echo "$what: $(awk '{ printf "%.0f s, %.0f s of processors\n", $1, $2 + $3 }' "$work/took")"
}
# at PATTERN: the second in which a line that fits was said
at() { grep -m 1 -- "$1" "$work/when" | cut -d' ' -f1; }
timed "./quickstart" ./quickstart
echo "of that, packages $(at 'making configure') s, configuring $(($(at 'building with') - $(at 'making configure'))) s"
echo "downloaded: $(du -sm --apparent-size "$root/var/cache/apt/archives" | cut -f1) MB of packages, $(
	du -sm --apparent-size "$root/tmp/oqz/.git" | cut -f1) MB of the clone"
echo "on disk: packages $(($(on_disk "$root/usr") - bare)) MB, the clone $clone MB, the build $(on_disk "$root/tmp/oqz/build") MB"
grep '^sky-yolox ' "$work/said" || fail "no table"
grep -q 'report: .*/report.html\|report.*build/demo/zoo.oqz/report.html' "$work/said" || fail "where is the report?"
[ -s "$root/tmp/oqz/build/demo/zoo.oqz/report.html" ] || fail "no report"
within sh -c 'cd /tmp/oqz && OQZ=build/cli/oqz demo/results.sh build/demo/zoo.oqz' >"$work/RESULTS.md"
made_with=$(sed -n 's/^Made with: //p' "$top_srcdir/demo/RESULTS.md")
if grep -qxF "Made with: $made_with" "$work/RESULTS.md"; then
	diff "$root/tmp/oqz/demo/RESULTS.md" "$work/RESULTS.md" || fail "other figures than demo/RESULTS.md"
	echo "demo/RESULTS.md: equal"
else
	echo "demo/RESULTS.md was made with $made_with; tests/cli/demo.sh compares what can be"
fi
timed "./quickstart check" ./quickstart check
grep -E '^# (TOTAL|PASS|SKIP|FAIL|ERROR):' "$work/said"
echo PASS
