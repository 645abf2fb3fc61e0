/* SPDX-License-Identifier: Apache-2.0
 *
 * core/quant/observe: statistics do not depend on order or partition, saving and loading is faithful, damaged bytes are
 * refused; minmax, kl and mse against PPQ's numbers.
 */
#include "core/base/str.h"
#include "core/quant/calibrate_hist.h"
#include "core/quant/observer.h"
#include "tests/unit/observer_rows.h"

#include <float.h>
#include <math.h>
#include <string.h>

static struct golden g;

static void expect_scale(json_t *row, size_t i, const struct oqz_site *site, double lo, double hi, float scale)
{
	double want = json_number_value(json_object_get(row, "scale"));
	int32_t zero = 0;

	if (scale == 0)
		oqz_affine_from_range(lo, hi, &site->grid, site->symmetric, site->pow2, &scale, &zero);
	ck_assert_msg(scale == (float)want, "row %zu (%s, %s): scale %.9g, not %.9g", i, row_string(row, "observer"),
	              row_string(row, "data"), (double)scale, want);
	ck_assert_int_eq(zero, (int)json_number_value(json_object_get(row, "offset")));
}

/* minmax along an axis: arrays of scales, for constants. */
static void axis_row(json_t *row, size_t i)
{
	bool weight = row_bool(row, "weight");
	struct oqz_tensor x = row_data(&g, row);
	json_t *want = json_object_get(row, "scale");
	double *lo, *hi;
	float *scale;
	size_t n;
	struct oqz_site site = { .calibrator = "minmax",
		                 .axis = (int)json_integer_value(json_object_get(row, "axis")) + (weight ? 0 : 1),
		                 .symmetric = true,
		                 .pow2 = row_bool(row, "pow2"),
		                 .grid = int8_grid(true) };

	/* activations: the first dimension counts batches, the axis is one of the batch's tensor */
	ck_ok(oqz_observe_constant(&x, &site, &lo, &hi, &scale, &n, err));
	ck_assert(scale == NULL && n == json_array_size(want));
	for (size_t k = 0; k < n; k++) {
		float s;
		int32_t z;
		oqz_affine_from_range(lo[k], hi[k], &site.grid, true, site.pow2, &s, &z);
		ck_assert_msg(s == (float)json_number_value(json_array_get(want, k)), "row %zu channel %zu", i, k);
	}
	free(lo);
}

START_TEST(minmax_equals_golden)
{
	size_t i;
	json_t *row;
	int n = 0;

	if (!rows_open(&g))
		return;
	json_array_foreach(json_object_get(g.json, "rows"), i, row)
	{
		if (strcmp(row_string(row, "observer"), "minmax") != 0)
			continue;
		n++;
		if (json_object_get(row, "axis")) {
			axis_row(row, i);
			continue;
		}
		struct oqz_tensor x = row_data(&g, row);
		bool sym = row_bool(row, "symmetric");
		struct oqz_site site = { .grid = int8_grid(sym), .symmetric = sym, .pow2 = row_bool(row, "pow2") };
		OQZ_CLEANUP(oqz_observer_free_cleanup) struct oqz_observer *o = NULL;
		size_t per = (size_t)oqz_tensor_nelem(&x) / 8;
		double lo, hi;
		float scale;
		ck_ok(oqz_observer_new(OQZ_OBS_MINMAX, 0, 0, &o, err));
		for (size_t b = 0; b < 8; b++)
			ck_ok(oqz_observer_add(o, (int64_t)b, (const float *)x.data + b * per, per, 0, err));
		ck_ok(oqz_calibrator_find("minmax")->find(o, &site, &lo, &hi, &scale, err));
		expect_scale(row, i, &site, lo, hi, scale);
	}
	ck_assert_int_eq(n, 6 * 4 + 3 * 4 + 8 * 4);
	golden_close(&g);
}
END_TEST

