#!/bin/sh
# Gates: exit 1 when a metric drops by more than allowed; with a confidence only when the interval says so, too.
. "${top_srcdir:-.}/tests/cli/functions.sh"
gate() { # GATE: a run with it, in the same folder
	manifest "$tmp/zoo.yaml"
	printf 'gates:\n  - %s\n' "$1" >>"$tmp/zoo.yaml"
}
gate '{metric: top1, max_drop: 50.0pp}'
expect_exit 0 run -o "$tmp/a" "$tmp/zoo.yaml"
gate '{when: {scheme: pow2}, metric: top1, max_drop: 0.1pp}'
expect_exit 1 run -o "$tmp/a" "$tmp/zoo.yaml"
says stderr 'gate: tiny pow2 top1: drop .* pp > 0.1 pp'
says stdout '^tiny  *pow2'
# The channel scheme's loss is within its uncertainty.
gate '{when: {scheme: channel}, metric: top1, max_drop: 0.1pp, confidence: 0.95}'
expect_exit 0 run -o "$tmp/a" "$tmp/zoo.yaml"
# Where the absence of a loss is to be proved, uncertainty fails it, and enough room passes.
gate '{when: {scheme: channel}, metric: top1, max_drop: 0.1pp, confidence: 0.95, prove: drop}'
expect_exit 0 run -o "$tmp/a" "$tmp/zoo.yaml"
gate '{when: {scheme: channel}, metric: top1, max_drop: 0.1pp, confidence: 0.95, prove: non-inferiority}'
expect_exit 1 run -o "$tmp/a" "$tmp/zoo.yaml"
says stderr 'gate: tiny channel top1: drop .* 0.1 pp; its 95 % interval reaches [0-9.]* pp'
gate '{when: {scheme: channel}, metric: top1, max_drop: 50pp, confidence: 0.95, prove: non-inferiority}'
expect_exit 0 run -o "$tmp/a" "$tmp/zoo.yaml"
gate '{metric: top1, max_drop: 1pp, confidence: 0.95, prove: innocence}'
expect_exit 2 run -o "$tmp/a" "$tmp/zoo.yaml"
says stderr 'zoo.yaml:[0-9]*:[0-9]*: .*prove. is .drop. or .non-inferiority.'
gate '{metric: top1, max_drop: 1pp, prove: non-inferiority}'
expect_exit 2 run -o "$tmp/a" "$tmp/zoo.yaml"
says stderr '.prove. needs .confidence: 0.95.'
gate '{when: {scheme: nothing}, metric: top1, max_drop: 1pp}'
expect_exit 2 run -o "$tmp/a" "$tmp/zoo.yaml"
says stderr 'zoo.yaml:[0-9]*:[0-9]*: this gate matches no cell'
# A gate whose cells are not selected today rests.
gate '{when: {scheme: pow2}, metric: top1, max_drop: 0.1pp}'
expect_exit 0 run -o "$tmp/a" --select scheme=channel "$tmp/zoo.yaml"
says_not stderr 'gate: '
gate '{metric: top7, max_drop: 1pp}'
expect_exit 1 run -o "$tmp/a" "$tmp/zoo.yaml"
says stderr 'no cell that it matches has a metric .top7.'
# Intervals are at 95 %; another level is refused rather than taken for it.
gate '{metric: top1, max_drop: 1pp, confidence: 0.9}'
expect_exit 2 run -o "$tmp/a" "$tmp/zoo.yaml"
says stderr 'zoo.yaml:[0-9]*:[0-9]*: .*confidence. can only be 0.95'
# Where tasks differ a gate is about the cells that have its metric; a failed cell fails the gates of its task only.
cat >"$tmp/zoo.yaml" <<END
oqz: 1
include: $top_srcdir/demo/zoo.yaml
vars: {data: $top_srcdir/demo/data, models: $top_srcdir/demo/models}
models: [{id: absent, file: absent.onnx, task: classify}]
matrix: [{models: [words-crnn, shapes-mobilenet, absent], schemes: [int8-channel]}]
gates:
  - {metric: accuracy, max_drop: 100pp}
  - {metric: top1, max_drop: 100pp}
  - {metric: psnr, max_drop: 100}
END
expect_exit 5 run --limit 2 -o "$tmp/tasks" "$tmp/zoo.yaml"
sed -n 's/^oqz: gate: //p' "$tmp/stderr" >"$tmp/said"
printf '%s\n' 'absent int8-channel top1: the cell failed' 'gate in line 9: no cell that it matches has a metric `psnr`' >"$tmp/want"
same "$tmp/want" "$tmp/said"
