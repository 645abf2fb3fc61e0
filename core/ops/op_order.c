/* SPDX-License-Identifier: Apache-2.0
 *
 * Operators along one axis that care for order: ArgMax, ArgMin, TopK, CumSum. A tensor is seen as (outer, axis, inner).
 */
#include "core/ops/ops_util.h"
#include "core/ops/sort_key.h"
#include "core/tensor/float_bits.h"

#include <stdlib.h>

struct lanes {
	int64_t outer, n, inner;
};

static struct lanes lanes_of(const struct oqz_shape *s, int axis)
{
	return (struct lanes) { oqz_shape_span(s, 0, axis), s->dim[axis], oqz_shape_span(s, axis + 1, s->rank) };
}

/* ---- ArgMax, ArgMin ---- */

struct arg {
	int64_t axis, keepdims, select_last_index;
};

static enum oqz_status infer_arg(struct oqz_infer *c, struct oqz_err *err)
{
	const struct arg *p = OQZ_PARAMS(c->node, struct arg);
	const struct oqz_shape *in = &c->in[0]->shape;
	int axis;

	c->out[0].dtype = OQZ_DT_I64;
	if (in->rank < 0)
		return OQZ_OK;
	OQZ_TRY(oqz_axis_resolve(p->axis, in->rank, false, &axis, err));
	c->out[0].shape.rank = 0;
	for (int d = 0; d < in->rank; d++)
		if (d != axis || p->keepdims)
			c->out[0].shape.dim[c->out[0].shape.rank++] = d == axis ? 1 : in->dim[d];
	return OQZ_OK;
}

/* Lanes of which the best so far stay in the cache while the axis is walked. */
enum { ARG_LANES = 1024 };

/* The order of oqz_sort_key in half the bits. */
static inline uint32_t float_key(float x)
{
	uint32_t bits;
	float v = x + 0.0f;

	memcpy(&bits, &v, sizeof bits);
	return x != x ? UINT32_MAX : bits >> 31 ? ~bits : bits | 1u << 31;
}

/* Up to ARG_LANES lanes of (n, inner) float32 at x. */
OQZ_KERNEL static void arg_floats(const float *x, int64_t n, int64_t inner, int64_t lanes, uint32_t flip, bool last,
                                  int64_t *restrict out)
{
	uint32_t best[ARG_LANES];
	int32_t at[ARG_LANES] = { 0 };

	for (int64_t i = 0; i < lanes; i++)
		best[i] = float_key(x[i]) ^ flip;
	for (int32_t k = 1; k < (int32_t)n; k++) {
		const float *row = x + k * inner;
		for (int64_t i = 0; i < lanes; i++) {
			uint32_t key = float_key(row[i]) ^ flip;
			bool better = key > best[i] || (key == best[i] && last);
			best[i] = better ? key : best[i];
			at[i] = better ? k : at[i];
		}
	}
	for (int64_t i = 0; i < lanes; i++)
		out[i] = at[i];
}

/* The same for a lane that is a row of memory: its best, then where that is. Rows with NaN go the other way. */
OQZ_KERNEL static bool arg_row_floats(const float *x, int64_t n, float sign, bool last, int64_t *ret)
{
	int32_t best = INT32_MIN, nan = 0, first = INT32_MAX, end = -1;

	for (int64_t i = 0; i < n; i++) {
		int32_t order = oqz_float_order(x[i] * sign + 0.0f);
		best = order > best ? order : best;
		nan |= x[i] != x[i];
	}
	for (int64_t i = 0; i < n; i++) {
		int32_t found = -(oqz_float_order(x[i] * sign + 0.0f) == best), at = (int32_t)i;
		int32_t low = (at & found) | (INT32_MAX & ~found), high = at | ~found;
		first = low < first ? low : first;
		end = high > end ? high : end;
	}
	*ret = last ? end : first;
	return !nan;
}

static void arg_rows(const float *x, int64_t rows, int64_t n, uint32_t flip, bool last, int64_t *out)
{
	for (int64_t o = 0; o < rows; o++, x += n)
		if (!arg_row_floats(x, n, flip ? -1 : 1, last, &out[o]))
			arg_floats(x, n, 1, 1, flip, last, &out[o]);
}