/* The searches over PPQ's own histograms. */
static void search_row(json_t *row, size_t i, bool kl)
{
	bool sym = row_bool(row, "symmetric");
	char key[128];
	struct oqz_tensor x = row_data(&g, row);
	struct oqz_site site = { .grid = int8_grid(sym), .symmetric = sym, .pow2 = row_bool(row, "pow2") };
	OQZ_CLEANUP(oqz_observer_free_cleanup) struct oqz_observer *o = NULL;
	float scale = 0, narrow[4096], work[8192];
	double lo, hi, bins[4096], width = json_number_value(json_object_get(row, "hist_scale"));
	int count = kl ? 4096 : 2048, start, end;

	snprintf(key, sizeof key, "hist/%s/%s/%s", kl ? "kl" : "mse", sym ? "sym" : "asym", row_string(row, "data"));
	struct oqz_tensor h = golden_array(&g, key);
	for (int b = 0; b < count; b++) {
		bins[b] = ((const int32_t *)h.data)[b];
		narrow[b] = (float)bins[b];
	}
	ck_ok(oqz_observer_new(OQZ_OBS_HISTOGRAM, 0, 0, &o, err));
	ck_ok(oqz_observer_add(o, 0, x.data, (size_t)oqz_tensor_nelem(&x), 0, err));
	if (kl) {
		double s = oqz_kl_search(narrow, count, 8, work) * width / 128;
		s = s > 1e-8 ? s : 1e-8;
		scale = (float)(site.pow2 ? exp2(floor(log2(s) + 0.5)) : s);
		expect_scale(row, i, &site, 0, 0, scale);
	} else {
		ck_ok(oqz_calibrator_find("minmax")->find(o, &site, &lo, &hi, &scale, err));
		double lowest = sym ? 0 : lo;
		oqz_mse_search(bins, count, 256, sym, width, lowest, &start, &end);
		expect_scale(row, i, &site, sym ? -end * width : start * width + lowest, end * width + lowest, 0);
	}
}

START_TEST(searches_equal_golden)
{
	size_t i;
	json_t *row;
	int n = 0;

	if (!rows_open(&g))
		return;
	json_array_foreach(json_object_get(g.json, "rows"), i, row)
	{
		bool kl = !strcmp(row_string(row, "observer"), "kl");
		if (kl || !strcmp(row_string(row, "observer"), "mse")) {
			search_row(row, i, kl);
			n++;
		}
	}
	ck_assert_int_eq(n, 8 * 2 + 8 * 4);
	golden_close(&g);
}
END_TEST

/* PPQ's choice among its seven scales for FP8, whole tensors and weights per channel. */
START_TEST(candidates_equal_golden)
{
	size_t i, k;
	json_t *row, *candidate;
	int n = 0;

	if (!rows_open(&g))
		return;
	json_array_foreach(json_object_get(g.json, "rows"), i, row)
	{
		if (strcmp(row_string(row, "observer"), "floating") != 0)
			continue;
		bool per_channel = json_object_get(row, "axis") != NULL;
		struct oqz_tensor x = row_data(&g, row);
		struct oqz_site site = { .calibrator = "floating", .axis = per_channel ? 0 : -1, .grid = e4m3_grid };
		double *lo, *hi;
		float *scale;
		size_t count;
		ck_ok(oqz_observe_constant(&x, &site, &lo, &hi, &scale, &count, err));
		ck_assert(scale != NULL);
		json_t *want = json_object_get(row, per_channel ? "scale" : "full_data_choice");
		for (size_t c = 0; c < count; c++) {
			double w = json_number_value(per_channel ? json_array_get(want, c) : want);
			ck_assert_msg((double)scale[c] == w, "row %zu (%s) channel %zu: %g, not %g", i,
			              row_string(row, "data"), c, (double)scale[c], w);
		}
		free(lo);
		n++;
		if (per_channel)
			continue;
		/* the errors themselves are near: a bin's middle stands for its values */
		OQZ_CLEANUP(oqz_observer_free_cleanup) struct oqz_observer *o = NULL;
		ck_ok(oqz_observer_new(OQZ_OBS_HISTOGRAM, 0, 0, &o, err));
		ck_ok(oqz_observer_add(o, 0, x.data, (size_t)oqz_tensor_nelem(&x), 0, err));
		json_array_foreach(json_object_get(row, "candidates"), k, candidate)
		{
			float s = (float)json_number_value(candidate);
			double loss, mse = json_number_value(json_array_get(json_object_get(row, "full_data_mse"), k));
			ck_ok(oqz_grid_losses(o, &site.grid, &s, 1, &loss, err));
			loss /= (double)oqz_tensor_nelem(&x);
			ck_assert_msg(fabs(loss - mse) <= 0.01 * mse, "row %zu scale %g: %g, not %g", i, (double)s,
			              loss, mse);
		}
		/* the finer search is never worse */
		float best;
		double a, b;
		ck_ok(oqz_grid_mse_scale(o, &site, &best, err));
		ck_ok(oqz_grid_losses(o, &site.grid, &best, 1, &a, err));
		ck_ok(oqz_grid_losses(o, &site.grid, &(float) { (float)json_number_value(want) }, 1, &b, err));
		ck_assert_msg(a <= b * 1.02, "row %zu: the search found %g with %g, a candidate has %g", i,
		              (double)best, a, b);
	}
	ck_assert_int_eq(n, 8 + 3 + 3);
	golden_close(&g);
}
END_TEST

