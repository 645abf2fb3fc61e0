/* SPDX-License-Identifier: Apache-2.0
 *
 * Poolings: one walk over windows (3-D; fewer dims have extents of 1), and per operator what is done with the elements
 * a window sees. Global poolings reduce everything behind the channel. MaxUnpool puts values back by MaxPool's indices.
 */
#include "core/ops/ops_util.h"
#include "core/ops/window.h"

#include <limits.h>
#include <stdlib.h>

static const char *const auto_pads[] = { "NOTSET", "SAME_UPPER", "SAME_LOWER", "VALID", NULL };

#define WINDOW_ATTRS                                                                               \
	OQZ_A_REQUIRED(struct oqz_pool_params, kernel_shape, OQZ_ATTR_INTS),                       \
	    OQZ_A_STRING(struct oqz_pool_params, auto_pad, "NOTSET", auto_pads),                   \
	    OQZ_A_INTS(struct oqz_pool_params, pads), OQZ_A_INTS(struct oqz_pool_params, strides), \
	    OQZ_A_INTS(struct oqz_pool_params, dilations), OQZ_A_INT(struct oqz_pool_params, ceil_mode, 0)

static const struct oqz_attr_spec max_attrs[] = {
	WINDOW_ATTRS,
	OQZ_A_INT(struct oqz_pool_params, storage_order, 0),
	{ .name = NULL },
};
static const struct oqz_attr_spec average_attrs[] = {
	WINDOW_ATTRS,
	OQZ_A_INT(struct oqz_pool_params, count_include_pad, 0),
	{ .name = NULL },
};
static const struct oqz_attr_spec lp_attrs[] = {
	WINDOW_ATTRS,
	OQZ_A_INT(struct oqz_pool_params, p, 2),
	{ .name = NULL },
};
static const struct oqz_attr_spec global_lp_attrs[] = {
	OQZ_A_INT(struct oqz_pool_params, p, 2),
	{ .name = NULL },
};
static const struct oqz_attr_spec unpool_attrs[] = {
	OQZ_A_REQUIRED(struct oqz_pool_params, kernel_shape, OQZ_ATTR_INTS),
	OQZ_A_INTS(struct oqz_pool_params, pads),
	OQZ_A_INTS(struct oqz_pool_params, strides),
	{ .name = NULL },
};

static const struct oqz_pool_params *params(const struct oqz_node *n) { return OQZ_PARAMS(n, struct oqz_pool_params); }

/* ---- types ---- */

static enum oqz_status infer_pool(struct oqz_infer *c, struct oqz_err *err)
{
	struct oqz_type x = oqz_in_type(c, 0);
	struct oqz_window w;

	OQZ_TRY(oqz_pool_window(params(c->node), &x.shape, &w, err));
	c->out[0].dtype = x.dtype;
	c->out[0].shape = oqz_shape_unknown(w.n + 2);
	for (int i = 0; i < 2 && x.shape.rank >= 0; i++)
		c->out[0].shape.dim[i] = x.shape.dim[i];
	for (int i = 0; i < w.n; i++)
		c->out[0].shape.dim[i + 2] = w.out[i];
	return OQZ_OK;
}

static enum oqz_status infer_max_pool(struct oqz_infer *c, struct oqz_err *err)
{
	OQZ_TRY(infer_pool(c, err));
	c->out[1] = (struct oqz_type) { OQZ_DT_I64, c->out[0].shape };
	return OQZ_OK;
}

static enum oqz_status infer_float_pool(struct oqz_infer *c, struct oqz_err *err)
{
	if (params(c->node)->p < 0 || params(c->node)->p > INT_MAX)
		OQZ_FAIL(err, OQZ_E_DATA, "attribute p = %lld is out of range", (long long)params(c->node)->p);
	OQZ_TRY(oqz_need_float(c, 0, err));
	return infer_pool(c, err);
}

static enum oqz_status infer_global(struct oqz_infer *c, struct oqz_err *err)
{
	struct oqz_type x = oqz_in_type(c, 0);

