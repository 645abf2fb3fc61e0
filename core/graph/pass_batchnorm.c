/* SPDX-License-Identifier: Apache-2.0
 *
 * BatchNormalization behind Conv, ConvTranspose or Gemm, as the only consumer, goes into weight and bias:
 *
 *	g = scale / sqrt(var + epsilon)     W' = W * g along the output channel
 *	b' = scale * (b - mean) / sqrt(var + epsilon) + B
 *
 * each step in float32, in this order, as PPQ does. More digits would be worse: with one scale per channel the largest
 * weight lies exactly between two codes of the grid, so one unit in the last place decides about its code, and figures
 * published with PPQ would be missed by some percent. A BatchNormalization that stands elsewhere is left as it is
 * (pass_batchnorm_conv.c is for those).
 */
#include "core/graph/pass_impl.h"

#include <math.h>

/* What one merge needs: the node, its BatchNormalization, and per output channel sqrt(var + epsilon) and g. */
struct merge {
	struct oqz_node *n, *bn;
	int64_t channels;
	float *deviation, *g;
};

static bool is_vector(const struct oqz_tensor *t, int64_t n)
{
	return t && t->shape.rank == 1 && t->shape.dim[0] == n && oqz_dtype_is_float(t->dtype);
}

/* Input 2 of the node as one number per channel: absent, (M), or for Gemm any shape that has one row. */
static bool bias_usable(const struct oqz_node *n, int64_t channels)
{
	const struct oqz_value *b = oqz_node_in(n, 2);

	if (!b)
		return true;
	if (!b->constant || b->constant->dtype != n->in[1]->type.dtype)
		return false;
	const struct oqz_shape *s = &b->constant->shape;
	if (!oqz_node_is(n, "Gemm"))
		return s->rank == 1 && s->dim[0] == channels;
	int64_t count = oqz_shape_nelem(s);
	return s->rank <= 2 && (s->rank < 2 || s->dim[0] == 1) && (count == 1 || count == channels);
}

static bool mergeable(const struct oqz_node *n, const struct oqz_node *bn, int64_t channels)
{
	const struct oqz_tensor *w = oqz_node_constant(n, 1);

	if (!w || !oqz_dtype_is_float(w->dtype) || channels < 1 || !bias_usable(n, channels) || !oqz_node_out(bn, 0))
		return false;
	if (oqz_node_is(n, "Gemm") && (w->shape.rank != 2 || oqz_node_float(n, "beta", 1) != 1))
		return false;
	if (oqz_node_is(n, "ConvTranspose") && w->shape.dim[0] % oqz_node_int(n, "group", 1) != 0)
		return false;
	for (int i = 1; i < 5; i++)
		if (!is_vector(oqz_node_constant(bn, i), channels))
			return false;
	for (int i = 1; i < bn->n_out; i++)
		if (bn->out[i] && (bn->out[i]->is_output || bn->out[i]->uses.n))
			return false; /* training form */
	return oqz_node_int(bn, "training_mode", 0) == 0 && oqz_node_int(bn, "spatial", 1) == 1;
}

static struct oqz_node *find_batchnorm(const struct oqz_node *n)
{
	struct oqz_value *y = oqz_node_out(n, 0);
	struct oqz_node *bn = y ? oqz_value_sole_use(y) : NULL;

	if (!bn || bn->dead || !oqz_node_is(bn, "BatchNormalization") || bn->in[0] != y)
		return NULL;
	return mergeable(n, bn, oqz_node_channels(n)) ? bn : NULL;
}

static float parameter(const struct merge *m, int input, int64_t c)
{
	const struct oqz_tensor *t = m->bn->in[input]->constant;

	return (float)oqz_load_f(t->dtype, t->data, (size_t)c);
}

/* g per channel; false when a channel cannot be merged (variance not above -epsilon). */
static bool compute_gain(struct merge *m)
{
	float eps = (float)oqz_node_float(m->bn, "epsilon", 1e-5f);

	for (int64_t c = 0; c < m->channels; c++) {
		m->deviation[c] = sqrtf(parameter(m, 4, c) + eps);
		m->g[c] = parameter(m, 1, c) / m->deviation[c];
		if (!isfinite(m->g[c]))
			return false;
	}
	return true;
}

