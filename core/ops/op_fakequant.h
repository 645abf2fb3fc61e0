/* SPDX-License-Identifier: Apache-2.0
 *
 * FakeQuant (domain "oqz", version 1): quantize-dequantize in one node, for grids that ONNX's QuantizeLinear cannot
 *say: other roundings, other widths, clamps narrower than the type, small floats without a type, code books, and a
 *plugin's own function. Written by core/quant/apply.c, evaluated with core/tensor/fakequant.h.
 *
 *	y = FakeQuant(x float, scale float, zero int32 (may be left out))      y: type and shape of x
 *
 * scale has one element (per tensor); or is 1-D along `axis`; or, with block > 0, has x's shape with ceil(n / block) on
 * `axis`. Attributes: the members of the struct below down to `dynamic`, by name (kind is "affine", "minifloat",
 *"codebook" or "custom"). The function of a "custom" node is no attribute, so that a file can never name an address: it
 *is put into the parsed parameters after resolving, and a node without one fails when it is run.
 */
#ifndef OQZ_OPS_OP_FAKEQUANT_H
#define OQZ_OPS_OP_FAKEQUANT_H

#include "core/ops/op.h"

struct oqz_fakequant {
	const char *kind;                          /* STRING, required */
	int64_t rounding;                          /* INT, 0: enum oqz_round */
	int64_t qmin, qmax;                        /* INT, 0 */
	int64_t exp_bits, man_bits, bias, special; /* INT, 0; special: enum oqz_minifloat_special */
	float max;                                 /* FLOAT, 0 */
	struct oqz_floats values;                  /* FLOATS: code book */
	int64_t axis;                              /* INT, 1 */
	int64_t block;                             /* INT, 0 */
	int64_t dynamic;                           /* INT, 0: enum oqz_fq_dynamic; then scale has one element */

	void (*custom)(void *ctx, const struct oqz_shape *shape, const float *x, float *y);
	void *ctx;
};

#endif
