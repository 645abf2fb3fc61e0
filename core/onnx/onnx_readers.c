/* SPDX-License-Identifier: Apache-2.0
 *
 * A form that readers of ONNX models take. ONNX Runtime (1.30, at its default level of optimization) moves quantization
 * through operators that only move numbers and transpositions through quantization, makes one integer kernel of an
 * operator between DequantizeLinear and QuantizeLinear (with a Relu or Clip before the latter), and of a matrix product
 * whose inputs come from DequantizeLinear. When the codes are 8-bit floats or 4-bit integers, which what it then has
 * does not know, it refuses the model. There, and only there, the same is said in words that it leaves alone, with the
 * same float32 arithmetic: of small floats, DequantizeLinear(q, scale) is Mul(Cast(q), scale) and QuantizeLinear(x,
 * scale) is Cast(Div(x, scale)); of integers, both together are Mul(Sub(Clip(Add(Round(Div(x, scale)), zero)), zero),
 * scale). Not for weights: they would be folded to float32, and then quantized to 8 bits there.
 */
#include "core/onnx/onnx_impl.h"
#include "core/ops/op.h"

#include <string.h>

/* TensorProto.DataType */
static int64_t onnx_type(enum oqz_dtype t)
{
	switch (t) {
	case OQZ_DT_F8E4M3FN: return 17;
	case OQZ_DT_F8E4M3FNUZ: return 18;
	case OQZ_DT_F8E5M2: return 19;
	case OQZ_DT_F8E5M2FNUZ: return 20;
	default: return 1; /* float32 */
	}
}

static bool is_op(const struct oqz_node *n, const char *op_type)
{
	return n && !*n->domain && strcmp(n->op_type, op_type) == 0;
}

static bool is_float8(enum oqz_dtype t) { return onnx_type(t) >= 17; }

static bool is_int4(enum oqz_dtype t) { return t == OQZ_DT_I4 || t == OQZ_DT_U4; }

static bool is_int8(enum oqz_dtype t) { return t == OQZ_DT_I8 || t == OQZ_DT_U8; }

static bool is_dequantizer(const struct oqz_node *n)
{
	return is_op(n, "DequantizeLinear") && (is_float8(n->in[0]->type.dtype) || is_int4(n->in[0]->type.dtype));
}

/* Operators that quantization is moved through. */
static bool only_moves(const struct oqz_node *n)
{
	static const char *const ops[] = {
		"Transpose", "Reshape", "Squeeze", "Unsqueeze", "Flatten", "Slice", "MaxPool"
	};

	for (size_t i = 0; i < OQZ_COUNTOF(ops); i++)
		if (is_op(n, ops[i]))
			return true;
	return false;
}

static bool is_quantized(const struct oqz_value *v)
{
	for (size_t i = 0; v && i < v->uses.n; i++) {
		const struct oqz_node *n = v->uses.v[i];
		if ((is_op(n, "Relu") || is_op(n, "Clip")) && n->out[0]->uses.n == 1)
			n = n->out[0]->uses.v[0];
		if (is_op(n, "QuantizeLinear"))
			return true;
	}
	return false;
}

/* Whether the reader would put an integer kernel here. A bias of float32 keeps it from nothing, it is quantized there.
 */
static bool is_refused(const struct oqz_node *n)
{
	bool product = is_op(n, "MatMul") || is_op(n, "Gemm");
	bool biased = is_op(n, "Gemm") || is_op(n, "Conv") || is_op(n, "ConvTranspose");

	if (*n->domain || n->n_out == 0 || (!product && !is_quantized(n->out[0])))
		return false;
	for (int i = 0; i < n->n_in && (i < 2 || !biased); i++)
		if (n->in[i] &&
		    (!is_dequantizer(n->in[i]->producer) || !is_float8(n->in[i]->producer->in[0]->type.dtype)))
			return false;
	return true;
}

/* A matrix product of bytes whose weights have a scale for each row: the reader's kernel has them for columns only, and
 * fails when it runs. */