/* Output channel of element i of the weight. */
static int64_t channel_of(const struct merge *m, const struct oqz_shape *s, int64_t i)
{
	const struct oqz_node *n = m->n;

	if (oqz_node_is(n, "Gemm"))
		return oqz_node_int(n, "transB", 0) ? i / s->dim[1] : i % s->dim[1];
	int64_t inner = oqz_shape_span(s, 1, s->rank);
	if (oqz_node_is(n, "Conv"))
		return i / inner;
	/* ConvTranspose (C, M/group, ...): channel c belongs to group c / (C/group) */
	int64_t per_group = s->dim[0] / oqz_node_int(n, "group", 1);
	return i / inner / per_group * s->dim[1] + i % inner / oqz_shape_span(s, 2, s->rank);
}

/* A value whose only use this is becomes the new constant; one that others read as well stays as it is. */
static enum oqz_status set_constant_input(struct merge *m, int input, const struct oqz_tensor *t, const char *base,
                                          struct oqz_err *err)
{
	struct oqz_graph *g = m->n->graph;
	struct oqz_value *v = oqz_node_in(m->n, input);

	if (v && v->graph == g && !v->is_output && v->uses.n == 1)
		return oqz_value_set_constant(g, v, t, err);
	OQZ_TRY(oqz_graph_insert_constant(g, t, &v, err, "%s", base));
	return oqz_node_set_input(m->n, input, v, err);
}

static enum oqz_status scale_weight(struct merge *m, struct oqz_err *err)
{
	const struct oqz_tensor *w = m->n->in[1]->constant;
	struct oqz_tensor t = { 0 };

	OQZ_TRY(oqz_tensor_alloc(&t, w->dtype, &w->shape, err));
	for (int64_t i = 0, n = oqz_tensor_nelem(w); i < n; i++)
		oqz_store_f(
		    t.dtype, t.data, (size_t)i,
		    (double)((float)oqz_load_f(w->dtype, w->data, (size_t)i) * m->g[channel_of(m, &w->shape, i)]));
	enum oqz_status st = set_constant_input(m, 1, &t, m->n->in[1]->name, err);
	oqz_tensor_release(&t);
	return st;
}

static enum oqz_status set_bias(struct merge *m, struct oqz_err *err)
{
	const struct oqz_tensor *b = oqz_node_constant(m->n, 2);
	struct oqz_shape s = { .rank = 1, .dim = { m->channels } };
	struct oqz_tensor t = { 0 };

	OQZ_TRY(oqz_tensor_alloc(&t, m->n->in[1]->type.dtype, &s, err));
	for (int64_t c = 0; c < m->channels; c++) {
		size_t at = b && oqz_tensor_nelem(b) == 1 ? 0 : (size_t)c;
		float old = b ? (float)oqz_load_f(b->dtype, b->data, at) : 0;
		float y = parameter(m, 1, c) * (old - parameter(m, 3, c)) / m->deviation[c] + parameter(m, 2, c);
		oqz_store_f(t.dtype, t.data, (size_t)c, (double)y);
	}
	enum oqz_status st = set_constant_input(m, 2, &t, m->bn->in[2]->name, err);
	oqz_tensor_release(&t);
	return st;
}

static enum oqz_status merge(struct merge *m, bool *ret_done, struct oqz_err *err)
{
	if (!compute_gain(m))
		return OQZ_OK;
	OQZ_TRY(scale_weight(m, err));
	OQZ_TRY(set_bias(m, err));
	oqz_node_absorb(m->n, m->bn);
	*ret_done = true;
	return OQZ_OK;
}

static enum oqz_status fold(struct oqz_graph *g, struct oqz_node *n, bool *ret_done, struct oqz_err *err)
{
	struct oqz_node *bn = oqz_node_takes_bias(n) ? find_batchnorm(n) : NULL;

	if (!bn)
		return OQZ_OK;
	struct merge m = { n, bn, oqz_node_channels(n), NULL, NULL };
	OQZ_CLEANUP_FREE float *room = calloc(2 * (size_t)m.channels, sizeof *room);
	if (!room)
		return oqz_err_nomem(err, n->name, 0);
	m.g = room;
	m.deviation = room + m.channels;
	return merge(&m, ret_done, err);
}

enum oqz_status oqz_pass_batchnorm(struct oqz_graph *g, int *ret_changed, struct oqz_err *err)
{
	return oqz_pass_nodes(g, fold, ret_changed, err);
}
