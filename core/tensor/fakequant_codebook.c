/* SPDX-License-Identifier: Apache-2.0
 *
 * Code books: the nearest of a sorted list of values.
 */
#include "core/tensor/fakequant_impl.h"

/* Values are what float32 makes of them: a network never sees others. */
static inline double value(const double *book, size_t i) { return (double)(float)book[i]; }

/* Index of the value nearest to u. Ties: half-even takes the even index, the others go by value or magnitude. */
static size_t codebook_find(const struct oqz_fq *q, double u)
{
	const double *book = q->values;
	size_t lo = 0, hi = q->n_values - 1;

	if (u != u)
		u = 0;
	if (u <= value(book, 0))
		return 0;
	if (u >= value(book, hi))
		return hi;
	while (hi - lo > 1) {
		size_t mid = lo + (hi - lo) / 2;
		if (value(book, mid) <= u)
			lo = mid;
		else
			hi = mid;
	}
	const double below = value(book, lo), above = value(book, hi);
	if (q->round == OQZ_ROUND_DOWN || q->round == OQZ_ROUND_UP)
		return q->round == OQZ_ROUND_UP && u > below ? hi : lo;
	const double mid = below + (above - below) / 2;
	if (u != mid)
		return u < mid ? lo : hi;
	bool up = false;
	switch (q->round) {
	case OQZ_ROUND_HALF_EVEN: up = lo & 1; break;
	case OQZ_ROUND_HALF_UP: up = true; break;
	case OQZ_ROUND_HALF_TO_ZERO: up = fabs(above) < fabs(below); break;
	case OQZ_ROUND_HALF_AWAY: up = fabs(above) >= fabs(below); break;
	default: break;
	}
	return up ? hi : lo;
}

void oqz_fq_codebook_row(const struct oqz_fq *q, const struct oqz_fq_stretch *r, const float *x, float *y,
                         int32_t *codes)
{
	const float *s = q->scale + r->scale;

	for (size_t i = 0; i < r->n; i++) {
		float si = s[r->step ? i : 0];
		size_t k = codebook_find(q, (double)(x[i] / si));
		if (codes)
			codes[i] = (int32_t)k;
		else
			y[i] = (float)q->values[k] * si;
	}
}
