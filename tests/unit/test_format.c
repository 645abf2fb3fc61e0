/* SPDX-License-Identifier: Apache-2.0
 *
 * core/quant/format against the golden vectors of PPQ (int8, FP8, roundings, scales from ranges), bit for bit but for
 * the sign of zero; brute-force checks of grids.
 */
#include "core/base/str.h"
#include "core/quant/format.h"
#include "core/tensor/fakequant.h"
#include "tests/support/support.h"

#include <math.h>
#include <string.h>

static struct oqz_grid affine(int qmin, int qmax)
{
	return (struct oqz_grid) { .kind = OQZ_GRID_AFFINE, .bits = 8, .qmin = qmin, .qmax = qmax };
}

static struct oqz_grid minifloat(enum oqz_dtype t, enum oqz_round round)
{
	const struct oqz_minifloat *f = oqz_minifloat_of(t);

	return (struct oqz_grid) { .kind = OQZ_GRID_MINIFLOAT,
		                   .rounding = round,
		                   .bits = 1 + f->exp_bits + f->man_bits,
		                   .exp_bits = f->exp_bits,
		                   .man_bits = f->man_bits,
		                   .bias = f->bias,
		                   .special = (uint32_t)f->special,
		                   .max = f->max };
}

static void expect_equal(const char *what, const float *got, const struct oqz_tensor *want)
{
	const float *w = want->data;

	for (int64_t i = 0; i < oqz_tensor_nelem(want); i++)
		ck_assert_msg(got[i] == w[i] || (got[i] != got[i] && w[i] != w[i]), "%s: element %d is %a, not %a",
		              what, (int)i, (double)got[i], (double)w[i]);
}

static struct golden g;

static struct oqz_tensor at(const char *fmt, ...)
{
	char name[128];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(name, sizeof name, fmt, ap);
	va_end(ap);
	return golden_array(&g, name);
}

static int int8_case(const char *data, const char *mode, const char *place, int axis)
{
	struct oqz_tensor x = at("x/%s", data), scale = at("scale/%s/%s/%s", data, mode, place),
	                  offset = at("offset/%s/%s/%s", data, mode, place), y = at("y/%s/%s/%s", data, mode, place);
	bool sym = mode[0] == 's';
	int32_t zero[16];
	int8_t codes[4 * 6 * 5 * 7];
	float got[4 * 6 * 5 * 7];
	struct oqz_qspec q = { .grid = affine(sym ? -128 : 0, sym ? 127 : 255),
		               .axis = axis,
		               .n_scale = (size_t)oqz_tensor_nelem(&scale),
		               .scale = scale.data,
		               .zero = zero };

	for (size_t i = 0; i < q.n_scale; i++)
		zero[i] = (int32_t)((const float *)offset.data)[i];
	ck_ok(oqz_fake_quantize(&q, &x.shape, x.data, got, err));
	expect_equal(data, got, &y);
	ck_ok(oqz_quantize_codes(&q, &x.shape, x.data, sym ? OQZ_DT_I8 : OQZ_DT_U8, codes, err));
	if (sym) {
		struct oqz_tensor want = at("q/%s/%s/%s", data, mode, place);
		for (int64_t i = 0; i < oqz_tensor_nelem(&want); i++)
			ck_assert_int_eq(codes[i], ((const int8_t *)want.data)[i]);
	}
	if (axis >= 0)
		return (int)oqz_tensor_nelem(&x);
	const float *v = x.data;
	float lo = INFINITY, hi = -INFINITY, s;
	int32_t z;
	for (int64_t i = 0; i < oqz_tensor_nelem(&x); i++) {
		lo = v[i] < lo ? v[i] : lo;
		hi = v[i] > hi ? v[i] : hi;
	}
	oqz_affine_from_range((double)lo, (double)hi, &q.grid, sym, strstr(mode, "pow2") != NULL, &s, &z);
	ck_assert_msg(s == *(const float *)scale.data && z == zero[0], "%s/%s: scale %a, not %a; zero %d, not %d", data,
	              mode, (double)s, (double)*(const float *)scale.data, z, zero[0]);
	return (int)oqz_tensor_nelem(&x);
}

