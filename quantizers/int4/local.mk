# Quantizer int4.
plugin_LTLIBRARIES += quantizers/int4/int4.la
quantizers_int4_int4_la_SOURCES = quantizers/int4/int4.c quantizers/reduction.h quantizers/scales.h quantizers/sites.h
quantizers_int4_int4_la_CPPFLAGS = $(PLUGIN_INCLUDES)
quantizers_int4_int4_la_CFLAGS = $(PLUGIN_COMPILE)
quantizers_int4_int4_la_LDFLAGS = $(PLUGIN_LINK)
quantizers_int4_int4_la_LIBADD = -lm
EXTRA_DIST += quantizers/int4/int4.md
