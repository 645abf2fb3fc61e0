/* SPDX-License-Identifier: Apache-2.0
 *
 * See compare_runs.h. Records are the task's own, so its plugin computes the metrics, on an instance that is opened as
 * the run opened it (run A's note of it in the ledger, else run B's). Images are paired by their names.
 */
#include "core/run/compare_runs.h"
#include "core/base/file.h"
#include "core/base/map.h"
#include "core/base/params.h"
#include "core/run/digests.h"
#include "core/run/paired.h"
#include "core/run/runner.h"

#include <math.h>
#include <string.h>

struct run {
	const char *dir;
	struct oqz_results *results;
	struct oqz_ledger *ledger;
};

/* A model's task, opened for both runs. */
struct opened {
	struct oqz_plugin_host host;
	struct oqz_module *module;
	struct oqz_params *params, *dataset;
	struct oqz_task_instance *task;
	struct oqz_item_list items;
	struct oqz_map tags; /* item id -> item */
};

struct comparing {
	struct run a, b;
	bool same_data;
	const struct oqz_registry *reg;
	struct oqz_comparison *c;
};

/* ------------------------------------------------------------------------------------------------ reading */

static void run_close(struct run *r)
{
	struct oqz_err ignored = { 0 };

	oqz_results_free(r->results);
	oqz_ledger_close(r->ledger, &ignored);
}

static enum oqz_status run_open(struct oqz_arena *arena, const char *dir, struct run *r, struct oqz_err *err)
{
	r->dir = dir;
	OQZ_TRY(oqz_run_restore(dir, &r->results, err));
	return oqz_ledger_open(oqz_path_join(arena, dir, "ledger.db"), true, &r->ledger, err);
}

static void opened_close(struct opened *o)
{
	oqz_task_close(o->task);
	oqz_item_list_release(&o->items);
	oqz_map_release(&o->tags);
	oqz_params_free(o->dataset);
	oqz_params_free(o->params);
	oqz_module_close(o->module);
}

/* "classification:k=1:5,..." and the data set's parameters on the next line, as evaluate.c notes them. */
static enum oqz_status open_noted(const struct oqz_registry *reg, char *note, struct opened *o, struct oqz_err *err)
{
	char *dataset = strchr(note, '\n'), *params = strchr(note, ':');

	if (!dataset || !params || params > dataset)
		OQZ_FAIL(err, OQZ_E_DATA, "the ledger's note of the data set is damaged");
	*dataset++ = 0;
	*params++ = 0;
	OQZ_TRY(oqz_registry_load(reg, OQZ_KIND_TASK, note, &o->module, err));
	OQZ_TRY(oqz_params_parse(o->module->desc.base.params, params, "task", &o->params, err));
	OQZ_TRY(oqz_params_parse(o->module->desc.task.dataset_params, dataset, "data set", &o->dataset, err));
	OQZ_TRY(oqz_task_open(o->module, &o->host, o->params, o->dataset, &o->task, err));
	OQZ_TRY(oqz_task_items(o->task, &o->items, err));
	for (size_t i = 0; i < o->items.items.n; i++)
		if (!oqz_map_set(&o->tags, o->items.items.v[i].id, &o->items.items.v[i]))
			return oqz_err_nomem(err, "items", o->items.items.n);
	return OQZ_OK;
}

/* Fails with the reason when neither run's note leads to a task that works. */
static enum oqz_status open_task(struct comparing *x, const char *key_a, const char *key_b, struct opened *o,
                                 struct oqz_err *err)
{
	const struct run *runs[] = { &x->a, &x->b };
	const char *keys[] = { key_a, key_b };
	enum oqz_status st = OQZ_E_NOENT;

	oqz_err_set(err, st, "the ledgers do not say how the data set was opened");
	for (int i = 0; i < 2 && st != OQZ_OK; i++) {
		OQZ_CLEANUP_FREE char *note = NULL;
		size_t size;
		opened_close(o);
		memset(o, 0, sizeof *o);
		oqz_plugin_host_init(&o->host, NULL, NULL);
		if (!keys[i])
			continue;
		OQZ_TRY(oqz_ledger_get_blob(runs[i]->ledger, oqz_arena_printf(x->c->arena, "data.%s", keys[i]), &note,
		                            &size, err));
		if (note)
			st = open_noted(x->reg, note, o, err);
	}
	return st;
}

