/* SPDX-License-Identifier: Apache-2.0
 *
 * Attention (operator sets 23 and 24): softmax(cap(Q K^T * scale) + mask) V for several heads, with the keys and values
 * of earlier calls in front; RotaryEmbedding, which turns Q and K before.
 */
#include "core/ops/op_attention.h"
#include "core/ops/broadcast.h"
#include "core/ops/ops_util.h"

enum oqz_status oqz_attention_side_of(const struct oqz_shape *s, int64_t heads, const char *what,
                                      struct oqz_attention_side *r, struct oqz_err *err)
{
	if (s->rank == 4) {
		*r = (struct oqz_attention_side) {
			.batch = s->dim[0], .heads = s->dim[1], .length = s->dim[2], .size = s->dim[3]
		};
		r->sl = r->size;
		r->sh = r->size * r->length;
		r->sb = r->sh * r->heads;
		return OQZ_OK;
	}
	if (s->rank != 3 || heads < 1 || s->dim[2] % heads)
		OQZ_FAIL(err, OQZ_E_DATA, "%s of rank %d with %lld heads", what, s->rank, (long long)heads);
	*r = (struct oqz_attention_side) {
		.batch = s->dim[0], .heads = heads, .length = s->dim[1], .size = s->dim[2] / heads
	};
	r->sh = r->size;
	r->sl = r->size * heads;
	r->sb = r->sl * r->length;
	return OQZ_OK;
}

/* past_key and past_value are (B, heads, length, size), whatever form K and V have. */
static enum oqz_status past_of(const struct oqz_shape *key, const struct oqz_shape *value, struct oqz_attention *s,
                               struct oqz_err *err)
{
	if (!key != !value)
		OQZ_FAIL(err, OQZ_E_DATA, "past_key and past_value come together");
	if (!key)
		return OQZ_OK;
	if (key->rank != 4 || value->rank != 4 || key->dim[0] != s->k.batch || key->dim[1] != s->k.heads ||
	    key->dim[3] != s->k.size || value->dim[0] != s->k.batch || value->dim[1] != s->k.heads ||
	    value->dim[3] != s->v.size || key->dim[2] != value->dim[2])
		OQZ_FAIL(err, OQZ_E_DATA, "past_key and past_value do not fit K and V");
	s->past = key->dim[2];
	return OQZ_OK;
}

enum oqz_status oqz_attention_plan(const struct oqz_node *n, const struct oqz_shape *const *in, struct oqz_attention *s,
                                   struct oqz_err *err)
{
	const struct oqz_attention_params *p = OQZ_PARAMS(n, struct oqz_attention_params);

	*s = (struct oqz_attention) { .past = 0 };
	OQZ_TRY(oqz_attention_side_of(in[0], p->q_num_heads, "Q", &s->q, err));
	OQZ_TRY(oqz_attention_side_of(in[1], p->kv_num_heads, "K", &s->k, err));
	OQZ_TRY(oqz_attention_side_of(in[2], p->kv_num_heads, "V", &s->v, err));
	if (in[0]->rank != in[1]->rank || in[1]->rank != in[2]->rank || s->q.batch != s->k.batch ||
	    s->k.batch != s->v.batch || s->q.size != s->k.size || s->k.length != s->v.length ||
	    s->k.heads != s->v.heads || s->k.heads < 1 || s->q.heads % s->k.heads)
		OQZ_FAIL(err, OQZ_E_DATA, "shapes of Q, K and V do not belong together");
	OQZ_TRY(past_of(in[4], in[5], s, err));
	if (!oqz_i64_add(s->past, s->k.length, &s->total))
		OQZ_FAIL(err, OQZ_E_LIMIT, "too many keys");
	s->scale = oqz_node_attr(n, "scale") ? (double)p->scale : 1 / sqrt((double)s->q.size);
	return OQZ_OK;
}

/* The shapes of the inputs; false when one is not known. */
static bool known_shapes(const struct oqz_infer *c, const struct oqz_shape **in)
{
	for (int i = 0; i < 6; i++) {
		in[i] = c->in[i] ? &c->in[i]->shape : NULL;
		if (in[i] && !oqz_shape_concrete(in[i]))
			return false;
	}
	return true;
}

