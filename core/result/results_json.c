/* SPDX-License-Identifier: Apache-2.0
 *
 * Results as JSON. One writer makes both forms: results.json, which programs read (non-finite numbers are null), and
 * the stored form in the ledger, which has the layers, images and gates as well and keeps non-finite numbers as
 * strings. Written by hand rather than with a library, because key order and number format are part of the file's
 * contract.
 */
#include "core/base/str.h"
#include "core/result/results.h"
#include "core/result/words.h"

#include <inttypes.h>
#include <math.h>

struct writer {
	struct oqz_str *out;
	bool full;
	bool first; /* nothing stands yet behind the last opening bracket */
};

static void key(struct writer *w, const char *name)
{
	oqz_str_add(w->out, w->first ? "" : ", ");
	w->first = false;
	if (name) {
		oqz_str_add_json(w->out, name);
		oqz_str_add(w->out, ": ");
	}
}

static void open_at(struct writer *w, const char *name, const char *bracket)
{
	key(w, name);
	oqz_str_add(w->out, bracket);
	w->first = true;
}

static void close_at(struct writer *w, const char *bracket)
{
	oqz_str_add(w->out, bracket);
	w->first = false;
}

static void put_string(struct writer *w, const char *name, const char *value)
{
	key(w, name);
	if (value)
		oqz_str_add_json(w->out, value);
	else
		oqz_str_add(w->out, "null");
}

static void put_int(struct writer *w, const char *name, int64_t value)
{
	key(w, name);
	oqz_str_addf(w->out, "%" PRId64, value);
}

static void put_bool(struct writer *w, const char *name, bool value)
{
	key(w, name);
	oqz_str_add(w->out, value ? "true" : "false");
}

static void put_double(struct writer *w, const char *name, double value)
{
	key(w, name);
	if (isfinite(value)) {
		oqz_str_add_double(w->out, value);
	} else if (w->full) {
		oqz_str_add(w->out, "\"");
		oqz_str_add_double(w->out, value);
		oqz_str_add(w->out, "\"");
	} else {
		oqz_str_add(w->out, "null");
	}
}

/* A new line with this indentation before the next element of a list. */
static void line(struct writer *w, int indent)
{
	oqz_str_addf(w->out, "%s\n%*s", w->first ? "" : ",", indent, "");
	w->first = true;
}

static void put_strings(struct writer *w, const char *name, const char *const *v, size_t n)
{
	open_at(w, name, "[");
	for (size_t i = 0; i < n; i++)
		put_string(w, NULL, v[i]);
	close_at(w, "]");
}

/* A list of the document itself, an object a line. */
static void open_list(struct writer *w, const char *name)
{
	oqz_str_add(w->out, ",\n  ");
	w->first = true;
	open_at(w, name, "[");
}

static void open_row(struct writer *w)
{
	line(w, 4);
	open_at(w, NULL, "{");
}

static void metric(struct writer *w, const struct oqz_metric_result *m)
{
	open_at(w, m->name, "{");
	put_double(w, "float", m->value_float);
	put_double(w, "quantized", m->value_quantized);
	put_double(w, "delta", m->delta);
	if (w->full || m->test != OQZ_TEST_NONE) {
		open_at(w, "ci95", "[");
		put_double(w, NULL, m->ci_lo);
		put_double(w, NULL, m->ci_hi);
		close_at(w, "]");
		put_double(w, "p", m->p);
		if (w->full || !isnan(m->p_mid))
			put_double(w, "p_mid", m->p_mid);
		if (w->full || !isnan(m->p_holm))
			put_double(w, "p_holm", m->p_holm);
		put_double(w, "detectable", m->detectable);
	}
	put_string(w, "test", oqz_word(oqz_test_words, m->test));
	if (w->full || m->lost >= 0) {
		put_int(w, "lost", m->lost);
		put_int(w, "gained", m->gained);
	}
	put_string(w, "unit", oqz_word(oqz_unit_words, m->unit));
	put_string(w, "better", m->higher_is_better ? "higher" : "lower");
	close_at(w, "}");
}

