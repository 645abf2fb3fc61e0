/* SPDX-License-Identifier: Apache-2.0
 *
 * GroupNormalization, InstanceNormalization (one channel a group), BatchNormalization of inference (given statistics)
 * and, row by row, RMSNormalization and LpNormalization in float32, in the layout that the data arrives in. Statistics
 * are those of the reference: two passes, sums in double (eight side by side, or one per channel); what remains is one
 * multiplication and one addition per element.
 */
#include "core/base/checked.h"
#include "core/exec/eltwise_rows.h"
#include "core/exec/impl.h"
#include "core/ops/op_norm.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SUMS = 8, BLOCK = 4096 };

struct norm {
	enum { GROUPS, BATCH, RMS, L1, L2 } kind;
	bool last;                               /* channels-last */
	int64_t images, channels, space, groups; /* RMS, L1, L2: images are rows of `space` */
	double epsilon;
	oqz_row1_fn *act; /* BATCH: what follows, or NULL */
	struct oqz_row_params act_p;
};

/* ---- sums ---- */

static double total(const double *s)
{
	double sum = 0;

	for (int i = 0; i < SUMS; i++)
		sum += s[i];
	return sum;
}

OQZ_KERNEL static void sum_row(const float *x, int64_t n, double *s)
{
	int64_t i = 0;

	for (; i + SUMS <= n; i += SUMS)
		for (int k = 0; k < SUMS; k++)
			s[k] += x[i + k];
	for (int k = 0; i < n; i++, k++)
		s[k] += x[i];
}

OQZ_KERNEL static void square_row(const float *x, int64_t n, double mean, double *s)
{
	int64_t i = 0;

	for (; i + SUMS <= n; i += SUMS)
		for (int k = 0; k < SUMS; k++) {
			double d = x[i + k] - mean;
			s[k] += d * d;
		}
	for (int k = 0; i < n; i++, k++) {
		double d = x[i] - mean;
		s[k] += d * d;
	}
}

/* One pixel of channels-last: a sum for each channel. */
OQZ_KERNEL static void sum_pixels(const float *restrict x, int64_t pixels, int64_t channels, double *restrict s)
{
	for (int64_t p = 0; p < pixels; p++, x += channels)
		for (int64_t c = 0; c < channels; c++)
			s[c] += x[c];
}

OQZ_KERNEL static void square_pixels(const float *restrict x, int64_t pixels, int64_t channels,
                                     const double *restrict mean, double *restrict s)
{
	for (int64_t p = 0; p < pixels; p++, x += channels)
		for (int64_t c = 0; c < channels; c++) {
			double d = x[c] - mean[c];
			s[c] += d * d;
		}
}

/* ---- groups of channels ---- */

/* Work memory: by channel the mean and the sums, and what is applied. */
struct work {
	double *mean, *sum;
	float *center, *scale, *shift;
};

static struct work work_at(const struct norm *s, void *scratch)
{
	double *d = scratch;
	float *f = (float *)(d + 2 * s->channels);

	return (struct work) { d, d + s->channels, f, f + s->channels, f + 2 * s->channels };
}

static size_t work_bytes(int64_t channels) { return (size_t)channels * (2 * sizeof(double) + 3 * sizeof(float)); }

/* The sums of a group's channels become their mean, for each of them. */
static void mean_of_groups(const struct norm *s, const double *sum, double *ret)
{
	int64_t per = s->channels / s->groups;

	for (int64_t g = 0; g < s->groups; g++) {
		double all = 0;
		for (int64_t c = 0; c < per; c++)
			all += sum[g * per + c];
		for (int64_t c = 0; c < per; c++)
			ret[g * per + c] = all / (double)(per * s->space);
	}
}

static void channel_sums(const struct norm *s, const float *x, const double *mean, double *sum)
{
	memset(sum, 0, (size_t)s->channels * sizeof *sum);
	if (s->last && mean)
		square_pixels(x, s->space, s->channels, mean, sum);
	else if (s->last)
		sum_pixels(x, s->space, s->channels, sum);
	for (int64_t c = 0; !s->last && c < s->channels; c++) {
		double part[SUMS] = { 0 };
		if (mean)
			square_row(x + c * s->space, s->space, mean[c], part);
		else
			sum_row(x + c * s->space, s->space, part);
		sum[c] = total(part);
	}
}

OQZ_KERNEL static void apply_row(const float *x, float *y, int64_t n, float center, float scale, float shift)
{
	for (int64_t i = 0; i < n; i++)
		y[i] = (x[i] - center) * scale + shift;
}

OQZ_KERNEL static void apply_pixels(const float *x, float *y, int64_t pixels, int64_t channels,
                                    const float *restrict center, const float *restrict scale,
                                    const float *restrict shift)
{
	for (int64_t p = 0; p < pixels; p++, x += channels, y += channels)
		OQZ_IVDEP
	for (int64_t c = 0; c < channels; c++)
		y[c] = (x[c] - center[c]) * scale[c] + shift[c];
}

