# Sourced after functions.sh by the tests of report.html.
#
# full_run: a run that has everything a page can show, in $tmp/out: two models under two schemes, one of them with markup in
# its tag, a float-only model, a model that cannot be read, a broken image, gates that pass and fail
full_run() {
	copy_tiny "$tmp/data"
	head -c 40 "$tmp/data/tiny.onnx" >"$tmp/data/broken.onnx"
	broken_image=$(sed -n '3s/ .*//p' "$tmp/data/test.txt")
	echo "no image" >"$tmp/data/test/$broken_image"
	sed '/^models:/,$d' "$tmp/data/tiny.yaml" >"$tmp/data/full.yaml"
	cat >>"$tmp/data/full.yaml" <<-'END'
		models:
		  - &tiny
		    id: tiny
		    file: tiny.onnx
		    task: classify
		    prepare:
		      - normalize: {scale: 127.5, mean: 1}
		    tags: [cnn, "<b>&amp;'\""]
		  - {<<: *tiny, id: another, tags: [small]}
		  - {<<: *tiny, id: bare}
		  - {<<: *tiny, id: unreadable, file: broken.onnx}
		matrix:
		  - {models: [tiny, another, unreadable], schemes: ["*"]}
		  - {models: [bare], schemes: []}
		gates:
		  - {when: {model: tiny}, metric: top1, max_drop: 50pp}
		  - {when: {model: tiny, scheme: pow2}, metric: top1, max_drop: 0.1pp}
	END
	expect_exit 5 run --progress none -o "$tmp/out" "$tmp/data/full.yaml"
}
