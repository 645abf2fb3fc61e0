# Leaf helpers: errors, memory, strings, files, hashes. Depends on libc and libcrypto only.
core_base_liboqz_base_a_SOURCES = \
	core/base/arena.c \
	core/base/arena.h \
	core/base/base64.c \
	core/base/base64.h \
	core/base/budget.c \
	core/base/budget.h \
	core/base/checked.h \
	core/base/compiler.h \
	core/base/err.c \
	core/base/err.h \
	core/base/failure.h \
	core/base/file.c \
	core/base/file.h \
	core/base/hash.c \
	core/base/hash.h \
	core/base/installed.c \
	core/base/installed.h \
	core/base/map.c \
	core/base/map.h \
	core/base/pages.c \
	core/base/pages.h \
	core/base/params.c \
	core/base/params.h \
	core/base/params_impl.h \
	core/base/params_read.c \
	core/base/params_table.c \
	core/base/rng.h \
	core/base/twister.c \
	core/base/twister.h \
	core/base/str.c \
	core/base/str.h \
	core/base/unicode.c \
	core/base/unicode.h \
	core/base/vec.h \
	$(NULL)
core_base_liboqz_base_a_CPPFLAGS = $(AM_CPPFLAGS) $(CRYPTO_CFLAGS)
