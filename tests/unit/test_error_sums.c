/* SPDX-License-Identifier: Apache-2.0
 *
 * Error sums against the golden layers and a plain sum; the reductions' special cases.
 */
#include "tests/support/support.h"
#include "core/base/rng.h"
#include "core/metric/error_sums.h"
#include "core/tensor/npy.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

static void near(double got, json_t *want, const char *what)
{
	double w = json_number_value(want);

	ck_assert_msg(json_is_number(want) && fabs(got - w) <= 1e-9 * fabs(w), "%s: %.17g, not %.17g", what, got, w);
}

START_TEST(layers_equal_golden)
{
	const char *path = shared_path("golden/metrics/quant_error/expected.json"), *name;
	json_t *layer;

	if (!path) {
		printf("skipped: golden/metrics/quant_error is not here\n");
		return;
	}
	json_t *j = json_load_file(path, 0, NULL);
	ck_assert_ptr_nonnull(j);
	json_object_foreach(json_object_get(j, "layers"), name, layer)
	{
		struct oqz_tensor a = { 0 }, b = { 0 };
		struct oqz_error_sums sums[16];
		struct oqz_layer_error e;
		ck_ok(oqz_npy_read(shared_path("golden/metrics/quant_error/%s_quant.npy", name), &a, err));
		ck_ok(oqz_npy_read(shared_path("golden/metrics/quant_error/%s_float.npy", name), &b, err));
		size_t images = (size_t)a.shape.dim[0], each = (size_t)oqz_tensor_nelem(&a) / images;
		for (size_t i = 0; i < images; i++) {
			oqz_error_sums((const float *)a.data + i * each, (const float *)b.data + i * each, each,
			               &sums[i]);
			near(sums[i].err2, json_array_get(json_object_get(layer, "sum_err2"), i), name);
			near(sums[i].ref2, json_array_get(json_object_get(layer, "sum_ref2"), i), name);
		}
		oqz_layer_error(sums, images, 1, &e);
		near(e.pooled, json_object_get(layer, "pooled_rel"), name);
		near(e.mean, json_object_get(layer, "mean_of_ratios_defined"), name);
		oqz_tensor_release(&a);
		oqz_tensor_release(&b);
	}
	json_decref(j);
}
END_TEST

START_TEST(sums_follow_the_stated_order)
{
	enum { N = 4096 * 2 + 517 };
	float *a = malloc(N * sizeof *a), *b = malloc(N * sizeof *b);
	struct oqz_rng rng;

	oqz_rng_init(&rng, 7);
	for (int i = 0; i < N; i++) {
		b[i] = (float)oqz_rng_normal(&rng);
		a[i] = b[i] + 0.01f * (float)oqz_rng_normal(&rng);
	}
	static const size_t sizes[] = { 0, 1, 15, 16, 17, 255, 256, 257, 4095, 4096, 4097, N };
	for (size_t s = 0; s < OQZ_COUNTOF(sizes); s++) {
		struct oqz_error_sums got;
		double err2 = 0, ref2 = 0;
		oqz_error_sums(a, b, sizes[s], &got);
		for (size_t blk = 0; blk < sizes[s]; blk += 4096) {
			double e[16] = { 0 }, r[16] = { 0 };
			for (size_t i = blk; i < sizes[s] && i < blk + 4096; i++) {
				double d = (double)a[i] - b[i];
				e[i % 16] += d * d;
				r[i % 16] += (double)b[i] * b[i];
			}
			for (int w = 8; w; w /= 2)
				for (int l = 0; l < w; l++)
					e[l] += e[l + w], r[l] += r[l + w];
			err2 += e[0];
			ref2 += r[0];
		}
		ck_assert_msg(got.err2 == err2 && got.ref2 == ref2, "%zu elements", sizes[s]);
	}
	free(a);
	free(b);
}
END_TEST

