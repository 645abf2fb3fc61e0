/* SPDX-License-Identifier: Apache-2.0
 *
 * MATLAB's bicubic imresize against the golden cases (which another implementation made in float32: a level of
 * difference is allowed where a value lies within 0.001 of the middle between two levels), and known properties.
 */
#include "tests/unit/image_cases.h"
#include "core/image/resize.h"
#include "core/tensor/npy.h"

#include <math.h>

/* Largest distance from the exact result, in levels, and how many levels differ from the golden picture. */
static void compare(const struct oqz_image *got, const struct oqz_image *want, const struct oqz_tensor *exact,
                    const char *name)
{
	size_t n = (size_t)got->width * (size_t)got->height;

	ck_assert_int_eq(got->width, want->width);
	ck_assert_int_eq(got->height, want->height);
	for (size_t i = 0; i < n; i++)
		for (size_t c = 0; c < 3; c++) {
			double v = 255.0 * ((const float *)exact->data)[3 * i + c];
			double middle = fabs(fabs(v - floor(v)) - 0.5);
			int d = abs(got->data[3 * i + c] - want->data[3 * i + c]);
			ck_assert_msg(d == 0 || (d == 1 && middle < 1e-3), "%s: %d, expected %d (%.6f)", name,
			              got->data[3 * i + c], want->data[3 * i + c], v);
			double clamped = v < 0 ? 0 : v > 255 ? 255 : v;
			ck_assert_msg(fabs(got->data[3 * i + c] - clamped) <= 0.5 + 1e-3, "%s: %d for %.6f", name,
			              got->data[3 * i + c], v);
		}
}

START_TEST(imresize_equals_golden)
{
	json_t *j = cases_load("superres/imresize.json"), *c;
	struct oqz_image src = { 0 }, dst = { 0 }, want = { 0 };
	struct oqz_resize_work work = { 0 };
	size_t i;

	json_array_foreach(json_object_get(j, "cases"), i, c)
	{
		char file[100];
		struct oqz_tensor exact = { 0 };
		const char *name = case_text(c, "name");
		double scale = json_number_value(json_object_get(c, "scale"));
		const json_t *size = json_object_get(c, "out_hw");
		snprintf(file, sizeof file, "superres/%s_in.png", name);
		case_image(file, &src);
		snprintf(file, sizeof file, "superres/%s_out.png", name);
		case_image(file, &want);
		ck_ok(oqz_npy_read(shared_path("golden/metrics/superres/%s_out_f32.npy", name), &exact, err));
		ck_ok(oqz_resize_matlab(&src, scale, scale, (int)json_integer_value(json_array_get(size, 1)),
		                        (int)json_integer_value(json_array_get(size, 0)), &work, &dst, err));
		compare(&dst, &want, &exact, name);
		oqz_tensor_release(&exact);
	}
	ck_assert(!j || i >= 6);
	oqz_image_release(&src);
	oqz_image_release(&dst);
	oqz_image_release(&want);
	oqz_resize_work_release(&work);
	json_decref(j);
}
END_TEST

/* Weights sum to 1 and the kernel is symmetric: flat stays flat, a mirrored image gives the mirrored result. */
START_TEST(mirrored_images_give_mirrored_results)
{
	struct oqz_image src = { 0 }, dst = { 0 }, other = { 0 };
	struct oqz_resize_work work = { 0 };

	ck_ok(oqz_image_reserve(&src, 24, 16, 1, err));
	for (int i = 0; i < 24 * 16; i++)
		src.data[i] = (uint8_t)(i * 97 % 251);
	ck_ok(oqz_resize(&src, 6, 4, OQZ_FILTER_MATLAB_BICUBIC, NULL, &work, &dst, err));
	for (int y = 0; y < 16; y++)
		for (int x = 0; x < 12; x++) {
			uint8_t t = src.data[y * 24 + x];
			src.data[y * 24 + x] = src.data[y * 24 + 23 - x];
			src.data[y * 24 + 23 - x] = t;
		}
	ck_ok(oqz_resize(&src, 6, 4, OQZ_FILTER_MATLAB_BICUBIC, NULL, &work, &other, err));
	for (int y = 0; y < 4; y++)
		for (int x = 0; x < 6; x++)
			ck_assert_int_le(abs(dst.data[y * 6 + x] - other.data[y * 6 + 5 - x]), 1);
	oqz_image_release(&src);
	oqz_image_release(&dst);
	oqz_image_release(&other);
	oqz_resize_work_release(&work);
}
END_TEST

OQZ_TEST_MAIN("resize matlab", imresize_equals_golden, mirrored_images_give_mirrored_results)
