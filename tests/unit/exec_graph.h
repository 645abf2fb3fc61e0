/* SPDX-License-Identifier: Apache-2.0
 *
 * For tests of the executor: graphs written by hand in a few lines, an interpreter that runs them node by node with the
 * reference kernels (the oracle), and comparison of what a program leaves in its outputs and taps with it.
 */
#ifndef OQZ_TESTS_EXEC_GRAPH_H
#define OQZ_TESTS_EXEC_GRAPH_H

#include "core/base/rng.h"
#include "core/exec/exec.h"
#include "core/ops/op.h"
#include "tests/support/support.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

struct gb {
	struct oqz_graph *g;
	struct oqz_node *last;
	struct oqz_rng rng;
	int n;
};

#define GB_DIMS(...) oqz_shape_of((int)(sizeof((int64_t[]) { __VA_ARGS__ }) / 8), (int64_t[]) { __VA_ARGS__ })
#define GB_INTS(b, name, ...)                                                                                          \
	ck_ok(oqz_node_set_ints((b)->last, name, (int64_t[]) { __VA_ARGS__ }, sizeof((int64_t[]) { __VA_ARGS__ }) / 8, \
	                        err))
#define GB_OP(b, op, ...)                                    \
	gb_op(b, op, (struct oqz_value *[]) { __VA_ARGS__ }, \
	      (int)(sizeof((struct oqz_value *[]) { __VA_ARGS__ }) / sizeof(void *)))

static inline void gb_init(struct gb *b, uint64_t seed)
{
	memset(b, 0, sizeof *b);
	ck_assert((b->g = oqz_graph_new()) != NULL);
	oqz_rng_init(&b->rng, seed);
	ck_assert(oqz_vec_push(&b->g->opsets, ((struct oqz_opset) { .domain = "", .version = 21 })));
	ck_assert(oqz_vec_push(&b->g->opsets, ((struct oqz_opset) { .domain = "oqz", .version = 1 })));
}

static inline struct oqz_value *gb_input(struct gb *b, const char *name, struct oqz_shape s)
{
	struct oqz_value *v;

	ck_ok(oqz_graph_add_value(b->g, name, &v, err));
	v->is_input = true;
	v->type = (struct oqz_type) { OQZ_DT_F32, s };
	ck_assert(oqz_vec_push(&b->g->inputs, v));
	return v;
}

static inline void gb_random(struct gb *b, struct oqz_tensor *t, double scale)
{
	for (int64_t i = 0; i < oqz_tensor_nelem(t); i++)
		oqz_store_f(t->dtype, t->data, (size_t)i, oqz_rng_normal(&b->rng) * scale);
}

static inline struct oqz_value *gb_const(struct gb *b, const struct oqz_tensor *t)
{
	struct oqz_value *v;
	char name[32];

	snprintf(name, sizeof name, "c%d", b->n++);
	ck_ok(oqz_graph_add_constant(b->g, name, t, &v, err));
	return v;
}

/* Random numbers of a deviation; float32 unless told otherwise. */
static inline struct oqz_value *gb_weights(struct gb *b, enum oqz_dtype dtype, struct oqz_shape s, double scale)
{
	struct oqz_tensor t = { 0 };

	ck_ok(oqz_tensor_alloc(&t, dtype, &s, err));
	gb_random(b, &t, scale);
	struct oqz_value *v = gb_const(b, &t);
	oqz_tensor_release(&t);
	return v;
}

static inline struct oqz_value *gb_scalar(struct gb *b, enum oqz_dtype dtype, double x)
{
	struct oqz_tensor t = { 0 };
	struct oqz_shape s = { .rank = 0 };

	ck_ok(oqz_tensor_alloc(&t, dtype, &s, err));
	oqz_store_f(dtype, t.data, 0, x);
	struct oqz_value *v = gb_const(b, &t);
	oqz_tensor_release(&t);
	return v;
}

static inline struct oqz_value *gb_list(struct gb *b, size_t n, const int64_t *x)
{
	struct oqz_tensor t = { 0 };

	ck_ok(oqz_tensor_from_ints(&t, x, n, err));
	struct oqz_value *v = gb_const(b, &t);
	oqz_tensor_release(&t);
	return v;
}
#define GB_LIST(b, ...) gb_list(b, sizeof((int64_t[]) { __VA_ARGS__ }) / 8, (int64_t[]) { __VA_ARGS__ })

