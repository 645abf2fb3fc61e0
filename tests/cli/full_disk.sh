#!/bin/sh
# No room: an error that names the file; what is there stays sound, and the run goes on from it when there is room again.
. "${top_srcdir:-.}/tests/cli/functions.sh"
expect_exit 0 run -o "$tmp/whole" "$tiny/tiny.yaml"
# A limit on the size of files is what a test can make of a full disk.
for blocks in 1 20 60 120; do
	got=0
	(ulimit -f $blocks && exec "$OQZ" run -j2 --progress none -o "$tmp/a" "$tiny/tiny.yaml") \
		>"$tmp/stdout" 2>"$tmp/stderr" || got=$?
	test $got -eq 4 || fail "ulimit -f $blocks: exit $got, not 4"
	says stderr "$tmp/a/"
done
expect_exit 0 run -o "$tmp/a" "$tiny/tiny.yaml"
same_results "$tmp/whole" "$tmp/a"
if [ -c /dev/full ]; then
	for verb in "list ops" "report $tmp/a" "show $tiny/tiny.yaml" "run -o $tmp/a $tiny/tiny.yaml" --help; do
		got=0
		# shellcheck disable=SC2086
		"$OQZ" $verb >/dev/full 2>"$tmp/stderr" || got=$?
		test $got -eq 4 || fail "oqz $verb >/dev/full: exit $got, not 4"
		says stderr 'standard output: No space left'
	done
fi