static enum oqz_status infer_attention(struct oqz_infer *c, struct oqz_err *err)
{
	const struct oqz_attention_params *p = OQZ_PARAMS(c->node, struct oqz_attention_params);
	const struct oqz_shape *in[6];
	struct oqz_attention s;

	if (p->qk_matmul_output_mode < 0 || p->qk_matmul_output_mode > 3 || !(p->softcap >= 0))
		OQZ_FAIL(err, OQZ_E_DATA, "qk_matmul_output_mode %lld, softcap %g", (long long)p->qk_matmul_output_mode,
		         (double)p->softcap);
	OQZ_TRY(oqz_need_float(c, 0, err));
	for (int i = 0; i < c->n_out; i++)
		c->out[i] = (struct oqz_type) { oqz_in_type(c, i == 1 || i == 2 ? i : 0).dtype,
			                        oqz_shape_unknown(i ? 4 : oqz_in_rank(c, 0)) };
	if (!known_shapes(c, in))
		return OQZ_OK;
	OQZ_TRY(oqz_attention_plan(c->node, in, &s, err));
	c->out[0].shape = *in[0];
	c->out[0].shape.dim[in[0]->rank - 1] = in[0]->rank == 4 ? s.v.size : s.q.heads * s.v.size;
	c->out[1].shape = oqz_shape_of(4, (const int64_t[]) { s.k.batch, s.k.heads, s.total, s.k.size });
	c->out[2].shape = oqz_shape_of(4, (const int64_t[]) { s.k.batch, s.k.heads, s.total, s.v.size });
	c->out[3].shape = oqz_shape_of(4, (const int64_t[]) { s.q.batch, s.q.heads, s.q.length, s.total });
	return OQZ_OK;
}

enum oqz_status oqz_attention_mask_of(const struct oqz_shape *mask, const struct oqz_attention *s,
                                      struct oqz_attention_mask *ret, struct oqz_err *err)
{
	struct oqz_shape full = oqz_shape_of(4, (const int64_t[]) { s->q.batch, s->q.heads, s->q.length, s->total }),
	                 got;
	int64_t keys = mask->rank ? mask->dim[mask->rank - 1] : 1, step = 1;

	*ret = (struct oqz_attention_mask) { .keys = s->total };
	if (keys > 1 && keys < s->total)
		full.dim[3] = ret->keys = keys;
	if (!oqz_bcast_shape(&full, mask, &got) || !oqz_shape_equal(&full, &got))
		OQZ_FAIL(err, OQZ_E_DATA, "the mask does not broadcast to batch, heads, queries and keys");
	for (int d = mask->rank - 1, o = 3; d >= 0; step *= mask->dim[d--], o--)
		ret->stride[o] = mask->dim[d] == 1 ? 0 : step;
	return OQZ_OK;
}

enum oqz_status oqz_attention_check_valid(const struct oqz_tensor *valid, const struct oqz_attention *s,
                                          struct oqz_err *err)
{
	if (!valid)
		return OQZ_OK;
	if (!oqz_dtype_is_int(valid->dtype) || oqz_tensor_nelem(valid) != s->q.batch)
		OQZ_FAIL(err, OQZ_E_DATA, "nonpad_kv_seqlen is one integer for each of the batch");
	return OQZ_OK;
}

int64_t oqz_attention_visible(const struct oqz_attention *s, bool causal, const struct oqz_tensor *valid, int64_t b,
                              int64_t i)
{
	int64_t n = s->total, offset = s->past;

	if (valid) {
		int64_t have = oqz_load_i(valid->dtype, valid->data, (size_t)b), most = s->total + s->q.length;
		have = have < 0 ? 0 : have > most ? most : have;
		n = have < n ? have : n;
		if (s->past == 0) /* the cache lies in K itself: the queries are its last entries */
			offset = have - s->q.length;
	}
	if (causal && i + offset + 1 < n)
		n = i + offset + 1;
	return n < 0 ? 0 : n;
}

/* ---- the reference kernel ---- */

struct mask {
	const struct oqz_tensor *t;
	struct oqz_attention_mask at;
};

