/* SPDX-License-Identifier: Apache-2.0
 *
 * Every calibrator against every row of PPQ's observers: scale and zero point of eight batches of eight kinds of data,
 * and of weights per tensor and per channel. The batches are seen out of order by three observers that are merged, in
 * two passes where the rule wants them: what a run with threads does. Also the rules' corners, which no row has.
 */
#include "core/quant/calibrate_hist.h"
#include "core/base/str.h"
#include "tests/unit/observer_rows.h"

#include <float.h>
#include <math.h>
#include <string.h>

enum { BATCHES = 8, PARTS = 3 };

static struct golden g;

/* The eight batches, dealt out to the parts from the last to the first, one "image" each. */
static void feed(struct oqz_observer *const *part, const struct oqz_tensor *x)
{
	size_t n = (size_t)oqz_tensor_nelem(x) / BATCHES;

	for (int b = BATCHES - 1; b >= 0; b--)
		ck_ok(oqz_observer_add(part[b * 5 % PARTS], b, (const float *)x->data + (size_t)b * n, n,
		                       (size_t)x->shape.dim[x->shape.rank - 1], err));
}

static struct oqz_observer *observe(const struct oqz_calibrator *c, const struct oqz_site *site,
                                    const struct oqz_tensor *x)
{
	struct oqz_observer *part[PARTS], *second[PARTS];
	unsigned needs = oqz_calibrator_needs(c, site);

	for (int i = 0; i < PARTS; i++)
		ck_ok(oqz_observer_new(needs, oqz_calibrator_quantile(c, site), 1, &part[i], err));
	feed(part, x);
	for (int i = 1; i < PARTS; i++)
		ck_ok(oqz_observer_merge(part[0], part[i], err));
	if (needs & OQZ_OBS_SECOND) {
		for (int i = 0; i < PARTS; i++)
			ck_ok(oqz_observer_second(part[0], &second[i], err));
		feed(second, x);
		for (int i = 0; i < PARTS; i++) {
			ck_ok(oqz_observer_merge(part[0], second[i], err));
			oqz_observer_free(second[i]);
		}
	}
	for (int i = 1; i < PARTS; i++)
		oqz_observer_free(part[i]);
	return part[0];
}

static void expect(json_t *row, size_t i, double have, double want)
{
	ck_assert_msg(have == want, "row %zu (%s, %s): scale %.9g, not %.9g", i, row_string(row, "observer"),
	              row_string(row, "data"), have, want);
}

/* Of the sites of one kind: minmax along an axis, or FP8 weights. */
static void constant_row(json_t *row, size_t i, struct oqz_site site)
{
	struct oqz_tensor x = row_data(&g, row);
	json_t *scales = json_object_get(row, "scale"), *axis = json_object_get(row, "axis");
	double *lo, *hi;
	float *scale, s;
	int32_t zero;
	size_t n;

	if (!scales)
		scales = json_object_get(row, "full_data_choice");
	/* activations: the first dimension counts batches, the axis is one of the batch's tensor */
	site.axis = axis ? (int)json_integer_value(axis) + !row_bool(row, "weight") : -1;
	ck_ok(oqz_observe_constant(&x, &site, &lo, &hi, &scale, &n, err));
	ck_assert_uint_eq(n, json_is_array(scales) ? json_array_size(scales) : 1);
	for (size_t k = 0; k < n; k++) {
		oqz_affine_from_range(lo[k], hi[k], &site.grid, site.symmetric, site.pow2, &s, &zero);
		expect(row, i, (double)(scale ? scale[k] : s),
		       json_number_value(json_is_array(scales) ? json_array_get(scales, k) : scales));
	}
	free(lo);
}

