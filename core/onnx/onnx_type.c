/* SPDX-License-Identifier: Apache-2.0
 *
 * Declared types (ValueInfoProto) -> what is known of a value.
 */
#include "core/onnx/onnx_impl.h"

static enum oqz_status tensor_type(const Onnx__TypeProto__Tensor *p, struct oqz_value *v, struct oqz_err *err)
{
	const Onnx__TensorShapeProto *s = p->shape;
	struct oqz_type t = { .shape = { .rank = OQZ_RANK_UNKNOWN } };

	if (p->elem_type > 0 && p->elem_type < OQZ_DT_COUNT)
		t.dtype = (enum oqz_dtype)p->elem_type;
	else if (p->elem_type != 0)
		OQZ_FAIL(err, OQZ_E_UNSUPPORTED, "value '%s' has element type %d", v->name, p->elem_type);
	if (s && s->n_dim > OQZ_MAX_RANK)
		OQZ_FAIL(err, OQZ_E_UNSUPPORTED, "value '%s' has rank %zu (at most %d)", v->name, s->n_dim,
		         OQZ_MAX_RANK);
	if (s)
		t.shape.rank = (int32_t)s->n_dim;
	for (size_t i = 0; s && i < s->n_dim; i++) {
		const Onnx__TensorShapeProto__Dimension *d = s->dim[i];
		t.shape.dim[i] = OQZ_DIM_UNKNOWN;
		/* -1 is how some exporters write a dimension that is open */
		if (d->value_case == ONNX__TENSOR_SHAPE_PROTO__DIMENSION__VALUE_DIM_VALUE && d->dim_value < -1)
			OQZ_FAIL(err, OQZ_E_DATA, "value '%s' is declared with dimension %zu of %lld", v->name, i,
			         (long long)d->dim_value);
		if (d->value_case == ONNX__TENSOR_SHAPE_PROTO__DIMENSION__VALUE_DIM_VALUE && d->dim_value >= 0)
			t.shape.dim[i] = d->dim_value;
		if (d->value_case == ONNX__TENSOR_SHAPE_PROTO__DIMENSION__VALUE_DIM_PARAM && d->dim_param &&
		    *d->dim_param) {
			v->dim_name[i] = oqz_arena_strdup(v->graph->arena, d->dim_param);
			if (!v->dim_name[i])
				return oqz_err_nomem(err, v->name, 0);
		}
	}
	v->type = t;
	return OQZ_OK;
}

/* Sequences and optionals keep the type of the tensors inside; deeper nesting is not representable. */
enum oqz_status oqz_onnx_type(const Onnx__TypeProto *p, struct oqz_value *v, struct oqz_err *err)
{
	if (p && p->value_case == ONNX__TYPE_PROTO__VALUE_SEQUENCE_TYPE) {
		v->kind = OQZ_VALUE_SEQUENCE;
		p = p->sequence_type->elem_type;
	} else if (p && p->value_case == ONNX__TYPE_PROTO__VALUE_OPTIONAL_TYPE) {
		v->kind = OQZ_VALUE_OPTIONAL;
		p = p->optional_type->elem_type;
		if (p && p->value_case == ONNX__TYPE_PROTO__VALUE_SEQUENCE_TYPE) {
			v->kind = OQZ_VALUE_OPTIONAL_SEQUENCE;
			p = p->sequence_type->elem_type;
		}
	}
	if (!p || p->value_case == ONNX__TYPE_PROTO__VALUE__NOT_SET)
		return OQZ_OK;
	if (p->value_case != ONNX__TYPE_PROTO__VALUE_TENSOR_TYPE)
		OQZ_FAIL(err, OQZ_E_UNSUPPORTED, "value '%s' is a nested sequence or optional", v->name);
	return tensor_type(p->tensor_type, v, err);
}
