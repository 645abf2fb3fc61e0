/* SPDX-License-Identifier: Apache-2.0
 *
 * Graph -> ONNX model. The message is built from structs in an arena that point at the graph's own memory (weights are
 * not copied) and packed once. Weights beyond a limit go into one file beside the model, because a protobuf message
 * ends at 2 GiB; that file is complete before the model that refers to it appears.
 */
#include "core/ops/capture.h"
#include "core/graph/pass.h"
#include "core/onnx/onnx_impl.h"
#include "core/tensor/text.h"
#include "core/base/checked.h"
#include "core/base/file.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { DATA_ALIGN = 64, SMALL = 1024 /* bytes: smaller constants always stay in the model */ };
static const size_t inline_limit = (size_t)1 << 30;

struct external {
	const void *data;
	size_t size, offset;
};

struct saver {
	struct oqz_arena *arena;
	const char *location; /* of external data, NULL: everything inside */
	size_t offset;
	OQZ_VEC(struct external) external;
	OQZ_VEC(struct oqz_opset) opsets;
};

static enum oqz_status nomem(struct oqz_err *err) { return oqz_err_nomem(err, "an ONNX model", 0); }

/* New message M of a generated type; NULL when out of memory. */
#define NEW(s, T, init)                               \
	({                                            \
		T *m_ = OQZ_ARENA_NEW((s)->arena, T); \
		if (m_)                               \
			init(m_);                     \
		m_;                                   \
	})
#define LIST(s, T, n) OQZ_ARENA_NEW_N((s)->arena, T, (n))

/* ---- tensors ---- */

static const void *file_form(struct saver *s, const struct oqz_tensor *t, size_t bytes)
{
	if (oqz_dtype_traits(t->dtype)->bits >= 8)
		return t->data;
	unsigned char *packed = oqz_arena_alloc(s->arena, bytes + 1);
	if (packed)
		oqz_onnx_pack_bits(t->dtype, t->data, (size_t)oqz_tensor_nelem(t), packed);
	return packed;
}

static enum oqz_status put_outside(struct saver *s, Onnx__TensorProto *p, const void *data, size_t bytes,
                                   struct oqz_err *err)
{
	static const char *const keys[] = { "location", "offset", "length" };
	const char *values[] = { s->location, oqz_arena_printf(s->arena, "%zu", s->offset),
		                 oqz_arena_printf(s->arena, "%zu", bytes) };

	p->external_data = LIST(s, Onnx__StringStringEntryProto *, 3);
	for (size_t i = 0; i < 3; i++) {
		Onnx__StringStringEntryProto *e =
		    NEW(s, Onnx__StringStringEntryProto, onnx__string_string_entry_proto__init);
		if (!e || !values[i] || !p->external_data)
			return nomem(err);
		e->key = (char *)keys[i];
		e->value = (char *)values[i];
		p->external_data[i] = e;
	}
	p->n_external_data = 3;
	p->has_data_location = true;
	p->data_location = ONNX__TENSOR_PROTO__DATA_LOCATION__EXTERNAL;
	if (!oqz_vec_push(&s->external, ((struct external) { data, bytes, s->offset })))
		return nomem(err);
	s->offset = oqz_align_up(s->offset + bytes, DATA_ALIGN);
	return OQZ_OK;
}

static enum oqz_status put_texts(struct saver *s, const struct oqz_tensor *t, Onnx__TensorProto *p, struct oqz_err *err)
{
	size_t n = (size_t)oqz_tensor_nelem(t);

	if (!(p->string_data = LIST(s, ProtobufCBinaryData, n)))
		return nomem(err);
	p->n_string_data = n;
	for (size_t i = 0; i < n; i++) {
		const struct oqz_text *x = oqz_text_at(t, i);
		p->string_data[i] =
		    (ProtobufCBinaryData) { .len = oqz_text_len(x), .data = (uint8_t *)oqz_text_bytes(x) };
	}
	return OQZ_OK;
}