static void activation_row(json_t *row, size_t i, const struct oqz_calibrator *c, struct oqz_site site)
{
	struct oqz_tensor x = row_data(&g, row);
	OQZ_CLEANUP(oqz_observer_free_cleanup) struct oqz_observer *o = observe(c, &site, &x);
	json_t *want = json_object_get(row, "scale");
	double lo, hi;
	float scale;
	int32_t zero = 0;

	if (!want) {
		want = json_object_get(row, "full_data_choice");
		/* PPQ's own choices are random; none of twenty was another one */
		for (size_t k = 0; k < json_array_size(json_object_get(row, "ppq_choice_20_seeds")); k++)
			ck_assert(json_number_value(json_array_get(json_object_get(row, "ppq_choice_20_seeds"), k)) ==
			          json_number_value(want));
	}
	ck_ok(c->find(o, &site, &lo, &hi, &scale, err));
	if (scale == 0)
		oqz_affine_from_range(lo, hi, &site.grid, site.symmetric, site.pow2, &scale, &zero);
	expect(row, i, (double)scale, (double)(float)json_number_value(want));
	if (json_object_get(row, "offset"))
		ck_assert_msg(zero == (int)json_number_value(json_object_get(row, "offset")), "row %zu: zero %d", i,
		              zero);
}

START_TEST(all_rows_equal_golden)
{
	size_t i;
	json_t *row;
	int by_rule[8] = { 0 };
	static const char *const names[] = { "minmax", "percentile", "mse", "kl", "isotone", "floating", "constant" };
	static const int counts[] = { 68, 32, 32, 16, 8, 14, 8 };

	if (!rows_open(&g))
		return;
	json_array_foreach(json_object_get(g.json, "rows"), i, row)
	{
		const struct oqz_calibrator *c = oqz_calibrator_find(row_string(row, "observer"));
		ck_assert_msg(c != NULL, "no calibrator %s", row_string(row, "observer"));
		bool fp8 = !strcmp(c->name, "floating") || !strcmp(c->name, "constant");
		bool symmetric = fp8 || row_bool(row, "symmetric");
		struct oqz_site site = { .calibrator = c->name,
			                 .axis = -1,
			                 .q = 0.9999,
			                 .batch_scope = true,
			                 .symmetric = symmetric,
			                 .pow2 = row_bool(row, "pow2"),
			                 .grid = fp8 ? e4m3_grid : int8_grid(symmetric) };
		if (row_bool(row, "weight") || json_object_get(row, "axis"))
			constant_row(row, i, site);
		else
			activation_row(row, i, c, site);
		for (size_t k = 0; k < OQZ_COUNTOF(names); k++)
			by_rule[k] += !strcmp(names[k], c->name);
	}
	for (size_t k = 0; k < OQZ_COUNTOF(names); k++)
		ck_assert_msg(by_rule[k] == counts[k], "%d rows of %s", by_rule[k], names[k]);
	golden_close(&g);
}
END_TEST

/* ---------------------------------------------------------------------------------------------------- corners */

/* A row whose two largest values are equal has no interval; then the range is 0 .. the last row's largest value. */
START_TEST(isotone_by_hand)
{
	struct oqz_site s = { .axis = -1, .symmetric = true, .grid = int8_grid(true) };
	static const float ties[] = { 1, 2, 2, 3, 5, 5 }, one[] = { 0, 4, 1 }, lone[] = { 3 },
	                   negative[] = { -1, -2, -3 };
	static const float two[] = { 0, 4, 1, 0, 10, 9.75f, 0, 8, 7.5f };
	float scale;

	ck_ok(find_scale("isotone", s, ties, 6, 3, &scale, err));
	ck_assert(scale == (float)(2 * 5 / 255.0));
	/* one interval, (1 / 126.49, 2 * 3): its lower end */
	ck_ok(find_scale("isotone", s, one, 3, 3, &scale, err));
	ck_assert(scale == (float)(1 / 126.49));
	/* (0.0079, 6), (0.0771, 0.5), (0.0593, 1): all three from 0.0771 */
	ck_ok(find_scale("isotone", s, two, 9, 3, &scale, err));
	ck_assert(scale == (float)(9.75 / 126.49));
	/* a row of one number is always in order: from 0, which is no scale; hence the range */
	ck_ok(find_scale("isotone", s, lone, 1, 1, &scale, err));
	ck_assert(scale == (float)(2 * 3 / 255.0));
	/* absolute values of the two largest, -1 and -2: no interval; the last row's largest value is below 0 */
	ck_ok(find_scale("isotone", s, negative, 3, 3, &scale, err));
	ck_assert(scale == (float)(2 / 255.0));
	s.grid = e4m3_grid;
	ck_fails(find_scale("isotone", s, one, 3, 3, &scale, err), OQZ_E_UNSUPPORTED, "integer grids");
	/* rows that do not divide the tensor are a fault of the caller, not of the data */
	s.grid = int8_grid(true);
	ck_fails(find_scale("isotone", s, one, 3, 2, &scale, err), OQZ_E_INTERNAL, "rows of 2");
}
END_TEST