static void provenance(struct writer *w, const struct oqz_provenance *p)
{
	open_at(w, "provenance", "{");
	put_string(w, "model_sha256", p->model_sha256);
	put_string(w, "plan_sha256", p->plan_sha256);
	put_string(w, "dataset_sha256", p->dataset_sha256);
	open_at(w, "plugins", "{");
	put_string(w, "scheme", p->scheme_plugin);
	put_string(w, "task", p->task_plugin);
	close_at(w, "}");
	put_string(w, "scheme", p->scheme);
	put_string(w, "task", p->task);
	open_at(w, "engine", "{");
	put_string(w, "name", p->engine);
	put_string(w, "library", p->library);
	close_at(w, "}");
	put_bool(w, "limited", p->limited);
	if (w->full) {
		put_string(w, "cell", p->cell);
		put_string(w, "list_sha256", p->list_sha256);
	}
	close_at(w, "}");
}

static void layer_error(struct writer *w, const char *name, const struct oqz_layer_error *e)
{
	open_at(w, name, "{");
	put_double(w, "pooled", e->pooled);
	put_double(w, "mean", e->mean);
	put_double(w, "max", e->max);
	put_int(w, "images", e->images);
	put_int(w, "undefined", e->undefined);
	put_int(w, "nonfinite", e->nonfinite);
	close_at(w, "}");
}

static void layers(struct writer *w, const struct oqz_cell_result *c)
{
	open_at(w, "layers", "[");
	for (size_t i = 0; i < c->layers.n; i++) {
		const struct oqz_layer_result *l = &c->layers.v[i];
		line(w, 6);
		open_at(w, NULL, "{");
		put_string(w, "node", l->node);
		put_string(w, "op", l->op);
		put_string(w, "engine", l->engine);
		layer_error(w, "cumulative", &l->cumulative);
		layer_error(w, "local", &l->local);
		put_bool(w, "has_local", l->has_local);
		put_double(w, "weight_error", l->weight_error);
		put_double(w, "input_scale", l->input_scale);
		put_double(w, "weight_lo", l->weight_lo);
		put_double(w, "weight_hi", l->weight_hi);
		put_double(w, "input_lo", l->input_lo);
		put_double(w, "input_hi", l->input_hi);
		put_int(w, "macs", l->macs);
		close_at(w, "}");
	}
	close_at(w, "]");
}

static void cell(struct writer *w, const struct oqz_cell_result *c)
{
	open_row(w);
	put_string(w, "model", c->model);
	put_string(w, "scheme", c->scheme);
	put_string(w, "task", c->task);
	put_strings(w, "tags", c->tags, c->n_tags);
	put_string(w, "status", oqz_word(oqz_cell_words, c->status));
	if (w->full || c->status != OQZ_CELL_OK) {
		put_string(w, "code", c->code);
		put_string(w, "message", c->message);
	}
	if (w->full || c->status == OQZ_CELL_OK) {
		put_int(w, "images", c->images);
		put_int(w, "failed_images", c->failed_images);
		open_at(w, "metrics", "{");
		for (size_t i = 0; i < c->metrics.n; i++)
			metric(w, &c->metrics.v[i]);
		close_at(w, "}");
		put_double(w, "aqe", c->aqe);
		put_double(w, "mqe", c->mqe);
		put_double(w, "oqe", c->oqe);
		open_at(w, "error", "{");
		put_string(w, "definition", "pooled");
		put_int(w, "layers", (int64_t)c->layers.n);
		put_int(w, "undefined", c->undefined);
		if (w->full || c->n_unmatched)
			put_strings(w, "unmatched", c->unmatched, c->n_unmatched);
		open_at(w, "mean_of_ratios", "{");
		put_double(w, "aqe", c->mean_aqe);
		put_double(w, "mqe", c->mean_mqe);
		put_double(w, "oqe", c->mean_oqe);
		close_at(w, "}");
		close_at(w, "}");
		provenance(w, &c->provenance);
	}
	if (w->full)
		layers(w, c);
	close_at(w, "}");
}

static void float_result(struct writer *w, const struct oqz_float_result *f)
{
	open_row(w);
	put_string(w, "model", f->model);
	put_string(w, "task", f->task);
	put_int(w, "images", f->images);
	put_int(w, "failed_images", f->failed_images);
	open_at(w, "metrics", "{");
	for (size_t i = 0; i < f->n_metrics; i++)
		put_double(w, f->metrics[i].name, f->values[i]);
	close_at(w, "}");
	if (w->full) {
		provenance(w, &f->provenance);
		open_at(w, "metric_rows", "[");
		for (size_t i = 0; i < f->n_metrics; i++) {
			open_at(w, NULL, "{");
			put_string(w, "name", f->metrics[i].name);
			put_string(w, "unit", oqz_word(oqz_unit_words, f->metrics[i].unit));
			put_bool(w, "higher", f->metrics[i].higher_is_better);
			close_at(w, "}");
		}
		close_at(w, "]");
	}
	close_at(w, "}");
}

