/* SPDX-License-Identifier: Apache-2.0
 *
 * Edits: nodes, attributes, rewiring. Use lists are right after every call; their order, and the order of nodes, is
 * restored by oqz_graph_finish().
 */
#include "core/graph/graph_impl.h"
#include "core/base/checked.h"

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

const struct oqz_attr *oqz_node_attr(const struct oqz_node *n, const char *name)
{
	for (size_t i = 0; i < n->n_attr; i++)
		if (strcmp(n->attr[i].name, name) == 0)
			return &n->attr[i];
	return NULL;
}

static enum oqz_status copy_strings(struct oqz_arena *a, struct oqz_attr *to, const struct oqz_attr *from,
                                    struct oqz_err *err)
{
	const char **s = OQZ_ARENA_NEW_N(a, const char *, from->n);

	for (size_t i = 0; s && i < from->n; i++)
		if (!(s[i] = oqz_arena_strdup(a, from->strings[i])))
			s = NULL;
	if (!s)
		return oqz_err_nomem(err, from->name, from->n);
	to->strings = s;
	return OQZ_OK;
}

static enum oqz_status copy_tensor(struct oqz_graph *g, struct oqz_attr *to, const struct oqz_attr *from,
                                   struct oqz_err *err)
{
	struct oqz_tensor *t = OQZ_ARENA_NEW(g->arena, struct oqz_tensor);

	if (!t || !oqz_vec_push(&g->storage->tensors, t))
		return oqz_graph_nomem(g, err);
	if (from->tensor->buf)
		oqz_tensor_share(t, from->tensor);
	else
		OQZ_TRY(oqz_tensor_copy(t, from->tensor, err));
	to->tensor = t;
	return OQZ_OK;
}

/* A copy whose payload lives in the graph's arena. */
static enum oqz_status copy_attr(struct oqz_graph *g, struct oqz_attr *to, const struct oqz_attr *from,
                                 struct oqz_err *err)
{
	size_t bytes = 0;
	char *s;

	*to = (struct oqz_attr) { .type = from->type, .f = from->f, .i = from->i, .n = from->n, .graph = from->graph };
	to->name = oqz_arena_strdup(g->arena, from->name);
	if (!to->name)
		return oqz_graph_nomem(g, err);
	switch (from->type) {
	case OQZ_ATTR_STRING:
		s = oqz_size_add(from->n, 1, &bytes) ? oqz_arena_alloc(g->arena, bytes) : NULL;
		if (!s)
			return oqz_graph_nomem(g, err);
		if (from->n)
			memcpy(s, from->s, from->n);
		to->s = s;
		break;
	case OQZ_ATTR_FLOATS:
		if (!oqz_size_mul(from->n, sizeof(float), &bytes) ||
		    (bytes && !(to->floats = oqz_arena_dup(g->arena, from->floats, bytes))))
			return oqz_graph_nomem(g, err);
		break;
	case OQZ_ATTR_INTS:
		if (!oqz_size_mul(from->n, sizeof(int64_t), &bytes) ||
		    (bytes && !(to->ints = oqz_arena_dup(g->arena, from->ints, bytes))))
			return oqz_graph_nomem(g, err);
		break;
	case OQZ_ATTR_STRINGS: return copy_strings(g->arena, to, from, err);
	case OQZ_ATTR_TENSOR: return copy_tensor(g, to, from, err);
	default: break;
	}
	return OQZ_OK;
}

enum oqz_status oqz_node_set_attr(struct oqz_node *n, const struct oqz_attr *a, struct oqz_err *err)
{
	struct oqz_attr copy;

	OQZ_TRY(copy_attr(n->graph, &copy, a, err));
	struct oqz_attr *old = (struct oqz_attr *)oqz_node_attr(n, a->name);
	if (old) {
		if (old->graph != a->graph)
			oqz_graph_free(old->graph);
		*old = copy;
		return OQZ_OK;
	}
	/* Room doubles whenever the count is a power of two. */
	if ((n->n_attr & (n->n_attr - 1)) == 0) {
		struct oqz_attr *more =
		    OQZ_ARENA_NEW_N(n->graph->arena, struct oqz_attr, n->n_attr ? n->n_attr * 2 : 1);
		if (!more)
			return oqz_graph_nomem(n->graph, err);
		if (n->n_attr)
			memcpy(more, n->attr, n->n_attr * sizeof *more);
		n->attr = more;
	}
	n->attr[n->n_attr++] = copy;
	return OQZ_OK;
}

enum oqz_status oqz_node_set_int(struct oqz_node *n, const char *name, int64_t v, struct oqz_err *err)
{
	return oqz_node_set_attr(n, &(struct oqz_attr) { .name = name, .type = OQZ_ATTR_INT, .i = v }, err);
}

enum oqz_status oqz_node_set_float(struct oqz_node *n, const char *name, float v, struct oqz_err *err)
{
	return oqz_node_set_attr(n, &(struct oqz_attr) { .name = name, .type = OQZ_ATTR_FLOAT, .f = v }, err);
}

enum oqz_status oqz_node_set_string(struct oqz_node *n, const char *name, const char *v, struct oqz_err *err)
{
	struct oqz_attr a = { .name = name, .type = OQZ_ATTR_STRING, .s = v, .n = strlen(v) };

	return oqz_node_set_attr(n, &a, err);
}

enum oqz_status oqz_node_set_ints(struct oqz_node *n, const char *name, const int64_t *v, size_t count,
                                  struct oqz_err *err)
{
	return oqz_node_set_attr(n, &(struct oqz_attr) { .name = name, .type = OQZ_ATTR_INTS, .ints = v, .n = count },
	                         err);
}

enum oqz_status oqz_node_set_tensor(struct oqz_node *n, const char *name, const struct oqz_tensor *t,
                                    struct oqz_err *err)
{
	struct oqz_attr a = { .name = name, .type = OQZ_ATTR_TENSOR, .tensor = (struct oqz_tensor *)t };

	return oqz_node_set_attr(n, &a, err);
}

void oqz_node_remove_attr(struct oqz_node *n, const char *name)
{
	struct oqz_attr *a = (struct oqz_attr *)oqz_node_attr(n, name);

	if (!a)
		return;
	oqz_graph_free(a->graph);
	size_t at = (size_t)(a - n->attr);
	memmove(a, a + 1, (n->n_attr - at - 1) * sizeof *a);
	n->n_attr--;
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
