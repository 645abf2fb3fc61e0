/* SPDX-License-Identifier: Apache-2.0
 *
 * Equal bins, which a second pass counts into, and the searches of mse and kl over them: bins and ranges of PPQ one by
 * one, which candidates there are, what decides between equals, and whom the second pass belongs to.
 */
#include "core/quant/calibrate_hist.h"
#include "core/base/str.h"
#include "tests/unit/observer_rows.h"

#include <math.h>
#include <string.h>

static struct golden g;

static uint32_t next(uint32_t *seed) { return *seed = *seed * 1664525u + 1013904223u; }

/* The bins of the second pass are PPQ's own, one by one. */
START_TEST(bins_equal_golden)
{
	static const struct {
		const char *key;
		unsigned need;
	} kinds[] = { { "hist/kl/sym/", OQZ_OBS_BINS_MAGNITUDE },
		      { "hist/mse/sym/", OQZ_OBS_BINS_MAGNITUDE },
		      { "hist/mse/asym/", OQZ_OBS_BINS_RANGE } };
	static const char *const data[] = {
		"normal", "relu", "heavy", "outlier", "biased", "tiny", "logits", "softmax"
	};

	if (!rows_open(&g))
		return;
	for (size_t d = 0; d < OQZ_COUNTOF(data); d++)
		for (size_t k = 0; k < OQZ_COUNTOF(kinds); k++) {
			OQZ_CLEANUP(oqz_observer_free_cleanup) struct oqz_observer *o = NULL;
			char key[64];
			double bins[4096];
			snprintf(key, sizeof key, "x/%s", data[d]);
			struct oqz_tensor x = golden_array(&g, key);
			snprintf(key, sizeof key, "%s%s", kinds[k].key, data[d]);
			struct oqz_tensor want = golden_array(&g, key);
			ck_ok(oqz_observe_once(kinds[k].need, 0, x.data, (size_t)oqz_tensor_nelem(&x), 0, &o, err));
			ck_ok(oqz_bins_get(o, kinds[k].need, (int)oqz_tensor_nelem(&want), bins, err));
			for (int64_t i = 0; i < oqz_tensor_nelem(&want); i++)
				ck_assert_msg(bins[i] == ((const int32_t *)want.data)[i], "%s bin %d: %g, not %d", key,
				              (int)i, bins[i], ((const int32_t *)want.data)[i]);
		}
	golden_close(&g);
}
END_TEST

/* Where candidates are equally good the first one is taken; which ones there are. */
START_TEST(searches_by_hand)
{
	enum { MSE = 2048, KL = 4096, LEVELS = 256 };
	static float narrow[KL], work[2 * KL];
	static double bins[MSE];
	struct oqz_site s = { .axis = -1, .symmetric = true, .grid = int8_grid(true) };
	static const float apart[] = { 10, 9, 1000, 990 };
	float scale;
	int start, end;

	/* kl: nothing but the one that is put into bin 8, so that no cut loses anything */
	ck_assert_int_eq(oqz_kl_search(narrow, KL, 8, work), 128);
	/* asymmetric mse: a value on the first code of both grids, from 0 and from 8 */
	bins[8] = 1;
	oqz_mse_search(bins, MSE, LEVELS, false, 1, -1e6, &start, &end);
	ck_assert(start == 0 && end == LEVELS);
	/* in the middle of a step of one bin the error is a quarter: clipping a rare value is better than wider steps
	 */
	memset(bins, 0, sizeof bins);
	bins[10] = 1000;
	bins[257] = 1;
	oqz_mse_search(bins, MSE, LEVELS, true, 1, 0, &start, &end);
	ck_assert(start == 0 && end == LEVELS);
	/* grids may end up to 256 bins behind the last: steps of 7 from 264 end at 2056 */
	memset(bins, 0, sizeof bins);
	for (int i = 264; i < MSE; i += 7)
		bins[i] = 1;
	oqz_mse_search(bins, MSE, LEVELS, false, 1, -1e6, &start, &end);
	ck_assert_msg(start == 264 && end == 2056, "%d .. %d", start, end);
	/* isotone: (9 / 126.49, 2) and (990 / 126.49, 20) do not meet: the first is as good as the second */
	ck_ok(find_scale("isotone", s, apart, 4, 2, &scale, err));
	ck_assert(scale == (float)(9 / 126.49));
	/* small floats: many small values, and a large one that is better clipped */
	static float x[5001];
	for (int i = 0; i < 5000; i++)
		x[i] = (i % 2 ? 1.f : -1.f) * (0.5f + (float)(i % 64) / 128);
	x[5000] = 48;
	s.pow2 = true;
	s.grid = (struct oqz_grid) { .kind = OQZ_GRID_MINIFLOAT,
		                     .bits = 4,
		                     .exp_bits = 2,
		                     .man_bits = 1,
		                     .bias = 1,
		                     .special = OQZ_GRID_FINITE,
		                     .max = 6 };
	ck_ok(find_scale("mse", s, x, 5001, 1, &scale, err));
	double least = INFINITY, best = 0;
	for (int e = 6; e >= -10; e--) {
		struct oqz_qspec q = { .grid = s.grid, .axis = -1, .n_scale = 1, .scale = &(float) { ldexpf(1, e) } };
		static float y[5001];
		double loss = 0;
		ck_ok(oqz_fake_quantize(&q, &(struct oqz_shape) { 1, { 5001 } }, x, y, err));
		for (int i = 0; i < 5001; i++)
			loss += ((double)y[i] - (double)x[i]) * ((double)y[i] - (double)x[i]);
		best = loss < least ? ldexp(1, e) : best;
		least = fmin(loss, least);
	}
	ck_assert(best < 4); /* 48 / 6 is 8, the search begins at 16 */
	ck_assert_double_eq((double)scale, best);
}
END_TEST