static enum oqz_status save_tensor(struct saver *s, const struct oqz_tensor *t, const char *name,
                                   Onnx__TensorProto **ret, struct oqz_err *err)
{
	Onnx__TensorProto *p = NEW(s, Onnx__TensorProto, onnx__tensor_proto__init);
	size_t bytes;

	if (t->layout != OQZ_LAYOUT_PLAIN || !oqz_onnx_packed_size(t->dtype, oqz_tensor_nelem(t), &bytes))
		OQZ_FAIL(err, OQZ_E_INTERNAL, "tensor '%s' is not plain", name ? name : "");
	const void *data = p ? file_form(s, t, bytes) : NULL;
	if (!p || (!data && bytes))
		return nomem(err);
	p->name = (char *)name;
	p->has_data_type = true;
	p->data_type = (int32_t)t->dtype;
	p->n_dims = (size_t)t->shape.rank;
	p->dims = (int64_t *)t->shape.dim;
	*ret = p;
	if (t->dtype == OQZ_DT_STRING)
		return put_texts(s, t, p, err);
	if (s->location && name && bytes >= SMALL)
		return put_outside(s, p, data, bytes, err);
	p->has_raw_data = true;
	p->raw_data = (ProtobufCBinaryData) { .len = bytes, .data = (uint8_t *)data };
	return OQZ_OK;
}

/* ---- types ---- */

static Onnx__TensorShapeProto *save_shape(struct saver *s, const struct oqz_value *v)
{
	Onnx__TensorShapeProto *p = NEW(s, Onnx__TensorShapeProto, onnx__tensor_shape_proto__init);
	size_t rank = (size_t)v->type.shape.rank;

	if (!p || !(p->dim = LIST(s, Onnx__TensorShapeProto__Dimension *, rank)))
		return NULL;
	for (size_t i = 0; i < rank; i++) {
		Onnx__TensorShapeProto__Dimension *d =
		    NEW(s, Onnx__TensorShapeProto__Dimension, onnx__tensor_shape_proto__dimension__init);
		if (!d)
			return NULL;
		if (v->type.shape.dim[i] >= 0) {
			d->value_case = ONNX__TENSOR_SHAPE_PROTO__DIMENSION__VALUE_DIM_VALUE;
			d->dim_value = v->type.shape.dim[i];
		} else if (v->dim_name[i]) {
			d->value_case = ONNX__TENSOR_SHAPE_PROTO__DIMENSION__VALUE_DIM_PARAM;
			d->dim_param = (char *)v->dim_name[i];
		}
		p->dim[i] = d;
	}
	p->n_dim = rank;
	return p;
}

static Onnx__TypeProto *sequence_of(struct saver *s, Onnx__TypeProto *element)
{
	Onnx__TypeProto *o = NEW(s, Onnx__TypeProto, onnx__type_proto__init);
	Onnx__TypeProto__Sequence *q = NEW(s, Onnx__TypeProto__Sequence, onnx__type_proto__sequence__init);

	if (!o || !q || !element)
		return NULL;
	q->elem_type = element;
	o->value_case = ONNX__TYPE_PROTO__VALUE_SEQUENCE_TYPE;
	o->sequence_type = q;
	return o;
}

static Onnx__TypeProto *optional_of(struct saver *s, Onnx__TypeProto *element)
{
	Onnx__TypeProto *o = NEW(s, Onnx__TypeProto, onnx__type_proto__init);
	Onnx__TypeProto__Optional *q = NEW(s, Onnx__TypeProto__Optional, onnx__type_proto__optional__init);

	if (!o || !q || !element)
		return NULL;
	q->elem_type = element;
	o->value_case = ONNX__TYPE_PROTO__VALUE_OPTIONAL_TYPE;
	o->optional_type = q;
	return o;
}

static Onnx__TypeProto *save_type(struct saver *s, const struct oqz_value *v)
{
	Onnx__TypeProto *p = NEW(s, Onnx__TypeProto, onnx__type_proto__init);
	Onnx__TypeProto__Tensor *t = NEW(s, Onnx__TypeProto__Tensor, onnx__type_proto__tensor__init);

	if (!p || !t || (v->type.shape.rank >= 0 && !(t->shape = save_shape(s, v))))
		return NULL;
	t->has_elem_type = true;
	t->elem_type = (int32_t)v->type.dtype;
	p->value_case = ONNX__TYPE_PROTO__VALUE_TENSOR_TYPE;
	p->tensor_type = t;
	if (v->kind == OQZ_VALUE_TENSOR)
		return p;
	if (v->kind == OQZ_VALUE_SEQUENCE || v->kind == OQZ_VALUE_OPTIONAL_SEQUENCE)
		p = sequence_of(s, p);
	return v->kind == OQZ_VALUE_SEQUENCE ? p : optional_of(s, p);
}

