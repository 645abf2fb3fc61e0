#!/bin/sh
# report.html for people who have no mouse, a small window or weak eyes, in a headless browser that is asked through its pipe:
# filtering, sorting and unfolding with real key presses; every text against what is behind it, light and dark (WCAG 2.1: 4.5
# to 1, colours of charts 3 to 1); nothing that scrolls is out of the keyboard's reach; no window is too narrow for the results.
. "${top_srcdir:-.}/tests/cli/functions.sh"
. "${top_srcdir:-.}/tests/cli/html_functions.sh"
for browser in chromium chromium-browser google-chrome; do
	command -v $browser >/dev/null && break
done
requires $browser python3
full_run
cat >"$tmp/ask.py" <<'END_OF_ASK'
import atexit, json, os, subprocess, sys, time

browser, page, profile = sys.argv[1:4]
to_it, ours = os.pipe()
theirs, from_it = os.pipe()

def descriptors():
    a, b = os.dup(to_it), os.dup(from_it)
    os.dup2(a, 3)
    os.dup2(b, 4)

child = subprocess.Popen([browser, "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync", "--remote-debugging-pipe",
    "--user-data-dir=" + profile, "about:blank"], preexec_fn=descriptors, close_fds=False, stderr=subprocess.DEVNULL)
atexit.register(lambda: (child.terminate(), child.wait()))
os.close(to_it)
os.close(from_it)
buffer, number, session = b"", 0, None

def ask(method, **params):
    global buffer, number
    number += 1
    message = {"id": number, "method": method, "params": params}
    if session:
        message["sessionId"] = session
    os.write(ours, json.dumps(message).encode() + b"\0")
    while True:
        while b"\0" not in buffer:
            more = os.read(theirs, 65536)
            if not more:
                sys.exit("the browser ended")
            buffer += more
        one, buffer = buffer.split(b"\0", 1)
        one = json.loads(one)
        if one.get("id") == number:
            if "error" in one:
                sys.exit("%s: %s" % (method, one["error"]))
            return one["result"]

def js(text):
    result = ask("Runtime.evaluate", expression="(() => {" + text + "})()", returnByValue=True)
    if "exceptionDetails" in result:
        sys.exit("%s: %s" % (text, result["exceptionDetails"]))
    return result["result"].get("value")

KEYS = {"Tab": (9, ""), "Enter": (13, "\r"), " ": (32, " "), "ArrowDown": (40, "")}

def press(key):
    code, text = KEYS[key] if key in KEYS else (ord(key.upper()), key)
    facts = dict(key=key, windowsVirtualKeyCode=code)
    ask("Input.dispatchKeyEvent", type="keyDown" if text else "rawKeyDown", text=text, **facts)
    ask("Input.dispatchKeyEvent", type="keyUp", **facts)

failed = []
def check(what, got, want):
    if got != want:
        failed.append("%s: %s, not %s" % (what, got, want))

