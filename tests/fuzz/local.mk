# Fuzz targets. Without --enable-fuzzing each is linked with replay.c and is a test: regressions, seeds, and damage to them
# in OQZ_FUZZ_RUNS steps. With it (CC=clang) libFuzzer is the main, and `make fuzz FUZZ_SECONDS=60` runs them all on a
# corpus that starts from the seeds and stays in fuzz-corpus/.
fuzz_programs = \
	tests/fuzz/fuzz_onnx \
	tests/fuzz/fuzz_tensor_pb \
	tests/fuzz/fuzz_npy \
	tests/fuzz/fuzz_jpeg \
	tests/fuzz/fuzz_png \
	tests/fuzz/fuzz_yaml \
	tests/fuzz/fuzz_qplan \
	tests/fuzz/fuzz_results \
	tests/fuzz/fuzz_observer \
	tests/fuzz/fuzz_params \
	tests/fuzz/fuzz_ledger \
	tests/fuzz/fuzz_coco \
	tests/fuzz/fuzz_graph \
	tests/fuzz/fuzz_labels \
	tests/fuzz/fuzz_ocr \
	tests/fuzz/fuzz_run \
	tests/fuzz/fuzz_split \
	tests/fuzz/fuzz_image \
	$(NULL)
fuzz_cppflags = $(image_cppflags) $(PROTOBUF_C_CFLAGS) $(WEBP_CFLAGS) $(TIFF_CFLAGS) $(OPENJPEG_CFLAGS)
fuzz_ldadd = tests/fuzz/libfuzz.a $(unit_ldadd)

check_LIBRARIES += tests/fuzz/libfuzz.a
tests_fuzz_libfuzz_a_CPPFLAGS = $(fuzz_cppflags)
tests_fuzz_libfuzz_a_SOURCES = \
	tests/fuzz/fuzz.c \
	tests/fuzz/fuzz.h \
	tests/fuzz/seeds.c \
	tests/fuzz/seeds.h \
	tests/unit/exec_graph.h \
	tests/unit/image_cases.h \
	tests/unit/image_formats.h \
	$(NULL)
if ENABLE_FUZZING
fuzz_tests =
else
tests_fuzz_libfuzz_a_SOURCES += tests/fuzz/replay.c
fuzz_tests = $(fuzz_programs)
endif
check_PROGRAMS += $(fuzz_programs)
TESTS += $(fuzz_tests)

check_PROGRAMS += tests/fuzz/mkseeds
tests_fuzz_mkseeds_SOURCES = tests/fuzz/mkseeds.c
tests_fuzz_mkseeds_CPPFLAGS = $(fuzz_cppflags)
tests_fuzz_mkseeds_LDADD = $(fuzz_ldadd)

