/* SPDX-License-Identifier: Apache-2.0
 *
 * Operators that pick elements by conditions: Where, Compress, NonZero, OneHot, Unique, Trilu, ReverseSequence. The
 * sizes of Compress, NonZero and Unique depend on values, so those kernels allocate their outputs.
 */
#include "core/ops/broadcast.h"
#include "core/ops/ops_util.h"
#include "core/tensor/text.h"
#include "core/ops/sort_key.h"
#include "core/ops/strided.h"

#include <limits.h>
#include <stdlib.h>

/* ---- Where ---- */

static enum oqz_status infer_where(struct oqz_infer *c, struct oqz_err *err)
{
	struct oqz_type t = { .shape = oqz_in_type(c, 0).shape };

	OQZ_TRY(oqz_same_dtype(c, 1, 3, &t.dtype, err));
	for (int i = 1; i < 3; i++)
		OQZ_TRY(oqz_shape_broadcast(&t.shape, &c->in[i]->shape, err));
	c->out[0] = t;
	return OQZ_OK;
}

static inline __attribute__((always_inline)) void where_run(size_t size, int64_t n, const uint8_t *cond, int step,
                                                            const char *x, size_t sx, const char *y, size_t sy, char *o)
{
	for (int64_t i = 0; i < n; i++)
		memcpy(o + (size_t)i * size, cond[i * step] ? x + (size_t)i * sx : y + (size_t)i * sy, size);
}

static enum oqz_status run_where(const struct oqz_call *c, struct oqz_err *err)
{
	const struct oqz_tensor *cond = c->in[0], *x = c->in[1], *y = c->in[2];
	size_t size = oqz_dtype_size(x->dtype);
	struct oqz_bcast b;
	char *o = c->out[0]->data;

	if (oqz_dtype_size(cond->dtype) != 1)
		OQZ_FAIL(err, OQZ_E_DATA, "the condition is %s, not bool", oqz_dtype_name(cond->dtype));
	oqz_bcast_init(&b, &c->out[0]->shape, 3, (const struct oqz_shape *[]) { &cond->shape, &x->shape, &y->shape });
	for (int64_t row = 0; row < b.rows; row++, oqz_bcast_next(&b), o += (size_t)b.run * size) {
		const uint8_t *pc = (const uint8_t *)cond->data + b.at[0];
		const char *px = (const char *)x->data + (size_t)b.at[1] * size;
		const char *py = (const char *)y->data + (size_t)b.at[2] * size;
		size_t sx = b.step[1] ? size : 0, sy = b.step[2] ? size : 0;

		if (size == 4)
			where_run(4, b.run, pc, b.step[0], px, sx, py, sy, o);
		else
			where_run(size, b.run, pc, b.step[0], px, sx, py, sy, o);
	}
	return OQZ_OK;
}

/* ---- Compress ---- */

struct maybe_axis {
	int64_t axis, sorted;
};

static bool has_axis(const struct oqz_node *n) { return oqz_node_attr(n, "axis") != NULL; }

static enum oqz_status infer_compress(struct oqz_infer *c, struct oqz_err *err)
{
	int axis;

	c->out[0] = *c->in[0];
	if (!has_axis(c->node)) {
		c->out[0].shape = oqz_shape_unknown(1);
		return OQZ_OK;
	}
	if (c->in[0]->shape.rank < 0)
		return OQZ_OK;
	OQZ_TRY(
	    oqz_axis_resolve(OQZ_PARAMS(c->node, struct maybe_axis)->axis, c->in[0]->shape.rank, false, &axis, err));
	c->out[0].shape.dim[axis] = OQZ_DIM_UNKNOWN;
	return OQZ_OK;
}

static enum oqz_status run_compress(const struct oqz_call *c, struct oqz_err *err)
{
	const struct oqz_tensor *x = c->in[0], *cond = c->in[1];
	struct oqz_shape s = x->shape, flat = oqz_shape_of(1, (const int64_t[]) { oqz_tensor_nelem(x) });
	int64_t kept = 0, n = oqz_tensor_nelem(cond);
	int axis = 0;

