/* SPDX-License-Identifier: Apache-2.0
 *
 * QuantizeLinear, DequantizeLinear, DynamicQuantizeLinear and our FakeQuant. The arithmetic itself stands in
 * core/tensor/fakequant.h, where the quantization schemes use it too; here nodes are turned into its terms: which
 * element type is which grid, where the scales run, how narrow types are read and written.
 */
#include "core/ops/op_fakequant.h"
#include "core/ops/ops_util.h"
#include "core/tensor/fakequant.h"
#include "core/tensor/float_bits.h"
#include "core/tensor/quantize8.h"

#include <stdlib.h>

struct linear {
	int64_t axis, block_size, saturate, output_dtype, precision;
};

/* Scales and zero points of a node as fakequant.h wants them; the arrays belong to this struct. */
struct steps {
	float *scale;
	int32_t *zero;
};

static void steps_release(struct steps *s)
{
	free(s->scale);
	free(s->zero);
}

/* Whether scales run along an axis, in blocks, or there is one; and that they are as many as the tensor needs. */
static enum oqz_status place_scales(const struct oqz_shape *x, const struct oqz_tensor *scale, int64_t axis,
                                    int64_t block, struct oqz_fq *q, struct oqz_err *err)
{
	size_t have = (size_t)oqz_tensor_nelem(scale);

	q->axis = -1;
	q->block = 0;
	if (block < 0)
		OQZ_FAIL(err, OQZ_E_DATA, "block_size %lld", (long long)block);
	if (block > 0 || (scale->shape.rank > 0 && have != 1) ||
	    (scale->shape.rank == 1 && axis >= -x->rank && axis < x->rank &&
	     x->dim[axis < 0 ? axis + x->rank : axis] == 1)) {
		OQZ_TRY(oqz_axis_resolve(axis, x->rank, false, &q->axis, err));
		q->block = block;
	}
	if (block > 0 && scale->shape.rank != x->rank)
		OQZ_FAIL(err, OQZ_E_DATA, "block-wise scales of rank %d for a tensor of rank %d", scale->shape.rank,
		         x->rank);
	if (block == 0 && scale->shape.rank > 1 && have != 1)
		OQZ_FAIL(err, OQZ_E_DATA, "scales of rank %d without block_size", scale->shape.rank);
	size_t want = oqz_fq_scales(x, q->axis, q->block);
	if (have != want)
		OQZ_FAIL(err, OQZ_E_DATA, "%zu scales where %zu are needed (axis %lld)", have, want, (long long)axis);
	return OQZ_OK;
}

/* Reads scale and zero point (NULL: all 0) into q. */
static enum oqz_status read_steps(const struct oqz_tensor *scale, const struct oqz_tensor *zero, struct steps *s,
                                  struct oqz_fq *q, struct oqz_err *err)
{
	size_t n = (size_t)oqz_tensor_nelem(scale);

	s->scale = malloc(n * sizeof *s->scale + 1);
	if (!s->scale)
		return oqz_err_nomem(err, "scales", n * sizeof *s->scale);
	oqz_to_f32(scale->dtype, scale->data, n, s->scale);
	q->scale = s->scale;
	if (!zero)
		return OQZ_OK;
	if ((size_t)oqz_tensor_nelem(zero) != n)
		OQZ_FAIL(err, OQZ_E_DATA, "%lld zero points for %zu scales", (long long)oqz_tensor_nelem(zero), n);
	if (q->kind != OQZ_FQ_AFFINE) {
		for (size_t i = 0; i < n; i++)
			if (oqz_load_f(zero->dtype, zero->data, i) != 0)
				OQZ_FAIL(err, OQZ_E_UNSUPPORTED, "a zero point other than 0 of %s",
				         oqz_dtype_name(zero->dtype));
		return OQZ_OK;
	}
	s->zero = malloc(n * sizeof *s->zero + 1);
	if (!s->zero)
		return oqz_err_nomem(err, "zero points", n * sizeof *s->zero);
	for (size_t i = 0; i < n; i++)
		s->zero[i] = (int32_t)oqz_load_i(zero->dtype, zero->data, i);
	q->zero = s->zero;
	return OQZ_OK;
}

