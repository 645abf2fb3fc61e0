/* SPDX-License-Identifier: Apache-2.0
 *
 * Old forms of operators, one row per rule: what changed below which operator set, and how the newest form says it. A
 * model is translated when it is resolved, so type rules and kernels know one form only, and a graph that was resolved
 * can be saved with one operator set. Source: the "Version" sections of the ONNX operator pages.
 *
 * Rules run in the order of the table. A rule that needs ranks infers the nodes before the one at hand, which are
 * resolved already because nodes are resolved in topological order.
 */
#include "core/ops/ops_util.h"

struct rule {
	const char *op; /* NULL: every operator */
	int below;      /* applies to nodes of an operator set < below */
	enum oqz_status (*apply)(struct oqz_node *n, const struct rule *r, struct oqz_err *err);
	const char *attr;      /* the attribute it is about */
	int input;             /* the input that replaces it */
	const char *from, *to; /* words or names */
	int64_t value;
};

enum { ANY_OPSET = 1 << 30 };

/* ---- helpers ---- */

static enum oqz_status add_constant(struct oqz_node *n, int input, const char *what, const struct oqz_tensor *t,
                                    struct oqz_err *err)
{
	struct oqz_value *v;

	OQZ_TRY(oqz_graph_insert_constant(n->graph, t, &v, err, "%s_%s", n->name, what));
	return oqz_node_set_input(n, input, v, err);
}

static enum oqz_status add_ints(struct oqz_node *n, int input, const char *what, const int64_t *v, size_t count,
                                struct oqz_err *err)
{
	struct oqz_tensor t = { 0 };

	OQZ_TRY(oqz_tensor_from_ints(&t, v, count, err));
	enum oqz_status st = add_constant(n, input, what, &t, err);
	oqz_tensor_release(&t);
	return st;
}

/* A scalar (rank 0) or list of floats, as `dtype`. */
static enum oqz_status add_floats(struct oqz_node *n, int input, const char *what, enum oqz_dtype dtype, const float *v,
                                  const struct oqz_shape *shape, struct oqz_err *err)
{
	struct oqz_tensor t = { 0 };

	OQZ_TRY(oqz_tensor_alloc(&t, dtype, shape, err));
	for (int64_t i = 0, count = oqz_tensor_nelem(&t); i < count; i++)
		oqz_store_f(dtype, t.data, (size_t)i, (double)v[i]);
	enum oqz_status st = add_constant(n, input, what, &t, err);
	oqz_tensor_release(&t);
	return st;
}

static enum oqz_status wrong_type(const struct oqz_attr *a, struct oqz_err *err)
{
	OQZ_FAIL(err, OQZ_E_DATA, "attribute %s has the wrong type", a->name);
}

/* Makes what can be told of types known to the rule; what cannot stays unknown and is complained of later if wrong. */
static void infer_before(struct oqz_node *n)
{
	for (size_t i = 0; i < n->graph->nodes.n && n->graph->nodes.v[i] != n; i++)
		if (n->graph->nodes.v[i]->op && !n->graph->nodes.v[i]->dead)
			(void)oqz_infer_node(n->graph->nodes.v[i], NULL);
}

static struct oqz_type type_of(struct oqz_node *n, int input)
{
	if (input >= n->n_in || !n->in[input])
		return (struct oqz_type) { OQZ_DT_UNDEFINED, { .rank = OQZ_RANK_UNKNOWN } };
	if (n->in[input]->type.shape.rank < 0 || n->in[input]->type.dtype == OQZ_DT_UNDEFINED)
		infer_before(n);
	return n->in[input]->type;
}

/* A new node in front of n (or behind it) with one output; the output's name derives from n. */
static enum oqz_status add_helper(struct oqz_node *n, const char *op, struct oqz_value *const *in, int n_in,
                                  struct oqz_node **ret, struct oqz_err *err)
{
	struct oqz_value *out;
	const char *base = oqz_arena_printf(n->graph->arena, "%s_%s", n->name, op);
	const char *name = base ? oqz_graph_fresh_name(n->graph, base) : NULL;

