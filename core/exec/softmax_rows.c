/* SPDX-License-Identifier: Apache-2.0
 *
 * See softmax_rows.h. LANES numbers side by side, put together in order. Short rows are filled up to a multiple of
 * them, as exponentials cost less in one more vector than one by one.
 */
#include "core/exec/softmax_rows.h"
#include "core/exec/vmath.h"
#include "core/tensor/float_bits.h"

enum { LANES = 16, LINE = 1024 };

#define ROW_INLINE static inline __attribute__((always_inline))

ROW_INLINE float largest(const float *x, int64_t n)
{
	int32_t top = oqz_float_order(-INFINITY);

	for (int64_t i = 0; i < n; i++) {
		int32_t order = oqz_float_order(x[i]);
		top = order > top ? order : top;
	}
	return oqz_order_float(top);
}

ROW_INLINE void exponentiate(const float *x, float top, float *y, int64_t n)
{
	OQZ_IVDEP for (int64_t i = 0; i < n; i++) y[i] = vm_exp_upto0(x[i] - top);
}

ROW_INLINE double sum_of(const float *x, int64_t n)
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

OQZ_KERNEL float oqz_row_largest(const float *x, int64_t n) { return largest(x, n); }

OQZ_KERNEL void oqz_row_exp(const float *x, float top, float *y, int64_t n) { exponentiate(x, top, y, n); }

OQZ_KERNEL double oqz_row_sum(const float *x, int64_t n) { return sum_of(x, n); }

OQZ_KERNEL void oqz_row_softmax(const float *x, float *y, int64_t rows, int64_t n)
{
	float line[LINE];
	int64_t filled = (n + LANES - 1) / LANES * LANES;

	for (int64_t r = 0; r < rows; r++, x += n, y += n) {
		float top = largest(x, n), *e = n <= LINE ? line : y;
		if (e == line) {
			memcpy(line, x, (size_t)n * sizeof *x);
			for (int64_t i = n; i < filled; i++)
				line[i] = top;
			exponentiate(line, top, line, filled);
		} else {
			exponentiate(x, top, y, n);
		}
		float scale = (float)(1 / sum_of(e, n));
		OQZ_IVDEP for (int64_t i = 0; i < n; i++) y[i] = e[i] * scale;
	}
}
