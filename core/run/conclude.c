/* SPDX-License-Identifier: Apache-2.0
 *
 * From rows to results: metrics of both lanes on the images that both have, the paired difference with its interval,
 * error figures of every layer, AQE, MQE and OQE. Everything is read from the ledger in image order, so the result does
 * not depend on how the rows came about.
 */
#include "core/base/file.h"
#include "core/base/str.h"
#include "core/run/conclude.h"
#include "core/run/digests.h"
#include "core/run/facts.h"
#include "core/run/paired.h"
#include "core/run/samples.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

/* Records and errors of one cell. */
struct rows {
	struct oqz_job *job;
	struct oqz_results *results; /* failed images go there; NULL: not wanted */
	size_t n_items, n_sums, n_layers;
	struct oqz_record *records;          /* [n_items] */
	struct oqz_error_sums *sums, *local; /* [n_items][n_sums], [n_items][n_layers] */
	unsigned char *has, *has_local;
	int64_t images, failed;
	const char *first_failure;
};

static void rows_release(struct rows *r)
{
	free(r->records);
	free(r->sums);
	free(r->local);
	free(r->has);
	free(r->has_local);
}

static enum oqz_status read_row(void *ctx, const struct oqz_ledger_row *row, struct oqz_err *err)
{
	struct rows *r = ctx;
	struct oqz_arena *a = r->job->arena;
	size_t i = (size_t)row->item;

	if (row->item < 0 || i >= r->n_items)
		return OQZ_OK; /* beyond --limit */
	if (row->status != OQZ_OK) {
		struct oqz_failed_image f = { .model = r->job->spec->model->id,
			                      .item = oqz_arena_strdup(a, row->item_id ? row->item_id : "?"),
			                      .message = oqz_arena_strdup(a, row->message ? row->message : "") };
		r->failed++;
		r->first_failure = r->first_failure ? r->first_failure : f.message;
		if (r->results) {
			f.model = oqz_arena_strdup(r->results->arena, f.model);
			f.item = oqz_arena_strdup(r->results->arena, f.item);
			f.message = oqz_arena_strdup(r->results->arena, f.message);
			if (!oqz_vec_push(&r->results->failed_images, f))
				return oqz_err_nomem(err, "failed images", 1);
		}
		return OQZ_OK;
	}
	size_t want = 2 * (r->n_sums + (row->has_local ? r->n_layers : 0));
	if (row->n_errors != (r->sums ? want : 0))
		OQZ_FAIL(err, OQZ_E_DATA, "ledger: the row of image `%s` has %zu error sums, not %zu", row->item_id,
		         row->n_errors, want);
	void *copy = oqz_arena_dup(a, row->record, row->record_size);
	if (!copy)
		return oqz_err_nomem(err, "records", row->record_size);
	r->records[i] =
	    (struct oqz_record) { .data = copy, .size = row->record_size, .tag = r->job->test.items.items.v[i].tag };
	r->has[i] = 1;
	r->images++;
	if (r->sums) {
		memcpy(r->sums + i * r->n_sums, row->errors, r->n_sums * sizeof *r->sums);
		r->has_local[i] = row->has_local;
		if (row->has_local)
			memcpy(r->local + i * r->n_layers, row->errors + 2 * r->n_sums, r->n_layers * sizeof *r->local);
	}
	return OQZ_OK;
}

static enum oqz_status read_cell(struct oqz_job *j, int64_t cell, size_t n_layers, bool quantized,
                                 struct oqz_results *failures, struct rows *r, struct oqz_err *err)
{
	size_t n = j->test.n;