/* A record and its image. */
struct named {
	const char *id;
	const char *image;  /* its file */
	const char *source; /* digest of the image, and of what else the record was made from */
	struct oqz_record record;
};

/* The records of one cell by image. */
struct records {
	struct oqz_arena *arena;
	const struct opened *task;
	OQZ_VEC(struct named) v;
};

static enum oqz_status take_row(void *ctx, const struct oqz_ledger_row *row, struct oqz_err *err)
{
	struct records *r = ctx;
	const struct oqz_item *item = row->status == OQZ_OK ? oqz_map_get(&r->task->tags, row->item_id) : NULL;

	if (!item)
		return OQZ_OK; /* failed, or gone from the data set: no pair */
	struct named n = { .id = item->id,
		           .image = item->image,
		           .source = oqz_arena_strdup(r->arena, row->source ? row->source : ""),
		           .record = { .data = oqz_arena_dup(r->arena, row->record, row->record_size),
		                       .size = row->record_size,
		                       .tag = item->tag } };
	return n.record.data && n.source && oqz_vec_push(&r->v, n) ? OQZ_OK
	                                                           : oqz_err_nomem(err, "records", row->record_size);
}

static enum oqz_status read_records(const struct run *run, const char *key, struct records *r, struct oqz_err *err)
{
	int64_t cell;

	OQZ_TRY(oqz_ledger_cell(run->ledger, key, "", "", &cell, err));
	return oqz_ledger_each(run->ledger, cell, take_row, r, err);
}

/* ------------------------------------------------------------------------------------------------ one cell */

/* What one run says of a cell, or of the float model. */
struct view {
	const struct oqz_provenance *p;
	enum oqz_cell_status status;
	const char *message;
	const struct oqz_cell_result *cell;    /* either */
	const struct oqz_float_result *floats; /* or */
};

static bool same(const char *a, const char *b) { return a && b ? strcmp(a, b) == 0 : a == b; }

/* Everything that is written down about two cells and may differ between them. */
static const char *notes(struct oqz_arena *arena, const struct oqz_provenance *a, const struct oqz_provenance *b)
{
	const struct {
		const char *what, *a, *b;
	} facts[] = {
		{ "model", a->model_sha256, b->model_sha256 },
		{ "scheme", a->scheme, b->scheme },
		{ "plan", a->plan_sha256, b->plan_sha256 },
		{ "scheme plugin", a->scheme_plugin, b->scheme_plugin },
		{ "task plugin", a->task_plugin, b->task_plugin },
		{ "data", a->dataset_sha256, b->dataset_sha256 },
		{ "engine", a->engine, b->engine },
		{ "library", a->library, b->library },
	};
	struct oqz_str s = { 0 };

	for (size_t i = 0; i < OQZ_COUNTOF(facts); i++)
		if (!same(facts[i].a, facts[i].b))
			oqz_str_addf(&s, "%s%s", s.len ? ", " : "", facts[i].what);
	const char *text = oqz_str_ok(&s) ? oqz_arena_strdup(arena, oqz_str_get(&s)) : NULL;
	oqz_str_release(&s);
	return text;
}

/* Why two cells do not measure the same; NULL: they do. */
static const char *refusal(const struct comparing *x, const struct view *a, const struct view *b)
{
	struct oqz_arena *arena = x->c->arena;

	if (a->status != OQZ_CELL_OK || b->status != OQZ_CELL_OK)
		return oqz_arena_printf(arena, "failed in %s: %s",
		                        a->status != OQZ_CELL_OK ? (b->status != OQZ_CELL_OK ? "both" : "A") : "B",
		                        (a->status != OQZ_CELL_OK ? a : b)->message
		                            ? (a->status != OQZ_CELL_OK ? a : b)->message
		                            : "no reason known");
	if (!same(a->p->task, b->p->task))
		return oqz_arena_printf(arena, "the tasks differ: %s against %s", a->p->task ? a->p->task : "none",
		                        b->p->task ? b->p->task : "none");
	if (!same(a->p->list_sha256, b->p->list_sha256) && !x->same_data)
		return "the test data or their preparation differ (--same-data pairs the images all the same)";
	return NULL;
}

