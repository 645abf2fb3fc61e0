#!/bin/sh
# The expanded manifest is a manifest that means the same.
. "${top_srcdir:-.}/tests/cli/functions.sh"
copy_tiny "$tmp/data"
cat >"$tmp/data/zoo.yaml" <<'END'
oqz: 1
include: tiny.yaml
vars: {bits: "${TEST_BITS:-6}"}
schemes:
  narrow: {extends: channel, bits: "${bits}"}
END
expect_exit 0 show "$tmp/data/zoo.yaml"
says stdout 'narrow:'
says stdout 'bits: .*6'
says_not stdout 'include'
says_not stdout '\${'
cp "$tmp/stdout" "$tmp/data/shown.yaml"
expect_exit 0 show "$tmp/data/shown.yaml"
same "$tmp/data/shown.yaml" "$tmp/stdout"
TEST_BITS=5
export TEST_BITS
expect_exit 0 show "$tmp/data/zoo.yaml"
says stdout 'bits: .*5'
expect_exit 0 show --set schemes.narrow.bits=3 "$tmp/data/zoo.yaml"
says stdout 'bits: .*3'
