/* SPDX-License-Identifier: Apache-2.0
 *
 * LSTM, GRU and RNN in float32 with the standard activations and constant weights (text recognition heads). The gates
 * of all time steps are one matrix product, done before the recurrence. Weights are packed in panels of columns; four
 * rows of a panel's sums are kept in registers. The three operators differ in one time step. What is unusual goes to
 * the reference.
 */
#include "core/base/checked.h"
#include "core/exec/program.h"
#include "core/exec/vmath.h"

#include <stdio.h>
#include <string.h>

/* A panel of weights: PANEL columns side by side, one input after the other. */
enum { LANES = 16, PANEL_VECS = 4, PANEL = LANES * PANEL_VECS, PRODUCT_ROWS = 4 };
typedef float vec __attribute__((vector_size(LANES * sizeof(float)), aligned(4), may_alias));

struct recurrent;
/* One time step of one direction: h and the LSTM's cell state (n, H) go on by one; `gates` (n, gates * H) hold the
 * inputs' and biases' part; `rest` is work memory of 2 * (n, H). */
typedef void step_fn(const struct recurrent *s, int dir, float *gates, float *h, float *c, float *rest);

struct recurrent {
	int64_t t, n, in, h;
	int gates, dirs, n_out;
	bool reverse; /* of the only direction; of two, the second is */
	bool linear;  /* GRU: linear_before_reset */
	struct panels {
		int64_t k, n; /* inputs, outputs */
		float *data;  /* by direction, panels of (k, PANEL), the last filled up with zeros */
	} w, r, candidate;    /* of the input; of the state; of GRU's state for the candidate, which r leaves out */
	float *b;             /* (dirs, gates * H) */
	float *rb;            /* (dirs, H): GRU's bias within the reset, when it is linear */
	bool state[2];        /* initial states are inputs 5 and 6 */
	step_fn *step;
};

static step_fn gru_step;

static void recurrent_destroy(void *state)
{
	struct recurrent *s = state;

	if (s) {
		free(s->w.data);
		free(s->r.data);
		free(s->candidate.data);
		free(s->b);
		free(s->rb);
	}
	free(s);
}

static bool attr_set(const struct oqz_step_desc *d, const char *name)
{
	const struct oqz_attr *a = oqz_node_attr(d->node, name);

	return a && a->i;
}

static const char *refuse(const struct oqz_step_desc *d)
{
	static const char *const unusual[] = { "activations", "activation_alpha", "activation_beta", "clip" };

	for (size_t i = 0; i < OQZ_COUNTOF(unusual); i++)
		if (oqz_node_attr(d->node, unusual[i]))
			return "activations of its own";
	if (attr_set(d, "layout") || attr_set(d, "input_forget"))
		return "an unusual form";
	for (int i = 0; i < d->n_in; i++)
		if (oqz_step_has(d, i) && d->in_type[i].dtype != OQZ_DT_F32)
			return "not float32, or lengths";
	if (oqz_step_has(d, 4) || oqz_step_has(d, 7) || !d->constant[1] || !d->constant[2] ||
	    (oqz_step_has(d, 3) && !d->constant[3]))
		return "lengths, peepholes, or weights that are not constant";
	return d->act || oqz_shape_nelem(&d->in_type[0].shape) == 0 || oqz_shape_nelem(&d->in_type[2].shape) == 0
	           ? "an empty tensor"
	           : NULL;
}

static int64_t panels_size(const struct panels *p) { return (p->n + PANEL - 1) / PANEL * PANEL * p->k; }

