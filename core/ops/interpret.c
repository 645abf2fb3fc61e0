/* SPDX-License-Identifier: Apache-2.0
 *
 * Interpreter over reference kernels. It allocates per node and keeps nothing between runs: speed is the executor's
 * business, this one is meant to be obviously right.
 */
#include "core/ops/interpret.h"

#include <stdlib.h>

struct state {
	const struct oqz_graph *g;
	struct oqz_tensor *value; /* by value id: owned, or a borrowed view of an input or constant (no buffer share) */
	bool *owned;
	size_t *left; /* uses still to come; graph outputs count as one */
};

static void state_release(struct state *s)
{
	for (size_t i = 0; s->value && i < s->g->values.n; i++)
		if (s->owned && s->owned[i])
			oqz_tensor_release(&s->value[i]);
	free(s->value);
	free(s->owned);
	free(s->left);
}

static enum oqz_status state_init(struct state *s, const struct oqz_tensor *const *inputs, struct oqz_err *err)
{
	const struct oqz_graph *g = s->g;
	size_t n = g->values.n;

	s->value = calloc(n + 1, sizeof *s->value);
	s->owned = calloc(n + 1, sizeof *s->owned);
	s->left = calloc(n + 1, sizeof *s->left);
	if (!s->value || !s->owned || !s->left)
		return oqz_err_nomem(err, "an interpreter", n * sizeof *s->value);
	for (size_t i = 0; i < n; i++) {
		const struct oqz_value *v = g->values.v[i];
		s->left[i] = v->uses.n + v->is_output;
		if (v->constant)
			s->value[i] = *v->constant;
	}
	for (size_t i = 0; i < g->inputs.n; i++) {
		const struct oqz_value *v = g->inputs.v[i];
		enum oqz_dtype want = oqz_value_type(v).dtype;
		/* Loops begin with an empty optional and carry what it came to hold. */
		if (want != OQZ_DT_UNDEFINED && want != OQZ_DT_OPTIONAL && inputs[i]->dtype != want)
			OQZ_FAIL(err, OQZ_E_MISMATCH, "input '%s' is %s, should be %s", v->name,
			         oqz_dtype_name(inputs[i]->dtype), oqz_dtype_name(want));
		s->value[v->id] = *inputs[i];
	}
	return OQZ_OK;
}

static void used(struct state *s, const struct oqz_value *v)
{
	if (s->left[v->id] == 0 || --s->left[v->id] > 0 || !s->owned[v->id])
		return;
	oqz_tensor_release(&s->value[v->id]);
	s->owned[v->id] = false;
}

static enum oqz_status run_node(struct state *s, const struct oqz_node *n, oqz_interpret_fn *see, void *ctx,
                                struct oqz_err *err)
{
	OQZ_CLEANUP_FREE const struct oqz_tensor **in = calloc((size_t)n->n_in + 1, sizeof *in);
	OQZ_CLEANUP_FREE struct oqz_tensor *out = calloc((size_t)n->n_out + 1, sizeof *out);

	if (!in || !out)
		return oqz_err_nomem(err, "a node's operands", 0);
	for (int i = 0; i < n->n_in; i++)
		if (n->in[i])
			in[i] = &s->value[n->in[i]->id];
	OQZ_TRY(oqz_op_run(n, in, out, err));
	for (int i = 0; i < n->n_out; i++) {
		const struct oqz_value *v = n->out[i];
		if (!v)
			continue;
		s->value[v->id] = out[i];
		s->owned[v->id] = true;
		if (see)
			see(ctx, v, &out[i]);
	}
	for (int i = 0; i < n->n_in; i++)
		if (n->in[i])
			used(s, n->in[i]);
	return OQZ_OK;
}

enum oqz_status oqz_interpret(const struct oqz_graph *g, const struct oqz_tensor *const *inputs,
                              struct oqz_tensor *outputs, oqz_interpret_fn *see, void *ctx, struct oqz_err *err)
{
	OQZ_CLEANUP(state_release) struct state s = { .g = g };
	struct oqz_tensor *made;

	OQZ_TRY(state_init(&s, inputs, err));
	for (size_t i = 0; i < g->nodes.n; i++)
		OQZ_TRY(run_node(&s, g->nodes.v[i], see, ctx, err));
	/* Copies: an output may be an input, a constant, or listed twice. */
	OQZ_CLEANUP_FREE struct oqz_tensor *result = calloc(g->outputs.n + 1, sizeof *result);
	if (!result)
		return oqz_err_nomem(err, "outputs", g->outputs.n * sizeof *result);
	enum oqz_status st = OQZ_OK;
	for (size_t i = 0; i < g->outputs.n && st == OQZ_OK; i++) {
		made = &s.value[g->outputs.v[i]->id];
		if (!made->data)
			st = oqz_err_set(err, OQZ_E_DATA, "output '%s' is never computed", g->outputs.v[i]->name);
		else
			st = oqz_tensor_copy(&result[i], made, err);
	}
	for (size_t i = 0; i < g->outputs.n; i++) {
		if (st == OQZ_OK)
			outputs[i] = result[i];
		else
			oqz_tensor_release(&result[i]);
	}
	return st;
}
