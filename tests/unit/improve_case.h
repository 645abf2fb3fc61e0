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
};

static inline enum oqz_status run_images(void *ctx, const struct oqz_graph *g, const char *const *taps, size_t n_taps,
                                         size_t n, oqz_improve_fn *each, void *each_ctx, struct oqz_err *err)
{
	struct bench *b = ctx;

	for (size_t i = 0; i < n; i++) {
		struct oracle o;
		const struct oqz_tensor *seen[8];
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

#endif
