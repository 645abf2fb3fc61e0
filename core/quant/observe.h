/* SPDX-License-Identifier: Apache-2.0
 *
 * Calibration statistics of tensors, and the named rules (calibrators) that turn them into ranges. Statistics are
 * order-free: extremes, counts and an integer histogram keyed by the float's own leading bits, so that the result does
 * not depend on batch, order, thread or shard, and one pass serves every rule but PPQ's searches over equal bins (mse
 * of integers, kl), which need the range first and share a second pass. The zoo's per-batch percentile, which is not
 * order-free, is kept beside them as per-batch extremes.
 */
#ifndef OQZ_QUANT_OBSERVE_H
#define OQZ_QUANT_OBSERVE_H

#include "core/quant/format.h"

struct oqz_observer;

enum {
	OQZ_OBS_MINMAX = 1,    /* always kept */
	OQZ_OBS_HISTOGRAM = 2, /* order-free histogram */
	OQZ_OBS_BATCH = 4,     /* per-batch quantiles: needs q */
	OQZ_OBS_ROWS = 8,      /* the two largest values of each row (of the last axis) */
	/* Equal bins between the extremes, which must be known first: filled by a second pass. */
	OQZ_OBS_BINS_MAGNITUDE = 16, /* of |x| */
	OQZ_OBS_BINS_RANGE = 32,     /* of x */
	OQZ_OBS_SECOND = OQZ_OBS_BINS_MAGNITUDE | OQZ_OBS_BINS_RANGE,
};

/* How many equal bins there are at most: rules may ask for any smaller power of two. */
enum { OQZ_BINS = 8192 };

/* One tensor edge. `needs`: OR of the above; `q` for OQZ_OBS_BATCH; `batch`: images per batch for it (the zoo: 32; a
 * batch is a run of consecutive images in data set order, the last may be shorter). */
enum oqz_status oqz_observer_new(unsigned needs, double q, int batch, struct oqz_observer **ret, struct oqz_err *err);
void oqz_observer_free(struct oqz_observer *o);
OQZ_DEFINE_CLEANUP(struct oqz_observer, oqz_observer_free)

/* Adds the tensor of image number `image` (0-based, in data set order). `row`: length of its last axis, x then being in
 * plain order; looked at for OQZ_OBS_ROWS only, 0 where that is not wanted. Non-finite values are counted, not used. */
enum oqz_status oqz_observer_add(struct oqz_observer *o, int64_t image, const float *x, size_t n, size_t row,
                                 struct oqz_err *err);
/* The same in pieces, for who has the tensor in the cache a piece at a time: open (n: elements of the whole tensor),
 * all its elements in pieces of any size, close. Not for OQZ_OBS_ROWS. */
enum oqz_status oqz_observer_open(struct oqz_observer *o, int64_t image, size_t n, struct oqz_err *err);
enum oqz_status oqz_observer_piece(struct oqz_observer *o, const float *x, size_t n, struct oqz_err *err);
enum oqz_status oqz_observer_close(struct oqz_observer *o, struct oqz_err *err);
/* Promises that of all values that this observer will ever see only the `ranks` smallest and largest will be asked for,
 * by quantiles: the others are then counted, but not each. A promise that is broken is an error of the calibrator. To
 * be given before the first value; a second one can only ask for more. */
void oqz_observer_tails(struct oqz_observer *o, int64_t ranks);
/* An empty observer for the second pass over the same images: it counts into bins between the extremes that `first` has
 * seen, whose needs must have one of OQZ_OBS_SECOND. Merged into `first` when the pass is over. */
enum oqz_status oqz_observer_second(const struct oqz_observer *first, struct oqz_observer **ret, struct oqz_err *err);
/* Adds everything `from` has seen. Exact and order-free (batch quantiles: batches must be disjoint). */
enum oqz_status oqz_observer_merge(struct oqz_observer *o, const struct oqz_observer *from, struct oqz_err *err);
/* Serialised form: portable, the same bytes for the same statistics. */
enum oqz_status oqz_observer_save(const struct oqz_observer *o, struct oqz_str *out, struct oqz_err *err);
enum oqz_status oqz_observer_load(const void *data, size_t size, struct oqz_observer **ret, struct oqz_err *err);

/* Finite numbers seen; the others; what it was made to collect (OQZ_OBS_*). */
int64_t oqz_observer_count(const struct oqz_observer *o);
int64_t oqz_observer_nonfinite(const struct oqz_observer *o);
unsigned oqz_observer_needs(const struct oqz_observer *o);

/* A calibrator: a named rule. */
struct oqz_calibrator {
	const char *name; /* "minmax" */
	const char *summary;
	/* What an observer must collect for a site; NULL: nothing but the extremes. */
	unsigned (*needs)(const struct oqz_site *site);
	/* The part of all values, at either end, that `find` looks at in a histogram; NULL, or 0: all. */
	double (*tails)(const struct oqz_site *site);
	/* Appends the rule's own parameters as a plan has them, " q=0.9999"; NULL: it has none. */
	void (*describe)(const struct oqz_site *site, struct oqz_str *out);
	bool per_axis; /* can work per channel (constants) */
	/* Range (and, if the rule yields one, scale) of a site. *ret_scale is set to 0 when only a range is found. The
	 * range is a double as in PPQ: a search over bins may end between two float32 numbers. */
	enum oqz_status (*find)(const struct oqz_observer *o, const struct oqz_site *site, double *ret_lo,
	                        double *ret_hi, float *ret_scale, struct oqz_err *err);
};
/* Ends with NULL. */
extern const struct oqz_calibrator *const oqz_calibrators[];
const struct oqz_calibrator *oqz_calibrator_find(const char *name);
/* What a site's observer must collect, and the quantile for oqz_observer_new(). */
unsigned oqz_calibrator_needs(const struct oqz_calibrator *c, const struct oqz_site *site);
double oqz_calibrator_quantile(const struct oqz_calibrator *c, const struct oqz_site *site);
/* A site's rule in words, for people: "percentile q=0.9999 scope=batch batch=32", "none" for c NULL. It names all that
 * a scale depends on but the numbers: the calibrator's parameters, whether scales are powers of two, and the images of
 * a batch where rules go by batches (`o`, which may be NULL for a constant: it is one). */
void oqz_calibrator_describe(const struct oqz_calibrator *c, const struct oqz_site *site, const struct oqz_observer *o,
                             struct oqz_str *out);

/* Statistics of a lone tensor, all passes of it (row: as for oqz_observer_add). */
enum oqz_status oqz_observe_once(unsigned needs, double q, const float *x, size_t n, size_t row,
                                 struct oqz_observer **ret, struct oqz_err *err);

/* Ranges of a constant tensor by a site's rule, per tensor or along site->axis: arrays of *ret_n, malloc'ed in one
 * block starting at *ret_lo (free *ret_lo only). *ret_scale is NULL when the rule yields ranges. */
enum oqz_status oqz_observe_constant(const struct oqz_tensor *t, const struct oqz_site *site, double **ret_lo,
                                     double **ret_hi, float **ret_scale, size_t *ret_n, struct oqz_err *err);

#endif
