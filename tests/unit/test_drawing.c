/* SPDX-License-Identifier: Apache-2.0
 *
 * Pictures for reports: what is encoded decodes to the same, and the canvas puts marks where they belong, shows the
 * view that it was told, and refuses what is too much.
 */
#include "tests/support/support.h"
#include "core/base/base64.h"
#include "core/image/encode.h"
#include "core/run/canvas.h"

#include <stdlib.h>
#include <string.h>

static void gradient(struct oqz_image *img, int32_t w, int32_t h, int32_t channels)
{
	ck_ok(oqz_image_reserve(img, w, h, channels, err));
	for (int32_t i = 0; i < w * h * channels; i++)
		img->data[i] = (uint8_t)(i / channels % w * 200 / w + i % channels * 20);
}

START_TEST(encoded_pictures_decode)
{
	struct oqz_image img = { 0 }, back = { 0 };
	struct oqz_str bytes = { 0 };

	gradient(&img, 37, 21, 3);
	ck_ok(oqz_png_encode(&img, &bytes, err));
	ck_ok(oqz_image_decode(bytes.s, bytes.len, "png", OQZ_IMAGE_RGB, NULL, &back, err));
	ck_assert(back.width == 37 && back.height == 21);
	ck_assert_int_eq(memcmp(img.data, back.data, oqz_image_bytes(&img)), 0);
	oqz_str_clear(&bytes);
	ck_ok(oqz_jpeg_encode(&img, 92, &bytes, err));
	ck_ok(oqz_image_decode(bytes.s, bytes.len, "jpeg", OQZ_IMAGE_RGB, NULL, &back, err));
	ck_assert(back.width == 37 && back.height == 21);
	for (size_t i = 0; i < oqz_image_bytes(&img); i++)
		ck_assert_int_le(abs(img.data[i] - back.data[i]), 12);
	img.channels = 4;
	ck_fails(oqz_jpeg_encode(&img, 92, &bytes, err), OQZ_E_INTERNAL, "4 channels");
	oqz_str_release(&bytes);
	oqz_image_release(&img);
	oqz_image_release(&back);
}
END_TEST

START_TEST(marks_are_where_they_are_shown)
{
	struct oqz_arena *a = oqz_arena_new();
	struct oqz_drawing d;
	struct oqz_image photo = { 0 };
	size_t n;
	const char *uri;

	gradient(&photo, 800, 400, 3);
	oqz_drawing_init(&d, a, 800, 400);                                             /* shown at 384 x 192 */
	ck_ok(d.canvas.view(&d.canvas, (const double[]) { 400, 100, 600, 300 }, err)); /* at 200 x 200 */
	ck_ok(d.canvas.box(&d.canvas, (const double[]) { 450, 120, 420, 200 }, 0xff0000, "cat", err));
	const double line[2][2] = { { 400, 100 }, { 600, 300 } };
	ck_ok(d.canvas.path(&d.canvas, line, 2, 0x00ff00, err));
	ck_fails(d.canvas.view(&d.canvas, (const double[]) { 0, 0, 10, 10 }, err), OQZ_E_PLUGIN,
	         "after something was drawn");
	const struct oqz_mark *m = oqz_drawing_take(&d, &n);
	ck_assert_uint_eq(n, 2);
	ck_assert(d.width == 200 && d.height == 200);
	ck_assert(m[0].kind == OQZ_MARK_BOX && m[0].points[0][0] == 20 && m[0].points[0][1] == 20 &&
	          m[0].points[1][0] == 50 && m[0].points[1][1] == 100);
	ck_assert_str_eq(m[0].text, "cat");
	ck_assert(m[1].points[1][0] == 200 && m[1].points[1][1] == 200);
	ck_fails(d.canvas.view(&d.canvas, (const double[]) { 0, 0, 10, 10 }, err), OQZ_E_PLUGIN, "for a lane");
	ck_ok(oqz_drawing_picture(&d, &photo, &uri, err));
	ck_assert_int_eq(strncmp(uri, "data:image/jpeg;base64,/9j/", 27), 0);
	oqz_drawing_release(&d);
	oqz_image_release(&photo);
	oqz_arena_free(a);
}
END_TEST

