/* SPDX-License-Identifier: Apache-2.0
 *
 * LSTM, GRU and RNN. The three share everything but one time step: directions, layouts, sequence lengths, initial
 * states, activation functions and clipping. W is (dirs, gates * H, I), R (dirs, gates * H, H), B (dirs, 2 * gates * H)
 * with W's biases before R's; gates stand in the order i o f c (LSTM), z r h (GRU).
 */
#include "core/ops/ops_util.h"

#include <limits.h>
#include <stdlib.h>

struct recurrent_params {
	const char *direction;
	struct oqz_strings activations;
	struct oqz_floats activation_alpha, activation_beta;
	float clip;
	int64_t hidden_size, layout, input_forget, linear_before_reset;
};

static const char *const directions[] = { "forward", "reverse", "bidirectional", NULL };

#define COMMON_ATTRS                                                                                                  \
	OQZ_A_STRING(struct recurrent_params, direction, "forward", directions),                                      \
	    OQZ_A_STRINGS(struct recurrent_params, activations),                                                      \
	    OQZ_A_FLOATS(struct recurrent_params, activation_alpha),                                                  \
	    OQZ_A_FLOATS(struct recurrent_params, activation_beta), OQZ_A_FLOAT(struct recurrent_params, clip, 0.0f), \
	    OQZ_A_INT(struct recurrent_params, hidden_size, 0), OQZ_A_INT(struct recurrent_params, layout, 0)

static const struct oqz_attr_spec rnn_attrs[] = { COMMON_ATTRS, { .name = NULL } };
static const struct oqz_attr_spec gru_attrs[] = {
	COMMON_ATTRS,
	OQZ_A_INT(struct recurrent_params, linear_before_reset, 0),
	{ .name = NULL },
};
static const struct oqz_attr_spec lstm_attrs[] = {
	COMMON_ATTRS,
	OQZ_A_INT(struct recurrent_params, input_forget, 0),
	{ .name = NULL },
};

/* ---- activation functions ---- */

enum { MAX_FUNCTIONS = 3, MAX_DIRS = 2 };

struct activation {
	double (*f)(double x, double alpha, double beta);
	double alpha, beta;
};

#define FUNCTION(name, formula)                                 \
	static double name(double x, double alpha, double beta) \
	{                                                       \
		(void)alpha, (void)beta;                        \
		return formula;                                 \
	}
FUNCTION(relu, x > 0 ? x : 0)
FUNCTION(tanh_of, tanh(x))
FUNCTION(sigmoid, x >= 0 ? 1 / (1 + exp(-x)) : exp(x) / (1 + exp(x)))
FUNCTION(affine, alpha *x + beta)
FUNCTION(leaky_relu, x >= 0 ? x : alpha * x)
FUNCTION(thresholded_relu, x > alpha ? x : 0)
FUNCTION(scaled_tanh, alpha *tanh(beta *x))
FUNCTION(hard_sigmoid, fmin(fmax(alpha *x + beta, 0), 1))
FUNCTION(elu, x >= 0 ? x : alpha * expm1(x))
FUNCTION(softsign, x / (1 + fabs(x)))
FUNCTION(softplus, x > 0 ? x + log1p(exp(-x)) : log1p(exp(x)))

/* Defaults are those of the operators of the same name; a NaN says that the function has no such number. */
static const struct {
	const char *name;
	double (*f)(double, double, double);
	double alpha, beta;
} functions[] = {
	{ "Relu", relu, NAN, NAN },
	{ "Tanh", tanh_of, NAN, NAN },
	{ "Sigmoid", sigmoid, NAN, NAN },
	{ "Affine", affine, 1, 0 },
	{ "LeakyRelu", leaky_relu, 0.01f, NAN },
	{ "ThresholdedRelu", thresholded_relu, 1, NAN },
	{ "ScaledTanh", scaled_tanh, 1, 1 },
	{ "HardSigmoid", hard_sigmoid, 0.2f, 0.5 },
	{ "Elu", elu, 1, NAN },
	{ "Softsign", softsign, NAN, NAN },
	{ "Softplus", softplus, NAN, NAN },
};

static double next_number(const struct oqz_floats *list, size_t *at, double dflt)
{
	return isnan(dflt) || *at >= list->n ? dflt : (double)list->v[(*at)++];
}

