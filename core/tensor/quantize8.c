/* SPDX-License-Identifier: Apache-2.0
 *
 * See quantize8.h. Clamping before rounding is the same as after it, as the bounds are whole numbers, and leaves values
 * small enough to be rounded by adding 1.5 * 2^23: the sum's last bit weighs one, so the hardware's half-even rounding
 * of the addition is the rounding wanted, and the sum's low bits are the integer. This vectorises at every level, where
 * rintf() would need SSE4.1.
 */
#include "core/tensor/quantize8.h"

#include <string.h>

#define MAGIC 12582912.0f
enum { MAGIC_BITS = 0x4b400000 };

/* R(clamp(x / s)) + MAGIC; lo and hi are qmin - zero and qmax - zero. */
static inline float to_grid(float x, float scale, float lo, float hi)
{
	float v = x / scale;

	v = v == v ? v : 0.0f;
	v = v > lo ? v : lo;
	v = v < hi ? v : hi;
	return v + MAGIC;
}

static inline int32_t low_bits(float f)
{
	int32_t i;

	memcpy(&i, &f, sizeof i);
	return i - MAGIC_BITS;
}

OQZ_KERNEL void oqz_quantize_u8(const float *x, size_t n, float scale, int32_t zero, int32_t qmin, int32_t qmax,
                                uint8_t *out)
{
	float lo = (float)(qmin - zero), hi = (float)(qmax - zero);

	for (size_t i = 0; i < n; i++)
		out[i] = (uint8_t)(low_bits(to_grid(x[i], scale, lo, hi)) + zero);
}

OQZ_KERNEL void oqz_quantize_i8(const float *x, size_t n, float scale, int32_t zero, int32_t qmin, int32_t qmax,
                                int8_t *out)
{
	float lo = (float)(qmin - zero), hi = (float)(qmax - zero);

	for (size_t i = 0; i < n; i++)
		out[i] = (int8_t)(low_bits(to_grid(x[i], scale, lo, hi)) + zero);
}

OQZ_KERNEL void oqz_fakequant_f32(const float *x, size_t n, float scale, int32_t zero, int32_t qmin, int32_t qmax,
                                  float *out)
{
	float lo = (float)(qmin - zero), hi = (float)(qmax - zero);

	for (size_t i = 0; i < n; i++)
		out[i] = (to_grid(x[i], scale, lo, hi) - MAGIC) * scale;
}