	if (has_axis(c->node))
		OQZ_TRY(oqz_axis_resolve(OQZ_PARAMS(c->node, struct maybe_axis)->axis, s.rank, false, &axis, err));
	else
		s = flat;
	if (n > s.dim[axis])
		OQZ_FAIL(err, OQZ_E_DATA, "%lld conditions for %lld elements", (long long)n, (long long)s.dim[axis]);
	for (int64_t i = 0; i < n; i++)
		kept += oqz_load_i(cond->dtype, cond->data, (size_t)i) != 0;
	int64_t outer = oqz_shape_span(&s, 0, axis), dim = s.dim[axis];
	size_t piece = (size_t)oqz_shape_span(&s, axis + 1, s.rank) * oqz_dtype_size(x->dtype);

	s.dim[axis] = kept;
	OQZ_TRY(oqz_tensor_alloc(c->out[0], x->dtype, &s, err));
	char *to = c->out[0]->data;
	for (int64_t o = 0; o < outer; o++)
		for (int64_t i = 0; i < n; i++)
			if (oqz_load_i(cond->dtype, cond->data, (size_t)i)) {
				memcpy(to, (const char *)x->data + (size_t)(o * dim + i) * piece, piece);
				to += piece;
			}
	return OQZ_OK;
}

/* ---- NonZero ---- */

static enum oqz_status infer_nonzero(struct oqz_infer *c, struct oqz_err *err)
{
	(void)err;
	c->out[0].dtype = OQZ_DT_I64;
	c->out[0].shape = oqz_shape_unknown(2);
	if (c->in[0]->shape.rank >= 0)
		c->out[0].shape.dim[0] = c->in[0]->shape.rank;
	return OQZ_OK;
}

/* (rank, count): coordinates of the elements that are not zero, in row-major order. */
/* 1 for each of n elements from `first` that is not 0. */
static void mark_nonzero(const struct oqz_tensor *x, int64_t first, int64_t n, uint8_t *mark)
{
	const float *f = (const float *)x->data + first;
	const uint8_t *b = (const uint8_t *)x->data + first;

	if (x->dtype == OQZ_DT_F32)
		for (int64_t i = 0; i < n; i++)
			mark[i] = f[i] != 0;
	else if (x->dtype == OQZ_DT_BOOL)
		for (int64_t i = 0; i < n; i++)
			mark[i] = b[i] != 0;
	else
		for (int64_t i = 0; i < n; i++)
			mark[i] = oqz_load_f(x->dtype, x->data, (size_t)(first + i)) != 0;
}

enum { MARKS = 256 };

static int64_t count_nonzero(const struct oqz_tensor *x)
{
	int64_t n = oqz_tensor_nelem(x), count = 0;
	uint8_t mark[MARKS];

	for (int64_t at = 0; at < n; at += MARKS) {
		int64_t m = n - at < MARKS ? n - at : MARKS;
		mark_nonzero(x, at, m, mark);
		for (int64_t i = 0; i < m; i++)
			count += mark[i];
	}
	return count;
}

/* The coordinates of a line's elements [from, from + m) that are marked, each dimension's `step` behind the one before;
 * returns how many. Places are noted without a branch, which would seldom be foreseen. */
static int64_t note_places(const uint8_t *mark, int64_t from, int64_t m, const int64_t *outer, int rank, int64_t step,
                           int64_t *out)
{
	int64_t place[MARKS], k = 0;

	for (int64_t i = 0; i < m; i++) {
		place[k] = from + i;
		k += mark[i];
	}
	for (int d = 0; d < rank - 1; d++)
		for (int64_t i = 0; i < k; i++)
			out[d * step + i] = outer[d];
	memcpy(out + (rank - 1) * step, place, (size_t)k * sizeof *place);
	return k;
}

static enum oqz_status run_nonzero(const struct oqz_call *c, struct oqz_err *err)
{
	const struct oqz_tensor *x = c->in[0];
	int64_t n = oqz_tensor_nelem(x), count = count_nonzero(x), outer[OQZ_MAX_RANK] = { 0 };
	int rank = x->shape.rank;
	struct oqz_shape s = oqz_shape_of(2, (const int64_t[]) { rank, count });
	uint8_t mark[MARKS];

	OQZ_TRY(oqz_tensor_alloc(c->out[0], OQZ_DT_I64, &s, err));
	int64_t *out = c->out[0]->data, line = rank ? x->shape.dim[rank - 1] : 0;
	for (int64_t at = 0; rank && at < n; at += line) {
		for (int64_t j = 0; j < line; j += MARKS) {
			int64_t m = line - j < MARKS ? line - j : MARKS;
			mark_nonzero(x, at + j, m, mark);
			out += note_places(mark, j, m, outer, rank, count, out);
		}
		for (int d = rank - 2; d >= 0 && ++outer[d] == x->shape.dim[d]; d--)
			outer[d] = 0;
	}
	return OQZ_OK;
}

