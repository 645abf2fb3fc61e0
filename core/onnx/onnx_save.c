/* SPDX-License-Identifier: Apache-2.0
 *
 * Graph -> ONNX model. The message is built from structs in an arena that point at the graph's own memory (weights are
 * not copied) and packed once. Weights beyond a limit go into one file beside the model, because a protobuf message
 * ends at 2 GiB; that file is complete before the model that refers to it appears.
 */
#include "core/base/checked.h"
#include "core/base/file.h"
#include "core/graph/pass.h"
#include "core/onnx/onnx_save_impl.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static const size_t inline_limit = (size_t)1 << 30;

/* ---- graphs ---- */

static enum oqz_status save_values(struct oqz_onnx_saver *s, const struct oqz_graph *g, Onnx__GraphProto *p,
                                   struct oqz_err *err)
{
	p->initializer = ONNX_LIST(s, Onnx__TensorProto *, g->values.n);
	p->value_info = ONNX_LIST(s, Onnx__ValueInfoProto *, g->values.n);
	p->input = ONNX_LIST(s, Onnx__ValueInfoProto *, g->inputs.n);
	p->output = ONNX_LIST(s, Onnx__ValueInfoProto *, g->outputs.n);
	if (!p->initializer || !p->value_info || !p->input || !p->output)
		return oqz_onnx_nomem(err);
	for (size_t i = 0; i < g->inputs.n; i++)
		OQZ_TRY(oqz_onnx_save_info(s, g->inputs.v[i], p->input, &p->n_input, err));
	for (size_t i = 0; i < g->outputs.n; i++)
		OQZ_TRY(oqz_onnx_save_info(s, g->outputs.v[i], p->output, &p->n_output, err));
	for (size_t i = 0; i < g->values.n; i++) {
		const struct oqz_value *v = g->values.v[i];
		if (v->constant)
			OQZ_TRY(
			    oqz_onnx_save_tensor(s, v->constant, v->name, &p->initializer[p->n_initializer++], err));
		else if (!v->is_input && !v->is_output && v->type.dtype != OQZ_DT_UNDEFINED)
			OQZ_TRY(oqz_onnx_save_info(s, v, p->value_info, &p->n_value_info, err));
	}
	return OQZ_OK;
}

/* Bodies nest at most OQZ_MAX_NESTING deep. */
enum oqz_status oqz_onnx_save_graph(struct oqz_onnx_saver *s, const struct oqz_graph *g, Onnx__GraphProto **ret,
                                    struct oqz_err *err)
{
	Onnx__GraphProto *p = ONNX_NEW(s, Onnx__GraphProto, onnx__graph_proto__init);

	if (!p || !(p->node = ONNX_LIST(s, Onnx__NodeProto *, g->nodes.n)))
		return oqz_onnx_nomem(err);
	p->name = g->name && *g->name ? (char *)g->name : (char *)"graph";
	OQZ_TRY(save_values(s, g, p, err));
	for (; p->n_node < g->nodes.n; p->n_node++)
		if (oqz_onnx_save_node(s, g->nodes.v[p->n_node], &p->node[p->n_node], err) != OQZ_OK)
			return oqz_node_err(g->nodes.v[p->n_node], err);
	*ret = p;
	return OQZ_OK;
}

static size_t constant_bytes(const struct oqz_graph *g)
{
	size_t total = 0;

	for (size_t i = 0; i < g->values.n; i++)
		if (g->values.v[i]->constant)
			total += oqz_tensor_bytes(g->values.v[i]->constant);
	return total;
}

/* The first IR version of ONNX releases that have the operator set (Versioning.md); at least 4, since initializers that
 * are no inputs came with it. */
static int64_t ir_version(int opset)
{
	static const struct {
		int opset, ir;
	} since[] = { { 24, 12 }, { 23, 11 }, { 21, 10 }, { 19, 9 }, { 15, 8 }, { 12, 7 }, { 11, 6 }, { 10, 5 } };

	for (size_t i = 0; i < OQZ_COUNTOF(since); i++)
		if (opset >= since[i].opset)
			return since[i].ir;
	return 4;
}

static enum oqz_status save_header(struct oqz_onnx_saver *s, const struct oqz_graph *g, Onnx__ModelProto *m,
                                   struct oqz_err *err)
{
	int main_opset = 0;

	m->opset_import = ONNX_LIST(s, Onnx__OperatorSetIdProto *, s->opsets.n);
	m->metadata_props = ONNX_LIST(s, Onnx__StringStringEntryProto *, g->metadata.n);
	if (!m->opset_import || !m->metadata_props)
		return oqz_onnx_nomem(err);
	for (size_t i = 0; i < s->opsets.n; i++) {
		Onnx__OperatorSetIdProto *o = ONNX_NEW(s, Onnx__OperatorSetIdProto, onnx__operator_set_id_proto__init);
		if (!o)
			return oqz_onnx_nomem(err);
		o->domain = (char *)s->opsets.v[i].domain;
		o->has_version = true;
		o->version = s->opsets.v[i].version;
		if (!*o->domain)
			main_opset = s->opsets.v[i].version;
		m->opset_import[m->n_opset_import++] = o;
	}
	for (size_t i = 0; i < g->metadata.n; i++) {
		Onnx__StringStringEntryProto *e =
		    ONNX_NEW(s, Onnx__StringStringEntryProto, onnx__string_string_entry_proto__init);
		if (!e)
			return oqz_onnx_nomem(err);
		e->key = (char *)g->metadata.v[i].key;
		e->value = (char *)g->metadata.v[i].value;
		m->metadata_props[m->n_metadata_props++] = e;
	}
	m->has_ir_version = true;
	m->ir_version = ir_version(main_opset);
	m->producer_name = (char *)"oqz";
	return OQZ_OK;
}