/* Element k of each lane against the best so far. */
static void arg_row(enum oqz_dtype t, const void *x, size_t at, int64_t lanes, uint64_t flip, bool last, int64_t k,
                    uint64_t *restrict best, int64_t *restrict out)
{
	for (int64_t i = 0; i < lanes; i++) {
		uint64_t key = oqz_sort_key(t, x, at + (size_t)i) ^ flip;
		bool better = k == 0 || key > best[i] || (key == best[i] && last);

		best[i] = better ? key : best[i];
		out[i] = better ? k : out[i];
	}
}

static enum oqz_status run_arg(const struct oqz_call *c, struct oqz_err *err)
{
	const struct arg *p = OQZ_PARAMS(c->node, struct arg);
	const struct oqz_tensor *in = c->in[0];
	uint64_t flip = c->node->op->id == OQZ_OP_ARGMIN ? UINT64_MAX : 0;
	int64_t *out = c->out[0]->data;
	int axis;

	OQZ_TRY(oqz_axis_resolve(p->axis, in->shape.rank, false, &axis, err));
	struct lanes l = lanes_of(&in->shape, axis);
	if (l.n == 0 && l.outer * l.inner > 0)
		OQZ_FAIL(err, OQZ_E_DATA, "axis %d is empty", axis);
	if (in->dtype == OQZ_DT_F32 && l.n < INT32_MAX && l.inner == 1) {
		arg_rows(in->data, l.outer, l.n, (uint32_t)flip, p->select_last_index, out);
		return OQZ_OK;
	}
	if (in->dtype == OQZ_DT_F32 && l.n < INT32_MAX) {
		for (int64_t o = 0; o < l.outer; o++)
			for (int64_t i = 0; i < l.inner; i += ARG_LANES)
				arg_floats((const float *)in->data + o * l.n * l.inner + i, l.n, l.inner,
				           l.inner - i < ARG_LANES ? l.inner - i : ARG_LANES, (uint32_t)flip,
				           p->select_last_index, out + o * l.inner + i);
		return OQZ_OK;
	}
	OQZ_CLEANUP_FREE uint64_t *best = malloc((size_t)l.inner * sizeof *best + 1);
	if (!best)
		return oqz_err_nomem(err, "search", (size_t)l.inner * sizeof *best);
	/* All lanes of an outer index at once: memory is read in order whatever the axis is. */
	for (int64_t o = 0; o < l.outer; o++, out += l.inner)
		for (int64_t k = 0; k < l.n; k++)
			arg_row(in->dtype, in->data, (size_t)((o * l.n + k) * l.inner), l.inner, flip,
			        p->select_last_index, k, best, out);
	return OQZ_OK;
}

/* ---- TopK ---- */

struct topk {
	int64_t axis, largest, sorted;
};

struct entry {
	uint64_t key;
	int64_t index;
};

/* Ascending by key; equal values keep the order of their indices (TopK-11). */
static int by_key(const void *pa, const void *pb)
{
	const struct entry *a = pa, *b = pb;

	if (a->key != b->key)
		return a->key < b->key ? -1 : 1;
	return a->index < b->index ? -1 : a->index > b->index;
}

static bool before(const struct entry *a, const struct entry *b)
{
	return a->key != b->key ? a->key < b->key : a->index < b->index;
}

/* Brings the k first of n to the front, in any order (Hoare's selection; the pivot is the median of three). */
static void select_first(struct entry *e, int64_t n, int64_t k)
{
	int64_t lo = 0, hi = n - 1;

	while (lo < hi) {
		struct entry a = e[lo], b = e[lo + (hi - lo) / 2], c = e[hi];
		struct entry pivot = before(&a, &b) ? (before(&b, &c)   ? b
		                                       : before(&a, &c) ? c
		                                                        : a)
		                                    : (before(&a, &c)   ? a
		                                       : before(&b, &c) ? c
		                                                        : b);
		int64_t i = lo, j = hi;
		while (i <= j) {
			while (before(&e[i], &pivot))
				i++;
			while (before(&pivot, &e[j]))
				j--;
			if (i <= j) {
				struct entry t = e[i];
				e[i++] = e[j];
				e[j--] = t;
			}
		}
		if (k <= j)
			hi = j;
		else if (k > i)
			lo = i;
		else
			return;
	}
}

