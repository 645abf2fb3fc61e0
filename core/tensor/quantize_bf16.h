/* SPDX-License-Identifier: Apache-2.0
 *
 * The inner loop of FP8 layers: float32 to the nearest number of a small float format, before the scale is multiplied
 * back, as bfloat16. The rule is fakequant.h's, bit for bit.
 */
#ifndef OQZ_TENSOR_QUANTIZE_BF16_H
#define OQZ_TENSOR_QUANTIZE_BF16_H

#include "core/tensor/minifloat.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* x / scale, clamped to [lo, hi] (infinities: not at all), rounded to the format, saturating; `to_zero`: ties of normal
 * numbers towards zero, else half-even. NaN gives NaN, or the largest number where the format has none. Every number of
 * the format must be a bfloat16 (at most 7 fraction bits, exponents far from the ends). */
void oqz_quantize_bf16(const struct oqz_minifloat *f, bool to_zero, float scale, float lo, float hi, const float *x,
                       size_t n, uint16_t *out);

#endif
