/* SPDX-License-Identifier: Apache-2.0
 *
 * Activations that quantized layers take over from the layer before: in `Conv -> Relu -> Q -> DQ -> Conv` the first
 * output is a tap and so the Relu cannot be fused into it, but the second layer reads every number once to make its
 * code, and can apply the Relu on the way. That saves writing and reading the tensor between. The arithmetic is the
 * same row function on the same numbers.
 */
#include "core/exec/program.h"

/* Cheap enough to be done again by each of several readers. */
static bool cheap(const struct oqz_node *n)
{
	switch (n->op->id) {
	case OQZ_OP_RELU:
	case OQZ_OP_LEAKY_RELU:
	case OQZ_OP_PRELU:
	case OQZ_OP_CLIP:
	case OQZ_OP_HARD_SIGMOID:
	case OQZ_OP_HARD_SWISH: return true;
	default: return false;
	}
}

/* How many steps quantize v themselves; with `act` given they read in front of it from now on. */
static size_t quantizing_readers(struct oqz_planner *pl, const struct oqz_value *v, struct oqz_node *act)
{
	size_t n = 0;

	for (size_t k = 0; k < pl->g->nodes.n; k++)
		for (int i = 0; i < 2; i++) {
			struct oqz_group *g = &pl->groups[k];
			if (g->in[i] != v || !g->quant[i].from_float || g->quant[i].codes)
				continue;
			n++;
			if (act) {
				g->quant[i].pre = act;
				g->quant[i].pre_row = oqz_row1_of(act, &g->quant[i].pre_params);
				g->quant[i].pre_clamps = oqz_row1_clamps(act, &g->quant[i].pre_lo, &g->quant[i].pre_hi);
				g->in[i] = act->in[0];
			}
		}
	return n;
}

static bool fused_before(const struct oqz_planner *pl, const struct oqz_node *act)
{
	const struct oqz_node *p = act->in[0]->producer;

	return p && p->graph == act->graph && pl->groups[p->index].act == act;
}

void oqz_plan_absorb(struct oqz_planner *pl)
{
	struct oqz_row_params ignored;

	for (size_t k = 0; k < pl->g->nodes.n; k++) {
		struct oqz_node *n = pl->g->nodes.v[k];
		struct oqz_value *x = n->n_in ? n->in[0] : NULL, *v = n->n_out == 1 ? n->out[0] : NULL;
		if (n->dead || !n->op || !x || !v || x->constant || pl->keep[v->id] || v->is_output || !v->uses.n ||
		    (v->uses.n > 1 && !cheap(n)) || !oqz_row1_of(n, &ignored) || fused_before(pl, n))
			continue;
		if (x->type.dtype != OQZ_DT_F32 || !oqz_type_concrete(&x->type) || !oqz_type_concrete(&v->type) ||
		    !oqz_shape_equal(&x->type.shape, &v->type.shape))
			continue;
		if (quantizing_readers(pl, v, NULL) == v->uses.n)
			quantizing_readers(pl, v, n);
	}
}
