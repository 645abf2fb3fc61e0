/* SPDX-License-Identifier: Apache-2.0
 *
 * Movers by index: Gather, GatherElements, GatherND, ScatterElements, ScatterND. Indices are data of the model's
 * making, so each is checked before it is used. Element types matter only where a scatter combines values.
 */
#include "core/ops/ops_util.h"

struct gather {
	int64_t axis, batch_dims;
	const char *reduction;
};

/* An index counted from the end when negative, checked against the axis. */
static enum oqz_status index_at(const struct oqz_tensor *t, size_t i, int64_t dim, int64_t *ret, struct oqz_err *err)
{
	int64_t v = t->dtype == OQZ_DT_I64 ? ((const int64_t *)t->data)[i] : oqz_load_i(t->dtype, t->data, i);
	int64_t w = v < 0 ? v + dim : v;

	if (w < 0 || w >= dim)
		OQZ_FAIL(err, OQZ_E_DATA, "index %lld is outside of an axis of %lld", (long long)v, (long long)dim);
	*ret = w;
	return OQZ_OK;
}

/* ---- Gather ---- */

static enum oqz_status infer_gather(struct oqz_infer *c, struct oqz_err *err)
{
	const struct oqz_shape *x = &c->in[0]->shape, *idx = &c->in[1]->shape;
	struct oqz_shape s = { 0 };
	int axis;

	c->out[0].dtype = c->in[0]->dtype;
	if (x->rank < 0 || idx->rank < 0)
		return OQZ_OK;
	OQZ_TRY(oqz_axis_resolve(OQZ_PARAMS(c->node, struct gather)->axis, x->rank, false, &axis, err));
	if (x->rank - 1 + idx->rank > OQZ_MAX_RANK)
		OQZ_FAIL(err, OQZ_E_UNSUPPORTED, "a result of rank %d", x->rank - 1 + idx->rank);
	for (int d = 0; d < axis; d++)
		s.dim[s.rank++] = x->dim[d];
	for (int d = 0; d < idx->rank; d++)
		s.dim[s.rank++] = idx->dim[d];
	for (int d = axis + 1; d < x->rank; d++)
		s.dim[s.rank++] = x->dim[d];
	c->out[0].shape = s;
	return OQZ_OK;
}

static enum oqz_status run_gather(const struct oqz_call *c, struct oqz_err *err)
{
	const struct oqz_tensor *x = c->in[0], *idx = c->in[1];
	int64_t n = oqz_tensor_nelem(idx), at = 0;
	int axis;

	OQZ_TRY(oqz_axis_resolve(OQZ_PARAMS(c->node, struct gather)->axis, x->shape.rank, false, &axis, err));
	int64_t outer = oqz_shape_span(&x->shape, 0, axis), dim = x->shape.dim[axis];
	size_t piece = (size_t)oqz_shape_span(&x->shape, axis + 1, x->shape.rank) * oqz_dtype_size(x->dtype);
	const char *from = x->data;
	char *to = c->out[0]->data;

	for (int64_t o = 0; o < outer && n > 0 && piece > 0; o++, from += (size_t)dim * piece)
		for (int64_t i = 0; i < n; i++, to += piece) {
			OQZ_TRY(index_at(idx, (size_t)i, dim, &at, err));
			memcpy(to, from + (size_t)at * piece, piece);
		}
	return OQZ_OK;
}

/* ---- combining ---- */

enum combine { PUT, ADD, MUL, MAX, MIN };

static enum combine combine_of(const char *word)
{
	static const char *const words[] = { "none", "add", "mul", "max", "min" };

	for (int i = 0; i < 5; i++)
		if (word && strcmp(word, words[i]) == 0)
			return (enum combine)i;
	return PUT;
}

static void combine_ints(enum combine how, enum oqz_dtype t, void *dst, size_t i, int64_t x)
{
	int64_t a = oqz_load_i(t, dst, i);
	uint64_t ua = (uint64_t)a, ux = (uint64_t)x;

	switch (how) {
	case ADD: a = (int64_t)(ua + ux); break;
	case MUL: a = (int64_t)(ua * ux); break;
	case MAX: a = x > a ? x : a; break;
	case MIN: a = x < a ? x : a; break;
	case PUT: a = x; break;
	}
	oqz_store_i(t, dst, i, a);
}

