/* SPDX-License-Identifier: Apache-2.0
 *
 * ONNX model -> graph. Values are made before nodes, so that the order of nodes in the file does not matter; names are
 * looked up through scopes, because a control-flow body sees the names around it and a function's body does not.
 */
#include "core/onnx/onnx_impl.h"
#include "core/base/file.h"

#include <string.h>

enum { MAX_ATTRS = 1000 };
static const size_t file_limit = INT32_MAX; /* protobuf messages end at 2 GiB */

static enum oqz_status load_graph(struct oqz_onnx_loader *l, const Onnx__GraphProto *p, struct oqz_graph *parent,
                                  const struct oqz_onnx_scope *outer, const struct oqz_onnx_call *call,
                                  struct oqz_graph **ret, struct oqz_err *err);

static const char *or_empty(const char *s) { return s ? s : ""; }
static const char *plain_domain(const char *d) { return !d || strcmp(d, "ai.onnx") == 0 ? "" : d; }
static enum oqz_status nomem(struct oqz_err *err) { return oqz_err_nomem(err, "a model", 0); }

struct oqz_value *oqz_onnx_lookup(const struct oqz_onnx_scope *s, const char *name)
{
	for (; s; s = s->outer) {
		struct oqz_value *v = oqz_map_get(&s->names, name);
		if (v)
			return v;
	}
	return NULL;
}

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
		return nomem(err);
	for (size_t i = 0; i < a->n_strings; i++)
		if (!(s[i] = oqz_arena_strndup(l->arena, (const char *)a->strings[i].data, a->strings[i].len)))
			return nomem(err);
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
		OQZ_TRY(load_graph(l, a->g, n->graph, scope, call, &body, err));
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
			OQZ_FAIL(err, OQZ_E_DATA, "attribute '%s' is nameless or there twice", or_empty(a->name));
		if (strcmp(a->name, "captured") == 0) /* ours, and believed (ops/capture.h); no operator has it */
			OQZ_FAIL(err, OQZ_E_DATA, "unknown attribute captured");
		if (a->ref_attr_name && *a->ref_attr_name && !call)
			OQZ_FAIL(err, OQZ_E_DATA, "attribute %s refers to a function's, but stands in none", a->name);
		const Onnx__AttributeProto *meant = oqz_onnx_attr_resolve(call, a);
		/* The type that an empty optional would have: nothing here depends on it. */
		if (meant && meant->type == ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__TYPE_PROTO &&
		    strcmp(or_empty(p->op_type), "Optional") == 0)
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
	enum oqz_status st = constant_tensor(l, or_empty(p->attribute[0]->name), a, &t, err);
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
		if (strcmp(plain_domain(v[i]->domain), domain) == 0 && v[i]->version > 0 &&
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
	const char *domain = plain_domain(p->domain), *name = or_empty(p->name);
	struct oqz_node *n = NULL;
	int opset = 0;

	if (!in || !out)
		return nomem(err);
	if (!p->op_type || !*p->op_type)
		OQZ_FAIL(err, OQZ_E_DATA, "no operator");
	if (!*domain && strcmp(p->op_type, "MatMul") == 0 && p->n_input > 2)
		OQZ_FAIL(err, OQZ_E_DATA, "MatMul has %zu inputs; a bias is possible in this program's own graphs only",
		         p->n_input);
	if (call && *name && !(name = oqz_arena_printf(l->arena, "%s%s", call->prefix, name)))
		return nomem(err);
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

static enum oqz_status load_node(struct oqz_onnx_loader *l, struct oqz_graph *g, const struct oqz_onnx_scope *scope,
                                 const struct oqz_onnx_call *call, const Onnx__NodeProto *p, struct oqz_err *err)
{
	const Onnx__FunctionProto *f = oqz_onnx_function(l, p);
	enum oqz_status st;

	if (f)
		return oqz_onnx_inline(l, g, scope, call, p, f, err);
	if (strcmp(or_empty(p->op_type), "Constant") == 0 && !*plain_domain(p->domain))
		st = load_constant(l, g, scope, call, p, err);
	else
		st = load_plain_node(l, g, scope, call, p, err);
	if (st == OQZ_OK)
		return OQZ_OK;
	const char *name = or_empty(p->name);
	if (!*name && p->n_output)
		name = p->output[0];
	return oqz_err_prefix(err, "node '%s' (%s)", name, or_empty(p->op_type));
}

/* The values that nodes make. In a function those that are no outputs of it get names of their own. */
static enum oqz_status make_outputs(struct oqz_onnx_loader *l, struct oqz_graph *g, struct oqz_onnx_scope *scope,
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
				return nomem(err);
		}
		OQZ_TRY(oqz_graph_add_value(g, name, &v, err));
		if (!oqz_map_set(&scope->names, p->output[i], v))
			return nomem(err);
	}
	return OQZ_OK;
}

