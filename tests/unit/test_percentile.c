/* SPDX-License-Identifier: Apache-2.0
 *
 * core/quant/calibrate_percentile and tail: per batch exactly as PPQ, over the data set within the stated bound of the
 * sorted values, selection against sorting.
 */
#include "core/base/str.h"
#include "core/quant/observer.h"
#include "tests/unit/observer_rows.h"

#include <math.h>
#include <string.h>

static float scale; /* not found: percentile finds ranges */
static uint32_t next(uint32_t *seed) { return *seed = *seed * 1664525u + 1013904223u; }

static int ascending(const void *a, const void *b)
{
	float x = *(const float *)a, y = *(const float *)b;

	return (x > y) - (x < y);
}

static const struct oqz_calibrator *percentile(void) { return oqz_calibrator_find("percentile"); }

START_TEST(batch_scope_equals_golden)
{
	struct golden g;
	size_t i;
	json_t *row;
	int n = 0;

	if (!rows_open(&g))
		return;
	json_array_foreach(json_object_get(g.json, "rows"), i, row)
	{
		if (strcmp(row_string(row, "observer"), "percentile") != 0)
			continue;
		struct oqz_tensor x = row_data(&g, row);
		bool sym = row_bool(row, "symmetric"), pow2 = row_bool(row, "pow2");
		struct oqz_grid grid = int8_grid(sym);
		struct oqz_site site = {
			.grid = grid, .symmetric = sym, .pow2 = pow2, .q = 0.9999, .batch_scope = true
		};
		OQZ_CLEANUP(oqz_observer_free_cleanup) struct oqz_observer *o = NULL;
		/* PPQ's batch of 4 images, here image by image, from the last to the first */
		int images = (int)x.shape.dim[0] * 4;
		size_t per = (size_t)oqz_tensor_nelem(&x) / (size_t)images;
		double lo, hi;
		int32_t zero;
		ck_ok(oqz_observer_new(oqz_calibrator_needs(percentile(), &site), site.q, 4, &o, err));
		for (int k = images - 1; k >= 0; k--)
			ck_ok(oqz_observer_add(o, k, (const float *)x.data + (size_t)k * per, per, 0, err));
		ck_ok(percentile()->find(o, &site, &lo, &hi, &scale, err));
		ck_assert(scale == 0);
		oqz_affine_from_range(lo, hi, &grid, sym, pow2, &scale, &zero);
		ck_assert_msg(scale == (float)json_number_value(json_object_get(row, "scale")), "row %zu (%s): %.9g", i,
		              row_string(row, "data"), (double)scale);
		ck_assert_int_eq(zero, (int)json_number_value(json_object_get(row, "offset")));
		n++;
	}
	ck_assert_int_eq(n, 8 * 4);
	golden_close(&g);
}
END_TEST

/* Exact quantiles per batch for low q, batches cut short, several batches: against sorting. */
START_TEST(batch_scope_equals_sorting)
{
	enum { IMAGES = 7, PER = 3000, BATCH = 3 };
	static float x[IMAGES * PER], v[BATCH * PER];
	const double qs[] = { 0.51, 0.9, 0.999, 1.0 };
	uint32_t seed = 5;

	for (int i = 0; i < IMAGES * PER; i++) {
		x[i] = (float)((int32_t)next(&seed) >> 20); /* many equal values */
		if (i % 3 == 0)
			x[i] = 0;
	}
	for (size_t k = 0; k < OQZ_COUNTOF(qs); k++) {
		struct oqz_site site = { .q = qs[k], .batch_scope = true };
		OQZ_CLEANUP(oqz_observer_free_cleanup) struct oqz_observer *o = NULL;
		double lo, hi;
		float want_lo = 0, want_hi = 0;
		ck_ok(oqz_observer_new(OQZ_OBS_BATCH, qs[k], BATCH, &o, err));
		for (int i = 0; i < IMAGES; i++)
			ck_ok(oqz_observer_add(o, i, x + i * PER, PER, 0, err));
		for (int b = 0; b < IMAGES; b += BATCH) {
			int n = (IMAGES - b < BATCH ? IMAGES - b : BATCH) * PER;
			memcpy(v, x + b * PER, (size_t)n * sizeof *v);
			qsort(v, (size_t)n, sizeof *v, ascending);
			int t = (int)(n * qs[k]);
			want_hi += v[t < n - 1 ? t : n - 1];
			want_lo += v[(int)(n * (1 - qs[k]))];
		}
		ck_ok(percentile()->find(o, &site, &lo, &hi, &scale, err));
		ck_assert_msg(lo == (double)(want_lo / 3) && hi == (double)(want_hi / 3), "q %g: %g %g", qs[k], lo, hi);
	}
}
END_TEST