/* Rows [first, first + n) of the `rows` that each direction of the operand (dirs, rows, k) has. */
static enum oqz_status pack_panels(struct panels *p, const struct oqz_tensor *t, int dirs, int64_t first, int64_t n,
                                   size_t *bytes, struct oqz_err *err)
{
	int64_t rows = t->shape.dim[1], k = t->shape.dim[2];

	*p = (struct panels) { .k = k, .n = n };
	p->data = calloc((size_t)(dirs * panels_size(p)) + 1, sizeof(float));
	*bytes += (size_t)(dirs * panels_size(p)) * sizeof(float);
	if (!p->data)
		return oqz_err_nomem(err, "weights", *bytes);
	for (int d = 0; d < dirs; d++) {
		const float *from = (const float *)t->data + (d * rows + first) * k;
		float *to = p->data + d * panels_size(p);
		for (int64_t i = 0; i < n; i++)
			for (int64_t j = 0; j < k; j++)
				to[(i / PANEL * k + j) * PANEL + i % PANEL] = from[i * k + j];
	}
	return OQZ_OK;
}

/* Both biases of a gate are added to the input's part, but for the one that GRU's reset multiplies. */
static void pack_biases(struct recurrent *s, const float *b)
{
	int64_t g = s->gates * s->h;

	for (int k = 0; k < s->dirs; k++, b += 2 * g) {
		for (int64_t i = 0; i < g; i++)
			s->b[k * g + i] = s->linear && i >= 2 * s->h ? b[i] : b[i] + b[g + i];
		if (s->linear)
			memcpy(s->rb + k * s->h, b + g + 2 * s->h, (size_t)s->h * sizeof *b);
	}
}

static enum oqz_status pack(struct recurrent *s, const struct oqz_step_desc *d, size_t *bytes, struct oqz_err *err)
{
	int64_t g = s->gates * s->h, split = s->step == gru_step ? 2 * s->h : g;
	size_t nb = (size_t)(s->dirs * g);

	OQZ_TRY(pack_panels(&s->w, d->constant[1], s->dirs, 0, g, bytes, err));
	OQZ_TRY(pack_panels(&s->r, d->constant[2], s->dirs, 0, split, bytes, err));
	OQZ_TRY(pack_panels(&s->candidate, d->constant[2], s->dirs, split, g - split, bytes, err));
	s->b = calloc(nb, sizeof(float));
	s->rb = calloc((size_t)(s->dirs * s->h), sizeof(float));
	*bytes += nb * sizeof(float);
	if (!s->b || !s->rb)
		return oqz_err_nomem(err, "weights", *bytes);
	if (oqz_step_has(d, 3))
		pack_biases(s, d->constant[3]->data);
	return OQZ_OK;
}

/* `rows` (a constant) rows of one panel: y, whose rows are ldy apart, += x (rows, k) times the panel, `cols` columns.
 */
static inline __attribute__((always_inline)) void add_panel(const float *x, const float *w, float *y, int rows,
                                                            int64_t k, int64_t ldy, int64_t cols)
{
	vec sum[PRODUCT_ROWS][PANEL_VECS] = { 0 };

	for (int64_t j = 0; j < k; j++, w += PANEL)
#pragma GCC unroll 4
		for (int r = 0; r < rows; r++)
#pragma GCC unroll 4
			for (int v = 0; v < PANEL_VECS; v++)
				sum[r][v] += x[r * k + j] * ((const vec *)w)[v];
	for (int r = 0; r < rows; r++) {
		float part[PANEL];
		memcpy(part, sum[r], sizeof part);
		for (int64_t c = 0; c < cols; c++)
			y[r * ldy + c] += part[c];
	}
}

/* y (rows, n) += x (rows, k) times direction `dir` of the weights; rows of y are ldy apart. A panel stays in the cache
 * for all rows. */
OQZ_KERNEL static void add_product(const struct panels *p, int dir, const float *x, float *y, int64_t rows, int64_t ldy)
{
	const float *w = p->data + dir * panels_size(p);

	for (int64_t c = 0; c < p->n; c += PANEL, w += PANEL * p->k) {
		int64_t cols = p->n - c < PANEL ? p->n - c : PANEL, i = 0;
		for (; i + PRODUCT_ROWS <= rows; i += PRODUCT_ROWS)
			add_panel(x + i * p->k, w, y + i * ldy + c, PRODUCT_ROWS, p->k, ldy, cols);
		for (; i < rows; i++)
			add_panel(x + i * p->k, w, y + i * ldy + c, 1, p->k, ldy, cols);
	}
}