/* Of a code book whose dense part is far below its largest value the best scale is far above amax / largest; of three
 * values it lies below. Found is what trying all scales finds. */
START_TEST(code_books_are_searched_whole)
{
	enum { N = 4000, MOST = 127 };
	static const struct {
		int up, down; /* levels with eight, four, two, one values an octave, away from 1 */
	} books[] = { { 12, 12 }, { 3, 12 }, { 0, 0 }, { 0, 6 } };
	float x[N];
	uint32_t seed = 5;

	for (int i = 0; i < N; i++) {
		x[i] = 0;
		for (int k = 0; k < 12; k++) /* nearly normal */
			x[i] += (float)(seed = seed * 1664525u + 1013904223u) * 0x1p-32f - 0.5f;
	}
	for (size_t b = 0; b < OQZ_COUNTOF(books); b++) {
		OQZ_CLEANUP(oqz_observer_free_cleanup) struct oqz_observer *o = NULL;
		double values[2 * MOST + 1] = { 0 }, found, best = INFINITY;
		uint32_t n = 0;
		float scale;
		for (int e = -books[b].down; e <= books[b].up && n < MOST; e++)
			for (int per = 8 >> abs(e) / 2 ? 8 >> abs(e) / 2 : 1, k = 0; k < per && n < MOST; k++)
				values[MOST + ++n] = ldexp(1 + (double)k / per, e);
		for (uint32_t i = 1; i <= n; i++)
			values[MOST - i] = -values[MOST + i];
		struct oqz_site site = {
			.axis = -1,
			.grid = { .kind = OQZ_GRID_CODEBOOK, .n_values = 2 * n + 1, .values = values + MOST - n }
		};
		ck_ok(oqz_observe_once(OQZ_OBS_HISTOGRAM, 0, x, N, 0, &o, err));
		for (int pow2 = 0; pow2 < 2; pow2++) {
			site.pow2 = pow2;
			ck_ok(oqz_grid_mse_scale(o, &site, &scale, err));
			int exponent;
			ck_assert(!pow2 || frexpf(scale, &exponent) == 0.5f);
			ck_ok(oqz_grid_losses(o, &site.grid, &scale, 1, &found, err));
			best = INFINITY;
			for (int k = -32 * 20; k <= 32 * 20; k++) {
				float s = exp2f((float)k / 32);
				double loss;
				if (pow2 && k % 32)
					continue;
				ck_ok(oqz_grid_losses(o, &site.grid, &s, 1, &loss, err));
				best = fmin(best, loss);
			}
			ck_assert_msg(found <= best * (pow2 ? 1 : 1.03),
			              "book %zu, pow2 %d: scale %g has %g, another %g", b, pow2, (double)scale, found,
			              best);
		}
	}
}
END_TEST

/* ---------------------------------------------------------------------------------------------------- order */

enum { IMAGES = 11, PER = 700, BATCH = 4 };

static uint32_t next(uint32_t *seed) { return *seed = *seed * 1664525u + 1013904223u; }

static void fill(float *x, uint32_t seed)
{
	for (int i = 0; i < IMAGES * PER; i++) {
		int32_t a = (int32_t)next(&seed) >> 8;
		x[i] = next(&seed) & 0x10000 ? 0 : (float)a * (float)(next(&seed) >> 20) * 0x1p-20f;
	}
	x[5] = NAN;
	x[PER + 3] = -INFINITY;
	x[PER * 4] = -0.0f;
}

static struct oqz_observer *make(void)
{
	struct oqz_observer *o;

	ck_ok(oqz_observer_new(OQZ_OBS_HISTOGRAM | OQZ_OBS_BATCH, 0.99, BATCH, &o, err));
	return o;
}

static void saved(const struct oqz_observer *o, struct oqz_str *s)
{
	oqz_str_clear(s);
	ck_ok(oqz_observer_save(o, s, err));
}