enum oqz_status oqz_onnx_nodes(struct oqz_onnx_loader *l, struct oqz_graph *g, struct oqz_onnx_scope *scope,
                               const struct oqz_onnx_call *call, Onnx__NodeProto *const *nodes, size_t n,
                               struct oqz_err *err)
{
	for (size_t i = 0; i < n; i++)
		OQZ_TRY(make_outputs(l, g, scope, call, nodes[i], err));
	for (size_t i = 0; i < n; i++)
		OQZ_TRY(load_node(l, g, scope, call, nodes[i], err));
	return OQZ_OK;
}

/* ---- graphs ---- */

static enum oqz_status add_initializer(struct oqz_graph *g, struct oqz_onnx_scope *scope, const char *name,
                                       const struct oqz_tensor *t, struct oqz_err *err)
{
	struct oqz_value *v = NULL;

	OQZ_TRY(oqz_graph_add_constant(g, or_empty(name), t, &v, err));
	return oqz_map_set(&scope->names, v->name, v) ? OQZ_OK : nomem(err);
}

/* Bytes of an unpacked message that were copied. */
static void drop(ProtobufCBinaryData *b)
{
	free(b->data);
	*b = (ProtobufCBinaryData) { 0 };
}

static enum oqz_status load_initializers(struct oqz_onnx_loader *l, const Onnx__GraphProto *p, struct oqz_graph *g,
                                         struct oqz_onnx_scope *scope, struct oqz_err *err)
{
	enum oqz_status st = OQZ_OK;

	for (size_t i = 0; i < p->n_initializer && st == OQZ_OK; i++) {
		struct oqz_tensor t = { 0 };
		st = oqz_onnx_tensor(p->initializer[i], &l->file, &t, err);
		if (st == OQZ_OK)
			st = add_initializer(g, scope, p->initializer[i]->name, &t, err);
		oqz_tensor_release(&t);
		/* the model's own graph is loaded once: weights need not be held twice */
		if (p == l->model->graph)
			drop(&p->initializer[i]->raw_data);
	}
	for (size_t i = 0; i < p->n_sparse_initializer && st == OQZ_OK; i++) {
		struct oqz_tensor t = { 0 };
		st = oqz_onnx_sparse(p->sparse_initializer[i], &l->file, &t, err);
		if (st == OQZ_OK)
			st = add_initializer(g, scope, p->sparse_initializer[i]->values->name, &t, err);
		oqz_tensor_release(&t);
	}
	return st;
}

/* An input with an initializer has a default; nobody overrides it here, so it is a constant. */
static enum oqz_status load_inputs(const Onnx__GraphProto *p, struct oqz_graph *g, struct oqz_onnx_scope *scope,
                                   struct oqz_err *err)
{
	for (size_t i = 0; i < p->n_input; i++) {
		const char *name = or_empty(p->input[i]->name);
		struct oqz_value *v = oqz_map_get(&scope->names, name);
		if (v && v->constant)
			continue;
		OQZ_TRY(oqz_graph_add_value(g, name, &v, err));
		OQZ_TRY(oqz_onnx_type(p->input[i]->type, v, err));
		v->is_input = true;
		if (!oqz_map_set(&scope->names, v->name, v) || !oqz_vec_push(&g->inputs, v))
			return nomem(err);
	}
	return OQZ_OK;
}

