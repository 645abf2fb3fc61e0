/* SPDX-License-Identifier: Apache-2.0
 *
 * Calibration statistics of tensors, and the named rules (calibrators) that turn them into ranges. Statistics are
 * order-free: extremes, counts and an integer histogram keyed by the float's own leading bits, so that one pass serves
 * every rule and the result does not depend on batch, order, thread or shard. The zoo's per-batch percentile, which is
 * not order-free, is kept beside them as per-batch extremes.
 */
#ifndef OQZ_QUANT_OBSERVE_H
#define OQZ_QUANT_OBSERVE_H

#include "core/quant/format.h"

struct oqz_observer;

enum {
	OQZ_OBS_MINMAX = 1,    /* always kept */
	OQZ_OBS_HISTOGRAM = 2, /* order-free histogram */
	OQZ_OBS_BATCH = 4,     /* per-batch quantiles: needs q */
};

/* One tensor edge. `needs`: OR of the above; `q` for OQZ_OBS_BATCH; `batch`: images per batch for it (the zoo: 32; a
 * batch is a run of consecutive images in data set order, the last may be shorter). */
enum oqz_status oqz_observer_new(unsigned needs, double q, int batch, struct oqz_observer **ret, struct oqz_err *err);
void oqz_observer_free(struct oqz_observer *o);
OQZ_DEFINE_CLEANUP(struct oqz_observer, oqz_observer_free)

/* Adds the tensor of image number `image` (0-based, in data set order). Non-finite values are counted, not used. */
enum oqz_status oqz_observer_add(struct oqz_observer *o, int64_t image, const float *x, size_t n, struct oqz_err *err);
/* Adds everything `from` has seen. Exact and order-free (batch quantiles: batches must be disjoint). */
enum oqz_status oqz_observer_merge(struct oqz_observer *o, const struct oqz_observer *from, struct oqz_err *err);
/* Serialised form: portable, the same bytes for the same statistics. */
enum oqz_status oqz_observer_save(const struct oqz_observer *o, struct oqz_str *out, struct oqz_err *err);
enum oqz_status oqz_observer_load(const void *data, size_t size, struct oqz_observer **ret, struct oqz_err *err);

int64_t oqz_observer_count(const struct oqz_observer *o);
int64_t oqz_observer_nonfinite(const struct oqz_observer *o);

/* A calibrator: a named rule. */
struct oqz_calibrator {
	const char *name; /* "minmax" */
	const char *summary;
	unsigned needs; /* with data set scope */
	bool per_axis;  /* can work per channel (constants) */
	/* Range (and, if the rule yields one, scale) of a site. *ret_scale is set to 0 when only a range is found. */
	enum oqz_status (*find)(const struct oqz_observer *o, const struct oqz_site *site, float *ret_lo, float *ret_hi,
	                        float *ret_scale, struct oqz_err *err);
};
/* Ends with NULL. */
extern const struct oqz_calibrator *const oqz_calibrators[];
const struct oqz_calibrator *oqz_calibrator_find(const char *name);
/* What a site's observer must collect. */
unsigned oqz_calibrator_needs(const struct oqz_calibrator *c, const struct oqz_site *site);

/* Ranges of a constant tensor by a site's rule, per tensor or along site->axis: arrays of *ret_n, malloc'ed in one
 * block starting at *ret_lo (free *ret_lo only). *ret_scale is NULL when the rule yields ranges. */
enum oqz_status oqz_observe_constant(const struct oqz_tensor *t, const struct oqz_site *site, float **ret_lo,
                                     float **ret_hi, float **ret_scale, size_t *ret_n, struct oqz_err *err);

#endif
