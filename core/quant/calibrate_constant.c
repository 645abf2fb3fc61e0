/* SPDX-License-Identifier: Apache-2.0
 *
 * Calibrator `constant`: scale 1, whatever is seen. What PPQ 0.6 does for FP8 unless told otherwise, and right for
 * formats whose own range is that of the numbers.
 */
#include "core/quant/observer.h"

static enum oqz_status constant_find(const struct oqz_observer *o, const struct oqz_site *site, double *ret_lo,
                                     double *ret_hi, float *ret_scale, struct oqz_err *err)
{
	(void)site;
	(void)err;
	*ret_lo = o->count ? (double)o->lo : 0;
	*ret_hi = o->count ? (double)o->hi : 0;
	*ret_scale = 1;
	return OQZ_OK;
}

const struct oqz_calibrator oqz_calibrator_constant = {
	.name = "constant",
	.summary = "scale 1, whatever is seen",
	.per_axis = true,
	.find = constant_find,
};
