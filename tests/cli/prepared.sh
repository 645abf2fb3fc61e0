#!/bin/sh
# Prepared images kept on disk change nothing but the time: same results, within the limit, whatever happens to the folder.
. "${top_srcdir:-.}/tests/cli/functions.sh"
expect_exit 0 run -j2 --progress none -o "$tmp/plain" "$tiny/tiny.yaml"
test ! -e "$tmp/plain/prepared" || fail "images were kept unasked"
# results.json names the manifest, in which the limit is another.
same_figures() {
	for f in results.csv layers.csv; do cmp "$1/$f" "$2/$f" || fail "$1/$f and $2/$f differ"; done
}
entries() { find "$tmp/$1/prepared" -type f | wc -l; }
kept() { expect_exit 0 run -j2 --progress none --set limits.prepared="$2" -o "$tmp/$1" "$tiny/tiny.yaml"; }

kept all 1G
same_figures "$tmp/plain" "$tmp/all"
all=$(entries all)
test "$all" -gt 0 || fail "nothing was kept"
find "$tmp/all/prepared" -type f ! -name '????????????????????????????????????????' | grep . && fail "a file that is no entry"

# The next run finds them: none is made again, the damaged one is.
mkdir "$tmp/next"
cp -r "$tmp/all/prepared" "$tmp/next/"
damaged=$(find "$tmp/next/prepared" -type f | sort | head -n 1)
printf 'x' | dd of="$damaged" bs=1 seek=200 conv=notrunc 2>"$tmp/dd"
find "$tmp/next/prepared" -type f | sort | sed -n 2p | xargs truncate -s 50
touch "$tmp/then"
kept next 1G
same_figures "$tmp/plain" "$tmp/next"
test "$(entries next)" -eq "$all" || fail "$(entries next) entries, not $all"
test "$(find "$tmp/next/prepared" -type f -newer "$tmp/then" | wc -l)" -eq 2 || fail "entries were made again"

# Bounded.
kept some 100K
same_figures "$tmp/plain" "$tmp/some"
bytes=$(find "$tmp/some/prepared" -type f -exec cat {} + | wc -c)
test "$bytes" -le 102400 || fail "$bytes bytes are kept"
test "$(entries some)" -gt 0 || fail "nothing was kept"

# A folder that cannot be written costs time only: closed to all but root, and to root as well where the folder is one in
# which nobody can make a file.
mkdir "$tmp/closed" "$tmp/closed/prepared"
chmod a-w "$tmp/closed/prepared"
kept closed 1G
same_figures "$tmp/plain" "$tmp/closed"
chmod u+w "$tmp/closed/prepared"
if test -d /proc/self && ! (: >/proc/self/fd/oqz-probe) 2>"$tmp/probe"; then
	mkdir "$tmp/nowhere"
	ln -s /proc/self/fd "$tmp/nowhere/prepared"
	kept nowhere 1G
	same_figures "$tmp/plain" "$tmp/nowhere"
fi
# A file where the folder should be is said.
mkdir "$tmp/file"
echo mine >"$tmp/file/prepared"
expect_exit 4 run --progress none --set limits.prepared=1G -o "$tmp/file" "$tiny/tiny.yaml"
says stdout "file/prepared: File exists"
test "$(cat "$tmp/file/prepared")" = mine || fail "the file was written to"
