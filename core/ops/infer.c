/* SPDX-License-Identifier: Apache-2.0
 *
 * Type inference: the rules that families share, and the walk over a graph. Every rule works with partial knowledge
 * (unknown dtype, rank or dims) and says as much as follows; only contradictions are errors. So the same rules serve
 * models with symbolic dims, binding of shapes, and a single call of a kernel, where everything is known.
 */
#include "core/ops/ops_util.h"

#include <stdio.h>
#include <stdlib.h>

struct oqz_shape oqz_shape_unknown(int rank)
{
	struct oqz_shape s = { .rank = rank };

	for (int i = 0; i < rank && i < OQZ_MAX_RANK; i++)
		s.dim[i] = OQZ_DIM_UNKNOWN;
	return s;
}

bool oqz_shape_concrete(const struct oqz_shape *s)
{
	if (s->rank < 0)
		return false;
	for (int i = 0; i < s->rank; i++)
		if (s->dim[i] < 0)
			return false;
	return true;
}

struct oqz_type oqz_in_type(const struct oqz_infer *c, int i)
{
	if (c->in[i])
		return *c->in[i];
	return (struct oqz_type) { OQZ_DT_UNDEFINED, { .rank = OQZ_RANK_UNKNOWN } };
}

int oqz_in_rank(const struct oqz_infer *c, int i) { return c->in[i] ? c->in[i]->shape.rank : OQZ_RANK_UNKNOWN; }

/* Extents of one aligned pair of dims; the ONNX broadcasting rule (multidirectional). */
static bool broadcast_dim(int64_t a, int64_t b, int64_t *ret)
{
	if (a == b || b == 1)
		*ret = a;
	else if (a == 1)
		*ret = b;
	else if (a < 0)
		*ret = b;
	else if (b < 0)
		*ret = a;
	else
		return false;
	return true;
}

enum oqz_status oqz_shape_broadcast(struct oqz_shape *acc, const struct oqz_shape *b, struct oqz_err *err)
{
	if (acc->rank < 0 || b->rank < 0) {
		*acc = oqz_shape_unknown(OQZ_RANK_UNKNOWN);
		return OQZ_OK;
	}
	struct oqz_shape r = { .rank = acc->rank > b->rank ? acc->rank : b->rank };
	for (int i = 0; i < r.rank; i++) {
		int ia = i - (r.rank - acc->rank), ib = i - (r.rank - b->rank);
		if (!broadcast_dim(ia < 0 ? 1 : acc->dim[ia], ib < 0 ? 1 : b->dim[ib], &r.dim[i])) {
			char ta[OQZ_SHAPE_STR], tb[OQZ_SHAPE_STR];
			OQZ_FAIL(err, OQZ_E_DATA, "shapes %s and %s do not broadcast",
			         oqz_shape_str(acc, ta, sizeof ta), oqz_shape_str(b, tb, sizeof tb));
		}
	}
	*acc = r;
	return OQZ_OK;
}

enum oqz_status oqz_shape_merge(struct oqz_shape *acc, const struct oqz_shape *b, struct oqz_err *err)
{
	char ta[OQZ_SHAPE_STR], tb[OQZ_SHAPE_STR];

	if (b->rank < 0)
		return OQZ_OK;
	if (acc->rank < 0) {
		*acc = *b;
		return OQZ_OK;
	}
	bool agree = acc->rank == b->rank;
	struct oqz_shape r = *acc;
	for (int i = 0; agree && i < r.rank; i++) {
		if (r.dim[i] < 0)
			r.dim[i] = b->dim[i];
		else
			agree = b->dim[i] < 0 || b->dim[i] == r.dim[i];
	}
	if (!agree)
		OQZ_FAIL(err, OQZ_E_DATA, "shape %s contradicts %s", oqz_shape_str(b, tb, sizeof tb),
		         oqz_shape_str(acc, ta, sizeof ta));
	*acc = r;
	return OQZ_OK;
}

enum oqz_status oqz_infer_same(struct oqz_infer *c, struct oqz_err *err)
{
	(void)err;
	c->out[0] = oqz_in_type(c, 0);
	return OQZ_OK;
}

enum oqz_status oqz_infer_broadcast(struct oqz_infer *c, struct oqz_err *err)
{
	struct oqz_type t = oqz_in_type(c, 0);

	OQZ_TRY(oqz_same_dtype(c, 0, c->n_in, &t.dtype, err));
	for (int i = 1; i < c->n_in; i++) {
		struct oqz_type u = oqz_in_type(c, i);
		OQZ_TRY(oqz_shape_broadcast(&t.shape, &u.shape, err));
	}
	c->out[0] = t;
	return OQZ_OK;
}

