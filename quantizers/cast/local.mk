# Quantizer cast.
plugin_LTLIBRARIES += quantizers/cast/cast.la
quantizers_cast_cast_la_SOURCES = quantizers/cast/cast.c quantizers/sites.h quantizers/small_float.h
quantizers_cast_cast_la_CPPFLAGS = $(PLUGIN_INCLUDES)
quantizers_cast_cast_la_CFLAGS = $(PLUGIN_COMPILE)
quantizers_cast_cast_la_LDFLAGS = $(PLUGIN_LINK)
quantizers_cast_cast_la_LIBADD = -lm
EXTRA_DIST += quantizers/cast/cast.md
