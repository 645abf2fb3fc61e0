/* SPDX-License-Identifier: Apache-2.0
 *
 * The calibration phase. One float pass over the calibration images serves all schemes: sites that want the same
 * statistics of the same tensor share an observer. Statistics are order-free, so workers keep their own and merge at
 * the end; a unit of work is one batch, because the per-batch rules need a batch's images together.
 *
 * With quantized weights wanted (PPQ observes behind those) each scheme has a pass of its own. A plan that the ledger
 * has is not made again.
 */
#include "core/base/str.h"
#include "core/quant/quantize.h"
#include "core/run/calibration.h"
#include "core/run/digests.h"
#include "core/run/improvements.h"
#include "core/run/overrides.h"
#include "core/run/plans.h"
#include "core/run/pool.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

/* ------------------------------------------------------------------------------------------------ what to observe */

static enum oqz_status add_statistic(struct calibration *c, const struct oqz_quantize_site *site, size_t *ret,
                                     struct oqz_err *err)
{
	struct statistic s = { .tensor = site->tensor,
		               .needs = site->needs,
		               .q = site->needs & OQZ_OBS_BATCH ? site->q : 0,
		               .tails = site->calibrator->tails ? site->calibrator->tails(&site->site) : 0,
		               .next = SIZE_MAX };

	for (size_t i = 0; i < c->statistics.n; i++) {
		struct statistic *o = &c->statistics.v[i];
		if (strcmp(o->tensor, s.tensor) != 0)
			continue;
		/* every statistic has the extremes, so one that is nothing else joins another */
		if (o->needs == OQZ_OBS_MINMAX)
			*o = (struct statistic) { s.tensor, s.needs, s.q, s.tails, o->tap, o->next };
		if (s.needs == OQZ_OBS_MINMAX || (o->needs == s.needs && o->q == s.q)) {
			if (s.needs != OQZ_OBS_MINMAX)
				o->tails = s.tails > 0 && o->tails > 0 ? fmax(s.tails, o->tails) : 0;
			*ret = i;
			return OQZ_OK;
		}
	}
	for (s.tap = 0; s.tap < c->taps.n; s.tap++)
		if (strcmp(c->taps.v[s.tap], s.tensor) == 0)
			break;
	if (s.tap == c->taps.n && (!oqz_vec_push(&c->taps, s.tensor) || !oqz_vec_push(&c->first_of, SIZE_MAX)))
		return oqz_err_nomem(err, "statistics", sizeof s);
	s.next = c->first_of.v[s.tap];
	if (!oqz_vec_push(&c->statistics, s))
		return oqz_err_nomem(err, "statistics", sizeof s);
	*ret = c->first_of.v[s.tap] = c->statistics.n - 1;
	return OQZ_OK;
}

static enum oqz_status collect_sites(struct calibration *c, size_t scheme, struct oqz_err *err)
{
	const struct oqz_scheme *s = &c->job->schemes[scheme];
	size_t n = 0, k = 0;

	for (size_t p = 0; p < s->n_parts; p++)
		n += oqz_quantize_count(s->parts[p].quantize);
	c->of_site[scheme] = calloc(n + 1, sizeof **c->of_site);
	if (!c->of_site[scheme])
		return oqz_err_nomem(err, "sites", n);
	for (size_t p = 0; p < s->n_parts; p++)
		for (size_t i = 0; i < oqz_quantize_count(s->parts[p].quantize); i++, k++) {
			const struct oqz_quantize_site *site = oqz_quantize_site(s->parts[p].quantize, i);
			c->of_site[scheme][k] = SIZE_MAX;
			if (site->needs && !site->constant)
				OQZ_TRY(add_statistic(c, site, &c->of_site[scheme][k], err));
		}
	return OQZ_OK;
}

/* ------------------------------------------------------------------------------------------------ the float pass */

static enum oqz_status run_batch(void *ctx, int worker, size_t unit, struct oqz_err *err)
{
	struct calibration *c = ctx;
	size_t batch = (size_t)c->job->spec->model->calib_batch, from = unit * batch;
	size_t to = from + batch < c->job->calib.n ? from + batch : c->job->calib.n;

