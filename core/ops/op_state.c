/* SPDX-License-Identifier: Apache-2.0
 *
 * Operators that hand a state from one call to the next as a tensor (operator set 27): CausalConvWithState, a depthwise
 * convolution along time that sees only the past. Here everything is computed in double and rounded once; ONNX's
 * function body rounds before the activation, too.
 */
#include "core/ops/ops_util.h"

#include <stdlib.h>

/* ---- CausalConvWithState ---- */

struct causal_conv {
	const char *activation;
};

static const char *const activations[] = { "none", "silu", "swish", NULL }; /* the last two are one function */

/* input (B, C, L), weight (C, 1, k), bias (C), past_state (B, C, k - 1) -> output (B, C, L), present_state like past.
 */
static enum oqz_status infer_causal_conv(struct oqz_infer *c, struct oqz_err *err)
{
	int64_t batch = OQZ_DIM_UNKNOWN, channels = OQZ_DIM_UNKNOWN, past = OQZ_DIM_UNKNOWN;
	enum oqz_dtype t;

	for (int i = 0; i < 4; i++)
		OQZ_TRY(oqz_need_float(c, i, err));
	OQZ_TRY(oqz_same_dtype(c, 0, 4, &t, err));
	OQZ_TRY(oqz_need_rank(c, 0, 3, 3, err));
	if (oqz_in_rank(c, 0) == 3) {
		batch = c->in[0]->shape.dim[0];
		channels = c->in[0]->shape.dim[1];
	}
	OQZ_TRY(oqz_need_shape(c, 1, 3, (const int64_t[]) { channels, 1, OQZ_DIM_UNKNOWN }, err));
	if (oqz_in_rank(c, 1) == 3 && c->in[1]->shape.dim[2] >= 0) {
		past = c->in[1]->shape.dim[2] - 1;
		if (past < 0)
			OQZ_FAIL(err, OQZ_E_DATA, "a kernel without elements");
	}
	OQZ_TRY(oqz_need_shape(c, 2, 1, (const int64_t[]) { channels }, err));
	OQZ_TRY(oqz_need_shape(c, 3, 3, (const int64_t[]) { batch, channels, past }, err));
	c->out[0] = (struct oqz_type) { t, c->in[0] ? c->in[0]->shape : oqz_shape_unknown(3) };
	c->out[1] = (struct oqz_type) { t, { .rank = 3, .dim = { batch, channels, past } } };
	return OQZ_OK;
}

/* One row, (batch, channel), of the input with its past in front: element t in [-before, length). */
struct row {
	const double *past, *now; /* past NULL: zeros */
	int64_t before;
};

static double at(const struct row *r, int64_t t) { return t >= 0 ? r->now[t] : r->past ? r->past[r->before + t] : 0; }

struct conv_operands {
	double *x, *w, *bias, *past; /* bias and past may be NULL */
	int64_t channels, length, kernel;
};

static void conv_operands_release(struct conv_operands *o)
{
	free(o->x);
	free(o->w);
	free(o->bias);
	free(o->past);
}

static struct row row_of(const struct conv_operands *o, int64_t i)
{
	int64_t before = o->kernel - 1;

	return (struct row) { o->past ? o->past + i * before : NULL, o->x + i * o->length, before };
}

/* Element t of row i, before the activation. */
static double convolve(const struct conv_operands *o, int64_t i, int64_t t)
{
	struct row r = row_of(o, i);
	const double *w = o->w + i % o->channels * o->kernel;
	double sum = o->bias ? o->bias[i % o->channels] : 0;

	for (int64_t j = 0; j < o->kernel; j++)
		sum += w[j] * at(&r, t - r.before + j);
	return sum;
}

static enum oqz_status read_conv(const struct oqz_call *c, struct conv_operands *o, struct oqz_err *err)
{
	o->channels = c->in[0]->shape.dim[1];
	o->length = c->in[0]->shape.dim[2];
	o->kernel = c->in[1]->shape.dim[2];
	OQZ_TRY(oqz_read_f64(c->in[0], &o->x, err));
	OQZ_TRY(oqz_read_f64(c->in[1], &o->w, err));
	if (c->in[2])
		OQZ_TRY(oqz_read_f64(c->in[2], &o->bias, err));
	if (c->in[3])
		OQZ_TRY(oqz_read_f64(c->in[3], &o->past, err));
	return OQZ_OK;
}

static enum oqz_status run_causal_conv(const struct oqz_call *c, struct oqz_err *err)
{
	bool silu = strcmp(OQZ_PARAMS(c->node, struct causal_conv)->activation, "none") != 0;
	OQZ_CLEANUP(conv_operands_release) struct conv_operands o = { 0 };
	struct oqz_tensor *y = c->out[0], *state = c->out[1];

	OQZ_TRY(read_conv(c, &o, err));
	/* By elements, for a tensor without any may have large extents. */
	for (int64_t i = 0, n = oqz_tensor_nelem(y); i < n; i++) {
		double v = convolve(&o, i / o.length, i % o.length);
		oqz_store_f(y->dtype, y->data, (size_t)i, silu ? v / (1 + exp(-v)) : v);
	}
	/* The last kernel - 1 elements of past and input together: still the past's where the input is shorter. */
	for (int64_t i = 0, n = state ? oqz_tensor_nelem(state) : 0; i < n; i++) {
		struct row r = row_of(&o, i / (o.kernel - 1));
		oqz_store_f(state->dtype, state->data, (size_t)i, at(&r, o.length - r.before + i % r.before));
	}
	return OQZ_OK;
}

static const struct oqz_attr_spec causal_conv_attrs[] = {
	OQZ_A_STRING(struct causal_conv, activation, "none", activations),
	{ .name = NULL },
};

const struct oqz_op oqz_ops_state[] = {
	{ OQZ_ROW(CAUSAL_CONV_WITH_STATE), OQZ_ROW_PARAMS(struct causal_conv, causal_conv_attrs),
	  OQZ_ROW_ROLES(OQZ_ROLE_ACTIVATION, OQZ_ROLE_WEIGHT, OQZ_ROLE_BIAS, OQZ_ROLE_ACTIVATION),
	  .infer = infer_causal_conv, .run = run_causal_conv },
	{ .name = NULL },
};