	OQZ_TRY(oqz_need_rank(c, 0, 2, OQZ_MAX_RANK, err));
	for (int i = 2; i < x.shape.rank; i++)
		x.shape.dim[i] = 1;
	c->out[0] = x;
	return OQZ_OK;
}

/* The extents that the indices of MaxUnpool count in: the inverse of MaxPool's size rule. */
static enum oqz_status unpool_extents(const struct oqz_pool_params *p, const struct oqz_shape *x, struct oqz_shape *ret,
                                      struct oqz_err *err)
{
	int n = x->rank - 2;

	if (n < 1 || n > OQZ_WINDOW_MAX || p->kernel_shape.n != (size_t)n ||
	    (p->strides.v && p->strides.n != (size_t)n) || (p->pads.v && p->pads.n != 2 * (size_t)n))
		OQZ_FAIL(err, OQZ_E_DATA, "kernel_shape, strides or pads do not fit an input of rank %d", (int)x->rank);
	*ret = *x;
	for (int i = 0; i < n; i++) {
		int64_t s = p->strides.v ? p->strides.v[i] : 1, k = p->kernel_shape.v[i], in = x->dim[i + 2];
		int64_t b = p->pads.v ? p->pads.v[i] : 0, e = p->pads.v ? p->pads.v[n + i] : 0;
		if (s < 1 || s > INT_MAX || k < 1 || k > INT_MAX || b < 0 || b > INT_MAX || e < 0 || e > INT_MAX ||
		    in > INT_MAX)
			OQZ_FAIL(err, OQZ_E_DATA, "kernel_shape, strides or pads are out of range");
		ret->dim[i + 2] = in < 0 ? OQZ_DIM_UNKNOWN : (in - 1) * s + k - b - e;
		if (in >= 0 && ret->dim[i + 2] < 0)
			OQZ_FAIL(err, OQZ_E_DATA, "the pads cut more than there is");
	}
	return OQZ_OK;
}

static enum oqz_status infer_unpool(struct oqz_infer *c, struct oqz_err *err)
{
	struct oqz_type x = oqz_in_type(c, 0);
	int64_t dims[OQZ_MAX_RANK];
	size_t n;
	bool known;

	c->out[0].dtype = x.dtype;
	OQZ_TRY(oqz_const_ints(c, 2, dims, OQZ_MAX_RANK, &n, &known, err));
	if (known) {
		c->out[0].shape = oqz_shape_of((int)n, dims);
		return oqz_need_rank(c, 0, (int)n, (int)n, err);
	}
	if (c->in[2] || x.shape.rank < 0) {
		c->out[0].shape = oqz_shape_unknown(x.shape.rank);
		return OQZ_OK;
	}
	return unpool_extents(params(c->node), &x.shape, &c->out[0].shape, err);
}

/* ---- windows ---- */

#define POOL_INLINE static inline __attribute__((always_inline))

/* What a pooling does: begins, sees elements, ends. */
struct reduction {
	double value;
	int64_t index;   /* MaxPool: offset in the input plane */
	int64_t counted; /* AveragePool: elements (and padding) that count */
};

struct pooling {
	struct oqz_window w; /* 3-D */
	double first;        /* value before any element */
	int64_t p;
	bool count_padding;
	void (*see)(struct reduction *r, double x, int64_t index, int64_t p); /* of global poolings */
	double (*end)(const struct reduction *r, int64_t p);
	/* one plane of windows by both; index may be NULL */
	void (*plane)(const struct pooling *q, const double *x, double *y, int64_t *index);
};

static void see_max(struct reduction *r, double x, int64_t index, int64_t p)
{
	(void)p;
	if (r->index < 0 || x > r->value) {
		r->value = x;
		r->index = index;
	}
}

static void see_sum(struct reduction *r, double x, int64_t index, int64_t p)
{
	(void)index, (void)p;
	r->value += x;
}

