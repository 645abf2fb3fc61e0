/* SPDX-License-Identifier: Apache-2.0
 *
 * The table of calibrators, and their use on constants, which are all there at once: per tensor, or slice by slice
 * along an axis with one small observer for each index, so that every calibrator works per channel by the same code.
 */
#include "core/base/checked.h"
#include "core/base/str.h"
#include "core/quant/observer.h"

#include <string.h>

const struct oqz_calibrator *const oqz_calibrators[] = {
	&oqz_calibrator_minmax,   &oqz_calibrator_percentile, &oqz_calibrator_ema,
	&oqz_calibrator_mse,      &oqz_calibrator_kl,         &oqz_calibrator_isotone,
	&oqz_calibrator_floating, &oqz_calibrator_constant,   NULL,
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
	return (c->needs ? c->needs(site) : 0) | OQZ_OBS_MINMAX;
}

double oqz_calibrator_quantile(const struct oqz_calibrator *c, const struct oqz_site *site)
{
	return c == &oqz_calibrator_ema ? 1 : site->q;
}

void oqz_calibrator_describe(const struct oqz_calibrator *c, const struct oqz_site *site, const struct oqz_observer *o,
                             struct oqz_str *out)
{
	oqz_str_add(out, c ? c->name : "none");
	if (c && c->describe)
		c->describe(site, out);
	if (c && site->pow2)
		oqz_str_add(out, " pow2");
	if (c && o && (oqz_calibrator_needs(c, site) & OQZ_OBS_BATCH)) /* `o` may serve other rules, too */
		oqz_str_addf(out, " batch=%d", o->batch);
}

/* One observer's worth of values, in rows of `row` -> the range by the site's rule. */
static enum oqz_status find_once(const struct oqz_calibrator *c, const struct oqz_site *site, const float *x, size_t n,
                                 size_t row, double *ret_lo, double *ret_hi, float *ret_scale, struct oqz_err *err)
{
	OQZ_CLEANUP(oqz_observer_free_cleanup) struct oqz_observer *o = NULL;

	OQZ_TRY(oqz_observe_once(oqz_calibrator_needs(c, site), oqz_calibrator_quantile(c, site), x, n, row, &o, err));
	return c->find(o, site, ret_lo, ret_hi, ret_scale, err);
}

enum oqz_status oqz_observe_once(unsigned needs, double q, const float *x, size_t n, size_t row,
                                 struct oqz_observer **ret, struct oqz_err *err)
{
	OQZ_CLEANUP(oqz_observer_free_cleanup) struct oqz_observer *o = NULL, *second = NULL;

	OQZ_TRY(oqz_observer_new(needs, q, 1, &o, err));
	OQZ_TRY(oqz_observer_add(o, 0, x, n, row, err));
	if (needs & OQZ_OBS_SECOND) {
		OQZ_TRY(oqz_observer_second(o, &second, err));
		OQZ_TRY(oqz_observer_add(second, 0, x, n, row, err));
		OQZ_TRY(oqz_observer_merge(o, second, err));
	}
	*ret = oqz_steal(o);
	return OQZ_OK;
}

/* Values of index `a` of the axis, gathered: (outer, len, inner) -> (outer, inner). */
static void gather(const float *x, size_t outer, size_t len, size_t inner, size_t a, float *out)
{
	for (size_t o = 0; o < outer; o++)
		memcpy(out + o * inner, x + (o * len + a) * inner, inner * sizeof *x);
}

static enum oqz_status find_slices(const struct oqz_calibrator *c, const struct oqz_site *site,
                                   const struct oqz_shape *s, const float *x, double *lo, double *hi, float *scale,
                                   size_t n, struct oqz_err *err)
{
	size_t outer = site->axis < 0 ? 1 : (size_t)oqz_shape_span(s, 0, site->axis);
	size_t inner = (size_t)oqz_shape_nelem(s) / (outer * n), bytes;
	/* rows of a slice: along the last axis, or across slices of a single number */
	size_t row = s->rank < 1 || site->axis == s->rank - 1 ? outer * inner : (size_t)s->dim[s->rank - 1];
	OQZ_CLEANUP_FREE float *slice = NULL;

	if (outer > 1) {
		slice = oqz_size_mul(outer * inner, sizeof *slice, &bytes) ? malloc(bytes) : NULL;
		if (!slice)
			return oqz_err_nomem(err, "a slice of a constant", outer * inner * sizeof *slice);
	}
	for (size_t a = 0; a < n; a++) {
		if (slice)
			gather(x, outer, n, inner, a, slice);
		OQZ_TRY(find_once(c, site, slice ? slice : x + a * inner, outer * inner, row, lo + a, hi + a, scale + a,
		                  err));
	}
	return OQZ_OK;
}

enum oqz_status oqz_observe_constant(const struct oqz_tensor *t, const struct oqz_site *site, double **ret_lo,
                                     double **ret_hi, float **ret_scale, size_t *ret_n, struct oqz_err *err)
{
	const struct oqz_calibrator *c = oqz_calibrator_find(site->calibrator);
	OQZ_CLEANUP_FREE float *wide = NULL;
	OQZ_CLEANUP_FREE double *block = NULL; /* lo, hi, and the scales in half as much room */
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
	float *scale = (float *)(void *)(block + 2 * n);
	OQZ_TRY(find_slices(c, site, &t->shape, x, block, block + n, scale, n, err));
	*ret_scale = scale[0] > 0 ? scale : NULL;
	*ret_hi = block + n;
	*ret_lo = oqz_steal(block);
	*ret_n = n;
	return OQZ_OK;
}