static void combine_floats(enum combine how, enum oqz_dtype t, void *dst, size_t i, double x)
{
	double a = oqz_load_f(t, dst, i);

	switch (how) {
	case ADD: a += x; break;
	case MUL: a *= x; break;
	case MAX: a = x > a || x != x ? x : a; break;
	case MIN: a = x < a || x != x ? x : a; break;
	case PUT: a = x; break;
	}
	oqz_store_f(t, dst, i, a);
}

/* dst[to] = dst[to] (how) src[from], n elements in a row. */
static void combine_run(enum combine how, enum oqz_dtype t, void *dst, size_t to, const void *src, size_t from,
                        size_t n)
{
	size_t size = oqz_dtype_size(t);

	if (how == PUT) {
		memcpy((char *)dst + to * size, (const char *)src + from * size, n * size);
		return;
	}
	for (size_t i = 0; i < n; i++)
		if (oqz_dtype_is_float(t))
			combine_floats(how, t, dst, to + i, oqz_load_f(t, src, from + i));
		else
			combine_ints(how, t, dst, to + i, oqz_load_i(t, src, from + i));
}

/* ---- GatherElements, ScatterElements: index tensors of the data's rank ---- */

static enum oqz_status check_elements(const struct oqz_tensor *x, const struct oqz_tensor *idx, int axis,
                                      struct oqz_err *err)
{
	if (idx->shape.rank != x->shape.rank)
		OQZ_FAIL(err, OQZ_E_DATA, "indices of rank %d for data of rank %d", idx->shape.rank, x->shape.rank);
	for (int d = 0; d < x->shape.rank; d++)
		if (d != axis && idx->shape.dim[d] > x->shape.dim[d])
			OQZ_FAIL(err, OQZ_E_DATA, "indices have %lld on axis %d, the data %lld",
			         (long long)idx->shape.dim[d], d, (long long)x->shape.dim[d]);
	return OQZ_OK;
}

static enum oqz_status infer_gather_elements(struct oqz_infer *c, struct oqz_err *err)
{
	(void)err;
	c->out[0] = *c->in[1];
	c->out[0].dtype = c->in[0]->dtype;
	return OQZ_OK;
}

/* n elements of a constant size at x[at[i] * step + i * beside]. */
static inline __attribute__((always_inline)) void fetch_row(size_t size, const char *x, const int64_t *at, int64_t step,
                                                            int64_t beside, int64_t n, char *y)
{
	for (int64_t i = 0; i < n; i++)
		memcpy(y + (size_t)i * size, x + (size_t)(at[i] * step + i * beside) * size, size);
}

static void fetch_elements(size_t size, const char *x, const int64_t *at, int64_t step, int64_t beside, int64_t n,
                           char *y)
{
	switch (size) {
	case 1: fetch_row(1, x, at, step, beside, n, y); break;
	case 2: fetch_row(2, x, at, step, beside, n, y); break;
	case 4: fetch_row(4, x, at, step, beside, n, y); break;
	case 8: fetch_row(8, x, at, step, beside, n, y); break;
	default: fetch_row(size, x, at, step, beside, n, y);
	}
}

enum { PIECE = 512 }; /* indices that are looked at together */

/* Indices [first, first + n) as offsets from the front, checked. */
static enum oqz_status indices_at(const struct oqz_tensor *t, size_t first, int64_t n, int64_t dim, int64_t *ret,
                                  struct oqz_err *err)
{
	const int64_t *wide = t->dtype == OQZ_DT_I64 ? (const int64_t *)t->data + first : NULL;
	int bad = 0;

	for (int64_t i = 0; i < n; i++) {
		int64_t v = wide ? wide[i] : oqz_load_i(t->dtype, t->data, first + (size_t)i), w = v < 0 ? v + dim : v;
		bad |= w < 0 || w >= dim;
		ret[i] = w;
	}
	for (int64_t i = 0; bad && i < n; i++) /* which it was */
		OQZ_TRY(index_at(t, first + (size_t)i, dim, &ret[i], err));
	return OQZ_OK;
}

