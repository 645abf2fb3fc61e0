/* SPDX-License-Identifier: Apache-2.0
 *
 * See match.h. Every pair needs the same operator, attributes and shapes. In this order:
 *
 *   1. the same output name and near weights      4. the same matched layers before or behind it; of several such
 *   2. the same node name and near weights           layers the one with the nearest weights, else the first
 *   3. near weights that no other layer has       5. the nearest weights, when they are near (tied weights)
 *                                                 6. the same name whatever the weights
 *
 * "Near" is a relative distance below 0.9 over at most 4096 elements: even two bits come closer, and the weights of
 * unrelated layers lie 1.4 apart. Weights that were rescaled between layers (equalization) are not near; such layers
 * are found by 4 and 6.
 */
#include "core/quant/match.h"
#include "core/ops/op.h"

#include <math.h>
#include <string.h>

enum { SAMPLES = 4096, CONSTANT_DEPTH = 6, SOURCE_DEPTH = 32 };
#define NEAR 0.9

/* A layer of either graph. */
struct layer {
	struct oqz_node *node;
	float *sample; /* of the weights; NULL: they are not constant */
	size_t n_sample;
	OQZ_VEC(size_t) up, down; /* nearest layers before and behind */
	bool from_input;          /* the graph's input reaches it past all layers */
	long twin;                /* index in the other side, -1 */
	enum oqz_match_by by;
};

struct side {
	const struct oqz_graph *g;
	OQZ_VEC(struct layer) layers;
	long *of_node; /* node index -> layer, -1 */
};

static bool is_op(const struct oqz_node *n, enum oqz_op_id id) { return n && n->op && n->op->id == id; }

static bool is_layer(const struct oqz_node *n)
{
	if (!n->op || !n->n_out || !n->out[0])
		return false;
	switch (n->op->id) {
	case OQZ_OP_CONV:
	case OQZ_OP_CONV_TRANSPOSE:
	case OQZ_OP_GEMM:
	case OQZ_OP_MATMUL:
	case OQZ_OP_LAYER_NORMALIZATION:
		return n->out[0]->type.dtype == OQZ_DT_F32 || n->out[0]->type.dtype == OQZ_DT_UNDEFINED;
	default: return false;
	}
}

/* Nodes that only move numbers: a grid in front of them is a grid behind them. */
static bool only_moves(const struct oqz_node *n)
{
	return is_op(n, OQZ_OP_TRANSPOSE) || is_op(n, OQZ_OP_RESHAPE) || is_op(n, OQZ_OP_FLATTEN) ||
	       is_op(n, OQZ_OP_SQUEEZE) || is_op(n, OQZ_OP_UNSQUEEZE) || is_op(n, OQZ_OP_IDENTITY);
}

static bool dequantizes(const struct oqz_node *n)
{
	return is_op(n, OQZ_OP_DEQUANTIZE_LINEAR) || is_op(n, OQZ_OP_FAKE_QUANT);
}

static bool on_grid(const struct oqz_value *v)
{
	for (int i = 0; i < SOURCE_DEPTH && v && v->producer; i++) {
		if (dequantizes(v->producer))
			return true;
		if (!only_moves(v->producer))
			return false;
		v = v->producer->in[0];
	}
	return false;
}

const struct oqz_value *oqz_match_source(const struct oqz_value *v)
{
	bool is_float = false; /* what QuantizeLinear read */

	for (int i = 0; i < SOURCE_DEPTH && v && v->producer && v->producer->n_in && v->producer->in[0]; i++) {
		const struct oqz_node *p = v->producer;
		if (!dequantizes(p) && (is_float || (!is_op(p, OQZ_OP_QUANTIZE_LINEAR) && !only_moves(p))))
			break;
		is_float = is_op(p, OQZ_OP_QUANTIZE_LINEAR) || is_op(p, OQZ_OP_FAKE_QUANT);
		v = p->in[0];
	}
	return v;
}

/* ------------------------------------------------------------------------------------------------ weights */

