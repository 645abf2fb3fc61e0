/* SPDX-License-Identifier: Apache-2.0
 *
 * Attributes of nodes: looking them up, setting and removing them.
 */
#include "core/base/checked.h"
#include "core/graph/graph_impl.h"

#include <string.h>

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

int64_t oqz_node_int(const struct oqz_node *n, const char *name, int64_t missing)
{
	const struct oqz_attr *a = oqz_node_attr(n, name);

	return a && a->type == OQZ_ATTR_INT ? a->i : missing;
}

float oqz_node_float(const struct oqz_node *n, const char *name, float missing)
{
	const struct oqz_attr *a = oqz_node_attr(n, name);

	return a && a->type == OQZ_ATTR_FLOAT ? a->f : missing;
}

const char *oqz_node_string(const struct oqz_node *n, const char *name, const char *missing)
{
	const struct oqz_attr *a = oqz_node_attr(n, name);

	return a && a->type == OQZ_ATTR_STRING ? a->s : missing;
}
