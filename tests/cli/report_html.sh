#!/bin/sh
# report.html: well-formed, has every cell, layer, gate and failure, loads nothing, and is the same whenever it is made.
. "${top_srcdir:-.}/tests/cli/functions.sh"
. "${top_srcdir:-.}/tests/cli/html_functions.sh"
full_run
page=$tmp/out/report.html
expect_exit 0 report --format html "$tmp/out"
same "$page" "$tmp/stdout"
expect_exit 5 run --progress none -j 2 -o "$tmp/again" "$tmp/data/full.yaml"
same "$page" "$tmp/again/report.html"

has() { grep -qF -e "$1" "$page" || fail "the page lacks '$1'"; }
has_not() { ! grep -q -e "$1" "$page" || fail "the page has '$1'"; }
count() { test "$(grep -c -e "$1" "$page")" -eq "$2" || fail "'$1' is in $(grep -c -e "$1" "$page") lines, not in $2"; }
# One row per cell and metric, as in results.csv; a failed cell has one, a float-only model one per metric.
count '^<tr class="primary">' "$(($(grep -c ',top1,' "$tmp/out/results.csv") + 2 + 1))"
count '^<tr class="secondary">' "$(($(grep -cE ',(top3|nan_rows),' "$tmp/out/results.csv") + 2))"
count '<td class="message"' 2
# Every figure with all its digits, every layer in chart and table.
for column in 6 7 8 9 11 15 16 17; do
	for v in $(sed 1d "$tmp/out/results.csv" | cut -d , -f $column); do has "data-v=\"$v\""; done
done
sed 1d "$tmp/out/layers.csv" | cut -d , -f 1,4 | sort -u >"$tmp/layers"
test "$(wc -l <"$tmp/layers")" -eq 10 || fail "not 5 layers in 2 models"
for layer in $(cut -d , -f 2 "$tmp/layers" | sort -u); do
	count "<text class=\"layer\".*>$layer</text><title>" 2
	test "$(grep -c "^<tr><td class=\"n\">[0-9]*</td><th scope=\"row\">$layer</th>" "$page")" -eq 2 || fail "$layer in no table"
done
count '<svg class="chart".*Relative error per layer' 2
count '<svg class="chart".*Loss of accuracy' 3
has "$broken_image"
has "unreadable"
count '&#10003; passed' 2
count '&#10007; failed' 1
has "$(sed -n 's/.*"manifest_sha256": "\([0-9a-f]*\)".*/\1/p' "$tmp/out/results.json")"
# Markup in a name is text.
has '<span class="tag">&#60;b&#62;&#38;amp;&#39;&#34;</span>'
has_not '<b>&amp;'
# Nothing is loaded, and the page says so to the browser.
has_not '://'
has_not '<link\|<img\|<iframe\|src=\|url(\|@import'
has "default-src 'none'"
# The script is the one that the policy names.
if command -v openssl >/dev/null; then
	awk '/<script>/ { on = 1; sub(/.*<script>/, "") } /<\/script>/ { on = 0 } on' "$page" >"$tmp/script"
	has "'sha256-$(openssl dgst -sha256 -binary "$tmp/script" | openssl base64)'"
fi
if command -v xmllint >/dev/null; then
	xmllint --noout "$page" || fail "not well-formed"
fi