static void see_power(struct reduction *r, double x, int64_t index, int64_t p)
{
	(void)index;
	r->value += p == 2 ? x * x : p == 1 ? fabs(x) : pow(fabs(x), (double)p);
}

static double end_max(const struct reduction *r, int64_t p)
{
	(void)p;
	return r->value;
}

static double end_average(const struct reduction *r, int64_t p)
{
	(void)p;
	return r->counted ? r->value / (double)r->counted : 0;
}

static double end_power(const struct reduction *r, int64_t p)
{
	return p == 2 ? sqrt(r->value) : p == 1 ? r->value : pow(r->value, 1.0 / (double)p);
}

/* Taps [lo, hi) of dim i for output o that lie inside the input, the position of tap 0, and how many count when padding
 * does. A kernel may be far larger than the input (it comes from a file), so only the taps inside are walked. */
struct span {
	int64_t start, lo, hi, counted;
};

static int64_t rounded_up(int64_t a, int64_t d) { return d == 1 ? a : (a + d - 1) / d; }

static struct span span_of(const struct oqz_window *w, int i, int64_t o)
{
	struct span s = { .start = o * w->stride[i] - w->pad_begin[i] };
	int64_t d = w->dilation[i], k = w->kernel[i], left = w->in[i] - s.start;

	s.lo = s.start < 0 ? rounded_up(-s.start, d) : 0;
	s.hi = left <= 0 ? 0 : rounded_up(left, d) < k ? rounded_up(left, d) : k;
	if (s.hi < s.lo)
		s.hi = s.lo;
	/* what ceil_mode adds beyond the padding does not count */
	left += w->pad_end[i];
	s.counted = left <= 0 ? 0 : rounded_up(left, d) < k ? rounded_up(left, d) : k;
	return s;
}

/* The window whose spans are d, h, v. */
POOL_INLINE struct reduction pool_one(const struct pooling *q, const struct span *d, const struct span *h,
                                      const struct span *v, const double *x,
                                      void (*see)(struct reduction *, double, int64_t, int64_t))
{
	const struct oqz_window *w = &q->w;
	struct reduction r = { .value = q->first, .index = -1 };

	for (int64_t kd = d->lo; kd < d->hi; kd++)
		for (int64_t kh = h->lo; kh < h->hi; kh++)
			for (int64_t kw = v->lo; kw < v->hi; kw++) {
				int64_t id = d->start + kd * w->dilation[0], ih = h->start + kh * w->dilation[1];
				int64_t at = (id * w->in[1] + ih) * w->in[2] + v->start + kw * w->dilation[2];
				see(&r, x[at], at, q->p);
				r.counted++;
			}
	if (q->count_padding)
		r.counted = (int64_t)fmin((double)d->counted * (double)h->counted * (double)v->counted, 0x1p62);
	return r;
}

/* Compiled once for each pooling, so that nothing is called for an element. */
POOL_INLINE void pool_plane(const struct pooling *q, const double *x, double *y, int64_t *index,
                            void (*see)(struct reduction *, double, int64_t, int64_t),
                            double (*end)(const struct reduction *, int64_t))
{
	const struct oqz_window *w = &q->w;

	for (int64_t od = 0; od < w->out[0]; od++) {
		struct span d = span_of(w, 0, od);
		for (int64_t oh = 0; oh < w->out[1]; oh++) {
			struct span h = span_of(w, 1, oh);
			for (int64_t ow = 0; ow < w->out[2]; ow++) {
				int64_t at = (od * w->out[1] + oh) * w->out[2] + ow;
				struct span v = span_of(w, 2, ow);
				struct reduction r = pool_one(q, &d, &h, &v, x, see);
				y[at] = end(&r, q->p);
				if (index)
					index[at] = r.index;
			}
		}
	}
}

static void max_plane(const struct pooling *q, const double *x, double *y, int64_t *index)
{
	pool_plane(q, x, y, index, see_max, end_max);
}

static void average_plane(const struct pooling *q, const double *x, double *y, int64_t *index)
{
	pool_plane(q, x, y, index, see_sum, end_average);
}

