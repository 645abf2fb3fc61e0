/* SPDX-License-Identifier: Apache-2.0
 *
 * A section per model: the float figures, the error profile of all schemes over the layers, the layers that add most
 * error by themselves, and all layers as a table.
 */
#include "core/result/report_html.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

enum { OPEN_MODELS = 6, WORST = 5 };

/* ----------------------------------------------------------------------------------------------------- one profile */

/* Where a layer of this name stands, `hint` tried first: schemes mostly quantize the same layers in the same order. */
static size_t find_row(const struct oqz_profile *p, const char *node, size_t hint)
{
	if (hint < p->n && strcmp(p->names[hint], node) == 0)
		return hint;
	for (size_t i = 0; i < p->n; i++)
		if (strcmp(p->names[i], node) == 0)
			return i;
	return p->n;
}

/* Layers that only some schemes quantize come after their predecessor. */
static void add_rows(struct oqz_profile *p, const struct oqz_cell_result *c)
{
	size_t next = 0;

	for (size_t k = 0; k < c->layers.n; k++) {
		size_t i = find_row(p, c->layers.v[k].node, next);
		if (i == p->n) {
			memmove(p->names + next + 1, p->names + next, (p->n - next) * sizeof *p->names);
			memmove(p->ops + next + 1, p->ops + next, (p->n - next) * sizeof *p->ops);
			p->names[next] = c->layers.v[k].node;
			p->ops[next] = c->layers.v[k].op;
			p->n++;
			i = next;
		}
		next = i + 1;
	}
}

void oqz_html_profile_release(struct oqz_profile *p)
{
	for (size_t i = 0; p->at && i < p->n_cells; i++)
		free(p->at[i]);
	free(p->at);
	free(p->cells);
	free(p->names);
	free(p->ops);
}

bool oqz_html_profile_make(const struct oqz_results *r, const char *model, struct oqz_profile *p)
{
	size_t cells = 0, layers = 0;

	for (size_t i = 0; i < r->cells.n; i++)
		if (strcmp(r->cells.v[i]->model, model) == 0 && r->cells.v[i]->layers.n) {
			cells++;
			layers += r->cells.v[i]->layers.n;
		}
	p->names = calloc(layers + 1, sizeof *p->names);
	p->ops = calloc(layers + 1, sizeof *p->ops);
	p->cells = calloc(cells + 1, sizeof *p->cells);
	p->at = calloc(cells + 1, sizeof *p->at);
	if (!p->names || !p->ops || !p->cells || !p->at)
		return false;
	for (size_t i = 0; i < r->cells.n; i++)
		if (strcmp(r->cells.v[i]->model, model) == 0 && r->cells.v[i]->layers.n) {
			p->cells[p->n_cells++] = r->cells.v[i];
			add_rows(p, r->cells.v[i]);
		}
	for (size_t c = 0; c < p->n_cells; c++) {
		if (!(p->at[c] = calloc(p->n + 1, sizeof *p->at[c])))
			return false;
		for (size_t k = 0, row = 0; k < p->cells[c]->layers.n; k++, row++) {
			const struct oqz_layer_result *l = &p->cells[c]->layers.v[k];
			row = find_row(p, l->node, row);
			p->at[c][row] = l;
			p->has_local |= l->has_local;
		}
	}
	return true;
}

/* ---------------------------------------------------------------------------------------------------------- tables */

static void error_cell(const struct oqz_html *h, double x)
{
	oqz_str_add(h->out, "<td class=\"n\">");
	oqz_html_error(h, x);
	oqz_str_add(h->out, "</td>");
}

static void range_cell(const struct oqz_html *h, double lo, double hi)
{
	char text[OQZ_FORMAT_SIZE] = "-";

	if (!isnan(lo) && !isnan(hi))
		snprintf(text, sizeof text, "%.4g .. %.4g", lo, hi);
	oqz_str_add(h->out, "<td class=\"n\">");
	oqz_html_figure(h, text);
	oqz_str_add(h->out, "</td>");
}

