# Calibration, lanes, workers.
core_run_liboqz_run_a_SOURCES = \
	$(NULL)
