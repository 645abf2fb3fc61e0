/* SPDX-License-Identifier: Apache-2.0
 *
 * Operators of the domain com.microsoft, as ONNX Runtime's tools put them into models of images: each says in one node
 * what ONNX says in a few, so they are written out when a model is resolved. Quantized ones become DequantizeLinear,
 * the float operator and QuantizeLinear, which is their definition, and what the executor looks for when it computes
 * with integers. The node at hand becomes the last of the group and keeps its outputs; the others stand in front of it.
 */
#include "core/ops/ops_util.h"

#include <stdlib.h>

/* A new node in front of n, with one output. Trailing inputs may be NULL. */
static enum oqz_status part(struct oqz_node *n, const char *op, struct oqz_value *const *in, int n_in,
                            struct oqz_node **ret, struct oqz_err *err)
{
	struct oqz_value *out;
	const char *base = oqz_arena_printf(n->graph->arena, "%s_%s", n->name, op);
	const char *value = base ? oqz_graph_fresh_name(n->graph, base) : NULL;
	const char *name = base ? oqz_arena_strdup(n->graph->arena, oqz_graph_fresh_name(n->graph, base)) : NULL;

	if (!value || !name)
		return oqz_err_nomem(err, "a node", 0);
	while (n_in > 1 && !in[n_in - 1])
		n_in--;
	for (int i = 0; i < n_in; i++)
		if (!in[i] && i == 0)
			OQZ_FAIL(err, OQZ_E_DATA, "an input of the %s in it is left out", op);
	OQZ_TRY(oqz_graph_add_value(n->graph, value, &out, err));
	return oqz_graph_add_node(n->graph, name, "", op, OQZ_OPSET_NEWEST, in, n_in, &out, 1, n, ret, err);
}

/* The node turns into `op` of the default domain with these inputs, and keeps the attributes in `keep` (NULL: none). */
static enum oqz_status become(struct oqz_node *n, const char *op, struct oqz_value *const *in, int n_in,
                              const char *const *keep, struct oqz_err *err)
{
	for (size_t i = n->n_attr; i-- > 0;) {
		bool stays = false;
		for (const char *const *k = keep; k && *k; k++)
			stays |= strcmp(*k, n->attr[i].name) == 0;
		if (!stays)
			oqz_node_remove_attr(n, n->attr[i].name);
	}
	while (n_in > 1 && !in[n_in - 1])
		n_in--;
	for (int i = 0; i < n_in; i++)
		OQZ_TRY(oqz_node_set_input(n, i, in[i], err));
	for (int i = n_in; i < n->n_in; i++)
		OQZ_TRY(oqz_node_set_input(n, i, NULL, err));
	n->n_in = n_in;
	n->domain = "";
	n->op_type = op;
	n->opset = OQZ_OPSET_NEWEST;
	return OQZ_OK;
}

#define IN(...)                                 \
	(struct oqz_value *[]) { __VA_ARGS__ }, \
	    (int)(sizeof((struct oqz_value *[]) { __VA_ARGS__ }) / sizeof(struct oqz_value *))

static enum oqz_status copy_attrs(struct oqz_node *to, const struct oqz_node *from, const char *const *leave,
                                  struct oqz_err *err)
{
	for (size_t i = 0; i < from->n_attr; i++) {
		bool skip = false;
		for (const char *const *k = leave; *k; k++)
			skip |= strcmp(*k, from->attr[i].name) == 0;
		if (!skip && from->attr[i].type != OQZ_ATTR_GRAPH)
			OQZ_TRY(oqz_node_set_attr(to, &from->attr[i], err));
	}
	return OQZ_OK;
}

/* ---- renamings ---- */

static const char *const linear_keep[] = { "axis", "block_size", "saturate", NULL };
static const char *const norm_keep[] = { "axis", "epsilon", "stash_type", NULL };

static enum oqz_status rename_to(struct oqz_node *n, const char *op, const char *const *keep, struct oqz_err *err)
{
	return become(n, op, n->in, n->n_in, keep, err);
}

static enum oqz_status quantize(struct oqz_node *n, struct oqz_err *err)
{
	return rename_to(n, "QuantizeLinear", linear_keep, err);
}

static enum oqz_status dequantize(struct oqz_node *n, struct oqz_err *err)
{
	return rename_to(n, "DequantizeLinear", linear_keep, err);
}