/* Row by row of the indices' last axis, in pieces. */
static enum oqz_status fetch_rows(const struct oqz_tensor *x, const struct oqz_tensor *idx, int axis,
                                  struct oqz_tensor *out, struct oqz_err *err)
{
	int64_t stride[OQZ_MAX_RANK], index[OQZ_MAX_RANK] = { 0 }, v[PIECE];
	int last = idx->shape.rank - 1;
	int64_t n = idx->shape.dim[last], rows = oqz_shape_span(&idx->shape, 0, last);
	size_t size = oqz_dtype_size(x->dtype), at = 0;

	oqz_shape_strides(&x->shape, stride);
	for (int64_t r = 0; r < rows; r++) {
		int64_t base = 0;
		for (int d = 0; d < last; d++)
			base += d == axis ? 0 : index[d] * stride[d];
		for (int64_t i = 0; i < n; i += PIECE) {
			int64_t m = n - i < PIECE ? n - i : PIECE, beside = axis == last ? 0 : 1;
			OQZ_TRY(indices_at(idx, at, m, x->shape.dim[axis], v, err));
			fetch_elements(size, (const char *)x->data + (size_t)(base + i * beside) * size, v,
			               stride[axis], beside, m, (char *)out->data + at * size);
			at += (size_t)m;
		}
		for (int d = last - 1; d >= 0 && ++index[d] == idx->shape.dim[d]; d--)
			index[d] = 0;
	}
	return OQZ_OK;
}

static enum oqz_status run_gather_elements(const struct oqz_call *c, struct oqz_err *err)
{
	const struct oqz_tensor *x = c->in[0];
	int axis;

	OQZ_TRY(oqz_axis_resolve(OQZ_PARAMS(c->node, struct gather)->axis, x->shape.rank, false, &axis, err));
	OQZ_TRY(check_elements(x, c->in[1], axis, err));
	return fetch_rows(x, c->in[1], axis, c->out[0], err);
}

static enum oqz_status infer_scatter(struct oqz_infer *c, struct oqz_err *err)
{
	enum oqz_dtype a = oqz_in_type(c, 0).dtype, b = oqz_in_type(c, 2).dtype;

	if (a != b && a != OQZ_DT_UNDEFINED && b != OQZ_DT_UNDEFINED)
		OQZ_FAIL(err, OQZ_E_DATA, "updates are %s, the data is %s", oqz_dtype_name(b), oqz_dtype_name(a));
	if (a == OQZ_DT_STRING && combine_of(OQZ_PARAMS(c->node, struct gather)->reduction) != PUT)
		OQZ_FAIL(err, OQZ_E_UNSUPPORTED, "a reduction of strings");
	c->out[0] = *c->in[0];
	return OQZ_OK;
}

/* One line of updates along the innermost dimension, from element `first`: element j goes to at + j * beside, and along
 * the axis by its index. */
struct line {
	size_t first;
	int64_t n, at, beside, along, dim;
};

/* n elements of a constant size to y[at[i] * along + i * beside]; of those for one place the last one stays. */
static inline __attribute__((always_inline)) void put_row(size_t size, const char *x, const int64_t *at, int64_t along,
                                                          int64_t beside, int64_t n, char *y)
{
	for (int64_t i = 0; i < n; i++)
		memcpy(y + (size_t)(at[i] * along + i * beside) * size, x + (size_t)i * size, size);
}

