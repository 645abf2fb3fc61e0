/* SPDX-License-Identifier: Apache-2.0
 *
 * Student's t by the incomplete beta function (Abramowitz and Stegun 1964, 26.7.1), as the continued fraction 26.5.8 in
 * Lentz's form: unlike the finite sums for whole degrees it keeps its digits in the tails, where p values are corrected
 * for many tests.
 */
#include "core/metric/student.h"

#include <math.h>

static double log_gamma(double x)
{
	int sign; /* lgamma() would write the global signgam */

	return lgamma_r(x, &sign);
}

static double away_from_zero(double x) { return fabs(x) < 1e-300 ? 1e-300 : x; }

/* I_x(a, b); x below (a + 1) / (a + b + 2), where the fraction converges in about sqrt(max(a, b)) steps. */
static double beta_fraction(double a, double b, double x)
{
	double c = 1, d = 1 / away_from_zero(1 - (a + b) * x / (a + 1)), f = d;

	for (int m = 1; m < 100000; m++) {
		double even = m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m));
		double odd = -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1));
		double before = f;
		d = 1 / away_from_zero(1 + even * d);
		c = away_from_zero(1 + even / c);
		f *= c * d;
		d = 1 / away_from_zero(1 + odd * d);
		c = away_from_zero(1 + odd / c);
		f *= c * d;
		if (fabs(f - before) <= 1e-15 * fabs(f))
			break;
	}
	return f * exp(log_gamma(a + b) - log_gamma(a) - log_gamma(b) + a * log(x) + b * log1p(-x)) / a;
}

double oqz_student_p(double t, double degrees)
{
	double a = degrees / 2, square = t * t;

	if (isinf(square))
		return 0;
	double x = degrees / (degrees + square), y = square / (degrees + square); /* x + y = 1 without cancellation */
	if (y == 0)
		return 1;
	return x < (a + 1) / (a + 2.5) ? beta_fraction(a, 0.5, x) : 1 - beta_fraction(0.5, a, y);
}

double oqz_student_quantile(double p, double degrees)
{
	double tail = p < 0.5 ? p : 1 - p, low = 0, high = 1;

	if (tail == 0.5)
		return 0;
	while (oqz_student_p(high, degrees) > 2 * tail)
		high *= 2;
	for (int i = 0; i < 200; i++) {
		double t = (low + high) / 2;
		if (t == low || t == high)
			break;
		if (oqz_student_p(t, degrees) > 2 * tail)
			low = t;
		else
			high = t;
	}
	return p < 0.5 ? -high : high;
}
