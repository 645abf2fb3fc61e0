/* SPDX-License-Identifier: Apache-2.0
 *
 * Calls of a task plugin, each with its sink behind it. Sinks are plain structs on this side and void pointers on the
 * plugin's; every callback checks what it is handed, so that a wrong plugin gives an error with its name and not a
 * wrong figure.
 */
#include "plugins/task_instance.h"
#include "core/base/arena.h"
#include "core/base/map.h"

#include <math.h>
#include <string.h>

struct oqz_task_instance {
	const struct oqz_task *task;
	const char *name;
	struct oqz_task_host host;
	void *self;
	const struct oqz_metric *metrics;
	size_t n_metrics;
};

enum { MAX_RECORD = 1 << 30 };

/* -------------------------------------------------------------------------------------------------- sinks */

struct item_sink {
	struct oqz_item_list *list;
	struct oqz_map ids;
	bool has_boxes; /* the plugin's struct oqz_item ends behind `box` (API 1.1) */
};

static enum oqz_status add_item(void *sink, const struct oqz_item *item, struct oqz_failure *f)
{
	struct item_sink *s = sink;
	struct oqz_err *err = f ? f->err : NULL;

	if (!item || !item->id || !*item->id || !item->image)
		OQZ_FAIL(err, OQZ_E_PLUGIN, "an item without id or image");
	if (oqz_map_has(&s->ids, item->id))
		OQZ_FAIL(err, OQZ_E_DATA, "the item '%s' comes twice", item->id);
	struct oqz_item copy = { .id = oqz_arena_strdup(s->list->arena, item->id),
		                 .image = oqz_arena_strdup(s->list->arena, item->image),
		                 .tag = item->tag,
		                 .has_box = s->has_boxes && item->has_box };
	if (copy.has_box)
		memcpy(copy.box, item->box, sizeof copy.box);
	for (int i = 0; copy.has_box && i < 4; i++)
		if (!isfinite(copy.box[i]))
			OQZ_FAIL(err, OQZ_E_DATA, "the box of the item '%s' has a coordinate that is not finite",
			         item->id);
	if (!copy.id || !copy.image || !oqz_vec_push(&s->list->items, copy) || !oqz_map_set(&s->ids, copy.id, &s->ids))
		return oqz_err_nomem(err, "the list of items", sizeof copy);
	return OQZ_OK;
}

static enum oqz_status add_record(void *sink, const void *data, size_t size, struct oqz_failure *f)
{
	struct oqz_str *record = sink;
	struct oqz_err *err = f ? f->err : NULL;

	if (size > MAX_RECORD || record->len > MAX_RECORD)
		OQZ_FAIL(err, OQZ_E_LIMIT, "a record of more than %d bytes", MAX_RECORD);
	oqz_str_addn(record, data, size);
	return oqz_str_ok(record) ? OQZ_OK : oqz_err_nomem(err, "a record", size);
}

struct metric_sink {
	const struct oqz_metric *table;
	double *values;
	size_t n;
	bool *set;
};

static enum oqz_status set_metric(void *sink, const char *name, double value, struct oqz_failure *f)
{
	struct metric_sink *s = sink;
	struct oqz_err *err = f ? f->err : NULL;

	for (size_t i = 0; i < s->n; i++) {
		const struct oqz_metric *m = &s->table[i];
		if (strcmp(m->name, name) != 0)
			continue;
		if (s->set[i])
			OQZ_FAIL(err, OQZ_E_PLUGIN, "metric '%s' is set twice", name);
		if (isnan(value))
			OQZ_FAIL(err, OQZ_E_PLUGIN, "metric '%s' is not a number", name);
		if ((m->min != 0 || m->max != 0) && !(value >= m->min && value <= m->max))
			OQZ_FAIL(err, OQZ_E_PLUGIN, "metric '%s' is %g, outside of %g to %g", name, value, m->min,
			         m->max);
		s->set[i] = true;
		s->values[i] = value;
		return OQZ_OK;
	}
	OQZ_FAIL(err, OQZ_E_PLUGIN, "metric '%s' is not declared", name);
}