static void run_image(const struct norm *s, const struct oqz_step_call *c, const float *x, float *y)
{
	const float *scale = c->in[1]->data, *bias = c->in[2]->data;
	int64_t n[2] = { oqz_tensor_nelem(c->in[1]), oqz_tensor_nelem(c->in[2]) };
	struct work w = work_at(s, c->scratch);

	channel_sums(s, x, NULL, w.sum);
	mean_of_groups(s, w.sum, w.mean);
	for (int64_t k = 0; k < s->channels; k++) { /* a double in two floats */
		w.center[k] = (float)w.mean[k];
		w.shift[k] = (float)(w.mean[k] - (double)w.center[k]);
	}
	channel_sums(s, x, w.mean, w.sum);
	mean_of_groups(s, w.sum, w.mean); /* now the variance */
	for (int64_t k = 0; k < s->channels; k++) {
		double a = scale[k * n[0] / s->channels] / sqrt(w.mean[k] + s->epsilon);
		w.scale[k] = (float)a;
		w.shift[k] = (float)(bias[k * n[1] / s->channels] - w.shift[k] * a);
	}
	if (s->last)
		apply_pixels(x, y, s->space, s->channels, w.center, w.scale, w.shift);
	for (int64_t k = 0; !s->last && k < s->channels; k++)
		apply_row(x + k * s->space, y + k * s->space, s->space, w.center[k], w.scale[k], w.shift[k]);
}

/* ---- rows ---- */

OQZ_KERNEL static void scale_row(const float *x, float *y, int64_t n, float inverse, const float *restrict scale)
{
	OQZ_IVDEP
	for (int64_t i = 0; i < n; i++)
		y[i] = x[i] * inverse * scale[i];
}

static void run_row(const struct norm *s, const float *scale, const float *x, float *y)
{
	double part[SUMS] = { 0 };

	square_row(x, s->space, 0, part);
	scale_row(x, y, s->space, (float)(1 / sqrt(total(part) / (double)s->space + s->epsilon)), scale);
}

OQZ_KERNEL static void absolute_row(const float *x, int64_t n, double *s)
{
	int64_t i = 0;

	for (; i + SUMS <= n; i += SUMS)
		for (int k = 0; k < SUMS; k++)
			s[k] += fabsf(x[i + k]);
	for (int k = 0; i < n; i++, k++)
		s[k] += fabsf(x[i]);
}

OQZ_KERNEL static void multiply_row(const float *x, float *y, int64_t n, float by)
{
	OQZ_IVDEP for (int64_t i = 0; i < n; i++) y[i] = x[i] * by;
}

/* A row whose norm has no inverse in float32 is divided; one of zeros stays one, as in the reference. */
static void run_lp(const struct norm *s, const float *x, float *y)
{
	double part[SUMS] = { 0 };

	if (s->kind == L1)
		absolute_row(x, s->space, part);
	else
		square_row(x, s->space, 0, part);
	double norm = s->kind == L1 ? total(part) : sqrt(total(part));
	if (norm > 1e-37 && norm < 1e37)
		multiply_row(x, y, s->space, (float)(1 / norm));
	else
		for (int64_t i = 0; i < s->space; i++)
			y[i] = (float)(norm == 0 ? x[i] : x[i] / norm);
}

/* ---- given statistics ---- */

/* In blocks that stay in the cache for what follows. */
static void apply_block(const struct norm *s, const struct work *w, int64_t channel, const float *x, float *y,
                        int64_t n)
{
	if (s->last)
		apply_pixels(x, y, n / s->channels, s->channels, w->center, w->scale, w->shift);
	else
		apply_row(x, y, n, w->center[channel], w->scale[channel], w->shift[channel]);
	if (s->act)
		s->act(y, y, (size_t)n, &s->act_p);
}

/* in: x, scale, bias, mean, variance */
static void run_batch(const struct norm *s, const struct oqz_step_call *c, const float *x, float *y)
{
	const float *scale = c->in[1]->data, *bias = c->in[2]->data, *mean = c->in[3]->data, *var = c->in[4]->data;
	int64_t total = s->images * s->channels * s->space, run = s->last ? total : s->space;
	int64_t block = s->last ? (s->channels < BLOCK ? BLOCK / s->channels : 1) * s->channels : BLOCK;
	struct work w = work_at(s, c->scratch);

	for (int64_t k = 0; k < s->channels; k++) {
		w.center[k] = mean[k];
		w.scale[k] = (float)(scale[k] / sqrt(var[k] + s->epsilon));
		w.shift[k] = bias[k];
	}
	for (int64_t r = 0; r < total; r += run)
		for (int64_t at = r; at < r + run; at += block)
			apply_block(s, &w, r / s->space % s->channels, x + at, y + at,
			            r + run - at < block ? r + run - at : block);
}

static enum oqz_status norm_run(const void *state, const struct oqz_step_call *c, struct oqz_err *err)
{
	const struct norm *s = state;
	const float *x = c->in[0]->data;
	float *y = c->out[0]->data;
	int64_t size = s->channels * s->space;

