/* SPDX-License-Identifier: Apache-2.0
 *
 * Activations that exporters write as two nodes become the one node they mean: x * Sigmoid(x) is Swish, x *
 * HardSigmoid(x) with slope 1/6 is HardSwish. So they can be fused into the operator before them. Only in the program's
 * own graph, only where nobody looks at the value between, and never under the reference engine.
 */
#include "core/exec/program.h"

#include <math.h>

static float float_attr(const struct oqz_node *n, const char *name, float dflt)
{
	const struct oqz_attr *a = oqz_node_attr(n, name);

	return a ? a->f : dflt;
}

/* The gate x -> s(x) whose product with x is one operator. */
static enum oqz_op_id product_with(const struct oqz_node *gate)
{
	if (gate->op->id == OQZ_OP_SIGMOID)
		return OQZ_OP_SWISH;
	if (gate->op->id == OQZ_OP_HARD_SIGMOID && fabsf(float_attr(gate, "alpha", 0.2f) - 1.0f / 6) < 1e-6f &&
	    float_attr(gate, "beta", 0.5f) == 0.5f)
		return OQZ_OP_HARD_SWISH;
	return OQZ_OP_NONE;
}

/* Input i of a Mul is the gate of the other input, and nobody else's. */
static struct oqz_node *gate_of(const struct oqz_planner *pl, const struct oqz_node *mul, int i)
{
	struct oqz_value *s = mul->in[i], *x = mul->in[!i];
	struct oqz_node *gate = s ? s->producer : NULL;

	if (!gate || !gate->op || gate->in[0] != x || gate->graph != mul->graph || s->uses.n != 1 || pl->keep[s->id] ||
	    product_with(gate) == OQZ_OP_NONE)
		return NULL;
	return gate;
}

/* The node is no longer there for the rest of planning. */
static enum oqz_status drop(struct oqz_node *n, struct oqz_err *err)
{
	for (int i = 0; i < n->n_in; i++)
		OQZ_TRY(oqz_node_set_input(n, i, NULL, err));
	n->dead = true;
	return OQZ_OK;
}

/* `n` becomes op(x). */
static enum oqz_status become(struct oqz_node *n, enum oqz_op_id id, struct oqz_value *x, struct oqz_err *err)
{
	const struct oqz_op *op = oqz_op_row(id);

	for (int i = 1; i < n->n_in; i++)
		OQZ_TRY(oqz_node_set_input(n, i, NULL, err));
	OQZ_TRY(oqz_node_set_input(n, 0, x, err));
	n->n_in = 1;
	n->op_type = op->name;
	n->opset = n->opset < op->since ? op->since : n->opset;
	return oqz_node_resolve(n, err);
}

static enum oqz_status join(struct oqz_node *mul, int i, struct oqz_node *gate, struct oqz_err *err)
{
	enum oqz_op_id id = product_with(gate);
	struct oqz_value *x = mul->in[!i];

	OQZ_TRY(drop(gate, err));
	return become(mul, id, x, err);
}

/* Input i is this one number. */
static bool is_number(const struct oqz_node *n, int i, double want)
{
	const struct oqz_tensor *t = i < n->n_in && n->in[i] ? n->in[i]->constant : NULL;

	return t && oqz_tensor_nelem(t) == 1 && fabs(oqz_load_f(t->dtype, t->data, 0) - want) < 1e-6;
}

/* The producer of a value that only one node reads. */
static struct oqz_node *private_producer(const struct oqz_planner *pl, const struct oqz_value *v, enum oqz_op_id id)
{
	struct oqz_node *n = v ? v->producer : NULL;

	return n && n->op && n->op->id == id && v->uses.n == 1 && !pl->keep[v->id] && !n->dead ? n : NULL;
}

/* x * Clip(x + 3, 0, 6) divided by 6 (or times a sixth), in any order of the factors. */
static enum oqz_status find_hard_swish(const struct oqz_planner *pl, struct oqz_node *n, struct oqz_err *err)
{
	bool sixth = n->op->id == OQZ_OP_DIV ? is_number(n, 1, 6) : n->op->id == OQZ_OP_MUL && is_number(n, 1, 1.0 / 6);
	struct oqz_node *mul = sixth ? private_producer(pl, n->in[0], OQZ_OP_MUL) : NULL;

	for (int i = 0; mul && i < 2; i++) {
		struct oqz_node *clip = private_producer(pl, mul->in[i], OQZ_OP_CLIP);
		struct oqz_node *add = clip ? private_producer(pl, clip->in[0], OQZ_OP_ADD) : NULL;
		struct oqz_value *x = mul->in[!i];
		if (!add || !is_number(clip, 1, 0) || !is_number(clip, 2, 6) || !x || x->type.dtype != OQZ_DT_F32 ||
		    !n->out[0] || !oqz_shape_equal(&n->out[0]->type.shape, &x->type.shape))
			continue;
		if (!(add->in[0] == x && is_number(add, 1, 3)) && !(add->in[1] == x && is_number(add, 0, 3)))
			continue;
		OQZ_TRY(drop(mul, err));
		OQZ_TRY(drop(clip, err));
		OQZ_TRY(drop(add, err));
		return become(n, OQZ_OP_HARD_SWISH, x, err);
	}
	return OQZ_OK;
}

enum oqz_status oqz_plan_rewrite(struct oqz_planner *pl, struct oqz_err *err)
{
	for (size_t k = 0; k < pl->g->nodes.n; k++) {
		struct oqz_node *n = pl->g->nodes.v[k];
		if (!n->op || n->dead || n->n_in != 2 || n->in[0] == n->in[1])
			continue;
		OQZ_TRY(find_hard_swish(pl, n, err));
		if (n->op->id != OQZ_OP_MUL)
			continue;
		for (int i = 1; i >= 0 && n->op->id == OQZ_OP_MUL; i--) {
			struct oqz_node *gate = gate_of(pl, n, i);
			if (gate)
				OQZ_TRY(join(n, i, gate, err));
		}
	}
	return OQZ_OK;
}
