/* SPDX-License-Identifier: Apache-2.0
 *
 * core/tensor/minifloat: every code of every format, every midpoint, the ends, and the tables of the golden material.
 */
#include "tests/support/support.h"
#include "core/tensor/minifloat.h"

#include <math.h>
#include <string.h>

static int code_bits(const struct oqz_minifloat *f)
{
	return f->exp_bits + f->man_bits + (f->special != OQZ_MF_UNSIGNED_SCALE);
}

#define FOR_EACH_FORMAT(f)                        \
	for (int t_ = 1; t_ < OQZ_DT_COUNT; t_++) \
		for (const struct oqz_minifloat *f = oqz_minifloat_of(t_); f; f = NULL)

START_TEST(codes_round_trip)
{
	int formats = 0;

	FOR_EACH_FORMAT(f)
	{
		double max = 0;
		for (uint32_t c = 0; c < 1u << code_bits(f); c++) {
			double v = oqz_minifloat_decode(f, c);
			for (int r = 0; r <= OQZ_ROUND_DOWN; r++) {
				uint32_t back = oqz_minifloat_encode(f, v, r, r & 1);
				if (isnan(v))
					ck_assert(isnan(oqz_minifloat_decode(f, back)));
				else if (isfinite(v) || !(r & 1))
					ck_assert_msg(back == c, "%s: %x -> %g -> %x (rounding %d)", f->name, c, v,
					              back, r);
			}
			if (isfinite(v) && v > max)
				max = v;
		}
		ck_assert_msg(max == f->max, "%s: largest is %g", f->name, max);
		formats++;
	}
	ck_assert_int_eq(formats, 8);
}
END_TEST

START_TEST(ties_follow_the_rounding)
{
	FOR_EACH_FORMAT(f)
	{
		double min_normal = ldexp(1, 1 - f->bias);
		for (uint32_t c = 0; c + 1 < 1u << (f->exp_bits + f->man_bits); c++) {
			double lo = oqz_minifloat_decode(f, c), hi = oqz_minifloat_decode(f, c + 1),
			       mid = lo + (hi - lo) / 2;
			uint32_t even = f->man_bits == 0 || c & 1 ? c + 1 : c;
			if (!isfinite(lo) || !isfinite(hi))
				break;
			ck_assert_uint_eq(oqz_minifloat_encode(f, mid, OQZ_ROUND_HALF_EVEN, true), even);
			ck_assert_uint_eq(oqz_minifloat_encode(f, mid, OQZ_ROUND_HALF_UP, true), c + 1);
			ck_assert_uint_eq(oqz_minifloat_encode(f, mid, OQZ_ROUND_HALF_DOWN, true), c);
			ck_assert_uint_eq(oqz_minifloat_encode(f, mid, OQZ_ROUND_HALF_AWAY, true), c + 1);
			if (f->special != OQZ_MF_UNSIGNED_SCALE)
				ck_assert_uint_eq(oqz_minifloat_encode(f, mid, OQZ_ROUND_HALF_TO_ZERO, true),
				                  mid >= min_normal ? c : even);
			ck_assert_uint_eq(oqz_minifloat_encode(f, nextafter(mid, 0), OQZ_ROUND_HALF_EVEN, true), c);
			ck_assert_uint_eq(oqz_minifloat_encode(f, nextafter(mid, hi), OQZ_ROUND_HALF_EVEN, true),
			                  c + 1);
			ck_assert_uint_eq(oqz_minifloat_encode(f, mid, OQZ_ROUND_UP, true), c + 1);
			ck_assert_uint_eq(oqz_minifloat_encode(f, mid, OQZ_ROUND_DOWN, true), c);
			if (f->special == OQZ_MF_UNSIGNED_SCALE)
				continue;
			ck_assert(oqz_minifloat_decode(f, oqz_minifloat_encode(f, -mid, OQZ_ROUND_HALF_UP, true)) ==
			          -lo);
			ck_assert(oqz_minifloat_decode(f, oqz_minifloat_encode(f, -mid, OQZ_ROUND_HALF_DOWN, true)) ==
			          -hi);
			ck_assert(oqz_minifloat_decode(f, oqz_minifloat_encode(f, -mid, OQZ_ROUND_DOWN, true)) == -hi);
		}
	}
}
END_TEST

static double through(int dtype, double x, bool saturate)
{
	const struct oqz_minifloat *f = oqz_minifloat_of(dtype);

	return oqz_minifloat_decode(f, oqz_minifloat_encode(f, x, OQZ_ROUND_HALF_EVEN, saturate));
}

