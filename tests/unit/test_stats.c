/* SPDX-License-Identifier: Apache-2.0
 *
 * Paired statistics against hand-made and published numbers.
 */
#include "tests/support/support.h"
#include "core/base/rng.h"
#include "core/metric/rank.h"
#include "core/metric/stats.h"
#include "core/metric/student.h"

#include <math.h>
#include <string.h>

START_TEST(mcnemar_matches_binomial_sums)
{
	/* 10 discordant, 2 against 8: exact 2 * (1 + 10 + 45) / 1024, mid-p less the 45. */
	const struct oqz_pairs p = { 50, 8, 2, 5 }, q = { 50, 2, 8, 5 };

	ck_assert_double_eq_tol(oqz_mcnemar_exact(&p), 112.0 / 1024, 1e-13);
	ck_assert_double_eq_tol(oqz_mcnemar_midp(&p), 67.0 / 1024, 1e-13);
	ck_assert_double_eq(oqz_mcnemar_midp(&p), oqz_mcnemar_midp(&q));
	ck_assert(oqz_mcnemar_exact(&p) == 112.0 / 1024 && oqz_mcnemar_midp(&p) == 67.0 / 1024);
	/* The two ways of summing meet where they take over from each other. */
	const struct oqz_pairs p60 = { 0, 38, 22, 0 }, p61 = { 0, 38, 23, 0 };
	double sum60 = 0, sum61 = 0, c60 = 1, c61 = 1;
	for (int i = 0; i <= 23; i++) {
		sum60 += i <= 22 ? c60 : 0;
		sum61 += c61;
		c60 = c60 * (60 - i) / (i + 1);
		c61 = c61 * (61 - i) / (i + 1);
	}
	ck_assert_double_eq_tol(oqz_mcnemar_exact(&p60) / (2 * ldexp(sum60, -60)), 1, 1e-14);
	ck_assert_double_eq_tol(oqz_mcnemar_exact(&p61) / (2 * ldexp(sum61, -61)), 1, 1e-12);
	const struct oqz_pairs none = { 9, 0, 0, 1 }, even = { 1, 7, 7, 1 }, one = { 0, 6, 0, 0 };
	ck_assert_double_eq(oqz_mcnemar_midp(&none), 1);
	ck_assert_double_eq(oqz_mcnemar_exact(&even), 1);
	ck_assert_double_eq(oqz_mcnemar_midp(&even), 1);
	ck_assert_double_eq_tol(oqz_mcnemar_exact(&one), 2.0 / 64, 1e-15);
	/* Large counts: near the normal approximation, and never 0 or NaN. */
	const struct oqz_pairs big = { 0, 50600, 49400, 0 };
	double z = (1200.0) / sqrt(100000.0), normal = erfc(z / sqrt(2));
	ck_assert_double_eq_tol(oqz_mcnemar_midp(&big) / normal, 1, 2e-3);
	const struct oqz_pairs extreme = { 0, 900, 0, 0 };
	ck_assert(oqz_mcnemar_exact(&extreme) > 0);
}
END_TEST

START_TEST(interval_matches_newcombe)
{
	/* Newcombe 1998, Table III, method 10, cells (36, 12, 2, 0): first - second 0.0569 to 0.3404. */
	const struct oqz_pairs p = { 36, 12, 2, 0 }, q = { 36, 2, 12, 0 };
	struct oqz_interval i = oqz_pairs_interval(&p, 0.95), j = oqz_pairs_interval(&q, 0.95);

	ck_assert_double_eq_tol(i.low, -0.3404, 5e-5);
	ck_assert_double_eq_tol(i.high, -0.0569, 5e-5);
	ck_assert_double_eq_tol(j.low, -i.high, 1e-15);
	ck_assert_double_eq_tol(j.high, -i.low, 1e-15);
	/* Nothing differs: still not a point, and it holds 0. */
	const struct oqz_pairs same = { 80, 0, 0, 20 }, none = { 0 };
	i = oqz_pairs_interval(&same, 0.95);
	ck_assert(i.low < 0 && i.high > 0 && i.high < 0.1);
	i = oqz_pairs_interval(&none, 0.95);
	ck_assert(isnan(i.low) && isnan(i.high));
	i = oqz_wilson(81, 263, 0.95); /* Newcombe 1998b, Table I: 0.2553 to 0.3662 */
	ck_assert_double_eq_tol(i.low, 0.2553, 5e-5);
	ck_assert_double_eq_tol(i.high, 0.3662, 5e-5);
}
END_TEST

