/* SPDX-License-Identifier: Apache-2.0
 *
 * If, Loop, Scan: the bodies are run by the interpreter over reference kernels. Outer values have become inputs
 * (capture.h), so nothing here looks beyond its operands. What a body gives is believed only where it agrees with the
 * declared types.
 */
#include "core/ops/capture.h"
#include "core/ops/interpret.h"
#include "core/ops/ops_util.h"
#include "core/ops/strided.h"

#include <stdlib.h>

struct control {
	struct oqz_graph *then_branch, *else_branch, *body;
	struct oqz_ints captured;
	int64_t num_scan_inputs;
	struct oqz_ints scan_input_axes, scan_input_directions, scan_output_axes, scan_output_directions;
};

/* Bodies are taken from the attributes: a cloned node shares its original's parameters, which name the original's. */
static struct oqz_graph *body_of(const struct oqz_node *n, const char *name)
{
	const struct oqz_attr *a = oqz_node_attr(n, name);

	return a ? a->graph : NULL;
}

struct tensors {
	size_t n;
	struct oqz_tensor *v;
};

static void tensors_release(struct tensors *t)
{
	for (size_t i = 0; t->v && i < t->n; i++)
		oqz_tensor_release(&t->v[i]);
	free(t->v);
}

static enum oqz_status tensors_init(struct tensors *t, size_t n, struct oqz_err *err)
{
	t->v = calloc(n + 1, sizeof *t->v);
	if (!t->v)
		return oqz_err_nomem(err, "operands", n * sizeof *t->v);
	t->n = n;
	return OQZ_OK;
}

/* Moves a result into an output, which may have memory of the declared shape already. */
static enum oqz_status give(struct oqz_tensor *from, struct oqz_tensor *out, struct oqz_err *err)
{
	if (!out)
		return OQZ_OK;
	if (out->data) {
		char a[OQZ_SHAPE_STR], b[OQZ_SHAPE_STR];

		if (out->dtype != from->dtype || !oqz_shape_equal(&out->shape, &from->shape))
			OQZ_FAIL(err, OQZ_E_DATA, "a body gives %s%s, its graph declares %s%s",
			         oqz_dtype_name(from->dtype), oqz_shape_str(&from->shape, a, sizeof a),
			         oqz_dtype_name(out->dtype), oqz_shape_str(&out->shape, b, sizeof b));
		memcpy(out->data, from->data, oqz_tensor_bytes(from));
		return OQZ_OK;
	}
	*out = *from;
	*from = (struct oqz_tensor) { 0 };
	return OQZ_OK;
}

/* A scalar condition. */
static enum oqz_status truth(const struct oqz_tensor *t, bool *ret, struct oqz_err *err)
{
	if (oqz_tensor_nelem(t) != 1)
		OQZ_FAIL(err, OQZ_E_DATA, "a condition of %lld elements", (long long)oqz_tensor_nelem(t));
	*ret = oqz_load_i(t->dtype, t->data, 0) != 0;
	return OQZ_OK;
}

/* ---- If ---- */

static struct oqz_type declared(const struct oqz_graph *g, int i)
{
	return g && (size_t)i < g->outputs.n ? oqz_value_type(g->outputs.v[i])
	                                     : (struct oqz_type) { .shape.rank = OQZ_RANK_UNKNOWN };
}

/* What both branches agree on. */
static struct oqz_type common(struct oqz_type a, struct oqz_type b)
{
	if (a.dtype != b.dtype)
		return (struct oqz_type) { .shape.rank = OQZ_RANK_UNKNOWN };
	if (a.shape.rank != b.shape.rank)
		a.shape.rank = OQZ_RANK_UNKNOWN;
	for (int d = 0; d < a.shape.rank; d++)
		if (a.shape.dim[d] != b.shape.dim[d])
			a.shape.dim[d] = OQZ_DIM_UNKNOWN;
	return a;
}

static enum oqz_status infer_if(struct oqz_infer *c, struct oqz_err *err)
{
	const struct oqz_graph *a = body_of(c->node, "then_branch"), *b = body_of(c->node, "else_branch");

