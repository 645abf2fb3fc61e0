/* SPDX-License-Identifier: Apache-2.0
 *
 * FlexAttention of ai.onnx.preview: softmax(Q K^T * scale) V for several heads, where a graph of the node may change
 * the scores and another one the weights behind the softmax. What the graphs are given are the scores of all heads at
 * once, so here, unlike in Attention, they exist as a tensor.
 */
#include "core/ops/capture.h"
#include "core/ops/interpret.h"
#include "core/ops/ops_util.h"

#include <stdlib.h>

enum { OWN_INPUTS = 3 };

struct flex {
	struct oqz_graph *score_mod, *prob_mod;
	struct oqz_ints captured;
	float scale;
	int64_t softmax_precision;
};

/* Q (batch, heads, queries, size), K (batch, kv_heads, keys, size), V (batch, kv_heads, keys, value_size). */
struct extent {
	int64_t batch, heads, kv_heads, queries, keys, size, value_size;
};

static enum oqz_status extent_of(const struct oqz_shape *q, const struct oqz_shape *k, const struct oqz_shape *v,
                                 struct extent *ret, struct oqz_err *err)
{
	if (k->dim[0] != q->dim[0] || v->dim[0] != q->dim[0] || k->dim[3] != q->dim[3] || k->dim[1] != v->dim[1] ||
	    k->dim[2] != v->dim[2])
		OQZ_FAIL(err, OQZ_E_DATA, "shapes of Q, K and V do not belong together");
	if (k->dim[1] < 1 || q->dim[1] % k->dim[1])
		OQZ_FAIL(err, OQZ_E_DATA, "%lld heads of queries on %lld of keys", (long long)q->dim[1],
		         (long long)k->dim[1]);
	*ret = (struct extent) { q->dim[0], q->dim[1], k->dim[1], q->dim[2], k->dim[2], q->dim[3], v->dim[3] };
	return OQZ_OK;
}

/* A graph of the node, and which of the node's inputs is the first of the outer values that it reads; NULL: none. */
static const struct oqz_graph *modifier(const struct oqz_node *n, const char *name, int *ret_first)
{
	const struct oqz_attr *a = oqz_node_attr(n, name);
	struct oqz_graph *body[OQZ_NODE_MAX_BODIES];
	int count = oqz_node_bodies(n, body);

	*ret_first = OWN_INPUTS;
	for (int k = 0; k < count; k++) {
		if (a && body[k] == a->graph)
			return body[k];
		*ret_first += oqz_node_captured(n, k);
	}
	return NULL;
}

static enum oqz_dtype precision(const struct flex *p, enum oqz_dtype in)
{
	if (p->softmax_precision)
		return (enum oqz_dtype)p->softmax_precision;
	return in == OQZ_DT_F64 ? OQZ_DT_F64 : OQZ_DT_F32;
}

static enum oqz_status infer_flex(struct oqz_infer *c, struct oqz_err *err)
{
	const struct flex *p = OQZ_PARAMS(c->node, struct flex);
	enum oqz_dtype in, wide;
	struct extent e;
	int own;

	modifier(c->node, "", &own); /* behind all bodies */
	if (c->n_in - (own - OWN_INPUTS) != OWN_INPUTS)
		OQZ_FAIL(err, OQZ_E_DATA, "has %d inputs, should be Q, K and V", c->n_in);
	for (int i = 0; i < OWN_INPUTS; i++) {
		OQZ_TRY(oqz_need_float(c, i, err));
		OQZ_TRY(oqz_need_rank(c, i, 4, 4, err));
	}
	OQZ_TRY(oqz_same_dtype(c, 0, OWN_INPUTS, &in, err));
	wide = precision(p, in);
	if (wide != OQZ_DT_F32 && wide != OQZ_DT_F64 && wide != OQZ_DT_F16 && wide != OQZ_DT_BF16)
		OQZ_FAIL(err, OQZ_E_DATA, "softmax_precision %lld", (long long)p->softmax_precision);
	c->out[0] = (struct oqz_type) { in, oqz_shape_unknown(4) };
	const struct oqz_shape *q = &c->in[0]->shape, *k = &c->in[1]->shape, *v = &c->in[2]->shape;
	if (!oqz_shape_concrete(q) || !oqz_shape_concrete(k) || !oqz_shape_concrete(v))
		return OQZ_OK;
	OQZ_TRY(extent_of(q, k, v, &e, err));
	c->out[0].shape = oqz_shape_of(4, (const int64_t[]) { e.batch, e.heads, e.queries, e.value_size });
	return OQZ_OK;
}

/* Replaces t by what the graph `name` makes of it. */
static enum oqz_status modify(const struct oqz_call *c, const char *name, struct oqz_tensor *t, struct oqz_err *err)
{
	OQZ_CLEANUP(oqz_tensor_release) struct oqz_tensor made = { 0 };
	int first;
	const struct oqz_graph *g = modifier(c->node, name, &first);

