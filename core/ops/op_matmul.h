/* SPDX-License-Identifier: Apache-2.0
 *
 * Matrix products: parameters and the geometry of MatMul, shared by type rules, reference kernels and lowered kernels.
 */
#ifndef OQZ_OPS_OP_MATMUL_H
#define OQZ_OPS_OP_MATMUL_H

#include "core/ops/op.h"

struct oqz_gemm_params {
	float alpha, beta;
	int64_t transA, transB;
};

/* y (batch..., m, n) = a (batch..., m, k) * b (batch..., k, n); a 1-D operand lends its missing dim, which y lacks. */
struct oqz_matmul {
	int64_t m, k, n;
	struct oqz_shape batch; /* broadcast of both batches */
	struct oqz_shape out;
};

/* Unknown dims stay unknown; unknown ranks give an output of unknown rank. */
enum oqz_status oqz_matmul_geometry(const struct oqz_shape *a, const struct oqz_shape *b, struct oqz_matmul *ret,
                                    struct oqz_err *err);

struct oqz_einsum_params {
	const char *equation;
};

/* op_einsum.c */

enum {
	OQZ_EINSUM_OPERANDS = 16,
	OQZ_EINSUM_LETTERS = 52,
	OQZ_EINSUM_LABELS = OQZ_EINSUM_LETTERS + OQZ_MAX_RANK /* letters, and axes of the ellipsis */
};

/* The labels of an equation, those of the output first, in its order, then the summed ones; the strides in elements of
 * each operand along them: 0 where it does not have the label, or broadcasts along it. */
struct oqz_einsum_walk {
	int n, n_out;
	int64_t extent[OQZ_EINSUM_LABELS], stride[OQZ_EINSUM_OPERANDS][OQZ_EINSUM_LABELS];
};
/* For concrete types of the operands. */
enum oqz_status oqz_einsum_walk(const struct oqz_node *n, const struct oqz_type *const *in, int n_in,
                                struct oqz_einsum_walk *ret, struct oqz_err *err);
enum oqz_status oqz_einsum_infer(struct oqz_infer *c, struct oqz_err *err);
enum oqz_status oqz_einsum_run(const struct oqz_call *c, struct oqz_err *err);
/* Product of all label extents of a node with concrete types (0 when they are not). */
int64_t oqz_einsum_macs(const struct oqz_node *n);

#endif