	*r = (struct rows) { .job = j, .results = failures, .n_items = n, .n_layers = n_layers };
	r->records = calloc(n + 1, sizeof *r->records);
	r->has = calloc(n + 1, 1);
	r->has_local = calloc(n + 1, 1);
	if (quantized) {
		r->n_sums = n_layers + j->n_watch;
		r->sums = calloc(n * r->n_sums + 1, sizeof *r->sums);
		r->local = calloc(n * n_layers + 1, sizeof *r->local);
	}
	if (!r->records || !r->has || !r->has_local || (quantized && (!r->sums || !r->local)))
		return oqz_err_nomem(err, "records", n);
	return oqz_ledger_each(j->ledger, cell, read_row, r, err);
}

/* ------------------------------------------------------------------------------------------------ metrics */

/* Metrics on the images that both lanes have, in image order. */
static enum oqz_status cell_metrics(struct oqz_job *j, const struct rows *f, const struct rows *q,
                                    struct oqz_arena *c_arena, struct oqz_cell_result *c, struct oqz_err *err)
{
	size_t n = j->test.n, n_metrics, k = 0;
	struct oqz_record *of_f = OQZ_ARENA_NEW_N(j->arena, struct oqz_record, n + 1);
	struct oqz_record *of_q = OQZ_ARENA_NEW_N(j->arena, struct oqz_record, n + 1);
	const char **images = OQZ_ARENA_NEW_N(j->arena, const char *, n + 1);

	oqz_task_metrics(j->test.instance, &n_metrics);
	struct oqz_metric_result *metrics = OQZ_ARENA_NEW_N(j->arena, struct oqz_metric_result, n_metrics + 1);
	if (!of_f || !of_q || !images || !metrics)
		return oqz_err_nomem(err, "metrics", n);
	for (size_t i = 0; i < n; i++)
		if (f->has[i] && q->has[i]) {
			images[k] = j->test.items.items.v[i].image;
			of_f[k] = f->records[i];
			of_q[k++] = q->records[i];
		}
	c->images = (int64_t)k;
	if (k == 0)
		OQZ_FAIL(err, OQZ_E_DATA, "no image could be evaluated; the first one: %s",
		         q->first_failure ? q->first_failure : "no reason known");
	OQZ_TRY(oqz_paired_metrics(j->test.instance, of_f, of_q, images, k, true, c_arena, metrics, err));
	for (size_t i = 0; i < n_metrics; i++)
		if (!oqz_vec_push(&c->metrics, metrics[i]))
			return oqz_err_nomem(err, "metrics", 1);
	return OQZ_OK;
}

/* ------------------------------------------------------------------------------------------------ layers */

/* Packs one column of the per-image sums (images that have a row) and reduces it. */
static void reduce(const struct rows *q, const struct oqz_error_sums *base, size_t stride, size_t column,
                   const unsigned char *has, struct oqz_error_sums *scratch, struct oqz_layer_error *ret)
{
	size_t n = 0;

	for (size_t i = 0; i < q->n_items; i++)
		if (q->has[i] && has[i])
			scratch[n++] = base[i * stride + column];
	oqz_layer_error(scratch, n, 1, ret);
}

struct figures {
	double sum, max, mean_sum, mean_max;
	int64_t n, undefined;
};

/* AQE leaves layers without a finite error out (and counts them); MQE reports them. */
static void add_figure(struct figures *f, const struct oqz_layer_error *e)
{
	if (!isfinite(e->pooled)) {
		f->undefined++;
	} else {
		f->sum += e->pooled;
		f->mean_sum += e->mean;
		f->n++;
	}
	f->max = e->pooled > f->max || isnan(e->pooled) ? e->pooled : f->max;
	f->mean_max = e->mean > f->mean_max ? e->mean : f->mean_max;
}

static enum oqz_status cell_layers(struct oqz_job *j, const struct oqz_scheme *s, const struct rows *q,
                                   struct oqz_cell_result *c, struct oqz_err *err)
{
	OQZ_CLEANUP_FREE struct oqz_error_sums *scratch = calloc(q->n_items + 1, sizeof *scratch);
	struct figures layers = { 0 }, outputs = { 0 };

