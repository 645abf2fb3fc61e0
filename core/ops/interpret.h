/* SPDX-License-Identifier: Apache-2.0
 *
 * The plainest way to run a graph: reference kernels in topological order. The oracle of the executor, and of tests.
 */
#ifndef OQZ_OPS_INTERPRET_H
#define OQZ_OPS_INTERPRET_H

#include "core/ops/op.h"

/* Sees every value when it has been computed (constants and inputs excepted). Borrowed; do not keep the tensor. */
typedef void oqz_interpret_fn(void *ctx, const struct oqz_value *v, const struct oqz_tensor *t);

/* Runs a resolved graph. inputs[i] belongs to graph input i (PLAIN, dtype as declared where that is known); outputs[]
 * has one all-zero tensor per graph output and on success owns its memory (the caller releases it). Values are freed
 * after their last use. `see` may be NULL. */
enum oqz_status oqz_interpret(const struct oqz_graph *g, const struct oqz_tensor *const *inputs,
                              struct oqz_tensor *outputs, oqz_interpret_fn *see, void *ctx, struct oqz_err *err);

#endif
