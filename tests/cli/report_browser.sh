#!/bin/sh
# report.html in a headless browser: no console message, sorting and filtering from the address and by clicking. What is
# looked at is the document after the scripts have run.
. "${top_srcdir:-.}/tests/cli/functions.sh"
. "${top_srcdir:-.}/tests/cli/html_functions.sh"
for browser in chromium chromium-browser google-chrome; do
	command -v $browser >/dev/null && break
done
requires $browser
full_run
page=$tmp/out/report.html
number=0
width=1200

# dom FILE[#STATE]: the document into $tmp/dom; console messages are failures
dom() {
	number=$((number + 1))
	$browser --headless --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking \
		--disable-component-update --disable-sync --window-size=$width,900 --user-data-dir="$tmp/profile$number" --enable-logging=stderr \
		--dump-dom "file://$1" >"$tmp/dom" 2>"$tmp/console" || fail "the browser failed: $(tail -3 "$tmp/console")"
	! grep CONSOLE "$tmp/console" || fail "console messages for $1"
	grep -q '</html>' "$tmp/dom" || fail "no document for $1"
}
# rows: "model/scheme/metric" of the rows that are shown, in their order
rows() {
	sed 's|<svg[^>]*>\(<path[^>]*></path>\)*</svg>||g; s|<tr |\n&|g' "$tmp/dom" |
		grep '^<tr class="[a-z ]*"><th scope="row" class="c-model">' |
		sed 's|^.*<a href="#model-[0-9]*">\([^<]*\)<.*class="c-scheme[a-z ]*">\([^<]*\)</td><td class="\(c-metric">\([^ <]*\)\)\{0,1\}.*|\1/\2/\4|' |
		tr '\n' ' '
}
shows() { test "$(rows)" = "$1 " || fail "shown are '$(rows)', not '$1 '"; }

dom "$page"
shows "tiny/channel/top1 tiny/pow2/top1 $another/channel/top1 $another/pow2/top1 unreadable/channel/ unreadable/pow2/ bare/float only/top1"
grep -q '<output id="count"[^>]*>7 of 7 rows<' "$tmp/dom" || fail "the count"
grep -q '<form id="filter">' "$tmp/dom" || fail "the filter is hidden"
dom "$page#scheme=pow2"
shows "tiny/pow2/top1 $another/pow2/top1 unreadable/pow2/"
dom "$page#tag=small"
shows "$another/channel/top1 $another/pow2/top1"
dom "$page#model=TIN&all=1&scheme=channel"
shows 'tiny/channel/top1 tiny/channel/top3 tiny/channel/nan_rows'
dom "$page#task=nothing&sort=nothing" # what does not exist is no filter
grep -q '>7 of 7 rows<' "$tmp/dom" || fail "an unknown task filters"
# Smallest error first; rows without one come last, in both orders. pow2 errs more than channel.
dom "$page#sort=aqe&order=ascending"
shows "tiny/channel/top1 $another/channel/top1 tiny/pow2/top1 $another/pow2/top1 unreadable/channel/ unreadable/pow2/ bare/float only/top1"
dom "$page#sort=aqe&order=descending"
shows "tiny/pow2/top1 $another/pow2/top1 tiny/channel/top1 $another/channel/top1 unreadable/channel/ unreadable/pow2/ bare/float only/top1"
dom "$page#sort=model&order=ascending"
shows "$another/channel/top1 $another/pow2/top1 bare/float only/top1 tiny/channel/top1 tiny/pow2/top1 unreadable/channel/ unreadable/pow2/"

