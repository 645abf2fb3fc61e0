/* SPDX-License-Identifier: Apache-2.0
 *
 * Ranks are counted, not sorted: lists are as long as a zoo has cells, and counting needs no memory that could be
 * lacking.
 */
#include "core/metric/rank.h"
#include "core/metric/student.h"

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

enum { EXACT_PAIRS = 9 }; /* 362,880 orders */

/* The share of all orders of y against which |sum x y| is at least what it is in the given one. x and y: ranks less
 * their mean, multiples of 0.5, so that sums are exact and equal ones are found equal. Orders by Heap's algorithm
 * (1963), each from the last by one exchange. */
static double exact_p(const double *x, double *y, size_t n)
{
	size_t counter[EXACT_PAIRS] = { 0 };
	double sum = 0, reach, orders = 1, extreme = 1;

	for (size_t i = 0; i < n; i++)
		sum += x[i] * y[i];
	reach = fabs(sum);
	for (size_t i = 1; i < n;) {
		if (counter[i] == i) {
			counter[i++] = 0;
			continue;
		}
		size_t k = i % 2 ? counter[i] : 0;
		sum -= (x[i] - x[k]) * (y[i] - y[k]);
		double kept = y[i];
		y[i] = y[k];
		y[k] = kept;
		orders++;
		extreme += fabs(sum) >= reach;
		counter[i]++;
		i = 1;
	}
	return extreme / orders;
}

static double correlation_p(double rho, size_t n)
{
	double t = rho * sqrt((double)(n - 2) / ((1 - rho) * (1 + rho)));

	return fmax(oqz_student_p(t, (double)n - 2), 2 / tgamma((double)n + 1));
}

struct oqz_correlation oqz_spearman(const double *x, const double *y, size_t n)
{
	struct oqz_correlation r = { .rho = NAN, .p = NAN };
	double sxy = 0, sxx = 0, syy = 0, ranks[2][EXACT_PAIRS], mean;
	size_t done = 0;

	for (size_t i = 0; i < n; i++)
		r.n += !isnan(x[i]) && !isnan(y[i]);
	mean = ((double)r.n + 1) / 2;
	for (size_t i = 0; i < n; i++) {
		if (isnan(x[i]) || isnan(y[i]))
			continue;
		double rx = rank_of(x, y, n, i) - mean, ry = rank_of(y, x, n, i) - mean;
		sxy += rx * ry;
		sxx += rx * rx;
		syy += ry * ry;
		if (done < EXACT_PAIRS) {
			ranks[0][done] = rx;
			ranks[1][done++] = ry;
		}
	}
	if (r.n < 3 || sxx == 0 || syy == 0)
		return r;
	r.rho = sxy / sqrt(sxx * syy);
	r.p = r.n <= EXACT_PAIRS ? exact_p(ranks[0], ranks[1], r.n) : correlation_p(r.rho, r.n);
	return r;
}
