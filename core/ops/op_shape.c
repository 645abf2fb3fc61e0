/* SPDX-License-Identifier: Apache-2.0
 *
 * Operators that change the shape and not the data, that ask for a shape, or that make constants. The reshaping ones
 * have one kernel, a copy: executors let the output share the input's memory instead.
 */
#include "core/ops/ops_util.h"
#include "core/tensor/text.h"
#include "core/ops/strided.h"

static enum oqz_status run_copy(const struct oqz_call *c, struct oqz_err *err)
{
	const struct oqz_tensor *in = c->in[0];

	if (oqz_tensor_nelem(in) != oqz_tensor_nelem(c->out[0]))
		OQZ_FAIL(err, OQZ_E_DATA, "%lld elements do not fill a shape of %lld", (long long)oqz_tensor_nelem(in),
		         (long long)oqz_tensor_nelem(c->out[0]));
	memcpy(c->out[0]->data, in->data, oqz_tensor_bytes(in));
	return OQZ_OK;
}

static enum oqz_status run_identity(const struct oqz_call *c, struct oqz_err *err)
{
	return oqz_dtype_is_list(c->in[0]->dtype) ? oqz_tensor_copy(c->out[0], c->in[0], err) : run_copy(c, err);
}

/* ---- Reshape ---- */

struct reshape {
	int64_t allowzero;
};

/* Fills in the dim that the specification calls -1, where the input's size is known. */
static enum oqz_status fill_rest(const struct oqz_shape *in, struct oqz_shape *s, int rest, struct oqz_err *err)
{
	int64_t have, want = 1;

	if (!oqz_shape_concrete(in))
		return OQZ_OK;
	OQZ_TRY(oqz_shape_count(in, &have, err));
	for (int i = 0; i < s->rank; i++)
		if (i != rest && (s->dim[i] < 0 || !oqz_i64_mul(want, s->dim[i], &want)))
			OQZ_FAIL(err, OQZ_E_DATA, "dimension %lld of the new shape", (long long)s->dim[i]);
	if (rest < 0 ? have != want : want == 0 ? have != 0 : have % want != 0)
		OQZ_FAIL(err, OQZ_E_DATA, "%lld elements do not fill the new shape", (long long)have);
	if (rest >= 0)
		s->dim[rest] = want ? have / want : 0;
	return OQZ_OK;
}

static enum oqz_status infer_reshape(struct oqz_infer *c, struct oqz_err *err)
{
	const struct oqz_shape *in = &c->in[0]->shape;
	struct oqz_shape s = { 0 };
	bool known;
	size_t n;
	int rest = -1;

	c->out[0].dtype = c->in[0]->dtype;
	OQZ_TRY(oqz_const_ints(c, 1, s.dim, OQZ_MAX_RANK, &n, &known, err));
	if (!known) {
		const struct oqz_shape *v = &c->in[1]->shape;

		if (v->rank == 1 && v->dim[0] >= 0 && v->dim[0] <= OQZ_MAX_RANK)
			c->out[0].shape = oqz_shape_unknown((int)v->dim[0]);
		return OQZ_OK;
	}
	s.rank = (int32_t)n;
	for (int i = 0; i < s.rank; i++) {
		if (s.dim[i] == 0 && !OQZ_PARAMS(c->node, struct reshape)->allowzero) {
			if (in->rank >= 0 && i >= in->rank)
				OQZ_FAIL(err, OQZ_E_DATA,
				         "dimension %d of the new shape copies one that the input lacks", i);
			s.dim[i] = in->rank < 0 ? OQZ_DIM_UNKNOWN : in->dim[i];
		} else if (s.dim[i] == -1) {
			if (rest >= 0)
				OQZ_FAIL(err, OQZ_E_DATA, "the new shape has more than one -1");
			rest = i;
		} else if (s.dim[i] < 0) {
			OQZ_FAIL(err, OQZ_E_DATA, "dimension %lld of the new shape", (long long)s.dim[i]);
		}
	}
	OQZ_TRY(fill_rest(in, &s, rest, err));
	c->out[0].shape = s;
	return OQZ_OK;
}

