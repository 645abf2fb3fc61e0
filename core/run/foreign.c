/* SPDX-License-Identifier: Apache-2.0
 *
 * See foreign.h. The lane's graph is made to look like a scheme's: outputs in the float model's order, nodes in the
 * order of their counterparts, and for each layer and watched value the name that it has in either graph. What walks
 * lanes then needs no second way.
 */
#include "core/run/foreign.h"
#include "core/base/file.h"
#include "core/base/hash.h"
#include "core/onnx/onnx.h"
#include "core/ops/op.h"
#include "core/quant/match.h"
#include "core/run/digests.h"
#include "core/tensor/fakequant.h"

#include <math.h>
#include <string.h>

static enum oqz_status check_inputs(const struct oqz_graph *f, const struct oqz_graph *q, struct oqz_err *err)
{
	if (q->inputs.n != f->inputs.n)
		OQZ_FAIL(err, OQZ_E_MISMATCH, "the lane has %zu inputs, the model %zu", q->inputs.n, f->inputs.n);
	for (size_t i = 0; i < f->inputs.n; i++) {
		const struct oqz_type *a = &f->inputs.v[i]->type, *b = &q->inputs.v[i]->type;
		bool same =
		    a->dtype == b->dtype && (a->shape.rank < 0 || b->shape.rank < 0 || a->shape.rank == b->shape.rank);
		for (int k = 0; same && k < a->shape.rank && k < b->shape.rank; k++)
			same = a->shape.dim[k] < 0 || b->shape.dim[k] < 0 || a->shape.dim[k] == b->shape.dim[k];
		if (!same)
			OQZ_FAIL(err, OQZ_E_MISMATCH,
			         "input `%s` of the lane differs from `%s` of the model in type or shape",
			         q->inputs.v[i]->name, f->inputs.v[i]->name);
	}
	return OQZ_OK;
}

/* Outputs by name when all names are there, else by position. */
static enum oqz_status order_outputs(const struct oqz_graph *f, struct oqz_graph *q, struct oqz_err *err)
{
	size_t n = f->outputs.n, found = 0;
	OQZ_CLEANUP_FREE struct oqz_value **order = calloc(n + 1, sizeof *order);

	if (!order)
		return oqz_err_nomem(err, "outputs", n);
	if (q->outputs.n != n)
		OQZ_FAIL(err, OQZ_E_MISMATCH, "the lane has %zu outputs, the model %zu", q->outputs.n, n);
	for (size_t i = 0; i < n; i++)
		for (size_t k = 0; k < n; k++)
			if (strcmp(q->outputs.v[k]->name, f->outputs.v[i]->name) == 0) {
				order[i] = q->outputs.v[k];
				found++;
				break;
			}
	if (found == n)
		memcpy(q->outputs.v, order, n * sizeof(struct oqz_value *));
	for (size_t i = 0; i < n; i++)
		if (q->outputs.v[i]->type.dtype != f->outputs.v[i]->type.dtype)
			OQZ_FAIL(err, OQZ_E_MISMATCH, "output `%s` of the lane is %s, that of the model %s",
			         q->outputs.v[i]->name, oqz_dtype_name(q->outputs.v[i]->type.dtype),
			         oqz_dtype_name(f->outputs.v[i]->type.dtype));
	return OQZ_OK;
}

/* The lane's name of a float value: of an output by position, of a matched layer's output through the layer, else the
 * same name. NULL: the lane has no such value. */
static const char *lane_name(const struct oqz_job *j, const struct oqz_graph *q, const struct oqz_matches *m,
                             const char *name)
{
	const struct oqz_value *v = oqz_graph_value(j->graph, name), *same;

	for (size_t i = 0; i < j->graph->outputs.n; i++)
		if (j->graph->outputs.v[i] == v)
			return q->outputs.v[i]->name;
	for (size_t i = 0; i < m->layers.n; i++)
		if (m->layers.v[i].twin && m->layers.v[i].twin == v->producer)
			return m->layers.v[i].node->out[0]->name;
	same = oqz_graph_value(q, name);
	return same && same->producer && same->type.dtype == OQZ_DT_F32 ? same->name : NULL;
}

