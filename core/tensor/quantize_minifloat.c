/* SPDX-License-Identifier: Apache-2.0
 *
 * See quantize_minifloat.h. Adding 1.5 * 2^23 steps rounds half-even to a multiple of the step, which is 2^(exponent -
 * man_bits), the exponent no smaller than the smallest normal one. Clamping to the largest number comes first, as that
 * is on the grid.
 *
 * The quotient x / scale is had from a product as in quantize8.c: exactly where the scale is a power of two, else after
 * a look at how near a tie it lies.
 */
#include "core/tensor/quantize_minifloat.h"
#include "core/base/compiler.h"
#include "core/tensor/quantize8.h"
#include "core/tensor/float_bits.h"

#include <string.h>

enum { PIECE = 256 };

struct grid {
	float scale, inverse, lo, hi, max;
	uint32_t man, lowest, nan; /* fraction bits, exponent field of the smallest normal number, what NaN becomes */
	bool to_zero;
};

/* The number nearest to v. *near is set when v lies within a few units in the last place of a tie. */
static inline float nearest(float v, const struct grid *g, bool to_zero, int32_t *near)
{
	v = v < g->lo ? g->lo : v;
	v = v > g->hi ? g->hi : v;
	uint32_t u = oqz_float_bits(v), sign = u & 0x80000000, e;
	float a = oqz_bits_float(u ^ sign), c = a < g->max ? a : g->max;
	e = oqz_float_bits(c) >> 23;
	bool normal = e >= g->lowest;
	e = normal ? e : g->lowest;
	float magic = oqz_bits_float((e + 23 - g->man) << 23 | 0x400000), step = oqz_bits_float((e - g->man) << 23);
	float r = (c + magic) - magic, up = r - c, off = up < 0 ? -up : up;
	*near |= 0.5f * step - off < c * 0x1p-21f;
	r = to_zero && normal && up + up == step ? r - step : r;
	return oqz_bits_float((a == a ? oqz_float_bits(r) : g->nan) | sign);
}

OQZ_KERNEL static void divide(const float *restrict x, size_t n, const struct grid *grid, float *restrict out)
{
	const struct grid g = *grid;
	int32_t ignored = 0;

	for (size_t i = 0; i < n; i++)
		out[i] = nearest(x[i] / g.scale, &g, g.to_zero, &ignored);
}

/* True: a quotient is near a tie, where the product may be on its other side. */
OQZ_KERNEL static bool multiply(const float *restrict x, size_t n, const struct grid *grid, float *restrict out)
{
	const struct grid g = *grid;
	int32_t near = 0;

	for (size_t i = 0; i < n && !g.to_zero; i++)
		out[i] = nearest(x[i] * g.inverse, &g, false, &near);
	for (size_t i = 0; i < n && g.to_zero; i++)
		out[i] = nearest(x[i] * g.inverse, &g, true, &near);
	return near != 0;
}

static struct grid grid_of(const struct oqz_to_minifloat *q, bool *exact)
{
	const struct oqz_minifloat *f = q->format;
	float inverse = oqz_exact_inverse(q->scale);

	*exact = inverse != 0;
	return (struct grid) { .scale = q->scale,
		               .inverse = *exact ? inverse : 1 / q->scale,
		               .lo = q->lo,
		               .hi = q->hi,
		               .max = (float)f->max,
		               .man = (uint32_t)f->man_bits,
		               .lowest = (uint32_t)(128 - f->bias),
		               .nan = f->special == OQZ_MF_FINITE ? oqz_float_bits((float)f->max) : 0x7fc00000,
		               .to_zero = q->to_zero };
}

static void piece(const struct grid *g, bool exact, const float *x, size_t n, float *out)
{
	if (!(g->scale > 0x1p-100f && g->scale < 0x1p100f) || (multiply(x, n, g, out) && !exact))
		divide(x, n, g, out);
}

void oqz_quantize_minifloat(const struct oqz_to_minifloat *q, const float *x, size_t n, float *out)
{
	bool exact;
	struct grid g = grid_of(q, &exact);

	for (size_t at = 0; at < n; at += PIECE)
		piece(&g, exact, x + at, n - at < PIECE ? n - at : PIECE, out + at);
}

OQZ_KERNEL static void upper_halves(const float *restrict x, size_t n, uint16_t *restrict out)
{
	for (size_t i = 0; i < n; i++)
		out[i] = (uint16_t)(oqz_float_bits(x[i]) >> 16);
}

void oqz_quantize_minifloat_bf16(const struct oqz_to_minifloat *q, const float *x, size_t n, uint16_t *out)
{
	bool exact;
	struct grid g = grid_of(q, &exact);
	float values[PIECE];

	for (size_t at = 0; at < n; at += PIECE) {
		size_t m = n - at < PIECE ? n - at : PIECE;
		piece(&g, exact, x + at, m, values);
		upper_halves(values, m, out + at);
	}
}