static enum oqz_status check_box(const double box[4], struct oqz_err *err)
{
	if (!isfinite(box[0]) || !isfinite(box[1]) || !isfinite(box[2]) || !isfinite(box[3]))
		OQZ_FAIL(err, OQZ_E_PLUGIN, "drew at a place that is not finite");
	return OQZ_OK;
}

static enum oqz_status draw_box(void *canvas, const double box[4], uint32_t colour, const char *label,
                                struct oqz_failure *f)
{
	struct oqz_canvas *c = canvas;
	struct oqz_err *err = f ? f->err : NULL;

	OQZ_TRY(check_box(box, err));
	return c->box(c, box, colour & 0xffffff, label ? label : "", err);
}

static enum oqz_status draw_path(void *canvas, const double (*points)[2], size_t n, uint32_t colour,
                                 struct oqz_failure *f)
{
	struct oqz_canvas *c = canvas;
	struct oqz_err *err = f ? f->err : NULL;

	if (n == 0)
		OQZ_FAIL(err, OQZ_E_PLUGIN, "drew a path without points");
	for (size_t i = 0; i < n; i++)
		if (!isfinite(points[i][0]) || !isfinite(points[i][1]))
			OQZ_FAIL(err, OQZ_E_PLUGIN, "drew at a place that is not finite");
	return c->path(c, points, n, colour & 0xffffff, err);
}

static enum oqz_status draw_picture(void *canvas, const struct oqz_picture *p, const double box[4],
                                    struct oqz_failure *f)
{
	struct oqz_canvas *c = canvas;
	struct oqz_err *err = f ? f->err : NULL;

	OQZ_TRY(check_box(box, err));
	if (!p->data || p->width < 1 || p->height < 1 || (p->channels != 3 && p->channels != 4))
		OQZ_FAIL(err, OQZ_E_PLUGIN, "drew a picture of %d x %d pixels and %d channels", p->width, p->height,
		         p->channels);
	return c->picture(c, p, box, err);
}

static enum oqz_status draw_view(void *canvas, const double box[4], struct oqz_failure *f)
{
	struct oqz_canvas *c = canvas;
	struct oqz_err *err = f ? f->err : NULL;

	OQZ_TRY(check_box(box, err));
	return c->view(c, box, err);
}

/* -------------------------------------------------------------------------------------------------- calls */

/* Runs `call` with a fresh failure record called `f` and completes the message. A failure of a sink that the plugin
 * swallowed cannot be seen here; what it leaves undone is (an unset metric, an empty record). */
#define CALL(t, err, callback, call)                                                   \
	do {                                                                           \
		struct oqz_err local_ = { 0 };                                         \
		struct oqz_failure f = { (err) ? (err) : &local_ };                    \
		f.err->msg[0] = 0;                                                     \
		enum oqz_status call_ = (call);                                        \
		if (call_ != OQZ_OK)                                                   \
			return oqz_plugin_failed((t)->name, (callback), call_, f.err); \
	} while (0)

static enum oqz_status task_open(struct oqz_task_instance *t, const struct oqz_params *params,
                                 const struct oqz_params *dataset, struct oqz_err *err)
{
	CALL(t, err, "open", t->task->open(&t->host, params, dataset, &t->self, &f));
	return OQZ_OK;
}

static enum oqz_status find_metrics(struct oqz_task_instance *t, struct oqz_err *err)
{
	t->metrics = t->task->instance_metrics ? t->task->instance_metrics(t->self) : NULL;
	if (t->metrics) {
		enum oqz_status st = oqz_metrics_check(t->metrics, err);
		if (st != OQZ_OK)
			return oqz_err_prefix(err, "%s", t->name);
	} else {
		t->metrics = t->task->metrics;
	}
	while (t->metrics[t->n_metrics].name)
		t->n_metrics++;
	return OQZ_OK;
}

