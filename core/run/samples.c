/* SPDX-License-Identifier: Apache-2.0
 *
 * Records say how good an image's answer is, seldom what it looks like: the images chosen are walked through all lanes
 * once more, which is exact and costs four images. The ledger keeps the pictures, so that a second run runs nothing.
 */
#include "core/run/samples.h"
#include "core/base/hash.h"
#include "core/base/str.h"
#include "core/image/orient.h"
#include "core/run/canvas.h"
#include "core/run/cells.h"
#include "core/run/lanes.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

/* Raised when drawings change: kept pictures are made anew. */
#define DRAWING "4"

/* ---------------------------------------------------------------------------------------------------- choosing */

/* The primary metric of one record; NaN when the task cannot say. */
static double value_alone(struct oqz_task_instance *t, const struct oqz_record *r)
{
	struct oqz_err ignored = { 0 };
	double values[512];
	size_t n;

	oqz_task_metrics(t, &n);
	return n <= OQZ_COUNTOF(values) && oqz_task_finish(t, r, 1, values, &ignored) == OQZ_OK ? values[0] : NAN;
}

static bool worse(const struct oqz_loss *a, const struct oqz_loss *b)
{
	return a->loss != b->loss ? a->loss > b->loss : a->error != b->error ? a->error > b->error : a->item < b->item;
}

void oqz_worst_consider(struct oqz_worst *w, struct oqz_task_instance *task, size_t item,
                        const struct oqz_record *float_record, const struct oqz_record *quantized, double error)
{
	size_t n_metrics;
	bool higher = oqz_task_metrics(task, &n_metrics)[0].higher_is_better;
	double f = value_alone(task, float_record), q = value_alone(task, quantized);
	struct oqz_loss l = { item, higher ? f - q : q - f, isnan(error) ? INFINITY : error };

	if (!(l.loss > 0))
		return;
	size_t at = w->n;
	while (at && worse(&l, &w->v[at - 1]))
		at--;
	if (at == OQZ_SAMPLES)
		return;
	w->n += w->n < OQZ_SAMPLES;
	memmove(&w->v[at + 1], &w->v[at], (w->n - 1 - at) * sizeof l);
	w->v[at] = l;
}

/* The schemes in turn give their worst image that is not chosen yet. */
static size_t choose(const struct oqz_job *j, const struct oqz_worst *worst, size_t items[OQZ_SAMPLES])
{
	size_t n = 0;

	for (size_t rank = 0; rank < OQZ_SAMPLES; rank++)
		for (size_t s = 0; s < j->n_schemes && n < OQZ_SAMPLES; s++) {
			bool have = rank >= worst[s].n;
			for (size_t i = 0; i < n && !have; i++)
				have = items[i] == worst[s].v[rank].item;
			if (!have)
				items[n++] = worst[s].v[rank].item;
		}
	return n;
}

/* ---------------------------------------------------------------------------------------------------- making */

struct maker {
	struct oqz_job *j;
	struct oqz_results *r;
	size_t n_lanes;
	struct oqz_lane_spec *specs;
	const char **names;
	struct oqz_preparer *preparer;
	struct oqz_shape shape;
	struct oqz_lane_set *set;
	struct oqz_walker *walker;
	struct oqz_lane_errors *errors;
	struct oqz_error_sums unused;
	struct oqz_output *outputs;
	bool upright; /* preparation turns images as their EXIF data say */
};

static void maker_release(struct maker *m)
{
	oqz_walker_free(m->walker);
	oqz_lane_set_free(m->set);
	oqz_preparer_free(m->preparer);
	free(m->specs);
	free(m->names);
	free(m->errors);
	free(m->outputs);
}

static enum oqz_status maker_open(struct maker *m, struct oqz_err *err)
{
	struct oqz_job *j = m->j;
	struct oqz_str steps = { 0 };