enum oqz_status oqz_same_dtype(const struct oqz_infer *c, int from, int to, enum oqz_dtype *ret, struct oqz_err *err)
{
	enum oqz_dtype t = OQZ_DT_UNDEFINED;

	for (int i = from; i < to; i++) {
		enum oqz_dtype u = c->in[i] ? c->in[i]->dtype : OQZ_DT_UNDEFINED;
		if (u == OQZ_DT_UNDEFINED)
			continue;
		if (t != OQZ_DT_UNDEFINED && t != u)
			OQZ_FAIL(err, OQZ_E_DATA, "input %d is %s, others are %s", i, oqz_dtype_name(u),
			         oqz_dtype_name(t));
		t = u;
	}
	*ret = t;
	return OQZ_OK;
}

enum oqz_status oqz_need_float(const struct oqz_infer *c, int i, struct oqz_err *err)
{
	enum oqz_dtype t = oqz_in_type(c, i).dtype;

	if (t != OQZ_DT_UNDEFINED && !oqz_dtype_is_float(t))
		OQZ_FAIL(err, OQZ_E_DATA, "input %d is %s, should be a float type", i, oqz_dtype_name(t));
	return OQZ_OK;
}

enum oqz_status oqz_need_rank(const struct oqz_infer *c, int i, int lo, int hi, struct oqz_err *err)
{
	int r = oqz_in_rank(c, i);

	if (r >= 0 && (r < lo || r > hi))
		OQZ_FAIL(err, lo == hi ? OQZ_E_DATA : OQZ_E_UNSUPPORTED, "input %d has rank %d (%d to %d)", i, r, lo,
		         hi);
	return OQZ_OK;
}

enum oqz_status oqz_need_dim(int64_t have, int64_t want, const char *what, struct oqz_err *err)
{
	if (have >= 0 && want >= 0 && have != want)
		OQZ_FAIL(err, OQZ_E_DATA, "%s: %lld, should be %lld", what, (long long)have, (long long)want);
	return OQZ_OK;
}

enum oqz_status oqz_need_shape(const struct oqz_infer *c, int i, int rank, const int64_t *want, struct oqz_err *err)
{
	OQZ_TRY(oqz_need_rank(c, i, rank, rank, err));
	for (int k = 0; k < rank && oqz_in_rank(c, i) == rank; k++)
		if (oqz_need_dim(c->in[i]->shape.dim[k], want[k], "an extent", err) != OQZ_OK)
			return oqz_err_prefix(err, "input %d", i);
	return OQZ_OK;
}

enum oqz_status oqz_const_ints(const struct oqz_infer *c, int i, int64_t *out, size_t max, size_t *ret_n,
                               bool *ret_known, struct oqz_err *err)
{
	*ret_known = c->constant[i] != NULL;
	*ret_n = 0;
	if (!c->constant[i])
		return OQZ_OK;
	if (oqz_tensor_ints(c->constant[i], out, max, ret_n, err) != OQZ_OK)
		return oqz_err_prefix(err, "input %d", i);
	return OQZ_OK;
}

/* ---- one node ---- */

static int padded(int n, int max) { return n > max ? n : max; }

/* Keeps what the file declares where inference says less; where both speak, inference is right. */
static void refine(struct oqz_type *inferred, const struct oqz_type *declared)
{
	if (inferred->dtype == OQZ_DT_UNDEFINED)
		inferred->dtype = declared->dtype;
	struct oqz_shape s = inferred->shape;
	if (oqz_shape_merge(&s, &declared->shape, NULL) == OQZ_OK)
		inferred->shape = s;
}

/* A list says nothing of the tensors inside: their type stays as declared. */
static void learn(struct oqz_value *v, struct oqz_type *inferred)
{
	if (inferred->dtype == OQZ_DT_SEQUENCE)
		v->kind = OQZ_VALUE_SEQUENCE;
	else if (inferred->dtype == OQZ_DT_OPTIONAL && v->kind != OQZ_VALUE_OPTIONAL_SEQUENCE)
		v->kind = OQZ_VALUE_OPTIONAL;
	if (oqz_dtype_is_list(inferred->dtype))
		return;
	if (inferred->dtype != OQZ_DT_UNDEFINED)
		v->kind = OQZ_VALUE_TENSOR;
	if (v->kind != OQZ_VALUE_TENSOR)
		return;
	refine(inferred, &v->type);
	v->type = *inferred;
}