	for (size_t i = from; i < to; i++) {
		if (c->job->stop && *c->job->stop)
			return OQZ_OK; /* the pool reports the interruption */
		if (oqz_calibrate_image(c, &c->workers[worker], i, err) != OQZ_OK)
			return oqz_err_prefix(err, "calibration image `%s`", c->job->calib.items.items.v[i].id);
		pthread_mutex_lock(&c->progress_lock);
		c->progress.done++;
		if (c->job->progress)
			c->job->progress(c->job->progress_ctx, &c->progress);
		pthread_mutex_unlock(&c->progress_lock);
	}
	return OQZ_OK;
}

/* Forgets the programs, so that the next image gets one of c->graph. */
static void leave_shapes(struct calibration *c)
{
	for (int i = 0; c->workers && i < c->job->threads; i++) {
		oqz_context_free(c->workers[i].context);
		c->workers[i].context = NULL;
		c->workers[i].entry = NULL;
	}
	oqz_shape_cache_release(&c->shapes);
	oqz_shape_cache_init(&c->shapes);
}

static enum oqz_status make_workers(struct calibration *c, struct oqz_err *err)
{
	struct oqz_job *j = c->job;

	c->workers = calloc((size_t)j->threads, sizeof *c->workers);
	if (!c->workers)
		return oqz_err_nomem(err, "workers", (size_t)j->threads);
	for (int i = 0; i < j->threads; i++) {
		struct cal_worker *w = &c->workers[i];
		w->preparer = oqz_preparer_new(j->calib.prepare, NULL);
		w->observers = calloc(c->statistics.n + 1, sizeof *w->observers);
		if (!w->preparer || !w->observers)
			return oqz_err_nomem(err, "workers", c->statistics.n);
		for (size_t k = 0; k < c->statistics.n; k++)
			OQZ_TRY(oqz_observer_new(c->statistics.v[k].needs, c->statistics.v[k].q,
			                         (int)j->spec->model->calib_batch, &w->observers[k], err));
	}
	return OQZ_OK;
}

/* All images once. */
static enum oqz_status pass(struct calibration *c, struct oqz_err *err)
{
	struct oqz_job *j = c->job;
	size_t batch = (size_t)j->spec->model->calib_batch;
	struct oqz_pool_job pool = {
		.n_units = (j->calib.n + batch - 1) / batch, .ctx = c, .unit = run_batch, .stop = j->stop
	};

	return oqz_pool_run(&pool, j->threads, err);
}

static bool wants_second(const struct calibration *c)
{
	for (size_t k = 0; k < c->statistics.n; k++)
		if (c->statistics.v[k].needs & OQZ_OBS_SECOND)
			return true;
	return false;
}

static enum oqz_status first_pass(struct calibration *c, struct oqz_err *err)
{
	struct oqz_job *j = c->job;

	OQZ_TRY(make_workers(c, err));
	if (c->statistics.n == 0)
		return OQZ_OK; /* every site is a constant or wants nothing */
	c->progress = (struct oqz_progress) { .phase = OQZ_PHASE_CALIBRATE,
		                              .total = (int64_t)j->calib.n * (wants_second(c) ? 2 : 1) };
	if (j->progress)
		j->progress(j->progress_ctx, &c->progress);
	OQZ_TRY(pass(c, err));
	for (int i = 1; i < j->threads; i++)
		for (size_t k = 0; k < c->statistics.n; k++)
			OQZ_TRY(oqz_observer_merge(c->workers[0].observers[k], c->workers[i].observers[k], err));
	return OQZ_OK;
}

/* For the rules that count into bins between the extremes, which are known now. */
static enum oqz_status second_pass(struct calibration *c, struct oqz_err *err)
{
	struct oqz_job *j = c->job;

