/* SPDX-License-Identifier: Apache-2.0
 *
 * A float32 as its bits and back.
 */
#ifndef OQZ_TENSOR_FLOAT_BITS_H
#define OQZ_TENSOR_FLOAT_BITS_H

#include <stdint.h>
#include <string.h>

static inline uint32_t oqz_float_bits(float f)
{
	uint32_t u;

	memcpy(&u, &f, sizeof u);
	return u;
}

static inline float oqz_bits_float(uint32_t u)
{
	float f;

	memcpy(&f, &u, sizeof f);
	return f;
}

/* Order of numbers as order of integers, in which compilers find extremes in vectors (of floats they may not: of equal
 * zeros, and beside NaN, the choice would depend on the order). +0 is above -0; NaN is below -INFINITY, without a test.
 */
#define OQZ_ORDER_NANS 0x7fffff
static inline int32_t oqz_float_order(float f)
{
	int32_t bits = (int32_t)oqz_float_bits(f);

	return (int32_t)((uint32_t)(bits ^ (bits >> 31 & INT32_MAX)) + OQZ_ORDER_NANS);
}

static inline float oqz_order_float(int32_t order)
{
	int32_t bits = (int32_t)((uint32_t)order - OQZ_ORDER_NANS);

	return oqz_bits_float((uint32_t)(bits ^ (bits >> 31 & INT32_MAX)));
}

#endif