/* Down from place i of a heap of k entries, the last of them in order on top. */
static void sink(struct entry *e, int64_t k, int64_t i)
{
	struct entry x = e[i];

	for (int64_t child; (child = 2 * i + 1) < k; i = child) {
		if (child + 1 < k && before(&e[child], &e[child + 1]))
			child++;
		if (!before(&x, &e[child]))
			break;
		e[i] = e[child];
	}
	e[i] = x;
}

/* A lane of n elements, `step` apart from `first` on. */
struct lane {
	enum oqz_dtype dtype;
	const void *x;
	int64_t first, step, n;
	uint64_t flip; /* of keys: all ones where the largest come first */
};

static inline __attribute__((always_inline)) uint64_t lane_key(const struct lane *l, enum oqz_dtype t, int64_t j)
{
	return oqz_sort_key(t, l->x, (size_t)(l->first + j * l->step)) ^ l->flip;
}

/* Elements `from` to `to` of a lane against a heap of the k first so far; equal ones come too late. One body; callers
 * pass `t` as a constant. */
static inline __attribute__((always_inline)) void offer(const struct lane *l, enum oqz_dtype t, struct entry *e,
                                                        int64_t k, int64_t from, int64_t to)
{
	for (int64_t j = from; j < to; j++) {
		uint64_t key = lane_key(l, t, j);
		if (key < e[0].key) {
			e[0] = (struct entry) { key, j };
			sink(e, k, 0);
		}
	}
}

/* Whether one of n numbers could come before `last`; NaN always could. */
OQZ_KERNEL static bool may_enter(const float *x, int64_t n, float last, bool largest)
{
	int32_t any = 0;

	if (largest)
		for (int64_t i = 0; i < n; i++)
			any |= !(x[i] <= last);
	else
		for (int64_t i = 0; i < n; i++)
			any |= !(x[i] >= last);
	return any != 0;
}

/* float32 that lies in a row of memory: most blocks have nothing for the heap. */
static void offer_row(const struct lane *l, struct entry *e, int64_t k)
{
	enum { BLOCK = 128 };
	const float *x = (const float *)l->x + l->first;

	for (int64_t j = k, end; j < l->n; j = end) {
		end = l->n - j < BLOCK ? l->n : j + BLOCK;
		if (may_enter(x + j, end - j, x[e[0].index], l->flip != 0))
			offer(l, OQZ_DT_F32, e, k, j, end);
	}
}

/* The k first of a lane, in any order. e has room for all n; few of many are kept in a heap, which most elements are
 * only compared with. */
static void take_first(const struct lane *l, struct entry *e, int64_t k)
{
	enum { FEW = 16 };
	bool few = k < l->n / FEW;

	for (int64_t j = 0; j < (few ? k : l->n); j++)
		e[j] = (struct entry) { lane_key(l, l->dtype, j), j };
	if (few && k > 0) {
		for (int64_t i = k / 2; i-- > 0;)
			sink(e, k, i);
		if (l->dtype == OQZ_DT_F32 && l->step == 1)
			offer_row(l, e, k);
		else if (l->dtype == OQZ_DT_F32)
			offer(l, OQZ_DT_F32, e, k, k, l->n);
		else
			offer(l, l->dtype, e, k, k, l->n);
	} else if (k < l->n) {
		select_first(e, l->n, k);
	}
}

static enum oqz_status topk_count(const struct oqz_tensor *k, int64_t n, int64_t *ret, struct oqz_err *err)
{
	if (oqz_tensor_nelem(k) != 1)
		OQZ_FAIL(err, OQZ_E_DATA, "K has %lld elements, not 1", (long long)oqz_tensor_nelem(k));
	*ret = oqz_load_i(k->dtype, k->data, 0);
	if (*ret < 0 || (n >= 0 && *ret > n))
		OQZ_FAIL(err, OQZ_E_DATA, "K is %lld for an axis of %lld", (long long)*ret, (long long)n);
	return OQZ_OK;
}

static enum oqz_status infer_topk(struct oqz_infer *c, struct oqz_err *err)
{
	int axis;