static enum oqz_status layer_norm(struct oqz_node *n, struct oqz_err *err)
{
	return rename_to(n, "LayerNormalization", norm_keep, err);
}

static enum oqz_status rms_norm(struct oqz_node *n, struct oqz_err *err)
{
	return rename_to(n, "RMSNormalization", norm_keep, err);
}

/* ---- activations ---- */

static enum oqz_status gelu(struct oqz_node *n, struct oqz_err *err) { return rename_to(n, "Gelu", NULL, err); }

static enum oqz_status bias_gelu(struct oqz_node *n, struct oqz_err *err)
{
	struct oqz_node *sum;

	OQZ_TRY(part(n, "Add", IN(oqz_node_in(n, 0), oqz_node_in(n, 1)), &sum, err));
	return become(n, "Gelu", IN(sum->out[0]), NULL, err);
}

static enum oqz_status fast_gelu(struct oqz_node *n, struct oqz_err *err)
{
	struct oqz_value *x = oqz_node_in(n, 0);
	struct oqz_node *sum;

	if (oqz_node_in(n, 1)) {
		OQZ_TRY(part(n, "Add", IN(x, oqz_node_in(n, 1)), &sum, err));
		x = sum->out[0];
	}
	OQZ_TRY(become(n, "Gelu", IN(x), NULL, err));
	return oqz_node_set_string(n, "approximate", "tanh", err);
}

static enum oqz_status quick_gelu(struct oqz_node *n, struct oqz_err *err)
{
	const struct oqz_attr *a = oqz_node_attr(n, "alpha");
	float alpha = a ? a->f : 1.702f;

	OQZ_TRY(rename_to(n, "Swish", NULL, err));
	return oqz_node_set_float(n, "alpha", alpha, err);
}

/* ---- sums that are normalised ---- */

/* Inputs: X, skip, gamma, then (beta and) bias. Output 3 is the sum. */
static enum oqz_status skip_norm(struct oqz_node *n, bool rms, struct oqz_err *err)
{
	struct oqz_value *gamma = oqz_node_in(n, 2), *beta = rms ? NULL : oqz_node_in(n, 3),
	                 *bias = oqz_node_in(n, rms ? 3 : 4);
	struct oqz_node *sum;

	OQZ_TRY(part(n, "Add", IN(oqz_node_in(n, 0), oqz_node_in(n, 1)), &sum, err));
	if (bias)
		OQZ_TRY(part(n, "Add", IN(sum->out[0], bias), &sum, err));
	struct oqz_value *total = sum->out[0];
	if (n->n_out > 3 && n->out[3]) { /* the sum is the output itself */
		total = n->out[3];
		total->producer = sum;
		total->producer_output = 0;
		sum->out[0]->producer = NULL;
		sum->out[0] = total;
		n->out[3] = NULL;
	}
	n->n_out = n->n_out > 3 ? 3 : n->n_out;
	if (rms)
		for (; n->n_out > 1; n->n_out--)
			if (n->out[n->n_out - 1])
				OQZ_FAIL(err, OQZ_E_UNSUPPORTED, "mean or inverse deviation as an output");
	OQZ_TRY(become(n, rms ? "RMSNormalization" : "LayerNormalization", IN(total, gamma, beta), norm_keep, err));
	return oqz_node_attr(n, "epsilon") ? OQZ_OK : oqz_node_set_float(n, "epsilon", 1e-12f, err);
}

static enum oqz_status skip_layer_norm(struct oqz_node *n, struct oqz_err *err) { return skip_norm(n, false, err); }
static enum oqz_status skip_rms_norm(struct oqz_node *n, struct oqz_err *err) { return skip_norm(n, true, err); }

/* ---- products ---- */

static enum oqz_status swapped(struct oqz_node *n, int i, const char *attr, struct oqz_value **ret, struct oqz_err *err)
{
	const struct oqz_attr *a = oqz_node_attr(n, attr);
	int64_t perm[OQZ_MAX_RANK];
	struct oqz_node *t;

	*ret = oqz_node_in(n, i);
	if (!a || !a->i)
		return OQZ_OK;
	int rank = *ret ? (*ret)->type.shape.rank : -1;
	if (rank < 2)
		OQZ_FAIL(err, OQZ_E_UNSUPPORTED, "%s with an input of rank %d", attr, rank);
	for (int d = 0; d < rank; d++)
		perm[d] = d < rank - 2 ? d : 2 * rank - 3 - d;
	OQZ_TRY(part(n, "Transpose", IN(*ret), &t, err));
	OQZ_TRY(oqz_node_set_ints(t, "perm", perm, (size_t)rank, err));
	*ret = t->out[0];
	return OQZ_OK;
}