tests_fuzz_fuzz_onnx_SOURCES = tests/fuzz/fuzz_onnx.c
tests_fuzz_fuzz_onnx_CPPFLAGS = $(fuzz_cppflags)
tests_fuzz_fuzz_onnx_LDFLAGS = $(AM_LDFLAGS) $(FUZZ_LDFLAGS)
tests_fuzz_fuzz_onnx_LDADD = $(fuzz_ldadd)
tests_fuzz_fuzz_tensor_pb_SOURCES = tests/fuzz/fuzz_tensor_pb.c
tests_fuzz_fuzz_tensor_pb_CPPFLAGS = $(fuzz_cppflags)
tests_fuzz_fuzz_tensor_pb_LDFLAGS = $(AM_LDFLAGS) $(FUZZ_LDFLAGS)
tests_fuzz_fuzz_tensor_pb_LDADD = $(fuzz_ldadd)
tests_fuzz_fuzz_npy_SOURCES = tests/fuzz/fuzz_npy.c
tests_fuzz_fuzz_npy_CPPFLAGS = $(fuzz_cppflags)
tests_fuzz_fuzz_npy_LDFLAGS = $(AM_LDFLAGS) $(FUZZ_LDFLAGS)
tests_fuzz_fuzz_npy_LDADD = $(fuzz_ldadd)
tests_fuzz_fuzz_jpeg_SOURCES = tests/fuzz/fuzz_jpeg.c tests/fuzz/fuzz_image.h
tests_fuzz_fuzz_jpeg_CPPFLAGS = $(fuzz_cppflags)
tests_fuzz_fuzz_jpeg_LDFLAGS = $(AM_LDFLAGS) $(FUZZ_LDFLAGS)
tests_fuzz_fuzz_jpeg_LDADD = $(fuzz_ldadd)
tests_fuzz_fuzz_png_SOURCES = tests/fuzz/fuzz_png.c tests/fuzz/fuzz_image.h
tests_fuzz_fuzz_png_CPPFLAGS = $(fuzz_cppflags)
tests_fuzz_fuzz_png_LDFLAGS = $(AM_LDFLAGS) $(FUZZ_LDFLAGS)
tests_fuzz_fuzz_png_LDADD = $(fuzz_ldadd)
tests_fuzz_fuzz_image_SOURCES = tests/fuzz/fuzz_image.c tests/fuzz/fuzz_image.h
tests_fuzz_fuzz_image_CPPFLAGS = $(fuzz_cppflags)
tests_fuzz_fuzz_image_LDFLAGS = $(AM_LDFLAGS) $(FUZZ_LDFLAGS)
tests_fuzz_fuzz_image_LDADD = $(fuzz_ldadd)
tests_fuzz_fuzz_yaml_SOURCES = tests/fuzz/fuzz_yaml.c
tests_fuzz_fuzz_yaml_CPPFLAGS = $(fuzz_cppflags)
tests_fuzz_fuzz_yaml_LDFLAGS = $(AM_LDFLAGS) $(FUZZ_LDFLAGS)
tests_fuzz_fuzz_yaml_LDADD = $(fuzz_ldadd)
tests_fuzz_fuzz_qplan_SOURCES = tests/fuzz/fuzz_qplan.c
tests_fuzz_fuzz_qplan_CPPFLAGS = $(fuzz_cppflags)
tests_fuzz_fuzz_qplan_LDFLAGS = $(AM_LDFLAGS) $(FUZZ_LDFLAGS)
tests_fuzz_fuzz_qplan_LDADD = $(fuzz_ldadd)
tests_fuzz_fuzz_results_SOURCES = tests/fuzz/fuzz_results.c
tests_fuzz_fuzz_results_CPPFLAGS = $(fuzz_cppflags)
tests_fuzz_fuzz_results_LDFLAGS = $(AM_LDFLAGS) $(FUZZ_LDFLAGS)
tests_fuzz_fuzz_results_LDADD = $(fuzz_ldadd)
tests_fuzz_fuzz_observer_SOURCES = tests/fuzz/fuzz_observer.c
tests_fuzz_fuzz_observer_CPPFLAGS = $(fuzz_cppflags)
tests_fuzz_fuzz_observer_LDFLAGS = $(AM_LDFLAGS) $(FUZZ_LDFLAGS)
tests_fuzz_fuzz_observer_LDADD = $(fuzz_ldadd)
tests_fuzz_fuzz_params_SOURCES = tests/fuzz/fuzz_params.c
tests_fuzz_fuzz_params_CPPFLAGS = $(fuzz_cppflags)
tests_fuzz_fuzz_params_LDFLAGS = $(AM_LDFLAGS) $(FUZZ_LDFLAGS)
tests_fuzz_fuzz_params_LDADD = $(fuzz_ldadd)
tests_fuzz_fuzz_ledger_SOURCES = tests/fuzz/fuzz_ledger.c
tests_fuzz_fuzz_ledger_CPPFLAGS = $(fuzz_cppflags)
tests_fuzz_fuzz_ledger_LDFLAGS = $(AM_LDFLAGS) $(FUZZ_LDFLAGS)
tests_fuzz_fuzz_ledger_LDADD = $(fuzz_ldadd)
tests_fuzz_fuzz_coco_SOURCES = tests/fuzz/fuzz_coco.c tasks/coco/data.c tasks/coco/data.h \
	tasks/coco/json.c tasks/coco/json.h
