/* SPDX-License-Identifier: Apache-2.0
 *
 * The evaluation phase: every test image is decoded once, prepared once, walked through all lanes that lack it, scored
 * by the task, and written to the ledger. Workers take whole images; nothing depends on which worker takes which.
 */
#include "core/base/params.h"
#include "core/base/str.h"
#include "core/run/cells.h"
#include "core/run/digests.h"
#include "core/run/facts.h"
#include "core/run/job.h"
#include "core/run/lanes.h"
#include "core/run/pool.h"
#include "core/run/prepared.h"
#include "core/run/shape_cache.h"

#include <pthread.h>
#include <stdio.h>
#include <string.h>

struct eval_worker {
	struct oqz_preparer *preparer;
	char *held; /* a prepared image from the disk */
	struct oqz_shape_entry *entry;
	struct oqz_walker *walker;
	struct oqz_lane_errors *errors; /* [lanes] what to pass on: NULL for lanes not wanted */
	double **buffers;               /* [lanes] sums then local sums */
	struct oqz_str record;
	struct oqz_output *outputs;
	struct oqz_source source; /* of the image at hand */
};

struct evaluation {
	struct oqz_job *job;
	size_t from, to;              /* schemes of the job that take part */
	int threads;                  /* workers */
	int lane_threads;             /* of each, over the lanes of an image: what the workers leave */
	bool too_large;               /* failed because memory forbids so many lanes or workers */
	size_t n_lanes, *lane_scheme; /* lane k > 0 is schemes[lane_scheme[k]] */
	struct oqz_lane_spec *specs;
	unsigned char **done; /* [lanes][items] */
	size_t *todo, n_todo; /* items that some lane lacks */
	struct eval_worker *workers;
	pthread_mutex_t progress_lock;
	struct oqz_shape_cache shapes;
	struct oqz_progress progress;
};

/* ------------------------------------------------------------------------------------------------ shapes */

static enum oqz_status make_lanes(void *ctx, const struct oqz_shape *shape, void **ret, struct oqz_err *err)
{
	struct evaluation *e = ctx;
	struct oqz_lane_set *set;

	OQZ_TRY(oqz_lane_set_new(e->specs, e->n_lanes, e->job->watch, e->job->n_watch,
	                         e->job->manifest->limits.local_images > 0, e->job->engine, shape, e->job->threads,
	                         &set, err));
	*ret = set;
	return OQZ_OK;
}

static void destroy_lanes(void *thing) { oqz_lane_set_free(thing); }

static void leave_shape(struct evaluation *e, struct eval_worker *w)
{
	oqz_walker_free(w->walker);
	w->walker = NULL;
	oqz_shape_cache_leave(&e->shapes, w->entry);
	w->entry = NULL;
}

/* Gives the worker a walker for this input shape. */
static enum oqz_status enter_shape(struct evaluation *e, struct eval_worker *w, const struct oqz_shape *shape,
                                   struct oqz_err *err)
{
	if (w->entry && oqz_shape_equal(&w->entry->shape, shape))
		return OQZ_OK;
	leave_shape(e, w);
	OQZ_TRY(oqz_shape_cache_enter(&e->shapes, shape, &w->entry, err));
	return oqz_walker_new(w->entry->thing, e->lane_threads, &w->walker, err);
}

/* ------------------------------------------------------------------------------------------------ one image */

static size_t n_sums(const struct evaluation *e, size_t lane) { return e->specs[lane].n_layers + e->job->n_watch; }

/* Points errors[] at the buffers of the lanes that lack this item. */
static void want_lanes(const struct evaluation *e, struct eval_worker *w, size_t item)
{
	bool local = (int64_t)item < e->job->manifest->limits.local_images;

	for (size_t k = 1; k < e->n_lanes; k++) {
		struct oqz_error_sums *sums = (struct oqz_error_sums *)w->buffers[k];
		bool wanted = !e->done[k][item];
		w->errors[k].sums = wanted ? sums : NULL;
		w->errors[k].local = wanted && local ? sums + n_sums(e, k) : NULL;
	}
}