	m->specs = calloc(j->n_schemes + 1, sizeof *m->specs);
	m->names = calloc(j->n_schemes + 1, sizeof *m->names);
	m->errors = calloc(j->n_schemes + 1, sizeof *m->errors);
	m->outputs = calloc(j->graph->outputs.n + 1, sizeof *m->outputs);
	m->preparer = oqz_preparer_new(j->test.prepare, NULL);
	if (!m->specs || !m->names || !m->errors || !m->outputs || !m->preparer)
		return oqz_err_nomem(err, "lanes", j->n_schemes);
	m->specs[0].graph = j->graph;
	m->names[0] = "float";
	m->n_lanes = 1;
	for (size_t i = 0; i < j->n_schemes; i++)
		if (j->schemes[i].status == OQZ_OK) {
			m->errors[m->n_lanes].sums = &m->unused;
			m->names[m->n_lanes] = j->schemes[i].spec->name;
			m->specs[m->n_lanes++].graph = j->schemes[i].graph;
		}
	oqz_prepare_canonical(j->test.prepare, &steps);
	m->upright = strstr(oqz_str_get(&steps), "orient(exif=true)") != NULL;
	bool ok = oqz_str_ok(&steps);
	oqz_str_release(&steps);
	return ok ? OQZ_OK : oqz_err_nomem(err, "steps", 1);
}

static enum oqz_status enter_shape(struct maker *m, const struct oqz_shape *shape, struct oqz_err *err)
{
	if (m->walker && oqz_shape_equal(&m->shape, shape))
		return OQZ_OK;
	oqz_walker_free(m->walker);
	oqz_lane_set_free(m->set);
	m->walker = NULL;
	m->set = NULL;
	m->shape = *shape;
	OQZ_TRY(oqz_lane_set_new(m->specs, m->n_lanes, NULL, 0, false, m->j->engine, shape, 1, &m->set, err));
	return oqz_walker_new(m->set, 1, &m->walker, err);
}

static enum oqz_status draw_lane(struct maker *m, size_t lane, const struct oqz_item *item,
                                 const struct oqz_geometry *geometry, struct oqz_drawing *d,
                                 struct oqz_sample_lane *ret, struct oqz_err *err)
{
	struct oqz_task_instance *task = m->j->test.instance;
	size_t n = m->specs[lane].graph->outputs.n;
	struct oqz_str record = { 0 };
	char words[400];

	for (size_t i = 0; i < n; i++) {
		const struct oqz_tensor *t = oqz_walker_output(m->walker, lane, i);
		m->outputs[i] =
		    (struct oqz_output) { .name = m->specs[lane].graph->outputs.v[i]->name,
			                  .view = { .dtype = t->dtype, .shape = t->shape, .data = t->data } };
	}
	enum oqz_status st = oqz_task_score(task, item, m->outputs, n, geometry, &record, err);
	const struct oqz_record r = { .data = record.s, .size = record.len, .tag = item->tag };
	if (st == OQZ_OK)
		st = oqz_task_explain(task, &r, words, sizeof words, err);
	if (st == OQZ_OK)
		st = oqz_task_draw(task, item, &r, m->outputs, n, geometry, &d->canvas, err);
	if (st == OQZ_OK) {
		*ret = (struct oqz_sample_lane) { .name = oqz_arena_strdup(m->r->arena, m->names[lane]),
			                          .caption = oqz_arena_strdup(m->r->arena, words),
			                          .value = value_alone(task, &r) };
		ret->marks = oqz_drawing_take(d, &ret->n_marks);
		if (!ret->name || !ret->caption || !ret->marks)
			st = oqz_err_nomem(err, "a drawing", 1);
	}
	oqz_str_release(&record);
	return st;
}

static enum oqz_status load_photo(const struct maker *m, const struct oqz_item *item, struct oqz_image *ret,
                                  struct oqz_err *err)
{
	OQZ_TRY(oqz_image_load(item->image, OQZ_IMAGE_RGB, NULL, ret, err));
	if (!m->upright || !oqz_image_turned(ret))
		return OQZ_OK;
	struct oqz_image turned = { 0 };
	enum oqz_status st = oqz_image_upright(ret, &turned, err);
	oqz_image_release(ret);
	*ret = turned;
	return st;
}