static enum oqz_status name_watched(struct oqz_job *j, struct oqz_scheme *s, const struct oqz_matches *m, int *rank,
                                    struct oqz_err *err)
{
	const char **own = OQZ_ARENA_NEW_N(j->arena, const char *, j->n_watch + 1);

	if (!own)
		return oqz_err_nomem(err, "watched values", j->n_watch);
	for (size_t i = 0; i < j->n_watch; i++) {
		own[i] = lane_name(j, s->graph, m, j->watch[i]);
		if (!own[i])
			OQZ_FAIL(
			    err, OQZ_E_MISMATCH,
			    "the watched value `%s` has no counterpart in the lane; name one that it has in `watch`",
			    j->watch[i]);
		const struct oqz_node *at = oqz_graph_value(s->graph, own[i])->producer;
		const struct oqz_node *twin = oqz_graph_value(j->graph, j->watch[i])->producer;
		if (at && twin)
			rank[at->index] = twin->index;
	}
	s->own_watch = own;
	return OQZ_OK;
}

static int by_twin(const void *a, const void *b)
{
	int x = ((const struct oqz_layer_match *)a)->twin->index, y = ((const struct oqz_layer_match *)b)->twin->index;

	return (x > y) - (x < y);
}

/* Layers in the float model's order, under both names; those without a counterpart by their own. */
static enum oqz_status list_layers(struct oqz_job *j, struct oqz_scheme *s, const struct oqz_matches *m,
                                   struct oqz_err *err)
{
	size_t n = m->layers.n, k = 0;
	OQZ_CLEANUP_FREE struct oqz_layer_match *matched = calloc(n + 1, sizeof *matched);

	s->layers = OQZ_ARENA_NEW_N(j->arena, const char *, n + 1);
	s->own_layers = OQZ_ARENA_NEW_N(j->arena, const char *, n + 1);
	s->unmatched = OQZ_ARENA_NEW_N(j->arena, const char *, n + 1);
	if (!matched || !s->layers || !s->own_layers || !s->unmatched)
		return oqz_err_nomem(err, "layers", n);
	for (size_t i = 0; i < n; i++) {
		const struct oqz_layer_match *l = &m->layers.v[i];
		if (l->quantized && l->twin)
			matched[k++] = *l;
		else if (l->quantized)
			s->unmatched[s->n_unmatched++] = l->node->name;
	}
	if (k + s->n_unmatched == 0)
		OQZ_FAIL(err, OQZ_E_UNSUPPORTED,
		         "the lane has no quantized layer (a convolution or product that reads DequantizeLinear)");
	if (k == 0)
		OQZ_FAIL(err, OQZ_E_MISMATCH, "none of the lane's %zu quantized layers has a counterpart in the model",
		         s->n_unmatched);
	qsort(matched, k, sizeof *matched, by_twin);
	for (size_t i = 0; i < k; i++) {
		if (i && matched[i].node->index < matched[i - 1].node->index)
			OQZ_FAIL(err, OQZ_E_MISMATCH,
			         "the lane computes `%s` before `%s`, which the model needs first: it is another model",
			         matched[i].node->name, matched[i - 1].node->name);
		s->layers[i] = matched[i].twin->out[0]->name;
		s->own_layers[i] = matched[i].node->out[0]->name;
	}
	s->n_layers = k;
	return OQZ_OK;
}

static enum oqz_status match(struct oqz_job *j, struct oqz_scheme *s, struct oqz_err *err)
{
	OQZ_CLEANUP(oqz_matches_release) struct oqz_matches m = { 0 };
	OQZ_CLEANUP_FREE int *rank = malloc((s->graph->nodes.n + 1) * sizeof *rank);

	if (!rank)
		return oqz_err_nomem(err, "layers", s->graph->nodes.n);
	for (size_t i = 0; i < s->graph->nodes.n; i++)
		rank[i] = -1;
	OQZ_TRY(oqz_match_layers(j->graph, s->graph, &m, err));
	OQZ_TRY(name_watched(j, s, &m, rank, err));
	OQZ_TRY(oqz_match_order(s->graph, &m, rank, err));
	return list_layers(j, s, &m, err);
}

