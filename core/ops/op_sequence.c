/* SPDX-License-Identifier: Apache-2.0
 *
 * Sequences and optionals: values that hold tensors (oqz_list_alloc). Lists share the memory of their elements, so
 * building one in a loop costs its length each time, not its contents. Their lengths are data, hence every result here
 * is found out while running; the type rules only say "a list".
 */
#include "core/ops/capture.h"
#include "core/ops/interpret.h"
#include "core/ops/ops_util.h"
#include "core/ops/strided.h"

#include <stdlib.h>

struct sequence {
	int64_t dtype, axis, new_axis, keepdims;
	struct oqz_graph *body;
	struct oqz_ints captured;
};

static int64_t length(const struct oqz_tensor *list) { return list->shape.dim[0]; }

static struct oqz_type a_list(enum oqz_dtype kind) { return (struct oqz_type) { kind, oqz_shape_unknown(1) }; }

static enum oqz_status infer_sequence(struct oqz_infer *c, struct oqz_err *err)
{
	(void)err;
	for (int i = 0; i < c->n_out; i++)
		c->out[i] = a_list(OQZ_DT_SEQUENCE);
	return OQZ_OK;
}

static enum oqz_status need_sequence(const struct oqz_infer *c, struct oqz_err *err)
{
	enum oqz_dtype t = oqz_in_type(c, 0).dtype;

	if (t != OQZ_DT_UNDEFINED && t != OQZ_DT_SEQUENCE)
		OQZ_FAIL(err, OQZ_E_DATA, "input 0 is %s, should be a sequence", oqz_dtype_name(t));
	return OQZ_OK;
}

static enum oqz_status infer_edit(struct oqz_infer *c, struct oqz_err *err)
{
	OQZ_TRY(need_sequence(c, err));
	return infer_sequence(c, err);
}

/* A tensor of which nothing is known. */
static enum oqz_status infer_element(struct oqz_infer *c, struct oqz_err *err) { return need_sequence(c, err); }

/* ---- making ---- */

static enum oqz_status run_construct(const struct oqz_call *c, struct oqz_err *err)
{
	OQZ_TRY(oqz_list_alloc(c->out[0], OQZ_DT_SEQUENCE, c->n_in, err));
	for (int i = 0; i < c->n_in; i++) {
		if (c->in[i]->dtype != c->in[0]->dtype)
			OQZ_FAIL(err, OQZ_E_DATA, "a sequence of %s and %s", oqz_dtype_name(c->in[0]->dtype),
			         oqz_dtype_name(c->in[i]->dtype));
		OQZ_TRY(oqz_list_set(c->out[0], i, c->in[i], err));
	}
	return OQZ_OK;
}

static enum oqz_status run_empty(const struct oqz_call *c, struct oqz_err *err)
{
	return oqz_list_alloc(c->out[0], OQZ_DT_SEQUENCE, 0, err);
}

/* ---- positions ---- */

/* [-n, limit): negative ones count from the back; left out: `otherwise`. */
static enum oqz_status position(const struct oqz_tensor *t, int64_t n, int64_t limit, int64_t otherwise, int64_t *ret,
                                struct oqz_err *err)
{
	int64_t at = otherwise;

	if (t && oqz_tensor_nelem(t) != 1)
		OQZ_FAIL(err, OQZ_E_DATA, "a position of %lld elements", (long long)oqz_tensor_nelem(t));
	if (t)
		at = oqz_load_i(t->dtype, t->data, 0);
	if (at < -n || at >= limit)
		OQZ_FAIL(err, OQZ_E_DATA, "position %lld in a sequence of %lld", (long long)at, (long long)n);
	*ret = at < 0 ? at + n : at;
	return OQZ_OK;
}

static enum oqz_status run_insert(const struct oqz_call *c, struct oqz_err *err)
{
	const struct oqz_tensor *s = c->in[0];
	int64_t n = length(s), at;

