/* SPDX-License-Identifier: Apache-2.0
 *
 * The table of passes, and what they share. The order is that of the default pipeline: a bias must have joined its
 * convolution before a BatchNormalization behind both can.
 */
#include "core/graph/pass_impl.h"

const struct oqz_pass oqz_passes[] = {
	{ "remove-identity", "removes Identity, and Dropout outside training", oqz_pass_identity },
	{ "fuse-bias", "an Add of a constant behind Conv, ConvTranspose or Gemm becomes its bias", oqz_pass_bias },
	{ "fuse-batchnorm", "a BatchNormalization goes into the weights of the Conv, ConvTranspose or Gemm before it",
	  oqz_pass_batchnorm },
	{ "batchnorm-to-conv",
	  "a BatchNormalization that joined no layer becomes a depthwise Conv, a layer to be quantized",
	  oqz_pass_batchnorm_conv, .on_request = true },
	{ "fuse-matmul-add", "MatMul and the Add of a constant row behind it are one layer, measured behind the Add",
	  oqz_pass_matmul_add, .on_request = true },
	{ "fuse-gelu", "Erf with the products and sums of GELU around it becomes Gelu", oqz_pass_gelu },
	{ "fuse-layernorm",
	  "mean, deviation and scale over the last axis become LayerNormalization, a layer to be quantized",
	  oqz_pass_layernorm, .on_request = true },
	{ "remove-dead", "removes what no output depends on", oqz_pass_dead },
	{ .name = NULL },
};

bool oqz_value_scalar(const struct oqz_value *v, double *ret)
{
	const struct oqz_tensor *t = v ? v->constant : NULL;

	if (!t || oqz_tensor_nelem(t) != 1 || !oqz_dtype_is_float(t->dtype))
		return false;
	*ret = oqz_load_f(t->dtype, t->data, 0);
	return true;
}

bool oqz_node_takes_bias(const struct oqz_node *n)
{
	return oqz_node_is(n, "Conv") || oqz_node_is(n, "ConvTranspose") || oqz_node_is(n, "Gemm");
}

int64_t oqz_node_channels(const struct oqz_node *n)
{
	const struct oqz_value *w = oqz_node_in(n, 1);

	if (!w || w->type.shape.rank < 2)
		return -1;
	if (oqz_node_is(n, "Conv"))
		return w->type.shape.dim[0];
	if (oqz_node_is(n, "Gemm"))
		return w->type.shape.dim[oqz_node_int(n, "transB", 0) ? 0 : 1];
	int64_t group = oqz_node_int(n, "group", 1), per_group = w->type.shape.dim[1];
	if (group < 1 || per_group < 0 || per_group > INT64_MAX / group)
		return -1;
	return per_group * group;
}

enum oqz_status oqz_node_set_bias(struct oqz_graph *g, struct oqz_node *n, const struct oqz_value *c,
                                  const struct oqz_shape *shape, struct oqz_err *err)
{
	struct oqz_tensor t = { 0 };
	struct oqz_value *bias = NULL;

	oqz_tensor_share(&t, c->constant);
	t.shape = *shape;
	enum oqz_status st = oqz_graph_insert_constant(g, &t, &bias, err, "%s", c->name);
	oqz_tensor_release(&t);
	OQZ_TRY(st);
	return oqz_node_set_input(n, 2, bias, err);
}

enum oqz_status oqz_pass_nodes(struct oqz_graph *g, oqz_pass_node_fn *one, int *ret_changed, struct oqz_err *err)
{
	int changed = 0;

	for (size_t i = 0; i < g->nodes.n; i++) {
		struct oqz_node *n = g->nodes.v[i];
		bool done = false;
		if (n->dead)
			continue;
		if (one(g, n, &done, err) != OQZ_OK)
			return oqz_node_err(n, err);
		changed += done;
	}
	OQZ_TRY(oqz_graph_finish(g, err));
	*ret_changed = changed;
	return OQZ_OK;
}

enum oqz_status oqz_node_become(struct oqz_node *last, const char *op, int opset, struct oqz_value *const *in, int n_in,
                                struct oqz_node **ret, struct oqz_err *err)
{
	struct oqz_graph *g = last->graph;
	const char *name = oqz_graph_fresh_name(g, last->name), *value = oqz_graph_fresh_name(g, last->out[0]->name);
	struct oqz_value *y;

	if (!name || !value)
		return oqz_err_nomem(err, last->name, 0);
	OQZ_TRY(oqz_graph_add_value(g, value, &y, err));
	OQZ_TRY(oqz_graph_add_node(g, name, "", op, last->opset < opset ? opset : last->opset, in, n_in, &y, 1, last,
	                           ret, err));
	name = (*ret)->name;
	(*ret)->name = last->name;
	last->name = name;
	if (!oqz_map_set(&g->node_by_name, (*ret)->name, *ret) || !oqz_map_set(&g->node_by_name, last->name, last))
		return oqz_err_nomem(err, name, 0);
	oqz_node_absorb(*ret, last);
	return OQZ_OK;
}

void oqz_node_absorb(struct oqz_node *n, struct oqz_node *absorbed)
{
	struct oqz_value *v = absorbed->out[0];

	n->out[0]->producer = NULL;
	n->out[0] = v;
	v->producer = n;
	v->producer_output = 0;
	absorbed->out[0] = NULL;
	absorbed->dead = true;
}
