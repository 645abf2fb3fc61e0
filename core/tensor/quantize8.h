/* SPDX-License-Identifier: Apache-2.0
 *
 * The inner loops of 8-bit layers: the affine, half-even, one-scale case of fakequant.h, vectorised. Same rule, same
 * bits: code = clamp(R(x / s) + z, qmin, qmax) in float32 with a true division; NaN gives the code of zero.
 */
#ifndef OQZ_TENSOR_QUANTIZE8_H
#define OQZ_TENSOR_QUANTIZE8_H

#include "core/base/compiler.h"
#include <stdint.h>

/* float32 -> codes. qmin <= zero <= qmax is not required; the range lies within the type. */
void oqz_quantize_u8(const float *x, size_t n, float scale, int32_t zero, int32_t qmin, int32_t qmax, uint8_t *out);
void oqz_quantize_i8(const float *x, size_t n, float scale, int32_t zero, int32_t qmin, int32_t qmax, int8_t *out);
/* float32 -> nearest point of the grid as float32; out == x is fine. Ranges up to |qmin - zero|, |qmax - zero| <= 2^22.
 */
void oqz_fakequant_f32(const float *x, size_t n, float scale, int32_t zero, int32_t qmin, int32_t qmax, float *out);

#endif
