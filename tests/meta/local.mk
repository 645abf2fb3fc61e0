# Tests of the tree itself: layering, headers, lists that must agree.
meta_tests = \
	tests/meta/man.sh \
	$(NULL)
dist_check_SCRIPTS += $(meta_tests)
TESTS += $(meta_tests)
