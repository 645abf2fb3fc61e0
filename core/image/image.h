/* SPDX-License-Identifier: Apache-2.0
 *
 * 8-bit images in memory, and their decoding from files. A struct oqz_image owns a buffer that is kept when a smaller
 * image follows, so that a worker that decodes a thousand images allocates a few times. An all-zero image is empty.
 */
#ifndef OQZ_IMAGE_IMAGE_H
#define OQZ_IMAGE_IMAGE_H

#include "core/base/err.h"
#include <stdint.h>

/* Row-major, channels interleaved: data[(y * width + x) * channels + c]. 64 readable bytes follow the last sample, so
 * that vector code may load past the end. */
struct oqz_image {
	uint8_t *data;
	int32_t width, height, channels;
	int32_t orientation; /* as the file's EXIF data say, 1 (upright) to 8; samples are as stored */
	size_t cap;          /* bytes that the buffer holds, the 64 included */
};

enum { OQZ_IMAGE_SLACK = 64 };

/* Of the samples, without the slack. */
static inline size_t oqz_image_bytes(const struct oqz_image *img)
{
	return (size_t)img->width * (size_t)img->height * (size_t)img->channels;
}

/* Gives the image these dimensions (all > 0), orientation 1; samples are undefined afterwards. Fails without change
 * when out of memory. */
enum oqz_status oqz_image_reserve(struct oqz_image *img, int32_t width, int32_t height, int32_t channels,
                                  struct oqz_err *err);
/* dst becomes a copy of src. */
enum oqz_status oqz_image_copy(struct oqz_image *dst, const struct oqz_image *src, struct oqz_err *err);
void oqz_image_release(struct oqz_image *img);

enum oqz_image_mode {
	OQZ_IMAGE_RGB,  /* 3 channels, as Pillow's Image.open(f).convert("RGB"): EXIF orientation is not applied */
	OQZ_IMAGE_CODES /* 1 channel of stored codes: gray levels or palette indices of a PNG, unscaled (label maps) */
};

/* What a file may ask for before memory is reserved. All-zero: the defaults. */
struct oqz_image_limits {
	int32_t max_side;   /* pixels; default 65500, the limit of JPEG */
	int64_t max_pixels; /* default 178956970, where Pillow refuses too */
};

/* Decodes a file in memory; the format is known from its first bytes, not from a suffix. `name` stands in messages.
 * JPEG (libjpeg-turbo): islow IDCT, fancy upsampling, no block smoothing; truncated data is an error, damaged data that
 * libjpeg can bridge (and Pillow accepts) is not. PNG (libpng): every checksum must hold. Netpbm and bitmaps without
 * compression; WebP, TIFF of 8-bit samples and JPEG 2000 where their libraries were found, all as RGB without alpha. On
 * failure *img is undefined but may be released or used again. Errors: OQZ_E_DATA damaged, OQZ_E_UNSUPPORTED another
 * format or kind, OQZ_E_LIMIT.
 */
enum oqz_status oqz_image_decode(const void *data, size_t size, const char *name, enum oqz_image_mode mode,
                                 const struct oqz_image_limits *limits, struct oqz_image *img, struct oqz_err *err);

/* Writes 1 or 3 channels as PNG; "-" is standard output. */
enum oqz_status oqz_image_write_png(const char *path, const struct oqz_image *img, struct oqz_err *err);

/* A file's bytes in a buffer that is used again. All-zero is empty. */
struct oqz_image_file {
	uint8_t *data;
	size_t size, cap;
};
enum oqz_status oqz_image_file_read(struct oqz_image_file *f, const char *path, struct oqz_err *err);
void oqz_image_file_release(struct oqz_image_file *f);

/* Read and decode; `limits` may be NULL. */
enum oqz_status oqz_image_load(const char *path, enum oqz_image_mode mode, const struct oqz_image_limits *limits,
                               struct oqz_image *img, struct oqz_err *err);

#endif
