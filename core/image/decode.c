/* SPDX-License-Identifier: Apache-2.0
 *
 * Images in memory and the choice of the decoder. The format is sniffed from the first bytes: data sets hold PNG files
 * named .jpg (ImageNet has one), and a suffix must not change a pixel.
 */
#include "core/image/decode.h"
#include "core/base/checked.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

enum { DEFAULT_MAX_SIDE = 65500 };
static const int64_t default_max_pixels = 178956970;
static const size_t max_file = (size_t)1 << 30;

enum oqz_status oqz_image_reserve(struct oqz_image *img, int32_t width, int32_t height, int32_t channels,
                                  struct oqz_err *err)
{
	size_t need;

	if (width <= 0 || height <= 0 || channels <= 0)
		OQZ_FAIL(err, OQZ_E_USAGE, "an image of %d x %d with %d channels", width, height, channels);
	if (!oqz_size_mul((size_t)width, (size_t)height, &need) || !oqz_size_mul(need, (size_t)channels, &need) ||
	    !oqz_size_add(need, OQZ_IMAGE_SLACK, &need))
		return oqz_err_nomem(err, "image", SIZE_MAX);
	if (need > img->cap) {
		uint8_t *p = malloc(need);
		if (!p)
			return oqz_err_nomem(err, "image", need);
		free(img->data);
		img->data = p;
		img->cap = need;
	}
	memset(img->data + need - OQZ_IMAGE_SLACK, 0, OQZ_IMAGE_SLACK);
	img->width = width;
	img->height = height;
	img->channels = channels;
	img->orientation = 1;
	return OQZ_OK;
}

enum oqz_status oqz_image_copy(struct oqz_image *dst, const struct oqz_image *src, struct oqz_err *err)
{
	OQZ_TRY(oqz_image_reserve(dst, src->width, src->height, src->channels, err));
	dst->orientation = src->orientation;
	memcpy(dst->data, src->data, oqz_image_bytes(src));
	return OQZ_OK;
}

void oqz_image_release(struct oqz_image *img)
{
	free(img->data);
	memset(img, 0, sizeof *img);
}

enum oqz_status oqz_decode_reserve(const struct oqz_decode_job *job, uint64_t width, uint64_t height, int channels)
{
	if (width == 0 || height == 0)
		OQZ_FAIL(job->err, OQZ_E_DATA, "%s: an image without pixels", job->name);
	if (width > (uint64_t)job->limits.max_side || height > (uint64_t)job->limits.max_side ||
	    width * height > (uint64_t)job->limits.max_pixels)
		OQZ_FAIL(job->err, OQZ_E_LIMIT,
		         "%s: %llu x %llu pixels, more than the limit of %d a side or %lld in all", job->name,
		         (unsigned long long)width, (unsigned long long)height, job->limits.max_side,
		         (long long)job->limits.max_pixels);
	return oqz_image_reserve(job->img, (int32_t)width, (int32_t)height, channels, job->err);
}

/* First bytes of what people have lying in data set folders. Without a decoder: named, so that the message helps. */
static const struct signature {
	const char *format;
	const char *magic;
	size_t offset, length;
	enum oqz_status (*decode)(const struct oqz_decode_job *job);
} signatures[] = {
	{ "JPEG", "\xff\xd8\xff", 0, 3, oqz_decode_jpeg },
	{ "PNG", "\x89PNG\r\n\x1a\n", 0, 8, oqz_decode_png },
	{ "WebP", "WEBP", 8, 4, oqz_decode_webp },
	{ "GIF", "GIF8", 0, 4, NULL },
	{ "BMP", "BM", 0, 2, oqz_decode_bmp },
	{ "TIFF", "II*\0", 0, 4, oqz_decode_tiff },
	{ "TIFF", "MM\0*", 0, 4, oqz_decode_tiff },
	{ "netpbm", "P5", 0, 2, oqz_decode_netpbm },
	{ "netpbm", "P6", 0, 2, oqz_decode_netpbm },
	{ "JPEG 2000", "\0\0\0\x0cjP", 0, 6, oqz_decode_jpeg2000 },
	{ "HEIF or AVIF", "ftyp", 4, 4, NULL },
};

enum oqz_status oqz_image_decode(const void *data, size_t size, const char *name, enum oqz_image_mode mode,
                                 const struct oqz_image_limits *limits, struct oqz_image *img, struct oqz_err *err)
{
	struct oqz_decode_job job = { .data = data, .size = size, .name = name, .mode = mode, .img = img, .err = err };

	if (limits)
		job.limits = *limits;
	if (job.limits.max_side <= 0)
		job.limits.max_side = DEFAULT_MAX_SIDE;
	if (job.limits.max_pixels <= 0)
		job.limits.max_pixels = default_max_pixels;
	for (size_t i = 0; i < OQZ_COUNTOF(signatures); i++) {
		const struct signature *s = &signatures[i];
		if (size < s->offset + s->length || memcmp((const char *)data + s->offset, s->magic, s->length) != 0)
			continue;
		if (!s->decode)
			OQZ_FAIL(err, OQZ_E_UNSUPPORTED, "%s: a %s file, which is not read", name, s->format);
		return s->decode(&job);
	}
	if (size == 0)
		OQZ_FAIL(err, OQZ_E_DATA, "%s: the file is empty", name);
	OQZ_FAIL(err, OQZ_E_DATA, "%s: neither a JPEG nor a PNG file nor another image that is read", name);
}

enum oqz_status oqz_image_file_read(struct oqz_image_file *f, const char *path, struct oqz_err *err)
{
	FILE *fp = fopen(path, "rb");
	if (!fp)
		return oqz_err_errno(err, errno, path);
	enum oqz_status st = OQZ_OK;
	f->size = 0;
	for (;;) {
		if (f->size == f->cap) {
			size_t want = f->cap ? f->cap * 2 : (size_t)1 << 18;
			uint8_t *p = want > max_file ? NULL : realloc(f->data, want);
			if (!p) {
				st = want > max_file
				         ? oqz_err_set(err, OQZ_E_LIMIT, "%s: larger than %zu bytes", path, max_file)
				         : oqz_err_nomem(err, path, want);
				break;
			}
			f->data = p;
			f->cap = want;
		}
		size_t got = fread(f->data + f->size, 1, f->cap - f->size, fp);
		f->size += got;
		if (got == 0) {
			if (ferror(fp))
				st = oqz_err_errno(err, errno, path);
			break;
		}
	}
	fclose(fp);
	return st;
}

void oqz_image_file_release(struct oqz_image_file *f)
{
	free(f->data);
	memset(f, 0, sizeof *f);
}

enum oqz_status oqz_image_load(const char *path, enum oqz_image_mode mode, const struct oqz_image_limits *limits,
                               struct oqz_image *img, struct oqz_err *err)
{
	struct oqz_image_file file = { 0 };
	enum oqz_status st = oqz_image_file_read(&file, path, err);

	if (st == OQZ_OK)
		st = oqz_image_decode(file.data, file.size, path, mode, limits, img, err);
	oqz_image_file_release(&file);
	return st;
}
