# Quantizer float.
plugin_LTLIBRARIES += quantizers/float/float.la
quantizers_float_float_la_SOURCES = quantizers/float/float.c quantizers/sites.h
quantizers_float_float_la_CPPFLAGS = $(PLUGIN_INCLUDES)
quantizers_float_float_la_CFLAGS = $(PLUGIN_COMPILE)
quantizers_float_float_la_LDFLAGS = $(PLUGIN_LINK)
EXTRA_DIST += quantizers/float/float.md
