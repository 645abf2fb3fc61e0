#!/bin/sh
# The table on a terminal and off it: 80 and 200 columns, colours and NO_COLOR, names of 60 characters, Chinese names.
. "${top_srcdir:-.}/tests/cli/functions.sh"
requires script stty
script -qec true /dev/null </dev/null >/dev/null 2>&1 || { echo "skipped: no pseudo-terminals (a bare chroot)"; exit 77; }
long=efficientnet_lite4_224_imagenet_tflite_converted_opset13_v2b
manifest "$tmp/zoo.yaml"
sed -i -e "s/id: tiny/id: $long/; s/models: \[tiny\]/models: [$long]/" -e 's/\<pow2:/二的幂次方量化:/' "$tmp/zoo.yaml"
expect_exit 0 run --progress none -o "$tmp/out" "$tmp/zoo.yaml"
cp "$tmp/stdout" "$tmp/plain"
esc=$(printf '\033')
says stdout "^$long *二的幂次方量化 "
says_not stdout "$esc"
says stdout ' AQE .* images$' # off a terminal nothing is left out

# on_terminal COLUMNS [VARIABLE=VALUE]: the table as a terminal of that width shows it, into $tmp/shown
on_terminal() {
	columns=$1
	shift
	script -qec "stty cols $columns; env $* TERM=xterm '$OQZ' report '$tmp/out'" /dev/null </dev/null | tr -d '\r' >"$tmp/shown"
}
# widest: columns of the longest line, colours taken out
widest() { sed "s/$esc\[[0-9]*m//g" "$tmp/shown" | LC_ALL=C.UTF-8 wc -L; }
on_terminal 80
test "$(widest)" -le 80 || fail "$(widest) columns of 80: $(cat "$tmp/shown")"
grep -q '^efficient.*….*_v2b ' "$tmp/shown" || fail "the long name: $(cat "$tmp/shown")"
grep -q '二的幂次方量化' "$tmp/shown" || fail "the Chinese name: $(cat "$tmp/shown")"
grep -q "$esc\[31m-5.42$esc\[0m" "$tmp/shown" || fail "a significant loss is not red: $(cat "$tmp/shown")"
on_terminal 200
test "$(widest)" -le 200 || fail "$(widest) columns of 200"
test "$(sed "s/$esc\[[0-9]*m//g" "$tmp/shown")" = "$(cat "$tmp/plain")" || fail "200 columns hold everything: $(cat "$tmp/shown")"
on_terminal 80 NO_COLOR=1
! grep -q "$esc" "$tmp/shown" || fail "colours in spite of NO_COLOR"
env -u NO_COLOR script -qec "TERM=dumb '$OQZ' report '$tmp/out'" /dev/null </dev/null >"$tmp/shown"
! grep -q "$esc" "$tmp/shown" || fail "colours on a dumb terminal"
# Every line of the table is of one width.
while IFS= read -r line; do echo "$line" | LC_ALL=C.UTF-8 wc -L; done <"$tmp/plain" | sort -u >"$tmp/widths"
test "$(wc -l <"$tmp/widths")" -eq 1 || fail "widths of the lines: $(cat "$tmp/widths" "$tmp/plain")"
# A comparison's lines, all of which end with the images, are of one width, too: in columns of the terminal, not bytes.
expect_exit 0 compare "$tmp/out" "$tmp/out"
says stdout "^$long *二的幂次方量化 "
sed '/^$/,$d; /(float)/d' "$tmp/stdout" | while IFS= read -r line; do echo "$line" | LC_ALL=C.UTF-8 wc -L; done | sort -u >"$tmp/widths"
test "$(wc -l <"$tmp/widths")" -eq 1 || fail "widths of the lines: $(cat "$tmp/widths" "$tmp/stdout")"
# On a terminal it leaves out what there is no room for, as the table does.
script -qec "stty cols 80; TERM=xterm '$OQZ' compare '$tmp/out' '$tmp/out'" /dev/null </dev/null | tr -d '\r' | sed '/^$/,$d' >"$tmp/shown"
test "$(widest)" -le 80 || fail "$(widest) columns of 80: $(cat "$tmp/shown")"
grep -q '^model .* A  *B  *B - A  *p Holm$' "$tmp/shown" || fail "what 80 columns of a comparison hold: $(cat "$tmp/shown")"
grep -q '^efficient.*….*_v2b  二的幂次方量化 ' "$tmp/shown" || fail "a comparison's names: $(cat "$tmp/shown")"
# The progress line tells what is left and stays in one line.
script -qec "stty cols 75; TERM=xterm '$OQZ' run -o '$tmp/again' '$tmp/zoo.yaml'" /dev/null </dev/null >"$tmp/session"
tr '\r' '\n' <"$tmp/session" | grep -q ' evaluate .*/240 images, .*/s, .* left' || fail "no progress: $(cat "$tmp/session")"
tr '\r' '\n' <"$tmp/session" | grep -q ' conclude [01]/2 schemes, .* left' || fail "statistics without progress: $(cat "$tmp/session")"
tr '\r' '\n' <"$tmp/session" | sed "s/$esc\[K//g" | grep '^\[' >"$tmp/lines"
test "$(LC_ALL=C.UTF-8 wc -L <"$tmp/lines")" -le 74 || fail "the progress line breaks: $(cat "$tmp/lines")"
