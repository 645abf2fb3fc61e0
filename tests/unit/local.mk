# One entry per unit test: the program's name in unit_tests and the three lines that build it.
unit_tests += tests/unit/test_base
tests_unit_test_base_SOURCES = tests/unit/test_base.c
tests_unit_test_base_CPPFLAGS = $(unit_cppflags)
tests_unit_test_base_LDADD = $(unit_ldadd)

unit_tests += tests/unit/test_params
tests_unit_test_params_SOURCES = tests/unit/test_params.c
tests_unit_test_params_CPPFLAGS = $(unit_cppflags)
tests_unit_test_params_LDADD = $(unit_ldadd)
unit_tests += tests/unit/test_dtype
tests_unit_test_dtype_SOURCES = tests/unit/test_dtype.c
tests_unit_test_dtype_CPPFLAGS = $(unit_cppflags)
tests_unit_test_dtype_LDADD = $(unit_ldadd)
unit_tests += tests/unit/test_minifloat
tests_unit_test_minifloat_SOURCES = tests/unit/test_minifloat.c
tests_unit_test_minifloat_CPPFLAGS = $(unit_cppflags)
tests_unit_test_minifloat_LDADD = $(unit_ldadd)
unit_tests += tests/unit/test_npy
tests_unit_test_npy_SOURCES = tests/unit/test_npy.c
tests_unit_test_npy_CPPFLAGS = $(unit_cppflags)
tests_unit_test_npy_LDADD = $(unit_ldadd)
unit_tests += tests/unit/test_manifest
tests_unit_test_manifest_SOURCES = tests/unit/test_manifest.c
tests_unit_test_manifest_CPPFLAGS = $(unit_cppflags)
tests_unit_test_manifest_LDADD = $(unit_ldadd)
unit_tests += tests/unit/test_quantize8
tests_unit_test_quantize8_SOURCES = tests/unit/test_quantize8.c
tests_unit_test_quantize8_CPPFLAGS = $(unit_cppflags)
tests_unit_test_quantize8_LDADD = $(unit_ldadd)
unit_tests += tests/unit/test_fakequant
tests_unit_test_fakequant_SOURCES = tests/unit/test_fakequant.c
tests_unit_test_fakequant_CPPFLAGS = $(unit_cppflags)
tests_unit_test_fakequant_LDADD = $(unit_ldadd)
unit_tests += tests/unit/test_format
tests_unit_test_format_SOURCES = tests/unit/test_format.c
tests_unit_test_format_CPPFLAGS = $(unit_cppflags)
tests_unit_test_format_LDADD = $(unit_ldadd)

unit_tests += tests/unit/test_graph
tests_unit_test_graph_SOURCES = tests/unit/test_graph.c
tests_unit_test_graph_CPPFLAGS = $(unit_cppflags)
tests_unit_test_graph_LDADD = $(unit_ldadd)

unit_tests += tests/unit/test_classification
tests_unit_test_classification_SOURCES = tests/unit/test_classification.c
tests_unit_test_classification_CPPFLAGS = $(unit_cppflags)
tests_unit_test_classification_LDADD = $(unit_ldadd)
