/* SPDX-License-Identifier: Apache-2.0
 *
 * Task super-resolution: both measures against mmediting's numbers, and the built plugin on generated pairs: which
 * pixels are compared, rounding, clamping, luma, what is refused.
 */
#include "tests/support/task_bench.h"
#include "core/base/rng.h"
#include "core/tensor/npy.h"
#include "tasks/superres/superres.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* -------------------------------------------------------------------------------------------------- goldens */

/* Channel planes of a golden array (C,H,W) in double, without a border. */
static double *plane_of(const struct oqz_tensor *t, int64_t c, int64_t crop)
{
	int64_t h = t->shape.dim[1], w = t->shape.dim[2];
	double *out = malloc((size_t)((h - 2 * crop) * (w - 2 * crop)) * sizeof *out), *p = out;

	for (int64_t y = crop; y < h - crop; y++)
		for (int64_t x = crop; x < w - crop; x++)
			*p++ = ((const float *)t->data)[(c * h + y) * w + x];
	return out;
}

static void measure(const char *name, int64_t crop, double *psnr, double *ssim)
{
	struct oqz_tensor real = { 0 }, pred = { 0 };
	double sum = 0;

	ck_ok(oqz_npy_read(shared_path("golden/metrics/superres/%s_real.npy", name), &real, err));
	ck_ok(oqz_npy_read(shared_path("golden/metrics/superres/%s_pred.npy", name), &pred, err));
	int64_t n_c = real.shape.dim[0], h = real.shape.dim[1] - 2 * crop, w = real.shape.dim[2] - 2 * crop;
	void *scratch = malloc(superres_ssim_scratch(w));
	*ssim = 0;
	for (int64_t c = 0; c < n_c; c++) {
		double *a = plane_of(&real, c, crop), *b = plane_of(&pred, c, crop);
		sum += superres_squared_error(a, b, (size_t)(h * w));
		*ssim += superres_ssim(a, b, w, h, scratch) / (double)n_c;
		free(a);
		free(b);
	}
	*psnr = superres_psnr(sum / (double)(n_c * h * w));
	free(scratch);
	oqz_tensor_release(&real);
	oqz_tensor_release(&pred);
}

START_TEST(psnr_and_ssim_are_those_of_mmediting)
{
	const char *path = shared_path("golden/metrics/superres/psnr_ssim.json");
	json_t *all, *c;
	size_t i;
	int seen = 0;

	if (!path) {
		printf("skipped: no golden numbers\n");
		return;
	}
	all = json_load_file(path, 0, NULL);
	json_array_foreach(json_object_get(all, "cases"), i, c)
	{
		const char *name = json_string_value(json_object_get(c, "name"));
		const char *dtype = json_string_value(json_object_get(c, "dtype"));
		int64_t crop = json_integer_value(json_object_get(c, "crop_border"));
		double psnr, ssim;
		if (!dtype || strcmp(dtype, "float64") != 0 ||
		    !shared_path("golden/metrics/superres/%s_real.npy", name))
			continue;
		measure(name, crop, &psnr, &ssim);
		ck_assert_double_eq_tol(psnr, json_number_value(json_object_get(c, "psnr")), 1e-9);
		json_t *s = json_object_get(c, crop ? "ssim_cropped_first" : "ssim");
		ck_assert_double_eq_tol(ssim, json_number_value(s), 1e-9);
		seen++;
	}
	ck_assert_int_ge(seen, 6);
	json_decref(all);
}
END_TEST

START_TEST(luma_is_that_of_matlab)
{
	struct oqz_tensor rgb = { 0 }, y = { 0 }, exact = { 0 };

	if (!shared_path("golden/metrics/superres/y_u8.npy"))
		return;
	ck_ok(oqz_npy_read(shared_path("golden/metrics/superres/y_in_rgb_u8.npy"), &rgb, err));
	ck_ok(oqz_npy_read(shared_path("golden/metrics/superres/y_u8.npy"), &y, err));
	ck_ok(oqz_npy_read(shared_path("golden/metrics/superres/y_f32.npy"), &exact, err));
	int64_t n = oqz_tensor_nelem(&y);
	ck_assert_int_eq(oqz_tensor_nelem(&rgb), 3 * n);
	for (int64_t i = 0; i < n; i++) {
		const uint8_t *p = (const uint8_t *)rgb.data + 3 * i;
		ck_assert_int_eq((int)rint(superres_y(p[0], p[1], p[2])), ((const uint8_t *)y.data)[i]);
		ck_assert_double_eq_tol(superres_y(p[0], p[1], p[2]) / 255, ((const float *)exact.data)[i], 1e-7);
	}
	oqz_tensor_release(&rgb);
	oqz_tensor_release(&y);
	oqz_tensor_release(&exact);
}
END_TEST