static enum oqz_status score_lane(struct evaluation *e, struct eval_worker *w, size_t lane, const struct oqz_item *item,
                                  const struct oqz_geometry *geometry, struct oqz_err *err)
{
	const struct oqz_graph *g = e->specs[0].graph; /* names: those that the task was told of */
	size_t n = g->outputs.n;

	for (size_t i = 0; i < n; i++) {
		const struct oqz_tensor *t = oqz_walker_output(w->walker, lane, i);
		w->outputs[i] =
		    (struct oqz_output) { .name = g->outputs.v[i]->name,
			                  .view = { .dtype = t->dtype, .shape = t->shape, .data = t->data } };
	}
	oqz_str_clear(&w->record);
	oqz_source_watch(&w->source);
	enum oqz_status st = oqz_task_score(e->job->test.instance, item, w->outputs, n, geometry, &w->record, err);
	oqz_source_unwatch();
	return st;
}

static int64_t cell_of(const struct evaluation *e, size_t lane)
{
	return lane ? e->job->schemes[e->lane_scheme[lane]].cell : e->job->float_cell;
}

/* A failed image is a row like any other: counted, listed, not tried again. */
static enum oqz_status put_failure(struct evaluation *e, size_t item, const char *source, const struct oqz_err *why,
                                   struct oqz_err *err)
{
	struct oqz_ledger_row row = { .item = (int64_t)item,
		                      .item_id = e->job->test.items.items.v[item].id,
		                      .status = why->code,
		                      .message = why->msg,
		                      .source = source };

	for (size_t k = 0; k < e->n_lanes; k++)
		if (!e->done[k][item])
			OQZ_TRY(oqz_ledger_put(e->job->ledger, cell_of(e, k), &row, err));
	return OQZ_OK;
}

static enum oqz_status put_lane(struct evaluation *e, struct eval_worker *w, size_t lane, size_t item,
                                struct oqz_err *err)
{
	struct oqz_ledger_row row = { .item = (int64_t)item,
		                      .item_id = e->job->test.items.items.v[item].id,
		                      .record = w->record.s,
		                      .record_size = w->record.len,
		                      .source = oqz_str_get(&w->source.text) };

	if (lane) {
		row.has_local = w->errors[lane].local != NULL;
		row.errors = w->buffers[lane];
		row.n_errors = 2 * (n_sums(e, lane) + (row.has_local ? e->specs[lane].n_layers : 0));
	}
	return oqz_ledger_put(e->job->ledger, cell_of(e, lane), &row, err);
}

/* Decode, prepare, walk. Failures here belong to the image. */
static enum oqz_status walk_image(struct evaluation *e, struct eval_worker *w, size_t index,
                                  struct oqz_geometry *geometry, struct oqz_err *err)
{
	const struct oqz_item *item = &e->job->test.items.items.v[index];
	struct oqz_view view;
	struct oqz_shape shape;

	OQZ_TRY(oqz_prepared_run(e->job->prepared, e->job->test.prepare, w->preparer, e->job->digests, item->image,
	                         oqz_item_box(item), &w->held, &view, geometry, err));
	OQZ_TRY(oqz_job_input_shape(e->job->graph, &view, &shape, err));
	OQZ_TRY(enter_shape(e, w, &shape, err));
	struct oqz_tensor t = { .dtype = view.dtype, .shape = view.shape, .data = (void *)view.data };
	const struct oqz_tensor *in = &t;
	want_lanes(e, w, index);
	return oqz_walker_run(w->walker, &in, w->errors, err);
}

static void count(struct evaluation *e, bool failed)
{
	pthread_mutex_lock(&e->progress_lock);
	e->progress.done++;
	e->progress.failed += failed;
	if (e->job->progress)
		e->job->progress(e->job->progress_ctx, &e->progress);
	pthread_mutex_unlock(&e->progress_lock);
}

static enum oqz_status run_item(void *ctx, int worker, size_t unit, struct oqz_err *err)
{
	struct evaluation *e = ctx;
	struct eval_worker *w = &e->workers[worker];
	size_t index = e->todo[unit];
	struct oqz_geometry geometry;
	struct oqz_err why = { 0 };

