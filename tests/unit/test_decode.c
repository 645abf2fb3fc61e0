/* SPDX-License-Identifier: Apache-2.0
 *
 * Decoding: every golden file byte for byte, every kind of PNG, and damage of every kind.
 */
#include "tests/unit/image_cases.h"
#include "core/base/rng.h"

START_TEST(jpeg_equals_golden)
{
	json_t *j = cases_load("jpeg_decode/manifest.json"), *c;
	struct oqz_image img = { 0 };
	size_t i;

	json_array_foreach(json_object_get(j, "files"), i, c)
	{
		case_image(case_text(c, "file"), &img);
		ck_assert_int_eq(img.width, case_int(c, "width"));
		ck_assert_int_eq(img.height, case_int(c, "height"));
		ck_assert_msg(image_crc(&img) == case_crc(c, "rgb_crc32"), "%s differs", case_text(c, "file"));
		if (case_text(c, "png")) {
			struct oqz_image png = { 0 };
			case_image(case_text(c, "png"), &png);
			ck_assert_int_eq(memcmp(png.data, img.data, oqz_image_bytes(&img)), 0);
			oqz_image_release(&png);
		}
	}
	ck_assert(!j || i > 30);
	oqz_image_release(&img);
	json_decref(j);
}
END_TEST

START_TEST(jpeg_is_close_to_what_was_encoded)
{
	struct oqz_image in = { 0 }, out = { 0 };

	for (int channels = 1; channels <= 3; channels += 2)
		for (int progressive = 0; progressive < 2; progressive++) {
			image_generate(&in, 67, 45, channels);
			for (size_t i = 0; i < oqz_image_bytes(&in); i++) /* smooth: chroma is subsampled */
				in.data[i] = (uint8_t)(40 + i / (size_t)channels % 67 + i / (size_t)channels / 67);
			struct encoded e = encode_jpeg(&in, 95, progressive);
			ck_ok(oqz_image_decode(e.data, e.size, "x.jpg", OQZ_IMAGE_RGB, NULL, &out, err));
			ck_assert_int_eq(out.channels, 3);
			for (int i = 0; i < 67 * 45; i++)
				ck_assert_int_lt(abs(out.data[i * 3 + 1] - in.data[i * channels]), 5);
			free(e.data);
		}
	oqz_image_release(&in);
	oqz_image_release(&out);
}
END_TEST

/* A JPEG file with this APP1 block behind its first marker. */
static int orientation_with(struct encoded e, const uint8_t *app1, size_t n)
{
	struct oqz_image img = { 0 };
	uint8_t *file = malloc(e.size + n + 4);

	memcpy(file, e.data, 2);
	memcpy(file + 2, (uint8_t[]) { 0xff, 0xe1, (uint8_t)((n + 2) >> 8), (uint8_t)(n + 2) }, 4);
	memcpy(file + 6, app1, n);
	memcpy(file + 6 + n, e.data + 2, e.size - 2);
	ck_ok(oqz_image_decode(file, e.size + n + 4, "exif.jpg", OQZ_IMAGE_RGB, NULL, &img, err));
	int o = img.orientation;
	oqz_image_release(&img);
	free(file);
	return o;
}

START_TEST(exif_orientation_is_read_with_care)
{
	uint8_t le[] = "Exif\0\0II*\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0\x06\0\0\0\0\0\0\0";
	uint8_t be[] = "Exif\0\0MM\0*\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0\x03\0\0\0\0\0\0";
	const size_t n = sizeof le - 1;
	struct oqz_image in = { 0 };

	image_generate(&in, 9, 7, 3);
	struct encoded e = encode_jpeg(&in, 90, false);
	ck_assert_int_eq(orientation_with(e, le, n), 6);
	ck_assert_int_eq(orientation_with(e, be, n), 3);
	for (size_t cut = 0; cut < 26; cut++) /* truncated before the value: upright */
		ck_assert_int_eq(orientation_with(e, le, cut), 1);
	for (size_t i = 0; i < n; i++) /* any byte, any value: no crash, and always 1 to 8 */
		for (int v = 0; v < 256; v += 5) {
			uint8_t old = le[i];
			le[i] = (uint8_t)v;
			int o = orientation_with(e, le, n);
			ck_assert(o >= 1 && o <= 8);
			le[i] = old;
		}
	free(e.data);
	oqz_image_release(&in);
}
END_TEST

