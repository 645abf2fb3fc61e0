/* SPDX-License-Identifier: Apache-2.0
 *
 * Bodies of control flow see the names around them. Kernels, folding, liveness and the executor would all have to know
 * about that; instead, when a model is resolved, each outer value that a body reads becomes one more input of the node
 * and of the body (constants are shared into the body). Afterwards a body is a function of its inputs. The names stay,
 * so that a saved model can drop the added inputs again: the node's attribute "captured" says how many each body has.
 */
#include "core/ops/capture.h"

static const char *const body_names[] = { "then_branch", "else_branch", "body", "score_mod", "prob_mod" };

int oqz_node_bodies(const struct oqz_node *n, struct oqz_graph *body[OQZ_NODE_MAX_BODIES])
{
	int count = 0;

	for (size_t i = 0; i < OQZ_COUNTOF(body_names) && count < OQZ_NODE_MAX_BODIES; i++) {
		const struct oqz_attr *a = oqz_node_attr(n, body_names[i]);

		if (a && a->type == OQZ_ATTR_GRAPH && a->graph)
			body[count++] = a->graph;
	}
	return count;
}

int oqz_node_captured(const struct oqz_node *n, int which)
{
	const struct oqz_attr *a = oqz_node_attr(n, "captured");

	return a && a->type == OQZ_ATTR_INTS && (size_t)which < a->n ? (int)a->ints[which] : 0;
}

/* A value of the body's own that stands for an outer one. */
static enum oqz_status stand_in(struct oqz_node *holder, struct oqz_graph *body, struct oqz_value *outer,
                                struct oqz_value **ret, int64_t *captured, struct oqz_err *err)
{
	const char *name = outer->name;
	struct oqz_value *v = NULL;

	if (oqz_map_has(&body->by_name, name))
		name = oqz_graph_fresh_name(body, name);
	if (!name)
		return oqz_err_nomem(err, "a name", 0);
	if (outer->constant) {
		OQZ_TRY(oqz_graph_add_constant(body, name, outer->constant, &v, err));
	} else {
		OQZ_TRY(oqz_graph_add_value(body, name, &v, err));
		v->type = outer->type;
		v->kind = outer->kind;
		v->is_input = true;
		if (!oqz_vec_push(&body->inputs, v))
			return oqz_err_nomem(err, "inputs of a body", sizeof v);
		OQZ_TRY(oqz_node_set_input(holder, holder->n_in, outer, err));
		++*captured;
	}
	*ret = v;
	return OQZ_OK;
}

struct pair {
	struct oqz_value *outer, *inner;
};

struct pairs {
	OQZ_VEC(struct pair) list;
};

static void pairs_release(struct pairs *p) { oqz_vec_release(&p->list); }

static enum oqz_status capture_body(struct oqz_node *holder, struct oqz_graph *body, int64_t *captured,
                                    struct oqz_err *err)
{
	OQZ_CLEANUP(pairs_release) struct pairs p = { 0 };

	for (size_t i = 0; i < body->nodes.n; i++) {
		struct oqz_node *n = body->nodes.v[i];

		for (int k = 0; k < n->n_in; k++) {
			struct oqz_value *outer = n->in[k], *inner = NULL;

			if (!outer || outer->graph == body)
				continue;
			for (size_t j = 0; j < p.list.n && !inner; j++)
				if (p.list.v[j].outer == outer)
					inner = p.list.v[j].inner;
			if (!inner) {
				OQZ_TRY(stand_in(holder, body, outer, &inner, captured, err));
				if (!oqz_vec_push(&p.list, ((struct pair) { outer, inner })))
					return oqz_err_nomem(err, "captured values", sizeof(struct pair));
			}
			OQZ_TRY(oqz_node_set_input(n, k, inner, err));
		}
	}
	return oqz_graph_finish(body, err);
}

enum oqz_status oqz_capture_outer(struct oqz_graph *g, struct oqz_err *err)
{
	bool any = false;

	for (size_t i = 0; i < g->nodes.n; i++) {
		struct oqz_node *n = g->nodes.v[i];
		struct oqz_graph *body[OQZ_NODE_MAX_BODIES];
		int64_t captured[OQZ_NODE_MAX_BODIES] = { 0 }, sum = 0;
		int count = oqz_node_bodies(n, body);

		if (count == 0 || oqz_node_attr(n, "captured"))
			continue;
		for (int k = 0; k < count; k++) {
			OQZ_TRY(capture_body(n, body[k], &captured[k], err));
			sum += captured[k];
		}
		if (sum)
			OQZ_TRY(oqz_node_set_ints(n, "captured", captured, (size_t)count, err));
		any = true;
	}
	return any ? oqz_graph_finish(g, err) : OQZ_OK;
}
