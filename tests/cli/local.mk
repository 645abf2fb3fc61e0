# The program as its users run it: shell scripts over $OQZ, one behaviour each.
cli_tests = \
	$(NULL)
dist_check_SCRIPTS += $(cli_tests)
TESTS += $(cli_tests)
