#!/bin/sh
# Validation lists all problems with their places; with --data it opens models and runs the first image.
. "${top_srcdir:-.}/tests/cli/functions.sh"
expect_exit 0 validate "$tiny/tiny.yaml"
says stderr '1 job, no problems'
expect_exit 0 validate --data "$tiny/tiny.yaml"
test ! -s "$tmp/stdout" || fail "a sound manifest has problems"

manifest "$tmp/zoo.yaml"
sed -i 's/granularity: tensor/granularty: tensor/; s/k: \[1, 3\]/k: [1, -3]/; s/mean: 1/mean: one/' "$tmp/zoo.yaml"
expect_exit 2 validate "$tmp/zoo.yaml"
says stdout 'zoo.yaml:[0-9]*:[0-9]*: .*granularty.*did you mean .granularity.'
says stdout 'zoo.yaml:[0-9]*:[0-9]*: .*k'
says stdout 'zoo.yaml:[0-9]*:[0-9]*: .*one'

manifest "$tmp/zoo.yaml"
sed -i 's/tiny.onnx/absent.onnx/' "$tmp/zoo.yaml"
expect_exit 0 validate "$tmp/zoo.yaml"
expect_exit 4 validate --data "$tmp/zoo.yaml"
says stdout 'zoo.yaml:[0-9]*:[0-9]*: model .tiny.: .*absent.onnx'
# Pictures of another size than the model takes.
manifest "$tmp/zoo.yaml"
sed -i 's/^    prepare:/&\n      - resize: {size: 40, filter: pil-bilinear}/' "$tmp/zoo.yaml"
expect_exit 4 validate --data "$tmp/zoo.yaml"
says stdout '40'
