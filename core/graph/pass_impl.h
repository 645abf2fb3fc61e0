/* SPDX-License-Identifier: Apache-2.0
 *
 * What the passes share: questions about nodes, and the step that all merging ends with.
 */
#ifndef OQZ_GRAPH_PASS_IMPL_H
#define OQZ_GRAPH_PASS_IMPL_H

#include "core/graph/pass.h"

#include <string.h>

/* An operator of the ONNX domain by name. */
static inline bool oqz_node_is(const struct oqz_node *n, const char *op_type)
{
	return !*n->domain && strcmp(n->op_type, op_type) == 0;
}

/* An attribute's number, or its default. */
int64_t oqz_node_int(const struct oqz_node *n, const char *name, int64_t missing);
double oqz_node_float(const struct oqz_node *n, const char *name, double missing);

/* The number of a constant with one element; false when v is none. */
bool oqz_value_scalar(const struct oqz_value *v, double *ret);

/* Conv, ConvTranspose or Gemm: what takes a bias as input 2. */
bool oqz_node_takes_bias(const struct oqz_node *n);
/* Number of output channels (of columns for Gemm) by the weight's type; -1 when not known. */
int64_t oqz_node_channels(const struct oqz_node *n);

/* Gives n a bias (input 2): the constant c in another shape of as many elements. */
enum oqz_status oqz_node_set_bias(struct oqz_graph *g, struct oqz_node *n, const struct oqz_value *c,
                                  const struct oqz_shape *shape, struct oqz_err *err);
/* n makes what `absorbed` made: n's output 0 becomes its output 0, and it is dead. */
void oqz_node_absorb(struct oqz_node *n, struct oqz_node *absorbed);

#endif
