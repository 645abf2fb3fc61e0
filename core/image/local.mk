# Decoding and preprocessing of images.
core_image_liboqz_image_a_SOURCES = \
	core/image/affine.c \
	core/image/decode.c \
	core/image/decode.h \
	core/image/decode_jpeg.c \
	core/image/decode_jpeg2000.c \
	core/image/decode_plain.c \
	core/image/decode_png.c \
	core/image/encode.c \
	core/image/encode.h \
	core/image/decode_tiff.c \
	core/image/decode_webp.c \
	core/image/encode_png.c \
	core/image/image.h \
	core/image/image_steps.c \
	core/image/image_steps.h \
	core/image/orient.c \
	core/image/orient.h \
	core/image/preprocess.c \
	core/image/preprocess.h \
	core/image/resize.c \
	core/image/resize.h \
	core/image/resize_matlab.c \
	core/image/resize_opencv.c \
	core/image/resize_opencv_area.c \
	core/image/resize_pillow.c \
	core/image/resize_work.c \
	core/image/step_affine.c \
	core/image/step_center_crop.c \
	core/image/step_color.c \
	core/image/step_letterbox.c \
	core/image/step_normalize.c \
	core/image/step_orient.c \
	core/image/step_pad.c \
	core/image/step_resize.c \
	$(NULL)
core_image_liboqz_image_a_CPPFLAGS = $(AM_CPPFLAGS) $(JPEG_CFLAGS) $(PNG_CFLAGS) $(WEBP_CFLAGS) $(TIFF_CFLAGS) \
	$(OPENJPEG_CFLAGS)
core_image_liboqz_image_a_CFLAGS = $(HOT_CFLAGS)
