/* SPDX-License-Identifier: Apache-2.0
 *
 * Reductions of dense float32 tensors over neighbouring dimensions, for Reduce* and the global poolings. Our own loops,
 * in this folder because they complete its families: oneDNN 2.6 has a fast kernel for the innermost dimension only
 * (others run at 0.5 GB/s), and sums in float32 one after the other, which loses digits over the 10^4..10^5 elements of
 * a feature map. Here sums are taken in double.
 */
#ifndef OQZ_EXEC_DNNL_REDUCE_H
#define OQZ_EXEC_DNNL_REDUCE_H

#include "core/exec/impl.h"

enum oqz_reduce_kind {
	OQZ_REDUCE_SUM,
	OQZ_REDUCE_MEAN,
	OQZ_REDUCE_MAX,
	OQZ_REDUCE_MIN,
	OQZ_REDUCE_L1,
	OQZ_REDUCE_L2,
	OQZ_REDUCE_SUM_SQUARE
};

/* out[o][i] = reduction over r of x[o][r][i] */
void oqz_reduce(enum oqz_reduce_kind kind, const float *x, int64_t outer, int64_t n, int64_t inner, float *out);

#endif
