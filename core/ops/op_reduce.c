/* SPDX-License-Identifier: Apache-2.0
 *
 * Reductions over axes. One pass for all of them: a row says how an element enters the accumulator and what comes out
 * at the end. Accumulators are double (int64 for integer sums, products and extremes, which must stay exact). The walk
 * goes through the input in memory order and keeps one accumulator per output element, so its cost does not depend on
 * which axes are reduced.
 */
#include "core/ops/ops_util.h"

struct reduce {
	int64_t keepdims, noop_with_empty_axes;
};

enum reduce_step { STEP_SUM, STEP_ABS, STEP_SQUARE, STEP_PROD, STEP_MAX, STEP_MIN, STEP_EXP };
enum reduce_end { END_NONE, END_MEAN, END_SQRT, END_LOG, END_LOG_EXP };

struct reduce_rule {
	enum reduce_step step;
	enum reduce_end end;
};

/* Which dims are reduced: from the axes input, all of them when it is absent or empty (unless no-op is asked for). */
static enum oqz_status axes_mask(const struct oqz_node *n, const int64_t *axes, size_t count, int rank, bool *mask,
                                 struct oqz_err *err)
{
	const struct reduce *p = OQZ_PARAMS(n, struct reduce);

	for (int d = 0; d < rank; d++)
		mask[d] = count == 0 && !p->noop_with_empty_axes;
	for (size_t i = 0; i < count; i++) {
		int axis;

		OQZ_TRY(oqz_axis_resolve(axes[i], rank, false, &axis, err));
		mask[axis] = true;
	}
	return OQZ_OK;
}

static enum oqz_status infer_reduce(struct oqz_infer *c, struct oqz_err *err)
{
	const struct reduce *p = OQZ_PARAMS(c->node, struct reduce);
	const struct oqz_shape *in = &c->in[0]->shape;
	int64_t axes[OQZ_MAX_RANK];
	bool mask[OQZ_MAX_RANK], known;
	size_t n;

	c->out[0].dtype = c->in[0]->dtype;
	OQZ_TRY(oqz_const_ints(c, 1, axes, OQZ_MAX_RANK, &n, &known, err));
	if (in->rank < 0)
		return OQZ_OK;
	if (!known && c->n_in > 1 && c->in[1]) {
		/* With keepdims the rank is known even where the axes are not. */
		if (p->keepdims)
			c->out[0].shape = oqz_shape_unknown(in->rank);
		return OQZ_OK;
	}
	OQZ_TRY(axes_mask(c->node, axes, n, in->rank, mask, err));
	c->out[0].shape = (struct oqz_shape) { 0 };
	for (int d = 0; d < in->rank; d++)
		if (!mask[d] || p->keepdims)
			c->out[0].shape.dim[c->out[0].shape.rank++] = mask[d] ? 1 : in->dim[d];
	return OQZ_OK;
}

/* ---- the walk: for input run r (innermost dimension), where its output starts and whether it moves along ---- */

struct walk {
	int rank;
	int64_t dim[OQZ_MAX_RANK], step[OQZ_MAX_RANK], index[OQZ_MAX_RANK];
	int64_t at; /* output element of the current input element */
};

static void walk_init(struct walk *w, const struct oqz_shape *in, const bool *mask)
{
	int64_t s = 1;

	*w = (struct walk) { .rank = in->rank };
	for (int d = in->rank - 1; d >= 0; d--) {
		w->dim[d] = in->dim[d];
		w->step[d] = mask[d] ? 0 : s;
		if (!mask[d])
			s *= in->dim[d];
	}
}

static void walk_next(struct walk *w)
{
	for (int d = w->rank - 2; d >= 0; d--) {
		w->at += w->step[d];
		if (++w->index[d] < w->dim[d])
			return;
		w->at -= w->step[d] * w->dim[d];
		w->index[d] = 0;
	}
}

static inline double enter_float(enum reduce_step step, double acc, double x, double shift)
{
	switch (step) {
	case STEP_SUM: return acc + x;
	case STEP_ABS: return acc + fabs(x);
	case STEP_SQUARE: return acc + x * x;
	case STEP_PROD: return acc * x;
	case STEP_MAX: return x > acc || x != x ? x : acc;
	case STEP_MIN: return x < acc || x != x ? x : acc;
	case STEP_EXP: return acc + exp(x - shift);
	}
	return acc;
}

