/* SPDX-License-Identifier: Apache-2.0
 *
 * Statistics over a zoo instead of over images: p values of many tests made at once, and whether the order of one
 * figure is the order of another.
 */
#ifndef OQZ_METRIC_RANK_H
#define OQZ_METRIC_RANK_H

#include <stddef.h>

/* Holm's step-down adjustment (1979, Scand. J. Stat. 6:65-70): adjusted[i] below alpha for every test that is rejected
 * when the chance of even one false rejection among all n is to be at most alpha, whatever their dependence. A p that
 * is NaN belongs to no test: it stays NaN and does not count. The cost is quadratic, for zoos of thousands at most. */
void oqz_holm(const double *restrict p, size_t n, double *restrict adjusted);

struct oqz_correlation {
	double rho; /* NaN with fewer than three pairs, or when one side is all the same; then p is, too */
	double p;   /* two-sided, that pairs without any connection would be as far from 0 */
	size_t n;   /* pairs */
};

/* Spearman's rank correlation of the pairs without a NaN; ties get the mean of their ranks; infinities are ranked. p is
 * exact for up to nine pairs: the share of all orders of one side whose |rho| is no smaller (ties as they are). Beyond,
 * from Student's t with n - 2 degrees of freedom (Kendall and Gibbons 1990, Rank Correlation Methods, 4.13), never
 * below the 2 / n! of the most extreme order. */
struct oqz_correlation oqz_spearman(const double *x, const double *y, size_t n);

#endif