static void power_plane(const struct pooling *q, const double *x, double *y, int64_t *index)
{
	pool_plane(q, x, y, index, see_power, end_power);
}

/* MaxPool's Indices count through the whole input; storage_order 1 counts each plane column-major. */
static int64_t stored_index(const struct oqz_window *w, int64_t plane, int64_t at, bool column_major)
{
	int64_t size = w->in[0] * w->in[1] * w->in[2];

	if (column_major && at >= 0) {
		int64_t d = at / (w->in[1] * w->in[2]), h = at / w->in[2] % w->in[1], v = at % w->in[2];
		at = d + w->in[0] * (h + w->in[1] * v);
	}
	return plane * size + at;
}

static enum oqz_status run_windows(const struct oqz_call *c, struct pooling *q, struct oqz_err *err)
{
	const struct oqz_pool_params *p = params(c->node);
	OQZ_CLEANUP_FREE double *x = NULL;
	OQZ_CLEANUP_FREE double *y = NULL;
	int64_t *index = c->out[1] ? c->out[1]->data : NULL;
	struct oqz_window w;

	OQZ_TRY(oqz_pool_window(p, &c->in[0]->shape, &w, err));
	OQZ_TRY(oqz_read_f64(c->in[0], &x, err));
	OQZ_TRY(oqz_new_f64(oqz_tensor_nelem(c->out[0]), &y, err));
	q->w = oqz_window_3d(&w);
	q->p = p->p;
	q->count_padding = p->count_include_pad != 0;
	int64_t planes = c->in[0]->shape.dim[0] * c->in[0]->shape.dim[1];
	int64_t in = q->w.in[0] * q->w.in[1] * q->w.in[2], out = q->w.out[0] * q->w.out[1] * q->w.out[2];
	for (int64_t i = 0; i < planes; i++) {
		q->plane(q, x + i * in, y + i * out, index ? index + i * out : NULL);
		for (int64_t j = 0; index && j < out; j++)
			index[i * out + j] = stored_index(&q->w, i, index[i * out + j], p->storage_order != 0);
	}
	oqz_write_f64(c->out[0], y);
	return OQZ_OK;
}

static enum oqz_status run_max_pool(const struct oqz_call *c, struct oqz_err *err)
{
	return run_windows(c, &(struct pooling) { .first = -INFINITY, .plane = max_plane }, err);
}

static enum oqz_status run_average_pool(const struct oqz_call *c, struct oqz_err *err)
{
	return run_windows(c, &(struct pooling) { .plane = average_plane }, err);
}

static enum oqz_status run_lp_pool(const struct oqz_call *c, struct oqz_err *err)
{
	return run_windows(c, &(struct pooling) { .plane = power_plane }, err);
}

/* Everything behind the channel, by the same reductions. */
static enum oqz_status run_global(const struct oqz_call *c, const struct pooling *q, int64_t p, struct oqz_err *err)
{
	const struct oqz_shape *s = &c->in[0]->shape;
	OQZ_CLEANUP_FREE double *x = NULL;
	OQZ_CLEANUP_FREE double *y = NULL;
	int64_t planes = s->dim[0] * s->dim[1], n = oqz_shape_span(s, 2, s->rank);

	OQZ_TRY(oqz_read_f64(c->in[0], &x, err));
	OQZ_TRY(oqz_new_f64(planes, &y, err));
	for (int64_t i = 0; i < planes; i++) {
		struct reduction r = { .value = q->first, .index = -1, .counted = n };
		for (int64_t j = 0; j < n; j++)
			q->see(&r, x[i * n + j], j, p);
		y[i] = q->end(&r, p);
	}
	oqz_write_f64(c->out[0], y);
	return OQZ_OK;
}

static enum oqz_status run_global_max(const struct oqz_call *c, struct oqz_err *err)
{
	return run_global(c, &(struct pooling) { .first = -INFINITY, .see = see_max, .end = end_max }, 0, err);
}

