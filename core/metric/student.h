/* SPDX-License-Identifier: Apache-2.0
 *
 * Student's t distribution: what the normal one becomes where the spread is itself estimated from few values.
 */
#ifndef OQZ_METRIC_STUDENT_H
#define OQZ_METRIC_STUDENT_H

/* P(|T| >= |t|) with `degrees` > 0 degrees of freedom, to about 9 digits, far tails included. */
double oqz_student_p(double t, double degrees);
/* The t with P(T <= t) = p, 0 < p < 1. */
double oqz_student_quantile(double p, double degrees);

#endif
