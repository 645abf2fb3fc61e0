/* SPDX-License-Identifier: Apache-2.0
 *
 * Nodes of a model -> nodes of a graph: operator sets, inputs and outputs through scopes, attributes; Constant nodes
 * become constants.
 */
#include "core/onnx/onnx_impl.h"

#include <string.h>

enum { MAX_ATTRS = 1000 };

/* ---- attributes ---- */

static enum oqz_attr_type guess_type(const Onnx__AttributeProto *a)
{
	if (a->has_type && a->type)
		return a->type <= ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__STRINGS ? (enum oqz_attr_type)a->type
		                                                                 : OQZ_ATTR_NONE;
	/* Files of IR version 1 have no type field. */
	return a->g           ? OQZ_ATTR_GRAPH
	       : a->t         ? OQZ_ATTR_TENSOR
	       : a->n_ints    ? OQZ_ATTR_INTS
	       : a->n_floats  ? OQZ_ATTR_FLOATS
	       : a->n_strings ? OQZ_ATTR_STRINGS
	       : a->has_s     ? OQZ_ATTR_STRING
	       : a->has_i     ? OQZ_ATTR_INT
	       : a->has_f     ? OQZ_ATTR_FLOAT
	                      : OQZ_ATTR_NONE;
}

static enum oqz_status load_strings(struct oqz_onnx_loader *l, const Onnx__AttributeProto *a, struct oqz_attr *to,
                                    struct oqz_err *err)
{
	const char **s = OQZ_ARENA_NEW_N(l->arena, const char *, a->n_strings);

	if (!s)
		return oqz_err_nomem(err, "a model", 0);
	for (size_t i = 0; i < a->n_strings; i++)
		if (!(s[i] = oqz_arena_strndup(l->arena, (const char *)a->strings[i].data, a->strings[i].len)))
			return oqz_err_nomem(err, "a model", 0);
	to->strings = s;
	to->n = a->n_strings;
	return OQZ_OK;
}

/* AttributeProto -> node attribute under `name`. */
static enum oqz_status load_attr(struct oqz_onnx_loader *l, struct oqz_node *n, const struct oqz_onnx_scope *scope,
                                 const struct oqz_onnx_call *call, const char *name, const Onnx__AttributeProto *a,
                                 struct oqz_err *err)
{
	struct oqz_attr to = { .name = name, .type = guess_type(a), .f = a->f, .i = a->i };
	struct oqz_tensor t = { 0 };
	OQZ_CLEANUP(oqz_graph_free_cleanup) struct oqz_graph *body = NULL;

	switch (to.type) {
	case OQZ_ATTR_FLOAT:
	case OQZ_ATTR_INT: break;
	case OQZ_ATTR_STRING: to.s = (const char *)a->s.data, to.n = a->s.len; break;
	case OQZ_ATTR_FLOATS: to.floats = a->floats, to.n = a->n_floats; break;
	case OQZ_ATTR_INTS: to.ints = a->ints, to.n = a->n_ints; break;
	case OQZ_ATTR_STRINGS: OQZ_TRY(load_strings(l, a, &to, err)); break;
	case OQZ_ATTR_TENSOR:
		if (!a->t)
			OQZ_FAIL(err, OQZ_E_DATA, "attribute %s has no tensor", name);
		OQZ_TRY(oqz_onnx_tensor(a->t, &l->file, &t, err));
		to.tensor = &t;
		break;
	case OQZ_ATTR_GRAPH:
		if (!a->g)
			OQZ_FAIL(err, OQZ_E_DATA, "attribute %s has no graph", name);
		OQZ_TRY(oqz_onnx_load_graph(l, a->g, n->graph, scope, call, &body, err));
		to.graph = body;
		break;
	case OQZ_ATTR_NONE:
		OQZ_FAIL(err, OQZ_E_UNSUPPORTED, "attribute %s has type %d", name, a->has_type ? (int)a->type : 0);
	}
	enum oqz_status st = oqz_node_set_attr(n, &to, err);
	oqz_tensor_release(&t);
	if (st == OQZ_OK)
		body = NULL; /* the node has it now */
	return st;
}