static enum oqz_status draw_all(struct maker *m, const struct oqz_item *item, const struct oqz_geometry *geometry,
                                struct oqz_drawing *d, struct oqz_sample *s, struct oqz_err *err)
{
	struct oqz_sample_lane *lanes = OQZ_ARENA_NEW_N(m->r->arena, struct oqz_sample_lane, m->n_lanes + 1);

	if (!lanes)
		return oqz_err_nomem(err, "a drawing", m->n_lanes);
	OQZ_TRY(oqz_task_draw(m->j->test.instance, item, NULL, NULL, 0, geometry, &d->canvas, err));
	if (d->marks.n) {
		lanes[0] = (struct oqz_sample_lane) { .name = "truth",
			                              .caption = oqz_arena_strdup(m->r->arena,
			                                                          oqz_task_marks(m->j->test.instance)),
			                              .value = NAN };
		lanes[0].marks = oqz_drawing_take(d, &lanes[0].n_marks);
		s->n_lanes = 1;
		if (!lanes[0].marks || !lanes[0].caption)
			return oqz_err_nomem(err, "a drawing", 1);
	}
	d->view_open = false;
	oqz_drawing_compare_with_next(d); /* the float model's lane */
	for (size_t k = 0; k < m->n_lanes; k++)
		OQZ_TRY(draw_lane(m, k, item, geometry, d, &lanes[s->n_lanes++], err));
	s->lanes = lanes;
	return OQZ_OK;
}

static enum oqz_status make_sample(struct maker *m, size_t index, struct oqz_sample *s, struct oqz_err *err)
{
	const struct oqz_item *item = &m->j->test.items.items.v[index];
	struct oqz_image photo = { 0 };
	struct oqz_geometry geometry;
	struct oqz_drawing d = { 0 };
	struct oqz_shape shape;
	struct oqz_view view;

	OQZ_TRY(oqz_preparer_run(m->preparer, item->image, oqz_item_box(item), &view, &geometry, err));
	OQZ_TRY(oqz_job_input_shape(m->j->graph, &view, &shape, err));
	OQZ_TRY(enter_shape(m, &shape, err));
	struct oqz_tensor t = { .dtype = view.dtype, .shape = view.shape, .data = (void *)view.data };
	const struct oqz_tensor *in = &t;
	OQZ_TRY(oqz_walker_run(m->walker, &in, m->errors, err));
	enum oqz_status st = load_photo(m, item, &photo, err);
	if (st == OQZ_OK) {
		oqz_drawing_init(&d, m->r->arena, photo.width, photo.height);
		st = draw_all(m, item, &geometry, &d, s, err);
	}
	if (st == OQZ_OK)
		st = oqz_drawing_picture(&d, &photo, &s->picture, err);
	s->width = d.width;
	s->height = d.height;
	s->item = oqz_arena_strdup(m->r->arena, item->id);
	oqz_drawing_release(&d);
	oqz_image_release(&photo);
	return st == OQZ_OK && !s->item ? oqz_err_nomem(err, "a drawing", 1) : st;
}

static enum oqz_status make_samples(struct oqz_job *j, const size_t *items, size_t n, struct oqz_results *r,
                                    struct oqz_err *err)
{
	struct maker m = { .j = j, .r = r };
	size_t n_metrics;
	const struct oqz_metric *primary = oqz_task_metrics(j->test.instance, &n_metrics);
	enum oqz_status st = maker_open(&m, err);

	for (size_t i = 0; i < n && st == OQZ_OK; i++) {
		struct oqz_sample s = { .model = oqz_arena_strdup(r->arena, j->spec->model->id),
			                .metric = oqz_arena_strdup(r->arena, primary->name),
			                .unit = primary->unit };
		st = make_sample(&m, items[i], &s, err);
		if (st == OQZ_OK && (!s.model || !s.metric || !oqz_vec_push(&r->samples, s)))
			st = oqz_err_nomem(err, "samples", 1);
	}
	maker_release(&m);
	return st;
}

