/* SPDX-License-Identifier: Apache-2.0
 *
 * Small floating-point grids by name, for the quantizers that use them. Included by plugins, so it needs the public
 * headers only and all of it is inline.
 *
 *	e<E>m<M>[fn|fnuz|ieee|finite]      what the suffix says of the codes with all exponent bits set:
 *	ieee     infinities and NaNs as in IEEE 754        bias 2^(E-1)-1
 *	fn       one NaN per sign, no infinity (OCP E4M3)   bias 2^(E-1)-1
 *	fnuz     no NaN there; -0 is the NaN               bias 2^(E-1)
 *	finite   every code is a number (OCP FP6, FP4)     bias 2^(E-1)-1
 *
 * Without a suffix e5m2 is ieee, as the OCP FP8 and the ONNX type of that name are; all others are finite.
 */
#ifndef OQZ_QUANTIZERS_SMALL_FLOAT_H
#define OQZ_QUANTIZERS_SMALL_FLOAT_H

#include <oqz/quantizer.h>

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* The largest magnitude that the format has: that of the last code which is a number. */
static inline double small_float_top(const struct oqz_grid *g)
{
	int32_t all = (1 << (g->exp_bits + g->man_bits)) - 1, one = 1 << g->man_bits;
	int32_t last = g->special == OQZ_GRID_IEEE ? all - one : g->special == OQZ_GRID_FN ? all - 1 : all;
	int exp = last >> g->man_bits, man = last & (one - 1);

	return ldexp(exp ? man + one : man, (exp ? exp : 1) - g->bias - g->man_bits);
}

/* E exponent and M mantissa bits, standard bias and maximum, rounding half-even. */
static inline struct oqz_grid small_float(int exp_bits, int man_bits, enum oqz_grid_special special)
{
	struct oqz_grid g = {
		.kind = OQZ_GRID_MINIFLOAT,
		.bits = 1 + exp_bits + man_bits,
		.exp_bits = exp_bits,
		.man_bits = man_bits,
		.bias = (1 << (exp_bits - 1)) - (special != OQZ_GRID_FNUZ),
		.special = (uint32_t)special,
	};

	g.max = small_float_top(&g);
	return g;
}

/* Whether x is a value of the format, positive and not above its maximum. */
static inline bool small_float_has(const struct oqz_grid *g, double x)
{
	int exp;

	if (!(x > 0) || x > small_float_top(g))
		return false;
	frexp(x, &exp);
	exp = exp - 1 < 1 - g->bias ? 1 - g->bias : exp - 1;
	double steps = ldexp(x, g->man_bits - exp);
	return steps == floor(steps);
}

/* A format by its name; false when there is no such name: 1 to 8 exponent and 0 to 10 mantissa bits can be computed. */
static inline bool small_float_by_name(const char *name, struct oqz_grid *ret)
{
	static const char *const suffixes[] = { "ieee", "fn", "fnuz", "finite" }; /* enum oqz_grid_special */
	const char *digits = name + 3;
	char *end;

	if (name[0] != 'e' || name[1] < '1' || name[1] > '8' || name[2] != 'm' || *digits < '0' || *digits > '9' ||
	    (*digits == '0' && digits[1] >= '0' && digits[1] <= '9'))
		return false;
	long man = strtol(digits, &end, 10);
	if (man > 10)
		return false;
	if (!*end) {
		*ret = small_float(name[1] - '0', (int)man, strcmp(name, "e5m2") ? OQZ_GRID_FINITE : OQZ_GRID_IEEE);
		return true;
	}
	for (int i = 0; i < 4; i++) {
		if (!strcmp(end, suffixes[i])) {
			*ret = small_float(name[1] - '0', (int)man, (enum oqz_grid_special)i);
			return true;
		}
	}
	return false;
}

/* Why a format with this bias and maximum cannot be meant; NULL when it can. Its numbers are computed in float32, so
 * they have to be some. */
static inline const char *small_float_wrong(const struct oqz_grid *g)
{
	if (g->special == OQZ_GRID_IEEE && g->man_bits == 0)
		return "has no code for NaN, which takes a mantissa bit (without `ieee` it is one of numbers alone)";
	if (!(small_float_top(g) > 0))
		return "has no number but 0";
	if (1 - g->bias - g->man_bits < -149)
		return "has numbers below float32's smallest, 2^-149; a smaller bias moves them up";
	if (g->max > 0x1.fffffep127)
		return "has numbers above float32's largest, 2^128; a larger bias moves them down, `max` cuts them off";
	return NULL;
}

#endif
