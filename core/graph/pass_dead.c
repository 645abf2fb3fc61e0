/* SPDX-License-Identifier: Apache-2.0
 *
 * Removes nodes that no output of the graph depends on. One walk against the order suffices inside a graph; removing a
 * node with bodies frees what only the bodies read, so the walk is repeated until nothing more falls.
 */
#include "core/graph/pass_impl.h"

static bool needed(const struct oqz_node *n)
{
	for (int i = 0; i < n->n_out; i++) {
		const struct oqz_value *v = n->out[i];
		if (v && v->is_output)
			return true;
		for (size_t k = 0; v && k < v->uses.n; k++)
			if (!v->uses.v[k]->dead)
				return true;
	}
	return false;
}

enum oqz_status oqz_pass_dead(struct oqz_graph *g, int *ret_changed, struct oqz_err *err)
{
	int changed = 0, before;

	do {
		before = changed;
		for (size_t i = g->nodes.n; i-- > 0;) {
			struct oqz_node *n = g->nodes.v[i];
			if (!n->dead && !needed(n)) {
				n->dead = true;
				changed++;
			}
		}
		OQZ_TRY(oqz_graph_finish(g, err));
	} while (changed != before);
	*ret_changed = changed;
	return OQZ_OK;
}
