/* SPDX-License-Identifier: Apache-2.0
 *
 * Reading the stored form of results back. It comes out of a ledger, which may be damaged: whatever is missing or of
 * another type is an error that names the key.
 */
#include "core/result/results.h"
#include "core/result/words.h"

#include <jansson.h>
#include <math.h>
#include <string.h>

struct reader {
	struct oqz_results *r;
	struct oqz_err *err;
};

static enum oqz_status bad(struct reader *rd, const char *name)
{
	OQZ_FAIL(rd->err, OQZ_E_DATA, "stored results: `%s` is missing or not what it should be", name);
}

static enum oqz_status get_string(struct reader *rd, const json_t *o, const char *name, const char **ret)
{
	const json_t *v = json_object_get(o, name);

	if (json_is_null(v)) {
		*ret = NULL;
		return OQZ_OK;
	}
	if (!json_is_string(v))
		return bad(rd, name);
	*ret = oqz_arena_strdup(rd->r->arena, json_string_value(v));
	return *ret ? OQZ_OK : oqz_err_nomem(rd->err, name, 1);
}

static enum oqz_status get_int(struct reader *rd, const json_t *o, const char *name, int64_t *ret)
{
	const json_t *v = json_object_get(o, name);

	if (!json_is_integer(v))
		return bad(rd, name);
	*ret = json_integer_value(v);
	return OQZ_OK;
}

static enum oqz_status get_bool(struct reader *rd, const json_t *o, const char *name, bool *ret)
{
	const json_t *v = json_object_get(o, name);

	if (!json_is_boolean(v))
		return bad(rd, name);
	*ret = json_is_true(v);
	return OQZ_OK;
}

static enum oqz_status number(struct reader *rd, const json_t *v, const char *name, double *ret)
{
	const char *s = json_string_value(v);

	if (json_is_number(v))
		*ret = json_number_value(v);
	else if (s && strcmp(s, "nan") == 0)
		*ret = NAN;
	else if (s && strcmp(s, "inf") == 0)
		*ret = INFINITY;
	else if (s && strcmp(s, "-inf") == 0)
		*ret = -INFINITY;
	else
		return bad(rd, name);
	return OQZ_OK;
}

static enum oqz_status get_double(struct reader *rd, const json_t *o, const char *name, double *ret)
{
	return number(rd, json_object_get(o, name), name, ret);
}

/* For what ledgers of earlier versions lack: NaN then. */
static enum oqz_status get_later_double(struct reader *rd, const json_t *o, const char *name, double *ret)
{
	if (json_object_get(o, name))
		return get_double(rd, o, name, ret);
	*ret = NAN;
	return OQZ_OK;
}

static enum oqz_status get_word(struct reader *rd, const json_t *o, const char *name, const char *const *words,
                                uint32_t *ret)
{
	int i = oqz_word_index(words, json_string_value(json_object_get(o, name)));

	if (i < 0)
		return bad(rd, name);
	*ret = (uint32_t)i;
	return OQZ_OK;
}

static enum oqz_status read_metric(struct reader *rd, const char *name, const json_t *o, struct oqz_metric_result *m)
{
	const json_t *ci = json_object_get(o, "ci95");

	m->name = oqz_arena_strdup(rd->r->arena, name);
	OQZ_TRY(get_double(rd, o, "float", &m->value_float));
	OQZ_TRY(get_double(rd, o, "quantized", &m->value_quantized));
	OQZ_TRY(get_double(rd, o, "delta", &m->delta));
	OQZ_TRY(number(rd, json_array_get(ci, 0), "ci95", &m->ci_lo));
	OQZ_TRY(number(rd, json_array_get(ci, 1), "ci95", &m->ci_hi));
	OQZ_TRY(get_double(rd, o, "p", &m->p));
	OQZ_TRY(get_later_double(rd, o, "p_mid", &m->p_mid));
	OQZ_TRY(get_later_double(rd, o, "p_holm", &m->p_holm));
	OQZ_TRY(get_double(rd, o, "detectable", &m->detectable));
	OQZ_TRY(get_word(rd, o, "test", oqz_test_words, &m->test));
	OQZ_TRY(get_word(rd, o, "unit", oqz_unit_words, &m->unit));
	OQZ_TRY(get_int(rd, o, "lost", &m->lost));
	OQZ_TRY(get_int(rd, o, "gained", &m->gained));
	const char *better = json_string_value(json_object_get(o, "better"));
	if (!m->name || !better)
		return bad(rd, "better");
	m->higher_is_better = strcmp(better, "higher") == 0;
	return OQZ_OK;
}

