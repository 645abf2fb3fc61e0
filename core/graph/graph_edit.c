/* SPDX-License-Identifier: Apache-2.0
 *
 * Edits: nodes and rewiring. Use lists are right after every call; their order, and the order of nodes, is
 * restored by oqz_graph_finish().
 */
#include "core/graph/graph_impl.h"

#include <string.h>

static size_t position(const struct oqz_graph *g, const struct oqz_node *n)
{
	size_t i = 0;

	while (i < g->nodes.n && g->nodes.v[i] != n)
		i++;
	return i;
}

/* Claims the outputs for the node; on a conflict nothing is claimed. */
static enum oqz_status claim_outputs(struct oqz_node *n, struct oqz_err *err)
{
	for (int i = 0; i < n->n_out; i++) {
		struct oqz_value *v = n->out[i];
		if (!v)
			continue;
		if (v->producer || v->constant || v->is_input || v->graph != n->graph) {
			while (i-- > 0)
				if (n->out[i])
					n->out[i]->producer = NULL;
			OQZ_FAIL(err, OQZ_E_DATA, "value '%s', an output of node '%s' (%s), has another source",
			         v->name, n->name, n->op_type);
		}
		v->producer = n;
		v->producer_output = i;
	}
	return OQZ_OK;
}

static enum oqz_status add_uses(struct oqz_node *n, struct oqz_err *err)
{
	for (int i = 0; i < n->n_in; i++)
		if (n->in[i] && !oqz_value_add_use(n->in[i], n))
			return oqz_graph_nomem(n->graph, err);
	return OQZ_OK;
}

enum oqz_status oqz_graph_add_node(struct oqz_graph *g, const char *name, const char *domain, const char *op_type,
                                   int opset, struct oqz_value *const *in, int n_in, struct oqz_value *const *out,
                                   int n_out, struct oqz_node *before, struct oqz_node **ret, struct oqz_err *err)
{
	struct oqz_node *n = OQZ_ARENA_NEW(g->arena, struct oqz_node);

	if (!n || n_in < 0 || n_out < 0)
		return oqz_graph_nomem(g, err);
	const char *first = NULL;
	for (int i = 0; i < n_out && !first; i++)
		first = out[i] ? out[i]->name : NULL;
	n->graph = g;
	n->name = oqz_node_unique_name(g, name, op_type, first);
	n->domain = domain && *domain ? oqz_arena_strdup(g->arena, domain) : "";
	n->op_type = oqz_arena_strdup(g->arena, op_type);
	n->opset = opset;
	n->in = OQZ_ARENA_NEW_N(g->arena, struct oqz_value *, (size_t)n_in + 1);
	n->out = OQZ_ARENA_NEW_N(g->arena, struct oqz_value *, (size_t)n_out + 1);
	if (!n->name || !n->domain || !n->op_type || !n->in || !n->out)
		return oqz_graph_nomem(g, err);
	if (n_in)
		memcpy(n->in, in, (size_t)n_in * sizeof *in);
	if (n_out)
		memcpy(n->out, out, (size_t)n_out * sizeof *out);
	n->n_in = n_in;
	n->n_out = n_out;
	OQZ_TRY(claim_outputs(n, err));
	OQZ_TRY(add_uses(n, err));

	size_t at = before ? position(g, before) : g->nodes.n;
	if (!oqz_map_set(&g->node_by_name, n->name, n) || !oqz_vec_push(&g->nodes, n))
		return oqz_graph_nomem(g, err);
	memmove(g->nodes.v + at + 1, g->nodes.v + at, (g->nodes.n - 1 - at) * sizeof *g->nodes.v);
	g->nodes.v[at] = n;
	n->index = (int)at;
	if (ret)
		*ret = n;
	return OQZ_OK;
}

void oqz_node_discard(struct oqz_node *n)
{
	for (int i = 0; i < n->n_in; i++)
		if (n->in[i] && n->in[i]->graph != n->graph)
			oqz_value_remove_use(n->in[i], n);
	for (size_t k = 0; k < n->n_attr; k++) {
		struct oqz_graph *body = n->attr[k].graph;
		for (size_t i = 0; body && i < body->nodes.n; i++)
			oqz_node_discard(body->nodes.v[i]);
		oqz_graph_free(body);
		n->attr[k].graph = NULL;
	}
}

enum oqz_status oqz_node_set_input(struct oqz_node *n, int i, struct oqz_value *v, struct oqz_err *err)
{
	if (i < 0)
		OQZ_FAIL(err, OQZ_E_INTERNAL, "node '%s' has no input %d", n->name, i);
	if (i >= n->n_in) {
		struct oqz_value **in = OQZ_ARENA_NEW_N(n->graph->arena, struct oqz_value *, (size_t)i + 2);
		if (!in)
			return oqz_graph_nomem(n->graph, err);
		if (n->n_in)
			memcpy(in, n->in, (size_t)n->n_in * sizeof *in);
		n->in = in;
		n->n_in = i + 1;
	}
	if (v && !oqz_value_add_use(v, n))
		return oqz_graph_nomem(n->graph, err);
	if (n->in[i])
		oqz_value_remove_use(n->in[i], n);
	n->in[i] = v;
	return OQZ_OK;
}

bool oqz_graph_can_replace(const struct oqz_value *from, const struct oqz_value *to)
{
	return from == to || !from->is_output || (!to->is_input && !to->is_output && to->graph == from->graph);
}

/* The output list shows `to` from now on, under the name that the list always had. */
static enum oqz_status take_output(struct oqz_graph *g, struct oqz_value *from, struct oqz_value *to,
                                   struct oqz_err *err)
{
	const char *name = from->name;

	if (!oqz_graph_can_replace(from, to))
		OQZ_FAIL(err, OQZ_E_INTERNAL, "'%s' cannot stand for the output '%s': it has a name to keep", to->name,
		         name);
	if (!oqz_map_set(&g->by_name, name, to) || !oqz_map_set(&g->by_name, to->name, from))
		return oqz_graph_nomem(g, err);
	from->name = to->name;
	to->name = name;
	for (size_t i = 0; i < g->outputs.n; i++)
		if (g->outputs.v[i] == from)
			g->outputs.v[i] = to;
	from->is_output = false;
	to->is_output = true;
	return OQZ_OK;
}

enum oqz_status oqz_graph_replace(struct oqz_graph *g, struct oqz_value *from, struct oqz_value *to,
                                  struct oqz_err *err)
{
	if (from == to)
		return OQZ_OK;
	if (from->is_output)
		OQZ_TRY(take_output(g, from, to, err));
	for (size_t u = 0; u < from->uses.n; u++) {
		struct oqz_node *n = from->uses.v[u];
		for (int i = 0; i < n->n_in; i++)
			if (n->in[i] == from) {
				if (!oqz_value_add_use(to, n))
					return oqz_graph_nomem(g, err);
				n->in[i] = to;
				break;
			}
	}
	from->uses.n = 0;
	return OQZ_OK;
}
