/* SPDX-License-Identifier: Apache-2.0
 *
 * ONNX model -> graph. Values are made before nodes, so that the order of nodes in the file does not matter; names are
 * looked up through scopes, because a control-flow body sees the names around it and a function's body does not.
 */
#include "core/base/file.h"
#include "core/onnx/onnx_impl.h"

#include <string.h>

static const size_t file_limit = INT32_MAX; /* protobuf messages end at 2 GiB */

struct oqz_value *oqz_onnx_lookup(const struct oqz_onnx_scope *s, const char *name)
{
	for (; s; s = s->outer) {
		struct oqz_value *v = oqz_map_get(&s->names, name);
		if (v)
			return v;
	}
	return NULL;
}

/* ---- graphs ---- */

static enum oqz_status add_initializer(struct oqz_graph *g, struct oqz_onnx_scope *scope, const char *name,
                                       const struct oqz_tensor *t, struct oqz_err *err)
{
	struct oqz_value *v = NULL;

	OQZ_TRY(oqz_graph_add_constant(g, oqz_onnx_text(name), t, &v, err));
	return oqz_map_set(&scope->names, v->name, v) ? OQZ_OK : oqz_err_nomem(err, "a model", 0);
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
		const char *name = oqz_onnx_text(p->input[i]->name);
		struct oqz_value *v = oqz_map_get(&scope->names, name);
		if (v && v->constant)
			continue;
		OQZ_TRY(oqz_graph_add_value(g, name, &v, err));
		OQZ_TRY(oqz_onnx_type(p->input[i]->type, v, err));
		v->is_input = true;
		if (!oqz_map_set(&scope->names, v->name, v) || !oqz_vec_push(&g->inputs, v))
			return oqz_err_nomem(err, "a model", 0);
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
		OQZ_TRY(own_output(g, scope, oqz_onnx_text(p->output[i]->name), &v, err));
		if (v->is_output)
			OQZ_FAIL(err, OQZ_E_DATA, "output '%s' is listed twice", v->name);
		v->is_output = true;
		if (!v->constant && !v->is_input)
			OQZ_TRY(oqz_onnx_type(p->output[i]->type, v, err));
		if (!oqz_vec_push(&g->outputs, v))
			return oqz_err_nomem(err, "a model", 0);
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
	g->name = oqz_arena_strdup(g->arena, oqz_onnx_text(p->name));
	if (!g->name)
		return oqz_err_nomem(err, "a model", 0);
	OQZ_TRY(load_initializers(l, p, g, scope, err));
	OQZ_TRY(load_inputs(p, g, scope, err));
	/* A body in a function refers to the function's attributes (call), but its names are its own. */
	for (size_t i = 0; i < p->n_node; i++)
		OQZ_TRY(oqz_onnx_make_outputs(l, g, scope, NULL, p->node[i], err));
	for (size_t i = 0; i < p->n_node; i++)
		OQZ_TRY(oqz_onnx_load_node(l, g, scope, call, p->node[i], err));
	return load_outputs(p, g, scope, err);
}

enum oqz_status oqz_onnx_load_graph(struct oqz_onnx_loader *l, const Onnx__GraphProto *p, struct oqz_graph *parent,
                                    const struct oqz_onnx_scope *outer, const struct oqz_onnx_call *call,
                                    struct oqz_graph **ret, struct oqz_err *err)
{
	OQZ_CLEANUP(oqz_graph_free_cleanup) struct oqz_graph *g = oqz_graph_new();
	struct oqz_onnx_scope scope = { .outer = outer };

	if (!g)
		return oqz_err_nomem(err, "a model", 0);
	g->parent = parent;
	if (nesting(g) > OQZ_MAX_NESTING)
		OQZ_FAIL(err, OQZ_E_LIMIT, "control flow nests more than %d deep", OQZ_MAX_NESTING);
	for (size_t i = 0; !parent && i < l->model->n_opset_import; i++) {
		const Onnx__OperatorSetIdProto *o = l->model->opset_import[i];
		struct oqz_opset set = { oqz_arena_strdup(g->arena, oqz_onnx_domain(o->domain)), 0 };
		set.version = o->version > 0 && o->version <= INT32_MAX ? (int)o->version : 0;
		if (!set.domain || !oqz_vec_push(&g->opsets, set))
			return oqz_err_nomem(err, "a model", 0);
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
		struct oqz_metadata e = { oqz_arena_strdup(g->arena, oqz_onnx_text(m->metadata_props[i]->key)),
			                  oqz_arena_strdup(g->arena, oqz_onnx_text(m->metadata_props[i]->value)) };
		if (!e.key || !e.value || !oqz_vec_push(&g->metadata, e))
			return oqz_err_nomem(err, "a model", 0);
	}
	return OQZ_OK;
}

static enum oqz_status name_data_files(const struct oqz_onnx_loader *l, struct oqz_graph *g, struct oqz_err *err)
{
	const struct oqz_onnx_paths *p = l->file.opened;

	for (size_t i = 0; i < p->v.n; i++) {
		const char *path = oqz_arena_strdup(g->arena, p->v.v[i]);
		if (!path || !oqz_vec_push(&g->data_files, path))
			return oqz_err_nomem(err, "a model's files", p->v.n);
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
	OQZ_TRY(oqz_onnx_load_graph(l, l->model->graph, NULL, NULL, NULL, &g, err));
	OQZ_TRY(load_metadata(l->model, g, err));
	OQZ_TRY(oqz_graph_finish(g, err));
	if (!g->outputs.n)
		OQZ_FAIL(err, OQZ_E_DATA, "not an ONNX model: there are no outputs");
	g->source = oqz_arena_strdup(g->arena, name);
	if (!g->source)
		return oqz_err_nomem(err, "a model", 0);
	OQZ_TRY(name_data_files(l, g, err));
	*ret = oqz_steal(g);
	return OQZ_OK;
}

/* `owned`: where `data` is, to be consumed; NULL: it stays. */
static enum oqz_status parse(const void *data, size_t size, char **owned, const char *name, const char *dir,
                             struct oqz_graph **ret, struct oqz_err *err)
{
	OQZ_CLEANUP(oqz_arena_free_cleanup) struct oqz_arena *a = oqz_arena_new();
	ProtobufCMessage *m;

	if (!a)
		return oqz_err_nomem(err, "a model", 0);
	OQZ_TRY(owned ? oqz_wire_consume(&onnx__model_proto__descriptor, owned, size, &m, err)
	              : oqz_wire_unpack(&onnx__model_proto__descriptor, data, size, &m, err));
	struct oqz_onnx_paths opened = { .arena = a };
	struct oqz_onnx_loader l = { .file = { .dir = dir, .opened = &opened },
		                     .model = (const Onnx__ModelProto *)m,
		                     .arena = a };
	enum oqz_status st = load_model(&l, name, ret, err);
	oqz_vec_release(&opened.v);
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
		return oqz_err_nomem(err, "a model", 0);
	OQZ_TRY(oqz_file_read(path, file_limit, &data, &size, err));
	return parse_named(data, size, &data, path, dir, ret, err);
}
