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
# --set reaches entries of lists by number and models by their id; what it cannot reach is named.
expect_exit 0 show --set 'models[0].engine=sim' "$tmp/data/zoo.yaml"
says stdout 'engine: sim'
cp "$tmp/stdout" "$tmp/by_number"
expect_exit 0 show --set 'models[tiny].engine=sim' "$tmp/data/zoo.yaml"
same "$tmp/by_number" "$tmp/stdout"
expect_exit 0 show --set 'models[tiny].tags=[a, b]' --set 'models[tiny].tags[1]=c' "$tmp/data/zoo.yaml"
says stdout 'tags: \[a, c\]'
# set_fails PATH=VALUE TEXT
set_fails() {
	expect_exit 2 show --set "$1" "$tmp/data/zoo.yaml"
	says stderr "$2"
}
set_fails 'models[tinny].engine=sim' '`models` has no entry `tinny`'
set_fails 'models[9].engine=sim' '`models` has no entry `9`'
set_fails 'models[-1].engine=sim' '`models` has no entry `-1`'
set_fails 'models[0.engine=sim' 'a `]` is missing'
set_fails 'models.tiny.engine=sim' '`models` is a list: .* as models\[tiny\]$'
set_fails 'schemes[channel].bits=6' '`schemes` has no entry `channel`'
set_fails 'schemes..bits=6' 'an empty part in the path'
set_fails 'schemes.channel.plugin.x=1' 'no mapping'
set_fails 'schemes.channel' 'write PATH=VALUE'