START_TEST(interval_covers_as_promised)
{
	/* 400 images, hit rates 0.7 and 0.68, correlated; the true difference lies inside about 95 times in 100. */
	struct oqz_rng rng;
	int inside = 0;

	oqz_rng_init(&rng, 3);
	for (int t = 0; t < 1000; t++) {
		struct oqz_pairs p = { 0 };
		for (int i = 0; i < 400; i++) {
			double u = oqz_rng_f64(&rng);
			if (u < 0.65)
				p.both++;
			else if (u < 0.70)
				p.only_first++;
			else if (u < 0.73)
				p.only_second++;
			else
				p.neither++;
		}
		struct oqz_interval i = oqz_pairs_interval(&p, 0.95);
		inside += i.low <= -0.02 && -0.02 <= i.high;
	}
	ck_assert_int_ge(inside, 930);
	ck_assert_int_le(inside, 980);
}
END_TEST

START_TEST(normal_quantile_inverts_erfc)
{
	static const double ps[] = { 1e-300, 1e-20, 1e-5, 0.025, 0.3, 0.5, 0.7, 0.9, 0.975, 0.99999 };

	for (size_t i = 0; i < OQZ_COUNTOF(ps); i++)
		ck_assert_double_eq_tol(0.5 * erfc(-oqz_normal_quantile(ps[i]) / sqrt(2)) / ps[i], 1, 1e-12);
	ck_assert_double_eq_tol(oqz_normal_quantile(0.975), 1.959963984540054, 1e-15);
}
END_TEST

struct sample {
	const double *v;
	size_t calls;
};

static enum oqz_status mean_of(void *ctx, const uint32_t *index, size_t n, double *delta, struct oqz_err *err)
{
	struct sample *s = ctx;
	double sum = 0;

	for (size_t i = 0; i < n; i++)
		sum += s->v[index[i]];
	delta[0] = sum / (double)n;
	delta[1] = s->calls++ % 4 == 0 ? NAN : delta[0];
	delta[2] = NAN;
	return OQZ_OK;
}

static enum oqz_status refuse(void *ctx, const uint32_t *index, size_t n, double *delta, struct oqz_err *err)
{
	OQZ_FAIL(err, OQZ_E_DATA, "no metric");
}

START_TEST(bootstrap_of_a_mean_is_known)
{
	enum { N = 500 };
	double v[N], mean = 0, var = 0;
	struct oqz_bootstrap r[3], again[3];
	struct oqz_rng rng;
	struct sample s = { v, 0 }, s2 = { v, 0 };

	oqz_rng_init(&rng, 11);
	for (int i = 0; i < N; i++)
		mean += (v[i] = 0.1 + oqz_rng_normal(&rng)) / N;
	for (int i = 0; i < N; i++)
		var += (v[i] - mean) * (v[i] - mean) / N;
	double se = sqrt(var / N);
	ck_ok(oqz_bootstrap(mean_of, &s, N, 3, 1999, 1, 0.95, r, err));
	ck_assert_double_eq_tol(r[0].standard_error, se, 0.05 * se);
	ck_assert_double_eq_tol(r[0].interval.low, mean - 1.96 * se, 0.15 * se);
	ck_assert_double_eq_tol(r[0].interval.high, mean + 1.96 * se, 0.15 * se);
	double normal_p = erfc(fabs(mean) / se / sqrt(2));
	ck_assert_double_eq_tol(r[0].p, normal_p, 0.25 * normal_p + 0.003);
	ck_assert_int_eq((int)r[1].rounds, 1499);
	ck_assert(isfinite(r[1].interval.low));
	ck_assert(isnan(r[2].interval.low) && isnan(r[2].p) && r[2].rounds == 0);
	ck_ok(oqz_bootstrap(mean_of, &s2, N, 3, 1999, 1, 0.95, again, err));
	ck_assert_int_eq(memcmp(&r[0], &again[0], sizeof r[0]), 0);
	ck_fails(oqz_bootstrap(refuse, NULL, N, 3, 9, 1, 0.95, again, err), OQZ_E_DATA, "no metric");
	ck_fails(oqz_bootstrap(mean_of, &s2, 0, 3, 9, 1, 0.95, again, err), OQZ_E_USAGE, "0 images");
}
END_TEST