static enum oqz_status evaluate(const struct oqz_value *v, int depth, struct oqz_tensor *ret, struct oqz_err *err);

static enum oqz_status run_constant(const struct oqz_node *n, int output, int depth, struct oqz_tensor *ret,
                                    struct oqz_err *err)
{
	struct oqz_tensor in[4] = { { 0 } }, out[1] = { { 0 } };
	const struct oqz_tensor *at[4] = { NULL };
	enum oqz_status st = OQZ_OK;
	bool known = n->n_in <= 4 && n->n_out == 1 && output == 0 && (dequantizes(n) || only_moves(n));

	for (int i = 0; i < n->n_in && known && st == OQZ_OK; i++) {
		if (!n->in[i])
			continue;
		st = evaluate(n->in[i], depth - 1, &in[i], err);
		known = in[i].data != NULL;
		at[i] = &in[i];
	}
	if (known && st == OQZ_OK)
		st = oqz_op_run(n, at, out, err);
	for (int i = 0; i < 4; i++)
		oqz_tensor_release(&in[i]);
	if (st == OQZ_OK)
		*ret = out[0];
	else
		oqz_tensor_release(&out[0]);
	return st;
}

/* Leaves *ret empty when the value is not known; goes at most `depth` nodes back. */
static enum oqz_status evaluate(const struct oqz_value *v, int depth, struct oqz_tensor *ret, struct oqz_err *err)
{
	if (v->constant) {
		oqz_tensor_share(ret, v->constant);
		return OQZ_OK;
	}
	return v->producer && depth > 0 ? run_constant(v->producer, v->producer_output, depth, ret, err) : OQZ_OK;
}

enum oqz_status oqz_match_constant(const struct oqz_value *v, struct oqz_tensor *ret, struct oqz_err *err)
{
	struct oqz_tensor t = { 0 };

	OQZ_TRY(evaluate(v, CONSTANT_DEPTH, &t, err));
	if (t.data && t.dtype == OQZ_DT_F32)
		*ret = t;
	else
		oqz_tensor_release(&t);
	return OQZ_OK;
}

static const struct oqz_value *weight_of(const struct oqz_node *n) { return n->n_in > 1 ? n->in[1] : NULL; }

/* Evenly spread elements of the weights, so that large layers cost what small ones do. */
static enum oqz_status take_sample(struct layer *l, struct oqz_err *err)
{
	struct oqz_tensor t = { 0 };

	if (!weight_of(l->node))
		return OQZ_OK;
	OQZ_TRY(oqz_match_constant(weight_of(l->node), &t, err));
	size_t n = t.data ? (size_t)oqz_tensor_nelem(&t) : 0, take = n < SAMPLES ? n : SAMPLES;
	l->sample = take ? malloc(take * sizeof *l->sample) : NULL;
	for (size_t i = 0; l->sample && i < take; i++)
		l->sample[i] = ((const float *)t.data)[(size_t)((double)i * (double)n / (double)take)];
	l->n_sample = l->sample ? take : 0;
	oqz_tensor_release(&t);
	return take && !l->sample ? oqz_err_nomem(err, "weights", take * sizeof(float)) : OQZ_OK;
}

/* Relative distance of the weights; -1: not both known. */
static double distance(const struct layer *q, const struct layer *f)
{
	double err = 0, ref = 0;

	if (!q->sample || !f->sample || q->n_sample != f->n_sample)
		return -1;
	for (size_t i = 0; i < q->n_sample; i++) {
		double d = (double)q->sample[i] - (double)f->sample[i];
		err += d * d;
		ref += (double)f->sample[i] * (double)f->sample[i];
	}
	return ref > 0 ? sqrt(err / ref) : err > 0 ? INFINITY : 0;
}

/* ------------------------------------------------------------------------------------------------ what must agree */