START_TEST(measures_of_simple_images)
{
	enum { W = 13, H = 12 };
	double a[W * H], b[W * H];
	void *scratch = malloc(superres_ssim_scratch(W));

	for (int i = 0; i < W * H; i++) {
		a[i] = i % 7 * 30;
		b[i] = a[i];
	}
	ck_assert_double_eq_tol(superres_ssim(a, b, W, H, scratch), 1, 1e-12);
	ck_assert(isinf(superres_psnr(0)));
	ck_assert_double_eq_tol(superres_psnr(1), 20 * log10(255), 1e-12);
	/* Two flat images: contrast and structure are 1, so only the means count. */
	for (int i = 0; i < W * H; i++) {
		a[i] = 100;
		b[i] = 120;
	}
	ck_assert_double_eq_tol(superres_ssim(a, b, W, H, scratch),
	                        (2 * 100 * 120 + 6.5025) / (100 * 100 + 120 * 120 + 6.5025), 1e-9);
	ck_assert_double_eq(superres_y_full(255, 255, 255), 255);
	ck_assert_double_eq(superres_y_full(1, 2, 3), (4899 + 2 * 9617 + 3 * 1868 + 8192) >> 14);
	ck_assert_double_eq_tol(superres_y(0, 0, 0), 16, 1e-12);
	ck_assert_double_eq_tol(superres_y(255, 255, 255), 235, 1e-12);
	free(scratch);
}
END_TEST

/* -------------------------------------------------------------------------------------------------- the plugin */

enum { LR_W = 8, LR_H = 7, SCALE = 2, W = LR_W * SCALE, H = LR_H * SCALE, N = W * H };
static const struct oqz_geometry plain = { LR_W, LR_H, LR_W, LR_H, 1, 1, 0, 0 };
static uint8_t pixels[N * 3];

static const char *make_pair(const char *name)
{
	const char *root = test_tmpdir(name);
	struct oqz_rng rng;

	oqz_rng_init(&rng, 3);
	for (int i = 0; i < N * 3; i++)
		pixels[i] = (uint8_t)(oqz_rng_u64(&rng) >> 56);
	test_write_png(root, "hr/0801.png", pixels, W, H, 3);
	test_write_text(root, "lr/0801x2.png", "not read by the task");
	return root;
}

#define PAIRS "lr=@/lr,hr=@/hr,lr_suffix=x2"

/* The reference as a network would give it. */
static void perfect(float *out)
{
	for (int i = 0; i < N; i++)
		for (int c = 0; c < 3; c++)
			out[c * N + i] = (float)pixels[3 * i + c] / 255;
}

static struct oqz_output image_output(const float *data, int64_t c, int64_t h, int64_t w)
{
	return (struct oqz_output) { "y", { OQZ_DT_F32, { 4, { 1, c, h, w } }, data } };
}

static void run_one(struct task_bench *b, const struct oqz_output *o, const struct oqz_geometry *g)
{
	ck_ok(task_bench_score(b, 0, o, 1, g, err));
	ck_ok(task_bench_finish(b, 1, err));
}

START_TEST(errors_are_counted_where_they_are)
{
	const char *root = make_pair("superres-errors");
	static float x[3 * N];
	struct oqz_output o = image_output(x, 3, H, W);
	struct task_bench b;

	ck_ok(task_bench_open(&b, "superres", root, "", PAIRS, err));
	ck_assert_str_eq(b.items.items.v[0].id, "0801x2.png");
	perfect(x);
	run_one(&b, &o, &plain);
	ck_assert(isinf(task_bench_value(&b, "psnr")));
	ck_assert_double_eq_tol(task_bench_value(&b, "ssim"), 1, 1e-12);
	ck_assert_double_eq(task_bench_value(&b, "identical"), 1);
	/* One value off by three levels and a half of one, which rounds to even. */
	pixels[0] = 100;
	test_write_png(root, "hr/0801.png", pixels, W, H, 3);
	x[0] = 103.5F / 255;
	run_one(&b, &o, &plain);
	double off = rint((double)(x[0] * 255.0F)) - 100;
	ck_assert_double_eq_tol(task_bench_value(&b, "psnr"), 20 * log10(255 / sqrt(off * off / (3 * N))), 1e-9);
	task_bench_close(&b);
	ck_ok(task_bench_open(&b, "superres", root, "crop=1", PAIRS, err));
	run_one(&b, &o, &plain);
	ck_assert_msg(isinf(task_bench_value(&b, "psnr")), "the border is compared though it is cut off");
	task_bench_close(&b);
}
END_TEST

