/* SPDX-License-Identifier: Apache-2.0
 *
 * Attention in float32 as two matrix products for each head, over so many queries at a time that their scores stay in
 * the cache; between them each row of scores is capped, masked and exponentiated by our own row. The weighted sum of
 * values is divided by the sum of weights at the end, which is one number per query instead of one per score.
 */
#include "core/base/checked.h"
#include "core/exec/dnnl/dnnl_matmul.h"
#include "core/exec/softmax_rows.h"
#include "core/exec/vmath.h"
#include "core/ops/op_attention.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

enum { SCORES_MAX = 1 << 17 };

struct attention {
	struct oqz_attention s;
	struct oqz_attention_side k, v, y; /* K and V as the products read them: with the cache, when there is one */
	struct oqz_attention_mask mask;
	enum oqz_dtype mask_type; /* UNDEFINED: none */
	float scale, softcap;
	bool causal;
	int64_t rows;                              /* queries at a time */
	struct oqz_dnnl_prim *scores[2], *sums[2]; /* for `rows` queries, for those left over */
	/* in the scratch memory: scores, the sums of their weights; keys and values with the cache */
	size_t at_scores, at_weights, at_keys, at_values;
	int n_in, n_out;
};

static void attention_free(void *state)
{
	struct attention *a = state;

	for (int i = 0; a && i < 2; i++) {
		oqz_dnnl_prim_free(a->scores[i]);
		oqz_dnnl_prim_free(a->sums[i]);
	}
	free(a);
}

static const char *refuse(const struct oqz_step_desc *d)
{
	for (int i = 0; i < 6; i++)
		if (i != 3 && oqz_step_has(d, i) && d->in_type[i].dtype != OQZ_DT_F32)
			return "not float32";
	if (oqz_step_has(d, 3) && d->in_type[3].dtype != OQZ_DT_F32 && d->in_type[3].dtype != OQZ_DT_BOOL)
		return "a mask that is neither float32 nor bool";
	if (d->group || d->act || (d->node->n_out > 3 && d->node->out[3]))
		return "the scores are an output";
	for (int i = 0; i < 3; i++)
		if (oqz_shape_nelem(&d->in_type[i].shape) == 0)
			return "an empty tensor";
	return NULL;
}

/* (B, heads, total, size), as K and V lie behind their caches. */
static struct oqz_attention_side joined(const struct oqz_attention_side *n, int64_t total)
{
	struct oqz_attention_side r = *n;

	r.length = total;
	r.sl = n->size;
	r.sh = total * n->size;
	r.sb = r.sh * n->heads;
	return r;
}

/* The products of `rows` queries of one head. */
static enum oqz_status build(struct attention *a, int which, int64_t rows, struct oqz_err *err)
{
	int64_t total = a->s.total, size = a->s.q.size, out = a->s.v.size;
	struct oqz_dnnl_product qk = { .nd = 2,
		                       .a = { rows, size },
		                       .b = { size, total },
		                       .c = { rows, total },
		                       .a_stride = { a->s.q.sl, 1 },
		                       .b_stride = { 1, a->k.sl },
		                       .c_stride = { total, 1 } };
	struct oqz_dnnl_product wv = { .nd = 2,
		                       .a = { rows, total },
		                       .b = { total, out },
		                       .c = { rows, out },
		                       .a_stride = { total, 1 },
		                       .b_stride = { a->v.sl, 1 },
		                       .c_stride = { a->y.sl, 1 } };

	OQZ_TRY(oqz_dnnl_product_new(&qk, &a->scores[which], err));
	return oqz_dnnl_product_new(&wv, &a->sums[which], err);
}

static enum oqz_status plan_scratch(struct attention *a, struct oqz_step_choice *ret, struct oqz_err *err)
{
	const struct oqz_attention *s = &a->s;
	size_t bytes = 0;

