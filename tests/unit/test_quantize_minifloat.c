/* SPDX-License-Identifier: Apache-2.0
 *
 * core/tensor/quantize_minifloat.c against the general rule of core/tensor/fakequant.c, bit for bit.
 */
#include "core/base/compiler.h"
#include "core/base/rng.h"
#include "core/tensor/fakequant.h"
#include "core/tensor/quantize_minifloat.h"
#include "tests/support/support.h"

#include <math.h>
#include <string.h>

enum { N = 8192 };

/* Every exponent around the format's, mantissas that are often exactly between two numbers or next to that, and
 * everything unusual. */
static void fill(struct oqz_rng *r, float *x, float scale)
{
	static const float odd[] = { NAN, INFINITY, -INFINITY, 0.0f, -0.0f, 1e-45f, 3e38f, -3e38f, 1e-30f };

	for (int i = 0; i < N; i++) {
		float m = (float)oqz_rng_below(r, 64) / 32 + (i % 3 ? 0 : (float)oqz_rng_f64(r) / 32);
		x[i] = ldexpf(i % 2 ? m : -m, (int)oqz_rng_below(r, 39) - 20) * scale;
		if (i % 5 == 0)
			x[i] = nextafterf(x[i], i % 10 ? INFINITY : 0);
	}
	memcpy(x, odd, sizeof odd);
}

static float value_of(uint16_t bf16)
{
	uint32_t bits = (uint32_t)bf16 << 16;
	float f;

	memcpy(&f, &bits, sizeof f);
	return f;
}

static void check(const struct oqz_fq *q, float scale, float lo, float hi, const float *x)
{
	static float v[N], want[N], wide[N];
	static uint16_t got[N];
	struct oqz_shape shape = { .rank = 1, .dim = { N } };
	struct oqz_fq unscaled = *q;
	const struct oqz_to_minifloat to = { &q->mf, q->round == OQZ_ROUND_HALF_TO_ZERO, scale, lo, hi };
	float one = 1;

	for (int i = 0; i < N; i++) {
		v[i] = x[i] / scale;
		v[i] = v[i] < lo ? lo : v[i] > hi ? hi : v[i];
	}
	unscaled.scale = &one;
	oqz_fq_run(&unscaled, &shape, v, want);
	oqz_quantize_minifloat(&to, x, N, wide);
	oqz_quantize_minifloat_bf16(&to, x, N, got);
	for (int i = 0; i < N; i++) {
		uint16_t alone; /* so that no neighbour decides how it is computed */
		oqz_quantize_minifloat_bf16(&to, x + i, 1, &alone);
		float f = value_of(got[i]);
		ck_assert_msg(alone == got[i], "scale %.9g: %.9g alone gives %.9g, not %.9g", (double)scale,
		              (double)x[i], (double)value_of(alone), (double)f);
		ck_assert(wide[i] == f || isnan(f));
		ck_assert_msg(f == want[i] || (isnan(f) && isnan(want[i])), "scale %.9g: %.9g gives %.9g, not %.9g",
		              (double)scale, (double)x[i], (double)f, (double)want[i]);
	}
}

/* Splits at the ends of what is computed here: without mantissa bits, with one exponent bit. */
static const struct oqz_minifloat rare[] = {
	{ "e3m0", 3, 0, 3, OQZ_MF_FINITE, 16 },
	{ "e4m0fn", 4, 0, 7, OQZ_MF_FN, 128 },
	{ "e1m6", 1, 6, 0, OQZ_MF_FINITE, 3.96875 },
	{ "e1m3ieee", 1, 3, 0, OQZ_MF_IEEE, 1.75 },
};

START_TEST(rare_splits_equal_the_general_rule)
{
	static const float scales[] = { 1, 0.37f };
	static float x[N];
	struct oqz_rng r;

	oqz_rng_init(&r, 19);
	for (size_t k = 0; k < 4 * OQZ_COUNTOF(rare); k++) {
		const struct oqz_fq q = { .kind = OQZ_FQ_MINIFLOAT,
			                  .mf = rare[k / 4],
			                  .round = k & 2 ? OQZ_ROUND_HALF_TO_ZERO : OQZ_ROUND_HALF_EVEN,
			                  .axis = -1 };
		fill(&r, x, scales[k & 1]);
		check(&q, scales[k & 1], -INFINITY, INFINITY, x);
	}
}
END_TEST

START_TEST(numbers_equal_the_general_rule)
{
	static const float scales[] = { 1, 0.25f, 0.37f, 1.0f / 448, 3.3e-7f, 1e-36f };
	static float x[N];
	struct oqz_rng r;

	oqz_rng_init(&r, 17);
	for (size_t k = 0; k < 4 * OQZ_COUNTOF(scales); k++) {
		float scale = scales[k / 4];
		struct oqz_fq q = { 0 };
		ck_assert(oqz_fq_of_dtype(k & 1 ? OQZ_DT_F8E4M3FN : OQZ_DT_F8E5M2, &q));
		q.round = k & 2 ? OQZ_ROUND_HALF_TO_ZERO : OQZ_ROUND_HALF_EVEN;
		q.axis = -1;
		fill(&r, x, scale);
		check(&q, scale, -INFINITY, INFINITY, x);
		check(&q, scale, 0, 6 / scale, x);
	}
}
END_TEST

OQZ_TEST_MAIN("quantize_minifloat", numbers_equal_the_general_rule, rare_splits_equal_the_general_rule)