/* Whether two records were made from the same bytes; where those lie does not count. */
static bool same_source(const struct named *a, const struct named *b)
{
	struct oqz_sha256 x, y;
	char of_a[65], of_b[65];

	oqz_sha256_init(&x);
	oqz_source_hash(a->source, &x);
	oqz_sha256_hex(&x, of_a);
	oqz_sha256_init(&y);
	oqz_source_hash(b->source, &y);
	oqz_sha256_hex(&y, of_b);
	return strcmp(of_a, of_b) == 0;
}

static enum oqz_status pair_records(const struct comparing *c, const struct opened *task, struct records *a,
                                    struct records *b, struct oqz_compare_row *row, struct oqz_err *err)
{
	struct oqz_arena *arena = c->c->arena;
	struct oqz_map in_b = { 0 };
	struct oqz_record *x = OQZ_ARENA_NEW_N(arena, struct oqz_record, a->v.n + 1);
	struct oqz_record *y = OQZ_ARENA_NEW_N(arena, struct oqz_record, a->v.n + 1);
	const char **images = OQZ_ARENA_NEW_N(arena, const char *, a->v.n + 1);
	size_t n = 0, n_metrics;

	oqz_task_metrics(task->task, &n_metrics);
	row->metrics = OQZ_ARENA_NEW_N(arena, struct oqz_metric_result, n_metrics + 1);
	for (size_t i = 0; i < b->v.n; i++)
		if (!oqz_map_set(&in_b, b->v.v[i].id, &b->v.v[i]))
			x = NULL;
	for (size_t i = 0; x && y && images && i < a->v.n; i++) {
		const struct named *other = oqz_map_get(&in_b, a->v.v[i].id);
		if (!other || (!c->same_data && !same_source(&a->v.v[i], other)))
			continue;
		images[n] = a->v.v[i].image;
		x[n] = a->v.v[i].record;
		y[n++] = other->record;
	}
	oqz_map_release(&in_b);
	if (!x || !y || !images || !row->metrics)
		return oqz_err_nomem(err, "records", a->v.n);
	row->images = (int64_t)n;
	if (n == 0) {
		row->state = OQZ_COMPARE_REFUSED;
		row->why = "no image was measured in both (--same-data pairs them by name alone)";
		return OQZ_OK;
	}
	row->n_metrics = n_metrics;
	return oqz_paired_metrics(task->task, x, y, images, n, false, arena, row->metrics, err);
}

/* The figures that both runs printed, side by side. */
static enum oqz_status put_figures(const struct view *a, const struct view *b, struct oqz_compare_row *row,
                                   struct oqz_arena *arena, struct oqz_err *err)
{
	size_t n = a->cell ? a->cell->metrics.n : a->floats->n_metrics;

	row->metrics = OQZ_ARENA_NEW_N(arena, struct oqz_metric_result, n + 1);
	if (!row->metrics)
		return oqz_err_nomem(err, "metrics", n);
	if ((b->cell ? b->cell->metrics.n : b->floats->n_metrics) != n)
		return OQZ_OK; /* another version of the task: nothing to put side by side */
	for (size_t i = 0; i < n; i++) {
		struct oqz_metric_result *m = &row->metrics[row->n_metrics];
		const char *name = a->cell ? a->cell->metrics.v[i].name : a->floats->metrics[i].name;
		*m = (struct oqz_metric_result) { .lost = -1, .gained = -1 };
		if (a->cell) {
			*m = a->cell->metrics.v[i];
			m->value_float = m->value_quantized;
			m->value_quantized = b->cell->metrics.v[i].value_quantized;
		} else {
			m->unit = a->floats->metrics[i].unit;
			m->higher_is_better = a->floats->metrics[i].higher_is_better;
			m->value_float = a->floats->values[i];
			m->value_quantized = b->floats->values[i];
		}
		m->delta = m->value_quantized - m->value_float;
		m->ci_lo = m->ci_hi = m->p = m->p_mid = m->p_holm = m->detectable = NAN;
		m->lost = m->gained = -1;
		m->name = oqz_arena_strdup(arena, name);
		if (!m->name)
			return oqz_err_nomem(err, "metrics", 1);
		row->n_metrics++;
	}
	return OQZ_OK;
}