START_TEST(order_and_partition_do_not_matter)
{
	static float x[IMAGES * PER];
	struct oqz_str one = { 0 }, other = { 0 };
	struct oqz_observer *all = make();

	fill(x, 3);
	for (int i = 0; i < IMAGES; i++)
		ck_ok(oqz_observer_add(all, i, x + i * PER, PER, 0, err));
	saved(all, &one);
	for (int parts = 1; parts <= 4; parts++) {
		struct oqz_observer *part[4], *sum = make();
		for (int p = 0; p < parts; p++)
			part[p] = make();
		for (int i = IMAGES - 1; i >= 0; i--)
			ck_ok(oqz_observer_add(part[(i * 7) % parts], i, x + i * PER, PER, 0, err));
		for (int p = parts - 1; p >= 0; p--) {
			ck_ok(oqz_observer_merge(sum, part[p], err));
			oqz_observer_free(part[p]);
		}
		saved(sum, &other);
		ck_assert_msg(one.len == other.len && !memcmp(one.s, other.s, one.len), "%d parts give other bytes",
		              parts);
		oqz_observer_free(sum);
	}
	ck_assert_int_eq((int)oqz_observer_nonfinite(all), 2);
	ck_assert_int_eq((int)oqz_observer_count(all), IMAGES * PER - 2);
	oqz_observer_free(all);
	oqz_str_release(&one);
	oqz_str_release(&other);
}
END_TEST

START_TEST(saved_statistics_continue)
{
	static float x[IMAGES * PER];
	struct oqz_str bytes = { 0 }, again = { 0 };
	struct oqz_observer *all = make(), *half = make(), *loaded = NULL;

	fill(x, 9);
	for (int i = 0; i < IMAGES; i++)
		ck_ok(oqz_observer_add(all, i, x + i * PER, PER, 0, err));
	for (int i = 0; i < 6; i++)
		ck_ok(oqz_observer_add(half, i, x + i * PER, PER, 0, err));
	saved(half, &bytes);
	ck_ok(oqz_observer_load(bytes.s, bytes.len, &loaded, err));
	saved(loaded, &again);
	ck_assert(bytes.len == again.len && !memcmp(bytes.s, again.s, bytes.len));
	for (int i = 6; i < IMAGES; i++)
		ck_ok(oqz_observer_add(loaded, i, x + i * PER, PER, 0, err));
	saved(loaded, &again);
	saved(all, &bytes);
	for (size_t n = 0; n < bytes.len && n < again.len; n++)
		ck_assert_msg(bytes.s[n] == again.s[n], "saved bytes differ at %zu of %zu", n, bytes.len);
	ck_assert(bytes.len == again.len && !memcmp(bytes.s, again.s, bytes.len));
	/* every truncation and some flipped bits: refused or read, never a crash */
	for (size_t n = 0; n < bytes.len; n += n < 200 ? 1 : 37) {
		struct oqz_observer *o = NULL;
		ck_fails(oqz_observer_load(bytes.s, n, &o, err), OQZ_E_DATA, "statistics");
	}
	for (size_t n = 8; n < bytes.len; n += 11) {
		struct oqz_observer *o = NULL;
		struct oqz_err err;
		bytes.s[n] ^= (char)(1 << n % 8);
		if (oqz_observer_load(bytes.s, bytes.len, &o, &err) == OQZ_OK)
			oqz_observer_free(o);
		bytes.s[n] ^= (char)(1 << n % 8);
	}
	oqz_observer_free(all);
	oqz_observer_free(half);
	oqz_observer_free(loaded);
	oqz_str_release(&bytes);
	oqz_str_release(&again);
}
END_TEST