	if (!a || !b || a->outputs.n != (size_t)c->n_out || b->outputs.n != (size_t)c->n_out)
		OQZ_FAIL(err, OQZ_E_DATA, "%d outputs, but the branches give %zu and %zu", c->n_out,
		         a ? a->outputs.n : 0, b ? b->outputs.n : 0);
	for (int i = 0; i < c->n_out; i++)
		c->out[i] = common(declared(a, i), declared(b, i));
	return OQZ_OK;
}

static enum oqz_status run_if(const struct oqz_call *c, struct oqz_err *err)
{
	OQZ_CLEANUP(tensors_release) struct tensors out = { 0 };
	bool yes = false;

	OQZ_TRY(truth(c->in[0], &yes, err));
	const struct oqz_graph *g = body_of(c->node, yes ? "then_branch" : "else_branch");
	int first = 1 + (yes ? 0 : oqz_node_captured(c->node, 0));
	if (g->inputs.n != (size_t)oqz_node_captured(c->node, !yes))
		OQZ_FAIL(err, OQZ_E_DATA, "a branch of If has inputs");
	OQZ_TRY(tensors_init(&out, g->outputs.n, err));
	OQZ_TRY(oqz_interpret(g, c->in + first, out.v, NULL, NULL, err));
	for (int i = 0; i < c->n_out; i++)
		OQZ_TRY(give(&out.v[i], c->out[i], err));
	return OQZ_OK;
}

/* ---- what Loop and Scan share: state carried along, results stacked ---- */

/* One stacked output: slices of equal shape, in the order in which they were made. */
struct stack {
	struct oqz_tensor *slice;
	size_t n, cap;
};

struct machine {
	const struct oqz_graph *body;
	size_t lead; /* inputs of the body before the state: iteration and condition of a Loop */
	size_t n_state, n_slices, n_captured; /* inputs of the body, in this order behind `lead` */
	size_t n_stacked;
	struct tensors state, result;
	const struct oqz_tensor **in; /* of the body */
	struct stack *stacked;
};

static void machine_release(struct machine *m)
{
	for (size_t i = 0; m->stacked && i < m->n_stacked; i++) {
		for (size_t k = 0; k < m->stacked[i].n; k++)
			oqz_tensor_release(&m->stacked[i].slice[k]);
		free(m->stacked[i].slice);
	}
	free(m->stacked);
	free((void *)m->in);
	tensors_release(&m->state);
	tensors_release(&m->result);
}

/* `initial`: the node's inputs with the state; `captured`: those behind its own. `conditions`: outputs of the body
 * before the state (1 for a Loop). */
static enum oqz_status machine_init(struct machine *m, const struct oqz_tensor *const *initial,
                                    const struct oqz_tensor *const *captured, size_t conditions, struct oqz_err *err)
{
	size_t n_in = m->lead + m->n_state + m->n_slices + m->n_captured,
	       n_out = conditions + m->n_state + m->n_stacked;

	if (!m->body || m->body->inputs.n != n_in || m->body->outputs.n != n_out)
		OQZ_FAIL(err, OQZ_E_DATA, "a body of %zu inputs and %zu outputs where %zu and %zu are needed",
		         m->body ? m->body->inputs.n : 0, m->body ? m->body->outputs.n : 0, n_in, n_out);
	m->in = calloc(n_in + 1, sizeof *m->in);
	m->stacked = calloc(m->n_stacked + 1, sizeof *m->stacked);
	if (!m->in || !m->stacked)
		return oqz_err_nomem(err, "a loop", n_in * sizeof *m->in);
	OQZ_TRY(tensors_init(&m->state, m->n_state, err));
	OQZ_TRY(tensors_init(&m->result, n_out, err));
	for (size_t i = 0; i < m->n_state; i++) {
		if (!initial[i])
			OQZ_FAIL(err, OQZ_E_DATA, "initial value %zu is left out", i);
		OQZ_TRY(oqz_tensor_copy(&m->state.v[i], initial[i], err));
		m->in[m->lead + i] = &m->state.v[i];
	}
	for (size_t i = 0; i < m->n_captured; i++)
		m->in[m->lead + m->n_state + m->n_slices + i] = captured[i];
	return OQZ_OK;
}

static enum oqz_status stack_push(struct stack *s, struct oqz_tensor *t, struct oqz_err *err)
{
	OQZ_VEC(struct oqz_tensor) v = { s->slice, s->n, s->cap };