/* ---- OneHot ---- */

static enum oqz_status onehot_depth(const struct oqz_tensor *t, int64_t *ret, struct oqz_err *err)
{
	if (oqz_tensor_nelem(t) != 1)
		OQZ_FAIL(err, OQZ_E_DATA, "depth has %lld elements, not 1", (long long)oqz_tensor_nelem(t));
	*ret = oqz_load_i(t->dtype, t->data, 0);
	if (*ret < 1)
		OQZ_FAIL(err, OQZ_E_DATA, "depth %lld", (long long)*ret);
	return OQZ_OK;
}

static enum oqz_status infer_onehot(struct oqz_infer *c, struct oqz_err *err)
{
	const struct oqz_shape *in = &c->in[0]->shape;
	int64_t depth = OQZ_DIM_UNKNOWN;
	int axis;

	c->out[0].dtype = oqz_in_type(c, 2).dtype;
	if (c->constant[1])
		OQZ_TRY(onehot_depth(c->constant[1], &depth, err));
	if (in->rank < 0)
		return OQZ_OK;
	if (in->rank >= OQZ_MAX_RANK)
		OQZ_FAIL(err, OQZ_E_UNSUPPORTED, "a result of rank %d", in->rank + 1);
	OQZ_TRY(oqz_axis_resolve(OQZ_PARAMS(c->node, struct maybe_axis)->axis, in->rank + 1, false, &axis, err));
	c->out[0].shape.rank = in->rank + 1;
	for (int d = 0; d <= in->rank; d++)
		c->out[0].shape.dim[d] = d == axis ? depth : in->dim[d - (d > axis)];
	return OQZ_OK;
}

static enum oqz_status run_onehot(const struct oqz_call *c, struct oqz_err *err)
{
	const struct oqz_tensor *idx = c->in[0], *values = c->in[2];
	size_t size = oqz_dtype_size(values->dtype);
	int64_t depth = 0;
	int axis;

	if (oqz_tensor_nelem(values) != 2)
		OQZ_FAIL(err, OQZ_E_DATA, "values has %lld elements, not 2", (long long)oqz_tensor_nelem(values));
	OQZ_TRY(onehot_depth(c->in[1], &depth, err));
	OQZ_TRY(oqz_axis_resolve(OQZ_PARAMS(c->node, struct maybe_axis)->axis, idx->shape.rank + 1, false, &axis, err));
	int64_t inner = oqz_shape_span(&idx->shape, axis, idx->shape.rank), n = oqz_tensor_nelem(idx);
	char *out = c->out[0]->data;
	oqz_fill(out, (size_t)(n * depth), size, values->data);
	for (int64_t i = 0; i < n; i++) {
		int64_t v = oqz_load_i(idx->dtype, idx->data, (size_t)i);

		v += v < 0 ? depth : 0;
		if (v >= 0 && v < depth)
			memcpy(out + (size_t)((i / inner * depth + v) * inner + i % inner) * size,
			       (const char *)values->data + size, size);
	}
	return OQZ_OK;
}

/* ---- Unique ---- */

static enum oqz_status infer_unique(struct oqz_infer *c, struct oqz_err *err)
{
	int axis;

	c->out[0] = *c->in[0];
	if (!has_axis(c->node)) {
		c->out[0].shape = oqz_shape_unknown(1);
	} else if (c->in[0]->shape.rank >= 0) {
		OQZ_TRY(oqz_axis_resolve(OQZ_PARAMS(c->node, struct maybe_axis)->axis, c->in[0]->shape.rank, false,
		                         &axis, err));
		c->out[0].shape.dim[axis] = OQZ_DIM_UNKNOWN;
	}
	for (int i = 1; i < 4; i++)
		c->out[i] = (struct oqz_type) { OQZ_DT_I64, oqz_shape_unknown(1) };
	return OQZ_OK;
}

/* One element (or slice): its keys, its place, and the group of equals it fell into. */
struct item {
	const uint64_t *key;
	size_t n;
	int64_t index, group;
};

static int by_slice(const void *pa, const void *pb)
{
	const struct item *a = pa, *b = pb;

	for (size_t i = 0; i < a->n; i++)
		if (a->key[i] != b->key[i])
			return a->key[i] < b->key[i] ? -1 : 1;
	return a->index < b->index ? -1 : a->index > b->index;
}

