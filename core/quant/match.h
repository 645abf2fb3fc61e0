/* SPDX-License-Identifier: Apache-2.0
 *
 * A quantized model that was made elsewhere beside the float model it was made from: which of its layers is which.
 * Tools rename, renumber and fold, so names are believed only where the weights agree, and what names leave open is
 * decided by the structure around a layer.
 */
#ifndef OQZ_QUANT_MATCH_H
#define OQZ_QUANT_MATCH_H

#include "core/graph/graph.h"

enum oqz_match_by {
	OQZ_MATCH_NONE = 0,
	OQZ_MATCH_VALUE,     /* the name of its output */
	OQZ_MATCH_NODE,      /* its own name */
	OQZ_MATCH_STRUCTURE, /* operator, attributes and shapes, between layers that are matched */
	OQZ_MATCH_WEIGHTS,   /* operator, attributes and shapes, and by far the nearest weights */
};

/* A layer of the quantized graph: Conv, ConvTranspose, Gemm, MatMul or LayerNormalization. */
struct oqz_layer_match {
	struct oqz_node *node;
	bool quantized;              /* one of its inputs 0 and 1 comes from DequantizeLinear (or FakeQuant) */
	const struct oqz_node *twin; /* its counterpart in the float graph, NULL: none */
	enum oqz_match_by by;
};

struct oqz_matches {
	OQZ_VEC(struct oqz_layer_match) layers; /* in the quantized graph's order; twins are given once each */
};
void oqz_matches_release(struct oqz_matches *m);

/* Both graphs are resolved, with inferred types. */
enum oqz_status oqz_match_layers(const struct oqz_graph *f, struct oqz_graph *q, struct oqz_matches *ret,
                                 struct oqz_err *err);

/* Orders the nodes of `q` so that matched layers, and the nodes with a rank in `rank` (by index in q->nodes; -1: none),
 * come in the order of their counterparts, as far as dependencies allow. Ranks of layers are their twins' indices;
 * those given must be on the same scale. */
enum oqz_status oqz_match_order(struct oqz_graph *q, const struct oqz_matches *m, const int *rank, struct oqz_err *err);

/* Where a quantized tensor's numbers come from: the float value that was quantized, through DequantizeLinear,
 * QuantizeLinear and nodes between them that only move; the last value on this way when nothing was. */
const struct oqz_value *oqz_match_source(const struct oqz_value *v);

/* The float32 numbers of a value that depends on constants alone (a weight behind its DequantizeLinear), in a buffer of
 * its own; *ret stays empty when it depends on more. */
enum oqz_status oqz_match_constant(const struct oqz_value *v, struct oqz_tensor *ret, struct oqz_err *err);

#endif
