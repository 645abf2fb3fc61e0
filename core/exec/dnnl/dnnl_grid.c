/* SPDX-License-Identifier: Apache-2.0
 *
 * See dnnl_grid.h.
 */
#include "core/exec/dnnl/dnnl_grid.h"
#include "core/ops/op_fakequant.h"

#include <math.h>
#include <string.h>

/* What a quantizer says of its grid, as the shared arithmetic wants it. False: not affine. */
static bool grid_of(const struct oqz_step_quant *q, struct oqz_fq *ret)
{
	struct oqz_fq fq = {
		.kind = OQZ_FQ_AFFINE, .qmin = q->qmin, .qmax = q->qmax, .axis = q->axis, .block = q->block
	};

	if (q->fake) {
		if (strcmp(oqz_dnnl_string(q->fake, "kind", ""), "affine") != 0)
			return false;
		fq.round = (enum oqz_round)oqz_dnnl_int(q->fake, "rounding", OQZ_ROUND_HALF_EVEN);
	} else if (!oqz_dtype_is_int(q->dtype)) {
		return false;
	}
	*ret = fq;
	return true;
}

bool oqz_dnnl_source_init(struct oqz_dnnl_source *s, const struct oqz_step_desc *d, int i, char *why, size_t why_size)
{
	const struct oqz_step_quant *q = &d->quant[i];

	*s = (struct oqz_dnnl_source) { .from_float = q->from_float };
	if (!q->present || q->codes || !grid_of(q, &s->fq))
		return oqz_dnnl_decline(why, why_size, "input %d is not on an integer grid", i), false;
	if (q->axis >= 0 || q->block || oqz_tensor_nelem(q->scale) != 1 || (q->zero && oqz_tensor_nelem(q->zero) != 1))
		return oqz_dnnl_decline(why, why_size, "input %d has more than one scale", i), false;
	s->scale = (float)oqz_load_f(q->scale->dtype, q->scale->data, 0);
	s->zero = q->zero ? (int32_t)oqz_load_i(q->zero->dtype, q->zero->data, 0) : 0;
	if (q->from_float && q->nonnegative && s->zero >= 0 && s->fq.qmin < 0 && s->fq.qmax >= s->zero)
		s->fq.qmin = 0; /* codes below the zero point cannot occur, and unsigned sources are faster */
	s->is_signed = s->fq.qmin < 0;
	if (s->fq.qmin < (s->is_signed ? -128 : 0) || s->fq.qmax > (s->is_signed ? 127 : 255))
		return oqz_dnnl_decline(why, why_size, "codes %d..%d of input %d do not fit 8 bits", (int)s->fq.qmin,
		                        (int)s->fq.qmax, i),
		       false;
	if (s->zero < s->fq.qmin || s->zero > s->fq.qmax || !(s->scale > 0) || !isfinite(s->scale))
		return oqz_dnnl_decline(why, why_size, "zero point or scale of input %d is out of range", i), false;
	if (!q->from_float) {
		enum oqz_dtype t = d->in_type[i].dtype;
		if (t != OQZ_DT_U8 && t != OQZ_DT_I8)
			return oqz_dnnl_decline(why, why_size, "codes of type %s", oqz_dtype_name(t)), false;
		s->is_signed = t == OQZ_DT_I8;
	}
	s->half_even = s->fq.round == OQZ_ROUND_HALF_EVEN;
	s->fq.axis = -1;
	return true;
}

void oqz_dnnl_source_bind(struct oqz_dnnl_source *s)
{
	s->fq.scale = &s->scale;
	s->fq.zero = &s->zero;
}

void oqz_dnnl_source_codes(const struct oqz_dnnl_source *s, const float *x, size_t n, void *out)
{
	enum { BLOCK = 1024 };
	int32_t codes[BLOCK];

	if (s->half_even && s->is_signed) {
		oqz_quantize_i8(x, n, s->scale, s->zero, s->fq.qmin, s->fq.qmax, out);
		return;
	}
	if (s->half_even) {
		oqz_quantize_u8(x, n, s->scale, s->zero, s->fq.qmin, s->fq.qmax, out);
		return;
	}
	for (size_t at = 0; at < n; at += BLOCK) {
		size_t m = n - at < BLOCK ? n - at : BLOCK;
		struct oqz_shape shape = { .rank = 1, .dim = { (int64_t)m } };
		oqz_fq_codes(&s->fq, &shape, x + at, codes);
		for (size_t i = 0; i < m; i++)
			((uint8_t *)out)[at + i] = (uint8_t)codes[i]; /* modulo 256: right for int8_t as well */
	}
}

void oqz_dnnl_weights_release(struct oqz_dnnl_weights *w)
{
	free(w->codes);
	free(w->scale);
	free(w->bound);
	*w = (struct oqz_dnnl_weights) { 0 };
}

/* Codes with the zero point in them, one int32 each: as given, or made from the numbers before a FakeQuant. */
static enum oqz_status raw_codes(const struct oqz_step_quant *q, struct oqz_fq *fq, int32_t *out, struct oqz_err *err)
{
	const struct oqz_tensor *t = q->codes;
	size_t n = (size_t)oqz_tensor_nelem(t), n_scale = (size_t)oqz_tensor_nelem(q->scale);
	OQZ_CLEANUP_FREE float *scale = NULL;
	OQZ_CLEANUP_FREE int32_t *zero = NULL;