	if (n && s->dtype == OQZ_DT_SEQUENCE && oqz_list_at(s, 0)->dtype != c->in[1]->dtype)
		OQZ_FAIL(err, OQZ_E_DATA, "%s into a sequence of %s", oqz_dtype_name(c->in[1]->dtype),
		         oqz_dtype_name(oqz_list_at(s, 0)->dtype));
	OQZ_TRY(position(c->in[2], n, n + 1, n, &at, err));
	OQZ_TRY(oqz_list_alloc(c->out[0], OQZ_DT_SEQUENCE, n + 1, err));
	for (int64_t i = 0; i <= n; i++)
		OQZ_TRY(oqz_list_set(c->out[0], i, i == at ? c->in[1] : oqz_list_at(s, i - (i > at)), err));
	return OQZ_OK;
}

static enum oqz_status run_erase(const struct oqz_call *c, struct oqz_err *err)
{
	int64_t n = length(c->in[0]), at;

	OQZ_TRY(position(c->in[1], n, n, n - 1, &at, err));
	OQZ_TRY(oqz_list_alloc(c->out[0], OQZ_DT_SEQUENCE, n - 1, err));
	for (int64_t i = 0; i < n - 1; i++)
		OQZ_TRY(oqz_list_set(c->out[0], i, oqz_list_at(c->in[0], i + (i >= at)), err));
	return OQZ_OK;
}

static enum oqz_status run_at(const struct oqz_call *c, struct oqz_err *err)
{
	int64_t n = length(c->in[0]), at;

	OQZ_TRY(position(c->in[1], n, n, 0, &at, err));
	return oqz_tensor_copy(c->out[0], oqz_list_at(c->in[0], at), err);
}

static enum oqz_status infer_length(struct oqz_infer *c, struct oqz_err *err)
{
	OQZ_TRY(need_sequence(c, err));
	c->out[0] = (struct oqz_type) { OQZ_DT_I64, { .rank = 0 } };
	return OQZ_OK;
}

static enum oqz_status run_length(const struct oqz_call *c, struct oqz_err *err)
{
	(void)err;
	oqz_store_i(OQZ_DT_I64, c->out[0]->data, 0, length(c->in[0]));
	return OQZ_OK;
}

/* ---- between one tensor and many ---- */

/* Copies part `t`, whose extent along the axis is `extent`, to place `at` of out (or back, when `back`). */
static void move_part(struct oqz_tensor *out, int axis, int64_t at, const struct oqz_tensor *part, int64_t extent,
                      bool back)
{
	size_t size = oqz_dtype_size(out->dtype);
	int64_t outer = oqz_shape_span(&out->shape, 0, axis),
	        inner = oqz_shape_span(&out->shape, axis + 1, out->shape.rank), all = out->shape.dim[axis];
	char *whole = (char *)out->data + (size_t)(at * inner) * size;
	struct oqz_box b = { 0 };

	oqz_box_add(&b, outer, back ? all * inner : extent * inner, back ? extent * inner : all * inner);
	oqz_box_add(&b, extent * inner, 1, 1);
	oqz_box_copy(&b, size, back ? whole : part->data, back ? part->data : whole);
}

static enum oqz_status concat_shape(const struct oqz_call *c, struct oqz_shape *ret, int *ret_axis, struct oqz_err *err)
{
	const struct sequence *p = OQZ_PARAMS(c->node, struct sequence);
	const struct oqz_tensor *first;
	bool stack = p->new_axis != 0;
	int64_t sum = 0;

	if (length(c->in[0]) == 0)
		OQZ_FAIL(err, OQZ_E_DATA, "nothing to concatenate: the sequence is empty");
	first = oqz_list_at(c->in[0], 0);
	if (first->shape.rank + stack > OQZ_MAX_RANK)
		OQZ_FAIL(err, OQZ_E_UNSUPPORTED, "a result of rank %d", first->shape.rank + stack);
	OQZ_TRY(oqz_axis_resolve(p->axis, first->shape.rank + stack, false, ret_axis, err));
	for (int64_t i = 0; i < length(c->in[0]); i++) {
		const struct oqz_tensor *t = oqz_list_at(c->in[0], i);
		struct oqz_shape a = t->shape, b = first->shape;

		if (!stack && a.rank == b.rank)
			a.dim[*ret_axis] = b.dim[*ret_axis] = 0;
		if (t->dtype != first->dtype || !oqz_shape_equal(&a, &b))
			OQZ_FAIL(err, OQZ_E_DATA, "element %lld of the sequence does not fit the first", (long long)i);
		if (!oqz_i64_add(sum, stack ? 1 : t->shape.dim[*ret_axis], &sum))
			OQZ_FAIL(err, OQZ_E_LIMIT, "a sequence too long to concatenate");
	}
	*ret = first->shape;
	ret->rank += stack;
	for (int d = ret->rank - 1; stack && d > *ret_axis; d--)
		ret->dim[d] = ret->dim[d - 1];
	ret->dim[*ret_axis] = sum;
	return OQZ_OK;
}