/* What the mask adds to a score. */
static double bias_of(const struct mask *m, int64_t b, int64_t h, int64_t i, int64_t j)
{
	if (!m->t)
		return 0;
	if (j >= m->at.keys)
		return -INFINITY;
	size_t at = (size_t)(b * m->at.stride[0] + h * m->at.stride[1] + i * m->at.stride[2] + j * m->at.stride[3]);
	if (m->t->dtype == OQZ_DT_BOOL)
		return oqz_load_i(OQZ_DT_BOOL, m->t->data, at) ? 0 : -INFINITY;
	return oqz_load_f(m->t->dtype, m->t->data, at);
}

/* Softmax over the n scores in place; a query that may see no key gets no weights at all. */
static void softmax(double *w, int64_t n)
{
	double top = -INFINITY, sum = 0;

	for (int64_t j = 0; j < n; j++)
		top = w[j] > top ? w[j] : top;
	for (int64_t j = 0; j < n; j++)
		sum += w[j] = w[j] == -INFINITY ? 0 : exp(w[j] - top);
	for (int64_t j = 0; j < n; j++)
		w[j] /= sum > 0 || isnan(sum) ? sum : 1;
}

struct operands {
	const double *q, *k, *v; /* q as it lies; with the cache in front k, (B, heads, size, total), and v, (B, heads,
	                          * total, size): what is summed runs along whole rows */
	double *w;               /* one row of weights */
	double *qk;              /* qk_matmul_output, or NULL */
	double softcap;
	int64_t mode;
	bool causal;
	const struct oqz_tensor *valid; /* nonpad_kv_seqlen */
	struct mask mask;
};

/* Scores of one query. The cap comes before the mask, so that what is masked stays so (ONNX 1.22; earlier texts of the
 * same operator sets had it the other way round, which lets masked keys in). Without a cap the output modes 1 and 2
 * mean the same in both. */
static void score(const struct operands *x, const struct oqz_attention *s, int64_t b, int64_t h, int64_t i, double *raw)
{
	int64_t kv = h / (s->q.heads / s->k.heads), visible = oqz_attention_visible(s, x->causal, x->valid, b, i);
	const double *q = x->q + b * s->q.sb + h * s->q.sh + i * s->q.sl;
	const double *k = x->k + (b * s->k.heads + kv) * s->total * s->k.size;

	memset(x->w, 0, (size_t)s->total * sizeof *x->w);
	for (int64_t d = 0; d < s->q.size; d++)
		oqz_add_f64(q[d], k + d * s->total, x->w, s->total);
	for (int64_t j = 0; j < s->total; j++) {
		double sum = x->w[j] * s->scale;
		double capped = x->softcap > 0 ? x->softcap * tanh(sum / x->softcap) : sum;
		x->w[j] = j >= visible ? -INFINITY : capped + bias_of(&x->mask, b, h, i, j);
		if (raw)
			raw[j] = x->mode == 0 ? sum : x->mode == 1 && x->softcap > 0 ? capped : x->w[j];
	}
}

/* One query: its weights over the keys, then the weighted sum of values. */
static void attend(const struct operands *x, const struct oqz_attention *s, int64_t b, int64_t h, int64_t i,
                   double *out)
{
	int64_t kv = h / (s->q.heads / s->k.heads);
	const double *v = x->v + (b * s->k.heads + kv) * s->total * s->v.size;
	double *raw = x->qk ? x->qk + ((b * s->q.heads + h) * s->q.length + i) * s->total : NULL;

	score(x, s, b, h, i, raw);
	softmax(x->w, s->total);
	for (int64_t j = 0; raw && x->mode == 3 && j < s->total; j++)
		raw[j] = x->w[j];
	for (int64_t d = 0; d < s->v.size; d++)
		out[d] = 0;
	for (int64_t j = 0; j < s->total; j++)
		if (x->w[j] != 0)
			oqz_add_f64(x->w[j], v + j * s->v.size, out, s->v.size);
}

/* Cache and new entries, (B, heads, total, size), also in `present` when that is wanted. */
static enum oqz_status join_cache(const struct oqz_tensor *past, const struct oqz_tensor *now,
                                  const struct oqz_attention_side *n, const struct oqz_attention *s,
                                  struct oqz_tensor *present, double **ret, struct oqz_err *err)
{
	OQZ_CLEANUP_FREE double *old = NULL;
	OQZ_CLEANUP_FREE double *fresh = NULL;
	double *all = NULL;

