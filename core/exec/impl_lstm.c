/* SPDX-License-Identifier: Apache-2.0
 *
 * LSTM in float32 with the standard activations and constant weights (text recognition heads). The gates of all time
 * steps are one matrix product, done before the recurrence; both products run as sums of scaled rows over the four
 * gates side by side, four rows of X at a time, so that the weights are read once for four. What is unusual goes to the
 * reference.
 */
#include "core/exec/program.h"
#include "core/exec/vmath.h"
#include "core/base/checked.h"

#include <stdio.h>
#include <string.h>

enum { LSTM_ROWS = 4 };

struct lstm {
	int64_t t, n, in, h;
	int dirs, n_out;
	bool reverse;     /* of the only direction; of two, the second is */
	float *w, *r, *b; /* (dirs, I, 4H), (dirs, H, 4H), (dirs, 4H) */
	bool h0, c0;      /* initial states are inputs 5 and 6 */
};

static void lstm_destroy(void *state)
{
	struct lstm *s = state;

	if (s) {
		free(s->w);
		free(s->r);
		free(s->b);
	}
	free(s);
}

static bool given(const struct oqz_step_desc *d, int i)
{
	return i < d->n_in && d->in_type[i].dtype != OQZ_DT_UNDEFINED;
}

static const char *refuse(const struct oqz_step_desc *d)
{
	static const char *const unusual[] = { "activations", "activation_alpha", "activation_beta", "clip" };
	const struct oqz_attr *a;

	for (size_t i = 0; i < OQZ_COUNTOF(unusual); i++)
		if (oqz_node_attr(d->node, unusual[i]))
			return "activations of its own";
	for (int i = 0; i < 2; i++)
		if ((a = oqz_node_attr(d->node, i ? "layout" : "input_forget")) && a->i)
			return "an unusual form";
	for (int i = 0; i < d->n_in; i++)
		if (given(d, i) && d->in_type[i].dtype != OQZ_DT_F32)
			return "not float32, or lengths";
	if (given(d, 4) || given(d, 7) || !d->constant[1] || !d->constant[2] || (given(d, 3) && !d->constant[3]))
		return "lengths, peepholes, or weights that are not constant";
	return d->act || oqz_shape_nelem(&d->in_type[0].shape) == 0 ? "an empty tensor" : NULL;
}

/* (rows, cols) -> (cols, rows) */
static void transpose(const float *x, int64_t rows, int64_t cols, float *y)
{
	for (int64_t i = 0; i < rows; i++)
		for (int64_t j = 0; j < cols; j++)
			y[j * rows + i] = x[i * cols + j];
}

static enum oqz_status lstm_pack(struct lstm *s, const struct oqz_step_desc *d, size_t *ret_bytes, struct oqz_err *err)
{
	int64_t g = 4 * s->h;
	size_t nw = (size_t)(s->dirs * s->in * g), nr = (size_t)(s->dirs * s->h * g), nb = (size_t)(s->dirs * g);

	s->w = malloc(nw * sizeof(float));
	s->r = malloc(nr * sizeof(float));
	s->b = calloc(nb, sizeof(float));
	*ret_bytes = (nw + nr + nb) * sizeof(float);
	if (!s->w || !s->r || !s->b)
		return oqz_err_nomem(err, "weights", *ret_bytes);
	for (int k = 0; k < s->dirs; k++) {
		transpose((const float *)d->constant[1]->data + k * g * s->in, g, s->in, s->w + k * g * s->in);
		transpose((const float *)d->constant[2]->data + k * g * s->h, g, s->h, s->r + k * g * s->h);
		const float *b = given(d, 3) ? (const float *)d->constant[3]->data + k * 2 * g : NULL;
		for (int64_t i = 0; b && i < g; i++)
			s->b[k * g + i] = b[i] + b[g + i];
	}
	return OQZ_OK;
}