START_TEST(int8_equals_golden)
{
	static const char *const data[] = { "normal", "uniform", "heavy", "tiny", "subnormal_scale", "large",
		                            "zeros",  "allzero", "relu",  "ties", "negative",        "const" };
	static const char *const modes[] = { "sym", "sym_pow2", "asym", "asym_pow2" };
	static const char *const places[] = { "tensor", "axis0", "axis1" };
	int n = 0;

	if (!golden_open(&g, "quantization/qdq/int8"))
		return;
	for (size_t d = 0; d < OQZ_COUNTOF(data); d++)
		for (size_t m = 0; m < OQZ_COUNTOF(modes); m++)
			for (int p = 0; p < 3; p++)
				n += int8_case(data[d], modes[m], places[p], p - 1);
	ck_assert_int_eq(n, 12 * 4 * 3 * 840);
	golden_close(&g);
}
END_TEST

START_TEST(roundings_equal_golden)
{
	static const char *const names[] = { "HALF_EVEN",          "HALF_UP", "HALF_DOWN", "HALF_TOWARDS_ZERO",
		                             "HALF_FAR_FORM_ZERO", NULL,      "UP" };
	static const float one = 1;
	float got[256];

	if (!golden_open(&g, "quantization/qdq/int8"))
		return;
	struct oqz_tensor x = at("round/x");
	for (uint32_t r = 0; r < OQZ_COUNTOF(names); r++) {
		struct oqz_qspec q = { .grid = affine(-128, 127), .axis = -1, .n_scale = 1, .scale = &one };
		if (!names[r])
			continue;
		struct oqz_tensor y = at("round/ROUND_%s", names[r]);
		q.grid.rounding = r;
		ck_ok(oqz_fake_quantize(&q, &x.shape, x.data, got, err));
		expect_equal(names[r], got, &y);
	}
	golden_close(&g);
}
END_TEST

START_TEST(scales_from_ranges_equal_golden)
{
	size_t i;
	json_t *row;

	if (!golden_open(&g, "quantization/qdq/int8"))
		return;
	json_array_foreach(json_object_get(g.json, "minmax_to_scale_offset"), i, row)
	{
		bool sym = json_boolean_value(json_array_get(row, 2)),
		     pow2 = json_boolean_value(json_array_get(row, 3));
		struct oqz_grid grid = affine(sym ? -128 : 0, sym ? 127 : 255);
		float s;
		int32_t z;
		oqz_affine_from_range(json_number_value(json_array_get(row, 0)),
		                      json_number_value(json_array_get(row, 1)), &grid, sym, pow2, &s, &z);
		ck_assert_msg(s == (float)json_number_value(json_array_get(row, 4)), "row %zu: scale %.9g", i,
		              (double)s);
		ck_assert_msg(z == (int32_t)json_number_value(json_array_get(row, 5)), "row %zu: zero %d", i, z);
	}
	ck_assert_int_eq((int)i, 32);
	/* the step to a power of two: s = 2 maxabs / 255 with maxabs chosen so that s is the probe */
	struct oqz_tensor x = at("pow2/x"), up = at("pow2/ROUND_UP");
	for (int64_t k = 0; k < oqz_tensor_nelem(&x); k++) {
		struct oqz_grid grid = affine(-1, 1); /* s = maxabs */
		float s;
		int32_t z;
		oqz_affine_from_range(0, ((const double *)x.data)[k], &grid, true, true, &s, &z);
		ck_assert_msg((double)s == ((const double *)up.data)[k], "%.17g -> %.9g", ((const double *)x.data)[k],
		              (double)s);
	}
	golden_close(&g);
}
END_TEST

