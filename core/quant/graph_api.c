/* SPDX-License-Identifier: Apache-2.0
 *
 * See graph_api.h. A view is either of a graph or of a lone tensor that poses as one node; the accessors answer for
 * both, and answer wrong indices with "no" rather than trusting plugins.
 */
#include "core/quant/graph_api.h"

#include "core/base/str.h"
#include "core/ops/op.h"

#include <string.h>

struct oqz_graph_view {
	const struct oqz_graph *g;
	bool *node_selected; /* by index */

	const struct oqz_tensor *tensor; /* g NULL: the lone tensor */
	enum oqz_input_role role;
	int axis;
};

static const struct oqz_node *node_at(const struct oqz_graph_view *v, int32_t node)
{
	return v->g && node >= 0 && (size_t)node < v->g->nodes.n ? v->g->nodes.v[node] : NULL;
}

static const struct oqz_value *value_at(const struct oqz_graph_view *v, int32_t node, int32_t input)
{
	const struct oqz_node *n = node_at(v, node);

	if (n && input < 0)
		return input >= -n->n_out ? n->out[-1 - input] : NULL;
	return n && input < n->n_in ? n->in[input] : NULL;
}

/* ---------------------------------------------------------------------------------------------------- a lone tensor */

enum { LONE_INPUTS = 2 };

static bool lone(const struct oqz_graph_view *v, int32_t node, int32_t input)
{
	return !v->g && node == 0 && input >= 0 && input < LONE_INPUTS;
}

static int lone_input(const struct oqz_graph_view *v) { return v->role == OQZ_INPUT_WEIGHT ? 1 : 0; }

static bool is_lone_tensor(const struct oqz_graph_view *v, int32_t node, int32_t input)
{
	return lone(v, node, input) && input == lone_input(v);
}

/* ---------------------------------------------------------------------------------------------------- accessors */

static int32_t view_node_count(const struct oqz_graph_view *v) { return v->g ? (int32_t)v->g->nodes.n : 1; }

static const char *view_node_name(const struct oqz_graph_view *v, int32_t node)
{
	const struct oqz_node *n = node_at(v, node);

	return n ? n->name : (lone(v, node, 0) ? "tensor" : NULL);
}

static const char *view_node_op(const struct oqz_graph_view *v, int32_t node)
{
	const struct oqz_node *n = node_at(v, node);

	if (n)
		return n->op_type;
	return lone(v, node, 0) ? (v->axis == 1 ? "ConvTranspose" : "Conv") : NULL;
}

static int32_t view_input_count(const struct oqz_graph_view *v, int32_t node)
{
	const struct oqz_node *n = node_at(v, node);

	return n ? n->n_in : (lone(v, node, 0) ? LONE_INPUTS : 0);
}

static const char *view_input_name(const struct oqz_graph_view *v, int32_t node, int32_t input)
{
	const struct oqz_value *x = value_at(v, node, input);

	return x ? x->name : (lone(v, node, input) ? (is_lone_tensor(v, node, input) ? "tensor" : "other") : NULL);
}

static enum oqz_input_role view_input_role(const struct oqz_graph_view *v, int32_t node, int32_t input)
{
	const struct oqz_node *n = node_at(v, node);

	if (n)
		return input < 0 ? OQZ_SITE_OUTPUT : (enum oqz_input_role)oqz_op_role(n, input);
	return lone(v, node, input) && input == 1 ? OQZ_INPUT_WEIGHT : OQZ_INPUT_ACTIVATION;
}

static int32_t view_channel_axis(const struct oqz_graph_view *v, int32_t node, int32_t input)
{
	const struct oqz_node *n = node_at(v, node);

	if (n)
		return input < 0 ? -1 : oqz_op_channel_axis(n, input);
	return is_lone_tensor(v, node, input) && v->role == OQZ_INPUT_WEIGHT ? v->axis : -1;
}

static bool view_input_type(const struct oqz_graph_view *v, int32_t node, int32_t input, enum oqz_dtype *dtype,
                            struct oqz_shape *shape)
{
	const struct oqz_value *x = value_at(v, node, input);

	if (x && x->type.dtype != OQZ_DT_UNDEFINED && x->type.shape.rank >= 0) {
		*dtype = x->type.dtype;
		*shape = x->type.shape;
		return true;
	}
	if (!is_lone_tensor(v, node, input))
		return false;
	*dtype = v->tensor->dtype;
	*shape = v->tensor->shape;
	return true;
}

