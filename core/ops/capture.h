/* SPDX-License-Identifier: Apache-2.0
 *
 * Control-flow nodes as functions of their inputs: see capture.c.
 */
#ifndef OQZ_OPS_CAPTURE_H
#define OQZ_OPS_CAPTURE_H

#include "core/graph/graph.h"

enum { OQZ_NODE_MAX_BODIES = 3 };

/* The bodies of a node, in the order of then_branch, else_branch, body, score_mod, prob_mod; returns their number. */
int oqz_node_bodies(const struct oqz_node *n, struct oqz_graph *body[OQZ_NODE_MAX_BODIES]);
/* How many of the last inputs of body number `which` (and of the node) stand for outer values. The node's added inputs
 * come behind its own, those of body 0 first. */
int oqz_node_captured(const struct oqz_node *n, int which);

/* Gives the bodies of g's nodes inputs for the outer values they read. The bodies' own bodies must have been done. */
enum oqz_status oqz_capture_outer(struct oqz_graph *g, struct oqz_err *err);

#endif
