/* SPDX-License-Identifier: Apache-2.0
 *
 * Calibrator `percentile`: the quantiles q and 1 - q, so that rare outliers do not stretch the grid.
 *
 * Scope `dataset`: quantiles of all values of all images together, from the order-free histogram. The wanted ranks are
 * those of PPQ's rule for one batch of everything: of n sorted values v[min(int(n q), n - 1)] and v[int(n (1 - q))].
 * The value with rank r among the c values of a bin (r = 0 .. c - 1) is taken at the fraction (r + 0.5) / c of the bin,
 * and never outside of the extremes. So the result is off by less than one bin: 2^-11 of the power of two below the
 * value, hence relatively less than 2^-11 (2^-137 absolutely for subnormal numbers). Exact: the smallest and the
 * largest rank (which are the extremes) and zero, which has a count of its own.
 *
 * Scope `batch`, the zoo's rule: the same ranks within each batch of images, exactly, then the mean over the batches,
 * summed in float32 as torch does. It depends on the batch size and on the order of the images.
 */
#include "core/base/str.h"
#include "core/quant/observer.h"
#include "core/quant/torch_sum.h"

#include <math.h>

/* The value of rank r (0: smallest) of the `counted` values that are in the histogram. */
static double hist_rank(const struct oqz_observer *o, int64_t r, int64_t counted)
{
	int at = -1, page, bin;
	int64_t below = 0;
	uint64_t n;

	if (r <= 0)
		return (double)o->lo;
	if (r >= counted - 1)
		return (double)o->hi;
	while (oqz_hist_next(o, &at, &page, &bin, &n)) {
		if (r >= below + (int64_t)n) {
			below += (int64_t)n;
			continue;
		}
		if (page < 0)
			return 0;
		double low, high, f = ((double)(r - below) + 0.5) / (double)n;
		oqz_hist_edges(page, bin, &low, &high);
		double v = page >= OQZ_HIST_PAGES / 2 ? -(high + (low - high) * f) : low + (high - low) * f;
		v = v < (double)o->lo ? (double)o->lo : v;
		return v > (double)o->hi ? (double)o->hi : v;
	}
	return (double)o->hi;
}

static float mean(const float *v, size_t n)
{
	float m = oqz_torch_sum(v, n, OQZ_TORCH_SCALAR) / (float)n; /* a column of a table */
	double sum = 0;

	if (isfinite(m))
		return m;
	for (size_t i = 0; i < n; i++) /* the sum is no float32, the mean is */
		sum += (double)v[i];
	return (float)(sum / (double)n);
}

static enum oqz_status percentile_batches(const struct oqz_observer *o, const struct oqz_site *site, double *ret_lo,
                                          double *ret_hi, struct oqz_err *err)
{
	OQZ_CLEANUP_FREE float *lo = NULL;
	size_t n = 0;

	if (!(o->needs & OQZ_OBS_BATCH) || o->q != site->q)
		OQZ_FAIL(err, OQZ_E_MISMATCH, "the statistics were not collected for quantile %g per batch", site->q);
	lo = malloc(2 * o->batches.n * sizeof *lo);
	if (!lo)
		return oqz_err_nomem(err, "quantiles of all batches", 2 * o->batches.n * sizeof *lo);
	float *hi = lo + o->batches.n;
	for (size_t i = 0; i < o->batches.n; i++) {
		if (o->batches.v[i].count == 0)
			continue;
		OQZ_TRY(oqz_batch_quantiles(&o->batches.v[i], o->q, &lo[n], &hi[n], err));
		n++;
	}
	*ret_lo = (double)mean(lo, n);
	*ret_hi = (double)mean(hi, n);
	return OQZ_OK;
}

static enum oqz_status percentile_find(const struct oqz_observer *o, const struct oqz_site *site, double *ret_lo,
                                       double *ret_hi, float *ret_scale, struct oqz_err *err)
{
	size_t top, bottom;

	OQZ_TRY(oqz_observer_nonempty(o, err));
	if (!(site->q > 0.5) || site->q > 1)
		OQZ_FAIL(err, OQZ_E_USAGE, "the quantile q of percentile must lie in (0.5, 1], not at %g", site->q);
	if (site->batch_scope) {
		OQZ_TRY(percentile_batches(o, site, ret_lo, ret_hi, err));
	} else {
		if (!(o->needs & OQZ_OBS_HISTOGRAM))
			OQZ_FAIL(err, OQZ_E_MISMATCH, "percentile needs a histogram, which was not collected");
		oqz_batch_ranks(o->count, site->q, &top, &bottom);
		int64_t counted = oqz_hist_counted(o), known = oqz_tails_known(o);
		if ((int64_t)top >= known || (int64_t)bottom >= known)
			OQZ_FAIL(err, OQZ_E_UNSUPPORTED,
			         "the images' values here differ too much in number for a quantile of all: use "
			         "scope=batch with "
			         "batches of one image (`calibration: {batch: 1}`)");
		*ret_lo = (double)(float)hist_rank(o, (int64_t)bottom, counted);
		*ret_hi = (double)(float)hist_rank(o, counted - 1 - (int64_t)top, counted);
	}
	*ret_scale = 0;
	return OQZ_OK;
}

static void percentile_describe(const struct oqz_site *site, struct oqz_str *out)
{
	oqz_str_add(out, " q=");
	oqz_str_add_double(out, site->q);
	oqz_str_add(out, site->batch_scope ? " scope=batch" : " scope=dataset");
}

static unsigned percentile_needs(const struct oqz_site *site)
{
	return site->batch_scope ? OQZ_OBS_BATCH : OQZ_OBS_HISTOGRAM;
}

static double percentile_tails(const struct oqz_site *site) { return site->batch_scope ? 0 : 1 - site->q; }

const struct oqz_calibrator oqz_calibrator_percentile = {
	.name = "percentile",
	.summary = "quantiles q and 1 - q, of all values or averaged over batches",
	.needs = percentile_needs,
	.tails = percentile_tails,
	.describe = percentile_describe,
	.per_axis = true,
	.find = percentile_find,
};