	if (!name)
		return oqz_err_nomem(err, "a node", 0);
	OQZ_TRY(oqz_graph_add_value(n->graph, name, &out, err));
	return oqz_graph_add_node(n->graph, base, "", op, OQZ_OPSET_NEWEST, in, n_in, &out, 1, n, ret, err);
}

/* ---- attributes ---- */

/* The attribute changed nothing (hints to allocators of 2017), or says what the newest form always does. */
static enum oqz_status drop_attr(struct oqz_node *n, const struct rule *r, struct oqz_err *err)
{
	(void)err;
	oqz_node_remove_attr(n, r->attr);
	return OQZ_OK;
}

/* Like drop_attr, for an attribute of which only one value has a newest form. */
static enum oqz_status drop_if_value(struct oqz_node *n, const struct rule *r, struct oqz_err *err)
{
	const struct oqz_attr *a = oqz_node_attr(n, r->attr);

	if (a && a->i != r->value)
		OQZ_FAIL(err, OQZ_E_UNSUPPORTED, "attribute %s = %lld", r->attr, (long long)a->i);
	return drop_attr(n, r, err);
}

static enum oqz_status default_int(struct oqz_node *n, const struct rule *r, struct oqz_err *err)
{
	return oqz_node_attr(n, r->attr) ? OQZ_OK : oqz_node_set_int(n, r->attr, r->value, err);
}

static enum oqz_status default_word(struct oqz_node *n, const struct rule *r, struct oqz_err *err)
{
	return oqz_node_attr(n, r->attr) ? OQZ_OK : oqz_node_set_string(n, r->attr, r->to, err);
}

static enum oqz_status rename_word(struct oqz_node *n, const struct rule *r, struct oqz_err *err)
{
	const struct oqz_attr *a = oqz_node_attr(n, r->attr);

	if (!a || a->type != OQZ_ATTR_STRING || strcmp(a->s, r->from) != 0)
		return OQZ_OK;
	return oqz_node_set_string(n, r->attr, r->to, err);
}

static enum oqz_status rename_ints(struct oqz_node *n, const struct rule *r, struct oqz_err *err)
{
	const struct oqz_attr *a = oqz_node_attr(n, r->from);

	if (!a)
		return OQZ_OK;
	if (a->type != OQZ_ATTR_INTS)
		return wrong_type(a, err);
	OQZ_TRY(oqz_node_set_ints(n, r->to, a->ints, a->n, err));
	oqz_node_remove_attr(n, r->from);
	return OQZ_OK;
}

static enum oqz_status float_to_int(struct oqz_node *n, const struct rule *r, struct oqz_err *err)
{
	const struct oqz_attr *a = oqz_node_attr(n, r->attr);

	if (!a || a->type != OQZ_ATTR_FLOAT)
		return OQZ_OK;
	if (!(fabsf(a->f) < 1e6f) || a->f != truncf(a->f))
		OQZ_FAIL(err, OQZ_E_UNSUPPORTED, "attribute %s = %g", r->attr, (double)a->f);
	return oqz_node_set_int(n, r->attr, (int64_t)a->f, err);
}

static enum oqz_status ints_to_input(struct oqz_node *n, const struct rule *r, struct oqz_err *err)
{
	const struct oqz_attr *a = oqz_node_attr(n, r->attr);

	if (!a)
		return OQZ_OK;
	if (a->type == OQZ_ATTR_INTS)
		OQZ_TRY(add_ints(n, r->input, r->attr, a->ints, a->n, err));
	else if (a->type == OQZ_ATTR_INT)
		OQZ_TRY(add_ints(n, r->input, r->attr, &a->i, 1, err));
	else
		return wrong_type(a, err);
	oqz_node_remove_attr(n, r->attr);
	return OQZ_OK;
}