tests_fuzz_fuzz_coco_CPPFLAGS = $(fuzz_cppflags) $(JANSSON_CFLAGS)
tests_fuzz_fuzz_coco_LDFLAGS = $(AM_LDFLAGS) $(FUZZ_LDFLAGS)
tests_fuzz_fuzz_coco_LDADD = $(fuzz_ldadd)
tests_fuzz_fuzz_graph_SOURCES = tests/fuzz/fuzz_graph.c tests/fuzz/fuzz_exec.h
tests_fuzz_fuzz_graph_CPPFLAGS = $(fuzz_cppflags)
tests_fuzz_fuzz_graph_LDFLAGS = $(AM_LDFLAGS) $(FUZZ_LDFLAGS)
tests_fuzz_fuzz_graph_LDADD = $(fuzz_ldadd)
tests_fuzz_fuzz_run_SOURCES = tests/fuzz/fuzz_run.c tests/fuzz/fuzz_exec.h
tests_fuzz_fuzz_run_CPPFLAGS = $(fuzz_cppflags)
tests_fuzz_fuzz_run_LDFLAGS = $(AM_LDFLAGS) $(FUZZ_LDFLAGS)
tests_fuzz_fuzz_run_LDADD = $(fuzz_ldadd)
tests_fuzz_fuzz_split_SOURCES = tests/fuzz/fuzz_split.c
tests_fuzz_fuzz_split_CPPFLAGS = $(fuzz_cppflags)
tests_fuzz_fuzz_split_LDFLAGS = $(AM_LDFLAGS) $(FUZZ_LDFLAGS)
tests_fuzz_fuzz_split_LDADD = $(fuzz_ldadd)
tests_fuzz_fuzz_labels_SOURCES = tests/fuzz/fuzz_labels.c tests/fuzz/fuzz_lists.h tests/unit/task_inside.h $(tasks_classification_classification_la_SOURCES)
tests_fuzz_fuzz_labels_CPPFLAGS = $(fuzz_cppflags) $(JANSSON_CFLAGS)
tests_fuzz_fuzz_labels_LDFLAGS = $(AM_LDFLAGS) $(FUZZ_LDFLAGS)
tests_fuzz_fuzz_labels_LDADD = $(fuzz_ldadd)
tests_fuzz_fuzz_ocr_SOURCES = tests/fuzz/fuzz_ocr.c tests/fuzz/fuzz_lists.h tests/unit/task_inside.h $(tasks_ocr_ocr_la_SOURCES)
tests_fuzz_fuzz_ocr_CPPFLAGS = $(fuzz_cppflags) $(JANSSON_CFLAGS)
tests_fuzz_fuzz_ocr_LDFLAGS = $(AM_LDFLAGS) $(FUZZ_LDFLAGS)
tests_fuzz_fuzz_ocr_LDADD = $(fuzz_ldadd)

FUZZ_SECONDS = 60
fuzz:
	@test -n '$(FUZZ_LDFLAGS)' || { echo 'configure with CC=clang --enable-fuzzing'; exit 1; }
	$(MAKE) $(AM_MAKEFLAGS) $(BUILT_SOURCES)
	$(MAKE) $(AM_MAKEFLAGS) $(fuzz_programs) tests/fuzz/mkseeds
	tests/fuzz/mkseeds fuzz-corpus
	@for p in $(fuzz_programs); do \
		t=$${p##*/fuzz_}; echo "== $$t"; \
		$$p -max_total_time=$(FUZZ_SECONDS) -timeout=20 -rss_limit_mb=2048 -verbosity=0 -print_final_stats=1 \
			-artifact_prefix=fuzz-$$t- fuzz-corpus/$$t || exit 1; \
	done
.PHONY: fuzz
EXTRA_DIST += \
	tests/fuzz/regress/README.md \
	tests/fuzz/regress/graph/batches-of-empty-matrices.hex \
	tests/fuzz/regress/graph/broadcast-of-a-huge-empty-tensor.hex \
	tests/fuzz/regress/graph/copy-of-a-huge-empty-box.hex \
	tests/fuzz/regress/graph/grid-without-codes-of-an-empty-tensor.hex \
	tests/fuzz/regress/graph/normalization-of-a-huge-empty-tensor.hex \
	tests/fuzz/regress/graph/prelu-slope-beyond-the-input.hex \
	tests/fuzz/regress/graph/unique-of-slices-without-elements.hex \
	tests/fuzz/regress/observer/bins-outside-of-the-extremes.hex \
	tests/fuzz/regress/qplan/negative-zero-in-a-code-book.json \
	tests/fuzz/regress/results/negative-zero.json \
	tests/fuzz/regress/run/attention-of-which-scores-are-read.hex \
	tests/fuzz/regress/yaml/key-of-more-than-1024-characters.hex \
	tests/fuzz/regress/yaml/line-breaks-in-a-plain-scalar.hex \
	tests/fuzz/regress/yaml/mapping-without-keys.hex \
	$(NULL)
