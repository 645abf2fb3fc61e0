/* SPDX-License-Identifier: Apache-2.0
 *
 * Ranks are counted, not sorted: lists are as long as a zoo has cells, and counting needs no memory that could be
 * lacking.
 */
#include "core/metric/rank.h"

#include <math.h>

void oqz_holm(const double *restrict p, size_t n, double *restrict adjusted)
{
	size_t tests = 0, taken = 0;
	double before = 0, last = -1;

	for (size_t i = 0; i < n; i++)
		tests += !isnan(p[i]);
	/* From the smallest p up; equal ones together, at the factor of their first. */
	while (taken < tests) {
		double next = INFINITY;
		size_t equal = 0;
		for (size_t i = 0; i < n; i++)
			if (p[i] > last && p[i] < next)
				next = p[i];
		before = fmax(before, fmin(1, next * (double)(tests - taken)));
		for (size_t i = 0; i < n; i++)
			equal += p[i] == next;
		for (size_t i = 0; i < n; i++)
			if (p[i] == next)
				adjusted[i] = before;
		taken += equal;
		last = next;
	}
	for (size_t i = 0; i < n; i++)
		if (isnan(p[i]))
			adjusted[i] = NAN;
}

/* 1 + (smaller) + half of the other equal ones, among the pairs that count. */
static double rank_of(const double *v, const double *other, size_t n, size_t i)
{
	double rank = 0.5;

	for (size_t k = 0; k < n; k++)
		if (!isnan(v[k]) && !isnan(other[k]))
			rank += v[k] < v[i] ? 1 : v[k] == v[i] ? 0.5 : 0;
	return rank;
}

double oqz_spearman(const double *x, const double *y, size_t n, size_t *ret_n)
{
	double sxy = 0, sxx = 0, syy = 0, mean;
	size_t pairs = 0;

	for (size_t i = 0; i < n; i++)
		pairs += !isnan(x[i]) && !isnan(y[i]);
	if (ret_n)
		*ret_n = pairs;
	mean = ((double)pairs + 1) / 2;
	for (size_t i = 0; i < n; i++) {
		if (isnan(x[i]) || isnan(y[i]))
			continue;
		double rx = rank_of(x, y, n, i) - mean, ry = rank_of(y, x, n, i) - mean;
		sxy += rx * ry;
		sxx += rx * rx;
		syy += ry * ry;
	}
	return pairs < 3 || sxx == 0 || syy == 0 ? NAN : sxy / sqrt(sxx * syy);
}
