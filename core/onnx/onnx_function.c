/* SPDX-License-Identifier: Apache-2.0
 *
 * Functions of a model are put in place of their calls while loading, so that nothing behind the loader knows them. A
 * function's names are its own: its inputs and outputs stand for the call's values, everything else gets a name made
 * from the call's. Small files can call themselves into billions of nodes; depth and total are limited.
 */
#include "core/onnx/onnx_impl.h"

#include <string.h>

static const size_t inlined_limit = (size_t)1 << 20;

static const char *key_of(struct oqz_arena *a, const char *domain, const char *name, const char *overload)
{
	domain = oqz_onnx_text(domain);
	return oqz_arena_printf(a, "%s:%s:%s", oqz_onnx_domain(domain), oqz_onnx_text(name), oqz_onnx_text(overload));
}

enum oqz_status oqz_onnx_functions_index(struct oqz_onnx_loader *l, struct oqz_err *err)
{
	for (size_t i = 0; i < l->model->n_functions; i++) {
		Onnx__FunctionProto *f = l->model->functions[i];
		const char *key = key_of(l->arena, f->domain, f->name, f->overload);
		if (!key || !oqz_map_set(&l->functions, key, f))
			return oqz_err_nomem(err, "functions", 0);
	}
	return OQZ_OK;
}

const Onnx__FunctionProto *oqz_onnx_function(const struct oqz_onnx_loader *l, const Onnx__NodeProto *n)
{
	if (!l->functions.n)
		return NULL;
	const char *key = key_of(l->arena, n->domain, n->op_type, n->overload);
	return key ? oqz_map_get(&l->functions, key) : NULL;
}

static const Onnx__AttributeProto *find(Onnx__AttributeProto *const *a, size_t n, const char *name)
{
	for (size_t i = 0; i < n; i++)
		if (a[i]->name && strcmp(a[i]->name, name) == 0)
			return a[i];
	return NULL;
}

const Onnx__AttributeProto *oqz_onnx_attr_resolve(const struct oqz_onnx_call *call, const Onnx__AttributeProto *a)
{
	for (; a && a->ref_attr_name && *a->ref_attr_name; call = call->outer) {
		if (!call)
			return NULL;
		const Onnx__AttributeProto *given =
		    find(call->node->attribute, call->node->n_attribute, a->ref_attr_name);
		if (!given)
			return find(call->func->attribute_proto, call->func->n_attribute_proto, a->ref_attr_name);
		a = given;
	}
	return a;
}

/* The function's names: outputs first, so that a function that hands an input through has the input under that name. */
static enum oqz_status bind_names(struct oqz_onnx_scope *inner, const struct oqz_onnx_scope *outer, struct oqz_graph *g,
                                  const Onnx__NodeProto *n, const Onnx__FunctionProto *f, struct oqz_err *err)
{
	for (size_t i = 0; i < f->n_output && i < n->n_output; i++)
		if (*n->output[i] && !oqz_map_set(&inner->names, f->output[i], oqz_onnx_lookup(outer, n->output[i])))
			return oqz_err_nomem(err, "names", 0);
	for (size_t i = 0; i < f->n_input; i++) {
		const char *actual = i < n->n_input ? n->input[i] : "";
		struct oqz_value *v = *actual ? oqz_onnx_lookup(outer, actual) : NULL;
		if (*actual && !v)
			OQZ_FAIL(err, OQZ_E_DATA, "input '%s' is not defined", actual);
		if (!oqz_map_set(&inner->names, f->input[i], v))
			return oqz_err_nomem(err, "names", 0);
	}
	return OQZ_OK;
}

static enum oqz_status hand_through(struct oqz_onnx_scope *inner, const struct oqz_onnx_scope *outer,
                                    struct oqz_graph *g, const Onnx__NodeProto *n, const Onnx__FunctionProto *f,
                                    struct oqz_err *err)
{
	for (size_t i = 0; i < f->n_output && i < n->n_output; i++) {
		struct oqz_value *want = *n->output[i] ? oqz_onnx_lookup(outer, n->output[i]) : NULL;
		struct oqz_value *have = oqz_map_get(&inner->names, f->output[i]);
		if (want && have && want != have)
			OQZ_TRY(oqz_graph_add_node(g, NULL, "", "Identity",
			                           oqz_graph_opset(g, "") ? oqz_graph_opset(g, "") : 13, &have, 1,
			                           &want, 1, NULL, NULL, err));
	}
	return OQZ_OK;
}

static enum oqz_status inline_body(struct oqz_onnx_loader *l, struct oqz_graph *g, const struct oqz_onnx_scope *outer,
                                   struct oqz_onnx_scope *inner, const struct oqz_onnx_call *call, struct oqz_err *err)
{
	const Onnx__FunctionProto *f = call->func;

	OQZ_TRY(bind_names(inner, outer, g, call->node, f, err));
	OQZ_TRY(oqz_onnx_nodes(l, g, inner, call, f->node, f->n_node, err));
	return hand_through(inner, outer, g, call->node, f, err);
}

enum oqz_status oqz_onnx_inline(struct oqz_onnx_loader *l, struct oqz_graph *g, const struct oqz_onnx_scope *scope,
                                const struct oqz_onnx_call *outer, const Onnx__NodeProto *n,
                                const Onnx__FunctionProto *func, struct oqz_err *err)
{
	struct oqz_onnx_scope inner = { 0 };
	const char *name = n->name && *n->name ? n->name : oqz_onnx_text(n->op_type);
	struct oqz_onnx_call call = { .node = n, .func = func, .outer = outer, .depth = outer ? outer->depth + 1 : 1 };

	if (call.depth > OQZ_MAX_NESTING)
		OQZ_FAIL(err, OQZ_E_LIMIT, "function %s: calls nest more than %d deep", oqz_onnx_text(func->name),
		         OQZ_MAX_NESTING);
	l->inlined += func->n_node;
	if (l->inlined > inlined_limit)
		OQZ_FAIL(err, OQZ_E_LIMIT, "function %s: more than %zu nodes from functions", oqz_onnx_text(func->name),
		         inlined_limit);
	if (n->n_input > func->n_input || n->n_output > func->n_output)
		OQZ_FAIL(err, OQZ_E_DATA, "node '%s': function %s has %zu inputs and %zu outputs", name,
		         oqz_onnx_text(func->name), func->n_input, func->n_output);
	call.prefix = oqz_arena_printf(l->arena, "%s%s/", outer ? outer->prefix : "", name);
	if (!call.prefix)
		return oqz_err_nomem(err, "names", 0);
	enum oqz_status st = inline_body(l, g, scope, &inner, &call, err);
	oqz_map_release(&inner.names);
	return st == OQZ_OK ? st : oqz_err_prefix(err, "function %s of node '%s'", oqz_onnx_text(func->name), name);
}
