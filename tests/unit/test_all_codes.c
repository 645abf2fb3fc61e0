/* SPDX-License-Identifier: Apache-2.0
 *
 * What `oqz qdq` does with every format over all its codes: each value, both float neighbours of it, each midpoint and
 * its neighbours, of both signs, and what lies beyond the ends. The expected number is found by brute force in a table
 * that is made here from the format's definition. Also NaN, infinities, denormals and tensors without elements.
 */
#include "tests/unit/plugin_case.h"

/* A format by its definition: the non-negative values in increasing order. */
struct table {
	double *v;
	size_t n;
	double normal; /* ties below it always go to even */
	bool odd;      /* all numbers but 0 are odd: no mantissa bits */
};

static int by_value(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

/* e exponent and m mantissa bits up to `max`. */
static struct table small_float_table(int e, int m, int bias, double max)
{
	struct table t = { malloc(((size_t)1 << (e + m)) * sizeof(double)), 0, ldexp(1, 1 - bias), m == 0 };

	for (int exp = 0; exp < 1 << e; exp++)
		for (int man = 0; man < 1 << m; man++) {
			double v = exp ? ldexp((1 << m) + man, exp - bias - m) : ldexp(man, 1 - bias - m);
			if (v <= max)
				t.v[t.n++] = v;
		}
	qsort(t.v, t.n, sizeof *t.v, by_value);
	return t;
}

static struct table integer_table(int max)
{
	struct table t = { malloc((size_t)(max + 1) * sizeof(double)), (size_t)max + 1, INFINITY, false };

	for (int i = 0; i <= max; i++)
		t.v[i] = i;
	return t;
}

/* The nearest value of the table to |x|; codes count up with the values, so even codes are even indices. */
static double nearest(const struct table *t, double x, bool ties_to_zero)
{
	size_t lo = 0, hi = t->n - 1;
	double a = fabs(x);

	if (a >= t->v[hi])
		return copysign(t->v[hi], x);
	while (hi - lo > 1) {
		size_t mid = (lo + hi) / 2;
		*(t->v[mid] <= a ? &lo : &hi) = mid;
	}
	double below = a - t->v[lo], above = t->v[hi] - a;
	bool odd = t->odd ? lo > 0 : lo % 2 == 1;
	bool up = below > above || (below == above && !(ties_to_zero && a >= t->normal) && odd);
	return copysign(t->v[up ? hi : lo], x);
}

/* Probes of a table that lie within `top`, each with both signs; malloc'ed. */
static float *probes(const struct table *t, double top, size_t *ret_n)
{
	float *x = malloc(t->n * 12 * sizeof *x + 64);
	size_t n = 0;

	for (size_t i = 0; i < t->n; i++)
		for (int mid = 0; mid < 2 && i + (size_t)mid < t->n; mid++) {
			float v = (float)(mid ? (t->v[i] + t->v[i + 1]) / 2 : t->v[i]);
			const float near[] = { nextafterf(v, -1), v, nextafterf(v, INFINITY) };
			for (int k = 0; k < 3; k++)
				if (fabs((double)near[k]) <= top) {
					x[n++] = near[k];
					x[n++] = -near[k];
				}
		}
	*ret_n = n;
	return x;
}

static void qdq(const char *plugin, const char *params, enum oqz_input_role role, const float *x, size_t n, float *y)
{
	const struct oqz_tensor t = { .dtype = OQZ_DT_F32, .shape = GB_DIMS((int64_t)n), .data = (void *)(uintptr_t)x };
	struct oqz_params *p = plugin_params(plugin, params);
	struct oqz_tensor out = { 0 };

	ck_ok(oqz_qdq_tensor(plugin_open(plugin), &plugin_host.table, p, plugin, &t, role, -1, &out, NULL, err));
	ck_assert(oqz_shape_equal(&out.shape, &t.shape));
	if (n)
		memcpy(y, out.data, n * sizeof *y);
	oqz_tensor_release(&out);
	oqz_params_free(p);
}

static void expect(const char *what, const struct table *t, bool ties_to_zero, double lowest, const float *x,
                   const float *y, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		double want = nearest(t, (double)x[i], ties_to_zero);
		if (want < lowest)
			want = lowest;
		if ((double)y[i] != want) /* millions of times: an assertion each would take minutes */
			ck_abort_msg("%s: %.9g became %.9g, not %.9g", what, (double)x[i], (double)y[i], want);
	}
}

