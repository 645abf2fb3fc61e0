#!/bin/sh
# A damaged ledger is named; nothing is made up from it and it is not overwritten.
. "${top_srcdir:-.}/tests/cli/functions.sh"
expect_exit 0 run -o "$tmp/whole" "$tiny/tiny.yaml"
size=$(wc -c <"$tmp/whole/ledger.db")
damage() { # NAME: a copy of the folder whose ledger comes from standard input
	mkdir "$tmp/$1"
	cat >"$tmp/$1/ledger.db"
	for verb in "run -o $tmp/$1 $tiny/tiny.yaml" "report $tmp/$1"; do
		cp "$tmp/$1/ledger.db" "$tmp/before"
		# shellcheck disable=SC2086
		expect_exit 4 $verb
		says stderr "$1/ledger.db"
		same "$tmp/before" "$tmp/$1/ledger.db"
	done
}
echo "not a database, but long enough to be looked at as if it were one: $(seq 200)" | damage text
head -c 5000 "$tmp/whole/ledger.db" | damage cut
{ head -c 4096 "$tmp/whole/ledger.db"; head -c $((size - 4096)) /dev/zero | tr '\0' 'x'; } | damage filled
