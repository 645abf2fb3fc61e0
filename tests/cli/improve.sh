#!/bin/sh
# Improvement passes on the tiny model in four bits per tensor, where there is much to gain: each lowers the mean error of the
# layers by a margin, together they do more; the plan holds what they did, is the same for any number of threads, is replayed,
# exported and compared; what is wrong in `improve` is said where it stands.
. "${top_srcdir:-.}/tests/cli/functions.sh"
manifest "$tmp/zoo.yaml"
sed -i 's/^schemes:/&\n  t4: {plugin: int8, bits: 4, granularity: tensor}\n  cle: {extends: t4, improve: equalize}\n  mig: {extends: t4, improve: [{migrate: {alpha: 0.4}}]}\n  ins: {extends: t4, improve: [{migrate: {alpha: 0.4, insert: true}}]}\n  ada: {extends: t4, improve: [adaround]}\n  bias: {extends: t4, improve: [correct-bias]}\n  all: {extends: t4, improve: [correct-bias, adaround, equalize]}/' "$tmp/zoo.yaml"
expect_exit 0 validate "$tmp/zoo.yaml"
expect_exit 0 run --progress none -j 1 -o "$tmp/out" "$tmp/zoo.yaml"
cat "$tmp/stdout"
aqe() { sed -n "s/.*\"scheme\": \"$1\".* \"aqe\": \([0-9.e-]*\),.*/\1/p" "$tmp/out/results.json"; }
# at_most A B F: A <= F * B
at_most() { awk -v a="$1" -v b="$2" -v f="$3" 'BEGIN { exit !(a != "" && b != "" && a > 0 && a <= f * b) }'; }
for s in cle mig ada bias; do
	at_most "$(aqe $s)" "$(aqe t4)" 0.9 || fail "$s: AQE $(aqe $s), without it $(aqe t4)"
	at_most "$(aqe all)" "$(aqe $s)" 0.9 || fail "all: AQE $(aqe all), $s alone $(aqe $s)"
done
# The float lane is nobody's: its figures are those of a run without improvements.
expect_exit 0 run --progress none --select scheme=t4 -o "$tmp/plain" "$tmp/zoo.yaml"
sed -n '/^  "float"/,/\]/p' "$tmp/plain/results.json" >"$tmp/a"
sed -n '/^  "float"/,/\]/p' "$tmp/out/results.json" >"$tmp/b"
same "$tmp/a" "$tmp/b"
# What a pass did is in the plan, and only there.
grep -q '"constants"' "$tmp/out/plans/tiny.ada.json" || fail "no constants in the plan"
grep -q '"gains"' "$tmp/out/plans/tiny.cle.json" || fail "no gains in the plan"
if grep -q '"constants"' "$tmp/out/plans/tiny.t4.json"; then fail "constants in a plain plan"; fi
# Threads do not change a bit; a second run takes the plans from the ledger.
expect_exit 0 run --progress none -j 3 -o "$tmp/three" "$tmp/zoo.yaml"
for s in cle mig ins ada bias all; do same "$tmp/out/plans/tiny.$s.json" "$tmp/three/plans/tiny.$s.json"; done
same_results "$tmp/out" "$tmp/three"
expect_exit 0 run --progress none -o "$tmp/three" "$tmp/zoo.yaml"
same_results "$tmp/out" "$tmp/three"
# The export of an improved plan is that model: as a lane it has the plan's figures (gains are the scheme's, so the ones whose
# layers' outputs keep their scale).
expect_exit 0 export --plan "$tmp/out/plans/tiny.ada.json" -o "$tmp/ada.onnx" "$tiny/tiny.onnx"
sed "s|^    file: .*|&\n    lanes: {again: $tmp/ada.onnx}|" "$tmp/zoo.yaml" >"$tmp/lane.yaml"
expect_exit 0 run --progress none --select scheme=a* -o "$tmp/lane" "$tmp/lane.yaml"
for s in ada again; do grep "^tiny,$s," "$tmp/lane/layers.csv" | cut -d , -f 3-7 >"$tmp/$s"; done
test -s "$tmp/ada" || fail "no layers"
same "$tmp/ada" "$tmp/again"
# Rescaling leaves the function as it was, and is taken out of what is compared: without grids there is no error.
sed 's/t4: {plugin: int8, bits: 4, granularity: tensor}/t4: {plugin: float}/' "$tmp/zoo.yaml" >"$tmp/fine.yaml"
expect_exit 0 run --progress none --select scheme=cle --select scheme=mig --select scheme=ins -o "$tmp/fine" "$tmp/fine.yaml"
awk -F, '$2 == "cle" || $2 == "mig" || $2 == "ins" { n++; if ($6 > 1e-5) bad = 1 } END { exit bad || n < 9 }' "$tmp/fine/layers.csv" ||
	fail "rescaling changes the function, or is compared as it is"
# Layers between rescaled values have errors of their own: none without grids, some with them.
awk -F, '$2 == "cle" || $2 == "mig" || $2 == "ins" { n++; if ($7 == "" || $7 > 1e-5) bad = 1 } END { exit bad || n < 9 }' "$tmp/fine/layers.csv" ||
	fail "local errors of rescaled layers"
awk -F, '$2 == "cle" || $2 == "all" { n++; if ($7 == "" || $7 == 0) bad = 1 } END { exit bad || n < 6 }' "$tmp/out/layers.csv" ||
	fail "rescaled layers without errors of their own"
grep -q '"factor": \[[^]]*0\.' "$tmp/fine/plans/tiny.cle.json" || fail "nothing was rescaled"
# Listed, described, checked.
expect_exit 0 list improvements
says stdout '^adaround '
expect_exit 0 describe migrate
says stdout 'alpha'
says stdout 'Xiao'
# refused WHAT WORDS: `improve: WHAT` is an error with these words
refused() {
	sed "s/improve: equalize}/improve: $1}/" "$tmp/zoo.yaml" >"$tmp/bad.yaml"
	expect_exit 2 validate "$tmp/bad.yaml"
	says stdout "$2"
}
refused equalise 'did you mean .equalize'
refused '[equalize, equalize]' twice
refused '[{migrate: {alpha: 7}}]' alpha
refused '[{migrate: {beta: 1}}]' beta
refused '[[a]]' 'an entry of'
# A grid that rounding has no two sides of.
sed 's/cle: {extends: t4, improve: equalize}/cle: {plugin: fp8, improve: adaround}/' "$tmp/zoo.yaml" >"$tmp/fp8.yaml"
expect_exit 5 run --progress none -o "$tmp/fp8" "$tmp/fp8.yaml"
says stdout 'needs weights on an integer grid'
