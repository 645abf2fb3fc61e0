/* SPDX-License-Identifier: Apache-2.0
 *
 * QuantizeLinear, DequantizeLinear and FakeQuant as steps of their own (edges that no layer has absorbed), and the
 * simulation of quantized layers: the layer's float implementation on inputs that were put on their grid first. The
 * arithmetic is core/tensor/fakequant.h's, with its vectorised special case for one scale and half-even integers.
 */
#include "core/exec/program.h"
#include "core/base/checked.h"
#include "core/ops/op_fakequant.h"
#include "core/tensor/fakequant.h"
#include "core/tensor/quantize8.h"

#include <stdio.h>
#include <string.h>

/* How numbers of one tensor are put on their grid. */
struct gridder {
	enum { GRID_FAST = 1, GRID_GENERAL, GRID_NODE, GRID_DECODE, GRID_DECODE_NODE } how;
	struct oqz_fq fq; /* GENERAL: shape is the memory's, not the logical one */
	struct oqz_shape shape;
	float scale; /* FAST, DECODE */
	int32_t zero, qmin, qmax;
	const struct oqz_node *node; /* NODE (custom FakeQuant), DECODE_NODE: its kernel, row-major */
	enum oqz_dtype dtype;
	float *scales; /* owned copies that fq points to */
	int32_t *zeros;
};

