/* SPDX-License-Identifier: Apache-2.0
 *
 * Inside of struct oqz_observer, for the files of observe.c and the calibrators only.
 *
 * The histogram's key is the float32's leading 20 bits: sign, exponent, top 11 bits of the mantissa. A page holds the
 * 2048 counts of one sign and exponent and exists once such a number was seen. A bin is therefore 2^-11 wide relative
 * to its power of two, and its edges are floats. Zeros (both signs) are counted apart: they are exact, and often the
 * most.
 */
#ifndef OQZ_QUANT_OBSERVER_H
#define OQZ_QUANT_OBSERVER_H

#include "core/base/vec.h"
#include "core/quant/observe.h"
#include "core/quant/tail.h"

#include <string.h>

enum { OQZ_OBSERVER_BLOCK = 1024 }; /* numbers looked at together: a multiple of all smaller such */
enum { OQZ_HIST_BINS = 2048, OQZ_HIST_PAGES = 512 /* sign * 256 + exponent */, OQZ_HIST_IGNORED = 64 };

/* A batch of images: its quantiles when complete, else what is needed to find them. */
struct oqz_batch {
	int64_t index, images, count; /* which batch; images and finite elements seen of it */
	bool done;
	float hi, lo;                /* done: its quantiles */
	struct oqz_tail top, bottom; /* not done: largest of x and of -x */
};

/* The two largest values of a row; the second 0 when there is but one. */
struct oqz_top2 {
	float first, second;
};

/* Equal bins: [start + i range / OQZ_BINS, start + (i + 1) range / OQZ_BINS) of |x| or x. n is NULL before the second
 * pass. */
struct oqz_bins {
	float start, range;
	uint64_t *n;
};

/* Element i is for the need OQZ_OBS_BINS_MAGNITUDE << i. */
enum { OQZ_BINS_KINDS = 2 };

struct oqz_observer {
	unsigned needs;
	bool second; /* a sibling for the second pass: only bins are filled */
	double q;
	int batch;
	int64_t count, nonfinite;           /* count: finite elements */
	int64_t zeros;                      /* but see oqz_hist_matters */
	float lo, hi;                       /* extremes; valid when count > 0 */
	uint64_t *page[OQZ_HIST_PAGES + 1]; /* the last one is nobody's: oqz_observer_new points it at `ignored` */
	uint64_t ignored[OQZ_HIST_IGNORED];
	/* Values between `below` and `above` are no longer counted in pages, only in `count`: `ranks` values at either
	 * end are known, and no more will be asked for (observe_tails.c). ranks 0: all are counted. */
	int64_t ranks;
	float below, above;                /* x <= below and x >= above are counted; at first below >= above */
	int64_t fresh;                     /* values looked at one by one since that was last narrowed */
	size_t open_batch;                 /* between oqz_observer_open and _close: of the image */
	OQZ_VEC(struct oqz_batch) batches; /* by index, increasing */
	OQZ_VEC(struct oqz_top2) rows;     /* unordered */
	int64_t last_image;                /* rows: the last image with one, */
	float last_top;                    /* and the largest value of its last row */
	struct oqz_bins bins[OQZ_BINS_KINDS];
};

/* The float32 of these bits, as statistics compare floats by them. */
static inline float oqz_hist_of_bits(uint32_t bits)
{
	float x;

	memcpy(&x, &bits, sizeof x);
	return x;
}

/* Magnitudes of the edges of bin `bin` of a page (of either sign). */
void oqz_hist_edges(int page, int bin, double *ret_low, double *ret_high);
/* Bins in increasing order of value. *at starts at -1; false at the end. Zeros come as page -1. */
bool oqz_hist_next(const struct oqz_observer *o, int *at, int *ret_page, int *ret_bin, uint64_t *ret_count);
/* The bin in which the `ranks`-th smallest (from < 0) or largest value lies, zeros as above; false: there are fewer. */
bool oqz_hist_end(const struct oqz_observer *o, int from, int64_t ranks, int *ret_page, int *ret_bin);
/* Counts n <= OQZ_OBSERVER_BLOCK numbers into the pages: all, or those at the ends; `least` and `most`: the extremes of
 * the finite ones, of which there is one. */
enum oqz_status oqz_hist_block(struct oqz_observer *o, float least, float most, const float *x, size_t n,
                               struct oqz_err *err);