/* A scalar of the type of input 0 (Clip's bounds, Pad's value); float32 as long as that type is not known. */
static enum oqz_status float_to_input(struct oqz_node *n, const struct rule *r, struct oqz_err *err)
{
	const struct oqz_attr *a = oqz_node_attr(n, r->attr);
	const struct oqz_shape scalar = { .rank = 0 };

	if (!a)
		return OQZ_OK;
	if (a->type != OQZ_ATTR_FLOAT)
		return wrong_type(a, err);
	enum oqz_dtype t = type_of(n, 0).dtype;
	a = oqz_node_attr(n, r->attr);
	float f = a->f;
	OQZ_TRY(add_floats(n, r->input, r->attr, t == OQZ_DT_UNDEFINED ? OQZ_DT_F32 : t, &f, &scalar, err));
	oqz_node_remove_attr(n, r->attr);
	return OQZ_OK;
}

/* Cast-1 names types by word. */
static enum oqz_status cast_word(struct oqz_node *n, const struct rule *r, struct oqz_err *err)
{
	static const struct {
		const char *word;
		enum oqz_dtype dtype;
	} words[] = {
		{ "FLOAT", OQZ_DT_F32 },   { "UINT8", OQZ_DT_U8 },   { "INT8", OQZ_DT_I8 },    { "UINT16", OQZ_DT_U16 },
		{ "INT16", OQZ_DT_I16 },   { "INT32", OQZ_DT_I32 },  { "INT64", OQZ_DT_I64 },  { "BOOL", OQZ_DT_BOOL },
		{ "FLOAT16", OQZ_DT_F16 }, { "DOUBLE", OQZ_DT_F64 }, { "UINT32", OQZ_DT_U32 }, { "UINT64", OQZ_DT_U64 },
	};
	const struct oqz_attr *a = oqz_node_attr(n, r->attr);

	if (!a || a->type != OQZ_ATTR_STRING)
		return OQZ_OK;
	for (size_t i = 0; i < OQZ_COUNTOF(words); i++)
		if (strcmp(words[i].word, a->s) == 0)
			return oqz_node_set_int(n, r->attr, words[i].dtype, err);
	OQZ_FAIL(err, OQZ_E_UNSUPPORTED, "attribute %s = '%s'", r->attr, a->s);
}

/* ---- operators ---- */

static enum oqz_status rename_op(struct oqz_node *n, const struct rule *r, struct oqz_err *err)
{
	(void)err;
	n->op_type = r->to;
	return OQZ_OK;
}

/* Outputs of training that nobody reads are not made; read ones have no newest form. */
static enum oqz_status drop_outputs(struct oqz_node *n, const struct rule *r, struct oqz_err *err)
{
	for (int i = (int)r->value; i < n->n_out; i++) {
		struct oqz_value *v = n->out[i];
		if (v && (v->uses.n || v->is_output))
			OQZ_FAIL(err, OQZ_E_UNSUPPORTED, "output %d ('%s') of training", i, v->name);
		if (v)
			v->producer = NULL;
		n->out[i] = NULL;
	}
	if (n->n_out > r->value)
		n->n_out = (int)r->value;
	return OQZ_OK;
}

/* Upsample to (X, scales) as Resize-10 has it: scales were attributes once. */
static enum oqz_status upsample_scales(struct oqz_node *n, const struct rule *r, struct oqz_err *err)
{
	const struct oqz_attr *list = oqz_node_attr(n, "scales"), *h = oqz_node_attr(n, "height_scale"),
	                      *w = oqz_node_attr(n, "width_scale");
	const float four[4] = { 1, 1, h ? h->f : 1, w ? w->f : 1 };
	struct oqz_shape shape = { .rank = 1, .dim = { 4 } };
	const float *v = four;