static enum oqz_status add_info(struct saver *s, const struct oqz_value *v, Onnx__ValueInfoProto **list, size_t *n,
                                struct oqz_err *err)
{
	Onnx__ValueInfoProto *p = NEW(s, Onnx__ValueInfoProto, onnx__value_info_proto__init);

	if (!p)
		return nomem(err);
	p->name = (char *)v->name;
	if (v->type.dtype != OQZ_DT_UNDEFINED && !(p->type = save_type(s, v)))
		return nomem(err);
	list[(*n)++] = p;
	return OQZ_OK;
}

/* ---- nodes ---- */

static enum oqz_status save_graph(struct saver *s, const struct oqz_graph *g, Onnx__GraphProto **ret,
                                  struct oqz_err *err);

static enum oqz_status save_strings(struct saver *s, const struct oqz_attr *a, Onnx__AttributeProto *p,
                                    struct oqz_err *err)
{
	p->strings = LIST(s, ProtobufCBinaryData, a->n);
	if (!p->strings)
		return nomem(err);
	for (size_t i = 0; i < a->n; i++)
		p->strings[i] =
		    (ProtobufCBinaryData) { .len = strlen(a->strings[i]), .data = (uint8_t *)a->strings[i] };
	p->n_strings = a->n;
	return OQZ_OK;
}

static enum oqz_status save_attr(struct saver *s, const struct oqz_attr *a, Onnx__AttributeProto **ret,
                                 struct oqz_err *err)
{
	Onnx__AttributeProto *p = NEW(s, Onnx__AttributeProto, onnx__attribute_proto__init);

	if (!p)
		return nomem(err);
	p->name = (char *)a->name;
	p->has_type = true;
	p->type = (Onnx__AttributeProto__AttributeType)a->type; /* same numbers */
	*ret = p;
	switch (a->type) {
	case OQZ_ATTR_FLOAT: p->has_f = true, p->f = a->f; break;
	case OQZ_ATTR_INT: p->has_i = true, p->i = a->i; break;
	case OQZ_ATTR_STRING:
		p->has_s = true;
		p->s = (ProtobufCBinaryData) { .len = a->n, .data = (uint8_t *)a->s };
		break;
	case OQZ_ATTR_TENSOR: return save_tensor(s, a->tensor, NULL, &p->t, err);
	case OQZ_ATTR_GRAPH: return save_graph(s, a->graph, &p->g, err);
	case OQZ_ATTR_FLOATS: p->n_floats = a->n, p->floats = (float *)a->floats; break;
	case OQZ_ATTR_INTS: p->n_ints = a->n, p->ints = (int64_t *)a->ints; break;
	case OQZ_ATTR_STRINGS: return save_strings(s, a, p, err);
	case OQZ_ATTR_NONE: OQZ_FAIL(err, OQZ_E_INTERNAL, "attribute %s has no type", a->name);
	}
	return OQZ_OK;
}

/* Every domain once; one version a domain, because a file can say no more. */
static enum oqz_status note_opset(struct saver *s, const struct oqz_node *n, struct oqz_err *err)
{
	for (size_t i = 0; i < s->opsets.n; i++)
		if (strcmp(s->opsets.v[i].domain, n->domain) == 0) {
			if (s->opsets.v[i].version != n->opset)
				OQZ_FAIL(err, OQZ_E_UNSUPPORTED,
				         "operator set %d in a model of operator set %d; resolve it first", n->opset,
				         s->opsets.v[i].version);
			return OQZ_OK;
		}
	return oqz_vec_push(&s->opsets, ((struct oqz_opset) { n->domain, n->opset })) ? OQZ_OK : nomem(err);
}

/* Imported domains that no node uses stay imported. */
static enum oqz_status keep_imports(struct saver *s, const struct oqz_graph *g, struct oqz_err *err)
{
	for (size_t i = 0; i < g->opsets.n; i++) {
		bool known = false;
		for (size_t k = 0; k < s->opsets.n; k++)
			known |= strcmp(s->opsets.v[k].domain, g->opsets.v[i].domain) == 0;
		if (!known && !oqz_vec_push(&s->opsets, g->opsets.v[i]))
			return nomem(err);
	}
	return OQZ_OK;
}

