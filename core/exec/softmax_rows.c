/* SPDX-License-Identifier: Apache-2.0
 *
 * See softmax_rows.h. LANES numbers side by side, put together in order.
 */
#include "core/exec/softmax_rows.h"
#include "core/exec/vmath.h"

enum { LANES = 16 };

/* Four numbers, as narrow as every instruction set has them: the compiler keeps an array of maxima in memory. */
typedef float four __attribute__((vector_size(16), aligned(4), may_alias));
typedef int32_t four_bits __attribute__((vector_size(16)));

static inline __attribute__((always_inline)) four larger(four x, four m)
{
	four_bits take = x > m;

	return (four)(((four_bits)x & take) | ((four_bits)m & ~take));
}

OQZ_KERNEL float oqz_row_largest(const float *x, int64_t n)
{
	float top = -INFINITY;
	four m[LANES / 4];
	int64_t j = 0;

	for (int k = 0; k < LANES / 4; k++)
		m[k] = (four) { -INFINITY, -INFINITY, -INFINITY, -INFINITY };
	for (; j + LANES <= n; j += LANES)
		for (int k = 0; k < LANES / 4; k++)
			m[k] = larger(((const four *)(x + j))[k], m[k]);
	for (; j < n; j++)
		top = x[j] > top ? x[j] : top;
	m[0] = larger(larger(m[0], m[1]), larger(m[2], m[3]));
	for (int l = 0; l < 4; l++)
		top = m[0][l] > top ? m[0][l] : top;
	return top;
}

OQZ_KERNEL void oqz_row_exp(float *x, int64_t n, float top)
{
	OQZ_IVDEP for (int64_t i = 0; i < n; i++) x[i] = vm_exp_upto0(x[i] - top);
}

OQZ_KERNEL double oqz_row_sum(const float *x, int64_t n)
{
	double s[LANES] = { 0 }, sum = 0;
	int64_t j = 0;

	for (; j + LANES <= n; j += LANES)
		for (int l = 0; l < LANES; l++)
			s[l] += x[j + l];
	for (; j < n; j++)
		sum += x[j];
	for (int half = LANES / 2; half && n >= LANES; half /= 2)
		for (int l = 0; l < half; l++)
			s[l] += s[l + half];
	return sum + s[0];
}
