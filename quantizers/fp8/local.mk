# Quantizer fp8: small floating-point grids.
plugin_LTLIBRARIES += quantizers/fp8/fp8.la
quantizers_fp8_fp8_la_SOURCES = quantizers/fp8/fp8.c \
	quantizers/calibrate_params.h quantizers/scales.h quantizers/sites.h quantizers/small_float.h
quantizers_fp8_fp8_la_CPPFLAGS = $(PLUGIN_INCLUDES)
quantizers_fp8_fp8_la_CFLAGS = $(PLUGIN_COMPILE)
quantizers_fp8_fp8_la_LDFLAGS = $(PLUGIN_LINK)
quantizers_fp8_fp8_la_LIBADD = -lm
EXTRA_DIST += quantizers/fp8/fp8.md