/* Gates stand as i, o, f, c. */
OQZ_KERNEL static void lstm_cell(const float *restrict g, float *restrict c, float *restrict h, int64_t n)
{
	for (int64_t k = 0; k < n; k++) {
		float i = vm_sigmoid(g[k]), o = vm_sigmoid(g[n + k]), f = vm_sigmoid(g[2 * n + k]),
		      z = vm_tanh(g[3 * n + k]);
		float v = f * c[k] + i * z;
		c[k] = v;
		h[k] = o * vm_tanh(v);
	}
}

static void lstm_step(const struct recurrent *s, int dir, float *gates, float *h, float *c, float *rest)
{
	int64_t g = 4 * s->h;

	add_product(&s->r, dir, h, gates, s->n, g);
	for (int64_t n = 0; n < s->n; n++)
		lstm_cell(gates + n * g, c + n * s->h, h + n * s->h, s->h);
}

OQZ_KERNEL static void rnn_cell(const float *restrict g, float *restrict h, int64_t n)
{
	for (int64_t k = 0; k < n; k++)
		h[k] = vm_tanh(g[k]);
}

static void rnn_step(const struct recurrent *s, int dir, float *gates, float *h, float *c, float *rest)
{
	add_product(&s->r, dir, h, gates, s->n, s->h);
	rnn_cell(gates, h, s->n * s->h);
}

/* The gates z and r of one row; r * h when the reset comes before the product. */
OQZ_KERNEL static void gru_gates(float *restrict g, const float *restrict h, float *restrict gated, int64_t n)
{
	for (int64_t k = 0; k < n; k++) {
		float r = vm_sigmoid(g[n + k]);
		g[k] = vm_sigmoid(g[k]);
		g[n + k] = r;
		gated[k] = r * h[k];
	}
}

/* g: z, r, and the candidate's sums; inside: R h + Rb, which the reset multiplies, or NULL: it is in the sums. */
OQZ_KERNEL static void gru_cell(const float *restrict g, const float *restrict inside, float *restrict h, int64_t n)
{
	for (int64_t k = 0; k < n; k++) {
		float z = g[k], v = vm_tanh(g[2 * n + k] + (inside ? g[n + k] * inside[k] : 0.0f));
		h[k] = (1.0f - z) * v + z * h[k];
	}
}

static void gru_step(const struct recurrent *s, int dir, float *gates, float *h, float *c, float *rest)
{
	int64_t n = s->h, g = 3 * n;
	float *gated = rest, *inside = rest + s->n * n;

	add_product(&s->r, dir, h, gates, s->n, g);
	for (int64_t i = 0; i < s->n; i++)
		gru_gates(gates + i * g, h + i * n, gated + i * n, n);
	if (s->linear) {
		for (int64_t i = 0; i < s->n; i++)
			memcpy(inside + i * n, s->rb + dir * n, (size_t)n * sizeof *inside);
		add_product(&s->candidate, dir, h, inside, s->n, n);
	} else {
		add_product(&s->candidate, dir, gated, gates + 2 * n, s->n, g);
	}
	for (int64_t i = 0; i < s->n; i++)
		gru_cell(gates + i * g, s->linear ? inside + i * n : NULL, h + i * n, n);
}

static void start(float *state, const struct oqz_tensor *from, int dir, int64_t count)
{
	if (from)
		memcpy(state, (const float *)from->data + dir * count, (size_t)count * sizeof *state);
	else
		memset(state, 0, (size_t)count * sizeof *state);
}

static void finish(const struct oqz_tensor *to, const float *state, int dir, int64_t count)
{
	if (to)
		memcpy((float *)to->data + dir * count, state, (size_t)count * sizeof *state);
}

