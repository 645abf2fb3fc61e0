/* SPDX-License-Identifier: Apache-2.0
 *
 * Is a difference between two lanes real? Both lanes see the same images, so tests and intervals are paired.
 */
#ifndef OQZ_METRIC_STATS_H
#define OQZ_METRIC_STATS_H

#include "core/base/err.h"
#include <stdint.h>

struct oqz_paired {
	double delta;        /* second minus first */
	double ci_lo, ci_hi; /* 95 % */
	double p;            /* two-sided, no difference */
	double detectable;   /* smallest |delta| that so many images show with 80 % power at the 5 % level */
};

/* Means of hits: of n images `lost` were hits of the first lane only, `gained` of the second only. p: McNemar's mid-p test;
 * interval: Newcombe 1998 (Stat. Med. 17:2635) method 10. n > 0. The number of images that both or neither hit is not needed
 * for p; `both` is (the count hit by both lanes), because the interval depends on it. */
void oqz_paired_hits(int64_t n, int64_t both, int64_t lost, int64_t gained, struct oqz_paired *ret);

/* Any metric: resamples images with replacement `resamples` times from a fixed seed. `delta` computes the difference on a list
 * of image indices. Percentile interval; p from the share of resamples on the other side of 0 (floored at 1/resamples). */
enum oqz_status oqz_paired_bootstrap(size_t n, uint64_t seed, int resamples,
                                     enum oqz_status (*delta)(void *ctx, const uint32_t *index, size_t n, double *ret,
                                                              struct oqz_err *err),
                                     void *ctx, struct oqz_paired *ret, struct oqz_err *err);

#endif