enum oqz_status oqz_task_open(const struct oqz_module *m, const struct oqz_plugin_host *host,
                              const struct oqz_params *params, const struct oqz_params *dataset,
                              struct oqz_task_instance **ret, struct oqz_err *err)
{
	if (m->desc.base.kind != OQZ_KIND_TASK)
		OQZ_FAIL(err, OQZ_E_PLUGIN, "'%s' is a %s, not a task", m->desc.base.name,
		         oqz_plugin_kind_name(m->desc.base.kind));
	OQZ_CLEANUP_FREE struct oqz_task_instance *t = calloc(1, sizeof *t);
	if (!t)
		return oqz_err_nomem(err, "a task", sizeof *t);
	t->task = &m->desc.task;
	t->name = m->desc.base.name;
	t->host = (struct oqz_task_host) { .struct_size = sizeof t->host,
		                           .base = &host->table,
		                           .add_item = add_item,
		                           .add_record = add_record,
		                           .set_metric = set_metric,
		                           .draw_box = draw_box,
		                           .draw_path = draw_path,
		                           .draw_picture = draw_picture,
		                           .draw_view = draw_view };
	OQZ_TRY(task_open(t, params, dataset, err));
	struct oqz_task_instance *open = oqz_steal(t);
	enum oqz_status st = find_metrics(open, err);
	if (st == OQZ_OK)
		*ret = open;
	else
		oqz_task_close(open);
	return st;
}

void oqz_task_close(struct oqz_task_instance *t)
{
	if (!t)
		return;
	t->task->close(t->self);
	free(t);
}

static enum oqz_status call_items(struct oqz_task_instance *t, struct item_sink *sink, struct oqz_err *err)
{
	CALL(t, err, "items", t->task->items(t->self, sink, &f));
	return OQZ_OK;
}

enum oqz_status oqz_task_items(struct oqz_task_instance *t, struct oqz_item_list *ret, struct oqz_err *err)
{
	struct item_sink sink = { .list = ret, .has_boxes = t->task->base.api_minor >= 1 };

	ret->arena = oqz_arena_new();
	if (!ret->arena)
		return oqz_err_nomem(err, "the list of items", 0);
	enum oqz_status st = call_items(t, &sink, err);
	oqz_map_release(&sink.ids);
	if (st == OQZ_OK && ret->items.n == 0)
		st = oqz_err_set(err, OQZ_E_DATA, "%s: the data set is empty", t->name);
	return st;
}

void oqz_item_list_release(struct oqz_item_list *l)
{
	oqz_vec_release(&l->items);
	oqz_arena_free(l->arena);
	l->arena = NULL;
}

enum oqz_status oqz_task_score(struct oqz_task_instance *t, const struct oqz_item *item,
                               const struct oqz_output *outputs, size_t n_outputs, const struct oqz_geometry *geometry,
                               struct oqz_str *record, struct oqz_err *err)
{
	size_t before = record->len;

	CALL(t, err, "score", t->task->score(t->self, item, outputs, n_outputs, geometry, record, &f));
	if (record->failed)
		return oqz_err_nomem(err, "a record", record->len);
	if (record->len == before)
		OQZ_FAIL(err, OQZ_E_PLUGIN, "%s: score() gave no record for '%s'", t->name, item->id);
	return OQZ_OK;
}

static enum oqz_status call_finish(struct oqz_task_instance *t, const struct oqz_record *records,
                                   const struct oqz_record *reference, size_t n, struct metric_sink *sink,
                                   struct oqz_err *err)
{
	if (reference && t->task->finish_beside)
		CALL(t, err, "finish_beside", t->task->finish_beside(t->self, records, reference, n, sink, &f));
	else
		CALL(t, err, "finish", t->task->finish(t->self, records, n, sink, &f));
	return OQZ_OK;
}

enum oqz_status oqz_task_finish_beside(struct oqz_task_instance *t, const struct oqz_record *records,
                                       const struct oqz_record *reference, size_t n, double *values,
                                       struct oqz_err *err)
{
	OQZ_CLEANUP_FREE bool *set = calloc(t->n_metrics, sizeof *set);
	struct metric_sink sink = { .table = t->metrics, .values = values, .n = t->n_metrics, .set = set };

	if (!set)
		return oqz_err_nomem(err, "metrics", t->n_metrics);
	OQZ_TRY(call_finish(t, records, reference, n, &sink, err));
	for (size_t i = 0; i < sink.n; i++)
		if (!set[i])
			OQZ_FAIL(err, OQZ_E_PLUGIN, "%s: finish() did not set the metric '%s'", t->name,
			         sink.table[i].name);
	return OQZ_OK;
}