static enum oqz_status run_global_average(const struct oqz_call *c, struct oqz_err *err)
{
	return run_global(c, &(struct pooling) { .see = see_sum, .end = end_average }, 0, err);
}

static enum oqz_status run_global_lp(const struct oqz_call *c, struct oqz_err *err)
{
	return run_global(c, &(struct pooling) { .see = see_power, .end = end_power }, params(c->node)->p, err);
}

/* in: values, indices. With output_shape the indices still count in the extents that the attributes give. */
static enum oqz_status run_unpool(const struct oqz_call *c, struct oqz_err *err)
{
	const struct oqz_tensor *x = c->in[0], *index = c->in[1];
	struct oqz_tensor *y = c->out[0];
	struct oqz_shape counted;
	int64_t stride[OQZ_MAX_RANK], limit;

	OQZ_TRY(unpool_extents(params(c->node), &x->shape, &counted, err));
	OQZ_TRY(oqz_shape_count(&counted, &limit, err));
	if (!oqz_shape_equal(&x->shape, &index->shape) || index->dtype != OQZ_DT_I64)
		OQZ_FAIL(err, OQZ_E_DATA, "the indices are not int64 of the input's shape");
	oqz_shape_strides(&y->shape, stride);
	size_t size = oqz_dtype_size(x->dtype);
	bool same = oqz_shape_equal(&counted, &y->shape); /* an index is then a place */
	memset(y->data, 0, oqz_tensor_bytes(y));
	for (int64_t i = 0, n = oqz_tensor_nelem(x); i < n; i++) {
		int64_t rest = ((const int64_t *)index->data)[i], at = 0;
		if (rest < 0 || rest >= limit)
			OQZ_FAIL(err, OQZ_E_DATA, "index %lld is out of range", (long long)rest);
		if (same)
			at = rest;
		for (int d = counted.rank - 1; d >= 0 && !same; d--) {
			int64_t coord = rest % counted.dim[d];
			rest /= counted.dim[d];
			if (coord >= y->shape.dim[d])
				OQZ_FAIL(err, OQZ_E_DATA, "an index lies outside output_shape");
			at += coord * stride[d];
		}
		char *to = (char *)y->data + (size_t)at * size;
		const char *from = (const char *)x->data + (size_t)i * size;
		if (size == sizeof(float))
			memcpy(to, from, sizeof(float));
		else
			memcpy(to, from, size);
	}
	return OQZ_OK;
}

const struct oqz_op oqz_ops_pool[] = {
	{ OQZ_ROW(AVERAGE_POOL), OQZ_ROW_PARAMS(struct oqz_pool_params, average_attrs), .infer = infer_float_pool,
	  .run = run_average_pool },
	{ OQZ_ROW(GLOBAL_AVERAGE_POOL), .infer = infer_global, .run = run_global_average },
	{ OQZ_ROW(GLOBAL_LP_POOL), OQZ_ROW_PARAMS(struct oqz_pool_params, global_lp_attrs), .infer = infer_global,
	  .run = run_global_lp },
	{ OQZ_ROW(GLOBAL_MAX_POOL), .infer = infer_global, .run = run_global_max },
	{ OQZ_ROW(LP_POOL), OQZ_ROW_PARAMS(struct oqz_pool_params, lp_attrs), .infer = infer_float_pool,
	  .run = run_lp_pool },
	{ OQZ_ROW(MAX_POOL), OQZ_ROW_PARAMS(struct oqz_pool_params, max_attrs), .infer = infer_max_pool,
	  .run = run_max_pool },
	{ OQZ_ROW(MAX_UNPOOL), OQZ_ROW_PARAMS(struct oqz_pool_params, unpool_attrs), .infer = infer_unpool,
	  .run = run_unpool, OQZ_ROW_ROLES(OQZ_ROLE_ACTIVATION, OQZ_ROLE_INDEX, OQZ_ROLE_INDEX) },
	{ .name = NULL },
};