static int by_first(const void *pa, const void *pb)
{
	const int64_t *a = pa, *b = pb;

	return *a < *b ? -1 : *a > *b;
}

struct groups {
	int64_t n, count;
	int64_t *first, *size, *of; /* of a group: first index, members; of an item: its group */
};

static enum oqz_status group_items(struct item *it, int64_t n, bool sorted, struct groups *g, struct oqz_err *err)
{
	/* Pairs (first index, group) order the groups by first occurrence. */
	OQZ_CLEANUP_FREE int64_t *pair = malloc((size_t)n * 2 * sizeof *pair + 1);
	OQZ_CLEANUP_FREE int64_t *rank = malloc((size_t)n * sizeof *rank + 1);

	if (!pair || !rank)
		return oqz_err_nomem(err, "sort", (size_t)n * sizeof *pair);
	qsort(it, (size_t)n, sizeof *it, by_slice);
	for (int64_t i = 0; i < n; i++) {
		bool same = i > 0 && memcmp(it[i].key, it[i - 1].key, it[i].n * sizeof *it->key) == 0;

		if (!same) {
			pair[2 * g->count] = it[i].index;
			pair[2 * g->count + 1] = g->count;
			g->count++;
		}
		it[i].group = g->count - 1;
	}
	if (!sorted)
		qsort(pair, (size_t)g->count, 2 * sizeof *pair, by_first);
	for (int64_t k = 0; k < g->count; k++) {
		g->first[k] = pair[2 * k];
		rank[pair[2 * k + 1]] = k;
	}
	for (int64_t i = 0; i < n; i++) {
		int64_t k = rank[it[i].group];

		g->of[it[i].index] = k;
		g->size[k]++;
	}
	return OQZ_OK;
}

static enum oqz_status give_ints(struct oqz_tensor *t, const int64_t *v, int64_t n, struct oqz_err *err)
{
	return t ? oqz_tensor_from_ints(t, v, (size_t)n, err) : OQZ_OK;
}

/* Writes the outputs: the groups' first members along the axis, and the three index lists. */
static enum oqz_status give_unique(const struct oqz_call *c, const struct groups *g, struct oqz_shape s, int axis,
                                   struct oqz_err *err)
{
	const struct oqz_tensor *x = c->in[0];
	int64_t outer = oqz_shape_span(&s, 0, axis), inner = oqz_shape_span(&s, axis + 1, s.rank), dim = s.dim[axis];
	size_t piece = (size_t)inner * oqz_dtype_size(x->dtype);

	s.dim[axis] = g->count;
	if (c->out[0]) {
		OQZ_TRY(oqz_tensor_alloc(c->out[0], x->dtype, &s, err));
		for (int64_t o = 0; o < outer; o++)
			for (int64_t k = 0; k < g->count; k++)
				memcpy((char *)c->out[0]->data + (size_t)(o * g->count + k) * piece,
				       (const char *)x->data + (size_t)(o * dim + g->first[k]) * piece, piece);
	}
	OQZ_TRY(give_ints(c->out[1], g->first, g->count, err));
	OQZ_TRY(give_ints(c->out[2], g->of, g->n, err));
	return give_ints(c->out[3], g->size, g->count, err);
}

static int by_bytes(const void *pa, const void *pb)
{
	return oqz_text_compare(*(const struct oqz_text *const *)pa, *(const struct oqz_text *const *)pb);
}

/* Each element's place in the order of its type: a text's key is where it stands among all of them. */
static enum oqz_status sort_keys(const struct oqz_tensor *x, uint64_t *keys, struct oqz_err *err)
{
	size_t n = (size_t)oqz_tensor_nelem(x);

	if (x->dtype != OQZ_DT_STRING) {
		for (size_t i = 0; i < n; i++)
			keys[i] = oqz_sort_key(x->dtype, x->data, i);
		return OQZ_OK;
	}
	OQZ_CLEANUP_FREE const struct oqz_text **order = malloc(n * sizeof *order + 1);
	if (!order)
		return oqz_err_nomem(err, "sort", n * sizeof *order);
	memcpy(order, x->data, n * sizeof *order);
	qsort(order, n, sizeof *order, by_bytes);
	size_t kinds = 0;
	for (size_t i = 0; i < n; i++)
		if (i == 0 || order[i] != order[kinds - 1])
			order[kinds++] = order[i];
	for (size_t i = 0; i < n; i++) {
		const struct oqz_text *t = oqz_text_at(x, i);
		const struct oqz_text **at = bsearch(&t, order, kinds, sizeof *order, by_bytes);
		keys[i] = (uint64_t)(at - order);
	}
	return OQZ_OK;
}