/* What a layer is judged by: its own error where that was measured. */
static double badness(const struct oqz_layer_result *l)
{
	double x = l->has_local ? l->local.pooled : l->cumulative.pooled;

	return isnan(x) ? -1 : x;
}

/* Index of the worst layer after those that are already `taken`; n when none is left. */
static size_t next_worst(const struct oqz_cell_result *c, const size_t *taken, size_t n_taken)
{
	size_t best = c->layers.n;

	for (size_t k = 0; k < c->layers.n; k++) {
		bool used = false;
		for (size_t t = 0; t < n_taken; t++)
			used |= taken[t] == k;
		if (!used && (best == c->layers.n || badness(&c->layers.v[k]) > badness(&c->layers.v[best])))
			best = k;
	}
	return best;
}

static void worst_rows(const struct oqz_html *h, const struct oqz_cell_result *c)
{
	size_t taken[WORST];

	for (size_t n = 0; n < WORST && n < c->layers.n; n++) {
		taken[n] = next_worst(c, taken, n);
		const struct oqz_layer_result *l = &c->layers.v[taken[n]];
		oqz_str_add(h->out, "<tr><td class=\"c-scheme\">");
		oqz_html_scheme(h, c->scheme);
		oqz_str_add(h->out, "</td><th scope=\"row\">");
		oqz_html_text(h, l->node);
		oqz_str_add(h->out, "</th><td>");
		oqz_html_text(h, l->op);
		oqz_str_add(h->out, "</td>");
		error_cell(h, l->has_local ? l->local.pooled : NAN);
		error_cell(h, l->cumulative.pooled);
		error_cell(h, l->weight_error);
		range_cell(h, l->weight_lo, l->weight_hi);
		range_cell(h, l->input_lo, l->input_hi);
		oqz_str_add(h->out, "<td class=\"n\">");
		char text[40];
		snprintf(text, sizeof text, isnan(l->input_scale) ? "-" : "%.5g", l->input_scale);
		oqz_html_figure(h, text);
		oqz_str_add(h->out, "</td></tr>\n");
	}
}

static void worst_table(const struct oqz_html *h, const struct oqz_profile *p)
{
	oqz_str_add(
	    h->out,
	    "<h4>The layers that add most error</h4>\n<div class=\"scroll\" tabindex=\"0\" role=\"region\" "
	    "aria-label=\"Worst layers\"><table class=\"plain\">"
	    "<thead><tr><th scope=\"col\">Scheme</th><th scope=\"col\">Layer</th><th scope=\"col\">Operator</th>"
	    "<th scope=\"col\" class=\"n\">Local</th><th scope=\"col\" class=\"n\">Cumulative</th>"
	    "<th scope=\"col\" class=\"n\">Weights alone</th><th scope=\"col\" class=\"n\">Weights from .. to</th>"
	    "<th scope=\"col\" class=\"n\">Input grid from .. to</th><th scope=\"col\" class=\"n\">Input "
	    "scale</th></tr>"
	    "</thead>\n<tbody>\n");
	for (size_t c = 0; c < p->n_cells; c++)
		worst_rows(h, p->cells[c]);
	oqz_str_add(h->out, "</tbody></table></div>\n");
}

static void layer_row(const struct oqz_html *h, const struct oqz_profile *p, size_t i)
{
	const struct oqz_layer_result *any = NULL;

	for (size_t c = 0; c < p->n_cells && !any; c++)
		any = p->at[c][i];
	oqz_str_addf(h->out, "<tr><td class=\"n\">%zu</td><th scope=\"row\">", i);
	oqz_html_text(h, p->names[i]);
	oqz_str_add(h->out, "</th><td>");
	oqz_html_text(h, p->ops[i]);
	oqz_str_addf(h->out, "</td><td class=\"n\">%.2f</td>", any ? (double)any->macs / 1e6 : 0.0);
	for (size_t c = 0; c < p->n_cells; c++) {
		const struct oqz_layer_result *l = p->at[c][i];
		error_cell(h, l ? l->cumulative.pooled : NAN);
		if (p->has_local)
			error_cell(h, l && l->has_local ? l->local.pooled : NAN);
		error_cell(h, l ? l->weight_error : NAN);
	}
	for (size_t c = 0; c < p->n_cells; c++) {
		oqz_str_add(h->out, "<td>");
		oqz_html_text(h, p->at[c][i] ? p->at[c][i]->engine : NULL);
		oqz_str_add(h->out, "</td>");
	}
	oqz_str_add(h->out, "</tr>\n");
}