START_TEST(wrong_use_is_refused)
{
	float x[] = { NAN, 1 }, scale;
	double lo, hi;
	struct oqz_observer *o = NULL, *p = make();
	struct oqz_site site = { .q = 0.9, .symmetric = false };

	ck_fails(oqz_observer_new(OQZ_OBS_BATCH, 0.3, 4, &o, err), OQZ_E_USAGE, "0.5 < q");
	ck_fails(oqz_observer_new(OQZ_OBS_BATCH, 0.5, 4, &o, err), OQZ_E_USAGE, "0.5 < q");
	ck_fails(oqz_observer_new(OQZ_OBS_BATCH, 0.9, 0, &o, err), OQZ_E_USAGE, "at least 1");
	ck_ok(oqz_observer_new(OQZ_OBS_HISTOGRAM, 0, 0, &o, err));
	ck_fails(oqz_observer_merge(o, p, err), OQZ_E_MISMATCH, "different kinds");
	ck_ok(oqz_observer_add(o, 0, x, 1, 0, err));
	ck_fails(oqz_calibrator_find("minmax")->find(o, &site, &lo, &hi, &scale, err), OQZ_E_DATA, "no finite");
	ck_ok(oqz_observer_add(o, 1, x, 2, 0, err));
	ck_fails(oqz_calibrator_find("kl")->find(o, &site, &lo, &hi, &scale, err), OQZ_E_UNSUPPORTED, "symmetric");
	site.symmetric = true; /* kl squeezes into codes: of integers, and enough of them */
	site.grid = e4m3_grid;
	ck_fails(oqz_calibrator_find("kl")->find(o, &site, &lo, &hi, &scale, err), OQZ_E_UNSUPPORTED, "integer grids");
	site.grid = (struct oqz_grid) { .kind = OQZ_GRID_AFFINE, .bits = 1, .qmin = 0, .qmax = 1 };
	ck_fails(oqz_calibrator_find("kl")->find(o, &site, &lo, &hi, &scale, err), OQZ_E_UNSUPPORTED, "integer grids");
	ck_assert(oqz_calibrator_find("nonesuch") == NULL);
	oqz_observer_free(o);
	/* an image too many in a batch, and a batch that both of two statistics have seen whole */
	o = make();
	for (int i = 0; i < BATCH; i++) {
		ck_ok(oqz_observer_add(o, i, x + 1, 1, 0, err));
		ck_ok(oqz_observer_add(p, i, x + 1, 1, 0, err));
	}
	ck_fails(oqz_observer_add(o, 0, x + 1, 1, 0, err), OQZ_E_USAGE, "complete");
	ck_fails(oqz_observer_merge(o, p, err), OQZ_E_MISMATCH, "in both");
	oqz_observer_free(o);
	oqz_observer_free(p);
	oqz_observer_free(NULL);
}
END_TEST

/* Bins lie between the extremes of one first pass: both ends are compared, parts of a second pass may be merged before,
 * and what is saved says where they lie. */
START_TEST(bins_know_where_they_lie)
{
	static const float x[] = { 1, 2, -3, 0.5f }, shifted[] = { 0, 5, 1, 2 }, wider[] = { -3, 3, 1, 2 };
	static const float *const others[] = { shifted, wider };
	struct oqz_observer *o, *part[3], *none, *loaded = NULL;
	struct oqz_str bytes = { 0 };
	double bins[4] = { 0 };

	ck_ok(oqz_observer_new(OQZ_OBS_SECOND, 0, 0, &o, err));
	ck_ok(oqz_observer_add(o, 0, x, 4, 0, err));
	for (int i = 0; i < 3; i++) {
		ck_ok(oqz_observer_second(o, &part[i], err));
		ck_ok(oqz_observer_add(part[i], i, x + i, i < 2 ? 1 : 2, 0, err));
	}
	for (int i = 0; i < 2; i++) { /* as wide, but elsewhere; from the same number on, but wider */
		struct oqz_observer *mine, *other, *second;
		ck_ok(oqz_observer_new(OQZ_OBS_BINS_RANGE, 0, 0, &mine, err));
		ck_ok(oqz_observer_add(mine, 0, x, 4, 0, err));
		ck_ok(oqz_observer_second(mine, &second, err));
		ck_ok(oqz_observer_new(OQZ_OBS_BINS_RANGE, 0, 0, &other, err));
		ck_ok(oqz_observer_add(other, 0, others[i], 4, 0, err));
		ck_fails(oqz_observer_merge(other, second, err), OQZ_E_MISMATCH, "no second pass of");
		oqz_observer_free(second);
		oqz_observer_free(other);
		oqz_observer_free(mine);
	}
	for (int i = 1; i >= 0; i--)
		ck_ok(oqz_observer_merge(part[i], part[i + 1], err));
	ck_ok(oqz_observer_merge(o, part[0], err));
	ck_assert(o->bins[0].start == 0 && o->bins[0].range == 3 && o->bins[1].start == -3 && o->bins[1].range == 5);
	ck_ok(oqz_bins_get(o, OQZ_OBS_BINS_RANGE, 4, bins, err));
	ck_assert(bins[0] == 1 && bins[1] == 0 && bins[2] == 1 && bins[3] == 2);
	for (int i = 0; i < 3; i++)
		oqz_observer_free(part[i]);
	oqz_observer_free(o);
	/* who has seen nothing has no bins that could lie anywhere, and can be saved as well */
	ck_ok(oqz_observer_new(OQZ_OBS_SECOND, 0, 0, &o, err));
	ck_ok(oqz_observer_second(o, &none, err));
	ck_ok(oqz_observer_merge(o, none, err));
	ck_ok(oqz_observer_save(o, &bytes, err));
	ck_ok(oqz_observer_load(bytes.s, bytes.len, &loaded, err));
	oqz_observer_free(loaded);
	oqz_observer_free(none);
	oqz_observer_free(o);
	oqz_str_release(&bytes);
	ck_ok(oqz_observer_new(OQZ_OBS_HISTOGRAM, 0, 0, &o, err));
	ck_fails(oqz_observer_second(o, &none, err), OQZ_E_INTERNAL, "no second pass");
	oqz_observer_free(o);
}
END_TEST

