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

/* What most passes are: something done to each node, dead ones left out. `one` sets *ret_done when it has changed the
 * graph; what fails names the node. The graph is finished afterwards. */
typedef enum oqz_status oqz_pass_node_fn(struct oqz_graph *g, struct oqz_node *n, bool *ret_done, struct oqz_err *err);
enum oqz_status oqz_pass_nodes(struct oqz_graph *g, oqz_pass_node_fn *one, int *ret_changed, struct oqz_err *err);

/* The number of a constant with one element; false when v is none. */
bool oqz_value_scalar(const struct oqz_value *v, double *ret);

/* Conv, ConvTranspose or Gemm: what takes a bias as input 2. */
bool oqz_node_takes_bias(const struct oqz_node *n);
/* Number of output channels (of columns for Gemm) by the weight's type; -1 when not known. */
int64_t oqz_node_channels(const struct oqz_node *n);

/* Gives n a bias (input 2): the constant c in another shape of as many elements. */
enum oqz_status oqz_node_set_bias(struct oqz_graph *g, struct oqz_node *n, const struct oqz_value *c,
                                  const struct oqz_shape *shape, struct oqz_err *err);
/* A new node of the ONNX domain in the place of `last`, whose output 0 it makes and whose name it takes over (patterns
 * of a manifest and layers of a report go by it): `op` of operator set `opset`, or of last's if that is newer. */
enum oqz_status oqz_node_become(struct oqz_node *last, const char *op, int opset, struct oqz_value *const *in, int n_in,
                                struct oqz_node **ret, struct oqz_err *err);
/* n makes what `absorbed` made: n's output 0 becomes its output 0, and it is dead. */
void oqz_node_absorb(struct oqz_node *n, struct oqz_node *absorbed);

#endif
