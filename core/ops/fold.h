/* SPDX-License-Identifier: Apache-2.0
 *
 * Constant folding, and binding of input shapes. Both walk the graph once, infer each node's types and evaluate, with
 * the reference kernel, every node whose inputs are all constant; Shape and Size are constant as soon as their input's
 * shape is. QuantizeLinear and DequantizeLinear are left alone, so that a quantized weight stays recognisable.
 */
#ifndef OQZ_OPS_FOLD_H
#define OQZ_OPS_FOLD_H

#include "core/ops/op.h"

/* Folds what is constant whatever the input shapes are. Results larger than `limit` bytes are not folded (0: 64 MiB).
 */
enum oqz_status oqz_fold_constants(struct oqz_graph *g, size_t limit, int *ret_changed, struct oqz_err *err);

/* Fixes the graph's input shapes (one per graph input; they must agree with the declared dims and with each other on
 * symbolic names) and propagates: afterwards every value has a concrete type unless it depends on data. Shape
 * arithmetic becomes constants. */
enum oqz_status oqz_bind_shapes(struct oqz_graph *g, const struct oqz_shape *input_shapes, struct oqz_err *err);

#endif