START_TEST(dataset_scope_keeps_its_bound)
{
	enum { N = 200000 };
	static float x[N];
	const double qs[] = { 0.501, 0.9, 0.99, 0.9999, 0.99999, 1.0 };
	uint32_t seed = 11;

	for (int kind = 0; kind < 4; kind++) {
		for (int i = 0; i < N; i++) {
			double u = ((double)next(&seed) + 1) / 4294967297.0, w = (double)next(&seed) / 4294967296.0;
			double normal = sqrt(-2 * log(u)) * cos(6.283185307179586 * w);
			x[i] = (float)(kind == 0   ? normal
			               : kind == 1 ? (normal > 0 ? normal : 0)
			               : kind == 2 ? exp(3 * normal)
			                           : 1e-38 * normal);
		}
		struct oqz_observer *o;
		ck_ok(oqz_observer_new(OQZ_OBS_HISTOGRAM, 0, 0, &o, err));
		ck_ok(oqz_observer_add(o, 0, x, N, 0, err));
		qsort(x, N, sizeof *x, ascending);
		for (size_t k = 0; k < OQZ_COUNTOF(qs); k++) {
			struct oqz_site site = { .q = qs[k] };
			double lo, hi;
			ck_ok(percentile()->find(o, &site, &lo, &hi, &scale, err));
			int top = (int)(N * qs[k]);
			float want[2] = { x[(int)(N * (1 - qs[k]))], x[top < N - 1 ? top : N - 1] },
			      got[2] = { (float)lo, (float)hi };
			for (int e = 0; e < 2; e++) {
				double bound = fabs((double)want[e]) / 2048;
				bound = bound > 0x1p-137 ? bound : (want[e] == 0 ? 0 : 0x1p-137);
				ck_assert_msg(fabs((double)got[e] - (double)want[e]) <= bound,
				              "kind %d q %g: %a, not %a", kind, qs[k], (double)got[e], (double)want[e]);
			}
			if (qs[k] == 1.0)
				ck_assert(lo == x[0] && hi == x[N - 1]);
		}
		oqz_observer_free(o);
	}
}
END_TEST

/* The value of rank r among the c of its bin is taken at (r + 0.5) / c of it. */
START_TEST(ranks_within_a_bin)
{
	enum { N = 101 };
	double lo, hi;
	float x[N];
	struct oqz_site site = { .q = 0.9, .grid = int8_grid(true), .symmetric = true };
	struct oqz_observer *o;

	for (int sign = -1; sign <= 1; sign += 2) {
		/* 99 twos, in [2, 2 + 2^-10), the 90th and the 10th of them, counted upwards */
		double twos[2] = { 2 + 9.5 / 99 / 1024, 2 + 89.5 / 99 / 1024 };
		for (int i = 0; i < N; i++)
			x[i] = (float)sign * (i == 0 ? -1 : i == N - 1 ? 3 : 2);
		ck_ok(oqz_observe_once(oqz_calibrator_needs(percentile(), &site), 0, x, N, 0, &o, err));
		ck_ok(percentile()->find(o, &site, &lo, &hi, &scale, err));
		ck_assert(lo == (double)(float)(sign * twos[sign < 0]) && hi == (double)(float)(sign * twos[sign > 0]));
		oqz_observer_free(o);
		/* never outside of the extremes, which lie within the bin where all numbers are alike */
		for (int i = 0; i < N; i++)
			x[i] = (float)sign * 2.0005f;
		ck_ok(oqz_observe_once(oqz_calibrator_needs(percentile(), &site), 0, x, N, 0, &o, err));
		ck_ok(percentile()->find(o, &site, &lo, &hi, &scale, err));
		ck_assert(lo == (double)x[0] && hi == (double)x[0]);
		oqz_observer_free(o);
	}
}
END_TEST

/* torch.mean() over 300 rows, by torch 1.13: sums of chunks of 16, not one after the other. */
START_TEST(many_batches_are_averaged_as_torch_does)
{
	enum { N = 300 };
	double lo, hi;
	float in_order = 0, x;
	uint32_t seed = 1;
	struct oqz_site site = { .q = 0.9999, .grid = int8_grid(true), .symmetric = true, .batch_scope = true };
	OQZ_CLEANUP(oqz_observer_free_cleanup) struct oqz_observer *o = NULL;

	ck_ok(oqz_observer_new(oqz_calibrator_needs(percentile(), &site), site.q, 1, &o, err));
	for (int i = 0; i < N; i++) {
		in_order += x = (float)next(&seed) * 0x1p-32f + 1;
		ck_ok(oqz_observer_add(o, i, &x, 1, 0, err));
	}
	ck_ok(percentile()->find(o, &site, &lo, &hi, &scale, err));
	ck_assert_msg(hi == 0x1.814becp+0f && lo == hi, "%a", hi);
	ck_assert((double)(in_order / N) != hi);
}
END_TEST

