/* SPDX-License-Identifier: Apache-2.0
 *
 * MaxPool and AveragePool of row-major float32 tensors: of those that arrive so, and with the windows that oneDNN
 * declines. A window is worked on dimension by dimension: whole rows of the input are combined first, then neighbours
 * of the combined row, which lies in padded memory so that no window has to be cut. Where MaxPool's Indices are wanted,
 * the windows of a row go side by side through their elements, in the order in which the operator looks at them.
 */
#include "core/base/checked.h"
#include "core/exec/impl.h"
#include "core/ops/window.h"

#include <math.h>
#include <stdio.h>

enum { ROW_MOST = 64 }; /* times the input's width */

struct pool {
	bool max, places;    /* places: MaxPool with Indices */
	struct oqz_window w; /* 3-D */
	int64_t planes, in;  /* elements of a plane */
	int64_t row, lead;   /* numbers of the padded row; of them in front of the input's first */
	float *counts[3];    /* AveragePool: how many of a window's elements count, by dimension and output position */
};

static void pool_free(void *state)
{
	struct pool *p = state;

	for (int i = 0; p && i < 3; i++)
		free(p->counts[i]);
	free(p);
}

/* ---- rows ---- */

OQZ_KERNEL static void combine(bool max, const float *restrict x, float *restrict y, int64_t n)
{
	if (max)
		for (int64_t i = 0; i < n; i++)
			y[i] = x[i] > y[i] ? x[i] : y[i];
	else
		for (int64_t i = 0; i < n; i++)
			y[i] += x[i];
}

static inline __attribute__((always_inline)) void slide(bool max, const float *restrict row, float *restrict y,
                                                        int64_t n, int64_t stride)
{
	for (int64_t i = 0; i < n; i++) {
		float v = row[i * stride];
		y[i] = max ? v > y[i] ? v : y[i] : y[i] + v;
	}
}

/* One element of each window: row[i * stride] for output i. */
OQZ_KERNEL static void slide_row(bool max, const float *row, float *y, int64_t n, int64_t stride)
{
	if (stride == 1)
		max ? slide(true, row, y, n, 1) : slide(false, row, y, n, 1);
	else if (stride == 2)
		max ? slide(true, row, y, n, 2) : slide(false, row, y, n, 2);
	else
		slide(max, row, y, n, stride);
}

OQZ_KERNEL static void divide_row(float *restrict y, const float *restrict counts, float rest, int64_t n)
{
	for (int64_t i = 0; i < n; i++) {
		float count = counts[i] * rest;
		y[i] = count > 0 ? y[i] / count : 0;
	}
}

static void fill(float *y, int64_t n, float v)
{
	for (int64_t i = 0; i < n; i++)
		y[i] = v;
}

/* The input rows of dimension i that window o sees: positions start + k * dilation, k in [lo, hi). */
static void seen(const struct oqz_window *w, int i, int64_t o, int64_t *start, int64_t *lo, int64_t *hi)
{
	int64_t d = w->dilation[i], left;

	*start = o * w->stride[i] - w->pad_begin[i];
	left = w->in[i] - *start;
	*lo = *start < 0 ? (-*start + d - 1) / d : 0;
	*hi = left <= 0 ? 0 : (left + d - 1) / d < w->kernel[i] ? (left + d - 1) / d : w->kernel[i];
}

/* One row of the output. */
static void pool_row(const struct pool *p, const float *x, float *row, float *y, int64_t od, int64_t oh)
{
	const struct oqz_window *w = &p->w;
	int64_t d0, d_lo, d_hi, h0, h_lo, h_hi;
	float none = p->max ? -INFINITY : 0;

	seen(w, 0, od, &d0, &d_lo, &d_hi);
	seen(w, 1, oh, &h0, &h_lo, &h_hi);
	fill(row + p->lead, w->in[2], none);
	for (int64_t d = d_lo; d < d_hi; d++)
		for (int64_t h = h_lo; h < h_hi; h++) {
			int64_t id = d0 + d * w->dilation[0], ih = h0 + h * w->dilation[1];
			combine(p->max, x + (id * w->in[1] + ih) * w->in[2], row + p->lead, w->in[2]);
		}
	fill(y, w->out[2], none);
	for (int64_t k = 0; k < w->kernel[2]; k++)
		slide_row(p->max, row + k * w->dilation[2], y, w->out[2], w->stride[2]);
	if (!p->max)
		divide_row(y, p->counts[2], p->counts[0][od] * p->counts[1][oh], w->out[2]);
}

