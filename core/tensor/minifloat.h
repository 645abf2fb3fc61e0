/* SPDX-License-Identifier: Apache-2.0
 *
 * Small floating-point formats as data, and the one encoder and decoder for all of them: float16, bfloat16, the FP8
 * family, FP6, FP4, E8M0. Used by element access, Cast, QuantizeLinear and the quantization schemes alike.
 */
#ifndef OQZ_TENSOR_MINIFLOAT_H
#define OQZ_TENSOR_MINIFLOAT_H

#include <stdbool.h>
#include <stdint.h>

/* What the codes with all exponent bits set mean. */
enum oqz_minifloat_special {
	OQZ_MF_IEEE,           /* infinities and NaNs as in IEEE 754 (float16, bfloat16, E5M2) */
	OQZ_MF_FN,             /* no infinity, one NaN per sign: all ones (E4M3FN) */
	OQZ_MF_FNUZ,           /* no infinity, no negative zero; the code of -0 is the NaN (E4M3FNUZ, E5M2FNUZ) */
	OQZ_MF_FINITE,         /* every code is a number (FP6, FP4) */
	OQZ_MF_UNSIGNED_SCALE, /* E8M0: powers of two only, all ones is NaN, no sign, no zero */
};

enum oqz_round {
	OQZ_ROUND_HALF_EVEN = 0,
	OQZ_ROUND_HALF_UP = 1,
	OQZ_ROUND_HALF_DOWN = 2,
	OQZ_ROUND_HALF_TO_ZERO = 3,
	OQZ_ROUND_HALF_AWAY = 4,
	OQZ_ROUND_UP = 6,   /* towards +infinity (affine grids only) */
	OQZ_ROUND_DOWN = 7, /* towards -infinity */
};

struct oqz_minifloat {
	const char *name;
	int exp_bits, man_bits, bias;
	enum oqz_minifloat_special special;
	double max; /* largest finite magnitude */
};

/* The format of an element type (OQZ_DT_F16 ... ), or NULL when the type is not one. */
const struct oqz_minifloat *oqz_minifloat_of(int dtype);

/* The value of a code (exact). */
double oqz_minifloat_decode(const struct oqz_minifloat *f, uint32_t code);
/* The values of an element type's 256 codes, for types of at most 8 bits that oqz_minifloat_of() knows. */
const float *oqz_minifloat_values(int dtype);

/* Whether x is a finite number of the format, whatever its `max` (not of E8M0). */
bool oqz_minifloat_has(const struct oqz_minifloat *f, double x);

/* The code nearest to x. `saturate`: beyond max gives +-max (infinity too), else infinity or NaN as the format has it.
 * NaN gives NaN (or max where the format has none). Rounding HALF_EVEN is IEEE 754's: without mantissa bits all numbers
 * but 0 are odd, and a tie goes to the larger magnitude (2019, 4.3.1). HALF_TO_ZERO rounds ties of
 * normal numbers towards zero and of subnormal numbers to even, which is what the QuantZoo kernel does (quantizer
 * `fp8`). */
uint32_t oqz_minifloat_encode(const struct oqz_minifloat *f, double x, enum oqz_round round, bool saturate);

#endif