/* A node with `n_out` outputs, the first of which is returned. Attributes are set on b->last afterwards. */
static inline struct oqz_value *gb_op_n(struct gb *b, const char *op, struct oqz_value *const *in, int n_in, int n_out)
{
	struct oqz_value *out[16];
	const char *domain = strcmp(op, "FakeQuant") == 0 ? "oqz" : "";
	char name[32];
	int id = b->n++;

	for (int i = 0; i < n_out; i++) {
		snprintf(name, sizeof name, "v%d_%d", id, i);
		ck_ok(oqz_graph_add_value(b->g, name, &out[i], err));
	}
	snprintf(name, sizeof name, "%s_%d", op, id);
	ck_ok(
	    oqz_graph_add_node(b->g, name, domain, op, domain[0] ? 1 : 21, in, n_in, out, n_out, NULL, &b->last, err));
	return out[0];
}

static inline struct oqz_value *gb_op(struct gb *b, const char *op, struct oqz_value *const *in, int n_in)
{
	return gb_op_n(b, op, in, n_in, 1);
}

static inline void gb_output(struct gb *b, struct oqz_value *v)
{
	v->is_output = true;
	ck_assert(oqz_vec_push(&b->g->outputs, v));
}

/* Every value without a reader becomes an output; resolves and infers. */
static inline void gb_finish(struct gb *b)
{
	if (b->g->outputs.n == 0)
		for (size_t i = 0; i < b->g->values.n; i++) {
			struct oqz_value *v = b->g->values.v[i];
			if (!v->constant && !v->is_input && v->uses.n == 0)
				gb_output(b, v);
		}
	ck_ok(oqz_graph_finish(b->g, err));
	ck_ok(oqz_ops_resolve(b->g, err));
	ck_ok(oqz_infer_types(b->g, err));
}

/* Types of a graph under construction, so that a generator can look at shapes. */
static inline void gb_infer_last(struct gb *b)
{
	ck_ok(oqz_node_resolve(b->last, err));
	ck_ok(oqz_infer_node(b->last, err));
}

/* ---- the oracle ---- */

/* Values of all tensors of a run, by value id. Owned. */
struct oracle {
	struct oqz_graph *g;
	struct oqz_tensor *t;
};

static inline void oracle_run(struct oracle *o, struct oqz_graph *g, const struct oqz_tensor *inputs)
{
	o->g = g;
	o->t = calloc(g->values.n + 1, sizeof *o->t);
	for (size_t i = 0; i < g->values.n; i++)
		if (g->values.v[i]->constant)
			oqz_tensor_share(&o->t[i], g->values.v[i]->constant);
	for (size_t i = 0; i < g->inputs.n; i++)
		oqz_tensor_share(&o->t[g->inputs.v[i]->id], &inputs[i]);
	for (size_t k = 0; k < g->nodes.n; k++) {
		const struct oqz_node *n = g->nodes.v[k];
		const struct oqz_tensor *in[64] = { 0 };
		struct oqz_tensor out[16] = { 0 };
		for (int i = 0; i < n->n_in; i++)
			in[i] = n->in[i] ? &o->t[n->in[i]->id] : NULL;
		ck_ok(oqz_op_run(n, in, out, err));
		for (int i = 0; i < n->n_out; i++)
			if (n->out[i])
				o->t[n->out[i]->id] = out[i];
			else
				oqz_tensor_release(&out[i]);
	}
}

static inline void oracle_free(struct oracle *o)
{
	for (size_t i = 0; i < o->g->values.n; i++)
		oqz_tensor_release(&o->t[i]);
	free(o->t);
}

static inline const struct oqz_tensor *oracle_at(const struct oracle *o, const char *name)
{
	return &o->t[oqz_graph_value(o->g, name)->id];
}

/* Whether all outputs of b's graph have the same bytes in both runs; says which has not. */
static inline void oracle_same(const struct oracle *a, const struct oracle *b, const char *what)
{
	for (size_t i = 0; i < b->g->outputs.n; i++) {
		const char *name = b->g->outputs.v[i]->name;
		const struct oqz_tensor *x = oracle_at(a, name), *y = oracle_at(b, name);
		ck_assert_msg(oqz_tensor_bytes(x) == oqz_tensor_bytes(y) &&
		                  memcmp(x->data, y->data, oqz_tensor_bytes(x)) == 0,
		              "%s: output %s changed", what, name);
	}
}

/* Largest difference relative to the largest finite magnitude of `b`, infinite where NaN or infinity is in one of them
 * only; `a` in any layout. */
