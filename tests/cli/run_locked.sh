#!/bin/sh
# A second run on a folder in use is refused, and harms nothing.
. "${top_srcdir:-.}/tests/cli/functions.sh"
requires flock
mkdir "$tmp/a"
mkfifo "$tmp/hold"
flock "$tmp/a/ledger.lock" cat "$tmp/hold" &
holder=$!
exec 3>"$tmp/hold"
# The holder has the lock when a try for it fails.
until ! flock -n "$tmp/a/ledger.lock" true; do sleep 0.02; done
expect_exit 2 run -o "$tmp/a" "$tiny/tiny.yaml"
says stderr "$tmp/a: in use by another run"
exec 3>&-
wait $holder
expect_exit 0 run -o "$tmp/a" "$tiny/tiny.yaml"