static enum oqz_status scatter_line(const struct line *l, enum combine how, const struct oqz_tensor *idx,
                                    const struct oqz_tensor *updates, struct oqz_tensor *out, struct oqz_err *err)
{
	size_t size = oqz_dtype_size(out->dtype);
	int64_t v[PIECE];

	for (int64_t j = 0; j < l->n; j += PIECE) {
		int64_t m = l->n - j < PIECE ? l->n - j : PIECE, at = l->at + j * l->beside;
		size_t first = l->first + (size_t)j;
		OQZ_TRY(indices_at(idx, first, m, l->dim, v, err));
		const char *from = (const char *)updates->data + first * size;
		char *to = (char *)out->data + (size_t)at * size;
		if (how == PUT && size == 4)
			put_row(4, from, v, l->along, l->beside, m, to);
		else if (how == PUT)
			put_row(size, from, v, l->along, l->beside, m, to);
		for (int64_t i = 0; i < m && how != PUT; i++)
			combine_run(how, out->dtype, out->data, (size_t)(at + i * l->beside + v[i] * l->along),
			            updates->data, first + (size_t)i, 1);
	}
	return OQZ_OK;
}

static enum oqz_status run_scatter_elements(const struct oqz_call *c, struct oqz_err *err)
{
	const struct gather *p = OQZ_PARAMS(c->node, struct gather);
	const struct oqz_tensor *x = c->in[0], *idx = c->in[1];
	int64_t stride[OQZ_MAX_RANK], index[OQZ_MAX_RANK] = { 0 }, all = oqz_tensor_nelem(idx);
	int axis, last = x->shape.rank - 1;

	if (!oqz_shape_equal(&idx->shape, &c->in[2]->shape))
		OQZ_FAIL(err, OQZ_E_DATA, "indices and updates differ in shape");
	OQZ_TRY(oqz_axis_resolve(p->axis, x->shape.rank, false, &axis, err));
	OQZ_TRY(check_elements(x, idx, axis, err));
	oqz_shape_strides(&x->shape, stride);
	memcpy(c->out[0]->data, x->data, oqz_tensor_bytes(x));
	struct line l = { .along = stride[axis], .beside = axis != last, .dim = x->shape.dim[axis] };
	for (l.n = idx->shape.dim[last]; l.first < (size_t)all; l.first += (size_t)l.n) {
		l.at = 0;
		for (int d = 0; d < last; d++)
			l.at += d == axis ? 0 : index[d] * stride[d];
		OQZ_TRY(scatter_line(&l, combine_of(p->reduction), idx, c->in[2], c->out[0], err));
		for (int d = last - 1; d >= 0 && ++index[d] == idx->shape.dim[d]; d--)
			index[d] = 0;
	}
	return OQZ_OK;
}

/* ---- GatherND, ScatterND: the last index dimension is a coordinate ---- */

static enum oqz_status infer_gather_nd(struct oqz_infer *c, struct oqz_err *err)
{
	const struct oqz_shape *x = &c->in[0]->shape, *idx = &c->in[1]->shape;
	int64_t b = OQZ_PARAMS(c->node, struct gather)->batch_dims;
	struct oqz_shape s = { 0 };

	c->out[0].dtype = c->in[0]->dtype;
	OQZ_TRY(oqz_need_rank(c, 1, 1, OQZ_MAX_RANK, err));
	if (x->rank < 0 || idx->rank < 1 || idx->dim[idx->rank - 1] < 0)
		return OQZ_OK;
	int64_t k = idx->dim[idx->rank - 1];
	if (b < 0 || b >= idx->rank || b > x->rank || k > x->rank - b)
		OQZ_FAIL(err, OQZ_E_DATA, "coordinates of %lld dims (batch_dims %lld) for data of rank %d",
		         (long long)k, (long long)b, x->rank);
	if (idx->rank - 1 + x->rank - b - k > OQZ_MAX_RANK)
		OQZ_FAIL(err, OQZ_E_UNSUPPORTED, "a result of rank above %d", OQZ_MAX_RANK);
	for (int d = 0; d < idx->rank - 1; d++)
		s.dim[s.rank++] = idx->dim[d];
	for (int d = (int)(b + k); d < x->rank; d++)
		s.dim[s.rank++] = x->dim[d];
	c->out[0].shape = s;
	return OQZ_OK;
}

