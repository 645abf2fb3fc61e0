/* SPDX-License-Identifier: Apache-2.0
 *
 * Empirical bias correction: Nagel et al. 2019 (ICCV), appendix D, as in PPQ's BiasCorrectionPass. Rounding weights and
 * clipping activations shift the mean of a layer's outputs; the shift is measured on calibration images and taken out
 * of the bias. Layers are corrected in execution order, each behind the corrected ones before it, so that shifts are
 * not taken out twice. A layer without a bias keeps none, as in PPQ.
 */
#include "core/quant/improve.h"
#include "core/ops/op.h"

#include <stdlib.h>
#include <string.h>

static const struct oqz_param params[] = {
	OQZ_IMPROVE_IMAGES("16", "the means are taken over"),
	{ 0 },
};

/* Mean outputs per channel of some layers. */
struct means {
	const struct oqz_node **layers;
	double **sum; /* [layers][channels] */
	double *count;
	size_t n;
};

/* What the bias is multiplied by before it is added. */
static double bias_factor(const struct oqz_node *n)
{
	return n->op->id == OQZ_OP_GEMM ? (double)oqz_node_float(n, "beta", 1) : 1;
}

static bool correctable(const struct oqz_node *n, const struct oqz_qplan *p)
{
	struct oqz_weight_form f;

	return oqz_weight_form(n, &f) && oqz_channel_bias(n, f.out) && bias_factor(n) != 0 &&
	       (oqz_improve_site(p, n->name, 0) || oqz_improve_site(p, n->name, 1));
}

static int64_t channels_of(const struct oqz_node *n) { return oqz_tensor_nelem(n->in[2]->constant); }

static enum oqz_status add_up(void *ctx, size_t image, const struct oqz_tensor *const *taps, struct oqz_err *err)
{
	struct means *m = ctx;

	(void)image;
	for (size_t i = 0; i < m->n; i++) {
		const struct oqz_tensor *t = taps[i];
		int64_t channels = channels_of(m->layers[i]), n = oqz_tensor_nelem(t), inner;
		OQZ_TRY(oqz_channel_inner(m->layers[i], t, channels, &inner, err));
		for (int64_t k = 0; k < n; k++)
			m->sum[i][k / inner % channels] += (double)((const float *)t->data)[k];
		m->count[i] += (double)(n / channels);
	}
	return OQZ_OK;
}

static void means_release(struct means *m)
{
	for (size_t i = 0; m->sum && i < m->n; i++)
		free(m->sum[i]);
	free(m->sum);
	free(m->count);
}

static enum oqz_status measure(const struct oqz_graph *g, const struct oqz_node **layers, size_t n, size_t images,
                               const struct oqz_improve_data *data, struct means *m, struct oqz_err *err)
{
	OQZ_CLEANUP_FREE const char **taps = calloc(n + 1, sizeof *taps);

	*m = (struct means) { .layers = layers, .n = n };
	m->sum = calloc(n + 1, sizeof *m->sum);
	m->count = calloc(n + 1, sizeof *m->count);
	if (!taps || !m->sum || !m->count)
		return oqz_err_nomem(err, "means", n);
	for (size_t i = 0; i < n; i++) {
		taps[i] = layers[i]->out[0]->name;
		m->sum[i] = calloc((size_t)channels_of(layers[i]), sizeof(double));
		if (!m->sum[i])
			return oqz_err_nomem(err, "means", (size_t)channels_of(layers[i]));
	}
	return data->run(data->ctx, g, taps, n, images, add_up, m, err);
}

/* Corrects one layer, whose float means are row `i` of `wanted`, behind what the plan has already. */
static enum oqz_status correct(const struct oqz_graph *g, struct oqz_qplan *p, const struct means *wanted, size_t i,
                               size_t images, const struct oqz_improve_data *data, struct oqz_err *err)
{
	OQZ_CLEANUP(oqz_graph_free_cleanup) struct oqz_graph *q = NULL;
	OQZ_CLEANUP(means_release) struct means have = { 0 };
	struct oqz_tensor b = { 0 };
	const struct oqz_node *n = wanted->layers[i];
	size_t channels = (size_t)channels_of(n);

	OQZ_TRY(oqz_qplan_apply(p, g, &q, err));
	OQZ_TRY(measure(q, &wanted->layers[i], 1, images, data, &have, err));
	OQZ_TRY(oqz_tensor_alloc(&b, OQZ_DT_F32, &n->in[2]->constant->shape, err));
	for (size_t c = 0; c < channels; c++) {
		double shift = wanted->sum[i][c] / wanted->count[i] - have.sum[0][c] / have.count[0];
		((float *)b.data)[c] =
		    (float)((double)((const float *)n->in[2]->constant->data)[c] + shift / bias_factor(n));
	}
	enum oqz_status st = oqz_qplan_set_constant(p, n->name, 2, &b, err);
	oqz_tensor_release(&b);
	return st;
}

static enum oqz_status run(const struct oqz_graph *g, struct oqz_qplan *p, const struct oqz_params *given,
                           const struct oqz_improve_data *data, struct oqz_err *err)
{
	OQZ_CLEANUP_FREE const struct oqz_node **layers = calloc(g->nodes.n + 1, sizeof *layers);
	OQZ_CLEANUP(means_release) struct means wanted = { 0 };
	size_t n = 0, images = oqz_improve_images(given, data);

	if (!layers)
		return oqz_err_nomem(err, "layers", g->nodes.n);
	for (size_t i = 0; i < g->nodes.n; i++)
		if (correctable(g->nodes.v[i], p))
			layers[n++] = g->nodes.v[i];
	if (n == 0)
		return OQZ_OK;
	OQZ_TRY(measure(g, layers, n, images, data, &wanted, err));
	for (size_t i = 0; i < n; i++)
		OQZ_TRY(correct(g, p, &wanted, i, images, data, err));
	return OQZ_OK;
}

const struct oqz_improve oqz_improve_bias = {
	.name = "correct-bias",
	.summary = "empirical bias correction: the mean shift of every layer's outputs taken out of its bias",
	.source = "Nagel et al. 2019 (ICCV), appendix D; PPQ's BiasCorrectionPass without its undoing",
	.params = params,
	.on_plan = run,
};
