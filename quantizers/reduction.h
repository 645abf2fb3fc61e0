/* SPDX-License-Identifier: Apache-2.0
 *
 * Along which axis an operator sums the products of an operand: where block formats have their blocks, so that a block
 * of one operand meets a block of the other. Included by plugins; inline.
 */
#ifndef OQZ_QUANTIZERS_REDUCTION_H
#define OQZ_QUANTIZERS_REDUCTION_H

#include <oqz/quantizer.h>

#include <string.h>

/* Conv, ConvTranspose: the channels (of weights the input channels; windows are not part of a block); Gemm and MatMul:
 * K; others: the last axis. -1 when the tensor's rank is not known or 0. */
static inline int32_t reduction_axis(const struct oqz_graph_api *api, const struct oqz_graph_view *g, int32_t node,
                                     int32_t input)
{
	const char *op = api->node_op(g, node);
	enum oqz_dtype dtype;
	struct oqz_shape shape;
	int64_t trans = 0;

	if (!api->input_type(g, node, input, &dtype, &shape) || shape.rank < 1)
		return -1;
	int32_t last = shape.rank - 1;
	if (input < 0) /* an output: the channels, which the next layer sums over */
		return last > 0 && (!strcmp(op, "Conv") || !strcmp(op, "ConvTranspose")) ? 1 : last;
	if (!strcmp(op, "Conv"))
		return last < 1 ? last : 1;
	if (!strcmp(op, "ConvTranspose"))
		return input == 1 || last < 1 ? 0 : 1;
	if (!strcmp(op, "Gemm")) {
		api->attr_int(g, node, input == 0 ? "transA" : "transB", &trans);
		return (input == 0) == (trans == 0) ? last : 0;
	}
	if (!strcmp(op, "MatMul") && input == 1)
		return last < 1 ? 0 : last - 1;
	return last;
}

#endif
