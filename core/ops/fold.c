/* SPDX-License-Identifier: Apache-2.0
 *
 * Constant folding and shape binding: one walk in topological order that infers each node and evaluates what is known.
 * The reference kernels do the evaluating, so folding cannot disagree with running.
 */
#include "core/ops/fold.h"
#include "core/ops/capture.h"
#include "core/ops/inline_if.h"
#include "core/ops/ops_util.h"

#include "core/base/map.h"
#include <stdlib.h>

/* Bytes of a result; products of a node and rounds of a loop, beyond which a model is not made smaller while it is
 * opened: a file of a few bytes can ask for any number of them. */
enum { DEFAULT_LIMIT = 64 << 20, MAX_MACS = 1 << 30, MAX_ROUNDS = 4096 };

/* These stay although their inputs are constant: the pair around a quantized weight is what carries its grid. */
static bool keeps_meaning(enum oqz_op_id id)
{
	return id == OQZ_OP_QUANTIZE_LINEAR || id == OQZ_OP_DEQUANTIZE_LINEAR || id == OQZ_OP_FAKE_QUANT;
}

static bool reads_shape_only(enum oqz_op_id id) { return id == OQZ_OP_SHAPE || id == OQZ_OP_SIZE; }

/* Bodies are functions of the node's inputs (capture.h), but what they do may be random, or nested too deep to look. */
static bool has_wild_body(const struct oqz_node *n)
{
	struct oqz_graph *body[OQZ_NODE_MAX_BODIES];
	int count = oqz_node_bodies(n, body);

	for (int k = 0; k < count; k++)
		for (size_t i = 0; i < body[k]->nodes.n; i++) {
			const struct oqz_node *b = body[k]->nodes.v[i];
			struct oqz_graph *inner[OQZ_NODE_MAX_BODIES];

			if (!b->op || b->op->random || oqz_node_bodies(b, inner))
				return true;
		}
	return false;
}

static bool inputs_known(const struct oqz_node *n)
{
	for (int i = 0; i < n->n_in; i++) {
		const struct oqz_value *v = n->in[i];
		if (!v || v->constant)
			continue;
		if (!reads_shape_only(n->op->id) || !oqz_shape_concrete(&v->type.shape))
			return false;
	}
	return true;
}

/* Whether the results are small enough, as far as their types are known before evaluating. */
static bool within_limit(const struct oqz_node *n, size_t limit)
{
	for (int i = 0; i < n->n_out; i++) {
		int64_t count;
		size_t bytes;
		if (!n->out[i] || !oqz_shape_concrete(&n->out[i]->type.shape))
			continue;
		if (oqz_shape_count(&n->out[i]->type.shape, &count, NULL) != OQZ_OK ||
		    !oqz_size_mul((size_t)count, oqz_dtype_size(n->out[i]->type.dtype), &bytes) || bytes > limit)
			return false;
	}
	return true;
}

static bool ends_soon(const struct oqz_node *n)
{
	const struct oqz_tensor *rounds = n->n_in && n->in[0] ? n->in[0]->constant : NULL;
	int64_t macs = oqz_op_macs(n);

	if (n->op->id == OQZ_OP_LOOP)
		return rounds && rounds->dtype == OQZ_DT_I64 && oqz_tensor_nelem(rounds) == 1 &&
		       *(const int64_t *)rounds->data <= MAX_ROUNDS;
	return macs >= 0 && macs <= MAX_MACS;
}

static bool foldable(const struct oqz_node *n, size_t limit)
{
	for (int i = 0; i < n->n_out; i++)
		if (n->out[i] && n->out[i]->kind != OQZ_VALUE_TENSOR)
			return false; /* constants are tensors */
	if (n->op->random || keeps_meaning(n->op->id) || has_wild_body(n) || !inputs_known(n) || !ends_soon(n))
		return false;
	/* A Constant node holds its memory already, whatever its size. */
	return n->op->id == OQZ_OP_CONSTANT || within_limit(n, limit);
}

struct evaluation {
	struct oqz_tensor *shape_only; /* stand-ins for inputs of which only the shape is known */
	const struct oqz_tensor **in;
	struct oqz_tensor *out;
	int n_out;
};

static void evaluation_release(struct evaluation *e)
{
	for (int i = 0; e->out && i < e->n_out; i++)
		oqz_tensor_release(&e->out[i]);
	free(e->shape_only);
	free((void *)e->in);
	free(e->out);
}

/* Evaluates a node and turns its outputs into constants; the node is dead then. */
static enum oqz_status evaluate(struct oqz_node *n, size_t limit, bool *ret_folded, struct oqz_err *err)
{
	OQZ_CLEANUP(evaluation_release) struct evaluation e = { .n_out = n->n_out };

