/* SPDX-License-Identifier: Apache-2.0
 *
 * LSTM, GRU and RNN in float32 with the standard activations and constant weights (text recognition heads). The gates
 * of all time steps are one matrix product, done before the recurrence; each step is another, by the state, and our own
 * row that takes both in. The three operators differ in one time step. What is unusual goes to the reference.
 */
#include "core/base/checked.h"
#include "core/exec/dnnl/dnnl_matmul.h"
#include "core/exec/vmath.h"

#include <stdio.h>
#include <string.h>

struct recurrent;
/* What one time step of one direction works on. */
struct moment {
	const float *gates; /* (n, gates * H): the inputs' and biases' part */
	float *sums;        /* (n, gates * H): the state's part */
	float *h, *c;       /* (n, H), which go on by one; c: LSTM's cell state */
	float *gated;       /* (n, H): GRU's state behind its reset */
	void *scratch;
};
typedef enum oqz_status step_fn(const struct recurrent *s, int dir, const struct moment *m, struct oqz_err *err);

struct recurrent {
	int64_t t, n, in, h;
	int gates, dirs, n_out;
	bool reverse; /* of the only direction; of two, the second is */
	bool linear;  /* GRU: linear_before_reset */
	/* By direction: of the inputs of all steps, of the state, of GRU's state for the candidate where the reset
	 * comes before the product (which then leaves these columns out). */
	struct oqz_dnnl_prim *of_input[2], *of_state[2], *of_candidate[2];
	bool state[2]; /* initial states are inputs 5 and 6 */
	step_fn *step;
	size_t at_gates, at_sums, at_h, at_c, at_gated; /* in the scratch memory */
};

static step_fn gru_step;

static void recurrent_destroy(void *state)
{
	struct recurrent *s = state;

	for (int d = 0; s && d < 2; d++) {
		oqz_dnnl_prim_free(s->of_input[d]);
		oqz_dnnl_prim_free(s->of_state[d]);
		oqz_dnnl_prim_free(s->of_candidate[d]);
	}
	free(s);
}

