/* SPDX-License-Identifier: Apache-2.0
 *
 * Operators that hand a state from one call to the next as a tensor (operator set 27): CausalConvWithState, a depthwise
 * convolution along time that sees only the past; LinearAttention, a memory of keys and values that each step fades,
 * corrects, writes to and reads. Here everything is computed in double and rounded once; ONNX's function bodies round
 * before an activation, or keep the state in float.
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

/* ---- LinearAttention ---- */

struct linear_attention {
	const char *update_rule;
	float scale;
	int64_t q_num_heads, kv_num_heads;
	int64_t chunk_size; /* a hint for faster implementations, without effect on the result */
};

static const char *const rules[] = { "linear", "gated", "delta", "gated_delta", NULL };

static bool fades(const struct linear_attention *p) { return strncmp(p->update_rule, "gated", 5) == 0; }
static bool corrects(const struct linear_attention *p) { return strstr(p->update_rule, "delta") != NULL; }

/* Inputs 4 (decay) and 5 (beta) are there exactly if the rule uses them. */
static enum oqz_status check_rule(const struct linear_attention *p, const struct oqz_infer *c, struct oqz_err *err)
{
	if (p->kv_num_heads < 1 || p->q_num_heads < 1 || p->q_num_heads % p->kv_num_heads)
		OQZ_FAIL(err, OQZ_E_DATA, "q_num_heads %lld is no multiple of kv_num_heads %lld",
		         (long long)p->q_num_heads, (long long)p->kv_num_heads);
	if ((c->in[4] != NULL) != fades(p))
		OQZ_FAIL(err, OQZ_E_DATA, "update_rule %s %s decay", p->update_rule, fades(p) ? "needs" : "has no");
	if ((c->in[5] != NULL) != corrects(p))
		OQZ_FAIL(err, OQZ_E_DATA, "update_rule %s %s beta", p->update_rule, corrects(p) ? "needs" : "has no");
	return OQZ_OK;
}

/* Elements of one of `heads` heads that lie side by side in input i's last dimension; -1: not known. */
static enum oqz_status head_size(const struct oqz_infer *c, int i, int64_t heads, int64_t *ret, struct oqz_err *err)
{
	*ret = OQZ_DIM_UNKNOWN;
	OQZ_TRY(oqz_need_rank(c, i, 3, 3, err));
	if (oqz_in_rank(c, i) != 3 || c->in[i]->shape.dim[2] < 0)
		return OQZ_OK;
	int64_t all = c->in[i]->shape.dim[2];
	if (all < 1 || all % heads)
		OQZ_FAIL(err, OQZ_E_DATA, "input %d: %lld elements do not make %lld heads", i, (long long)all,
		         (long long)heads);
	*ret = all / heads;
	return OQZ_OK;
}

/* Input i (decay, beta) has `a` or `b` elements for each step. */
static enum oqz_status need_gate(const struct oqz_infer *c, int i, const int64_t *want, int64_t a, int64_t b,
                                 struct oqz_err *err)
{
	OQZ_TRY(oqz_need_shape(c, i, 3, want, err));
	int64_t have = oqz_in_rank(c, i) == 3 ? c->in[i]->shape.dim[2] : OQZ_DIM_UNKNOWN;
	if (have >= 0 && a >= 0 && b >= 0 && have != a && have != b)
		OQZ_FAIL(err, OQZ_E_DATA, "input %d: %lld elements a step, should be %lld or %lld", i, (long long)have,
		         (long long)a, (long long)b);
	return OQZ_OK;
}

/* All but the state, which may have a type of its own, are of one float type. */
static enum oqz_status linear_dtype(const struct oqz_infer *c, enum oqz_dtype *ret, struct oqz_err *err)
{
	enum oqz_dtype gates;

	for (int i = 0; i < 6; i++)
		OQZ_TRY(oqz_need_float(c, i, err));
	OQZ_TRY(oqz_same_dtype(c, 0, 3, ret, err));
	OQZ_TRY(oqz_same_dtype(c, 4, 6, &gates, err));
	if (*ret != OQZ_DT_UNDEFINED && gates != OQZ_DT_UNDEFINED && gates != *ret)
		OQZ_FAIL(err, OQZ_E_DATA, "decay and beta are %s, query is %s", oqz_dtype_name(gates),
		         oqz_dtype_name(*ret));
	return OQZ_OK;
}