static enum oqz_status run_concat(const struct oqz_call *c, struct oqz_err *err)
{
	bool stack = OQZ_PARAMS(c->node, struct sequence)->new_axis != 0;
	struct oqz_shape s;
	int axis;

	OQZ_TRY(concat_shape(c, &s, &axis, err));
	OQZ_TRY(oqz_tensor_alloc(c->out[0], oqz_list_at(c->in[0], 0)->dtype, &s, err));
	for (int64_t i = 0, at = 0; i < length(c->in[0]); i++) {
		const struct oqz_tensor *t = oqz_list_at(c->in[0], i);
		int64_t extent = stack ? 1 : t->shape.dim[axis];

		move_part(c->out[0], axis, at, t, extent, false);
		at += extent;
	}
	return OQZ_OK;
}

/* Number of parts, and the extent of part i: given one by one, or a common one (the last part is what remains). */
static enum oqz_status parts(const struct oqz_tensor *split, int64_t extent, int64_t *ret_n, struct oqz_err *err)
{
	int64_t sum = 0, n = split ? oqz_tensor_nelem(split) : extent;

	if (split && split->shape.rank == 0) {
		int64_t each = oqz_load_i(split->dtype, split->data, 0);
		if (each < 1)
			OQZ_FAIL(err, OQZ_E_DATA, "parts of %lld", (long long)each);
		n = extent / each + (extent % each != 0);
	} else if (split) {
		for (int64_t i = 0; i < n; i++) {
			int64_t v = oqz_load_i(split->dtype, split->data, (size_t)i);
			if (v < 0 || v > extent || (sum += v) > extent)
				OQZ_FAIL(err, OQZ_E_DATA, "parts that do not add up to %lld", (long long)extent);
		}
		if (sum != extent)
			OQZ_FAIL(err, OQZ_E_DATA, "parts add up to %lld, not %lld", (long long)sum, (long long)extent);
	}
	*ret_n = n;
	return OQZ_OK;
}

static int64_t part_extent(const struct oqz_tensor *split, int64_t i, int64_t rest)
{
	int64_t v = split ? oqz_load_i(split->dtype, split->data, split->shape.rank ? (size_t)i : 0) : 1;

	return v < rest ? v : rest;
}

static enum oqz_status run_split(const struct oqz_call *c, struct oqz_err *err)
{
	const struct sequence *p = OQZ_PARAMS(c->node, struct sequence);
	struct oqz_tensor x = *c->in[0];
	int64_t n = 0;
	int axis;

	OQZ_TRY(oqz_axis_resolve(p->axis, x.shape.rank, false, &axis, err));
	OQZ_TRY(parts(c->in[1], x.shape.dim[axis], &n, err));
	OQZ_TRY(oqz_list_alloc(c->out[0], OQZ_DT_SEQUENCE, n, err));
	for (int64_t i = 0, at = 0; i < n; i++) {
		struct oqz_tensor part = { 0 };
		struct oqz_shape s = x.shape;

		s.dim[axis] = part_extent(c->in[1], i, x.shape.dim[axis] - at);
		OQZ_TRY(oqz_tensor_alloc(&part, x.dtype, &s, err));
		move_part(&x, axis, at, &part, s.dim[axis], true);
		at += s.dim[axis];
		if (!c->in[1] && !p->keepdims) { /* keepdims belongs to parts of one element each */
			for (int d = axis; d + 1 < s.rank; d++)
				part.shape.dim[d] = s.dim[d + 1];
			part.shape.rank--;
		}
		enum oqz_status st = oqz_list_set(c->out[0], i, &part, err);
		oqz_tensor_release(&part);
		OQZ_TRY(st);
	}
	return OQZ_OK;
}

