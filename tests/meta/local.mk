# Tests of the tree itself: layering, headers, lists that must agree.
meta_tests = \
	$(NULL)
dist_check_SCRIPTS += $(meta_tests)
TESTS += $(meta_tests)