static enum oqz_status run_unique(const struct oqz_call *c, struct oqz_err *err)
{
	const struct maybe_axis *p = OQZ_PARAMS(c->node, struct maybe_axis);
	const struct oqz_tensor *x = c->in[0];
	int64_t total = oqz_tensor_nelem(x);
	struct oqz_shape s = x->shape;
	int axis = 0;

	if (has_axis(c->node))
		OQZ_TRY(oqz_axis_resolve(p->axis, s.rank, false, &axis, err));
	else
		s = oqz_shape_of(1, (const int64_t[]) { total });
	int64_t n = s.dim[axis];
	if (total == 0 && n > INT_MAX) /* slices without elements cost memory all the same */
		OQZ_FAIL(err, OQZ_E_LIMIT, "%lld slices without elements", (long long)n);
	int64_t inner = oqz_shape_span(&s, axis + 1, s.rank), per = n ? total / n : 0;
	OQZ_CLEANUP_FREE uint64_t *by_place = malloc((size_t)total * sizeof *by_place + 1);
	OQZ_CLEANUP_FREE uint64_t *keys = malloc((size_t)total * sizeof *keys + 1);
	OQZ_CLEANUP_FREE struct item *items = malloc((size_t)n * sizeof *items + 1);
	OQZ_CLEANUP_FREE int64_t *lists = calloc((size_t)n * 3 + 1, sizeof *lists);
	if (!by_place || !keys || !items || !lists)
		return oqz_err_nomem(err, "sort", (size_t)total * sizeof *keys);
	OQZ_TRY(sort_keys(x, by_place, err));
	for (int64_t i = 0; i < n; i++) {
		items[i] = (struct item) { keys + i * per, (size_t)per, i, 0 };
		for (int64_t j = 0; j < per; j++)
			keys[i * per + j] = by_place[(j / inner * n + i) * inner + j % inner];
	}
	struct groups g = { .n = n, .first = lists, .size = lists + n, .of = lists + 2 * n };
	OQZ_TRY(group_items(items, n, p->sorted, &g, err));
	return give_unique(c, &g, s, axis, err);
}

/* ---- Trilu ---- */

struct trilu {
	int64_t upper;
};

static enum oqz_status infer_trilu(struct oqz_infer *c, struct oqz_err *err)
{
	OQZ_TRY(oqz_need_rank(c, 0, 2, OQZ_MAX_RANK, err));
	return oqz_infer_same(c, err);
}

static enum oqz_status run_trilu(const struct oqz_call *c, struct oqz_err *err)
{
	const struct oqz_tensor *x = c->in[0];
	bool upper = OQZ_PARAMS(c->node, struct trilu)->upper != 0;
	int64_t rows = x->shape.dim[x->shape.rank - 2], cols = x->shape.dim[x->shape.rank - 1], k = 0;
	int64_t n = oqz_tensor_nelem(x);
	size_t size = oqz_dtype_size(x->dtype), count;

	if (c->in[1])
		OQZ_TRY(oqz_read_ints(c->in[1], &k, 1, &count, err));
	/* Row i keeps columns >= i + k (upper), <= i + k (lower); k beyond the matrix changes nothing more. */
	k = k < -rows ? -rows : k > cols ? cols : k;
	for (int64_t row = 0; n > 0 && row < n / cols; row++) {
		int64_t cut = row % rows + k + (upper ? 0 : 1);
		int64_t at = cut < 0 ? 0 : cut > cols ? cols : cut;
		size_t first = (size_t)(row * cols) * size, cleared = first + (upper ? 0 : (size_t)at * size),
		       kept = first + (upper ? (size_t)at * size : 0);
		char *y = c->out[0]->data;

		memset(y + cleared, 0, (size_t)(upper ? at : cols - at) * size);
		memcpy(y + kept, (const char *)x->data + kept, (size_t)(upper ? cols - at : at) * size);
	}
	return OQZ_OK;
}

/* ---- ReverseSequence ---- */

struct reverse {
	int64_t batch_axis, time_axis;
};

