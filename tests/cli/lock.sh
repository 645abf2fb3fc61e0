#!/bin/sh
# zoo.lock says what results were made from, and nothing else: the same for any number of threads and a second run, another for
# another model, picture or parameter.
. "${top_srcdir:-.}/tests/cli/functions.sh"
copy_tiny "$tmp/zoo"
sed -i 's/file: tiny.onnx/file: "${OQZ_TEST_MODEL}.onnx"/' "$tmp/zoo/tiny.yaml"
OQZ_TEST_MODEL=tiny
export OQZ_TEST_MODEL
expect_exit 0 run -j1 --progress none -o "$tmp/a" "$tmp/zoo/tiny.yaml"
lock=$tmp/a/zoo.lock
has() { grep -qxF -e "$1" "$lock" || fail "zoo.lock lacks '$1': $(cat "$lock")"; }
has "oqz: \"$("$OQZ" --version | sed -n '1s/^oqz //p')\""
has '  OQZ_TEST_MODEL: "tiny"'
has '  - id: "tiny"'
has "    sha256: \"$(sha256sum <"$tmp/zoo/tiny.onnx" | cut -d' ' -f1)\""
has "manifest_sha256: $(sed -n 's/.*"manifest_sha256": \("[0-9a-f]*"\).*/\1/p' "$tmp/a/results.json")"
for digest in dataset_sha256 plan_sha256; do
	grep -o "\"$digest\": \"[0-9a-f]*\"" "$tmp/a/results.json" | sort -u | while read -r pair; do
		has "    $digest: ${pair#*: }"
	done
done
# The expanded manifest stands at its end.
"$OQZ" show "$tmp/zoo/tiny.yaml" | sed 's/^/  /' >"$tmp/shown"
sed '1,/^manifest: |$/d' "$lock" >"$tmp/locked"
same "$tmp/shown" "$tmp/locked"
cp "$lock" "$tmp/first"
expect_exit 0 run -j2 --progress none -o "$tmp/b" "$tmp/zoo/tiny.yaml"
same "$tmp/first" "$tmp/b/zoo.lock"
expect_exit 0 run --progress none -o "$tmp/a" "$tmp/zoo/tiny.yaml"
same "$tmp/first" "$lock"

# differs WHAT: only lines with these words may differ
differs() {
	diff "$tmp/first" "$lock" | grep '^[<>]' >"$tmp/diff" || fail "nothing differs"
	! grep -v -e "$1" "$tmp/diff" || fail "more than '$1' differs"
}
expect_exit 0 run --progress none --limit 7 -o "$tmp/a" "$tmp/zoo/tiny.yaml"
differs 'dataset_sha256\|images: \|limited: '
says stderr '^oqz: limited'
expect_exit 0 run --progress none --limit 1000000 -o "$tmp/a" "$tmp/zoo/tiny.yaml" # a limit that leaves nothing out
same "$tmp/first" "$lock"
says_not stderr '^oqz: limited'
expect_exit 0 run --progress none --set schemes.pow2.bits=6 -o "$tmp/a" "$tmp/zoo/tiny.yaml"
differs 'plan_sha256\|scheme: \|bits: \|manifest_sha256'
