/* SPDX-License-Identifier: Apache-2.0
 *
 * The table of operators and its use when a model is resolved: which row a node means, and its attributes as a typed
 * parameter struct. An operator says its attributes once, as data; nothing else in the program looks attributes up by
 * name. What is not in the table is an error here, before anything runs.
 */
#include "core/ops/capture.h"
#include "core/ops/ops_util.h"

#include "core/base/str.h"
#include <stdlib.h>

/* Which family's file has the row; indexed by oqz_op_id. */
static const struct oqz_op *const family_of[OQZ_OP_COUNT] = {
#define OQZ_OP(id, name, domain, since, min_in, max_in, min_out, max_out, family) [OQZ_OP_##id] = oqz_ops_##family,
#include "core/ops/ops.def"
#undef OQZ_OP
};

static const struct {
	const char *name, *domain;
} heads[OQZ_OP_COUNT] = {
#define OQZ_OP(id, nm, dom, since, min_in, max_in, min_out, max_out, family) [OQZ_OP_##id] = { nm, dom },
#include "core/ops/ops.def"
#undef OQZ_OP
};

const struct oqz_op *oqz_op_row(enum oqz_op_id id)
{
	if (id <= OQZ_OP_NONE || id >= OQZ_OP_COUNT)
		return NULL;
	for (const struct oqz_op *op = family_of[id]; op->name; op++)
		if (op->id == id)
			return op;
	return NULL;
}

static const char *canonical_domain(const char *domain)
{
	return !domain || strcmp(domain, "ai.onnx") == 0 ? "" : domain;
}

const struct oqz_op *oqz_op_find(const char *domain, const char *name)
{
	domain = canonical_domain(domain);
	for (int id = OQZ_OP_NONE + 1; id < OQZ_OP_COUNT; id++)
		if (strcmp(heads[id].name, name) == 0 && strcmp(heads[id].domain, domain) == 0)
			return oqz_op_row((enum oqz_op_id)id);
	return NULL;
}

int oqz_domain_newest(const char *domain)
{
	domain = canonical_domain(domain);
	return *domain == 0 ? 27 : strcmp(domain, "ai.onnx.ml") == 0 ? 5 : 1;
}

/* ---- attributes -> params ---- */

static const char *attr_type_name(enum oqz_attr_type t)
{
	static const char *const names[] = {
		[OQZ_ATTR_NONE] = "nothing",    [OQZ_ATTR_FLOAT] = "a float",   [OQZ_ATTR_INT] = "an int",
		[OQZ_ATTR_STRING] = "a string", [OQZ_ATTR_TENSOR] = "a tensor", [OQZ_ATTR_GRAPH] = "a graph",
		[OQZ_ATTR_FLOATS] = "floats",   [OQZ_ATTR_INTS] = "ints",       [OQZ_ATTR_STRINGS] = "strings",
	};

	return (unsigned)t < OQZ_COUNTOF(names) ? names[t] : "a type of its own";
}

static enum oqz_status check_choice(const struct oqz_attr_spec *s, const char *word, struct oqz_err *err)
{
	if (!s->choices)
		return OQZ_OK;
	for (const char *const *c = s->choices; *c; c++)
		if (strcmp(*c, word) == 0)
			return OQZ_OK;
	OQZ_FAIL(err, OQZ_E_UNSUPPORTED, "attribute %s = '%s' is not known", s->name, word);
}

/* Writes the value (or, when a is NULL, the default) of one attribute into the params struct. */
static enum oqz_status parse_attr(const struct oqz_attr_spec *s, const struct oqz_attr *a, char *params,
                                  struct oqz_err *err)
{
	void *at = params + s->offset;

