# Real models and data, where they are present (OQZ_SHARED), else skipped.
golden_tests = tests/golden/test_zoo_classification
tests_golden_test_zoo_classification_SOURCES = tests/golden/test_zoo_classification.c
tests_golden_test_zoo_classification_CPPFLAGS = $(unit_cppflags)
tests_golden_test_zoo_classification_LDADD = $(unit_ldadd)

golden_tests += tests/golden/test_zoo_tasks
tests_golden_test_zoo_tasks_SOURCES = tests/golden/test_zoo_tasks.c
tests_golden_test_zoo_tasks_CPPFLAGS = $(unit_cppflags)
tests_golden_test_zoo_tasks_LDADD = $(unit_ldadd)
EXTRA_DIST += tests/golden/zoo.yaml tests/golden/zoo-improve.yaml

golden_tests += tests/golden/test_golden_tables
tests_golden_test_golden_tables_SOURCES = tests/golden/test_golden_tables.c
tests_golden_test_golden_tables_CPPFLAGS = $(unit_cppflags)
tests_golden_test_golden_tables_LDADD = $(unit_ldadd)

golden_tests += tests/golden/test_golden_images
tests_golden_test_golden_images_SOURCES = tests/golden/test_golden_images.c
tests_golden_test_golden_images_CPPFLAGS = $(unit_cppflags) $(JPEG_CFLAGS) $(PNG_CFLAGS)
tests_golden_test_golden_images_LDADD = $(unit_ldadd)

check_PROGRAMS += $(golden_tests)
TESTS += $(golden_tests)

# The example manifest end to end.
golden_scripts = \
	tests/golden/preset.sh \
	tests/golden/score.sh \
	tests/golden/zoo-all.sh \
	tests/golden/zoo-run.sh \
	$(NULL)
dist_check_SCRIPTS += $(golden_scripts)
TESTS += $(golden_scripts)

# Exports against ONNX Runtime, layer by layer.
check_PROGRAMS += tests/golden/split_layers
tests_golden_split_layers_SOURCES = tests/golden/split_layers.c
tests_golden_split_layers_LDADD = $(OQZ_LIBS) $(OQZ_SYSLIBS)
dist_check_SCRIPTS += tests/golden/export_ort.sh
TESTS += tests/golden/export_ort.sh
long_tests += tests/long/architectures.sh tests/long/zoo.sh
EXTRA_DIST += tests/long/architectures.sh tests/long/zoo.sh