/* n functions for each direction. activation_alpha and _beta are used up, in order, by the functions that have them. */
static enum oqz_status find_functions(const struct recurrent_params *p, const char *const *dflt, int n, int dirs,
                                      struct activation act[MAX_DIRS][MAX_FUNCTIONS], struct oqz_err *err)
{
	size_t a = 0, b = 0;

	if (p->activations.v && p->activations.n != (size_t)(n * dirs))
		OQZ_FAIL(err, OQZ_E_DATA, "%zu activations, should be %d", p->activations.n, n * dirs);
	for (int i = 0; i < n * dirs; i++) {
		const char *name = p->activations.v ? p->activations.v[i] : dflt[i % n];
		size_t k = 0;
		while (k < OQZ_COUNTOF(functions) && strcmp(functions[k].name, name) != 0)
			k++;
		if (k == OQZ_COUNTOF(functions))
			OQZ_FAIL(err, OQZ_E_UNSUPPORTED, "activation '%s'", name);
		act[i / n][i % n] =
		    (struct activation) { functions[k].f, next_number(&p->activation_alpha, &a, functions[k].alpha),
			                  next_number(&p->activation_beta, &b, functions[k].beta) };
	}
	return OQZ_OK;
}

/* ---- types ---- */

struct kind {
	int gates, n_functions;
	const char *functions[MAX_FUNCTIONS];
};

static const struct kind rnn_kind = { 1, 1, { "Tanh" } };
static const struct kind gru_kind = { 3, 2, { "Sigmoid", "Tanh" } };
static const struct kind lstm_kind = { 4, 3, { "Sigmoid", "Tanh", "Tanh" } };

static const struct recurrent_params *params(const struct oqz_node *n)
{
	return OQZ_PARAMS(n, struct recurrent_params);
}

static int dirs_of(const struct recurrent_params *p) { return strcmp(p->direction, "bidirectional") == 0 ? 2 : 1; }

static int64_t times(int64_t a, int64_t b) { return a < 0 || b < 0 ? OQZ_DIM_UNKNOWN : a * b; }

static enum oqz_status infer_recurrent(struct oqz_infer *c, const struct kind *k, struct oqz_err *err)
{
	const struct recurrent_params *p = params(c->node);
	struct activation act[MAX_DIRS][MAX_FUNCTIONS];
	int64_t dirs = dirs_of(p), hidden = p->hidden_size, seq = -1, batch = -1, width = -1;
	bool batch_first = p->layout != 0;

	OQZ_TRY(oqz_need_float(c, 0, err));
	OQZ_TRY(find_functions(p, k->functions, k->n_functions, (int)dirs, act, err));
	OQZ_TRY(oqz_need_rank(c, 0, 3, 3, err));
	if (oqz_in_rank(c, 0) == 3) {
		seq = c->in[0]->shape.dim[batch_first];
		batch = c->in[0]->shape.dim[!batch_first];
		width = c->in[0]->shape.dim[2];
	}
	if (hidden <= 0)
		hidden = oqz_in_rank(c, 2) == 3 ? c->in[2]->shape.dim[2] : -1;
	if (hidden > INT_MAX)
		OQZ_FAIL(err, OQZ_E_LIMIT, "hidden_size %lld is too large", (long long)hidden);
	OQZ_TRY(oqz_need_shape(c, 1, 3, (const int64_t[]) { dirs, times(k->gates, hidden), width }, err));
	OQZ_TRY(oqz_need_shape(c, 2, 3, (const int64_t[]) { dirs, times(k->gates, hidden), hidden }, err));
	OQZ_TRY(oqz_need_shape(c, 3, 2, (const int64_t[]) { dirs, times(2 * k->gates, hidden) }, err));
	OQZ_TRY(oqz_need_shape(c, 4, 1, (const int64_t[]) { batch }, err));
	int states = k == &lstm_kind ? 2 : 1;
	for (int i = 5; i < 5 + states; i++)
		OQZ_TRY(oqz_need_shape(
		    c, i, 3, (const int64_t[]) { batch_first ? batch : dirs, batch_first ? dirs : batch, hidden },
		    err));
	if (k == &lstm_kind)
		OQZ_TRY(oqz_need_shape(c, 7, 2, (const int64_t[]) { dirs, times(3, hidden) }, err));