/* ---- files ---- */

static bool write_external(FILE *f, const struct oqz_onnx_saver *s)
{
	static const char zeros[OQZ_ONNX_DATA_ALIGN];
	size_t at = 0;

	for (size_t i = 0; i < s->external.n; i++) {
		const struct oqz_onnx_outside *x = &s->external.v[i];
		if (fwrite(zeros, 1, x->offset - at, f) != x->offset - at || fwrite(x->data, 1, x->size, f) != x->size)
			return false;
		at = x->offset + x->size;
	}
	return fflush(f) == 0 && fsync(fileno(f)) == 0;
}

/* Like oqz_file_write(), but in pieces: the weights are not gathered in memory first. */
static enum oqz_status save_external(const struct oqz_onnx_saver *s, const char *path, struct oqz_err *err)
{
	const char *tmp = oqz_arena_printf(s->arena, "%s.tmp", path);
	FILE *f = tmp ? fopen(tmp, "wbe") : NULL;

	if (!f)
		return oqz_err_errno(err, errno, path);
	bool ok = write_external(f, s);
	int errnum = errno;
	if (fclose(f) != 0 && ok) {
		ok = false;
		errnum = errno;
	}
	if (ok && rename(tmp, path) != 0) {
		ok = false;
		errnum = errno;
	}
	if (!ok) {
		unlink(tmp);
		return oqz_err_errno(err, errnum, path);
	}
	return OQZ_OK;
}

static enum oqz_status save(struct oqz_onnx_saver *s, const struct oqz_graph *g, const char *path, size_t limit,
                            struct oqz_err *err)
{
	Onnx__ModelProto *m = ONNX_NEW(s, Onnx__ModelProto, onnx__model_proto__init);
	const char *outside = oqz_arena_printf(s->arena, "%s.data", path);

	if (!m || !outside)
		return oqz_onnx_nomem(err);
	if (constant_bytes(g) >= limit) {
		if (strcmp(path, "-") == 0)
			OQZ_FAIL(err, OQZ_E_UNSUPPORTED, "a model with more than %zu bytes of weights needs two files",
			         limit);
		s->location = oqz_path_base(outside);
	}
	OQZ_TRY(oqz_onnx_save_graph(s, g, &m->graph, err));
	OQZ_TRY(oqz_onnx_keep_imports(s, g, err));
	OQZ_TRY(save_header(s, g, m, err));
	size_t size = protobuf_c_message_get_packed_size(&m->base);
	if (size > INT32_MAX)
		OQZ_FAIL(err, OQZ_E_LIMIT, "a message of %zu bytes; protobuf ends at 2 GiB", size);
	OQZ_CLEANUP_FREE uint8_t *data = malloc(size + 1);
	if (!data)
		return oqz_err_nomem(err, path, size);
	protobuf_c_message_pack(&m->base, data);
	if (s->external.n)
		OQZ_TRY(save_external(s, outside, err));
	return oqz_file_write(path, data, size, err);
}

/* A MatMul with a bias, which is this program's own (pass_matmul_add.c). */
static bool has_own_form(const struct oqz_graph *g)
{
	for (size_t i = 0; i < g->nodes.n; i++)
		if (!*g->nodes.v[i]->domain && !strcmp(g->nodes.v[i]->op_type, "MatMul") && g->nodes.v[i]->n_in > 2)
			return true;
	return false;
}

enum oqz_status oqz_onnx_save_limit(const struct oqz_graph *g, const char *path, size_t limit, struct oqz_err *err)
{
	OQZ_CLEANUP(oqz_graph_free_cleanup) struct oqz_graph *standard = NULL;

	if (has_own_form(g)) {
		OQZ_TRY(oqz_graph_clone(g, &standard, err));
		OQZ_TRY(oqz_graph_split_matmul_add(standard, err));
		g = standard;
	}
	struct oqz_onnx_saver s = { .arena = oqz_arena_new() };
	enum oqz_status st = s.arena ? save(&s, g, path, limit, err) : oqz_onnx_nomem(err);

	if (st != OQZ_OK)
		oqz_err_prefix(err, "%s", path);
	oqz_vec_release(&s.external);
	oqz_vec_release(&s.opsets);
	oqz_arena_free(s.arena);
	return st;
}

enum oqz_status oqz_onnx_save(const struct oqz_graph *g, const char *path, struct oqz_err *err)
{
	return oqz_onnx_save_limit(g, path, inline_limit, err);
}
