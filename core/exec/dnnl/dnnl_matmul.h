/* SPDX-License-Identifier: Apache-2.0
 *
 * What the float and the integer matrix product share: Gemm and MatMul as one (batched) product in oneDNN's terms.
 */
#ifndef OQZ_EXEC_DNNL_MATMUL_H
#define OQZ_EXEC_DNNL_MATMUL_H

#include "core/exec/dnnl/dnnl_util.h"

/* c (..., M, N) = alpha * a (..., M, K) b (..., K, N) + beta * bias; batch dims broadcast. Leading dims of `a` are
 * folded into M when b has none. */
struct oqz_dnnl_mm {
	int nd;
	dnnl_dims_t a, b, c;
	bool trans_a, trans_b; /* Gemm: the memory holds the transposed matrix */
	float alpha, beta;
	dnnl_data_type_t c_type; /* undefined: float32 */
};

/* False: declined, with the reason in why. */
bool oqz_dnnl_mm_init(struct oqz_dnnl_mm *g, const struct oqz_step_desc *d, const struct oqz_shape *a,
                      const struct oqz_shape *b, char *why, size_t why_size);
dnnl_memory_desc_t oqz_dnnl_mm_md(const struct oqz_dnnl_mm *g, const dnnl_dim_t *dims, bool transposed,
                                  dnnl_data_type_t type);
static inline int64_t oqz_dnnl_mm_n(const struct oqz_dnnl_mm *g) { return g->c[g->nd - 1]; }

/* Gemm's constant C times beta as one row of N (malloc'ed; NULL when there is none). OQZ_E_UNSUPPORTED (why set) when C
 * is computed at run time or has rows of its own. */
enum oqz_status oqz_dnnl_mm_bias(const struct oqz_dnnl_mm *g, const struct oqz_step_desc *d, float **ret, char *why,
                                 size_t why_size, struct oqz_err *err);

/* The primitive with its arguments declared: A, (B unless weights are given,) C. `weights`: constant B in the memory
 * form of b's descriptor, packed. `bias`: one row of N or NULL. */
enum oqz_status oqz_dnnl_mm_build(const struct oqz_dnnl_mm *g, dnnl_data_type_t a_type, dnnl_data_type_t b_type,
                                  const void *weights, const float *bias, struct oqz_dnnl_attr *attr,
                                  struct oqz_dnnl_prim **ret, struct oqz_err *err);

/* c = a b of matrices that lie in larger tensors: shapes (batch..., M, K), (batch..., K, N), (batch..., M, N), strides
 * in elements; of the last two dims of each one has stride 1, c's last. */
struct oqz_dnnl_product {
	int nd;
	dnnl_dims_t a, b, c, a_stride, b_stride, c_stride;
};
/* A float32 primitive with the arguments a, b, c. */
enum oqz_status oqz_dnnl_product_new(const struct oqz_dnnl_product *g, struct oqz_dnnl_prim **ret, struct oqz_err *err);

#endif