/* The grid of codes of type t; int32 (biases) can only be decoded. */
static enum oqz_status grid_of(enum oqz_dtype t, bool decode, struct oqz_fq *q, struct oqz_err *err)
{
	if (oqz_fq_of_dtype(t, q))
		return OQZ_OK;
	if (!decode || t != OQZ_DT_I32)
		OQZ_FAIL(err, OQZ_E_UNSUPPORTED, "codes of %s", oqz_dtype_name(t));
	*q = (struct oqz_fq) { .kind = OQZ_FQ_AFFINE, .axis = -1 };
	return OQZ_OK;
}

/* A tensor as float32: its own memory, or a converted copy in *tmp. */
static enum oqz_status as_f32(const struct oqz_tensor *t, float **tmp, const float **ret, struct oqz_err *err)
{
	size_t n = (size_t)oqz_tensor_nelem(t);

	*ret = t->data;
	if (t->dtype == OQZ_DT_F32)
		return OQZ_OK;
	*tmp = malloc(n * sizeof **tmp + 1);
	if (!*tmp)
		return oqz_err_nomem(err, "a float copy", n * sizeof **tmp);
	oqz_to_f32(t->dtype, t->data, n, *tmp);
	*ret = *tmp;
	return OQZ_OK;
}

/* ---- QuantizeLinear ---- */

static enum oqz_status infer_quantize(struct oqz_infer *c, struct oqz_err *err)
{
	const struct linear *p = OQZ_PARAMS(c->node, struct linear);
	enum oqz_dtype zero = oqz_in_type(c, 2).dtype, t = (enum oqz_dtype)p->output_dtype;

	if (c->in[2] && t != OQZ_DT_UNDEFINED && zero != OQZ_DT_UNDEFINED && t != zero)
		OQZ_FAIL(err, OQZ_E_DATA, "output_dtype is %s, the zero point is %s", oqz_dtype_name(t),
		         oqz_dtype_name(zero));
	if (c->in[2])
		t = zero;
	else if (t == OQZ_DT_UNDEFINED)
		t = OQZ_DT_U8;
	c->out[0] = *c->in[0];
	c->out[0].dtype = t;
	return OQZ_OK;
}

/* Without saturation what is too large becomes infinity or NaN, which fakequant.h's grids never do. */
static void quantize_unsaturated(const struct oqz_fq *q, const struct oqz_shape *shape, const float *x, uint8_t *out)
{
	int64_t n = oqz_shape_nelem(shape);
	int64_t inner = q->axis < 0 ? 1 : oqz_shape_span(shape, q->axis + 1, shape->rank);
	int64_t dim = q->axis < 0 ? 1 : shape->dim[q->axis], block = q->block ? q->block : 1;
	int64_t per = (dim + block - 1) / block;

	for (int64_t i = 0; i < n; i++) {
		int64_t along = i / inner % dim, at = q->axis < 0 ? 0 : along;

		if (q->block)
			at = (i / inner / dim * per + along / block) * inner + i % inner;
		out[i] = (uint8_t)oqz_minifloat_encode(&q->mf, (double)(x[i] / q->scale[at]), q->round, false);
	}
}

static enum oqz_status run_quantize(const struct oqz_call *c, struct oqz_err *err)
{
	const struct linear *p = OQZ_PARAMS(c->node, struct linear);
	const struct oqz_tensor *x = c->in[0];
	struct oqz_tensor *out = c->out[0];
	OQZ_CLEANUP(steps_release) struct steps s = { 0 };
	OQZ_CLEANUP_FREE float *tmp = NULL;
	const float *values;
	struct oqz_fq q;

	OQZ_TRY(grid_of(out->dtype, false, &q, err));
	OQZ_TRY(place_scales(&x->shape, c->in[1], p->axis, p->block_size, &q, err));
	OQZ_TRY(read_steps(c->in[1], c->in[2], &s, &q, err));
	OQZ_TRY(as_f32(x, &tmp, &values, err));
	if (q.kind == OQZ_FQ_MINIFLOAT && !p->saturate) {
		quantize_unsaturated(&q, &x->shape, values, out->data);
		return OQZ_OK;
	}
	oqz_fq_store_codes(&q, &x->shape, values, out->dtype, out->data);
	return OQZ_OK;
}