/* ---- Flatten, Squeeze, Unsqueeze ---- */

struct axis_only {
	int64_t axis;
};

static int64_t span_or_unknown(const struct oqz_shape *s, int from, int to)
{
	int64_t n = 1;

	for (int i = from; i < to; i++)
		if (s->dim[i] < 0 || !oqz_i64_mul(n, s->dim[i], &n))
			return OQZ_DIM_UNKNOWN;
	return n;
}

static enum oqz_status infer_flatten(struct oqz_infer *c, struct oqz_err *err)
{
	const struct oqz_shape *in = &c->in[0]->shape;
	int axis;

	c->out[0].dtype = c->in[0]->dtype;
	c->out[0].shape = oqz_shape_unknown(2);
	if (in->rank < 0)
		return OQZ_OK;
	/* [-r, r]: r itself is allowed, yet negative axes count back from the r dims there are */
	int64_t wanted = OQZ_PARAMS(c->node, struct axis_only)->axis;
	OQZ_TRY(oqz_axis_resolve(wanted, in->rank, wanted >= 0, &axis, err));
	c->out[0].shape.dim[0] = span_or_unknown(in, 0, axis);
	c->out[0].shape.dim[1] = span_or_unknown(in, axis, in->rank);
	return OQZ_OK;
}

static enum oqz_status infer_squeeze(struct oqz_infer *c, struct oqz_err *err)
{
	const struct oqz_shape *in = &c->in[0]->shape;
	int64_t axes[OQZ_MAX_RANK];
	bool known, drop[OQZ_MAX_RANK] = { 0 };
	struct oqz_shape s = { 0 };
	size_t n;

	c->out[0].dtype = c->in[0]->dtype;
	OQZ_TRY(oqz_const_ints(c, 1, axes, OQZ_MAX_RANK, &n, &known, err));
	if (in->rank < 0 || (c->in[1] && !known) || (!c->in[1] && !oqz_shape_concrete(in)))
		return OQZ_OK;
	for (size_t i = 0; i < n; i++) {
		int axis;

		OQZ_TRY(oqz_axis_resolve(axes[i], in->rank, false, &axis, err));
		if (in->dim[axis] > 1 || in->dim[axis] == 0)
			OQZ_FAIL(err, OQZ_E_DATA, "axis %d has %lld elements, not 1", axis, (long long)in->dim[axis]);
		drop[axis] = true;
	}
	for (int d = 0; d < in->rank; d++)
		if (c->in[1] ? !drop[d] : in->dim[d] != 1)
			s.dim[s.rank++] = in->dim[d];
	c->out[0].shape = s;
	return OQZ_OK;
}

static enum oqz_status infer_unsqueeze(struct oqz_infer *c, struct oqz_err *err)
{
	const struct oqz_shape *in = &c->in[0]->shape;
	int64_t axes[OQZ_MAX_RANK];
	bool known, add[OQZ_MAX_RANK] = { 0 };
	struct oqz_shape s = { 0 };
	size_t n;

	c->out[0].dtype = c->in[0]->dtype;
	OQZ_TRY(oqz_const_ints(c, 1, axes, OQZ_MAX_RANK, &n, &known, err));
	if (in->rank < 0 || !known)
		return OQZ_OK;
	s.rank = in->rank + (int32_t)n;
	if (s.rank > OQZ_MAX_RANK)
		OQZ_FAIL(err, OQZ_E_UNSUPPORTED, "a result of rank %d", s.rank);
	for (size_t i = 0; i < n; i++) {
		int axis;

		OQZ_TRY(oqz_axis_resolve(axes[i], s.rank, false, &axis, err));
		if (add[axis])
			OQZ_FAIL(err, OQZ_E_DATA, "axis %d is named twice", axis);
		add[axis] = true;
	}
	for (int d = 0, from = 0; d < s.rank; d++)
		s.dim[d] = add[d] ? 1 : in->dim[from++];
	c->out[0].shape = s;
	return OQZ_OK;
}

