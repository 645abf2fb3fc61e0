/* SPDX-License-Identifier: Apache-2.0
 *
 * A MatMul and the Add of a constant as its only consumer become one layer, whose output is the sum: PPQ's
 * PPQBiasFusedMatMul, on which the QuantZoo's figures of transformers rest (what a layer's error is measured at
 * changes, no number does). In this program's graphs MatMul takes that bias as input 2, as Gemm does; files know no
 * such thing, so it is split again before a model is saved.
 *
 * The constant must be one row, (), (N) or (1, .., N), and the sum have the product's shape.
 */
#include "core/graph/pass_impl.h"

/* One number, or one per column. */
static bool is_row(const struct oqz_tensor *t, int64_t columns)
{
	int64_t last = t->shape.rank ? t->shape.dim[t->shape.rank - 1] : 1;

	return oqz_tensor_nelem(t) == last && (last == 1 || last == columns);
}

static struct oqz_node *find_add(const struct oqz_node *n, const struct oqz_value **ret_bias)
{
	struct oqz_value *y = oqz_node_out(n, 0);
	struct oqz_node *add = y ? oqz_value_sole_use(y) : NULL;

	if (!add || add->dead || !oqz_node_is(add, "Add") || add->n_in != 2 || !oqz_node_out(add, 0) || n->n_in != 2)
		return NULL;
	const struct oqz_value *c = add->in[add->in[0] == y];
	const struct oqz_shape *s = &y->type.shape, *b = n->in[1] ? &n->in[1]->type.shape : NULL;
	if (!c || c == y || !c->constant || !b || b->rank < 2 || s->rank < 1 || y->type.dtype != c->constant->dtype ||
	    !oqz_dtype_is_float(c->constant->dtype) || c->constant->shape.rank > s->rank)
		return NULL;
	*ret_bias = c;
	return b->dim[b->rank - 1] > 0 && is_row(c->constant, b->dim[b->rank - 1]) ? add : NULL;
}

static enum oqz_status absorb(struct oqz_graph *g, struct oqz_node *n, bool *ret_done, struct oqz_err *err)
{
	const struct oqz_value *c = NULL;
	struct oqz_node *add = oqz_node_is(n, "MatMul") ? find_add(n, &c) : NULL;

	if (!add)
		return OQZ_OK;
	/* a vector, or one number */
	const struct oqz_shape shape = { .rank = 1, .dim = { oqz_tensor_nelem(c->constant) } };
	OQZ_TRY(oqz_node_set_bias(g, n, c, &shape, err));
	oqz_node_absorb(n, add);
	*ret_done = true;
	return OQZ_OK;
}

enum oqz_status oqz_pass_matmul_add(struct oqz_graph *g, int *ret_changed, struct oqz_err *err)
{
	return oqz_pass_nodes(g, absorb, ret_changed, err);
}

/* n: product + bias  ->  n: product, "n/add": product + bias under the old name */
static enum oqz_status split(struct oqz_graph *g, struct oqz_node *n, struct oqz_err *err)
{
	struct oqz_value *y = n->out[0], *product, *sum;
	const char *base = oqz_arena_printf(g->arena, "%s/add", n->name);
	const char *name = base ? oqz_graph_fresh_name(g, base) : NULL, *value = oqz_graph_fresh_name(g, y->name),
	           *spare = oqz_graph_fresh_name(g, y->name);
	struct oqz_node *add, *before = n->index + 1 < (int)g->nodes.n ? g->nodes.v[n->index + 1] : NULL;

	if (!name || !value || !spare)
		return oqz_err_nomem(err, n->name, 0);
	OQZ_TRY(oqz_graph_add_value(g, value, &product, err));
	product->type = y->type;
	OQZ_TRY(oqz_graph_add_value(g, spare, &sum, err));
	struct oqz_value *in[2] = { product, n->in[2] };
	OQZ_TRY(
	    oqz_graph_add_node(g, name, "", "Add", n->opset < 13 ? 13 : n->opset, in, 2, &sum, 1, before, &add, err));
	OQZ_TRY(oqz_node_set_input(n, 2, NULL, err));
	n->n_in = 2;
	n->out[0] = product;
	product->producer = n;
	product->producer_output = 0;
	add->out[0] = y;
	y->producer = add;
	y->producer_output = 0;
	sum->producer = NULL;
	return OQZ_OK;
}

enum oqz_status oqz_graph_split_matmul_add(struct oqz_graph *g, struct oqz_err *err)
{
	size_t count = g->nodes.n;
	bool any = false;

	for (size_t i = 0; i < count; i++) {
		struct oqz_node *n = g->nodes.v[i];
		if (!oqz_node_is(n, "MatMul") || !oqz_node_in(n, 2))
			continue;
		any = true;
		OQZ_TRY(split(g, n, err));
		i++; /* the new node stands behind it */
		count++;
	}
	return any ? oqz_graph_finish(g, err) : OQZ_OK;
}
