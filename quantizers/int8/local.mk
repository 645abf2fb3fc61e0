# Quantizer int8: affine integer grids.
plugin_LTLIBRARIES += quantizers/int8/int8.la
quantizers_int8_int8_la_SOURCES = quantizers/int8/int8.c \
	quantizers/calibrate_params.h quantizers/scales.h quantizers/sites.h
quantizers_int8_int8_la_CPPFLAGS = $(PLUGIN_INCLUDES)
quantizers_int8_int8_la_CFLAGS = $(PLUGIN_COMPILE)
quantizers_int8_int8_la_LDFLAGS = $(PLUGIN_LINK)
EXTRA_DIST += quantizers/int8/int8.md