/* Steps of 1 and zero points halfway between two codes: to the even one. */
START_TEST(zero_points_are_rounded_half_even)
{
	const struct oqz_grid grid = affine(0, 255);
	float s;
	int32_t z;

	oqz_affine_from_range(-2.5, 252.5, &grid, false, false, &s, &z);
	ck_assert(s == 1 && z == 2);
	oqz_affine_from_range(-3.5, 251.5, &grid, false, false, &s, &z);
	ck_assert(s == 1 && z == 4);
}
END_TEST

static void fp8_format(const char *name, enum oqz_dtype t, double max)
{
	static const char *const data[] = { "normal",   "uniform",         "heavy",   "tiny",
		                            "large",    "zeros",           "allzero", "relu",
		                            "negative", "subnormal_scale", "ties",    "const" };
	static const float scales[] = { 0.0078125f, 0.03125f, 0.125f, 1, 4, 16, 64 };
	struct oqz_qspec q = { .grid = minifloat(t, OQZ_ROUND_HALF_TO_ZERO), .axis = -1, .n_scale = 1 };
	float *got = malloc(22 * 1000 * sizeof *got);
	int n = 0;

	ck_assert(q.grid.max == max);
	struct oqz_tensor table = at("%s/table", name), probe = at("%s/probe", name);
	ck_assert_int_eq((int)oqz_grid_ncodes(&q.grid), 256);
	for (size_t i = 0; i < 256; i++) {
		float want = ((const float *)table.data)[i], v = (float)oqz_grid_value(&q.grid, i);
		ck_assert_msg(v == want || (v != v && want != want), "%s code %zu", name, i);
	}
	q.scale = &scales[3];
	struct oqz_tensor want = at("%s/probe_ppq", name);
	ck_ok(oqz_fake_quantize(&q, &probe.shape, probe.data, got, err));
	expect_equal("probe_ppq", got, &want);
	q.grid.rounding = OQZ_ROUND_HALF_EVEN;
	want = at("%s/probe_rne", name);
	ck_ok(oqz_fake_quantize(&q, &probe.shape, probe.data, got, err));
	expect_equal("probe_rne", got, &want);
	q.grid.rounding = OQZ_ROUND_HALF_TO_ZERO;
	for (size_t d = 0; d < OQZ_COUNTOF(data); d++) {
		char key[32];
		snprintf(key, sizeof key, "%s/y/%s/s1", name, data[d]);
		if (!json_object_get(json_object_get(g.json, "arrays"), key))
			continue;
		struct oqz_tensor x = at("x/%s", data[d]);
		for (size_t s = 0; s < OQZ_COUNTOF(scales); s++) {
			want = at("%s/y/%s/s%.9g", name, data[d], (double)scales[s]);
			q.scale = &scales[s];
			ck_ok(oqz_fake_quantize(&q, &x.shape, x.data, got, err));
			expect_equal(key, got, &want);
			n++;
		}
	}
	ck_assert_int_eq(n, 8 * 7);
	for (int axis = 0; axis < 2; axis++) {
		struct oqz_tensor scale = at("%s/scale/axis%d", name, axis), x = at("x/normal");
		want = at("%s/y/normal/axis%d", name, axis);
		q.axis = axis;
		q.n_scale = (size_t)oqz_tensor_nelem(&scale);
		q.scale = scale.data;
		ck_ok(oqz_fake_quantize(&q, &x.shape, x.data, got, err));
		expect_equal("per axis", got, &want);
	}
	free(got);
}

START_TEST(fp8_equals_golden)
{
	if (!golden_open(&g, "quantization/qdq/fp8"))
		return;
	fp8_format("e4m3", OQZ_DT_F8E4M3FN, 448);
	fp8_format("e5m2", OQZ_DT_F8E5M2, 57344);
	golden_close(&g);
}
END_TEST

