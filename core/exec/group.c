/* SPDX-License-Identifier: Apache-2.0
 *
 * Recognises what is planned as one step: quantized layers ([QuantizeLinear ->] DequantizeLinear -> operator, or
 * FakeQuant
 * -> operator) and operators with an activation behind them. Works by looking backwards from each operator and never
 * edits the graph: a DequantizeLinear that another node needs as well simply also becomes a step of its own, because
 * `needed` is computed afterwards from what the steps will read.
 */
#include "core/exec/program.h"

#include <string.h>

static bool is_op(const struct oqz_node *n, enum oqz_op_id id) { return n && n->op && n->op->id == id; }

static bool groupable(const struct oqz_node *n)
{
	switch (n->op->id) {
	case OQZ_OP_CONV:
	case OQZ_OP_CONV_TRANSPOSE:
	case OQZ_OP_GEMM:
	case OQZ_OP_MATMUL:
	case OQZ_OP_LAYER_NORMALIZATION: return true;
	default: return false;
	}
}

static bool same_constant(const struct oqz_tensor *a, const struct oqz_tensor *b)
{
	if (a == b || !a || !b)
		return a == b;
	return a->dtype == b->dtype && oqz_tensor_nelem(a) == oqz_tensor_nelem(b) &&
	       memcmp(a->data, b->data, oqz_tensor_bytes(a)) == 0;
}

static int64_t int_attr(const struct oqz_node *n, const char *name, int64_t dflt)
{
	const struct oqz_attr *a = oqz_node_attr(n, name);

	return a ? a->i : dflt;
}

/* Operators that cannot give a negative number. */
static bool gives_nonnegative(const struct oqz_node *n)
{
	const struct oqz_tensor *lo;

	switch (n->op->id) {
	case OQZ_OP_RELU:
	case OQZ_OP_SIGMOID:
	case OQZ_OP_HARD_SIGMOID:
	case OQZ_OP_SOFTMAX:
	case OQZ_OP_ABS:
	case OQZ_OP_EXP: return true;
	case OQZ_OP_CLIP:
		lo = oqz_node_constant(n, 1);
		return lo && oqz_tensor_nelem(lo) == 1 && oqz_load_f(lo->dtype, lo->data, 0) >= 0;
	default: return false;
	}
}

/* Operators whose output is made of (averages of) their first input's numbers. */
static bool passes_sign(const struct oqz_node *n)
{
	switch (n->op->id) {
	case OQZ_OP_MAX_POOL:
	case OQZ_OP_AVERAGE_POOL:
	case OQZ_OP_GLOBAL_AVERAGE_POOL:
	case OQZ_OP_GLOBAL_MAX_POOL:
	case OQZ_OP_RESHAPE:
	case OQZ_OP_FLATTEN:
	case OQZ_OP_SQUEEZE:
	case OQZ_OP_UNSQUEEZE:
	case OQZ_OP_TRANSPOSE:
	case OQZ_OP_IDENTITY:
	case OQZ_OP_SLICE: return true;
	default: return false;
	}
}

static bool value_nonnegative(const struct oqz_value *v)
{
	for (int depth = 0; depth < 8 && v && v->producer && v->producer->op; depth++) {
		if (gives_nonnegative(v->producer))
			return true;
		if (!passes_sign(v->producer))
			return false;
		v = v->producer->in[0];
	}
	return false;
}

static void quant_from_dq(struct oqz_step_quant *q, const struct oqz_node *dq)
{
	const struct oqz_dtype_traits *t = oqz_dtype_traits(dq->in[0]->type.dtype);

	*q = (struct oqz_step_quant) {
		.present = true,
		.dtype = dq->in[0]->type.dtype,
		.axis = (int)int_attr(dq, "axis", 1),
		.block = int_attr(dq, "block_size", 0),
		.scale = oqz_node_constant(dq, 1),
		.zero = oqz_node_constant(dq, 2),
		.codes = dq->in[0]->constant,
		.qmin = (int32_t)(t->min < INT32_MIN ? INT32_MIN : t->min),
		.qmax = (int32_t)(t->max > INT32_MAX ? INT32_MAX : t->max),
	};
	if (q->axis < 0)
		q->axis += dq->in[0]->type.shape.rank;
	if (oqz_tensor_nelem(q->scale) == 1)
		q->axis = -1;
}