static enum oqz_status run_reverse(const struct oqz_call *c, struct oqz_err *err)
{
	const struct reverse *p = OQZ_PARAMS(c->node, struct reverse);
	const struct oqz_tensor *x = c->in[0], *lens = c->in[1];
	size_t size = oqz_dtype_size(x->dtype);

	if (x->shape.rank < 2 || p->batch_axis + p->time_axis != 1 || p->batch_axis < 0 || p->batch_axis > 1)
		OQZ_FAIL(err, OQZ_E_DATA, "batch_axis %lld and time_axis %lld of a tensor of rank %d",
		         (long long)p->batch_axis, (long long)p->time_axis, x->shape.rank);
	int64_t batch = x->shape.dim[p->batch_axis], time = x->shape.dim[p->time_axis];
	size_t piece = (size_t)oqz_shape_span(&x->shape, 2, x->shape.rank) * size;
	int64_t sb = p->batch_axis == 0 ? time : 1, st = p->time_axis == 0 ? batch : 1;

	if (oqz_tensor_nelem(lens) != batch)
		OQZ_FAIL(err, OQZ_E_DATA, "%lld lengths for a batch of %lld", (long long)oqz_tensor_nelem(lens),
		         (long long)batch);
	for (int64_t b = 0; b < batch; b++) {
		int64_t len = oqz_load_i(lens->dtype, lens->data, (size_t)b);

		if (len < 0 || len > time)
			OQZ_FAIL(err, OQZ_E_DATA, "length %lld of a sequence of %lld", (long long)len, (long long)time);
		for (int64_t t = 0; t < time; t++) {
			int64_t from = t < len ? len - 1 - t : t;

			memcpy((char *)c->out[0]->data + (size_t)(b * sb + t * st) * piece,
			       (const char *)x->data + (size_t)(b * sb + from * st) * piece, piece);
		}
	}
	return OQZ_OK;
}

static const struct oqz_attr_spec compress_attrs[] = { OQZ_A_INT(struct maybe_axis, axis, 0), { .name = NULL } };
static const struct oqz_attr_spec onehot_attrs[] = { OQZ_A_INT(struct maybe_axis, axis, -1), { .name = NULL } };
static const struct oqz_attr_spec unique_attrs[] = {
	OQZ_A_INT(struct maybe_axis, axis, 0),
	OQZ_A_INT(struct maybe_axis, sorted, 1),
	{ .name = NULL },
};
static const struct oqz_attr_spec trilu_attrs[] = { OQZ_A_INT(struct trilu, upper, 1), { .name = NULL } };
static const struct oqz_attr_spec reverse_attrs[] = {
	OQZ_A_INT(struct reverse, batch_axis, 1),
	OQZ_A_INT(struct reverse, time_axis, 0),
	{ .name = NULL },
};

#define INDEX OQZ_ROLE_INDEX
#define DATA OQZ_ROLE_ACTIVATION

const struct oqz_op oqz_ops_select[] = {
	{ OQZ_ROW(COMPRESS), .texts = true, OQZ_ROW_PARAMS(struct maybe_axis, compress_attrs),
	  OQZ_ROW_ROLES(DATA, INDEX), .infer = infer_compress, .run = run_compress },
	{ OQZ_ROW(NON_ZERO), .infer = infer_nonzero, .run = run_nonzero },
	{ OQZ_ROW(ONE_HOT), .texts = true, OQZ_ROW_PARAMS(struct maybe_axis, onehot_attrs),
	  OQZ_ROW_ROLES(INDEX, INDEX, DATA), .infer = infer_onehot, .run = run_onehot },
	{ OQZ_ROW(REVERSE_SEQUENCE), .texts = true, OQZ_ROW_PARAMS(struct reverse, reverse_attrs),
	  OQZ_ROW_ROLES(DATA, INDEX), .infer = oqz_infer_same, .run = run_reverse },
	{ OQZ_ROW(TRILU), OQZ_ROW_PARAMS(struct trilu, trilu_attrs), OQZ_ROW_ROLES(DATA, INDEX), .infer = infer_trilu,
	  .run = run_trilu },
	{ OQZ_ROW(UNIQUE), .texts = true, OQZ_ROW_PARAMS(struct maybe_axis, unique_attrs), .infer = infer_unique,
	  .run = run_unique },
	{ OQZ_ROW(WHERE), .texts = true, OQZ_ROW_ROLES(INDEX, DATA, DATA), .infer = infer_where, .run = run_where },
	{ .name = NULL },
};