static void run_direction(const struct recurrent *s, const struct oqz_step_call *call, int dir)
{
	int64_t g = s->gates * s->h, nh = s->n * s->h;
	float *gates = call->scratch, *h = gates + s->t * s->n * g, *c = h + nh;
	bool reverse = dir == 1 || s->reverse;
	float *y = call->out[0] ? call->out[0]->data : NULL;

	for (int64_t i = 0; i < s->t * s->n; i++)
		memcpy(gates + i * g, s->b + dir * g, (size_t)g * sizeof(float));
	add_product(&s->w, dir, call->in[0]->data, gates, s->t * s->n, g);
	start(h, s->state[0] ? call->in[5] : NULL, dir, nh);
	start(c, s->state[1] ? call->in[6] : NULL, dir, nh);
	for (int64_t k = 0; k < s->t; k++) {
		int64_t t = reverse ? s->t - 1 - k : k;
		s->step(s, dir, gates + t * s->n * g, h, c, c + nh);
		if (y) /* (T, dirs, N, H) */
			memcpy(y + (t * s->dirs + dir) * nh, h, (size_t)nh * sizeof(float));
	}
	finish(s->n_out > 1 ? call->out[1] : NULL, h, dir, nh);
	finish(s->n_out > 2 ? call->out[2] : NULL, c, dir, nh);
}

static enum oqz_status recurrent_run(const void *state, const struct oqz_step_call *c, struct oqz_err *err)
{
	const struct recurrent *s = state;

	for (int dir = 0; dir < s->dirs; dir++)
		run_direction(s, c, dir);
	return OQZ_OK;
}

static void set_kind(struct recurrent *s, const struct oqz_step_desc *d)
{
	switch (d->node->op->id) {
	case OQZ_OP_LSTM:
		s->gates = 4;
		s->step = lstm_step;
		break;
	case OQZ_OP_GRU:
		s->gates = 3;
		s->step = gru_step;
		s->linear = attr_set(d, "linear_before_reset");
		break;
	default: s->gates = 1; s->step = rnn_step;
	}
}

static enum oqz_status recurrent_create(const struct oqz_step_desc *d, struct oqz_step_choice *ret, char *why,
                                        size_t why_size, struct oqz_err *err)
{
	const char *reason = refuse(d);
	const struct oqz_attr *dir = oqz_node_attr(d->node, "direction");
	const struct oqz_shape *x = &d->in_type[0].shape;

	if (reason) {
		snprintf(why, why_size, "%s", reason);
		return OQZ_E_UNSUPPORTED;
	}
	struct recurrent *s = calloc(1, sizeof *s);
	if (!s)
		return oqz_err_nomem(err, "a step", sizeof *s);
	set_kind(s, d);
	s->t = x->dim[0];
	s->n = x->dim[1];
	s->in = x->dim[2];
	s->h = d->constant[2]->shape.dim[2];
	s->dirs = (int)d->constant[2]->shape.dim[0];
	s->n_out = d->n_out;
	s->reverse = dir && dir->s && strcmp(dir->s, "reverse") == 0;
	s->state[0] = oqz_step_has(d, 5);
	s->state[1] = oqz_step_has(d, 6);
	ret->uses_constant[0] = d->constant[0] != NULL;
	ret->uses_constant[5] = ret->uses_constant[6] = true;
	enum oqz_status st = pack(s, d, &ret->state_bytes, err);
	if (st != OQZ_OK) {
		recurrent_destroy(s);
		return st;
	}
	/* gates of all steps of one direction, then h, c and a step's own */
	ret->scratch_bytes = (size_t)(s->t * s->n * s->gates * s->h + 4 * s->n * s->h) * sizeof(float);
	snprintf(ret->name, sizeof ret->name, "own.recurrent");
	ret->state = s;
	return OQZ_OK;
}

const struct oqz_impl oqz_impl_recurrent = { "own.recurrent", recurrent_create, recurrent_run, recurrent_destroy };
