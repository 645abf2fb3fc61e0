# Decoding and preprocessing of images.
core_image_liboqz_image_a_SOURCES = \
	$(NULL)
core_image_liboqz_image_a_CFLAGS = $(HOT_CFLAGS)
