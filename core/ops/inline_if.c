/* SPDX-License-Identifier: Apache-2.0
 *
 * An If whose condition is known becomes the nodes of its branch. Exporters guard shapes with If ("squeeze if this
 * dimension is 1"); once input shapes are bound the condition is a constant, and the rest of the graph is as static as
 * any other. Branches are functions of their inputs (capture.h), so inlining is a renaming.
 */
#include "core/ops/capture.h"
#include "core/ops/inline_if.h"
#include "core/ops/ops_util.h"

#include <stdlib.h>

struct inlining {
	struct oqz_graph *g;   /* where to */
	struct oqz_node *node; /* the If */
	struct oqz_graph *branch;
	struct oqz_value **map; /* by id of the branch's value */
};

/* The branch's result i takes the place of the If's output i: directly when a node of the branch makes it (once). */
static enum oqz_status place_output(struct inlining *w, int i, struct oqz_err *err)
{
	struct oqz_value *inner = w->branch->outputs.v[i], *outer = w->node->out[i], *in[1], *out[1] = { outer };
	struct oqz_node *made = NULL;

	if (!outer)
		return OQZ_OK;
	outer->producer = NULL;
	w->node->out[i] = NULL;
	if (inner->constant)
		return oqz_value_set_constant(w->g, outer, inner->constant, err);
	if (!w->map[inner->id]) {
		w->map[inner->id] = outer;
		return OQZ_OK;
	}
	in[0] = w->map[inner->id];
	OQZ_TRY(oqz_graph_add_node(w->g, oqz_graph_fresh_name(w->g, w->node->name), "", "Identity", OQZ_OPSET_NEWEST,
	                           in, 1, out, 1, w->node, &made, err));
	return oqz_node_resolve(made, err);
}

/* What a value of the branch is in the graph: mapped already, a constant, or a new value. */
static enum oqz_status counterpart(struct inlining *w, const struct oqz_value *v, struct oqz_value **ret,
                                   struct oqz_err *err)
{
	struct oqz_value **slot;

	*ret = NULL;
	if (!v)
		return OQZ_OK;
	slot = &w->map[v->id];
	if (!*slot) {
		const char *name = oqz_graph_fresh_name(w->g, v->name);

		if (!name)
			return oqz_err_nomem(err, "a name", 0);
		if (v->constant)
			OQZ_TRY(oqz_graph_add_constant(w->g, name, v->constant, slot, err));
		else
			OQZ_TRY(oqz_graph_add_value(w->g, name, slot, err));
		(*slot)->type = v->type;
		(*slot)->kind = v->kind;
	}
	*ret = *slot;
	return OQZ_OK;
}

static enum oqz_status move_node(struct inlining *w, struct oqz_node *n, struct oqz_err *err)
{
	OQZ_CLEANUP_FREE struct oqz_value **in = calloc((size_t)(n->n_in + n->n_out) + 1, sizeof *in);
	struct oqz_value **out = in ? in + n->n_in : NULL;
	struct oqz_node *made = NULL;

	if (!in)
		return oqz_err_nomem(err, "a node of a branch", (size_t)n->n_in * sizeof *in);
	for (int i = 0; i < n->n_in; i++)
		OQZ_TRY(counterpart(w, n->in[i], &in[i], err));
	for (int i = 0; i < n->n_out; i++)
		OQZ_TRY(counterpart(w, n->out[i], &out[i], err));
	OQZ_TRY(oqz_graph_add_node(w->g, oqz_graph_fresh_name(w->g, n->name), n->domain, n->op_type, n->opset, in,
	                           n->n_in, out, n->n_out, w->node, &made, err));
	for (size_t i = 0; i < n->n_attr; i++) {
		OQZ_TRY(oqz_node_set_attr(made, &n->attr[i], err));
		if (n->attr[i].graph)
			n->attr[i].graph->parent = w->g;
		n->attr[i].graph = NULL; /* taken over */
	}
	return oqz_node_resolve(made, err);
}

static void seed_inputs(struct inlining *w, int first)
{
	for (size_t i = 0; i < w->branch->inputs.n; i++)
		w->map[w->branch->inputs.v[i]->id] = w->node->in[(size_t)first + i];
}

enum oqz_status oqz_inline_if(struct oqz_node *n, bool *ret_done, struct oqz_err *err)
{
	struct oqz_graph *body[OQZ_NODE_MAX_BODIES];
	const struct oqz_tensor *cond = n->op && n->op->id == OQZ_OP_IF && n->in[0] ? n->in[0]->constant : NULL;

	*ret_done = false;
	if (!cond || oqz_tensor_nelem(cond) != 1 || oqz_node_bodies(n, body) != 2)
		return OQZ_OK;
	bool yes = oqz_load_i(cond->dtype, cond->data, 0) != 0;
	struct inlining w = { .g = n->graph, .node = n, .branch = body[!yes] };
	if (w.branch->inputs.n != (size_t)oqz_node_captured(n, !yes) || w.branch->outputs.n != (size_t)n->n_out)
		OQZ_FAIL(err, OQZ_E_DATA, "node '%s' (If): a branch with inputs or other outputs", n->name);
	OQZ_CLEANUP_FREE struct oqz_value **map = calloc(w.branch->values.n + 1, sizeof *map);
	if (!map)
		return oqz_err_nomem(err, "a branch", w.branch->values.n * sizeof *map);
	w.map = map;
	seed_inputs(&w, 1 + (yes ? 0 : oqz_node_captured(n, 0)));
	for (int i = 0; i < n->n_out; i++)
		OQZ_TRY(place_output(&w, i, err));
	for (size_t i = 0; i < w.branch->nodes.n; i++)
		OQZ_TRY(move_node(&w, w.branch->nodes.v[i], err));
	n->dead = true;
	*ret_done = true;
	return OQZ_OK;
}