START_TEST(clamping_is_a_choice)
{
	const char *root = make_pair("superres-clamp");
	static float x[3 * N];
	struct oqz_output o = image_output(x, 3, H, W);
	struct task_bench b;

	pixels[0] = 255;
	pixels[3] = 0;
	test_write_png(root, "hr/0801.png", pixels, W, H, 3);
	perfect(x);
	x[0] = 265.0F / 255;
	x[1] = -4.0F / 255;
	ck_ok(task_bench_open(&b, "superres", root, "", PAIRS, err));
	run_one(&b, &o, &plain);
	ck_assert(isinf(task_bench_value(&b, "psnr")));
	ck_assert_double_eq(task_bench_value(&b, "out_of_range"), 2);
	task_bench_close(&b);
	ck_ok(task_bench_open(&b, "superres", root, "clamp=false,ssim=false", PAIRS, err));
	run_one(&b, &o, &plain);
	ck_assert_double_eq_tol(task_bench_value(&b, "psnr"), 20 * log10(255 / sqrt(116.0 / (3 * N))), 1e-9);
	ck_assert_double_eq(task_bench_value(&b, "out_of_range"), 2);
	task_bench_close(&b);
}
END_TEST

START_TEST(one_channel_is_compared_with_luma)
{
	const char *root = make_pair("superres-y");
	static float x[N];
	struct oqz_output o = image_output(x, 1, H, W);
	struct task_bench b;

	for (int full = 0; full < 2; full++) {
		for (int i = 0; i < N; i++) {
			const uint8_t *p = pixels + 3 * i;
			double y = full ? superres_y_full(p[0], p[1], p[2]) : rint(superres_y(p[0], p[1], p[2]));
			x[i] = (float)y / 255;
		}
		ck_ok(task_bench_open(&b, "superres", root, full ? "channel=y-full" : "channel=y", PAIRS, err));
		run_one(&b, &o, &plain);
		ck_assert(isinf(task_bench_value(&b, "psnr")));
		x[5] += 2.0F / 255;
		run_one(&b, &o, &plain);
		ck_assert_double_eq_tol(task_bench_value(&b, "psnr"), 20 * log10(255 / sqrt(4.0 / N)), 1e-9);
		task_bench_close(&b);
	}
	ck_ok(task_bench_open(&b, "superres", root, "", PAIRS, err));
	ck_fails(task_bench_score(&b, 0, &o, 1, &plain, err), OQZ_E_MISMATCH, "one channel");
	task_bench_close(&b);
}
END_TEST

/* The image lies in the corner of a larger input; the rest of the output does not count. B,G,R for once. */
START_TEST(padding_is_cut_away)
{
	enum { PW = W + 6, PH = H + 10 };
	const char *root = make_pair("superres-pad");
	const struct oqz_geometry padded = { LR_W, LR_H, LR_W + 3, LR_H + 5, 1, 1, 1, 2 };
	static float x[3 * PW * PH];
	struct oqz_output o = image_output(x, 3, PH, PW);
	struct task_bench b;

	for (int c = 0; c < 3; c++)
		for (int i = 0; i < N; i++)
			x[(c * PH + i / W + 4) * PW + i % W + 2] = (float)pixels[3 * i + 2 - c] / 255;
	ck_ok(task_bench_open(&b, "superres", root, "order=bgr", PAIRS, err));
	run_one(&b, &o, &padded);
	ck_assert(isinf(task_bench_value(&b, "psnr")));
	task_bench_close(&b);
}
END_TEST