/* Three bits, 128 cuts: which of two cuts is the best depends on the last bits of sums, here as by torch 1.13. Sums one
 * after the other, or in double precision, give 512 and 508. */
START_TEST(near_ties_of_kl_are_torch_s)
{
	static const struct {
		uint32_t seed;
		bool squared;
		int cut;
	} rows[] = { { 1946, false, 508 }, { 1883, true, 512 } };
	enum { N = 512 };
	float work[2 * N];

	for (size_t k = 0; k < OQZ_COUNTOF(rows); k++) {
		uint32_t seed = rows[k].seed;
		float bins[N] = { 0 };
		for (int i = 0; i < 300; i++) {
			double x = (double)next(&seed) * 0x1p-32;
			bins[(int)((rows[k].squared ? x * x : x) * N)]++;
		}
		ck_assert_int_eq(oqz_kl_search(bins, N, 3, work), rows[k].cut);
	}
	/* two bits: cuts before bin 8, where nothing is counted, are none (in PPQ the first of them is the best) */
	static float flat[4096], room[2 * 4096];
	for (int i = 0; i < 4096; i++)
		flat[i] = 1;
	ck_assert_int_eq(oqz_kl_search(flat, 4096, 2, room), 4096);
}
END_TEST

/* A grid of few codes has steps of many bins: 16 codes, 21 bins apart. */
START_TEST(steps_of_mse_are_as_wide_as_the_bins_allow)
{
	enum { N = 2048, LEVELS = 16, STEP = 21 };
	static double bins[N];
	int start, end;

	for (int k = 0; k < LEVELS; k++)
		bins[STEP * k] = 1;
	oqz_mse_search(bins, N, LEVELS, true, 1, 0, &start, &end);
	ck_assert_msg(start == 0 && end == LEVELS * STEP, "%d .. %d", start, end);
	/* equal errors of 16 .. 64 and 16 .. 72, but for what rounds in PPQ's sum of quotients */
	double few[64] = { [18] = 3, [23] = 1, [57] = 3, [59] = 2, [63] = 1 };
	oqz_mse_search(few, 64, 8, false, 1, -1e6, &start, &end);
	ck_assert_msg(start == 16 && end == 72, "%d .. %d", start, end);
}
END_TEST