static inline int64_t enter_int(enum reduce_step step, int64_t acc, int64_t x)
{
	uint64_t a = (uint64_t)acc, b = (uint64_t)x;

	switch (step) {
	case STEP_SUM: return (int64_t)(a + b);
	case STEP_ABS: return (int64_t)(a + (x < 0 ? 0 - b : b));
	case STEP_SQUARE: return (int64_t)(a + b * b);
	case STEP_PROD: return (int64_t)(a * b);
	case STEP_MAX: return x > acc ? x : acc;
	case STEP_MIN: return x < acc ? x : acc;
	case STEP_EXP: break;
	}
	return acc;
}

static inline double load(enum oqz_dtype t, const void *p, size_t i)
{
	return t == OQZ_DT_F32 ? (double)((const float *)p)[i] : oqz_load_f(t, p, i);
}

/* One body; the callers' constants for `step` and `t` make each loop a specialised one. */
static inline __attribute__((always_inline)) void sweep_body(enum reduce_step step, enum oqz_dtype t,
                                                             const struct oqz_tensor *in, const bool *mask,
                                                             const double *shift, double *acc)
{
	struct walk w;
	int last = in->shape.rank - 1;
	int64_t run = last >= 0 ? in->shape.dim[last] : 1, n = oqz_tensor_nelem(in);
	size_t i = 0;

	walk_init(&w, &in->shape, mask);
	for (; (int64_t)i < n; walk_next(&w)) {
		if (last >= 0 && w.step[last]) {
			for (int64_t j = 0; j < run; j++, i++)
				acc[w.at + j] =
				    enter_float(step, acc[w.at + j], load(t, in->data, i), shift ? shift[w.at + j] : 0);
			continue;
		}
		double a = acc[w.at], s = shift ? shift[w.at] : 0;
		for (int64_t j = 0; j < run; j++, i++)
			a = enter_float(step, a, load(t, in->data, i), s);
		acc[w.at] = a;
	}
}

static void sweep_float(enum reduce_step step, const struct oqz_tensor *in, const bool *mask, const double *shift,
                        double *acc)
{
	if (in->dtype == OQZ_DT_F32 && step == STEP_SUM)
		sweep_body(STEP_SUM, OQZ_DT_F32, in, mask, NULL, acc);
	else if (in->dtype == OQZ_DT_F32 && step == STEP_MAX)
		sweep_body(STEP_MAX, OQZ_DT_F32, in, mask, NULL, acc);
	else if (in->dtype == OQZ_DT_F32 && step == STEP_SQUARE)
		sweep_body(STEP_SQUARE, OQZ_DT_F32, in, mask, NULL, acc);
	else
		sweep_body(step, in->dtype, in, mask, shift, acc);
}

static void fill(double *v, int64_t n, double x)
{
	for (int64_t i = 0; i < n; i++)
		v[i] = x;
}

static double finish(enum reduce_end end, double acc, double count, double shift)
{
	switch (end) {
	case END_NONE: return acc;
	case END_MEAN: return acc / count;
	case END_SQRT: return sqrt(acc);
	case END_LOG: return log(acc);
	case END_LOG_EXP: return log(acc) + shift;
	}
	return acc;
}

static enum oqz_status reduce_floats(const struct oqz_tensor *in, const struct reduce_rule *r, const bool *mask,
                                     struct oqz_tensor *out, struct oqz_err *err)
{
	int64_t n = oqz_tensor_nelem(out);
	double count = n ? (double)oqz_tensor_nelem(in) / (double)n : 0;
	OQZ_CLEANUP_FREE double *acc = NULL;
	OQZ_CLEANUP_FREE double *shift = NULL;

	OQZ_TRY(oqz_new_f64(n, &acc, err));
	if (r->step == STEP_EXP) {
		/* log sum exp(x) = m + log sum exp(x - m), m the largest: no overflow. */
		OQZ_TRY(oqz_new_f64(n, &shift, err));
		fill(shift, n, -INFINITY);
		sweep_float(STEP_MAX, in, mask, NULL, shift);
		for (int64_t i = 0; i < n; i++)
			shift[i] = isinf(shift[i]) ? 0 : shift[i];
	}
	fill(acc, n, r->step == STEP_PROD ? 1 : r->step == STEP_MAX ? -INFINITY : r->step == STEP_MIN ? INFINITY : 0);
	sweep_float(r->step, in, mask, shift, acc);
	for (int64_t i = 0; i < n; i++)
		acc[i] = finish(r->end, acc[i], count, shift ? shift[i] : 0);
	oqz_write_f64(out, acc);
	return OQZ_OK;
}