static enum oqz_status fused_matmul(struct oqz_node *n, struct oqz_err *err)
{
	static const char *const batch[] = { "transBatchA", "transBatchB" };
	const struct oqz_attr *alpha = oqz_node_attr(n, "alpha");
	struct oqz_value *a, *b, *factor;
	struct oqz_node *product;

	for (size_t i = 0; i < OQZ_COUNTOF(batch); i++)
		if (oqz_node_attr(n, batch[i]) && oqz_node_attr(n, batch[i])->i)
			OQZ_FAIL(err, OQZ_E_UNSUPPORTED, "attribute %s", batch[i]);
	OQZ_TRY(swapped(n, 0, "transA", &a, err));
	OQZ_TRY(swapped(n, 1, "transB", &b, err));
	if (!alpha || alpha->f == 1)
		return become(n, "MatMul", IN(a, b), NULL, err);
	OQZ_TRY(oqz_graph_insert_number(n->graph, alpha->f, &factor, err, "%s_alpha", n->name));
	OQZ_TRY(part(n, "MatMul", IN(a, b), &product, err));
	return become(n, "Mul", IN(product->out[0], factor), NULL, err);
}

/* Conv, then an addition, then an activation with parameters. */
static enum oqz_status fused_conv(struct oqz_node *n, struct oqz_err *err)
{
	static const char *const leave[] = { "activation", "activation_params", NULL };
	static const char *const with_alpha[] = { "LeakyRelu", "HardSigmoid", NULL };
	const struct oqz_attr *act = oqz_node_attr(n, "activation"), *p = oqz_node_attr(n, "activation_params");
	float params[2] = { p && p->n > 0 ? p->floats[0] : 0, p && p->n > 1 ? p->floats[1] : 0 };
	struct oqz_value *lo, *hi, *z = oqz_node_in(n, 3);
	struct oqz_node *conv;

	if (act && act->type != OQZ_ATTR_STRING)
		OQZ_FAIL(err, OQZ_E_DATA, "attribute activation has the wrong type");
	const char *word = act ? oqz_arena_strdup(n->graph->arena, act->s) : "";
	size_t given = p ? p->n : 0;
	OQZ_TRY(part(n, "Conv", IN(oqz_node_in(n, 0), oqz_node_in(n, 1), oqz_node_in(n, 2)), &conv, err));
	OQZ_TRY(copy_attrs(conv, n, leave, err));
	if (z)
		OQZ_TRY(part(n, "Add", IN(conv->out[0], z), &conv, err));
	if (!word || !*word)
		return become(n, "Identity", IN(conv->out[0]), NULL, err);
	if (strcmp(word, "Clip") == 0 && given == 2) {
		OQZ_TRY(oqz_graph_insert_number(n->graph, params[0], &lo, err, "%s_min", n->name));
		OQZ_TRY(oqz_graph_insert_number(n->graph, params[1], &hi, err, "%s_max", n->name));
		return become(n, "Clip", IN(conv->out[0], lo, hi), NULL, err);
	}
	OQZ_TRY(become(n, word, IN(conv->out[0]), NULL, err));
	for (const char *const *k = with_alpha; *k; k++)
		if (strcmp(*k, word) == 0 && given > 0)
			OQZ_TRY(oqz_node_set_float(n, "alpha", params[0], err));
	if (strcmp(word, "HardSigmoid") == 0 && given > 1)
		return oqz_node_set_float(n, "beta", params[1], err);
	return OQZ_OK;
}

/* ---- quantized operators ---- */

/* The float value of codes in[i] with scale in[i + 1] and zero point in[i + 2]. */
static enum oqz_status decode(struct oqz_node *n, int i, struct oqz_value **ret, struct oqz_err *err)
{
	struct oqz_node *dq;

	OQZ_TRY(
	    part(n, "DequantizeLinear", IN(oqz_node_in(n, i), oqz_node_in(n, i + 1), oqz_node_in(n, i + 2)), &dq, err));
	*ret = dq->out[0];
	return OQZ_OK;
}