	if (s->n && (t->dtype != s->slice[0].dtype || !oqz_shape_equal(&t->shape, &s->slice[0].shape)))
		OQZ_FAIL(err, OQZ_E_DATA, "a scan output changes its type from one iteration to the next");
	if (!oqz_vec_push(&v, *t))
		return oqz_err_nomem(err, "scan outputs", s->n * sizeof *t);
	*s = (struct stack) { v.v, v.n, v.cap };
	*t = (struct oqz_tensor) { 0 };
	return OQZ_OK;
}

/* One iteration; results before `conditions` stay in m->result for the caller. */
static enum oqz_status machine_step(struct machine *m, size_t conditions, struct oqz_err *err)
{
	for (size_t i = 0; i < m->result.n; i++)
		oqz_tensor_release(&m->result.v[i]);
	OQZ_TRY(oqz_interpret(m->body, m->in, m->result.v, NULL, NULL, err));
	for (size_t i = 0; i < m->n_state; i++) {
		oqz_tensor_release(&m->state.v[i]);
		m->state.v[i] = m->result.v[conditions + i];
		m->result.v[conditions + i] = (struct oqz_tensor) { 0 };
	}
	for (size_t i = 0; i < m->n_stacked; i++)
		OQZ_TRY(stack_push(&m->stacked[i], &m->result.v[conditions + m->n_state + i], err));
	return OQZ_OK;
}

/* Slices along a new axis; without any, the declared type of the body's output with a length of 0. */
static enum oqz_status give_stack(const struct stack *s, struct oqz_type slice, int64_t axis, bool reverse,
                                  struct oqz_tensor *out, struct oqz_err *err)
{
	OQZ_CLEANUP(tensors_release) struct tensors made = { 0 };
	struct oqz_type t = s->n ? (struct oqz_type) { s->slice[0].dtype, s->slice[0].shape } : slice;
	struct oqz_shape shape = { 0 };
	int at;

	if (!out)
		return OQZ_OK;
	if (t.dtype == OQZ_DT_UNDEFINED || t.shape.rank < 0 || t.shape.rank >= OQZ_MAX_RANK)
		OQZ_FAIL(err, OQZ_E_UNSUPPORTED, "a scan output of unknown type or rank %d", t.shape.rank + 1);
	OQZ_TRY(oqz_axis_resolve(axis, t.shape.rank + 1, false, &at, err));
	shape.rank = t.shape.rank + 1;
	for (int d = 0; d < shape.rank; d++)
		shape.dim[d] = d == at ? (int64_t)s->n : t.shape.dim[d - (d > at)] < 0 ? 0 : t.shape.dim[d - (d > at)];
	OQZ_TRY(tensors_init(&made, 1, err));
	OQZ_TRY(oqz_tensor_alloc(&made.v[0], t.dtype, &shape, err));
	int64_t outer = oqz_shape_span(&shape, 0, at), inner = oqz_shape_span(&shape, at + 1, shape.rank);
	for (size_t k = 0; k < s->n; k++) {
		struct oqz_box b = { 0 };
		size_t place = reverse ? s->n - 1 - k : k;

		oqz_box_add(&b, outer, inner, (int64_t)s->n * inner);
		oqz_box_add(&b, inner, 1, 1);
		oqz_box_copy(&b, oqz_dtype_size(t.dtype), s->slice[k].data,
		             (char *)made.v[0].data + place * (size_t)inner * oqz_dtype_size(t.dtype));
	}
	return give(&made.v[0], out, err);
}

/* ---- Loop ---- */

/* Outputs depend on how often the body runs, and carried values may change their shape: only element types are known.
 */
static enum oqz_status infer_loop(struct oqz_infer *c, struct oqz_err *err)
{
	const struct oqz_graph *g = body_of(c->node, "body");
	size_t skip = c->node->op->id == OQZ_OP_LOOP;

	if (!g || g->outputs.n != (size_t)c->n_out + skip)
		OQZ_FAIL(err, OQZ_E_DATA, "%d outputs, but the body gives %zu", c->n_out, g ? g->outputs.n : 0);
	for (int i = 0; i < c->n_out; i++)
		c->out[i].dtype = declared(g, i + (int)skip).dtype;
	return OQZ_OK;
}

