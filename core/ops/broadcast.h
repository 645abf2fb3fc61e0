/* SPDX-License-Identifier: Apache-2.0
 *
 * Multidirectional broadcasting (ONNX "Broadcasting", NumPy's rule) as an iteration over innermost runs. Dimensions are
 * merged first, so equal shapes, scalars and trailing vectors become one long run or a few; because tensors are dense,
 * an operand's step within a run is 0 or 1, which is what lets the loops of the elementwise families be vectorised.
 */
#ifndef OQZ_OPS_BROADCAST_H
#define OQZ_OPS_BROADCAST_H

#include "core/tensor/tensor.h"

enum { OQZ_BCAST_MAX = 3 };

struct oqz_bcast {
	int n;    /* operands */
	int rank; /* dimensions outside of the run, after merging */
	int64_t dim[OQZ_MAX_RANK], index[OQZ_MAX_RANK];
	int64_t stride[OQZ_BCAST_MAX][OQZ_MAX_RANK]; /* in elements; 0 where broadcast */
	int64_t run;                                 /* elements in a run */
	int64_t rows;                                /* runs; 0 when the result is empty */
	int step[OQZ_BCAST_MAX];                     /* of each operand within a run: 0 or 1 */
	int64_t at[OQZ_BCAST_MAX];                   /* each operand's first element of the current run */
};

/* Iterates the `out` elements in row-major order; every operand's shape broadcasts to `out` (the type rule saw to it).
 */
void oqz_bcast_init(struct oqz_bcast *b, const struct oqz_shape *out, int n, const struct oqz_shape *const *in);
/* To the next run. */
void oqz_bcast_next(struct oqz_bcast *b);

/* The common shape of concrete shapes; false when they do not broadcast. */
bool oqz_bcast_shape(const struct oqz_shape *a, const struct oqz_shape *b, struct oqz_shape *ret);

#endif