/* query (B, T, Hq * dk), key (B, T, H * dk), value (B, T, H * dv), past_state (B, H, dk, dv), decay (B, T, H * dk) or
 * (B, T, H), beta (B, T, H) or (B, T, 1) -> output (B, T, Hq * dv), present_state like past. */
static enum oqz_status infer_linear_attention(struct oqz_infer *c, struct oqz_err *err)
{
	const struct linear_attention *p = OQZ_PARAMS(c->node, struct linear_attention);
	int64_t lead[3] = { OQZ_DIM_UNKNOWN, OQZ_DIM_UNKNOWN, OQZ_DIM_UNKNOWN }, heads = p->kv_num_heads, dq, dk, dv;
	enum oqz_dtype t;

	OQZ_TRY(check_rule(p, c, err));
	OQZ_TRY(linear_dtype(c, &t, err));
	OQZ_TRY(head_size(c, 0, p->q_num_heads, &dq, err));
	OQZ_TRY(head_size(c, 1, heads, &dk, err));
	OQZ_TRY(head_size(c, 2, heads, &dv, err));
	OQZ_TRY(oqz_need_dim(dk, dq, "head size of key", err));
	dk = dk < 0 ? dq : dk;
	if (oqz_in_rank(c, 0) == 3)
		memcpy(lead, c->in[0]->shape.dim, 2 * sizeof *lead);
	for (int i = 1; i < 3; i++)
		OQZ_TRY(oqz_need_shape(c, i, 3, lead, err));
	OQZ_TRY(oqz_need_shape(c, 3, 4, (const int64_t[]) { lead[0], heads, dk, dv }, err));
	/* heads * dk is a dimension of key, or not more than one of query: no overflow. */
	OQZ_TRY(need_gate(c, 4, lead, heads, dk < 0 ? dk : heads * dk, err));
	OQZ_TRY(need_gate(c, 5, lead, heads, 1, err));
	int64_t width = OQZ_DIM_UNKNOWN;
	if (dv >= 0 && !oqz_i64_mul(dv, p->q_num_heads, &width))
		OQZ_FAIL(err, OQZ_E_LIMIT, "output of %lld heads is too large", (long long)p->q_num_heads);
	c->out[0] = (struct oqz_type) { t, { .rank = 3, .dim = { lead[0], lead[1], width } } };
	c->out[1] =
	    (struct oqz_type) { c->in[3] ? c->in[3]->dtype : t, { .rank = 4, .dim = { lead[0], heads, dk, dv } } };
	return OQZ_OK;
}

struct memory {
	double *q, *k, *v, *decay, *beta;                              /* as they lie; decay and beta may be NULL */
	double *state, *out, *write;                                   /* write: work array of dv */
	int64_t batch, steps, q_heads, heads, dk, dv, n_decay, n_beta; /* n_: elements a step */
	double scale;
};

static void memory_release(struct memory *m)
{
	double *const all[] = { m->q, m->k, m->v, m->decay, m->beta, m->state, m->out, m->write };

	for (size_t i = 0; i < OQZ_COUNTOF(all); i++)
		free(all[i]);
}

static enum oqz_status memory_init(struct memory *m, const struct oqz_call *c, struct oqz_err *err)
{
	const struct linear_attention *p = OQZ_PARAMS(c->node, struct linear_attention);
	const struct oqz_shape *q = &c->in[0]->shape;
	int64_t n;

	m->batch = q->dim[0];
	m->steps = q->dim[1];
	m->q_heads = p->q_num_heads;
	m->heads = p->kv_num_heads;
	m->dk = q->dim[2] / m->q_heads;
	m->dv = c->in[2]->shape.dim[2] / m->heads;
	m->n_decay = c->in[4] ? c->in[4]->shape.dim[2] : 0;
	m->n_beta = c->in[5] ? c->in[5]->shape.dim[2] : 0;
	m->scale = p->scale != 0 ? (double)p->scale : 1 / sqrt((double)m->dk);
	const struct oqz_shape s = { .rank = 4, .dim = { m->batch, m->heads, m->dk, m->dv } };
	OQZ_TRY(oqz_shape_count(&s, &n, err));
	OQZ_TRY(c->in[3] ? oqz_read_f64(c->in[3], &m->state, err) : oqz_new_f64(n, &m->state, err));
	double **const to[] = { &m->q, &m->k, &m->v, NULL, &m->decay, &m->beta };
	for (size_t i = 0; i < OQZ_COUNTOF(to); i++)
		if (to[i] && c->in[i])
			OQZ_TRY(oqz_read_f64(c->in[i], to[i], err));
	OQZ_TRY(oqz_new_f64(oqz_tensor_nelem(c->out[0]), &m->out, err));
	return oqz_new_f64(n ? m->dv : 0, &m->write, err);
}