/* ---- Shape, Size ---- */

struct shape_range {
	int64_t start, end;
};

/* Dims [*from, *to) that Shape-15 reports. */
static void shape_part(const struct oqz_node *n, int rank, int *from, int *to)
{
	int64_t a = OQZ_PARAMS(n, struct shape_range)->start, b = OQZ_PARAMS(n, struct shape_range)->end;

	a += a < 0 ? rank : 0;
	b += b < 0 ? rank : 0;
	a = a < 0 ? 0 : a > rank ? rank : a;
	b = b < 0 ? 0 : b > rank ? rank : b;
	*from = (int)a;
	*to = (int)(b < a ? a : b);
}

static enum oqz_status infer_shape(struct oqz_infer *c, struct oqz_err *err)
{
	int from, to;

	(void)err;
	c->out[0].dtype = OQZ_DT_I64;
	c->out[0].shape = oqz_shape_unknown(1);
	if (c->in[0]->shape.rank < 0)
		return OQZ_OK;
	shape_part(c->node, c->in[0]->shape.rank, &from, &to);
	c->out[0].shape.dim[0] = to - from;
	return OQZ_OK;
}

static enum oqz_status run_shape(const struct oqz_call *c, struct oqz_err *err)
{
	int from, to;

	(void)err;
	shape_part(c->node, c->in[0]->shape.rank, &from, &to);
	memcpy(c->out[0]->data, c->in[0]->shape.dim + from, (size_t)(to - from) * sizeof(int64_t));
	return OQZ_OK;
}

static enum oqz_status infer_size(struct oqz_infer *c, struct oqz_err *err)
{
	(void)err;
	c->out[0] = (struct oqz_type) { .dtype = OQZ_DT_I64 };
	return OQZ_OK;
}

static enum oqz_status run_size(const struct oqz_call *c, struct oqz_err *err)
{
	/* folding knows the shape alone, which nobody has had to find memory for */
	return oqz_shape_count(&c->in[0]->shape, c->out[0]->data, err);
}

/* ---- Constant, ConstantOfShape, Range, EyeLike ---- */

struct constant {
	const struct oqz_tensor *value;
	float value_float;
	int64_t value_int;
	struct oqz_floats value_floats;
	struct oqz_ints value_ints;
	const char *value_string;
	struct oqz_strings value_strings;
};

static enum oqz_status infer_constant(struct oqz_infer *c, struct oqz_err *err)
{
	const struct constant *p = OQZ_PARAMS(c->node, struct constant);
	struct oqz_type t = { .dtype = OQZ_DT_UNDEFINED };

	if (p->value)
		t = (struct oqz_type) { p->value->dtype, p->value->shape };
	else if (p->value_floats.v)
		t = (struct oqz_type) { OQZ_DT_F32, oqz_shape_of(1, (const int64_t[]) { (int64_t)p->value_floats.n }) };
	else if (p->value_ints.v)
		t = (struct oqz_type) { OQZ_DT_I64, oqz_shape_of(1, (const int64_t[]) { (int64_t)p->value_ints.n }) };
	else if (oqz_node_attr(c->node, "value_float"))
		t.dtype = OQZ_DT_F32;
	else if (oqz_node_attr(c->node, "value_int"))
		t.dtype = OQZ_DT_I64;
	else if (p->value_strings.v)
		t = (struct oqz_type) { OQZ_DT_STRING, oqz_shape_of(1, (int64_t[]) { (int64_t)p->value_strings.n }) };
	else if (p->value_string)
		t.dtype = OQZ_DT_STRING;
	else
		OQZ_FAIL(err, OQZ_E_UNSUPPORTED, "a constant without a value that is a tensor");
	c->out[0] = t;
	return OQZ_OK;
}