	if (!scratch)
		return oqz_err_nomem(err, "layers", q->n_items);
	for (size_t k = 0; k < s->n_layers; k++) {
		struct oqz_layer_result r = { 0 };
		OQZ_TRY(oqz_layer_facts(j, s, k, &r, err));
		reduce(q, q->sums, q->n_sums, k, q->has, scratch, &r.cumulative);
		reduce(q, q->local, q->n_layers, k, q->has_local, scratch, &r.local);
		r.has_local = r.local.images > 0 && r.local.nonfinite < r.local.images;
		add_figure(&layers, &r.cumulative);
		if (!oqz_vec_push(&c->layers, r))
			return oqz_err_nomem(err, "layers", 1);
	}
	for (size_t k = 0; k < j->n_watch; k++) {
		struct oqz_layer_error e;
		reduce(q, q->sums, q->n_sums, s->n_layers + k, q->has, scratch, &e);
		add_figure(&outputs, &e);
	}
	c->aqe = layers.n ? layers.sum / (double)layers.n : layers.undefined ? NAN : 0;
	c->mean_aqe = layers.n ? layers.mean_sum / (double)layers.n : layers.undefined ? NAN : 0;
	c->mqe = layers.max;
	c->mean_mqe = layers.mean_max;
	c->oqe = outputs.max;
	c->mean_oqe = outputs.mean_max;
	c->undefined = layers.undefined;
	return OQZ_OK;
}

/* ------------------------------------------------------------------------------------------------ cells */

static enum oqz_status float_result(struct oqz_job *j, const struct rows *f, struct oqz_results *r, struct oqz_err *err)
{
	size_t n_metrics, n = 0;
	const struct oqz_metric *rows = oqz_task_metrics(j->test.instance, &n_metrics);
	struct oqz_record *records = OQZ_ARENA_NEW_N(j->arena, struct oqz_record, j->test.n + 1);
	double *values = OQZ_ARENA_NEW_N(r->arena, double, n_metrics + 1);
	struct oqz_metric *copy = OQZ_ARENA_NEW_N(r->arena, struct oqz_metric, n_metrics + 1);

	if (!records || !values || !copy)
		return oqz_err_nomem(err, "metrics", j->test.n);
	for (size_t i = 0; i < j->test.n; i++)
		if (f->has[i])
			records[n++] = f->records[i];
	if (n == 0)
		OQZ_FAIL(err, OQZ_E_DATA, "no image could be evaluated; the first one: %s",
		         f->first_failure ? f->first_failure : "no reason known");
	OQZ_TRY(oqz_task_finish_beside(j->test.instance, records, records, n, values, err));
	for (size_t i = 0; i < n_metrics; i++) {
		copy[i] = rows[i];
		copy[i].name = oqz_arena_strdup(r->arena, rows[i].name);
		copy[i].help = NULL;
	}
	struct oqz_float_result fr = { .model = oqz_arena_strdup(r->arena, j->spec->model->id),
		                       .task = oqz_arena_strdup(r->arena, j->spec->model->task->name),
		                       .images = f->images,
		                       .failed_images = f->failed,
		                       .n_metrics = n_metrics,
		                       .metrics = copy,
		                       .values = values };
	OQZ_TRY(oqz_provenance_fill(j, NULL, r->arena, &fr.provenance, err));
	return oqz_vec_push(&r->floats, fr) ? OQZ_OK : oqz_err_nomem(err, "results", sizeof fr);
}

/* The first watched value's error orders images that lose the same; without one, all are alike. */
static void find_worst(struct oqz_job *j, const struct rows *f, const struct rows *q, struct oqz_worst *worst)
{
	for (size_t i = 0; i < q->n_items; i++) {
		if (!f->has[i] || !q->has[i])
			continue;
		const struct oqz_error_sums *e = &q->sums[i * q->n_sums + q->n_layers];
		double error = q->n_sums > q->n_layers && e->err2 > 0 ? sqrt(e->err2 / e->ref2) : 0;
		oqz_worst_consider(worst, j->test.instance, i, &f->records[i], &q->records[i], error);
	}
}