START_TEST(ends_saturate_or_overflow)
{
	FOR_EACH_FORMAT(f)
	{
		bool scale = f->special == OQZ_MF_UNSIGNED_SCALE;
		ck_assert(through(t_, INFINITY, true) == f->max && through(t_, 1e300, true) == f->max);
		if (!scale)
			ck_assert(through(t_, -INFINITY, true) == -f->max && through(t_, -1e300, true) == -f->max);
		double over = through(t_, 1e300, false);
		switch (f->special) {
		case OQZ_MF_IEEE: ck_assert(over == INFINITY && through(t_, -1e300, false) == -INFINITY); break;
		case OQZ_MF_FINITE: ck_assert(over == f->max && through(t_, NAN, true) == f->max); break;
		default: ck_assert(isnan(over)); break;
		}
		ck_assert(f->special == OQZ_MF_FINITE || isnan(through(t_, NAN, true)));
		ck_assert(through(t_, 1e-300, true) == (scale ? 0x1p-127 : 0));
	}
	ck_assert(through(OQZ_DT_F8E4M3FN, 464, false) == 448 && isnan(through(OQZ_DT_F8E4M3FN, 464.001, false)));
	ck_assert(through(OQZ_DT_F16, 65519.99, false) == 65504 && through(OQZ_DT_F16, 65520, false) == INFINITY);
	ck_assert(isnan(through(OQZ_DT_F8E8M0, -1, true)) && through(OQZ_DT_F8E8M0, 0, true) == 0x1p-127);
	ck_assert(through(OQZ_DT_F4E2M1, 2.5, true) == 2 && through(OQZ_DT_F4E2M1, 3.5, true) == 4);
	const struct oqz_minifloat low = { "low", 4, 3, 7, OQZ_MF_FINITE, 0x1.8p-8 }; /* ends among subnormal numbers */
	ck_assert_uint_eq(oqz_minifloat_encode(&low, INFINITY, OQZ_ROUND_HALF_EVEN, true), 3);
	ck_assert_uint_eq(oqz_minifloat_encode(&low, -1, OQZ_ROUND_HALF_EVEN, true), 0x83);
}
END_TEST

/* "e4m3/table", "e4m3/probe" with the two roundings: ties to zero (as the QuantZoo kernel rounds) and half even. */
static void compare_golden(const struct golden *g, const char *prefix, int dtype)
{
	const struct oqz_minifloat *f = oqz_minifloat_of(dtype);
	char name[64];

	snprintf(name, sizeof name, "%s/table", prefix);
	struct oqz_tensor table = golden_array(g, name);
	for (uint32_t c = 0; c < 256; c++) {
		double want = oqz_load_f(table.dtype, table.data, c), got = oqz_minifloat_decode(f, c);
		ck_assert_msg(got == want || (isnan(got) && isnan(want)), "%s code %x: %g, not %g", prefix, c, got,
		              want);
	}
	snprintf(name, sizeof name, "%s/probe", prefix);
	struct oqz_tensor probe = golden_array(g, name);
	snprintf(name, sizeof name, "%s/probe_ppq", prefix);
	struct oqz_tensor ppq = golden_array(g, name);
	snprintf(name, sizeof name, "%s/probe_rne", prefix);
	struct oqz_tensor rne = golden_array(g, name);
	for (size_t i = 0; i < (size_t)oqz_tensor_nelem(&probe); i++) {
		double x = ((float *)probe.data)[i];
		double a = oqz_minifloat_decode(f, oqz_minifloat_encode(f, x, OQZ_ROUND_HALF_TO_ZERO, true));
		double b = oqz_minifloat_decode(f, oqz_minifloat_encode(f, x, OQZ_ROUND_HALF_EVEN, true));
		ck_assert_msg(a == ((float *)ppq.data)[i], "%s: %a gives %a, not %a", prefix, x, a,
		              ((float *)ppq.data)[i]);
		ck_assert_msg(b == ((float *)rne.data)[i], "%s: %a gives %a, not %a", prefix, x, b,
		              ((float *)rne.data)[i]);
	}
}

START_TEST(golden_tables_agree)
{
	struct golden g;

	if (!golden_open(&g, "quantization/qdq/fp8"))
		return;
	compare_golden(&g, "e4m3", OQZ_DT_F8E4M3FN);
	compare_golden(&g, "e5m2", OQZ_DT_F8E5M2);
	golden_close(&g);
}
END_TEST

OQZ_TEST_MAIN("minifloat", codes_round_trip, ties_follow_the_rounding, ends_saturate_or_overflow, golden_tables_agree)