static enum oqz_status read_provenance(struct reader *rd, const json_t *o, struct oqz_provenance *p)
{
	const json_t *plugins = json_object_get(o, "plugins"), *engine = json_object_get(o, "engine");

	OQZ_TRY(get_string(rd, o, "model_sha256", &p->model_sha256));
	OQZ_TRY(get_string(rd, o, "plan_sha256", &p->plan_sha256));
	OQZ_TRY(get_string(rd, o, "dataset_sha256", &p->dataset_sha256));
	OQZ_TRY(get_string(rd, plugins, "scheme", &p->scheme_plugin));
	OQZ_TRY(get_string(rd, plugins, "task", &p->task_plugin));
	OQZ_TRY(get_string(rd, o, "scheme", &p->scheme));
	OQZ_TRY(get_string(rd, o, "task", &p->task));
	OQZ_TRY(get_string(rd, engine, "name", &p->engine));
	OQZ_TRY(get_string(rd, engine, "library", &p->library));
	if (json_object_get(o, "cell")) { /* older runs have none */
		OQZ_TRY(get_string(rd, o, "cell", &p->cell));
		OQZ_TRY(get_string(rd, o, "list_sha256", &p->list_sha256));
	}
	return get_bool(rd, o, "limited", &p->limited);
}

static enum oqz_status read_error(struct reader *rd, const json_t *o, const char *name, struct oqz_layer_error *e)
{
	o = json_object_get(o, name);
	OQZ_TRY(get_double(rd, o, "pooled", &e->pooled));
	OQZ_TRY(get_double(rd, o, "mean", &e->mean));
	OQZ_TRY(get_double(rd, o, "max", &e->max));
	OQZ_TRY(get_int(rd, o, "images", &e->images));
	OQZ_TRY(get_int(rd, o, "undefined", &e->undefined));
	return get_int(rd, o, "nonfinite", &e->nonfinite);
}

static enum oqz_status read_layer(struct reader *rd, const json_t *o, struct oqz_layer_result *l)
{
	OQZ_TRY(get_string(rd, o, "node", &l->node));
	OQZ_TRY(get_string(rd, o, "op", &l->op));
	OQZ_TRY(get_string(rd, o, "engine", &l->engine));
	OQZ_TRY(read_error(rd, o, "cumulative", &l->cumulative));
	OQZ_TRY(read_error(rd, o, "local", &l->local));
	OQZ_TRY(get_bool(rd, o, "has_local", &l->has_local));
	OQZ_TRY(get_double(rd, o, "weight_error", &l->weight_error));
	OQZ_TRY(get_double(rd, o, "input_scale", &l->input_scale));
	OQZ_TRY(get_later_double(rd, o, "weight_lo", &l->weight_lo));
	OQZ_TRY(get_later_double(rd, o, "weight_hi", &l->weight_hi));
	OQZ_TRY(get_later_double(rd, o, "input_lo", &l->input_lo));
	OQZ_TRY(get_later_double(rd, o, "input_hi", &l->input_hi));
	return get_int(rd, o, "macs", &l->macs);
}

/* An absent list is an empty one. */
static enum oqz_status read_strings(struct reader *rd, const json_t *list, const char *name, const char ***ret,
                                    size_t *ret_n)
{
	size_t n = json_array_size(list);
	const char **t = OQZ_ARENA_NEW_N(rd->r->arena, const char *, n + 1);

	for (size_t i = 0; i < n; i++)
		if (!t || !json_is_string(json_array_get(list, i)) ||
		    !(t[i] = oqz_arena_strdup(rd->r->arena, json_string_value(json_array_get(list, i)))))
			return bad(rd, name);
	*ret = t;
	*ret_n = n;
	return OQZ_OK;
}

static enum oqz_status read_lists(struct reader *rd, json_t *o, struct oqz_cell_result *c)
{
	const json_t *layers = json_object_get(o, "layers");
	const char *name, **t = NULL;
	json_t *m;