	if (past)
		OQZ_TRY(oqz_read_f64(past, &old, err));
	OQZ_TRY(oqz_read_f64(now, &fresh, err));
	OQZ_TRY(oqz_new_f64(n->batch * n->heads * s->total * n->size, &all, err));
	for (int64_t bh = 0; bh < n->batch * n->heads; bh++) {
		double *to = all + bh * s->total * n->size;
		const double *from = fresh + bh / n->heads * n->sb + bh % n->heads * n->sh;

		if (s->past)
			memcpy(to, old + bh * s->past * n->size, (size_t)(s->past * n->size) * sizeof *to);
		for (int64_t i = 0; i < n->length; i++)
			memcpy(to + (s->past + i) * n->size, from + i * n->sl, (size_t)n->size * sizeof *to);
	}
	if (present)
		oqz_write_f64(present, all);
	*ret = all;
	return OQZ_OK;
}

/* (heads, total, size) -> (heads, size, total) */
static enum oqz_status turn_keys(const double *k, int64_t heads, const struct oqz_attention *s, double **ret,
                                 struct oqz_err *err)
{
	double *t = NULL;

	OQZ_TRY(oqz_new_f64(heads * s->total * s->k.size, &t, err));
	for (int64_t h = 0; h < heads; h++)
		for (int64_t j = 0; j < s->total; j++)
			for (int64_t d = 0; d < s->k.size; d++)
				t[(h * s->k.size + d) * s->total + j] = k[(h * s->total + j) * s->k.size + d];
	*ret = t;
	return OQZ_OK;
}

static enum oqz_status attend_all(const struct oqz_call *c, struct operands *x, const struct oqz_attention *s,
                                  struct oqz_err *err)
{
	OQZ_CLEANUP_FREE double *out = NULL;
	struct oqz_attention_side o = { 0 };

	OQZ_TRY(oqz_attention_side_of(&c->out[0]->shape, s->q.heads, "Y", &o, err));
	OQZ_TRY(oqz_new_f64(oqz_tensor_nelem(c->out[0]), &out, err));
	for (int64_t b = 0; b < o.batch; b++)
		for (int64_t h = 0; h < o.heads; h++)
			for (int64_t i = 0; i < o.length; i++)
				attend(x, s, b, h, i, out + b * o.sb + h * o.sh + i * o.sl);
	oqz_write_f64(c->out[0], out);
	if (x->qk)
		oqz_write_f64(c->out[3], x->qk);
	return OQZ_OK;
}

static enum oqz_status run_attention(const struct oqz_call *c, struct oqz_err *err)
{
	const struct oqz_attention_params *p = OQZ_PARAMS(c->node, struct oqz_attention_params);
	const struct oqz_shape *in[6] = { NULL };
	OQZ_CLEANUP_FREE double *q = NULL;
	OQZ_CLEANUP_FREE double *k = NULL;
	OQZ_CLEANUP_FREE double *kt = NULL;
	OQZ_CLEANUP_FREE double *v = NULL;
	OQZ_CLEANUP_FREE double *w = NULL;
	OQZ_CLEANUP_FREE double *qk = NULL;
	struct oqz_attention s;

	for (int i = 0; i < 6; i++)
		in[i] = c->in[i] ? &c->in[i]->shape : NULL;
	OQZ_TRY(oqz_attention_plan(c->node, in, &s, err));
	OQZ_TRY(oqz_attention_check_valid(c->in[6], &s, err));
	OQZ_TRY(oqz_read_f64(c->in[0], &q, err));
	OQZ_TRY(join_cache(c->in[4], c->in[1], &s.k, &s, c->out[1], &k, err));
	OQZ_TRY(turn_keys(k, s.k.batch * s.k.heads, &s, &kt, err));
	OQZ_TRY(join_cache(c->in[5], c->in[2], &s.v, &s, c->out[2], &v, err));
	OQZ_TRY(oqz_new_f64(s.total, &w, err));
	if (c->out[3])
		OQZ_TRY(oqz_new_f64(oqz_tensor_nelem(c->out[3]), &qk, err));
	struct operands x = { .q = q, .k = kt, .v = v, .w = w, .qk = qk, .softcap = (double)p->softcap };
	x.mode = p->qk_matmul_output_mode;
	x.causal = p->is_causal != 0;
	x.valid = c->in[6];
	x.mask.t = c->in[3];
	if (x.mask.t)
		OQZ_TRY(oqz_attention_mask_of(in[3], &s, &x.mask.at, err));
	return attend_all(c, &x, &s, err);
}

