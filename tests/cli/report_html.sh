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
# Two models of one file have the same pictures, each its own.
awk '/^<details class="model"/ { m++ } /class="sample"/ { n[m]++ } END { exit !(n[1] && n[1] == n[2]) }' "$page" || fail "the pictures of one file's two models"
# Pictures: at most four images of a model, each once, with every lane's words; an image that nobody lost is not among them.
test "$(grep -c 'class="sample"' "$page")" -ge 2 || fail "no sample pictures"
test "$(grep -o '<image [^>]*href="data:image/jpeg;base64,' "$page" | wc -l)" -eq "$(grep -c 'class="sample"' "$page")" ||
	fail "pictures are there more than once"
test "$(grep -o '<use href="#shot-[0-9]*"/>' "$page" | wc -l)" -eq $((2 * $(grep -c 'class="sample"' "$page"))) ||
	fail "not two schemes to a picture"
for id in $(grep -o '<use href="#shot-[0-9]*"/>' "$page" | sed 's/.*#//; s/".*//' | sort -u); do has "id=\"$id\""; done
# A name that is too long ends with a whole character and an ellipsis.
has '<div class="words">n0'
has '也放不进给它留出…'
has_not '�'
# Nothing is loaded, and the page says so to the browser.
sed '/^<script>/,/<\/script>$/d' "$page" >"$tmp/scriptless"
for what in '://' '<link' '<img' '<iframe' 'src=' 'url(' '@import'; do
	! grep -qF -e "$what" "$tmp/scriptless" || fail "the page has '$what'"
done
has "default-src 'none'"
# The scripts are the ones that the policy names.
if command -v openssl >/dev/null; then
	awk -v base="$tmp/script" '/^<script>/ { n++; sub(/^<script>/, ""); on = 1 } /<\/script>$/ { on = 0 } on { print > base n }' "$page"
	for script in "$tmp"/script[123]; do
		has "'sha256-$(openssl dgst -sha256 -binary "$script" | openssl base64)'"
	done
fi
# What Chart.js is to draw reads as JSON.
if command -v python3 >/dev/null; then
	python3 -c 'import html, json, re, sys
data = [json.loads(html.unescape(m)) for m in re.findall(r" data-chart=\"([^\"]*)\"", open(sys.argv[1]).read())]
assert sorted(d["kind"] for d in data) == ["profile"] * 2 + ["scatter"] * 3, data
for d in data:
    for s in d["series"]:
        assert len(s["points"]) == 2 if d["kind"] == "scatter" else len(s["local"]) == len(d["names"]) == 5, s' "$page" ||
		fail "the data of the charts"
fi
if command -v xmllint >/dev/null; then
	xmllint --noout "$page" || fail "not well-formed"
fi
