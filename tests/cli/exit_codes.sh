#!/bin/sh
# What a run that cannot come to results says and returns: 2 manifest, 3 plugin, 4 model or data, 5 a part failed.
. "${top_srcdir:-.}/tests/cli/functions.sh"
expect_exit 4 run -o "$tmp/a" "$tmp/absent.yaml"
says stderr 'absent.yaml'
printf 'oqz: 1\nmodels: [\n' >"$tmp/zoo.yaml"
expect_exit 2 run -o "$tmp/a" "$tmp/zoo.yaml"
says stderr 'zoo.yaml:[0-9]*:[0-9]*: '

# Without any plugin that is said once, with what to do, and nothing is written.
manifest "$tmp/zoo.yaml"
path=$OQZ_PLUGIN_PATH
for where in '' "$tmp" "$tmp/nowhere"; do
	OQZ_PLUGIN_PATH=$where
	for verb in "run -o $tmp/none" "calibrate -o $tmp/none" validate plan "export --scheme channel -o $tmp/none.onnx"; do
		# shellcheck disable=SC2086
		expect_exit 3 $verb "$tmp/zoo.yaml"
		says stderr '^oqz: no plugins were found, .* OQZ_PLUGIN_PATH (searched: '
		test "$(cat "$tmp/stdout" "$tmp/stderr" | wc -l)" -eq 1 || fail "oqz $verb says it more than once"
	done
	expect_exit 0 list
	says stderr '^oqz: no plugins were found, '
	expect_exit 3 describe int8
	says stderr '^oqz: no plugins were found, '
done
says stderr "nowhere: No such file or directory"
test ! -e "$tmp/none" -a ! -e "$tmp/none.onnx" || fail "a run without plugins writes something"
OQZ_PLUGIN_PATH=$path

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

# Options of wrong values: one line, which says what is right.
manifest "$tmp/zoo.yaml"
for wrong in '--limit 0' '--jobs 0' '--jobs two' '--engine fast' '--set oqz=2' '--memory-limit 1x'; do
	# shellcheck disable=SC2086
	expect_exit 2 run $wrong -o "$tmp/wrong" "$tmp/zoo.yaml"
	test "$(wc -l <"$tmp/stderr")" -eq 1 || fail "oqz run $wrong says it more than once"
done