	oqz_source_begin(&w->source, e->job->digests, e->job->test.items.items.v[index].image);
	if (walk_image(e, w, index, &geometry, &why) != OQZ_OK) {
		OQZ_TRY(put_failure(e, index, oqz_str_get(&w->source.text), &why, err));
		count(e, true);
		return OQZ_OK;
	}
	for (size_t k = 0; k < e->n_lanes; k++) {
		if (e->done[k][index])
			continue;
		if (score_lane(e, w, k, &e->job->test.items.items.v[index], &geometry, &why) != OQZ_OK) {
			OQZ_TRY(put_failure(e, index, oqz_str_get(&w->source.text), &why, err));
			count(e, true);
			return OQZ_OK;
		}
		OQZ_TRY(put_lane(e, w, k, index, err));
	}
	count(e, false);
	return OQZ_OK;
}

/* ------------------------------------------------------------------------------------------------ the phase */

static void release(struct evaluation *e)
{
	for (int i = 0; e->workers && i < e->threads; i++) {
		struct eval_worker *w = &e->workers[i];
		oqz_walker_free(w->walker);
		oqz_preparer_free(w->preparer);
		free(w->held);
		for (size_t k = 0; w->buffers && k < e->n_lanes; k++)
			free(w->buffers[k]);
		free(w->buffers);
		free(w->errors);
		free(w->outputs);
		oqz_str_release(&w->record);
		oqz_source_release(&w->source);
	}
	free(e->workers);
	oqz_shape_cache_release(&e->shapes);
	for (size_t k = 0; e->done && k < e->n_lanes; k++)
		free(e->done[k]);
	free(e->done);
	free(e->specs);
	free(e->lane_scheme);
	free(e->todo);
	pthread_mutex_destroy(&e->progress_lock);
}

static enum oqz_status make_workers(struct evaluation *e, struct oqz_err *err)
{
	struct oqz_job *j = e->job;

	e->workers = calloc((size_t)e->threads, sizeof *e->workers);
	if (!e->workers)
		return oqz_err_nomem(err, "workers", (size_t)e->threads);
	for (int i = 0; i < e->threads; i++) {
		struct eval_worker *w = &e->workers[i];
		w->preparer = oqz_preparer_new(j->test.prepare, NULL);
		w->errors = calloc(e->n_lanes, sizeof *w->errors);
		w->buffers = calloc(e->n_lanes, sizeof *w->buffers);
		w->outputs = calloc(j->graph->outputs.n + 1, sizeof *w->outputs);
		if (!w->preparer || !w->errors || !w->buffers || !w->outputs)
			return oqz_err_nomem(err, "workers", e->n_lanes);
		for (size_t k = 1; k < e->n_lanes; k++) {
			size_t n = n_sums(e, k) + e->specs[k].n_layers;
			if (!(w->buffers[k] = calloc(n + 1, sizeof(struct oqz_error_sums))))
				return oqz_err_nomem(err, "workers", n);
		}
	}
	return OQZ_OK;
}

struct freshness {
	struct evaluation *e;
	unsigned char *done;
	char (*digest)[OQZ_DIGEST]; /* [items], made when first asked for */
};

/* A row counts when its files are what they were, and when its failure, if it is one, was the image's own and not that
 * of a limit, which may be another today. */
static void check_row(void *ctx, int64_t item, enum oqz_status status, const char *source)
{
	struct freshness *f = ctx;
	const struct oqz_data *d = &f->e->job->test;

	if (item < 0 || (uint64_t)item >= d->n || !f->done[item])
		return;
	char *digest = f->digest[item];
	if (!digest[0])
		oqz_digests_file(f->e->job->digests, d->items.items.v[item].image, digest);
	f->done[item] = status != OQZ_E_NOMEM && status != OQZ_E_LIMIT &&
	                strncmp(source, digest, OQZ_DIGEST - 1) == 0 &&
	                oqz_source_files_same(f->e->job->digests, source);
}

/* Absolute, so that the note holds wherever it is read from. */
static const char *absolute(void *ctx, const char *path)
{
	char **last = ctx;

	free(*last);
	*last = *path ? realpath(path, NULL) : NULL;
	return *last ? *last : path;
}

/* How the task and its data set were opened, for whoever reads records without the manifest (compare_runs.c). */
static enum oqz_status note_data(struct oqz_job *j, const char *key, struct oqz_err *err)
{
	OQZ_CLEANUP_FREE char *path = NULL;
	struct oqz_str s = { 0 };
	const char *name = oqz_arena_printf(j->arena, "data.%s", key);