static char **save_names(struct saver *s, struct oqz_value *const *v, int n)
{
	char **names = LIST(s, char *, (size_t)n);

	for (int i = 0; names && i < n; i++)
		names[i] = v[i] ? (char *)v[i]->name : (char *)"";
	return names;
}

/* Inputs that stand for outer values (core/ops/capture.h) are none of ONNX's: a body finds the values by their names.
 */
static int captured_inputs(const struct oqz_node *n)
{
	int sum = 0;

	for (int k = 0; k < OQZ_NODE_MAX_BODIES; k++)
		sum += oqz_node_captured(n, k);
	return sum;
}

static enum oqz_status check_captured(const struct oqz_node *n, struct oqz_err *err)
{
	struct oqz_graph *body[OQZ_NODE_MAX_BODIES];
	int count = oqz_node_bodies(n, body), at = n->n_in - captured_inputs(n);

	for (int k = 0; k < count; k++) {
		int m = oqz_node_captured(n, k);

		for (int i = 0; i < m; i++, at++)
			if (strcmp(n->in[at]->name, body[k]->inputs.v[body[k]->inputs.n - (size_t)(m - i)]->name) != 0)
				OQZ_FAIL(err, OQZ_E_UNSUPPORTED,
				         "a body reads '%s' from outside, which a pass has renamed", n->in[at]->name);
	}
	return OQZ_OK;
}

static void drop_captured(const struct oqz_node *n, Onnx__NodeProto *p)
{
	struct oqz_graph *body[OQZ_NODE_MAX_BODIES];
	int count = oqz_node_bodies(n, body);

	for (size_t i = 0; i < n->n_attr; i++)
		for (int k = 0; k < count; k++)
			if (n->attr[i].graph == body[k])
				for (size_t j = 0; j < p->n_attribute; j++)
					if (strcmp(p->attribute[j]->name, n->attr[i].name) == 0)
						p->attribute[j]->g->n_input -= (size_t)oqz_node_captured(n, k);
}

static enum oqz_status save_node(struct saver *s, const struct oqz_node *n, Onnx__NodeProto **ret, struct oqz_err *err)
{
	Onnx__NodeProto *p = NEW(s, Onnx__NodeProto, onnx__node_proto__init);

	if (!p || !(p->input = save_names(s, n->in, n->n_in)) || !(p->output = save_names(s, n->out, n->n_out)) ||
	    !(p->attribute = LIST(s, Onnx__AttributeProto *, n->n_attr)))
		return nomem(err);
	OQZ_TRY(note_opset(s, n, err));
	OQZ_TRY(check_captured(n, err));
	p->n_input = (size_t)(n->n_in - captured_inputs(n));
	p->n_output = (size_t)n->n_out;
	p->name = (char *)n->name;
	p->op_type = (char *)n->op_type;
	p->domain = *n->domain ? (char *)n->domain : NULL;
	for (size_t i = 0; i < n->n_attr; i++)
		if (strcmp(n->attr[i].name, "captured") != 0)
			OQZ_TRY(save_attr(s, &n->attr[i], &p->attribute[p->n_attribute++], err));
	drop_captured(n, p);
	*ret = p;
	return OQZ_OK;
}

/* ---- graphs ---- */

static enum oqz_status save_values(struct saver *s, const struct oqz_graph *g, Onnx__GraphProto *p, struct oqz_err *err)
{
	p->initializer = LIST(s, Onnx__TensorProto *, g->values.n);
	p->value_info = LIST(s, Onnx__ValueInfoProto *, g->values.n);
	p->input = LIST(s, Onnx__ValueInfoProto *, g->inputs.n);
	p->output = LIST(s, Onnx__ValueInfoProto *, g->outputs.n);
	if (!p->initializer || !p->value_info || !p->input || !p->output)
		return nomem(err);
	for (size_t i = 0; i < g->inputs.n; i++)
		OQZ_TRY(add_info(s, g->inputs.v[i], p->input, &p->n_input, err));
	for (size_t i = 0; i < g->outputs.n; i++)
		OQZ_TRY(add_info(s, g->outputs.v[i], p->output, &p->n_output, err));
	for (size_t i = 0; i < g->values.n; i++) {
		const struct oqz_value *v = g->values.v[i];
		if (v->constant)
			OQZ_TRY(save_tensor(s, v->constant, v->name, &p->initializer[p->n_initializer++], err));
		else if (!v->is_input && !v->is_output && v->type.dtype != OQZ_DT_UNDEFINED)
			OQZ_TRY(add_info(s, v, p->value_info, &p->n_value_info, err));
	}
	return OQZ_OK;
}