	enum oqz_dtype t = oqz_in_type(c, 0).dtype;
	c->out[0] = (struct oqz_type) { t, { .rank = 4, .dim = { seq, dirs, batch, hidden } } };
	if (batch_first)
		c->out[0].shape = (struct oqz_shape) { .rank = 4, .dim = { batch, seq, dirs, hidden } };
	for (int i = 1; i <= states; i++) {
		c->out[i] = (struct oqz_type) { t, { .rank = 3, .dim = { dirs, batch, hidden } } };
		if (batch_first)
			c->out[i].shape = (struct oqz_shape) { .rank = 3, .dim = { batch, dirs, hidden } };
	}
	return OQZ_OK;
}

static enum oqz_status infer_rnn(struct oqz_infer *c, struct oqz_err *err)
{
	return infer_recurrent(c, &rnn_kind, err);
}
static enum oqz_status infer_gru(struct oqz_infer *c, struct oqz_err *err)
{
	return infer_recurrent(c, &gru_kind, err);
}
static enum oqz_status infer_lstm(struct oqz_infer *c, struct oqz_err *err)
{
	return infer_recurrent(c, &lstm_kind, err);
}

/* ---- one time step ---- */

/* One direction of one call: weights, and work arrays of gates * H. */
struct cell {
	const struct recurrent_params *p;
	const struct activation *act;
	int64_t hidden, width;
	int gates;
	const double *w, *r, *bias, *peephole; /* bias (2 * gates * H) and peephole (3 * H: i o f) may be NULL */
	double *from_x, *from_h;               /* W x + Wb, R h + Rb */
};

static double apply(const struct cell *c, int function, double x)
{
	const struct activation *a = &c->act[function];
	double limit = (double)c->p->clip;

	if (limit > 0)
		x = x > limit ? limit : x < -limit ? -limit : x;
	return a->f(x, a->alpha, a->beta);
}

static void product(double *y, const double *m, const double *x, const double *bias, int64_t rows, int64_t cols)
{
	for (int64_t i = 0; i < rows; i++) {
		double sum = bias ? bias[i] : 0;
		for (int64_t j = 0; j < cols; j++)
			sum += m[i * cols + j] * x[j];
		y[i] = sum;
	}
}

static void gate_sums(const struct cell *c, const double *x, const double *h)
{
	int64_t rows = c->gates * c->hidden;

	product(c->from_x, c->w, x, c->bias, rows, c->width);
	product(c->from_h, c->r, h, c->bias ? c->bias + rows : NULL, rows, c->hidden);
}

/* Each updates h (and the LSTM's cell state s) in place. */
typedef void step_fn(const struct cell *c, const double *x, double *h, double *s);

static void rnn_step(const struct cell *c, const double *x, double *h, double *s)
{
	(void)s;
	gate_sums(c, x, h);
	for (int64_t i = 0; i < c->hidden; i++)
		h[i] = apply(c, 0, c->from_x[i] + c->from_h[i]);
}

static void gru_step(const struct cell *c, const double *x, double *h, double *s)
{
	int64_t n = c->hidden;
	double *z = c->from_x, *r = c->from_x + n, *candidate = c->from_x + 2 * n;

	(void)s;
	gate_sums(c, x, h);
	for (int64_t i = 0; i < n; i++) {
		z[i] = apply(c, 0, z[i] + c->from_h[i]);
		r[i] = apply(c, 0, r[i] + c->from_h[n + i]);
	}
	if (!c->p->linear_before_reset) {  /* R (r * h) instead of r * (R h) */
		double *gated = c->from_h; /* its z and r parts are used up */
		for (int64_t i = 0; i < n; i++)
			gated[i] = r[i] * h[i];
		product(c->from_h + 2 * n, c->r + 2 * n * n, gated, c->bias ? c->bias + 5 * n : NULL, n, n);
	}
	for (int64_t i = 0; i < n; i++) {
		double recurrent = c->from_h[2 * n + i];
		double v = apply(c, 1, candidate[i] + (c->p->linear_before_reset ? r[i] * recurrent : recurrent));
		h[i] = (1 - z[i]) * v + z[i] * h[i];
	}
}

