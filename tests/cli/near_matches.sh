#!/bin/sh
# Unknown verbs, options, keys, names: exit 2 and what was probably meant.
. "${top_srcdir:-.}/tests/cli/functions.sh"
expect_exit 2 rum
says stderr 'unknown verb .rum.; did you mean .run.'
expect_exit 2
says stderr '^usage: oqz VERB'
expect_exit 0 --help
says stdout 'validate'
expect_exit 0 --version
says stdout '^oqz [0-9]'
expect_exit 0 run --help
says stdout -- '--progress MODE'
expect_exit 2 run --outptu x zoo.yaml
says stderr 'unknown option .--outptu.; did you mean .--output.'
expect_exit 2 run -q zoo.yaml
says stderr 'unknown option .-q.'
expect_exit 2 run --jobs
says stderr 'value is missing behind .--jobs.'
expect_exit 2 run --jobs=many "$tiny/tiny.yaml"
says stderr 'whole number'
expect_exit 2 run -j 0 "$tiny/tiny.yaml"
expect_exit 2 run
says stderr 'usage: oqz run'
expect_exit 2 run a.yaml b.yaml
expect_exit 2 run --progress loud -o "$tmp/a" "$tiny/tiny.yaml"
expect_exit 2 run --engine fast -o "$tmp/a" "$tiny/tiny.yaml"
expect_exit 2 run --select modle=x -o "$tmp/a" "$tiny/tiny.yaml"
expect_exit 2 run --set models -o "$tmp/a" "$tiny/tiny.yaml"
expect_exit 2 list quantisers
says stderr 'did you mean .quantizers.'

wrong() { # SED-EXPRESSION MESSAGE: the tiny manifest edited
	manifest "$tmp/zoo.yaml"
	sed -i "$1" "$tmp/zoo.yaml"
	expect_exit 2 show "$tmp/zoo.yaml"
	says stderr 'zoo.yaml:[0-9][0-9]*:[0-9][0-9]*: '
	says stderr "$2"
}
wrong 's/^datasets:/datsets:/' 'did you mean .datasets.'
wrong 's/^    task: /    tsak: /' 'did you mean .task.'
wrong 's/task: classify/task: clasify/' 'did you mean .classify.'
wrong 's/models: .tiny./models: [tny]/' 'did you mean .tiny.'
wrong 's/^oqz: 1/oqz: 2/' 'oqz'
wrong 's/^tasks:/datasets: {}\n&/' 'twice\|duplicate'
wrong 's/root: [^,]*/root: "${NO_SUCH_VARIABLE_HERE}"/' 'NO_SUCH_VARIABLE_HERE'
# Without anything near: what there is.
wrong 's/^    task: /    wherefore: /' 'unknown key .wherefore. in a model (it may have: .*task'
wrong 's/task: classify/task: nothing/' 'there is no task .nothing. (there are: classify)'

# What only a run finds out.
fails() { # STATUS SED-EXPRESSION MESSAGE
	manifest "$tmp/zoo.yaml"
	sed -i "$2" "$tmp/zoo.yaml"
	rm -rf "$tmp/out"
	expect_exit "$1" run --progress none --limit 2 -o "$tmp/out" "$tmp/zoo.yaml"
	says stderr "$3"
}
fails 3 '0,/plugin: int8/s//plugin: int9/' "there is no quantizer .int9. (did you mean '[a-z0-9]*' or '[a-z0-9]*'"
fails 4 's/tiny\.onnx/tinny.onnx/' 'tinny.onnx is missing (model file; tiny); did you mean .tiny.onnx.?'
fails 4 's,file: .*,file: /nowhere/at/all.onnx,' 'all.onnx is missing (model file; tiny); there is no folder ./nowhere/at.'
fails 4 's/plugin: classification/&, output: logitz/' "no output 'logitz' (it has: [a-z]"
expect_exit 2 run "$tiny/tiny.onnx"
says stderr 'tiny.onnx: a model is no manifest'
