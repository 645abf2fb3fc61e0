/* SPDX-License-Identifier: Apache-2.0
 *
 * What Softmax and Attention do to a row of float32 scores. Sums are taken in double, in the same order at every
 * instruction set.
 */
#ifndef OQZ_EXEC_SOFTMAX_ROWS_H
#define OQZ_EXEC_SOFTMAX_ROWS_H

#include <stdint.h>

/* The largest of n numbers; NaN is passed over, -INFINITY when there is none. */
float oqz_row_largest(const float *x, int64_t n);
/* x = e^(x - top), and exactly 0 where that is below e^-86. top is no less than any x; NaN passes. */
void oqz_row_exp(float *x, int64_t n, float top);
double oqz_row_sum(const float *x, int64_t n);

#endif