/* ---- SequenceMap ---- */

struct map_run {
	const struct oqz_graph *body;
	const struct oqz_tensor **in;
	struct oqz_tensor *out;
};

static void map_release(struct map_run *m)
{
	for (size_t i = 0; m->out && i < m->body->outputs.n; i++)
		oqz_tensor_release(&m->out[i]);
	free((void *)m->in);
	free(m->out);
}

static enum oqz_status map_element(struct map_run *m, const struct oqz_call *c, int own, int64_t k, struct oqz_err *err)
{
	for (int i = 0; i < c->n_in; i++)
		m->in[i] = i < own && c->in[i]->dtype == OQZ_DT_SEQUENCE ? oqz_list_at(c->in[i], k) : c->in[i];
	OQZ_TRY(oqz_interpret(m->body, m->in, m->out, NULL, NULL, err));
	for (int i = 0; i < c->n_out; i++) {
		if (c->out[i])
			OQZ_TRY(oqz_list_set(c->out[i], k, &m->out[i], err));
		oqz_tensor_release(&m->out[i]);
	}
	return OQZ_OK;
}

/* The body is applied to element k of every sequence; inputs that are tensors are the same each time. */
static enum oqz_status run_map(const struct oqz_call *c, struct oqz_err *err)
{
	const struct oqz_attr *a = oqz_node_attr(c->node, "body");
	int own = c->n_in - oqz_node_captured(c->node, 0);
	int64_t n = length(c->in[0]);

	if (!a || a->graph->inputs.n != (size_t)c->n_in || a->graph->outputs.n != (size_t)c->n_out)
		OQZ_FAIL(err, OQZ_E_DATA, "a body of other inputs or outputs than the node's");
	OQZ_CLEANUP(map_release) struct map_run m = { .body = a->graph };
	m.in = calloc((size_t)c->n_in + 1, sizeof *m.in);
	m.out = calloc((size_t)c->n_out + 1, sizeof *m.out);
	if (!m.in || !m.out)
		return oqz_err_nomem(err, "a body's values", (size_t)c->n_in);
	for (int i = 0; i < own; i++)
		if (c->in[i]->dtype == OQZ_DT_SEQUENCE && length(c->in[i]) != n)
			OQZ_FAIL(err, OQZ_E_DATA, "sequences of %lld and %lld elements", (long long)n,
			         (long long)length(c->in[i]));
	for (int i = 0; i < c->n_out; i++)
		if (c->out[i])
			OQZ_TRY(oqz_list_alloc(c->out[i], OQZ_DT_SEQUENCE, n, err));
	for (int64_t k = 0; k < n; k++)
		OQZ_TRY(map_element(&m, c, own, k, err));
	return OQZ_OK;
}

/* ---- optionals ---- */

static enum oqz_status infer_optional(struct oqz_infer *c, struct oqz_err *err)
{
	(void)err;
	c->out[0] = a_list(OQZ_DT_OPTIONAL);
	return OQZ_OK;
}

static enum oqz_status run_optional(const struct oqz_call *c, struct oqz_err *err)
{
	OQZ_TRY(oqz_list_alloc(c->out[0], OQZ_DT_OPTIONAL, c->in[0] != NULL, err));
	return c->in[0] ? oqz_list_set(c->out[0], 0, c->in[0], err) : OQZ_OK;
}

/* Since operator set 18 the input may be the element itself. */
static enum oqz_status infer_get(struct oqz_infer *c, struct oqz_err *err)
{
	(void)err;
	if (c->in[0]->dtype != OQZ_DT_OPTIONAL)
		c->out[0] = *c->in[0];
	return OQZ_OK;
}

static enum oqz_status run_get(const struct oqz_call *c, struct oqz_err *err)
{
	const struct oqz_tensor *x = c->in[0];