/* Absorbs `[Q ->] DQ` in front of input i. */
static void absorb_dq(struct oqz_planner *pl, struct oqz_group *g, int i, struct oqz_node *dq)
{
	struct oqz_value *codes = dq->in[0];
	struct oqz_node *q = codes ? codes->producer : NULL;

	if (!codes || !oqz_type_concrete(&codes->type) || !oqz_node_constant(dq, 1) ||
	    (dq->n_in > 2 && dq->in[2] && !oqz_node_constant(dq, 2)))
		return;
	quant_from_dq(&g->quant[i], dq);
	g->in[i] = codes;
	if (codes->constant || !is_op(q, OQZ_OP_QUANTIZE_LINEAR) || !oqz_value_private(pl, codes) ||
	    !oqz_value_private(pl, dq->out[0]))
		return;
	if (!same_constant(oqz_node_constant(q, 1), g->quant[i].scale) || !q->in[0] ||
	    q->in[0]->type.dtype != OQZ_DT_F32)
		return;
	if (!same_constant(oqz_node_constant(q, 2), g->quant[i].zero) &&
	    (oqz_node_constant(q, 2) != NULL) + (g->quant[i].zero != NULL) == 2)
		return;
	g->quant[i].zero = oqz_node_constant(q, 2) ? oqz_node_constant(q, 2) : g->quant[i].zero;
	g->quant[i].from_float = true;
	g->quant[i].nonnegative = value_nonnegative(q->in[0]);
	g->in[i] = q->in[0];
}

static void absorb_fake(struct oqz_planner *pl, struct oqz_group *g, int i, struct oqz_node *f)
{
	const struct oqz_tensor *scale = oqz_node_constant(f, 1);

	/* a plugin's own function has no scale */
	if ((f->n_in > 1 && f->in[1] && !scale) || (f->n_in > 2 && f->in[2] && !oqz_node_constant(f, 2)) ||
	    !oqz_type_concrete(&f->in[0]->type))
		return;
	if (!f->in[0]->constant && !oqz_value_private(pl, f->out[0]))
		return;
	g->quant[i] = (struct oqz_step_quant) {
		.present = true,
		.from_float = true,
		.dtype = OQZ_DT_F32,
		.axis = !scale || oqz_tensor_nelem(scale) == 1 ? -1 : (int)int_attr(f, "axis", 1),
		.block = int_attr(f, "block", 0),
		.scale = scale,
		.zero = oqz_node_constant(f, 2),
		.codes = f->in[0]->constant, /* the numbers before FakeQuant */
		.fake = f,
		.qmin = (int32_t)int_attr(f, "qmin", 0),
		.qmax = (int32_t)int_attr(f, "qmax", 0),
		.nonnegative = value_nonnegative(f->in[0]),
	};
	g->in[i] = f->in[0];
}

/* Inputs 0 and 1 only: a quantized bias is a constant, which becomes float32 when the plan is made. A layer whose
 * activations are float is no group either: its weights are dequantized once. */
static void find_quants(struct oqz_planner *pl, struct oqz_node *n, struct oqz_group *g)
{
	bool active = false;

	for (int i = 0; i < 2 && i < n->n_in; i++) {
		struct oqz_node *p = n->in[i] && !n->in[i]->constant ? n->in[i]->producer : NULL;
		if (is_op(p, OQZ_OP_DEQUANTIZE_LINEAR))
			absorb_dq(pl, g, i, p);
		else if (is_op(p, OQZ_OP_FAKE_QUANT))
			absorb_fake(pl, g, i, p);
		if (g->quant[i].present && i > 0 && is_op(n, OQZ_OP_LAYER_NORMALIZATION))
			g->quant[i].present = false;
		active |= g->quant[i].present && !g->quant[i].codes;
		if (!g->quant[i].present)
			g->in[i] = NULL;
	}
	if (!active)
		memset(g, 0, sizeof *g);
	g->group = active;
}

static bool activation_op(const struct oqz_node *n)
{
	switch (n->op->id) {
	case OQZ_OP_RELU:
	case OQZ_OP_LEAKY_RELU:
	case OQZ_OP_CLIP:
	case OQZ_OP_HARD_SWISH:
	case OQZ_OP_HARD_SIGMOID:
	case OQZ_OP_SIGMOID:
	case OQZ_OP_TANH:
	case OQZ_OP_ELU:
	case OQZ_OP_GELU:
	case OQZ_OP_MISH:
	case OQZ_OP_SWISH:
	case OQZ_OP_PRELU: return true;
	default: return false;
	}
}

static bool takes_activation(const struct oqz_node *n)
{
	switch (n->op->id) {
	case OQZ_OP_CONV:
	case OQZ_OP_CONV_TRANSPOSE:
	case OQZ_OP_GEMM:
	case OQZ_OP_MATMUL:
	case OQZ_OP_ADD:
	case OQZ_OP_SUB:
	case OQZ_OP_MUL:
	case OQZ_OP_BATCH_NORMALIZATION: return true;
	default: return false;
	}
}