/* -------------------------------------------------------------------------------------------------- resampling */

struct oqz_resampler {
	struct oqz_task_instance *task;
	void *self;
};

static enum oqz_status call_resample_open(struct oqz_task_instance *t, const struct oqz_record *records,
                                          const struct oqz_record *reference, size_t n, void **ret, struct oqz_err *err)
{
	CALL(t, err, "resample_open", t->task->resample_open(t->self, records, reference, n, ret, &f));
	return OQZ_OK;
}

enum oqz_status oqz_resampler_open(struct oqz_task_instance *t, const struct oqz_record *records,
                                   const struct oqz_record *reference, size_t n, struct oqz_resampler **ret,
                                   struct oqz_err *err)
{
	*ret = NULL;
	if (!t->task->resample_open)
		return OQZ_OK;
	OQZ_CLEANUP_FREE struct oqz_resampler *r = calloc(1, sizeof *r);
	if (!r)
		return oqz_err_nomem(err, "a bootstrap", sizeof *r);
	r->task = t;
	OQZ_TRY(call_resample_open(t, records, reference, n, &r->self, err));
	*ret = oqz_steal(r);
	return OQZ_OK;
}

void oqz_resampler_close(struct oqz_resampler *r)
{
	if (r)
		r->task->task->resample_close(r->task->self, r->self);
	free(r);
}

static enum oqz_status call_resample(struct oqz_resampler *r, const uint32_t *times, struct metric_sink *sink,
                                     struct oqz_err *err)
{
	CALL(r->task, err, "resample", r->task->task->resample(r->task->self, r->self, times, sink, &f));
	return OQZ_OK;
}

enum oqz_status oqz_resampler_run(struct oqz_resampler *r, const uint32_t *times, double *values, struct oqz_err *err)
{
	const struct oqz_task_instance *t = r->task;
	OQZ_CLEANUP_FREE bool *set = calloc(t->n_metrics, sizeof *set);
	struct metric_sink sink = { .table = t->metrics, .values = values, .n = t->n_metrics, .set = set };

	if (!set)
		return oqz_err_nomem(err, "metrics", t->n_metrics);
	for (size_t i = 0; i < sink.n; i++)
		values[i] = NAN;
	OQZ_TRY(call_resample(r, times, &sink, err));
	for (size_t i = 0; i < sink.n; i++)
		if (!set[i] && sink.table[i].test == OQZ_TEST_BOOTSTRAP)
			OQZ_FAIL(err, OQZ_E_PLUGIN, "%s: resample() did not set the metric '%s'", t->name,
			         sink.table[i].name);
	return OQZ_OK;
}

const char *oqz_task_marks(const struct oqz_task_instance *t) { return t->task->marks ? t->task->marks : ""; }

enum oqz_status oqz_task_draw(struct oqz_task_instance *t, const struct oqz_item *item, const struct oqz_record *record,
                              const struct oqz_output *outputs, size_t n_outputs, const struct oqz_geometry *geometry,
                              struct oqz_canvas *canvas, struct oqz_err *err)
{
	if (!t->task->draw)
		return OQZ_OK;
	CALL(t, err, "draw", t->task->draw(t->self, item, record, outputs, n_outputs, geometry, canvas, &f));
	return OQZ_OK;
}

enum oqz_status oqz_task_finish(struct oqz_task_instance *t, const struct oqz_record *records, size_t n, double *values,
                                struct oqz_err *err)
{
	return oqz_task_finish_beside(t, records, NULL, n, values, err);
}

enum oqz_status oqz_task_explain(struct oqz_task_instance *t, const struct oqz_record *record, char *text, size_t size,
                                 struct oqz_err *err)
{
	if (size)
		text[0] = 0;
	if (!t->task->explain)
		return OQZ_OK;
	CALL(t, err, "explain", t->task->explain(t->self, record, text, size, &f));
	return OQZ_OK;
}