/* A body may give out a value of the graph around it; an Identity makes that a value of its own. */
static enum oqz_status own_output(struct oqz_graph *g, struct oqz_onnx_scope *scope, const char *name,
                                  struct oqz_value **ret, struct oqz_err *err)
{
	struct oqz_value *v = oqz_onnx_lookup(scope, name), *own;

	if (!v)
		OQZ_FAIL(err, OQZ_E_DATA, "output '%s' is not defined", name);
	if (v->graph == g) {
		*ret = v;
		return OQZ_OK;
	}
	OQZ_TRY(oqz_graph_add_value(g, name, &own, err));
	*ret = own;
	return oqz_graph_add_node(g, NULL, "", "Identity", oqz_graph_opset(g, ""), &v, 1, &own, 1, NULL, NULL, err);
}

static enum oqz_status load_outputs(const Onnx__GraphProto *p, struct oqz_graph *g, struct oqz_onnx_scope *scope,
                                    struct oqz_err *err)
{
	for (size_t i = 0; i < p->n_output; i++) {
		struct oqz_value *v = NULL;
		OQZ_TRY(own_output(g, scope, or_empty(p->output[i]->name), &v, err));
		if (v->is_output)
			OQZ_FAIL(err, OQZ_E_DATA, "output '%s' is listed twice", v->name);
		v->is_output = true;
		if (!v->constant && !v->is_input)
			OQZ_TRY(oqz_onnx_type(p->output[i]->type, v, err));
		if (!oqz_vec_push(&g->outputs, v))
			return nomem(err);
	}
	for (size_t i = 0; i < p->n_value_info; i++) {
		struct oqz_value *v =
		    p->value_info[i]->name ? oqz_map_get(&scope->names, p->value_info[i]->name) : NULL;
		if (v && v->graph == g && !v->constant && !v->is_input && !v->is_output)
			OQZ_TRY(oqz_onnx_type(p->value_info[i]->type, v, err));
	}
	return OQZ_OK;
}

static int nesting(const struct oqz_graph *g)
{
	int depth = 0;

	for (; g; g = g->parent)
		depth++;
	return depth;
}

static enum oqz_status load_contents(struct oqz_onnx_loader *l, const Onnx__GraphProto *p, struct oqz_graph *g,
                                     struct oqz_onnx_scope *scope, const struct oqz_onnx_call *call,
                                     struct oqz_err *err)
{
	g->name = oqz_arena_strdup(g->arena, or_empty(p->name));
	if (!g->name)
		return nomem(err);
	OQZ_TRY(load_initializers(l, p, g, scope, err));
	OQZ_TRY(load_inputs(p, g, scope, err));
	/* A body in a function refers to the function's attributes (call), but its names are its own. */
	for (size_t i = 0; i < p->n_node; i++)
		OQZ_TRY(make_outputs(l, g, scope, NULL, p->node[i], err));
	for (size_t i = 0; i < p->n_node; i++)
		OQZ_TRY(load_node(l, g, scope, call, p->node[i], err));
	return load_outputs(p, g, scope, err);
}

static enum oqz_status load_graph(struct oqz_onnx_loader *l, const Onnx__GraphProto *p, struct oqz_graph *parent,
                                  const struct oqz_onnx_scope *outer, const struct oqz_onnx_call *call,
                                  struct oqz_graph **ret, struct oqz_err *err)
{
	OQZ_CLEANUP(oqz_graph_free_cleanup) struct oqz_graph *g = oqz_graph_new();
	struct oqz_onnx_scope scope = { .outer = outer };

	if (!g)
		return nomem(err);
	g->parent = parent;
	if (nesting(g) > OQZ_MAX_NESTING)
		OQZ_FAIL(err, OQZ_E_LIMIT, "control flow nests more than %d deep", OQZ_MAX_NESTING);
	for (size_t i = 0; !parent && i < l->model->n_opset_import; i++) {
		const Onnx__OperatorSetIdProto *o = l->model->opset_import[i];
		struct oqz_opset set = { oqz_arena_strdup(g->arena, plain_domain(o->domain)), 0 };
		set.version = o->version > 0 && o->version <= INT32_MAX ? (int)o->version : 0;
		if (!set.domain || !oqz_vec_push(&g->opsets, set))
			return nomem(err);
	}
	enum oqz_status st = load_contents(l, p, g, &scope, call, err);
	oqz_map_release(&scope.names);
	if (st != OQZ_OK)
		return st;
	*ret = oqz_steal(g);
	return OQZ_OK;
}