	(void)r;
	if (list) {
		if (list->type != OQZ_ATTR_FLOATS)
			return wrong_type(list, err);
		shape.dim[0] = (int64_t)list->n;
		v = list->floats;
	} else if (!h || !w) {
		return OQZ_OK; /* Upsample-9: an input already */
	}
	OQZ_TRY(add_floats(n, 1, "scales", OQZ_DT_F32, v, &shape, err));
	oqz_node_remove_attr(n, "scales");
	oqz_node_remove_attr(n, "height_scale");
	oqz_node_remove_attr(n, "width_scale");
	return OQZ_OK;
}

/* (X, scales) -> (X, roi, scales). Resize-10 and Upsample map y = floor(x / scale) for nearest, x / scale for linear.
 */
static enum oqz_status resize_inputs(struct oqz_node *n, const struct rule *r, struct oqz_err *err)
{
	(void)r;
	if (n->n_in != 2)
		OQZ_FAIL(err, OQZ_E_DATA, "has %d inputs, should have 2", n->n_in);
	OQZ_TRY(oqz_node_set_input(n, 2, n->in[1], err));
	OQZ_TRY(oqz_node_set_input(n, 1, NULL, err));
	OQZ_TRY(oqz_node_set_string(n, "coordinate_transformation_mode", "asymmetric", err));
	return oqz_node_set_string(n, "nearest_mode", "floor", err);
}

/* Input `input` gets `after` trailing dims of extent 1. */
static enum oqz_status append_dims(struct oqz_node *n, int input, int rank, int after, struct oqz_err *err)
{
	struct oqz_node *u;
	int64_t axes[OQZ_MAX_RANK];

	if (after <= 0)
		return OQZ_OK;
	if (rank + after > OQZ_MAX_RANK)
		OQZ_FAIL(err, OQZ_E_UNSUPPORTED, "a tensor of rank %d", rank + after);
	for (int i = 0; i < after; i++)
		axes[i] = rank + i;
	OQZ_TRY(add_helper(n, "Unsqueeze", &n->in[input], 1, &u, err));
	OQZ_TRY(add_ints(u, 1, "axes", axes, (size_t)after, err));
	return oqz_node_set_input(n, input, u->out[0], err);
}

/* Broadcasting before operator set 7: B's dims stand at A's dims from `axis` on (default: at the end, as now). */
static enum oqz_status legacy_broadcast(struct oqz_node *n, const struct rule *r, struct oqz_err *err)
{
	const struct oqz_attr *axis = oqz_node_attr(n, "axis"), *broadcast = oqz_node_attr(n, "broadcast");

	(void)r;
	if (axis && broadcast && broadcast->i && n->n_in == 2) {
		int a = type_of(n, 0).shape.rank, b = type_of(n, 1).shape.rank, at;
		if (a < 0 || b < 0)
			OQZ_FAIL(err, OQZ_E_UNSUPPORTED, "attribute axis with inputs of unknown rank");
		OQZ_TRY(oqz_axis_resolve(oqz_node_attr(n, "axis")->i, a, false, &at, err));
		OQZ_TRY(append_dims(n, 1, b, a - at - b, err));
	}
	oqz_node_remove_attr(n, "axis");
	oqz_node_remove_attr(n, "broadcast");
	return OQZ_OK;
}

/* PRelu before operator set 7: a slope (C) belongs to the channels (axis 1). */
static enum oqz_status legacy_slope(struct oqz_node *n, const struct rule *r, struct oqz_err *err)
{
	struct oqz_type x = type_of(n, 0), slope = type_of(n, 1);

	(void)r;
	if (x.shape.rank <= 2 || slope.shape.rank != 1 || slope.shape.dim[0] == 1)
		return OQZ_OK;
	return append_dims(n, 1, 1, x.shape.rank - 2, err);
}

/* Softmax, LogSoftmax, Hardmax before operator set 13 work on the input flattened to a matrix at `axis` (default 1). On
 * the last axis that is the newest form; elsewhere Flatten and Reshape stand around it. */