/* ---- RotaryEmbedding (operator set 23) ---- */

struct rotary {
	int64_t interleaved, num_heads, rotary_embedding_dim;
};

/* Pairs of X's elements are turned by angles whose cosines and sines come from tables (positions, half), or, without
 * position_ids, (B, length, half). Tables may be made for whole heads where only a part is turned: then their rows are
 * longer, `pitch`. */
static enum oqz_status rotary_plan(const struct rotary *p, const struct oqz_call *c, struct oqz_attention_side *x,
                                   int64_t *ret_half, int64_t *ret_pitch, struct oqz_err *err)
{
	const struct oqz_shape *cs = &c->in[1]->shape, *sn = &c->in[2]->shape,
	                       *ids = c->in[3] ? &c->in[3]->shape : NULL;

	OQZ_TRY(oqz_attention_side_of(&c->in[0]->shape, p->num_heads, "X", x, err));
	int64_t turned = p->rotary_embedding_dim ? p->rotary_embedding_dim : x->size;
	if (turned < 0 || turned > x->size || turned % 2)
		OQZ_FAIL(err, OQZ_E_DATA, "%lld of %lld elements to rotate", (long long)turned, (long long)x->size);
	if (!oqz_shape_equal(cs, sn) || cs->rank != (ids ? 2 : 3) ||
	    (cs->dim[cs->rank - 1] != turned / 2 && cs->dim[cs->rank - 1] != x->size / 2))
		OQZ_FAIL(err, OQZ_E_DATA, "the caches of cosines and sines do not fit");
	if (ids ? ids->rank != 2 || ids->dim[0] != x->batch || ids->dim[1] != x->length
	        : cs->dim[0] != x->batch || cs->dim[1] != x->length)
		OQZ_FAIL(err, OQZ_E_DATA, "positions are given for another batch or length");
	*ret_half = turned / 2;
	*ret_pitch = cs->dim[cs->rank - 1];
	return OQZ_OK;
}

/* Pairs lie next to each other (interleaved) or `half` apart. */
OQZ_KERNEL static void turn(double *x, int64_t half, bool interleaved, const double *cs, const double *sn)
{
	if (interleaved)
		for (int64_t i = 0; i < half; i++) {
			double a = x[2 * i], b = x[2 * i + 1];

			x[2 * i] = cs[i] * a - sn[i] * b;
			x[2 * i + 1] = sn[i] * a + cs[i] * b;
		}
	else
		OQZ_IVDEP for (int64_t i = 0; i < half; i++)
		{
			double a = x[i], b = x[i + half];

			x[i] = cs[i] * a - sn[i] * b;
			x[i + half] = sn[i] * a + cs[i] * b;
		}
}

/* The same from float32 to float32, tables too, rounded once. */
OQZ_KERNEL static void turn_floats(const float *x, float *y, int64_t half, bool interleaved, const float *cs,
                                   const float *sn)
{
#define TURN(step, apart)                                                                 \
	OQZ_IVDEP for (int64_t i = 0; i < half; i++)                                      \
	{                                                                                 \
		double a = (double)x[i * (step)], b = (double)x[i * (step) + (apart)];    \
		y[i * (step)] = (float)((double)cs[i] * a - (double)sn[i] * b);           \
		y[i * (step) + (apart)] = (float)((double)sn[i] * a + (double)cs[i] * b); \
	}
	if (interleaved)
		TURN(2, 1)
	else
		TURN(1, half)
#undef TURN
}

/* A row of the tables for element i of the sequence. */
static enum oqz_status rotary_row(const struct oqz_call *c, int64_t at, int64_t *ret, struct oqz_err *err)
{
	int64_t row = c->in[3] ? oqz_load_i(c->in[3]->dtype, c->in[3]->data, (size_t)at) : at;

