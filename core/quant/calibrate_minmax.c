/* SPDX-License-Identifier: Apache-2.0
 *
 * Calibrator `minmax`: the extremes of everything seen. Nothing is clipped, so one outlier stretches the grid for all.
 */
#include "core/quant/observer.h"

static enum oqz_status minmax_find(const struct oqz_observer *o, const struct oqz_site *site, double *ret_lo,
                                   double *ret_hi, float *ret_scale, struct oqz_err *err)
{
	(void)site;
	OQZ_TRY(oqz_observer_nonempty(o, err));
	*ret_lo = (double)o->lo;
	*ret_hi = (double)o->hi;
	*ret_scale = 0;
	return OQZ_OK;
}

const struct oqz_calibrator oqz_calibrator_minmax = {
	.name = "minmax",
	.summary = "smallest and largest value seen",
	.per_axis = true,
	.find = minmax_find,
};