static enum oqz_status measure(struct comparing *x, const struct opened *task, const struct view *a,
                               const struct view *b, struct oqz_compare_row *row, struct oqz_err *err)
{
	struct records of_a = { .arena = x->c->arena, .task = task }, of_b = of_a;
	enum oqz_status st = read_records(&x->a, a->p->cell, &of_a, err);

	if (st == OQZ_OK)
		st = read_records(&x->b, b->p->cell, &of_b, err);
	if (st == OQZ_OK)
		st = pair_records(x, task, &of_a, &of_b, row, err);
	oqz_vec_release(&of_a.v);
	oqz_vec_release(&of_b.v);
	return st;
}

/* `task` NULL: it could not be opened, and `why` says so. */
static enum oqz_status add_pair(struct comparing *x, const char *model, const char *scheme, const struct opened *task,
                                const char *why, const struct view *a, const struct view *b, struct oqz_err *err)
{
	struct oqz_arena *arena = x->c->arena;
	struct oqz_compare_row row = { .aqe = { NAN, NAN }, .mqe = { NAN, NAN }, .oqe = { NAN, NAN } };

	row.model = oqz_arena_strdup(arena, model);
	row.scheme = oqz_arena_strdup(arena, scheme);
	row.notes = notes(arena, a->p, b->p);
	if (!row.model || !row.scheme || !row.notes)
		return oqz_err_nomem(err, "a comparison", 1);
	if (a->cell && b->cell && a->status == OQZ_CELL_OK && b->status == OQZ_CELL_OK) {
		const struct oqz_cell_result *cells[] = { a->cell, b->cell };
		for (int i = 0; i < 2; i++) {
			row.aqe[i] = cells[i]->aqe;
			row.mqe[i] = cells[i]->mqe;
			row.oqe[i] = cells[i]->oqe;
		}
	}
	row.why = refusal(x, a, b);
	if (row.why) {
		row.state = OQZ_COMPARE_REFUSED;
	} else if (!task || !a->p->cell || !b->p->cell) {
		row.state = OQZ_COMPARE_UNPAIRED;
		row.why = why ? why : "a run of an older oqz, which did not say which rows are its own";
		row.images = a->cell ? a->cell->images : a->floats->images;
		OQZ_TRY(put_figures(a, b, &row, arena, err));
	} else {
		OQZ_TRY(measure(x, task, a, b, &row, err));
	}
	return oqz_vec_push(&x->c->rows, row) ? OQZ_OK : oqz_err_nomem(err, "a comparison", sizeof row);
}

static enum oqz_status add_lone(struct comparing *x, const char *model, const char *scheme,
                                enum oqz_compare_state state, struct oqz_err *err)
{
	struct oqz_compare_row row = {
		.state = state, .notes = "", .aqe = { NAN, NAN }, .mqe = { NAN, NAN }, .oqe = { NAN, NAN }
	};

	row.model = oqz_arena_strdup(x->c->arena, model);
	row.scheme = oqz_arena_strdup(x->c->arena, scheme);
	if (!row.model || !row.scheme || !oqz_vec_push(&x->c->rows, row))
		return oqz_err_nomem(err, "a comparison", sizeof row);
	return OQZ_OK;
}

/* ------------------------------------------------------------------------------------------------ models */

static const struct oqz_float_result *find_float(const struct oqz_results *r, const char *model)
{
	for (size_t i = 0; i < r->floats.n; i++)
		if (strcmp(r->floats.v[i].model, model) == 0)
			return &r->floats.v[i];
	return NULL;
}

static const struct oqz_cell_result *find_cell(const struct oqz_results *r, const char *model, const char *scheme)
{
	for (size_t i = 0; i < r->cells.n; i++)
		if (strcmp(r->cells.v[i]->model, model) == 0 && strcmp(r->cells.v[i]->scheme, scheme) == 0)
			return r->cells.v[i];
	return NULL;
}

static struct view view_of_cell(const struct oqz_cell_result *c)
{
	return (struct view) { .p = &c->provenance, .status = c->status, .message = c->message, .cell = c };
}

static struct view view_of_float(const struct oqz_float_result *f)
{
	return (struct view) { .p = &f->provenance, .status = OQZ_CELL_OK, .floats = f };
}