/* The activation behind a node, when the node's own output is nobody else's business. */
static struct oqz_node *find_act(struct oqz_planner *pl, struct oqz_node *n)
{
	struct oqz_value *v = n->out[0];

	if (!takes_activation(n) || n->n_out != 1 || !v || !oqz_value_private(pl, v) || v->type.dtype != OQZ_DT_F32 ||
	    !oqz_type_concrete(&v->type))
		return NULL;
	struct oqz_node *act = v->uses.v[0];
	if (!act->op || !activation_op(act) || act->in[0] != v || act->n_out != 1 || act->graph != n->graph)
		return NULL;
	for (int i = 1; i < act->n_in; i++)
		if (act->in[i] && !act->in[i]->constant)
			return NULL;
	return act->out[0] && oqz_shape_equal(&act->out[0]->type.shape, &v->type.shape) ? act : NULL;
}

static enum oqz_status evaluate(struct oqz_planner *pl, struct oqz_node *n, struct oqz_err *err)
{
	const struct oqz_tensor *in[OQZ_STEP_MAX_IN];
	struct oqz_tensor out[OQZ_STEP_MAX_OUT] = { 0 };
	enum oqz_status st;

	for (int i = 0; i < n->n_in; i++)
		in[i] = n->in[i] ? n->in[i]->constant : NULL;
	st = oqz_op_run(n, in, out, err);
	for (int i = 0; i < n->n_out && st == OQZ_OK; i++)
		if (n->out[i] && !n->out[i]->constant)
			st = oqz_value_set_constant(pl->g, n->out[i], &out[i], err);
	for (int i = 0; i < n->n_out; i++)
		oqz_tensor_release(&out[i]);
	return st;
}

static bool all_constant(const struct oqz_node *n)
{
	if (n->dead || n->n_in == 0 || n->n_in > OQZ_STEP_MAX_IN || n->n_out > OQZ_STEP_MAX_OUT || !n->op ||
	    n->op->random)
		return false;
	for (int i = 0; i < n->n_in; i++)
		if (n->in[i] && !n->in[i]->constant)
			return false;
	for (size_t i = 0; i < n->n_attr; i++)
		if (n->attr[i].type == OQZ_ATTR_GRAPH)
			return false;
	return true;
}

enum oqz_status oqz_plan_constants(struct oqz_planner *pl, bool all, struct oqz_err *err)
{
	for (size_t i = 0; i < pl->g->nodes.n; i++) {
		struct oqz_node *n = pl->g->nodes.v[i];
		bool dq = is_op(n, OQZ_OP_DEQUANTIZE_LINEAR) || is_op(n, OQZ_OP_FAKE_QUANT), wanted = !all;
		if (!all_constant(n) || (!all && dq))
			continue;
		for (int k = 0; k < n->n_out; k++)
			wanted |= n->out[k] && pl->needed[n->out[k]->id];
		if (wanted)
			OQZ_TRY(evaluate(pl, n, err));
	}
	return OQZ_OK;
}

/* From the results backwards, through what the steps will read. */
static void mark_needed(struct oqz_planner *pl)
{
	for (size_t i = 0; i < pl->g->values.n; i++)
		pl->needed[i] = pl->keep[i];
	for (size_t k = pl->g->nodes.n; k-- > 0;) {
		struct oqz_node *n = pl->g->nodes.v[k];
		struct oqz_group *g = &pl->groups[k];
		bool wanted = false;
		for (int i = 0; i < n->n_out; i++)
			wanted |= n->out[i] && pl->needed[n->out[i]->id];
		for (int i = 0; i < n->n_in && wanted; i++) {
			struct oqz_value *v = i < 3 && g->in[i] ? g->in[i] : n->in[i];
			if (v)
				pl->needed[v->id] = true;
		}
	}
}

enum oqz_status oqz_plan_groups(struct oqz_planner *pl, struct oqz_err *err)
{
	OQZ_TRY(oqz_plan_constants(pl, false, err));
	for (size_t i = 0; i < pl->g->nodes.n; i++) {
		struct oqz_node *n = pl->g->nodes.v[i];
		if (n->dead)
			continue;
		if (!n->op)
			return oqz_err_set(err, OQZ_E_INTERNAL, "node '%s' has not been resolved", n->name);
		if (groupable(n) && n->out[0] && oqz_type_concrete(&n->out[0]->type))
			find_quants(pl, n, &pl->groups[i]);
		pl->groups[i].act = pl->opt->engine == OQZ_ENGINE_REFERENCE ? NULL : find_act(pl, n);
	}
	if (pl->opt->engine != OQZ_ENGINE_REFERENCE)
		oqz_plan_absorb(pl);
	mark_needed(pl);
	return oqz_plan_constants(pl, true, err);
}