static enum oqz_status loop_run(struct machine *m, const struct oqz_call *c, struct oqz_err *err)
{
	int64_t limit = INT64_MAX, i = 0;
	struct oqz_tensor iteration = { .dtype = OQZ_DT_I64, .data = &i };
	uint8_t go = 1;
	struct oqz_tensor condition = { .dtype = OQZ_DT_BOOL, .data = &go };
	bool more = true;

	if (c->in[0])
		limit = oqz_load_i(c->in[0]->dtype, c->in[0]->data, 0);
	if (c->in[1])
		OQZ_TRY(truth(c->in[1], &more, err));
	/* The body may hand these two on; they must not look like counted memory, and copies are made of them. */
	m->in[0] = &iteration;
	m->in[1] = &condition;
	for (; more && i < limit; i++) {
		OQZ_TRY(machine_step(m, 1, err));
		OQZ_TRY(truth(&m->result.v[0], &more, err));
	}
	for (size_t k = 0; k < m->n_state; k++)
		OQZ_TRY(give(&m->state.v[k], c->out[k], err));
	for (size_t k = 0; k < m->n_stacked; k++)
		OQZ_TRY(give_stack(&m->stacked[k], declared(m->body, (int)(1 + m->n_state + k)), 0, false,
		                   c->out[m->n_state + k], err));
	return OQZ_OK;
}

static enum oqz_status run_loop(const struct oqz_call *c, struct oqz_err *err)
{
	size_t captured = (size_t)oqz_node_captured(c->node, 0), own = (size_t)c->n_in - captured;
	if (own < 2)
		OQZ_FAIL(err, OQZ_E_DATA, "a Loop of %d inputs", c->n_in);
	size_t states = own - 2;
	OQZ_CLEANUP(machine_release)
	struct machine m = { .body = body_of(c->node, "body"), .lead = 2, .n_state = states, .n_captured = captured };

	if ((size_t)c->n_out < states)
		OQZ_FAIL(err, OQZ_E_DATA, "%d outputs for %zu carried values", c->n_out, states);
	m.n_stacked = (size_t)c->n_out - states;
	OQZ_TRY(machine_init(&m, c->in + 2, c->in + own, 1, err));
	return loop_run(&m, c, err);
}

/* ---- Scan ---- */

static int64_t list_at(const struct oqz_ints *l, size_t i) { return l->v && i < l->n ? l->v[i] : 0; }

/* Slice k of scan input x along its axis, into a tensor of one rank less. */
static enum oqz_status take_slice(const struct oqz_tensor *x, int axis, int64_t k, struct oqz_tensor *slice,
                                  struct oqz_err *err)
{
	size_t size = oqz_dtype_size(x->dtype);
	int64_t inner = oqz_shape_span(&x->shape, axis + 1, x->shape.rank);
	struct oqz_shape s = { .rank = x->shape.rank - 1 };
	struct oqz_box b = { 0 };

	for (int d = 0; d < s.rank; d++)
		s.dim[d] = x->shape.dim[d + (d >= axis)];
	OQZ_TRY(oqz_tensor_alloc(slice, x->dtype, &s, err));
	oqz_box_add(&b, oqz_shape_span(&x->shape, 0, axis), x->shape.dim[axis] * inner, inner);
	oqz_box_add(&b, inner, 1, 1);
	oqz_box_copy(&b, size, (const char *)x->data + (size_t)(k * inner) * size, slice->data);
	return OQZ_OK;
}

static enum oqz_status scan_run(struct machine *m, const struct oqz_call *c, struct oqz_err *err)
{
	const struct control *p = OQZ_PARAMS(c->node, struct control);
	OQZ_CLEANUP(tensors_release) struct tensors slices = { 0 };
	int64_t count = -1;
	int axis;

