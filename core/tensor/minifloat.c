/* SPDX-License-Identifier: Apache-2.0
 *
 * One decoder and one encoder for every small float. Both work on the number line, not on bit tricks: a value is scaled
 * by a power of two so that the grid becomes the integers, which is exact in double, rounded there, and numbered.
 * Consecutive grid points have consecutive codes, also across exponents and from subnormal to normal, so a carry needs
 * no care.
 */
#include "core/tensor/minifloat.h"
#include "core/base/compiler.h"
#include <oqz/types.h>

#include <math.h>
#include <pthread.h>

static const struct oqz_minifloat formats[OQZ_DT_COUNT] = {
	[OQZ_DT_F16] = { "float16", 5, 10, 15, OQZ_MF_IEEE, 65504 },
	[OQZ_DT_BF16] = { "bfloat16", 8, 7, 127, OQZ_MF_IEEE, 0x1.fep127 },
	[OQZ_DT_F8E4M3FN] = { "float8e4m3fn", 4, 3, 7, OQZ_MF_FN, 448 },
	[OQZ_DT_F8E4M3FNUZ] = { "float8e4m3fnuz", 4, 3, 8, OQZ_MF_FNUZ, 240 },
	[OQZ_DT_F8E5M2] = { "float8e5m2", 5, 2, 15, OQZ_MF_IEEE, 57344 },
	[OQZ_DT_F8E5M2FNUZ] = { "float8e5m2fnuz", 5, 2, 16, OQZ_MF_FNUZ, 57344 },
	[OQZ_DT_F4E2M1] = { "float4e2m1", 2, 1, 1, OQZ_MF_FINITE, 6 },
	[OQZ_DT_F8E8M0] = { "float8e8m0", 8, 0, 127, OQZ_MF_UNSIGNED_SCALE, 0x1p127 },
};

const struct oqz_minifloat *oqz_minifloat_of(int dtype)
{
	if (dtype < 0 || dtype >= OQZ_DT_COUNT || !formats[dtype].name)
		return NULL;
	return &formats[dtype];
}

static uint32_t sign_bit(const struct oqz_minifloat *f)
{
	return f->special == OQZ_MF_UNSIGNED_SCALE ? 0 : 1u << (f->exp_bits + f->man_bits);
}

double oqz_minifloat_decode(const struct oqz_minifloat *f, uint32_t code)
{
	uint32_t sign = sign_bit(f), mag = code & ((1u << (f->exp_bits + f->man_bits)) - 1);
	uint32_t man = mag & ((1u << f->man_bits) - 1);
	int exp = (int)(mag >> f->man_bits), top = (1 << f->exp_bits) - 1;
	bool negative = code & sign;

	switch (f->special) {
	case OQZ_MF_IEEE:
		if (exp == top)
			return man ? NAN : negative ? -INFINITY : INFINITY;
		break;
	case OQZ_MF_FN:
		if (mag == sign - 1)
			return NAN;
		break;
	case OQZ_MF_FNUZ:
		if (negative && mag == 0)
			return NAN;
		break;
	case OQZ_MF_FINITE: break;
	case OQZ_MF_UNSIGNED_SCALE: return exp == top ? NAN : ldexp(1, exp - f->bias);
	}
	double v = exp ? ldexp((double)man + (double)(1u << f->man_bits), exp - f->bias - f->man_bits)
	               : ldexp((double)man, 1 - f->bias - f->man_bits);
	return negative ? -v : v;
}

static float values[OQZ_DT_COUNT][256];

static void fill_values(void)
{
	for (int t = 0; t < OQZ_DT_COUNT; t++)
		for (uint32_t c = 0; formats[t].name && c < 256; c++)
			values[t][c] = (float)oqz_minifloat_decode(&formats[t], c);
}

const float *oqz_minifloat_values(int dtype)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;

	pthread_once(&once, fill_values);
	return values[dtype];
}

