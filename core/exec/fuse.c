/* SPDX-License-Identifier: Apache-2.0
 *
 * What may be fused behind an operator: an activation, or an addition and its activation. The addition is that of a
 * bias (MatMul, which has none of its own) or of a residual branch (Conv) that has been computed by then; the operator
 * adds it before it stores its output, so that a tensor is neither written nor read for it. Looked for when the
 * operator's turn comes: of two convolutions that are added, the later one can take the other's output in.
 */
#include "core/exec/program.h"

/* The Add behind n and its other operand, when nobody else looks at n's output. */
static const struct oqz_node *find_add(const struct oqz_planner *pl, const struct oqz_node *n,
                                       struct oqz_value **ret_other)
{
	struct oqz_value *v = n->out[0];

	if (n->n_out != 1 || !v || !oqz_value_private(pl, v) || v->type.dtype != OQZ_DT_F32 ||
	    !oqz_type_concrete(&v->type))
		return NULL;
	const struct oqz_node *add = v->uses.v[0];
	if (!add->op || add->op->id != OQZ_OP_ADD || add->dead || add->graph != n->graph || add->n_in != 2)
		return NULL;
	struct oqz_value *other = add->in[add->in[0] == v];
	if (!other || other == v || other == n->in[0] || oqz_value_type(other).dtype != OQZ_DT_F32 ||
	    !oqz_shape_equal(&add->out[0]->type.shape, &v->type.shape))
		return NULL;
	*ret_other = other;
	return add;
}

/* One number per column of the product, or one for all. */
static bool is_row(const struct oqz_tensor *t, const struct oqz_shape *out)
{
	int64_t n = oqz_tensor_nelem(t), columns = out->rank ? out->dim[out->rank - 1] : 0;

	return n == columns && t->shape.rank > 0 && t->shape.dim[t->shape.rank - 1] == n;
}

void oqz_plan_fuse(const struct oqz_planner *pl, const struct oqz_node *n, struct oqz_fuse *ret)
{
	bool conv = n->op->id == OQZ_OP_CONV, matmul = n->op->id == OQZ_OP_MATMUL;
	const struct oqz_group *g = &pl->groups[n->index];
	struct oqz_value *other;

	*ret = (struct oqz_fuse) { .act = g->act };
	const struct oqz_node *add =
	    (conv || (matmul && n->n_in == 2)) && !g->group && pl->opt->engine != OQZ_ENGINE_REFERENCE
	        ? find_add(pl, n, &other)
	        : NULL;
	if (!add)
		return;
	if (conv ? other->constant || pl->made[other->id] < 0 ||
	               pl->p->slots.v[pl->made[other->id]].kind == OQZ_SLOT_HEAP ||
	               !oqz_shape_equal(&other->type.shape, &add->out[0]->type.shape)
	         : !other->constant || !is_row(other->constant, &n->out[0]->type.shape))
		return;
	ret->add = add;
	ret->add_act = pl->groups[add->index].act;
	ret->other = other;
	ret->add_in = conv ? 3 : 2; /* behind the operator's own inputs, of which MatMul's bias is none yet */
}