	for (int i = 0; i < j->threads; i++) {
		c->workers[i].second = calloc(c->statistics.n + 1, sizeof(struct oqz_observer *));
		if (!c->workers[i].second)
			return oqz_err_nomem(err, "workers", c->statistics.n);
		for (size_t k = 0; k < c->statistics.n; k++)
			if (c->statistics.v[k].needs & OQZ_OBS_SECOND)
				OQZ_TRY(oqz_observer_second(c->workers[0].observers[k], &c->workers[i].second[k], err));
	}
	c->second = true;
	OQZ_TRY(pass(c, err));
	for (int i = 0; i < j->threads; i++)
		for (size_t k = 0; k < c->statistics.n; k++)
			if (c->workers[i].second[k])
				OQZ_TRY(oqz_observer_merge(c->workers[0].observers[k], c->workers[i].second[k], err));
	return OQZ_OK;
}

/* ------------------------------------------------------------------------------------------------ plans */

enum wanted { WEIGHTS, FIRST_PASS, EVERYTHING };

/* The plan of one part, whose sites begin at `first` in of_site. */
static enum oqz_status plan_part(struct calibration *c, size_t scheme, size_t part, size_t first, enum wanted what,
                                 struct oqz_qplan **ret, struct oqz_err *err)
{
	struct oqz_quantize *z = c->job->schemes[scheme].parts[part].quantize;
	size_t n = oqz_quantize_count(z);
	OQZ_CLEANUP_FREE const struct oqz_observer **observers = calloc(n + 1, sizeof *observers);

	if (!observers)
		return oqz_err_nomem(err, "a plan", n);
	if (what == WEIGHTS)
		return oqz_quantize_plan_constants(z, ret, err);
	for (size_t i = 0; i < n; i++)
		if (c->of_site[scheme][first + i] != SIZE_MAX)
			observers[i] = c->workers[0].observers[c->of_site[scheme][first + i]];
	return what == FIRST_PASS ? oqz_quantize_plan_first(z, observers, ret, err)
	                          : oqz_quantize_plan(z, observers, ret, err);
}

/* Plans of all parts as one. */
static enum oqz_status plan_parts(struct calibration *c, size_t scheme, enum wanted what, struct oqz_qplan **ret,
                                  struct oqz_err *err)
{
	struct oqz_scheme *s = &c->job->schemes[scheme];
	OQZ_CLEANUP_FREE struct oqz_qplan **plans = calloc(s->n_parts, sizeof *plans);
	enum oqz_status st = plans ? OQZ_OK : oqz_err_nomem(err, "a plan", s->n_parts);

	for (size_t p = 0, first = 0; p < s->n_parts && st == OQZ_OK; p++) {
		st = plan_part(c, scheme, p, first, what, &plans[p], err);
		first += oqz_quantize_count(s->parts[p].quantize);
	}
	if (st == OQZ_OK)
		st = oqz_parts_merge(c->job, s, (const struct oqz_qplan *const *)plans, ret, err);
	for (size_t p = 0; plans && p < s->n_parts; p++)
		oqz_qplan_free(plans[p]);
	return st;
}

/* What else scales depend on, said in the plan where anything was observed. */
static enum oqz_status describe_calibration(const struct calibration *c, size_t scheme, struct oqz_err *err)
{
	const struct oqz_job *j = c->job;
	const struct oqz_scheme *s = &j->schemes[scheme];
	const struct oqz_model_spec *m = j->spec->model;
	bool observed = s->n_improve > 0;
	char text[128];

	for (size_t p = 0, k = 0; p < s->n_parts; p++)
		for (size_t i = 0; i < oqz_quantize_count(s->parts[p].quantize); i++, k++)
			observed |= c->of_site[scheme][k] != SIZE_MAX;
	if (!observed)
		return OQZ_OK;
	snprintf(text, sizeof text, "calibration:images=%zu,batch=%lld,weights=%s", j->calib.n,
	         (long long)m->calib_batch, m->calib_quantized ? "quantized" : "float");
	return oqz_qplan_set_calibration(s->plan, text, err);
}

static enum oqz_status make_plan(struct calibration *c, size_t scheme, struct oqz_err *err)
{
	struct oqz_scheme *s = &c->job->schemes[scheme];

