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

static enum oqz_status join(struct oqz_node *mul, int i, struct oqz_node *gate, struct oqz_err *err)
{
	const struct oqz_op *op = oqz_op_row(product_with(gate));
	struct oqz_value *x = mul->in[!i];

	OQZ_TRY(oqz_node_set_input(gate, 0, NULL, err));
	gate->dead = true;
	OQZ_TRY(oqz_node_set_input(mul, 0, x, err));
	OQZ_TRY(oqz_node_set_input(mul, 1, NULL, err));
	mul->n_in = 1;
	mul->op_type = op->name;
	mul->opset = mul->opset < op->since ? op->since : mul->opset;
	return oqz_node_resolve(mul, err);
}

enum oqz_status oqz_plan_rewrite(struct oqz_planner *pl, struct oqz_err *err)
{
	for (size_t k = 0; k < pl->g->nodes.n; k++) {
		struct oqz_node *n = pl->g->nodes.v[k];
		if (!n->op || n->op->id != OQZ_OP_MUL || n->n_in != 2 || n->in[0] == n->in[1])
			continue;
		for (int i = 1; i >= 0 && n->op->id == OQZ_OP_MUL; i--) {
			struct oqz_node *gate = gate_of(pl, n, i);
			if (gate)
				OQZ_TRY(join(n, i, gate, err));
		}
	}
	return OQZ_OK;
}