bool oqz_minifloat_has(const struct oqz_minifloat *f, double x)
{
	int32_t all = (1 << (f->exp_bits + f->man_bits)) - 1, one = 1 << f->man_bits;
	int32_t last = f->special == OQZ_MF_IEEE ? all - one : f->special == OQZ_MF_FN ? all - 1 : all;
	int exp;

	if (!isfinite(x) || fabs(x) > oqz_minifloat_decode(f, (uint32_t)last))
		return false;
	frexp(x, &exp);
	exp = exp - 1 < 1 - f->bias ? 1 - f->bias : exp - 1;
	double steps = ldexp(x, f->man_bits - exp);
	return steps == floor(steps);
}

/* The code of NaN, or of the largest number where the format has no NaN. */
static uint32_t nan_code(const struct oqz_minifloat *f, uint32_t sign, uint32_t max_code)
{
	switch (f->special) {
	case OQZ_MF_IEEE: return sign | (((1u << f->exp_bits) - 1) << f->man_bits) | 1u << (f->man_bits - 1);
	case OQZ_MF_FN: return sign | (sign_bit(f) - 1);
	case OQZ_MF_FNUZ: return sign_bit(f);
	case OQZ_MF_UNSIGNED_SCALE: return (1u << f->exp_bits) - 1;
	case OQZ_MF_FINITE: break;
	}
	return sign | max_code;
}

/* q >= 0 with at most 53 bits: floor and fraction are exact. */
static double round_magnitude(double q, enum oqz_round round, bool negative, bool normal)
{
	double down = floor(q), frac = q - down;
	bool up;

	switch (round) {
	case OQZ_ROUND_UP: up = frac > 0 && !negative; break;
	case OQZ_ROUND_DOWN: up = frac > 0 && negative; break;
	case OQZ_ROUND_HALF_UP: up = negative ? frac > 0.5 : frac >= 0.5; break;
	case OQZ_ROUND_HALF_DOWN: up = negative ? frac >= 0.5 : frac > 0.5; break;
	case OQZ_ROUND_HALF_AWAY: up = frac >= 0.5; break;
	case OQZ_ROUND_HALF_TO_ZERO: up = frac > 0.5 || (!normal && frac == 0.5 && fmod(down, 2) != 0); break;
	default: up = frac > 0.5 || (frac == 0.5 && fmod(down, 2) != 0); break; /* half even */
	}
	return down + up;
}

uint32_t oqz_minifloat_encode(const struct oqz_minifloat *f, double x, enum oqz_round round, bool saturate)
{
	bool scale = f->special == OQZ_MF_UNSIGNED_SCALE, negative = signbit(x);
	uint32_t sign = negative ? sign_bit(f) : 0;
	int exp_min = scale ? -f->bias : 1 - f->bias, exp;

	/* The largest finite code follows from its value; below the smallest normal number only the fraction counts. */
	frexp(f->max, &exp);
	exp = exp - 1 < exp_min ? exp_min : exp - 1;
	uint32_t max_code =
	    ((uint32_t)(exp - exp_min) << f->man_bits) + (uint32_t)ldexp(f->max, f->man_bits - exp) - (scale ? 1 : 0);

	if (isnan(x) || (scale && x < 0))
		return nan_code(f, sign, max_code);
	double mag = fabs(x), rounded = mag;
	uint32_t code = 0;
	if (isfinite(x)) {
		frexp(mag, &exp);
		exp = mag == 0 || exp - 1 < exp_min ? exp_min : exp - 1;
		double r = round_magnitude(ldexp(mag, f->man_bits - exp), round, negative, mag >= ldexp(1, exp_min));
		rounded = ldexp(r, exp - f->man_bits);
		if (rounded <= f->max) {
			/* E8M0 has neither zero nor subnormals: its smallest code is 2^-bias. */
			code = ((uint32_t)(exp - exp_min) << f->man_bits) + (uint32_t)r - (scale && r > 0 ? 1 : 0);
			return f->special == OQZ_MF_FNUZ && code == 0 ? 0 : sign | code;
		}
	}
	if (saturate || f->special == OQZ_MF_FINITE)
		return sign | max_code;
	if (f->special == OQZ_MF_IEEE)
		return sign | ((1u << f->exp_bits) - 1) << f->man_bits;
	return nan_code(f, sign, max_code);
}
