/* SPDX-License-Identifier: Apache-2.0
 *
 * The optimizers of ai.onnx.preview.training: one step of Adagrad, Adam or Momentum for any number of tensors. Inputs
 * are the rate, the count of steps, then all X, all gradients and each kind of state; outputs the new X and the new
 * states. A step is one formula for one element.
 */
#include "core/ops/ops_util.h"

struct optimizer {
	float alpha, beta, decay_factor, epsilon, norm_coefficient, norm_coefficient_post;
	const char *mode;
};

/* One element: x, its gradient, up to two states; replaced by what follows. `t` counts the steps before this one. */
struct element {
	double x, g, state[2];
};
typedef void step_fn(const struct optimizer *p, double rate, double t, struct element *e);

static void adagrad(const struct optimizer *p, double rate, double t, struct element *e)
{
	double g = (double)p->norm_coefficient * e->x + e->g;

	e->state[0] += g * g;
	e->x -= rate / (1 + t * (double)p->decay_factor) * g / (sqrt(e->state[0]) + (double)p->epsilon);
}

static void adam(const struct optimizer *p, double rate, double t, struct element *e)
{
	double alpha = (double)p->alpha, beta = (double)p->beta, g = (double)p->norm_coefficient * e->x + e->g;

	e->state[0] = alpha * e->state[0] + (1 - alpha) * g;
	e->state[1] = beta * e->state[1] + (1 - beta) * g * g;
	if (t > 0)
		rate *= sqrt(1 - pow(beta, t)) / (1 - pow(alpha, t));
	e->x -= rate * e->state[0] / (sqrt(e->state[1]) + (double)p->epsilon);
	e->x *= 1 - (double)p->norm_coefficient_post;
}

static void momentum(const struct optimizer *p, double rate, double t, struct element *e)
{
	double alpha = (double)p->alpha, beta = t > 0 ? (double)p->beta : 1,
	       g = (double)p->norm_coefficient * e->x + e->g;

	e->state[0] = alpha * e->state[0] + beta * g;
	e->x -= rate * (*p->mode == 'n' ? g + alpha * e->state[0] : e->state[0]);
}

static int states_of(const struct oqz_node *n) { return n->op->id == OQZ_OP_ADAM ? 2 : 1; }

/* How many tensors a node has: each brings X, G and its states. */
static enum oqz_status tensors_of(const struct oqz_node *n, int *ret, struct oqz_err *err)
{
	int each = 2 + states_of(n), count = (n->n_in - 2) / each;

	if (n->n_in < 2 + each || (n->n_in - 2) % each || n->n_out > count * (each - 1))
		OQZ_FAIL(err, OQZ_E_DATA, "%d inputs and %d outputs do not make up tensors with gradients and states",
		         n->n_in, n->n_out);
	*ret = count;
	return OQZ_OK;
}

static enum oqz_status infer_optimizer(struct oqz_infer *c, struct oqz_err *err)
{
	int count = 0, each = 2 + states_of(c->node);

	OQZ_TRY(tensors_of(c->node, &count, err));
	for (int i = 0; i < count * each; i++) {
		struct oqz_type x = oqz_in_type(c, 2 + i % count), own = oqz_in_type(c, 2 + i);
		if (!c->in[2 + i])
			OQZ_FAIL(err, OQZ_E_DATA, "input %d is missing", 2 + i);
		OQZ_TRY(oqz_need_float(c, 2 + i, err));
		OQZ_TRY(oqz_shape_merge(&own.shape, &x.shape, err));
		if (own.dtype != x.dtype && own.dtype != OQZ_DT_UNDEFINED && x.dtype != OQZ_DT_UNDEFINED)
			OQZ_FAIL(err, OQZ_E_DATA, "input %d is %s, its tensor %s", 2 + i, oqz_dtype_name(own.dtype),
			         oqz_dtype_name(x.dtype));
	}
	for (int i = 0; i < c->n_out; i++)
		c->out[i] = oqz_in_type(c, 2 + i % count);
	return OQZ_OK;
}