START_TEST(ema_by_hand)
{
	const struct oqz_calibrator *c = oqz_calibrator_find("ema");
	struct oqz_site site = { .axis = -1, .q = 0.25, .symmetric = false, .grid = int8_grid(false) };
	static const float x[6][2] = { { -1, 4 }, { 0, 2 }, { -3, 1 }, { 0, 8 }, { 0, NAN }, { -9, 0.5f } };
	double lo, hi;
	float scale;
	OQZ_CLEANUP(oqz_observer_free_cleanup) struct oqz_observer *o = NULL;

	ck_ok(oqz_observer_new(oqz_calibrator_needs(c, &site), oqz_calibrator_quantile(c, &site), 2, &o, err));
	for (int i = 5; i >= 0; i--)
		ck_ok(oqz_observer_add(o, i, x[i], 2, 0, err));
	/* batches [-1, 4], [-3, 8], [-9, 0.5] */
	ck_ok(c->find(o, &site, &lo, &hi, &scale, err));
	ck_assert(scale == 0);
	ck_assert(lo == -1 + 0.25f * -2 + 0.25f * (-9 - -1.5f));
	ck_assert(hi == 5 + 0.25f * (0.5f - 5));
	site.q = 0;
	ck_fails(c->find(o, &site, &lo, &hi, &scale, err), OQZ_E_USAGE, "(0, 1]");
}
END_TEST

/* Tensors that are all zero, all equal, empty or not finite: a scale above zero or a clear refusal, of every rule. */
START_TEST(degenerate_tensors)
{
	static const float zeros[8] = { 0 }, equal[8] = { 2, 2, 2, 2, 2, 2, 2, 2 }, tiny[8] = { 1e-42f, -1e-42f };
	static const float bad[8] = { NAN, INFINITY, -INFINITY, NAN, NAN, NAN, NAN, NAN };
	static const float mixed[8] = { NAN, INFINITY, -INFINITY, 1, 0.5f, 0.25f, -1, 0 };
	static const float *const good[] = { zeros, equal, tiny, mixed };
	float scale;

	for (size_t i = 0; oqz_calibrators[i]; i++) {
		const char *name = oqz_calibrators[i]->name;
		struct oqz_site s = { .axis = -1, .symmetric = true, .grid = int8_grid(true) };
		for (size_t k = 0; k < OQZ_COUNTOF(good); k++) {
			ck_ok(find_scale(name, s, good[k], 8, 4, &scale, err));
			ck_assert_msg(scale > 0 && isfinite(scale), "%s, data %zu: scale %g", name, k, (double)scale);
			ck_assert(k != 2 || scale == 1e-8f || oqz_calibrators[i] == &oqz_calibrator_isotone ||
			          scale > 0.001f);
		}
		for (size_t n = 0; n <= 8; n += 8) {
			if (!strcmp(name, "constant"))
				ck_ok(find_scale(name, s, bad, n, 4, &scale, err));
			else
				ck_fails(find_scale(name, s, bad, n, 4, &scale, err), OQZ_E_DATA, "no finite number");
		}
	}
}
END_TEST

