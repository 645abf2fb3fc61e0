/* SPDX-License-Identifier: Apache-2.0
 *
 * The inner loop of FP8 layers: float32 to the nearest number of a small float format, before the scale is multiplied
 * back. The rule is fakequant.h's, bit for bit.
 */
#ifndef OQZ_TENSOR_QUANTIZE_MINIFLOAT_H
#define OQZ_TENSOR_QUANTIZE_MINIFLOAT_H

#include "core/tensor/minifloat.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* How n numbers become numbers of the format: x / scale, clamped to [lo, hi] (infinities: not at all), rounded,
 * saturating. NaN gives NaN, or the largest number where the format has none. */
struct oqz_to_minifloat {
	const struct oqz_minifloat *format; /* at most 22 fraction bits, exponents far from float32's ends */
	bool to_zero;                       /* ties of normal numbers go towards zero, else half-even */
	float scale, lo, hi;
};

/* x and out do not overlap. */
void oqz_quantize_minifloat(const struct oqz_to_minifloat *q, const float *x, size_t n, float *out);
/* The same as bfloat16; for formats of at most 7 fraction bits that is exact. */
void oqz_quantize_minifloat_bf16(const struct oqz_to_minifloat *q, const float *x, size_t n, uint16_t *out);

#endif
