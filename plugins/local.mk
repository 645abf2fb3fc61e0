# Plugin loader, registry, parameters, host table; public headers.
plugins_liboqz_plugins_a_SOURCES = \
	$(NULL)
oqzincludedir = $(includedir)/oqz
oqzinclude_HEADERS = \
	plugins/include/oqz/plugin.h \
	plugins/include/oqz/quantizer.h \
	plugins/include/oqz/task.h \
	plugins/include/oqz/types.h \
	$(NULL)
pkgconfig_DATA += plugins/oqz.pc
PLUGIN_COMPILE = $(OQZ_CFLAGS) $(SANITIZER_CFLAGS) -fvisibility=hidden
PLUGIN_INCLUDES = -I$(top_srcdir)/plugins/include
PLUGIN_LINK = $(SANITIZER_LDFLAGS) -module -avoid-version -shared -no-undefined -Wl,-z,defs -export-symbols-regex '^oqz_plugin_entry$$'