START_TEST(grids_pass_brute_force)
{
	static const double values[] = { -7, -1.5, 0, 0.1, 2 };
	struct oqz_grid book = { .kind = OQZ_GRID_CODEBOOK, .n_values = 5, .values = values };
	static const enum oqz_dtype types[] = { OQZ_DT_F8E4M3FN, OQZ_DT_F8E4M3FNUZ, OQZ_DT_F8E5M2, OQZ_DT_F8E5M2FNUZ,
		                                OQZ_DT_F4E2M1 };

	for (uint32_t r = 0; r < 8; r++) {
		if (r == 5)
			continue;
		for (int bits = 2; bits <= 12; bits += 5) {
			struct oqz_grid a = affine(-(1 << (bits - 1)), (1 << (bits - 1)) - 1),
			                u = affine(0, (1 << bits) - 1);
			a.rounding = u.rounding = book.rounding = r;
			ck_ok(oqz_grid_verify(&a, err));
			ck_ok(oqz_grid_verify(&u, err));
			ck_ok(oqz_grid_verify(&book, err));
		}
	}
	for (size_t i = 0; i < OQZ_COUNTOF(types); i++) {
		struct oqz_grid e = minifloat(types[i], OQZ_ROUND_HALF_EVEN),
		                z = minifloat(types[i], OQZ_ROUND_HALF_TO_ZERO);
		ck_ok(oqz_grid_verify(&e, err));
		ck_ok(oqz_grid_verify(&z, err));
	}
	struct oqz_grid bad = minifloat(OQZ_DT_F8E4M3FN, OQZ_ROUND_HALF_EVEN);
	bad.max = 440;
	ck_fails(oqz_grid_verify(&bad, err), OQZ_E_DATA, "maximum");
	bad = affine(3, 3);
	ck_fails(oqz_grid_verify(&bad, err), OQZ_E_DATA, "code range");
}
END_TEST

START_TEST(spec_check_names_what_is_wrong)
{
	struct oqz_shape s = { .rank = 2, .dim = { 3, 8 } }, unknown = { .rank = -1 };
	float scale[] = { 1, 1, 0, 1, 1, 1 };
	struct oqz_qspec q = { .grid = affine(-8, 7), .axis = 0, .n_scale = 3, .scale = scale };

	ck_fails(oqz_qspec_check(&q, &s, err), OQZ_E_DATA, "scale 2");
	scale[2] = INFINITY;
	ck_fails(oqz_qspec_check(&q, &s, err), OQZ_E_DATA, "scale 2");
	scale[2] = 1;
	ck_ok(oqz_qspec_check(&q, &s, err));
	q.n_scale = 2;
	ck_fails(oqz_qspec_check(&q, &s, err), OQZ_E_DATA, "3 are needed");
	ck_ok(oqz_qspec_check(&q, &unknown, err));
	q.axis = -1;
	ck_fails(oqz_qspec_check(&q, &unknown, err), OQZ_E_DATA, "without an axis");
	q.axis = 1;
	q.block = 4;
	q.n_scale = 6;
	ck_ok(oqz_qspec_check(&q, &s, err));
	q.grid.kind = OQZ_GRID_CUSTOM;
	ck_fails(oqz_qspec_check(&q, &s, err), OQZ_E_DATA, "function");
}
END_TEST

START_TEST(descriptions_read_well)
{
	struct oqz_str s = { 0 };
	struct oqz_grid a = affine(-128, 127), f = minifloat(OQZ_DT_F8E4M3FN, OQZ_ROUND_HALF_TO_ZERO);

	oqz_grid_describe(&a, &s);
	ck_assert_str_eq(oqz_str_get(&s), "int8 [-128,127] half-even");
	oqz_str_clear(&s);
	oqz_grid_describe(&f, &s);
	ck_assert_str_eq(oqz_str_get(&s), "float8e4m3fn max 448 half-toward-zero");
	oqz_str_release(&s);
}
END_TEST

OQZ_TEST_MAIN("format", zero_points_are_rounded_half_even, int8_equals_golden, roundings_equal_golden,
              scales_from_ranges_equal_golden, fp8_equals_golden, grids_pass_brute_force,
              spec_check_names_what_is_wrong, descriptions_read_well)