/* Every finite number counts, up to the largest and down to the smallest: in blocks that are all finite and others, the
 * histogram's sum is the count. */
START_TEST(the_largest_and_the_smallest_numbers_count)
{
	enum { N = 1024 };
	static float x[N + 1];
	static const float edges[] = { FLT_MAX, -FLT_MAX, 0x1p-149f, -0x1p-149f, 0, -0.0f };

	for (int kind = 0; kind < 3; kind++) { /* a block, more than one, one with what is not finite */
		OQZ_CLEANUP(oqz_observer_free_cleanup) struct oqz_observer *o = NULL, *p = NULL;
		struct oqz_str bytes = { 0 };
		for (int i = 0; i <= N; i++)
			x[i] = edges[i % 6];
		x[77] = kind == 2 ? INFINITY : 1;
		ck_ok(oqz_observer_new(OQZ_OBS_HISTOGRAM, 0, 0, &o, err));
		ck_ok(oqz_observer_add(o, 0, x, (size_t)N + (kind == 1), 0, err));
		ck_assert(o->lo == -FLT_MAX && o->hi == FLT_MAX);
		ck_assert_int_eq((int)o->count, N + (kind == 1) - (kind == 2));
		ck_assert_int_eq((int)o->zeros, N / 6 + N / 6 - 1 + (kind == 1));
		ck_assert_int_eq((int)oqz_hist_counted(o), (int)o->count);
		ck_ok(oqz_observer_save(o, &bytes, err));
		ck_ok(oqz_observer_load(bytes.s, bytes.len, &p, err));
		oqz_str_release(&bytes);
	}
	/* extremes of nothing but zeros have no sign */
	OQZ_CLEANUP(oqz_observer_free_cleanup) struct oqz_observer *z = NULL;
	ck_ok(oqz_observer_new(0, 0, 0, &z, err));
	ck_ok(oqz_observer_add(z, 0, (const float[]) { -0.0f, -0.0f }, 2, 0, err));
	ck_assert(z->lo == 0 && z->hi == 0 && !signbit(z->lo) && !signbit(z->hi));
	ck_fails(oqz_observer_add(z, -1, x, 1, 0, err), OQZ_E_USAGE, "image number -1");
}
END_TEST

/* Divergence of a ragged distribution, by a transcription of the rule: 128 of 256 bins. Were levels spread over empty
 * bins, too, it would be 184, and without the 1e-30 all. */
START_TEST(empty_bins_stay_empty)
{
	static float ragged[256], work[512];
	uint32_t seed = 2;

	for (int i = 0; i < 256; i++) {
		seed = seed * 1664525u + 1013904223u;
		ragged[i] = (seed >> 24) % 3 ? 0 : (float)(((seed >> 24) * 4) >> (i / 24));
	}
	ck_assert_int_eq(oqz_kl_search(ragged, 256, 4, work), 128);
}
END_TEST

/* Ranges of ragged distributions, by a transcription of the rule: errors below the range, beyond it and within it,
 * starts and steps, each decide one of them. */