/* Without a row that tells two values apart the range ends at the largest of the last image's last row, whatever the
 * order in which images come and who has seen which. */
START_TEST(isotone_knows_the_last_image)
{
	static const float rows[2][2] = { { 5, 5 }, { 3, 3 } };
	struct oqz_site site = { .axis = -1, .symmetric = true, .grid = int8_grid(true) };
	double lo, hi;
	float scale;

	for (int kind = 0; kind < 4; kind++) {
		OQZ_CLEANUP(oqz_observer_free_cleanup) struct oqz_observer *a = NULL, *b = NULL;
		ck_ok(oqz_observer_new(OQZ_OBS_ROWS, 0, 0, &a, err));
		ck_ok(oqz_observer_new(OQZ_OBS_ROWS, 0, 0, &b, err));
		ck_ok(oqz_observer_add(a, kind != 3, rows[kind != 3], 2, 2, err));
		if (kind < 3)
			ck_ok(oqz_observer_add(kind ? b : a, 0, rows[0], 2, 2, err));
		if (kind)
			ck_ok(oqz_observer_merge(kind == 2 ? b : a, kind == 2 ? a : b, err)); /* 3: of nothing */
		ck_ok(oqz_calibrator_find("isotone")->find(kind == 2 ? b : a, &site, &lo, &hi, &scale, err));
		ck_assert_msg(scale == (float)(2 * (kind == 3 ? 5.0 : 3.0) / 255), "%d: %g", kind, (double)scale);
	}
}
END_TEST

static double isotone_of(struct oqz_observer *o, bool symmetric)
{
	struct oqz_site s = { .axis = -1, .symmetric = symmetric, .grid = int8_grid(symmetric) };
	double lo, hi;
	float scale;

	ck_ok(oqz_calibrator_find("isotone")->find(o, &s, &lo, &hi, &scale, err));
	return (double)scale;
}

/* What is not finite is no value of a row, and a row of nothing else is none; of a lone value the second is 0. */
START_TEST(rows_are_of_finite_numbers)
{
	/* (0, 0.06) and (0.00008, 0.05) meet before (0.077, 0.5) does with itself */
	static const float x[] = { INFINITY, 0.03f, NAN, 0.035f, 0.01f, -INFINITY, 10, 9.75f, NAN, 10, NAN, 9.75f };
	static const float gone[] = { 5, 5, NAN, INFINITY };
	OQZ_CLEANUP(oqz_observer_free_cleanup) struct oqz_observer *o = NULL, *p = NULL;

	ck_ok(oqz_observe_once(OQZ_OBS_ROWS, 0, x, 12, 3, &o, err));
	ck_assert(isotone_of(o, true) == (double)(float)((double)0.01f / 126.49));
	ck_ok(oqz_observe_once(OQZ_OBS_ROWS, 0, gone, 4, 2, &p, err));
	ck_assert(isotone_of(p, true) == (double)(float)(2 * 5 / 255.0));
	ck_fails(oqz_observer_add(o, 1, x, 4, 0, err), OQZ_E_INTERNAL, "rows of 0");
	ck_ok(oqz_observer_add(o, 1, x, 0, 0, err));
}
END_TEST

/* Zeros have no sign, so that the same rows are the same bytes whichever zero came first. */
START_TEST(zeros_of_rows_have_no_sign)
{
	static const float rows[2][6] = { { -0.0f, 0, -1, 3, -0.0f, 0 }, { 0, -0.0f, -1, 3, 0, -0.0f } };
	struct oqz_str s[2] = { { 0 } };

	for (int k = 0; k < 2; k++) {
		OQZ_CLEANUP(oqz_observer_free_cleanup) struct oqz_observer *o = NULL;
		ck_ok(oqz_observe_once(OQZ_OBS_ROWS, 0, rows[k], 6, 3, &o, err));
		ck_ok(oqz_observer_save(o, &s[k], err));
	}
	ck_assert(s[0].len == s[1].len && !memcmp(s[0].s, s[1].s, s[0].len));
	oqz_str_release(&s[0]);
	oqz_str_release(&s[1]);
}
END_TEST

