/* SPDX-License-Identifier: Apache-2.0
 *
 * Paired statistics; the methods and their sources stand in stats.h. Binomial sums run down from the largest term,
 * which is formed in logarithms, so that 10^5 discordant images neither overflow nor lose digits.
 */
#include "core/metric/stats.h"
#include "core/base/rng.h"
#include "core/metric/student.h"

#include <math.h>
#include <string.h>

void oqz_pairs_count(const unsigned char *first, const unsigned char *second, size_t n, struct oqz_pairs *ret)
{
	struct oqz_pairs p = { 0 };

	for (size_t i = 0; i < n; i++) {
		p.both += first[i] && second[i];
		p.only_first += first[i] && !second[i];
		p.only_second += !first[i] && second[i];
		p.neither += !first[i] && !second[i];
	}
	*ret = p;
}

static double log_factorial(double n)
{
	int sign; /* lgamma() would write the global signgam */

	return lgamma_r(n + 1, &sign);
}

/* P(X <= k) and P(X = k) of X ~ Binomial(n, 1/2) by whole numbers, hence to the last bit; C(60, 30) * 60 fits into 64
 * bits. */
enum { EXACT_MAX = 60 };

static void binomial_half_exact(int64_t n, int64_t k, double *ret_sum, double *ret_term)
{
	uint64_t c = 1, sum = 1; /* C(n, 0) */

	for (int64_t i = 0; i < k; i++) {
		c = c * (uint64_t)(n - i) / (uint64_t)(i + 1);
		sum += c;
	}
	*ret_sum = ldexp((double)sum, -(int)n);
	*ret_term = ldexp((double)c, -(int)n);
}

/* The same for any n, relative error about 1e-12. */
static void binomial_half(int64_t n, int64_t k, double *ret_sum, double *ret_term)
{
	const double nd = (double)n, kd = (double)k;
	double term = exp(log_factorial(nd) - log_factorial(kd) - log_factorial(nd - kd) - nd * M_LN2), sum = 0,
	       t = term;

	for (int64_t i = k; i >= 0 && t > 0; i--) {
		double before = sum;
		sum += t;
		if (sum == before)
			break;
		t *= (double)i / (double)(n - i + 1);
	}
	*ret_sum = sum;
	*ret_term = term;
}

static double mcnemar(const struct oqz_pairs *p, double weight_of_equal)
{
	int64_t n = p->only_first + p->only_second, k = p->only_first < p->only_second ? p->only_first : p->only_second;
	double sum, term;

	if (n == 0)
		return 1;
	if (2 * k == n)
		return 1; /* both definitions give at least 1 here */
	(n <= EXACT_MAX ? binomial_half_exact : binomial_half)(n, k, &sum, &term);
	double v = 2 * (sum - (1 - weight_of_equal) * term);
	return v < 1 ? v : 1;
}

double oqz_mcnemar_exact(const struct oqz_pairs *p) { return mcnemar(p, 1); }
double oqz_mcnemar_midp(const struct oqz_pairs *p) { return mcnemar(p, 0.5); }

static double horner(const double *c, int n, double x)
{
	double v = c[n - 1];

	for (int i = n - 2; i >= 0; i--)
		v = v * x + c[i];
	return v;
}

double oqz_normal_quantile(double p)
{
	static const double a[] = { 3.3871328727963666080e0,  1.3314166789178437745e+2, 1.9715909503065514427e+3,
		                    1.3731693765509461125e+4, 4.5921953931549871457e+4, 6.7265770927008700853e+4,
		                    3.3430575583588128105e+4, 2.5090809287301226727e+3 };
	static const double b[] = { 1.0,
		                    4.2313330701600911252e+1,
		                    6.8718700749205790830e+2,
		                    5.3941960214247511077e+3,
		                    2.1213794301586595867e+4,
		                    3.9307895800092710610e+4,
		                    2.8729085735721942674e+4,
		                    5.2264952788528545610e+3 };
	static const double c[] = { 1.42343711074968357734e0,  4.63033784615654529590e0, 5.76949722146069140550e0,
		                    3.64784832476320460504e0,  1.27045825245236838258e0, 2.41780725177450611770e-1,
		                    2.27238449892691845833e-2, 7.74545014278341407640e-4 };
	static const double d[] = { 1.0,
		                    2.05319162663775882187e0,
		                    1.67638483018380384940e0,
		                    6.89767334985100004550e-1,
		                    1.48103976427480074590e-1,
		                    1.51986665636164571966e-2,
		                    5.47593808499534494600e-4,
		                    1.05075007164441684324e-9 };
	static const double e[] = { 6.65790464350110377720e0,  5.46378491116411436990e0,  1.78482653991729133580e0,
		                    2.96560571828504891230e-1, 2.65321895265761230930e-2, 1.24266094738807843860e-3,
		                    2.71155556874348757815e-5, 2.01033439929228813265e-7 };
	static const double f[] = { 1.0,
		                    5.99832206555887937690e-1,
		                    1.36929880922735805310e-1,
		                    1.48753612908506148525e-2,
		                    7.86869131145613259100e-4,
		                    1.84631831751005468180e-5,
		                    1.42151175831644588870e-7,
		                    2.04426310338993978564e-15 };
	double q = p - 0.5;

	if (fabs(q) <= 0.425) {
		double r = 0.180625 - q * q;
		return q * horner(a, 8, r) / horner(b, 8, r);
	}
	double r = sqrt(-log(q < 0 ? p : 1 - p));
	double v = r <= 5 ? horner(c, 8, r - 1.6) / horner(d, 8, r - 1.6) : horner(e, 8, r - 5) / horner(f, 8, r - 5);
	return q < 0 ? -v : v;
}