/* ---- DequantizeLinear ---- */

static enum oqz_status infer_dequantize(struct oqz_infer *c, struct oqz_err *err)
{
	enum oqz_dtype t = (enum oqz_dtype)OQZ_PARAMS(c->node, struct linear)->output_dtype;
	enum oqz_dtype x = oqz_in_type(c, 0).dtype, zero = oqz_in_type(c, 2).dtype;

	if (c->in[2] && x != zero && x != OQZ_DT_UNDEFINED && zero != OQZ_DT_UNDEFINED)
		OQZ_FAIL(err, OQZ_E_DATA, "the zero point is %s, the codes are %s", oqz_dtype_name(zero),
		         oqz_dtype_name(x));
	c->out[0] = *c->in[0];
	c->out[0].dtype = t != OQZ_DT_UNDEFINED ? t : oqz_in_type(c, 1).dtype;
	return OQZ_OK;
}

static enum oqz_status run_dequantize(const struct oqz_call *c, struct oqz_err *err)
{
	const struct linear *p = OQZ_PARAMS(c->node, struct linear);
	const struct oqz_tensor *x = c->in[0];
	struct oqz_tensor *out = c->out[0];
	OQZ_CLEANUP(steps_release) struct steps s = { 0 };
	size_t n = (size_t)oqz_tensor_nelem(x);
	struct oqz_fq q;

	OQZ_TRY(grid_of(x->dtype, true, &q, err));
	OQZ_TRY(place_scales(&x->shape, c->in[1], p->axis, p->block_size, &q, err));
	OQZ_TRY(read_steps(c->in[1], c->in[2], &s, &q, err));
	OQZ_CLEANUP_FREE int32_t *codes = malloc(n * sizeof *codes + 1);
	OQZ_CLEANUP_FREE float *values = malloc(n * sizeof *values + 1);
	if (!codes || !values)
		return oqz_err_nomem(err, "codes", n * sizeof *codes);
	for (size_t i = 0; i < n; i++)
		codes[i] = q.kind == OQZ_FQ_MINIFLOAT ? ((const uint8_t *)x->data)[i]
		                                      : (int32_t)oqz_load_i(x->dtype, x->data, i);
	oqz_fq_values(&q, &x->shape, codes, values);
	oqz_from_f32(out->dtype, values, n, out->data);
	return OQZ_OK;
}

/* ---- DynamicQuantizeLinear ---- */

static enum oqz_status infer_dynamic(struct oqz_infer *c, struct oqz_err *err)
{
	OQZ_TRY(oqz_need_float(c, 0, err));
	c->out[0] = *c->in[0];
	c->out[0].dtype = OQZ_DT_U8;
	c->out[1] = (struct oqz_type) { .dtype = OQZ_DT_F32 };
	c->out[2] = (struct oqz_type) { .dtype = OQZ_DT_U8 };
	return OQZ_OK;
}

/* The least and the largest of n numbers and 0; NaN is neither. */
OQZ_KERNEL static void extremes(const float *x, int64_t n, float *ret_lo, float *ret_hi)
{
	int32_t down = oqz_float_order(0), up = down;

	for (int64_t i = 0; i < n; i++) {
		int32_t order = oqz_float_order(x[i]), back = oqz_float_order(-x[i]);
		up = order > up ? order : up;
		down = back > down ? back : down;
	}
	*ret_lo = -oqz_order_float(down);
	*ret_hi = oqz_order_float(up);
}

static enum oqz_status run_dynamic(const struct oqz_call *c, struct oqz_err *err)
{
	const struct oqz_tensor *x = c->in[0];
	OQZ_CLEANUP_FREE float *tmp = NULL;
	int64_t n = oqz_tensor_nelem(x);
	float lo, hi;
	const float *v;