/* Two's complement has one code more below: the probes of the positive side serve for it too. */
static void whole(const char *plugin, const char *params, const struct table *t, bool ties_to_zero, double lowest)
{
	size_t n;
	float *x = probes(t, INFINITY, &n), *y = malloc((n + 8) * sizeof *y);
	static const float beyond[] = { 3e38f, -3e38f, INFINITY, -INFINITY, 1e-45f, -1e-45f, 0.0f, -0.0f };

	qdq(plugin, params, OQZ_INPUT_ACTIVATION, x, n, y);
	expect(params, t, ties_to_zero, lowest, x, y, n);
	qdq(plugin, params, OQZ_INPUT_ACTIVATION, beyond, 8, y);
	expect(params, t, ties_to_zero, lowest, beyond, y, 8);
	free(x);
	free(y);
}

/* ---------------------------------------------------------------------------------------------------- small floats */

START_TEST(small_floats)
{
	static const struct {
		const char *format;
		int e, m, bias;
		double max;
	} rows[] = {
		{ "e4m3fn", 4, 3, 7, 448 },
		{ "e5m2", 5, 2, 15, 57344 },
		{ "e4m3fnuz", 4, 3, 8, 240 },
		{ "e5m2fnuz", 5, 2, 16, 57344 },
		{ "e4m3", 4, 3, 7, 480 },
		{ "e3m4", 3, 4, 3, 31 },
		{ "e2m3", 2, 3, 1, 7.5 },
		{ "e3m2", 3, 2, 3, 28 },
		{ "e2m1", 2, 1, 1, 6 },
		{ "e5m10ieee", 5, 10, 15, 65504 },
		{ "e6m9", 6, 9, 31, 0x1.ff8p32 },
		{ "e2m1,bias=3", 2, 1, 3, 1.5 },
		{ "e4m3fn,max=240", 4, 3, 7, 240 },
		{ "e4m3fn,max=0.0078125", 4, 3, 7, 0x1p-7 },
		{ "e3m0,bias=4", 3, 0, 4, 8 },
		{ "e8m7,max=0x1p100", 8, 7, 127, 0x1p100 },
		{ "e8m3,bias=128", 8, 3, 128, 0x1.ep127 },
	};

	for (size_t i = 0; i < OQZ_COUNTOF(rows); i++)
		for (int zero = 0; zero < 2; zero++) {
			char params[128];
			struct table t = small_float_table(rows[i].e, rows[i].m, rows[i].bias, rows[i].max);
			snprintf(params, sizeof params, "scale=1,format=%s%s", rows[i].format,
			         zero ? ",rounding=half-toward-zero" : "");
			ck_assert(t.v[t.n - 1] == rows[i].max);
			whole("fp8", params, &t, zero, -INFINITY);
			free(t.v);
		}
}
END_TEST

/* The largest number by the definition of the suffix: 0 ieee, 1 fn, 2 fnuz, 3 finite. */
static double largest(int e, int m, int bias, int special)
{
	double max = 0;

	for (int exp = 0; exp < 1 << e; exp++)
		for (int man = 0; man < 1 << m; man++) {
			bool top = exp == (1 << e) - 1, last = top && man == (1 << m) - 1;
			if ((special == 0 && top) || (special == 1 && last))
				continue;
			double v = exp ? ldexp((1 << m) + man, exp - bias - m) : ldexp(man, 1 - bias - m);
			max = fmax(max, v);
		}
	return max;
}

/* Every split of exponent and mantissa with every suffix: either refused for a reason, or right over all codes. */
START_TEST(every_split)
{
	static const char *const suffixes[] = { "ieee", "fn", "fnuz", "finite" };
	enum { MOST = 10 }; /* beyond that rows of small_floats: the rest would take minutes */
	int fine = 0, refused = 0;

	for (int i = 0; i < 8 * 11 * 4 * 2; i++) {
		int e = 1 + i / 88, m = i / 8 % 11, special = i / 2 % 4;
		int bias = (1 << (e - 1)) - (special != 2);
		double max = largest(e, m, bias, special);
		char params[96];
		snprintf(params, sizeof params, "scale=1,format=e%dm%d%s%s", e, m, suffixes[special],
		         i & 1 ? ",rounding=half-toward-zero" : "");
		const char *why = special == 0 && m == 0 ? "has no code for NaN"
		                  : max == 0             ? "has no number but 0"
		                  : max >= 0x1p128       ? "above float32's largest"
		                                         : NULL;
		if (why) {
			plugin_refuses("fp8", params, why);
			refused++;
		} else if (e + m <= MOST) {
			struct table t = small_float_table(e, m, bias, max);
			ck_assert(t.v[t.n - 1] == max);
			whole("fp8", params, &t, i & 1, -INFINITY);
			free(t.v);
			fine++;
		}
	}
	/* ieee without mantissa bits (8), e1m0fn, e8 with fn (10, all but m0) and finite (11); of each two roundings */
	ck_assert_int_eq(refused, 2 * (8 + 1 + 10 + 11));
	ck_assert_int_gt(fine, 300);
}
END_TEST

