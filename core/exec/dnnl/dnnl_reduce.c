/* SPDX-License-Identifier: Apache-2.0
 *
 * See dnnl_reduce.h. Accumulators for a strip of columns stay in the first-level cache while rows go by.
 */
#include "core/exec/dnnl/dnnl_reduce.h"
#include "core/exec/dnnl/dnnl_util.h"
#include "core/tensor/float_bits.h"

#include <math.h>
#include <string.h>

enum { STRIP = 256, LANES = 32 };

/* One pass per formula: `acc` is the accumulator, `v` the element as a double. NaN wins in max and min, as in numpy. */
#define REDUCE_ROWS(formula)                                      \
	for (int64_t r = 0; r < n; r++)                           \
		for (int64_t i = 0; i < w; i++) {                 \
			double v = x[r * stride + i], a = acc[i]; \
			acc[i] = (formula);                       \
		}                                                 \
	break

static inline double magnitude(double v) { return v < 0 ? -v : v; }

OQZ_KERNEL static void reduce_strip(enum oqz_reduce_kind kind, const float *restrict x, int64_t n, int64_t stride,
                                    int64_t w, double *restrict acc)
{
	switch (kind) {
	case OQZ_REDUCE_SUM:
	case OQZ_REDUCE_MEAN: REDUCE_ROWS(a + v);
	case OQZ_REDUCE_MAX: REDUCE_ROWS(v > a || v != v ? v : a);
	case OQZ_REDUCE_MIN: REDUCE_ROWS(v < a || v != v ? v : a);
	case OQZ_REDUCE_L1: REDUCE_ROWS(a + magnitude(v));
	case OQZ_REDUCE_L2:
	case OQZ_REDUCE_SUM_SQUARE: REDUCE_ROWS(a + v * v);
	}
}

static double combine(enum oqz_reduce_kind kind, double a, double b)
{
	switch (kind) {
	case OQZ_REDUCE_MAX: return b > a || b != b ? b : a;
	case OQZ_REDUCE_MIN: return b < a || b != b ? b : a;
	default: return a + b;
	}
}

static float finish(enum oqz_reduce_kind kind, double acc, int64_t n)
{
	switch (kind) {
	case OQZ_REDUCE_MEAN: return (float)(acc / (double)n);
	case OQZ_REDUCE_L2: return (float)sqrt(acc);
	default: return (float)acc;
	}
}

/* A row of n numbers: LANES accumulators side by side, put together in order, so that the sum vectorises and is the
 * same at every instruction set. */
static float reduce_row(enum oqz_reduce_kind kind, const float *x, int64_t n, double start)
{
	double acc[LANES];
	int64_t whole = n / LANES, rest = n % LANES;

	for (int i = 0; i < LANES; i++)
		acc[i] = start;
	reduce_strip(kind, x, whole, LANES, LANES, acc);
	reduce_strip(kind, x + whole * LANES, 1, LANES, rest, acc);
	for (int i = 1; i < LANES; i++)
		acc[0] = combine(kind, acc[0], acc[i]);
	return finish(kind, acc[0], n);
}

/* The same for extremes, which are one of the numbers: compared as integers. */
OQZ_KERNEL static float extreme_of_row(bool least, const float *x, int64_t n)
{
	float sign = least ? -1 : 1;
	int32_t top = INT32_MIN, nan = 0;

	for (int64_t i = 0; i < n; i++) {
		int32_t order = oqz_float_order(x[i] * sign);
		top = order > top ? order : top;
		nan |= x[i] != x[i];
	}
	return nan ? NAN : n ? oqz_order_float(top) * sign : -INFINITY * sign;
}

void oqz_reduce(enum oqz_reduce_kind kind, const float *x, int64_t outer, int64_t n, int64_t inner, float *out)
{
	double acc[STRIP], start = kind == OQZ_REDUCE_MAX ? -INFINITY : kind == OQZ_REDUCE_MIN ? INFINITY : 0;

	if (inner == 1) {
		for (int64_t o = 0; o < outer; o++)
			out[o] = kind == OQZ_REDUCE_MAX || kind == OQZ_REDUCE_MIN
			             ? extreme_of_row(kind == OQZ_REDUCE_MIN, x + o * n, n)
			             : reduce_row(kind, x + o * n, n, start);
		return;
	}
	for (int64_t o = 0; o < outer; o++, x += n * inner, out += inner)
		for (int64_t at = 0; at < inner; at += STRIP) {
			int64_t w = inner - at < STRIP ? inner - at : STRIP;
			for (int64_t i = 0; i < w; i++)
				acc[i] = start;
			reduce_strip(kind, x + at, n, inner, w, acc);
			for (int64_t i = 0; i < w; i++)
				out[at + i] = finish(kind, acc[i], n);
		}
}

struct reduce {
	enum oqz_reduce_kind kind;
	int64_t outer, n, inner;
};

static const struct {
	const char *op;
	enum oqz_reduce_kind kind;
} kinds[] = {
	{ "ReduceSum", OQZ_REDUCE_SUM },
	{ "ReduceMean", OQZ_REDUCE_MEAN },
	{ "ReduceMax", OQZ_REDUCE_MAX },
	{ "ReduceMin", OQZ_REDUCE_MIN },
	{ "ReduceL1", OQZ_REDUCE_L1 },
	{ "ReduceL2", OQZ_REDUCE_L2 },
	{ "ReduceSumSquare", OQZ_REDUCE_SUM_SQUARE },
};

