/* SPDX-License-Identifier: Apache-2.0
 *
 * The exact GELU written out, x * (Erf(x / sqrt(2)) + 1) * 0.5 in any order of its products, becomes one Gelu. The
 * constants are checked: they must be what the formula says to float16's precision, in which some were written.
 */
#include "core/graph/pass_impl.h"

#include <math.h>

static bool near(double x, double want) { return fabs(x - want) <= 1e-3 * want; }

/* n = op(v, constant near `want`), in any order; v. */
static struct oqz_value *with_constant(const struct oqz_node *n, const char *op, double want)
{
	double x;

	if (!n || n->dead || !oqz_node_is(n, op) || n->n_in != 2)
		return NULL;
	if (oqz_value_scalar(n->in[1], &x) && near(x, want))
		return n->in[0];
	return strcmp(op, "Div") && oqz_value_scalar(n->in[0], &x) && near(x, want) ? n->in[1] : NULL;
}

/* A live Mul that is v's only use. */
static struct oqz_node *sole_mul(const struct oqz_value *v)
{
	struct oqz_node *n = v ? oqz_value_sole_use(v) : NULL;

	return n && !n->dead && oqz_node_is(n, "Mul") && n->n_in == 2 && oqz_node_out(n, 0) ? n : NULL;
}

/* The node that ends t * x * 0.5, where t = Erf(..) + 1. */
static struct oqz_node *find_end(const struct oqz_value *t, const struct oqz_value *x)
{
	struct oqz_node *a = sole_mul(t), *b;

	if (!a)
		return NULL;
	struct oqz_value *factor = a->in[a->in[0] == t];
	if (with_constant(factor->producer, "Mul", 0.5) == x && !factor->constant)
		return a;
	b = sole_mul(a->out[0]);
	if (!b)
		return NULL;
	if (factor == x)
		return with_constant(b, "Mul", 0.5) == a->out[0] ? b : NULL;
	return with_constant(a, "Mul", 0.5) == t && b->in[b->in[0] == a->out[0]] == x ? b : NULL;
}

static enum oqz_status fuse(struct oqz_graph *g, struct oqz_node *erf, bool *ret, struct oqz_err *err)
{
	if (!oqz_node_is(erf, "Erf"))
		return OQZ_OK;
	struct oqz_node *scaled = erf->in[0] ? erf->in[0]->producer : NULL, *n;
	struct oqz_value *x = with_constant(scaled, "Div", M_SQRT2);
	struct oqz_node *add = erf->out[0] ? oqz_value_sole_use(erf->out[0]) : NULL, *end;

	if (!x)
		x = with_constant(scaled, "Mul", M_SQRT1_2);
	if (!x || with_constant(add, "Add", 1) != erf->out[0])
		return OQZ_OK;
	end = find_end(add->out[0], x);
	if (!end)
		return OQZ_OK;
	OQZ_TRY(oqz_node_become(end, "Gelu", 20, &x, 1, &n, err));
	*ret = true;
	return OQZ_OK;
}

enum oqz_status oqz_pass_gelu(struct oqz_graph *g, int *ret_changed, struct oqz_err *err)
{
	int removed;

	OQZ_TRY(oqz_pass_nodes(g, fuse, ret_changed, err));
	return *ret_changed ? oqz_pass_dead(g, &removed, err) : OQZ_OK; /* what the fused nodes were made of */
}