static enum oqz_status encode(struct oqz_node *n, struct oqz_value *x, struct oqz_value *scale, struct oqz_value *zero,
                              struct oqz_err *err)
{
	if (!scale)
		OQZ_FAIL(err, OQZ_E_DATA, "the result's scale is left out");
	return become(n, "QuantizeLinear", IN(x, scale, zero), NULL, err);
}

/* (A, a_scale, a_zero, B, b_scale, b_zero, y_scale, y_zero) */
static enum oqz_status qlinear_binary(struct oqz_node *n, const char *op, struct oqz_err *err)
{
	struct oqz_value *a, *b;
	struct oqz_node *y;

	OQZ_TRY(decode(n, 0, &a, err));
	OQZ_TRY(decode(n, 3, &b, err));
	OQZ_TRY(part(n, op, IN(a, b), &y, err));
	return encode(n, y->out[0], oqz_node_in(n, 6), oqz_node_in(n, 7), err);
}

static enum oqz_status qlinear_add(struct oqz_node *n, struct oqz_err *err) { return qlinear_binary(n, "Add", err); }
static enum oqz_status qlinear_mul(struct oqz_node *n, struct oqz_err *err) { return qlinear_binary(n, "Mul", err); }

/* (X, x_scale, x_zero, y_scale, y_zero) and the float operator's own attributes */
static enum oqz_status qlinear_unary(struct oqz_node *n, const char *op, struct oqz_err *err)
{
	static const char *const leave[] = { "channels_last", "opset", NULL };
	const struct oqz_attr *last = oqz_node_attr(n, "channels_last");
	struct oqz_value *x;
	struct oqz_node *y;

	if (last && last->i)
		OQZ_FAIL(err, OQZ_E_UNSUPPORTED, "attribute channels_last");
	OQZ_TRY(decode(n, 0, &x, err));
	OQZ_TRY(part(n, op, IN(x), &y, err));
	OQZ_TRY(copy_attrs(y, n, leave, err));
	return encode(n, y->out[0], oqz_node_in(n, 3), oqz_node_in(n, 4), err);
}

static enum oqz_status qlinear_sigmoid(struct oqz_node *n, struct oqz_err *err)
{
	return qlinear_unary(n, "Sigmoid", err);
}
static enum oqz_status qlinear_leaky(struct oqz_node *n, struct oqz_err *err)
{
	return qlinear_unary(n, "LeakyRelu", err);
}
static enum oqz_status qlinear_average(struct oqz_node *n, struct oqz_err *err)
{
	return qlinear_unary(n, "AveragePool", err);
}
static enum oqz_status qlinear_global_average(struct oqz_node *n, struct oqz_err *err)
{
	return qlinear_unary(n, "GlobalAveragePool", err);
}
static enum oqz_status qlinear_softmax(struct oqz_node *n, struct oqz_err *err)
{
	const struct oqz_attr *opset = oqz_node_attr(n, "opset");

	if (opset && opset->i < 13)
		OQZ_FAIL(err, OQZ_E_UNSUPPORTED, "QLinearSoftmax of operator set %lld", (long long)opset->i);
	return qlinear_unary(n, "Softmax", err);
}

/* (y_scale, y_zero, X0, x0_scale, x0_zero, X1, ...) */
static enum oqz_status qlinear_concat(struct oqz_node *n, struct oqz_err *err)
{
	static const char *const none[] = { NULL };
	int count = (n->n_in - 2) / 3;

	if (count < 1 || n->n_in != 2 + 3 * count)
		OQZ_FAIL(err, OQZ_E_DATA, "has %d inputs, should be 2 and threes", n->n_in);
	OQZ_CLEANUP_FREE struct oqz_value **x = calloc((size_t)count, sizeof(struct oqz_value *));
	struct oqz_node *y;
	if (!x)
		return oqz_err_nomem(err, "inputs", (size_t)count);
	for (int i = 0; i < count; i++)
		OQZ_TRY(decode(n, 2 + 3 * i, &x[i], err));
	OQZ_TRY(part(n, "Concat", x, count, &y, err));
	OQZ_TRY(copy_attrs(y, n, none, err));
	return encode(n, y->out[0], oqz_node_in(n, 0), oqz_node_in(n, 1), err);
}