/* Rows of a model that both runs have, its task opened once. */
static enum oqz_status compare_model(struct comparing *x, const char *model, const struct oqz_float_result *fa,
                                     const struct oqz_float_result *fb, struct oqz_err *err)
{
	OQZ_CLEANUP(opened_close) struct opened o = { 0 };
	struct oqz_err why = { 0 };
	const struct opened *task = NULL;
	const char *reason = NULL;

	if (fa && fb && open_task(x, fa->provenance.cell, fb->provenance.cell, &o, &why) == OQZ_OK)
		task = &o;
	else
		reason = oqz_arena_strdup(x->c->arena, why.msg);
	if (fa && fb) {
		struct view a = view_of_float(fa), b = view_of_float(fb);
		OQZ_TRY(add_pair(x, model, "", task, reason, &a, &b, err));
	}
	for (size_t i = 0; i < x->a.results->cells.n; i++) {
		const struct oqz_cell_result *ca = x->a.results->cells.v[i];
		if (strcmp(ca->model, model) != 0)
			continue;
		const struct oqz_cell_result *cb = find_cell(x->b.results, model, ca->scheme);
		if (cb) {
			struct view a = view_of_cell(ca), b = view_of_cell(cb);
			OQZ_TRY(add_pair(x, model, ca->scheme, task, reason, &a, &b, err));
		} else {
			OQZ_TRY(add_lone(x, model, ca->scheme, OQZ_COMPARE_ONLY_A, err));
		}
	}
	return OQZ_OK;
}

static bool seen(const struct oqz_comparison *c, const char *model)
{
	for (size_t i = 0; i < c->rows.n; i++)
		if (strcmp(c->rows.v[i].model, model) == 0)
			return true;
	return false;
}

static enum oqz_status compare_all(struct comparing *x, struct oqz_err *err)
{
	const struct oqz_results *a = x->a.results, *b = x->b.results;

	for (size_t i = 0; i < a->floats.n + a->cells.n; i++) {
		const char *model = i < a->floats.n ? a->floats.v[i].model : a->cells.v[i - a->floats.n]->model;
		if (seen(x->c, model))
			continue;
		const struct oqz_float_result *fa = find_float(a, model), *fb = find_float(b, model);
		if (fa && !fb)
			OQZ_TRY(add_lone(x, model, "", OQZ_COMPARE_ONLY_A, err));
		OQZ_TRY(compare_model(x, model, fa, fb, err));
	}
	for (size_t i = 0; i < b->floats.n; i++)
		if (!find_float(a, b->floats.v[i].model))
			OQZ_TRY(add_lone(x, b->floats.v[i].model, "", OQZ_COMPARE_ONLY_B, err));
	for (size_t i = 0; i < b->cells.n; i++)
		if (!find_cell(a, b->cells.v[i]->model, b->cells.v[i]->scheme))
			OQZ_TRY(add_lone(x, b->cells.v[i]->model, b->cells.v[i]->scheme, OQZ_COMPARE_ONLY_B, err));
	return oqz_comparison_judge(x->c, err);
}

enum oqz_status oqz_compare_runs(const char *a, const char *b, bool same_data, double alpha,
                                 const struct oqz_registry *reg, struct oqz_comparison **ret, struct oqz_err *err)
{
	OQZ_CLEANUP(oqz_comparison_free_cleanup) struct oqz_comparison *c = oqz_comparison_new();
	struct comparing x = { .same_data = same_data, .reg = reg, .c = c };

	if (!c)
		return oqz_err_nomem(err, "a comparison", sizeof *c);
	c->alpha = alpha;
	enum oqz_status st = run_open(c->arena, a, &x.a, err);
	if (st == OQZ_OK)
		st = run_open(c->arena, b, &x.b, err);
	if (st == OQZ_OK) {
		c->a = oqz_arena_strdup(c->arena, a);
		c->b = oqz_arena_strdup(c->arena, b);
		c->version_a = oqz_arena_strdup(c->arena, x.a.results->version ? x.a.results->version : "?");
		c->version_b = oqz_arena_strdup(c->arena, x.b.results->version ? x.b.results->version : "?");
		st = c->a && c->b && c->version_a && c->version_b ? compare_all(&x, err)
		                                                  : oqz_err_nomem(err, "a comparison", 1);
	}
	run_close(&x.a);
	run_close(&x.b);
	OQZ_TRY(st);
	*ret = oqz_steal(c);
	return OQZ_OK;
}