/* ---- places ---- */

/* What element `from` + i * stride of the plane is to window i: kept where it is the window's first or larger. */
static inline __attribute__((always_inline)) void keep_larger(const float *restrict x, int32_t from, float *restrict y,
                                                              int32_t *restrict at, int32_t n, int32_t stride)
{
	for (int32_t i = 0; i < n; i++) {
		float v = x[(int64_t)i * stride];
		bool more = (at[i] < 0) | (v > y[i]);
		y[i] = more ? v : y[i];
		at[i] = more ? from + i * stride : at[i];
	}
}

/* The windows of a row that have tap k inside the input: [*lo, *hi). */
static inline void having(const struct oqz_window *w, int64_t k, int64_t *lo, int64_t *hi)
{
	int64_t first = w->pad_begin[2] - k * w->dilation[2], s = w->stride[2], last = first + w->in[2] - 1;

	*lo = first <= 0 ? 0 : (first + s - 1) / s;
	*hi = last < 0 ? 0 : last / s + 1 < w->out[2] ? last / s + 1 : w->out[2];
}

/* One row of the output in y, and where in the plane each number is in `at`; -1: the window is empty. */
OQZ_KERNEL static void place_row(const struct pool *p, const float *x, float *y, int32_t *at, int64_t od, int64_t oh)
{
	const struct oqz_window *w = &p->w;
	int64_t d0, d_lo, d_hi, h0, h_lo, h_hi, lo, hi;

	for (int64_t i = 0; i < w->out[2]; i++) {
		y[i] = -INFINITY;
		at[i] = -1;
	}
	seen(w, 0, od, &d0, &d_lo, &d_hi);
	seen(w, 1, oh, &h0, &h_lo, &h_hi);
	for (int64_t d = d_lo; d < d_hi; d++)
		for (int64_t h = h_lo; h < h_hi; h++)
			for (int64_t k = 0; k < w->kernel[2]; k++) {
				int64_t id = d0 + d * w->dilation[0], ih = h0 + h * w->dilation[1];
				having(w, k, &lo, &hi);
				if (lo >= hi)
					continue;
				int64_t from = (id * w->in[1] + ih) * w->in[2] + lo * w->stride[2] - w->pad_begin[2] +
				               k * w->dilation[2];
				int32_t n = (int32_t)(hi - lo), f = (int32_t)from;
				if (w->stride[2] == 1)
					keep_larger(x + from, f, y + lo, at + lo, n, 1);
				else if (w->stride[2] == 2)
					keep_larger(x + from, f, y + lo, at + lo, n, 2);
				else
					keep_larger(x + from, f, y + lo, at + lo, n, (int32_t)w->stride[2]);
			}
}

/* Indices count through all planes, and an empty window's one is one less than its plane's first. */
static void run_places(const struct pool *p, const struct oqz_step_call *c)
{
	const float *x = c->in[0]->data;
	float *y = c->out[0]->data;
	int64_t *index = c->out[1]->data, n = p->w.out[2];
	int32_t *at = c->scratch;

	for (int64_t i = 0; i < p->planes; i++)
		for (int64_t od = 0; od < p->w.out[0]; od++)
			for (int64_t oh = 0; oh < p->w.out[1]; oh++, y += n, index += n) {
				place_row(p, x + i * p->in, y, at, od, oh);
				for (int64_t j = 0; j < n; j++)
					index[j] = i * p->in + at[j];
			}
}

static enum oqz_status pool_run(const void *state, const struct oqz_step_call *c, struct oqz_err *err)
{
	const struct pool *p = state;
	const float *x = c->in[0]->data;
	float *y = c->out[0]->data, *row = c->scratch;

	if (p->places) {
		run_places(p, c);
		return OQZ_OK;
	}
	fill(row, p->row, p->max ? -INFINITY : 0);
	for (int64_t i = 0; i < p->planes; i++, x += p->in)
		for (int64_t od = 0; od < p->w.out[0]; od++)
			for (int64_t oh = 0; oh < p->w.out[1]; oh++, y += p->w.out[2])
				pool_row(p, x, row, y, od, oh);
	return OQZ_OK;
}

/* ---- planning ---- */

/* What ceil_mode adds beyond the padding does not count. */
static enum oqz_status count(struct pool *p, bool padding, struct oqz_err *err)
{
	const struct oqz_window *w = &p->w;