/* (A, a_scale, a_zero, B, b_scale, b_zero, C, y_scale, y_zero): C has the scale of the product, alpha included; without
 * y_scale the result stays float. B's scales may run along its columns. */
static enum oqz_status qgemm(struct oqz_node *n, struct oqz_err *err)
{
	static const char *const leave[] = { "alpha", NULL };
	static const char *const trans[] = { "transA", "transB", NULL };
	const struct oqz_attr *alpha = oqz_node_attr(n, "alpha"), *tb = oqz_node_attr(n, "transB");
	struct oqz_value *a, *b, *c = oqz_node_in(n, 6), *ys = oqz_node_in(n, 7), *yz = oqz_node_in(n, 8), *factor;
	float f = alpha ? alpha->f : 1;
	struct oqz_node *node;

	OQZ_TRY(decode(n, 0, &a, err));
	OQZ_TRY(decode(n, 3, &b, err));
	OQZ_TRY(oqz_node_set_int(b->producer, "axis", tb && tb->i ? 0 : 1, err));
	if (c) {
		OQZ_TRY(part(n, "Mul", IN(oqz_node_in(n, 1), oqz_node_in(n, 4)), &node, err));
		OQZ_TRY(oqz_graph_insert_number(n->graph, f, &factor, err, "%s_alpha", n->name));
		OQZ_TRY(part(n, "Mul", IN(node->out[0], factor), &node, err));
		struct oqz_value *scale = node->out[0];
		OQZ_TRY(part(n, "Cast", IN(c), &node, err));
		OQZ_TRY(oqz_node_set_int(node, "to", OQZ_DT_F32, err));
		OQZ_TRY(part(n, "Mul", IN(node->out[0], scale), &node, err));
		c = node->out[0];
	}
	if (!ys) {
		OQZ_TRY(become(n, "Gemm", IN(a, b, c), trans, err));
		return oqz_node_set_float(n, "alpha", f, err);
	}
	OQZ_TRY(part(n, "Gemm", IN(a, b, c), &node, err));
	OQZ_TRY(copy_attrs(node, n, leave, err));
	OQZ_TRY(oqz_node_set_float(node, "alpha", f, err));
	return encode(n, node->out[0], ys, yz, err);
}

static const struct {
	const char *op;
	enum oqz_status (*write_out)(struct oqz_node *n, struct oqz_err *err);
} contrib[] = {
	{ "BiasGelu", bias_gelu },
	{ "DequantizeLinear", dequantize },
	{ "FastGelu", fast_gelu },
	{ "FusedConv", fused_conv },
	{ "FusedMatMul", fused_matmul },
	{ "Gelu", gelu },
	{ "LayerNormalization", layer_norm },
	{ "QGemm", qgemm },
	{ "QLinearAdd", qlinear_add },
	{ "QLinearAveragePool", qlinear_average },
	{ "QLinearConcat", qlinear_concat },
	{ "QLinearGlobalAveragePool", qlinear_global_average },
	{ "QLinearLeakyRelu", qlinear_leaky },
	{ "QLinearMul", qlinear_mul },
	{ "QLinearSigmoid", qlinear_sigmoid },
	{ "QLinearSoftmax", qlinear_softmax },
	{ "QuantizeLinear", quantize },
	{ "QuickGelu", quick_gelu },
	{ "SimplifiedLayerNormalization", rms_norm },
	{ "SkipLayerNormalization", skip_layer_norm },
	{ "SkipSimplifiedLayerNormalization", skip_rms_norm },
};

static int contrib_row(const struct oqz_node *n)
{
	bool microsoft = strcmp(n->domain, "com.microsoft") == 0;

	for (size_t i = 0; i < OQZ_COUNTOF(contrib); i++)
		if (strcmp(contrib[i].op, n->op_type) == 0 &&
		    (microsoft ||
		     (*n->domain == 0 && contrib[i].write_out == rms_norm))) /* exporters put that one there */
			return (int)i;
	return -1;
}

bool oqz_upgrade_contrib_known(const struct oqz_node *n) { return contrib_row(n) >= 0; }

enum oqz_status oqz_upgrade_contrib(struct oqz_node *n, struct oqz_err *err)
{
	int row = contrib_row(n);

	return row < 0 ? OQZ_OK : contrib[row].write_out(n, err);
}

const char *oqz_upgrade_contrib_name(size_t i) { return i < OQZ_COUNTOF(contrib) ? contrib[i].op : NULL; }