/* Bins belong to one first pass; statistics with bins do not grow. */
START_TEST(second_pass_is_guarded)
{
	OQZ_CLEANUP(oqz_observer_free_cleanup)
	struct oqz_observer *a = NULL, *b = NULL, *s = NULL, *t = NULL, *none = NULL;
	struct oqz_site site = { .axis = -1, .symmetric = true, .grid = int8_grid(true) };
	static const float x[] = { 1, 2, -3 }, y[] = { 1, 2, -4 };
	double lo, hi;
	float scale;

	ck_ok(oqz_observer_new(OQZ_OBS_BINS_MAGNITUDE, 0, 0, &a, err));
	ck_ok(oqz_observer_new(OQZ_OBS_BINS_MAGNITUDE, 0, 0, &b, err));
	ck_ok(oqz_observer_add(a, 0, x, 3, 0, err));
	ck_ok(oqz_observer_add(b, 0, y, 3, 0, err));
	ck_fails(oqz_calibrator_find("kl")->find(a, &site, &lo, &hi, &scale, err), OQZ_E_MISMATCH, "second pass");
	ck_ok(oqz_observer_second(a, &s, err));
	ck_fails(oqz_observer_second(s, &t, err), OQZ_E_INTERNAL, "no second pass");
	ck_ok(oqz_observer_add(s, 0, x, 3, 0, err));
	ck_fails(oqz_observer_merge(b, s, err), OQZ_E_MISMATCH, "no second pass of");
	ck_ok(oqz_observer_merge(a, s, err));
	ck_ok(oqz_calibrator_find("kl")->find(a, &site, &lo, &hi, &scale, err));
	ck_fails(oqz_observer_merge(a, b, err), OQZ_E_MISMATCH, "is over");
	ck_fails(oqz_observer_merge(b, a, err), OQZ_E_MISMATCH, "is over");
	ck_fails(oqz_observer_merge(s, b, err), OQZ_E_MISMATCH, "is over");
	/* who has seen nothing, a thread without images, takes nothing away */
	ck_ok(oqz_observer_new(OQZ_OBS_BINS_MAGNITUDE, 0, 0, &none, err));
	ck_ok(oqz_observer_merge(a, none, err));
	ck_assert_int_eq((int)oqz_observer_count(a), 3);
}
END_TEST /* What is not finite falls into no bin, wherever it stands in a row of numbers. */
START_TEST(bins_leave_out_what_is_not_finite)
{
	enum { N = 150 };
	static const float bad[] = { NAN, INFINITY, -INFINITY };
	float x[N], y[N];
	size_t n = 0;

	for (int i = 0; i < N; i++) {
		x[i] = i % 7 == 3 ? bad[i % 3] : (float)(i % 31) - 11;
		if (isfinite(x[i]))
			y[n++] = x[i];
	}
	for (unsigned need = OQZ_OBS_BINS_MAGNITUDE; need <= OQZ_OBS_BINS_RANGE; need <<= 1) {
		OQZ_CLEANUP(oqz_observer_free_cleanup) struct oqz_observer *with = NULL, *without = NULL;
		double a[4096] = { 0 }, b[4096] = { 0 }, sum = 0;
		ck_ok(oqz_observe_once(need, 0, x, N, 0, &with, err));
		ck_ok(oqz_observe_once(need, 0, y, n, 0, &without, err));
		ck_ok(oqz_bins_get(with, need, 4096, a, err));
		ck_ok(oqz_bins_get(without, need, 4096, b, err));
		ck_assert_mem_eq(a, b, sizeof a);
		for (int i = 0; i < 4096; i++)
			sum += a[i];
		ck_assert(sum == (double)n);
	}
}
END_TEST

/* The second pass may run behind more quantized tensors than the first: what it sees beyond the extremes falls into no
 * bin, as in PPQ (torch.histc). The extremes themselves do. */
START_TEST(bins_leave_out_what_is_beyond_the_extremes)
{
	static const float first[] = { -2, 0.5f, 1, 3 }, later[] = { -2.5f, -2, 0.5f, 2.9f, 3, 3.01f, -3.5f },
	                   inside[] = { -2, 0.5f, 2.9f, 3 }, within[] = { -2.5f, -2, 0.5f, 2.9f, 3 };

	for (unsigned need = OQZ_OBS_BINS_MAGNITUDE; need <= OQZ_OBS_BINS_RANGE; need <<= 1) {
		bool magnitude = need != OQZ_OBS_BINS_RANGE; /* -2.5 is beyond -2, but not beyond 3 */
		double bins[2][4096] = { { 0 } };
		for (int k = 0; k < 2; k++) {
			OQZ_CLEANUP(oqz_observer_free_cleanup) struct oqz_observer *o = NULL, *s = NULL;
			ck_ok(oqz_observer_new(need, 0, 0, &o, err));
			ck_ok(oqz_observer_add(o, 0, first, OQZ_COUNTOF(first), 0, err));
			ck_ok(oqz_observer_second(o, &s, err));
			if (k == 0)
				ck_ok(oqz_observer_add(s, 0, later, OQZ_COUNTOF(later), 0, err));
			else
				ck_ok(oqz_observer_add(s, 0, magnitude ? within : inside,
				                       magnitude ? OQZ_COUNTOF(within) : OQZ_COUNTOF(inside), 0, err));
			ck_ok(oqz_observer_merge(o, s, err));
			ck_ok(oqz_bins_get(o, need, 4096, bins[k], err));
		}
		ck_assert(bins[0][4095] == 1);
		ck_assert(!memcmp(bins[0], bins[1], sizeof bins[0]));
	}
}
END_TEST