static enum oqz_status one_cell(struct oqz_job *j, const struct oqz_scheme *s, const struct rows *f,
                                struct oqz_results *results, struct oqz_cell_result *c, struct oqz_worst *worst,
                                struct oqz_err *err)
{
	struct rows q = { 0 };
	enum oqz_status st = read_cell(j, s->cell, s->n_layers, true, NULL, &q, err);

	c->failed_images = (int64_t)j->test.n;
	if (st == OQZ_OK)
		st = cell_metrics(j, f, &q, results->arena, c, err);
	if (st == OQZ_OK) {
		c->failed_images = (int64_t)j->test.n - c->images;
		st = cell_layers(j, s, &q, c, err);
	}
	if (st == OQZ_OK)
		find_worst(j, f, &q, worst);
	rows_release(&q);
	return st;
}

struct contents {
	struct oqz_sha256 hash;
	size_t n;
};

static void add_source(void *ctx, int64_t item, enum oqz_status status, const char *source)
{
	struct contents *c = ctx;

	(void)status;
	if (item >= 0 && (size_t)item < c->n)
		oqz_source_hash(source, &c->hash);
}

/* What the results say of the data: the list of items, and the bytes that each was made from. */
static enum oqz_status hash_contents(struct oqz_job *j, struct oqz_err *err)
{
	struct contents c = { .n = j->test.n };

	oqz_sha256_init(&c.hash);
	oqz_sha256_add(&c.hash, j->test.sha256, sizeof j->test.sha256);
	enum oqz_status st = oqz_ledger_sources(j->ledger, j->float_cell, add_source, &c, err);
	oqz_sha256_hex(&c.hash, j->test.contents);
	return st;
}

/* Statistics of large data sets take minutes; so many schemes have theirs. */
static void report_progress(const struct oqz_job *j, size_t done)
{
	const struct oqz_progress p = { .phase = OQZ_PHASE_CONCLUDE,
		                        .done = (int64_t)done,
		                        .total = (int64_t)j->n_schemes };

	if (j->progress)
		j->progress(j->progress_ctx, &p);
}

enum oqz_status oqz_job_conclude(struct oqz_job *j, struct oqz_results *r, struct oqz_err *err)
{
	OQZ_CLEANUP_FREE struct oqz_worst *worst = calloc(j->n_schemes + 1, sizeof *worst);
	struct rows f = { 0 };

	if (!worst)
		return oqz_err_nomem(err, "results", j->n_schemes);
	enum oqz_status st = read_cell(j, j->float_cell, 0, false, r, &f, err);
	if (st == OQZ_OK)
		st = hash_contents(j, err);
	if (st == OQZ_OK)
		st = float_result(j, &f, r, err);
	for (size_t i = 0; i < j->n_schemes && st == OQZ_OK; i++) {
		struct oqz_scheme *s = &j->schemes[i];
		struct oqz_err why = { .code = s->status };
		report_progress(j, i);
		if (s->status == OQZ_OK && (st = oqz_facts_load(j, s, err)) != OQZ_OK)
			break;
		struct oqz_cell_result *c;
		st = oqz_cell_begin(j->manifest, j->spec, s->spec, r, &c, err);
		if (st != OQZ_OK)
			break;
		if (s->status != OQZ_OK)
			snprintf(why.msg, sizeof why.msg, "%s", s->message);
		else if (one_cell(j, s, &f, r, c, &worst[i], &why) == OQZ_OK)
			c->status = OQZ_CELL_OK;
		if (c->status != OQZ_CELL_OK) {
			c->code = oqz_status_name(why.code);
			c->message = oqz_arena_strdup(r->arena, why.msg);
		}
		st = oqz_cell_provenance(j, s, r, c, err);
	}
	rows_release(&f);
	if (st == OQZ_OK)
		oqz_job_samples(j, worst, r);
	return st;
}