	OQZ_TRY(as_f32(x, &tmp, &v, err));
	extremes(v, n, &lo, &hi);
	float scale = (hi - lo) / 255;
	if (!(scale > 0))
		scale = 1; /* all zero: any scale represents it */
	float z = rintf(-lo / scale);
	int32_t zero = z > 255 ? 255 : (int32_t)z;
	if (c->out[0])
		oqz_quantize_8(v, (size_t)n, scale, zero, 0, 255, c->out[0]->data);
	if (c->out[1])
		*(float *)c->out[1]->data = scale;
	if (c->out[2])
		*(uint8_t *)c->out[2]->data = (uint8_t)zero;
	return OQZ_OK;
}

/* ---- FakeQuant ---- */

static enum oqz_status fake_grid(const struct oqz_fakequant *p, struct oqz_fq *q, double **values, struct oqz_err *err)
{
	*q = (struct oqz_fq) { .round = (enum oqz_round)p->rounding };
	switch (p->kind[0] == 'c' ? p->kind[1] : p->kind[0]) {
	case 'a':
		q->kind = OQZ_FQ_AFFINE;
		q->qmin = (int32_t)p->qmin;
		q->qmax = (int32_t)p->qmax;
		break;
	case 'm':
		q->kind = OQZ_FQ_MINIFLOAT;
		q->mf = (struct oqz_minifloat) { .name = "minifloat",
			                         .exp_bits = (int)p->exp_bits,
			                         .man_bits = (int)p->man_bits,
			                         .bias = (int)p->bias,
			                         .special = (enum oqz_minifloat_special)p->special,
			                         .max = (double)p->max };
		break;
	default:
		q->kind = OQZ_FQ_CODEBOOK;
		*values = malloc(p->values.n * sizeof **values + 1);
		if (!*values)
			return oqz_err_nomem(err, "code book", p->values.n * sizeof **values);
		for (size_t i = 0; i < p->values.n; i++)
			(*values)[i] = (double)p->values.v[i];
		q->n_values = p->values.n;
		q->values = *values;
	}
	return OQZ_OK;
}

/* The grid is looked at here, so that a wrong one is refused for empty tensors, too. */
static enum oqz_status infer_fake(struct oqz_infer *c, struct oqz_err *err)
{
	const struct oqz_fakequant *p = OQZ_PARAMS(c->node, struct oqz_fakequant);
	const struct oqz_shape any = oqz_shape_unknown(OQZ_RANK_UNKNOWN);
	OQZ_CLEANUP_FREE double *values = NULL;
	struct oqz_fq q;

	if (strcmp(p->kind, "custom") != 0) {
		OQZ_TRY(fake_grid(p, &q, &values, err));
		q.axis = -1;
		OQZ_TRY(oqz_fq_check(&q, &any, err));
	}
	if (oqz_in_type(c, 0).dtype != OQZ_DT_UNDEFINED && c->in[0]->dtype != OQZ_DT_F32)
		OQZ_FAIL(err, OQZ_E_UNSUPPORTED, "FakeQuant of %s", oqz_dtype_name(c->in[0]->dtype));
	return oqz_infer_same(c, err);
}

/* Scales that are made while the node runs. */
static enum oqz_status place_dynamic(const struct oqz_fakequant *p, const struct oqz_shape *x,
                                     const struct oqz_tensor *scale, struct oqz_fq *q, struct oqz_err *err)
{
	OQZ_TRY(oqz_axis_resolve(p->axis, x->rank, false, &q->axis, err));
	if (p->dynamic < 0 || p->dynamic > OQZ_FQ_E4M3 || p->block < 1 || oqz_tensor_nelem(scale) != 1)
		OQZ_FAIL(err, OQZ_E_DATA, "dynamic scales %lld in blocks of %lld", (long long)p->dynamic,
		         (long long)p->block);
	q->block = p->block;
	q->dynamic = (enum oqz_fq_dynamic)p->dynamic;
	return OQZ_OK;
}