# With the mouse: a copy of the page, its policy taken out, in which a second script clicks and types.
acts() {
	sed -e '/Content-Security-Policy/d' -e "s|^</body>|<script>$1</script>\n</body>|" "$page" >"$tmp/acting.html"
	dom "$tmp/acting.html"
}
click='document.querySelector("[data-k=diff] button").click();'
acts "$click"
shows "tiny/pow2/top1 $another/pow2/top1 tiny/channel/top1 $another/channel/top1 unreadable/channel/ unreadable/pow2/ bare/float only/top1"
grep -q 'data-k="diff"[^>]*aria-sort="ascending"' "$tmp/dom" || fail "the heading does not say the order"
acts "$click $click"
shows "tiny/channel/top1 $another/channel/top1 tiny/pow2/top1 $another/pow2/top1 unreadable/channel/ unreadable/pow2/ bare/float only/top1"
acts 'const f = document.forms[0]; f.elements.scheme.value = "channel"; f.elements.scheme.dispatchEvent(new Event("input", {bubbles: true})); document.title = location.hash;'
shows "tiny/channel/top1 $another/channel/top1 unreadable/channel/"
grep -q '<title>#scheme=channel</title>' "$tmp/dom" || fail "the address does not follow"
# Charts are drawn where Chart.js was there at build time: three of error against loss, two panels for each of two models.
if grep -q 'Chart.js v' "$page"; then
	test "$(grep -o '<canvas ' "$tmp/dom" | wc -l)" -eq 7 || fail "not seven charts"
	acts 'const c = Array.from(document.querySelectorAll("canvas"), (e) => Chart.getChart(e)); const first = c[3], low = c[4]; first.options.plugins.legend.onClick(null, {datasetIndex: 1}); document.title = c.map((x) => x.data.datasets.map((d) => d.data.length).join()).join(" ") + " " + [first, low].map((x) => x.isDatasetVisible(0) + "/" + x.isDatasetVisible(1)).join(" ");'
	grep -q '<title>2,2 2,2 2,2 5,5 5,5 5,5 5,5 true/false true/false</title>' "$tmp/dom" || fail "the charts: $(grep -o '<title>[^<]*' "$tmp/dom" | head -1)"
else
	echo "built without Chart.js: its charts are not tested"
fi
# On a narrow screen nothing of the table needs scrolling sideways, and the difference is in view.
width=500
acts 'const t = document.querySelector("#results .scroll"), d = document.querySelector("#table td.c-diff").getBoundingClientRect(); document.title = innerWidth + " " + (t.scrollWidth <= t.clientWidth) + " " + (d.width > 40 \&\& d.left >= 0 \&\& d.right <= innerWidth) + " " + getComputedStyle(document.querySelector("#table td.c-aqe"), "::before").content;'
grep -q '<title>500 true true "AQE' "$tmp/dom" || fail "500 pixels wide: $(grep -o '<title>[^<]*' "$tmp/dom" | head -1)"
# In windows between, its rows have two lines: errors below the difference, each right below its title.
for width in 840 1000; do
	acts 'const t = document.querySelector("#results .scroll"), box = (s) => document.querySelector("#table " + s).getBoundingClientRect(); document.title = innerWidth + " " + (t.scrollWidth <= t.clientWidth) + " " + (box("td.c-aqe").top >= box("td.c-diff").bottom) + " " + ["diff", "ci", "p", "seen", "aqe", "images"].filter((k) => Math.abs(box("th.c-" + k).right - box("td.c-" + k).right) > 1);'
	grep -q "<title>$width true true </title>" "$tmp/dom" || fail "$width pixels wide: $(grep -o '<title>[^<]*' "$tmp/dom" | head -1)"
done
width=1200
# Without scripts the drawings of the page itself are there.
sed -e '/^<script>/,/<\/script>$/d' -e 's|^</body>|<p id="bare">bare</p></body>|' "$page" >"$tmp/bare.html"
dom "$tmp/bare.html"
test "$(grep -c '<svg class="chart"' "$tmp/dom")" -ge 5 || fail "charts without scripts"
# The test would notice a message.
if (acts 'console.error("seen");') >"$tmp/seen"; then fail "a console message goes unnoticed"; fi