START_TEST(pictures_are_cut_to_the_view)
{
	struct oqz_arena *a = oqz_arena_new();
	struct oqz_drawing d;
	struct oqz_image veil = { 0 };
	size_t n;

	gradient(&veil, 80, 40, 4);
	const struct oqz_picture p = { veil.data, 80, 40, 4 };
	oqz_drawing_init(&d, a, 800, 400);
	ck_ok(d.canvas.view(&d.canvas, (const double[]) { 700, 0, 1000, 300 }, err)); /* cut at the image's edge */
	ck_ok(d.canvas.picture(&d.canvas, &p, (const double[]) { 0, 0, 800, 400 }, err));
	ck_ok(d.canvas.picture(&d.canvas, &p, (const double[]) { 0, 0, 600, 400 }, err)); /* not in view */
	const struct oqz_mark *m = oqz_drawing_take(&d, &n);
	ck_assert_uint_eq(n, 1);
	ck_assert(m[0].kind == OQZ_MARK_PICTURE && m[0].points[0][0] == 0 && m[0].points[1][0] == d.width);
	ck_assert_int_eq(strncmp(m[0].text, "data:image/png;base64,iVBOR", 27), 0);
	ck_assert(d.width == 100 && d.height == 300);
	oqz_drawing_release(&d);
	oqz_image_release(&veil);
	oqz_arena_free(a);
}
END_TEST

/* What a lane's picture has other than the float model's is a mark of its own; where nothing is to be compared there is
 * none. */
START_TEST(later_pictures_are_compared)
{
	struct oqz_arena *a = oqz_arena_new();
	struct oqz_drawing d;
	struct oqz_image img = { 0 }, diff = { 0 };
	const double whole[4] = { 0, 0, 200, 200 }, part[4] = { 0, 0, 100, 200 };
	size_t n;

	ck_ok(oqz_image_reserve(&img, 200, 200, 3, err));
	memset(img.data, 100, oqz_image_bytes(&img));
	const struct oqz_picture p = { img.data, 200, 200, 3 };
	oqz_drawing_init(&d, a, 200, 200);
	ck_ok(d.canvas.picture(&d.canvas, &p, whole, err));
	oqz_drawing_take(&d, &n);
	ck_assert_uint_eq(n, 1); /* the truth */
	oqz_drawing_compare_with_next(&d);
	ck_ok(d.canvas.picture(&d.canvas, &p, whole, err));
	oqz_drawing_take(&d, &n);
	ck_assert_uint_eq(n, 1);                  /* float */
	for (int64_t i = 0; i < 200 * 100; i++) { /* the upper half a little darker, red a lot */
		img.data[3 * i] = 0;
		img.data[3 * i + 1] = 97;
	}
	ck_ok(d.canvas.picture(&d.canvas, &p, whole, err));
	const struct oqz_mark *m = oqz_drawing_take(&d, &n);
	ck_assert_uint_eq(n, 2);
	ck_assert(m[0].kind == OQZ_MARK_PICTURE && m[1].kind == OQZ_MARK_DIFFERENCE);
	ck_assert(m[1].points[0][0] == 0 && m[1].points[1][0] == 200 && m[1].points[1][1] == 200);
	const char *text = m[1].text + strlen("data:image/jpeg;base64,");
	size_t len = strlen(text), size = len / 4 * 3 - (text[len - 1] == '=') - (text[len - 2] == '=');
	char *bytes = oqz_arena_alloc(a, size);
	ck_ok(oqz_base64_decode(text, len, bytes, size, err));
	ck_ok(oqz_image_decode(bytes, size, "jpeg", OQZ_IMAGE_RGB, NULL, &diff, err));
	const uint8_t *up = diff.data + 3 * (50 * 200 + 100), *low = diff.data + 3 * (150 * 200 + 100);
	ck_assert_int_ge(up[0], 250);
	ck_assert_int_le(abs(up[1] - 3 * OQZ_DIFFERENCE_GAIN), 4);
	ck_assert_int_le(up[2], 4);
	ck_assert(low[0] <= 4 && low[1] <= 4 && low[2] <= 4);
	ck_ok(d.canvas.picture(&d.canvas, &p, part, err)); /* elsewhere */
	oqz_drawing_take(&d, &n);
	ck_assert_uint_eq(n, 1);
	oqz_drawing_release(&d);
	oqz_image_release(&img);
	oqz_image_release(&diff);
	oqz_arena_free(a);
}
END_TEST

START_TEST(too_much_is_refused)
{
	struct oqz_arena *a = oqz_arena_new();
	struct oqz_drawing d;
	const double box[4] = { 0, 0, 5, 5 };

	oqz_drawing_init(&d, a, 10, 10);
	ck_assert(d.width == 192 && d.height == 192); /* small ones are enlarged */
	ck_fails(d.canvas.view(&d.canvas, (const double[]) { 20, 20, 30, 30 }, err), OQZ_E_PLUGIN, "outside");
	for (int i = 0; i < OQZ_CANVAS_MARKS; i++)
		ck_ok(d.canvas.box(&d.canvas, box, 0, "", err));
	ck_fails(d.canvas.box(&d.canvas, box, 0, "", err), OQZ_E_LIMIT, "marks");
	oqz_drawing_release(&d);
	oqz_arena_free(a);
}
END_TEST

OQZ_TEST_MAIN("drawing", encoded_pictures_decode, marks_are_where_they_are_shown, pictures_are_cut_to_the_view,
              later_pictures_are_compared, too_much_is_refused)
