/* SPDX-License-Identifier: Apache-2.0
 *
 * Graph life time, values, names. Nodes and values live in the graph's arena; only what grows (lists, maps) and what is
 * counted (constants) needs releasing one by one.
 */
#include "core/graph/graph_impl.h"
#include "core/base/str.h"

#include <string.h>

static void storage_unref(struct oqz_storage *s)
{
	if (!s || atomic_fetch_sub_explicit(&s->refs, 1, memory_order_acq_rel) != 1)
		return;
	/* Origins are listed flat (see oqz_storage_retain), so this recursion is one level deep. */
	for (size_t i = 0; i < s->origins.n; i++)
		storage_unref(s->origins.v[i]);
	oqz_vec_release(&s->origins);
	for (size_t i = 0; i < s->tensors.n; i++)
		oqz_tensor_release(s->tensors.v[i]);
	oqz_vec_release(&s->tensors);
	oqz_arena_free(s->arena);
	free(s);
}

static bool retain_one(struct oqz_graph *g, struct oqz_storage *s)
{
	for (size_t i = 0; i < g->storage->origins.n; i++)
		if (g->storage->origins.v[i] == s)
			return true;
	if (!oqz_vec_push(&g->storage->origins, s))
		return false;
	atomic_fetch_add_explicit(&s->refs, 1, memory_order_relaxed);
	return true;
}

bool oqz_storage_retain(struct oqz_graph *g, struct oqz_storage *s)
{
	for (size_t i = 0; i < s->origins.n; i++)
		if (!retain_one(g, s->origins.v[i]))
			return false;
	return retain_one(g, s);
}

struct oqz_graph *oqz_graph_new(void)
{
	struct oqz_arena *a = oqz_arena_new();
	struct oqz_storage *s = calloc(1, sizeof *s);
	struct oqz_graph *g = a && s ? OQZ_ARENA_NEW(a, struct oqz_graph) : NULL;

	if (!g) {
		oqz_arena_free(a);
		free(s);
		return NULL;
	}
	atomic_init(&s->refs, 1);
	s->arena = a;
	g->arena = a;
	g->storage = s;
	g->name = "";
	return g;
}

static void release_value(struct oqz_value *v)
{
	oqz_vec_release(&v->uses);
	if (v->constant)
		oqz_tensor_release(v->constant);
}

void oqz_graph_free(struct oqz_graph *g)
{
	if (!g)
		return;
	/* Bodies nest at most OQZ_MAX_NESTING deep. */
	for (size_t i = 0; i < g->nodes.n; i++)
		for (size_t k = 0; k < g->nodes.v[i]->n_attr; k++)
			oqz_graph_free(g->nodes.v[i]->attr[k].graph);
	for (size_t i = 0; i < g->values.n; i++)
		release_value(g->values.v[i]);
	oqz_vec_release(&g->data_files);
	oqz_vec_release(&g->nodes);
	oqz_vec_release(&g->values);
	oqz_vec_release(&g->inputs);
	oqz_vec_release(&g->outputs);
	oqz_vec_release(&g->opsets);
	oqz_vec_release(&g->metadata);
	oqz_map_release(&g->by_name);
	oqz_map_release(&g->node_by_name);
	storage_unref(g->storage);
}

enum oqz_status oqz_graph_add_value(struct oqz_graph *g, const char *name, struct oqz_value **ret, struct oqz_err *err)
{
	if (!name || !*name)
		OQZ_FAIL(err, OQZ_E_DATA, "a value without a name");
	if (oqz_map_has(&g->by_name, name))
		OQZ_FAIL(err, OQZ_E_DATA, "two values are named '%s'", name);
	struct oqz_value *v = OQZ_ARENA_NEW(g->arena, struct oqz_value);
	if (!v || !(v->name = oqz_arena_strdup(g->arena, name)))
		return oqz_graph_nomem(g, err);
	v->graph = g;
	v->id = (int)g->values.n;
	v->type.shape.rank = OQZ_RANK_UNKNOWN;
	if (!oqz_map_set(&g->by_name, v->name, v) || !oqz_vec_push(&g->values, v))
		return oqz_graph_nomem(g, err);
	*ret = v;
	return OQZ_OK;
}

/* The enclosing graphs count as well: a name given here must not hide one there. */
static bool taken(const struct oqz_graph *g, const char *name)
{
	return oqz_graph_value(g, name) || oqz_map_has(&g->node_by_name, name);
}

