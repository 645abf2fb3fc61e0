/* SPDX-License-Identifier: Apache-2.0
 *
 * Graph passes, one file each (pass_<name>.c). A pass edits in place, calls oqz_graph_finish() and says how many places
 * it changed. They can be named in a manifest; `oqz list passes` prints this table.
 *
 * Passes need resolved operators (oqz_ops_resolve). Constant folding evaluates reference kernels and so lives above, in
 * core/ops (fold.h); everything here only rearranges.
 */
#ifndef OQZ_GRAPH_PASS_H
#define OQZ_GRAPH_PASS_H

#include "core/graph/graph.h"

struct oqz_pass {
	const char *name;    /* "fuse-batchnorm" */
	const char *summary; /* one line */
	enum oqz_status (*run)(struct oqz_graph *g, int *ret_changed, struct oqz_err *err);
	bool on_request; /* no part of the default pipeline: it changes what a scheme takes for a layer */
};

/* All passes in the order of the default pipeline; ends with a row whose name is NULL. Nodes that a pass adds are not
 * resolved. */
extern const struct oqz_pass oqz_passes[];

enum oqz_status oqz_pass_identity(struct oqz_graph *g, int *ret_changed, struct oqz_err *err); /* Identity, Dropout */
enum oqz_status oqz_pass_bias(struct oqz_graph *g, int *ret_changed, struct oqz_err *err);     /* op + Add -> bias */
enum oqz_status oqz_pass_batchnorm(struct oqz_graph *g, int *ret_changed,
                                   struct oqz_err *err); /* into Conv/ConvT/Gemm */
enum oqz_status oqz_pass_batchnorm_conv(struct oqz_graph *g, int *ret_changed,
                                        struct oqz_err *err); /* others become convolutions */
enum oqz_status oqz_pass_matmul_add(struct oqz_graph *g, int *ret_changed, struct oqz_err *err); /* MatMul + bias */
enum oqz_status oqz_pass_gelu(struct oqz_graph *g, int *ret_changed, struct oqz_err *err);
enum oqz_status oqz_pass_layernorm(struct oqz_graph *g, int *ret_changed, struct oqz_err *err);
enum oqz_status oqz_pass_dead(struct oqz_graph *g, int *ret_changed, struct oqz_err *err); /* reach no output */

/* Undoes oqz_pass_matmul_add(), whose MatMul with a bias no file can hold. The new nodes are not resolved. */
enum oqz_status oqz_graph_split_matmul_add(struct oqz_graph *g, struct oqz_err *err);

#endif
