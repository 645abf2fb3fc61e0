/* SPDX-License-Identifier: Apache-2.0
 *
 * Which implementations each operator has, in order of preference. A new implementation is one word in one row here.
 */
#include "core/exec/impl.h"

#define LIST(name, ...) static const struct oqz_impl *const name[] = { __VA_ARGS__, NULL }

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
LIST(integer, &oqz_impl_dnnl_integer);
LIST(deform, &oqz_impl_dnnl_deform);
LIST(dft, &oqz_impl_dft);
LIST(einsum, &oqz_impl_dnnl_einsum);
LIST(qconv, &oqz_impl_qdepthwise, &oqz_impl_qconv_tiles, &oqz_impl_dnnl_qconv, &oqz_impl_sim);
LIST(qmatmul, &oqz_impl_qmatmul_tiles, &oqz_impl_dnnl_qmatmul, &oqz_impl_sim);
LIST(sim_only, &oqz_impl_sim);

/* Operators that have no row run by the reference only. */
static const struct oqz_impl *const *const plain[OQZ_OP_COUNT] = {
	[OQZ_OP_CONV] = conv,
	[OQZ_OP_GEMM] = matmul,
	[OQZ_OP_MATMUL] = matmul,
	[OQZ_OP_CONV_TRANSPOSE] = deconv,
	[OQZ_OP_CONV_INTEGER] = integer,
	[OQZ_OP_DEFORM_CONV] = deform,
	[OQZ_OP_DFT] = dft,
	[OQZ_OP_MATMUL_INTEGER] = integer,
	[OQZ_OP_QLINEAR_CONV] = integer,
	[OQZ_OP_QLINEAR_MATMUL] = integer,

	[OQZ_OP_MAX_POOL] = pool,
	[OQZ_OP_AVERAGE_POOL] = pool,
	[OQZ_OP_GLOBAL_AVERAGE_POOL] = global_pool,
	[OQZ_OP_GLOBAL_MAX_POOL] = global_pool,

	[OQZ_OP_SOFTMAX] = softmax,
	[OQZ_OP_LOG_SOFTMAX] = softmax,

	[OQZ_OP_REDUCE_L1] = reduce,
	[OQZ_OP_REDUCE_L2] = reduce,
	[OQZ_OP_REDUCE_LOG_SUM] = reduce,
	[OQZ_OP_REDUCE_LOG_SUM_EXP] = reduce,
	[OQZ_OP_REDUCE_MAX] = reduce,
	[OQZ_OP_REDUCE_MEAN] = reduce,
	[OQZ_OP_REDUCE_MIN] = reduce,
	[OQZ_OP_REDUCE_PROD] = reduce,
	[OQZ_OP_REDUCE_SUM] = reduce,
	[OQZ_OP_REDUCE_SUM_SQUARE] = reduce,

	[OQZ_OP_LAYER_NORMALIZATION] = layer_norm,
	[OQZ_OP_BATCH_NORMALIZATION] = norm,
	[OQZ_OP_GROUP_NORMALIZATION] = norm,
	[OQZ_OP_INSTANCE_NORMALIZATION] = norm,
	[OQZ_OP_LP_NORMALIZATION] = norm,
	[OQZ_OP_RMS_NORMALIZATION] = norm,
	[OQZ_OP_LRN] = lrn,
	[OQZ_OP_ATTENTION] = attention,
	[OQZ_OP_EINSUM] = einsum,
	[OQZ_OP_GRU] = recurrent,
	[OQZ_OP_LSTM] = recurrent,
	[OQZ_OP_RNN] = recurrent,

	[OQZ_OP_TRANSPOSE] = move,
	[OQZ_OP_CONCAT] = move,
	[OQZ_OP_SPLIT] = move,
	[OQZ_OP_SLICE] = move,
	[OQZ_OP_PAD] = move,
	[OQZ_OP_EXPAND] = move,
	[OQZ_OP_TILE] = move,
	[OQZ_OP_GATHER] = move,
	[OQZ_OP_DEPTH_TO_SPACE] = move,
	[OQZ_OP_SPACE_TO_DEPTH] = move,

	[OQZ_OP_RESIZE] = resize,
	[OQZ_OP_GRID_SAMPLE] = grid_sample,

	[OQZ_OP_QUANTIZE_LINEAR] = qdq,
	[OQZ_OP_DEQUANTIZE_LINEAR] = qdq,
	[OQZ_OP_FAKE_QUANT] = qdq,

	[OQZ_OP_ABS] = eltwise,
	[OQZ_OP_ADD] = eltwise,
	[OQZ_OP_CEIL] = eltwise,
	[OQZ_OP_CELU] = eltwise,
	[OQZ_OP_CLIP] = eltwise,
	[OQZ_OP_COS] = eltwise,
	[OQZ_OP_DIV] = eltwise,
	[OQZ_OP_ELU] = eltwise,
	[OQZ_OP_ERF] = eltwise,
	[OQZ_OP_EXP] = eltwise,
	[OQZ_OP_FLOOR] = eltwise,
	[OQZ_OP_GELU] = eltwise,
	[OQZ_OP_HARD_SIGMOID] = eltwise,
	[OQZ_OP_HARD_SWISH] = eltwise,
	[OQZ_OP_LEAKY_RELU] = eltwise,
	[OQZ_OP_LOG] = eltwise,
	[OQZ_OP_MAX] = eltwise,
	[OQZ_OP_MEAN] = eltwise,
	[OQZ_OP_MIN] = eltwise,
	[OQZ_OP_MISH] = eltwise,
	[OQZ_OP_MUL] = eltwise,
	[OQZ_OP_NEG] = eltwise,
	[OQZ_OP_POW] = eltwise,
	[OQZ_OP_PRELU] = eltwise,
	[OQZ_OP_RECIPROCAL] = eltwise,
	[OQZ_OP_RELU] = eltwise,
	[OQZ_OP_ROUND] = eltwise,
	[OQZ_OP_SELU] = eltwise,
	[OQZ_OP_SIGMOID] = eltwise,
	[OQZ_OP_SIN] = eltwise,
	[OQZ_OP_SOFTPLUS] = eltwise,
	[OQZ_OP_SOFTSIGN] = eltwise,
	[OQZ_OP_SQRT] = eltwise,
	[OQZ_OP_SUB] = eltwise,
	[OQZ_OP_SUM] = eltwise,
	[OQZ_OP_SWISH] = eltwise,
	[OQZ_OP_TANH] = eltwise,
	[OQZ_OP_THRESHOLDED_RELU] = eltwise,
};

/* On quantized inputs; the others are simulated. */
static const struct oqz_impl *const *const quantized[OQZ_OP_COUNT] = {
	[OQZ_OP_CONV] = qconv,
	[OQZ_OP_GEMM] = qmatmul,
	[OQZ_OP_MATMUL] = qmatmul,
};

const struct oqz_impl *const *oqz_impl_list(enum oqz_op_id op, bool group)
{
	LIST(none, NULL);
	const struct oqz_impl *const *row = group ? quantized[op] : plain[op];

	return row ? row : group ? sim_only : none;
}
