/* SPDX-License-Identifier: Apache-2.0
 *
 * Attention (operator set 23): softmax(Q K^T * scale + mask) V for several heads, as vision transformers are exported.
 * Keys and values of earlier calls (past and present), soft capping and the intermediate output belong to language
 * models that generate text; they are refused by name.
 */
#include "core/ops/broadcast.h"
#include "core/ops/ops_util.h"

struct attention {
	int64_t is_causal, kv_num_heads, q_num_heads, qk_matmul_output_mode, softmax_precision;
	float scale, softcap;
};

/* Both forms, (B, heads, length, size) and (B, length, heads * size), as strides. */
struct side {
	int64_t batch, heads, length, size;
	int64_t sb, sh, sl; /* strides in elements; along size it is 1 */
};

static enum oqz_status side_of(const struct oqz_shape *s, int64_t heads, const char *what, struct side *r,
                               struct oqz_err *err)
{
	if (s->rank == 4) {
		*r = (struct side) { .batch = s->dim[0], .heads = s->dim[1], .length = s->dim[2], .size = s->dim[3] };
		r->sl = r->size;
		r->sh = r->size * r->length;
		r->sb = r->sh * r->heads;
		return OQZ_OK;
	}
	if (s->rank != 3 || heads < 1 || s->dim[2] % heads)
		OQZ_FAIL(err, OQZ_E_DATA, "%s of rank %d with %lld heads", what, s->rank, (long long)heads);
	*r = (struct side) { .batch = s->dim[0], .heads = heads, .length = s->dim[1], .size = s->dim[2] / heads };
	r->sh = r->size;
	r->sl = r->size * heads;
	r->sb = r->sl * r->length;
	return OQZ_OK;
}

static enum oqz_status plan(const struct oqz_node *n, const struct oqz_shape *q, const struct oqz_shape *k,
                            const struct oqz_shape *v, struct side s[3], struct oqz_err *err)
{
	const struct attention *p = OQZ_PARAMS(n, struct attention);

	OQZ_TRY(side_of(q, p->q_num_heads, "Q", &s[0], err));
	OQZ_TRY(side_of(k, p->kv_num_heads, "K", &s[1], err));
	OQZ_TRY(side_of(v, p->kv_num_heads, "V", &s[2], err));
	if (q->rank != k->rank || k->rank != v->rank || s[0].batch != s[1].batch || s[1].batch != s[2].batch ||
	    s[0].size != s[1].size || s[1].length != s[2].length || s[1].heads != s[2].heads || s[1].heads < 1 ||
	    s[0].heads % s[1].heads)
		OQZ_FAIL(err, OQZ_E_DATA, "shapes of Q, K and V do not belong together");
	return OQZ_OK;
}

static enum oqz_status infer_attention(struct oqz_infer *c, struct oqz_err *err)
{
	const struct attention *p = OQZ_PARAMS(c->node, struct attention);
	const struct oqz_shape *q = &c->in[0]->shape, *k = &c->in[1]->shape, *v = &c->in[2]->shape;
	struct side s[3];

	if (c->in[4] || c->in[5] || c->in[6] || c->node->n_out > 1)
		OQZ_FAIL(err, OQZ_E_UNSUPPORTED, "Attention with past or present keys and values");
	if (p->softcap != 0)
		OQZ_FAIL(err, OQZ_E_UNSUPPORTED, "Attention with softcap");
	OQZ_TRY(oqz_need_float(c, 0, err));
	c->out[0] = *c->in[0];
	if (!oqz_shape_concrete(q) || !oqz_shape_concrete(k) || !oqz_shape_concrete(v)) {
		if (q->rank > 0) /* heads times the size of a value, which need not be that of a query */
			c->out[0].shape.dim[q->rank - 1] = OQZ_DIM_UNKNOWN;
		return OQZ_OK;
	}
	OQZ_TRY(plan(c->node, q, k, v, s, err));
	c->out[0].shape.dim[q->rank - 1] = q->rank == 4 ? s[2].size : s[0].heads * s[2].size;
	return OQZ_OK;
}

/* Strides of the mask, which broadcasts to (B, heads, queries, keys); absent: nothing. */
struct mask {
	const struct oqz_tensor *t;
	int64_t stride[4];
};

static enum oqz_status mask_of(const struct oqz_tensor *t, const struct side s[3], struct mask *m, struct oqz_err *err)
{
	struct oqz_shape full = oqz_shape_of(4, (const int64_t[]) { s[0].batch, s[0].heads, s[0].length, s[1].length }),
	                 got;

	*m = (struct mask) { .t = t };
	if (!t)
		return OQZ_OK;
	if (!oqz_bcast_shape(&full, &t->shape, &got) || !oqz_shape_equal(&full, &got))
		OQZ_FAIL(err, OQZ_E_DATA, "the mask does not broadcast to batch, heads, queries and keys");
	int64_t step = 1;
	for (int d = t->shape.rank - 1, o = 3; d >= 0; step *= t->shape.dim[d--], o--)
		m->stride[o] = t->shape.dim[d] == 1 ? 0 : step;
	return OQZ_OK;
}

