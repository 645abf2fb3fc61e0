/* SPDX-License-Identifier: Apache-2.0
 *
 * The inner loops of 8-bit layers: the affine, half-even, one-scale case of fakequant.h, vectorised. Same rule, same
 * bits: code = clamp(R(x / s) + z, qmin, qmax) in float32 with a true division; NaN gives the code of zero.
 */
#ifndef OQZ_TENSOR_QUANTIZE8_H
#define OQZ_TENSOR_QUANTIZE8_H

#include "core/base/compiler.h"
#include <stdbool.h>
#include <stdint.h>

/* float32 -> n codes of one byte each, the same bits for u8 and i8: [qmin, qmax] lies within the type. qmin <= zero <=
 * qmax is not required. */
void oqz_quantize_8(const float *x, size_t n, float scale, int32_t zero, int32_t qmin, int32_t qmax, void *out);
/* float32 -> nearest point of the grid as float32; out == x is fine. Ranges up to |qmin - zero|, |qmax - zero| <= 2^22.
 */
void oqz_fakequant_f32(const float *x, size_t n, float scale, int32_t zero, int32_t qmin, int32_t qmax, float *out);

/* 1 / scale where multiplying by it is dividing by scale, bit for bit (powers of two); else 0. */
float oqz_exact_inverse(float scale);

#endif
