/* SPDX-License-Identifier: Apache-2.0
 *
 * Removes nodes that hand their input through: Identity, and Dropout when it is not training (then its mask is all
 * true; a Dropout whose mask is used stays). A node between an input and an output, or between two outputs, stays as
 * well: both names are promised to the user.
 */
#include "core/graph/pass_impl.h"

static bool unused(const struct oqz_value *v) { return !v || (!v->is_output && v->uses.n == 0); }

/* training_mode is an input since operator set 12; before 7 there was `is_test`, which resolving translates. */
static bool drops(const struct oqz_node *n)
{
	const struct oqz_value *mode = oqz_node_in(n, 2);

	if (!mode)
		return false;
	return !mode->constant || oqz_tensor_nelem(mode->constant) != 1 ||
	       oqz_load_i(mode->constant->dtype, mode->constant->data, 0) != 0;
}

static bool hands_through(const struct oqz_node *n)
{
	if (oqz_node_is(n, "Identity"))
		return true;
	return oqz_node_is(n, "Dropout") && n->opset >= 7 && unused(oqz_node_out(n, 1)) && !drops(n);
}

static enum oqz_status remove_node(struct oqz_graph *g, struct oqz_node *n, bool *ret_done, struct oqz_err *err)
{
	struct oqz_value *in = oqz_node_in(n, 0), *out = oqz_node_out(n, 0);

	if (!in || !out || !hands_through(n) || !oqz_graph_can_replace(out, in))
		return OQZ_OK;
	OQZ_TRY(oqz_graph_replace(g, out, in, err));
	n->dead = *ret_done = true;
	return OQZ_OK;
}

enum oqz_status oqz_pass_identity(struct oqz_graph *g, int *ret_changed, struct oqz_err *err)
{
	return oqz_pass_nodes(g, remove_node, ret_changed, err);
}