	c->out[0] = *c->in[0];
	if (c->in[0]->shape.rank >= 0) {
		OQZ_TRY(
		    oqz_axis_resolve(OQZ_PARAMS(c->node, struct topk)->axis, c->in[0]->shape.rank, false, &axis, err));
		int64_t n = c->in[0]->shape.dim[axis];

		c->out[0].shape.dim[axis] = OQZ_DIM_UNKNOWN;
		if (c->constant[1])
			OQZ_TRY(topk_count(c->constant[1], n, &c->out[0].shape.dim[axis], err));
	}
	c->out[1] = c->out[0];
	c->out[1].dtype = OQZ_DT_I64;
	return OQZ_OK;
}

static enum oqz_status run_topk(const struct oqz_call *c, struct oqz_err *err)
{
	const struct topk *p = OQZ_PARAMS(c->node, struct topk);
	const struct oqz_tensor *in = c->in[0];
	size_t size = oqz_dtype_size(in->dtype);
	int axis;
	int64_t k = 0;

	OQZ_TRY(oqz_axis_resolve(p->axis, in->shape.rank, false, &axis, err));
	struct lanes l = lanes_of(&in->shape, axis);
	OQZ_TRY(topk_count(c->in[1], l.n, &k, err));
	OQZ_CLEANUP_FREE struct entry *e = malloc((size_t)l.n * sizeof *e + 1);
	if (!e)
		return oqz_err_nomem(err, "sort", (size_t)l.n * sizeof *e);
	for (int64_t lane = 0; lane < l.outer * l.inner; lane++) {
		int64_t o = lane / l.inner, i = lane % l.inner, first = o * l.n * l.inner + i;
		struct lane one = { in->dtype, in->data, first, l.inner, l.n, p->largest ? UINT64_MAX : 0 };

		take_first(&one, e, k);
		qsort(e, (size_t)k, sizeof *e, by_key);
		for (int64_t j = 0; j < k; j++) {
			size_t at = (size_t)((o * k + j) * l.inner + i);

			if (c->out[0])
				memcpy((char *)c->out[0]->data + at * size,
				       (const char *)in->data + (size_t)(first + e[j].index * l.inner) * size, size);
			if (c->out[1])
				((int64_t *)c->out[1]->data)[at] = e[j].index;
		}
	}
	return OQZ_OK;
}

/* ---- CumSum, CumProd ---- */

struct cumsum {
	int64_t exclusive, reverse;
};

/* Lanes of which the sums stay in the cache. */
enum { CUM_LANES = 512 };

/* n rows of `lanes` elements from `at` on, `step` apart: what each lane adds up to. */
struct cumulation {
	size_t at;
	int64_t step, n, lanes;
	bool product, exclusive;
};

static inline __attribute__((always_inline)) void cumulate_floats(enum oqz_dtype t, const void *in, void *out,
                                                                  const struct cumulation *c, double *restrict sum)
{
	size_t at = c->at;

	for (int64_t j = 0; j < c->n; j++, at += (size_t)c->step)
		for (int64_t i = 0; i < c->lanes; i++) {
			double x = t == OQZ_DT_F32 ? (double)((const float *)in)[at + (size_t)i]
			                           : oqz_load_f(t, in, at + (size_t)i),
			       before = sum[i];

			sum[i] = c->product ? before * x : before + x;
			if (t == OQZ_DT_F32)
				((float *)out)[at + (size_t)i] = (float)(c->exclusive ? before : sum[i]);
			else
				oqz_store_f(t, out, at + (size_t)i, c->exclusive ? before : sum[i]);
		}
}

/* Sums of floats run in double. */
OQZ_KERNEL static void cumulate(enum oqz_dtype t, const void *in, void *out, const struct cumulation *c, double *sum)
{
	if (t == OQZ_DT_F32)
		cumulate_floats(OQZ_DT_F32, in, out, c, sum);
	else
		cumulate_floats(t, in, out, c, sum);
}

