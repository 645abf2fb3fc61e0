/* SPDX-License-Identifier: Apache-2.0
 *
 * Resize of the one or two spatial dimensions of (N,C,[H,]W) in float32, in every mode and in either layout: the loops
 * see (outer, H, W, inner) with inner = C in channels-last and 1 in row-major. Which input positions an output position
 * takes, and with which weights, is worked out once (core/ops/op_resize.h); rows are mixed first, as neighbours in
 * memory, then the columns of the mixed row.
 */
#include "core/base/checked.h"
#include "core/exec/impl.h"
#include "core/ops/op_resize.h"
#include "core/ops/strided.h"

#include <stdio.h>
#include <string.h>

/* Output position o takes `taps` neighbours from first[o] on, all inside; weights stand tap by tap, (taps, n_out). */
struct axis {
	int64_t n_in, n_out, taps;
	int32_t *first;
	float *weight; /* NULL: one, of weight 1 */
};

struct resize {
	int64_t outer, inner;
	struct axis y, x;
	bool doubled; /* columns without weights: column o is o / 2 */
};

static void resize_destroy(void *state)
{
	struct resize *r = state;

	if (!r)
		return;
	free(r->y.first);
	free(r->y.weight);
	free(r->x.first);
	free(r->x.weight);
	free(r);
}

/* ---- planning ---- */

static int64_t clamp(int64_t v, int64_t n) { return v < 0 ? 0 : v >= n ? n - 1 : v; }

/* The input positions [*lo, *hi] that output position o really takes. */
static void extent(const struct oqz_resize_taps *t, int64_t o, int64_t n_in, int64_t *lo, int64_t *hi)
{
	*lo = n_in - 1;
	*hi = 0;
	for (int64_t k = 0; k < t->n; k++) {
		int64_t at = clamp(t->first[o] + k, n_in);
		if (t->weight[o * t->n + k] == 0)
			continue;
		*lo = at < *lo ? at : *lo;
		*hi = at > *hi ? at : *hi;
	}
	if (*hi < *lo)
		*hi = *lo; /* no weight at all */
}

/* Taps that fall on the same position at the border are one, and those without weight are left out. */
static enum oqz_status weigh(struct axis *a, const struct oqz_resize_taps *t, struct oqz_err *err)
{
	int64_t lo, hi;
	size_t n;

	for (int64_t o = 0; o < a->n_out; o++) {
		extent(t, o, a->n_in, &lo, &hi);
		a->taps = hi - lo + 1 > a->taps ? hi - lo + 1 : a->taps;
	}
	if (!oqz_size_mul((size_t)a->taps, (size_t)a->n_out, &n) || n > SIZE_MAX / sizeof(float))
		OQZ_FAIL(err, OQZ_E_LIMIT, "a scale too small");
	if (!(a->weight = calloc(n, sizeof *a->weight)))
		return oqz_err_nomem(err, "a resize", n * sizeof *a->weight);
	for (int64_t o = 0; o < a->n_out; o++) {
		extent(t, o, a->n_in, &lo, &hi);
		lo = lo + a->taps > a->n_in ? a->n_in - a->taps : lo;
		a->first[o] = (int32_t)lo;
		for (int64_t k = 0; k < t->n; k++)
			if (t->weight[o * t->n + k] != 0)
				a->weight[(clamp(t->first[o] + k, a->n_in) - lo) * a->n_out + o] +=
				    (float)t->weight[o * t->n + k];
	}
	return OQZ_OK;
}

static enum oqz_status axis_init(struct axis *a, const struct oqz_node *n, const struct oqz_resize_axis *from,
                                 struct oqz_err *err)
{
	OQZ_CLEANUP(oqz_resize_taps_release) struct oqz_resize_taps t = { 0 };