	for (int i = 0; i < 2; i++)
		for (int k = 0; k < 2; k++) {
			const struct oqz_dnnl_prim *p = k ? a->sums[i] : a->scores[i];
			if (p && oqz_dnnl_prim_scratch(p) > bytes)
				bytes = oqz_dnnl_prim_scratch(p);
		}
	int64_t keys = s->past ? s->k.batch * a->k.sb : 0, values = s->past ? s->k.batch * a->v.sb : 0;
	if (!oqz_dnnl_take(&bytes, a->rows * s->total, &a->at_scores) ||
	    !oqz_dnnl_take(&bytes, a->rows, &a->at_weights) || !oqz_dnnl_take(&bytes, keys, &a->at_keys) ||
	    !oqz_dnnl_take(&bytes, values, &a->at_values))
		OQZ_FAIL(err, OQZ_E_LIMIT, "too many keys");
	ret->scratch_bytes = bytes;
	return OQZ_OK;
}

static enum oqz_status plan_all(struct attention *a, const struct oqz_step_desc *d, struct oqz_err *err)
{
	const struct oqz_attention_params *p = OQZ_PARAMS(d->node, struct oqz_attention_params);
	const struct oqz_shape *in[6];
	struct oqz_attention *s = &a->s;

	for (int i = 0; i < 6; i++)
		in[i] = oqz_step_has(d, i) ? &d->in_type[i].shape : NULL;
	OQZ_TRY(oqz_attention_plan(d->node, in, s, err));
	OQZ_TRY(oqz_attention_side_of(&d->out_type[0].shape, s->q.heads, "Y", &a->y, err));
	if (in[3])
		OQZ_TRY(oqz_attention_mask_of(in[3], s, &a->mask, err));
	a->mask_type = in[3] ? d->in_type[3].dtype : OQZ_DT_UNDEFINED;
	a->k = s->past ? joined(&s->k, s->total) : s->k;
	a->v = s->past ? joined(&s->v, s->total) : s->v;
	a->scale = (float)s->scale;
	a->softcap = p->softcap;
	a->causal = p->is_causal != 0;
	int64_t most = SCORES_MAX / s->total > 0 ? SCORES_MAX / s->total : 1, bands = (s->q.length + most - 1) / most;
	a->rows = (s->q.length + bands - 1) / bands;
	OQZ_TRY(build(a, 0, a->rows, err));
	return s->q.length % a->rows ? build(a, 1, s->q.length % a->rows, err) : OQZ_OK;
}

static enum oqz_status attention_create(const struct oqz_step_desc *d, struct oqz_step_choice *ret, char *why,
                                        size_t why_size, struct oqz_err *err)
{
	const char *reason = refuse(d);

	if (reason)
		return oqz_dnnl_decline(why, why_size, "%s", reason);
	struct attention *a = calloc(1, sizeof *a);
	if (!a)
		return oqz_err_nomem(err, "a step", sizeof *a);
	enum oqz_status st = plan_all(a, d, err);
	if (st == OQZ_OK)
		st = plan_scratch(a, ret, err);
	if (st == OQZ_OK && a->mask_type != OQZ_DT_UNDEFINED && a->mask.stride[3] == 0 && a->s.total > 1)
		st = oqz_dnnl_decline(why, why_size, "a mask that is the same for all keys");
	if (st != OQZ_OK) {
		attention_free(a);
		return st;
	}
	snprintf(ret->name, sizeof ret->name, "dnnl.attention");
	ret->inplace_input = -1;
	for (int i = 0; i < d->n_in; i++)
		ret->uses_constant[i] = true;
	a->n_in = d->n_in;
	a->n_out = d->n_out;
	ret->state = a;
	return OQZ_OK;
}

/* ---- one row of scores ---- */