static bool shapes_agree(const struct oqz_value *a, const struct oqz_value *b)
{
	const struct oqz_shape *x, *y;

	if (!a || !b)
		return !a == !b;
	x = &a->type.shape;
	y = &b->type.shape;
	if (x->rank < 0 || y->rank < 0)
		return true;
	for (int i = 0; i < x->rank && x->rank == y->rank; i++)
		if (x->dim[i] >= 0 && y->dim[i] >= 0 && x->dim[i] != y->dim[i])
			return false;
	return x->rank == y->rank;
}

static bool attrs_agree(const struct oqz_node *a, const struct oqz_node *b)
{
	for (size_t i = 0; i < a->n_attr; i++) {
		const struct oqz_attr *x = &a->attr[i], *y = oqz_node_attr(b, x->name);
		if (!y)
			continue;
		if (x->type != y->type || (x->type == OQZ_ATTR_INT && x->i != y->i))
			return false;
		if (x->type == OQZ_ATTR_INTS && (x->n != y->n || memcmp(x->ints, y->ints, x->n * sizeof *x->ints) != 0))
			return false;
	}
	return true;
}

static bool alike(const struct layer *q, const struct layer *f)
{
	return q->node->op->id == f->node->op->id && shapes_agree(weight_of(q->node), weight_of(f->node)) &&
	       shapes_agree(q->node->out[0], f->node->out[0]) && attrs_agree(q->node, f->node);
}

/* ------------------------------------------------------------------------------------------------ the two sides */

static void side_release(struct side *s)
{
	for (size_t i = 0; i < s->layers.n; i++) {
		free(s->layers.v[i].sample);
		oqz_vec_release(&s->layers.v[i].up);
		oqz_vec_release(&s->layers.v[i].down);
	}
	oqz_vec_release(&s->layers);
	free(s->of_node);
}

/* Walks back from layer `at` to the nearest layers; `seen` marks nodes by the layer that they were seen from. */
static enum oqz_status look_up(struct side *s, size_t at, size_t *seen, struct oqz_node **stack, struct oqz_err *err)
{
	struct layer *l = &s->layers.v[at];
	size_t top = 0;

	stack[top++] = l->node;
	while (top) {
		const struct oqz_node *n = stack[--top];
		for (int i = 0; i < n->n_in; i++) {
			const struct oqz_value *v = n->in[i];
			struct oqz_node *p = v ? v->producer : NULL;
			l->from_input |= v && v->is_input;
			if (!p || p->graph != s->g || seen[p->index] == at + 1)
				continue;
			seen[p->index] = at + 1;
			long up = s->of_node[p->index];
			if (up < 0)
				stack[top++] = p;
			else if (!oqz_vec_push(&l->up, (size_t)up) || !oqz_vec_push(&s->layers.v[up].down, at))
				return oqz_err_nomem(err, "layers", s->layers.n);
		}
	}
	return OQZ_OK;
}

static enum oqz_status side_open(struct side *s, const struct oqz_graph *g, struct oqz_err *err)
{
	size_t n = g->nodes.n;
	OQZ_CLEANUP_FREE size_t *seen = calloc(n + 1, sizeof *seen);
	OQZ_CLEANUP_FREE struct oqz_node **stack = calloc(n + 2, sizeof *stack);

	s->g = g;
	s->of_node = malloc((n + 1) * sizeof *s->of_node);
	if (!seen || !stack || !s->of_node)
		return oqz_err_nomem(err, "layers", n);
	for (size_t i = 0; i < n; i++) {
		struct layer l = { .node = g->nodes.v[i], .twin = -1 };
		s->of_node[i] = -1;
		if (!is_layer(l.node))
			continue;
		s->of_node[i] = (long)s->layers.n;
		if (!oqz_vec_push(&s->layers, l))
			return oqz_err_nomem(err, "layers", n);
	}
	for (size_t i = 0; i < s->layers.n; i++) {
		OQZ_TRY(take_sample(&s->layers.v[i], err));
		OQZ_TRY(look_up(s, i, seen, stack, err));
	}
	return OQZ_OK;
}

/* ------------------------------------------------------------------------------------------------ matching */

