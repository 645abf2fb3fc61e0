/* SPDX-License-Identifier: Apache-2.0
 *
 * The memory that a process may fill with tensors: weights, activations, work arrays. A size that a file promises is
 * taken from the budget before it is allocated, so that a model which would need more than there is ends with a
 * sentence that names tensor and size instead of with a killed process. One number for the process, because allocations
 * happen far from anybody who could pass one down, and memory is the process's.
 */
#ifndef OQZ_BASE_BUDGET_H
#define OQZ_BASE_BUDGET_H

#include "core/base/err.h"

/* At most `bytes` from now on; 0: the machine's memory, which is also what holds before the first call. Call it while
 * there is one thread. */
void oqz_budget_set(size_t bytes);
size_t oqz_budget_limit(void);
/* Bytes taken and not yet given back. */
size_t oqz_budget_used(void);

/* Takes bytes; OQZ_E_LIMIT, nothing taken, when they do not fit. `what` names the thing that needs them. */
enum oqz_status oqz_budget_take(size_t bytes, const char *what, struct oqz_err *err);
void oqz_budget_give(size_t bytes);
/* Whether bytes would fit now; for short-lived arrays that are not worth taking and giving. */
enum oqz_status oqz_budget_check(size_t bytes, const char *what, struct oqz_err *err);

/* "812 bytes", "1.5 GiB" into buf; returns buf. */
const char *oqz_bytes_str(size_t bytes, char *buf, size_t size);
enum { OQZ_BYTES_STR = 32 };

#endif