static void layer_table(const struct oqz_html *h, const struct oqz_profile *p)
{
	oqz_str_addf(h->out,
	             "<details><summary>All %zu layers as a table</summary>\n<div class=\"scroll\" tabindex=\"0\" "
	             "role=\"region\" aria-label=\"Layers\"><table class=\"plain layers\">\n<thead><tr>"
	             "<th scope=\"col\" rowspan=\"2\" class=\"n\">#</th><th scope=\"col\" rowspan=\"2\">Layer</th>"
	             "<th scope=\"col\" rowspan=\"2\">Operator</th>"
	             "<th scope=\"col\" rowspan=\"2\" class=\"n\">MACs, millions</th>",
	             p->n);
	for (size_t c = 0; c < p->n_cells; c++) {
		oqz_str_addf(h->out, "<th scope=\"colgroup\" colspan=\"%d\">", p->has_local ? 3 : 2);
		oqz_html_scheme(h, p->cells[c]->scheme);
		oqz_str_add(h->out, "</th>");
	}
	oqz_str_addf(h->out, "<th scope=\"colgroup\" colspan=\"%zu\">kernel</th></tr><tr>", p->n_cells);
	for (size_t c = 0; c < p->n_cells; c++)
		oqz_str_addf(
		    h->out, "<th scope=\"col\" class=\"n\">cumulative</th>%s<th scope=\"col\" class=\"n\">weights</th>",
		    p->has_local ? "<th scope=\"col\" class=\"n\">local</th>" : "");
	for (size_t c = 0; c < p->n_cells; c++) {
		oqz_str_add(h->out, "<th scope=\"col\">");
		oqz_html_scheme(h, p->cells[c]->scheme);
		oqz_str_add(h->out, "</th>");
	}
	oqz_str_add(h->out, "</tr></thead>\n<tbody>\n");
	for (size_t i = 0; i < p->n; i++)
		layer_row(h, p, i);
	oqz_str_add(h->out, "</tbody></table></div></details>\n");
}

/* -------------------------------------------------------------------------------------------------------- sections */

static const struct oqz_float_result *float_of(const struct oqz_html *h, const char *model)
{
	for (size_t i = 0; i < h->r->floats.n; i++)
		if (strcmp(h->r->floats.v[i].model, model) == 0)
			return &h->r->floats.v[i];
	return NULL;
}

/* All metrics of the float model that exist for its data set (a class that does not occur has none). */
static void float_figures(const struct oqz_html *h, const struct oqz_float_result *f)
{
	char text[OQZ_FORMAT_SIZE];

	oqz_str_addf(h->out, "<p class=\"figures\">%" PRId64 " images, float:", f->images);
	for (size_t k = 0, n = 0; k < f->n_metrics; k++) {
		oqz_format_value(text, sizeof text, f->metrics[k].unit, f->values[k], false);
		if (strcmp(text, "-") == 0)
			continue;
		oqz_str_add(h->out, n++ ? ", " : " ");
		oqz_html_text(h, f->metrics[k].name);
		oqz_str_add(h->out, " <b>");
		oqz_html_figure(h, text);
		oqz_str_addf(h->out, "</b>%s", oqz_unit_suffix(f->metrics[k].unit));
	}
	oqz_str_add(h->out, "</p>\n");
}