static void pair_up(struct side *f, struct side *q, size_t at_f, size_t at_q, enum oqz_match_by by)
{
	f->layers.v[at_f].twin = (long)at_q;
	q->layers.v[at_q].twin = (long)at_f;
	q->layers.v[at_q].by = by;
}

static void match_names(struct side *f, struct side *q, enum oqz_match_by by, bool near)
{
	for (size_t i = 0; i < q->layers.n; i++) {
		struct layer *a = &q->layers.v[i];
		const struct oqz_node *n;
		if (a->twin >= 0)
			continue;
		if (by == OQZ_MATCH_VALUE) {
			const struct oqz_value *v = oqz_graph_value(f->g, a->node->out[0]->name);
			n = v ? v->producer : NULL;
		} else {
			n = oqz_graph_node(f->g, a->node->name);
		}
		long k = n && n->graph == f->g ? f->of_node[n->index] : -1;
		if (k >= 0 && f->layers.v[k].twin < 0 && alike(a, &f->layers.v[k]) &&
		    (!near || distance(a, &f->layers.v[k]) < NEAR))
			pair_up(f, q, (size_t)k, i, by);
	}
}

/* Whether the neighbours of q's layer are the twins of f's neighbours. */
static bool same_neighbours(const struct side *q, const struct layer *a, const struct layer *b, bool up)
{
	size_t n = up ? a->up.n : a->down.n, m = up ? b->up.n : b->down.n;
	const size_t *x = up ? a->up.v : a->down.v, *y = up ? b->up.v : b->down.v;

	if (n != m || (up ? a->from_input != b->from_input : n == 0))
		return false;
	for (size_t i = 0; i < n; i++) {
		bool found = false;
		for (size_t k = 0; k < m; k++)
			found |= q->layers.v[x[i]].twin == (long)y[k];
		if (!found)
			return false;
	}
	return true;
}

/* The nearest of the float layers that may be layer `a`'s twin; the first when weights do not tell. `around`: 1, its
 * neighbours before it must be matched; -1, those behind it; 0, neither. *ret_n: how many are near. */
static long best_twin(const struct side *f, const struct side *q, const struct layer *a, int around, double *ret_d,
                      int *ret_n)
{
	long best = -1;

	*ret_d = INFINITY;
	*ret_n = 0;

	for (size_t k = 0; k < f->layers.n; k++) {
		const struct layer *b = &f->layers.v[k];
		if (b->twin >= 0 || !alike(a, b) || (around && !same_neighbours(q, a, b, around > 0)))
			continue;
		double d = distance(a, b);
		*ret_n += d >= 0 && d < NEAR;
		if (best < 0 || (d >= 0 && d < *ret_d)) {
			best = (long)k;
			*ret_d = d;
		}
	}
	return best;
}

/* One sweep, downwards with what lies before each layer, or upwards with what lies behind it. */
static bool match_structure(struct side *f, struct side *q, bool up)
{
	bool any = false;

	for (size_t k = 0; k < q->layers.n; k++) {
		size_t i = up ? k : q->layers.n - 1 - k;
		double d;
		int near;
		if (q->layers.v[i].twin >= 0)
			continue;
		long best = best_twin(f, q, &q->layers.v[i], up ? 1 : -1, &d, &near);
		if (best < 0)
			continue;
		pair_up(f, q, (size_t)best, i, OQZ_MATCH_STRUCTURE);
		any = true;
	}
	return any;
}

static void match_weights(struct side *f, struct side *q, bool only)
{
	for (size_t i = 0; i < q->layers.n; i++) {
		double d;
		int near;
		if (q->layers.v[i].twin >= 0)
			continue;
		long best = best_twin(f, q, &q->layers.v[i], 0, &d, &near);
		if (best >= 0 && d >= 0 && d < NEAR && (near == 1 || !only))
			pair_up(f, q, (size_t)best, i, OQZ_MATCH_WEIGHTS);
	}
}

