/* SPDX-License-Identifier: Apache-2.0
 *
 * Both targets that run models: plan with each engine and run once, within a small memory limit and a bound on the
 * work. What the reference computes the others must compute too, to outputs of the same types and shapes; the numbers
 * are the business of tests, which know what numbers may be expected.
 */
#ifndef OQZ_TESTS_FUZZ_EXEC_H
#define OQZ_TESTS_FUZZ_EXEC_H

#include "tests/fuzz/fuzz.h"
#include "core/base/budget.h"
#include "core/base/rng.h"
#include "core/exec/exec.h"
#include "core/ops/op.h"

#include <string.h>

enum { FUZZ_MEMORY = 32 << 20, FUZZ_MACS = 1 << 22, FUZZ_LOOPS = 16 };

/* A Loop whose body runs a small known number of times; other operators end by themselves. */
static inline bool fuzz_ends(const struct oqz_graph *g, int depth)
{
	for (size_t i = 0; i < g->nodes.n; i++) {
		const struct oqz_node *n = g->nodes.v[i];
		if (n->op && n->op->id == OQZ_OP_LOOP) {
			const struct oqz_tensor *m = n->n_in && n->in[0] ? n->in[0]->constant : NULL;
			if (!m || m->dtype != OQZ_DT_I64 || oqz_tensor_nelem(m) != 1 ||
			    *(int64_t *)m->data > FUZZ_LOOPS)
				return false;
		}
		for (size_t k = 0; k < n->n_attr; k++)
			if (n->attr[k].type == OQZ_ATTR_GRAPH && (depth > 4 || !fuzz_ends(n->attr[k].graph, depth + 1)))
				return false;
	}
	return true;
}

static inline void fuzz_fill(struct oqz_context *c, const struct oqz_program *p, uint64_t seed)
{
	struct oqz_rng r;

	oqz_rng_init(&r, seed);
	for (size_t i = 0; i < oqz_program_ninputs(p); i++) {
		struct oqz_tensor *t = oqz_context_input(c, i);
		for (size_t k = 0; k < (size_t)oqz_tensor_nelem(t); k++)
			oqz_store_f(t->dtype, t->data, k,
			            oqz_dtype_is_float(t->dtype) ? oqz_rng_normal(&r)
			                                         : (double)oqz_rng_below(&r, 3) - 1);
	}
}

/* Returns whether the run came to its end; outputs[i] is then output i's type and shape. */
static inline bool fuzz_run_engine(const struct oqz_graph *g, const struct oqz_shape *shapes, enum oqz_engine engine,
                                   struct oqz_type *outputs, struct oqz_err *err)
{
	OQZ_CLEANUP(oqz_program_free_cleanup) struct oqz_program *p = NULL;
	OQZ_CLEANUP(oqz_context_free_cleanup) struct oqz_context *c = NULL;
	struct oqz_exec_options opt = { .engine = engine };
	int64_t macs = 0;

	if (oqz_program_new(g, &opt, shapes, &p, err) != OQZ_OK)
		return false;
	for (size_t i = 0; i < oqz_program_nsteps(p); i++) {
		struct oqz_step_info s;
		oqz_program_step(p, i, &s);
		macs = s.macs < 0 || s.macs > FUZZ_MACS ? FUZZ_MACS + 1 : macs + s.macs;
		if (macs > FUZZ_MACS) {
			oqz_err_set(err, OQZ_E_LIMIT, "more work than the fuzzer wants");
			return false;
		}
	}
	if (oqz_context_new(p, &c, err) != OQZ_OK)
		return false;
	fuzz_fill(c, p, 1);
	if (oqz_context_run(c, 0, oqz_program_nsteps(p), err) != OQZ_OK)
		return false;
	for (size_t i = 0; i < oqz_program_noutputs(p); i++) {
		const struct oqz_tensor *t = oqz_context_output(c, i);
		outputs[i] = (struct oqz_type) { t->dtype, t->shape };
		for (size_t k = 0; !oqz_dtype_is_list(t->dtype) && k < oqz_tensor_bytes(t); k++)
			fuzz_sink += ((const unsigned char *)t->data)[k];
	}
	return true;
}

/* Runs a resolved graph, whose unknown dimensions become `dim`. */
static inline void fuzz_run_graph(const struct oqz_graph *g, int64_t dim)
{
	struct oqz_shape shapes[8];
	struct oqz_type want[16], have[16];
	struct oqz_err err = { 0 };

	if (g->inputs.n > OQZ_COUNTOF(shapes) || g->outputs.n > OQZ_COUNTOF(want) || !fuzz_ends(g, 0))
		return;
	for (size_t i = 0; i < g->inputs.n; i++) {
		shapes[i] = g->inputs.v[i]->type.shape;
		for (int d = 0; d < shapes[i].rank; d++)
			shapes[i].dim[d] = shapes[i].dim[d] < 0 ? dim : shapes[i].dim[d];
		if (shapes[i].rank < 0)
			shapes[i] = (struct oqz_shape) { .rank = 2, .dim = { dim, 3 } };
	}
	size_t before = oqz_budget_used();
	bool ok = fuzz_run_engine(g, shapes, OQZ_ENGINE_REFERENCE, want, &err);
	if (!ok)
		fuzz_refused(&err);
	for (int engine = OQZ_ENGINE_AUTO; engine <= OQZ_ENGINE_SIM; engine++) {
		err = (struct oqz_err) { 0 };
		if (!fuzz_run_engine(g, shapes, (enum oqz_engine)engine, have, &err)) {
			fuzz_refused(&err);
			/* packed weights and scratch may need more than the reference does */
			if (ok && err.code != OQZ_E_LIMIT && err.code != OQZ_E_NOMEM)
				fuzz_broken(err.msg, __FILE__, __LINE__);
		} else if (ok) {
			for (size_t i = 0; i < g->outputs.n; i++)
				FUZZ_CHECK(want[i].dtype == have[i].dtype &&
				           oqz_shape_equal(&want[i].shape, &have[i].shape));
			fuzz_accepted += engine == OQZ_ENGINE_AUTO;
		}
	}
	FUZZ_CHECK(oqz_budget_used() == before);
}

#endif
