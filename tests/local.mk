# Tests. One Check program per source, tests/unit/test_<file>.c, links the whole core and the shared harness; scripts are
# named tests/<group>/*.sh. `make check` runs all of TESTS in parallel; each group appends its own programs below.
check_LIBRARIES += tests/support/libsupport.a
tests_support_libsupport_a_SOURCES = \
	tests/support/op_text.c \
	tests/support/op_text.h \
	tests/support/support.c \
	tests/support/support.h \
	$(NULL)
tests_support_libsupport_a_CPPFLAGS = $(AM_CPPFLAGS) $(CHECK_CFLAGS) $(JANSSON_CFLAGS)

unit_ldadd = tests/support/libsupport.a $(OQZ_LIBS) $(OQZ_SYSLIBS) $(CHECK_LIBS)
unit_cppflags = $(AM_CPPFLAGS) $(CHECK_CFLAGS) $(JANSSON_CFLAGS)

include tests/mock/local.mk

unit_tests =
include tests/unit/local.mk
check_PROGRAMS += $(unit_tests)
TESTS += $(unit_tests)

include tests/contract/local.mk
include tests/abi/local.mk

# Scripts and programs find things by these; OQZ_SHARED may be absent, tests then skip with a message.
AM_TESTS_ENVIRONMENT = \
	top_srcdir='$(abs_top_srcdir)'; export top_srcdir; \
	top_builddir='$(abs_top_builddir)'; export top_builddir; \
	OQZ_SHARED="$${OQZ_SHARED-$(abs_top_srcdir)/../shared}"; export OQZ_SHARED; \
	OQZ_PLUGIN_PATH='$(abs_top_builddir)/quantizers/int8/.libs:$(abs_top_builddir)/tasks/classification/.libs'; export OQZ_PLUGIN_PATH; \
	OQZ='$(abs_top_builddir)/cli/oqz'; export OQZ; \
	MALLOC_PERTURB_=$${MALLOC_PERTURB_-165}; export MALLOC_PERTURB_; \
	OMP_NUM_THREADS=1; export OMP_NUM_THREADS; \
	LC_ALL=C; export LC_ALL;