	OQZ_TRY(read_strings(rd, json_object_get(o, "tags"), "tags", &t, &c->n_tags));
	c->tags = t;
	OQZ_TRY(read_strings(rd, json_object_get(json_object_get(o, "error"), "unmatched"), "unmatched", &c->unmatched,
	                     &c->n_unmatched));
	json_object_foreach(json_object_get(o, "metrics"), name, m)
	{
		struct oqz_metric_result r = { 0 };
		OQZ_TRY(read_metric(rd, name, m, &r));
		if (!oqz_vec_push(&c->metrics, r))
			return oqz_err_nomem(rd->err, name, sizeof r);
	}
	for (size_t i = 0; i < json_array_size(layers); i++) {
		struct oqz_layer_result l = { 0 };
		OQZ_TRY(read_layer(rd, json_array_get(layers, i), &l));
		if (!oqz_vec_push(&c->layers, l))
			return oqz_err_nomem(rd->err, "layers", sizeof l);
	}
	return OQZ_OK;
}

static enum oqz_status read_cell(struct reader *rd, json_t *o)
{
	struct oqz_cell_result *c = oqz_results_add_cell(rd->r);
	const json_t *error = json_object_get(o, "error"), *mean = json_object_get(error, "mean_of_ratios");
	uint32_t status = 0;

	if (!c)
		return oqz_err_nomem(rd->err, "a cell", sizeof *c);
	OQZ_TRY(get_string(rd, o, "model", &c->model));
	OQZ_TRY(get_string(rd, o, "scheme", &c->scheme));
	OQZ_TRY(get_string(rd, o, "task", &c->task));
	OQZ_TRY(get_word(rd, o, "status", oqz_cell_words, &status));
	c->status = (enum oqz_cell_status)status;
	OQZ_TRY(get_string(rd, o, "code", &c->code));
	OQZ_TRY(get_string(rd, o, "message", &c->message));
	OQZ_TRY(get_int(rd, o, "images", &c->images));
	OQZ_TRY(get_int(rd, o, "failed_images", &c->failed_images));
	OQZ_TRY(get_double(rd, o, "aqe", &c->aqe));
	OQZ_TRY(get_double(rd, o, "mqe", &c->mqe));
	OQZ_TRY(get_double(rd, o, "oqe", &c->oqe));
	OQZ_TRY(get_double(rd, mean, "aqe", &c->mean_aqe));
	OQZ_TRY(get_double(rd, mean, "mqe", &c->mean_mqe));
	OQZ_TRY(get_double(rd, mean, "oqe", &c->mean_oqe));
	OQZ_TRY(get_int(rd, error, "undefined", &c->undefined));
	OQZ_TRY(read_provenance(rd, json_object_get(o, "provenance"), &c->provenance));
	return read_lists(rd, o, c);
}

static enum oqz_status read_float(struct reader *rd, const json_t *o)
{
	const json_t *rows = json_object_get(o, "metric_rows"), *values = json_object_get(o, "metrics");
	struct oqz_float_result f = { .n_metrics = json_array_size(rows) };
	struct oqz_metric *m = OQZ_ARENA_NEW_N(rd->r->arena, struct oqz_metric, f.n_metrics + 1);
	double *v = OQZ_ARENA_NEW_N(rd->r->arena, double, f.n_metrics + 1);

	if (!m || !v)
		return oqz_err_nomem(rd->err, "metrics", f.n_metrics);
	OQZ_TRY(get_string(rd, o, "model", &f.model));
	OQZ_TRY(get_string(rd, o, "task", &f.task));
	OQZ_TRY(get_int(rd, o, "images", &f.images));
	OQZ_TRY(get_int(rd, o, "failed_images", &f.failed_images));
	if (json_object_get(o, "provenance")) /* likewise */
		OQZ_TRY(read_provenance(rd, json_object_get(o, "provenance"), &f.provenance));
	for (size_t i = 0; i < f.n_metrics; i++) {
		const json_t *row = json_array_get(rows, i);
		OQZ_TRY(get_string(rd, row, "name", &m[i].name));
		OQZ_TRY(get_word(rd, row, "unit", oqz_unit_words, &m[i].unit));
		OQZ_TRY(get_bool(rd, row, "higher", &m[i].higher_is_better));
		if (!m[i].name)
			return bad(rd, "name");
		OQZ_TRY(get_double(rd, values, m[i].name, &v[i]));
	}
	f.metrics = m;
	f.values = v;
	return oqz_vec_push(&rd->r->floats, f) ? OQZ_OK : oqz_err_nomem(rd->err, "results", sizeof f);
}

