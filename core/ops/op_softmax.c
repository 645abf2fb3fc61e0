/* SPDX-License-Identifier: Apache-2.0
 *
 * Softmax, LogSoftmax and Hardmax along one axis; (outer, axis, inner). Older forms that flatten are translated before.
 */
#include "core/ops/op_softmax.h"
#include "core/ops/ops_util.h"
#include "core/tensor/float_bits.h"

#include <stdlib.h>

static const struct oqz_attr_spec softmax_attrs[] = {
	OQZ_A_INT(struct oqz_softmax_params, axis, -1),
	{ .name = NULL },
};

static enum oqz_status infer_softmax(struct oqz_infer *c, struct oqz_err *err)
{
	int rank = oqz_in_rank(c, 0), axis;

	OQZ_TRY(oqz_need_float(c, 0, err));
	if (rank > 0)
		OQZ_TRY(
		    oqz_axis_resolve(OQZ_PARAMS(c->node, struct oqz_softmax_params)->axis, rank, false, &axis, err));
	return oqz_infer_same(c, err);
}

/* n values, `stride` apart; x and y may be the same memory. */
typedef void line_fn(const double *x, double *y, int64_t n, int64_t stride);

static double line_max(const double *x, int64_t n, int64_t stride)
{
	double m = -INFINITY;

	for (int64_t i = 0; i < n; i++)
		m = x[i * stride] > m ? x[i * stride] : m;
	return m;
}

static void softmax_line(const double *x, double *y, int64_t n, int64_t stride)
{
	double m = line_max(x, n, stride), sum = 0;

	for (int64_t i = 0; i < n; i++)
		sum += y[i * stride] = exp(x[i * stride] - m);
	for (int64_t i = 0; i < n; i++)
		y[i * stride] /= sum;
}

static void log_softmax_line(const double *x, double *y, int64_t n, int64_t stride)
{
	double m = line_max(x, n, stride), sum = 0;

	for (int64_t i = 0; i < n; i++)
		sum += exp(x[i * stride] - m);
	for (int64_t i = 0; i < n; i++)
		y[i * stride] = x[i * stride] - m - log(sum);
}

/* 1 at the first of the largest values, else 0. */
static void hardmax_line(const double *x, double *y, int64_t n, int64_t stride)
{
	int64_t best = 0;

	for (int64_t i = 1; i < n; i++)
		if (x[i * stride] > x[best * stride])
			best = i;
	for (int64_t i = 0; i < n; i++)
		y[i * stride] = i == best;
}

static enum oqz_status run_lines(const struct oqz_call *c, line_fn *line, struct oqz_err *err)
{
	const struct oqz_shape *s = &c->in[0]->shape;
	OQZ_CLEANUP_FREE double *x = NULL;
	int axis = 0;

	if (s->rank > 0)
		OQZ_TRY(
		    oqz_axis_resolve(OQZ_PARAMS(c->node, struct oqz_softmax_params)->axis, s->rank, false, &axis, err));
	int64_t n = s->rank ? s->dim[axis] : 1, inner = s->rank ? oqz_shape_span(s, axis + 1, s->rank) : 1;
	int64_t outer = s->rank ? oqz_shape_span(s, 0, axis) : 1;
	OQZ_TRY(oqz_read_f64(c->in[0], &x, err));
	for (int64_t i = 0; i < outer; i++)
		for (int64_t j = 0; j < inner; j++)
			line(x + i * n * inner + j, x + i * n * inner + j, n, inner);
	oqz_write_f64(c->out[0], x);
	return OQZ_OK;
}

static enum oqz_status run_softmax(const struct oqz_call *c, struct oqz_err *err)
{
	return run_lines(c, softmax_line, err);
}

static enum oqz_status run_log_softmax(const struct oqz_call *c, struct oqz_err *err)
{
	return run_lines(c, log_softmax_line, err);
}

/* The first of n numbers that is the given one, which is among them; in pieces, of which a test covers each at once. */
static inline int64_t first_equal(const float *x, int64_t n, float v)
{
	enum { PIECE = 64 };
	int64_t i = 0;

	for (int found = 0; i + PIECE <= n; i += PIECE) {
		for (int k = 0; k < PIECE; k++)
			found |= x[i + k] == v;
		if (found)
			break;
	}
	while (i < n - 1 && x[i] != v)
		i++;
	return i;
}

/* The same for a line of float32 that lies together: the largest number, then where it is first. Nothing is above a NaN
 * in front. */
OQZ_KERNEL static void hardmax_row(const float *x, float *y, int64_t n)
{
	int32_t top = INT32_MIN;

	for (int64_t i = 0; i < n; i++) {
		int32_t order = oqz_float_order(x[i] + 0.0f);
		top = order > top ? order : top;
	}
	memset(y, 0, (size_t)n * sizeof *y);
	y[x[0] != x[0] ? 0 : first_equal(x, n, oqz_order_float(top))] = 1;
}

static enum oqz_status run_hardmax(const struct oqz_call *c, struct oqz_err *err)
{
	const struct oqz_shape *s = &c->in[0]->shape;
	int axis = 0;

	if (s->rank > 0)
		OQZ_TRY(
		    oqz_axis_resolve(OQZ_PARAMS(c->node, struct oqz_softmax_params)->axis, s->rank, false, &axis, err));
	int64_t n = s->rank ? s->dim[axis] : 1, all = oqz_tensor_nelem(c->in[0]);
	if (c->in[0]->dtype == OQZ_DT_F32 && n > 0 && oqz_shape_span(s, axis + 1, s->rank) == 1) {
		for (int64_t at = 0; at < all; at += n)
			hardmax_row((const float *)c->in[0]->data + at, (float *)c->out[0]->data + at, n);
		return OQZ_OK;
	}
	return run_lines(c, hardmax_line, err);
}

const struct oqz_op oqz_ops_softmax[] = {
	{ OQZ_ROW(HARDMAX), OQZ_ROW_PARAMS(struct oqz_softmax_params, softmax_attrs), .infer = infer_softmax,
	  .run = run_hardmax },
	{ OQZ_ROW(LOG_SOFTMAX), OQZ_ROW_PARAMS(struct oqz_softmax_params, softmax_attrs), .infer = infer_softmax,
	  .run = run_log_softmax },
	{ OQZ_ROW(SOFTMAX), OQZ_ROW_PARAMS(struct oqz_softmax_params, softmax_attrs), .infer = infer_softmax,
	  .run = run_softmax },
	{ .name = NULL },
};
