/* SPDX-License-Identifier: Apache-2.0
 *
 * The table of calibrators, and their use on constants, which are all there at once: per tensor, or slice by slice
 * along an axis with one small observer for each index, so that every calibrator works per channel by the same code.
 */
#include "core/base/checked.h"
#include "core/quant/observer.h"

#include <string.h>

const struct oqz_calibrator *const oqz_calibrators[] = {
	&oqz_calibrator_minmax, &oqz_calibrator_percentile, &oqz_calibrator_mse,
	&oqz_calibrator_kl,     &oqz_calibrator_candidates, NULL,
};

const struct oqz_calibrator *oqz_calibrator_find(const char *name)
{
	for (size_t i = 0; oqz_calibrators[i]; i++) {
		if (!strcmp(oqz_calibrators[i]->name, name))
			return oqz_calibrators[i];
	}
	return NULL;
}

unsigned oqz_calibrator_needs(const struct oqz_calibrator *c, const struct oqz_site *site)
{
	if (c == &oqz_calibrator_percentile && site->batch_scope)
		return OQZ_OBS_MINMAX | OQZ_OBS_BATCH;
	return c->needs | OQZ_OBS_MINMAX;
}

/* One observer's worth of values -> the range by the site's rule. */
static enum oqz_status find_once(const struct oqz_calibrator *c, const struct oqz_site *site, const float *x, size_t n,
                                 float *ret_lo, float *ret_hi, float *ret_scale, struct oqz_err *err)
{
	OQZ_CLEANUP(oqz_observer_free_cleanup) struct oqz_observer *o = NULL;

	OQZ_TRY(oqz_observer_new(oqz_calibrator_needs(c, site), site->q, 1, &o, err));
	OQZ_TRY(oqz_observer_add(o, 0, x, n, err));
	return c->find(o, site, ret_lo, ret_hi, ret_scale, err);
}

/* Values of index `a` of the axis, gathered: (outer, len, inner) -> (outer, inner). */
static void gather(const float *x, size_t outer, size_t len, size_t inner, size_t a, float *out)
{
	for (size_t o = 0; o < outer; o++)
		memcpy(out + o * inner, x + (o * len + a) * inner, inner * sizeof *x);
}

static enum oqz_status find_slices(const struct oqz_calibrator *c, const struct oqz_site *site,
                                   const struct oqz_shape *s, const float *x, float *block, size_t n,
                                   struct oqz_err *err)
{
	size_t outer = site->axis < 0 ? 1 : (size_t)oqz_shape_span(s, 0, site->axis);
	size_t inner = (size_t)oqz_shape_nelem(s) / (outer * n), bytes;
	OQZ_CLEANUP_FREE float *slice = NULL;

	if (outer == 1) {
		for (size_t a = 0; a < n; a++)
			OQZ_TRY(
			    find_once(c, site, x + a * inner, inner, block + a, block + n + a, block + 2 * n + a, err));
		return OQZ_OK;
	}
	slice = oqz_size_mul(outer * inner, sizeof *slice, &bytes) ? malloc(bytes) : NULL;
	if (!slice)
		return oqz_err_nomem(err, "a slice of a constant", outer * inner * sizeof *slice);
	for (size_t a = 0; a < n; a++) {
		gather(x, outer, n, inner, a, slice);
		OQZ_TRY(find_once(c, site, slice, outer * inner, block + a, block + n + a, block + 2 * n + a, err));
	}
	return OQZ_OK;
}

enum oqz_status oqz_observe_constant(const struct oqz_tensor *t, const struct oqz_site *site, float **ret_lo,
                                     float **ret_hi, float **ret_scale, size_t *ret_n, struct oqz_err *err)
{
	const struct oqz_calibrator *c = oqz_calibrator_find(site->calibrator);
	OQZ_CLEANUP_FREE float *wide = NULL;
	OQZ_CLEANUP_FREE float *block = NULL;
	size_t n, count = (size_t)oqz_tensor_nelem(t), bytes;
	const float *x = t->data;

	if (!c)
		OQZ_FAIL(err, OQZ_E_USAGE, "no calibrator is called '%s'", site->calibrator);
	if (site->axis < -1 || site->axis >= t->shape.rank)
		OQZ_FAIL(err, OQZ_E_MISMATCH, "axis %d does not exist in a tensor of rank %d", site->axis,
		         t->shape.rank);
	if (count == 0)
		OQZ_FAIL(err, OQZ_E_DATA, "the tensor is empty");
	n = site->axis < 0 ? 1 : (size_t)t->shape.dim[site->axis];
	if (t->dtype != OQZ_DT_F32) {
		wide = oqz_size_mul(count, sizeof *wide, &bytes) ? malloc(bytes) : NULL;
		if (!wide)
			return oqz_err_nomem(err, "a constant as float32", count * sizeof *wide);
		oqz_to_f32(t->dtype, t->data, count, wide);
		x = wide;
	}
	block = oqz_size_mul(3 * n, sizeof *block, &bytes) ? malloc(bytes) : NULL;
	if (!block)
		return oqz_err_nomem(err, "ranges of a constant", 3 * n * sizeof *block);
	OQZ_TRY(find_slices(c, site, &t->shape, x, block, n, err));
	*ret_scale = block[2 * n] > 0 ? block + 2 * n : NULL;
	*ret_hi = block + n;
	*ret_lo = oqz_steal(block);
	*ret_n = n;
	return OQZ_OK;
}