/* Which dims are reduced, from the constant second input. False: not known. */
static bool reduced_dims(const struct oqz_step_desc *d, bool *ret)
{
	int rank = d->in_type[0].shape.rank;
	int64_t axes[OQZ_MAX_RANK];
	size_t n = 0;
	bool given = oqz_step_has(d, 1);

	if (given && (!d->constant[1] || oqz_tensor_ints(d->constant[1], axes, OQZ_MAX_RANK, &n, NULL) != OQZ_OK))
		return false;
	bool all = n == 0;
	if (all && oqz_node_int(d->node, "noop_with_empty_axes", 0))
		return false;
	for (int i = 0; i < rank; i++)
		ret[i] = all;
	for (size_t k = 0; k < n; k++) {
		int axis;
		if (oqz_axis_resolve(axes[k], rank, false, &axis, NULL) != OQZ_OK)
			return false;
		ret[axis] = true;
	}
	return true;
}

/* The dims in memory order: channels-last puts dimension 1 behind the spatial ones. */
static void memory_order(int rank, bool last, int *order)
{
	int n = 0;

	for (int i = 0; i < rank; i++)
		if (!last || i != 1)
			order[n++] = i;
	if (last)
		order[n++] = 1;
}

/* Reduced dims must be neighbours in memory; dims of one element are nobody's hindrance. */
static bool dense_run(const struct oqz_shape *s, const bool *reduced, const int *order, struct reduce *r)
{
	int phase = 0; /* 0 before, 1 within, 2 behind the reduced dims */

	r->outer = r->n = r->inner = 1;
	for (int k = 0; k < s->rank; k++) {
		int i = order[k];
		if (s->dim[i] == 1)
			continue;
		if (reduced[i] && phase == 2)
			return false;
		phase = reduced[i] ? 1 : phase == 1 ? 2 : phase;
		*(phase == 0 ? &r->outer : phase == 1 ? &r->n : &r->inner) *= s->dim[i];
	}
	return true;
}

static enum oqz_status reduce_create(const struct oqz_step_desc *d, struct oqz_step_choice *ret, char *why,
                                     size_t why_size, struct oqz_err *err)
{
	const struct oqz_shape *s = &d->in_type[0].shape, *o = &d->out_type[0].shape;
	bool reduced[OQZ_MAX_RANK], last = d->in_layout[0] == OQZ_LAYOUT_CHANNELS_LAST && s->rank >= 3;
	int order[OQZ_MAX_RANK];
	struct reduce r = { 0 };

	size_t k = 0;
	while (k < OQZ_COUNTOF(kinds) && strcmp(kinds[k].op, d->node->op_type) != 0)
		k++;
	if (k == OQZ_COUNTOF(kinds) || d->group || d->act || d->in_type[0].dtype != OQZ_DT_F32)
		return oqz_dnnl_decline(why, why_size, "float32 sums, means and extremes only");
	if (s->rank < 1 || oqz_shape_nelem(s) == 0 || !reduced_dims(d, reduced))
		return oqz_dnnl_decline(why, why_size, "an empty tensor, or axes that are not known");
	/* An output of the same rank keeps the layout. Where dims are dropped, it is plain: only the order N, C
	 * remains. */
	bool ok = false;
	if (last && (o->rank == s->rank || oqz_shape_nelem(o) == s->dim[0] * s->dim[1])) {
		memory_order(s->rank, true, order);
		ok = dense_run(s, reduced, order, &r);
	}
	if (ok) {
		ret->in_layout[0] = OQZ_LAYOUT_CHANNELS_LAST;
		ret->out_layout[0] = o->rank == s->rank ? OQZ_LAYOUT_CHANNELS_LAST : OQZ_LAYOUT_PLAIN;
		ok = o->rank == s->rank || (!reduced[0] && !reduced[1]);
	}
	if (!ok) {
		memory_order(s->rank, false, order);
		if (!dense_run(s, reduced, order, &r))
			return oqz_dnnl_decline(why, why_size, "the reduced dimensions are not neighbours in memory");
		ret->in_layout[0] = ret->out_layout[0] = OQZ_LAYOUT_PLAIN;
	}
	struct reduce *state = malloc(sizeof *state);
	if (!state)
		return oqz_err_nomem(err, "a reduction", sizeof *state);
	r.kind = kinds[k].kind;
	*state = r;
	ret->inplace_input = -1;
	strcpy(ret->name, "own.reduce");
	ret->state = state;
	return OQZ_OK;
}

static enum oqz_status reduce_run(const void *state, const struct oqz_step_call *c, struct oqz_err *err)
{
	const struct reduce *r = state;

	oqz_reduce(r->kind, c->in[0]->data, r->outer, r->n, r->inner, c->out[0]->data);
	return OQZ_OK;
}

const struct oqz_impl oqz_impl_dnnl_reduce = { "own.reduce", reduce_create, reduce_run, free };
