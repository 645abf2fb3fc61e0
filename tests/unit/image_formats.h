/* SPDX-License-Identifier: Apache-2.0
 *
 * Small image files of the formats besides JPEG and PNG, made here: netpbm, bitmap and TIFF byte by byte, WebP and JPEG
 * 2000 by their libraries' encoders, all without loss. For tests and for the seeds of the fuzz targets.
 */
#ifndef OQZ_TESTS_IMAGE_FORMATS_H
#define OQZ_TESTS_IMAGE_FORMATS_H

#include "config.h"
#include "core/base/rng.h"
#include "tests/support/support.h"

#include <stdint.h>
#include <string.h>

#ifdef HAVE_WEBP
#include <webp/encode.h>
#endif
#ifdef HAVE_OPENJPEG
#include <openjpeg.h>
#endif

enum { W = 11, H = 8 };

struct bytes {
	uint8_t data[8192];
	size_t n;
};

static uint8_t rgb[H][W][3];

static inline void fill(void)
{
	struct oqz_rng r;

	oqz_rng_init(&r, 9);
	for (size_t i = 0; i < sizeof rgb; i++)
		((uint8_t *)rgb)[i] = (uint8_t)oqz_rng_below(&r, 256);
}

static inline void put(struct bytes *b, const void *p, size_t n)
{
	ck_assert(b->n + n <= sizeof b->data);
	memcpy(b->data + b->n, p, n);
	b->n += n;
}

static inline void put_le(struct bytes *b, uint32_t v, int n)
{
	for (int i = 0; i < n; i++, v >>= 8)
		put(b, &(uint8_t) { (uint8_t)v }, 1);
}

static inline void make_ppm(struct bytes *b)
{
	static const char head[] = "P6 # a comment\n11 8\n255\n";

	put(b, head, strlen(head));
	put(b, rgb, sizeof rgb);
}

/* BITMAPINFOHEADER; rows from the bottom, blue first, padded to four bytes. */
static inline void make_bmp(struct bytes *b)
{
	put(b, "BM", 2);
	put_le(b, 54 + H * 36, 4);
	put_le(b, 0, 4);
	put_le(b, 54, 4);
	put_le(b, 40, 4);
	put_le(b, W, 4);
	put_le(b, H, 4);
	put_le(b, 1, 2);
	put_le(b, 24, 2);
	for (int i = 0; i < 6; i++)
		put_le(b, 0, 4);
	for (int y = H - 1; y >= 0; y--) {
		for (int x = 0; x < W; x++)
			for (int k = 2; k >= 0; k--)
				put(b, &rgb[y][x][k], 1);
		put_le(b, 0, 3);
	}
}

/* One entry of a directory: tag, type (3: 16 bits, 4: 32 bits), count, value or its place. */
static inline void entry(struct bytes *b, uint32_t tag, uint32_t type, uint32_t count, uint32_t v)
{
	put_le(b, tag, 2);
	put_le(b, type, 2);
	put_le(b, count, 4);
	put_le(b, v, 4);
}

static inline void make_tiff(struct bytes *b)
{
	put(b, "II*\0", 4);
	put_le(b, 8, 4);
	put_le(b, 9, 2); /* entries; the directory takes 2 + 9 * 12 + 4 bytes, three depths follow it, then pixels */
	entry(b, 256, 3, 1, W);
	entry(b, 257, 3, 1, H);
	entry(b, 258, 3, 3, 8 + 114);
	entry(b, 259, 3, 1, 1);
	entry(b, 262, 3, 1, 2);
	entry(b, 273, 4, 1, 8 + 114 + 6);
	entry(b, 277, 3, 1, 3);
	entry(b, 278, 3, 1, H);
	entry(b, 279, 4, 1, sizeof rgb);
	put_le(b, 0, 4);
	for (int i = 0; i < 3; i++)
		put_le(b, 8, 2);
	put(b, rgb, sizeof rgb);
}

#ifdef HAVE_WEBP
static inline void make_webp(struct bytes *b)
{
	uint8_t *out = NULL;
	size_t n = WebPEncodeLosslessRGB(&rgb[0][0][0], W, H, W * 3, &out);

	put(b, out, n);
	WebPFree(out);
}
#endif

#ifdef HAVE_OPENJPEG
static inline OPJ_SIZE_T write_bytes(void *p, OPJ_SIZE_T n, void *user)
{
	struct bytes *b = user;

	if (b->n + n > sizeof b->data)
		return (OPJ_SIZE_T)-1;
	memcpy(b->data + b->n, p, n);
	b->n += n;
	return n;
}

/* The encoder goes back to fill in lengths: the tests' file is short, so it may be kept as it grows. */
static inline OPJ_BOOL seek_bytes(OPJ_OFF_T to, void *user)
{
	((struct bytes *)user)->n = (size_t)to;
	return OPJ_TRUE;
}

static inline OPJ_OFF_T skip_bytes(OPJ_OFF_T n, void *user)
{
	((struct bytes *)user)->n += (size_t)n;
	return n;
}

static inline void make_jpeg2000(struct bytes *b)
{
	opj_cparameters_t p;
	opj_image_cmptparm_t comp[3] = { 0 };

	opj_set_default_encoder_parameters(&p);
	p.tcp_numlayers = 1;
	p.cp_disto_alloc = 1;
	p.numresolution = 3;
	p.tcp_mct = 1;
	for (int k = 0; k < 3; k++)
		comp[k] = (opj_image_cmptparm_t) { .dx = 1, .dy = 1, .w = W, .h = H, .prec = 8, .bpp = 8 };
	opj_image_t *image = opj_image_create(3, comp, OPJ_CLRSPC_SRGB);
	image->x1 = W;
	image->y1 = H;
	for (int k = 0; k < 3; k++)
		for (int i = 0; i < W * H; i++)
			image->comps[k].data[i] = rgb[i / W][i % W][k];
	opj_codec_t *codec = opj_create_compress(OPJ_CODEC_JP2);
	ck_assert(opj_setup_encoder(codec, &p, image));
	opj_stream_t *s = opj_stream_default_create(OPJ_FALSE);
	opj_stream_set_user_data(s, b, NULL);
	opj_stream_set_write_function(s, write_bytes);
	opj_stream_set_seek_function(s, seek_bytes);
	opj_stream_set_skip_function(s, skip_bytes);
	ck_assert(opj_start_compress(codec, image, s) && opj_encode(codec, s) && opj_end_compress(codec, s));
	opj_stream_destroy(s);
	opj_destroy_codec(codec);
	opj_image_destroy(image);
	for (b->n = sizeof b->data; b->n && !b->data[b->n - 1]; b->n--) /* where the end is: EOC, ff d9 */
		continue;
}
#endif

#endif