/* One step of one head's state s (dk, dv); `row` counts steps over the batch.
 * S *= exp(decay); w = v, or beta * (v - S^T k) under a delta rule; S += k w^T */
static void step(const struct memory *m, double *s, int64_t row, int64_t h)
{
	const double *k = m->k + (row * m->heads + h) * m->dk, *v = m->v + (row * m->heads + h) * m->dv;
	bool per_head = m->n_decay == m->heads;
	const double *decay = m->decay ? m->decay + row * m->n_decay + (per_head ? h : h * m->dk) : NULL;
	double beta = m->beta ? m->beta[row * m->n_beta + (m->n_beta == 1 ? 0 : h)] : 0;

	for (int64_t d = 0; d < m->dk && decay; d++)
		for (int64_t e = 0; e < m->dv; e++)
			s[d * m->dv + e] *= exp(decay[per_head ? 0 : d]);
	for (int64_t e = 0; e < m->dv; e++) {
		double held = 0;

		for (int64_t d = 0; d < m->dk && m->beta; d++)
			held += s[d * m->dv + e] * k[d];
		m->write[e] = m->beta ? beta * (v[e] - held) : v[e];
	}
	for (int64_t d = 0; d < m->dk; d++)
		for (int64_t e = 0; e < m->dv; e++)
			s[d * m->dv + e] += k[d] * m->write[e];
}

/* The query heads that share a state: out = scale * S^T q */
static void read_out(const struct memory *m, const double *s, int64_t row, int64_t h)
{
	int64_t group = m->q_heads / m->heads;

	for (int64_t g = h * group; g < (h + 1) * group; g++) {
		const double *q = m->q + (row * m->q_heads + g) * m->dk;
		double *out = m->out + (row * m->q_heads + g) * m->dv;

		for (int64_t e = 0; e < m->dv; e++) {
			double sum = 0;

			for (int64_t d = 0; d < m->dk; d++)
				sum += q[d] * s[d * m->dv + e];
			out[e] = m->scale * sum;
		}
	}
}

static enum oqz_status run_linear_attention(const struct oqz_call *c, struct oqz_err *err)
{
	OQZ_CLEANUP(memory_release) struct memory m = { 0 };

	OQZ_TRY(memory_init(&m, c, err));
	/* Without steps the state stays, and a batch of any size need not be walked through. */
	for (int64_t b = 0; b < m.batch && m.steps > 0; b++)
		for (int64_t h = 0; h < m.heads; h++)
			for (int64_t t = 0; t < m.steps; t++) {
				double *s = m.state + (b * m.heads + h) * m.dk * m.dv;

				step(&m, s, b * m.steps + t, h);
				read_out(&m, s, b * m.steps + t, h);
			}
	oqz_write_f64(c->out[0], m.out);
	if (c->out[1])
		oqz_write_f64(c->out[1], m.state);
	return OQZ_OK;
}

static const struct oqz_attr_spec linear_attention_attrs[] = {
	OQZ_A_STRING(struct linear_attention, update_rule, "gated_delta", rules),
	OQZ_A_FLOAT(struct linear_attention, scale, 0),
	OQZ_A_REQUIRED(struct linear_attention, q_num_heads, OQZ_ATTR_INT),
	OQZ_A_REQUIRED(struct linear_attention, kv_num_heads, OQZ_ATTR_INT),
	OQZ_A_INT(struct linear_attention, chunk_size, 64),
	{ .name = NULL },
};

const struct oqz_op oqz_ops_state[] = {
	{ OQZ_ROW(CAUSAL_CONV_WITH_STATE), OQZ_ROW_PARAMS(struct causal_conv, causal_conv_attrs),
	  OQZ_ROW_ROLES(OQZ_ROLE_ACTIVATION, OQZ_ROLE_WEIGHT, OQZ_ROLE_BIAS, OQZ_ROLE_ACTIVATION),
	  .infer = infer_causal_conv, .run = run_causal_conv },
	{ OQZ_ROW(LINEAR_ATTENTION), OQZ_ROW_PARAMS(struct linear_attention, linear_attention_attrs),
	  .infer = infer_linear_attention, .run = run_linear_attention },
	{ .name = NULL },
};