struct oqz_interval oqz_wilson(int64_t k, int64_t n, double level)
{
	const double z = oqz_normal_quantile(0.5 + level / 2), z2 = z * z, nd = (double)n;

	if (n <= 0)
		return (struct oqz_interval) { NAN, NAN };
	double p = (double)k / nd, mid = 2 * nd * p + z2, half = z * sqrt(z2 + 4 * nd * p * (1 - p)),
	       den = 2 * (nd + z2);
	double low = (mid - half) / den, high = (mid + half) / den;
	return (struct oqz_interval) { k == 0 ? 0 : low, k == n ? 1 : high };
}

struct oqz_interval oqz_pairs_interval(const struct oqz_pairs *p, double level)
{
	const double a = (double)p->both, b = (double)p->only_first, c = (double)p->only_second, d = (double)p->neither;
	const double n = a + b + c + d;

	if (n <= 0)
		return (struct oqz_interval) { NAN, NAN };
	/* Method 10 for (first - second); the result is negated and swapped at the end. */
	struct oqz_interval w1 = oqz_wilson(p->both + p->only_first, (int64_t)n, level),
	                    w2 = oqz_wilson(p->both + p->only_second, (int64_t)n, level);
	double p1 = (a + b) / n, p2 = (a + c) / n, l1 = p1 - w1.low, u1 = w1.high - p1, l2 = p2 - w2.low,
	       u2 = w2.high - p2;
	double den = (a + b) * (c + d) * (a + c) * (b + d), num = a * d - b * c;
	if (num > 0)
		num = num > n / 2 ? num - n / 2 : 0;
	double phi = den > 0 ? num / sqrt(den) : 0;
	double down = sqrt(fmax(l1 * l1 - 2 * phi * l1 * u2 + u2 * u2, 0));
	double up = sqrt(fmax(u1 * u1 - 2 * phi * u1 * l2 + l2 * l2, 0));
	double diff = (b - c) / n;
	return (struct oqz_interval) { -(diff + up), -(diff - down) };
}

static int compare_doubles(const void *pa, const void *pb)
{
	double a = *(const double *)pa, b = *(const double *)pb;

	return (a > b) - (a < b);
}

/* Resampled n images spread less than n new ones would, by sqrt((n - 1) / n), and normal quantiles do not know that the
 * spread is an estimate. Both are put right by asking for more (Hesterberg 2015, Am. Stat. 69:371-386, section 5.3):
 * the share beyond each end that leaves `tail` beyond it among new images. */
static double expanded_tail(double tail, size_t images)
{
	double n = (double)images;

	if (images < 2)
		return 0;
	double z = sqrt(n / (n - 1)) * oqz_student_quantile(tail, n - 1);
	return erfc(-z * M_SQRT1_2) / 2;
}

/* The other way round: a p of the resampled images for new ones. */
static double contracted_p(double p, size_t images)
{
	double n = (double)images;

	if (images < 2 || p >= 1)
		return 1;
	return p > 0 ? oqz_student_p(oqz_normal_quantile(p / 2) * sqrt((n - 1) / n), n - 1) : 0;
}

