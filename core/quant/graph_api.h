/* SPDX-License-Identifier: Apache-2.0
 *
 * What quantizers see: the read-only graph view behind struct oqz_graph_api, and the selection of sites that all
 * schemes have in common, so that no plugin needs to parse operator lists and name patterns.
 */
#ifndef OQZ_QUANT_GRAPH_API_H
#define OQZ_QUANT_GRAPH_API_H

#include "core/graph/graph.h"
#include <oqz/quantizer.h>

struct oqz_names {
	const char *const *v;
	size_t n;
};

/* Which sites a scheme may take, as the manifest says it. All empty: the default.
 *   ops      operator types. Empty: Conv ConvTranspose Gemm MatMul LayerNormalization. Entries "+Op" and "-Op" edit the
 *            default; either all entries are such edits or none is
 *   include  node-name patterns (oqz_glob_match): when there are any, a node must match one
 *   exclude  node-name patterns: a node must match none
 *   below    value names: the node that makes the value and everything downstream of it stay float
 * Of a selected node the first output (index -1), if it is float, and the activation and weight inputs that are float
 * (or of unknown type) are sites; of LayerNormalization only input 0, since its scale is no operand of a product. */
struct oqz_selection {
	struct oqz_names ops, include, exclude, below;
};

/* The accessors. */
extern const struct oqz_graph_api oqz_graph_api;

/* A view of a resolved graph with inferred types; the graph must outlive it and not change. An operator that does not
 * exist, a name in `below` that is no value: OQZ_E_USAGE naming it. Patterns that match nothing are no error: one
 * selection serves many models. `sel` may be NULL and is not kept. */
enum oqz_status oqz_graph_view_new(const struct oqz_graph *g, const struct oqz_selection *sel,
                                   struct oqz_graph_view **ret, struct oqz_err *err);
/* Of the selected nodes, keeps only those that match, or takes those away (keep false). A node matches when its name
 * does one of the patterns and its operator is one of ops; an empty list asks for nothing. For one scheme in several
 * parts. */
void oqz_graph_view_narrow(struct oqz_graph_view *v, const struct oqz_names *nodes, const struct oqz_names *ops,
                           bool keep);
/* A view of a lone tensor: one node "tensor" of which `input` (1 for weights, else 0) is this tensor and selected, the
 * other is an unknown float. `axis`: what channel_axis() answers for a weight, -1 for none. The node is a Conv, or for
 * axis 1 a ConvTranspose, so that rules by operator apply as they would in a network. The tensor must outlive the view.
 */
enum oqz_status oqz_graph_view_of_tensor(const struct oqz_tensor *t, enum oqz_input_role role, int axis,
                                         struct oqz_graph_view **ret, struct oqz_err *err);
void oqz_graph_view_free(struct oqz_graph_view *v);
OQZ_DEFINE_CLEANUP(struct oqz_graph_view, oqz_graph_view_free)

#endif
