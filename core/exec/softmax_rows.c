/* SPDX-License-Identifier: Apache-2.0
 *
 * See softmax_rows.h. LANES numbers side by side, put together in order.
 */
#include "core/exec/softmax_rows.h"
#include "core/exec/vmath.h"

enum { LANES = 16 };

OQZ_KERNEL float oqz_row_largest(const float *x, int64_t n)
{
	float m[LANES], top = -INFINITY;
	int64_t j = 0;

	for (int l = 0; l < LANES; l++)
		m[l] = -INFINITY;
	for (; j + LANES <= n; j += LANES)
		for (int l = 0; l < LANES; l++)
			m[l] = x[j + l] > m[l] ? x[j + l] : m[l];
	for (; j < n; j++)
		top = x[j] > top ? x[j] : top;
	for (int half = LANES / 2; half && n >= LANES; half /= 2)
		for (int l = 0; l < half; l++)
			m[l] = m[l + half] > m[l] ? m[l + half] : m[l];
	return m[0] > top ? m[0] : top;
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