static enum oqz_status run_fake(const struct oqz_call *c, struct oqz_err *err)
{
	const struct oqz_fakequant *p = OQZ_PARAMS(c->node, struct oqz_fakequant);
	const struct oqz_tensor *x = c->in[0];
	OQZ_CLEANUP(steps_release) struct steps s = { 0 };
	OQZ_CLEANUP_FREE double *values = NULL;
	struct oqz_fq q;

	if (strcmp(p->kind, "custom") == 0) {
		if (!p->custom)
			OQZ_FAIL(err, OQZ_E_PLUGIN, "a custom grid whose plugin is not at hand");
		p->custom(p->ctx, &x->shape, x->data, c->out[0]->data);
		return OQZ_OK;
	}
	if (!c->in[1])
		OQZ_FAIL(err, OQZ_E_DATA, "FakeQuant without a scale");
	OQZ_TRY(fake_grid(p, &q, &values, err));
	if (p->dynamic)
		OQZ_TRY(place_dynamic(p, &x->shape, c->in[1], &q, err));
	else
		OQZ_TRY(place_scales(&x->shape, c->in[1], p->axis, p->block, &q, err));
	OQZ_TRY(read_steps(c->in[1], c->in[2], &s, &q, err));
	OQZ_TRY(oqz_fq_check(&q, &x->shape, err));
	oqz_fq_run(&q, &x->shape, x->data, c->out[0]->data);
	return OQZ_OK;
}

/* ---- rows ---- */

static const struct oqz_attr_spec quantize_attrs[] = {
	OQZ_A_INT(struct linear, axis, 1),       OQZ_A_INT(struct linear, saturate, 1),
	OQZ_A_INT(struct linear, block_size, 0), OQZ_A_INT(struct linear, output_dtype, 0),
	OQZ_A_INT(struct linear, precision, 0),  { .name = NULL },
};
static const struct oqz_attr_spec dequantize_attrs[] = {
	OQZ_A_INT(struct linear, axis, 1),
	OQZ_A_INT(struct linear, block_size, 0),
	OQZ_A_INT(struct linear, output_dtype, 0),
	{ .name = NULL },
};
static const char *const kinds[] = { "affine", "minifloat", "codebook", "custom", NULL };
static const struct oqz_attr_spec fake_attrs[] = {
	OQZ_A_REQUIRED_WORD(struct oqz_fakequant, kind, kinds),
	OQZ_A_INT(struct oqz_fakequant, rounding, 0),
	OQZ_A_INT(struct oqz_fakequant, qmin, 0),
	OQZ_A_INT(struct oqz_fakequant, qmax, 0),
	OQZ_A_INT(struct oqz_fakequant, exp_bits, 0),
	OQZ_A_INT(struct oqz_fakequant, man_bits, 0),
	OQZ_A_INT(struct oqz_fakequant, bias, 0),
	OQZ_A_INT(struct oqz_fakequant, special, 0),
	OQZ_A_FLOAT(struct oqz_fakequant, max, 0),
	OQZ_A_FLOATS(struct oqz_fakequant, values),
	OQZ_A_INT(struct oqz_fakequant, axis, 1),
	OQZ_A_INT(struct oqz_fakequant, block, 0),
	OQZ_A_INT(struct oqz_fakequant, dynamic, 0),
	{ .name = NULL },
};

const struct oqz_op oqz_ops_quantize[] = {
	{ OQZ_ROW(DEQUANTIZE_LINEAR), OQZ_ROW_PARAMS(struct linear, dequantize_attrs), .infer = infer_dequantize,
	  .run = run_dequantize },
	{ OQZ_ROW(DYNAMIC_QUANTIZE_LINEAR), .infer = infer_dynamic, .run = run_dynamic },
	{ OQZ_ROW(FAKE_QUANT), OQZ_ROW_PARAMS(struct oqz_fakequant, fake_attrs), .infer = infer_fake, .run = run_fake },
	{ OQZ_ROW(QUANTIZE_LINEAR), OQZ_ROW_PARAMS(struct linear, quantize_attrs), .infer = infer_quantize,
	  .run = run_quantize },
	{ .name = NULL },
};
