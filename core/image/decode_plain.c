/* SPDX-License-Identifier: Apache-2.0
 *
 * The formats that are pixels behind a header: netpbm (P5, P6 with values up to 255) and Windows bitmaps without
 * compression (24 and 32 bits, 8 with a palette). The alpha byte of 32-bit bitmaps is dropped, as Pillow does.
 */
#include "core/image/decode.h"

#include <stdlib.h>
#include <string.h>

static enum oqz_status truncated(const struct oqz_decode_job *job)
{
	return oqz_err_set(job->err, OQZ_E_DATA, "%s: the file is truncated", job->name);
}

/* ---- netpbm ---- */

/* The next number of a header: decimal, behind white space and comments. False where there is none, or above 10^9. */
static bool header_number(const struct oqz_decode_job *job, size_t *at, uint64_t *ret)
{
	uint64_t v = 0;
	size_t i = *at, digits = 0;

	while (i < job->size && (job->data[i] == '#' || strchr(" \t\r\n\v\f", job->data[i]))) {
		if (job->data[i++] == '#')
			while (i < job->size && job->data[i] != '\n')
				i++;
	}
	for (; i < job->size && job->data[i] >= '0' && job->data[i] <= '9' && digits < 10; i++, digits++)
		v = v * 10 + (uint64_t)(job->data[i] - '0');
	*at = i;
	*ret = v;
	return digits > 0 && digits < 10;
}

enum oqz_status oqz_decode_netpbm(const struct oqz_decode_job *job)
{
	uint64_t width, height, top;
	size_t at = 2, channels = job->data[1] == '6' ? 3 : 1;

	if (!header_number(job, &at, &width) || !header_number(job, &at, &height) || !header_number(job, &at, &top))
		OQZ_FAIL(job->err, OQZ_E_DATA, "%s: the netpbm header is damaged", job->name);
	if (top != 255)
		OQZ_FAIL(job->err, OQZ_E_UNSUPPORTED, "%s: a netpbm file with values up to %llu, not 255", job->name,
		         (unsigned long long)top);
	if (job->mode == OQZ_IMAGE_CODES && channels != 1)
		OQZ_FAIL(job->err, OQZ_E_UNSUPPORTED, "%s: label codes must be gray", job->name);
	at++; /* one character of white space */
	int out_channels = job->mode == OQZ_IMAGE_CODES ? 1 : 3;
	OQZ_TRY(oqz_decode_reserve(job, width, height, out_channels));
	size_t n = (size_t)(width * height);
	if (at > job->size || job->size - at < n * channels)
		return truncated(job);
	const uint8_t *from = job->data + at;
	uint8_t *out = job->img->data;
	if (channels == (size_t)out_channels)
		memcpy(out, from, n * channels);
	else
		for (size_t i = 0; i < n; i++, out += 3)
			out[0] = out[1] = out[2] = from[i];
	return OQZ_OK;
}

/* ---- Windows bitmaps ---- */

static uint32_t le32(const uint8_t *p)
{
	return p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}

static uint32_t le16(const uint8_t *p) { return p[0] | (uint32_t)p[1] << 8; }

struct bitmap {
	const uint8_t *palette; /* colors of 4 bytes, or NULL */
	uint32_t colors, bits;
	const uint8_t *pixels;
	size_t stride;
	int64_t width, height;
	bool top_down;
};

static enum oqz_status bitmap_header(const struct oqz_decode_job *job, struct bitmap *b)
{
	enum { FILE_HEADER = 14, INFO_HEADER = 40, AT_LEAST = FILE_HEADER + INFO_HEADER };
	const uint8_t *p = job->data;

	if (job->size < AT_LEAST)
		return truncated(job);
	uint32_t offset = le32(p + 10), header = le32(p + 14), compression = le32(p + 30), used = le32(p + 46);
	int32_t height = (int32_t)le32(p + 22);
	b->width = (int32_t)le32(p + 18);
	b->top_down = height < 0;
	b->height = height < 0 ? -(int64_t)height : height;
	b->bits = le16(p + 28);
	if (header < INFO_HEADER || compression != 0 || (b->bits != 24 && b->bits != 32 && b->bits != 8))
		OQZ_FAIL(job->err, OQZ_E_UNSUPPORTED, "%s: a bitmap of %u bits, compression %u, header of %u bytes",
		         job->name, (unsigned)b->bits, (unsigned)compression, (unsigned)header);
	if (b->width <= 0 || b->height <= 0)
		OQZ_FAIL(job->err, OQZ_E_DATA, "%s: an image without pixels", job->name);
	b->colors = b->bits == 8 ? (used ? used : 256) : 0;
	b->palette = p + FILE_HEADER + header;
	if (b->colors > 256 || header > job->size - FILE_HEADER || b->colors * 4 > job->size - FILE_HEADER - header ||
	    offset > job->size)
		OQZ_FAIL(job->err, OQZ_E_DATA, "%s: the bitmap's header is damaged", job->name);
	b->pixels = p + offset;
	b->stride = (size_t)((b->width * b->bits + 31) / 32 * 4);
	return OQZ_OK;
}

static enum oqz_status bitmap_row(const struct oqz_decode_job *job, const struct bitmap *b, const uint8_t *from,
                                  uint8_t *out)
{
	for (int64_t x = 0; x < b->width; x++, out += 3) {
		const uint8_t *bgr = from + (size_t)x * (b->bits / 8);
		if (b->bits == 8 && *bgr >= b->colors)
			OQZ_FAIL(job->err, OQZ_E_DATA, "%s: colour %u of %u", job->name, *bgr, (unsigned)b->colors);
		if (b->bits == 8)
			bgr = b->palette + (size_t)*bgr * 4;
		out[0] = bgr[2];
		out[1] = bgr[1];
		out[2] = bgr[0];
	}
	return OQZ_OK;
}

enum oqz_status oqz_decode_bmp(const struct oqz_decode_job *job)
{
	struct bitmap b = { 0 };

	OQZ_TRY(bitmap_header(job, &b));
	if (job->mode == OQZ_IMAGE_CODES)
		OQZ_FAIL(job->err, OQZ_E_UNSUPPORTED, "%s: label codes are not read from bitmaps", job->name);
	OQZ_TRY(oqz_decode_reserve(job, (uint64_t)b.width, (uint64_t)b.height, 3));
	if ((size_t)(job->data + job->size - b.pixels) / b.stride < (size_t)b.height)
		return truncated(job);
	for (int64_t y = 0; y < b.height; y++)
		OQZ_TRY(bitmap_row(job, &b, b.pixels + (size_t)(b.top_down ? y : b.height - 1 - y) * b.stride,
		                   job->img->data + (size_t)(y * b.width * 3)));
	return OQZ_OK;
}
