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

#endif