static enum oqz_status run_constant(const struct oqz_call *c, struct oqz_err *err)
{
	const struct constant *p = OQZ_PARAMS(c->node, struct constant);
	struct oqz_tensor *out = c->out[0];
	const void *from = p->value                   ? p->value->data
	                   : p->value_floats.v        ? (const void *)p->value_floats.v
	                   : p->value_ints.v          ? (const void *)p->value_ints.v
	                   : out->dtype == OQZ_DT_F32 ? (const void *)&p->value_float
	                                              : (const void *)&p->value_int;

	if (out->dtype == OQZ_DT_STRING && !p->value) {
		const char *const *words = p->value_strings.v ? p->value_strings.v : &p->value_string;
		for (size_t i = 0; i < (size_t)oqz_tensor_nelem(out); i++)
			OQZ_TRY(oqz_text_set(out, i, words[i], strlen(words[i]), err));
		return OQZ_OK;
	}
	memcpy(out->data, from, oqz_tensor_bytes(out));
	return OQZ_OK;
}

struct fill {
	const struct oqz_tensor *value;
};

static enum oqz_status infer_constant_of_shape(struct oqz_infer *c, struct oqz_err *err)
{
	const struct oqz_tensor *v = OQZ_PARAMS(c->node, struct fill)->value;
	struct oqz_shape s = { 0 };
	size_t n;
	bool known;

	if (v && oqz_tensor_nelem(v) != 1)
		OQZ_FAIL(err, OQZ_E_DATA, "the value has %lld elements, not 1", (long long)oqz_tensor_nelem(v));
	c->out[0].dtype = v ? v->dtype : OQZ_DT_F32;
	OQZ_TRY(oqz_const_ints(c, 0, s.dim, OQZ_MAX_RANK, &n, &known, err));
	s.rank = (int32_t)n;
	for (size_t i = 0; i < n; i++)
		if (s.dim[i] < 0)
			OQZ_FAIL(err, OQZ_E_DATA, "dimension %lld", (long long)s.dim[i]);
	if (known)
		c->out[0].shape = s;
	else if (oqz_in_rank(c, 0) == 1 && c->in[0]->shape.dim[0] >= 0 && c->in[0]->shape.dim[0] <= OQZ_MAX_RANK)
		c->out[0].shape = oqz_shape_unknown((int)c->in[0]->shape.dim[0]);
	return OQZ_OK;
}

static enum oqz_status run_constant_of_shape(const struct oqz_call *c, struct oqz_err *err)
{
	static const float zero;
	const struct oqz_tensor *v = OQZ_PARAMS(c->node, struct fill)->value;
	struct oqz_tensor *out = c->out[0];

	(void)err;
	oqz_fill(out->data, (size_t)oqz_tensor_nelem(out), oqz_dtype_size(out->dtype), v ? v->data : &zero);
	return OQZ_OK;
}

/* stash_type (operator set 27): the type that float16 and bfloat16 are computed in. Here it is double for both of its
 * values, float and double. */
struct range {
	int64_t stash_type;
};

/* max(ceil((limit - start) / delta), 0), with integers exactly. */
static enum oqz_status range_count(const struct oqz_tensor *const v[3], int64_t *ret, struct oqz_err *err)
{
	enum oqz_dtype t = v[0]->dtype;