static enum oqz_status check_inputs(const struct oqz_infer *c, struct oqz_err *err)
{
	const struct oqz_op *op = c->node->op;

	for (int i = 0; i < c->n_in; i++) {
		enum oqz_dtype t = c->in[i] ? c->in[i]->dtype : OQZ_DT_UNDEFINED;
		if (oqz_dtype_is_list(t) && !op->lists)
			OQZ_FAIL(err, OQZ_E_DATA, "input %d is %s, should be a tensor", i, oqz_dtype_name(t));
		if (t == OQZ_DT_STRING && (!op->texts || (i < op->n_roles && op->roles[i] == OQZ_ROLE_INDEX)))
			OQZ_FAIL(err, OQZ_E_UNSUPPORTED, "input %d is a tensor of strings", i);
	}
	return OQZ_OK;
}

/* What a type rule must not give: a rank beyond the limit, a dimension below zero that is not the unknown one. */
static enum oqz_status check_outputs(const struct oqz_type *out, int n_out, struct oqz_err *err)
{
	char text[OQZ_SHAPE_STR];

	for (int i = 0; i < n_out; i++) {
		const struct oqz_shape *s = &out[i].shape;
		if (s->rank > OQZ_MAX_RANK)
			OQZ_FAIL(err, OQZ_E_UNSUPPORTED, "output %d has rank %d (at most %d)", i, s->rank,
			         OQZ_MAX_RANK);
		for (int d = 0; d < s->rank; d++)
			if (s->dim[d] < OQZ_DIM_UNKNOWN)
				OQZ_FAIL(err, OQZ_E_DATA, "output %d has a negative dimension: %s (%lld)", i,
				         oqz_shape_str(s, text, sizeof text), (long long)s->dim[d]);
	}
	return OQZ_OK;
}

enum oqz_status oqz_infer_call(struct oqz_infer *c, struct oqz_err *err)
{
	OQZ_TRY(check_inputs(c, err));
	OQZ_TRY(c->node->op->infer(c, err));
	for (int i = 0; i < c->n_out && !c->node->op->texts; i++)
		if (c->out[i].dtype == OQZ_DT_STRING)
			OQZ_FAIL(err, OQZ_E_UNSUPPORTED, "output %d would be a tensor of strings", i);
	return check_outputs(c->out, c->n_out, err);
}

enum oqz_status oqz_infer_node(struct oqz_node *n, struct oqz_err *err)
{
	const struct oqz_op *op = n->op;
	if (!op || !op->infer)
		OQZ_FAIL(err, OQZ_E_INTERNAL, "node '%s' (%s) is not resolved", n->name, n->op_type);
	size_t n_in = (size_t)padded(n->n_in, op->max_in), n_out = (size_t)padded(n->n_out, op->max_out);

	OQZ_CLEANUP_FREE const struct oqz_type **in = calloc(n_in + 1, sizeof *in);
	OQZ_CLEANUP_FREE const struct oqz_tensor **constant = calloc(n_in + 1, sizeof *constant);
	OQZ_CLEANUP_FREE struct oqz_type *out = calloc(n_out + 1, sizeof *out),
	                                 *types = calloc(n_in + 1, sizeof *types);
	if (!in || !constant || !out || !types)
		return oqz_err_nomem(err, "type inference", (n_in + n_out) * sizeof *out);
	for (int i = 0; i < n->n_in; i++)
		if (n->in[i]) {
			types[i] = oqz_value_type(n->in[i]);
			in[i] = &types[i];
			constant[i] = n->in[i]->constant;
		}
	for (size_t i = 0; i <= n_out; i++)
		out[i].shape.rank = OQZ_RANK_UNKNOWN;

	struct oqz_infer c = {
		.node = n, .n_in = n->n_in, .n_out = n->n_out, .in = in, .constant = constant, .out = out
	};
	if (oqz_infer_call(&c, err) != OQZ_OK) {
		oqz_node_err(n, err);
		return err ? err->code : OQZ_E_DATA;
	}
	for (int i = 0; i < n->n_out; i++)
		if (n->out[i])
			learn(n->out[i], &out[i]);
	return OQZ_OK;
}

enum oqz_status oqz_infer_types(struct oqz_graph *g, struct oqz_err *err)
{
	for (size_t i = 0; i < g->nodes.n; i++)
		if (!g->nodes.v[i]->dead && oqz_infer_node(g->nodes.v[i], err) != OQZ_OK)
			return oqz_err_prefix(err, "%s", g->source ? g->source : "model");
	return OQZ_OK;
}