/* ---------------------------------------------------------------------------------------------------- keeping */

/* "samples.<hash>" of everything that determines the pictures. */
static const char *blob_name(struct oqz_job *j, const size_t *items, size_t n)
{
	struct oqz_sha256 h;
	char key[65];

	oqz_sha256_init(&h);
	oqz_sha256_add(&h, DRAWING, sizeof DRAWING);
	oqz_cell_key_float(j, key);
	oqz_sha256_add(&h, key, sizeof key);
	for (size_t i = 0; i < j->n_schemes; i++)
		if (j->schemes[i].status == OQZ_OK) {
			const char *name = j->schemes[i].spec->name;
			oqz_cell_key_scheme(j, &j->schemes[i], key);
			oqz_sha256_add(&h, key, sizeof key);
			oqz_sha256_add(&h, name, strlen(name) + 1);
		}
	for (size_t i = 0; i < n; i++) {
		const char *id = j->test.items.items.v[items[i]].id;
		oqz_sha256_add(&h, id, strlen(id) + 1);
	}
	oqz_sha256_hex(&h, key);
	return oqz_arena_printf(j->arena, "samples.%s", key);
}

/* The pictures alone as a set of results, which has a stored form already. */
static enum oqz_status make_and_keep(struct oqz_job *j, const char *blob, const size_t *items, size_t n,
                                     struct oqz_err *err)
{
	OQZ_CLEANUP(oqz_results_free_cleanup) struct oqz_results *made = oqz_results_new();
	struct oqz_str text = { 0 };

	if (!made)
		return oqz_err_nomem(err, "results", 1);
	OQZ_TRY(make_samples(j, items, n, made, err));
	oqz_results_store(made, &text);
	enum oqz_status st = oqz_str_ok(&text) ? oqz_ledger_put_blob(j->ledger, blob, oqz_str_get(&text), text.len, err)
	                                       : oqz_err_nomem(err, "samples", text.len);
	oqz_str_release(&text);
	return st;
}

static enum oqz_status samples(struct oqz_job *j, const struct oqz_worst *worst, struct oqz_results *r,
                               struct oqz_err *err)
{
	OQZ_CLEANUP_FREE char *text = NULL;
	size_t items[OQZ_SAMPLES], n = choose(j, worst, items), size;

	if (n == 0)
		return OQZ_OK;
	const char *blob = blob_name(j, items, n);
	if (!blob)
		return oqz_err_nomem(err, "samples", 1);
	OQZ_TRY(oqz_ledger_get_blob(j->ledger, blob, &text, &size, err));
	if (!text) {
		OQZ_TRY(make_and_keep(j, blob, items, n, err));
		OQZ_TRY(oqz_ledger_get_blob(j->ledger, blob, &text, &size, err));
	}
	if (!text)
		OQZ_FAIL(err, OQZ_E_INTERNAL, "the ledger lacks %s", blob);
	size_t before = r->samples.n;
	OQZ_TRY(oqz_results_add_samples(r, text, size, err));
	/* the same file may stand in the zoo under another name, for which the pictures were made */
	const char *model = oqz_arena_strdup(r->arena, j->spec->model->id);
	for (size_t i = before; i < r->samples.n && model; i++)
		r->samples.v[i].model = model;
	return model ? OQZ_OK : oqz_err_nomem(err, "samples", n);
}

void oqz_job_samples(struct oqz_job *j, const struct oqz_worst *worst, struct oqz_results *r)
{
	struct oqz_err err = { 0 };

	if (samples(j, worst, r, &err) != OQZ_OK)
		j->host.table.log(&j->host.table, OQZ_LOG_WARN, "no sample pictures: %s", err.msg);
}
