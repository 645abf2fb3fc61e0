/* SPDX-License-Identifier: Apache-2.0
 *
 * NegativeLogLikelihoodLoss and SoftmaxCrossEntropyLoss, evaluated forwards. Both are a weighted pick of one class per
 * place; the second takes the logarithm of the softmax first.
 */
#include "core/ops/ops_util.h"

struct loss {
	const char *reduction;
	int64_t ignore_index;
};

static enum oqz_status infer_loss(struct oqz_infer *c, struct oqz_err *err)
{
	const struct loss *p = OQZ_PARAMS(c->node, struct loss);
	const struct oqz_shape *x = &c->in[0]->shape;

	OQZ_TRY(oqz_need_float(c, 0, err));
	OQZ_TRY(oqz_need_rank(c, 0, 2, OQZ_MAX_RANK, err));
	c->out[0].dtype = c->in[0]->dtype;
	if (p->reduction[0] != 'n')
		c->out[0].shape = (struct oqz_shape) { 0 };
	else if (x->rank >= 0) {
		c->out[0].shape = oqz_shape_unknown(x->rank - 1);
		for (int d = 0; d < x->rank - 1; d++)
			c->out[0].shape.dim[d] = x->dim[d + (d > 0)];
	}
	if (c->n_out > 1)
		c->out[1] = *c->in[0];
	return OQZ_OK;
}

/* x (N, C, D) becomes its log-softmax over C. */
static void log_softmax(double *x, int64_t n, int64_t classes, int64_t inner)
{
	for (int64_t i = 0; i < n * inner; i++) {
		double *at = x + i / inner * classes * inner + i % inner, top = -INFINITY, sum = 0;

		for (int64_t k = 0; k < classes; k++)
			top = at[k * inner] > top ? at[k * inner] : top;
		for (int64_t k = 0; k < classes; k++)
			sum += exp(at[k * inner] - top);
		for (int64_t k = 0; k < classes; k++)
			at[k * inner] -= top + log(sum);
	}
}

/* Loss and weight of every place: loss[i] = -w[t] * x[n, t, d]; ignored places have weight 0. */
static enum oqz_status pick(const struct oqz_call *c, const double *x, int64_t classes, int64_t inner, double *loss,
                            double *weight, struct oqz_err *err)
{
	const struct oqz_tensor *target = c->in[1], *w = c->in[2];
	bool ignores = oqz_node_attr(c->node, "ignore_index") != NULL;
	int64_t ignore = OQZ_PARAMS(c->node, struct loss)->ignore_index, n = oqz_tensor_nelem(target);

	if (w && oqz_tensor_nelem(w) != classes)
		OQZ_FAIL(err, OQZ_E_DATA, "%lld weights for %lld classes", (long long)oqz_tensor_nelem(w),
		         (long long)classes);
	for (int64_t i = 0; i < n; i++) {
		int64_t t = oqz_load_i(target->dtype, target->data, (size_t)i);

		loss[i] = weight[i] = 0;
		if (ignores && t == ignore)
			continue;
		if (t < 0 || t >= classes)
			OQZ_FAIL(err, OQZ_E_DATA, "target %lld of %lld classes", (long long)t, (long long)classes);
		weight[i] = w ? oqz_load_f(w->dtype, w->data, (size_t)t) : 1;
		loss[i] = -weight[i] * x[(i / inner * classes + t) * inner + i % inner];
	}
	return OQZ_OK;
}

static enum oqz_status run_loss(const struct oqz_call *c, struct oqz_err *err)
{
	const struct oqz_shape *s = &c->in[0]->shape;
	int64_t n = s->dim[0], classes = s->dim[1], inner = oqz_shape_span(s, 2, s->rank);
	char how = OQZ_PARAMS(c->node, struct loss)->reduction[0];
	OQZ_CLEANUP_FREE double *x = NULL;
	OQZ_CLEANUP_FREE double *loss = NULL;
	OQZ_CLEANUP_FREE double *weight = NULL;
	double sum = 0, total = 0;

	if (oqz_tensor_nelem(c->in[1]) != n * inner)
		OQZ_FAIL(err, OQZ_E_DATA, "%lld targets for %lld places", (long long)oqz_tensor_nelem(c->in[1]),
		         (long long)(n * inner));
	OQZ_TRY(oqz_read_f64(c->in[0], &x, err));
	OQZ_TRY(oqz_new_f64(n * inner, &loss, err));
	OQZ_TRY(oqz_new_f64(n * inner, &weight, err));
	if (c->node->op->id == OQZ_OP_SOFTMAX_CROSS_ENTROPY_LOSS)
		log_softmax(x, n, classes, inner);
	OQZ_TRY(pick(c, x, classes, inner, loss, weight, err));
	for (int64_t i = 0; i < n * inner; i++) {
		sum += loss[i];
		total += weight[i];
	}
	if (how == 'n')
		oqz_write_f64(c->out[0], loss);
	else
		oqz_store_f(c->out[0]->dtype, c->out[0]->data, 0, how == 'm' ? sum / total : sum);
	if (c->n_out > 1 && c->out[1])
		oqz_write_f64(c->out[1], x);
	return OQZ_OK;
}

static const char *const reductions[] = { "mean", "sum", "none", NULL };
static const struct oqz_attr_spec loss_attrs[] = {
	OQZ_A_STRING(struct loss, reduction, "mean", reductions),
	OQZ_A_INT(struct loss, ignore_index, 0),
	{ .name = NULL },
};

#define ROW(id)                                                                                               \
	{                                                                                                     \
		OQZ_ROW(id), OQZ_ROW_PARAMS(struct loss, loss_attrs),                                         \
		    OQZ_ROW_ROLES(OQZ_ROLE_ACTIVATION, OQZ_ROLE_INDEX, OQZ_ROLE_WEIGHT), .infer = infer_loss, \
		                                                                         .run = run_loss      \
	}

const struct oqz_op oqz_ops_loss[] = {
	ROW(NEGATIVE_LOG_LIKELIHOOD_LOSS),
	ROW(SOFTMAX_CROSS_ENTROPY_LOSS),
	{ .name = NULL },
};
