/* SPDX-License-Identifier: Apache-2.0
 *
 * Elementwise operators in float32, with broadcasting, in whatever layout the data arrives: the output takes the layout
 * of the largest input, the loop nest follows the output's memory, and constant operands are laid out in that order
 * once. One pass over the data also applies a fused activation, in blocks that stay in the first-level cache.
 */
#include "core/exec/eltwise_rows.h"
#include "core/exec/impl.h"
#include "core/exec/layout.h"

#include <stdio.h>
#include <string.h>

enum { EW_MAX_IN = 8, EW_BLOCK = 1024 };

struct eltwise {
	int n_in, rank; /* rank: of the loop nest, innermost last */
	int64_t dim[OQZ_MAX_RANK];
	int64_t stride[EW_MAX_IN][OQZ_MAX_RANK]; /* 0: broadcast */
	struct oqz_tensor constant[EW_MAX_IN];   /* in loop order; data NULL: from the call */
	oqz_row1_fn *row1, *act;                 /* row1: of one operand, or what follows row2 */
	oqz_row2_fn *row2;
	struct oqz_row_params p, act_p;
};

static enum oqz_status decline(char *why, size_t size, const char *text)
{
	snprintf(why, size, "%s", text);
	return OQZ_E_UNSUPPORTED;
}

static void eltwise_destroy(void *state)
{
	struct eltwise *e = state;

	for (int i = 0; e && i < EW_MAX_IN; i++)
		oqz_tensor_release(&e->constant[i]);
	free(e);
}

/* Dimensions of the output from the outermost to the innermost in memory. */
static void memory_order(const struct oqz_shape *s, enum oqz_layout layout, int *order)
{
	int n = 0;

	for (int i = 0; i < s->rank; i++)
		if (layout == OQZ_LAYOUT_PLAIN || i != 1)
			order[n++] = i;
	if (layout == OQZ_LAYOUT_CHANNELS_LAST)
		order[n] = 1;
}

/* Channels-last when a full-rank input arrives so and no computed input of lower rank would have to follow. */
static enum oqz_layout pick_layout(const struct oqz_step_desc *d, int n_in)
{
	const struct oqz_shape *out = &d->out_type[0].shape;
	enum oqz_layout layout = OQZ_LAYOUT_PLAIN;

	for (int i = 0; i < n_in; i++) {
		const struct oqz_shape *s = &d->in_type[i].shape;
		if (d->constant[i])
			continue;
		if (s->rank != out->rank && oqz_shape_nelem(s) != 1)
			return OQZ_LAYOUT_PLAIN;
		if (d->in_layout[i] == OQZ_LAYOUT_CHANNELS_LAST && s->rank == out->rank && !oqz_layouts_same(s))
			layout = OQZ_LAYOUT_CHANNELS_LAST;
	}
	return layout;
}

/* Strides of an operand along the output's dimensions, 0 where it is broadcast. */
static void operand_strides(const struct oqz_shape *s, enum oqz_layout layout, const struct oqz_shape *out,
                            int64_t *stride)
{
	int order[OQZ_MAX_RANK], lead = out->rank - s->rank;
	int64_t step = 1;

	memory_order(s, s->rank < 3 ? OQZ_LAYOUT_PLAIN : layout, order);
	memset(stride, 0, sizeof(*stride) * OQZ_MAX_RANK);
	for (int k = s->rank - 1; k >= 0; k--) {
		int dim = order[k];
		if (s->dim[dim] != 1)
			stride[lead + dim] = step;
		step *= s->dim[dim];
	}
}

/* The constant's elements in loop order, broadcast dimensions left out. */
static enum oqz_status pack_constant(struct eltwise *e, int i, const struct oqz_tensor *t, struct oqz_err *err)
{
	struct oqz_shape s = { .rank = 1, .dim = { oqz_tensor_nelem(t) } };
	int64_t at[OQZ_MAX_RANK] = { 0 }, pos = 0;