START_TEST(cmyk_follows_pillow)
{
	struct oqz_image in = { 0 }, out = { 0 };

	ck_ok(oqz_image_reserve(&in, 16, 16, 4, err));
	memset(in.data, 255, 16 * 16 * 4); /* stored inverted: no ink at all */
	struct encoded e = encode_jpeg(&in, 100, false);
	ck_ok(oqz_image_decode(e.data, e.size, "cmyk.jpg", OQZ_IMAGE_RGB, NULL, &out, err));
	ck_assert_int_eq(out.data[0], 255);
	ck_assert_int_eq(out.data[767], 255);
	free(e.data);
	memset(in.data, 0, 16 * 16 * 4);
	e = encode_jpeg(&in, 100, false);
	ck_ok(oqz_image_decode(e.data, e.size, "cmyk.jpg", OQZ_IMAGE_RGB, NULL, &out, err));
	ck_assert_int_eq(out.data[0], 0);
	free(e.data);
	oqz_image_release(&in);
	oqz_image_release(&out);
}
END_TEST

/* Rows of 8-bit RGB expected from one encoded PNG. */
static void check_png(struct encoded e, const uint8_t *want, size_t n)
{
	struct oqz_image out = { 0 };

	ck_ok(oqz_image_decode(e.data, e.size, "x.png", OQZ_IMAGE_RGB, NULL, &out, err));
	ck_assert_uint_eq(oqz_image_bytes(&out), n);
	for (size_t i = 0; i < n; i++)
		ck_assert_msg(out.data[i] == want[i], "sample %zu: %d, not %d", i, out.data[i], want[i]);
	oqz_image_release(&out);
	free(e.data);
}

START_TEST(png_kinds_become_rgb_as_in_pillow)
{
	static const uint8_t gray1[1] = { 0xa0 }, gray4[2] = { 0x0f, 0x80 }, la[6] = { 10, 0, 20, 128, 30, 255 };
	static const uint8_t rgba[12] = { 1, 2, 3, 0, 4, 5, 6, 7, 8, 9, 10, 255 };
	static const uint8_t rgb16[18] = { 1, 255, 2, 0, 3, 128, 4, 4, 5, 5, 6, 6, 7, 7, 8, 8, 9, 9 };
	static const uint8_t gray16[6] = { 0, 7, 0, 255, 1, 0 }, codes[3] = { 2, 0, 1 };
	static const png_color pal[3] = { { 9, 8, 7 }, { 6, 5, 4 }, { 3, 2, 1 } };

	for (int lace = 0; lace < 2; lace++) {
		check_png(encode_png(gray1, 1, 3, 1, 1, PNG_COLOR_TYPE_GRAY, NULL, 0, lace),
		          (uint8_t[]) { 255, 255, 255, 0, 0, 0, 255, 255, 255 }, 9);
		check_png(encode_png(gray4, 2, 3, 1, 4, PNG_COLOR_TYPE_GRAY, NULL, 0, lace),
		          (uint8_t[]) { 0, 0, 0, 255, 255, 255, 136, 136, 136 }, 9);
		check_png(encode_png(la, 6, 3, 1, 8, PNG_COLOR_TYPE_GRAY_ALPHA, NULL, 0, lace),
		          (uint8_t[]) { 10, 10, 10, 20, 20, 20, 30, 30, 30 }, 9);
		check_png(encode_png(rgba, 12, 3, 1, 8, PNG_COLOR_TYPE_RGB_ALPHA, NULL, 0, lace),
		          (uint8_t[]) { 1, 2, 3, 4, 5, 6, 8, 9, 10 }, 9);
		check_png(encode_png(rgb16, 18, 3, 1, 16, PNG_COLOR_TYPE_RGB, NULL, 0, lace),
		          (uint8_t[]) { 1, 2, 3, 4, 5, 6, 7, 8, 9 }, 9);
		check_png(encode_png(gray16, 6, 3, 1, 16, PNG_COLOR_TYPE_GRAY, NULL, 0, lace),
		          (uint8_t[]) { 7, 7, 7, 255, 255, 255, 255, 255, 255 }, 9);
		check_png(encode_png(codes, 3, 3, 1, 8, PNG_COLOR_TYPE_PALETTE, pal, 3, lace),
		          (uint8_t[]) { 3, 2, 1, 9, 8, 7, 6, 5, 4 }, 9);
	}
}
END_TEST

