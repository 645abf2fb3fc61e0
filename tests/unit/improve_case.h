/* SPDX-License-Identifier: Apache-2.0
 *
 * For tests of improvement passes: calibration images of random numbers, and the host that runs a graph on them.
 */
#ifndef OQZ_TESTS_IMPROVE_CASE_H
#define OQZ_TESTS_IMPROVE_CASE_H

#include "core/quant/improve.h"
#include "tests/unit/exec_graph.h"

enum { IMAGES = 6 };

/* Graphs run on reference kernels, one random input per image. */
struct bench {
	struct oqz_tensor input[IMAGES];
	size_t ran; /* images that were last asked for */
};

static inline enum oqz_status run_images(void *ctx, const struct oqz_graph *g, const char *const *taps, size_t n_taps,
                                         size_t n, oqz_improve_fn *each, void *each_ctx, struct oqz_err *err)
{
	struct bench *b = ctx;

	b->ran = n;
	for (size_t i = 0; i < n; i++) {
		struct oracle o;
		const struct oqz_tensor *seen[64];
		ck_assert(n_taps <= OQZ_COUNTOF(seen));
		oracle_run(&o, (struct oqz_graph *)(uintptr_t)g, &b->input[i]);
		for (size_t k = 0; k < n_taps; k++)
			seen[k] = oracle_at(&o, taps[k]);
		enum oqz_status st = each(each_ctx, i, seen, err);
		oracle_free(&o);
		OQZ_TRY(st);
	}
	return OQZ_OK;
}

static inline void bench_init(struct bench *b, struct oqz_shape s)
{
	struct gb r;

	gb_init(&r, 5);
	for (int i = 0; i < IMAGES; i++) {
		b->input[i] = (struct oqz_tensor) { 0 };
		ck_ok(oqz_tensor_alloc(&b->input[i], OQZ_DT_F32, &s, err));
		gb_random(&r, &b->input[i], 1);
		/* correlated channels: what makes roundings depend on each other */
		for (int64_t k = 1; k < oqz_tensor_nelem(&b->input[i]); k++)
			((float *)b->input[i].data)[k] += 0.7f * ((float *)b->input[i].data)[k - 1];
	}
	oqz_graph_free(r.g);
}

static inline void bench_release(struct bench *b)
{
	for (int i = 0; i < IMAGES; i++)
		oqz_tensor_release(&b->input[i]);
}

static inline struct oqz_params *params_of(const struct oqz_improve *p, const char *text)
{
	struct oqz_params *params = NULL;

	ck_ok(oqz_params_parse(p->params, text, p->name, &params, err));
	return params;
}

/* A model with images, and what passes make of it: `g` and `p` start as a copy and an empty plan. */
struct improved {
	struct gb b;
	struct bench data;
	struct oqz_graph *g;
	struct oqz_qplan *p;
};

/* Ends the construction of t->b, whose only input has this shape. */
static inline void improved_start(struct improved *t, struct oqz_shape input)
{
	gb_finish(&t->b);
	bench_init(&t->data, input);
	ck_ok(oqz_graph_clone(t->b.g, &t->g, err));
	ck_assert((t->p = oqz_qplan_new()) != NULL);
}

/* A pass over t->g, or one over plans. */
static inline void improved_run(struct improved *t, const struct oqz_improve *pass, const char *text)
{
	const struct oqz_improve_data host = { .ctx = &t->data, .n_images = IMAGES, .run = run_images };
	struct oqz_params *params = params_of(pass, text);

	if (pass->on_graph)
		ck_ok(pass->on_graph(t->g, t->p, params, &host, err));
	else
		ck_ok(pass->on_plan(t->b.g, t->p, params, &host, err));
	oqz_params_free(params);
}

/* Back to the copy and the empty plan. */
static inline void improved_again(struct improved *t)
{
	oqz_qplan_free(t->p);
	oqz_graph_free(t->g);
	ck_ok(oqz_graph_clone(t->b.g, &t->g, err));
	ck_assert((t->p = oqz_qplan_new()) != NULL);
}

static inline void improved_release(struct improved *t)
{
	oqz_qplan_free(t->p);
	oqz_graph_free(t->g);
	bench_release(&t->data);
	oqz_graph_free(t->b.g);
}

/* Largest difference of any output over all images, relative to the largest number. */
static inline double outputs_differ(struct bench *data, struct oqz_graph *f, struct oqz_graph *g)
{
	double worst = 0;

	for (int i = 0; i < IMAGES; i++) {
		struct oracle x, y;
		oracle_run(&x, f, &data->input[i]);
		oracle_run(&y, g, &data->input[i]);
		for (size_t k = 0; k < f->outputs.n; k++)
			worst = fmax(worst, tensor_difference(oracle_at(&y, g->outputs.v[k]->name),
			                                      oracle_at(&x, f->outputs.v[k]->name)));
		oracle_free(&x);
		oracle_free(&y);
	}
	return worst;
}

#endif
