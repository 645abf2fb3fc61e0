/* SPDX-License-Identifier: Apache-2.0
 *
 * Softmax and LogSoftmax in float32 along any axis, in the layout that the data arrives in: memory is seen as (outer,
 * n, inner). Where the axis is innermost a row is a line of memory (softmax_rows.h); elsewhere a strip of neighbouring
 * lines is worked on side by side.
 */
#include "core/exec/impl.h"
#include "core/exec/softmax_rows.h"
#include "core/exec/vmath.h"
#include "core/ops/op_softmax.h"

#include <stdio.h>

enum { STRIP = 256 };

struct softmax {
	bool log;
	int64_t outer, n, inner;
};

/* ---- rows ---- */

OQZ_KERNEL static void subtract_both(const float *x, float *y, int64_t n, float a, float b)
{
	OQZ_IVDEP for (int64_t i = 0; i < n; i++) y[i] = (x[i] - a) - b;
}

static void log_softmax_row(const float *x, float *y, int64_t n)
{
	float e[STRIP], top = oqz_row_largest(x, n);
	double sum = 0;

	for (int64_t at = 0; at < n; at += STRIP) {
		int64_t m = n - at < STRIP ? n - at : STRIP;
		oqz_row_exp(x + at, top, e, m);
		sum += oqz_row_sum(e, m);
	}
	subtract_both(x, y, n, top, (float)log(sum));
}

/* ---- strips ---- */

/* Element k of `lines` lines: what it adds to their sums, and what stands in its place until they are known. x may be
 * y.
 */
VM_INLINE void add_either(bool fused, bool log_too, const float *x, float *y, const float *restrict top,
                          double *restrict sum, int64_t lines)
{
	OQZ_IVDEP for (int64_t i = 0; i < lines; i++)
	{
		float v = x[i] - top[i], e = vm_exp_upto0(fused, v);
		y[i] = log_too ? v : e;
		sum[i] += (double)e;
	}
}

/* Which of both is a constant in either loop: a choice in each element would not be vector code. */
VM_INLINE void add_elements_body(bool fused, bool log_too, const float *x, float *y, const float *restrict top,
                                 double *restrict sum, int64_t lines)
{
	if (log_too)
		add_either(fused, true, x, y, top, sum, lines);
	else
		add_either(fused, false, x, y, top, sum, lines);
}
OQZ_KERNEL_FMA(static, add_elements,
               (bool log_too, const float *x, float *y, const float *restrict top, double *restrict sum, int64_t lines),
               log_too, x, y, top, sum, lines)

/* `lines` lines side by side, elements of a line `step` apart. */
OQZ_KERNEL static void run_strip(bool log_too, const float *x, float *y, int64_t n, int64_t step, int64_t lines)
{
	float top[STRIP], end[STRIP];
	double sum[STRIP] = { 0 };

	for (int64_t i = 0; i < lines; i++)
		top[i] = -INFINITY;
	for (int64_t k = 0; k < n; k++)
		for (int64_t i = 0; i < lines; i++)
			top[i] = x[k * step + i] > top[i] ? x[k * step + i] : top[i];
	for (int64_t k = 0; k < n; k++)
		add_elements(log_too, x + k * step, y + k * step, top, sum, lines);
	for (int64_t i = 0; i < lines; i++)
		end[i] = (float)(log_too ? log(sum[i]) : 1 / sum[i]);
	for (int64_t k = 0; k < n; k++)
		OQZ_IVDEP
	for (int64_t i = 0; i < lines; i++)
		y[k * step + i] = log_too ? y[k * step + i] - end[i] : y[k * step + i] * end[i];
}

static enum oqz_status softmax_run(const void *state, const struct oqz_step_call *c, struct oqz_err *err)
{
	const struct softmax *s = state;
	const float *x = c->in[0]->data;
	float *y = c->out[0]->data;

	if (s->inner == 1) {
		if (!s->log)
			oqz_row_softmax(x, y, s->outer, s->n);
		for (int64_t r = 0; s->log && r < s->outer; r++)
			log_softmax_row(x + r * s->n, y + r * s->n, s->n);
		return OQZ_OK;
	}
	for (int64_t o = 0; o < s->outer; o++)
		for (int64_t i = 0; i < s->inner; i += STRIP) {
			int64_t at = o * s->n * s->inner + i;
			run_strip(s->log, x + at, y + at, s->n, s->inner, s->inner - i < STRIP ? s->inner - i : STRIP);
		}
	return OQZ_OK;
}

/* ---- planning ---- */

static enum oqz_status softmax_create(const struct oqz_step_desc *d, struct oqz_step_choice *ret, char *why,
                                      size_t why_size, struct oqz_err *err)
{
	const struct oqz_shape *s = &d->in_type[0].shape;
	enum oqz_layout layout = s->rank >= 3 ? d->in_layout[0] : OQZ_LAYOUT_PLAIN;
	bool last = layout == OQZ_LAYOUT_CHANNELS_LAST;
	int axis;

	if (d->group || d->act || d->in_type[0].dtype != OQZ_DT_F32 || s->rank < 1 || oqz_shape_nelem(s) == 0) {
		snprintf(why, why_size, "float32 only, not empty");
		return OQZ_E_UNSUPPORTED;
	}
	OQZ_TRY(oqz_axis_resolve(OQZ_PARAMS(d->node, struct oqz_softmax_params)->axis, s->rank, false, &axis, err));
	struct softmax *state = malloc(sizeof *state);
	if (!state)
		return oqz_err_nomem(err, "a step", sizeof *state);
	*state = (struct softmax) { .log = d->node->op->id == OQZ_OP_LOG_SOFTMAX, .n = s->dim[axis] };
	state->inner = last && axis == 1 ? 1 : oqz_shape_span(s, axis + 1, s->rank) * (last && axis ? s->dim[1] : 1);
	state->outer = oqz_shape_nelem(s) / (state->n * state->inner);
	ret->inplace_input = 0;
	ret->in_layout[0] = ret->out_layout[0] = layout;
	snprintf(ret->name, sizeof ret->name, "own.softmax");
	ret->state = state;
	return OQZ_OK;
}

const struct oqz_impl oqz_impl_softmax = { "own.softmax", softmax_create, softmax_run, free };
