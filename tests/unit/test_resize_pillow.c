/* SPDX-License-Identifier: Apache-2.0
 *
 * Pillow's resize: all golden cases byte for byte; on generated images the vector code against a plain reading of the
 * definition, and windows against crops.
 */
#include "tests/unit/image_cases.h"
#include "core/image/resize.h"

#include <math.h>

START_TEST(resize_equals_golden)
{
	json_t *j = cases_load("pillow_resize/manifest.json"), *c, *b;
	struct oqz_image src = { 0 }, dst = { 0 };
	struct oqz_resize_work work = { 0 };
	size_t i, k, done = 0;

	json_array_foreach(json_object_get(j, "cases"), i, c)
	{
		char name[40];
		float box[4] = { 0 };
		if (strcmp(case_text(c, "mode"), "RGBA") == 0)
			continue; /* nothing in the pipeline has an alpha channel */
		case_image(case_text(c, "file"), &src);
		if (strcmp(case_text(c, "mode"), "L") == 0)
			image_first_channel(&src);
		snprintf(name, sizeof name, "pil-%s", case_text(c, "filter"));
		json_array_foreach(json_object_get(c, "box"), k, b) box[k] = (float)json_number_value(b);
		ck_ok(oqz_resize_pillow(&src, json_is_array(json_object_get(c, "box")) ? box : NULL,
		                        case_int(c, "out_w"), case_int(c, "out_h"), oqz_filter_by_name(name), NULL,
		                        &work, &dst, err));
		ck_assert_msg(image_crc(&dst) == case_crc(c, "crc32"), "case %zu (%s, %s, %d x %d) differs", i,
		              case_text(c, "file"), name, dst.width, dst.height);
		done++;
	}
	ck_assert(!j || done == 55);
	oqz_image_release(&src);
	oqz_image_release(&dst);
	oqz_resize_work_release(&work);
	json_decref(j);
}
END_TEST

static double bilinear(double x) { return fabs(x) < 1 ? 1 - fabs(x) : 0; }

/* One axis, one line of samples `step` apart, as the definition reads. */
static void plain_axis(const uint8_t *in, int n, int step, uint8_t *out, int m, int out_step)
{
	double scale = (double)n / m, fs = scale < 1 ? 1 : scale;

	for (int i = 0; i < m; i++) {
		double c = (i + 0.5) * scale, w[400], sum = 0;
		int lo = (int)(c - fs + 0.5), hi = (int)(c + fs + 0.5);
		lo = lo < 0 ? 0 : lo;
		hi = hi > n ? n : hi;
		for (int k = lo; k < hi; k++)
			sum += w[k - lo] = bilinear((k - c + 0.5) * (1.0 / fs));
		int acc = 1 << 21;
		for (int k = lo; k < hi; k++)
			acc += in[k * step] * (int)(w[k - lo] / sum * (1 << 22) + 0.5);
		acc >>= 22;
		out[i * out_step] = (uint8_t)(acc < 0 ? 0 : acc > 255 ? 255 : acc);
	}
}

START_TEST(vector_code_equals_plain_definition)
{
	static const int sizes[][4] = { { 37, 23, 16, 11 }, { 5, 4, 33, 40 }, { 200, 3, 7, 3 },
		                        { 64, 64, 64, 30 }, { 1, 1, 9, 5 },   { 131, 90, 130, 91 } };
	struct oqz_resize_work work = { 0 };
	struct oqz_image src = { 0 }, dst = { 0 }, mid = { 0 }, want = { 0 };

	for (size_t s = 0; s < OQZ_COUNTOF(sizes); s++)
		for (int ch = 1; ch <= 3; ch += 2) {
			const int w = sizes[s][0], h = sizes[s][1], tw = sizes[s][2], th = sizes[s][3];
			image_generate(&src, w, h, ch);
			ck_ok(oqz_image_reserve(&mid, tw, h, ch, err));
			ck_ok(oqz_image_reserve(&want, tw, th, ch, err));
			for (int c = 0; c < ch; c++) {
				for (int y = 0; y < h; y++)
					if (tw == w)
						for (int x = 0; x < w; x++)
							mid.data[(y * w + x) * ch + c] = src.data[(y * w + x) * ch + c];
					else
						plain_axis(src.data + y * w * ch + c, w, ch, mid.data + y * tw * ch + c,
						           tw, ch);
				for (int x = 0; x < tw; x++)
					if (th == h)
						for (int y = 0; y < h; y++)
							want.data[(y * tw + x) * ch + c] =
							    mid.data[(y * tw + x) * ch + c];
					else
						plain_axis(mid.data + x * ch + c, h, tw * ch, want.data + x * ch + c,
						           th, tw * ch);
			}
			ck_ok(oqz_resize(&src, tw, th, OQZ_FILTER_PIL_BILINEAR, NULL, &work, &dst, err));
			for (size_t i = 0; i < oqz_image_bytes(&want); i++)
				ck_assert_msg(dst.data[i] == want.data[i],
				              "%d x %d x %d -> %d x %d: sample %zu is %d, not %d", w, h, ch, tw, th, i,
				              dst.data[i], want.data[i]);
		}
	oqz_image_release(&src);
	oqz_image_release(&dst);
	oqz_image_release(&mid);
	oqz_image_release(&want);
	oqz_resize_work_release(&work);
}
END_TEST

START_TEST(window_is_a_crop_of_the_whole)
{
	static const int targets[][2] = { { 50, 40 }, { 97, 40 }, { 50, 61 }, { 130, 100 }, { 97, 61 } };
	struct oqz_resize_work work = { 0 };
	struct oqz_image src = { 0 }, whole = { 0 }, crop = { 0 }, part = { 0 };

	image_generate(&src, 97, 61, 3);
	for (int f = 0; f < OQZ_FILTER_COUNT; f++)
		for (size_t t = 0; t < OQZ_COUNTOF(targets); t++) {
			const struct oqz_window win = { 7, 11, 31, 23 };
			const int w = targets[t][0], h = targets[t][1];
			ck_ok(oqz_resize(&src, w, h, (enum oqz_filter)f, NULL, &work, &whole, err));
			ck_ok(oqz_image_crop(&whole, &win, &crop, err));
			ck_ok(oqz_resize(&src, w, h, (enum oqz_filter)f, &win, &work, &part, err));
			ck_assert_int_eq(part.width, 31);
			ck_assert_msg(memcmp(part.data, crop.data, oqz_image_bytes(&crop)) == 0, "%s to %d x %d",
			              oqz_filter_names[f], w, h);
		}
	oqz_image_release(&src);
	oqz_image_release(&whole);
	oqz_image_release(&crop);
	oqz_image_release(&part);
	oqz_resize_work_release(&work);
}
END_TEST

OQZ_TEST_MAIN("resize_pillow", resize_equals_golden, vector_code_equals_plain_definition, window_is_a_crop_of_the_whole)