START_TEST(casts)
{
	struct table half = small_float_table(5, 10, 15, 65504),
	             bf16 = { malloc(0x8000 * sizeof(double)), 0, INFINITY, false };

	whole("cast", "format=fp16", &half, false, -INFINITY);
	for (uint32_t code = 0; code < 0x7f80; code++) {
		uint32_t bits = code << 16;
		float v;
		memcpy(&v, &bits, sizeof v);
		bf16.v[bf16.n++] = (double)v;
	}
	whole("cast", "format=bf16", &bf16, false, -INFINITY);
	free(half.v);
	free(bf16.v);
}
END_TEST

/* ---------------------------------------------------------------------------------------------------- integers */

START_TEST(integers)
{
	for (int bits = 2; bits <= 16; bits++) {
		struct table t = integer_table(1 << (bits - 1));
		char params[64];
		/* the table has the code that only the negative side has; the positive side ends one earlier */
		snprintf(params, sizeof params, "calibrate=constant,bits=%d", bits);
		size_t n;
		float *x = probes(&t, INFINITY, &n), *y = malloc(n * sizeof *y);
		qdq("int8", params, OQZ_INPUT_ACTIVATION, x, n, y);
		for (size_t i = 0; i < n; i++) {
			double want = fmin(nearest(&t, (double)x[i], false), (1 << (bits - 1)) - 1);
			ck_assert_msg((double)y[i] == want, "%d bits: %.9g became %.9g, not %.9g", bits, (double)x[i],
			              (double)y[i], want);
		}
		free(x);
		free(y);
		free(t.v);
	}
}
END_TEST

/* Zero points: all codes of a range that begins below zero, the formula as it stands in the manual. */
START_TEST(integers_with_zero_points)
{
	for (int bits = 2; bits <= 16; bits++)
		for (int pow2 = 0; pow2 < 2; pow2++) {
			enum { N = 4001 };
			float *x = malloc(N * sizeof *x), *y = malloc(N * sizeof *y), s;
			struct oqz_grid grid = { .kind = OQZ_GRID_AFFINE, .bits = bits, .qmax = (1 << bits) - 1 };
			char params[96];
			int32_t z;
			for (int i = 0; i < N; i++)
				x[i] = -1.3f + 5.2f * (float)i / (N - 1);
			oqz_affine_from_range((double)x[0], (double)x[N - 1], &grid, false, pow2, &s, &z);
			snprintf(params, sizeof params, "symmetric=false,calibrate=minmax,bits=%d,scale=%s", bits,
			         pow2 ? "pow2" : "free");
			qdq("int8", params, OQZ_INPUT_ACTIVATION, x, N, y);
			for (int i = 0; i < N; i++) {
				float t = fminf(fmaxf(nearbyintf(x[i] / s) + (float)z, 0), (float)grid.qmax);
				ck_assert_msg(y[i] == (t - (float)z) * s, "%s: %.9g", params, (double)x[i]);
			}
			free(x);
			free(y);
		}
}
END_TEST

/* ---------------------------------------------------------------------------------------------------- blocks */

/* Blocks whose largest magnitude is the element's: then the block's scale is 1 (times `unit`), and all codes can be
 * met. */
static void blocks(const char *params, const struct table *t, size_t block, bool nvidia)
{
	size_t n, k = 0, rows, top = t->n - 1;
	float *p = probes(t, t->v[top], &n);

	rows = (n + block - 2) / (block - 1) + 1;
	float *x = calloc(rows * block, sizeof *x), *y = malloc(rows * block * sizeof *y);
	x[0] = nvidia ? (float)(448 * t->v[top]) : (float)t->v[top];
	for (size_t r = 1; r < rows; r++) {
		x[r * block] = (float)t->v[top];
		for (size_t i = 1; i < block && k < n; i++)
			x[r * block + i] = p[k++];
	}
	qdq("mx", params, OQZ_INPUT_ACTIVATION, x, rows * block, y);
	expect(params, t, false, -INFINITY, x + block, y + block, (rows - 1) * block);
	free(p);
	free(x);
	free(y);
}