	if (!q->fake) {
		for (size_t i = 0; i < n; i++)
			out[i] = (int32_t)oqz_load_i(t->dtype, t->data, i);
		return OQZ_OK;
	}
	scale = malloc(n_scale * sizeof *scale);
	zero = malloc(n_scale * sizeof *zero);
	if (!scale || !zero)
		return oqz_err_nomem(err, "weight scales", n_scale * sizeof *scale);
	for (size_t i = 0; i < n_scale; i++) {
		scale[i] = (float)oqz_load_f(q->scale->dtype, q->scale->data, i);
		zero[i] = q->zero ? (int32_t)oqz_load_i(q->zero->dtype, q->zero->data, i) : 0;
	}
	fq->scale = scale;
	fq->zero = zero;
	OQZ_TRY(oqz_fq_check(fq, &t->shape, err));
	oqz_fq_codes(fq, &t->shape, t->data, out);
	return OQZ_OK;
}

enum oqz_status oqz_dnnl_weights_init(struct oqz_dnnl_weights *ret, const struct oqz_step_desc *d, int i, int axis,
                                      char *why, size_t why_size, struct oqz_err *err)
{
	OQZ_CLEANUP(oqz_dnnl_weights_release) struct oqz_dnnl_weights w = { 0 };
	OQZ_CLEANUP_FREE int32_t *raw = NULL;
	const struct oqz_step_quant *q = &d->quant[i];
	struct oqz_fq fq;

	if (!q->present || !q->codes || !grid_of(q, &fq))
		return oqz_dnnl_decline(why, why_size, "weights are not constant on an integer grid");
	if (q->fake && q->codes->dtype != OQZ_DT_F32)
		return oqz_dnnl_decline(why, why_size, "weights of type %s", oqz_dtype_name(q->codes->dtype));
	const struct oqz_shape *s = &q->codes->shape;
	int64_t n = oqz_shape_nelem(s), n_scale = oqz_tensor_nelem(q->scale),
	        n_zero = q->zero ? oqz_tensor_nelem(q->zero) : 0;
	w.channels = s->dim[axis];
	if (q->block || (n_scale != 1 && (q->axis != axis || n_scale != w.channels)) ||
	    (n_zero > 1 && n_zero != n_scale))
		return oqz_dnnl_decline(why, why_size, "weight scales are not per tensor or per output channel");
	raw = malloc((size_t)n * sizeof *raw);
	w.codes = malloc((size_t)n);
	w.scale = malloc((size_t)w.channels * sizeof *w.scale);
	w.bound = calloc((size_t)w.channels, sizeof *w.bound);
	if (!raw || !w.codes || !w.scale || !w.bound)
		return oqz_err_nomem(err, "weight codes", (size_t)n * sizeof *raw);
	OQZ_TRY(raw_codes(q, &fq, raw, err));
	int64_t inner = oqz_shape_span(s, axis + 1, s->rank);
	for (int64_t c = 0; c < w.channels; c++)
		w.scale[c] = (float)oqz_load_f(q->scale->dtype, q->scale->data, n_scale == 1 ? 0 : (size_t)c);
	for (int64_t k = 0; k < n; k++) {
		int64_t c = k / inner % w.channels;
		int64_t v =
		    raw[k] - (n_zero ? oqz_load_i(q->zero->dtype, q->zero->data, n_zero == 1 ? 0 : (size_t)c) : 0);
		if (v < -128 || v > 127)
			return oqz_dnnl_decline(why, why_size,
			                        "weight codes do not fit 8 bits around their zero point");
		w.codes[k] = (int8_t)v;
		w.bound[c] += fabs((double)v);
	}
	*ret = w;
	w = (struct oqz_dnnl_weights) { 0 };
	return OQZ_OK;
}

bool oqz_dnnl_set_scales(struct oqz_dnnl_attr *a, const struct oqz_dnnl_source *s, const struct oqz_dnnl_weights *w,
                         int dim, double factor, const float *bias, int64_t n_bias, float *ret_bias, char *why,
                         size_t why_size)
{
	double lo = (double)s->zero - s->fq.qmin, hi = (double)s->fq.qmax - s->zero, reach = lo > hi ? lo : hi;
	OQZ_CLEANUP_FREE float *scale = malloc((size_t)w->channels * sizeof *scale);

	if (!scale)
		return oqz_dnnl_decline(why, why_size, "out of memory"), false;
	for (int64_t c = 0; c < w->channels; c++) {
		double f = (double)s->scale * w->scale[c] * factor, b = bias ? bias[n_bias == 1 ? 0 : c] : 0;
		if (w->bound[c] == 0) /* only zeros: the output is the bias, and the scale may be anything */
			f = 1;
		if (w->bound[c] * reach > INT32_MAX)
			return oqz_dnnl_decline(why, why_size, "sums could exceed 32 bits"), false;
		if (!(fabs(f) >= 1e-30 && fabs(f) <= 1e30 && fabs(b / f) <= 1e30))
			return oqz_dnnl_decline(why, why_size, "scales leave the range of float32"), false;
		scale[c] = (float)f;
		ret_bias[c] = (float)(b / (double)scale[c]);
	}
	if (dnnl_primitive_attr_set_output_scales(a->attr, w->channels, 1 << dim, scale) != dnnl_success)
		return oqz_dnnl_decline(why, why_size, "oneDNN refuses the output scales"), false;
	if (s->zero && dnnl_primitive_attr_set_zero_points(a->attr, DNNL_ARG_SRC, 1, 0, &s->zero) != dnnl_success)
		return oqz_dnnl_decline(why, why_size, "oneDNN refuses the zero point"), false;
	return true;
}
