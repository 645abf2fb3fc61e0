# Fuzz targets: with --enable-fuzzing libFuzzer programs, otherwise programs that replay their corpus.
fuzz_tests = \
	$(NULL)