static bool has_scaled_rows(const struct oqz_node *n)
{
	const struct oqz_node *a = n->in[0] ? n->in[0]->producer : NULL,
	                      *b = oqz_node_in(n, 1) ? n->in[1]->producer : NULL;

	if (!is_op(n, "MatMul") || !is_op(a, "DequantizeLinear") || !is_op(b, "DequantizeLinear") ||
	    !is_int8(a->in[0]->type.dtype))
		return false;
	const struct oqz_attr *axis = oqz_node_attr(b, "axis");
	const int64_t last = b->in[0]->type.shape.rank - 1, at = axis ? axis->i : 1;
	return b->in[1]->type.shape.rank == 1 && at != last && at != -1;
}

/* Which nodes have a Transpose before them, with no layer between; by index. */
static void find_transposed(const struct oqz_graph *g, bool *ret)
{
	for (size_t i = 0; i < g->nodes.n; i++) {
		const struct oqz_node *n = g->nodes.v[i];
		bool layer = is_op(n, "MatMul") || is_op(n, "Gemm") || is_op(n, "Conv") || is_op(n, "ConvTranspose");
		ret[i] = is_op(n, "Transpose");
		for (int k = 0; k < n->n_in && !layer; k++)
			ret[i] |= n->in[k] && n->in[k]->producer && ret[n->in[k]->producer->index];
	}
}

/* Whether the reader would move this quantization, or look into it; one of a value that is computed. */
static bool is_moved(const struct oqz_node *dq, const bool *transposed)
{
	const struct oqz_node *q = dq->in[0]->producer;

	if (!is_op(q, "QuantizeLinear"))
		return false;
	for (size_t i = 0; i < dq->out[0]->uses.n; i++)
		if (only_moves(dq->out[0]->uses.v[i]))
			return true;
	/* of a Clip the reader asks what of the grid it leaves */
	return only_moves(q->in[0]->producer) || is_op(q->in[0]->producer, "Clip") || transposed[q->index];
}

static bool feeds_refused(const struct oqz_node *dq)
{
	for (size_t i = 0; i < dq->out[0]->uses.n; i++)
		if (dq->out[0]->uses.v[i]->in[0] == dq->out[0] &&
		    (is_refused(dq->out[0]->uses.v[i]) || has_scaled_rows(dq->out[0]->uses.v[i])))
			return true;
	return false;
}

/* ---------------------------------------------------------------------------------------------------- other words */

/* A node in front of `before`, named after it; ready to be saved. */
static enum oqz_status add_node(struct oqz_graph *g, struct oqz_node *before, const char *op, int opset,
                                struct oqz_value *const *in, int n_in, int64_t to, struct oqz_value **ret,
                                struct oqz_err *err)
{
	struct oqz_node *n;

	OQZ_TRY(oqz_graph_insert_node(g, before, "", op, opset, in, n_in, &n, err, "%s/%s", before->name, op));
	if (to)
		OQZ_TRY(oqz_node_set_int(n, "to", to, err));
	OQZ_TRY(oqz_node_resolve(n, err));
	*ret = n->out[0];
	return oqz_infer_node(n, err);
}

/* The scale as second operand: (n, 1, ...) for scales along an axis. */
static enum oqz_status broadcast_scale(struct oqz_graph *g, const struct oqz_node *n, struct oqz_value **ret,
                                       struct oqz_err *err)
{
	struct oqz_value *scale = n->in[1];
	const struct oqz_attr *a = oqz_node_attr(n, "axis");
	int rank = n->in[0]->type.shape.rank;
	int64_t axis = a ? a->i : 1;
	struct oqz_tensor t = { 0 };

	*ret = scale;
	if (axis < 0)
		axis += rank;
	if (!scale->constant || scale->type.shape.rank != 1 || axis + 1 >= rank)
		return OQZ_OK;
	oqz_tensor_share(&t, scale->constant);
	t.shape.rank = rank - (int)axis;
	for (int i = 1; i < t.shape.rank; i++)
		t.shape.dim[i] = 1;
	enum oqz_status st = oqz_graph_insert_constant(g, &t, ret, err, "%s", scale->name);
	oqz_tensor_release(&t);
	return st;
}