START_TEST(block_formats)
{
	static const struct {
		const char *params;
		int e, m, bias;
		double max;
	} rows[] = {
		{ "format=mxfp8_e4m3", 4, 3, 7, 448 }, { "format=mxfp8_e5m2", 5, 2, 15, 57344 },
		{ "format=mxfp6_e2m3", 2, 3, 1, 7.5 }, { "format=mxfp6_e3m2", 3, 2, 3, 28 },
		{ "format=mxfp4", 2, 1, 1, 6 },        { "format=nvfp4", 2, 1, 1, 6 },
	};

	for (size_t i = 0; i < OQZ_COUNTOF(rows); i++) {
		struct table t = small_float_table(rows[i].e, rows[i].m, rows[i].bias, rows[i].max);
		bool nvidia = strstr(rows[i].params, "nvfp4") != NULL;
		blocks(rows[i].params, &t, nvidia ? 16 : 32, nvidia);
		free(t.v);
	}
	struct table t = integer_table(127);
	blocks("format=mxint8", &t, 32, false);
	free(t.v);
}
END_TEST

/* The power of two of a block: OCP MX 1.0, 6.3, over the whole range of exponents. */
START_TEST(block_scales)
{
	float x[32] = { 0 }, y[32];

	for (int e = -126; e <= 127; e++) {
		/* 5.75 and -4 units of 2^(e-2); the exponent of a scale ends at -127, where they are 2.875 and -2 */
		float unit = ldexpf(1, e - 2 < -127 ? -127 : e - 2);
		x[0] = ldexpf(1.4375f, e);
		x[1] = ldexpf(-1.0f, e);
		qdq("mx", "format=mxfp4", OQZ_INPUT_ACTIVATION, x, 32, y);
		ck_assert_msg(y[0] == (e > -126 ? 6 : 3) * unit && y[1] == (e > -126 ? -4 : -2) * unit, "2^%d: %g %g",
		              e, (double)y[0], (double)y[1]);
	}
}
END_TEST

/* ---------------------------------------------------------------------------------------------------- no numbers */

/* NaN: kept by formats that have one; the largest value of those that have none; the code of zero of integers. */
START_TEST(not_a_number)
{
	static const struct {
		const char *plugin, *params;
		float want;
	} rows[] = {
		{ "fp8", "scale=1", NAN },           { "fp8", "scale=1,format=e5m2", NAN },
		{ "fp8", "scale=1,format=e2m1", 6 }, { "cast", "format=fp16", NAN },
		{ "cast", "format=bf16", NAN },      { "float", "", NAN },
		{ "int8", "calibrate=constant", 0 }, { "int8", "calibrate=minmax,symmetric=false", 0 },
		{ "mx", "format=mxfp8_e4m3", NAN },  { "mx", "format=mxfp4", 6 },
		{ "mx", "format=mxint8", 0 },
	};
	static const float x[] = { 6, NAN, -6, 1 };

	for (size_t i = 0; i < OQZ_COUNTOF(rows); i++) {
		float y[4], want = rows[i].want;
		qdq(rows[i].plugin, rows[i].params, OQZ_INPUT_ACTIVATION, x, 4, y);
		ck_assert_msg(isnan(want) ? isnan(y[1]) : y[1] == want, "%s %s: NaN became %g", rows[i].plugin,
		              rows[i].params, (double)y[1]);
		ck_assert(isfinite(y[0]) && isfinite(y[2]));
	}
}
END_TEST

/* A tensor without elements is returned as it is where no range has to be found; where one has, that is said. */
START_TEST(nothing_at_all)
{
	static const char *const fine[][2] = {
		{ "fp8", "scale=1" },
		{ "cast", "" },
		{ "float", "" },
		{ "mx", "format=mxfp4" },
		{ "int8", "calibrate=constant" },
	};
	static const char *const refused[][2] = { { "int8", "" },
		                                  { "int8", "calibrate=minmax" },
		                                  { "fp8", "" },
		                                  { "fp8", "scale=mse" },
		                                  { "mx", "format=nvfp4" } };
	float none = 0;
	const struct oqz_tensor t = { .dtype = OQZ_DT_F32, .shape = GB_DIMS(2, 0, 3), .data = &none };

	for (size_t i = 0; i < OQZ_COUNTOF(fine); i++)
		qdq(fine[i][0], fine[i][1], OQZ_INPUT_ACTIVATION, &none, 0, &none);
	for (size_t i = 0; i < OQZ_COUNTOF(refused); i++) {
		struct oqz_params *p = plugin_params(refused[i][0], refused[i][1]);
		struct oqz_tensor out = { 0 };
		ck_fails(oqz_qdq_tensor(plugin_open(refused[i][0]), &plugin_host.table, p, "s", &t,
		                        OQZ_INPUT_ACTIVATION, -1, &out, NULL, err),
		         OQZ_E_DATA, "no finite number");
		oqz_params_free(p);
	}
}
END_TEST

OQZ_TEST_MAIN("all_codes", small_floats, every_split, casts, integers, integers_with_zero_points, block_formats,
              block_scales, not_a_number, nothing_at_all)