/* Ranks are those of the finite numbers. */
START_TEST(batches_leave_out_what_is_not_finite)
{
	enum { N = 3000 };
	static float x[N], y[N];
	static const float bad[] = { NAN, INFINITY, -INFINITY };
	double lo[2], hi[2];
	uint32_t seed = 4;
	size_t n = 0;
	struct oqz_site site = { .q = 0.99, .grid = int8_grid(true), .symmetric = true, .batch_scope = true };

	for (int i = 0; i < N; i++) {
		float v = (float)next(&seed) * 0x1p-31f - 1;
		x[i] = i % 5 == 2 ? bad[i % 3] : v;
		if (i % 5 != 2)
			y[n++] = v;
	}
	for (int k = 0; k < 2; k++) {
		OQZ_CLEANUP(oqz_observer_free_cleanup) struct oqz_observer *o = NULL;
		ck_ok(oqz_observer_new(oqz_calibrator_needs(percentile(), &site), site.q, 1, &o, err));
		ck_ok(oqz_observer_add(o, 0, k ? y : x, k ? n : N, 0, err));
		ck_ok(percentile()->find(o, &site, &lo[k], &hi[k], &scale, err));
	}
	ck_assert(lo[0] == lo[1] && hi[0] == hi[1] && hi[0] < 0.99f);
}
END_TEST

/* A tail that dropped values does not know more ranks when more are wanted later, its own or another's; zeros have no
 * sign. */
START_TEST(what_was_dropped_stays_dropped)
{
	enum { N = 2000 };
	float x[N], got;
	struct oqz_tail t, u;

	for (int i = 0; i < N; i++)
		x[i] = (float)(i * 7 % N);
	oqz_tail_init(&t);
	oqz_tail_init(&u);
	oqz_tail_want(&t, 4);
	ck_ok(oqz_tail_add(&t, 1, x, N, err));
	ck_assert(oqz_tail_rank(&t, 3, &got) && got == N - 4);
	ck_assert(!oqz_tail_rank(&t, 4, &got));
	oqz_tail_want(&t, 40);
	ck_ok(oqz_tail_add(&t, 1, x, N, err));
	oqz_tail_normalise(&t);
	ck_assert(oqz_tail_rank(&t, 3, &got) && got == N - 2); /* each twice */
	ck_assert(!oqz_tail_rank(&t, 4, &got));
	/* into one that has all: no more is known than in the poorer */
	oqz_tail_want(&u, N);
	ck_ok(oqz_tail_add(&u, 1, x, 500, err));
	ck_ok(oqz_tail_merge(&u, &t, err));
	ck_assert(oqz_tail_rank(&u, 3, &got) && !oqz_tail_rank(&u, 4, &got));
	oqz_tail_release(&t);
	oqz_tail_release(&u);
	oqz_tail_want(&t, 2);
	ck_ok(oqz_tail_add(&t, -1, (float[]) { 0, -0.0f, INFINITY, NAN, -1 }, 5, err));
	oqz_tail_normalise(&t);
	ck_assert(t.n == 2 && t.v[0] == 1 && t.v[1] == 0 && !signbit(t.v[1]));
	oqz_tail_release(&t);
}
END_TEST

START_TEST(zeros_of_batches_have_no_sign)
{
	static const float x[] = { -0.0f, 0, 0, -0.0f };
	struct oqz_site site = { .q = 0.9, .batch_scope = true };
	struct oqz_observer *o;
	double lo, hi;

	ck_ok(oqz_observer_new(OQZ_OBS_BATCH, 0.9, 1, &o, err));
	ck_ok(oqz_observer_add(o, 0, x, 4, 0, err));
	ck_ok(percentile()->find(o, &site, &lo, &hi, &scale, err));
	ck_assert(lo == 0 && hi == 0 && !signbit(lo) && !signbit(hi));
	oqz_observer_free(o);
}
END_TEST