	*a = (struct axis) { .n_in = from->in, .n_out = from->out, .taps = 1 };
	if (!(a->first = calloc((size_t)a->n_out, sizeof *a->first)))
		return oqz_err_nomem(err, "a resize", (size_t)a->n_out * sizeof *a->first);
	bool nearest = oqz_resize_is_nearest(n);
	for (int64_t o = 0; o < a->n_out && (nearest || oqz_resize_is_identity(from)); o++) {
		int64_t at = nearest ? oqz_resize_nearest(n, from, o) : o;
		if (at == OQZ_NOWHERE)
			return OQZ_E_UNSUPPORTED;
		a->first[o] = (int32_t)at;
	}
	if (nearest || oqz_resize_is_identity(from))
		return OQZ_OK;
	OQZ_TRY(oqz_resize_taps_init(&t, n, from, err));
	for (int64_t o = 0; o < a->n_out; o++)
		if (t.outside[o])
			return OQZ_E_UNSUPPORTED;
	return weigh(a, &t, err);
}

static const char *refuse(const struct oqz_step_desc *d, struct oqz_resize_axis *ax)
{
	const struct oqz_shape *in = &d->in_type[0].shape;
	const struct oqz_tensor *given[4] = { 0 };
	struct oqz_err err = { 0 };

	if (d->act || d->in_type[0].dtype != OQZ_DT_F32 || in->rank < 3 || in->rank > 4 ||
	    oqz_shape_nelem(&d->out_type[0].shape) == 0 || oqz_shape_nelem(in) == 0)
		return "not (N,C,H,W) or (N,C,W) in float32";
	for (int i = 1; i < d->n_in && i < 4; i++) {
		given[i] = d->constant[i];
		if (oqz_step_has(d, i) && !given[i])
			return "scales, sizes or a region that are not constant";
	}
	if (oqz_resize_plan(d->node, in, given[1], given[2], given[3], ax, &err) != OQZ_OK)
		return "sizes that do not fit";
	for (int i = 0; i < in->rank; i++)
		if (i < 2 ? !oqz_resize_is_identity(&ax[i]) : ax[i].in > INT32_MAX)
			return "more than the spatial dimensions";
	return NULL;
}

static enum oqz_status resize_create(const struct oqz_step_desc *d, struct oqz_step_choice *ret, char *why,
                                     size_t why_size, struct oqz_err *err)
{
	static const struct oqz_resize_axis one = { .in = 1, .out = 1, .scale = 1, .roi_end = 1 };
	struct oqz_resize_axis ax[OQZ_MAX_RANK];
	const char *reason = refuse(d, ax);
	const struct oqz_shape *in = &d->in_type[0].shape;

	if (reason) {
		snprintf(why, why_size, "%s", reason);
		return OQZ_E_UNSUPPORTED;
	}
	struct resize *r = calloc(1, sizeof *r);
	if (!r)
		return oqz_err_nomem(err, "a step", sizeof *r);
	bool last = d->in_layout[0] == OQZ_LAYOUT_CHANNELS_LAST;
	r->outer = last ? in->dim[0] : in->dim[0] * in->dim[1];
	r->inner = last ? in->dim[1] : 1;
	enum oqz_status st = axis_init(&r->y, d->node, in->rank == 4 ? &ax[2] : &one, err);
	if (st == OQZ_OK)
		st = axis_init(&r->x, d->node, &ax[in->rank - 1], err);
	if (st != OQZ_OK) {
		resize_destroy(r);
		snprintf(why, why_size, "what lies outside of the region");
		return st;
	}
	r->doubled = !r->x.weight && r->x.n_out == 2 * r->x.n_in;
	for (int64_t o = 0; o < r->x.n_out; o++)
		r->doubled &= r->x.first[o] == o / 2;
	ret->scratch_bytes = oqz_align_up((size_t)(r->x.n_in * r->inner) * sizeof(float), 64);
	ret->in_layout[0] = ret->out_layout[0] = d->in_layout[0];
	snprintf(ret->name, sizeof ret->name, "own.resize");
	ret->state = r;
	return OQZ_OK;
}

