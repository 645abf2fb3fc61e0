#!/bin/sh
# A report from the ledger equals what the run wrote and printed, in every form; a folder without results is an error.
. "${top_srcdir:-.}/tests/cli/functions.sh"
expect_exit 0 run --progress none -o "$tmp/a" "$tiny/tiny.yaml"
mv "$tmp/stdout" "$tmp/table"
mkdir "$tmp/b"
cp "$tmp/a/ledger.db" "$tmp/b" # the ledger alone
expect_exit 0 report "$tmp/b"
same "$tmp/table" "$tmp/stdout"
expect_exit 0 report --format=table "$tmp/b"
same "$tmp/table" "$tmp/stdout"
expect_exit 0 report --format json "$tmp/b"
same "$tmp/a/results.json" "$tmp/stdout"
expect_exit 0 report --format csv "$tmp/b"
same "$tmp/a/results.csv" "$tmp/stdout"
expect_exit 0 report --format layers "$tmp/b"
same "$tmp/a/layers.csv" "$tmp/stdout"
expect_exit 0 report --format md "$tmp/b"
says stdout '^| *tiny *| *channel *|'
expect_exit 2 report --format xml "$tmp/b"
says stderr 'xml'
mkdir "$tmp/empty"
expect_exit 4 report "$tmp/empty"
says stderr 'ledger.db'
test ! -e "$tmp/empty/ledger.db" || fail "a report made a ledger"
# Five layers for each scheme, in execution order; Conv, Conv, Conv, Conv, Gemm.
test "$(grep -c '^tiny,channel,' "$tmp/a/layers.csv")" -eq 5 || fail "channel has not 5 layers"
test "$(grep '^tiny,pow2,' "$tmp/a/layers.csv" | cut -d , -f 3,5 | tr '\n' ' ')" = '0,Conv 1,Conv 2,Conv 3,Conv 4,Gemm ' ||
	fail "layers of pow2"
# Reading leaves nothing behind, and the ledger as it was.
test "$(ls "$tmp/b")" = ledger.db || fail "a report leaves files: $(ls "$tmp/b")"
same "$tmp/a/ledger.db" "$tmp/b/ledger.db"