/* Any number of lanes against one B: each as alone, B's own sum once. */
START_TEST(many_lanes_are_each_as_alone)
{
	enum { MOST = 200, N = 300 };
	static float b[N], x[MOST][N];
	const float *a[MOST];
	static const size_t lanes[] = { 1, 63, 64, 65, 128, 129, MOST };
	struct oqz_error_sums alone;

	for (int i = 0; i < N; i++)
		b[i] = (float)(i % 17) - 8;
	for (int k = 0; k < MOST; k++) {
		a[k] = x[k];
		for (int i = 0; i < N; i++)
			x[k][i] = b[i] + (float)(k * i % 13) * 0.125f;
	}
	for (size_t t = 0; t < OQZ_COUNTOF(lanes); t++) {
		double err2[MOST + 1] = { 0 }, ref2 = 0;
		oqz_error_block(a, lanes[t], b, N, err2, &ref2);
		for (size_t k = 0; k < lanes[t]; k++) {
			oqz_error_sums(x[k], b, N, &alone);
			ck_assert_msg(err2[k] == alone.err2, "lane %zu of %zu", k, lanes[t]);
		}
		ck_assert(ref2 == alone.ref2 && err2[lanes[t]] == 0);
	}
}
END_TEST

START_TEST(special_cases_are_counted)
{
	const struct oqz_error_sums s[] = { { 1, 4 }, { 0, 0 }, { 2, 0 }, { 0, 9 } };
	const struct oqz_error_sums zero = { 3, 0 }, bad[] = { { 1, 4 }, { NAN, 4 } },
	                            wide[] = { { 1, 4 }, { 1, INFINITY } };
	struct oqz_layer_error e, layers[3] = { 0 };
	struct oqz_model_error m;

	oqz_layer_error(s, 4, 1, &e);
	ck_assert_double_eq(e.pooled, sqrt(3.0 / 13));
	ck_assert_double_eq(e.mean, 0.5 / 3);
	ck_assert_double_eq(e.max, 0.5);
	ck_assert_int_eq((int)e.undefined, 1);
	oqz_layer_error(s, 2, 3, &e); /* every third: {1,4} and {0,9} */
	ck_assert_double_eq(e.pooled, sqrt(1.0 / 13));
	oqz_layer_error(&zero, 1, 1, &e);
	ck_assert(isinf(e.pooled) && isnan(e.mean) && isnan(e.max));
	oqz_layer_error(&s[1], 1, 1, &e); /* no error of nothing */
	ck_assert(e.pooled == 0 && e.mean == 0 && e.undefined == 0);
	oqz_layer_error(wide, 2, 1, &e);
	ck_assert(isinf(e.pooled) && e.mean == 0.5 && e.nonfinite == 1);
	oqz_layer_error(bad, 2, 1, &e);
	ck_assert(isinf(e.pooled));
	ck_assert_int_eq((int)e.nonfinite, 1);
	ck_assert_double_eq(e.mean, 0.5);
	layers[0].pooled = 0.1, layers[1].pooled = INFINITY, layers[2].pooled = 0.3;
	layers[0].mean = 0.2, layers[1].mean = NAN, layers[2].mean = 0.4;
	oqz_model_error(layers, (const unsigned char[]) { 1, 0, 0 }, 3, &m);
	ck_assert_double_eq(m.aqe, (0.1 + 0.3) / 2);
	ck_assert(isinf(m.mqe));
	ck_assert_double_eq(m.oqe, 0.1);
	ck_assert_double_eq(m.mean_mqe, 0.4);
	ck_assert_double_eq(m.mean_oqe, 0.2);
	ck_assert_int_eq((int)m.infinite, 1);
	layers[0].mean = NAN; /* is no largest, also where it comes first */
	oqz_model_error(layers, NULL, 3, &m);
	ck_assert_double_eq(m.mean_mqe, 0.4);
	ck_assert_double_eq(m.mean_aqe, 0.4);
	oqz_model_error(layers, NULL, 0, &m);
	ck_assert(isnan(m.aqe) && isnan(m.mqe) && isnan(m.oqe));
}
END_TEST

OQZ_TEST_MAIN("error_sums", layers_equal_golden, sums_follow_the_stated_order, many_lanes_are_each_as_alone,
              special_cases_are_counted)