	oqz_str_addf(&s, "%s\n", j->task_canonical);
	oqz_params_text(j->test.params, absolute, &path, &s);
	enum oqz_status st = name && oqz_str_ok(&s) ? oqz_ledger_put_blob(j->ledger, name, oqz_str_get(&s), s.len, err)
	                                            : oqz_err_nomem(err, "a note", s.len);
	oqz_str_release(&s);
	return st;
}

/* Opens the cells, reads what they have, and lists the items that some lane lacks. */
static enum oqz_status find_todo(struct evaluation *e, struct oqz_err *err)
{
	struct oqz_job *j = e->job;
	size_t n = j->test.n;
	char key[65];

	oqz_cell_key_float(j, key);
	OQZ_TRY(oqz_ledger_cell(j->ledger, key, j->spec->model->id, "", &j->float_cell, err));
	OQZ_TRY(note_data(j, key, err));
	for (size_t k = 1; k < e->n_lanes; k++) {
		struct oqz_scheme *s = &j->schemes[e->lane_scheme[k]];
		oqz_cell_key_scheme(j, s, key);
		OQZ_TRY(oqz_ledger_cell(j->ledger, key, j->spec->model->id, s->spec->name, &s->cell, err));
	}
	OQZ_CLEANUP_FREE char(*digest)[OQZ_DIGEST] = calloc(n + 1, sizeof *digest);
	if (!digest)
		return oqz_err_nomem(err, "the list of images", n);
	for (size_t k = 0; k < e->n_lanes; k++) {
		if (!(e->done[k] = calloc(n + 1, 1)))
			return oqz_err_nomem(err, "the list of images", n);
		OQZ_TRY(oqz_ledger_done(j->ledger, cell_of(e, k), e->done[k], n, err));
		struct freshness f = { .e = e, .done = e->done[k], .digest = digest };
		OQZ_TRY(oqz_ledger_sources(j->ledger, cell_of(e, k), check_row, &f, err));
	}
	for (size_t i = 0; i < n; i++) {
		bool lacks = false;
		for (size_t k = 0; k < e->n_lanes; k++)
			lacks |= !e->done[k][i];
		if (lacks)
			e->todo[e->n_todo++] = i;
	}
	return OQZ_OK;
}

/* Every worker's memory for this shape. */
static enum oqz_status enter_all(struct evaluation *e, const struct oqz_shape *shape, struct oqz_err *err)
{
	for (int i = 0; i < e->threads; i++) {
		enum oqz_status st = enter_shape(e, &e->workers[i], shape, err);
		e->too_large = st == OQZ_E_LIMIT || st == OQZ_E_NOMEM;
		OQZ_TRY(st);
	}
	e->progress.macs = oqz_lane_set_macs(e->workers[0].entry->thing);
	e->progress.worker_bytes = (int64_t)oqz_walker_bytes(e->workers[0].walker);
	return OQZ_OK;
}

/* Plans for the first image that can be read (its shape is the one that layer facts are stated for), so that a model
 * which cannot be planned fails the job at once and with its own message, not image by image. */
static enum oqz_status plan_first(struct evaluation *e, struct oqz_err *err)
{
	struct oqz_job *j = e->job;
	struct eval_worker *w = &e->workers[0];
	struct oqz_geometry geometry;
	struct oqz_view view;
	struct oqz_shape shape;
	struct oqz_err ignored = { 0 };
	const struct oqz_item *items = j->test.items.items.v;
	size_t i = 0;

	while (i < j->test.n && oqz_preparer_run(w->preparer, items[i].image, oqz_item_box(&items[i]), &view, &geometry,
	                                         &ignored) != OQZ_OK)
		i++;
	if (i == j->test.n)
		return OQZ_OK; /* every image fails, and is reported as such */
	OQZ_TRY(oqz_job_input_shape(j->graph, &view, &shape, err));
	OQZ_TRY(enter_all(e, &shape, err));
	for (size_t k = 1; k < e->n_lanes; k++)
		OQZ_TRY(oqz_facts_save(j, &j->schemes[e->lane_scheme[k]], w->entry->thing, k, err));
	return OQZ_OK;
}

static enum oqz_status evaluate(struct evaluation *e, struct oqz_err *err)
{
	struct oqz_job *j = e->job;