static void lstm_step(const struct cell *c, const double *x, double *h, double *s)
{
	int64_t n = c->hidden;

	gate_sums(c, x, h);
	for (int64_t i = 0; i < n; i++) {
		double g[4], peep[3] = { 0 };
		for (int k = 0; k < 4; k++)
			g[k] = c->from_x[k * n + i] + c->from_h[k * n + i];
		for (int k = 0; k < 3 && c->peephole; k++)
			peep[k] = c->peephole[k * n + i];
		double in = apply(c, 0, g[0] + peep[0] * s[i]);
		double forget = c->p->input_forget ? 1 - in : apply(c, 0, g[2] + peep[2] * s[i]);
		s[i] = forget * s[i] + in * apply(c, 1, g[3]);
		double out = apply(c, 0, g[1] + peep[1] * s[i]);
		/* The clip limits the inputs of the gates' functions, not the cell state's. */
		h[i] = out * c->act[2].f(s[i], c->act[2].alpha, c->act[2].beta);
	}
}

/* ---- sequences ---- */

struct work {
	double *x, *w, *r, *b, *p, *h, *s, *y; /* operands; states (dirs, batch, H) or (batch, dirs, H); output */
	double *from_x, *from_h;
};

static void work_release(struct work *k)
{
	double *const all[] = { k->x, k->w, k->r, k->b, k->p, k->h, k->s, k->y, k->from_x, k->from_h };

	for (size_t i = 0; i < OQZ_COUNTOF(all); i++)
		free(all[i]);
}

static enum oqz_status read_or_zero(const struct oqz_tensor *t, int64_t n, double **ret, struct oqz_err *err)
{
	return t ? oqz_read_f64(t, ret, err) : oqz_new_f64(n, ret, err);
}

struct extents {
	int64_t seq, batch, width, hidden;
	int dirs, gates;
	bool batch_first;
};

static enum oqz_status work_init(struct work *k, const struct oqz_call *c, const struct extents *e, struct oqz_err *err)
{
	/* Operands without elements can still have large extents. */
	const struct oqz_shape y = { .rank = 4, .dim = { e->seq, e->dirs, e->batch, e->hidden } };
	int64_t count;

	OQZ_TRY(oqz_shape_count(&y, &count, err));
	int64_t state = count ? e->dirs * e->batch * e->hidden : 0;
	if (!count && (e->seq == 0 ? e->batch : 0) > INT_MAX)
		OQZ_FAIL(err, OQZ_E_LIMIT, "a batch of %lld sequences", (long long)e->batch);
	OQZ_TRY(oqz_read_f64(c->in[0], &k->x, err));
	OQZ_TRY(oqz_read_f64(c->in[1], &k->w, err));
	OQZ_TRY(oqz_read_f64(c->in[2], &k->r, err));
	if (c->in[3])
		OQZ_TRY(oqz_read_f64(c->in[3], &k->b, err));
	OQZ_TRY(read_or_zero(c->in[5], state, &k->h, err));
	OQZ_TRY(read_or_zero(e->gates == 4 ? c->in[6] : NULL, state, &k->s, err));
	if (e->gates == 4 && c->in[7])
		OQZ_TRY(oqz_read_f64(c->in[7], &k->p, err));
	OQZ_TRY(oqz_new_f64(count, &k->y, err));
	OQZ_TRY(oqz_new_f64(e->gates * e->hidden, &k->from_x, err));
	return oqz_new_f64(e->gates * e->hidden, &k->from_h, err);
}

static enum oqz_status length_of(const struct oqz_call *c, const struct extents *e, int64_t b, int64_t *ret,
                                 struct oqz_err *err)
{
	*ret = e->seq;
	if (!c->in[4])
		return OQZ_OK;
	int64_t n = oqz_load_i(c->in[4]->dtype, c->in[4]->data, (size_t)b);
	if (n < 0 || n > e->seq)
		OQZ_FAIL(err, OQZ_E_DATA, "sequence length %lld of %lld", (long long)n, (long long)e->seq);
	*ret = n;
	return OQZ_OK;
}

