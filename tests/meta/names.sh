#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Names and openings: source files have names that are unique in the tree (a plugin's in its own folder: each is a program
# of its own, and their parts are called alike on purpose), begin with a licence line and a comment that
# says what they are, stay below 600 lines, and nothing in the tree names a place on somebody's machine.
cd "${top_srcdir:-.}" || exit 1
status=0
fail() { echo "FAIL: $*"; status=1; }
tree='core plugins quantizers tasks cli tests bench'
sources() { find $tree -name '*.[ch]' ! -name '*.pb-c.[ch]' | LC_ALL=C sort; }

twice=$(sources | grep -v -e '^quantizers/' -e '^tasks/' | sed 's/.*\///' | sort | uniq -d)
[ -z "$twice" ] || fail "more than one file is called" $twice

# Longer than 600 lines, with the reason.
long=" "
for f in $(sources); do
	head -n 1 "$f" | grep -q '^/\* SPDX-License-Identifier: Apache-2.0$' || fail "$f: no licence line"
	# the comment goes on behind the licence line and says something
	sed -n '2,/\*\//p' "$f" | grep -qE '[A-Za-z]{3,}.*[A-Za-z]{3,}' || fail "$f: no opening comment"
	n=$(wc -l <"$f")
	case $long in
	*" $f "*) ;;
	*) [ "$n" -le 600 ] || fail "$f has $n lines" ;;
	esac
done
for f in $(find tests bench -name '*.sh') bootstrap quickstart; do
	head -n 1 "$f" | grep -q '^#!' || continue # read by others
	[ -x "$f" ] || fail "$f cannot be executed"
done

# Paths of a developer's machine: anything below a home or a mount.
hits=$(grep -rnIE "(^|[\"' =(:])/(home|root|work|mnt|media|Users|build)/[A-Za-z]" $tree doc etc m4 configure.ac Makefile.am ./*.md \
	bootstrap quickstart 2>/dev/null | grep -v '^tests/tmp/' | grep -v -e '^tests/meta/names.sh:' -e '/home/somebody')
[ -z "$hits" ] || fail "paths of somebody's machine:
$hits"
exit $status
