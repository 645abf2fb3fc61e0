/* SPDX-License-Identifier: Apache-2.0
 *
 * Restoring the invariants of a graph after edits. Order: a depth-first walk over the nodes in the order they have,
 * each after what it depends on; so nodes that already stand right keep their places. The walk has its own stack,
 * because a model may chain more nodes than the C stack holds; only bodies recurse, at most OQZ_MAX_NESTING deep.
 */
#include "core/graph/graph_impl.h"

#include <string.h>

static enum oqz_status remove_dead_nodes(struct oqz_graph *g, struct oqz_err *err)
{
	size_t kept = 0;

	oqz_map_release(&g->node_by_name);
	for (size_t i = 0; i < g->nodes.n; i++) {
		struct oqz_node *n = g->nodes.v[i];
		if (!n->dead) {
			if (!oqz_map_set(&g->node_by_name, n->name, n))
				return oqz_graph_nomem(g, err);
			g->nodes.v[kept++] = n;
			continue;
		}
		for (int k = 0; k < n->n_out; k++)
			if (n->out[k] && n->out[k]->producer == n)
				n->out[k]->producer = NULL;
		oqz_node_discard(n);
	}
	g->nodes.n = kept;
	return OQZ_OK;
}

/* Who makes what, from the nodes' own lists: passes move outputs from node to node. */
static enum oqz_status set_producers(struct oqz_graph *g, struct oqz_err *err)
{
	for (size_t i = 0; i < g->values.n; i++)
		g->values.v[i]->producer = NULL;
	for (size_t i = 0; i < g->nodes.n; i++) {
		struct oqz_node *n = g->nodes.v[i];
		for (int k = 0; k < n->n_out; k++) {
			struct oqz_value *v = n->out[k];
			if (!v)
				continue;
			if (v->constant) { /* evaluated meanwhile */
				n->out[k] = NULL;
				continue;
			}
			if (v->producer || v->is_input)
				OQZ_FAIL(err, OQZ_E_DATA, "value '%s', an output of node '%s' (%s), has another source",
				         v->name, n->name, n->op_type);
			v->producer = n;
			v->producer_output = k;
		}
	}
	return OQZ_OK;
}

/* Calls visit(ctx, g's node that holds the use, user, value) for every use of g's own values, in node order. */
typedef bool use_fn(void *ctx, struct oqz_node *holder, struct oqz_node *user, struct oqz_value *v);

static bool for_uses(const struct oqz_graph *g, struct oqz_node *holder, struct oqz_node *n, use_fn *visit, void *ctx)
{
	for (int i = 0; i < n->n_in; i++)
		if (n->in[i] && n->in[i]->graph == g && !visit(ctx, holder, n, n->in[i]))
			return false;
	for (size_t k = 0; k < n->n_attr; k++) {
		struct oqz_graph *body = n->attr[k].graph;
		for (size_t i = 0; body && i < body->nodes.n; i++)
			if (!for_uses(g, holder, body->nodes.v[i], visit, ctx))
				return false;
	}
	return true;
}

static bool for_all_uses(const struct oqz_graph *g, use_fn *visit, void *ctx)
{
	for (size_t i = 0; i < g->nodes.n; i++)
		if (!for_uses(g, g->nodes.v[i], g->nodes.v[i], visit, ctx))
			return false;
	return true;
}

/* Edges of the dependency graph: deps[first[i] .. first[i + 1]) are the nodes that node i needs. */
struct edges {
	OQZ_VEC(int) deps;
	size_t *first;
};

static bool add_edge(void *ctx, struct oqz_node *holder, struct oqz_node *user, struct oqz_value *v)
{
	struct edges *e = ctx;

	(void)user, (void)holder;
	return !v->producer || oqz_vec_push(&e->deps, v->producer->index);
}

struct frame {
	int node;
	size_t next; /* edge to look at next */
};

struct order {
	struct edges e;
	unsigned char *state; /* 0 new, 1 on the stack, 2 placed */
	struct frame *stack;
	struct oqz_node **sorted;
	size_t placed;
};

static void order_release(struct order *o)
{
	oqz_vec_release(&o->e.deps);
	free(o->e.first);
	free(o->state);
	free(o->stack);
	free(o->sorted);
}

static enum oqz_status place(struct oqz_graph *g, struct order *o, int root, struct oqz_err *err)
{
	size_t depth = 0;