	if (x->dtype == OQZ_DT_OPTIONAL && length(x) == 0)
		OQZ_FAIL(err, OQZ_E_DATA, "the optional is empty");
	if (x->dtype == OQZ_DT_OPTIONAL)
		x = oqz_list_at(x, 0);
	if (!c->out[0]->data)
		return oqz_tensor_copy(c->out[0], x, err);
	memcpy(c->out[0]->data, x->data, oqz_tensor_bytes(x)); /* a tensor in, a tensor out */
	return OQZ_OK;
}

static enum oqz_status infer_has(struct oqz_infer *c, struct oqz_err *err)
{
	(void)err;
	c->out[0] = (struct oqz_type) { OQZ_DT_BOOL, { .rank = 0 } };
	return OQZ_OK;
}

static enum oqz_status run_has(const struct oqz_call *c, struct oqz_err *err)
{
	const struct oqz_tensor *x = c->in[0];

	(void)err;
	*(uint8_t *)c->out[0]->data = x && (x->dtype != OQZ_DT_OPTIONAL || length(x) == 1);
	return OQZ_OK;
}

static const struct oqz_attr_spec empty_attrs[] = { OQZ_A_INT(struct sequence, dtype, OQZ_DT_F32), { .name = NULL } };
static const struct oqz_attr_spec concat_attrs[] = {
	OQZ_A_REQUIRED(struct sequence, axis, OQZ_ATTR_INT),
	OQZ_A_INT(struct sequence, new_axis, 0),
	{ .name = NULL },
};
static const struct oqz_attr_spec split_attrs[] = {
	OQZ_A_INT(struct sequence, axis, 0),
	OQZ_A_INT(struct sequence, keepdims, 1),
	{ .name = NULL },
};
static const struct oqz_attr_spec map_attrs[] = {
	OQZ_A_REQUIRED(struct sequence, body, OQZ_ATTR_GRAPH),
	OQZ_A_INTS(struct sequence, captured),
	{ .name = NULL },
};

const struct oqz_op oqz_ops_sequence[] = {
	{ OQZ_ROW(SEQUENCE_AT), .texts = true, .lists = true, .infer = infer_element, .run = run_at },
	{ OQZ_ROW(SEQUENCE_CONSTRUCT), .texts = true, .infer = infer_sequence, .run = run_construct },
	{ OQZ_ROW(SEQUENCE_EMPTY), OQZ_ROW_PARAMS(struct sequence, empty_attrs), .infer = infer_sequence,
	  .run = run_empty },
	{ OQZ_ROW(SEQUENCE_ERASE), .texts = true, .lists = true, .infer = infer_edit, .run = run_erase },
	{ OQZ_ROW(SEQUENCE_INSERT), .texts = true, .lists = true, .infer = infer_edit, .run = run_insert },
	{ OQZ_ROW(SEQUENCE_LENGTH), .texts = true, .lists = true, .infer = infer_length, .run = run_length },
	{ OQZ_ROW(SEQUENCE_MAP), .texts = true, OQZ_ROW_PARAMS(struct sequence, map_attrs), .lists = true,
	  .infer = infer_edit, .run = run_map },
	{ OQZ_ROW(CONCAT_FROM_SEQUENCE), .texts = true, OQZ_ROW_PARAMS(struct sequence, concat_attrs), .lists = true,
	  .infer = infer_element, .run = run_concat },
	{ OQZ_ROW(SPLIT_TO_SEQUENCE), .texts = true, OQZ_ROW_PARAMS(struct sequence, split_attrs),
	  .infer = infer_sequence, .run = run_split },
	{ OQZ_ROW(OPTIONAL), .texts = true, .lists = true, .infer = infer_optional, .run = run_optional },
	{ OQZ_ROW(OPTIONAL_GET_ELEMENT), .texts = true, .lists = true, .infer = infer_get, .run = run_get },
	{ OQZ_ROW(OPTIONAL_HAS_ELEMENT), .texts = true, .lists = true, .infer = infer_has, .run = run_has },
	{ .name = NULL },
};