/* One sequence in one direction; steps behind its length leave zeros in Y and the last state in Y_h. */
static void run_sequence(const struct cell *cell, const struct work *k, const struct extents *e, int dir, int64_t b,
                         int64_t length, bool reverse, step_fn *step)
{
	int64_t state = (e->batch_first ? b * e->dirs + dir : dir * e->batch + b) * e->hidden;
	double *h = k->h + state, *s = k->s + state;

	for (int64_t i = 0; i < length; i++) {
		int64_t t = reverse ? length - 1 - i : i;
		int64_t x = e->batch_first ? b * e->seq + t : t * e->batch + b;
		int64_t y = e->batch_first ? (b * e->seq + t) * e->dirs + dir : (t * e->dirs + dir) * e->batch + b;
		step(cell, k->x + x * e->width, h, s);
		memcpy(k->y + y * e->hidden, h, (size_t)e->hidden * sizeof *h);
	}
}

static enum oqz_status run_recurrent(const struct oqz_call *c, const struct kind *kind, step_fn *step,
                                     struct oqz_err *err)
{
	const struct recurrent_params *p = params(c->node);
	const struct oqz_shape *x = &c->in[0]->shape, *r = &c->in[2]->shape;
	struct extents e = { .batch_first = p->layout != 0,
		             .width = x->dim[2],
		             .hidden = r->dim[2],
		             .dirs = dirs_of(p),
		             .gates = kind->gates };
	struct activation act[MAX_DIRS][MAX_FUNCTIONS];
	OQZ_CLEANUP(work_release) struct work k = { 0 };

	e.seq = x->dim[e.batch_first];
	e.batch = x->dim[!e.batch_first];
	OQZ_TRY(find_functions(p, kind->functions, kind->n_functions, e.dirs, act, err));
	OQZ_TRY(work_init(&k, c, &e, err));
	int64_t rows = e.gates * e.hidden;
	for (int d = 0; d < e.dirs; d++) {
		struct cell cell = { .p = p,
			             .act = act[d],
			             .hidden = e.hidden,
			             .width = e.width,
			             .gates = e.gates,
			             .w = k.w + d * rows * e.width,
			             .r = k.r + d * rows * e.hidden,
			             .bias = k.b ? k.b + d * 2 * rows : NULL,
			             .peephole = k.p ? k.p + d * 3 * e.hidden : NULL,
			             .from_x = k.from_x,
			             .from_h = k.from_h };
		bool reverse = d == 1 || strcmp(p->direction, "reverse") == 0;
		for (int64_t b = 0; b < e.batch; b++) {
			int64_t length;
			OQZ_TRY(length_of(c, &e, b, &length, err));
			run_sequence(&cell, &k, &e, d, b, length, reverse, step);
		}
	}
	const double *const results[] = { k.y, k.h, k.s };
	for (int i = 0; i < c->n_out; i++)
		if (c->out[i])
			oqz_write_f64(c->out[i], results[i]);
	return OQZ_OK;
}

static enum oqz_status run_rnn(const struct oqz_call *c, struct oqz_err *err)
{
	return run_recurrent(c, &rnn_kind, rnn_step, err);
}

static enum oqz_status run_gru(const struct oqz_call *c, struct oqz_err *err)
{
	return run_recurrent(c, &gru_kind, gru_step, err);
}

static enum oqz_status run_lstm(const struct oqz_call *c, struct oqz_err *err)
{
	return run_recurrent(c, &lstm_kind, lstm_step, err);
}

#define ROLES_5 \
	OQZ_ROLE_ACTIVATION, OQZ_ROLE_WEIGHT, OQZ_ROLE_WEIGHT, OQZ_ROLE_BIAS, OQZ_ROLE_INDEX, OQZ_ROLE_ACTIVATION

const struct oqz_op oqz_ops_recurrent[] = {
	{ OQZ_ROW(GRU), OQZ_ROW_PARAMS(struct recurrent_params, gru_attrs), .infer = infer_gru, .run = run_gru,
	  OQZ_ROW_ROLES(ROLES_5) },
	{ OQZ_ROW(LSTM), OQZ_ROW_PARAMS(struct recurrent_params, lstm_attrs), .infer = infer_lstm, .run = run_lstm,
	  OQZ_ROW_ROLES(ROLES_5, OQZ_ROLE_ACTIVATION, OQZ_ROLE_BIAS) },
	{ OQZ_ROW(RNN), OQZ_ROW_PARAMS(struct recurrent_params, rnn_attrs), .infer = infer_rnn, .run = run_rnn,
	  OQZ_ROW_ROLES(ROLES_5) },
	{ .name = NULL },
};