/* The last image's row decides, also over several merges; who has seen the first image alone has a last one, too. */
START_TEST(last_rows_survive_merges)
{
	struct oqz_observer *o[4];
	static const int64_t image[] = { 0, 2, 1 };

	for (int i = 0; i < 4; i++)
		ck_ok(oqz_observer_new(OQZ_OBS_ROWS, 0, 0, &o[i], err));
	for (int i = 0; i < 3; i++)
		ck_ok(oqz_observer_add(o[i], image[i], (const float[]) { 5 - (float)i, 5 - (float)i }, 2, 2, err));
	ck_ok(oqz_observer_merge(o[3], o[0], err));
	ck_assert(isotone_of(o[3], true) == (double)(float)(2 * 5 / 255.0));
	ck_ok(oqz_observer_merge(o[3], o[1], err));
	ck_ok(oqz_observer_merge(o[3], o[2], err));
	ck_assert(isotone_of(o[3], true) == (double)(float)(2 * 4 / 255.0));
	for (int i = 0; i < 4; i++)
		oqz_observer_free(o[i]);
}
END_TEST

/* 2^23 rows are kept and not one more, whoever has seen them. */
START_TEST(rows_are_limited)
{
	enum { HALF = 1 << 22 };
	OQZ_CLEANUP(oqz_observer_free_cleanup) struct oqz_observer *o = NULL, *p = NULL, *one = NULL;
	OQZ_CLEANUP_FREE float *x = calloc(HALF, sizeof *x);

	ck_ok(oqz_observer_new(OQZ_OBS_ROWS, 0, 0, &o, err));
	ck_ok(oqz_observer_new(OQZ_OBS_ROWS, 0, 0, &p, err));
	ck_ok(oqz_observe_once(OQZ_OBS_ROWS, 0, x, 1, 1, &one, err));
	ck_ok(oqz_observer_add(o, 0, x, HALF, 1, err));
	ck_ok(oqz_observer_add(o, 1, x, HALF, 1, err));
	ck_fails(oqz_observer_add(o, 2, x, 1, 1, err), OQZ_E_LIMIT, "at most 8388608 rows");
	ck_fails(oqz_observer_merge(o, one, err), OQZ_E_LIMIT, "at most 8388608 rows");
	ck_ok(oqz_observer_add(p, 3, x, HALF - 1, 1, err));
	ck_ok(oqz_observer_merge(p, one, err));
	ck_ok(oqz_observer_add(one, 4, x, HALF - 1, 1, err));
	ck_ok(oqz_observer_merge(p, one, err));
	ck_fails(oqz_observer_merge(p, one, err), OQZ_E_LIMIT, "at most 8388608 rows");
}
END_TEST

/* Statistics that lack what percentile needs, quantiles that are none, batches without a number. */
START_TEST(percentile_asks_for_what_it_needs)
{
	const struct oqz_calibrator *c = oqz_calibrator_find("percentile");
	struct oqz_site site = { .axis = -1, .q = 0.9, .batch_scope = true };
	static const float images[3][2] = { { 1, 2 }, { NAN, INFINITY }, { 3, 5 } };
	OQZ_CLEANUP(oqz_observer_free_cleanup) struct oqz_observer *h = NULL, *b = NULL, *m = NULL;
	double lo, hi;
	float scale = 1;

	ck_ok(oqz_observer_new(OQZ_OBS_HISTOGRAM, 0.9, 1, &h, err));
	ck_ok(oqz_observer_new(OQZ_OBS_BATCH, 0.9, 1, &b, err));
	ck_ok(oqz_observer_new(OQZ_OBS_MINMAX, 0.9, 1, &m, err));
	for (int i = 0; i < 3; i++) {
		ck_ok(oqz_observer_add(h, i, images[i], 2, 0, err));
		ck_ok(oqz_observer_add(b, i, images[i], 2, 0, err));
		ck_ok(oqz_observer_add(m, i, images[i], 2, 0, err));
	}
	ck_fails(c->find(h, &site, &lo, &hi, &scale, err), OQZ_E_MISMATCH, "quantile 0.9 per batch");
	ck_ok(c->find(b, &site, &lo, &hi, &scale, err));
	ck_assert(lo == 2 && hi == 3.5 && scale == 0); /* of two batches */
	ck_assert(c->tails(&site) == 0);
	site.q = 0.8;
	ck_fails(c->find(b, &site, &lo, &hi, &scale, err), OQZ_E_MISMATCH, "quantile 0.8 per batch");
	site.batch_scope = false;
	ck_fails(c->find(m, &site, &lo, &hi, &scale, err), OQZ_E_MISMATCH, "needs a histogram");
	site.q = 0.5;
	ck_fails(c->find(h, &site, &lo, &hi, &scale, err), OQZ_E_USAGE, "not at 0.5");
	site.q = 1.5;
	ck_fails(c->find(h, &site, &lo, &hi, &scale, err), OQZ_E_USAGE, "not at 1.5");
}
END_TEST

