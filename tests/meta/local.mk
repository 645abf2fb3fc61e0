# Tests of the tree itself: layering, headers, lists that must agree.
meta_tests = \
	tests/meta/differential.sh \
	tests/meta/dist.sh \
	tests/meta/docs.sh \
	tests/meta/headers.sh \
	tests/meta/layering.sh \
	tests/meta/completion.sh \
	tests/meta/install.sh \
	tests/meta/man.sh \
	tests/meta/names.sh \
	tests/meta/operators.sh \
	tests/meta/vectors.sh \
	$(NULL)
dist_check_SCRIPTS += $(meta_tests)
TESTS += $(meta_tests)
