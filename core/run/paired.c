/* SPDX-License-Identifier: Apache-2.0
 *
 * See paired.h.
 */
#include "core/run/paired.h"
#include "core/base/map.h"
#include "core/metric/stats.h"

#include <math.h>
#include <string.h>

/* 95 % intervals; what could be detected is stated at 80 % power. */
#define LEVEL 0.95
#define POWER 0.8
enum { BOOTSTRAP_ROUNDS = 1999 };
#define BOOTSTRAP_SEED UINT64_C(20171)

/* Which image each record is of, images numbered as they come. */
struct by_image {
	uint32_t *of;
	size_t n, most; /* images, and the records of the one that has most */
};

/* The two sets of records, in order. */
struct paired {
	struct oqz_task_instance *task;
	size_t n, n_metrics;
	const struct oqz_record *first, *second;
	struct by_image images;
	struct oqz_resampler *resampler_first, *resampler_second; /* NULL: finish() does it */
	uint32_t *times, *image_times;                            /* of each record, and of each image */
	struct oqz_record *scratch, *scratch_first;               /* [images.n * images.most] */
	bool beside; /* the first set is what the metrics of the second may be held against */
	double *values_first, *values_second;
	struct oqz_pairs *hits;          /* [n_metrics], for MCNEMAR */
	struct oqz_bootstrap *bootstrap; /* [n_metrics], for BOOTSTRAP; NULL when no metric wants it */
};

static enum oqz_status finish_both(struct paired *p, const struct oqz_record *first, const struct oqz_record *second,
                                   size_t n, double *a, double *b, struct oqz_err *err)
{
	const struct oqz_record *reference = p->beside ? first : NULL;

	OQZ_TRY(oqz_task_finish_beside(p->task, first, reference, n, a, err));
	return oqz_task_finish_beside(p->task, second, reference, n, b, err);
}

/* Metrics of the list in which each record comes p->times[i] times. */
static enum oqz_status finish_drawn(struct paired *p, struct oqz_err *err)
{
	size_t n = 0;

	if (p->resampler_first) {
		OQZ_TRY(oqz_resampler_run(p->resampler_first, p->times, p->values_first, err));
		return oqz_resampler_run(p->resampler_second, p->times, p->values_second, err);
	}
	for (size_t i = 0; i < p->n; i++)
		for (uint32_t left = p->times[i]; left; left--, n++) {
			p->scratch_first[n] = p->first[i];
			p->scratch[n] = p->second[i];
		}
	return finish_both(p, p->scratch_first, p->scratch, n, p->values_first, p->values_second, err);
}

static enum oqz_status bootstrap_delta(void *ctx, const uint32_t *index, size_t n, double *delta, struct oqz_err *err)
{
	struct paired *p = ctx;

	memset(p->image_times, 0, p->images.n * sizeof *p->image_times);
	for (size_t i = 0; i < n; i++)
		p->image_times[index[i]]++;
	for (size_t i = 0; i < p->n; i++)
		p->times[i] = p->image_times[p->images.of[i]];
	OQZ_TRY(finish_drawn(p, err));
	for (size_t k = 0; k < p->n_metrics; k++)
		delta[k] = p->values_second[k] - p->values_first[k];
	return OQZ_OK;
}

/* Hits of both sets per image: the metric of one record alone is its hit. */
static enum oqz_status count_hits(struct paired *p, struct oqz_err *err)
{
	for (size_t i = 0; i < p->n; i++) {
		OQZ_TRY(finish_both(p, &p->first[i], &p->second[i], 1, p->values_first, p->values_second, err));
		for (size_t k = 0; k < p->n_metrics; k++) {
			bool first = p->values_first[k] > 0.5, second = p->values_second[k] > 0.5;
			p->hits[k].both += first && second;
			p->hits[k].only_first += first && !second;
			p->hits[k].only_second += !first && second;
			p->hits[k].neither += !first && !second;
		}
	}
	return OQZ_OK;
}

static enum oqz_status group_by_image(const char *const *images, size_t n, struct oqz_arena *a, struct by_image *ret,
                                      struct oqz_err *err)
{
	struct by_image g = { .of = OQZ_ARENA_NEW_N(a, uint32_t, n + 1) };
	OQZ_CLEANUP_FREE size_t *records = calloc(n + 1, sizeof *records);
	struct oqz_map known = { 0 };
	bool ok = g.of && records;

	for (size_t i = 0; ok && i < n; i++) {
		const uint32_t *first = oqz_map_get(&known, images[i]);
		g.of[i] = first ? *first : (uint32_t)g.n++;
		ok = first || oqz_map_set(&known, images[i], &g.of[i]);
		size_t count = ++records[g.of[i]];
		g.most = count > g.most ? count : g.most;
	}
	oqz_map_release(&known);
	if (!ok)
		return oqz_err_nomem(err, "images", n);
	*ret = g;
	return OQZ_OK;
}

/* Readies the lists of a bootstrap. */
static enum oqz_status open_resampling(struct paired *p, struct oqz_arena *a, struct oqz_err *err)
{
	const struct oqz_record *reference = p->beside ? p->first : NULL;
	size_t most = p->images.n * p->images.most + 1;