START_TEST(few_images_are_covered_as_promised)
{
	/* 20 images: without its correction the percentile interval holds the truth 92 times in 100, and one test in 13
	 * finds what is not there. */
	enum { N = 20, REPEATS = 2000 };
	struct oqz_rng rng;
	int inside = 0, rejected = 0;

	oqz_rng_init(&rng, 5);
	for (int t = 0; t < REPEATS; t++) {
		double v[N];
		struct sample s = { v, 0 };
		struct oqz_bootstrap r[3];
		for (int i = 0; i < N; i++)
			v[i] = oqz_rng_normal(&rng);
		ck_ok(oqz_bootstrap(mean_of, &s, N, 3, 999, (uint64_t)t, 0.95, r, err));
		inside += r[0].interval.low <= 0 && 0 <= r[0].interval.high;
		rejected += r[0].p < 0.05;
	}
	ck_assert_int_ge(inside, REPEATS * 94 / 100);
	ck_assert_int_le(inside, REPEATS * 97 / 100);
	ck_assert_int_ge(rejected, REPEATS * 3 / 100);
	ck_assert_int_le(rejected, REPEATS * 6 / 100);
}
END_TEST

START_TEST(student_is_scipys)
{
	/* 2 * scipy.stats.t.sf(|t|, degrees) */
	static const struct {
		double t, degrees, p;
	} tails[] = { { 0.5, 1, 0.7048327646991336 },      { 2.5, 3, 0.08770664700806555 },
		      { 21, 199, 2.2534227115212273e-52 }, { -1.96, 1e6, 0.04999606758526978 },
		      { 12, 27, 2.481708718753886e-12 },   { 1e-3, 4, 0.99925000015625 } };
	/* scipy.stats.t.ppf(p, degrees) */
	static const struct {
		double p, degrees, t;
	} quantiles[] = { { 0.975, 1, 12.706204736432095 },
		          { 0.975, 27, 2.0518305164802833 },
		          { 0.8, 39, 0.8509350194828653 },
		          { 0.025, 4, -2.7764451051977996 },
		          { 0.975, 1e6, 1.9599663568141066 } };

	for (size_t i = 0; i < OQZ_COUNTOF(tails); i++)
		ck_assert_double_eq_tol(oqz_student_p(tails[i].t, tails[i].degrees) / tails[i].p, 1, 1e-8);
	for (size_t i = 0; i < OQZ_COUNTOF(quantiles); i++)
		ck_assert_double_eq_tol(oqz_student_quantile(quantiles[i].p, quantiles[i].degrees) / quantiles[i].t, 1,
		                        1e-9);
	ck_assert_double_eq(oqz_student_p(0, 7), 1);
	ck_assert_double_eq(oqz_student_p(INFINITY, 7), 0);
	ck_assert_double_eq(oqz_student_quantile(0.5, 7), 0);
}
END_TEST

