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

int64_t oqz_node_int(const struct oqz_node *n, const char *name, int64_t missing)
{
	const struct oqz_attr *a = oqz_node_attr(n, name);

	return a && a->type == OQZ_ATTR_INT ? a->i : missing;
}

double oqz_node_float(const struct oqz_node *n, const char *name, double missing)
{
	const struct oqz_attr *a = oqz_node_attr(n, name);

	return a && a->type == OQZ_ATTR_FLOAT ? a->f : missing;
}

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
	const char *name = oqz_graph_fresh_name(g, c->name);

	if (!name)
		return oqz_err_nomem(err, n->name, 0);
	oqz_tensor_share(&t, c->constant);
	t.shape = *shape;
	enum oqz_status st = oqz_graph_add_constant(g, name, &t, &bias, err);
	oqz_tensor_release(&t);
	OQZ_TRY(st);
	return oqz_node_set_input(n, 2, bias, err);
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
