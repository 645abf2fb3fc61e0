/* SPDX-License-Identifier: Apache-2.0
 *
 * Cloning: new nodes and values, shared everything else. Values map by their id; a body's references to outer values go
 * through the chain of maps of the graphs around it.
 */
#include "core/graph/graph_impl.h"

#include <string.h>

struct scope {
	const struct oqz_graph *from;
	struct oqz_graph *to;
	struct oqz_value **map; /* by id in `from` */
	const struct scope *outer;
};

static enum oqz_status clone_graph(const struct oqz_graph *from, const struct scope *outer, struct oqz_graph **ret,
                                   struct oqz_err *err);

static struct oqz_value *mapped(const struct scope *s, const struct oqz_value *v)
{
	while (v && s && s->from != v->graph)
		s = s->outer;
	return v && s ? s->map[v->id] : NULL;
}

static enum oqz_status clone_value(const struct scope *s, const struct oqz_value *v, struct oqz_err *err)
{
	struct oqz_graph *g = s->to;
	struct oqz_value *c = oqz_arena_dup(g->arena, v, sizeof *v);

	if (!c)
		return oqz_graph_nomem(g, err);
	memset(&c->uses, 0, sizeof c->uses);
	c->graph = g;
	c->producer = NULL;
	c->constant = NULL;
	if (!oqz_map_set(&g->by_name, c->name, c) || !oqz_vec_push(&g->values, c))
		return oqz_graph_nomem(g, err);
	s->map[v->id] = c;
	if (v->constant) {
		OQZ_TRY(oqz_value_set_constant(g, c, v->constant, err));
		c->type = v->type;
	}
	return OQZ_OK;
}

static enum oqz_status clone_attrs(const struct scope *s, struct oqz_node *c, struct oqz_err *err)
{
	const struct oqz_attr *old = c->attr;
	size_t n = c->n_attr, room = 1;

	while (room < n) /* the rule by which oqz_node_set_attr() grows the list */
		room *= 2;
	c->n_attr = 0;
	c->attr = OQZ_ARENA_NEW_N(s->to->arena, struct oqz_attr, room);
	if (!c->attr)
		return oqz_graph_nomem(s->to, err);
	for (size_t i = 0; i < n; i++) {
		c->attr[i] = old[i];
		c->attr[i].graph = NULL;
		c->n_attr = i + 1; /* what is not copied yet must not be freed with the clone */
		if (old[i].graph)  /* kernels find bodies by attribute, never through `params`, which is shared */
			OQZ_TRY(clone_graph(old[i].graph, s, &c->attr[i].graph, err));
	}
	return OQZ_OK;
}

static enum oqz_status clone_node(const struct scope *s, const struct oqz_node *n, struct oqz_err *err)
{
	struct oqz_graph *g = s->to;
	struct oqz_node *c = oqz_arena_dup(g->arena, n, sizeof *n);

	if (!c)
		return oqz_graph_nomem(g, err);
	c->graph = g;
	c->in = OQZ_ARENA_NEW_N(g->arena, struct oqz_value *, (size_t)n->n_in + 1);
	c->out = OQZ_ARENA_NEW_N(g->arena, struct oqz_value *, (size_t)n->n_out + 1);
	if (!c->in || !c->out)
		return oqz_graph_nomem(g, err);
	OQZ_TRY(clone_attrs(s, c, err));
	if (!oqz_map_set(&g->node_by_name, c->name, c) || !oqz_vec_push(&g->nodes, c))
		return oqz_graph_nomem(g, err);
	for (int i = 0; i < n->n_in; i++) {
		c->in[i] = mapped(s, n->in[i]);
		if (c->in[i] && !oqz_value_add_use(c->in[i], c))
			return oqz_graph_nomem(g, err);
	}
	for (int i = 0; i < n->n_out; i++) {
		c->out[i] = mapped(s, n->out[i]);
		if (c->out[i])
			c->out[i]->producer = c;
	}
	return OQZ_OK;
}

static enum oqz_status clone_contents(const struct scope *s, struct oqz_err *err)
{
	const struct oqz_graph *from = s->from;
	struct oqz_graph *g = s->to;

	g->name = from->name;
	g->source = from->source;
	g->fresh = from->fresh;
	g->parent = s->outer ? s->outer->to : NULL;
	if (!oqz_storage_retain(g, from->storage))
		return oqz_graph_nomem(g, err);
	for (size_t i = 0; i < from->opsets.n; i++)
		if (!oqz_vec_push(&g->opsets, from->opsets.v[i]))
			return oqz_graph_nomem(g, err);
	for (size_t i = 0; i < from->metadata.n; i++)
		if (!oqz_vec_push(&g->metadata, from->metadata.v[i]))
			return oqz_graph_nomem(g, err);
	for (size_t i = 0; i < from->values.n; i++)
		OQZ_TRY(clone_value(s, from->values.v[i], err));
	for (size_t i = 0; i < from->inputs.n; i++)
		if (!oqz_vec_push(&g->inputs, mapped(s, from->inputs.v[i])))
			return oqz_graph_nomem(g, err);
	for (size_t i = 0; i < from->outputs.n; i++)
		if (!oqz_vec_push(&g->outputs, mapped(s, from->outputs.v[i])))
			return oqz_graph_nomem(g, err);
	for (size_t i = 0; i < from->nodes.n; i++)
		OQZ_TRY(clone_node(s, from->nodes.v[i], err));
	return OQZ_OK;
}

static enum oqz_status clone_graph(const struct oqz_graph *from, const struct scope *outer, struct oqz_graph **ret,
                                   struct oqz_err *err)
{
	OQZ_CLEANUP(oqz_graph_free_cleanup) struct oqz_graph *g = oqz_graph_new();
	OQZ_CLEANUP_FREE struct oqz_value **map = calloc(from->values.n + 1, sizeof *map);

	if (!g || !map)
		return oqz_graph_nomem(from, err);
	struct scope s = { .from = from, .to = g, .map = map, .outer = outer };
	OQZ_TRY(clone_contents(&s, err));
	*ret = oqz_steal(g);
	return OQZ_OK;
}

enum oqz_status oqz_graph_clone(const struct oqz_graph *g, struct oqz_graph **ret, struct oqz_err *err)
{
	if (g->parent)
		OQZ_FAIL(err, OQZ_E_INTERNAL, "the body '%s' is cloned with the graph around it, not alone", g->name);
	return clone_graph(g, NULL, ret, err);
}