START_TEST(detectable_difference_solves_connor)
{
	double d = oqz_detectable_pairs(5000, 0.05, 0.05, 0.8);
	double za = oqz_normal_quantile(0.975), zb = oqz_normal_quantile(0.8);
	double root = za * sqrt(0.05) + zb * sqrt(0.05 - d * d);

	ck_assert_double_eq_tol(root * root / (d * d), 5000, 1e-6);
	ck_assert_double_lt(oqz_detectable_pairs(50000, 0.05, 0.05, 0.8), d);
	/* No image differs, yet with 500 images a loss of 1.56 % (7.8 images, of which 6 make a test) would have shown.
	 */
	ck_assert_double_eq_tol(oqz_detectable_pairs(500, 0, 0.05, 0.8), 0.0156, 5e-5);
	ck_assert_double_eq(oqz_detectable_pairs(500, 0.01, 0.05, 0.8), oqz_detectable_pairs(500, 0, 0.05, 0.8));
	ck_assert_double_lt(oqz_detectable_pairs(6, 0, 0.05, 0.8), 1);
	ck_assert(isnan(oqz_detectable_pairs(5, 0.5, 0.05, 0.8))); /* five of five have p 0.0625 */
	ck_assert(isnan(oqz_detectable_pairs(0, 0.01, 0.05, 0.8)));
	ck_assert_double_eq_tol(oqz_detectable(1, 1000000, 0.05, 0.8), za + zb, 1e-5);
	ck_assert_double_eq_tol(oqz_detectable(1, 28, 0.05, 0.8), (2.0518305164802833 + 0.8546) * sqrt(28.0 / 27),
	                        1e-3);
	ck_assert(isnan(oqz_detectable(1, 1, 0.05, 0.8)));
}
END_TEST

START_TEST(pairs_are_counted)
{
	const unsigned char a[] = { 1, 1, 0, 0, 1 }, b[] = { 1, 0, 1, 0, 1 };
	struct oqz_pairs p;

	oqz_pairs_count(a, b, 5, &p);
	ck_assert(p.both == 2 && p.only_first == 1 && p.only_second == 1 && p.neither == 1);
}
END_TEST

START_TEST(few_images_never_make_a_small_p)
{
	/* All differences alike: no round lies on the other side, however few images there are. */
	static const double v[] = { -0.5, -0.4, -0.6, -0.5 };
	struct sample s = { v, 0 };
	struct oqz_bootstrap r[3];

	ck_ok(oqz_bootstrap(mean_of, &s, 4, 3, 1999, 1, 0.95, r, err));
	ck_assert_double_eq(r[0].p, 0.125);
	ck_assert(r[0].interval.high < 0);
}
END_TEST

START_TEST(a_clear_difference_is_not_cut_off_by_the_rounds)
{
	enum { N = 200 };
	double v[N];
	struct sample s = { v, 0 };
	struct oqz_bootstrap r[3];

	for (int i = 0; i < N; i++)
		v[i] = i % 2 ? -1 : -0.2;
	ck_ok(oqz_bootstrap(mean_of, &s, N, 3, 1999, 1, 0.95, r, err));
	ck_assert(r[0].p > 0 && r[0].p < 1e-6); /* mean -0.6, standard error 0.028 */
}
END_TEST

START_TEST(holm_steps_down)
{
	/* R: p.adjust(c(0.01, 0.04, 0.03, NA, 0.005, 0.03), "holm") */
	const double p[] = { 0.01, 0.04, 0.03, NAN, 0.005, 0.03 }, want[] = { 0.04, 0.09, 0.09, NAN, 0.025, 0.09 };
	double a[6];

	oqz_holm(p, 6, a);
	for (int i = 0; i < 6; i++)
		ck_assert(isnan(want[i]) ? isnan(a[i]) : fabs(a[i] - want[i]) < 1e-15);
	const double large[] = { 0.6, 0, 0.9 }; /* cut at 1, and 0 stays 0 */
	oqz_holm(large, 3, a);
	ck_assert(a[0] == 1 && a[1] == 0 && a[2] == 1);
	const double twins[] = { 0.01, 0.01, 0.04 }; /* both are taken */
	oqz_holm(twins, 3, a);
	ck_assert(fabs(a[0] - 0.03) < 1e-15 && fabs(a[1] - 0.03) < 1e-15 && fabs(a[2] - 0.04) < 1e-15);
	oqz_holm(p, 0, a);
}
END_TEST

