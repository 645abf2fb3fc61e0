/* SPDX-License-Identifier: Apache-2.0
 *
 * Calibrator `isotone`: the scale that keeps the order of the two largest values in the most rows (of the last axis),
 * as PPQ 0.6's TorchIsotoneObserver. For the outputs of classifiers, where the largest value is the answer: of a row
 * with the values a >= b a scale s keeps the order when b is not clipped, b / (qmax - 0.51) < s, and a and b do not
 * round to one code, s < 2 (a - b). The scale that lies in most of these intervals is an end of one of them.
 *
 * The scale is taken as it is: no floor, no power of two, zero point 0. Without any such interval, or when the best end
 * is 0, the range is 0 to the largest value of the last row.
 */
#include "core/base/checked.h"
#include "core/quant/observer.h"

#include <math.h>

struct end {
	double at;
	int step; /* 1: an interval begins, -1: one ends */
};

/* At equal values ends come before beginnings. */
static int by_value(const void *a, const void *b)
{
	const struct end *x = a, *y = b;

	return x->at != y->at ? (x->at > y->at) - (x->at < y->at) : (x->step > y->step) - (x->step < y->step);
}

static size_t collect_ends(const struct oqz_observer *o, const struct oqz_site *site, struct end *e)
{
	size_t n = 0;

	for (size_t i = 0; i < o->rows.n; i++) {
		double a = (double)o->rows.v[i].first, b = (double)o->rows.v[i].second;
		if (site->symmetric) {
			a = fabs(a);
			b = fabs(b);
		}
		double low = fmax(b / ((double)site->grid.qmax - 0.51), 0), high = 2 * (a - fmax(b, 0));
		if (!(high > low) || !(a > 0))
			continue;
		e[n++] = (struct end) { low, 1 };
		e[n++] = (struct end) { high, -1 };
	}
	return n;
}

/* The end at which the number of intervals first exceeds all before; 0 when there is none. */
static double most_covered(struct end *e, size_t n)
{
	int64_t inside = 0, most = 0;
	double best = 0;

	qsort(e, n, sizeof *e, by_value);
	for (size_t i = 0; i < n; i++) {
		inside += e[i].step;
		if (inside > most) {
			most = inside;
			best = e[i].at;
		}
	}
	return best;
}

static enum oqz_status isotone_find(const struct oqz_observer *o, const struct oqz_site *site, double *ret_lo,
                                    double *ret_hi, float *ret_scale, struct oqz_err *err)
{
	size_t bytes;
	int32_t zero;

	OQZ_TRY(oqz_observer_nonempty(o, err));
	if (site->grid.kind != OQZ_GRID_AFFINE || site->grid.qmax < 1)
		OQZ_FAIL(err, OQZ_E_UNSUPPORTED, "calibrator isotone works for integer grids");
	if (!(o->needs & OQZ_OBS_ROWS))
		OQZ_FAIL(err, OQZ_E_MISMATCH, "isotone needs the rows of a tensor, which were not collected");
	OQZ_CLEANUP_FREE struct end *e = oqz_size_mul(2 * o->rows.n + 1, sizeof *e, &bytes) ? malloc(bytes) : NULL;
	if (!e)
		return oqz_err_nomem(err, "intervals", 2 * o->rows.n * sizeof *e);
	size_t n = collect_ends(o, site, e);
	*ret_lo = (double)o->lo;
	*ret_hi = (double)o->hi;
	*ret_scale = n ? (float)most_covered(e, n) : 0;
	double top = site->symmetric ? fabs((double)o->last_top) : (double)o->last_top;
	if (!(*ret_scale > 0)) /* from a range that begins at 0 the zero point is 0 as well */
		oqz_affine_from_range(0, top, &site->grid, site->symmetric, site->pow2, ret_scale, &zero);
	return OQZ_OK;
}

static unsigned isotone_needs(const struct oqz_site *site)
{
	(void)site;
	return OQZ_OBS_ROWS;
}

const struct oqz_calibrator oqz_calibrator_isotone = {
	.name = "isotone",
	.summary =
	    "scale that keeps the two largest values of most rows apart; integer grids, for classifiers' outputs",
	.needs = isotone_needs,
	.per_axis = true,
	.find = isotone_find,
};
