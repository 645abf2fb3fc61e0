/* SPDX-License-Identifier: Apache-2.0
 *
 * Order of elements of any type as unsigned integers, so that sorting and searching code is written once. NaN is above
 * every number (NumPy's and PyTorch's order), -0 equals 0.
 */
#ifndef OQZ_OPS_SORT_KEY_H
#define OQZ_OPS_SORT_KEY_H

#include "core/tensor/dtype.h"
#include <stdint.h>
#include <string.h>

/* Of element i at p. */
static inline uint64_t oqz_sort_key(enum oqz_dtype t, const void *p, size_t i)
{
	uint64_t bits;
	double x;

	if (t == OQZ_DT_U64)
		return (uint64_t)oqz_load_i(t, p, i);
	if (!oqz_dtype_is_float(t))
		return (uint64_t)oqz_load_i(t, p, i) ^ 1ull << 63;
	x = (t == OQZ_DT_F32 ? (double)((const float *)p)[i] : oqz_load_f(t, p, i)) + 0.0;
	if (x != x)
		return UINT64_MAX;
	memcpy(&bits, &x, sizeof bits);
	return bits >> 63 ? ~bits : bits | 1ull << 63;
}

#endif