static void cumulate_integers(enum oqz_dtype t, const void *in, void *out, const struct cumulation *c, uint64_t *sum)
{
	size_t at = c->at;

	for (int64_t j = 0; j < c->n; j++, at += (size_t)c->step)
		for (int64_t i = 0; i < c->lanes; i++) {
			uint64_t x = (uint64_t)oqz_load_i(t, in, at + (size_t)i), before = sum[i];

			sum[i] = c->product ? before * x : before + x;
			oqz_store_i(t, out, at + (size_t)i, (int64_t)(c->exclusive ? before : sum[i]));
		}
}

static enum oqz_status run_cumsum(const struct oqz_call *c, struct oqz_err *err)
{
	const struct cumsum *p = OQZ_PARAMS(c->node, struct cumsum);
	const struct oqz_tensor *in = c->in[0];
	bool floats = oqz_dtype_is_float(in->dtype), product = c->node->op->id == OQZ_OP_CUMPROD;
	int64_t which;
	size_t n;
	int axis;

	OQZ_TRY(oqz_read_ints(c->in[1], &which, 1, &n, err));
	if (n != 1)
		OQZ_FAIL(err, OQZ_E_DATA, "the axis is not one number");
	OQZ_TRY(oqz_axis_resolve(which, in->shape.rank, false, &axis, err));
	if (oqz_tensor_nelem(in) == 0)
		return OQZ_OK;
	struct lanes l = lanes_of(&in->shape, axis);
	struct cumulation k = { .step = p->reverse ? -l.inner : l.inner, .n = l.n };
	k.product = product;
	k.exclusive = p->exclusive;
	for (int64_t o = 0; o < l.outer; o++)
		for (int64_t first = 0; first < l.inner; first += CUM_LANES) {
			double sums[CUM_LANES];
			uint64_t wholes[CUM_LANES];
			k.lanes = l.inner - first < CUM_LANES ? l.inner - first : CUM_LANES;
			for (int64_t i = 0; i < k.lanes; i++) {
				sums[i] = product;
				wholes[i] = product;
			}
			k.at = (size_t)((o * l.n + (p->reverse ? l.n - 1 : 0)) * l.inner + first);
			if (floats)
				cumulate(in->dtype, in->data, c->out[0]->data, &k, sums);
			else
				cumulate_integers(in->dtype, in->data, c->out[0]->data, &k, wholes);
		}
	return OQZ_OK;
}

static const struct oqz_attr_spec arg_attrs[] = {
	OQZ_A_INT(struct arg, axis, 0),
	OQZ_A_INT(struct arg, keepdims, 1),
	OQZ_A_INT(struct arg, select_last_index, 0),
	{ .name = NULL },
};
static const struct oqz_attr_spec topk_attrs[] = {
	OQZ_A_INT(struct topk, axis, -1),
	OQZ_A_INT(struct topk, largest, 1),
	OQZ_A_INT(struct topk, sorted, 1),
	{ .name = NULL },
};
static const struct oqz_attr_spec cumsum_attrs[] = {
	OQZ_A_INT(struct cumsum, exclusive, 0),
	OQZ_A_INT(struct cumsum, reverse, 0),
	{ .name = NULL },
};

#define INDEX OQZ_ROLE_INDEX
#define DATA OQZ_ROLE_ACTIVATION

const struct oqz_op oqz_ops_order[] = {
	{ OQZ_ROW(ARGMAX), OQZ_ROW_PARAMS(struct arg, arg_attrs), .infer = infer_arg, .run = run_arg },
	{ OQZ_ROW(ARGMIN), OQZ_ROW_PARAMS(struct arg, arg_attrs), .infer = infer_arg, .run = run_arg },
	{ OQZ_ROW(CUMPROD), OQZ_ROW_PARAMS(struct cumsum, cumsum_attrs), OQZ_ROW_ROLES(DATA, INDEX),
	  .infer = oqz_infer_same, .run = run_cumsum },
	{ OQZ_ROW(CUMSUM), OQZ_ROW_PARAMS(struct cumsum, cumsum_attrs), OQZ_ROW_ROLES(DATA, INDEX),
	  .infer = oqz_infer_same, .run = run_cumsum },
	{ OQZ_ROW(TOPK), OQZ_ROW_PARAMS(struct topk, topk_attrs), OQZ_ROW_ROLES(DATA, INDEX), .infer = infer_topk,
	  .run = run_topk },
	{ .name = NULL },
};