static enum oqz_status load_attrs(struct oqz_onnx_loader *l, struct oqz_node *n, const struct oqz_onnx_scope *scope,
                                  const struct oqz_onnx_call *call, const Onnx__NodeProto *p, struct oqz_err *err)
{
	if (p->n_attribute > MAX_ATTRS)
		OQZ_FAIL(err, OQZ_E_LIMIT, "%zu attributes", p->n_attribute);
	for (size_t i = 0; i < p->n_attribute; i++) {
		const Onnx__AttributeProto *a = p->attribute[i];
		if (!a->name || !*a->name || oqz_node_attr(n, a->name))
			OQZ_FAIL(err, OQZ_E_DATA, "attribute '%s' is nameless or there twice", oqz_onnx_text(a->name));
		if (strcmp(a->name, "captured") == 0) /* ours, and believed (ops/capture.h); no operator has it */
			OQZ_FAIL(err, OQZ_E_DATA, "unknown attribute captured");
		if (a->ref_attr_name && *a->ref_attr_name && !call)
			OQZ_FAIL(err, OQZ_E_DATA, "attribute %s refers to a function's, but stands in none", a->name);
		const Onnx__AttributeProto *meant = oqz_onnx_attr_resolve(call, a);
		/* The type that an empty optional would have: nothing here depends on it. */
		if (meant && meant->type == ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__TYPE_PROTO &&
		    strcmp(oqz_onnx_text(p->op_type), "Optional") == 0)
			continue;
		if (meant)
			OQZ_TRY(load_attr(l, n, scope, call, a->name, meant, err));
	}
	return OQZ_OK;
}

/* ---- Constant nodes ---- */

static enum oqz_status constant_tensor(struct oqz_onnx_loader *l, const char *name, const Onnx__AttributeProto *a,
                                       struct oqz_tensor *t, struct oqz_err *err)
{
	struct oqz_shape scalar = { .rank = 0 }, ints = { .rank = 1, .dim = { (int64_t)a->n_ints } },
	                 floats = { .rank = 1, .dim = { (int64_t)a->n_floats } };

	if (strcmp(name, "value") == 0 && a->t)
		return oqz_onnx_tensor(a->t, &l->file, t, err);
	if (strcmp(name, "sparse_value") == 0 && a->sparse_tensor)
		return oqz_onnx_sparse(a->sparse_tensor, &l->file, t, err);
	if (strcmp(name, "value_int") == 0) {
		OQZ_TRY(oqz_tensor_alloc(t, OQZ_DT_I64, &scalar, err));
		*(int64_t *)t->data = a->i;
	} else if (strcmp(name, "value_float") == 0) {
		OQZ_TRY(oqz_tensor_alloc(t, OQZ_DT_F32, &scalar, err));
		*(float *)t->data = a->f;
	} else if (strcmp(name, "value_ints") == 0) {
		OQZ_TRY(oqz_tensor_alloc(t, OQZ_DT_I64, &ints, err));
		memcpy(t->data, a->ints ? a->ints : t->data, a->n_ints * sizeof *a->ints);
	} else if (strcmp(name, "value_floats") == 0) {
		OQZ_TRY(oqz_tensor_alloc(t, OQZ_DT_F32, &floats, err));
		memcpy(t->data, a->floats ? a->floats : t->data, a->n_floats * sizeof *a->floats);
	} else {
		OQZ_FAIL(err, OQZ_E_UNSUPPORTED, "attribute %s", name);
	}
	return OQZ_OK;
}

static enum oqz_status load_constant(struct oqz_onnx_loader *l, struct oqz_graph *g, const struct oqz_onnx_scope *scope,
                                     const struct oqz_onnx_call *call, const Onnx__NodeProto *p, struct oqz_err *err)
{
	const Onnx__AttributeProto *a = p->n_attribute == 1 ? oqz_onnx_attr_resolve(call, p->attribute[0]) : NULL;
	struct oqz_value *v = p->n_output == 1 ? oqz_onnx_lookup(scope, p->output[0]) : NULL;
	struct oqz_tensor t = { 0 };

	if (!a || !v || v->graph != g || v->constant || v->producer || v->is_input)
		OQZ_FAIL(err, OQZ_E_DATA, "a Constant has one attribute and one output of its own");
	enum oqz_status st = constant_tensor(l, oqz_onnx_text(p->attribute[0]->name), a, &t, err);
	if (st == OQZ_OK)
		st = oqz_value_set_constant(g, v, &t, err);
	oqz_tensor_release(&t);
	return st;
}

/* ---- nodes ---- */

/* The operator set that gives a node its meaning: of the function it stands in, else of the model. */
static enum oqz_status node_opset(const struct oqz_onnx_loader *l, const struct oqz_onnx_call *call, const char *domain,
                                  int *ret, struct oqz_err *err)
{
	Onnx__OperatorSetIdProto *const *v = call ? call->func->opset_import : l->model->opset_import;
	size_t n = call ? call->func->n_opset_import : l->model->n_opset_import;

	for (size_t i = 0; i < n; i++)
		if (strcmp(oqz_onnx_domain(v[i]->domain), domain) == 0 && v[i]->version > 0 &&
		    v[i]->version <= INT32_MAX) {
			*ret = (int)v[i]->version;
			return OQZ_OK;
		}
	if (n || *domain)
		OQZ_FAIL(err, OQZ_E_DATA, "no operator set of domain '%s' is imported", domain);
	*ret = 1; /* before IR version 3 there was no list */
	return OQZ_OK;
}

