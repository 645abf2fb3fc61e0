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