/* Beside the name, for whoever looks for the model to open: its first metric, and what each scheme does to it. */
static void brief(const struct oqz_html *h, const char *model, const struct oqz_float_result *f)
{
	static const char *const tones[] = { "bad", "", "good" };
	char text[OQZ_FORMAT_SIZE];

	oqz_str_add(h->out, " <span class=\"brief\">");
	if (f && f->n_metrics) {
		oqz_format_value(text, sizeof text, f->metrics[0].unit, f->values[0], false);
		oqz_html_text(h, f->metrics[0].name);
		oqz_str_add(h->out, " ");
		oqz_html_figure(h, text);
		oqz_str_add(h->out, oqz_unit_suffix(f->metrics[0].unit));
	}
	for (size_t i = 0; i < h->r->cells.n; i++) {
		const struct oqz_cell_result *c = h->r->cells.v[i];
		if (strcmp(c->model, model) != 0 || c->status != OQZ_CELL_OK || !c->metrics.n)
			continue;
		oqz_format_delta(text, sizeof text, &c->metrics.v[0]);
		oqz_str_add(h->out, " <span>");
		oqz_html_swatch(h, c->scheme);
		oqz_str_addf(h->out, "<b class=\"%s\">", tones[1 + oqz_metric_tone(&c->metrics.v[0])]);
		oqz_html_figure(h, text);
		oqz_str_add(h->out, "</b></span>");
	}
	oqz_str_add(h->out, "</span>");
}

void oqz_html_model_details(const struct oqz_html *h, const char *model, const struct oqz_profile *p)
{
	if (p->n) {
		oqz_html_profile_chart(h, p);
		worst_table(h, p);
		layer_table(h, p);
	}
	oqz_html_samples(h, model);
}

/* For a model whose details the page has no room for. */
static void essentials(const struct oqz_html *h, const struct oqz_profile *p)
{
	if (!p->n)
		return;
	oqz_str_add(h->out, "<div class=\"scroll\"");
	oqz_html_profile_data(h, p);
	oqz_str_addf(h->out, "><p class=\"none\">All %zu layers stand in layers.csv.</p></div>\n", p->n);
	worst_table(h, p);
}

static void model_section(const struct oqz_html *h, size_t index, bool open, bool detailed)
{
	const struct oqz_float_result *f = float_of(h, h->models[index]);
	struct oqz_profile p = { 0 };

	oqz_str_addf(h->out, "<details class=\"model\" id=\"model-%zu\"%s><summary><h3>", index,
	             open ? " open=\"open\"" : "");
	oqz_html_text(h, h->models[index]);
	oqz_str_add(h->out, "</h3>");
	brief(h, h->models[index], f);
	oqz_str_add(h->out, "</summary>\n");
	if (f)
		float_figures(h, f);
	if (!oqz_html_profile_make(h->r, h->models[index], &p))
		h->out->failed = true;
	else if (!p.n)
		oqz_str_add(h->out, "<p class=\"none\">No scheme has quantized layers of this model.</p>\n");
	if (detailed)
		oqz_html_model_details(h, h->models[index], &p);
	else
		essentials(h, &p);
	oqz_html_profile_release(&p);
	oqz_str_add(h->out, "</details>\n");
}

void oqz_html_models(const struct oqz_html *h)
{
	OQZ_CLEANUP_FREE bool *detailed = calloc(h->n_models + 1, sizeof *detailed);

	if (!detailed) {
		h->out->failed = true;
		return;
	}
	for (size_t i = 0; i < h->n_detailed; i++)
		detailed[h->by_loss[i]] = true;
	oqz_str_add(h->out,
	            "<section id=\"models\">\n<h2>Error per layer</h2>\n<p>Relative error of each quantized layer's "
	            "output against the float model, in execution order: <b>cumulative</b>, what has gathered up to "
	            "the layer, and <b>local</b>, what it makes by itself from float inputs. Point at a layer for its "
	            "figures, click a scheme to hide it.</p>\n");
	if (h->n_detailed < h->n_models)
		oqz_str_addf(
		    h->out,
		    "<p>So that this page opens in any browser, it has pictures and the tables of all layers for "
		    "the %zu models that lost most only. layers.csv beside it has the layers of all; <code>oqz run "
		    "--select model=NAME</code> makes a page on one model, without computing anything again.</p>\n",
		    h->n_detailed);
	/* the model that lost most is open even in a zoo where others are not */
	for (size_t i = 0; i < h->n_models; i++)
		model_section(h, i, h->n_models <= OPEN_MODELS || i == h->by_loss[0], detailed[i]);
	oqz_str_add(h->out, "</section>\n");
}
