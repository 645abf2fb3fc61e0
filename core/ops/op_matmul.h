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
enum oqz_status oqz_einsum_infer(struct oqz_infer *c, struct oqz_err *err);
enum oqz_status oqz_einsum_run(const struct oqz_call *c, struct oqz_err *err);
/* Product of all label extents of a node with concrete types (0 when they are not). */
int64_t oqz_einsum_macs(const struct oqz_node *n);

#endif