	if (a && a->type != s->type)
		OQZ_FAIL(err, OQZ_E_DATA, "attribute %s is %s, should be %s", s->name, attr_type_name(a->type),
		         attr_type_name(s->type));
	switch (s->type) {
	case OQZ_ATTR_INT: *(int64_t *)at = a ? a->i : s->int_default; break;
	case OQZ_ATTR_FLOAT: *(float *)at = a ? a->f : s->float_default; break;
	case OQZ_ATTR_STRING:
		if (a)
			OQZ_TRY(check_choice(s, a->s, err));
		*(const char **)at = a ? a->s : s->string_default;
		break;
	case OQZ_ATTR_TENSOR: *(const struct oqz_tensor **)at = a ? a->tensor : NULL; break;
	case OQZ_ATTR_GRAPH: *(struct oqz_graph **)at = a ? a->graph : NULL; break;
	/* A list that is present but empty still has an address: NULL means absent. */
	case OQZ_ATTR_INTS:
		if (a)
			*(struct oqz_ints *)at = (struct oqz_ints) { a->n, a->ints ? a->ints : &a->i };
		break;
	case OQZ_ATTR_FLOATS:
		if (a)
			*(struct oqz_floats *)at = (struct oqz_floats) { a->n, a->floats ? a->floats : &a->f };
		break;
	case OQZ_ATTR_STRINGS:
		if (a)
			*(struct oqz_strings *)at = (struct oqz_strings) { a->n, a->strings ? a->strings : &a->s };
		break;
	case OQZ_ATTR_NONE: OQZ_FAIL(err, OQZ_E_INTERNAL, "attribute %s has no type in the table", s->name);
	}
	return OQZ_OK;
}

static enum oqz_status parse_attrs(struct oqz_node *n, const struct oqz_op *op, void *params, struct oqz_err *err)
{
	for (size_t i = 0; i < n->n_attr; i++) {
		const struct oqz_attr_spec *s = op->attrs;
		while (s && s->name && strcmp(s->name, n->attr[i].name) != 0)
			s++;
		if (!s || !s->name)
			OQZ_FAIL(err, OQZ_E_UNSUPPORTED, "unknown attribute %s", n->attr[i].name);
	}
	for (const struct oqz_attr_spec *s = op->attrs; s && s->name; s++) {
		const struct oqz_attr *a = oqz_node_attr(n, s->name);
		if (!a && s->required)
			OQZ_FAIL(err, OQZ_E_DATA, "attribute %s is required", s->name);
		OQZ_TRY(parse_attr(s, a, params, err));
	}
	return OQZ_OK;
}

/* ---- resolving ---- */

static enum oqz_status check_counts(const struct oqz_node *n, const struct oqz_op *op, struct oqz_err *err)
{
	if (n->n_in < op->min_in || (op->max_in >= 0 && n->n_in > op->max_in) || n->n_in > OQZ_NODE_MAX_IO)
		OQZ_FAIL(err, OQZ_E_DATA, "has %d inputs (%d to %d)", n->n_in, op->min_in, op->max_in);
	if (n->n_out < op->min_out || (op->max_out >= 0 && n->n_out > op->max_out) || n->n_out > OQZ_NODE_MAX_IO)
		OQZ_FAIL(err, OQZ_E_DATA, "has %d outputs (%d to %d)", n->n_out, op->min_out, op->max_out);
	for (int i = 0; i < n->n_in; i++)
		if (!n->in[i] && (i < op->min_in || op->max_in < 0))
			OQZ_FAIL(err, OQZ_E_DATA, "input %d is required", i);
	return OQZ_OK;
}

/* The row of a node as the file has it. Upsample and the like have no row: their rule in upgrade.c renames them. */
static enum oqz_status resolve_one(struct oqz_node *n, struct oqz_err *err)
{
	n->domain = canonical_domain(n->domain);
	/* as written: only its own name is held against its own operator set */
	const char *op_type = n->op_type, *domain = n->domain;
	int opset = n->opset;
	OQZ_TRY(oqz_upgrade_node(n, err));

	const struct oqz_op *op = oqz_op_find(n->domain, n->op_type);
	if (!op)
		n->opset = opset; /* the message names the file's */
	if (!op)
		OQZ_FAIL(err, OQZ_E_UNSUPPORTED, "operator %s%s%s is not supported", n->domain, *n->domain ? "::" : "",
		         n->op_type);
	if (opset < op->since && strcmp(op_type, n->op_type) == 0 && strcmp(domain, n->domain) == 0)
		OQZ_FAIL(err, OQZ_E_DATA, "operator set %d has no %s (since %d)", opset, n->op_type, op->since);
	OQZ_TRY(check_counts(n, op, err));