	OQZ_TRY(oqz_tensor_alloc(&e->constant[i], OQZ_DT_F32, &s, err));
	for (int64_t k = 0; k < s.dim[0]; k++) {
		((float *)e->constant[i].data)[k] = ((const float *)t->data)[pos];
		for (int d = e->rank - 1; d >= 0; d--) {
			if (e->stride[i][d] == 0)
				continue;
			pos += e->stride[i][d];
			if (++at[d] < e->dim[d])
				break;
			pos -= e->stride[i][d] * e->dim[d];
			at[d] = 0;
		}
	}
	int64_t step = 1;
	for (int d = e->rank - 1; d >= 0; d--)
		if (e->stride[i][d]) {
			e->stride[i][d] = step;
			step *= e->dim[d];
		}
	return OQZ_OK;
}

/* Joins neighbouring loops that every operand walks as one. */
static void coalesce(struct eltwise *e)
{
	int n = 0;

	for (int d = 0; d < e->rank; d++) {
		if (e->dim[d] == 1 && e->rank > 1)
			continue;
		bool join = n > 0;
		for (int i = 0; i < e->n_in && join; i++)
			join = e->stride[i][n - 1] == e->stride[i][d] * e->dim[d];
		if (join)
			e->dim[n - 1] *= e->dim[d];
		else
			e->dim[n++] = e->dim[d];
		for (int i = 0; i < e->n_in; i++)
			e->stride[i][n - 1] = e->stride[i][d];
	}
	if (n == 0) { /* a scalar */
		e->dim[0] = 1;
		n = 1;
	}
	e->rank = n;
}

static enum oqz_status plan_loops(struct eltwise *e, const struct oqz_step_desc *d, struct oqz_step_choice *c,
                                  struct oqz_err *err)
{
	const struct oqz_shape *out = &d->out_type[0].shape;
	enum oqz_layout layout = pick_layout(d, e->n_in);
	int order[OQZ_MAX_RANK];
	int64_t stride[OQZ_MAX_RANK];

	memory_order(out, layout, order);
	e->rank = out->rank;
	for (int k = 0; k < out->rank; k++)
		e->dim[k] = out->dim[order[k]];
	for (int i = 0; i < e->n_in; i++) {
		const struct oqz_shape *s = &d->in_type[i].shape;
		enum oqz_layout in = d->constant[i] || s->rank != out->rank ? OQZ_LAYOUT_PLAIN : layout;
		if (!d->constant[i] && oqz_layouts_same(s))
			in = d->in_layout[i];
		c->in_layout[i] = in;
		operand_strides(s, in, out, stride);
		for (int k = 0; k < out->rank; k++)
			e->stride[i][k] = stride[order[k]];
		if (d->constant[i])
			OQZ_TRY(pack_constant(e, i, d->constant[i], err));
		else if (e->n_in <= 2 && oqz_shape_equal(s, out)) { /* folding reads operands again */
			c->inplace_either = c->inplace_input >= 0;
			c->inplace_input = c->inplace_input < 0 ? i : c->inplace_input;
		}
	}
	coalesce(e);
	c->out_layout[0] = layout;
	return OQZ_OK;
}

static bool broadcasts(const struct oqz_shape *s, const struct oqz_shape *out)
{
	for (int i = 1; i <= s->rank && s->rank <= out->rank; i++)
		if (s->dim[s->rank - i] != 1 && s->dim[s->rank - i] != out->dim[out->rank - i])
			return false;
	return s->rank <= out->rank;
}