	e->specs = calloc(j->n_schemes + 1, sizeof *e->specs);
	e->lane_scheme = calloc(j->n_schemes + 1, sizeof *e->lane_scheme);
	e->done = calloc(j->n_schemes + 1, sizeof *e->done);
	e->todo = calloc(j->test.n + 1, sizeof *e->todo);
	if (!e->specs || !e->lane_scheme || !e->done || !e->todo)
		return oqz_err_nomem(err, "lanes", j->n_schemes);
	e->specs[0].graph = j->graph;
	e->n_lanes = 1;
	for (size_t i = e->from; i < e->to; i++) {
		const struct oqz_scheme *s = &j->schemes[i];
		if (s->status != OQZ_OK)
			continue;
		e->lane_scheme[e->n_lanes] = i;
		e->specs[e->n_lanes++] = (struct oqz_lane_spec) { .graph = s->graph,
			                                          .layers = s->layers,
			                                          .n_layers = s->n_layers,
			                                          .own_layers = s->own_layers,
			                                          .own_watch = s->own_watch,
			                                          .plan = s->plan };
	}
	OQZ_TRY(find_todo(e, err));
	e->progress = (struct oqz_progress) { .phase = OQZ_PHASE_EVALUATE,
		                              .total = (int64_t)j->test.n,
		                              .items = (int64_t)j->test.items.items.n,
		                              .done = (int64_t)(j->test.n - e->n_todo),
		                              .resumed = (int64_t)(j->test.n - e->n_todo) };
	if (j->progress)
		j->progress(j->progress_ctx, &e->progress);
	if (e->n_todo == 0)
		return oqz_digests_save(j->digests, err);
	if ((size_t)e->threads > e->n_todo)
		e->threads = (int)e->n_todo;
	e->lane_threads = j->threads / e->threads;
	OQZ_TRY(make_workers(e, err));
	OQZ_TRY(plan_first(e, err));
	struct oqz_pool_job pool = { .n_units = e->n_todo, .ctx = e, .unit = run_item, .stop = j->stop };
	enum oqz_status st = oqz_pool_run(&pool, e->threads, err);
	struct oqz_err ignored = { 0 };
	enum oqz_status flushed = oqz_ledger_flush(j->ledger, st == OQZ_OK ? err : &ignored);
	if (st == OQZ_OK)
		st = flushed;
	flushed = oqz_digests_save(j->digests, st == OQZ_OK ? err : &ignored);
	return st != OQZ_OK ? st : flushed;
}

static void tell(const struct oqz_job *j, const char *text)
{
	if (j->host.log)
		j->host.log(j->host.log_ctx, OQZ_LOG_WARN, text);
}

/* Evaluates schemes [from, to). Where their lanes do not fit into memory together they are run as two groups, each with
 * the float lane beside it; a lone lane that does not fit is tried with fewer workers. The results are the same. */
static enum oqz_status evaluate_group(struct oqz_job *j, size_t from, size_t to, int threads, struct oqz_err *err)
{
	struct evaluation e = { .job = j,
		                .from = from,
		                .to = to,
		                .threads = threads,
		                .shapes = { .make = make_lanes, .destroy = destroy_lanes, .ctx = &e } };
	struct oqz_err why = { 0 };
	char text[256];

	oqz_shape_cache_init(&e.shapes);
	pthread_mutex_init(&e.progress_lock, NULL);
	enum oqz_status st = evaluate(&e, &why);
	size_t lanes = e.n_lanes;
	threads = e.threads;
	release(&e);
	if (st == OQZ_OK)
		return OQZ_OK;
	if (e.too_large && lanes > 2) {
		snprintf(text, sizeof text,
		         "%zu schemes do not fit into memory together and are run in two groups (%.150s)", lanes - 1,
		         why.msg);
		tell(j, text);
		OQZ_TRY(evaluate_group(j, from, (from + to) / 2, threads, err));
		return evaluate_group(j, (from + to) / 2, to, threads, err);
	}
	if (e.too_large && threads > 1) {
		snprintf(text, sizeof text, "%d workers do not fit into memory: %d instead (%.150s)", threads,
		         threads / 2, why.msg);
		tell(j, text);
		return evaluate_group(j, from, to, threads / 2, err);
	}
	return oqz_err_set(err, st, "%s", why.msg);
}

enum oqz_status oqz_job_evaluate(struct oqz_job *j, struct oqz_err *err)
{
	return evaluate_group(j, 0, j->n_schemes, j->threads, err);
}
