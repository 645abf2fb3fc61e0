# The generator of a tree with QuantZoo's layout, for tests/cli/quantzoo.sh.
check_PROGRAMS += tests/zoo/make_quantzoo
tests_zoo_make_quantzoo_SOURCES = \
	tests/zoo/make_quantzoo.c \
	tests/zoo/zoo_net.c \
	tests/zoo/zoo_net.h \
	$(NULL)
tests_zoo_make_quantzoo_CPPFLAGS = $(AM_CPPFLAGS) $(PNG_CFLAGS) $(JPEG_CFLAGS)
tests_zoo_make_quantzoo_LDADD = $(OQZ_LIBS) $(OQZ_SYSLIBS)