const struct oqz_metric *oqz_task_metrics(const struct oqz_task_instance *t, size_t *ret_n)
{
	*ret_n = t->n_metrics;
	return t->metrics;
}

/* -------------------------------------------------------------------------------------------------- judging */

static enum oqz_status set_figure(void *sink, const char *name, double value, struct oqz_failure *f)
{
	struct oqz_figures *s = sink;
	struct oqz_err *err = f ? f->err : NULL;

	if (!name || !*name)
		OQZ_FAIL(err, OQZ_E_PLUGIN, "a figure without a name");
	for (size_t i = 0; i < s->v.n; i++)
		if (strcmp(s->v.v[i].name, name) == 0)
			OQZ_FAIL(err, OQZ_E_PLUGIN, "the figure '%s' is set twice", name);
	struct oqz_figure figure = { oqz_arena_strdup(s->arena, name), value };
	if (!figure.name || !oqz_vec_push(&s->v, figure))
		return oqz_err_nomem(err, "figures", s->v.n);
	return OQZ_OK;
}

static bool has_row(const struct oqz_param *table, size_t n, const char *name)
{
	for (size_t i = 0; i < n; i++)
		if (strcmp(table[i].name, name) == 0)
			return true;
	return false;
}

static size_t count_rows(const struct oqz_param *table)
{
	size_t n = 0;

	while (table && table[n].name)
		n++;
	return n;
}

/* One table of the task's and the data set's parameters, so that one text can give both. Paths that a data set requires
 * may be absent: its files are not what is judged. */
static const struct oqz_param *both_tables(struct oqz_arena *a, const struct oqz_task *t)
{
	const struct oqz_param *from[] = { t->base.params, t->dataset_params };
	struct oqz_param *all = OQZ_ARENA_NEW_N(a, struct oqz_param, count_rows(from[0]) + count_rows(from[1]) + 1);
	size_t n = 0;

	for (size_t k = 0; all && k < 2; k++)
		for (size_t i = 0; from[k] && from[k][i].name; i++) {
			if (has_row(all, n, from[k][i].name))
				continue;
			all[n] = from[k][i];
			if (k == 1 && !all[n].dflt && all[n].type == OQZ_P_PATH)
				all[n].dflt = "";
			n++;
		}
	return all;
}

static enum oqz_status call_judge(const struct oqz_module *m, const struct oqz_task_host *host,
                                  const struct oqz_params *params, const char *annotations, const char *predictions,
                                  struct oqz_figures *ret, struct oqz_err *err)
{
	const struct oqz_task *t = &m->desc.task;

	CALL(&t->base, err, "judge", t->judge(host, params, params, annotations, predictions, ret, &f));
	if (ret->v.n == 0)
		OQZ_FAIL(err, OQZ_E_PLUGIN, "%s: judge() set no figure", t->base.name);
	return OQZ_OK;
}

enum oqz_status oqz_task_judge(const struct oqz_module *m, const struct oqz_plugin_host *host, const char *params,
                               const char *annotations, const char *predictions, struct oqz_figures *ret,
                               struct oqz_err *err)
{
	OQZ_CLEANUP(oqz_params_free_cleanup) struct oqz_params *p = NULL;
	const struct oqz_task *t = &m->desc.task;

	if (m->desc.base.kind != OQZ_KIND_TASK || !t->judge)
		OQZ_FAIL(err, OQZ_E_UNSUPPORTED, "'%s' cannot score predictions from files", m->desc.base.name);
	ret->arena = oqz_arena_new();
	const struct oqz_param *table = ret->arena ? both_tables(ret->arena, t) : NULL;
	if (!table)
		return oqz_err_nomem(err, "parameters", 1);
	OQZ_TRY(oqz_params_parse(table, params, "--task", &p, err));
	const struct oqz_task_host h = { .struct_size = sizeof h,
		                         .base = &host->table,
		                         .add_item = add_item,
		                         .add_record = add_record,
		                         .set_metric = set_figure };
	return call_judge(m, &h, p, annotations, predictions, ret, err);
}

void oqz_figures_release(struct oqz_figures *f)
{
	oqz_vec_release(&f->v);
	oqz_arena_free(f->arena);
	memset(f, 0, sizeof *f);
}
