# Tests. One Check program per source, tests/unit/test_<file>.c, links the whole core and the shared harness; scripts are
# named tests/<group>/*.sh. `make check` runs all of TESTS in parallel; each group appends its own programs below.
check_LIBRARIES += tests/support/libsupport.a
tests_support_libsupport_a_SOURCES = \
	tests/support/graph_text.c \
	tests/support/graph_text.h \
	tests/support/op_text.c \
	tests/support/op_text.h \
	tests/support/support.c \
	tests/support/support.h \
	tests/support/param_rows.h \
	tests/support/task_bench.c \
	tests/support/task_bench.h \
	$(NULL)
tests_support_libsupport_a_CPPFLAGS = $(AM_CPPFLAGS) $(CHECK_CFLAGS) $(JANSSON_CFLAGS) $(PNG_CFLAGS)

unit_ldadd = tests/support/libsupport.a $(OQZ_LIBS) $(OQZ_SYSLIBS) $(CHECK_LIBS)
unit_cppflags = $(AM_CPPFLAGS) $(CHECK_CFLAGS) $(JANSSON_CFLAGS)

include tests/mock/local.mk

unit_tests =
include tests/unit/local.mk
check_PROGRAMS += $(unit_tests)
TESTS += $(unit_tests)

include tests/contract/local.mk
include tests/abi/local.mk
include tests/golden/local.mk
include tests/zoo/local.mk
include tests/cli/local.mk
include tests/fuzz/local.mk
include tests/meta/local.mk

# Parsers, loaders and everything else that walks over foreign bytes, for a build with --enable-asan --enable-ubsan. What is
# left out runs reference kernels over large models, which the sanitizers make ten times slower and no more thorough.
sanitized_slow = \
	tests/unit/test_exec_golden \
	tests/unit/test_onnx_zoo \
	tests/unit/test_ops_golden \
	tests/unit/test_ops_onnx \
	tests/unit/test_quant_e2e \
	$(NULL)
check-sanitized:
	$(MAKE) $(AM_MAKEFLAGS) check TESTS="$(filter-out $(sanitized_slow),$(unit_tests)) $(fuzz_tests)"

# The same unit tests under memcheck (configure --enable-valgrind).
check-valgrind:
	CK_FORK=no $(MAKE) $(AM_MAKEFLAGS) check TESTS="$(filter-out $(sanitized_slow),$(unit_tests))" \
		LOG_COMPILER="$(LIBTOOL) --mode=execute $(VALGRIND) --quiet --error-exitcode=99 --leak-check=no"

# Which lines the tests run, as pages in coverage/ and as a list, worst files first (configure --enable-coverage; Debian: lcov).
# What the counters have to say of themselves (a test makes the disk full) is not for the tests' eyes.
check-coverage:
	lcov --quiet --zerocounters --directory .
	-GCOV_ERROR_FILE=/dev/null $(MAKE) $(AM_MAKEFLAGS) check
	lcov --quiet --capture --directory . --output-file coverage.info
	lcov --quiet --remove coverage.info '/usr/*' '*.pb-c.c' '*.pb-c.h' '*/report_assets.c' '*/tests/*' '*/bench/*' --output-file coverage.info
	genhtml --quiet --prefix '$(abs_top_srcdir)' --output-directory coverage coverage.info
	@lcov --list-full-path --list coverage.info | grep '%' | sort -t '|' -k 2n

EXTRA_DIST += tests/long/older_cpus.sh
long_tests += tests/long/older_cpus.sh
# Hours rather than minutes: packages, kernels on older CPUs, long fuzzing, every engine on every case.
check-long: check
	@for t in $(long_tests); do echo "== $$t"; $(AM_TESTS_ENVIRONMENT) $(top_srcdir)/$$t || exit 1; done

# What differs from .clang-format.
check-format:
	cd $(top_srcdir) && clang-format --dry-run --Werror $$(git ls-files '*.c' '*.h')

# What tests leave behind for inspection.
clean-local-tests:
	rm -rf tests/tmp fuzz-corpus coverage coverage.info
clean-local: clean-local-tests
.PHONY: clean-local-tests

.PHONY: check-sanitized check-valgrind check-coverage check-long check-format

# Scripts and programs find things by these; OQZ_SHARED may be absent, tests then skip with a message.
AM_TESTS_ENVIRONMENT = \
	top_srcdir='$(abs_top_srcdir)'; export top_srcdir; \
	top_builddir='$(abs_top_builddir)'; export top_builddir; \
	OQZ_SHARED="$${OQZ_SHARED-$(abs_top_srcdir)/../shared}"; export OQZ_SHARED; \
	OQZ_PRESET_PATH='$(abs_top_srcdir)/etc/presets'; export OQZ_PRESET_PATH; \
	OQZ_PLUGIN_PATH=`for la in $(plugin_LTLIBRARIES); do printf '%s:' "$(abs_top_builddir)/$${la%/*}/.libs"; done`; \
	export OQZ_PLUGIN_PATH; \
	OQZ='$(abs_top_builddir)/cli/oqz'; export OQZ; \
	MALLOC_PERTURB_=$${MALLOC_PERTURB_-165}; export MALLOC_PERTURB_; \
	OMP_NUM_THREADS=1; export OMP_NUM_THREADS; \
	LC_ALL=C; export LC_ALL;
