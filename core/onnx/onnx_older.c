/* SPDX-License-Identifier: Apache-2.0
 *
 * Older words for two operators that would raise a saved model's operator set on their own: reductions, whose axes were
 * an attribute before set 18, and Gelu, which before set 20 was said by Erf.
 */
#include "core/onnx/onnx_impl.h"
#include "core/ops/op.h"

#include <math.h>
#include <string.h>

static bool is_reduction(const struct oqz_node *n)
{
	return strncmp(n->op_type, "Reduce", 6) == 0 && strcmp(n->op_type, "ReduceSum") != 0;
}

/* The axes are known, or left out in the sense that they had before. */
static bool has_plain_axes(const struct oqz_node *n)
{
	const struct oqz_value *axes = n->n_in > 1 ? n->in[1] : NULL;
	const struct oqz_attr *noop = oqz_node_attr(n, "noop_with_empty_axes");

	if (noop && noop->i != 0)
		return false;
	return !axes ||
	       (axes->constant && axes->constant->dtype == OQZ_DT_I64 && oqz_tensor_nelem(axes->constant) > 0 &&
	        axes->constant->shape.rank == 1 && axes->constant->shape.dim[0] <= OQZ_MAX_RANK);
}

bool oqz_onnx_has_older_form(const struct oqz_node *n)
{
	if (*n->domain || !n->in[0])
		return false;
	if (strcmp(n->op_type, "Gelu") == 0) {
		const struct oqz_attr *how = oqz_node_attr(n, "approximate");
		return (!how || strcmp(how->s, "none") == 0) && n->in[0]->type.dtype == OQZ_DT_F32;
	}
	return is_reduction(n) && oqz_dtype_is_float(n->in[0]->type.dtype) && has_plain_axes(n);
}

static enum oqz_status older_reduction(struct oqz_node *n, struct oqz_err *err)
{
	if (oqz_node_in(n, 1)) {
		const struct oqz_tensor *axes = n->in[1]->constant;
		OQZ_TRY(oqz_node_set_ints(n, "axes", axes->data, (size_t)oqz_tensor_nelem(axes), err));
		OQZ_TRY(oqz_node_set_input(n, 1, NULL, err));
	}
	oqz_node_remove_attr(n, "noop_with_empty_axes");
	n->n_in = 1;
	return OQZ_OK;
}

/* in[0] becomes OP(in[0], in[1]). */
static enum oqz_status step(struct oqz_graph *g, struct oqz_node *before, int version, const char *op,
                            struct oqz_value *in[2], int n_in, struct oqz_err *err)
{
	struct oqz_node *n;

	OQZ_TRY(oqz_graph_insert_node(g, before, "", op, version, in, n_in, &n, err, "%s/%s", before->name, op));
	n->out[0]->type = before->in[0]->type;
	in[0] = n->out[0];
	return OQZ_OK;
}

/* x (1 + erf(x / sqrt(2))) / 2 */
static enum oqz_status older_gelu(struct oqz_graph *g, struct oqz_node *n, int version, struct oqz_err *err)
{
	struct oqz_value *x = n->in[0], *in[2] = { x };

	OQZ_TRY(oqz_graph_insert_number(g, (float)M_SQRT2, &in[1], err, "%s/sqrt2", n->name));
	OQZ_TRY(step(g, n, version, "Div", in, 2, err));
	OQZ_TRY(step(g, n, version, "Erf", in, 1, err));
	OQZ_TRY(oqz_graph_insert_number(g, 1, &in[1], err, "%s/one", n->name));
	OQZ_TRY(step(g, n, version, "Add", in, 2, err));
	in[1] = x;
	OQZ_TRY(step(g, n, version, "Mul", in, 2, err));
	OQZ_TRY(oqz_graph_insert_number(g, 0.5f, &in[1], err, "%s/half", n->name));
	OQZ_TRY(step(g, n, version, "Mul", in, 2, err));
	OQZ_TRY(oqz_graph_replace(g, n->out[0], in[0], err));
	n->dead = true;
	return OQZ_OK;
}

enum oqz_status oqz_onnx_write_older_forms(struct oqz_graph *g, int version, struct oqz_err *err)
{
	size_t n = g->nodes.n;
	OQZ_CLEANUP_FREE struct oqz_node **nodes = calloc(n + 1, sizeof *nodes);

	if (!nodes)
		return oqz_err_nomem(err, "nodes", n);
	if (n)
		memcpy(nodes, g->nodes.v, n * sizeof(struct oqz_node *));
	for (size_t i = 0; i < n; i++) {
		if (!oqz_onnx_has_older_form(nodes[i]))
			continue;
		if (is_reduction(nodes[i]) && version < 18)
			OQZ_TRY(older_reduction(nodes[i], err));
		else if (!is_reduction(nodes[i]) && version < 20)
			OQZ_TRY(older_gelu(g, nodes[i], version, err));
	}
	return oqz_graph_finish(g, err);
}
