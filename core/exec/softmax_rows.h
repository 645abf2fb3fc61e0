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
/* y = e^(x - top), and exactly 0 where that is below e^-87.7. top is no less than any x; NaN passes. y may be x. */
void oqz_row_exp(const float *x, float top, float *y, int64_t n);
double oqz_row_sum(const float *x, int64_t n);
/* Softmax of `rows` rows of n numbers, one behind the other: the three above, and a multiplication. y may be x. */
void oqz_row_softmax(const float *x, float *y, int64_t rows, int64_t n);

#endif
