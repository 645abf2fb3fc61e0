#!/bin/sh
# Pictures that are replaced, by others of the same name, size and time, are never mixed with records of the old ones: what
# a run on the old ledger gives is what a run from the beginning gives. What did not change is not computed again.
. "${top_srcdir:-.}/tests/cli/functions.sh"
copy_tiny "$tmp/data"
zoo=$tmp/data/tiny.yaml
# A row's worth of new images in the last run, of how many.
computed() { sed -n 's/.*"event":"evaluate".*"total":\([0-9]*\).*"resumed":\([0-9]*\).*/\1 \2/p' "$tmp/stderr" | tail -1 | awk '{ print $1 - $2 }'; }
go() { expect_exit 0 run --progress json -o "$tmp/a" "$zoo"; } # on the ledger that is there
as_new() {
	rm -rf "$tmp/new"
	expect_exit 0 run --progress none -o "$tmp/new" "$zoo"
	same_results "$tmp/a" "$tmp/new"
}
# replace FILE WITH: keeps name, size (padded behind the PNG's end) and times
replace() {
	size=$(wc -c <"$1")
	touch -r "$1" "$tmp/time"
	{ cat "$2"; head -c "$size" /dev/zero; } | head -c "$size" >"$tmp/other"
	cat "$tmp/other" >"$1"
	touch -r "$tmp/time" "$1"
}
image() { sed -n "$2s/ .*//p" "$tmp/data/$1.txt"; }

go
first=$(computed)
test "$first" -eq 240 || fail "$first images computed at first, not 240"
go
test "$(computed)" -eq 0 || fail "$(computed) images are computed again though nothing changed"
cp "$tmp/a/results.json" "$tmp/before.json"

# A smaller picture over a larger one.
small=$(ls -S "$tmp/data/test" | tail -1)
victim=$(ls -S "$tmp/data/test" | head -1)
test "$(wc -c <"$tmp/data/test/$small")" -le "$(wc -c <"$tmp/data/test/$victim")" || fail "not smaller"
cp "$tmp/data/test/$victim" "$tmp/kept"
replace "$tmp/data/test/$victim" "$tmp/data/test/$small"
go
test "$(computed)" -eq 1 || fail "$(computed) images are computed for one that changed"
as_new
! cmp -s "$tmp/before.json" "$tmp/a/results.json" || fail "the results are those of the old picture"
# Put back under new times: computed once more, and the old results are there again.
cp "$tmp/kept" "$tmp/data/test/$victim"
go
test "$(computed)" -eq 1 || fail "$(computed) images are computed for one that was put back"
same "$tmp/before.json" "$tmp/a/results.json"
# Times alone change nothing.
touch "$tmp/data/test/"*.png
go
test "$(computed)" -eq 0 || fail "$(computed) images are computed because of their times"
same "$tmp/before.json" "$tmp/a/results.json"

# A missing image that comes back is no failure any more.
lost=$(image test 7)
mv "$tmp/data/test/$lost" "$tmp/kept"
go
says stderr "image .*$lost failed"
mv "$tmp/kept" "$tmp/data/test/$lost"
go
test "$(computed)" -eq 1 || fail "$(computed) images are computed for one that came back"
same "$tmp/before.json" "$tmp/a/results.json"

# Calibration: another picture makes another plan.
calib=$(ls -S "$tmp/data/calib" | head -1)
other=$(ls -S "$tmp/data/calib" | tail -1)
replace "$tmp/data/calib/$calib" "$tmp/data/calib/$other"
go
as_new
# The list of labels is part of the data, though its length stays.
sed '1s/\(.*\) [0-9]*$/\1 9/; 2s/\(.*\) [0-9]*$/\1 9/' "$tmp/data/test.txt" >"$tmp/list"
cp "$tmp/list" "$tmp/data/test.txt"
go
as_new
