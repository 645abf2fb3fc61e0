/* SPDX-License-Identifier: Apache-2.0
 *
 * See softmax_rows.h. LANES numbers side by side, put together in order. Short rows are filled up to a multiple of
 * them and go through each loop together, as one row alone would mostly wait for its own last result.
 */
#include "core/exec/softmax_rows.h"
#include "core/exec/vmath.h"

enum { LANES = 16, CHAINS = 4, LINE = 1024 };

typedef float lanes __attribute__((vector_size(4 * LANES)));
typedef int32_t masks __attribute__((vector_size(4 * LANES)));

/* The larger of each pair; a comparison with NaN is false, which passes it over. */
VM_INLINE void raise_to(lanes *t, const lanes *x)
{
	masks more = *x > *t;

	*t = (lanes)((more & (masks)*x) | (~more & (masks)*t));
}

VM_INLINE float largest_of_lanes(const lanes *x)
{
	float t[LANES];

	memcpy(t, x, sizeof t);
	for (int l = 0; l < 8; l++)
		t[l] = vm_max(t[l], t[l + 8]);
	for (int l = 0; l < 4; l++)
		t[l] = vm_max(t[l], t[l + 4]);
	return vm_max(vm_max(t[0], t[2]), vm_max(t[1], t[3]));
}

VM_INLINE float largest(const float *x, int64_t n)
{
	lanes t[CHAINS], v;
	int64_t i = 0;

	for (int c = 0; c < CHAINS; c++)
		t[c] = (lanes) { 0 } - INFINITY;
	for (; i + CHAINS * LANES <= n; i += CHAINS * LANES)
		for (int c = 0; c < CHAINS; c++) {
			memcpy(&v, x + i + c * LANES, sizeof v);
			raise_to(&t[c], &v);
		}
	for (; i + LANES <= n; i += LANES) {
		memcpy(&v, x + i, sizeof v);
		raise_to(&t[0], &v);
	}
	for (int c = 1; c < CHAINS && n >= CHAINS * LANES; c++)
		raise_to(&t[0], &t[c]);
	float top = n >= LANES ? largest_of_lanes(&t[0]) : -INFINITY;
	for (; i < n; i++)
		top = vm_max(x[i], top);
	return top;
}

VM_INLINE void exponentiate(bool fused, const float *x, float top, float *y, int64_t n)
{
	OQZ_IVDEP for (int64_t i = 0; i < n; i++) y[i] = vm_exp_upto0(fused, x[i] - top);
}

VM_INLINE double sum_of(const float *x, int64_t n)
{
	double s[LANES] = { 0 }, sum = 0;
	int64_t j = 0;

	for (; j + LANES <= n; j += LANES)
		for (int l = 0; l < LANES; l++)
			s[l] += x[j + l];
	for (; j < n; j++)
		sum += x[j];
	for (int l = 0; l < 8; l++)
		s[l] += s[l + 8];
	for (int l = 0; l < 4; l++)
		s[l] += s[l + 4];
	return sum + ((s[0] + s[2]) + (s[1] + s[3]));
}

OQZ_KERNEL float oqz_row_largest(const float *x, int64_t n) { return largest(x, n); }

VM_INLINE void oqz_row_exp_body(bool fused, const float *x, float top, float *y, int64_t n)
{
	exponentiate(fused, x, top, y, n);
}
OQZ_KERNEL_FMA(, oqz_row_exp, (const float *x, float top, float *y, int64_t n), x, top, y, n)

OQZ_KERNEL double oqz_row_sum(const float *x, int64_t n) { return sum_of(x, n); }

/* `rows` rows of which all, filled up, have room in a line. What fills up is e^-INFINITY: nothing. */
VM_INLINE void short_rows(bool fused, const float *x, float *y, int64_t rows, int64_t n, int64_t filled)
{
	float line[LINE];

	for (int64_t r = 0; r < rows; r++) {
		const float *from = x + r * n;
		float *to = line + r * filled, top = largest(from, n);
		OQZ_IVDEP for (int64_t i = 0; i < n; i++) to[i] = from[i] - top;
		for (int64_t i = n; i < filled; i++)
			to[i] = -INFINITY;
	}
	exponentiate(fused, line, 0, line, rows * filled);
	for (int64_t r = 0; r < rows; r++) {
		float *to = y + r * n, *e = line + r * filled, scale = (float)(1 / sum_of(e, filled));
		OQZ_IVDEP for (int64_t i = 0; i < n; i++) to[i] = e[i] * scale;
	}
}

VM_INLINE void oqz_row_softmax_body(bool fused, const float *x, float *y, int64_t rows, int64_t n)
{
	int64_t filled = (n + LANES - 1) / LANES * LANES, some = n <= LINE ? LINE / filled : 1;

	for (int64_t r = 0; r < rows; r += some, x += some * n, y += some * n) {
		if (n <= LINE) {
			short_rows(fused, x, y, rows - r < some ? rows - r : some, n, filled);
			continue;
		}
		exponentiate(fused, x, largest(x, n), y, n);
		float scale = (float)(1 / sum_of(y, n));
		OQZ_IVDEP for (int64_t i = 0; i < n; i++) y[i] *= scale;
	}
}
OQZ_KERNEL_FMA(, oqz_row_softmax, (const float *x, float *y, int64_t rows, int64_t n), x, y, rows, n)
