/* SPDX-License-Identifier: Apache-2.0
 *
 * core/tensor/quantize8.c against the general rule of core/tensor/fakequant.c, bit for bit.
 */
#include "core/base/rng.h"
#include "core/tensor/fakequant.h"
#include "core/tensor/quantize8.h"
#include "tests/support/support.h"

#include <math.h>

enum { N = 4099 };

/* Values around the codes and exactly between two of them, and everything unusual. */
static void fill(struct oqz_rng *r, float *x, float scale)
{
	static const float odd[] = { NAN, INFINITY, -INFINITY, 0.0f, -0.0f, 1e-45f, 3e38f, -3e38f };

	for (int i = 0; i < N; i++) {
		double u = (oqz_rng_f64(r) * 600 - 300);
		switch (i % 3) {
		case 0: x[i] = (float)(u * scale); break;
		case 1: x[i] = (float)((floor(u) + 0.5) * scale); break;
		default: x[i] = nextafterf((float)((floor(u) + 0.5) * scale), i % 2 ? INFINITY : 0); break;
		}
	}
	for (size_t i = 0; i < OQZ_COUNTOF(odd); i++)
		x[i * 7] = odd[i];
}

START_TEST(codes_and_values_equal_the_general_rule)
{
	static const struct {
		float scale;
		int32_t zero, qmin, qmax;
	} rows[] = {
		{ 0.013f, 0, -128, 127 },      { 0.25f, 0, -127, 127 }, { 0.1f, 128, 0, 255 },
		{ 3.7f, 17, 0, 255 },          { 1e-20f, 255, 0, 255 }, { 0.5f, 0, 0, 127 },
		{ 1.0f / 3, -128, -128, 127 }, { 2.0f, 3, -8, 7 },      { 1e-40f, 0, -128, 127 },
	};
	static float x[N], y[N], want[N];
	static int32_t codes[N];
	static uint8_t u[N];
	static int8_t s[N];
	struct oqz_shape shape = { .rank = 1, .dim = { N } };
	struct oqz_rng r;

	oqz_rng_init(&r, 7);
	for (size_t k = 0; k < OQZ_COUNTOF(rows); k++) {
		struct oqz_fq q = { .kind = OQZ_FQ_AFFINE,
			            .qmin = rows[k].qmin,
			            .qmax = rows[k].qmax,
			            .axis = -1,
			            .scale = &rows[k].scale,
			            .zero = &rows[k].zero };
		bool is_signed = q.qmin < 0;
		fill(&r, x, rows[k].scale);
		oqz_fq_codes(&q, &shape, x, codes);
		oqz_fq_run(&q, &shape, x, want);
		oqz_quantize_8(x, N, rows[k].scale, rows[k].zero, q.qmin, q.qmax, is_signed ? (void *)s : u);
		oqz_fakequant_f32(x, N, rows[k].scale, rows[k].zero, q.qmin, q.qmax, y);
		for (int i = 0; i < N; i++) {
			ck_assert_msg((is_signed ? s[i] : u[i]) == codes[i], "row %zu: %.9g gives %d, not %d", k,
			              (double)x[i], is_signed ? s[i] : u[i], codes[i]);
			/* alone, so that no neighbour decides how it is computed */
			uint8_t alone;
			oqz_quantize_8(x + i, 1, rows[k].scale, rows[k].zero, q.qmin, q.qmax, &alone);
			ck_assert_msg(alone == (uint8_t)codes[i], "row %zu: %.9g alone gives %d, not %d", k,
			              (double)x[i], alone, codes[i]);
			ck_assert_msg(y[i] == want[i], "row %zu: %.9g gives %.9g, not %.9g", k, (double)x[i],
			              (double)y[i], (double)want[i]);
		}
	}
}
END_TEST

OQZ_TEST_MAIN("quantize8", codes_and_values_equal_the_general_rule)