START_TEST(selection_equals_sorting)
{
	float v[64], s[64];
	uint32_t seed = 2;

	for (int round = 0; round < 20000; round++) {
		size_t n = 1 + next(&seed) % 64, k = (next(&seed) >> 8) % n;
		uint32_t range = 1 + (next(&seed) >> 16) % 40;
		for (size_t i = 0; i < n; i++)
			s[i] = v[i] = (float)((next(&seed) >> 8) % range);
		qsort(s, n, sizeof *s, ascending);
		oqz_select_descending(v, n, k);
		ck_assert(v[k] == s[n - 1 - k]);
		for (size_t i = 0; i < n; i++)
			ck_assert(i < k ? v[i] >= v[k] : v[i] <= v[k]);
	}
}
END_TEST

START_TEST(images_of_changing_size_are_refused_not_guessed)
{
	enum { BIG = 100000 };
	static float x[BIG];
	struct oqz_observer *o;
	struct oqz_site site = { .q = 0.9, .batch_scope = true };
	double lo, hi;

	for (int i = 0; i < BIG; i++)
		x[i] = (float)(i % 977);
	ck_ok(oqz_observer_new(OQZ_OBS_BATCH, 0.9, 3, &o, err));
	ck_ok(oqz_observer_add(o, 0, x, 1000, 0, err));
	ck_ok(oqz_observer_add(o, 1, x, 1000, 0, err));
	ck_fails(({
		         enum oqz_status st = oqz_observer_add(o, 2, x, BIG, 0, err);
		         st == OQZ_OK ? percentile()->find(o, &site, &lo, &hi, &scale, err) : st;
	         }),
	         OQZ_E_UNSUPPORTED, "batches of one image");
	oqz_observer_free(o);
	/* which the message recommends, and which always goes */
	ck_ok(oqz_observer_new(OQZ_OBS_BATCH, 0.9, 1, &o, err));
	for (int i = 0; i < 3; i++)
		ck_ok(oqz_observer_add(o, i, x, i < 2 ? 1000 : BIG, 0, err));
	ck_ok(percentile()->find(o, &site, &lo, &hi, &scale, err));
	oqz_observer_free(o);
}
END_TEST

/* A tensor that comes in pieces of any size leaves what the whole leaves, to the byte. */
START_TEST(pieces_are_the_whole)
{
	enum { IMAGES = 5, SIZE = 5000 };
	static float x[IMAGES][SIZE];
	uint32_t seed = 11;

	for (int k = 0; k < IMAGES * SIZE; k++) {
		double u = (double)next(&seed) / 4294967296.0 - 0.4;
		(&x[0][0])[k] = k % 1013 == 5 ? NAN : k % 1511 == 7 ? -INFINITY : u < 0 ? 0 : (float)(u * u * 9);
	}
	for (int round = 0; round < 12; round++) {
		struct oqz_observer *whole, *parts;
		struct oqz_str a = { 0 }, b = { 0 };
		const unsigned needs = OQZ_OBS_HISTOGRAM | OQZ_OBS_BATCH;
		ck_ok(oqz_observer_new(needs, 0.99, 2, &whole, err));
		ck_ok(oqz_observer_new(needs, 0.99, 2, &parts, err));
		for (int i = 0; i < IMAGES; i++) {
			ck_ok(oqz_observer_add(whole, i, x[i], SIZE, 0, err));
			ck_ok(oqz_observer_open(parts, i, SIZE, err));
			for (size_t at = 0, m; at < SIZE; at += m) {
				m = 1 + next(&seed) % (round < 6 ? 70 : 3000);
				m = SIZE - at < m ? SIZE - at : m;
				ck_ok(oqz_observer_piece(parts, x[i] + at, m, err));
			}
			ck_ok(oqz_observer_close(parts, err));
		}
		ck_ok(oqz_observer_save(whole, &a, err));
		ck_ok(oqz_observer_save(parts, &b, err));
		ck_assert_uint_eq(a.len, b.len);
		ck_assert_mem_eq(a.s, b.s, a.len);
		oqz_str_release(&a);
		oqz_str_release(&b);
		oqz_observer_free(whole);
		oqz_observer_free(parts);
	}
}
END_TEST

OQZ_TEST_MAIN("percentile", batch_scope_equals_golden, batch_scope_equals_sorting, dataset_scope_keeps_its_bound,
              ranks_within_a_bin, many_batches_are_averaged_as_torch_does, batches_leave_out_what_is_not_finite,
              what_was_dropped_stays_dropped, zeros_of_batches_have_no_sign, selection_equals_sorting,
              images_of_changing_size_are_refused_not_guessed, pieces_are_the_whole)
