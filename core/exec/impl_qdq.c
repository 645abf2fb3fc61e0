/* SPDX-License-Identifier: Apache-2.0
 *
 * QuantizeLinear, DequantizeLinear and FakeQuant as steps of their own: edges that no layer has absorbed.
 */
#include "core/exec/gridder.h"
#include "core/exec/impl.h"
#include "core/ops/op_fakequant.h"

#include <stdio.h>
#include <string.h>

struct qdq {
	struct oqz_gridder g;
	enum oqz_dtype to; /* QuantizeLinear: I8 or U8 */
	int64_t run;       /* QuantizeLinear: so many elements that lie together have one scale */
};

enum { SHORT = 16 };

static void qdq_destroy(void *state)
{
	struct qdq *s = state;

	if (s)
		oqz_gridder_release(&s->g);
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
	else if (q->axis < 0 || q->axis >= d->in_type[0].shape.rank)
		return false; /* the kernel says so */
	return true;
}

/* As many scales, and zero points, as channels; else it is for the kernel to say what is wrong. */
static bool one_for_each(const struct oqz_step_quant *q, int64_t channels)
{
	return q->scale->shape.rank == 1 && q->scale->shape.dim[0] == channels &&
	       (!q->zero || oqz_tensor_nelem(q->zero) == channels);
}

static enum oqz_status qdq_prepare(struct qdq *s, const struct oqz_step_desc *d, const struct oqz_step_quant *q,
                                   struct oqz_step_choice *ret, struct oqz_err *err)
{
	enum oqz_layout layout = d->in_layout[0];

	if (d->node->op->id == OQZ_OP_DEQUANTIZE_LINEAR) {
		if (d->out_type[0].dtype != OQZ_DT_F32)
			return OQZ_E_UNSUPPORTED;
		OQZ_TRY(oqz_gridder_codes(&s->g, q, d->node, err));
	} else if (d->node->op->id == OQZ_OP_FAKE_QUANT) {
		OQZ_TRY(oqz_gridder_float(&s->g, q, &d->in_type[0].shape, layout, err));
		ret->inplace_input = oqz_gridder_plain(&s->g) ? -1 : 0;
	} else {
		s->to = d->out_type[0].dtype;
		if ((s->to != OQZ_DT_I8 && s->to != OQZ_DT_U8) || q->block || d->in_type[0].dtype != OQZ_DT_F32)
			return OQZ_E_UNSUPPORTED;
		if (q->axis >= 0 && !one_for_each(q, d->in_type[0].shape.dim[q->axis]))
			return OQZ_E_UNSUPPORTED;
		OQZ_TRY(oqz_gridder_float(&s->g, q, &d->in_type[0].shape, layout, err));
		const struct oqz_shape *x = &s->g.shape;
		s->run = s->g.fq.axis < 0 ? oqz_shape_nelem(x) : oqz_shape_span(x, s->g.fq.axis + 1, x->rank);
		if (s->g.fq.axis >= 0 && s->run < SHORT)
			return OQZ_E_UNSUPPORTED; /* the reference's loop is as good */
	}
	return oqz_gridder_plain(&s->g) ? OQZ_E_UNSUPPORTED : OQZ_OK; /* the reference does the same then */
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

/* Runs of one channel each; scales come again when all have had their turn. */
static void quantize_runs(const struct qdq *s, const float *x, int64_t n, uint8_t *y)
{
	const struct oqz_fq *q = &s->g.fq;
	int64_t channels = q->axis < 0 ? 1 : s->g.shape.dim[q->axis];

	for (int64_t at = 0, c = 0; at < n; at += s->run, c = c + 1 < channels ? c + 1 : 0)
		oqz_quantize_8(x + at, (size_t)s->run, q->scale[c], q->zero ? q->zero[c] : 0, q->qmin, q->qmax, y + at);
}

static enum oqz_status qdq_run(const void *state, const struct oqz_step_call *c, struct oqz_err *err)
{
	const struct qdq *s = state;
	const struct oqz_gridder *g = &s->g;
	size_t n = (size_t)oqz_tensor_nelem(c->in[0]);

	if (s->to == OQZ_DT_U8 || s->to == OQZ_DT_I8)
		quantize_runs(s, c->in[0]->data, (int64_t)n, c->out[0]->data);
	else
		return oqz_gridder_run(g, c->in[0], c->out[0], err);
	return OQZ_OK;
}

const struct oqz_impl oqz_impl_qdq = { "own.qdq", qdq_create, qdq_run, qdq_destroy };
