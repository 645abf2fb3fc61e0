# Ledger, results, reports.
core_result_liboqz_result_a_SOURCES = \
	$(NULL)