	*ret_folded = false;
	e.shape_only = calloc((size_t)n->n_in + 1, sizeof *e.shape_only);
	e.in = calloc((size_t)n->n_in + 1, sizeof *e.in);
	e.out = calloc((size_t)n->n_out + 1, sizeof *e.out);
	if (!e.shape_only || !e.in || !e.out)
		return oqz_err_nomem(err, "constant folding", (size_t)(n->n_in + n->n_out) * sizeof *e.out);
	for (int i = 0; i < n->n_in; i++) {
		if (!n->in[i])
			continue;
		e.shape_only[i] = (struct oqz_tensor) { .dtype = n->in[i]->type.dtype, .shape = n->in[i]->type.shape };
		e.in[i] = n->in[i]->constant ? n->in[i]->constant : &e.shape_only[i];
	}
	OQZ_TRY(oqz_op_run(n, e.in, e.out, err));
	for (int i = 0; i < n->n_out; i++)
		if (n->out[i] && (oqz_dtype_is_list(e.out[i].dtype) ||
		                  (n->op->id != OQZ_OP_CONSTANT && oqz_tensor_bytes(&e.out[i]) > limit)))
			return OQZ_OK; /* larger than its type told, or no tensor: it stays a node */
	for (int i = 0; i < n->n_out; i++)
		if (n->out[i])
			OQZ_TRY(oqz_value_set_constant(n->graph, n->out[i], &e.out[i], err));
	n->dead = true;
	*ret_folded = true;
	return OQZ_OK;
}

static enum oqz_status walk(struct oqz_graph *g, size_t limit, int *ret_changed, struct oqz_err *err)
{
	int changed = 0;

	for (size_t i = 0; i < g->nodes.n; i++) {
		struct oqz_node *n = g->nodes.v[i];
		bool folded = false;
		if (n->dead)
			continue;
		OQZ_TRY(oqz_inline_if(n, &folded, err));
		if (folded) {
			changed++;
			i--; /* the branch's nodes stand here now */
			continue;
		}
		OQZ_TRY(oqz_infer_node(n, err));
		if (foldable(n, limit))
			OQZ_TRY(evaluate(n, limit, &folded, err));
		changed += folded;
	}
	*ret_changed = changed;
	return oqz_graph_finish(g, err);
}

static const char *source_of(const struct oqz_graph *g) { return g->source ? g->source : "model"; }

enum oqz_status oqz_fold_constants(struct oqz_graph *g, size_t limit, int *ret_changed, struct oqz_err *err)
{
	int changed = 0;

	if (walk(g, limit ? limit : DEFAULT_LIMIT, &changed, err) != OQZ_OK)
		return oqz_err_prefix(err, "%s", source_of(g));
	if (ret_changed)
		*ret_changed = changed;
	return OQZ_OK;
}

/* ---- binding ---- */

/* Extents that symbolic names have got so far. */
struct binding {
	struct oqz_map extent; /* name -> const int64_t * inside the caller's shapes */
};

static void binding_release(struct binding *b) { oqz_map_release(&b->extent); }

static enum oqz_status bind_input(struct binding *b, struct oqz_value *v, const struct oqz_shape *s,
                                  struct oqz_err *err)
{
	char want[OQZ_SHAPE_STR], have[OQZ_SHAPE_STR];
	struct oqz_shape merged = v->type.shape;
	int64_t count;

	OQZ_TRY(oqz_shape_count(s, &count, err));
	if (v->kind != OQZ_VALUE_TENSOR)
		return OQZ_OK;
	if (oqz_shape_merge(&merged, s, NULL) != OQZ_OK)
		OQZ_FAIL(err, OQZ_E_MISMATCH, "input '%s': shape %s given, the model declares %s", v->name,
		         oqz_shape_str(s, have, sizeof have), oqz_shape_str(&v->type.shape, want, sizeof want));
	for (int i = 0; i < s->rank; i++) {
		const char *name = v->dim_name[i];
		/* some exporters call every unknown dimension "?" */
		if (!name || strcmp(name, "?") == 0 || v->type.shape.rank < 0 || v->type.shape.dim[i] >= 0)
			continue;
		const int64_t *known = oqz_map_get(&b->extent, name);
		if (known && *known != s->dim[i])
			OQZ_FAIL(err, OQZ_E_MISMATCH, "input '%s': dimension %d (%s) is %lld here and %lld elsewhere",
			         v->name, i, name, (long long)s->dim[i], (long long)*known);
		if (!known && !oqz_map_set(&b->extent, name, (void *)&s->dim[i]))
			return oqz_err_nomem(err, "symbolic dimensions", 0);
	}
	v->type.shape = *s;
	return OQZ_OK;
}

/* What the file declares of inner values may have been written for other input shapes. */
static void forget_inner_shapes(struct oqz_graph *g)
{
	for (size_t i = 0; i < g->values.n; i++) {
		struct oqz_value *v = g->values.v[i];
		if (v && v->producer && !v->constant)
			v->type.shape = oqz_shape_unknown(OQZ_RANK_UNKNOWN);
	}
}

enum oqz_status oqz_bind_shapes(struct oqz_graph *g, const struct oqz_shape *input_shapes, struct oqz_err *err)
{
	OQZ_CLEANUP(binding_release) struct binding b = { 0 };
	int changed;

	for (size_t i = 0; i < g->inputs.n; i++)
		if (bind_input(&b, g->inputs.v[i], &input_shapes[i], err) != OQZ_OK)
			return oqz_err_prefix(err, "%s", source_of(g));
	forget_inner_shapes(g);
	if (walk(g, DEFAULT_LIMIT, &changed, err) != OQZ_OK)
		return oqz_err_prefix(err, "%s", source_of(g));
	return OQZ_OK;
}
