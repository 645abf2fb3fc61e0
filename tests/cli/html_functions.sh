# Sourced after functions.sh by the tests of report.html.
#
# full_run: a run that has everything a page can show, in $tmp/out: two models under two schemes, one of them with markup in
# its tag, the other with a name ($another) that no window is wide enough for; a float-only model, a model that cannot be read,
# a broken image, gates that pass and fail, classes with Chinese names
another=another_网络_whose_name_has_sixty_letters_and_no_place_to_break
full_run() {
	copy_tiny "$tmp/data"
	for class in 0 1 2 3 4 5 6 7 8 9; do echo "n0$class 第$class类：一个很长的名字，放不进照片下面的一行，也放不进给它留出的一百个字节"; done >"$tmp/data/synsets.txt"
	sed -i 's/list: test.txt/&, synsets: synsets.txt/' "$tmp/data/tiny.yaml"
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
		  - {<<: *tiny, id: ANOTHER, tags: [small]}
		  - {<<: *tiny, id: bare}
		  - {<<: *tiny, id: unreadable, file: broken.onnx}
		matrix:
		  - {models: [tiny, ANOTHER, unreadable], schemes: ["*"]}
		  - {models: [bare], schemes: []}
		gates:
		  - {when: {model: tiny}, metric: top1, max_drop: 50pp}
		  - {when: {model: tiny, scheme: pow2}, metric: top1, max_drop: 0.1pp}
	END
	sed -i "s/ANOTHER/$another/" "$tmp/data/full.yaml"
	expect_exit 5 run --progress none -o "$tmp/out" "$tmp/data/full.yaml"
}