/* Element offset (within a batch) that coordinate number i names. */
static enum oqz_status coordinate(const struct oqz_tensor *x, const struct oqz_tensor *idx, int64_t i, int batch,
                                  const int64_t *stride, int64_t *ret, struct oqz_err *err)
{
	int64_t k = idx->shape.dim[idx->shape.rank - 1], at = 0, v = 0;

	for (int64_t j = 0; j < k; j++) {
		OQZ_TRY(index_at(idx, (size_t)(i * k + j), x->shape.dim[batch + j], &v, err));
		at += v * stride[batch + j];
	}
	*ret = at;
	return OQZ_OK;
}

static enum oqz_status run_gather_nd(const struct oqz_call *c, struct oqz_err *err)
{
	const struct oqz_tensor *x = c->in[0], *idx = c->in[1];
	int batch = (int)OQZ_PARAMS(c->node, struct gather)->batch_dims;
	int64_t k = idx->shape.dim[idx->shape.rank - 1], stride[OQZ_MAX_RANK], at = 0;
	int64_t batches = oqz_shape_span(&x->shape, 0, batch),
	        per = oqz_shape_span(&idx->shape, batch, idx->shape.rank - 1);
	int64_t piece = oqz_shape_span(&x->shape, batch + (int)k, x->shape.rank);
	int64_t pitch = oqz_shape_span(&x->shape, batch, x->shape.rank);

	for (int d = 0; d < batch; d++)
		if (x->shape.dim[d] != idx->shape.dim[d])
			OQZ_FAIL(err, OQZ_E_DATA, "batch dimension %d differs between data and indices", d);
	oqz_shape_strides(&x->shape, stride);
	for (int64_t i = 0; i < batches * per; i++) {
		OQZ_TRY(coordinate(x, idx, i, batch, stride, &at, err));
		combine_run(PUT, x->dtype, c->out[0]->data, (size_t)(i * piece), x->data,
		            (size_t)(i / per * pitch + at), (size_t)piece);
	}
	return OQZ_OK;
}

static enum oqz_status run_scatter_nd(const struct oqz_call *c, struct oqz_err *err)
{
	const struct oqz_tensor *x = c->in[0], *idx = c->in[1], *upd = c->in[2];
	enum combine how = combine_of(OQZ_PARAMS(c->node, struct gather)->reduction);
	int64_t stride[OQZ_MAX_RANK], at = 0;

	if (idx->shape.rank < 1 || idx->shape.dim[idx->shape.rank - 1] > x->shape.rank)
		OQZ_FAIL(err, OQZ_E_DATA, "coordinates do not fit data of rank %d", x->shape.rank);
	int64_t k = idx->shape.dim[idx->shape.rank - 1], n = oqz_shape_span(&idx->shape, 0, idx->shape.rank - 1);
	int64_t piece = oqz_shape_span(&x->shape, (int)k, x->shape.rank);
	if (oqz_tensor_nelem(upd) != n * piece)
		OQZ_FAIL(err, OQZ_E_DATA, "updates have %lld elements, the indices name %lld",
		         (long long)oqz_tensor_nelem(upd), (long long)(n * piece));
	memcpy(c->out[0]->data, x->data, oqz_tensor_bytes(x));
	oqz_shape_strides(&x->shape, stride);
	for (int64_t i = 0; i < n; i++) {
		OQZ_TRY(coordinate(x, idx, i, 0, stride, &at, err));
		combine_run(how, x->dtype, c->out[0]->data, (size_t)at, upd->data, (size_t)(i * piece), (size_t)piece);
	}
	return OQZ_OK;
}

/* ---- TensorScatter (operator set 24): rows of a cache are overwritten from a position on ---- */

struct tensor_scatter {
	int64_t axis;
	const char *mode;
};

static enum oqz_status infer_tensor_scatter(struct oqz_infer *c, struct oqz_err *err)
{
	enum oqz_dtype t;

	OQZ_TRY(oqz_same_dtype(c, 0, 2, &t, err));
	return oqz_infer_same(c, err);
}

static enum oqz_status run_tensor_scatter(const struct oqz_call *c, struct oqz_err *err)
{
	const struct tensor_scatter *p = OQZ_PARAMS(c->node, struct tensor_scatter);
	const struct oqz_tensor *x = c->in[0], *upd = c->in[1], *at = c->in[2];
	struct oqz_shape rest = upd->shape;
	bool circular = strcmp(p->mode, "circular") == 0;
	int axis;

