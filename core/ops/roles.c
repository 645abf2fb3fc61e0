/* SPDX-License-Identifier: Apache-2.0
 *
 * What quantizers and reports ask about operators: the role of an input, the channel axis of a weight, the number of
 * products. Roles stand in the operators' rows; the few geometric facts stand here.
 */
#include "core/ops/op_matmul.h"
#include "core/ops/ops_util.h"

enum { MAX_CHAIN = 16 };

/* Whether a value is known before running, possibly behind the nodes that keep a quantized weight recognisable. */
static bool is_constant(const struct oqz_value *v)
{
	for (int i = 0; i < MAX_CHAIN && v; i++) {
		if (v->constant)
			return true;
		const struct oqz_op *op = v->producer ? v->producer->op : NULL;
		if (!op || (op->id != OQZ_OP_QUANTIZE_LINEAR && op->id != OQZ_OP_DEQUANTIZE_LINEAR &&
		            op->id != OQZ_OP_FAKE_QUANT && op->id != OQZ_OP_IDENTITY && op->id != OQZ_OP_TRANSPOSE))
			return false;
		v = v->producer->n_in > 0 ? v->producer->in[0] : NULL;
	}
	return false;
}

/* A "weight" that is computed at run time (attention: MatMul of two activations) is an activation. */
enum oqz_role oqz_op_role(const struct oqz_node *n, int input)
{
	if (!n->op || input < 0 || input >= n->n_in || input >= n->op->n_roles)
		return OQZ_ROLE_ACTIVATION;
	enum oqz_role r = (enum oqz_role)n->op->roles[input];
	if (r == OQZ_ROLE_WEIGHT && n->in[input] && !is_constant(n->in[input]))
		return OQZ_ROLE_ACTIVATION;
	return r;
}

int oqz_op_channel_axis(const struct oqz_node *n, int input)
{
	if (oqz_op_role(n, input) != OQZ_ROLE_WEIGHT || !n->in[input])
		return -1;
	int rank = n->in[input]->type.shape.rank;
	switch (n->op->id) {
	case OQZ_OP_CAUSAL_CONV_WITH_STATE:
	case OQZ_OP_CONV:
	case OQZ_OP_CONV_INTEGER:
	case OQZ_OP_QLINEAR_CONV:
	case OQZ_OP_DEFORM_CONV: return 0;
	case OQZ_OP_CONV_TRANSPOSE: return 1;
	case OQZ_OP_GEMM: return OQZ_PARAMS(n, struct oqz_gemm_params)->transB ? 0 : 1;
	case OQZ_OP_MATMUL:
	case OQZ_OP_MATMUL_INTEGER:
	case OQZ_OP_QLINEAR_MATMUL: return rank >= 2 ? rank - 1 : -1;
	default: return -1;
	}
}

/* ---- products ---- */

static const struct oqz_shape *shape_in(const struct oqz_node *n, int i)
{
	static const struct oqz_shape none = { .rank = OQZ_RANK_UNKNOWN };

	return i < n->n_in && n->in[i] ? &n->in[i]->type.shape : &none;
}

/* Products of the shapes' spans; 0 when a shape is not concrete. */
static int64_t times(int64_t n, const struct oqz_shape *s, int from)
{
	return oqz_shape_concrete(s) && s->rank >= from ? n * oqz_shape_span(s, from, s->rank) : 0;
}

/* (seq, batch, I) through W (dirs, gates*H, I) and R (dirs, gates*H, H) */
static int64_t recurrent_macs(const struct oqz_node *n)
{
	const struct oqz_shape *x = shape_in(n, 0), *w = shape_in(n, 1), *r = shape_in(n, 2);

	if (!oqz_shape_concrete(x) || x->rank != 3)
		return 0;
	return x->dim[0] * x->dim[1] * (times(1, w, 0) + times(1, r, 0));
}

int64_t oqz_op_macs(const struct oqz_node *n)
{
	static const struct oqz_shape none = { .rank = OQZ_RANK_UNKNOWN };
	const struct oqz_shape *out = n->n_out > 0 && n->out[0] ? &n->out[0]->type.shape : &none;

	if (!n->op)
		return 0;
	switch (n->op->id) {
	case OQZ_OP_CAUSAL_CONV_WITH_STATE:
	case OQZ_OP_CONV:
	case OQZ_OP_CONV_INTEGER:
	case OQZ_OP_DEFORM_CONV: return times(times(1, out, 0), shape_in(n, 1), 1);
	case OQZ_OP_QLINEAR_CONV: return times(times(1, out, 0), shape_in(n, 3), 1);
	case OQZ_OP_CONV_TRANSPOSE: return times(times(1, shape_in(n, 0), 0), shape_in(n, 1), 1);
	case OQZ_OP_GEMM: {
		const struct oqz_shape *a = shape_in(n, 0);
		return a->rank == 2 ? times(a->dim[OQZ_PARAMS(n, struct oqz_gemm_params)->transA ? 0 : 1], out, 0) : 0;
	}
	case OQZ_OP_MATMUL:
	case OQZ_OP_MATMUL_INTEGER:
	case OQZ_OP_QLINEAR_MATMUL: {
		const struct oqz_shape *a = shape_in(n, 0);
		return a->rank > 0 && a->dim[a->rank - 1] >= 0 ? times(a->dim[a->rank - 1], out, 0) : 0;
	}
	case OQZ_OP_EINSUM: return oqz_einsum_macs(n);
	case OQZ_OP_LSTM:
	case OQZ_OP_GRU:
	case OQZ_OP_RNN: return recurrent_macs(n);
	default: return 0;
	}
}