static enum oqz_status lstm_create(const struct oqz_step_desc *d, struct oqz_step_choice *ret, char *why,
                                   size_t why_size, struct oqz_err *err)
{
	const char *reason = refuse(d);
	const struct oqz_attr *dir = oqz_node_attr(d->node, "direction");
	const struct oqz_shape *x = &d->in_type[0].shape;

	if (reason) {
		snprintf(why, why_size, "%s", reason);
		return OQZ_E_UNSUPPORTED;
	}
	struct lstm *s = calloc(1, sizeof *s);
	if (!s)
		return oqz_err_nomem(err, "a step", sizeof *s);
	s->t = x->dim[0];
	s->n = x->dim[1];
	s->in = x->dim[2];
	s->h = d->constant[2]->shape.dim[2];
	s->dirs = (int)d->constant[2]->shape.dim[0];
	s->n_out = d->n_out;
	s->reverse = dir && dir->s && strcmp(dir->s, "reverse") == 0;
	s->h0 = given(d, 5);
	s->c0 = given(d, 6);
	ret->uses_constant[0] = d->constant[0] != NULL;
	ret->uses_constant[5] = ret->uses_constant[6] = true;
	enum oqz_status st = lstm_pack(s, d, &ret->state_bytes, err);
	if (st != OQZ_OK) {
		lstm_destroy(s);
		return st;
	}
	/* gates of all steps of one direction, then h and c */
	ret->scratch_bytes = (size_t)(s->t * s->n * 4 * s->h + 2 * s->n * s->h) * sizeof(float);
	snprintf(ret->name, sizeof ret->name, "own.lstm");
	ret->state = s;
	return OQZ_OK;
}

/* y (rows, n) += x (rows, k) w (k, n); rows of x are `ldx` apart. */
OQZ_KERNEL static void add_product(const float *restrict x, int64_t ldx, const float *restrict w, float *restrict y,
                                   int64_t rows, int64_t k, int64_t n)
{
	int64_t i = 0;

	for (; i + LSTM_ROWS <= rows; i += LSTM_ROWS) {
		const float *a = x + i * ldx;
		float *y0 = y + i * n, *y1 = y0 + n, *y2 = y1 + n, *y3 = y2 + n;
		for (int64_t j = 0; j < k; j++) {
			float a0 = a[j], a1 = a[ldx + j], a2 = a[2 * ldx + j], a3 = a[3 * ldx + j];
			const float *row = w + j * n;
			OQZ_IVDEP
			for (int64_t c = 0; c < n; c++) {
				y0[c] += a0 * row[c];
				y1[c] += a1 * row[c];
				y2[c] += a2 * row[c];
				y3[c] += a3 * row[c];
			}
		}
	}
	for (; i < rows; i++)
		for (int64_t j = 0; j < k; j++) {
			float a = x[i * ldx + j];
			for (int64_t c = 0; c < n; c++)
				y[i * n + c] += a * w[j * n + c];
		}
}

/* Gates stand as i, o, f, c. */
OQZ_KERNEL static void cell(const float *restrict g, float *restrict c, float *restrict h, int64_t n)
{
	for (int64_t k = 0; k < n; k++) {
		float i = vm_sigmoid(g[k]), o = vm_sigmoid(g[n + k]), f = vm_sigmoid(g[2 * n + k]),
		      z = vm_tanh(g[3 * n + k]);
		float v = f * c[k] + i * z;
		c[k] = v;
		h[k] = o * vm_tanh(v);
	}
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

static void run_direction(const struct lstm *s, const struct oqz_step_call *call, int dir)
{
	int64_t g = 4 * s->h, nh = s->n * s->h;
	float *gates = call->scratch, *h = gates + s->t * s->n * g, *c = h + nh;
	bool reverse = dir == 1 || s->reverse;
	float *y = call->out[0] ? call->out[0]->data : NULL;

	for (int64_t i = 0; i < s->t * s->n; i++)
		memcpy(gates + i * g, s->b + dir * g, (size_t)g * sizeof(float));
	add_product(call->in[0]->data, s->in, s->w + dir * s->in * g, gates, s->t * s->n, s->in, g);
	start(h, s->h0 ? call->in[5] : NULL, dir, nh);
	start(c, s->c0 ? call->in[6] : NULL, dir, nh);
	for (int64_t k = 0; k < s->t; k++) {
		int64_t t = reverse ? s->t - 1 - k : k;
		float *now = gates + t * s->n * g;
		add_product(h, s->h, s->r + dir * s->h * g, now, s->n, s->h, g);
		for (int64_t n = 0; n < s->n; n++)
			cell(now + n * g, c + n * s->h, h + n * s->h, s->h);
		if (y) /* (T, dirs, N, H) */
			memcpy(y + (t * s->dirs + dir) * nh, h, (size_t)nh * sizeof(float));
	}
	finish(s->n_out > 1 ? call->out[1] : NULL, h, dir, nh);
	finish(s->n_out > 2 ? call->out[2] : NULL, c, dir, nh);
}

static enum oqz_status lstm_run(const void *state, const struct oqz_step_call *c, struct oqz_err *err)
{
	const struct lstm *s = state;

	for (int dir = 0; dir < s->dirs; dir++)
		run_direction(s, c, dir);
	return OQZ_OK;
}

const struct oqz_impl oqz_impl_lstm = { "own.lstm", lstm_create, lstm_run, lstm_destroy };
