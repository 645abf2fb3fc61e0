# Plugin loader, registry, host tables; public headers; what a plugin outside of the tree needs.
plugins_liboqz_plugins_a_SOURCES = \
	plugins/describe.c \
	plugins/describe.h \
	plugins/host.c \
	plugins/host.h \
	plugins/loader.c \
	plugins/loader.h \
	plugins/plugin_info.c \
	plugins/plugin_info.h \
	plugins/probe.c \
	plugins/registry.c \
	plugins/registry.h \
	plugins/task_instance.c \
	plugins/task_instance.h \
	plugins/walk.c \
	plugins/walk.h \
	$(NULL)
# Which ones are the program's own.
plugins_liboqz_plugins_a_CPPFLAGS = $(AM_CPPFLAGS) \
	-DOQZ_SHIPPED_PLUGINS='"$(basename $(notdir $(plugin_LTLIBRARIES)))"'
oqzincludedir = $(includedir)/oqz
oqzinclude_HEADERS = \
	plugins/include/oqz/plugin.h \
	plugins/include/oqz/quantizer.h \
	plugins/include/oqz/task.h \
	plugins/include/oqz/types.h \
	$(NULL)
pkgconfig_DATA += plugins/oqz.pc
# How every plugin of this tree is built:
#	plugin_LTLIBRARIES += tasks/x/x.la
#	tasks_x_x_la_SOURCES = tasks/x/x.c
#	tasks_x_x_la_CPPFLAGS = $(PLUGIN_INCLUDES)
#	tasks_x_x_la_CFLAGS = $(PLUGIN_COMPILE)
#	tasks_x_x_la_LDFLAGS = $(PLUGIN_LINK)
PLUGIN_COMPILE = $(OQZ_CFLAGS) $(SANITIZER_CFLAGS) -fvisibility=hidden
PLUGIN_INCLUDES = -I$(top_srcdir)/plugins/include
PLUGIN_LINK = $(SANITIZER_LDFLAGS) -module -avoid-version -shared -no-undefined -Wl,-z,defs -export-symbols-regex '^oqz_plugin_entry$$'

# For plugins outside of the tree: the autoconf macro, and an example to copy.
aclocaldir = $(datadir)/aclocal
dist_aclocal_DATA = m4/oqz.m4
templatedir = $(pkgdatadir)/template
dist_template_DATA = \
	plugins/template/Makefile.am \
	plugins/template/README.md \
	plugins/template/configure.ac \
	plugins/template/example.c \
	plugins/template/number.c \
	$(NULL)

# Each plugin's page, <plugin>.md beside its source.
plugindocdir = $(docdir)/plugins
install-data-local: install-plugindoc
install-plugindoc:
	@$(MKDIR_P) "$(DESTDIR)$(plugindocdir)"
	for la in $(plugin_LTLIBRARIES); do \
		$(INSTALL_DATA) "$(srcdir)/$${la%.la}.md" "$(DESTDIR)$(plugindocdir)" || exit 1; done
uninstall-local: uninstall-plugindoc
uninstall-plugindoc:
	for la in $(plugin_LTLIBRARIES); do rm -f "$(DESTDIR)$(plugindocdir)/$$(basename "$$la" .la).md"; done
.PHONY: install-plugindoc uninstall-plugindoc

# `make installcheck`: the installed template, built against what is installed and nothing else, taken by the installed program.
installcheck-local: installcheck-template
installcheck-template:
	rm -rf installcheck-template && cp -R "$(DESTDIR)$(templatedir)" installcheck-template && chmod -R u+w installcheck-template
	cd installcheck-template && unset OQZ_PLUGIN_PATH MAKEFLAGS MAKELEVEL MFLAGS && \
		PKG_CONFIG_PATH='$(DESTDIR)$(pkgconfigdir)' PKG_CONFIG_SYSROOT_DIR='$(DESTDIR)' && \
		ACLOCAL_PATH='$(DESTDIR)$(aclocaldir)' && export PKG_CONFIG_PATH PKG_CONFIG_SYSROOT_DIR ACLOCAL_PATH && \
		autoreconf --install >log 2>&1 && ./configure -q >>log 2>&1 && $(MAKE) -s >>log 2>&1 || { tail -20 log; exit 1; }
	for name in example number; do \
		OQZ_PLUGIN_PATH="$$PWD/installcheck-template/.libs" "$(DESTDIR)$(bindir)/oqz" describe $$name || exit 1; done
	rm -rf installcheck-template
.PHONY: installcheck-template