START_TEST(codes_are_not_looked_up)
{
	static const uint8_t codes[3] = { 2, 0, 1 }, gray4[2] = { 0x0f, 0x80 };
	static const png_color pal[3] = { { 9, 8, 7 }, { 6, 5, 4 }, { 3, 2, 1 } };
	struct oqz_image img = { 0 };
	struct encoded e = encode_png(codes, 3, 3, 1, 8, PNG_COLOR_TYPE_PALETTE, pal, 3, false);

	ck_ok(oqz_image_decode(e.data, e.size, "l.png", OQZ_IMAGE_CODES, NULL, &img, err));
	ck_assert_int_eq(img.channels, 1);
	ck_assert_int_eq(memcmp(img.data, codes, 3), 0);
	free(e.data);
	e = encode_png(gray4, 2, 3, 1, 4, PNG_COLOR_TYPE_GRAY, NULL, 0, false);
	ck_ok(oqz_image_decode(e.data, e.size, "l.png", OQZ_IMAGE_CODES, NULL, &img, err));
	ck_assert_int_eq(memcmp(img.data, (uint8_t[]) { 0, 15, 8 }, 3), 0);
	free(e.data);
	e = encode_png((uint8_t[]) { 1, 2, 3 }, 3, 1, 1, 8, PNG_COLOR_TYPE_RGB, NULL, 0, false);
	ck_fails(oqz_image_decode(e.data, e.size, "l.png", OQZ_IMAGE_CODES, NULL, &img, err), OQZ_E_UNSUPPORTED,
	         "l.png");
	free(e.data);
	oqz_image_release(&img);
}
END_TEST

START_TEST(wrong_files_are_named)
{
	struct oqz_image img = { 0 };

	ck_fails(oqz_image_decode("", 0, "e.jpg", OQZ_IMAGE_RGB, NULL, &img, err), OQZ_E_DATA,
	         "e.jpg: the file is empty");
	ck_fails(oqz_image_decode("GIF89a..", 8, "g.jpg", OQZ_IMAGE_RGB, NULL, &img, err), OQZ_E_UNSUPPORTED, "GIF");
	ck_fails(oqz_image_decode("hello, world", 12, "t.png", OQZ_IMAGE_RGB, NULL, &img, err), OQZ_E_DATA, "t.png");
	ck_fails(oqz_image_load("/nonexistent/a.jpg", OQZ_IMAGE_RGB, NULL, &img, err), OQZ_E_NOENT,
	         "/nonexistent/a.jpg");
	ck_assert_ptr_null(img.data);
}
END_TEST

START_TEST(limits_hold_before_memory_is_reserved)
{
	struct oqz_image in = { 0 }, img = { 0 };
	const struct oqz_image_limits side = { .max_side = 40 }, pixels = { .max_pixels = 1000 };

	image_generate(&in, 50, 30, 3);
	struct encoded j = encode_jpeg(&in, 90, false),
	               p = encode_png(in.data, 150, 50, 30, 8, PNG_COLOR_TYPE_RGB, NULL, 0, false);
	ck_fails(oqz_image_decode(j.data, j.size, "a.jpg", OQZ_IMAGE_RGB, &side, &img, err), OQZ_E_LIMIT,
	         "a.jpg: 50 x 30");
	ck_fails(oqz_image_decode(p.data, p.size, "a.png", OQZ_IMAGE_RGB, &pixels, &img, err), OQZ_E_LIMIT,
	         "a.png: 50 x 30");
	ck_assert_ptr_null(img.data);
	oqz_image_release(&in);
	free(j.data);
	free(p.data);
}
END_TEST