START_TEST(rank_correlation_is_spearmans)
{
	/* scipy.stats.spearmanr([106, 86, 100, 101, 99, 103, 97, 113, 112, 110], [7, 0, 27, 50, 28, 29, 20, 12, 6, 17])
	 */
	const double x[] = { 106, 86, 100, 101, 99, 103, 97, 113, 112, 110, NAN },
	             y[] = { 7, 0, 27, 50, 28, 29, 20, 12, 6, 17, 1 };
	struct oqz_correlation c = oqz_spearman(x, y, 11);

	ck_assert_double_eq_tol(c.rho, -29.0 / 165, 1e-15);
	ck_assert_double_eq_tol(c.p, 0.6271883447764844, 1e-14);
	ck_assert_uint_eq(c.n, 10);
	/* Ties share the mean of their ranks: ranks 1.5 1.5 3 4 against 1 2 3.5 3.5. */
	const double tx[] = { 1, 1, 2, INFINITY }, ty[] = { 0, 3, 5, 5 };
	double sxy = 1 * 1.5 + 1 * 0.5 + 0.5 * 1 + 1.5 * 1, sxx = 1 + 1 + 0.25 + 2.25, syy = 2.25 + 0.25 + 1 + 1;
	ck_assert_double_eq_tol(oqz_spearman(tx, ty, 4).rho, sxy / sqrt(sxx * syy), 1e-15);
	const double flat[] = { 2, 2, 2, 2 };
	ck_assert(isnan(oqz_spearman(flat, ty, 4).rho) && isnan(oqz_spearman(flat, ty, 4).p));
	ck_assert(isnan(oqz_spearman(ty, flat, 4).rho) && isnan(oqz_spearman(ty, flat, 4).p));
	ck_assert(isnan(oqz_spearman(x, y, 2).rho) && isnan(oqz_spearman(x, y, 2).p)); /* two pairs say nothing */
	/* a pair lacks either of its numbers */
	const double gaps[] = { 7, 0, NAN, 50, 28 };
	ck_assert_uint_eq(oqz_spearman(x, gaps, 5).n, 4);
}
END_TEST

START_TEST(rank_correlation_has_its_p)
{
	/* Counted over itertools.permutations: without ties and with. */
	const double x[] = { 106, 86, 100, 101, 99, 103, 97 }, y[] = { 7, 0, 27, 50, 28, 29, 20 };
	const double tx[] = { 1, 1, 2, 9, 4, 4 }, ty[] = { 0, 3, 5, 5, 1, 5 };
	/* scipy.stats.spearmanr beyond nine pairs: even and odd degrees of freedom. */
	const double up[] = { 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11 };
	const double swapped[] = { 2, 1, 4, 3, 6, 5, 8, 7, 10, 9, 12, 11 },
	             mixed[] = { 3, 1, 2, 0, 5, 4, 7, 6, 8, 10, 9 };
	double orders = 1;

	ck_assert_double_eq_tol(oqz_spearman(x, y, 7).p, 1994.0 / 5040, 1e-15);
	ck_assert_double_eq_tol(oqz_spearman(tx, ty, 6).p, 192.0 / 720, 1e-15);
	ck_assert_double_eq_tol(oqz_spearman(up, swapped, 12).p, 9.5435818268384e-07, 1e-14);
	ck_assert_double_eq_tol(oqz_spearman(up, mixed, 11).p, 0.00023345817037873163, 1e-14);
	/* Nine pairs are still counted; falling is as far as rising. */
	const double falling[] = { 8, 6, 7, 4, 5, 0, 2, 1, 3 };
	ck_assert_double_eq_tol(oqz_spearman(up, mixed, 9).p, 3908.0 / 362880, 1e-15);
	ck_assert(oqz_spearman(up, falling, 9).rho < 0 && oqz_spearman(up, falling, 9).p < 0.02);
	/* The most extreme order is never beyond what counting gives it. */
	for (size_t n = 3; n <= 12; n++) {
		orders = orders * (double)n * (n == 3 ? 2 : 1);
		ck_assert_double_eq_tol(oqz_spearman(up, up, n).p, 2 / orders, 1e-15);
	}
}
END_TEST

OQZ_TEST_MAIN("stats", few_images_never_make_a_small_p, a_clear_difference_is_not_cut_off_by_the_rounds,
              holm_steps_down, rank_correlation_is_spearmans, rank_correlation_has_its_p, mcnemar_matches_binomial_sums,
              interval_matches_newcombe, interval_covers_as_promised, normal_quantile_inverts_erfc,
              bootstrap_of_a_mean_is_known, few_images_are_covered_as_promised, student_is_scipys,
              detectable_difference_solves_connor, pairs_are_counted)