/* ---- running ---- */

/* y = the sum of `taps` rows of n numbers, `step` apart, each times its weight; weights are w_step apart. */
OQZ_KERNEL static void mix_rows(const float *x, int64_t step, const float *w, int64_t w_step, int64_t taps,
                                float *restrict y, int64_t n)
{
	int64_t k = taps & 1;
	float first = w[0];

	for (int64_t i = 0; i < n && k; i++)
		y[i] = x[i] * first;
	for (; k < taps; k += 2) {
		const float *a = x + k * step, *b = a + step;
		float wa = w[k * w_step], wb = w[(k + 1) * w_step];
		if (k == 0)
			for (int64_t i = 0; i < n; i++)
				y[i] = a[i] * wa + b[i] * wb;
		else
			for (int64_t i = 0; i < n; i++)
				y[i] += a[i] * wa + b[i] * wb;
	}
}

/* The columns of a row of single numbers. */
OQZ_KERNEL static void mix_columns(const struct axis *a, const float *restrict x, float *restrict y)
{
	const int32_t *restrict first = a->first;
	int64_t n = a->n_out;

	for (int64_t k = 0; k < a->taps; k++) {
		const float *restrict w = a->weight + k * n, *from = x + k;
		if (k == 0)
			for (int64_t i = 0; i < n; i++)
				y[i] = from[first[i]] * w[i];
		else
			for (int64_t i = 0; i < n; i++)
				y[i] += from[first[i]] * w[i];
	}
}

/* One column for each, without weights; every second one the same as the one before it, as in most networks, is moved
 * in vectors. */
OQZ_KERNEL static void pick_columns(const struct axis *a, bool doubled, const float *restrict x, float *restrict y)
{
	const int32_t *restrict first = a->first;

	if (doubled)
		for (int64_t i = 0; i < a->n_in; i++) {
			y[2 * i] = x[i];
			y[2 * i + 1] = x[i];
		}
	else
		for (int64_t o = 0; o < a->n_out; o++)
			y[o] = x[first[o]];
}

static void run_row(const struct resize *r, const float *x, float *y)
{
	const struct axis *a = &r->x;

	if (r->inner == 1 && a->weight)
		mix_columns(a, x, y);
	else if (r->inner == 1)
		pick_columns(a, r->doubled, x, y);
	else
		for (int64_t o = 0; o < a->n_out; o++) {
			const float *from = x + a->first[o] * r->inner;
			if (a->weight)
				mix_rows(from, r->inner, a->weight + o, a->n_out, a->taps, y + o * r->inner, r->inner);
			else
				memcpy(y + o * r->inner, from, (size_t)r->inner * sizeof *y);
		}
}

static enum oqz_status resize_run(const void *state, const struct oqz_step_call *c, struct oqz_err *err)
{
	const struct resize *r = state;
	int64_t row_in = r->x.n_in * r->inner, row_out = r->x.n_out * r->inner;
	const float *in = c->in[0]->data;
	float *out = c->out[0]->data, *mixed = c->scratch;

	for (int64_t o = 0; o < r->outer; o++, in += r->y.n_in * row_in)
		for (int64_t y = 0; y < r->y.n_out; y++, out += row_out) {
			const float *row = in + r->y.first[y] * row_in;
			if (!r->y.weight && y > 0 && r->y.first[y] == r->y.first[y - 1]) {
				memcpy(out, out - row_out, (size_t)row_out * sizeof *out);
				continue;
			}
			if (r->y.weight) {
				mix_rows(row, row_in, r->y.weight + y, r->y.n_out, r->y.taps, mixed, row_in);
				row = mixed;
			}
			run_row(r, row, out);
		}
	return OQZ_OK;
}

const struct oqz_impl oqz_impl_resize = { "own.resize", resize_create, resize_run, resize_destroy };
