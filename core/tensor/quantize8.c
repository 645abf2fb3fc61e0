/* SPDX-License-Identifier: Apache-2.0
 *
 * See quantize8.h. Clamping before rounding is the same as after it, as the bounds are whole numbers, and leaves values
 * small enough to be rounded by adding 1.5 * 2^23: the sum's last bit weighs one, so the hardware's half-even rounding
 * of the addition is the rounding wanted, and the sum's low bits are the integer. This vectorises at every level, where
 * rintf() would need SSE4.1.
 *
 * A division costs as much as all the rest, and only the integer next to the quotient is wanted. So a product with 1/s
 * stands for it: both are off by less than 3 * 2^-24 of themselves, below 2^-13 between the bounds, so it gives another
 * integer only where a quotient lies that near a tie. Pieces of the input in which one does are divided after all.
 */
#include "core/tensor/quantize8.h"
#include "core/tensor/float_bits.h"

#include <math.h>

#define MAGIC 12582912.0f
enum { MAGIC_BITS = 0x4b400000, PIECE = 256 };

/* Farther from the rounded value than this is near a tie: 0.5 - 2^-12, as a float's bits. */
enum { NEAR_TIE = 0x3effe000 };

struct grid {
	float scale, inverse, lo, hi; /* lo and hi are qmin - zero and qmax - zero */
	int32_t zero;
};

static inline float clamped(float v, const struct grid *g)
{
	v = v == v ? v : 0.0f;
	v = v > g->lo ? v : g->lo;
	return v < g->hi ? v : g->hi;
}

/* The integer that a sum with MAGIC stands for. */
static inline int32_t low_bits(float f) { return (int32_t)oqz_float_bits(f) - MAGIC_BITS; }

OQZ_KERNEL static void divide(const float *restrict x, size_t n, const struct grid *grid, uint8_t *restrict out)
{
	const struct grid g = *grid;

	for (size_t i = 0; i < n; i++)
		out[i] = (uint8_t)(low_bits(clamped(x[i] / g.scale, &g) + MAGIC) + g.zero);
}

OQZ_KERNEL static void multiply(const float *restrict x, size_t n, const struct grid *grid, uint8_t *restrict out)
{
	const struct grid g = *grid;

	for (size_t i = 0; i < n; i++)
		out[i] = (uint8_t)(low_bits(clamped(x[i] * g.inverse, &g) + MAGIC) + g.zero);
}

/* The same where the inverse is rounded. True: a tie is near, or something is not a number, and a code may be wrong. */
OQZ_KERNEL static bool multiply_warily(const float *restrict x, size_t n, const struct grid *grid,
                                       uint8_t *restrict out)
{
	const struct grid g = *grid;
	int32_t near = 0; /* its sign; magnitudes and NaN compare as their bits do */

	for (size_t i = 0; i < n; i++) {
		float v = x[i] * g.inverse; /* NaN passes the bounds */
		v = v < g.lo ? g.lo : v;
		v = v > g.hi ? g.hi : v;
		float sum = v + MAGIC, off = v - (sum - MAGIC);
		near |= NEAR_TIE - (int32_t)(oqz_float_bits(off) & 0x7fffffff);
		out[i] = (uint8_t)(low_bits(sum) + g.zero);
	}
	return near < 0;
}

float oqz_exact_inverse(float scale)
{
	int e;

	return frexpf(scale, &e) == 0.5f && e > -100 && e < 100 ? 1 / scale : 0;
}

void oqz_quantize_8(const float *x, size_t n, float scale, int32_t zero, int32_t qmin, int32_t qmax, void *ret)
{
	struct grid g = { scale, oqz_exact_inverse(scale), (float)(qmin - zero), (float)(qmax - zero), zero };
	uint8_t *out = ret;

	if (g.inverse != 0) {
		multiply(x, n, &g, out);
		return;
	}
	if (!(scale > 0x1p-100f && scale < 0x1p100f) || g.lo < -512 || g.hi > 512) {
		divide(x, n, &g, out);
		return;
	}
	g.inverse = 1 / scale;
	for (size_t at = 0; at < n; at += PIECE) {
		size_t m = n - at < PIECE ? n - at : PIECE;
		if (multiply_warily(x + at, m, &g, out + at))
			divide(x + at, m, &g, out + at);
	}
}

OQZ_KERNEL void oqz_fakequant_f32(const float *x, size_t n, float scale, int32_t zero, int32_t qmin, int32_t qmax,
                                  float *out)
{
	struct grid g = { .scale = scale, .lo = (float)(qmin - zero), .hi = (float)(qmax - zero) };

	for (size_t i = 0; i < n; i++)
		out[i] = ((clamped(x[i] / scale, &g) + MAGIC) - MAGIC) * scale;
}
