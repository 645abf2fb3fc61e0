/* SPDX-License-Identifier: Apache-2.0
 *
 * Scan of operator set 8 carries a batch: dimension 0 of every operand counts independent scans, which run over
 * dimension
 * 1. In today's words that is a Scan over the batch whose body is the Scan over the sequence.
 */
#include "core/ops/ops_util.h"

#include <stdio.h>
#include <stdlib.h>

struct rewriting {
	struct oqz_node *node;
	struct oqz_graph *outer;      /* the new body, one element of the batch */
	struct oqz_value **in, **out; /* of the inner Scan, values of `outer` */
};

static void rewriting_release(struct rewriting *w)
{
	oqz_graph_free(w->outer);
	free(w->in);
	free(w->out);
}

/* The inner Scan's operands: inputs and outputs of the new body, with the element types of the old one. */
static enum oqz_status make_operands(struct rewriting *w, const struct oqz_graph *body, struct oqz_err *err)
{
	struct oqz_node *n = w->node;
	char name[32];

	for (int i = 0; i < n->n_in; i++) {
		snprintf(name, sizeof name, "in%d", i);
		OQZ_TRY(oqz_graph_add_value(w->outer, name, &w->in[i], err));
		w->in[i]->is_input = true;
		w->in[i]->type.dtype = body->inputs.v[i]->type.dtype;
		if (!oqz_vec_push(&w->outer->inputs, w->in[i]))
			return oqz_err_nomem(err, "a body", sizeof(void *));
	}
	for (int i = 0; i < n->n_out; i++) {
		snprintf(name, sizeof name, "out%d", i);
		OQZ_TRY(oqz_graph_add_value(w->outer, name, &w->out[i], err));
		w->out[i]->is_output = true;
		w->out[i]->type.dtype = body->outputs.v[i]->type.dtype;
		if (!oqz_vec_push(&w->outer->outputs, w->out[i]))
			return oqz_err_nomem(err, "a body", sizeof(void *));
	}
	return OQZ_OK;
}

/* The old body moves into a node of the new one; whoever owns an attribute's graph frees it. */
static enum oqz_status move_body(struct rewriting *w, struct oqz_attr *old, int64_t scanned, struct oqz_err *err)
{
	struct oqz_node *n = w->node, *inner;
	const struct oqz_attr *directions = oqz_node_attr(n, "directions");

	OQZ_TRY(oqz_graph_add_node(w->outer, "sequence", "", "Scan", OQZ_OPSET_NEWEST, w->in, n->n_in, w->out, n->n_out,
	                           NULL, &inner, err));
	OQZ_TRY(oqz_node_set_int(inner, "num_scan_inputs", scanned, err));
	if (directions)
		OQZ_TRY(oqz_node_set_ints(inner, "scan_input_directions", directions->ints, directions->n, err));
	OQZ_TRY(oqz_node_set_attr(inner, old, err));
	old->graph->parent = w->outer;
	old->graph = NULL;
	return OQZ_OK;
}

static enum oqz_status drop_lengths(struct oqz_node *n, struct oqz_err *err)
{
	if (n->n_in < 1 || n->in[0])
		OQZ_FAIL(err, OQZ_E_UNSUPPORTED, "Scan of operator set 8 with sequence_lens");
	for (int i = 0; i + 1 < n->n_in; i++)
		OQZ_TRY(oqz_node_set_input(n, i, n->in[i + 1], err));
	OQZ_TRY(oqz_node_set_input(n, n->n_in - 1, NULL, err));
	n->n_in--;
	return OQZ_OK;
}

enum oqz_status oqz_upgrade_scan(struct oqz_node *n, struct oqz_err *err)
{
	OQZ_CLEANUP(rewriting_release) struct rewriting w = { .node = n };
	const struct oqz_attr *count = oqz_node_attr(n, "num_scan_inputs");
	struct oqz_attr *body = (struct oqz_attr *)oqz_node_attr(n, "body");

	OQZ_TRY(drop_lengths(n, err));
	if (!count || !body || body->type != OQZ_ATTR_GRAPH || !body->graph ||
	    body->graph->inputs.n != (size_t)n->n_in || body->graph->outputs.n != (size_t)n->n_out)
		OQZ_FAIL(err, OQZ_E_DATA, "a Scan without num_scan_inputs, or whose body has other inputs and outputs");
	int64_t scanned = count->i;
	w.in = calloc((size_t)n->n_in + 1, sizeof(struct oqz_value *));
	w.out = calloc((size_t)n->n_out + 1, sizeof(struct oqz_value *));
	w.outer = oqz_graph_new();
	if (!w.in || !w.out || !w.outer)
		return oqz_err_nomem(err, "a body", (size_t)n->n_in * sizeof(void *));
	w.outer->parent = n->graph;
	OQZ_TRY(make_operands(&w, body->graph, err));
	OQZ_TRY(move_body(&w, body, scanned, err));
	OQZ_TRY(oqz_graph_finish(w.outer, err));
	struct oqz_attr a = { .name = "body", .type = OQZ_ATTR_GRAPH, .graph = w.outer };
	OQZ_TRY(oqz_node_set_attr(n, &a, err));
	w.outer = NULL;
	oqz_node_remove_attr(n, "directions");
	return oqz_node_set_int(n, "num_scan_inputs", n->n_in, err);
}