	if (o->state[root])
		return OQZ_OK;
	o->stack[depth++] = (struct frame) { root, o->e.first[root] };
	o->state[root] = 1;
	while (depth) {
		struct frame *f = &o->stack[depth - 1];
		if (f->next == o->e.first[f->node + 1]) {
			o->state[f->node] = 2;
			o->sorted[o->placed++] = g->nodes.v[f->node];
			depth--;
			continue;
		}
		int dep = o->e.deps.v[f->next++];
		if (o->state[dep] == 1)
			OQZ_FAIL(err, OQZ_E_DATA, "%s: node '%s' (%s) is part of a cycle",
			         g->source ? g->source : "graph", g->nodes.v[dep]->name, g->nodes.v[dep]->op_type);
		if (o->state[dep] == 0) {
			o->state[dep] = 1;
			o->stack[depth++] = (struct frame) { dep, o->e.first[dep] };
		}
	}
	return OQZ_OK;
}

static enum oqz_status sort_nodes(struct oqz_graph *g, struct oqz_err *err)
{
	OQZ_CLEANUP(order_release) struct order o = { 0 };
	size_t n = g->nodes.n;

	o.e.first = calloc(n + 1, sizeof *o.e.first);
	o.state = calloc(n + 1, sizeof *o.state);
	o.stack = calloc(n + 1, sizeof *o.stack);
	o.sorted = calloc(n + 1, sizeof(struct oqz_node *));
	if (!o.e.first || !o.state || !o.stack || !o.sorted)
		return oqz_graph_nomem(g, err);
	for (size_t i = 0; i < n; i++)
		g->nodes.v[i]->index = (int)i;
	for (size_t i = 0; i < n; i++) {
		o.e.first[i] = o.e.deps.n;
		if (!for_uses(g, g->nodes.v[i], g->nodes.v[i], add_edge, &o.e))
			return oqz_graph_nomem(g, err);
	}
	o.e.first[n] = o.e.deps.n;
	for (size_t i = 0; i < n; i++)
		OQZ_TRY(place(g, &o, (int)i, err));
	if (n)
		memcpy(g->nodes.v, o.sorted, n * sizeof(struct oqz_node *));
	for (size_t i = 0; i < n; i++)
		g->nodes.v[i]->index = (int)i;
	return OQZ_OK;
}

static bool add_use(void *ctx, struct oqz_node *holder, struct oqz_node *user, struct oqz_value *v)
{
	(void)ctx, (void)holder;
	return oqz_value_add_use(v, user);
}

static enum oqz_status sort_uses(struct oqz_graph *g, struct oqz_err *err)
{
	for (size_t i = 0; i < g->values.n; i++)
		g->values.v[i]->uses.n = 0;
	return for_all_uses(g, add_use, NULL) ? OQZ_OK : oqz_graph_nomem(g, err);
}

static enum oqz_status remove_unused_values(struct oqz_graph *g, struct oqz_err *err)
{
	size_t kept = 0;
	enum oqz_status st = OQZ_OK;

	oqz_map_release(&g->by_name);
	for (size_t i = 0; i < g->values.n; i++) {
		struct oqz_value *v = g->values.v[i];
		if (!v->is_input && !v->is_output && v->uses.n == 0) {
			if (v->producer)
				v->producer->out[v->producer_output] = NULL;
			if (v->constant)
				oqz_tensor_release(v->constant);
			oqz_vec_release(&v->uses);
			continue;
		}
		if (st == OQZ_OK && !v->producer && !v->is_input && !v->constant)
			st = oqz_err_set(err, OQZ_E_DATA, "%s: value '%s'%s%s%s is used but nothing makes it",
			                 g->source ? g->source : "graph", v->name, v->uses.n ? " (input of node '" : "",
			                 v->uses.n ? v->uses.v[0]->name : "", v->uses.n ? "')" : "");
		v->id = (int)kept;
		g->values.v[kept++] = v;
		if (!oqz_map_set(&g->by_name, v->name, v))
			st = oqz_graph_nomem(g, err);
	}
	g->values.n = kept;
	return st;
}

enum oqz_status oqz_graph_finish(struct oqz_graph *g, struct oqz_err *err)
{
	OQZ_TRY(remove_dead_nodes(g, err));
	for (size_t i = 0; i < g->nodes.n; i++)
		for (size_t k = 0; k < g->nodes.v[i]->n_attr; k++)
			if (g->nodes.v[i]->attr[k].graph)
				OQZ_TRY(oqz_graph_finish(g->nodes.v[i]->attr[k].graph, err));
	OQZ_TRY(set_producers(g, err));
	OQZ_TRY(sort_nodes(g, err));
	OQZ_TRY(sort_uses(g, err));
	return remove_unused_values(g, err);
}