	void *params = oqz_arena_alloc(n->graph->arena, op->params_size);
	if (!params)
		return oqz_err_nomem(err, "attributes", op->params_size);
	OQZ_TRY(parse_attrs(n, op, params, err));
	n->params = params;
	n->op = op;
	return OQZ_OK;
}

static const char *graph_source(const struct oqz_graph *g)
{
	while (g && !g->source && g->parent)
		g = g->parent;
	return g && g->source ? g->source : "model";
}

enum { MAX_BODIES = 4096 };

struct worklist {
	OQZ_VEC(struct oqz_graph *) graphs;
};

static void worklist_release(struct worklist *w) { oqz_vec_release(&w->graphs); }

/* Resolves a node and notes its bodies. Bodies wait in a list: nesting in a file must not become recursion here. */
static enum oqz_status resolve_node(struct oqz_node *n, struct worklist *w, struct oqz_err *err)
{
	if (resolve_one(n, err) != OQZ_OK) {
		oqz_node_err(n, err);
		return oqz_err_prefix(err, "%s", graph_source(n->graph));
	}
	for (size_t i = 0; i < n->n_attr; i++) {
		if (n->attr[i].type != OQZ_ATTR_GRAPH || !n->attr[i].graph)
			continue;
		if (w->graphs.n >= MAX_BODIES)
			OQZ_FAIL(err, OQZ_E_LIMIT, "%s: more than %d control-flow bodies", graph_source(n->graph),
			         MAX_BODIES);
		if (!oqz_vec_push(&w->graphs, n->attr[i].graph))
			return oqz_err_nomem(err, "list of bodies", sizeof(void *));
	}
	return OQZ_OK;
}

/* An upgrade may insert nodes before or behind the one at hand, so the walk goes on until a round finds nothing new. */
static enum oqz_status resolve_graph(struct oqz_graph *g, struct worklist *w, struct oqz_err *err)
{
	for (bool again = true; again;) {
		again = false;
		for (size_t i = 0; i < g->nodes.n; i++) {
			if (g->nodes.v[i]->op || g->nodes.v[i]->dead)
				continue;
			OQZ_TRY(resolve_node(g->nodes.v[i], w, err));
			again = true;
		}
	}
	for (size_t i = 0; i < g->opsets.n; i++)
		if (*canonical_domain(g->opsets.v[i].domain) == 0 && g->opsets.v[i].version < OQZ_OPSET_NEWEST)
			g->opsets.v[i].version = OQZ_OPSET_NEWEST;
	return oqz_graph_finish(g, err);
}

static enum oqz_status resolve_list(struct worklist *w, struct oqz_err *err)
{
	for (size_t i = 0; i < w->graphs.n; i++)
		OQZ_TRY(resolve_graph(w->graphs.v[i], w, err));
	/* Innermost bodies stand last: what they read from afar passes through the bodies in between. */
	for (size_t i = w->graphs.n; i-- > 0;)
		OQZ_TRY(oqz_capture_outer(w->graphs.v[i], err));
	return OQZ_OK;
}

enum oqz_status oqz_ops_resolve(struct oqz_graph *g, struct oqz_err *err)
{
	OQZ_CLEANUP(worklist_release) struct worklist w = { 0 };

	OQZ_TRY(resolve_graph(g, &w, err));
	OQZ_TRY(resolve_list(&w, err));
	return oqz_capture_outer(g, err);
}

enum oqz_status oqz_node_resolve(struct oqz_node *n, struct oqz_err *err)
{
	OQZ_CLEANUP(worklist_release) struct worklist w = { 0 };

	OQZ_TRY(resolve_node(n, &w, err));
	OQZ_TRY(resolve_list(&w, err));
	return w.graphs.n ? oqz_capture_outer(n->graph, err) : OQZ_OK;
}

int oqz_ops_unsupported(const struct oqz_graph *g, struct oqz_str *out)
{
	int count = 0;

	for (size_t i = 0; i < g->nodes.n; i++) {
		const struct oqz_node *n = g->nodes.v[i];
		if (n->op || oqz_op_find(n->domain, n->op_type) || oqz_upgrade_known(n))
			continue;
		const char *domain = canonical_domain(n->domain);
		oqz_str_addf(out, "%s::%s-%d: %s\n", *domain ? domain : "ai.onnx", n->op_type, n->opset, n->name);
		count++;
	}
	return count;
}