static bool view_input_constant(const struct oqz_graph_view *v, int32_t node, int32_t input, struct oqz_view *ret)
{
	const struct oqz_value *x = value_at(v, node, input);
	const struct oqz_tensor *t = x ? x->constant : NULL;

	if (is_lone_tensor(v, node, input) && v->role == OQZ_INPUT_WEIGHT)
		t = v->tensor;
	if (!t)
		return false;
	*ret = (struct oqz_view) { .dtype = t->dtype, .shape = t->shape, .data = t->data };
	return true;
}

static int32_t view_producer(const struct oqz_graph_view *v, int32_t node, int32_t input)
{
	const struct oqz_value *x = value_at(v, node, input);

	return x && x->producer && x->producer->graph == v->g ? x->producer->index : -1;
}

static bool view_attr_int(const struct oqz_graph_view *v, int32_t node, const char *name, int64_t *ret)
{
	const struct oqz_node *n = node_at(v, node);
	const struct oqz_attr *a = n ? oqz_node_attr(n, name) : NULL;

	if (!a || a->type != OQZ_ATTR_INT)
		return false;
	*ret = a->i;
	return true;
}

static bool view_selected(const struct oqz_graph_view *v, int32_t node, int32_t input)
{
	const struct oqz_node *n = node_at(v, node);
	const struct oqz_value *x = value_at(v, node, input);

	if (!v->g)
		return is_lone_tensor(v, node, input);
	if (!x || !v->node_selected[node])
		return false;
	if (x->type.dtype != OQZ_DT_F32 && x->type.dtype != OQZ_DT_UNDEFINED)
		return false;
	if (input < 0)
		return input == -1; /* the first output: others are masks, indices and states */
	if (!strcmp(n->op_type, "LayerNormalization"))
		return input == 0;
	enum oqz_role role = oqz_op_role(n, input);
	return role == OQZ_ROLE_ACTIVATION || role == OQZ_ROLE_WEIGHT;
}

const struct oqz_graph_api oqz_graph_api = {
	.struct_size = sizeof oqz_graph_api,
	.node_count = view_node_count,
	.node_name = view_node_name,
	.node_op = view_node_op,
	.input_count = view_input_count,
	.input_name = view_input_name,
	.input_role = view_input_role,
	.channel_axis = view_channel_axis,
	.input_type = view_input_type,
	.input_constant = view_input_constant,
	.producer = view_producer,
	.attr_int = view_attr_int,
	.selected = view_selected,
};

/* ---------------------------------------------------------------------------------------------------- selection */

static const char *const default_ops[] = { "Conv", "ConvTranspose", "Gemm", "MatMul", "LayerNormalization" };

static bool among(const char *s, const char *const *list, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (!strcmp(s, list[i]))
			return true;
	}
	return false;
}

static bool matches(const char *s, const struct oqz_names *globs)
{
	for (size_t i = 0; i < globs->n; i++) {
		if (oqz_glob_match(globs->v[i], s))
			return true;
	}
	return false;
}

static bool is_edit(const char *op) { return op[0] == '+' || op[0] == '-'; }

static enum oqz_status check_ops(const struct oqz_names *ops, struct oqz_err *err)
{
	for (size_t i = 0; i < ops->n; i++) {
		const char *op = ops->v[i];
		if (is_edit(op) != is_edit(ops->v[0]))
			OQZ_FAIL(err, OQZ_E_USAGE, "ops: either all entries start with + or -, or none ('%s', '%s')",
			         ops->v[0], op);
		if (!oqz_op_find("", op + is_edit(op)))
			OQZ_FAIL(err, OQZ_E_USAGE, "ops: no operator is called '%s'", op + is_edit(op));
	}
	return OQZ_OK;
}

static bool op_selected(const char *op, const struct oqz_names *ops)
{
	bool yes = among(op, default_ops, OQZ_COUNTOF(default_ops));

	if (ops->n == 0)
		return yes;
	if (!is_edit(ops->v[0]))
		return among(op, ops->v, ops->n);
	for (size_t i = 0; i < ops->n; i++) {
		if (!strcmp(ops->v[i] + 1, op))
			yes = ops->v[i][0] == '+';
	}
	return yes;
}