static double masked(const struct mask *m, double score, int64_t b, int64_t h, int64_t i, int64_t j)
{
	size_t at = (size_t)(b * m->stride[0] + h * m->stride[1] + i * m->stride[2] + j * m->stride[3]);

	if (!m->t)
		return score;
	if (m->t->dtype == OQZ_DT_BOOL)
		return oqz_load_i(OQZ_DT_BOOL, m->t->data, at) ? score : -INFINITY;
	return score + oqz_load_f(m->t->dtype, m->t->data, at);
}

/* w[j] = softmax over the n scores in place. */
static void softmax(double *w, int64_t n)
{
	double top = -INFINITY, sum = 0;

	for (int64_t j = 0; j < n; j++)
		top = w[j] > top ? w[j] : top;
	for (int64_t j = 0; j < n; j++)
		sum += w[j] = exp(w[j] - top);
	for (int64_t j = 0; j < n; j++)
		w[j] /= sum;
}

struct operands {
	const double *q, *k, *v;
	double *w; /* one row of weights */
	double scale;
	bool causal;
	struct mask mask;
};

/* One query: its weights over the keys, then the weighted sum of values. */
static void attend(const struct operands *x, const struct side s[3], int64_t b, int64_t h, int64_t i, double *out)
{
	int64_t kv = h / (s[0].heads / s[1].heads);
	const double *q = x->q + b * s[0].sb + h * s[0].sh + i * s[0].sl;
	const double *k = x->k + b * s[1].sb + kv * s[1].sh, *v = x->v + b * s[2].sb + kv * s[2].sh;

	for (int64_t j = 0; j < s[1].length; j++) {
		double score = 0;

		for (int64_t d = 0; d < s[0].size; d++)
			score += q[d] * k[j * s[1].sl + d];
		x->w[j] = x->causal && j > i ? -INFINITY : masked(&x->mask, score * x->scale, b, h, i, j);
	}
	softmax(x->w, s[1].length);
	for (int64_t d = 0; d < s[2].size; d++)
		out[d] = 0;
	for (int64_t j = 0; j < s[1].length; j++)
		for (int64_t d = 0; d < s[2].size; d++)
			out[d] += x->w[j] * v[j * s[2].sl + d];
}

static enum oqz_status run_attention(const struct oqz_call *c, struct oqz_err *err)
{
	const struct attention *p = OQZ_PARAMS(c->node, struct attention);
	OQZ_CLEANUP_FREE double *q = NULL;
	OQZ_CLEANUP_FREE double *k = NULL;
	OQZ_CLEANUP_FREE double *v = NULL;
	OQZ_CLEANUP_FREE double *w = NULL;
	OQZ_CLEANUP_FREE double *out = NULL;
	struct side s[3], o = { 0 };

	OQZ_TRY(plan(c->node, &c->in[0]->shape, &c->in[1]->shape, &c->in[2]->shape, s, err));
	OQZ_TRY(side_of(&c->out[0]->shape, p->q_num_heads, "Y", &o, err));
	OQZ_TRY(oqz_read_f64(c->in[0], &q, err));
	OQZ_TRY(oqz_read_f64(c->in[1], &k, err));
	OQZ_TRY(oqz_read_f64(c->in[2], &v, err));
	OQZ_TRY(oqz_new_f64(s[1].length, &w, err));
	OQZ_TRY(oqz_new_f64(oqz_tensor_nelem(c->out[0]), &out, err));
	struct operands x = { .q = q, .k = k, .v = v, .w = w, .causal = p->is_causal != 0 };
	x.scale = oqz_node_attr(c->node, "scale") ? (double)p->scale : 1 / sqrt((double)s[0].size);
	OQZ_TRY(mask_of(c->in[3], s, &x.mask, err));
	for (int64_t b = 0; b < o.batch; b++)
		for (int64_t h = 0; h < o.heads; h++)
			for (int64_t i = 0; i < o.length; i++)
				attend(&x, s, b, h, i, out + b * o.sb + h * o.sh + i * o.sl);
	oqz_write_f64(c->out[0], out);
	return OQZ_OK;
}

static const struct oqz_attr_spec attention_attrs[] = {
	OQZ_A_INT(struct attention, is_causal, 0),         OQZ_A_INT(struct attention, kv_num_heads, 0),
	OQZ_A_INT(struct attention, q_num_heads, 0),       OQZ_A_INT(struct attention, qk_matmul_output_mode, 0),
	OQZ_A_FLOAT(struct attention, scale, 0),           OQZ_A_FLOAT(struct attention, softcap, 0),
	OQZ_A_INT(struct attention, softmax_precision, 0), { .name = NULL },
};

const struct oqz_op oqz_ops_attention[] = {
	{ OQZ_ROW(ATTENTION), OQZ_ROW_PARAMS(struct attention, attention_attrs), .infer = infer_attention,
	  .run = run_attention },
	{ .name = NULL },
};
