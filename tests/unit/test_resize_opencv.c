/* SPDX-License-Identifier: Apache-2.0
 *
 * OpenCV's resizes and warpAffine against the golden cases, byte for byte, plus properties on generated images.
 */
#include "tests/unit/image_cases.h"
#include "core/image/resize.h"

#include <math.h>

START_TEST(resize_equals_golden)
{
	json_t *j = cases_load("detection/cv2_resize.json"), *c;
	struct oqz_image src = { 0 }, dst = { 0 };
	struct oqz_resize_work work = { 0 };
	size_t i;

	json_array_foreach(json_object_get(j, "cases"), i, c)
	{
		char name[40];
		case_image(case_text(c, "file"), &src);
		image_swap(&src);
		snprintf(name, sizeof name, "cv2-%s", case_text(c, "interp"));
		ck_ok(oqz_resize(&src, case_int(c, "out_w"), case_int(c, "out_h"), oqz_filter_by_name(name), NULL,
		                 &work, &dst, err));
		ck_assert_msg(image_crc(&dst) == case_crc(c, "crc32"), "case %zu: %s %d x %d -> %d x %d differs", i,
		              name, src.width, src.height, dst.width, dst.height);
	}
	ck_assert(!j || i > 50);
	oqz_image_release(&src);
	oqz_image_release(&dst);
	oqz_resize_work_release(&work);
	json_decref(j);
}
END_TEST

START_TEST(flat_images_stay_flat)
{
	struct oqz_resize_work work = { 0 };
	struct oqz_image src = { 0 }, dst = { 0 };

	for (int ch = 1; ch <= 3; ch += 2)
		for (int f = 0; f < OQZ_FILTER_COUNT; f++)
			for (int w = 1; w < 40; w += 13)
				for (int h = 1; h < 60; h += 19) {
					ck_ok(oqz_image_reserve(&src, 17, 29, ch, err));
					memset(src.data, 200, oqz_image_bytes(&src));
					ck_ok(oqz_resize(&src, w, h, (enum oqz_filter)f, NULL, &work, &dst, err));
					ck_assert_int_eq(dst.width, w);
					ck_assert_int_eq(dst.height, h);
					for (size_t i = 0; i < oqz_image_bytes(&dst); i++)
						ck_assert_msg(abs(dst.data[i] - 200) <= (f == OQZ_FILTER_CV2_CUBIC),
						              "%s gives %d", oqz_filter_names[f], dst.data[i]);
				}
	oqz_image_release(&src);
	oqz_image_release(&dst);
	oqz_resize_work_release(&work);
}
END_TEST

START_TEST(halving_averages_blocks)
{
	struct oqz_resize_work work = { 0 };
	struct oqz_image src = { 0 }, dst = { 0 };

	image_generate(&src, 20, 14, 3);
	ck_ok(oqz_resize(&src, 10, 7, OQZ_FILTER_CV2_LINEAR, NULL, &work, &dst, err));
	for (int y = 0; y < 7; y++)
		for (int x = 0; x < 10; x++)
			for (int c = 0; c < 3; c++) {
				const uint8_t *p = src.data + ((2 * y) * 20 + 2 * x) * 3 + c;
				ck_assert_int_eq(dst.data[(y * 10 + x) * 3 + c],
				                 (p[0] + p[3] + p[60] + p[63] + 2) >> 2);
			}
	oqz_image_release(&src);
	oqz_image_release(&dst);
	oqz_resize_work_release(&work);
}
END_TEST

START_TEST(warp_equals_golden)
{
	json_t *j = cases_load("pose/warp_affine.json"), *c;
	struct oqz_image src = { 0 }, dst = { 0 };
	size_t i;

	json_array_foreach(j, i, c)
	{
		json_t *m = json_object_get(c, "M"), *wh = json_object_get(c, "out_wh");
		double a[6];
		for (size_t k = 0; k < 6; k++)
			a[k] = json_number_value(json_array_get(json_array_get(m, k / 3), k % 3));
		case_image(case_text(c, "img"), &src);
		ck_ok(oqz_warp_affine(&src, a, (int)json_integer_value(json_array_get(wh, 0)),
		                      (int)json_integer_value(json_array_get(wh, 1)), (uint8_t)case_int(c, "border"),
		                      &dst, err));
		image_swap(&dst);
		ck_assert_msg(image_crc(&dst) == case_crc(c, "crc32"), "case %zu differs", i);
	}
	oqz_image_release(&src);
	oqz_image_release(&dst);
	json_decref(j);
}
END_TEST

START_TEST(topdown_crop_equals_golden)
{
	json_t *j = cases_load("pose/topdown_affine.json"), *c;
	struct oqz_image src = { 0 }, dst = { 0 };
	size_t i, done = 0;

	json_array_foreach(json_object_get(j, "cases"), i, c)
	{
		json_t *b = json_object_get(c, "bbox_xyxy_clipped"), *wh = json_object_get(c, "input_size_wh"),
		       *m = json_object_get(c, "warp_matrix");
		int w = (int)json_integer_value(json_array_get(wh, 0)),
		    h = (int)json_integer_value(json_array_get(wh, 1));
		float box[4];
		double a[6];
		if (json_is_true(json_object_get(c, "udp")))
			continue;
		for (size_t k = 0; k < 4; k++)
			box[k] = (float)json_number_value(json_array_get(b, k));
		case_image(case_text(c, "img"), &src);
		oqz_topdown_matrix(box, 1.25, w, h, a);
		for (size_t k = 0; k < 6; k++)
			ck_assert_double_eq_tol(
			    a[k], json_number_value(json_array_get(json_array_get(m, k / 3), k % 3)), 1e-12);
		ck_ok(oqz_warp_affine(&src, a, w, h, 0, &dst, err));
		image_swap(&dst);
		ck_assert_msg(image_crc(&dst) == case_crc(c, "out_crc32_bgr"), "case %zu differs", i);
		done++;
	}
	ck_assert(!j || done > 3);
	oqz_image_release(&src);
	oqz_image_release(&dst);
	json_decref(j);
}
END_TEST

START_TEST(warp_by_whole_pixels_is_a_shift)
{
	struct oqz_image src = { 0 }, dst = { 0 };
	const double m[6] = { 1, 0, 3, 0, 1, -2 };

	image_generate(&src, 12, 9, 3);
	ck_ok(oqz_warp_affine(&src, m, 12, 9, 77, &dst, err));
	for (int y = 0; y < 9; y++)
		for (int x = 0; x < 12; x++) {
			bool inside = x >= 3 && y + 2 < 9;
			ck_assert_int_eq(dst.data[(y * 12 + x) * 3],
			                 inside ? src.data[((y + 2) * 12 + x - 3) * 3] : 77);
		}
	oqz_image_release(&src);
	oqz_image_release(&dst);
}
END_TEST

OQZ_TEST_MAIN("resize_opencv", resize_equals_golden, flat_images_stay_flat, halving_averages_blocks, warp_equals_golden,
              topdown_crop_equals_golden, warp_by_whole_pixels_is_a_shift)
