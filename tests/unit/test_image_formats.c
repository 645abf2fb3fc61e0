/* SPDX-License-Identifier: Apache-2.0
 *
 * Formats besides JPEG and PNG: files are made here, decoded, and compared sample by sample; then cut short and
 * damaged. ImageDecoder on top of them.
 */
#include "tests/support/op_text.h"
#include "config.h"
#include "core/base/rng.h"
#include "core/image/image.h"

#include <string.h>

enum { W = 11, H = 8 };

struct bytes {
	uint8_t data[8192];
	size_t n;
};

static uint8_t rgb[H][W][3];

static void fill(void)
{
	struct oqz_rng r;

	oqz_rng_init(&r, 9);
	for (size_t i = 0; i < sizeof rgb; i++)
		((uint8_t *)rgb)[i] = (uint8_t)oqz_rng_below(&r, 256);
}

static void put(struct bytes *b, const void *p, size_t n)
{
	ck_assert_uint_le(b->n + n, sizeof b->data);
	memcpy(b->data + b->n, p, n);
	b->n += n;
}

static void put_le(struct bytes *b, uint32_t v, int n)
{
	for (int i = 0; i < n; i++, v >>= 8)
		put(b, &(uint8_t) { (uint8_t)v }, 1);
}

static void make_ppm(struct bytes *b)
{
	static const char head[] = "P6 # a comment\n11 8\n255\n";

	put(b, head, strlen(head));
	put(b, rgb, sizeof rgb);
}

/* BITMAPINFOHEADER; rows from the bottom, blue first, padded to four bytes. */
static void make_bmp(struct bytes *b)
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

static void check_same(const struct bytes *b, const char *name)
{
	struct oqz_image img = { 0 };

	ck_ok(oqz_image_decode(b->data, b->n, name, OQZ_IMAGE_RGB, NULL, &img, err));
	ck_assert_int_eq(img.width, W);
	ck_assert_int_eq(img.height, H);
	ck_assert_int_eq(img.channels, 3);
	ck_assert_msg(memcmp(img.data, rgb, sizeof rgb) == 0, "%s differs", name);
	oqz_image_release(&img);
}

/* Every shorter file is refused (the last `spare` bytes may be missing), and a changed byte crashes nothing. */
static void check_damage(const struct bytes *b, const char *name, size_t spare)
{
	struct oqz_image img = { 0 };
	struct oqz_err e = { 0 };
	struct bytes copy = *b;

	for (size_t n = 0; n + spare < b->n; n += n < 80 ? 1 : 13) {
		uint8_t *exact = malloc(n + 1); /* so that reading beyond shows under the sanitizers */
		memcpy(exact, b->data, n);
		ck_assert_msg(oqz_image_decode(exact, n, name, OQZ_IMAGE_RGB, NULL, &img, &e) != OQZ_OK,
		              "%s: %zu of %zu", name, n, b->n);
		free(exact);
	}
	for (size_t i = 0; i < b->n; i++) {
		copy.data[i] ^= 0x5a;
		(void)oqz_image_decode(copy.data, copy.n, name, OQZ_IMAGE_RGB, NULL, &img, &e);
		copy.data[i] = b->data[i];
	}
	oqz_image_release(&img);
}

START_TEST(netpbm_and_bitmaps)
{
	struct bytes ppm = { .n = 0 }, bmp = { .n = 0 }, pgm = { .n = 0 };
	struct oqz_image img = { 0 };

	fill();
	make_ppm(&ppm);
	check_same(&ppm, "x.ppm");
	check_damage(&ppm, "x.ppm", 0);
	make_bmp(&bmp);
	check_same(&bmp, "x.bmp");
	check_damage(&bmp, "x.bmp", 0);
	put(&pgm, "P5\n2 1\n255\n\x07\xf0", 13);
	ck_ok(oqz_image_decode(pgm.data, pgm.n, "x.pgm", OQZ_IMAGE_CODES, NULL, &img, err));
	ck_assert_int_eq(img.channels, 1);
	ck_assert_mem_eq(img.data, "\x07\xf0", 2);
	ck_ok(oqz_image_decode(pgm.data, pgm.n, "x.pgm", OQZ_IMAGE_RGB, NULL, &img, err));
	ck_assert_mem_eq(img.data, "\x07\x07\x07\xf0\xf0\xf0", 6);
	ck_fails(oqz_image_decode("P6 1 1 65535\n123456", 19, "x.ppm", OQZ_IMAGE_RGB, NULL, &img, err),
	         OQZ_E_UNSUPPORTED, "65535");
	ck_fails(oqz_image_decode("P6 999999 9999999 255\n1", 24, "x.ppm", OQZ_IMAGE_RGB, NULL, &img, err), OQZ_E_LIMIT,
	         "limit");
	oqz_image_release(&img);
}
END_TEST

#ifdef HAVE_TIFF
/* One entry of a directory: tag, type (3: 16 bits, 4: 32 bits), count, value or its place. */
static void entry(struct bytes *b, uint32_t tag, uint32_t type, uint32_t count, uint32_t v)
{
	put_le(b, tag, 2);
	put_le(b, type, 2);
	put_le(b, count, 4);
	put_le(b, v, 4);
}