	p->bootstrap = OQZ_ARENA_NEW_N(a, struct oqz_bootstrap, p->n_metrics);
	p->times = OQZ_ARENA_NEW_N(a, uint32_t, p->n + 1);
	p->image_times = OQZ_ARENA_NEW_N(a, uint32_t, p->images.n + 1);
	if (!p->bootstrap || !p->times || !p->image_times)
		return oqz_err_nomem(err, "statistics", p->n);
	OQZ_TRY(oqz_resampler_open(p->task, p->first, reference, p->n, &p->resampler_first, err));
	if (p->resampler_first)
		return oqz_resampler_open(p->task, p->second, reference, p->n, &p->resampler_second, err);
	p->scratch = OQZ_ARENA_NEW_N(a, struct oqz_record, most);
	p->scratch_first = OQZ_ARENA_NEW_N(a, struct oqz_record, most);
	return p->scratch && p->scratch_first ? OQZ_OK : oqz_err_nomem(err, "statistics", most);
}

static enum oqz_status paired_statistics(struct paired *p, const struct oqz_metric *rows, struct oqz_arena *a,
                                         struct oqz_err *err)
{
	bool hits = false, resample = false;

	for (size_t k = 0; k < p->n_metrics; k++) {
		hits |= rows[k].test == OQZ_TEST_MCNEMAR;
		resample |= rows[k].test == OQZ_TEST_BOOTSTRAP;
	}
	p->hits = OQZ_ARENA_NEW_N(a, struct oqz_pairs, p->n_metrics);
	if (!p->hits)
		return oqz_err_nomem(err, "statistics", p->n_metrics);
	if (hits)
		OQZ_TRY(count_hits(p, err));
	if (!resample)
		return OQZ_OK;
	enum oqz_status st = open_resampling(p, a, err);
	if (st == OQZ_OK)
		st = oqz_bootstrap(bootstrap_delta, p, p->images.n, p->n_metrics, BOOTSTRAP_ROUNDS, BOOTSTRAP_SEED,
		                   LEVEL, p->bootstrap, err);
	oqz_resampler_close(p->resampler_first);
	oqz_resampler_close(p->resampler_second);
	return st;
}

static void fill_metric(const struct paired *p, size_t k, const struct oqz_metric *m, double first, double second,
                        struct oqz_metric_result *r)
{
	*r = (struct oqz_metric_result) { .name = m->name,
		                          .unit = m->unit,
		                          .test = m->test,
		                          .higher_is_better = m->higher_is_better,
		                          .value_float = first,
		                          .value_quantized = second,
		                          .delta = second - first,
		                          .ci_lo = NAN,
		                          .ci_hi = NAN,
		                          .p = NAN,
		                          .p_mid = NAN,
		                          .p_holm = NAN,
		                          .detectable = NAN,
		                          .lost = -1,
		                          .gained = -1 };
	if (m->test == OQZ_TEST_MCNEMAR) {
		const struct oqz_pairs *h = &p->hits[k];
		struct oqz_interval ci = oqz_pairs_interval(h, LEVEL);
		r->lost = h->only_first;
		r->gained = h->only_second;
		r->ci_lo = ci.low;
		r->ci_hi = ci.high;
		r->p = oqz_mcnemar_exact(h);
		r->p_mid = oqz_mcnemar_midp(h);
		r->detectable =
		    oqz_detectable_pairs((int64_t)p->n, (double)(r->lost + r->gained) / (double)p->n, 1 - LEVEL, POWER);
	} else if (m->test == OQZ_TEST_BOOTSTRAP) {
		r->ci_lo = p->bootstrap[k].interval.low;
		r->ci_hi = p->bootstrap[k].interval.high;
		r->p = p->bootstrap[k].p;
		r->detectable = oqz_detectable(p->bootstrap[k].standard_error, p->images.n, 1 - LEVEL, POWER);
	}
}

enum oqz_status oqz_paired_metrics(struct oqz_task_instance *task, const struct oqz_record *first,
                                   const struct oqz_record *second, const char *const *images, size_t n, bool beside,
                                   struct oqz_arena *arena, struct oqz_metric_result *ret, struct oqz_err *err)
{
	size_t n_metrics;
	const struct oqz_metric *rows = oqz_task_metrics(task, &n_metrics);
	struct paired p = {
		.task = task, .n = n, .n_metrics = n_metrics, .first = first, .second = second, .beside = beside
	};

	OQZ_TRY(group_by_image(images, n, arena, &p.images, err));
	p.values_first = OQZ_ARENA_NEW_N(arena, double, n_metrics + 1);
	p.values_second = OQZ_ARENA_NEW_N(arena, double, n_metrics + 1);
	double *a = OQZ_ARENA_NEW_N(arena, double, n_metrics + 1), *b = OQZ_ARENA_NEW_N(arena, double, n_metrics + 1);
	if (!p.values_first || !p.values_second || !a || !b)
		return oqz_err_nomem(err, "metrics", n);
	OQZ_TRY(finish_both(&p, first, second, n, a, b, err));
	OQZ_TRY(paired_statistics(&p, rows, arena, err));
	for (size_t k = 0; k < n_metrics; k++) {
		fill_metric(&p, k, &rows[k], a[k], b[k], &ret[k]);
		ret[k].name = oqz_arena_strdup(arena, rows[k].name);
		if (!ret[k].name)
			return oqz_err_nomem(err, "metrics", 1);
	}
	return OQZ_OK;
}