static enum oqz_status legacy_softmax(struct oqz_node *n, const struct rule *r, struct oqz_err *err)
{
	const struct oqz_attr *attr = oqz_node_attr(n, "axis");
	int64_t axis = attr ? attr->i : 1;
	struct oqz_node *flat, *shape, *back;
	struct oqz_value *y, *inner;
	int at;

	(void)r;
	if (n->n_in != 1 || n->n_out != 1 || !n->in[0] || !n->out[0])
		OQZ_FAIL(err, OQZ_E_DATA, "has %d inputs and %d outputs, should have 1 and 1", n->n_in, n->n_out);
	int rank = type_of(n, 0).shape.rank;
	OQZ_TRY(oqz_node_set_int(n, "axis", -1, err));
	if (rank >= 0) {
		OQZ_TRY(oqz_axis_resolve(axis, rank, rank == 0, &at, err));
		if (at == rank - 1)
			return OQZ_OK;
	}
	OQZ_TRY(add_helper(n, "Shape", n->in, 1, &shape, err));
	OQZ_TRY(add_helper(n, "Flatten", n->in, 1, &flat, err));
	OQZ_TRY(oqz_node_set_int(flat, "axis", axis, err));
	OQZ_TRY(oqz_node_set_input(n, 0, flat->out[0], err));
	/* Reshape takes over the output and its name; helpers are made in front of n, so it is sorted behind at the end
	 */
	y = n->out[0];
	OQZ_TRY(add_helper(n, "Reshape", (struct oqz_value *[]) { NULL, shape->out[0] }, 2, &back, err));
	inner = back->out[0];
	back->out[0] = y;
	n->out[0] = inner;
	y->producer = back;
	inner->producer = n;
	return oqz_node_set_input(back, 0, inner, err);
}

static enum oqz_status batched_scan(struct oqz_node *n, const struct rule *r, struct oqz_err *err)
{
	(void)r;
	return oqz_upgrade_scan(n, err);
}

