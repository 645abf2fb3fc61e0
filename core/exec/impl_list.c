/* SPDX-License-Identifier: Apache-2.0
 *
 * Which implementations each operator has, in order of preference. A new implementation is one word in one row here.
 */
#include "core/exec/impl.h"

#define LIST(name, ...) static const struct oqz_impl *const name[] = { __VA_ARGS__, NULL }

static const struct oqz_impl *const none[] = { NULL };
LIST(eltwise, &oqz_impl_eltwise);
LIST(move, &oqz_impl_move);
LIST(resize, &oqz_impl_resize);
LIST(grid_sample, &oqz_impl_grid);
LIST(qdq, &oqz_impl_qdq);
LIST(conv, &oqz_impl_dnnl_conv_add, &oqz_impl_dnnl_conv);
LIST(deconv, &oqz_impl_deconv_dw, &oqz_impl_dnnl_deconv_tiles, &oqz_impl_dnnl_deconv);
LIST(matmul, &oqz_impl_dnnl_matmul);
LIST(pool, &oqz_impl_dnnl_pool, &oqz_impl_pool);
LIST(global_pool, &oqz_impl_dnnl_pool);
LIST(softmax, &oqz_impl_softmax);
LIST(reduce, &oqz_impl_dnnl_reduce);
LIST(layer_norm, &oqz_impl_dnnl_layer_norm);
LIST(norm, &oqz_impl_norm);
LIST(recurrent, &oqz_impl_dnnl_recurrent);
LIST(lrn, &oqz_impl_dnnl_lrn);
LIST(attention, &oqz_impl_dnnl_attention);
LIST(einsum, &oqz_impl_dnnl_einsum);
LIST(qconv, &oqz_impl_qdepthwise, &oqz_impl_dnnl_qconv, &oqz_impl_sim);
LIST(qmatmul, &oqz_impl_dnnl_qmatmul, &oqz_impl_sim);
LIST(sim_only, &oqz_impl_sim);

static const struct oqz_impl *const *list_quantized(enum oqz_op_id op)
{
	switch (op) {
	case OQZ_OP_CONV: return qconv;
	case OQZ_OP_GEMM:
	case OQZ_OP_MATMUL: return qmatmul;
	default: return sim_only;
	}
}

const struct oqz_impl *const *oqz_impl_list(enum oqz_op_id op, bool group)
{
	if (group)
		return list_quantized(op);
	switch (op) {
	case OQZ_OP_CONV: return conv;
	case OQZ_OP_GEMM:
	case OQZ_OP_MATMUL: return matmul;
	case OQZ_OP_CONV_TRANSPOSE: return deconv;

	case OQZ_OP_MAX_POOL:
	case OQZ_OP_AVERAGE_POOL: return pool;
	case OQZ_OP_GLOBAL_AVERAGE_POOL:
	case OQZ_OP_GLOBAL_MAX_POOL: return global_pool;

	case OQZ_OP_SOFTMAX:
	case OQZ_OP_LOG_SOFTMAX: return softmax;

	case OQZ_OP_REDUCE_L1:
	case OQZ_OP_REDUCE_L2:
	case OQZ_OP_REDUCE_LOG_SUM:
	case OQZ_OP_REDUCE_LOG_SUM_EXP:
	case OQZ_OP_REDUCE_MAX:
	case OQZ_OP_REDUCE_MEAN:
	case OQZ_OP_REDUCE_MIN:
	case OQZ_OP_REDUCE_PROD:
	case OQZ_OP_REDUCE_SUM:
	case OQZ_OP_REDUCE_SUM_SQUARE: return reduce;

	case OQZ_OP_LAYER_NORMALIZATION: return layer_norm;
	case OQZ_OP_BATCH_NORMALIZATION:
	case OQZ_OP_GROUP_NORMALIZATION:
	case OQZ_OP_INSTANCE_NORMALIZATION:
	case OQZ_OP_LP_NORMALIZATION:
	case OQZ_OP_RMS_NORMALIZATION: return norm;
	case OQZ_OP_LRN: return lrn;
	case OQZ_OP_ATTENTION: return attention;
	case OQZ_OP_EINSUM: return einsum;
	case OQZ_OP_GRU:
	case OQZ_OP_LSTM:
	case OQZ_OP_RNN: return recurrent;

	case OQZ_OP_TRANSPOSE:
	case OQZ_OP_CONCAT:
	case OQZ_OP_SPLIT:
	case OQZ_OP_SLICE:
	case OQZ_OP_PAD:
	case OQZ_OP_EXPAND:
	case OQZ_OP_TILE:
	case OQZ_OP_GATHER:
	case OQZ_OP_DEPTH_TO_SPACE:
	case OQZ_OP_SPACE_TO_DEPTH: return move;

	case OQZ_OP_RESIZE: return resize;
	case OQZ_OP_GRID_SAMPLE: return grid_sample;

	case OQZ_OP_QUANTIZE_LINEAR:
	case OQZ_OP_DEQUANTIZE_LINEAR:
	case OQZ_OP_FAKE_QUANT: return qdq;

	case OQZ_OP_ABS:
	case OQZ_OP_ADD:
	case OQZ_OP_CEIL:
	case OQZ_OP_CELU:
	case OQZ_OP_CLIP:
	case OQZ_OP_COS:
	case OQZ_OP_DIV:
	case OQZ_OP_ELU:
	case OQZ_OP_ERF:
	case OQZ_OP_EXP:
	case OQZ_OP_FLOOR:
	case OQZ_OP_GELU:
	case OQZ_OP_HARD_SIGMOID:
	case OQZ_OP_HARD_SWISH:
	case OQZ_OP_LEAKY_RELU:
	case OQZ_OP_LOG:
	case OQZ_OP_MAX:
	case OQZ_OP_MIN:
	case OQZ_OP_MISH:
	case OQZ_OP_MUL:
	case OQZ_OP_NEG:
	case OQZ_OP_POW:
	case OQZ_OP_PRELU:
	case OQZ_OP_RECIPROCAL:
	case OQZ_OP_RELU:
	case OQZ_OP_ROUND:
	case OQZ_OP_SELU:
	case OQZ_OP_SIGMOID:
	case OQZ_OP_SIN:
	case OQZ_OP_SOFTPLUS:
	case OQZ_OP_SOFTSIGN:
	case OQZ_OP_SQRT:
	case OQZ_OP_SUB:
	case OQZ_OP_SUM:
	case OQZ_OP_SWISH:
	case OQZ_OP_TANH:
	case OQZ_OP_THRESHOLDED_RELU: return eltwise;

	default: return none;
	}
}