/* Of the values that are known at either end the last is found, the one behind it refused, also where only the lower
 * quantile asks for it. */
START_TEST(the_last_known_rank_is_found)
{
	enum { N = 1 << 14, IMAGES = 4 };
	const struct oqz_calibrator *c = oqz_calibrator_find("percentile");
	struct oqz_site site = { .axis = -1 };
	OQZ_CLEANUP(oqz_observer_free_cleanup) struct oqz_observer *o = NULL;
	static float x[N];
	double lo, hi;
	float scale;
	uint32_t seed = 1;

	ck_ok(oqz_observer_new(OQZ_OBS_HISTOGRAM, 0, 0, &o, err));
	oqz_observer_tails(o, 50);
	for (int image = 0; image < IMAGES; image++) {
		for (int i = 0; i < N; i++)
			x[i] = (float)(seed = seed * 1664525u + 1013904223u) * 0x1p-31f - 1;
		ck_ok(oqz_observer_add(o, image, x, N, 0, err));
	}
	double n = N * IMAGES, known = (double)oqz_tails_known(o);
	ck_assert(known >= 50 && known < n / 4);
	site.q = 1 - (known - 1) / n; /* ranks known - 2 and known - 1 */
	ck_ok(c->find(o, &site, &lo, &hi, &scale, err));
	site.q = 1 - known / n;
	ck_fails(c->find(o, &site, &lo, &hi, &scale, err), OQZ_E_UNSUPPORTED, "scope=batch");
}
END_TEST

/* Along the last axis a slice is one row, as it would be of the transposed weight. */
START_TEST(isotone_of_columns)
{
	enum { R = 6, C = 4 };
	float x[R * C], y[C * R], *scale[2];
	double *lo[2], *hi[2];
	size_t n[2];
	struct oqz_site site = { .calibrator = "isotone", .axis = 1, .symmetric = true, .grid = int8_grid(true) };
	const struct oqz_tensor t = { .dtype = OQZ_DT_F32, .shape = { .rank = 2, .dim = { R, C } }, .data = x },
	                        u = { .dtype = OQZ_DT_F32, .shape = { .rank = 2, .dim = { C, R } }, .data = y };

	for (int i = 0; i < R * C; i++)
		y[i % C * R + i / C] = x[i] = (float)(i * 7 % 24) + 0.5f;
	ck_ok(oqz_observe_constant(&t, &site, &lo[0], &hi[0], &scale[0], &n[0], err));
	site.axis = 0;
	ck_ok(oqz_observe_constant(&u, &site, &lo[1], &hi[1], &scale[1], &n[1], err));
	ck_assert(n[0] == C && n[1] == C && scale[0] && scale[1]);
	ck_assert_mem_eq(scale[0], scale[1], C * sizeof(float));
	free(lo[0]);
	free(lo[1]);
}
END_TEST

