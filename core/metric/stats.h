/* SPDX-License-Identifier: Apache-2.0
 *
 * Paired statistics: is the quantized lane worse than the float lane on the same images, by how much, and how small a
 * difference could this data set have shown? Everything is a function of its arguments (resampling has a fixed seed).
 */
#ifndef OQZ_METRIC_STATS_H
#define OQZ_METRIC_STATS_H

#include "core/base/err.h"
#include <stddef.h>
#include <stdint.h>

/* Images by outcome in two lanes (a hit is a correct answer). */
struct oqz_pairs {
	int64_t both, only_first, only_second, neither;
};

/* Counts hits (0 or 1) of n images. */
void oqz_pairs_count(const unsigned char *first, const unsigned char *second, size_t n, struct oqz_pairs *ret);

/* McNemar's test of equal hit rates, two-sided, from the discordant images (binomial with 1/2). The exact p never
 * rejects too often and is what reports show; the mid-p (Fagerland, Lydersen, Laake 2013, BMC Med. Res. Methodol.
 * 13:91) keeps nearer to the nominal level and stands beside it in results.json. 1 when no image is discordant. */
double oqz_mcnemar_exact(const struct oqz_pairs *p);
double oqz_mcnemar_midp(const struct oqz_pairs *p);

struct oqz_interval {
	double low, high;
};

/* Interval of (second - first) hit rate: Newcombe 1998, Stat. Med. 17:2635-2650, method 10 (square-and-add of Wilson
 * score intervals with a continuity-corrected phi). `level` is e.g. 0.95. Without images both ends are NaN. */
struct oqz_interval oqz_pairs_interval(const struct oqz_pairs *p, double level);

/* Wilson's score interval of k hits in n. */
struct oqz_interval oqz_wilson(int64_t k, int64_t n, double level);

/* Quantile of the standard normal distribution, 0 < p < 1 (Wichura 1988, AS 241, about 1e-16). */
double oqz_normal_quantile(double p);

/* Differences (second - first) of n_metrics metrics computed on the images index[0..n), which repeat. Writes all of
 * delta[]; NaN says that a metric cannot be computed from this sample. */
typedef enum oqz_status oqz_delta_fn(void *ctx, const uint32_t *index, size_t n, double *delta, struct oqz_err *err);

/* What resampling says about one metric, corrected for what a resample of few images lacks (Hesterberg 2015, Am. Stat.
 * 69:371-386, section 5.3: Student's t for the normal distribution, and n / (n - 1)). */
struct oqz_bootstrap {
	struct oqz_interval interval; /* percentile interval; NaN if fewer than half of the rounds gave a number */
	/* Two-sided: twice the smaller share of rounds on one side of 0. Where all rounds lie on one side, the normal
	 * tail with the standard error if that is smaller, so that a correction for many tests has something to
	 * multiply. Never below 2^(1-n): no paired test by exchange of n images could say more. */
	double p;
	double standard_error; /* of the resamples, not corrected */
	int64_t rounds;        /* that gave a number */
};

/* Paired bootstrap by image (Efron and Tibshirani 1993, chapter 13): images are drawn with replacement, the same ones
 * for both lanes. `rounds` of 999 or 1999 make the percentiles whole ranks for many images. The sequence of samples
 * depends on n and seed alone. */
enum oqz_status oqz_bootstrap(oqz_delta_fn *fn, void *ctx, size_t n, size_t n_metrics, size_t rounds, uint64_t seed,
                              double level, struct oqz_bootstrap *ret, struct oqz_err *err);

/* Smallest difference of hit rates that McNemar's test at `alpha` two-sided finds with probability `power`, given n
 * images of which the share `discordant` differs between the lanes, or as many as the difference itself where that is
 * more (Connor 1987, Biometrics 43:207-211, solved for the difference; at 80 % the exact test, computed in full, finds
 * it in 75 to 79 %). NaN where the exact test could not reject whatever the n images said. */
double oqz_detectable_pairs(int64_t n, double discordant, double alpha, double power);
/* The same for a metric whose difference has the bootstrap's standard error: (t_alpha/2 + t_power) * sqrt(n/(n-1)) * se
 * with n - 1 degrees of freedom. NaN for a single image. */
double oqz_detectable(double standard_error, size_t images, double alpha, double power);

#endif