	OQZ_TRY(plan_parts(c, scheme, EVERYTHING, &s->plan, err));
	OQZ_TRY(describe_calibration(c, scheme, err));
	if (s->n_improve)
		OQZ_TRY(oqz_improve_plan(c->job, s, err));
	return oqz_plan_store(c->job, s, err);
}

/* What PPQ observes: before the first pass the graph with the scheme's weights on their grids; before the second one
 * with all that the first has settled. */
static enum oqz_status observe_quantized(struct calibration *c, size_t scheme, enum wanted what, struct oqz_err *err)
{
	OQZ_CLEANUP(oqz_qplan_free_cleanup) struct oqz_qplan *known = NULL;

	leave_shapes(c);
	oqz_graph_free(c->on_grid);
	c->on_grid = NULL;
	OQZ_TRY(plan_parts(c, scheme, what, &known, err));
	OQZ_TRY(oqz_qplan_apply(known, OQZ_SCHEME_BASE(c->job, &c->job->schemes[scheme]), &c->on_grid, err));
	c->graph = c->on_grid;
	return OQZ_OK;
}

/* From here on a crash is this scheme's (its plugin chooses sites and grids); 0: no scheme's. */
static void now_planning(const struct oqz_job *j, size_t number)
{
	if (j->planned)
		*j->planned = (int)number;
}

/* A scheme that fails fails alone. */
static void give_up(struct oqz_job *j, struct oqz_scheme *s, const struct oqz_err *err)
{
	s->status = err->code;
	s->message = oqz_arena_strdup(j->arena, err->msg);
	if (!s->message)
		s->message = "out of memory";
}

static void release(struct calibration *c)
{
	leave_shapes(c);
	for (int i = 0; c->workers && i < c->job->threads; i++) {
		struct cal_worker *w = &c->workers[i];
		oqz_preparer_free(w->preparer);
		free(w->held);
		for (size_t k = 0; w->observers && k < c->statistics.n; k++)
			oqz_observer_free(w->observers[k]);
		for (size_t k = 0; w->second && k < c->statistics.n; k++)
			oqz_observer_free(w->second[k]);
		free(w->observers);
		free(w->second);
	}
	free(c->workers);
	oqz_graph_free(c->on_grid);
	for (size_t i = 0; c->of_site && i < c->job->n_schemes; i++)
		free(c->of_site[i]);
	free(c->of_site);
	oqz_vec_release(&c->statistics);
	oqz_vec_release(&c->taps);
	oqz_vec_release(&c->first_of);
	pthread_mutex_destroy(&c->progress_lock);
}

static enum oqz_status passes(struct calibration *c, struct oqz_err *err)
{
	struct oqz_err why = { 0 };

	OQZ_TRY(first_pass(c, err));
	if (!wants_second(c))
		return OQZ_OK;
	now_planning(c->job, c->on_grid ? c->first + 1 : 0);
	bool failed = c->on_grid && observe_quantized(c, c->first, FIRST_PASS, &why) != OQZ_OK;
	now_planning(c->job, 0);
	if (!failed)
		return second_pass(c, err);
	give_up(c->job, &c->job->schemes[c->first], &why);
	return OQZ_OK;
}

static enum oqz_status use_plans(struct calibration *c, struct oqz_err *err)
{
	struct oqz_scheme *s = c->job->schemes + c->first;
	size_t n = c->end - c->first;
	OQZ_CLEANUP_FREE struct oqz_err *whys = calloc(n + 1, sizeof *whys);

	if (!whys)
		return oqz_err_nomem(err, "schemes", n);
	OQZ_TRY(oqz_plans_use(c->job, s, n, whys, err));
	for (size_t i = 0; i < n; i++)
		if (whys[i].code != OQZ_OK)
			give_up(c->job, &s[i], &whys[i]);
	return OQZ_OK;
}

/* Sites and everything else that scheme i needs before images are observed; *ret_any is set when it observes any. */
static enum oqz_status prepare_scheme(struct calibration *c, size_t i, bool *ret_any, struct oqz_err *err)
{
	struct oqz_job *j = c->job;
	struct oqz_scheme *s = &j->schemes[i];
	struct oqz_err why = { 0 };