	for (int i = 0; i < 3; i++)
		if (oqz_tensor_nelem(v[i]) != 1 || v[i]->dtype != t)
			OQZ_FAIL(err, OQZ_E_DATA, "input %d is not one %s", i, oqz_dtype_name(t));
	if (oqz_dtype_is_int(t)) {
		int64_t a = oqz_load_i(t, v[0]->data, 0), b = oqz_load_i(t, v[1]->data, 0),
		        d = oqz_load_i(t, v[2]->data, 0);
		/* In 128 bits nothing here can overflow. */
		__int128 gap = (__int128)b - a, n;

		if (d == 0)
			OQZ_FAIL(err, OQZ_E_DATA, "a range with a step of 0");
		n = gap / d + (gap % d != 0 && (gap < 0) == (d < 0));
		if (n > INT64_MAX)
			OQZ_FAIL(err, OQZ_E_LIMIT, "a range of more than 2^63 elements");
		*ret = n < 0 ? 0 : (int64_t)n;
		return OQZ_OK;
	}
	double n = ceil((oqz_load_f(t, v[1]->data, 0) - oqz_load_f(t, v[0]->data, 0)) / oqz_load_f(t, v[2]->data, 0));
	if (!(n < 0x1p62))
		OQZ_FAIL(err, OQZ_E_DATA, "a range without an end");
	*ret = n < 0 ? 0 : (int64_t)n;
	return OQZ_OK;
}

static enum oqz_status infer_range(struct oqz_infer *c, struct oqz_err *err)
{
	int64_t stash = OQZ_PARAMS(c->node, struct range)->stash_type;

	if (stash != OQZ_DT_F32 && stash != OQZ_DT_F64)
		OQZ_FAIL(err, OQZ_E_DATA, "stash_type %lld, should be 1 (float) or 11 (double)", (long long)stash);
	OQZ_TRY(oqz_same_dtype(c, 0, 3, &c->out[0].dtype, err));
	c->out[0].shape = oqz_shape_unknown(1);
	if (c->constant[0] && c->constant[1] && c->constant[2])
		OQZ_TRY(range_count(c->constant, &c->out[0].shape.dim[0], err));
	return OQZ_OK;
}

static enum oqz_status run_range(const struct oqz_call *c, struct oqz_err *err)
{
	struct oqz_tensor *out = c->out[0];
	enum oqz_dtype t = out->dtype;
	int64_t n = oqz_tensor_nelem(out);

	(void)err;
	if (oqz_dtype_is_int(t)) {
		uint64_t a = (uint64_t)oqz_load_i(t, c->in[0]->data, 0), d = (uint64_t)oqz_load_i(t, c->in[2]->data, 0);

		for (int64_t i = 0; i < n; i++)
			oqz_store_i(t, out->data, (size_t)i, (int64_t)(a + (uint64_t)i * d));
		return OQZ_OK;
	}
	double a = oqz_load_f(t, c->in[0]->data, 0), d = oqz_load_f(t, c->in[2]->data, 0);
	for (int64_t i = 0; i < n; i++)
		oqz_store_f(t, out->data, (size_t)i, a + (double)i * d);
	return OQZ_OK;
}

struct eye {
	int64_t dtype, k;
};

static enum oqz_status infer_eye(struct oqz_infer *c, struct oqz_err *err)
{
	int64_t t = OQZ_PARAMS(c->node, struct eye)->dtype;

	OQZ_TRY(oqz_need_rank(c, 0, 2, 2, err));
	c->out[0] = *c->in[0];
	if (t > 0 && oqz_dtype_size((enum oqz_dtype)t) == 0)
		OQZ_FAIL(err, OQZ_E_UNSUPPORTED, "element type %lld", (long long)t);
	if (t > 0)
		c->out[0].dtype = (enum oqz_dtype)t;
	return OQZ_OK;
}

static enum oqz_status run_eye(const struct oqz_call *c, struct oqz_err *err)
{
	int64_t k = OQZ_PARAMS(c->node, struct eye)->k, rows = c->out[0]->shape.dim[0], cols = c->out[0]->shape.dim[1];
	struct oqz_tensor *out = c->out[0];

	(void)err;
	memset(out->data, 0, oqz_tensor_bytes(out));
	for (int64_t i = 0; i < rows; i++)
		if (k > -cols - rows && k < cols + rows && i + k >= 0 && i + k < cols)
			oqz_store_i(out->dtype, out->data, (size_t)(i * cols + i + k), 1);
	return OQZ_OK;
}