	OQZ_TRY(tensors_init(&slices, m->n_slices, err));
	for (size_t i = 0; i < m->n_slices; i++) {
		const struct oqz_tensor *x = c->in[m->n_state + i];

		OQZ_TRY(oqz_axis_resolve(list_at(&p->scan_input_axes, i), x->shape.rank, false, &axis, err));
		if (count >= 0 && x->shape.dim[axis] != count)
			OQZ_FAIL(err, OQZ_E_DATA, "scan inputs of different lengths");
		count = x->shape.dim[axis];
		m->in[m->n_state + i] = &slices.v[i];
	}
	for (int64_t k = 0; k < count; k++) {
		for (size_t i = 0; i < m->n_slices; i++) {
			const struct oqz_tensor *x = c->in[m->n_state + i];

			OQZ_TRY(oqz_axis_resolve(list_at(&p->scan_input_axes, i), x->shape.rank, false, &axis, err));
			OQZ_TRY(take_slice(x, axis, list_at(&p->scan_input_directions, i) ? count - 1 - k : k,
			                   &slices.v[i], err));
		}
		OQZ_TRY(machine_step(m, 0, err));
	}
	for (size_t i = 0; i < m->n_state; i++)
		OQZ_TRY(give(&m->state.v[i], c->out[i], err));
	for (size_t i = 0; i < m->n_stacked; i++)
		OQZ_TRY(give_stack(&m->stacked[i], declared(m->body, (int)(m->n_state + i)),
		                   list_at(&p->scan_output_axes, i), list_at(&p->scan_output_directions, i) != 0,
		                   c->out[m->n_state + i], err));
	return OQZ_OK;
}

static enum oqz_status run_scan(const struct oqz_call *c, struct oqz_err *err)
{
	int64_t slices = OQZ_PARAMS(c->node, struct control)->num_scan_inputs;
	int64_t captured = oqz_node_captured(c->node, 0), states = c->n_in - captured - slices;

	if (slices < 1 || states < 0 || states > c->n_out)
		OQZ_FAIL(err, OQZ_E_DATA, "%lld scan inputs of %d inputs", (long long)slices, c->n_in);
	OQZ_CLEANUP(machine_release)
	struct machine m = { .body = body_of(c->node, "body"),
		             .n_state = (size_t)states,
		             .n_slices = (size_t)slices,
		             .n_captured = (size_t)captured,
		             .n_stacked = (size_t)(c->n_out - states) };
	OQZ_TRY(machine_init(&m, c->in, c->in + states + slices, 0, err));
	return scan_run(&m, c, err);
}

static const struct oqz_attr_spec if_attrs[] = {
	OQZ_A_REQUIRED(struct control, then_branch, OQZ_ATTR_GRAPH),
	OQZ_A_REQUIRED(struct control, else_branch, OQZ_ATTR_GRAPH),
	OQZ_A_INTS(struct control, captured),
	{ .name = NULL },
};
static const struct oqz_attr_spec loop_attrs[] = {
	OQZ_A_REQUIRED(struct control, body, OQZ_ATTR_GRAPH),
	OQZ_A_INTS(struct control, captured),
	{ .name = NULL },
};
static const struct oqz_attr_spec scan_attrs[] = {
	OQZ_A_REQUIRED(struct control, body, OQZ_ATTR_GRAPH), OQZ_A_INTS(struct control, captured),
	OQZ_A_INT(struct control, num_scan_inputs, 0),        OQZ_A_INTS(struct control, scan_input_axes),
	OQZ_A_INTS(struct control, scan_input_directions),    OQZ_A_INTS(struct control, scan_output_axes),
	OQZ_A_INTS(struct control, scan_output_directions),   { .name = NULL },
};

const struct oqz_op oqz_ops_control[] = {
	{ OQZ_ROW(IF), .texts = true, .lists = true, OQZ_ROW_PARAMS(struct control, if_attrs),
	  OQZ_ROW_ROLES(OQZ_ROLE_INDEX), .infer = infer_if, .run = run_if },
	{ OQZ_ROW(LOOP), .texts = true, .lists = true, OQZ_ROW_PARAMS(struct control, loop_attrs),
	  OQZ_ROW_ROLES(OQZ_ROLE_INDEX, OQZ_ROLE_INDEX), .infer = infer_loop, .run = run_loop },
	{ OQZ_ROW(SCAN), .texts = true, .lists = true, OQZ_ROW_PARAMS(struct control, scan_attrs), .infer = infer_loop,
	  .run = run_scan },
	{ .name = NULL },
};