static enum oqz_status open_file(struct oqz_job *j, struct oqz_scheme *s, struct oqz_err *err)
{
	OQZ_TRY(oqz_sha256_file(s->spec->file, s->plan_sha256, err));
	OQZ_TRY(oqz_model_open(s->spec->file, j->spec->model->passes, &s->graph, err));
	oqz_digests_model(j->digests, s->graph, s->plan_sha256);
	OQZ_TRY(oqz_onnx_from_readers(s->graph, err));
	OQZ_TRY(check_inputs(j->graph, s->graph, err));
	OQZ_TRY(order_outputs(j->graph, s->graph, err));
	return match(j, s, err);
}

enum oqz_status oqz_foreign_open(struct oqz_job *j, struct oqz_scheme *s, struct oqz_err *err)
{
	s->canonical = oqz_arena_printf(j->arena, "lane:%s", oqz_path_base(s->spec->file));
	if (!s->canonical)
		return oqz_err_nomem(err, "a lane", 1);
	if (open_file(j, s, err) == OQZ_OK)
		return OQZ_OK;
	return strstr(err->msg, s->spec->file) ? err->code : oqz_err_prefix(err, "%s", s->spec->file);
}

/* ------------------------------------------------------------------------------------------------ facts */

/* The grid in front of input 0, when it has one scale. */
static void input_grid(const struct oqz_node *n, struct oqz_layer_result *ret)
{
	const struct oqz_value *v = n->n_in ? n->in[0] : NULL;
	const struct oqz_node *dq = NULL;
	struct oqz_fq grid;

	ret->input_scale = ret->input_lo = ret->input_hi = NAN;
	for (int i = 0; i < 8 && v && v->producer && v->producer->op && !dq; i++) {
		if (v->producer->op->id == OQZ_OP_DEQUANTIZE_LINEAR)
			dq = v->producer;
		v = v->producer->n_in ? v->producer->in[0] : NULL;
	}
	const struct oqz_tensor *scale = dq ? oqz_node_constant(dq, 1) : NULL;
	const struct oqz_tensor *zero = dq ? oqz_node_constant(dq, 2) : NULL;
	if (!scale || scale->dtype != OQZ_DT_F32 || oqz_tensor_nelem(scale) != 1 || !v ||
	    !oqz_fq_of_dtype(v->type.dtype, &grid))
		return;
	double step = (double)*(const float *)scale->data, lo = grid.qmin, hi = grid.qmax;
	if (grid.kind != OQZ_FQ_AFFINE) {
		hi = grid.mf.max;
		lo = -hi;
	} else if (zero) {
		lo -= (double)oqz_load_i(zero->dtype, zero->data, 0);
		hi -= (double)oqz_load_i(zero->dtype, zero->data, 0);
	}
	ret->input_scale = step;
	ret->input_lo = lo * step;
	ret->input_hi = hi * step;
}

enum oqz_status oqz_foreign_facts(const struct oqz_job *j, const struct oqz_scheme *s, size_t layer,
                                  struct oqz_layer_result *ret, struct oqz_err *err)
{
	const struct oqz_node *n = oqz_graph_value(s->graph, s->own_layers[layer])->producer;
	const struct oqz_node *twin = oqz_graph_value(j->graph, s->layers[layer])->producer;
	const struct oqz_tensor *w = oqz_node_constant(twin, 1);
	struct oqz_tensor t = { 0 };
	struct oqz_error_sums e;

	input_grid(n, ret);
	ret->weight_error = NAN;
	if (!w || w->dtype != OQZ_DT_F32 || n->n_in < 2 || !n->in[1])
		return OQZ_OK;
	OQZ_TRY(oqz_match_constant(n->in[1], &t, err));
	if (t.data && oqz_shape_equal(&t.shape, &w->shape)) {
		oqz_error_sums(t.data, w->data, (size_t)oqz_tensor_nelem(w), &e);
		ret->weight_error = e.err2 == 0 ? 0 : sqrt(e.err2 / e.ref2);
	}
	oqz_tensor_release(&t);
	return OQZ_OK;
}