	if (row < 0 || (c->in[3] && row >= c->in[1]->shape.dim[0]))
		OQZ_FAIL(err, OQZ_E_DATA, "position %lld is not in the caches", (long long)row);
	*ret = row;
	return OQZ_OK;
}

static enum oqz_status run_rotary(const struct oqz_call *c, struct oqz_err *err)
{
	bool interleaved = OQZ_PARAMS(c->node, struct rotary)->interleaved != 0;
	enum oqz_dtype t = c->out[0]->dtype;
	bool floats = t == OQZ_DT_F32 && c->in[1]->dtype == t && c->in[2]->dtype == t;
	OQZ_CLEANUP_FREE double *line = NULL;
	OQZ_CLEANUP_FREE double *cs = NULL;
	OQZ_CLEANUP_FREE double *sn = NULL;
	struct oqz_attention_side x = { 0 };
	int64_t half = 0, pitch = 0, row = 0;

	OQZ_TRY(rotary_plan(OQZ_PARAMS(c->node, struct rotary), c, &x, &half, &pitch, err));
	if (!floats) {
		OQZ_TRY(oqz_new_f64(x.size, &line, err));
		OQZ_TRY(oqz_read_f64(c->in[1], &cs, err));
		OQZ_TRY(oqz_read_f64(c->in[2], &sn, err));
	}
	for (int64_t b = 0; b < x.batch; b++)
		for (int64_t i = 0; i < x.length; i++) {
			OQZ_TRY(rotary_row(c, b * x.length + i, &row, err));
			for (int64_t h = 0; h < x.heads; h++) {
				size_t at = (size_t)(b * x.sb + h * x.sh + i * x.sl);
				const float *from = (const float *)c->in[0]->data + at;
				float *to = (float *)c->out[0]->data + at;
				if (floats) {
					turn_floats(from, to, half, interleaved,
					            (const float *)c->in[1]->data + row * pitch,
					            (const float *)c->in[2]->data + row * pitch);
					memcpy(to + 2 * half, from + 2 * half,
					       (size_t)(x.size - 2 * half) * sizeof *to);
					continue;
				}
				oqz_load_row(t, c->in[0]->data, at, (size_t)x.size, line);
				turn(line, half, interleaved, cs + row * pitch, sn + row * pitch);
				oqz_store_row(t, line, (size_t)x.size, c->out[0]->data, at);
			}
		}
	return OQZ_OK;
}

static enum oqz_status infer_rotary(struct oqz_infer *c, struct oqz_err *err)
{
	OQZ_TRY(oqz_need_float(c, 0, err));
	return oqz_infer_same(c, err);
}

static const struct oqz_attr_spec attention_attrs[] = {
	OQZ_A_INT(struct oqz_attention_params, is_causal, 0),
	OQZ_A_INT(struct oqz_attention_params, kv_num_heads, 0),
	OQZ_A_INT(struct oqz_attention_params, q_num_heads, 0),
	OQZ_A_INT(struct oqz_attention_params, qk_matmul_output_mode, 0),
	OQZ_A_FLOAT(struct oqz_attention_params, scale, 0),
	OQZ_A_FLOAT(struct oqz_attention_params, softcap, 0),
	OQZ_A_INT(struct oqz_attention_params, softmax_precision, 0),
	{ .name = NULL },
};

static const struct oqz_attr_spec rotary_attrs[] = {
	OQZ_A_INT(struct rotary, interleaved, 0),
	OQZ_A_INT(struct rotary, num_heads, 0),
	OQZ_A_INT(struct rotary, rotary_embedding_dim, 0),
	{ .name = NULL },
};

const struct oqz_op oqz_ops_attention[] = {
	{ OQZ_ROW(ROTARY_EMBEDDING), OQZ_ROW_PARAMS(struct rotary, rotary_attrs), .infer = infer_rotary,
	  .run = run_rotary, OQZ_ROW_ROLES(OQZ_ROLE_ACTIVATION, OQZ_ROLE_INDEX, OQZ_ROLE_INDEX, OQZ_ROLE_INDEX) },
	{ OQZ_ROW(ATTENTION), OQZ_ROW_PARAMS(struct oqz_attention_params, attention_attrs), .infer = infer_attention,
	  .run = run_attention },
	{ .name = NULL },
};
