/* SPDX-License-Identifier: Apache-2.0
 *
 * What the sources of core/graph share. A graph's storage is counted: a clone holds its origin's, so that names,
 * attributes and parsed parameters are shared instead of copied (copying parameters would need the operator's layout,
 * which lies above this folder).
 */
#ifndef OQZ_GRAPH_GRAPH_IMPL_H
#define OQZ_GRAPH_GRAPH_IMPL_H

#include "core/graph/graph.h"

#include <stdatomic.h>

struct oqz_storage {
	atomic_int refs;
	struct oqz_arena *arena;
	OQZ_VEC(struct oqz_tensor *) tensors;  /* of attributes: released with the storage */
	OQZ_VEC(struct oqz_storage *) origins; /* storages of graphs this one was cloned from */
};

/* Makes `s` live at least as long as g; false when out of memory. */
bool oqz_storage_retain(struct oqz_graph *g, struct oqz_storage *s);

/* The list of a value's readers, where each stands once. False when out of memory. */
bool oqz_value_add_use(struct oqz_value *v, struct oqz_node *n);
void oqz_value_remove_use(struct oqz_value *v, const struct oqz_node *n);

/* Frees what a node owns beside arena memory (its bodies) and takes its uses out of values of outer graphs. */
void oqz_node_discard(struct oqz_node *n);

/* One name under its graph's node map, NULL or taken names replaced by a fresh one. NULL when out of memory. */
const char *oqz_node_unique_name(struct oqz_graph *g, const char *name, const char *op_type, const char *first_output);

/* OQZ_E_NOMEM, naming the graph's file. */
static inline enum oqz_status oqz_graph_nomem(const struct oqz_graph *g, struct oqz_err *err)
{
	return oqz_err_nomem(err, g && g->source ? g->source : "a graph", 0);
}

#endif
