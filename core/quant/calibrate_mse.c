/* SPDX-License-Identifier: Apache-2.0
 *
 * Calibrator `mse`: the range with the smallest mean squared error over a grid of candidates, as PPQ 0.6's
 * TorchMSEObserver on a CPU, whose order of operations decides between candidates that are nearly equal. Its model of
 * the symmetric case spends all codes on the positive half axis, and so is twice finer than the grid that is used;
 * kept, since this is the rule behind published numbers. Other grids than integers, for which PPQ has no such rule, are
 * searched by trial (calibrate_floating.c).
 */
#include "core/quant/calibrate_hist.h"

#include <float.h>
#include <math.h>

enum { MSE_BINS = 2048 /* unless the scheme has a number of its own */ };

/* Mean squared error, in squared bins, of putting bins on start, start + step, ..., end; or, when that is not less than
 * `best`, any number that is not, either. */
static double mse_loss(const double *bins, int count, int start, int step, int end, double total, double best)
{
	double loss = 0;
	int r = 0; /* bins since the last code */

	for (int i = 0; i < count && loss < best; i++) {
		double e = i < start ? start - i - 0.5 : i - end + 0.5;
		if (i >= start && i <= end) {
			int nearer = r < step - 1 - r ? r : step - 1 - r;
			e = nearer + (2 * nearer == step - 1 ? 0.25 : 0.5);
			r = r < step - 1 ? r + 1 : 0;
		}
		loss += bins[i] * e * e / total;
	}
	return loss;
}

void oqz_mse_search(const double *bins, int count, int levels, bool symmetric, double hist_scale, double lowest,
                    int *ret_start, int *ret_end)
{
	int step = count / levels + 1;
	double total = 0, best;

	for (int i = 0; i < count; i++)
		total += bins[i];
	*ret_start = 0;
	*ret_end = levels * step;
	best = mse_loss(bins, count, 0, step, levels * step, total, INFINITY);
	/* asymmetric: the grid may start anywhere up to zero, so a range above zero keeps the first candidate */
	for (int start = 0; start < count && (symmetric ? start == 0 : start * hist_scale + lowest <= 0); start += 8) {
		for (step = 1; step <= count / levels; step++) {
			int end = start + levels * step;
			if (end > count + levels)
				break;
			double loss = mse_loss(bins, count, start, step, end, total, best);
			if (loss < best) {
				best = loss;
				*ret_start = start;
				*ret_end = end;
			}
		}
	}
}

static unsigned mse_needs(const struct oqz_site *site)
{
	if (site->grid.kind != OQZ_GRID_AFFINE)
		return OQZ_OBS_HISTOGRAM;
	return site->symmetric ? OQZ_OBS_BINS_MAGNITUDE : OQZ_OBS_BINS_RANGE;
}

static void mse_describe(const struct oqz_site *site, struct oqz_str *out)
{
	if (site->grid.kind == OQZ_GRID_AFFINE)
		oqz_bins_describe(site, out);
}

static enum oqz_status mse_find(const struct oqz_observer *o, const struct oqz_site *site, double *ret_lo,
                                double *ret_hi, float *ret_scale, struct oqz_err *err)
{
	double bins[OQZ_BINS];
	int64_t levels = (int64_t)site->grid.qmax - site->grid.qmin + 1;
	int count = site->bins ? site->bins : MSE_BINS, start, end;

	OQZ_TRY(oqz_observer_nonempty(o, err));
	if (site->grid.kind == OQZ_GRID_CUSTOM || (site->grid.kind == OQZ_GRID_AFFINE && levels < 2))
		OQZ_FAIL(err, OQZ_E_UNSUPPORTED, "calibrator mse needs a grid with codes");
	if (site->grid.kind != OQZ_GRID_AFFINE) {
		*ret_lo = (double)o->lo;
		*ret_hi = (double)o->hi;
		return oqz_grid_mse_scale(o, site, ret_scale, err);
	}
	double lowest = site->symmetric ? 0 : (double)o->lo;
	double range = site->symmetric ? fmax(-(double)o->lo, (double)o->hi) : (double)o->hi - (double)o->lo;
	double width = range / count;
	*ret_scale = 0;
	*ret_lo = (double)o->lo;
	*ret_hi = (double)o->hi;
	/* more codes than bins: nothing to gain by clipping; nor are there bins over a range that is no float32 */
	if (!(width > 0) || levels > count || range > (double)FLT_MAX)
		return OQZ_OK;
	OQZ_TRY(oqz_bins_get(o, mse_needs(site), count, bins, err));
	oqz_mse_search(bins, count, (int)levels, site->symmetric, width, lowest, &start, &end);
	*ret_lo = site->symmetric ? -end * width : start * width + lowest;
	*ret_hi = end * width + lowest; /* symmetric: lowest is 0 */
	return OQZ_OK;
}

const struct oqz_calibrator oqz_calibrator_mse = {
	.name = "mse",
	.summary = "range (of small floats: scale) with the least mean squared error among candidates",
	.needs = mse_needs,
	.describe = mse_describe,
	.per_axis = true,
	.find = mse_find,
};