/* See struct oqz_bootstrap.p: `side` of n rounds lie on the rarer side of 0. */
static double bootstrap_p(size_t side, size_t n, double mean, double se, size_t images)
{
	double p = fmin(1, 2 * (double)(side + 1) / (double)(n + 1));

	if (side == 0 && se > 0)
		p = fmin(p, erfc(fabs(mean) / se * M_SQRT1_2));
	return fmax(contracted_p(p, images), images < 1000 ? ldexp(1, 1 - (int)images) : 0);
}

/* v[0..n) are the rounds' numbers, NaN-free; sorted here. */
static void summarize(double *v, size_t n, size_t rounds, size_t images, double level, struct oqz_bootstrap *ret)
{
	struct oqz_bootstrap r = { .interval = { NAN, NAN }, .p = NAN, .standard_error = NAN, .rounds = (int64_t)n };
	size_t not_above = 0, not_below = 0;
	double mean = 0, m2 = 0;

	*ret = r;
	if (n < 2 || n * 2 < rounds)
		return;
	for (size_t i = 0; i < n; i++) {
		double step = v[i] - mean;
		mean += step / (double)(i + 1);
		m2 += step * (v[i] - mean);
		not_above += v[i] <= 0;
		not_below += v[i] >= 0;
	}
	qsort(v, n, sizeof *v, compare_doubles);
	double rank = (double)(n + 1) * expanded_tail((1 - level) / 2, images);
	size_t lo = (size_t)fmax(floor(rank + 1e-9), 1);
	r.interval.low = v[lo - 1];
	r.interval.high = v[n - lo];
	size_t side = not_above < not_below ? not_above : not_below;
	r.standard_error = sqrt(m2 / (double)(n - 1));
	r.p = bootstrap_p(side, n, mean, r.standard_error, images);
	*ret = r;
}

enum oqz_status oqz_bootstrap(oqz_delta_fn *fn, void *ctx, size_t n, size_t n_metrics, size_t rounds, uint64_t seed,
                              double level, struct oqz_bootstrap *ret, struct oqz_err *err)
{
	struct oqz_rng rng;
	size_t bytes;

	if (n == 0 || n > UINT32_MAX || n_metrics == 0 || rounds == 0)
		OQZ_FAIL(err, OQZ_E_USAGE, "a bootstrap of %zu images, %zu metrics, %zu rounds", n, n_metrics, rounds);
	if (__builtin_mul_overflow(n_metrics, rounds * sizeof(double), &bytes))
		return oqz_err_nomem(err, "bootstrap", SIZE_MAX);
	OQZ_CLEANUP_FREE uint32_t *index = malloc(n * sizeof *index);
	OQZ_CLEANUP_FREE double *delta = malloc(n_metrics * sizeof *delta);
	OQZ_CLEANUP_FREE double *kept = malloc(bytes); /* [metric][round] */
	OQZ_CLEANUP_FREE size_t *count = calloc(n_metrics, sizeof *count);
	if (!index || !delta || !kept || !count)
		return oqz_err_nomem(err, "bootstrap", bytes + n * sizeof *index);
	oqz_rng_init(&rng, seed);
	for (size_t r = 0; r < rounds; r++) {
		for (size_t i = 0; i < n; i++)
			index[i] = (uint32_t)oqz_rng_below(&rng, n);
		OQZ_TRY(fn(ctx, index, n, delta, err));
		for (size_t m = 0; m < n_metrics; m++)
			if (isfinite(delta[m]))
				kept[m * rounds + count[m]++] = delta[m];
	}
	for (size_t m = 0; m < n_metrics; m++)
		summarize(kept + m * rounds, count[m], rounds, n, level, &ret[m]);
	return OQZ_OK;
}

double oqz_detectable(double standard_error, size_t images, double alpha, double power)
{
	double n = (double)images;

	if (images < 2)
		return NAN;
	return (oqz_student_quantile(1 - alpha / 2, n - 1) + oqz_student_quantile(power, n - 1)) * sqrt(n / (n - 1)) *
	       standard_error;
}

double oqz_detectable_pairs(int64_t n, double discordant, double alpha, double power)
{
	const double za = oqz_normal_quantile(1 - alpha / 2), zb = oqz_normal_quantile(power);
	double low = 0, high = 1;

	if (n < 1 || (n < 1000 && ldexp(1, 1 - (int)n) > alpha))
		return NAN;
	/* Images needed fall with the difference: halve until the double is settled. */
	for (int i = 0; i < 200; i++) {
		double d = (low + high) / 2, share = fmax(discordant, d);
		double root = za * sqrt(share) + zb * sqrt(share - d * d);
		if (d == low || d == high)
			break;
		if (root * root > (double)n * d * d)
			low = d;
		else
			high = d;
	}
	return high;
}