static enum oqz_status spell_quantize(struct oqz_graph *g, struct oqz_node *q, struct oqz_err *err)
{
	struct oqz_value *in[2] = { q->in[0] }, *codes;

	OQZ_TRY(broadcast_scale(g, q, &in[1], err));
	OQZ_TRY(add_node(g, q, "Div", 14, in, 2, 0, &in[0], err));
	OQZ_TRY(add_node(g, q, "Cast", 19, in, 1, onnx_type(q->out[0]->type.dtype), &codes, err));
	OQZ_TRY(oqz_graph_replace(g, q->out[0], codes, err));
	q->dead = true;
	return OQZ_OK;
}

static enum oqz_status spell_dequantize(struct oqz_graph *g, struct oqz_node *dq, struct oqz_err *err)
{
	const struct oqz_value *zero = dq->n_in > 2 ? dq->in[2] : NULL;
	struct oqz_value *in[2], *y;
	double z = zero && zero->constant ? oqz_load_f(zero->constant->dtype, zero->constant->data, 0) : 0;

	OQZ_TRY(add_node(g, dq, "Cast", is_int8(dq->in[0]->type.dtype) ? 13 : 19, dq->in, 1, onnx_type(OQZ_DT_F32),
	                 &in[0], err));
	if (z != 0) {
		OQZ_TRY(oqz_graph_insert_number(g, (float)z, &in[1], err, "%s/zero", dq->name));
		OQZ_TRY(add_node(g, dq, "Sub", 14, in, 2, 0, &in[0], err));
	}
	OQZ_TRY(broadcast_scale(g, dq, &in[1], err));
	OQZ_TRY(add_node(g, dq, "Mul", 14, in, 2, 0, &y, err));
	OQZ_TRY(oqz_graph_replace(g, dq->out[0], y, err));
	dq->dead = true;
	return OQZ_OK;
}

/* QuantizeLinear and DequantizeLinear of 4-bit integers, without codes; one scale. */
static enum oqz_status spell_integers(struct oqz_graph *g, struct oqz_node *q, struct oqz_node *dq, struct oqz_err *err)
{
	bool is_signed = dq->in[0]->type.dtype == OQZ_DT_I4;
	struct oqz_value *in[3] = { q->in[0], q->in[1] }, *zero = NULL, *y;

	if (oqz_node_in(dq, 2) && oqz_load_f(dq->in[2]->constant->dtype, dq->in[2]->constant->data, 0) != 0)
		OQZ_TRY(oqz_graph_insert_number(
		    g, (float)oqz_load_f(dq->in[2]->constant->dtype, dq->in[2]->constant->data, 0), &zero, err,
		    "%s/zero", dq->name));
	OQZ_TRY(add_node(g, dq, "Div", 14, in, 2, 0, &in[0], err));
	OQZ_TRY(add_node(g, dq, "Round", 11, in, 1, 0, &in[0], err));
	in[1] = zero;
	if (zero)
		OQZ_TRY(add_node(g, dq, "Add", 14, in, 2, 0, &in[0], err));
	OQZ_TRY(oqz_graph_insert_number(g, is_signed ? -8 : 0, &in[1], err, "%s/least", dq->name));
	OQZ_TRY(oqz_graph_insert_number(g, is_signed ? 7 : 15, &in[2], err, "%s/most", dq->name));
	OQZ_TRY(add_node(g, dq, "Clip", 13, in, 3, 0, &in[0], err));
	in[1] = zero;
	if (zero)
		OQZ_TRY(add_node(g, dq, "Sub", 14, in, 2, 0, &in[0], err));
	in[1] = dq->in[1];
	OQZ_TRY(add_node(g, dq, "Mul", 14, in, 2, 0, &y, err));
	OQZ_TRY(oqz_graph_replace(g, dq->out[0], y, err));
	q->dead = dq->dead = true;
	return OQZ_OK;
}

static enum oqz_status spell(struct oqz_graph *g, struct oqz_node *dq, bool moved, struct oqz_err *err)
{
	struct oqz_node *q = dq->in[0]->producer;

