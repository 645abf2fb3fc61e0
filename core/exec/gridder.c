/* SPDX-License-Identifier: Apache-2.0
 *
 * See gridder.h.
 */
#include "core/exec/gridder.h"
#include "core/base/checked.h"
#include "core/exec/impl.h"
#include "core/ops/op_fakequant.h"
#include "core/tensor/quantize8.h"

#include <stdio.h>
#include <string.h>

void oqz_gridder_release(struct oqz_gridder *g)
{
	free(g->scales);
	free(g->zeros);
}

/* The grid of a FakeQuant node; false: the plugin's own function. */
static bool fq_of_node(const struct oqz_node *n, struct oqz_fq *ret)
{
	const struct oqz_fakequant *f = OQZ_PARAMS(n, struct oqz_fakequant);

	*ret = (struct oqz_fq) { .axis = -1,
		                 .round = (enum oqz_round)f->rounding,
		                 .dynamic = (enum oqz_fq_dynamic)f->dynamic };
	if (strcmp(f->kind, "affine") == 0) {
		ret->kind = OQZ_FQ_AFFINE;
		ret->qmin = (int32_t)f->qmin;
		ret->qmax = (int32_t)f->qmax;
	} else if (strcmp(f->kind, "minifloat") == 0) {
		ret->kind = OQZ_FQ_MINIFLOAT;
		ret->mf = (struct oqz_minifloat) {
			.name = "custom",
			.exp_bits = (int)f->exp_bits,
			.man_bits = (int)f->man_bits,
			.bias = (int)f->bias,
			.special = (enum oqz_minifloat_special)f->special,
			.max = (double)f->max,
		};
	} else {
		return false; /* code books too: their values are float32 in the node, double in the grid */
	}
	return true;
}

/* Copies scales and zero points; the tensor may be of any numeric type. */
static enum oqz_status copy_scales(struct oqz_gridder *g, const struct oqz_tensor *scale, const struct oqz_tensor *zero,
                                   struct oqz_err *err)
{
	size_t n = (size_t)oqz_tensor_nelem(scale);

	g->scales = malloc((n + 1) * sizeof *g->scales);
	g->zeros = calloc(n + 1, sizeof *g->zeros);
	if (!g->scales || !g->zeros)
		return oqz_err_nomem(err, "scales", n * sizeof *g->scales);
	oqz_to_f32(scale->dtype, scale->data, n, g->scales);
	for (size_t i = 0; zero && oqz_dtype_is_int(zero->dtype) && i < n && i < (size_t)oqz_tensor_nelem(zero); i++)
		g->zeros[i] = (int32_t)oqz_load_i(zero->dtype, zero->data, i);
	g->fq.scale = g->scales;
	g->fq.zero = g->fq.kind == OQZ_FQ_AFFINE && !g->fq.dynamic ? g->zeros : NULL;
	return OQZ_OK;
}

/* The shape as memory sees it: channels-last puts dimension 1 behind the others. `axis` moves along. */
static struct oqz_shape memory_shape(const struct oqz_shape *s, enum oqz_layout layout, int *axis)
{
	struct oqz_shape r = *s;

	if (layout == OQZ_LAYOUT_PLAIN || s->rank < 3)
		return r;
	for (int i = 2; i < s->rank; i++)
		r.dim[i - 1] = s->dim[i];
	r.dim[s->rank - 1] = s->dim[1];
	*axis = *axis == 1 ? s->rank - 1 : *axis > 1 ? *axis - 1 : *axis;
	return r;
}

enum oqz_status oqz_gridder_float(struct oqz_gridder *g, const struct oqz_step_quant *q, const struct oqz_shape *shape,
                                  enum oqz_layout layout, struct oqz_err *err)
{
	const struct oqz_fakequant *f = q->fake ? OQZ_PARAMS(q->fake, struct oqz_fakequant) : NULL;
	int axis = q->axis;