static enum oqz_status reduce_ints(const struct oqz_tensor *in, const struct reduce_rule *r, const bool *mask,
                                   struct oqz_tensor *out, struct oqz_err *err)
{
	int64_t n = oqz_tensor_nelem(out), total = oqz_tensor_nelem(in), at = 0;
	const struct oqz_dtype_traits *t = oqz_dtype_traits(in->dtype);
	int64_t start = r->step == STEP_PROD ? 1 : r->step == STEP_MAX ? t->min : r->step == STEP_MIN ? t->max : 0;
	int64_t run = in->shape.rank ? in->shape.dim[in->shape.rank - 1] : 1;
	OQZ_CLEANUP_FREE int64_t *acc = malloc((size_t)n * sizeof *acc + 1);
	struct walk w;

	if (!acc)
		return oqz_err_nomem(err, "reduction", (size_t)n * sizeof *acc);
	for (int64_t i = 0; i < n; i++)
		acc[i] = start;
	walk_init(&w, &in->shape, mask);
	for (; at < total; walk_next(&w)) {
		int64_t step = in->shape.rank ? w.step[in->shape.rank - 1] : 0;

		for (int64_t j = 0; j < run; j++, at++) {
			int64_t *a = &acc[w.at + j * step];

			*a = enter_int(r->step, *a, oqz_load_i(in->dtype, in->data, (size_t)at));
		}
	}
	int64_t parts = r->end == END_MEAN && n && total > n ? total / n : 1; /* a mean of nothing is nothing */
	for (int64_t i = 0; i < n; i++)
		oqz_store_i(out->dtype, out->data, (size_t)i, acc[i] / parts);
	return OQZ_OK;
}

static enum oqz_status run_reduce(const struct oqz_call *c, struct oqz_err *err)
{
	const struct reduce_rule *r = c->node->op->formula;
	const struct oqz_tensor *in = c->in[0];
	int64_t axes[OQZ_MAX_RANK];
	bool mask[OQZ_MAX_RANK];
	size_t n = 0;

	if (c->n_in > 1 && c->in[1])
		OQZ_TRY(oqz_read_ints(c->in[1], axes, OQZ_MAX_RANK, &n, err));
	OQZ_TRY(axes_mask(c->node, axes, n, in->shape.rank, mask, err));
	/* Roots and logarithms of integers are reals, truncated when stored. */
	bool real = oqz_dtype_is_float(in->dtype) || r->end == END_SQRT || r->end == END_LOG || r->end == END_LOG_EXP;
	return real ? reduce_floats(in, r, mask, c->out[0], err) : reduce_ints(in, r, mask, c->out[0], err);
}

static const struct oqz_attr_spec reduce_attrs[] = {
	OQZ_A_INT(struct reduce, keepdims, 1),
	OQZ_A_INT(struct reduce, noop_with_empty_axes, 0),
	{ .name = NULL },
};

#define RULE(step, end) (&(const struct reduce_rule) { step, end })
#define ROW(id_, step, end)                                                                                       \
	{                                                                                                         \
		OQZ_ROW(id_), OQZ_ROW_PARAMS(struct reduce, reduce_attrs),                                        \
		    OQZ_ROW_ROLES(OQZ_ROLE_ACTIVATION, OQZ_ROLE_INDEX), .infer = infer_reduce, .run = run_reduce, \
		                                                        .formula = RULE(step, end)                \
	}

const struct oqz_op oqz_ops_reduce[] = {
	ROW(REDUCE_L1, STEP_ABS, END_NONE),
	ROW(REDUCE_L2, STEP_SQUARE, END_SQRT),
	ROW(REDUCE_LOG_SUM, STEP_SUM, END_LOG),
	ROW(REDUCE_LOG_SUM_EXP, STEP_EXP, END_LOG_EXP),
	ROW(REDUCE_MAX, STEP_MAX, END_NONE),
	ROW(REDUCE_MEAN, STEP_SUM, END_MEAN),
	ROW(REDUCE_MIN, STEP_MIN, END_NONE),
	ROW(REDUCE_PROD, STEP_PROD, END_NONE),
	ROW(REDUCE_SUM, STEP_SUM, END_NONE),
	ROW(REDUCE_SUM_SQUARE, STEP_SQUARE, END_NONE),
	{ .name = NULL },
};