/* Marks in `barred` the makers of the named values and all that depends on them; nodes are in topological order. */
static enum oqz_status bar_below(const struct oqz_graph *g, const struct oqz_names *below, bool *barred,
                                 struct oqz_err *err)
{
	for (size_t i = 0; i < below->n; i++) {
		const struct oqz_value *v = oqz_graph_value(g, below->v[i]);
		if (!v)
			OQZ_FAIL(err, OQZ_E_USAGE, "below: the model has no tensor '%s'", below->v[i]);
		if (v->producer && v->producer->graph == g)
			barred[v->producer->index] = true;
	}
	for (size_t i = 0; i < g->nodes.n && below->n; i++) {
		const struct oqz_node *n = g->nodes.v[i];
		for (int k = 0; k < n->n_in && !barred[i]; k++) {
			const struct oqz_node *from = n->in[k] ? n->in[k]->producer : NULL;
			barred[i] = from && from->graph == g && barred[from->index];
		}
	}
	return OQZ_OK;
}

static enum oqz_status select_nodes(struct oqz_graph_view *v, const struct oqz_selection *sel, struct oqz_err *err)
{
	OQZ_CLEANUP_FREE bool *barred = calloc(v->g->nodes.n + 1, sizeof *barred);

	if (!barred)
		return oqz_err_nomem(err, "the selection of sites", v->g->nodes.n);
	OQZ_TRY(check_ops(&sel->ops, err));
	OQZ_TRY(bar_below(v->g, &sel->below, barred, err));
	for (size_t i = 0; i < v->g->nodes.n; i++) {
		const struct oqz_node *n = v->g->nodes.v[i];
		v->node_selected[i] = !barred[i] && !*n->domain && op_selected(n->op_type, &sel->ops) &&
		                      (sel->include.n == 0 || matches(n->name, &sel->include)) &&
		                      !matches(n->name, &sel->exclude);
	}
	return OQZ_OK;
}

enum oqz_status oqz_graph_view_new(const struct oqz_graph *g, const struct oqz_selection *sel,
                                   struct oqz_graph_view **ret, struct oqz_err *err)
{
	static const struct oqz_selection everything;
	OQZ_CLEANUP(oqz_graph_view_free_cleanup) struct oqz_graph_view *v = calloc(1, sizeof *v);

	if (v)
		v->node_selected = calloc(g->nodes.n + 1, sizeof *v->node_selected);
	if (!v || !v->node_selected)
		return oqz_err_nomem(err, "a view of a graph", g->nodes.n);
	v->g = g;
	OQZ_TRY(select_nodes(v, sel ? sel : &everything, err));
	*ret = oqz_steal(v);
	return OQZ_OK;
}

void oqz_graph_view_narrow(struct oqz_graph_view *v, const struct oqz_names *nodes, const struct oqz_names *ops,
                           bool keep)
{
	for (size_t i = 0; v->g && i < v->g->nodes.n; i++) {
		const struct oqz_node *n = v->g->nodes.v[i];
		bool match =
		    (nodes->n == 0 || matches(n->name, nodes)) && (ops->n == 0 || among(n->op_type, ops->v, ops->n));
		v->node_selected[i] = v->node_selected[i] && match == keep;
	}
}

enum oqz_status oqz_graph_view_of_tensor(const struct oqz_tensor *t, enum oqz_input_role role, int axis,
                                         struct oqz_graph_view **ret, struct oqz_err *err)
{
	if (role != OQZ_INPUT_ACTIVATION && role != OQZ_INPUT_WEIGHT)
		OQZ_FAIL(err, OQZ_E_USAGE, "a tensor can be quantized as activation or as weight only");
	if (t->dtype != OQZ_DT_F32)
		OQZ_FAIL(err, OQZ_E_UNSUPPORTED, "only float32 can be quantized, this is %s", oqz_dtype_name(t->dtype));
	if (axis < -1 || axis >= t->shape.rank)
		OQZ_FAIL(err, OQZ_E_USAGE, "axis %d does not exist in a tensor of rank %d", axis, t->shape.rank);
	struct oqz_graph_view *v = calloc(1, sizeof *v);
	if (!v)
		return oqz_err_nomem(err, "a view of a tensor", sizeof *v);
	v->tensor = t;
	v->role = role;
	v->axis = axis;
	*ret = v;
	return OQZ_OK;
}

void oqz_graph_view_free(struct oqz_graph_view *v)
{
	if (!v)
		return;
	free(v->node_selected);
	free(v);
}
