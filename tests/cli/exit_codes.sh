#!/bin/sh
# What a run that cannot come to results says and returns: 2 manifest, 3 plugin, 4 model or data, 5 a part failed.
. "${top_srcdir:-.}/tests/cli/functions.sh"
expect_exit 4 run -o "$tmp/a" "$tmp/absent.yaml"
says stderr 'absent.yaml'
printf 'oqz: 1\nmodels: [\n' >"$tmp/zoo.yaml"
expect_exit 2 run -o "$tmp/a" "$tmp/zoo.yaml"
says stderr 'zoo.yaml:[0-9]*:[0-9]*: '

manifest "$tmp/zoo.yaml"
sed -i 's/plugin: int8,/plugin: intt8,/' "$tmp/zoo.yaml"
expect_exit 3 run -o "$tmp/b" "$tmp/zoo.yaml"
says stderr "no quantizer 'intt8' (did you mean 'int8'?)"
manifest "$tmp/zoo.yaml"
sed -i 's/granularity: tensor/granularity: tensr/' "$tmp/zoo.yaml"
expect_exit 2 run -o "$tmp/c" "$tmp/zoo.yaml"
says stderr 'tensr'

manifest "$tmp/zoo.yaml"
sed -i 's/tiny.onnx/absent.onnx/' "$tmp/zoo.yaml"
expect_exit 4 run -o "$tmp/d" "$tmp/zoo.yaml"
says stderr 'tiny: failed: .*absent.onnx'
# Also when the model was wanted in float only, and when several fail in ways of one kind.
printf '  - {models: [other], schemes: []}\n' >>"$tmp/zoo.yaml"
sed -i "s|^models:|&\n  - {id: other, file: $tmp/zoo.yaml, task: classify}|" "$tmp/zoo.yaml"
expect_exit 4 run -o "$tmp/e" "$tmp/zoo.yaml"
says stderr 'other: failed: .*zoo.yaml'
expect_exit 4 run --select model=other -o "$tmp/f" "$tmp/zoo.yaml"
# With one that works it is a part.
sed -i "s|absent.onnx|tiny.onnx|" "$tmp/zoo.yaml"
expect_exit 5 run -o "$tmp/g" "$tmp/zoo.yaml"
says stdout '^tiny  *channel  *top1'
grep -q '"complete": false' "$tmp/g/results.json" || fail "a run with a failed model is called complete"