const char *oqz_graph_fresh_name(struct oqz_graph *g, const char *base)
{
	if (!taken(g, base))
		return oqz_arena_strdup(g->arena, base);
	for (;;) {
		const char *s = oqz_arena_printf(g->arena, "%s_%u", base, ++g->fresh);
		if (!s || !taken(g, s))
			return s;
	}
}

const char *oqz_node_unique_name(struct oqz_graph *g, const char *name, const char *op_type, const char *first_output)
{
	if (name && *name && !oqz_map_has(&g->node_by_name, name))
		return oqz_arena_strdup(g->arena, name);
	OQZ_CLEANUP(oqz_str_release) struct oqz_str base = { 0 };
	if (name && *name)
		oqz_str_add(&base, name);
	else
		oqz_str_addf(&base, "%s_%s", op_type, first_output ? first_output : "none");
	if (!oqz_str_ok(&base))
		return NULL;
	/* Values and nodes have separate names in ONNX, so only other nodes are in the way of the plain form. */
	if (!oqz_map_has(&g->node_by_name, base.s))
		return oqz_arena_strdup(g->arena, base.s);
	return oqz_graph_fresh_name(g, base.s);
}

struct oqz_value *oqz_graph_value(const struct oqz_graph *g, const char *name)
{
	for (; g; g = g->parent) {
		struct oqz_value *v = oqz_map_get(&g->by_name, name);
		if (v)
			return v;
	}
	return NULL;
}

struct oqz_node *oqz_graph_node(const struct oqz_graph *g, const char *name)
{
	return oqz_map_get(&g->node_by_name, name);
}

enum oqz_status oqz_value_set_constant(struct oqz_graph *g, struct oqz_value *v, const struct oqz_tensor *t,
                                       struct oqz_err *err)
{
	struct oqz_tensor *c = OQZ_ARENA_NEW(g->arena, struct oqz_tensor);

	if (!c)
		return oqz_graph_nomem(g, err);
	if (t->buf)
		oqz_tensor_share(c, t);
	else if (oqz_tensor_copy(c, t, err) != OQZ_OK)
		return oqz_err_prefix(err, "constant '%s'", v->name);
	if (v->constant)
		oqz_tensor_release(v->constant);
	v->producer = NULL;
	v->constant = c;
	v->type = (struct oqz_type) { c->dtype, c->shape };
	return OQZ_OK;
}

enum oqz_status oqz_graph_add_constant(struct oqz_graph *g, const char *name, const struct oqz_tensor *t,
                                       struct oqz_value **ret, struct oqz_err *err)
{
	struct oqz_value *v;

	OQZ_TRY(oqz_graph_add_value(g, name, &v, err));
	OQZ_TRY(oqz_value_set_constant(g, v, t, err));
	*ret = v;
	return OQZ_OK;
}

bool oqz_value_add_use(struct oqz_value *v, struct oqz_node *n) { return oqz_vec_push(&v->uses, n); }

void oqz_value_remove_use(struct oqz_value *v, const struct oqz_node *n)
{
	for (size_t i = 0; i < v->uses.n; i++)
		if (v->uses.v[i] == n) {
			memmove(v->uses.v + i, v->uses.v + i + 1, (v->uses.n - i - 1) * sizeof *v->uses.v);
			v->uses.n--;
			return;
		}
}

struct oqz_node *oqz_value_sole_use(const struct oqz_value *v)
{
	if (v->is_output || v->uses.n != 1 || v->uses.v[0]->graph != v->graph)
		return NULL;
	return v->uses.v[0];
}

int oqz_graph_opset(const struct oqz_graph *g, const char *domain)
{
	for (; g; g = g->parent)
		for (size_t i = 0; i < g->opsets.n; i++) {
			const char *d = g->opsets.v[i].domain;
			if (strcmp(strcmp(d, "ai.onnx") == 0 ? "" : d, domain) == 0)
				return g->opsets.v[i].version;
		}
	return 0;
}

enum oqz_status oqz_node_err(const struct oqz_node *n, struct oqz_err *err)
{
	return oqz_err_prefix(err, "node '%s' (%s%s%s-%d)", n->name, n->domain, *n->domain ? "::" : "", n->op_type,
	                      n->opset);
}

struct oqz_type oqz_value_type(const struct oqz_value *v)
{
	if (v->kind == OQZ_VALUE_TENSOR)
		return v->type;
	return (struct oqz_type) { v->kind == OQZ_VALUE_SEQUENCE ? OQZ_DT_SEQUENCE : OQZ_DT_OPTIONAL,
		                   { .rank = 1, .dim = { OQZ_DIM_UNKNOWN } } };
}
