/* SPDX-License-Identifier: Apache-2.0
 *
 * Calibrator `ema`: the extremes of each batch of images, averaged with exponentially falling weight, so that a single
 * batch with outliers stretches the grid only by its share. As torch.ao's MovingAverageMinMaxObserver and TensorFlow's
 * fake-quantization nodes: the first batch as it is, then lo += m (batch's lo - lo), in float32. The site's `q` is m,
 * the weight of a new batch. Depends on the batch size and on the order of the images.
 */
#include "core/base/str.h"
#include "core/quant/observer.h"

static enum oqz_status ema_find(const struct oqz_observer *o, const struct oqz_site *site, double *ret_lo,
                                double *ret_hi, float *ret_scale, struct oqz_err *err)
{
	float lo = 0, hi = 0, m = (float)site->q, l, h;
	bool first = true;

	OQZ_TRY(oqz_observer_nonempty(o, err));
	if (!(site->q > 0) || site->q > 1)
		OQZ_FAIL(err, OQZ_E_USAGE, "the weight of a new batch must lie in (0, 1], not at %g", site->q);
	if (!(o->needs & OQZ_OBS_BATCH) || o->q != 1)
		OQZ_FAIL(err, OQZ_E_MISMATCH, "the statistics lack the extremes of each batch");
	for (size_t i = 0; i < o->batches.n; i++) {
		if (o->batches.v[i].count == 0)
			continue;
		OQZ_TRY(oqz_batch_quantiles(&o->batches.v[i], o->q, &l, &h, err));
		lo = first ? l : lo + m * (l - lo);
		hi = first ? h : hi + m * (h - hi);
		first = false;
	}
	*ret_lo = (double)lo;
	*ret_hi = (double)hi;
	*ret_scale = 0;
	return OQZ_OK;
}

static void ema_describe(const struct oqz_site *site, struct oqz_str *out)
{
	oqz_str_add(out, " momentum=");
	oqz_str_add_double(out, site->q);
}

static unsigned ema_needs(const struct oqz_site *site)
{
	(void)site;
	return OQZ_OBS_BATCH;
}

const struct oqz_calibrator oqz_calibrator_ema = {
	.name = "ema",
	.summary = "moving average of the smallest and largest value of each batch",
	.needs = ema_needs,
	.describe = ema_describe,
	.per_axis = true,
	.find = ema_find,
};