START_TEST(tiff)
{
	struct bytes b = { .n = 0 };
	struct oqz_image img = { 0 };

	fill();
	put(&b, "II*\0", 4);
	put_le(&b, 8, 4);
	put_le(&b, 9, 2); /* entries; the directory takes 2 + 9 * 12 + 4 bytes, three depths follow it, then pixels */
	entry(&b, 256, 3, 1, W);
	entry(&b, 257, 3, 1, H);
	entry(&b, 258, 3, 3, 8 + 114);
	entry(&b, 259, 3, 1, 1);
	entry(&b, 262, 3, 1, 2);
	entry(&b, 273, 4, 1, 8 + 114 + 6);
	entry(&b, 277, 3, 1, 3);
	entry(&b, 278, 3, 1, H);
	entry(&b, 279, 4, 1, sizeof rgb);
	put_le(&b, 0, 4);
	for (int i = 0; i < 3; i++)
		put_le(&b, 8, 2);
	put(&b, rgb, sizeof rgb);
	check_same(&b, "x.tif");
	check_damage(&b, "x.tif", 0);
	b.data[8 + 114] = 16; /* three samples of 16 bits */
	b.data[8 + 116] = 16;
	b.data[8 + 118] = 16;
	ck_fails(oqz_image_decode(b.data, b.n, "x.tif", OQZ_IMAGE_RGB, NULL, &img, err), OQZ_E_UNSUPPORTED, "16 bits");
	oqz_image_release(&img);
}
END_TEST
#endif

#ifdef HAVE_WEBP
#include <webp/encode.h>

START_TEST(webp)
{
	struct bytes b = { .n = 0 };
	uint8_t *out = NULL;

	fill();
	size_t n = WebPEncodeLosslessRGB(&rgb[0][0][0], W, H, W * 3, &out);
	put(&b, out, n);
	WebPFree(out);
	check_same(&b, "x.webp");
	check_damage(&b, "x.webp", 8); /* the decoder may not need the last bits */
}
END_TEST
#endif

#ifdef HAVE_OPENJPEG
#include <openjpeg.h>

static OPJ_SIZE_T write_bytes(void *p, OPJ_SIZE_T n, void *user)
{
	struct bytes *b = user;

	if (b->n + n > sizeof b->data)
		return (OPJ_SIZE_T)-1;
	memcpy(b->data + b->n, p, n);
	b->n += n;
	return n;
}

/* The encoder goes back to fill in lengths: the tests' file is short, so it may be kept as it grows. */
static OPJ_BOOL seek_bytes(OPJ_OFF_T to, void *user)
{
	((struct bytes *)user)->n = (size_t)to;
	return OPJ_TRUE;
}

static OPJ_OFF_T skip_bytes(OPJ_OFF_T n, void *user)
{
	((struct bytes *)user)->n += (size_t)n;
	return n;
}

START_TEST(jpeg2000)
{
	struct bytes b = { .n = 0 };
	opj_cparameters_t p;
	opj_image_cmptparm_t comp[3] = { 0 };

	fill();
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
	opj_stream_set_user_data(s, &b, NULL);
	opj_stream_set_write_function(s, write_bytes);
	opj_stream_set_seek_function(s, seek_bytes);
	opj_stream_set_skip_function(s, skip_bytes);
	ck_assert(opj_start_compress(codec, image, s) && opj_encode(codec, s) && opj_end_compress(codec, s));
	opj_stream_destroy(s);
	opj_destroy_codec(codec);
	opj_image_destroy(image);
	for (b.n = sizeof b.data; b.n && !b.data[b.n - 1]; b.n--) /* where the end is: EOC, ff d9 */
		continue;
	check_same(&b, "x.jp2");
	check_damage(&b, "x.jp2", b.n - 200); /* a shortened code stream decodes to a coarser image */
}
END_TEST
#endif

START_TEST(image_decoder)
{
	static const struct op_row rows[] = {
		/* P6 2 1 255, then two pixels */
		{ "ImageDecoder", "", "uint8[17]: 80 54 32 50 32 49 32 50 53 53 10 255 0 0 10 20 30",
		  "uint8[1,2,3]: 255 0 0 10 20 30" },
		{ "ImageDecoder", "pixel_format=BGR", "uint8[17]: 80 54 32 50 32 49 32 50 53 53 10 255 0 0 10 20 30",
		  "uint8[1,2,3]: 0 0 255 30 20 10" },
		/* 0.299 * 255 = 76.2; 0.299 * 10 + 0.587 * 20 + 0.114 * 30 = 18.15 */
		{ "ImageDecoder", "pixel_format=Grayscale",
		  "uint8[17]: 80 54 32 50 32 49 32 50 53 53 10 255 0 0 10 20 30", "uint8[1,2,1]: 76 18" },
	};

	op_check_all(rows, OQZ_COUNTOF(rows));
	op_refuses(&(struct op_row) { "ImageDecoder", "", "uint8[4]: 1 2 3 4" }, OQZ_E_DATA, "neither a JPEG");
	op_refuses(&(struct op_row) { "ImageDecoder", "pixel_format=CMYK", "uint8[1]: 1" }, OQZ_E_UNSUPPORTED, "CMYK");
	op_refuses(&(struct op_row) { "ImageDecoder", "", "float32[1]: 1" }, OQZ_E_DATA, "uint8");
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {
		netpbm_and_bitmaps,
#ifdef HAVE_TIFF
		tiff,
#endif
#ifdef HAVE_WEBP
		webp,
#endif
#ifdef HAVE_OPENJPEG
		jpeg2000,
#endif
		image_decoder,
	};

	return oqz_test_run("image_formats", tests, OQZ_COUNTOF(tests));
}
