/* SPDX-License-Identifier: Apache-2.0
 *
 * Small graphs as text, one line each:
 *
 *	in x float32[2,?]                  an input with its type; an open dimension
 *	half = float32[]: 0.5              a constant, in the notation of op_text.h
 *	a b = Split axis=1 (x sizes)       a node: outputs, operator, attributes as in op_text.h, inputs ("-": left out)
 *	with then_branch                   a body of the last node follows, which sees the names around it
 *	in s float32[2]
 *	end a b:float32[?]                 ... with these outputs, whose types may be said
 *	out a b                            the graph's outputs
 */
#ifndef OQZ_TESTS_GRAPH_TEXT_H
#define OQZ_TESTS_GRAPH_TEXT_H

#include "core/graph/graph.h"

/* Builds and resolves it; fails the test when the text is wrong. The caller frees it. */
struct oqz_graph *graph_text(const char *text);

/* Inputs of g with float32 numbers in [-scale, scale) from a seed, integers in [0, scale). The caller releases them. */
void graph_text_inputs(const struct oqz_graph *g, uint64_t seed, double scale, struct oqz_tensor *ret);

#endif