static enum oqz_status load_plain_node(struct oqz_onnx_loader *l, struct oqz_graph *g,
                                       const struct oqz_onnx_scope *scope, const struct oqz_onnx_call *call,
                                       const Onnx__NodeProto *p, struct oqz_err *err)
{
	OQZ_CLEANUP_FREE struct oqz_value **in = calloc(p->n_input + 1, sizeof *in);
	OQZ_CLEANUP_FREE struct oqz_value **out = calloc(p->n_output + 1, sizeof *out);
	const char *domain = oqz_onnx_domain(p->domain), *name = oqz_onnx_text(p->name);
	struct oqz_node *n = NULL;
	int opset = 0;

	if (!in || !out)
		return oqz_err_nomem(err, "a model", 0);
	if (!p->op_type || !*p->op_type)
		OQZ_FAIL(err, OQZ_E_DATA, "no operator");
	if (!*domain && strcmp(p->op_type, "MatMul") == 0 && p->n_input > 2)
		OQZ_FAIL(err, OQZ_E_DATA, "MatMul has %zu inputs; a bias is possible in this program's own graphs only",
		         p->n_input);
	if (call && *name && !(name = oqz_arena_printf(l->arena, "%s%s", call->prefix, name)))
		return oqz_err_nomem(err, "a model", 0);
	for (size_t i = 0; i < p->n_input; i++)
		if (*p->input[i] && !(in[i] = oqz_onnx_lookup(scope, p->input[i]))) {
			/* An input that the function's caller left out is left out here. */
			if (call && oqz_map_has(&scope->names, p->input[i]))
				continue;
			OQZ_FAIL(err, OQZ_E_DATA, "input '%s' is not defined", p->input[i]);
		}
	for (size_t i = 0; i < p->n_output; i++)
		out[i] = *p->output[i] ? oqz_onnx_lookup(scope, p->output[i]) : NULL;
	OQZ_TRY(node_opset(l, call, domain, &opset, err));
	OQZ_TRY(oqz_graph_add_node(g, name, domain, p->op_type, opset, in, (int)p->n_input, out, (int)p->n_output, NULL,
	                           &n, err));
	return load_attrs(l, n, scope, call, p, err);
}

enum oqz_status oqz_onnx_load_node(struct oqz_onnx_loader *l, struct oqz_graph *g, const struct oqz_onnx_scope *scope,
                                   const struct oqz_onnx_call *call, const Onnx__NodeProto *p, struct oqz_err *err)
{
	const Onnx__FunctionProto *f = oqz_onnx_function(l, p);
	enum oqz_status st;

	if (f)
		return oqz_onnx_inline(l, g, scope, call, p, f, err);
	if (strcmp(oqz_onnx_text(p->op_type), "Constant") == 0 && !*oqz_onnx_domain(p->domain))
		st = load_constant(l, g, scope, call, p, err);
	else
		st = load_plain_node(l, g, scope, call, p, err);
	if (st == OQZ_OK)
		return OQZ_OK;
	const char *name = oqz_onnx_text(p->name);
	if (!*name && p->n_output)
		name = p->output[0];
	return oqz_err_prefix(err, "node '%s' (%s)", name, oqz_onnx_text(p->op_type));
}

/* The values that nodes make. In a function those that are no outputs of it get names of their own. */
enum oqz_status oqz_onnx_make_outputs(struct oqz_onnx_loader *l, struct oqz_graph *g, struct oqz_onnx_scope *scope,
                                      const struct oqz_onnx_call *call, const Onnx__NodeProto *p, struct oqz_err *err)
{
	for (size_t i = 0; i < p->n_output; i++) {
		const char *name = p->output[i];
		struct oqz_value *v;
		if (!*name || (call && oqz_map_get(&scope->names, name)))
			continue;
		if (call) {
			name = oqz_arena_printf(l->arena, "%s%s", call->prefix, name);
			if (!name || !(name = oqz_graph_fresh_name(g, name)))
				return oqz_err_nomem(err, "a model", 0);
		}
		OQZ_TRY(oqz_graph_add_value(g, name, &v, err));
		if (!oqz_map_set(&scope->names, p->output[i], v))
			return oqz_err_nomem(err, "a model", 0);
	}
	return OQZ_OK;
}

enum oqz_status oqz_onnx_nodes(struct oqz_onnx_loader *l, struct oqz_graph *g, struct oqz_onnx_scope *scope,
                               const struct oqz_onnx_call *call, Onnx__NodeProto *const *nodes, size_t n,
                               struct oqz_err *err)
{
	for (size_t i = 0; i < n; i++)
		OQZ_TRY(oqz_onnx_make_outputs(l, g, scope, call, nodes[i], err));
	for (size_t i = 0; i < n; i++)
		OQZ_TRY(oqz_onnx_load_node(l, g, scope, call, nodes[i], err));
	return OQZ_OK;
}
