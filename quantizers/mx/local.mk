# Quantizer mx.
plugin_LTLIBRARIES += quantizers/mx/mx.la
quantizers_mx_mx_la_SOURCES = quantizers/mx/mx.c quantizers/reduction.h quantizers/sites.h quantizers/small_float.h
quantizers_mx_mx_la_CPPFLAGS = $(PLUGIN_INCLUDES)
quantizers_mx_mx_la_CFLAGS = $(PLUGIN_COMPILE)
quantizers_mx_mx_la_LDFLAGS = $(PLUGIN_LINK)
quantizers_mx_mx_la_LIBADD = -lm
EXTRA_DIST += quantizers/mx/mx.md
