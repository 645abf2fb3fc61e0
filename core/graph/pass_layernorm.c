/* SPDX-License-Identifier: Apache-2.0
 *
 * Layer normalization written out in elementary operators, as exporters did before operator set 17:
 *
 *	d = x - ReduceMean(x, -1);   y = d / Sqrt(ReduceMean(d^2, -1) + eps) * scale [+ bias]
 *
 * (or d * Reciprocal(Sqrt(..)))
 * becomes one LayerNormalization over the last axis. Only then can a scheme treat it as the layer it is (the QuantZoo
 * quantizes its input in transformers), and it is one step instead of nine. The square is Pow(d, 2) or Mul(d, d);
 * constants may stand on either side. eps, scale and bias are checked for their shapes, the 2 for its value.
 */
#include "core/graph/pass_impl.h"

/* The other operand of a node with two inputs; NULL when v is none of them. */
static struct oqz_value *other_input(const struct oqz_node *n, const struct oqz_value *v)
{
	if (n->n_in != 2)
		return NULL;
	return n->in[0] == v ? n->in[1] : n->in[1] == v ? n->in[0] : NULL;
}

/* What makes v, if it is this operator. */
static struct oqz_node *made_by(const struct oqz_value *v, const char *op)
{
	struct oqz_node *n = v ? v->producer : NULL;

	return n && !n->dead && oqz_node_is(n, op) ? n : NULL;
}

/* ReduceMean over the last axis that keeps it; its input. */
static struct oqz_value *mean_of(const struct oqz_value *v)
{
	const struct oqz_node *n = made_by(v, "ReduceMean");
	const struct oqz_tensor *axes = n ? oqz_node_constant(n, 1) : NULL;
	const struct oqz_attr *a = n ? oqz_node_attr(n, "axes") : NULL;
	int rank = n && n->in[0] ? n->in[0]->type.shape.rank : -1;
	int64_t axis = 0;

	if (!n || rank < 1 || oqz_node_int(n, "keepdims", 1) != 1)
		return NULL;
	if (axes && oqz_tensor_nelem(axes) == 1 && oqz_dtype_is_int(axes->dtype))
		axis = oqz_load_i(axes->dtype, axes->data, 0);
	else if (a && a->type == OQZ_ATTR_INTS && a->n == 1)
		axis = a->ints[0];
	else
		return NULL;
	return axis == -1 || axis == rank - 1 ? n->in[0] : NULL;
}

static bool is_square_of(const struct oqz_value *v, const struct oqz_value *d)
{
	const struct oqz_node *n = made_by(v, "Mul");
	double two;

	if (n)
		return n->n_in == 2 && n->in[0] == d && n->in[1] == d;
	n = made_by(v, "Pow");
	return n && n->in[0] == d && oqz_value_scalar(n->in[1], &two) && two == 2;
}

/* v = Sqrt(ReduceMean(d^2) + eps) */
static bool is_deviation(const struct oqz_value *v, const struct oqz_value *d, double *ret_eps)
{
	const struct oqz_node *root = made_by(v, "Sqrt"), *add = root ? made_by(root->in[0], "Add") : NULL;

	if (!add || add->n_in != 2)
		return false;
	int constant = oqz_value_scalar(add->in[1], ret_eps) ? 1 : 0;
	if (constant == 0 && !oqz_value_scalar(add->in[0], ret_eps))
		return false;
	return *ret_eps >= 0 && is_square_of(mean_of(add->in[1 - constant]), d);
}

/* A constant vector over x's last axis. */
static bool is_vector(const struct oqz_value *v, const struct oqz_value *x)
{
	const struct oqz_tensor *t = v ? v->constant : NULL;

	return t && t->shape.rank == 1 && t->dtype == x->type.dtype &&
	       t->shape.dim[0] == x->type.shape.dim[x->type.shape.rank - 1];
}

/* v * scale + bias: the node that makes it, v's sole use. */
static struct oqz_node *affine(struct oqz_value *v, const char *op, const struct oqz_value *x, struct oqz_value **ret)
{
	struct oqz_node *n = oqz_value_sole_use(v);

	if (!n || n->dead || !oqz_node_is(n, op) || !oqz_node_out(n, 0))
		return NULL;
	*ret = other_input(n, v);
	return is_vector(*ret, x) ? n : NULL;
}

/* n = d / s or d * Reciprocal(s), in any order of the product. */
static bool is_quotient(const struct oqz_node *n, struct oqz_value **ret_d, struct oqz_value **ret_s)
{
	if (n->n_in != 2 || !oqz_node_out(n, 0))
		return false;
	if (oqz_node_is(n, "Div")) {
		*ret_d = n->in[0];
		*ret_s = n->in[1];
		return true;
	}
	for (int i = 0; i < 2 && oqz_node_is(n, "Mul"); i++) {
		const struct oqz_node *r = made_by(n->in[i], "Reciprocal");
		if (!r)
			continue;
		*ret_d = n->in[1 - i];
		*ret_s = oqz_node_in(r, 0);
		return true;
	}
	return false;
}

static enum oqz_status fuse(struct oqz_graph *g, struct oqz_node *div, bool *ret, struct oqz_err *err)
{
	struct oqz_value *in[3], *d = NULL, *s = NULL, *x;
	struct oqz_node *sub, *mul, *add, *n;
	double eps;

	*ret = false;
	sub = is_quotient(div, &d, &s) ? made_by(d, "Sub") : NULL;
	x = sub ? sub->in[0] : NULL;
	if (!x || mean_of(sub->in[1]) != x || !is_deviation(s, d, &eps))
		return OQZ_OK;
	mul = affine(div->out[0], "Mul", x, &in[1]);
	if (!mul)
		return OQZ_OK;
	add = affine(mul->out[0], "Add", x, &in[2]);
	in[0] = x;
	struct oqz_node *last = add ? add : mul;
	OQZ_TRY(oqz_node_become(last, "LayerNormalization", 17, in, add ? 3 : 2, &n, err));
	OQZ_TRY(oqz_node_set_int(n, "axis", -1, err));
	OQZ_TRY(oqz_node_set_float(n, "epsilon", (float)eps, err));
	*ret = true;
	return OQZ_OK;
}

enum oqz_status oqz_pass_layernorm(struct oqz_graph *g, int *ret_changed, struct oqz_err *err)
{
	int removed;

	OQZ_TRY(oqz_pass_nodes(g, fuse, ret_changed, err));
	return *ret_changed ? oqz_pass_dead(g, &removed, err) : OQZ_OK; /* what the fused nodes were made of */
}
