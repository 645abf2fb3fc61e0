# The tiny example: a generated model with generated pictures, in demo/tiny/data below the build folder, for the tests of the
# command line.
noinst_PROGRAMS += demo/tiny/make_tiny
demo_tiny_make_tiny_SOURCES = \
	demo/tiny/make_tiny.c \
	demo/tiny/tiny.h \
	demo/tiny/tiny_draw.c \
	demo/tiny/tiny_net.c \
	demo/tiny/tiny_ridge.c \
	$(NULL)
demo_tiny_make_tiny_CPPFLAGS = $(AM_CPPFLAGS) $(PNG_CFLAGS)
demo_tiny_make_tiny_LDADD = $(OQZ_LIBS) $(OQZ_SYSLIBS)

tiny_data = demo/tiny/data
# Made in one piece: an interrupted make leaves no half of it behind.
$(tiny_data)/tiny.yaml: demo/tiny/make_tiny$(EXEEXT)
	$(AM_V_GEN)rm -rf $(tiny_data) $(tiny_data).part && demo/tiny/make_tiny$(EXEEXT) $(tiny_data).part && \
		mv $(tiny_data).part $(tiny_data)
check_DATA += $(tiny_data)/tiny.yaml

# Installed beside the other examples, ready to run. Whoever cross-compiles cannot run the generator, so goes without.
tiny_installed = $(examplesdir)/tiny
if CROSS_COMPILING
tiny_install =
else
tiny_install = install-tiny
endif
install-data-local: $(tiny_install)
install-tiny: $(tiny_data)/tiny.yaml
	@$(MKDIR_P) "$(DESTDIR)$(tiny_installed)"
	cp -R $(tiny_data)/. "$(DESTDIR)$(tiny_installed)" && chmod -R u=rwX,go=rX "$(DESTDIR)$(tiny_installed)"
uninstall-local: uninstall-tiny
uninstall-tiny:
	rm -rf "$(DESTDIR)$(tiny_installed)"

clean-local-tiny:
	rm -rf $(tiny_data) $(tiny_data).part
clean-local: clean-local-tiny
.PHONY: clean-local-tiny install-tiny uninstall-tiny