/* Any power of two of bins: what counting into so many would have found. */
START_TEST(bins_of_a_scheme_s_own_number)
{
	enum { N = 3000 };
	static float x[N], narrow[OQZ_BINS], work[2 * OQZ_BINS];
	static double bins[OQZ_BINS];
	uint32_t seed = 3;
	float scale, other;
	struct oqz_str words = { 0 };

	for (int i = 0; i < N; i++)
		x[i] = powf((float)next(&seed) * 0x1p-32f, 3) * (i % 2 ? 1 : -0.7f);
	float lo = 0, hi = 0;
	for (int i = 0; i < N; i++) {
		lo = fminf(lo, x[i]);
		hi = fmaxf(hi, x[i]);
	}
	for (int kind = 0; kind < 3; kind++) { /* kl, mse, mse with zero points */
		bool sym = kind < 2;
		struct oqz_site s = { .axis = -1, .symmetric = sym, .grid = int8_grid(sym) };
		const char *name = kind ? "mse" : "kl";
		float range = sym ? hi : hi - lo, start = sym ? 0 : lo; /* hi > -lo */
		for (s.bins = 256; s.bins <= OQZ_BINS; s.bins *= 2) {
			double width = ((double)hi - (double)start) / s.bins;
			int from, to;
			memset(bins, 0, sizeof bins);
			for (int i = 0; i < N; i++) {
				int k = (int)(((sym ? fabsf(x[i]) : x[i]) - start) / range * (float)s.bins);
				bins[k < s.bins ? k : s.bins - 1]++;
			}
			for (int i = 0; i < s.bins; i++)
				narrow[i] = (float)bins[i];
			ck_ok(find_scale(name, s, x, N, 1, &scale, err));
			oqz_mse_search(bins, s.bins, 256, sym, width, (double)start, &from, &to);
			double want = kind == 0 ? oqz_kl_search(narrow, s.bins, 8, work) * width / 128
			              : sym     ? 2 * (to * width) / 255
			                        : ((to * width + (double)lo) - (from * width + (double)lo)) / 255;
			ck_assert_msg(scale == (float)want, "%s, %d bins: %a, not %a", name, s.bins, (double)scale,
			              want);
			oqz_calibrator_describe(oqz_calibrator_find(name), &s, NULL, &words);
		}
		s.bins = 0;
		ck_ok(find_scale(name, s, x, N, 1, &scale, err));
		s.bins = kind ? 2048 : 4096;
		ck_ok(find_scale(name, s, x, N, 1, &other, err));
		ck_assert(scale == other);
	}
	ck_assert(strstr(oqz_str_get(&words), "kl bins=256kl bins=512") &&
	          strstr(oqz_str_get(&words), "mse bins=8192"));
	oqz_str_release(&words);
	struct oqz_site wide = { .axis = -1, .symmetric = true, .bins = 64, .grid = int8_grid(true) };
	ck_fails(find_scale("kl", wide, x, N, 1, &scale, err), OQZ_E_UNSUPPORTED, "as it has bins, 64");
	wide.bins = 128;
	ck_ok(find_scale("kl", wide, x, N, 1, &scale, err));
}
END_TEST

OQZ_TEST_MAIN("second_pass", bins_equal_golden, searches_by_hand, near_ties_of_kl_are_torch_s,
              steps_of_mse_are_as_wide_as_the_bins_allow, second_pass_is_guarded, bins_leave_out_what_is_not_finite,
              bins_leave_out_what_is_beyond_the_extremes, bins_of_a_scheme_s_own_number)
