/* SPDX-License-Identifier: Apache-2.0
 *
 * Inlining of decided branches, part of constant folding: see inline_if.c.
 */
#ifndef OQZ_OPS_INLINE_IF_H
#define OQZ_OPS_INLINE_IF_H

#include "core/graph/graph.h"

/* When n is an If with a constant condition, puts the branch's nodes before n and marks n dead; *ret_done says so. The
 * caller finishes the graph. */
enum oqz_status oqz_inline_if(struct oqz_node *n, bool *ret_done, struct oqz_err *err);

#endif