static void links(struct writer *w, const struct oqz_results *r)
{
	open_list(w, "error_and_loss");
	for (size_t i = 0; i < r->links.n; i++) {
		const struct oqz_link_result *l = &r->links.v[i];
		open_row(w);
		put_string(w, "task", l->task);
		put_string(w, "metric", l->metric);
		put_string(w, "statistic", "spearman");
		put_int(w, "cells", l->cells);
		put_double(w, "aqe", l->aqe.rho);
		put_double(w, "mqe", l->mqe.rho);
		put_double(w, "oqe", l->oqe.rho);
		put_double(w, "aqe_p", l->aqe.p);
		put_double(w, "mqe_p", l->mqe.p);
		put_double(w, "oqe_p", l->oqe.p);
		close_at(w, "}");
	}
	close_at(w, "]");
}

static void tail(struct writer *w, const struct oqz_results *r)
{
	open_list(w, "failed_images");
	for (size_t i = 0; i < r->failed_images.n; i++) {
		open_row(w);
		put_string(w, "model", r->failed_images.v[i].model);
		put_string(w, "item", r->failed_images.v[i].item);
		put_string(w, "message", r->failed_images.v[i].message);
		close_at(w, "}");
	}
	close_at(w, "]");
	open_list(w, "gates");
	for (size_t i = 0; i < r->gates.n; i++) {
		open_row(w);
		put_string(w, "text", r->gates.v[i].text);
		put_bool(w, "failed", r->gates.v[i].failed);
		close_at(w, "}");
	}
	close_at(w, "]");
}

static void mark(struct writer *w, const struct oqz_mark *m)
{
	open_at(w, NULL, "{");
	put_int(w, "kind", m->kind);
	put_int(w, "colour", m->colour);
	open_at(w, "points", "[");
	for (size_t i = 0; i < m->n; i++) {
		put_double(w, NULL, m->points[i][0]);
		put_double(w, NULL, m->points[i][1]);
	}
	close_at(w, "]");
	put_string(w, "text", m->text);
	close_at(w, "}");
}

static void samples(struct writer *w, const struct oqz_results *r)
{
	open_list(w, "samples");
	for (size_t i = 0; i < r->samples.n; i++) {
		const struct oqz_sample *s = &r->samples.v[i];
		open_row(w);
		put_string(w, "model", s->model);
		put_string(w, "item", s->item);
		put_string(w, "metric", s->metric);
		put_string(w, "unit", oqz_word(oqz_unit_words, s->unit));
		put_int(w, "width", s->width);
		put_int(w, "height", s->height);
		put_string(w, "picture", s->picture);
		open_at(w, "lanes", "[");
		for (size_t k = 0; k < s->n_lanes; k++) {
			open_at(w, NULL, "{");
			put_string(w, "name", s->lanes[k].name);
			put_string(w, "caption", s->lanes[k].caption);
			put_double(w, "value", s->lanes[k].value);
			open_at(w, "marks", "[");
			for (size_t m = 0; m < s->lanes[k].n_marks; m++)
				mark(w, &s->lanes[k].marks[m]);
			close_at(w, "]");
			close_at(w, "}");
		}
		close_at(w, "]");
		close_at(w, "}");
	}
	close_at(w, "]");
}

static void write_json(const struct oqz_results *r, bool full, struct oqz_str *out)
{
	struct writer w = { .out = out, .full = full, .first = true };

	oqz_str_add(out, "{\n  ");
	put_int(&w, "schema", 1);
	put_string(&w, "oqz", r->version);
	put_string(&w, "manifest_sha256", r->manifest_sha256);
	put_bool(&w, "complete", r->complete);
	open_list(&w, "cells");
	for (size_t i = 0; i < r->cells.n; i++)
		cell(&w, r->cells.v[i]);
	close_at(&w, "\n  ]");
	open_list(&w, "float");
	for (size_t i = 0; i < r->floats.n; i++)
		float_result(&w, &r->floats.v[i]);
	close_at(&w, "\n  ]");
	links(&w, r);
	tail(&w, r);
	if (full)
		samples(&w, r);
	oqz_str_add(out, "\n}\n");
}

void oqz_results_json(const struct oqz_results *r, struct oqz_str *out) { write_json(r, false, out); }
void oqz_results_store(const struct oqz_results *r, struct oqz_str *out) { write_json(r, true, out); }