static const struct rule rules[] = {
	{ NULL, 7, drop_attr, "consumed_inputs" },
	{ NULL, 7, drop_attr, "is_test" },
	{ "Add", 7, legacy_broadcast },
	{ "And", 7, legacy_broadcast },
	{ "Div", 7, legacy_broadcast },
	{ "Equal", 7, legacy_broadcast },
	{ "Greater", 7, legacy_broadcast },
	{ "Less", 7, legacy_broadcast },
	{ "Mul", 7, legacy_broadcast },
	{ "Or", 7, legacy_broadcast },
	{ "Pow", 7, legacy_broadcast },
	{ "Sub", 7, legacy_broadcast },
	{ "Xor", 7, legacy_broadcast },
	{ "PRelu", 7, legacy_slope },
	{ "BatchNormalization", 9, drop_if_value, "spatial", .value = 1 },
	{ "BatchNormalization", 14, drop_outputs, .value = 1 },
	{ "Cast", 6, cast_word, "to" },
	{ "Clip", 11, float_to_input, "min", 1 },
	{ "Clip", 11, float_to_input, "max", 2 },
	{ "Concat", 4, default_int, "axis", .value = 1 },
	{ "DFT", 20, default_int, "axis", .value = 1 },
	{ "Dropout", 12, float_to_input, "ratio", 1 },
	{ "GRU", 7, drop_attr, "output_sequence" },
	{ "LSTM", 7, drop_attr, "output_sequence" },
	{ "RNN", 7, drop_attr, "output_sequence" },
	{ "Gemm", 7, drop_attr, "broadcast" },
	{ "GlobalLpPool", 2, float_to_int, "p" },
	{ "LpPool", 2, float_to_int, "p" },
	{ "GridSample", 20, rename_word, "mode", .from = "bilinear", .to = "linear" },
	{ "GridSample", 20, rename_word, "mode", .from = "bicubic", .to = "cubic" },
	{ "Pad", 2, rename_ints, .from = "paddings", .to = "pads" },
	{ "Pad", 11, ints_to_input, "pads", 1 },
	{ "Pad", 11, float_to_input, "value", 2 },
	{ "ReduceSum", 13, ints_to_input, "axes", 1 },
	{ "ReduceL1", 18, ints_to_input, "axes", 1 },
	{ "ReduceL2", 18, ints_to_input, "axes", 1 },
	{ "ReduceLogSum", 18, ints_to_input, "axes", 1 },
	{ "ReduceLogSumExp", 18, ints_to_input, "axes", 1 },
	{ "ReduceMax", 18, ints_to_input, "axes", 1 },
	{ "ReduceMean", 18, ints_to_input, "axes", 1 },
	{ "ReduceMin", 18, ints_to_input, "axes", 1 },
	{ "ReduceProd", 18, ints_to_input, "axes", 1 },
	{ "ReduceSumSquare", 18, ints_to_input, "axes", 1 },
	{ "Reshape", 5, ints_to_input, "shape", 1 },
	{ "Resize", 11, resize_inputs },
	{ "RoiAlign", 16, default_word, "coordinate_transformation_mode", .to = "output_half_pixel" },
	{ "Scatter", ANY_OPSET, rename_op, .to = "ScatterElements" },
	{ "Scan", 9, batched_scan },
	{ "Slice", 10, ints_to_input, "starts", 1 },
	{ "Slice", 10, ints_to_input, "ends", 2 },
	{ "Slice", 10, ints_to_input, "axes", 3 },
	{ "Softmax", 13, legacy_softmax },
	{ "LogSoftmax", 13, legacy_softmax },
	{ "Hardmax", 13, legacy_softmax },
	{ "Split", 13, ints_to_input, "split", 1 },
	{ "Squeeze", 13, ints_to_input, "axes", 1 },
	{ "TopK", 10, ints_to_input, "k", 1 },
	{ "Unsqueeze", 13, ints_to_input, "axes", 1 },
	{ "Upsample", ANY_OPSET, upsample_scales },
	{ "Upsample", ANY_OPSET, resize_inputs },
	{ "Upsample", ANY_OPSET, rename_word, "mode", .from = "bilinear", .to = "linear" },
	{ "Upsample", ANY_OPSET, rename_op, .to = "Resize" },
};

bool oqz_upgrade_known(const struct oqz_node *n)
{
	if (oqz_upgrade_contrib_known(n))
		return true;
	for (size_t i = 0; i < OQZ_COUNTOF(rules); i++)
		if (rules[i].apply == rename_op && strcmp(rules[i].op, n->op_type) == 0 && *n->domain == 0)
			return oqz_op_find("", rules[i].to) != NULL;
	return false;
}

bool oqz_upgrade_name(size_t i, const char **ret_domain, const char **ret_name, const char **ret_to)
{
	for (size_t k = 0; k < OQZ_COUNTOF(rules); k++)
		if (rules[k].apply == rename_op && i-- == 0) {
			*ret_domain = "";
			*ret_name = rules[k].op;
			*ret_to = rules[k].to;
			return true;
		}
	*ret_domain = "com.microsoft";
	*ret_name = oqz_upgrade_contrib_name(i);
	*ret_to = NULL;
	return *ret_name != NULL;
}

/* Rules are chosen by the name that the file has: one rule's renaming must not call up another's. */
enum oqz_status oqz_upgrade_node(struct oqz_node *n, struct oqz_err *err)
{
	OQZ_TRY(oqz_upgrade_contrib(n, err));
	const char *op_type = n->op_type;

	if (*n->domain != 0)
		return OQZ_OK;
	for (size_t i = 0; i < OQZ_COUNTOF(rules); i++) {
		const struct rule *r = &rules[i];
		if (n->opset < r->below && (!r->op || strcmp(r->op, op_type) == 0))
			OQZ_TRY(r->apply(n, r, err));
	}
	if (n->opset < OQZ_OPSET_NEWEST)
		n->opset = OQZ_OPSET_NEWEST;
	return OQZ_OK;
}