	if (is_int4(dq->in[0]->type.dtype)) {
		bool constant = dq->in[1]->constant && (dq->n_in < 3 || !dq->in[2] || dq->in[2]->constant);
		return constant && dq->in[1]->type.shape.rank == 0 ? spell_integers(g, q, dq, err) : OQZ_OK;
	}
	OQZ_TRY(spell_dequantize(g, dq, err));
	return moved ? spell_quantize(g, q, err) : OQZ_OK;
}

enum oqz_status oqz_onnx_for_readers(struct oqz_graph *g, struct oqz_err *err)
{
	size_t n = g->nodes.n; /* not those made here */
	OQZ_CLEANUP_FREE struct oqz_node **nodes = calloc(n + 1, sizeof *nodes);
	OQZ_CLEANUP_FREE bool *transposed = calloc(n + 1, sizeof *transposed), *moved = calloc(n + 1, sizeof *moved),
	                      *refused = calloc(n + 1, sizeof *refused);

	if (!nodes || !transposed || !moved || !refused)
		return oqz_err_nomem(err, "nodes", n);
	find_transposed(g, transposed);
	for (size_t i = 0; i < n; i++) {
		nodes[i] = g->nodes.v[i];
		moved[i] = is_dequantizer(nodes[i]) && is_moved(nodes[i], transposed);
		refused[i] = is_op(nodes[i], "DequantizeLinear") && feeds_refused(nodes[i]);
	}
	for (size_t i = 0; i < n; i++)
		if (moved[i] || refused[i])
			OQZ_TRY(spell(g, nodes[i], moved[i], err));
	return oqz_graph_finish(g, err);
}

/* ---------------------------------------------------------------------------------------------------- and back */

/* The node that makes a value, when it is this operator. */
static struct oqz_node *made_by(const struct oqz_value *v, const char *op_type)
{
	return v && is_op(v->producer, op_type) ? v->producer : NULL;
}

/* The one number of a float32 constant. */
static bool one_number(const struct oqz_value *v, float *ret)
{
	if (!v || !v->constant || v->constant->dtype != OQZ_DT_F32 || oqz_tensor_nelem(v->constant) != 1)
		return false;
	*ret = *(const float *)v->constant->data;
	return true;
}

/* A node and what only it read are not needed any more. */
static void drop(struct oqz_node *n)
{
	while (n && !n->dead && !is_op(n, "QuantizeLinear")) {
		struct oqz_node *before = n->in[0] ? n->in[0]->producer : NULL;
		n->dead = true;
		n = before && before->out[0]->uses.n == 1 && !before->out[0]->is_output ? before : NULL;
		if (n && !is_op(n, "Cast") && !is_op(n, "Div") && !is_op(n, "Round") && !is_op(n, "Add") &&
		    !is_op(n, "Clip") && !is_op(n, "Sub"))
			n = NULL;
	}
}

/* x -> QuantizeLinear (NULL: the codes are there) -> DequantizeLinear in place of the Mul. */
static enum oqz_status add_pair(struct oqz_graph *g, struct oqz_node *mul, struct oqz_value *x, struct oqz_value *codes,
                                float scale, enum oqz_dtype type, int zero, struct oqz_err *err)
{
	const struct oqz_shape scalar = { .rank = 0 };
	int opset = is_int8(type) ? 13 : is_int4(type) ? 21 : 19;
	struct oqz_value *in[3] = { codes ? codes : x }, *y;
	struct oqz_tensor t = { 0 };

	OQZ_TRY(oqz_graph_insert_number(g, scale, &in[1], err, "%s/scale", mul->name));
	OQZ_TRY(oqz_tensor_alloc(&t, type, &scalar, err)); /* the code of 0.0 of small floats is 0 */
	if (!is_float8(type))
		oqz_store_i(type, t.data, 0, zero);
	enum oqz_status st = oqz_graph_insert_constant(g, &t, &in[2], err, "%s/zero", mul->name);
	oqz_tensor_release(&t);
	OQZ_TRY(st);
	if (!codes)
		OQZ_TRY(add_node(g, mul, "QuantizeLinear", opset, in, 3, 0, &in[0], err));
	OQZ_TRY(add_node(g, mul, "DequantizeLinear", opset, in, 3, 0, &y, err));
	OQZ_TRY(oqz_graph_replace(g, mul->out[0], y, err));
	drop(mul);
	return OQZ_OK;
}