static void gridder_release(struct gridder *g)
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
static enum oqz_status copy_scales(struct gridder *g, const struct oqz_tensor *scale, const struct oqz_tensor *zero,
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

/* float32 in, float32 on the grid out. */
static enum oqz_status gridder_float(struct gridder *g, const struct oqz_step_quant *q, const struct oqz_shape *shape,
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

/* Codes in, float32 out: DequantizeLinear. */
static enum oqz_status gridder_codes(struct gridder *g, const struct oqz_step_quant *q, const struct oqz_node *dq,
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

static bool gridder_plain(const struct gridder *g) { return g->how == GRID_NODE || g->how == GRID_DECODE_NODE; }

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
	return n->op->run(&call, err);
}

static enum oqz_status gridder_run(const struct gridder *g, const struct oqz_tensor *x, struct oqz_tensor *y,
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

/* ---- on their own ---- */

struct qdq {
	struct gridder g;
	enum oqz_dtype to; /* QuantizeLinear: I8 or U8 */
};

static void qdq_destroy(void *state)
{
	struct qdq *s = state;

	if (s)
		gridder_release(&s->g);
	free(s);
}

/* The parameters of a node as the planner would describe them on a group's input. */
static bool quant_of_node(const struct oqz_step_desc *d, struct oqz_step_quant *q)
{
	const struct oqz_attr *axis = oqz_node_attr(d->node, "axis"), *block = oqz_node_attr(d->node, "block_size");
	bool fake = d->node->op->id == OQZ_OP_FAKE_QUANT, quantize = d->node->op->id == OQZ_OP_QUANTIZE_LINEAR;

	if (fake)
		block = oqz_node_attr(d->node, "block");
	*q = (struct oqz_step_quant) {
		.present = true,
		.dtype = quantize ? d->out_type[0].dtype : d->in_type[0].dtype,
		.axis = axis ? (int)axis->i : 1,
		.block = block ? block->i : 0,
		.scale = d->constant[1],
		.zero = d->n_in > 2 ? d->constant[2] : NULL,
		.fake = fake ? d->node : NULL,
	};
	if (!q->scale || (oqz_step_has(d, 2) && !q->zero))
		return false;
	if (q->axis < 0)
		q->axis += d->in_type[0].shape.rank;
	if (oqz_tensor_nelem(q->scale) == 1)
		q->axis = -1;
	return true;
}

static enum oqz_status qdq_prepare(struct qdq *s, const struct oqz_step_desc *d, const struct oqz_step_quant *q,
                                   struct oqz_step_choice *ret, struct oqz_err *err)
{
	enum oqz_layout layout = d->in_layout[0];

	if (d->node->op->id == OQZ_OP_DEQUANTIZE_LINEAR) {
		if (d->out_type[0].dtype != OQZ_DT_F32)
			return OQZ_E_UNSUPPORTED;
		OQZ_TRY(gridder_codes(&s->g, q, d->node, err));
	} else if (d->node->op->id == OQZ_OP_FAKE_QUANT) {
		OQZ_TRY(gridder_float(&s->g, q, &d->in_type[0].shape, layout, err));
		ret->inplace_input = gridder_plain(&s->g) ? -1 : 0;
	} else {
		s->to = d->out_type[0].dtype;
		if ((s->to != OQZ_DT_I8 && s->to != OQZ_DT_U8) || q->axis >= 0 || d->in_type[0].dtype != OQZ_DT_F32)
			return OQZ_E_UNSUPPORTED;
		OQZ_TRY(gridder_float(&s->g, q, &d->in_type[0].shape, layout, err));
	}
	return gridder_plain(&s->g) ? OQZ_E_UNSUPPORTED : OQZ_OK; /* the reference does the same then */
}

static enum oqz_status qdq_create(const struct oqz_step_desc *d, struct oqz_step_choice *ret, char *why,
                                  size_t why_size, struct oqz_err *err)
{
	struct oqz_step_quant q;

	if (d->act || !quant_of_node(d, &q)) {
		snprintf(why, why_size, "parameters that are not constant");
		return OQZ_E_UNSUPPORTED;
	}
	struct qdq *s = calloc(1, sizeof *s);
	if (!s)
		return oqz_err_nomem(err, "a step", sizeof *s);
	enum oqz_status st = qdq_prepare(s, d, &q, ret, err);
	if (st != OQZ_OK) {
		qdq_destroy(s);
		snprintf(why, why_size, "no fast form");
		return st;
	}
	ret->in_layout[0] = ret->out_layout[0] = d->in_layout[0];
	snprintf(ret->name, sizeof ret->name, "own.qdq");
	ret->state = s;
	return OQZ_OK;
}

static enum oqz_status qdq_run(const void *state, const struct oqz_step_call *c, struct oqz_err *err)
{
	const struct qdq *s = state;
	const struct gridder *g = &s->g;
	size_t n = (size_t)oqz_tensor_nelem(c->in[0]);

	if (s->to == OQZ_DT_U8 || s->to == OQZ_DT_I8)
		oqz_quantize_8(c->in[0]->data, n, g->scale, g->zero, g->qmin, g->qmax, c->out[0]->data);
	else
		return gridder_run(g, c->in[0], c->out[0], err);
	return OQZ_OK;
}

const struct oqz_impl oqz_impl_qdq = { "own.qdq", qdq_create, qdq_run, qdq_destroy };

/* ---- simulation of a group ---- */

struct sim_input {
	bool active, constant;
	struct gridder g;
	struct oqz_tensor value; /* constant: the dequantized weights; else type and layout of the scratch tensor */
	size_t at;               /* in scratch */
	oqz_row1_fn *pre;        /* applied before the quantizer, into scratch at pre_at; NULL: nothing */
	struct oqz_row_params pre_params;
	size_t pre_at;
};

struct sim {
	struct oqz_step_desc inner; /* the layer without quantization */
	const struct oqz_impl *impl;
	struct oqz_step_choice choice;
	struct sim_input in[3];
};

static void sim_destroy(void *state)
{
	struct sim *s = state;

	if (!s)
		return;
	if (s->impl && s->impl->destroy)
		s->impl->destroy(s->choice.state);
	for (int i = 0; i < 3; i++) {
		oqz_tensor_release(&s->in[i].value);
		gridder_release(&s->in[i].g);
	}
	free(s);
}

/* The float layer: weights dequantized, activations float32. */
static enum oqz_status sim_inner(struct sim *s, const struct oqz_step_desc *d, struct oqz_err *err)
{
	s->inner = *d;
	s->inner.group = false;
	memset(s->inner.quant, 0, sizeof s->inner.quant);
	for (int i = 0; i < 3; i++) {
		if (!d->quant[i].present)
			continue;
		s->in[i].active = true;
		s->inner.in_type[i].dtype = OQZ_DT_F32;
		s->inner.constant[i] = NULL;
		if (d->quant[i].codes) {
			s->in[i].constant = true;
			OQZ_TRY(oqz_group_weight(d, i, &s->in[i].value, err));
			s->inner.constant[i] = &s->in[i].value;
		}
	}
	return oqz_choose_float(&s->inner, &s->impl, &s->choice, err);
}

/* The float layer's constant in the layout it asks for. */
static enum oqz_status sim_weight(struct sim_input *in, enum oqz_layout layout, struct oqz_err *err)
{
	struct oqz_tensor t = { 0 };

	if (layout == in->value.layout || oqz_layouts_same(&in->value.shape))
		return OQZ_OK;
	OQZ_TRY(oqz_tensor_alloc(&t, in->value.dtype, &in->value.shape, err));
	t.layout = layout;
	oqz_tensor_relayout(&t, &in->value);
	oqz_tensor_release(&in->value);
	in->value = t;
	return OQZ_OK;
}

static enum oqz_status sim_input_init(struct sim *s, int i, const struct oqz_step_desc *d, struct oqz_step_choice *ret,
                                      struct oqz_err *err)
{
	const struct oqz_step_quant *q = &d->quant[i];
	struct sim_input *in = &s->in[i];

	if (in->constant) {
		ret->uses_constant[i] = false;
		if (!s->choice.uses_constant[i]) {
			oqz_tensor_release(&in->value);
			return OQZ_OK;
		}
		ret->state_bytes += oqz_tensor_bytes(&in->value);
		return sim_weight(in, s->choice.in_layout[i], err);
	}
	if (q->from_float)
		OQZ_TRY(gridder_float(&in->g, q, &d->in_type[i].shape, s->choice.in_layout[i], err));
	else
		OQZ_TRY(gridder_codes(&in->g, q, d->node->in[i]->producer, err));
	if (gridder_plain(&in->g) && s->choice.in_layout[i] != OQZ_LAYOUT_PLAIN &&
	    !oqz_layouts_same(&d->in_type[i].shape)) {
		/* row-major in, the kernel, then the layout that the layer wants: two tensors */
		ret->in_layout[i] = OQZ_LAYOUT_PLAIN;
		ret->scratch_bytes +=
		    oqz_align_up((size_t)oqz_shape_nelem(&d->in_type[i].shape) * sizeof(float), OQZ_EXEC_ALIGN);
	}
	in->value =
	    (struct oqz_tensor) { .dtype = OQZ_DT_F32, .shape = d->in_type[i].shape, .layout = s->choice.in_layout[i] };
	in->at = ret->scratch_bytes;
	ret->scratch_bytes += oqz_align_up(oqz_tensor_bytes(&in->value), OQZ_EXEC_ALIGN);
	if (q->pre) {
		in->pre = q->pre_row;
		in->pre_params = q->pre_params;
		in->pre_at = ret->scratch_bytes;
		ret->scratch_bytes += oqz_align_up(oqz_tensor_bytes(&in->value), OQZ_EXEC_ALIGN);
	}
	return OQZ_OK;
}

static enum oqz_status sim_init(struct sim *s, const struct oqz_step_desc *d, struct oqz_step_choice *ret,
                                struct oqz_err *err)
{
	OQZ_TRY(sim_inner(s, d, err));
	*ret = s->choice;
	ret->state = NULL;
	ret->inplace_input = -1;
	ret->scratch_bytes = oqz_align_up(s->choice.scratch_bytes, OQZ_EXEC_ALIGN);
	for (int i = 0; i < 3; i++)
		if (s->in[i].active)
			OQZ_TRY(sim_input_init(s, i, d, ret, err));
	return OQZ_OK;
}

static enum oqz_status sim_create(const struct oqz_step_desc *d, struct oqz_step_choice *ret, char *why,
                                  size_t why_size, struct oqz_err *err)
{
	struct sim *s = calloc(1, sizeof *s);

	if (!s)
		return oqz_err_nomem(err, "a layer", sizeof *s);
	enum oqz_status st = sim_init(s, d, ret, err);
	if (st != OQZ_OK) {
		sim_destroy(s);
		snprintf(why, why_size, "the float layer is not possible");
		return st;
	}
	snprintf(ret->name, sizeof ret->name, "sim+%.*s", (int)sizeof ret->name - 5, s->choice.name);
	ret->state = s;
	return OQZ_OK;
}

/* One input of the inner layer, computed. */
static enum oqz_status sim_input_make(const struct sim_input *x, const struct oqz_tensor *given, void *scratch,
                                      struct oqz_tensor *value, struct oqz_err *err)
{
	struct oqz_tensor from = *given;

	if (x->pre) {
		from.data = (char *)scratch + x->pre_at;
		x->pre(given->data, from.data, (size_t)oqz_tensor_nelem(&from), &x->pre_params);
	}
	if (from.layout == x->value.layout || !gridder_plain(&x->g))
		return gridder_run(&x->g, &from, value, err);
	struct oqz_tensor plain = *value;
	plain.layout = OQZ_LAYOUT_PLAIN;
	plain.data = (char *)value->data - oqz_align_up(oqz_tensor_bytes(value), OQZ_EXEC_ALIGN);
	OQZ_TRY(gridder_run(&x->g, &from, &plain, err));
	oqz_tensor_relayout(value, &plain);
	return OQZ_OK;
}

/* The inner layer's inputs; `make`: those that are computed are computed now, else they are there already. */
static enum oqz_status sim_inputs(const struct sim *s, const struct oqz_step_call *c, bool make,
                                  const struct oqz_tensor **in, struct oqz_tensor *value, struct oqz_err *err)
{
	memcpy(in, c->in, sizeof(in[0]) * (size_t)s->inner.n_in);
	for (int i = 0; i < 3; i++) {
		const struct sim_input *x = &s->in[i];
		if (!x->active)
			continue;
		in[i] = x->constant ? (x->value.data ? &x->value : NULL) : &value[i];
		if (x->constant)
			continue;
		value[i] = x->value;
		value[i].data = (char *)c->scratch + x->at;
		if (make)
			OQZ_TRY(sim_input_make(x, c->in[i], c->scratch, &value[i], err));
	}
	return OQZ_OK;
}

static enum oqz_status sim_run(const void *state, const struct oqz_step_call *c, struct oqz_err *err)
{
	const struct sim *s = state;
	const struct oqz_tensor *in[OQZ_STEP_MAX_IN];
	struct oqz_tensor value[3];

	OQZ_TRY(sim_inputs(s, c, true, in, value, err));
	struct oqz_step_call call = { .in = in, .out = c->out, .scratch = c->scratch };
	return s->impl->run(s->choice.state, &call, err);
}

static enum oqz_status sim_band(const void *state, const struct oqz_step_call *c, size_t i, float *out,
                                struct oqz_err *err)
{
	const struct sim *s = state;
	const struct oqz_tensor *in[OQZ_STEP_MAX_IN];
	struct oqz_tensor value[3];

	OQZ_TRY(sim_inputs(s, c, i == 0, in, value, err));
	struct oqz_step_call call = { .in = in, .out = c->out, .scratch = c->scratch };
	return s->impl->band(s->choice.state, &call, i, out, err);
}

const struct oqz_impl oqz_impl_sim = { "sim", sim_create, sim_run, sim_destroy, NULL, sim_band };
