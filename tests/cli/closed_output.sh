#!/bin/sh
# A closed standard output is an error; the results are in their files all the same, and no file is taken for it.
. "${top_srcdir:-.}/tests/cli/functions.sh"
got=0
"$OQZ" run --progress none -o "$tmp/a" "$tiny/tiny.yaml" 2>"$tmp/stderr" >&- || got=$?
test $got -eq 4 || fail "exit $got, not 4"
says stderr 'standard output'
expect_exit 0 run -o "$tmp/b" "$tiny/tiny.yaml"
same_results "$tmp/a" "$tmp/b"
# All three closed: files that are opened must not become standard output.
"$OQZ" run -o "$tmp/c" "$tiny/tiny.yaml" <&- >&- 2>&- || :
same_results "$tmp/b" "$tmp/c"
expect_exit 0 report "$tmp/c"
# A reader that leaves early ends the program, without a word and without harm.
"$OQZ" list ops 2>"$tmp/stderr" | head -1 >/dev/null
test ! -s "$tmp/stderr" || fail "a reader that left is reported"