START_TEST(what_does_not_fit_is_refused)
{
	const char *root = make_pair("superres-refused");
	static float x[3 * N];
	struct oqz_output o = image_output(x, 3, H, W);
	struct oqz_geometry g = plain;
	struct task_bench b;

	perfect(x);
	ck_ok(task_bench_open(&b, "superres", root, "", PAIRS, err));
	g.scale_x = 0.5;
	ck_fails(task_bench_score(&b, 0, &o, 1, &g, err), OQZ_E_MISMATCH, "resized or cut");
	g = plain;
	g.net_width = 7;
	ck_fails(task_bench_score(&b, 0, &o, 1, &g, err), OQZ_E_MISMATCH, "whole multiple");
	x[7] = NAN;
	ck_fails(task_bench_score(&b, 0, &o, 1, &plain, err), OQZ_E_DATA, "not numbers");
	perfect(x);
	/* A larger reference is cut, and that is counted; a smaller one is refused. */
	static uint8_t wide[(W + 1) * H * 3];
	test_write_png(root, "hr/0801.png", wide, W + 1, H, 3);
	run_one(&b, &o, &plain);
	ck_assert_double_eq(task_bench_value(&b, "cropped"), 1);
	test_write_png(root, "hr/0801.png", wide, W - 1, H, 3);
	ck_fails(task_bench_score(&b, 0, &o, 1, &plain, err), OQZ_E_MISMATCH, "smaller");
	test_write_text(root, "hr/0801.png", "no image");
	ck_fails(task_bench_score(&b, 0, &o, 1, &plain, err), OQZ_E_DATA, "0801.png");
	task_bench_close(&b);
	ck_ok(task_bench_open(&b, "superres", root, "crop=5", PAIRS, err));
	ck_fails(task_bench_score(&b, 0, &o, 1, &plain, err), OQZ_E_MISMATCH, "leave too little for SSIM");
	task_bench_close(&b);
}
END_TEST

START_TEST(pairs_are_found_by_name)
{
	const char *root = test_tmpdir("superres-pairs");
	struct task_bench b;

	test_write_text(root, "set/b.1_LR.png", "x");
	test_write_text(root, "set/b.1_HR.jpg", "x");
	test_write_text(root, "set/a_LR.png", "x");
	test_write_text(root, "set/a_HR.png", "x");
	test_write_text(root, "set/sub/a_LR.png", "x");
	test_write_text(root, "set/sub/a_HR.png", "x");
	const char *both = "lr=@/set,hr=@/set,lr_suffix=_LR,hr_suffix=_HR";
	ck_ok(task_bench_open(&b, "superres", root, "", both, err));
	ck_assert_uint_eq(b.items.items.n, 3);
	ck_assert_str_eq(b.items.items.v[1].id, "b.1_LR.png");
	ck_assert_str_eq(b.items.items.v[2].id, "sub/a_LR.png");
	task_bench_close(&b);
	test_write_text(root, "set/c_LR.png", "x");
	ck_fails(task_bench_open(&b, "superres", root, "", both, err), OQZ_E_NOENT, "c_LR.png has no reference");
	task_bench_close(&b);
	test_write_text(root, "set/c_HR.png", "x");
	test_write_text(root, "set/c_HR.jpg", "x");
	ck_fails(task_bench_open(&b, "superres", root, "", both, err), OQZ_E_DATA, "could be the reference");
	task_bench_close(&b);
	ck_fails(task_bench_open(&b, "superres", root, "", "lr=@/set,hr=@/set/sub", err), OQZ_E_DATA, "ends in 'x4'");
	task_bench_close(&b);
	ck_fails(task_bench_open(&b, "superres", root, "", "lr=@/set", err), OQZ_E_USAGE, "needs the parameter 'hr'");
	task_bench_close(&b);
	ck_ok(task_bench_open(&b, "superres", root, "", "lr=@/set,reader=images,take_first=2", err));
	ck_assert_uint_eq(b.items.items.n, 2);
	task_bench_close(&b);
}
END_TEST

OQZ_TEST_MAIN("superres", psnr_and_ssim_are_those_of_mmediting, luma_is_that_of_matlab, measures_of_simple_images,
              errors_are_counted_where_they_are, clamping_is_a_choice, one_channel_is_compared_with_luma,
              padding_is_cut_away, what_does_not_fit_is_refused, pairs_are_found_by_name)