/* Mul(Sub(Cast(codes), zero), scale), or without the zero, with QuantizeLinear before it or, of small floats,
 * Cast(Div(x, scale)). */
static enum oqz_status read_codes(struct oqz_graph *g, struct oqz_node *mul, float scale, struct oqz_err *err)
{
	const struct oqz_node *sub = made_by(mul->in[0], "Sub"), *cast = made_by(sub ? sub->in[0] : mul->in[0], "Cast");
	struct oqz_value *codes = cast ? cast->in[0] : NULL;
	float divisor, zero = 0;

	if (!codes || codes->constant || (sub && !one_number(sub->in[1], &zero)))
		return OQZ_OK;
	const enum oqz_dtype type = codes->type.dtype;
	if ((is_float8(type) && !sub) || is_int8(type)) {
		const struct oqz_node *narrow = made_by(codes, "Cast"),
		                      *div = narrow ? made_by(narrow->in[0], "Div") : NULL;
		if (is_float8(type) && div && one_number(div->in[1], &divisor) && divisor == scale)
			return add_pair(g, mul, div->in[0], NULL, scale, type, 0, err);
		if (made_by(codes, "QuantizeLinear"))
			return add_pair(g, mul, NULL, codes, scale, type, (int)zero, err);
	}
	return OQZ_OK;
}

/* Mul(Sub(Clip(Add(Round(Div(x, scale)), zero)), zero), scale), or without the zero. */
static enum oqz_status read_integers(struct oqz_graph *g, struct oqz_node *mul, float scale, struct oqz_err *err)
{
	const struct oqz_node *sub = made_by(mul->in[0], "Sub"), *clip = made_by(sub ? sub->in[0] : mul->in[0], "Clip");
	const struct oqz_node *add = clip && sub ? made_by(clip->in[0], "Add") : NULL;
	const struct oqz_node *round = clip ? made_by(add ? add->in[0] : clip->in[0], "Round") : NULL;
	const struct oqz_node *div = round ? made_by(round->in[0], "Div") : NULL;
	float divisor, least, most, zero = 0, same = 0;

	if (!div || clip->n_in < 3 || !sub != !add || !one_number(div->in[1], &divisor) || divisor != scale ||
	    !one_number(clip->in[1], &least) || !one_number(clip->in[2], &most))
		return OQZ_OK;
	bool is_signed = least == -8 && most == 7;
	if ((!is_signed && (least != 0 || most != 15)) ||
	    (sub && (!one_number(sub->in[1], &zero) || !one_number(add->in[1], &same) || zero != same)))
		return OQZ_OK;
	return add_pair(g, mul, div->in[0], NULL, scale, is_signed ? OQZ_DT_I4 : OQZ_DT_U4, (int)zero, err);
}

enum oqz_status oqz_onnx_from_readers(struct oqz_graph *g, struct oqz_err *err)
{
	size_t n = g->nodes.n;
	OQZ_CLEANUP_FREE struct oqz_node **nodes = calloc(n + 1, sizeof *nodes);
	float scale;

	if (!nodes)
		return oqz_err_nomem(err, "nodes", n);
	if (n)
		memcpy(nodes, g->nodes.v, n * sizeof(struct oqz_node *));
	for (size_t i = 0; i < n; i++)
		if (!nodes[i]->dead && is_op(nodes[i], "Mul") && one_number(nodes[i]->in[1], &scale)) {
			OQZ_TRY(read_codes(g, nodes[i], scale, err));
			if (!nodes[i]->dead)
				OQZ_TRY(read_integers(g, nodes[i], scale, err));
		}
	return oqz_graph_finish(g, err);
}