static inline double tensor_difference(const struct oqz_tensor *a, const struct oqz_tensor *b)
{
	struct oqz_tensor p = { 0 };
	double worst = 0, top = 1e-30;

	ck_assert_int_eq(a->dtype, b->dtype);
	ck_assert(oqz_shape_equal(&a->shape, &b->shape));
	ck_ok(oqz_tensor_alloc(&p, a->dtype, &a->shape, err));
	oqz_tensor_relayout(&p, a);
	for (int64_t i = 0; i < oqz_tensor_nelem(b); i++) {
		double x = oqz_load_f(p.dtype, p.data, (size_t)i), y = oqz_load_f(b->dtype, b->data, (size_t)i);
		bool same = x == y || (isnan(x) && isnan(y));
		double d = same ? 0 : isfinite(x) && isfinite(y) ? fabs(x - y) : INFINITY;
		worst = d > worst ? d : worst;
		if (isfinite(y) && fabs(y) > top)
			top = fabs(y);
	}
	oqz_tensor_release(&p);
	return worst / top;
}

/* ---- programs ---- */

static inline struct oqz_program *program_of(struct oqz_graph *g, enum oqz_engine e, const char *const *taps,
                                             size_t n_taps)
{
	struct oqz_exec_options opt = { .engine = e, .taps = taps, .n_taps = n_taps };
	struct oqz_shape shapes[8];
	struct oqz_program *p = NULL;

	for (size_t i = 0; i < g->inputs.n; i++)
		shapes[i] = g->inputs.v[i]->type.shape;
	ck_ok(oqz_program_new(g, &opt, shapes, &p, err));
	return p;
}

static inline void fill_inputs(struct oqz_context *c, const struct oqz_program *p, const struct oqz_tensor *inputs)
{
	for (size_t i = 0; i < oqz_program_ninputs(p); i++) {
		struct oqz_tensor *t = oqz_context_input(c, i);
		ck_assert(oqz_shape_equal(&t->shape, &inputs[i].shape));
		memcpy(t->data, inputs[i].data, oqz_tensor_bytes(t));
	}
}

/* Random inputs for a graph. */
static inline void random_inputs(struct gb *b, struct oqz_tensor *inputs)
{
	for (size_t i = 0; i < b->g->inputs.n; i++) {
		inputs[i] = (struct oqz_tensor) { 0 };
		ck_ok(oqz_tensor_alloc(&inputs[i], OQZ_DT_F32, &b->g->inputs.v[i]->type.shape, err));
		gb_random(b, &inputs[i], 1);
	}
}

static inline void release_inputs(const struct gb *b, struct oqz_tensor *inputs)
{
	for (size_t i = 0; i < b->g->inputs.n; i++)
		oqz_tensor_release(&inputs[i]);
}

/* How many steps of the program are of that operator. */
static inline int count_steps(const struct oqz_program *p, const char *op)
{
	struct oqz_step_info s;
	int n = 0;

	for (size_t i = 0; i < oqz_program_nsteps(p); i++) {
		oqz_program_step(p, i, &s);
		n += strcmp(s.op, op) == 0;
	}
	return n;
}

static inline void print_steps(const struct oqz_program *p)
{
	for (size_t i = 0; i < oqz_program_nsteps(p); i++) {
		struct oqz_step_info s;
		oqz_program_step(p, i, &s);
		printf("  %3zu %-12s %-24s %s\n", i, s.op, s.node, s.impl);
	}
}

/* Runs step by step; after each, every tap made by it must equal the oracle; outputs at the end. */
static inline void check_program(struct oqz_graph *g, const struct oqz_program *p, const struct oqz_tensor *inputs,
                                 const struct oracle *o, double tolerance)
{
	struct oqz_context *c = NULL;

	ck_ok(oqz_context_new(p, &c, err));
	for (int round = 0; round < 2; round++) {
		fill_inputs(c, p, inputs);
		for (size_t s = 0; s < oqz_program_nsteps(p); s++) {
			ck_ok(oqz_context_run(c, s, s + 1, err));
			for (size_t i = 0; i < g->values.n; i++) {
				int tap = oqz_program_tap(p, g->values.v[i]->name);
				long at = tap < 0 ? -2 : oqz_program_tap_step(p, tap);
				if (at != (long)s && at != (long)s - 1)
					continue;
				double d = tensor_difference(oqz_context_tap(c, tap), &o->t[i]);
				if (!(d <= tolerance))
					print_steps(p);
				ck_assert_msg(d <= tolerance, "tap %s after step %zu: off by %g", g->values.v[i]->name,
				              s, d);
			}
		}
		for (size_t i = 0; i < g->outputs.n; i++) {
			double d = tensor_difference(oqz_context_output(c, i), oracle_at(o, g->outputs.v[i]->name));
			if (!(d <= tolerance))
				print_steps(p);
			ck_assert_msg(d <= tolerance, "output %s: off by %g", g->outputs.v[i]->name, d);
		}
	}
	oqz_context_free(c);
}

#endif