static enum oqz_status run_optimizer(const struct oqz_call *c, struct oqz_err *err)
{
	const struct optimizer *p = OQZ_PARAMS(c->node, struct optimizer);
	const struct oqz_tensor *r = c->in[0], *steps = c->in[1];
	step_fn *step = c->node->op->id == OQZ_OP_ADAM ? adam : c->node->op->id == OQZ_OP_ADAGRAD ? adagrad : momentum;
	int count = 0, states = states_of(c->node);

	OQZ_TRY(tensors_of(c->node, &count, err));
	if (oqz_tensor_nelem(r) != 1 || oqz_tensor_nelem(steps) != 1)
		OQZ_FAIL(err, OQZ_E_DATA, "the rate and the count of steps are not scalars");
	double rate = oqz_load_f(r->dtype, r->data, 0), t = oqz_load_f(steps->dtype, steps->data, 0);
	for (int k = 0; k < count; k++) {
		const struct oqz_tensor *const *in = c->in + 2 + k;
		for (size_t i = 0; i < (size_t)oqz_tensor_nelem(in[0]); i++) {
			enum oqz_dtype dt = in[0]->dtype;
			struct element e = { oqz_load_f(dt, in[0]->data, i),
				             oqz_load_f(dt, in[count]->data, i),
				             { 0 } };
			for (int s = 0; s < states; s++)
				e.state[s] = oqz_load_f(dt, in[(2 + s) * count]->data, i);
			step(p, rate, t, &e);
			for (int s = 0; s <= states; s++)
				if (s * count + k < c->n_out && c->out[s * count + k])
					oqz_store_f(dt, c->out[s * count + k]->data, i, s ? e.state[s - 1] : e.x);
		}
	}
	return OQZ_OK;
}

static const char *const modes[] = { "standard", "nesterov", NULL };
static const struct oqz_attr_spec adagrad_attrs[] = {
	OQZ_A_FLOAT(struct optimizer, decay_factor, 0),
	OQZ_A_FLOAT(struct optimizer, epsilon, 1e-6F),
	OQZ_A_FLOAT(struct optimizer, norm_coefficient, 0),
	{ .name = NULL },
};
static const struct oqz_attr_spec adam_attrs[] = {
	OQZ_A_FLOAT(struct optimizer, alpha, 0.9F),
	OQZ_A_FLOAT(struct optimizer, beta, 0.999F),
	OQZ_A_FLOAT(struct optimizer, epsilon, 1e-6F),
	OQZ_A_FLOAT(struct optimizer, norm_coefficient, 0),
	OQZ_A_FLOAT(struct optimizer, norm_coefficient_post, 0),
	{ .name = NULL },
};
static const struct oqz_attr_spec momentum_attrs[] = {
	OQZ_A_REQUIRED(struct optimizer, alpha, OQZ_ATTR_FLOAT),
	OQZ_A_REQUIRED(struct optimizer, beta, OQZ_ATTR_FLOAT),
	OQZ_A_REQUIRED(struct optimizer, norm_coefficient, OQZ_ATTR_FLOAT),
	OQZ_A_REQUIRED_WORD(struct optimizer, mode, modes),
	{ .name = NULL },
};

const struct oqz_op oqz_ops_train[] = {
	{ OQZ_ROW(ADAGRAD), OQZ_ROW_PARAMS(struct optimizer, adagrad_attrs), .infer = infer_optimizer,
	  .run = run_optimizer },
	{ OQZ_ROW(ADAM), OQZ_ROW_PARAMS(struct optimizer, adam_attrs), .infer = infer_optimizer, .run = run_optimizer },
	{ OQZ_ROW(MOMENTUM), OQZ_ROW_PARAMS(struct optimizer, momentum_attrs), .infer = infer_optimizer,
	  .run = run_optimizer },
	{ .name = NULL },
};