/* What can still matter of numbers to come. TOP: the lower end is zero, so that only large ones do as long as none is
 * below zero; ENDS: the ends lie on both sides of zero. In either case zeros do not, and need not be counted. */
enum oqz_hist_matters { OQZ_HIST_ALL, OQZ_HIST_ENDS, OQZ_HIST_TOP };
enum oqz_hist_matters oqz_hist_matters(const struct oqz_observer *o);
/* Unless that is OQZ_HIST_ALL: adds a whole block to all of the observer. false: there is a number that is not finite,
 * or one below zero where there was none; nothing is added. */
enum oqz_status oqz_hist_far(struct oqz_observer *o, const float *x, bool *ret_done, struct oqz_err *err);
/* A new page or the one that is there; NULL when out of memory. */
uint64_t *oqz_hist_page(struct oqz_observer *o, int page);

/* Once `ranks` values at either end are in the pages: which values between them need not be counted any more. */
void oqz_tails_narrow(struct oqz_observer *o);
/* How many values at either end are certainly known; INT64_MAX: all are. */
int64_t oqz_tails_known(const struct oqz_observer *o);
/* Values that are in pages or zeros: all, or those of the two ends. */
int64_t oqz_hist_counted(const struct oqz_observer *o);

/* The batch with this index, made if need be. */
enum oqz_status oqz_observer_batch(struct oqz_observer *o, int64_t index, struct oqz_batch **ret, struct oqz_err *err);
/* Index of the batch that image `image`, of n values, is to be added to. */
enum oqz_status oqz_batch_open(struct oqz_observer *o, int64_t image, size_t n, size_t *ret, struct oqz_err *err);
/* Replaces what was collected of a batch, if it is complete, by its quantiles. */
enum oqz_status oqz_batch_close(const struct oqz_observer *o, struct oqz_batch *b, struct oqz_err *err);
enum oqz_status oqz_batch_merge(struct oqz_observer *o, const struct oqz_batch *from, struct oqz_err *err);
/* Ranks of the quantiles of n values by PPQ's TorchPercentileObserver on a CPU, counted from the top and from the
 * bottom. */
void oqz_batch_ranks(int64_t n, double q, size_t *ret_top, size_t *ret_bottom);
/* Quantiles of a batch, complete or not. */
enum oqz_status oqz_batch_quantiles(const struct oqz_batch *b, double q, float *ret_lo, float *ret_hi,
                                    struct oqz_err *err);

/* Rows of a tensor; those without a finite number are left out. */
enum oqz_status oqz_rows_add(struct oqz_observer *o, int64_t image, const float *x, size_t n, size_t row,
                             struct oqz_err *err);
enum oqz_status oqz_rows_merge(struct oqz_observer *o, const struct oqz_observer *from, struct oqz_err *err);

/* Counts into the bins; adds the bins of a sibling. */
void oqz_bins_add(struct oqz_observer *o, const float *x, size_t n);
enum oqz_status oqz_bins_merge(struct oqz_observer *o, const struct oqz_observer *from, struct oqz_err *err);
/* The counts by which a calibrator searches, as doubles, in `count` bins, a power of two; the need is one of
 * OQZ_OBS_SECOND. Fails when the second pass did not take place. */
enum oqz_status oqz_bins_get(const struct oqz_observer *o, unsigned need, int count, double *bins, struct oqz_err *err);

/* " bins=1024" where a site has a number of its own, as describe() of the rules that count into bins. */
void oqz_bins_describe(const struct oqz_site *site, struct oqz_str *out);

/* Fails unless at least one finite number was seen. */
enum oqz_status oqz_observer_nonempty(const struct oqz_observer *o, struct oqz_err *err);

/* The calibrators, one file each. */
extern const struct oqz_calibrator oqz_calibrator_minmax;
extern const struct oqz_calibrator oqz_calibrator_percentile;
extern const struct oqz_calibrator oqz_calibrator_mse;
extern const struct oqz_calibrator oqz_calibrator_kl;
extern const struct oqz_calibrator oqz_calibrator_isotone;
extern const struct oqz_calibrator oqz_calibrator_floating;
extern const struct oqz_calibrator oqz_calibrator_constant;
extern const struct oqz_calibrator oqz_calibrator_ema;

/* needs() of those that look at the order-free histogram. */
unsigned oqz_needs_histogram(const struct oqz_site *site);

#endif