static const char *refuse(const struct oqz_step_desc *d)
{
	static const char *const unusual[] = { "activations", "activation_alpha", "activation_beta", "clip" };

	for (size_t i = 0; i < OQZ_COUNTOF(unusual); i++)
		if (oqz_node_attr(d->node, unusual[i]))
			return "activations of its own";
	if (oqz_node_int(d->node, "layout", 0) || oqz_node_int(d->node, "input_forget", 0))
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

/* ---- products ---- */

/* Rows [first, first + n) of a direction's weights (all, k): `rows` vectors at a time, plus `bias` (NULL: none). */
static enum oqz_status product(const struct oqz_tensor *w, int dir, int64_t first, int64_t n, int64_t rows,
                               const float *bias, struct oqz_dnnl_prim **ret, struct oqz_err *err)
{
	OQZ_CLEANUP(oqz_dnnl_attr_release) struct oqz_dnnl_attr attr = { 0 };
	int64_t all = w->shape.dim[1], k = w->shape.dim[2];
	struct oqz_dnnl_mm g = { .nd = 2, .a = { rows, k }, .b = { k, n }, .c = { rows, n }, .trans_b = true };

	OQZ_TRY(oqz_dnnl_attr_init(&attr, err));
	OQZ_TRY(oqz_dnnl_attr_finish(&attr, err));
	return oqz_dnnl_mm_build(&g, dnnl_f32, dnnl_f32, (const float *)w->data + (dir * all + first) * k, bias, &attr,
	                         ret, err);
}

/* Both biases of a gate are added to the input's part, but for the one that GRU's reset multiplies. */
static void split_biases(const struct recurrent *s, const float *b, float *input, float *state)
{
	int64_t g = s->gates * s->h;

	for (int64_t i = 0; i < g; i++) {
		bool apart = s->linear && i >= 2 * s->h;
		input[i] = apart ? b[i] : b[i] + b[g + i];
		state[i] = apart ? b[g + i] : 0;
	}
}

static enum oqz_status products(struct recurrent *s, const struct oqz_step_desc *d, struct oqz_err *err)
{
	int64_t g = s->gates * s->h, late = s->step == gru_step && !s->linear ? s->h : 0;
	OQZ_CLEANUP_FREE float *bias = malloc((size_t)(2 * g) * sizeof *bias);

	if (!bias)
		return oqz_err_nomem(err, "biases", (size_t)(2 * g) * sizeof *bias);
	for (int dir = 0; dir < s->dirs; dir++) {
		bool with = oqz_step_has(d, 3);
		if (with)
			split_biases(s, (const float *)d->constant[3]->data + 2 * g * dir, bias, bias + g);
		OQZ_TRY(product(d->constant[1], dir, 0, g, s->t * s->n, with ? bias : NULL, &s->of_input[dir], err));
		OQZ_TRY(product(d->constant[2], dir, 0, g - late, s->n, with && s->linear ? bias + g : NULL,
		                &s->of_state[dir], err));
		if (late)
			OQZ_TRY(product(d->constant[2], dir, g - late, late, s->n, NULL, &s->of_candidate[dir], err));
	}
	return OQZ_OK;
}

static enum oqz_status multiply(const struct oqz_dnnl_prim *p, const float *x, float *y, void *scratch,
                                struct oqz_err *err)
{
	return oqz_dnnl_prim_run(p, (const void *[]) { x, y }, scratch, err);
}

/* ---- one time step ---- */

/* Gates stand as i, o, f, c. */
VM_INLINE void lstm_cell_body(bool fused, const float *restrict g, const float *restrict s, float *restrict c,
                              float *restrict h, int64_t n)
{
	for (int64_t k = 0; k < n; k++) {
		float i = vm_sigmoid(fused, g[k] + s[k]), o = vm_sigmoid(fused, g[n + k] + s[n + k]),
		      f = vm_sigmoid(fused, g[2 * n + k] + s[2 * n + k]),
		      z = vm_tanh(fused, g[3 * n + k] + s[3 * n + k]);
		float v = f * c[k] + i * z;
		c[k] = v;
		h[k] = o * vm_tanh(fused, v);
	}
}
OQZ_KERNEL_FMA(static, lstm_cell,
               (const float *restrict g, const float *restrict s, float *restrict c, float *restrict h, int64_t n), g,
               s, c, h, n)

static enum oqz_status lstm_step(const struct recurrent *s, int dir, const struct moment *m, struct oqz_err *err)
{
	int64_t h = s->h, g = 4 * h;

	OQZ_TRY(multiply(s->of_state[dir], m->h, m->sums, m->scratch, err));
	for (int64_t i = 0; i < s->n; i++)
		lstm_cell(m->gates + i * g, m->sums + i * g, m->c + i * h, m->h + i * h, h);
	return OQZ_OK;
}

VM_INLINE void rnn_cell_body(bool fused, const float *restrict g, const float *restrict s, float *restrict h, int64_t n)
{
	for (int64_t k = 0; k < n; k++)
		h[k] = vm_tanh(fused, g[k] + s[k]);
}
OQZ_KERNEL_FMA(static, rnn_cell, (const float *restrict g, const float *restrict s, float *restrict h, int64_t n), g, s,
               h, n)

static enum oqz_status rnn_step(const struct recurrent *s, int dir, const struct moment *m, struct oqz_err *err)
{
	OQZ_TRY(multiply(s->of_state[dir], m->h, m->sums, m->scratch, err));
	rnn_cell(m->gates, m->sums, m->h, s->n * s->h);
	return OQZ_OK;
}

/* The gates z and r of one row, in the place of their sums; r * h, which the product takes when the reset comes first.
 */
VM_INLINE void gru_gates_body(bool fused, const float *restrict g, float *restrict s, const float *restrict h,
                              float *restrict gated, int64_t n)
{
	for (int64_t k = 0; k < n; k++) {
		float r = vm_sigmoid(fused, g[n + k] + s[n + k]);
		s[k] = vm_sigmoid(fused, g[k] + s[k]);
		s[n + k] = r;
		gated[k] = r * h[k];
	}
}
OQZ_KERNEL_FMA(static, gru_gates,
               (const float *restrict g, float *restrict s, const float *restrict h, float *restrict gated, int64_t n),
               g, s, h, gated, n)

VM_INLINE void gru_either(bool fused, const float *restrict g, const float *restrict s, const float *restrict inside,
                          bool linear, float *restrict h, int64_t n)
{
	for (int64_t k = 0; k < n; k++) {
		float z = s[k], v = vm_tanh(fused, g[k] + (linear ? s[n + k] * inside[k] : inside[k]));
		h[k] = (1.0f - z) * v + z * h[k];
	}
}

/* s: z and r; g: the input's part of the candidate, beside which the state's stands in `inside`, multiplied by the
 * reset or made of what it has multiplied: a constant in either loop, as a choice in each element would not be vector
 * code. */
VM_INLINE void gru_cell_body(bool fused, const float *restrict g, const float *restrict s, const float *restrict inside,
                             bool linear, float *restrict h, int64_t n)
{
	if (linear)
		gru_either(fused, g, s, inside, true, h, n);
	else
		gru_either(fused, g, s, inside, false, h, n);
}
OQZ_KERNEL_FMA(static, gru_cell,
               (const float *restrict g, const float *restrict s, const float *restrict inside, bool linear,
                float *restrict h, int64_t n),
               g, s, inside, linear, h, n)

static enum oqz_status gru_step(const struct recurrent *s, int dir, const struct moment *m, struct oqz_err *err)
{
	int64_t h = s->h, width = s->linear ? 3 * h : 2 * h;
	float *inside = s->linear ? m->sums + 2 * h : m->sums + s->n * width;

	OQZ_TRY(multiply(s->of_state[dir], m->h, m->sums, m->scratch, err));
	for (int64_t i = 0; i < s->n; i++)
		gru_gates(m->gates + i * 3 * h, m->sums + i * width, m->h + i * h, m->gated + i * h, h);
	if (!s->linear)
		OQZ_TRY(multiply(s->of_candidate[dir], m->gated, inside, m->scratch, err));
	for (int64_t i = 0; i < s->n; i++)
		gru_cell(m->gates + i * 3 * h + 2 * h, m->sums + i * width, inside + i * (s->linear ? width : h),
		         s->linear, m->h + i * h, h);
	return OQZ_OK;
}

/* ---- running ---- */

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

static float *place(void *scratch, size_t at) { return (float *)((char *)scratch + at); }

static enum oqz_status run_direction(const struct recurrent *s, const struct oqz_step_call *call, int dir,
                                     struct oqz_err *err)
{
	int64_t g = s->gates * s->h, nh = s->n * s->h;
	float *gates = place(call->scratch, s->at_gates), *h = place(call->scratch, s->at_h),
	      *c = place(call->scratch, s->at_c), *y = call->out[0] ? call->out[0]->data : NULL;
	struct moment m = { .sums = place(call->scratch, s->at_sums),
		            .h = h,
		            .c = c,
		            .gated = place(call->scratch, s->at_gated),
		            .scratch = call->scratch };
	bool reverse = dir == 1 || s->reverse;

	OQZ_TRY(multiply(s->of_input[dir], call->in[0]->data, gates, call->scratch, err));
	start(h, s->state[0] ? call->in[5] : NULL, dir, nh);
	start(c, s->state[1] ? call->in[6] : NULL, dir, nh);
	for (int64_t k = 0; k < s->t; k++) {
		int64_t t = reverse ? s->t - 1 - k : k;
		m.gates = gates + t * s->n * g;
		OQZ_TRY(s->step(s, dir, &m, err));
		if (y) /* (T, dirs, N, H) */
			memcpy(y + (t * s->dirs + dir) * nh, h, (size_t)nh * sizeof(float));
	}
	finish(s->n_out > 1 ? call->out[1] : NULL, h, dir, nh);
	finish(s->n_out > 2 ? call->out[2] : NULL, c, dir, nh);
	return OQZ_OK;
}

static enum oqz_status recurrent_run(const void *state, const struct oqz_step_call *c, struct oqz_err *err)
{
	const struct recurrent *s = state;

	for (int dir = 0; dir < s->dirs; dir++)
		OQZ_TRY(run_direction(s, c, dir, err));
	return OQZ_OK;
}

/* ---- planning ---- */

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
		s->linear = oqz_node_int(d->node, "linear_before_reset", 0) != 0;
		break;
	default: s->gates = 1; s->step = rnn_step;
	}
}

