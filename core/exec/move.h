/* SPDX-License-Identifier: Apache-2.0
 *
 * The mover as a part of steps that other files plan.
 */
#ifndef OQZ_EXEC_MOVE_H
#define OQZ_EXEC_MOVE_H

#include "core/exec/impl.h"
#include "core/ops/strided.h"

/* A state of oqz_impl_move that copies one box from input 0 to output 0; its destroy() frees it. */
enum oqz_status oqz_move_box(size_t elem_size, const struct oqz_box *box, void **ret, struct oqz_err *err);

#endif