	if (s->kind == BATCH)
		run_batch(s, c, x, y);
	for (int64_t i = 0; s->kind != BATCH && i < s->images; i++, x += size, y += size)
		if (s->kind == RMS)
			run_row(s, c->in[1]->data, x, y);
		else if (s->kind == GROUPS)
			run_image(s, c, x, y);
		else
			run_lp(s, x, y);
	return OQZ_OK;
}

/* ---- planning ---- */

/* The scale has x's dimensions from `axis` on, and nothing else. */
static bool is_trailing(const struct oqz_shape *scale, const struct oqz_shape *x, int axis)
{
	for (int i = 1; i <= scale->rank || i <= x->rank - axis; i++) {
		int64_t have = i <= scale->rank ? scale->dim[scale->rank - i] : 1;
		int64_t want = i <= x->rank - axis ? x->dim[x->rank - i] : 1;
		if (have != want)
			return false;
	}
	return true;
}

static const char *refuse(const struct oqz_step_desc *d, struct norm *s)
{
	if (d->group || d->n_out != 1 || oqz_shape_nelem(&d->in_type[0].shape) == 0)
		return "one output of a tensor that is not empty";
	for (int i = 0; i < d->n_in; i++)
		if (d->in_type[i].dtype != OQZ_DT_F32)
			return "float32 only";
	if (oqz_node_int(d->node, "training_mode", 0))
		return "training mode";
	if (d->act && (s->kind != BATCH || !(s->act = oqz_row1_of(d->act, &s->act_p))))
		return "an activation";
	return oqz_node_int(d->node, "stash_type", OQZ_DT_F32) != OQZ_DT_F32 ? "statistics in another type" : NULL;
}

static int kind_of(const struct oqz_node *n)
{
	switch (n->op->id) {
	case OQZ_OP_BATCH_NORMALIZATION: return BATCH;
	case OQZ_OP_RMS_NORMALIZATION: return RMS;
	case OQZ_OP_LP_NORMALIZATION: return OQZ_PARAMS(n, struct oqz_lp_norm_params)->p == 1 ? L1 : L2;
	default: return GROUPS;
	}
}

/* Rows are the dimensions from the node's axis on (RMS), or its axis alone. */
static const char *plan_rows(struct norm *s, const struct oqz_step_desc *d, int axis)
{
	const struct oqz_shape *x = &d->in_type[0].shape;
	bool last = d->in_layout[0] == OQZ_LAYOUT_CHANNELS_LAST;

	s->channels = 1;
	if (s->kind == RMS) {
		s->space = oqz_shape_span(x, axis, x->rank);
		s->images = oqz_shape_span(x, 0, axis);
		return is_trailing(&d->in_type[1].shape, x, axis) ? NULL
		                                                  : "a scale of another shape than what is normalized";
	}
	s->space = x->dim[axis];
	s->images = oqz_shape_nelem(x) / s->space;
	s->last = last && axis == 1;
	return s->last || oqz_shape_span(x, axis + 1, x->rank) == 1 ? NULL : "an axis that is not the innermost";
}

static void plan_channels(struct norm *s, const struct oqz_step_desc *d)
{
	const struct oqz_shape *x = &d->in_type[0].shape;

	s->images = x->dim[0];
	s->channels = x->dim[1];
	s->space = oqz_shape_span(x, 2, x->rank);
	s->last = d->in_layout[0] == OQZ_LAYOUT_CHANNELS_LAST || (s->kind == BATCH && s->space == 1);
	s->groups =
	    d->node->op->id == OQZ_OP_INSTANCE_NORMALIZATION ? s->channels : oqz_node_int(d->node, "num_groups", 1);
}

static enum oqz_status norm_create(const struct oqz_step_desc *d, struct oqz_step_choice *ret, char *why,
                                   size_t why_size, struct oqz_err *err)
{
	struct norm s = { .kind = kind_of(d->node), .epsilon = (double)oqz_node_float(d->node, "epsilon", 1e-5f) },
	            *state;
	bool rows = s.kind != GROUPS && s.kind != BATCH;
	const char *reason = refuse(d, &s);
	int axis;

	if (!reason && rows) {
		OQZ_TRY(
		    oqz_axis_resolve(oqz_node_int(d->node, "axis", -1), d->in_type[0].shape.rank, false, &axis, err));
		reason = plan_rows(&s, d, axis);
	} else if (!reason) {
		plan_channels(&s, d);
	}
	if (reason) {
		snprintf(why, why_size, "%s", reason);
		return OQZ_E_UNSUPPORTED;
	}
	if (!(state = malloc(sizeof *state)))
		return oqz_err_nomem(err, "a step", sizeof *state);
	*state = s;
	ret->in_layout[0] = ret->out_layout[0] = s.last ? d->in_layout[0] : OQZ_LAYOUT_PLAIN;
	ret->inplace_input = 0;
	ret->scratch_bytes = rows ? 0 : oqz_align_up(work_bytes(s.channels), 64);
	for (int i = 0; i < d->n_in; i++)
		ret->uses_constant[i] = true;
	snprintf(ret->name, sizeof ret->name, "own.norm");
	ret->state = state;
	return OQZ_OK;
}

const struct oqz_impl oqz_impl_norm = { "own.norm", norm_create, norm_run, free };
