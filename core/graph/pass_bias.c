/* SPDX-License-Identifier: Apache-2.0
 *
 * Conv, ConvTranspose or Gemm without a bias, and an Add of a constant as its only consumer: the constant becomes the
 * bias. The rule is PPQ's (which the QuantZoo numbers rest on): for convolutions the constant has the rank of the
 * weight and extent only along dimension 1, more than 1 there. On top of it the shapes must show that the Add does not
 * broadcast its other side, or the node's output would change shape. A MatMul and its Add stay two nodes
 * (pass_matmul_add.c makes them one layer).
 */
#include "core/graph/pass_impl.h"

/* (1, M, 1, ...) for a convolution. */
static bool fits_convolution(const struct oqz_node *n, const struct oqz_shape *c, int64_t channels)
{
	if (c->rank != n->in[1]->type.shape.rank || c->dim[1] != channels || channels < 2)
		return false;
	for (int i = 0; i < c->rank; i++)
		if (i != 1 && c->dim[i] != 1)
			return false;
	return true;
}

/* (), (1), (N), (1, 1) or (1, N) for Gemm: input C broadcasts one way only. */
static bool fits_gemm(const struct oqz_node *n, const struct oqz_shape *c, int64_t columns)
{
	if (c->rank > 2 || (c->rank == 2 && c->dim[0] != 1) || oqz_node_float(n, "beta", 1) != 1)
		return false;
	return c->rank == 0 || c->dim[c->rank - 1] == 1 || c->dim[c->rank - 1] == columns;
}

/* The Add that can go into n, and its constant. */
static struct oqz_node *find_add(const struct oqz_node *n, const struct oqz_value **ret_constant)
{
	struct oqz_value *y = oqz_node_out(n, 0);
	struct oqz_node *add = y ? oqz_value_sole_use(y) : NULL;
	int64_t channels = oqz_node_channels(n);

	if (!add || add->dead || !oqz_node_is(add, "Add") || add->n_in != 2 || !oqz_node_out(add, 0) ||
	    oqz_node_in(n, 2))
		return NULL;
	const struct oqz_value *c = add->in[add->in[0] == y];
	if (!c || !c->constant || channels < 0 || c->constant->dtype != n->in[1]->type.dtype)
		return NULL;
	const struct oqz_shape *s = &c->constant->shape;
	if (oqz_node_is(n, "Gemm") ? !fits_gemm(n, s, channels) : !fits_convolution(n, s, channels))
		return NULL;
	*ret_constant = c;
	return add;
}

/* The constant's shape as a bias: (M) for convolutions, unchanged for Gemm. */
static struct oqz_shape bias_shape(const struct oqz_node *n, const struct oqz_tensor *c)
{
	return oqz_node_is(n, "Gemm") ? c->shape : (struct oqz_shape) { .rank = 1, .dim = { c->shape.dim[1] } };
}

static enum oqz_status absorb(struct oqz_graph *g, struct oqz_node *n, bool *ret_done, struct oqz_err *err)
{
	const struct oqz_value *c = NULL;
	struct oqz_node *add = oqz_node_takes_bias(n) ? find_add(n, &c) : NULL;

	if (!add)
		return OQZ_OK;
	struct oqz_shape shape = bias_shape(n, c->constant);
	OQZ_TRY(oqz_node_set_bias(g, n, c, &shape, err));
	oqz_node_absorb(n, add);
	*ret_done = true;
	return OQZ_OK;
}

enum oqz_status oqz_pass_bias(struct oqz_graph *g, int *ret_changed, struct oqz_err *err)
{
	return oqz_pass_nodes(g, absorb, ret_changed, err);
}