enum oqz_status oqz_match_layers(const struct oqz_graph *f, struct oqz_graph *q, struct oqz_matches *ret,
                                 struct oqz_err *err)
{
	OQZ_CLEANUP(side_release) struct side a = { 0 };
	OQZ_CLEANUP(side_release) struct side b = { 0 };

	OQZ_TRY(side_open(&a, f, err));
	OQZ_TRY(side_open(&b, q, err));
	match_names(&a, &b, OQZ_MATCH_VALUE, true);
	match_names(&a, &b, OQZ_MATCH_NODE, true);
	match_weights(&a, &b, true);
	while (match_structure(&a, &b, true) || match_structure(&a, &b, false))
		;
	match_weights(&a, &b, false);
	match_names(&a, &b, OQZ_MATCH_VALUE, false);
	match_names(&a, &b, OQZ_MATCH_NODE, false);
	for (size_t i = 0; i < b.layers.n; i++) {
		const struct layer *l = &b.layers.v[i];
		struct oqz_layer_match m = { .node = l->node,
			                     .twin = l->twin >= 0 ? a.layers.v[l->twin].node : NULL,
			                     .by = l->by };
		for (int k = 0; k < 2 && k < l->node->n_in; k++)
			m.quantized |= on_grid(l->node->in[k]);
		if (!oqz_vec_push(&ret->layers, m))
			return oqz_err_nomem(err, "layers", b.layers.n);
	}
	return OQZ_OK;
}

void oqz_matches_release(struct oqz_matches *m) { oqz_vec_release(&m->layers); }

/* ------------------------------------------------------------------------------------------------ order */

/* Nodes by the earliest rank that waits for them: scheduling by modified due dates (Lawler 1973, Manag. Sci. 19:544),
 * which finds an order that keeps all ranks whenever there is one. */
enum oqz_status oqz_match_order(struct oqz_graph *q, const struct oqz_matches *m, const int *rank, struct oqz_err *err)
{
	size_t n = q->nodes.n, placed = 0;
	OQZ_CLEANUP_FREE int *due = malloc((n + 1) * sizeof *due);
	OQZ_CLEANUP_FREE int *waits = calloc(n + 1, sizeof *waits);
	OQZ_CLEANUP_FREE struct oqz_node **order = calloc(n + 1, sizeof *order);

	if (!due || !waits || !order)
		return oqz_err_nomem(err, "an order of nodes", n);
	for (size_t i = 0; i < n; i++)
		due[i] = rank[i] >= 0 ? rank[i] : INT32_MAX;
	for (size_t i = 0; i < m->layers.n; i++)
		if (m->layers.v[i].twin)
			due[m->layers.v[i].node->index] = m->layers.v[i].twin->index;
	for (size_t i = n; i-- > 0;)
		for (int k = 0; k < q->nodes.v[i]->n_in; k++) {
			const struct oqz_value *v = q->nodes.v[i]->in[k];
			struct oqz_node *p = v && v->producer && v->producer->graph == q ? v->producer : NULL;
			if (!p)
				continue;
			due[p->index] = due[i] < due[p->index] ? due[i] : due[p->index];
			waits[i]++;
		}
	/* quadratic, for graphs of some thousand nodes that are read once */
	while (placed < n) {
		size_t next = n;
		for (size_t i = 0; i < n; i++)
			if (waits[i] == 0 && (next == n || due[i] < due[next]))
				next = i;
		if (next == n)
			OQZ_FAIL(err, OQZ_E_INTERNAL, "a graph with a cycle");
		waits[next] = -1;
		struct oqz_node *node = q->nodes.v[next];
		order[placed++] = node;
		for (int o = 0; o < node->n_out; o++)
			for (size_t u = 0; node->out[o] && u < node->out[o]->uses.n; u++)
				if (node->out[o]->uses.v[u]->graph == q)
					waits[node->out[o]->uses.v[u]->index]--;
	}
	memcpy(q->nodes.v, order, n * sizeof(struct oqz_node *));
	return oqz_graph_finish(q, err);
}
