/* SPDX-License-Identifier: Apache-2.0
 *
 * The oldest operator set that can say what a resolved graph says. Resolving has brought every node to the newest form;
 * few operators changed their meaning or inputs since set 13, and those are listed here with the set of the form that
 * nodes have now. The list errs towards newer sets, which is never wrong, only less widely readable.
 */
#include "core/onnx/onnx_impl.h"
#include "core/ops/capture.h"
#include "core/ops/op.h"

#include <string.h>

enum { OLDEST = 13 }; /* per-channel QuantizeLinear; everything that readers of today know */

static const struct form {
	const char *op, *attr; /* attr: only nodes that have it; NULL: all */
	int since;
} forms[] = {
	{ "AveragePool", "ceil_mode", 19 },
	{ "AveragePool", "dilations", 19 },
	{ "BatchNormalization", "training_mode", 15 },
	{ "Cast", "saturate", 19 },
	{ "DFT", NULL, 20 },
	{ "Equal", NULL, 19 },
	{ "GRU", "layout", 14 },
	{ "GridSample", NULL, 20 },
	{ "GroupNormalization", NULL, 21 },
	{ "IsInf", NULL, 20 },
	{ "LSTM", "layout", 14 },
	{ "LpPool", NULL, 18 },
	{ "RNN", "layout", 14 },
	{ "ReduceL1", NULL, 18 },
	{ "ReduceL2", NULL, 18 },
	{ "ReduceLogSum", NULL, 18 },
	{ "ReduceLogSumExp", NULL, 18 },
	{ "ReduceMax", NULL, 20 },
	{ "ReduceMean", NULL, 18 },
	{ "ReduceMin", NULL, 20 },
	{ "ReduceProd", NULL, 18 },
	{ "ReduceSumSquare", NULL, 18 },
	{ "Reshape", "allowzero", 14 },
	{ "Resize", "antialias", 18 },
	{ "Resize", "axes", 18 },
	{ "Resize", "keep_aspect_ratio_policy", 18 },
	{ "RoiAlign", NULL, 16 },
	{ "ScatterElements", NULL, 18 },
	{ "ScatterND", NULL, 18 },
	{ "Shape", "end", 15 },
	{ "Shape", "start", 15 },
	{ "Split", "num_outputs", 18 },
};

/* QuantizeLinear, DequantizeLinear: by the type of the codes and by blocks. */
static int since_codes(const struct oqz_node *n)
{
	bool dequantize = strcmp(n->op_type, "DequantizeLinear") == 0;
	const struct oqz_value *codes = dequantize ? n->in[0] : n->out[0];
	const struct oqz_attr *block = oqz_node_attr(n, "block_size");

	if ((block && block->i != 0) || oqz_node_attr(n, "output_dtype"))
		return 21;
	switch (codes ? codes->type.dtype : OQZ_DT_UNDEFINED) {
	case OQZ_DT_I8:
	case OQZ_DT_U8: return OLDEST;
	case OQZ_DT_I32: return dequantize ? OLDEST : 21;
	case OQZ_DT_F8E4M3FN:
	case OQZ_DT_F8E4M3FNUZ:
	case OQZ_DT_F8E5M2:
	case OQZ_DT_F8E5M2FNUZ: return 19;
	default: return 21;
	}
}

/* An attribute that is there and not what its absence means: 0, or a list of ones. */
static bool says_more(const struct oqz_attr *a)
{
	bool more = a && (a->type != OQZ_ATTR_INT || a->i != 0);

	if (a && a->type == OQZ_ATTR_INTS) {
		more = false;
		for (size_t i = 0; i < a->n; i++)
			more |= a->ints[i] != 1;
	}
	return more;
}

/* Words of an attribute, and inputs, that came later than the operator. */
static int since_words(const struct oqz_node *n)
{
	const struct oqz_attr *mode = oqz_node_attr(n, "mode");
	const struct oqz_attr *where = oqz_node_attr(n, "coordinate_transformation_mode");

	if (strcmp(n->op_type, "Pad") == 0)
		return mode && strcmp(mode->s, "wrap") == 0 ? 19 : oqz_node_in(n, 3) ? 18 : OLDEST;
	if (strcmp(n->op_type, "Resize") == 0 && where && strcmp(where->s, "half_pixel_symmetric") == 0)
		return 19;
	return OLDEST;
}

static int since_node(const struct oqz_node *n)
{
	int since = n->op && n->op->since > OLDEST ? n->op->since : OLDEST;

	if (strcmp(n->op_type, "QuantizeLinear") == 0 || strcmp(n->op_type, "DequantizeLinear") == 0)
		return since_codes(n);
	if (oqz_onnx_has_older_form(n))
		return OLDEST;
	for (size_t i = 0; i < OQZ_COUNTOF(forms); i++)
		if (strcmp(forms[i].op, n->op_type) == 0 && forms[i].since > since &&
		    (!forms[i].attr || says_more(oqz_node_attr(n, forms[i].attr))))
			since = forms[i].since;
	return since_words(n) > since ? since_words(n) : since;
}

/* From set 18 on a Split without sizes says into how many parts. */
static enum oqz_status name_parts(struct oqz_graph *g, struct oqz_err *err)
{
	for (size_t i = 0; i < g->nodes.n; i++) {
		struct oqz_node *n = g->nodes.v[i];
		bool sizes = oqz_node_in(n, 1);
		if (!*n->domain && strcmp(n->op_type, "Split") == 0 && !sizes && !oqz_node_attr(n, "num_outputs"))
			OQZ_TRY(oqz_node_set_int(n, "num_outputs", n->n_out, err));
	}
	return OQZ_OK;
}

/* Attributes that a set does not have yet, which say no more there than their absence. */
static void drop_later_words(struct oqz_graph *g, int version)
{
	for (size_t i = 0; i < g->nodes.n; i++)
		for (size_t k = 0; k < OQZ_COUNTOF(forms) && !*g->nodes.v[i]->domain; k++)
			if (forms[k].attr && forms[k].since > version &&
			    strcmp(forms[k].op, g->nodes.v[i]->op_type) == 0)
				oqz_node_remove_attr(g->nodes.v[i], forms[k].attr);
}

enum oqz_status oqz_onnx_lower_opset(struct oqz_graph *g, struct oqz_err *err)
{
	struct oqz_graph *body[OQZ_NODE_MAX_BODIES];
	int version = OLDEST;

	for (size_t i = 0; i < g->nodes.n; i++) {
		const struct oqz_node *n = g->nodes.v[i];
		if (oqz_node_bodies(n, body) > 0)
			return name_parts(g, err); /* bodies would have to be looked through, too */
		if (!*n->domain && since_node(n) > version)
			version = since_node(n);
	}
	OQZ_TRY(oqz_onnx_write_older_forms(g, version, err));
	drop_later_words(g, version);
	for (size_t i = 0; i < g->nodes.n; i++)
		if (!*g->nodes.v[i]->domain && g->nodes.v[i]->opset > version)
			g->nodes.v[i]->opset = version;
	for (size_t i = 0; i < g->opsets.n; i++)
		if (!*g->opsets.v[i].domain && g->opsets.v[i].version > version)
			g->opsets.v[i].version = version;
	return oqz_graph_opset(g, "") >= 18 ? name_parts(g, err) : OQZ_OK;
}