static enum oqz_status read_links(struct reader *rd, const json_t *list)
{
	for (size_t i = 0; i < json_array_size(list); i++) {
		const json_t *o = json_array_get(list, i);
		struct oqz_link_result l = { 0 };
		OQZ_TRY(get_string(rd, o, "task", &l.task));
		OQZ_TRY(get_string(rd, o, "metric", &l.metric));
		OQZ_TRY(get_int(rd, o, "cells", &l.cells));
		OQZ_TRY(get_double(rd, o, "aqe", &l.aqe.rho));
		OQZ_TRY(get_double(rd, o, "mqe", &l.mqe.rho));
		OQZ_TRY(get_double(rd, o, "oqe", &l.oqe.rho));
		OQZ_TRY(get_double(rd, o, "aqe_p", &l.aqe.p));
		OQZ_TRY(get_double(rd, o, "mqe_p", &l.mqe.p));
		OQZ_TRY(get_double(rd, o, "oqe_p", &l.oqe.p));
		l.aqe.n = l.mqe.n = l.oqe.n = (size_t)l.cells;
		if (!oqz_vec_push(&rd->r->links, l))
			return oqz_err_nomem(rd->err, "results", sizeof l);
	}
	return OQZ_OK;
}

static enum oqz_status read_mark(struct reader *rd, const json_t *o, struct oqz_mark *m)
{
	const json_t *points = json_object_get(o, "points");
	int64_t kind = 0, colour = 0;

	m->n = json_array_size(points) / 2;
	double(*at)[2] = oqz_arena_alloc(rd->r->arena, m->n * sizeof *at + 1);
	OQZ_TRY(get_int(rd, o, "kind", &kind));
	OQZ_TRY(get_int(rd, o, "colour", &colour));
	OQZ_TRY(get_string(rd, o, "text", &m->text));
	if (!at)
		return oqz_err_nomem(rd->err, "a drawing", m->n);
	for (size_t i = 0; i < 2 * m->n; i++)
		OQZ_TRY(number(rd, json_array_get(points, i), "points", &at[i / 2][i % 2]));
	m->kind = (uint32_t)kind;
	m->colour = (uint32_t)colour & 0xffffff;
	m->points = (const double(*)[2])at;
	if (kind < OQZ_MARK_BOX || kind > OQZ_MARK_DIFFERENCE || !m->text || m->n < (kind == OQZ_MARK_PATH ? 1 : 2))
		return bad(rd, "marks");
	return OQZ_OK;
}

static enum oqz_status read_lane(struct reader *rd, const json_t *o, struct oqz_sample_lane *lane)
{
	const json_t *marks = json_object_get(o, "marks");

	lane->n_marks = json_array_size(marks);
	struct oqz_mark *m = OQZ_ARENA_NEW_N(rd->r->arena, struct oqz_mark, lane->n_marks + 1);
	OQZ_TRY(get_string(rd, o, "name", &lane->name));
	OQZ_TRY(get_string(rd, o, "caption", &lane->caption));
	OQZ_TRY(get_double(rd, o, "value", &lane->value));
	if (!m)
		return oqz_err_nomem(rd->err, "a drawing", lane->n_marks);
	for (size_t i = 0; i < lane->n_marks; i++)
		OQZ_TRY(read_mark(rd, json_array_get(marks, i), &m[i]));
	lane->marks = m;
	return OQZ_OK;
}