START_TEST(errors_are_where_the_rule_has_them)
{
	static const struct {
		uint32_t seed;
		bool symmetric;
		int start, end;
	} rows[] = { { 1, false, 32, 192 }, { 5, false, 8, 168 }, { 9, true, 0, 256 } };
	double bins[256];
	int start, end;

	for (size_t r = 0; r < OQZ_COUNTOF(rows); r++) {
		uint32_t seed = rows[r].seed;
		for (int i = 0; i < 256; i++) {
			seed = seed * 1664525u + 1013904223u;
			uint32_t v = seed >> 24;
			bins[i] = v % 5 ? 0 : v * v * v >> abs(i - 100) / 9;
		}
		oqz_mse_search(bins, 256, 32, rows[r].symmetric, 1, -120, &start, &end);
		ck_assert_msg(start == rows[r].start && end == rows[r].end, "row %zu: %d .. %d", r, start, end);
	}
}
END_TEST

/* Of a negative second value nothing is clipped and the gap to 0 counts: (0, 6), not (0, 8), which the last row,
 * (7, 7.14), would meet; (0.01, 14.9) meets either of the two. */
START_TEST(isotone_of_negative_numbers)
{
	static const float x[] = { 3, -1, 10, 2.5449f, 1785, 1781.43f };
	struct oqz_site s = { .axis = -1, .grid = int8_grid(false) };
	struct oqz_observer *o;
	double lo, hi;
	float scale;

	ck_ok(oqz_observe_once(OQZ_OBS_ROWS, 0, x, 6, 2, &o, err));
	ck_ok(oqz_calibrator_find("isotone")->find(o, &s, &lo, &hi, &scale, err));
	ck_assert(scale == (float)((double)x[3] / (255 - 0.51)));
	s.grid.qmax = 0;
	ck_fails(oqz_calibrator_find("isotone")->find(o, &s, &lo, &hi, &scale, err), OQZ_E_UNSUPPORTED,
	         "integer grids");
	oqz_observer_free(o);
	s.grid.qmax = 255;
	/* a range that ends below 0 is none */
	ck_ok(oqz_observe_once(OQZ_OBS_ROWS, 0, (const float[]) { -3, -4 }, 2, 2, &o, err));
	ck_ok(oqz_calibrator_find("isotone")->find(o, &s, &lo, &hi, &scale, err));
	ck_assert(scale == 1e-8f);
	oqz_observer_free(o);
	/* without an interval: the last row's range, with the site's own codes and powers of two */
	ck_ok(oqz_observe_once(OQZ_OBS_ROWS, 0, (const float[]) { 5, 5 }, 2, 2, &o, err));
	ck_ok(oqz_calibrator_find("isotone")->find(o, &s, &lo, &hi, &scale, err));
	ck_assert(scale == (float)(5 / 255.0));
	s.pow2 = true;
	ck_ok(oqz_calibrator_find("isotone")->find(o, &s, &lo, &hi, &scale, err));
	ck_assert(scale == 0x1p-5f);
	oqz_observer_free(o);
	ck_ok(oqz_observe_once(OQZ_OBS_HISTOGRAM, 0, x, 6, 2, &o, err));
	ck_fails(oqz_calibrator_find("isotone")->find(o, &s, &lo, &hi, &scale, err), OQZ_E_MISMATCH, "not collected");
	oqz_observer_free(o);
}
END_TEST

/* Values are taken at the middle of their bins: 1 + 2^-12 is the middle of [1, 1 + 2^-11). */
START_TEST(losses_are_of_the_middle)
{
	float x[100];
	const float one = 1;
	double loss;
	struct oqz_observer *o;

	for (int i = 0; i < 100; i++)
		x[i] = i % 2 ? 1 : 1 + 0x1p-12f;
	ck_ok(oqz_observe_once(OQZ_OBS_HISTOGRAM, 0, x, 100, 0, &o, err));
	ck_ok(oqz_grid_losses(o, &e4m3_grid, &one, 1, &loss, err));
	ck_assert(loss == 100 * 0x1p-24);
	oqz_observer_free(o);
}
END_TEST

OQZ_TEST_MAIN("observe", code_books_are_searched_whole, minmax_equals_golden, searches_equal_golden,
              candidates_equal_golden, order_and_partition_do_not_matter, saved_statistics_continue,
              wrong_use_is_refused, bins_know_where_they_lie, empty_bins_stay_empty, losses_are_of_the_middle,
              isotone_of_negative_numbers, errors_are_where_the_rule_has_them,
              the_largest_and_the_smallest_numbers_count)