	if (!g)
		return OQZ_OK;
	if (g->inputs.n < 1 || g->inputs.n > (size_t)(c->n_in - first) + 1 || g->outputs.n != 1)
		OQZ_FAIL(err, OQZ_E_DATA, "%s has %zu inputs and %zu outputs, should be one of each", name, g->inputs.n,
		         g->outputs.n);
	OQZ_CLEANUP_FREE const struct oqz_tensor **in = calloc(g->inputs.n, sizeof *in);
	if (!in)
		return oqz_err_nomem(err, "a graph's inputs", g->inputs.n * sizeof *in);
	in[0] = t;
	for (size_t i = 1; i < g->inputs.n; i++)
		in[i] = c->in[(size_t)first + i - 1];
	OQZ_TRY(oqz_interpret(g, in, &made, NULL, NULL, err));
	if (made.dtype != t->dtype || !oqz_shape_equal(&made.shape, &t->shape)) {
		char a[OQZ_SHAPE_STR], b[OQZ_SHAPE_STR];
		OQZ_FAIL(err, OQZ_E_DATA, "%s makes %s%s of %s%s", name, oqz_dtype_name(made.dtype),
		         oqz_shape_str(&made.shape, a, sizeof a), oqz_dtype_name(t->dtype),
		         oqz_shape_str(&t->shape, b, sizeof b));
	}
	oqz_tensor_release(t);
	*t = made;
	made = (struct oqz_tensor) { 0 };
	return OQZ_OK;
}

static enum oqz_status scores_of(const struct oqz_call *c, const struct extent *e, struct oqz_tensor *scores,
                                 struct oqz_err *err)
{
	const struct flex *p = OQZ_PARAMS(c->node, struct flex);
	double scale = oqz_node_attr(c->node, "scale") ? (double)p->scale : 1 / sqrt((double)e->size);
	OQZ_CLEANUP_FREE double *q = NULL;
	OQZ_CLEANUP_FREE double *k = NULL;
	size_t at = 0;

	OQZ_TRY(oqz_read_f64(c->in[0], &q, err));
	OQZ_TRY(oqz_read_f64(c->in[1], &k, err));
	for (int64_t row = 0; row < e->batch * e->heads * e->queries; row++) {
		int64_t head = row / e->queries, kv = head / (e->heads / e->kv_heads);
		for (int64_t j = 0; j < e->keys; j++) {
			double sum = 0;

			for (int64_t d = 0; d < e->size; d++)
				sum += q[row * e->size + d] * k[(kv * e->keys + j) * e->size + d];
			oqz_store_f(scores->dtype, scores->data, at++, sum * scale);
		}
	}
	return OQZ_OK;
}

static enum oqz_status softmax(struct oqz_tensor *t, int64_t n, struct oqz_err *err)
{
	OQZ_CLEANUP_FREE double *w = NULL;

	OQZ_TRY(oqz_read_f64(t, &w, err));
	for (int64_t at = 0; n > 0 && at < oqz_tensor_nelem(t); at += n) {
		double top = -INFINITY, sum = 0;

		for (int64_t j = 0; j < n; j++)
			top = w[at + j] > top ? w[at + j] : top;
		for (int64_t j = 0; j < n; j++)
			sum += w[at + j] = exp(w[at + j] - top);
		for (int64_t j = 0; j < n; j++)
			w[at + j] /= sum;
	}
	oqz_write_f64(t, w);
	return OQZ_OK;
}

static enum oqz_status weighted_sums(const struct oqz_call *c, const struct extent *e, const struct oqz_tensor *weights,
                                     struct oqz_err *err)
{
	OQZ_CLEANUP_FREE double *w = NULL;
	OQZ_CLEANUP_FREE double *v = NULL;
	size_t at = 0;

	OQZ_TRY(oqz_read_f64(weights, &w, err));
	OQZ_TRY(oqz_read_f64(c->in[2], &v, err));
	for (int64_t row = 0; row < e->batch * e->heads * e->queries; row++) {
		int64_t head = row / e->queries, kv = head / (e->heads / e->kv_heads);
		for (int64_t d = 0; d < e->value_size; d++) {
			double sum = 0;

			for (int64_t j = 0; j < e->keys; j++)
				sum += w[row * e->keys + j] * v[(kv * e->keys + j) * e->value_size + d];
			oqz_store_f(c->out[0]->dtype, c->out[0]->data, at++, sum);
		}
	}
	return OQZ_OK;
}

static enum oqz_status run_flex(const struct oqz_call *c, struct oqz_err *err)
{
	OQZ_CLEANUP(oqz_tensor_release) struct oqz_tensor t = { 0 };
	struct extent e = { 0 };

	OQZ_TRY(extent_of(&c->in[0]->shape, &c->in[1]->shape, &c->in[2]->shape, &e, err));
	struct oqz_shape shape = oqz_shape_of(4, (const int64_t[]) { e.batch, e.heads, e.queries, e.keys });
	OQZ_TRY(oqz_tensor_alloc(&t, precision(OQZ_PARAMS(c->node, struct flex), c->in[0]->dtype), &shape, err));
	OQZ_TRY(scores_of(c, &e, &t, err));
	OQZ_TRY(modify(c, "score_mod", &t, err));
	OQZ_TRY(softmax(&t, e.keys, err));
	OQZ_TRY(modify(c, "prob_mod", &t, err));
	return weighted_sums(c, &e, &t, err);
}

static const struct oqz_attr_spec flex_attrs[] = {
	OQZ_A_GRAPH(struct flex, score_mod),
	OQZ_A_GRAPH(struct flex, prob_mod),
	OQZ_A_INTS(struct flex, captured),
	OQZ_A_FLOAT(struct flex, scale, 0),
	OQZ_A_INT(struct flex, softmax_precision, 0),
	{ .name = NULL },
};

const struct oqz_op oqz_ops_flex[] = {
	{ OQZ_ROW(FLEX_ATTENTION), OQZ_ROW_PARAMS(struct flex, flex_attrs), .infer = infer_flex, .run = run_flex },
	{ .name = NULL },
};