static enum oqz_status read_samples(struct reader *rd, const json_t *list)
{
	for (size_t i = 0; i < json_array_size(list); i++) {
		const json_t *o = json_array_get(list, i), *lanes = json_object_get(o, "lanes");
		struct oqz_sample s = { .n_lanes = json_array_size(lanes) };
		int64_t width = 0, height = 0;
		OQZ_TRY(get_string(rd, o, "model", &s.model));
		OQZ_TRY(get_string(rd, o, "item", &s.item));
		OQZ_TRY(get_string(rd, o, "metric", &s.metric));
		OQZ_TRY(get_word(rd, o, "unit", oqz_unit_words, &s.unit));
		OQZ_TRY(get_int(rd, o, "width", &width));
		OQZ_TRY(get_int(rd, o, "height", &height));
		OQZ_TRY(get_string(rd, o, "picture", &s.picture));
		struct oqz_sample_lane *l = OQZ_ARENA_NEW_N(rd->r->arena, struct oqz_sample_lane, s.n_lanes + 1);
		if (!l)
			return oqz_err_nomem(rd->err, "a drawing", s.n_lanes);
		if (!s.model || width < 1 || width > INT16_MAX || height < 1 || height > INT16_MAX)
			return bad(rd, "samples");
		for (size_t k = 0; k < s.n_lanes; k++)
			OQZ_TRY(read_lane(rd, json_array_get(lanes, k), &l[k]));
		s.lanes = l;
		s.width = (int32_t)width;
		s.height = (int32_t)height;
		if (!oqz_vec_push(&rd->r->samples, s))
			return oqz_err_nomem(rd->err, "results", sizeof s);
	}
	return OQZ_OK;
}

static enum oqz_status read_all(struct reader *rd, const json_t *o)
{
	const json_t *cells = json_object_get(o, "cells"), *floats = json_object_get(o, "float"),
	             *images = json_object_get(o, "failed_images"), *gates = json_object_get(o, "gates");

	OQZ_TRY(get_string(rd, o, "oqz", &rd->r->version));
	OQZ_TRY(get_string(rd, o, "manifest_sha256", &rd->r->manifest_sha256));
	OQZ_TRY(get_bool(rd, o, "complete", &rd->r->complete));
	for (size_t i = 0; i < json_array_size(cells); i++)
		OQZ_TRY(read_cell(rd, json_array_get(cells, i)));
	for (size_t i = 0; i < json_array_size(floats); i++)
		OQZ_TRY(read_float(rd, json_array_get(floats, i)));
	for (size_t i = 0; i < json_array_size(images); i++) {
		struct oqz_failed_image f;
		OQZ_TRY(get_string(rd, json_array_get(images, i), "model", &f.model));
		OQZ_TRY(get_string(rd, json_array_get(images, i), "item", &f.item));
		OQZ_TRY(get_string(rd, json_array_get(images, i), "message", &f.message));
		if (!oqz_vec_push(&rd->r->failed_images, f))
			return oqz_err_nomem(rd->err, "results", sizeof f);
	}
	for (size_t i = 0; i < json_array_size(gates); i++) {
		struct oqz_gate_result g;
		OQZ_TRY(get_string(rd, json_array_get(gates, i), "text", &g.text));
		OQZ_TRY(get_bool(rd, json_array_get(gates, i), "failed", &g.failed));
		if (!oqz_vec_push(&rd->r->gates, g))
			return oqz_err_nomem(rd->err, "results", sizeof g);
	}
	OQZ_TRY(read_links(rd, json_object_get(o, "error_and_loss")));
	return read_samples(rd, json_object_get(o, "samples"));
}

enum oqz_status oqz_results_add_samples(struct oqz_results *r, const char *text, size_t size, struct oqz_err *err)
{
	struct reader rd = { .r = r, .err = err };
	json_error_t jerr;
	json_t *o = json_loadb(text, size, JSON_REJECT_DUPLICATES, &jerr);

	if (!o)
		OQZ_FAIL(err, OQZ_E_DATA, "stored samples: line %d: %s", jerr.line, jerr.text);
	enum oqz_status st = read_samples(&rd, json_object_get(o, "samples"));
	json_decref(o);
	return st;
}

enum oqz_status oqz_results_restore(const char *text, size_t size, struct oqz_results **ret, struct oqz_err *err)
{
	OQZ_CLEANUP(oqz_results_free_cleanup) struct oqz_results *r = oqz_results_new();
	struct reader rd = { .r = r, .err = err };
	json_error_t jerr;

	if (!r)
		return oqz_err_nomem(err, "results", 1);
	json_t *o = json_loadb(text, size, JSON_REJECT_DUPLICATES, &jerr);
	if (!o)
		OQZ_FAIL(err, OQZ_E_DATA, "stored results: line %d: %s", jerr.line, jerr.text);
	enum oqz_status st = read_all(&rd, o);
	json_decref(o);
	OQZ_TRY(st);
	*ret = oqz_steal(r);
	return OQZ_OK;
}
