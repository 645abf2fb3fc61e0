#!/bin/sh
# --memory-limit and limits.memory: what does not fit is an error that names the thing and both sizes, never a killed process.
. "${top_srcdir:-.}/tests/cli/functions.sh"
model=$tiny/tiny.onnx
for limit in 1 10K 100K; do
	for verb in infer profile; do
		random=$(test $verb = profile || echo "--random 1")
		# shellcheck disable=SC2086
		expect_exit 4 $verb $random --memory-limit $limit "$model"
		says stderr ' needs .*memory limit is '
	done
done
expect_exit 0 infer --random 1 --memory-limit 64M "$model"
expect_exit 0 profile --repeat 1 --memory-limit 64M "$model"
for bad in 0 -1 lots 12X ''; do
	expect_exit 2 infer --random 1 --memory-limit "$bad" "$model"
	says stderr 'memory-limit takes a size'
done
# The job fails, with the reason in the table; a limit that is enough changes nothing.
expect_exit 0 run -j1 -o "$tmp/free" "$tiny/tiny.yaml"
expect_exit 4 run -j1 --memory-limit 200K -o "$tmp/a" "$tiny/tiny.yaml"
says stderr 'tiny: failed: .* needs .*memory limit is 200.0 KiB'
expect_exit 0 run -j1 --memory-limit 256M -o "$tmp/a" "$tiny/tiny.yaml"
same_results "$tmp/free" "$tmp/a"
expect_exit 4 validate --data --memory-limit 200K "$tiny/tiny.yaml"
says stdout 'memory limit is 200.0 KiB'
# The manifest's limit, which the option replaces.
manifest "$tmp/zoo.yaml"
printf 'limits: {memory: 200K}\n' >>"$tmp/zoo.yaml"
expect_exit 4 run -j1 -o "$tmp/b" "$tmp/zoo.yaml"
says stderr 'memory limit is 200.0 KiB'
expect_exit 0 run -j1 --memory-limit 256M -o "$tmp/b" "$tmp/zoo.yaml"
# Cases of check-onnx fail one by one.
mkdir -p "$tmp/case/test_data_set_0"
cp "$model" "$tmp/case/model.onnx"
expect_exit 0 infer --random 1 -o "$tmp/out" "$model"
expect_exit 5 check-onnx --memory-limit 10K "$tmp/case"
says stdout 'FAIL case: .*memory limit is 10.0 KiB'
