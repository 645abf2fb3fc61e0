/* SPDX-License-Identifier: Apache-2.0
 *
 * Scales by trial: put the observed values on the grid with each candidate scale and keep the one with the least
 * squared error. Works for every grid that has codes, and is what small floats need, whose range says little about the
 * best scale.
 *
 * Values come from the histogram, each bin at its middle. What that leaves out of the error is the same for all
 * candidates wherever they round alike, so the comparison is sharper than the errors themselves.
 *
 * Calibrator `floating` tries PPQ 0.6's seven scales for FP8 (DirectMSEObserver, which draws 4096 elements per tensor
 * at random; here all count, so the choice can be repeated).
 */
#include "core/quant/calibrate_hist.h"
#include "core/tensor/fakequant.h"

#include <math.h>

enum { ROW = 1024 };

/* Smaller scales are not tried: still a power of two, and as far below every float32 that matters as the formats with
 * large values (e6m3 with bias 0: 2^63) need. */
#define MIN_SCALE 0x1p-100
#define MAX_SCALE 0x1p127 /* for formats that end far below the numbers */

/* Values of up to ROW bins and how often they occur; false when none is left. */
static bool next_row(const struct oqz_observer *o, int *at, float *x, double *count, int *ret_n)
{
	int page, bin, k = 0;
	uint64_t n;

	while (k < ROW && oqz_hist_next(o, at, &page, &bin, &n)) {
		double low = 0, high = 0;
		if (page >= 0)
			oqz_hist_edges(page, bin, &low, &high);
		x[k] = (float)((low + high) / 2);
		if (page >= OQZ_HIST_PAGES / 2)
			x[k] = -x[k];
		count[k++] = (double)n;
	}
	*ret_n = k;
	return k > 0;
}

enum oqz_status oqz_grid_losses(const struct oqz_observer *o, const struct oqz_grid *grid, const float *scales,
                                size_t n, double *loss, struct oqz_err *err)
{
	struct oqz_qspec q = { .grid = *grid, .axis = -1, .n_scale = 1 };
	float x[ROW], y[ROW];
	double count[ROW];
	int at = -1, k;

	if (grid->kind == OQZ_GRID_CUSTOM)
		OQZ_FAIL(err, OQZ_E_UNSUPPORTED, "a custom grid cannot be searched");
	for (size_t s = 0; s < n; s++)
		loss[s] = 0;
	while (next_row(o, &at, x, count, &k)) {
		const struct oqz_shape shape = { .rank = 1, .dim = { k } };
		for (size_t s = 0; s < n; s++) {
			q.scale = &scales[s];
			OQZ_TRY(oqz_fake_quantize(&q, &shape, x, y, err));
			for (int i = 0; i < k; i++) {
				double d = (double)y[i] - (double)x[i];
				loss[s] += count[i] * d * d;
			}
		}
	}
	return OQZ_OK;
}

/* The first of the smallest losses. */
static size_t least(const double *loss, size_t n)
{
	size_t best = 0;

	for (size_t s = 1; s < n; s++) {
		if (loss[s] < loss[best])
			best = s;
	}
	return best;
}

unsigned oqz_needs_histogram(const struct oqz_site *site)
{
	(void)site;
	return OQZ_OBS_HISTOGRAM;
}

static enum oqz_status floating_find(const struct oqz_observer *o, const struct oqz_site *site, double *ret_lo,
                                     double *ret_hi, float *ret_scale, struct oqz_err *err)
{
	static const float scales[] = { 0x1p-7f, 0x1p-5f, 0x1p-3f, 1, 4, 16, 64 };
	double loss[OQZ_COUNTOF(scales)];

	OQZ_TRY(oqz_observer_nonempty(o, err));
	OQZ_TRY(oqz_grid_losses(o, &site->grid, scales, OQZ_COUNTOF(scales), loss, err));
	*ret_lo = (double)o->lo;
	*ret_hi = (double)o->hi;
	*ret_scale = scales[least(loss, OQZ_COUNTOF(scales))];
	return OQZ_OK;
}

const struct oqz_calibrator oqz_calibrator_floating = {
	.name = "floating",
	.summary = "scale with the least squared error among 2^-7, 2^-5, 2^-3, 1, 4, 16, 64",
	.needs = oqz_needs_histogram,
	.per_axis = true,
	.find = floating_find,
};

/* The extreme magnitudes of a code book: any part of it may suit the numbers best, also one whose largest values are
 * never reached (posits are densest around 1). So all powers of two are tried from where the numbers begin to vanish
 * below the smallest value down to 16 octaves of clipping, then the sixteenths of an octave around the best. */
static enum oqz_status codebook_scale(const struct oqz_observer *o, const struct oqz_site *site, float *ret_scale,
                                      struct oqz_err *err)
{
	enum { PER_OCTAVE = 16, STEPS = 2 * PER_OCTAVE + 1, CLIPPED = 16, MOST = 192 };
	const struct oqz_grid *g = &site->grid;
	double amax = fmax(-(double)o->lo, (double)o->hi), top = 0, small = INFINITY, loss[MOST];
	float scales[MOST];

	for (uint32_t i = 0; i < g->n_values; i++) {
		double v = fabs(g->values[i]);
		top = fmax(top, v);
		small = v > 0 ? fmin(small, v) : small;
	}
	*ret_scale = 1;
	if (!(amax > 0) || !(top > 0))
		return OQZ_OK;
	int e = (int)ceil(log2(amax / small)) + 1, last = (int)ceil(log2(amax / top)) + 1 - CLIPPED, n = 0;
	do {
		scales[n++] = (float)fmin(fmax(ldexp(1, e), MIN_SCALE), 1 / MIN_SCALE);
	} while (--e >= last && n < MOST);
	OQZ_TRY(oqz_grid_losses(o, g, scales, (size_t)n, loss, err));
	*ret_scale = scales[least(loss, (size_t)n)];
	if (site->pow2)
		return OQZ_OK;
	for (n = 0; n < STEPS; n++)
		scales[n] = (float)((double)*ret_scale * exp2(1 - (double)n / PER_OCTAVE));
	OQZ_TRY(oqz_grid_losses(o, g, scales, STEPS, loss, err));
	*ret_scale = scales[least(loss, STEPS)];
	return OQZ_OK;
}

enum oqz_status oqz_grid_mse_scale(const struct oqz_observer *o, const struct oqz_site *site, float *ret_scale,
                                   struct oqz_err *err)
{
	enum { PER_OCTAVE = 16, OCTAVES = 4, STEPS = PER_OCTAVE * OCTAVES + 1, POWERS = 17 };
	float scales[STEPS];
	double loss[STEPS];
	double top = fmax(-(double)o->lo, (double)o->hi) / site->grid.max;
	int n = site->pow2 ? POWERS : STEPS;

	if (site->grid.kind == OQZ_GRID_CODEBOOK)
		return codebook_scale(o, site, ret_scale, err);
	top = 2 * fmax(top, MIN_SCALE);
	if (site->pow2)
		top = exp2(ceil(log2(top)));
	for (int i = 0; i < n; i++)
		scales[i] =
		    (float)fmin(fmax(top * exp2(site->pow2 ? -i : -(double)i / PER_OCTAVE), MIN_SCALE), MAX_SCALE);
	OQZ_TRY(oqz_grid_losses(o, &site->grid, scales, (size_t)n, loss, err));
	*ret_scale = scales[least(loss, (size_t)n)];
	return OQZ_OK;
}