/* The scaled and capped products of the n keys that may be seen, and what the mask adds to them. */
VM_INLINE void finish_scores_body(bool fused, float *w, int64_t n, float scale, float cap, const float *add,
                                  const uint8_t *keep)
{
	if (cap > 0)
		OQZ_IVDEP for (int64_t j = 0; j < n; j++) w[j] = cap * vm_tanh(fused, w[j] * scale / cap);
	else
		OQZ_IVDEP for (int64_t j = 0; j < n; j++) w[j] *= scale;
	if (add)
		OQZ_IVDEP for (int64_t j = 0; j < n; j++) w[j] += add[j];
	if (keep)
		OQZ_IVDEP for (int64_t j = 0; j < n; j++) w[j] += keep[j] ? 0.0f : -INFINITY;
}
OQZ_KERNEL_FMA(static, finish_scores,
               (float *w, int64_t n, float scale, float cap, const float *add, const uint8_t *keep), w, n, scale, cap,
               add, keep)

/* The row's scores; returns how many keys it may see. */
static int64_t finish_row(const struct attention *a, float *w, int64_t visible, const void *mask, int64_t mask_at)
{
	int64_t n = visible < a->mask.keys || !mask ? visible : a->mask.keys;
	bool add = a->mask_type == OQZ_DT_F32;

	finish_scores(w, n, a->scale, a->softcap, add ? (const float *)mask + mask_at : NULL,
	              mask && !add ? (const uint8_t *)mask + mask_at : NULL);
	return n;
}

/* The row's weights, not yet divided by what is returned: their sum, or 1 when no key is seen. */
static float weigh(const struct attention *a, float *w, int64_t n)
{
	memset(w + n, 0, (size_t)(a->s.total - n) * sizeof *w);
	float top = oqz_row_largest(w, n);
	oqz_row_exp(w, top == -INFINITY ? 0 : top, w, n);
	double sum = oqz_row_sum(w, n);
	return sum == 0 ? 1 : (float)sum;
}

/* ---- values that are not finite ---- */

/* A product with zero is zero for finite numbers only. */
OQZ_KERNEL static bool all_finite(const float *x, int64_t rows, int64_t n, int64_t step)
{
	bool finite = true;

	for (int64_t i = 0; i < rows && finite; i++, x += step) {
		float sum = 0;
		for (int64_t k = 0; k < n; k++)
			sum += x[k] * 0.0f;
		finite = sum == 0;
	}
	return finite;
}

/* As the reference has it: what is not seen, or has no weight in double, adds nothing, be it infinite. */
static void sum_seen(const struct attention *a, const float *w, int64_t n, const float *v, float *y)
{
	double sum = 0, top = oqz_row_largest(w, n);

	for (int64_t j = 0; j < n; j++)
		sum += w[j] == -INFINITY ? 0 : exp(w[j] - top);
	for (int64_t d = 0; d < a->s.v.size; d++) {
		double out = 0;
		for (int64_t j = 0; j < n; j++) {
			double share = w[j] == -INFINITY ? 0 : exp(w[j] - top) / sum;
			out += share != 0 ? share * v[j * a->v.sl + d] : 0;
		}
		y[d] = (float)out;
	}
}

OQZ_KERNEL static void divide(float *y, int64_t n, float by) { OQZ_IVDEP for (int64_t i = 0; i < n; i++) y[i] /= by; }

/* ---- running ---- */

/* Cache and new entries side by side, (B, heads, total, size), at `to`. */
static void join_cache(const float *past, const float *now, const struct oqz_attention_side *n, int64_t old, float *to)
{
	for (int64_t b = 0; b < n->batch; b++)
		for (int64_t h = 0; h < n->heads; h++) {
			if (old)
				memcpy(to, past + (b * n->heads + h) * old * n->size,
				       (size_t)(old * n->size) * sizeof *to);
			to += old * n->size;
			for (int64_t i = 0; i < n->length; i++, to += n->size)
				memcpy(to, now + b * n->sb + h * n->sh + i * n->sl, (size_t)n->size * sizeof *to);
		}
}

