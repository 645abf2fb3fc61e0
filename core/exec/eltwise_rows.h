/* SPDX-License-Identifier: Apache-2.0
 *
 * Row functions of the elementwise family: n contiguous float32 elements in, as many out.
 */
#ifndef OQZ_EXEC_ELTWISE_ROWS_H
#define OQZ_EXEC_ELTWISE_ROWS_H

#include "core/ops/op.h"

struct oqz_row_params {
	float a, b, c;
};

/* y may be x. */
typedef void oqz_row1_fn(const float *x, float *y, size_t n, const struct oqz_row_params *p);
/* Operands advance by 0 or 1 element; y may be either operand that advances. */
typedef void oqz_row2_fn(const float *x, int sx, const float *z, int sz, float *y, size_t n);

/* The function of a one-operand node (constant parameters) and its parameters; NULL: has none. A PRelu or Pow with one
 * constant number as second operand counts as one-operand. */
oqz_row1_fn *oqz_row1_of(const struct oqz_node *n, struct oqz_row_params *p);
/* Whether a node's row only clamps, to [*lo, *hi] (infinities: no bound), NaN passing. */
bool oqz_row1_clamps(const struct oqz_node *n, float *lo, float *hi);
/* Of a two-operand operator (variadic ones fold from the left); NULL: has none. */
oqz_row2_fn *oqz_row2_of(enum oqz_op_id op);
/* What a folded result of n operands still goes through, with its parameters; NULL: nothing. */
oqz_row1_fn *oqz_row2_end(enum oqz_op_id op, int n, struct oqz_row_params *p);

#endif