static enum oqz_status eltwise_create(const struct oqz_step_desc *d, struct oqz_step_choice *ret, char *why,
                                      size_t why_size, struct oqz_err *err)
{
	struct eltwise want = { .n_in = 1 };

	want.row1 = oqz_row1_of(d->node, &want.p);
	if (!want.row1) {
		want.row2 = oqz_row2_of(d->node->op->id);
		want.row1 = oqz_row2_end(d->node->op->id, d->n_in, &want.p);
		want.n_in = d->n_in;
	}
	if (want.row2 ? want.n_in < 2 || want.n_in > EW_MAX_IN : !want.row1)
		return decline(why, why_size, "no row function");
	if (d->act && !(want.act = oqz_row1_of(d->act, &want.act_p)))
		return decline(why, why_size, "no row function for the activation");
	for (int i = 0; i < want.n_in; i++)
		if (d->in_type[i].dtype != OQZ_DT_F32)
			return decline(why, why_size, "not float32");
	for (int i = 0; i < want.n_in; i++)
		if (!broadcasts(&d->in_type[i].shape, &d->out_type[0].shape))
			return decline(why, why_size, "an operand that does not broadcast to the result");
	if (d->out_type[0].dtype != OQZ_DT_F32 || oqz_shape_nelem(&d->out_type[0].shape) == 0)
		return decline(why, why_size, "not float32, or empty");
	struct eltwise *e = malloc(sizeof *e);
	if (!e)
		return oqz_err_nomem(err, "a step", sizeof *e);
	*e = want;
	enum oqz_status st = plan_loops(e, d, ret, err);
	if (st != OQZ_OK) {
		eltwise_destroy(e);
		return st;
	}
	snprintf(ret->name, sizeof ret->name, "own.eltwise");
	for (int i = 0; i < e->n_in && e->rank == 1 && e->n_in <= 2; i++)
		ret->ahead[i] = !e->constant[i].data && e->stride[i][0] == 1;
	ret->ahead_makes = true;
	ret->state = e;
	for (int i = 0; i < e->n_in; i++)
		ret->state_bytes += e->constant[i].data ? oqz_tensor_bytes(&e->constant[i]) : 0;
	return OQZ_OK;
}

/* One row of the innermost loop. */
static void run_row(const struct eltwise *e, const float *const *in, float *y, int64_t n)
{
	int last = e->rank - 1;

	for (int64_t at = 0; at < n; at += EW_BLOCK) {
		size_t m = (size_t)(n - at < EW_BLOCK ? n - at : EW_BLOCK);
		int s0 = (int)e->stride[0][last];
		const float *x = in[0] + at * s0;
		for (int i = 1; i < e->n_in; i++) {
			int si = (int)e->stride[i][last];
			e->row2(x, i == 1 ? s0 : 1, in[i] + at * si, si, y + at, m);
			x = y + at;
		}
		if (e->row1)
			e->row1(x, y + at, m, &e->p);
		if (e->act)
			e->act(y + at, y + at, m, &e->act_p);
	}
}

/* Only where one row is all. */
static void eltwise_ahead(const void *state, const struct oqz_step_call *c, int k, const float *x, size_t first,
                          size_t n)
{
	const struct eltwise *e = state;
	const float *in[EW_MAX_IN];

	for (int i = 0; i < e->n_in; i++)
		in[i] = i == k ? x
		               : (const float *)(e->constant[i].data ? e->constant[i].data : c->in[i]->data) +
		                     (e->stride[i][0] ? first : 0);
	run_row(e, in, (float *)c->out[0]->data + first, (int64_t)n);
}

static enum oqz_status eltwise_run(const void *state, const struct oqz_step_call *c, struct oqz_err *err)
{
	const struct eltwise *e = state;
	const float *in[EW_MAX_IN];
	float *y = c->out[0]->data;
	int64_t at[OQZ_MAX_RANK] = { 0 }, n = e->dim[e->rank - 1];

	if (c->ahead)
		return OQZ_OK;
	for (int i = 0; i < e->n_in; i++)
		in[i] = e->constant[i].data ? e->constant[i].data : c->in[i]->data;
	for (;;) {
		int d = e->rank - 2;
		run_row(e, in, y, n);
		y += n;
		for (; d >= 0; d--) {
			for (int i = 0; i < e->n_in; i++)
				in[i] += e->stride[i][d];
			if (++at[d] < e->dim[d])
				break;
			for (int i = 0; i < e->n_in; i++)
				in[i] -= e->stride[i][d] * e->dim[d];
			at[d] = 0;
		}
		if (d < 0)
			return OQZ_OK;
	}
}

const struct oqz_impl oqz_impl_eltwise = { "own.eltwise", eltwise_create, eltwise_run, eltwise_destroy, eltwise_ahead };
