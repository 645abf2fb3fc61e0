# Seeded splits of data sets into calibration and test parts.
core_split_liboqz_split_a_SOURCES = \
	core/split/split.c \
	core/split/split.h \
	core/split/split_coco.c \
	$(NULL)
core_split_liboqz_split_a_CPPFLAGS = $(AM_CPPFLAGS) $(JANSSON_CFLAGS)
