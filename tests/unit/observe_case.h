/* SPDX-License-Identifier: Apache-2.0
 *
 * Calibration in a test: statistics of a scheme's sites from random inputs of the reference kernels, in one pass or,
 * for the rules that want it, two over the same inputs. Inline.
 */
#ifndef OQZ_TESTS_OBSERVE_CASE_H
#define OQZ_TESTS_OBSERVE_CASE_H

#include "core/quant/quantize.h"
#include "tests/unit/exec_graph.h"

enum { OBSERVE_MAX = 64 };

static inline void observe_pass(struct gb *b, const struct oqz_quantize *z, struct oqz_observer *const *obs, int images)
{
	for (int image = 0; image < images; image++) {
		struct oqz_tensor in[8];
		struct oracle o;
		random_inputs(b, in);
		oracle_run(&o, b->g, in);
		for (size_t i = 0; i < oqz_quantize_count(z); i++) {
			const struct oqz_tensor *t = oracle_at(&o, oqz_quantize_site(z, i)->tensor);
			if (obs[i])
				ck_ok(oqz_observer_add(obs[i], image, t->data, (size_t)oqz_tensor_nelem(t),
				                       (size_t)t->shape.dim[t->shape.rank - 1], err));
		}
		oracle_free(&o);
		release_inputs(b, in);
	}
}

/* obs[OBSERVE_MAX], NULL where a site wants none. */
static inline void observe_sites(struct gb *b, const struct oqz_quantize *z, struct oqz_observer **obs, int images)
{
	struct oqz_observer *second[OBSERVE_MAX] = { 0 };
	struct oqz_rng start = b->rng;
	bool any = false;

	ck_assert(oqz_quantize_count(z) <= OBSERVE_MAX && b->g->inputs.n <= 8);
	for (size_t i = 0; i < oqz_quantize_count(z); i++) {
		const struct oqz_quantize_site *s = oqz_quantize_site(z, i);
		if (s->needs)
			ck_ok(oqz_observer_new(s->needs, s->q, 2, &obs[i], err));
	}
	observe_pass(b, z, obs, images);
	for (size_t i = 0; i < oqz_quantize_count(z); i++) {
		if (!(oqz_quantize_site(z, i)->needs & OQZ_OBS_SECOND))
			continue;
		ck_ok(oqz_observer_second(obs[i], &second[i], err));
		any = true;
	}
	if (!any)
		return;
	b->rng = start;
	observe_pass(b, z, second, images);
	for (size_t i = 0; i < oqz_quantize_count(z); i++) {
		if (second[i])
			ck_ok(oqz_observer_merge(obs[i], second[i], err));
		oqz_observer_free(second[i]);
	}
}

#endif
