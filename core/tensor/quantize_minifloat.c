/* SPDX-License-Identifier: Apache-2.0
 *
 * See quantize_minifloat.h. Adding 1.5 * 2^23 steps rounds half-even to a multiple of the step, which is 2^(exponent -
 * man_bits), the exponent no smaller than the smallest normal one. Clamping to the largest number comes first, as that
 * is on the grid.
 *
 * A division costs as much as all the rest. Where the scale is a power of two a product is exact; elsewhere two
 * products enclose the quotient, with inverses 2^-21 below and above: if both round to the same number, so does what
 * lies between them. Pieces of the input in which they do not, or in which something is not a number, are done over the
 * slow way.
 */
#include "core/tensor/quantize_minifloat.h"
#include "core/base/compiler.h"
#include "core/tensor/quantize8.h"
#include "core/tensor/float_bits.h"

#include <string.h>

enum { PIECE = 256 };

struct grid {
	float scale, inverse[2]; /* the same twice when exact; else what encloses 1 / scale */
	float lo, hi, max;
	uint32_t man, lowest, nan; /* fraction bits, exponent field of the smallest normal number, what NaN becomes */
	uint32_t magic;            /* to be added to the exponent's bits for 1.5 * 2^23 steps */
	bool exact, to_zero;
};

/* The number nearest to v. */
static inline float nearest(float v, const struct grid *g)
{
	v = v < g->lo ? g->lo : v;
	v = v > g->hi ? g->hi : v;
	uint32_t u = oqz_float_bits(v), sign = u & 0x80000000, e;
	float a = oqz_bits_float(u ^ sign), c = a < g->max ? a : g->max;
	e = oqz_float_bits(c) >> 23;
	bool normal = e >= g->lowest;
	e = normal ? e : g->lowest;
	float magic = oqz_bits_float((e << 23) + g->magic), step = oqz_bits_float((e - g->man) << 23);
	float r = (c + magic) - magic, up = r - c;
	r = g->to_zero && normal && up + up == step ? r - step : r;
	return oqz_bits_float((a == a ? oqz_float_bits(r) : g->nan) | sign);
}

OQZ_KERNEL static void divide(const float *restrict x, size_t n, const struct grid *grid, float *restrict out)
{
	const struct grid g = *grid;

	for (size_t i = 0; i < n; i++)
		out[i] = nearest(x[i] / g.scale, &g);
}

/* Where the inverse is exact. */
OQZ_KERNEL static void multiply(const float *restrict x, size_t n, const struct grid *grid, float *restrict out)
{
	const struct grid g = *grid;

	for (size_t i = 0; i < n; i++)
		out[i] = nearest(x[i] * g.inverse[0], &g);
}

static void slowly(const float *x, size_t n, const struct grid *g, float *out)
{
	(g->exact ? multiply : divide)(x, n, g, out);
}

/* Within the bounds; NaN passes. */
static inline float clamped(float v, const struct grid *g)
{
	v = v < g->lo ? g->lo : v;
	return v > g->hi ? g->hi : v;
}

/* x rounded by both inverses: the numbers agree, or *differ is set. Bounds are those of the grid. */
static inline float enclosed(float x, const struct grid *g, int32_t *differ)
{
	float a = clamped(x * g->inverse[0], g), b = clamped(x * g->inverse[1], g);
	uint32_t e = oqz_float_bits(b) & 0x7f800000, lowest = g->lowest << 23;
	float magic = oqz_bits_float((e > lowest ? e : lowest) + g->magic);
	float ra = (a + magic) - magic, rb = (b + magic) - magic;

	*differ |= !(ra == rb);
	return oqz_bits_float(oqz_float_bits(rb) | (oqz_float_bits(b) & 0x80000000));
}

/* True: to be done slowly. */
OQZ_KERNEL static bool quickly(const float *restrict x, size_t n, const struct grid *grid, float *restrict out)
{
	const struct grid g = *grid;
	int32_t differ = 0;

	for (size_t i = 0; i < n; i++)
		out[i] = enclosed(x[i], &g, &differ);
	return differ != 0;
}

OQZ_KERNEL static bool quickly_bf16(const float *restrict x, size_t n, const struct grid *grid, uint16_t *restrict out)
{
	const struct grid g = *grid;
	int32_t differ = 0;

	for (size_t i = 0; i < n; i++)
		out[i] = (uint16_t)(oqz_float_bits(enclosed(x[i], &g, &differ)) >> 16);
	return differ != 0;
}

static float within(float v, float max) { return v < -max ? -max : v > max ? max : v; }

static struct grid grid_of(const struct oqz_to_minifloat *q)
{
	const struct oqz_minifloat *f = q->format;
	float exact = oqz_exact_inverse(q->scale), max = (float)f->max;
	double inverse = 1.0 / (double)q->scale;

	return (struct grid) { .scale = q->scale,
		               .inverse = { exact != 0 ? exact : (float)(inverse * (1 - 0x1p-21)),
		                            exact != 0 ? exact : (float)(inverse * (1 + 0x1p-21)) },
		               .lo = within(q->lo, max),
		               .hi = within(q->hi, max),
		               .max = max,
		               .man = (uint32_t)f->man_bits,
		               .lowest = (uint32_t)(128 - f->bias),
		               .nan = f->special == OQZ_MF_FINITE ? oqz_float_bits(max) : 0x7fc00000,
		               .magic = (23 - (uint32_t)f->man_bits) << 23 | 0x400000,
		               .exact = exact != 0,
		               .to_zero = q->to_zero };
}

/* Enclosing tells ties apart only where products are not exact; beyond these scales they leave float32's range. */
static bool quick(const struct grid *g)
{
	return g->scale > 0x1p-100f && g->scale < 0x1p100f && !(g->exact && g->to_zero);
}

void oqz_quantize_minifloat(const struct oqz_to_minifloat *q, const float *x, size_t n, float *out)
{
	struct grid g = grid_of(q);
	bool may = quick(&g);

	for (size_t at = 0; at < n; at += PIECE) {
		size_t m = n - at < PIECE ? n - at : PIECE;
		if (!may || quickly(x + at, m, &g, out + at))
			slowly(x + at, m, &g, out + at);
	}
}

OQZ_KERNEL static void upper_halves(const float *restrict x, size_t n, uint16_t *restrict out)
{
	for (size_t i = 0; i < n; i++)
		out[i] = (uint16_t)(oqz_float_bits(x[i]) >> 16);
}

void oqz_quantize_minifloat_bf16(const struct oqz_to_minifloat *q, const float *x, size_t n, uint16_t *out)
{
	struct grid g = grid_of(q);
	bool may = quick(&g);
	float values[PIECE];

	for (size_t at = 0; at < n; at += PIECE) {
		size_t m = n - at < PIECE ? n - at : PIECE;
		if (may && !quickly_bf16(x + at, m, &g, out + at))
			continue;
		slowly(x + at, m, &g, values);
		upper_halves(values, m, out + at);
	}
}