/* Sums of quantiles, differences of extremes and powers of two that are no float32: ranges and scales are, all the
 * same. */
START_TEST(ranges_that_float32_hardly_has)
{
	static const float x[] = { -FLT_MAX, FLT_MAX / 2, 1, FLT_MAX };
	struct oqz_site s = { .axis = -1, .q = 1, .batch_scope = true, .grid = int8_grid(false) };
	OQZ_CLEANUP(oqz_observer_free_cleanup) struct oqz_observer *o = NULL;
	double lo, hi;
	float scale;

	ck_ok(oqz_observer_new(OQZ_OBS_BATCH, 1, 1, &o, err));
	for (int i = 0; i < 5; i++)
		ck_ok(oqz_observer_add(o, i, x, 4, 0, err));
	ck_ok(oqz_calibrator_find("percentile")->find(o, &s, &lo, &hi, &scale, err));
	ck_assert(lo == -FLT_MAX && hi == FLT_MAX);
	ck_ok(find_scale("mse", s, x, 4, 1, &scale, err));
	ck_assert(scale == (float)(2 * (double)FLT_MAX / 255));
	s = (struct oqz_site) { .axis = -1, .symmetric = true, .pow2 = true, .grid = { .kind = OQZ_GRID_AFFINE } };
	s.grid.bits = 2;
	s.grid.qmin = -2;
	s.grid.qmax = 1;
	ck_ok(find_scale("minmax", s, x, 4, 1, &scale, err));
	ck_assert(scale == 0x1p127f);
	/* small floats that end far below the tensor's values */
	s.grid = (struct oqz_grid) { .kind = OQZ_GRID_MINIFLOAT,
		                     .bits = 4,
		                     .exp_bits = 2,
		                     .man_bits = 1,
		                     .bias = 60,
		                     .special = OQZ_GRID_FINITE,
		                     .max = 0x1.8p-57 };
	for (int pow2 = 0; pow2 < 2; pow2++) {
		s.pow2 = pow2;
		ck_ok(find_scale("mse", s, x, 4, 1, &scale, err));
		ck_assert_msg(isfinite(scale) && scale >= 0x1p126f, "%a", (double)scale);
	}
}
END_TEST

/* Rows and bins survive being saved; equal statistics are equal bytes. */
START_TEST(saved_rows_and_bins)
{
	static const float x[] = { 1, 2, -3, 8, 4, 4, 0.5f, 7 };
	static const unsigned needs[] = { OQZ_OBS_ROWS, OQZ_OBS_BINS_MAGNITUDE | OQZ_OBS_BINS_RANGE };

	for (size_t k = 0; k < OQZ_COUNTOF(needs); k++) {
		OQZ_CLEANUP(oqz_observer_free_cleanup) struct oqz_observer *o = NULL, *p = NULL;
		struct oqz_str a = { 0 }, b = { 0 };
		ck_ok(oqz_observe_once(needs[k], 0, x, 8, 2, &o, err));
		ck_ok(oqz_observer_save(o, &a, err));
		ck_ok(oqz_observer_load(a.s, a.len, &p, err));
		ck_ok(oqz_observer_save(p, &b, err));
		ck_assert(a.len == b.len && !memcmp(a.s, b.s, a.len));
		for (size_t cut = 0; cut < a.len; cut++) {
			struct oqz_observer *part = NULL;
			ck_fails(oqz_observer_load(a.s, cut, &part, err), OQZ_E_DATA, "statistics");
		}
		oqz_str_release(&a);
		oqz_str_release(&b);
	}
}
END_TEST

OQZ_TEST_MAIN("calibrators", all_rows_equal_golden, isotone_by_hand, ema_by_hand, degenerate_tensors,
              isotone_of_columns, isotone_knows_the_last_image, rows_are_of_finite_numbers,
              percentile_asks_for_what_it_needs, the_last_known_rank_is_found, zeros_of_rows_have_no_sign,
              last_rows_survive_merges, rows_are_limited, ranges_that_float32_hardly_has, saved_rows_and_bins)