static enum oqz_status plan_scratch(struct recurrent *s, struct oqz_step_choice *ret, struct oqz_err *err)
{
	const struct oqz_dnnl_prim *all[] = { s->of_input[0], s->of_state[0], s->of_candidate[0],
		                              s->of_input[1], s->of_state[1], s->of_candidate[1] };
	int64_t nh = s->n * s->h;
	size_t bytes = 0;

	for (size_t i = 0; i < OQZ_COUNTOF(all); i++) {
		if (!all[i])
			continue;
		ret->state_bytes += oqz_dnnl_prim_bytes(all[i]);
		bytes = oqz_dnnl_prim_scratch(all[i]) > bytes ? oqz_dnnl_prim_scratch(all[i]) : bytes;
	}
	if (!oqz_dnnl_take(&bytes, s->t * nh * s->gates, &s->at_gates) ||
	    !oqz_dnnl_take(&bytes, nh * s->gates, &s->at_sums) || !oqz_dnnl_take(&bytes, nh, &s->at_h) ||
	    !oqz_dnnl_take(&bytes, nh, &s->at_c) || !oqz_dnnl_take(&bytes, nh, &s->at_gated))
		OQZ_FAIL(err, OQZ_E_LIMIT, "too many time steps");
	ret->scratch_bytes = bytes;
	return OQZ_OK;
}

static enum oqz_status recurrent_create(const struct oqz_step_desc *d, struct oqz_step_choice *ret, char *why,
                                        size_t why_size, struct oqz_err *err)
{
	const char *reason = refuse(d);
	const struct oqz_attr *dir = oqz_node_attr(d->node, "direction");
	const struct oqz_shape *x = &d->in_type[0].shape;

	if (reason)
		return oqz_dnnl_decline(why, why_size, "%s", reason);
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
	enum oqz_status st = products(s, d, err);
	if (st == OQZ_OK)
		st = plan_scratch(s, ret, err);
	if (st != OQZ_OK) {
		recurrent_destroy(s);
		return st == OQZ_E_UNSUPPORTED ? oqz_dnnl_decline(why, why_size, "oneDNN has no kernel for it") : st;
	}
	snprintf(ret->name, sizeof ret->name, "dnnl.recurrent");
	ret->state = s;
	return OQZ_OK;
}

const struct oqz_impl oqz_impl_dnnl_recurrent = { "dnnl.recurrent", recurrent_create, recurrent_run,
	                                          recurrent_destroy };
