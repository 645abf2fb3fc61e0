/* SPDX-License-Identifier: Apache-2.0
 *
 * Tensors and types on their way into a model: weights point at the graph's memory, or are noted for the file beside.
 */
#include "core/base/checked.h"
#include "core/onnx/onnx_save_impl.h"
#include "core/tensor/text.h"

#include <string.h>

enum { SMALL = 1024 /* bytes: smaller constants always stay in the model */ };

static const void *file_form(struct oqz_onnx_saver *s, const struct oqz_tensor *t, size_t bytes)
{
	if (oqz_dtype_traits(t->dtype)->bits >= 8)
		return t->data;
	unsigned char *packed = oqz_arena_alloc(s->arena, bytes + 1);
	if (packed)
		oqz_onnx_pack_bits(t->dtype, t->data, (size_t)oqz_tensor_nelem(t), packed);
	return packed;
}

static enum oqz_status put_outside(struct oqz_onnx_saver *s, Onnx__TensorProto *p, const void *data, size_t bytes,
                                   struct oqz_err *err)
{
	static const char *const keys[] = { "location", "offset", "length" };
	const char *values[] = { s->location, oqz_arena_printf(s->arena, "%zu", s->offset),
		                 oqz_arena_printf(s->arena, "%zu", bytes) };

	p->external_data = ONNX_LIST(s, Onnx__StringStringEntryProto *, 3);
	for (size_t i = 0; i < 3; i++) {
		Onnx__StringStringEntryProto *e =
		    ONNX_NEW(s, Onnx__StringStringEntryProto, onnx__string_string_entry_proto__init);
		if (!e || !values[i] || !p->external_data)
			return oqz_onnx_nomem(err);
		e->key = (char *)keys[i];
		e->value = (char *)values[i];
		p->external_data[i] = e;
	}
	p->n_external_data = 3;
	p->has_data_location = true;
	p->data_location = ONNX__TENSOR_PROTO__DATA_LOCATION__EXTERNAL;
	if (!oqz_vec_push(&s->external, ((struct oqz_onnx_outside) { data, bytes, s->offset })))
		return oqz_onnx_nomem(err);
	s->offset = oqz_align_up(s->offset + bytes, OQZ_ONNX_DATA_ALIGN);
	return OQZ_OK;
}

static enum oqz_status put_texts(struct oqz_onnx_saver *s, const struct oqz_tensor *t, Onnx__TensorProto *p,
                                 struct oqz_err *err)
{
	size_t n = (size_t)oqz_tensor_nelem(t);

	if (!(p->string_data = ONNX_LIST(s, ProtobufCBinaryData, n)))
		return oqz_onnx_nomem(err);
	p->n_string_data = n;
	for (size_t i = 0; i < n; i++) {
		const struct oqz_text *x = oqz_text_at(t, i);
		p->string_data[i] =
		    (ProtobufCBinaryData) { .len = oqz_text_len(x), .data = (uint8_t *)oqz_text_bytes(x) };
	}
	return OQZ_OK;
}

enum oqz_status oqz_onnx_save_tensor(struct oqz_onnx_saver *s, const struct oqz_tensor *t, const char *name,
                                     Onnx__TensorProto **ret, struct oqz_err *err)
{
	Onnx__TensorProto *p = ONNX_NEW(s, Onnx__TensorProto, onnx__tensor_proto__init);
	size_t bytes;

	if (t->layout != OQZ_LAYOUT_PLAIN || !oqz_onnx_packed_size(t->dtype, oqz_tensor_nelem(t), &bytes))
		OQZ_FAIL(err, OQZ_E_INTERNAL, "tensor '%s' is not plain", name ? name : "");
	const void *data = p ? file_form(s, t, bytes) : NULL;
	if (!p || (!data && bytes))
		return oqz_onnx_nomem(err);
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

static Onnx__TensorShapeProto *save_shape(struct oqz_onnx_saver *s, const struct oqz_value *v)
{
	Onnx__TensorShapeProto *p = ONNX_NEW(s, Onnx__TensorShapeProto, onnx__tensor_shape_proto__init);
	size_t rank = (size_t)v->type.shape.rank;

	if (!p || !(p->dim = ONNX_LIST(s, Onnx__TensorShapeProto__Dimension *, rank)))
		return NULL;
	for (size_t i = 0; i < rank; i++) {
		Onnx__TensorShapeProto__Dimension *d =
		    ONNX_NEW(s, Onnx__TensorShapeProto__Dimension, onnx__tensor_shape_proto__dimension__init);
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

static Onnx__TypeProto *sequence_of(struct oqz_onnx_saver *s, Onnx__TypeProto *element)
{
	Onnx__TypeProto *o = ONNX_NEW(s, Onnx__TypeProto, onnx__type_proto__init);
	Onnx__TypeProto__Sequence *q = ONNX_NEW(s, Onnx__TypeProto__Sequence, onnx__type_proto__sequence__init);

	if (!o || !q || !element)
		return NULL;
	q->elem_type = element;
	o->value_case = ONNX__TYPE_PROTO__VALUE_SEQUENCE_TYPE;
	o->sequence_type = q;
	return o;
}

static Onnx__TypeProto *optional_of(struct oqz_onnx_saver *s, Onnx__TypeProto *element)
{
	Onnx__TypeProto *o = ONNX_NEW(s, Onnx__TypeProto, onnx__type_proto__init);
	Onnx__TypeProto__Optional *q = ONNX_NEW(s, Onnx__TypeProto__Optional, onnx__type_proto__optional__init);

	if (!o || !q || !element)
		return NULL;
	q->elem_type = element;
	o->value_case = ONNX__TYPE_PROTO__VALUE_OPTIONAL_TYPE;
	o->optional_type = q;
	return o;
}

static Onnx__TypeProto *save_type(struct oqz_onnx_saver *s, const struct oqz_value *v)
{
	Onnx__TypeProto *p = ONNX_NEW(s, Onnx__TypeProto, onnx__type_proto__init);
	Onnx__TypeProto__Tensor *t = ONNX_NEW(s, Onnx__TypeProto__Tensor, onnx__type_proto__tensor__init);

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

enum oqz_status oqz_onnx_save_info(struct oqz_onnx_saver *s, const struct oqz_value *v, Onnx__ValueInfoProto **list,
                                   size_t *n, struct oqz_err *err)
{
	Onnx__ValueInfoProto *p = ONNX_NEW(s, Onnx__ValueInfoProto, onnx__value_info_proto__init);

	if (!p)
		return oqz_onnx_nomem(err);
	p->name = (char *)v->name;
	if (v->type.dtype != OQZ_DT_UNDEFINED && !(p->type = save_type(s, v)))
		return oqz_onnx_nomem(err);
	list[(*n)++] = p;
	return OQZ_OK;
}