	for (int i = 0; i < 3; i++) {
		if (!(p->counts[i] = malloc((size_t)w->out[i] * sizeof(float))))
			return oqz_err_nomem(err, "a pooling", (size_t)w->out[i] * sizeof(float));
		for (int64_t o = 0; o < w->out[i]; o++) {
			int64_t start, lo, hi, d = w->dilation[i];
			seen(w, i, o, &start, &lo, &hi);
			int64_t left = w->in[i] + w->pad_end[i] - start, all = left <= 0 ? 0 : (left + d - 1) / d;
			p->counts[i][o] = (float)(!padding             ? hi > lo ? hi - lo : 0
			                          : all < w->kernel[i] ? all
			                                               : w->kernel[i]);
		}
	}
	return OQZ_OK;
}

static enum oqz_status plan(struct pool *p, const struct oqz_step_desc *d, size_t *scratch, struct oqz_err *err)
{
	const struct oqz_pool_params *params = OQZ_PARAMS(d->node, struct oqz_pool_params);
	const struct oqz_shape *s = &d->in_type[0].shape;
	struct oqz_window w;
	int64_t last, end;

	p->planes = s->dim[0] * s->dim[1];
	p->in = oqz_shape_span(s, 2, s->rank);
	OQZ_TRY(oqz_pool_window(params, s, &w, err));
	p->w = w = oqz_window_3d(&w);
	/* the padded row holds the input and every window whole */
	if (!oqz_i64_mul(w.out[2] - 1, w.stride[2], &last) || !oqz_i64_mul(w.kernel[2] - 1, w.dilation[2], &end) ||
	    !oqz_i64_add(last, end, &end) || !oqz_i64_add(end, 1, &end) ||
	    !oqz_i64_add(w.pad_begin[2], w.in[2], &p->row))
		OQZ_FAIL(err, OQZ_E_UNSUPPORTED, "a window too large");
	p->lead = w.pad_begin[2];
	p->row = p->row > end ? p->row : end;
	if (p->row / ROW_MOST > w.in[2]) /* the reference walks only over what is inside */
		OQZ_FAIL(err, OQZ_E_UNSUPPORTED, "windows far larger than the input");
	*scratch = oqz_align_up((size_t)(p->places ? w.out[2] : p->row) * sizeof(float), 64);
	return p->max ? OQZ_OK : count(p, params->count_include_pad != 0, err);
}

static bool with_places(const struct oqz_step_desc *d)
{
	return d->n_out > 1 && d->out_type[1].dtype != OQZ_DT_UNDEFINED;
}

static const char *refuse(const struct oqz_step_desc *d)
{
	const struct oqz_shape *s = &d->in_type[0].shape;

	if (d->group || d->act || d->in_type[0].dtype != OQZ_DT_F32 || d->out_type[0].dtype != OQZ_DT_F32)
		return "float32 only";
	if (with_places(d) &&
	    (OQZ_PARAMS(d->node, struct oqz_pool_params)->storage_order || oqz_shape_span(s, 2, s->rank) > INT32_MAX))
		return "indices that count column by column, or far";
	if (s->rank < 3 || s->rank > 5 || oqz_shape_nelem(s) == 0 || oqz_shape_nelem(&d->out_type[0].shape) == 0)
		return "one to three spatial dimensions, not empty";
	return NULL;
}

static enum oqz_status pool_create(const struct oqz_step_desc *d, struct oqz_step_choice *ret, char *why,
                                   size_t why_size, struct oqz_err *err)
{
	const char *reason = refuse(d);

	if (reason) {
		snprintf(why, why_size, "%s", reason);
		return OQZ_E_UNSUPPORTED;
	}
	struct pool *p = calloc(1, sizeof *p);
	if (!p)
		return oqz_err_nomem(err, "a pooling", sizeof *p);
	p->max = d->node->op->id == OQZ_OP_MAX_POOL;
	p->places = with_places(d);
	enum oqz_status st = plan(p, d, &ret->scratch_bytes, err);
	if (st != OQZ_OK) {
		pool_free(p);
		snprintf(why, why_size, "windows far larger than the input");
		return st;
	}
	ret->in_layout[0] = ret->out_layout[0] = ret->out_layout[1] = OQZ_LAYOUT_PLAIN;
	snprintf(ret->name, sizeof ret->name, "own.pool");
	ret->state = p;
	return OQZ_OK;
}

const struct oqz_impl oqz_impl_pool = { "own.pool", pool_create, pool_run, pool_free };
