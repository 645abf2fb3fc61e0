#!/bin/sh
# Results that cannot be written: a clear error that names the place, exit 4, and no half of a file.
. "${top_srcdir:-.}/tests/cli/functions.sh"
echo file >"$tmp/file"
expect_exit 4 run -o "$tmp/file" "$tiny/tiny.yaml"
says stderr "$tmp/file"
expect_exit 4 run -o "$tmp/file/below" "$tiny/tiny.yaml"
says stderr "$tmp/file"
if [ -d /proc/self ]; then # where not even root may write
	expect_exit 4 run -o /proc/oqz-results "$tiny/tiny.yaml"
	says stderr '/proc/oqz-results'
fi
if [ "$(id -u)" != 0 ]; then
	mkdir "$tmp/closed"
	chmod a-w "$tmp/closed"
	cleanup 'chmod u+w "$tmp/closed"'
	expect_exit 4 run -o "$tmp/closed" "$tiny/tiny.yaml"
	says stderr "$tmp/closed"
	expect_exit 4 run -o "$tmp/closed/below" "$tiny/tiny.yaml"
fi
npy "$tmp/x.npy" "(2,)" 1 2
expect_exit 4 qdq --scheme int8 -o "$tmp/file/y.npy" "$tmp/x.npy"
says stderr "$tmp/file/y.npy"