/* Bodies nest at most OQZ_MAX_NESTING deep. */
static enum oqz_status save_graph(struct saver *s, const struct oqz_graph *g, Onnx__GraphProto **ret,
                                  struct oqz_err *err)
{
	Onnx__GraphProto *p = NEW(s, Onnx__GraphProto, onnx__graph_proto__init);

	if (!p || !(p->node = LIST(s, Onnx__NodeProto *, g->nodes.n)))
		return nomem(err);
	p->name = g->name && *g->name ? (char *)g->name : (char *)"graph";
	OQZ_TRY(save_values(s, g, p, err));
	for (; p->n_node < g->nodes.n; p->n_node++)
		if (save_node(s, g->nodes.v[p->n_node], &p->node[p->n_node], err) != OQZ_OK)
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

static enum oqz_status save_header(struct saver *s, const struct oqz_graph *g, Onnx__ModelProto *m, struct oqz_err *err)
{
	int main_opset = 0;

	m->opset_import = LIST(s, Onnx__OperatorSetIdProto *, s->opsets.n);
	m->metadata_props = LIST(s, Onnx__StringStringEntryProto *, g->metadata.n);
	if (!m->opset_import || !m->metadata_props)
		return nomem(err);
	for (size_t i = 0; i < s->opsets.n; i++) {
		Onnx__OperatorSetIdProto *o = NEW(s, Onnx__OperatorSetIdProto, onnx__operator_set_id_proto__init);
		if (!o)
			return nomem(err);
		o->domain = (char *)s->opsets.v[i].domain;
		o->has_version = true;
		o->version = s->opsets.v[i].version;
		if (!*o->domain)
			main_opset = s->opsets.v[i].version;
		m->opset_import[m->n_opset_import++] = o;
	}
	for (size_t i = 0; i < g->metadata.n; i++) {
		Onnx__StringStringEntryProto *e =
		    NEW(s, Onnx__StringStringEntryProto, onnx__string_string_entry_proto__init);
		if (!e)
			return nomem(err);
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

static bool write_external(FILE *f, const struct saver *s)
{
	static const char zeros[DATA_ALIGN];
	size_t at = 0;

	for (size_t i = 0; i < s->external.n; i++) {
		const struct external *x = &s->external.v[i];
		if (fwrite(zeros, 1, x->offset - at, f) != x->offset - at || fwrite(x->data, 1, x->size, f) != x->size)
			return false;
		at = x->offset + x->size;
	}
	return fflush(f) == 0 && fsync(fileno(f)) == 0;
}

/* Like oqz_file_write(), but in pieces: the weights are not gathered in memory first. */
static enum oqz_status save_external(const struct saver *s, const char *path, struct oqz_err *err)
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

static enum oqz_status save(struct saver *s, const struct oqz_graph *g, const char *path, size_t limit,
                            struct oqz_err *err)
{
	Onnx__ModelProto *m = NEW(s, Onnx__ModelProto, onnx__model_proto__init);
	const char *outside = oqz_arena_printf(s->arena, "%s.data", path);

	if (!m || !outside)
		return nomem(err);
	if (constant_bytes(g) >= limit) {
		if (strcmp(path, "-") == 0)
			OQZ_FAIL(err, OQZ_E_UNSUPPORTED, "a model with more than %zu bytes of weights needs two files",
			         limit);
		s->location = oqz_path_base(outside);
	}
	OQZ_TRY(save_graph(s, g, &m->graph, err));
	OQZ_TRY(keep_imports(s, g, err));
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
	struct saver s = { .arena = oqz_arena_new() };
	enum oqz_status st = s.arena ? save(&s, g, path, limit, err) : nomem(err);

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