target = ask("Target.createTarget", url="file://" + page)["targetId"]
session = ask("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
for _ in range(200):
    if js("return location.protocol + document.readyState") == "file:complete":
        break
    time.sleep(0.05)
else:
    sys.exit("the page does not open")

# Tab goes to every control once, in the page's order; each shows that it has the focus.
ROWS = """return Array.from(document.querySelectorAll("#table tbody tr:not([hidden])"),
    (r) => r.cells[0].firstElementChild.textContent + "/" + r.cells[1].textContent).join(" ")"""
def tab_to(selector):
    for _ in range(200):
        press("Tab")
        if js('return document.activeElement.matches(%s)' % json.dumps(selector)):
            if js('const s = getComputedStyle(document.activeElement); return s.outlineStyle === "none" || s.outlineWidth === "0px"'):
                failed.append("%s has the focus and does not show it" % selector)
            return
    sys.exit("Tab does not reach " + selector)

tab_to('input[name="model"]')
for letter in "tin":
    press(letter)
check("typing a name", js(ROWS), "tiny/channel tiny/pow2")
tab_to('select[name="scheme"]')
press("ArrowDown")
press("ArrowDown")
check("choosing a scheme", js(ROWS), "tiny/pow2")
tab_to('input[name="all"]')
press(" ")
check("all metrics", js(ROWS), "tiny/pow2 tiny/pow2 tiny/pow2")
tab_to('#filter button[type="reset"]')
press("Enter")
time.sleep(0.1)
check("reset", js(ROWS + ".split(' ').length"), 8) # "float only" has a space
tab_to('[data-k="diff"] button')
press("Enter")
check("Enter sorts", js('return document.querySelector("[data-k=diff]").getAttribute("aria-sort")'), "ascending")
press(" ")
check("Space turns the order", js('return document.querySelector("[data-k=diff]").getAttribute("aria-sort")'), "descending")
check("the focus stays", js('return document.activeElement.matches("[data-k=diff] button")'), True)
was = js('return document.querySelector("#model-0").open')
js('document.querySelector("#scatter").scrollIntoView(); document.querySelector("#models h2").tabIndex = -1; document.querySelector("#models h2").focus();')
tab_to("#model-0 > summary")
press("Enter")
check("Enter unfolds", js('return document.querySelector("#model-0").open'), not was)
js('document.querySelectorAll("details").forEach((d) => { d.open = true; })')

# Everything that scrolls, and what the tables say about themselves.
check("scrolls, but not for the keyboard", js("""return Array.from(document.querySelectorAll(".scroll"))
    .filter((e) => e.tabIndex < 0 || !e.getAttribute("aria-label") || e.getAttribute("role") !== "region").length"""), 0)
check("headings without a scope or a text", js("""return Array.from(document.querySelectorAll("th"))
    .filter((e) => !e.scope || !e.textContent.trim()).map((e) => e.outerHTML.slice(0, 80))"""), [])
check("pictures without a name", js("""return Array.from(document.querySelectorAll("svg:not([aria-hidden]), canvas"))
    .filter((e) => e.getAttribute("role") !== "img" || !e.getAttribute("aria-label")).length"""), 0)
check("rows without a heading", js("""return Array.from(document.querySelectorAll(".plain tbody tr"))
    .filter((r) => r.closest("#gates") === null && !r.querySelector("th[scope=row]")).length"""), 0)

# One minus: a hyphen before a digit is left in names only.
check("hyphens for minus", js("""const found = [];
    for (const e of document.querySelectorAll("td.n, .brief b, .figures b, .tick, #findings li"))
        if (/(^|[ (])-[0-9]/.test(e.textContent))
            found.push(e.textContent.slice(0, 40));
    return found"""), [])

# Contrast of every text with the background that is really behind it, and of the charts' colours with the panel.
CONTRAST = """
const channel = (v) => (v /= 255) <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4;
const light = (c) => 0.2126 * channel(c[0]) + 0.7152 * channel(c[1]) + 0.0722 * channel(c[2]);
const parse = (text) => text.match(/[0-9.]+/g).map(Number);
const ratio = (a, b) => { const [x, y] = [light(a), light(b)].sort((p, q) => q - p); return (x + 0.05) / (y + 0.05); };
const behind = (e) => {
    for (; e; e = e.parentElement) {
        const c = parse(getComputedStyle(e).backgroundColor);
        if (c.length === 3 || c[3] === 1)
            return c;
    }
    return [255, 255, 255];
};
const bad = new Set();
let pairs = new Set();
const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
while (walker.nextNode()) {
    const e = walker.currentNode.parentElement;
    if (!walker.currentNode.data.trim() || e.closest("script, svg.shot, option") || !e.getClientRects().length)
        continue;
    const style = getComputedStyle(e), ink = parse(e.closest("svg") ? style.fill : style.color), paper = behind(e);
    pairs.add(ink + " on " + paper);
    if (ratio(ink, paper) < 4.5)
        bad.add(ratio(ink, paper).toFixed(2) + " " + ink + " on " + paper + ": " + walker.currentNode.data.trim().slice(0, 30));
}
const root = getComputedStyle(document.documentElement), hex = (name) => root.getPropertyValue(name).trim().match(/[0-9a-f]{2}/g).map((h) => parseInt(h, 16));
for (let i = 0; i < 8; i++)
    if (ratio(hex("--s" + i), hex("--panel")) < 3)
        bad.add("--s" + i + " " + ratio(hex("--s" + i), hex("--panel")).toFixed(2));
for (const ink of ["--text", "--soft", "--link", "--bad", "--good"])
    for (const paper of ["--panel", "--hover"].concat(ink === "--text" ? ["--warn", "--badge", "--page"] : ink === "--soft" ? ["--badge", "--page"] : []))
        if (ratio(hex(ink), hex(paper)) < 4.5)
            bad.add(ink + " on " + paper + " " + ratio(hex(ink), hex(paper)).toFixed(2));
return [pairs.size, ...bad];
"""
for scheme in "light", "dark":
    ask("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": scheme}])
    seen, *bad = js(CONTRAST)
    check("contrast, " + scheme, bad, [])
    if seen < 6:
        failed.append("only %d pairs of colours were found" % seen)

# With all metrics, in windows of any width, in the results and in the whole page; with figures as long as they get.
js("""for (const [column, text] of Object.entries({ float: "0.97048", quant: "0.97048", diff: "−0.0004809",
        ci: "+0.2193 .. +0.2856", p: "<0.001", holm: "<0.001", flips: "−12 +10", seen: "0.0479" }))
    for (const cell of document.querySelectorAll("#table td.c-" + column))
        cell.firstChild.data = text""")
for width in 320, 360, 421, 821, 900, 1271, 1331:
    ask("Emulation.setDeviceMetricsOverride", width=width, height=900, deviceScaleFactor=1, mobile=False)
    js("location.hash = \"all=1\"")
    time.sleep(0.2)
    check("%d pixels wide: width, too wide by" % width, js("""const t = document.querySelector("#results .scroll"),
        d = document.documentElement; return [innerWidth, t.scrollWidth - t.clientWidth, d.scrollWidth - d.clientWidth]"""),
        [width, 0, 0])
ask("Browser.close")
if failed:
    sys.exit("\n".join(failed))
END_OF_ASK
PYTHONDONTWRITEBYTECODE=1 timeout 120 python3 "$tmp/ask.py" $browser "$tmp/out/report.html" "$tmp/profile" >"$tmp/said" 2>&1 ||
	fail "$(tail -20 "$tmp/said")"