	if (!s->module)
		return OQZ_OK; /* a lane from a file */
	if (j->crashed && j->crashed[i]) {
		oqz_err_set(&why, OQZ_E_PLUGIN, "%s", j->crashed[i]);
		give_up(j, s, &why);
		return OQZ_OK;
	}
	OQZ_TRY(oqz_plan_fetch(j, s, err));
	if (s->plan)
		return OQZ_OK;
	if (s->n_improve && oqz_improve_graph(j, s, &why) != OQZ_OK) {
		give_up(j, s, &why);
		return OQZ_OK;
	}
	c->graph = OQZ_SCHEME_BASE(j, s); /* an improved scheme has a pass of its own */
	if (oqz_parts_open(j, s, &why) != OQZ_OK) {
		give_up(j, s, &why);
		return OQZ_OK;
	}
	OQZ_TRY(collect_sites(c, i, err));
	if (j->spec->model->calib_quantized && observe_quantized(c, i, WEIGHTS, &why) != OQZ_OK)
		give_up(j, s, &why);
	else
		*ret_any = true;
	return OQZ_OK;
}

static enum oqz_status calibrate(struct calibration *c, struct oqz_err *err)
{
	struct oqz_job *j = c->job;
	bool any = false;

	c->of_site = calloc(j->n_schemes + 1, sizeof *c->of_site);
	if (!c->of_site)
		return oqz_err_nomem(err, "schemes", j->n_schemes);
	for (size_t i = c->first; i < c->end; i++) {
		now_planning(j, i + 1);
		OQZ_TRY(prepare_scheme(c, i, &any, err));
	}
	now_planning(j, 0);
	if (any)
		OQZ_TRY(passes(c, err));
	for (size_t i = c->first; i < c->end; i++) {
		struct oqz_scheme *s = &j->schemes[i];
		struct oqz_err why = { 0 };
		if (!s->module)
			continue;
		now_planning(j, i + 1);
		if (s->status == OQZ_OK && !s->plan && make_plan(c, i, &why) != OQZ_OK)
			give_up(j, s, &why);
	}
	now_planning(j, 0);
	return use_plans(c, err);
}

/* One pass for the schemes from `first` to before `end`. */
static enum oqz_status calibrate_schemes(struct oqz_job *j, size_t first, size_t end, struct oqz_err *err)
{
	struct calibration c = { .job = j,
		                 .first = first,
		                 .end = end,
		                 .graph = j->graph,
		                 .shapes = {
		                     .make = oqz_calibration_make, .destroy = oqz_calibration_destroy, .ctx = &c } };

	oqz_shape_cache_init(&c.shapes);
	pthread_mutex_init(&c.progress_lock, NULL);
	enum oqz_status st = calibrate(&c, err);
	release(&c);
	return st;
}

/* A plan is known by the bytes of the images that it was made from. */
static void hash_contents(struct oqz_job *j)
{
	struct oqz_sha256 h;

	oqz_sha256_init(&h);
	oqz_sha256_add(&h, j->calib.sha256, sizeof j->calib.sha256);
	for (size_t i = 0; i < j->calib.n; i++) {
		char hex[OQZ_DIGEST];
		oqz_digests_file(j->digests, j->calib.items.items.v[i].image, hex);
		oqz_sha256_add(&h, hex, sizeof hex);
	}
	oqz_sha256_hex(&h, j->calib.contents);
}

/* Schemes that observe a graph of their own. */
static bool alone(const struct oqz_job *j, size_t i)
{
	return j->spec->model->calib_quantized || j->schemes[i].n_improve;
}

enum oqz_status oqz_job_calibrate(struct oqz_job *j, struct oqz_err *err)
{
	if (j->ledger)
		hash_contents(j);
	for (size_t i = 0, end; i < j->n_schemes; i = end) {
		end = i + 1;
		while (!alone(j, i) && end < j->n_schemes && !alone(j, end))
			end++;
		OQZ_TRY(calibrate_schemes(j, i, end, err));
	}
	return oqz_digests_save(j->digests, err);
}