/* Every prefix of a file must fail with its name, except prefixes that only lack the end. */
static void check_truncation(struct encoded e, const char *name, size_t may_succeed_from)
{
	struct oqz_image img = { 0 };

	for (size_t n = 0; n < e.size; n++) {
		struct oqz_err err = { 0 };
		uint8_t *copy = malloc(n ? n : 1); /* exact size, so that a sanitizer sees reads past the end */
		memcpy(copy, e.data, n);
		enum oqz_status st = oqz_image_decode(copy, n, name, OQZ_IMAGE_RGB, NULL, &img, &err);
		ck_assert_msg(st != OQZ_OK || n >= may_succeed_from, "%s cut to %zu of %zu bytes was accepted", name, n,
		              e.size);
		ck_assert(st == OQZ_OK || strstr(err.msg, name));
		free(copy);
	}
	oqz_image_release(&img);
	free(e.data);
}

START_TEST(truncated_files_are_errors)
{
	struct oqz_image in = { 0 };

	image_generate(&in, 33, 27, 3);
	struct encoded e = encode_jpeg(&in, 90, false);
	check_truncation(e, "cut.jpg", e.size - 2); /* all rows are there before the end marker */
	e = encode_jpeg(&in, 90, true);
	check_truncation(e, "cut.jpg", e.size - 2);
	e = encode_png(in.data, 99, 33, 27, 8, PNG_COLOR_TYPE_RGB, NULL, 0, false);
	check_truncation(e, "cut.png", e.size);
	oqz_image_release(&in);
}
END_TEST

/* Random damage: any outcome but a crash; a failure names the file. */
static void check_damage(struct encoded e, const char *name, uint64_t seed)
{
	const struct oqz_image_limits limits = { .max_pixels = 1 << 20 };
	struct oqz_image img = { 0 };
	struct oqz_rng rng;
	uint8_t *copy = malloc(e.size);

	oqz_rng_init(&rng, seed);
	for (int round = 0; round < 1500; round++) {
		struct oqz_err err = { 0 };
		memcpy(copy, e.data, e.size);
		for (uint64_t k = 1 + oqz_rng_below(&rng, 6); k > 0; k--)
			copy[oqz_rng_below(&rng, e.size)] ^= (uint8_t)(1u << oqz_rng_below(&rng, 8));
		enum oqz_status st = oqz_image_decode(copy, e.size, name, OQZ_IMAGE_RGB, &limits, &img, &err);
		ck_assert(st == OQZ_OK || strstr(err.msg, name));
		st = oqz_image_decode(copy, e.size, name, OQZ_IMAGE_CODES, &limits, &img, &err);
		ck_assert(st == OQZ_OK || strstr(err.msg, name));
	}
	free(copy);
	free(e.data);
	oqz_image_release(&img);
}

START_TEST(damaged_files_never_crash)
{
	struct oqz_image in = { 0 };
	static const png_color pal[2] = { { 9, 8, 7 }, { 6, 5, 4 } };

	image_generate(&in, 41, 30, 3);
	check_damage(encode_jpeg(&in, 80, false), "bad.jpg", 1);
	check_damage(encode_jpeg(&in, 80, true), "bad.jpg", 2);
	check_damage(encode_png(in.data, 123, 41, 30, 8, PNG_COLOR_TYPE_RGB, NULL, 0, true), "bad.png", 3);
	for (size_t i = 0; i < oqz_image_bytes(&in); i++)
		in.data[i] &= 1;
	check_damage(encode_png(in.data, 123, 41, 30, 8, PNG_COLOR_TYPE_PALETTE, pal, 2, false), "bad.png", 4);
	image_generate(&in, 41, 30, 4);
	check_damage(encode_jpeg(&in, 80, false), "bad.jpg", 5);
	oqz_image_release(&in);
}
END_TEST

OQZ_TEST_MAIN("decode", jpeg_equals_golden, jpeg_is_close_to_what_was_encoded, exif_orientation_is_read_with_care,
              cmyk_follows_pillow, png_kinds_become_rgb_as_in_pillow, codes_are_not_looked_up, wrong_files_are_named,
              limits_hold_before_memory_is_reserved, truncated_files_are_errors, damaged_files_never_crash)