/* ---- rows ---- */

static const struct oqz_attr_spec reshape_attrs[] = { OQZ_A_INT(struct reshape, allowzero, 0), { .name = NULL } };
static const struct oqz_attr_spec flatten_attrs[] = { OQZ_A_INT(struct axis_only, axis, 1), { .name = NULL } };
static const struct oqz_attr_spec shape_attrs[] = {
	OQZ_A_INT(struct shape_range, start, 0),
	OQZ_A_INT(struct shape_range, end, INT64_MAX),
	{ .name = NULL },
};
static const struct oqz_attr_spec constant_attrs[] = {
	OQZ_A_TENSOR(struct constant, value),          OQZ_A_FLOAT(struct constant, value_float, 0),
	OQZ_A_INT(struct constant, value_int, 0),      OQZ_A_FLOATS(struct constant, value_floats),
	OQZ_A_INTS(struct constant, value_ints),       OQZ_A_STRING(struct constant, value_string, NULL, NULL),
	OQZ_A_STRINGS(struct constant, value_strings), { .name = NULL },
};
static const struct oqz_attr_spec range_attrs[] = { OQZ_A_INT(struct range, stash_type, OQZ_DT_F32), { .name = NULL } };
static const struct oqz_attr_spec fill_attrs[] = { OQZ_A_TENSOR(struct fill, value), { .name = NULL } };
static const struct oqz_attr_spec eye_attrs[] = {
	OQZ_A_INT(struct eye, dtype, -1),
	OQZ_A_INT(struct eye, k, 0),
	{ .name = NULL },
};

#define INDEX OQZ_ROLE_INDEX
#define DATA OQZ_ROLE_ACTIVATION

const struct oqz_op oqz_ops_shape[] = {
	{ OQZ_ROW(CONSTANT), .texts = true, OQZ_ROW_PARAMS(struct constant, constant_attrs), .infer = infer_constant,
	  .run = run_constant },
	{ OQZ_ROW(CONSTANT_OF_SHAPE), OQZ_ROW_PARAMS(struct fill, fill_attrs), OQZ_ROW_ROLES(INDEX),
	  .infer = infer_constant_of_shape, .run = run_constant_of_shape },
	{ OQZ_ROW(EYE_LIKE), OQZ_ROW_PARAMS(struct eye, eye_attrs), .infer = infer_eye, .run = run_eye },
	{ OQZ_ROW(FLATTEN), .texts = true, OQZ_ROW_PARAMS(struct axis_only, flatten_attrs), .infer = infer_flatten,
	  .run = run_copy },
	{ OQZ_ROW(IDENTITY), .texts = true, .lists = true, .infer = oqz_infer_same, .run = run_identity },
	{ OQZ_ROW(RANGE), OQZ_ROW_PARAMS(struct range, range_attrs), OQZ_ROW_ROLES(INDEX, INDEX, INDEX),
	  .infer = infer_range, .run = run_range },
	{ OQZ_ROW(RESHAPE), .texts = true, OQZ_ROW_PARAMS(struct reshape, reshape_attrs), OQZ_ROW_ROLES(DATA, INDEX),
	  .infer = infer_reshape, .run = run_copy },
	{ OQZ_ROW(SHAPE), .texts = true, OQZ_ROW_PARAMS(struct shape_range, shape_attrs), .infer = infer_shape,
	  .run = run_shape },
	{ OQZ_ROW(SIZE), .texts = true, .infer = infer_size, .run = run_size },
	{ OQZ_ROW(SQUEEZE), .texts = true, OQZ_ROW_ROLES(DATA, INDEX), .infer = infer_squeeze, .run = run_copy },
	{ OQZ_ROW(UNSQUEEZE), .texts = true, OQZ_ROW_ROLES(DATA, INDEX), .infer = infer_unsqueeze, .run = run_copy },
	{ .name = NULL },
};
