/* SPDX-License-Identifier: Apache-2.0
 *
 * Sums in float32 in the order of torch's CPU kernels, which PPQ's observers use: where two candidates are nearly equal
 * the last bit of such a sum decides.
 */
#ifndef OQZ_QUANT_TORCH_SUM_H
#define OQZ_QUANT_TORCH_SUM_H

#include <stddef.h>

/* How a tensor is summed: numbers side by side in vectors of 8 (torch's vectors of floats on every x86-64), from 8
 * numbers on; or one by one, as along the rows of a table. */
enum { OQZ_TORCH_SCALAR = 1, OQZ_TORCH_VECTOR = 8 };

/* Four interleaved partial sums of such vectors, each in chunks of 16 (or the fourth root of their number) that cascade
 * through four levels, then the vectors left over, then the four together; last the numbers left over and the elements
 * of the vector. */
float oqz_torch_sum(const float *v, size_t n, size_t width);

#endif
