/* SPDX-License-Identifier: Apache-2.0
 *
 * Formats besides JPEG and PNG: files are made here, decoded, and compared sample by sample; then cut short and
 * damaged. ImageDecoder on top of them.
 */
#include "tests/support/op_text.h"
#include "core/image/image.h"
#include "tests/unit/image_formats.h"

#include <string.h>

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
START_TEST(tiff)
{
	struct bytes b = { .n = 0 };
	struct oqz_image img = { 0 };

	fill();
	make_tiff(&b);
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
START_TEST(webp)
{
	struct bytes b = { .n = 0 };

	fill();
	make_webp(&b);
	check_same(&b, "x.webp");
	check_damage(&b, "x.webp", 8); /* the decoder may not need the last bits */
}
END_TEST
#endif

#ifdef HAVE_OPENJPEG
START_TEST(jpeg2000)
{
	struct bytes b = { .n = 0 };

	fill();
	make_jpeg2000(&b);
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