	if (f && f->dynamic) /* one scale, but an axis */
		axis = (int)(f->axis < 0 ? f->axis + shape->rank : f->axis);
	g->node = q->fake;
	g->shape = memory_shape(shape, layout, &axis);
	if (q->fake ? !q->scale || !fq_of_node(q->fake, &g->fq) : !oqz_fq_of_dtype(q->dtype, &g->fq)) {
		g->how = GRID_NODE;
		return q->fake ? OQZ_OK : OQZ_E_UNSUPPORTED;
	}
	OQZ_TRY(copy_scales(g, q->scale, q->zero, err));
	g->fq.axis = axis;
	g->fq.block = axis < 0 ? 0 : q->block;
	OQZ_TRY(oqz_fq_check(&g->fq, &g->shape, err));
	g->how = GRID_GENERAL;
	if (axis < 0 && g->fq.kind == OQZ_FQ_AFFINE && g->fq.round == OQZ_ROUND_HALF_EVEN) {
		g->how = GRID_FAST;
		g->scale = g->scales[0];
		g->zero = g->zeros[0];
		g->qmin = g->fq.qmin;
		g->qmax = g->fq.qmax;
	}
	return OQZ_OK;
}

enum oqz_status oqz_gridder_codes(struct oqz_gridder *g, const struct oqz_step_quant *q, const struct oqz_node *dq,
                                  struct oqz_err *err)
{
	g->dtype = q->dtype;
	g->node = dq;
	g->how = GRID_DECODE_NODE;
	if (q->axis >= 0 || (q->dtype != OQZ_DT_I8 && q->dtype != OQZ_DT_U8))
		return OQZ_OK;
	OQZ_TRY(copy_scales(g, q->scale, q->zero, err));
	g->zero = q->zero ? (int32_t)oqz_load_i(q->zero->dtype, q->zero->data, 0) : 0;
	g->scale = g->scales[0];
	g->how = GRID_DECODE;
	return OQZ_OK;
}

bool oqz_gridder_plain(const struct oqz_gridder *g) { return g->how == GRID_NODE || g->how == GRID_DECODE_NODE; }

OQZ_KERNEL static void decode_u8(const uint8_t *x, size_t n, float scale, int32_t zero, float *y)
{
	for (size_t i = 0; i < n; i++)
		y[i] = (float)((int32_t)x[i] - zero) * scale;
}

OQZ_KERNEL static void decode_i8(const int8_t *x, size_t n, float scale, int32_t zero, float *y)
{
	for (size_t i = 0; i < n; i++)
		y[i] = (float)((int32_t)x[i] - zero) * scale;
}

static enum oqz_status run_kernel(const struct oqz_node *n, const struct oqz_tensor *x, struct oqz_tensor *y,
                                  struct oqz_err *err)
{
	const struct oqz_tensor *in[OQZ_STEP_MAX_IN] = { x };
	struct oqz_tensor *out[OQZ_STEP_MAX_OUT] = { y };

	for (int k = 1; k < n->n_in && k < OQZ_STEP_MAX_IN; k++)
		in[k] = n->in[k] ? n->in[k]->constant : NULL;
	struct oqz_call call = { .node = n, .n_in = n->n_in, .n_out = n->n_out, .in = in, .out = out };
	return oqz_op_call(&call, err);
}

enum oqz_status oqz_gridder_run(const struct oqz_gridder *g, const struct oqz_tensor *x, struct oqz_tensor *y,
                                struct oqz_err *err)
{
	size_t n = (size_t)oqz_tensor_nelem(x);

	switch (g->how) {
	case GRID_FAST: oqz_fakequant_f32(x->data, n, g->scale, g->zero, g->qmin, g->qmax, y->data); return OQZ_OK;
	case GRID_GENERAL: oqz_fq_run(&g->fq, &g->shape, x->data, y->data); return OQZ_OK;
	case GRID_DECODE:
		if (g->dtype == OQZ_DT_U8)
			decode_u8(x->data, n, g->scale, g->zero, y->data);
		else
			decode_i8(x->data, n, g->scale, g->zero, y->data);
		return OQZ_OK;
	default: return run_kernel(g->node, x, y, err);
	}
}
