/* SPDX-License-Identifier: Apache-2.0
 *
 * From nodes to oneDNN's terms: the sliding window, and activation functions as post-operations. A
 * fused activation is applied to the accumulator's float before it is stored, so it costs no pass over memory.
 */
#include "core/exec/dnnl/dnnl_util.h"

#include <float.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

void oqz_dnnl_window_init(struct oqz_dnnl_window *w, const struct oqz_window *g, bool transposed)
{
	memset(w, 0, sizeof *w);
	w->nsp = g->n;
	for (int i = 0; i < g->n; i++) {
		/* the side that the window slides over, and how many places it takes there */
		int64_t size = transposed ? g->out[i] : g->in[i], places = transposed ? g->in[i] : g->out[i];
		int64_t extent = (g->kernel[i] - 1) * g->dilation[i] + 1;
		int64_t need = (places - 1) * g->stride[i] + extent - size - g->pad_begin[i];
		w->kernel[i] = g->kernel[i];
		w->stride[i] = g->stride[i];
		w->dilate[i] = g->dilation[i] - 1;
		w->pad_l[i] = g->pad_begin[i];
		w->pad_r[i] = transposed || need > g->pad_end[i] ? need : g->pad_end[i];
		w->extra_end |= need > g->pad_end[i];
	}
}

enum oqz_status oqz_dnnl_attr_init(struct oqz_dnnl_attr *a, struct oqz_err *err)
{
	*a = (struct oqz_dnnl_attr) { 0 };
	DNNL_TRY(dnnl_primitive_attr_create(&a->attr));
	dnnl_status_t s = dnnl_post_ops_create(&a->ops);
	if (s != dnnl_success) {
		oqz_dnnl_attr_release(a);
		return oqz_dnnl_err(err, "dnnl_post_ops_create", s);
	}
	return OQZ_OK;
}

void oqz_dnnl_attr_release(struct oqz_dnnl_attr *a)
{
	if (a->ops)
		dnnl_post_ops_destroy(a->ops);
	if (a->attr)
		dnnl_primitive_attr_destroy(a->attr);
	*a = (struct oqz_dnnl_attr) { 0 };
}

enum oqz_status oqz_dnnl_attr_finish(struct oqz_dnnl_attr *a, struct oqz_err *err)
{
	DNNL_TRY(dnnl_primitive_attr_set_post_ops(a->attr, a->ops));
	return OQZ_OK;
}

/* A constant scalar input, or the default when it is left out; false when it is not known or not one element. */
static bool scalar_input(const struct oqz_node *n, int i, double dflt, double *ret)
{
	if (i >= n->n_in || !n->in[i]) {
		*ret = dflt;
		return true;
	}
	const struct oqz_tensor *t = n->in[i]->constant;
	if (!t || oqz_tensor_nelem(t) != 1)
		return false;
	*ret = oqz_load_f(t->dtype, t->data, 0);
	return true;
}

static bool append(struct oqz_dnnl_attr *a, dnnl_alg_kind_t alg, double alpha, double beta)
{
	return dnnl_post_ops_append_eltwise(a->ops, 1.0f, alg, (float)alpha, (float)beta) == dnnl_success;
}

static bool append_clip(struct oqz_dnnl_attr *a, const struct oqz_node *n)
{
	double lo, hi;

	if (!scalar_input(n, 1, -FLT_MAX, &lo) || !scalar_input(n, 2, FLT_MAX, &hi) || !(lo <= hi))
		return false;
	if (lo == 0 && hi >= FLT_MAX)
		return append(a, dnnl_eltwise_relu, 0, 0);
	return append(a, dnnl_eltwise_clip, lo, hi);
}

bool oqz_dnnl_act_clamps(const struct oqz_node *act, float *ret_lo, float *ret_hi)
{
	bool relu = act && !act->domain[0] && strcmp(act->op_type, "Relu") == 0;
	double lo = relu ? 0 : -INFINITY, hi = INFINITY;

	if (act && !relu &&
	    (act->domain[0] || strcmp(act->op_type, "Clip") != 0 || !scalar_input(act, 1, lo, &lo) ||
	     !scalar_input(act, 2, hi, &hi) || !(lo <= hi)))
		return false;
	*ret_lo = (float)lo;
	*ret_hi = (float)hi;
	return true;
}

bool oqz_dnnl_attr_act(struct oqz_dnnl_attr *a, const struct oqz_node *act)
{
	/* operators whose ONNX parameters are oneDNN's alpha alone */
	static const struct {
		const char *op;
		dnnl_alg_kind_t alg;
		const char *alpha;
		float dflt;
	} rows[] = {
		{ "Relu", dnnl_eltwise_relu, NULL, 0 },          { "LeakyRelu", dnnl_eltwise_relu, "alpha", 0.01f },
		{ "Elu", dnnl_eltwise_elu, "alpha", 1 },         { "Sigmoid", dnnl_eltwise_logistic, NULL, 0 },
		{ "Tanh", dnnl_eltwise_tanh, NULL, 0 },          { "HardSwish", dnnl_eltwise_hardswish, NULL, 0 },
		{ "Swish", dnnl_eltwise_swish, "alpha", 1 },     { "Mish", dnnl_eltwise_mish, NULL, 0 },
		{ "Softplus", dnnl_eltwise_soft_relu, NULL, 0 }, { "Abs", dnnl_eltwise_abs, NULL, 0 },
		{ "Sqrt", dnnl_eltwise_sqrt, NULL, 0 },
	};

	if (!act)
		return true;
	if (act->domain[0])
		return false;
	const char *op = act->op_type;
	for (size_t i = 0; i < OQZ_COUNTOF(rows); i++)
		if (strcmp(op, rows[i].op) == 0)
			return append(a, rows[i].alg,
			              rows[i].alpha ? oqz_node_float(act, rows[i].alpha, rows[i].dflt) : rows[i].dflt,
			              0);
	if (strcmp(op, "Clip") == 0)
		return append_clip(a, act);
	if (strcmp(op, "HardSigmoid") == 0)
		return append(a, dnnl_eltwise_linear, oqz_node_float(act, "alpha", 0.2f),
		              oqz_node_float(act, "beta", 0.5f)) &&
		       append(a, dnnl_eltwise_clip, 0, 1);
	if (strcmp(op, "Gelu") == 0)
		return append(a,
		              strcmp(oqz_node_string(act, "approximate", "none"), "tanh") == 0 ? dnnl_eltwise_gelu_tanh
		                                                                               : dnnl_eltwise_gelu_erf,
		              0, 0);
	double slope;
	if (strcmp(op, "PRelu") == 0 && scalar_input(act, 1, 0, &slope) && act->n_in == 2)
		return append(a, dnnl_eltwise_relu, slope, 0);
	return false;
}