/* What the products read as K or V (inputs 1 and 2): the operand itself, or with its cache; also `present`. */
static const float *operand(const struct attention *a, const struct oqz_step_call *c, int i, size_t at)
{
	const struct oqz_attention_side *side = i == 1 ? &a->s.k : &a->s.v;
	struct oqz_tensor *present = i < a->n_out ? c->out[i] : NULL;
	const float *now = c->in[i]->data;
	float *to = present ? present->data : (float *)((char *)c->scratch + at);

	if (!present && !a->s.past)
		return now;
	join_cache(a->s.past ? c->in[3 + i]->data : NULL, now, side, a->s.past, to);
	return a->s.past ? to : now;
}

struct heads {
	const float *q, *k, *v;
	float *y;
	const struct oqz_tensor *mask, *valid;
};

/* Queries [first, first + n) of a head. */
static enum oqz_status attend(const struct attention *a, const struct oqz_step_call *c, const struct heads *x,
                              int64_t b, int64_t h, int64_t first, int64_t n, bool finite, struct oqz_err *err)
{
	const struct oqz_attention *s = &a->s;
	float *w = (float *)((char *)c->scratch + a->at_scores),
	      *y = x->y + b * a->y.sb + h * a->y.sh + first * a->y.sl;
	int64_t kv = h / (s->q.heads / s->k.heads), m = b * a->mask.stride[0] + h * a->mask.stride[1];
	const float *q = x->q + b * s->q.sb + h * s->q.sh + first * s->q.sl, *k = x->k + b * a->k.sb + kv * a->k.sh,
	            *v = x->v + b * a->v.sb + kv * a->v.sh;
	float *sum = (float *)((char *)c->scratch + a->at_weights);
	int which = n != a->rows;

	OQZ_TRY(oqz_dnnl_prim_run(a->scores[which], (const void *[]) { q, k, w }, c->scratch, err));
	for (int64_t i = 0; i < n; i++) {
		float *row = w + i * s->total;
		int64_t seen = finish_row(a, row, oqz_attention_visible(s, a->causal, x->valid, b, first + i),
		                          x->mask ? x->mask->data : NULL, m + (first + i) * a->mask.stride[2]);
		if (finite)
			sum[i] = weigh(a, row, seen);
		else
			sum_seen(a, row, seen, v, y + i * a->y.sl);
	}
	if (!finite)
		return OQZ_OK;
	OQZ_TRY(oqz_dnnl_prim_run(a->sums[which], (const void *[]) { w, v, y }, c->scratch, err));
	for (int64_t i = 0; i < n; i++)
		divide(y + i * a->y.sl, s->v.size, sum[i]);
	return OQZ_OK;
}

static enum oqz_status attention_run(const void *state, const struct oqz_step_call *c, struct oqz_err *err)
{
	const struct attention *a = state;
	const struct oqz_attention *s = &a->s;
	struct heads x = { .q = c->in[0]->data,
		           .k = operand(a, c, 1, a->at_keys),
		           .v = operand(a, c, 2, a->at_values),
		           .y = c->out[0]->data,
		           .mask = a->mask_type != OQZ_DT_UNDEFINED ? c->in[3] : NULL,
		           .valid = a->n_in > 6 ? c->in[6] : NULL };

	OQZ_TRY(oqz_attention_check_valid(x.valid, s, err));
	for (int64_t b = 0; b < s->q.batch; b++)
		for (int64_t h = 0; h < s->q.heads; h++) {
			const float *v = x.v + b * a->v.sb + h / (s->q.heads / s->k.heads) * a->v.sh;
			bool finite = all_finite(v, s->total, s->v.size, a->v.sl);
			for (int64_t i = 0; i < s->q.length; i += a->rows)
				OQZ_TRY(attend(a, c, &x, b, h, i, s->q.length - i < a->rows ? s->q.length - i : a->rows,
				               finite, err));
		}
	return OQZ_OK;
}

const struct oqz_impl oqz_impl_dnnl_attention = { "dnnl.attention", attention_create, attention_run, attention_free };