	OQZ_TRY(oqz_axis_resolve(p->axis, x->shape.rank, false, &axis, err));
	int64_t have = x->shape.dim[axis], more = upd->shape.rank == x->shape.rank ? upd->shape.dim[axis] : -1;
	rest.dim[axis] = have;
	if (axis == 0 || more < 0 || more > have || !oqz_shape_equal(&rest, &x->shape))
		OQZ_FAIL(err, OQZ_E_DATA, "the update does not fit the cache along axis %d", axis);
	if (at && (!oqz_dtype_is_int(at->dtype) || oqz_tensor_nelem(at) != x->shape.dim[0]))
		OQZ_FAIL(err, OQZ_E_DATA, "write_indices is one integer for each of the batch");
	int64_t outer = oqz_shape_span(&x->shape, 0, axis), per = oqz_shape_span(&x->shape, 1, axis);
	size_t row = (size_t)oqz_shape_span(&x->shape, axis + 1, x->shape.rank) * oqz_dtype_size(x->dtype);
	memcpy(c->out[0]->data, x->data, oqz_tensor_bytes(x));
	for (int64_t o = 0; o < outer; o++)
		for (int64_t i = 0; i < more; i++) {
			int64_t to = at ? oqz_load_i(at->dtype, at->data, (size_t)(o / per)) : 0;

			if (to < 0 || to > INT64_MAX - i || (!circular && to + i >= have))
				OQZ_FAIL(err, OQZ_E_DATA, "position %lld in a cache of %lld", (long long)to,
				         (long long)have);
			to = circular ? (to + i) % have : to + i;
			memcpy((char *)c->out[0]->data + (size_t)(o * have + to) * row,
			       (const char *)upd->data + (size_t)(o * more + i) * row, row);
		}
	return OQZ_OK;
}

static const char *const modes[] = { "linear", "circular", NULL };
static const struct oqz_attr_spec tensor_scatter_attrs[] = {
	OQZ_A_INT(struct tensor_scatter, axis, -2),
	OQZ_A_STRING(struct tensor_scatter, mode, "linear", modes),
	{ .name = NULL },
};

static const char *const reductions[] = { "none", "add", "mul", "max", "min", NULL };
static const struct oqz_attr_spec axis_attrs[] = { OQZ_A_INT(struct gather, axis, 0), { .name = NULL } };
static const struct oqz_attr_spec batch_attrs[] = { OQZ_A_INT(struct gather, batch_dims, 0), { .name = NULL } };
static const struct oqz_attr_spec scatter_attrs[] = {
	OQZ_A_INT(struct gather, axis, 0),
	OQZ_A_STRING(struct gather, reduction, "none", reductions),
	{ .name = NULL },
};

#define INDEX OQZ_ROLE_INDEX
#define DATA OQZ_ROLE_ACTIVATION
#define ROW(id, table, infer_, run_)                                                                          \
	{                                                                                                     \
		OQZ_ROW(id), .texts = true, OQZ_ROW_PARAMS(struct gather, table), OQZ_ROW_ROLES(DATA, INDEX), \
		             .infer = infer_, .run = run_                                                     \
	}

const struct oqz_op oqz_ops_gather[] = {
	ROW(GATHER, axis_attrs, infer_gather, run_gather),
	ROW(GATHER_ELEMENTS, axis_attrs, infer_gather_elements, run_gather_elements),
	ROW(GATHER_ND, batch_attrs, infer_gather_nd, run_gather_nd),
	ROW(SCATTER_ELEMENTS, scatter_attrs, infer_scatter, run_scatter_elements),
	ROW(SCATTER_ND, scatter_attrs + 1, infer_scatter, run_scatter_nd),
	{ OQZ_ROW(TENSOR_SCATTER), OQZ_ROW_PARAMS(struct tensor_scatter, tensor_scatter_attrs),
	  OQZ_ROW_ROLES(DATA, DATA, INDEX), .infer = infer_tensor_scatter, .run = run_tensor_scatter },
	{ .name = NULL },
};