/* ---- models ---- */

static enum oqz_status load_metadata(const Onnx__ModelProto *m, struct oqz_graph *g, struct oqz_err *err)
{
	for (size_t i = 0; i < m->n_metadata_props; i++) {
		struct oqz_metadata e = { oqz_arena_strdup(g->arena, or_empty(m->metadata_props[i]->key)),
			                  oqz_arena_strdup(g->arena, or_empty(m->metadata_props[i]->value)) };
		if (!e.key || !e.value || !oqz_vec_push(&g->metadata, e))
			return nomem(err);
	}
	return OQZ_OK;
}

static enum oqz_status load_model(struct oqz_onnx_loader *l, const char *name, struct oqz_graph **ret,
                                  struct oqz_err *err)
{
	OQZ_CLEANUP(oqz_graph_free_cleanup) struct oqz_graph *g = NULL;

	if (!l->model->graph)
		OQZ_FAIL(err, OQZ_E_DATA, "not an ONNX model: there is no graph");
	OQZ_TRY(oqz_onnx_functions_index(l, err));
	OQZ_TRY(load_graph(l, l->model->graph, NULL, NULL, NULL, &g, err));
	OQZ_TRY(load_metadata(l->model, g, err));
	OQZ_TRY(oqz_graph_finish(g, err));
	if (!g->outputs.n)
		OQZ_FAIL(err, OQZ_E_DATA, "not an ONNX model: there are no outputs");
	g->source = oqz_arena_strdup(g->arena, name);
	if (!g->source)
		return nomem(err);
	*ret = oqz_steal(g);
	return OQZ_OK;
}

/* `owned`: memory that is not needed once the message is unpacked, freed then; NULL: none. */
static enum oqz_status parse(const void *data, size_t size, char **owned, const char *name, const char *dir,
                             struct oqz_graph **ret, struct oqz_err *err)
{
	OQZ_CLEANUP(oqz_arena_free_cleanup) struct oqz_arena *a = oqz_arena_new();
	ProtobufCMessage *m;

	if (!a)
		return nomem(err);
	OQZ_TRY(oqz_wire_unpack(&onnx__model_proto__descriptor, data, size, &m, err));
	if (owned) {
		free(*owned);
		*owned = NULL;
	}
	struct oqz_onnx_loader l = { .file = { .dir = dir }, .model = (const Onnx__ModelProto *)m, .arena = a };
	enum oqz_status st = load_model(&l, name, ret, err);
	oqz_map_release(&l.functions);
	protobuf_c_message_free_unpacked(m, NULL);
	return st;
}

static enum oqz_status parse_named(const void *data, size_t size, char **owned, const char *name, const char *dir,
                                   struct oqz_graph **ret, struct oqz_err *err)
{
	enum oqz_status st = parse(data, size, owned, name, dir, ret, err);

	if (st != OQZ_OK)
		oqz_err_prefix(err, "%s", name);
	return st;
}

enum oqz_status oqz_onnx_parse(const void *data, size_t size, const char *name, const char *dir, struct oqz_graph **ret,
                               struct oqz_err *err)
{
	return parse_named(data, size, NULL, name, dir, ret, err);
}

enum oqz_status oqz_onnx_load(const char *path, struct oqz_graph **ret, struct oqz_err *err)
{
	OQZ_CLEANUP_FREE char *data = NULL;
	OQZ_CLEANUP(oqz_arena_free_cleanup) struct oqz_arena *a = oqz_arena_new();
	const char *dir = a ? oqz_path_dir(a, path) : NULL;
	size_t size;

	if (!dir)
		return nomem(err);
	OQZ_TRY(oqz_file_read(path, file_limit, &data, &size, err));
	return parse_named(data, size, &data, path, dir, ret, err);
}
