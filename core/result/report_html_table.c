/* SPDX-License-Identifier: Apache-2.0
 *
 * The result table: one row per cell and metric, every figure with its uncertainty. Cells carry the exact number in
 * data-v, which the script sorts by; without scripts all rows stand there in the manifest's order.
 */
#include "core/result/report_html.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

static const struct {
	const char *key, *title, *help;
} columns[] = {
	{ "model", "Model", "task and tags below" },
	{ "scheme", "Scheme", "name in the manifest" },
	{ "metric", "Metric", "the task's own; the first is the primary one" },
	{ "float", "Float", "the model as it is" },
	{ "quant", "Quantized", "the same images, quantized" },
	{ "diff", "Difference", "quantized minus float; coloured if the corrected p is below 0.05" },
	{ "ci", "95 % interval", "of the difference; the drawing is on a square root scale around 0" },
	{ "p", "p", "paired test, two-sided" },
	{ "holm", "p Holm", "corrected for the number of cells tested; primary metrics" },
	{ "flips", "Flips", "images lost and gained" },
	{ "seen", "Visible from", "a true difference of this size would be found in four of five such data sets" },
	{ "aqe", "AQE", "mean relative error of the layers" },
	{ "mqe", "MQE", "largest relative error of a layer" },
	{ "oqe", "OQE", "relative error of the output" },
	{ "images", "Images", "evaluated" },
};

static void open_cell(const struct oqz_html *h, const char *key, double v, const char *class)
{
	oqz_str_addf(h->out, "<td class=\"c-%s %s\"", key, class);
	if (!isnan(v)) {
		oqz_str_add(h->out, " data-v=\"");
		oqz_str_add_double(h->out, v);
		oqz_str_add(h->out, "\"");
	}
	oqz_str_add(h->out, ">");
}

static void number_cell(const struct oqz_html *h, const char *key, double v, const char *text, const char *class)
{
	open_cell(h, key, v, class);
	oqz_html_figure(h, text);
	oqz_str_add(h->out, "</td>");
}

static void error_cell(const struct oqz_html *h, const char *key, double v)
{
	open_cell(h, key, v, "n");
	oqz_html_error(h, v);
	oqz_str_add(h->out, "</td>");
}

static void model_cell(const struct oqz_html *h, const char *model, const char *task, const char *const *tags,
                       size_t n_tags)
{
	oqz_str_addf(h->out, "<th scope=\"row\" class=\"c-model\"><a href=\"#model-%zu\">", oqz_html_model(h, model));
	oqz_html_text(h, model);
	oqz_str_add(h->out, "</a><div class=\"about\"><span class=\"task\">");
	oqz_html_text(h, task);
	oqz_str_add(h->out, "</span>");
	for (size_t i = 0; i < n_tags; i++) {
		oqz_str_add(h->out, " <span class=\"tag\">");
		oqz_html_text(h, tags[i]);
		oqz_str_add(h->out, "</span>");
	}
	oqz_str_add(h->out, "</div></th>");
}

static void scheme_cell(const struct oqz_html *h, const char *scheme)
{
	oqz_str_add(h->out, "<td class=\"c-scheme\">");
	oqz_html_scheme(h, scheme);
	oqz_str_add(h->out, "</td>");
}

static void images_cell(const struct oqz_html *h, int64_t images, int64_t failed)
{
	open_cell(h, "images", (double)images, "n");
	oqz_str_addf(h->out, "%" PRId64, images);
	if (failed)
		oqz_str_addf(h->out, "<div class=\"about bad\">%" PRId64 " failed</div>", failed);
	oqz_str_add(h->out, "</td>");
}

static void metric_name(const struct oqz_html *h, const char *name, uint32_t unit)
{
	oqz_str_add(h->out, "<td class=\"c-metric\">");
	oqz_html_text(h, name);
	oqz_str_addf(h->out, "<small>%s</small></td>", oqz_unit_suffix(unit));
}

/* What all rows have in common. */
struct table {
	double
	    scale[OQZ_UNIT_SCALAR + 1]; /* by unit: the largest figure of the drawings, so that all of them compare */
	size_t metrics;                 /* rows of a cell */
};

static struct table measure(const struct oqz_html *h)
{
	struct table t = { .metrics = oqz_html_table_metrics(h) };

	for (size_t i = 0; i < h->r->cells.n; i++) {
		const struct oqz_cell_result *c = h->r->cells.v[i];
		for (size_t k = 0; k < c->metrics.n; k++) {
			const struct oqz_metric_result *m = &c->metrics.v[k];
			const double xs[] = { fabs(m->delta), fabs(m->ci_lo), fabs(m->ci_hi) };
			for (size_t j = 0; m->unit < OQZ_COUNTOF(t.scale) && j < OQZ_COUNTOF(xs); j++)
				if (isfinite(xs[j]) && xs[j] > t.scale[m->unit])
					t.scale[m->unit] = xs[j];
		}
	}
	return t;
}

static void figures(const struct oqz_html *h, const struct table *t, const struct oqz_metric_result *m)
{
	static const char *const tones[] = { "n bad", "n", "n good" };
	char text[OQZ_FORMAT_SIZE];

	metric_name(h, m->name, m->unit);
	oqz_format_value(text, sizeof text, m->unit, m->value_float, false);
	number_cell(h, "float", m->value_float, text, "n");
	oqz_format_value(text, sizeof text, m->unit, m->value_quantized, false);
	number_cell(h, "quant", m->value_quantized, text, "n");
	oqz_format_delta(text, sizeof text, m);
	number_cell(h, "diff", m->delta, text, tones[1 + oqz_metric_tone(m)]);
	oqz_format_interval(text, sizeof text, m);
	open_cell(h, "ci", m->ci_lo, "n");
	oqz_html_figure(h, text);
	oqz_html_interval_chart(h, m, m->unit < OQZ_COUNTOF(t->scale) ? t->scale[m->unit] : 0);
	oqz_str_add(h->out, "</td>");
	oqz_format_p(text, sizeof text, m->p);
	number_cell(h, "p", m->p, text, "n");
	oqz_format_p(text, sizeof text, m->p_holm);
	number_cell(h, "holm", m->p_holm, text, "n");
	if (m->lost >= 0 && m->gained >= 0)
		snprintf(text, sizeof text, "-%" PRId64 " +%" PRId64, m->lost, m->gained);
	number_cell(h, "flips", m->lost >= 0 ? (double)(m->lost + m->gained) : NAN, m->lost >= 0 ? text : "-", "n");
	/* that size is an estimate: three digits say all of it */
	if (m->unit > OQZ_UNIT_DECIBEL && isfinite(m->detectable))
		snprintf(text, sizeof text, "%.3g", m->detectable);
	else
		oqz_format_value(text, sizeof text, m->unit, m->detectable, false);
	number_cell(h, "seen", m->detectable, text, "n");
}

static void cell_rows(const struct oqz_html *h, const struct table *t, const struct oqz_cell_result *c)
{
	if (c->status != OQZ_CELL_OK || !c->metrics.n) {
		oqz_str_add(h->out, "<tr class=\"primary\">");
		model_cell(h, c->model, c->task, c->tags, c->n_tags);
		scheme_cell(h, c->scheme);
		oqz_str_addf(h->out, "<td class=\"message\" colspan=\"%zu\"><div><b>%s</b> ", OQZ_COUNTOF(columns) - 2,
		             c->status == OQZ_CELL_SKIPPED ? "skipped" : "failed");
		oqz_html_text(h, c->message);
		oqz_str_add(h->out, "</div></td></tr>\n");
		return;
	}
	for (size_t k = 0; k < c->metrics.n && k < t->metrics; k++) {
		oqz_str_addf(h->out, "<tr class=\"%s\">", k ? "secondary" : "primary");
		model_cell(h, c->model, c->task, c->tags, c->n_tags);
		scheme_cell(h, c->scheme);
		figures(h, t, &c->metrics.v[k]);
		error_cell(h, "aqe", c->aqe);
		error_cell(h, "mqe", c->mqe);
		error_cell(h, "oqe", c->oqe);
		images_cell(h, c->images, c->failed_images);
		oqz_str_add(h->out, "</tr>\n");
	}
}

/* A model that ran without schemes. */
static void float_rows(const struct oqz_html *h, const struct oqz_float_result *f)
{
	char text[OQZ_FORMAT_SIZE];

	for (size_t k = 0; k < f->n_metrics; k++) {
		oqz_str_addf(h->out, "<tr class=\"%s\">", k ? "secondary" : "primary");
		model_cell(h, f->model, f->task, NULL, 0);
		oqz_str_add(h->out, "<td class=\"c-scheme none\">float only</td>");
		metric_name(h, f->metrics[k].name, f->metrics[k].unit);
		oqz_format_value(text, sizeof text, f->metrics[k].unit, f->values[k], false);
		number_cell(h, "float", f->values[k], text, "n");
		oqz_str_addf(h->out, "<td colspan=\"%zu\"></td>", OQZ_COUNTOF(columns) - 5);
		images_cell(h, f->images, f->failed_images);
		oqz_str_add(h->out, "</tr>\n");
	}
}

/* Hidden until the script has filled it in. */
static const char filters[] =
    "<form id=\"filter\" hidden=\"hidden\">\n"
    "<label>Model <input name=\"model\" type=\"search\" size=\"14\" placeholder=\"part of a name\"/></label>\n"
    "<label>Task <select name=\"task\"><option value=\"\">all</option></select></label>\n"
    "<label>Scheme <select name=\"scheme\"><option value=\"\">all</option></select></label>\n"
    "<label>Tag <select name=\"tag\"><option value=\"\">all</option></select></label>\n"
    "<label><input name=\"all\" type=\"checkbox\" value=\"1\"/> all metrics</label>\n"
    "<button type=\"reset\">Reset</button> <output id=\"count\" aria-live=\"polite\"></output>\n</form>\n";

void oqz_html_column_titles(const struct oqz_html *h)
{
	for (size_t i = 0; i < OQZ_COUNTOF(columns); i++)
		oqz_str_addf(h->out, ".c-%s { --title: \"%s\"; }\n", columns[i].key, columns[i].title);
}

void oqz_html_results(const struct oqz_html *h)
{
	const struct table t = measure(h);

	oqz_str_add(h->out, "<section id=\"results\">\n<h2>Results</h2>\n");
	oqz_str_add(h->out, filters);
	oqz_str_add(h->out, "<div class=\"scroll\" tabindex=\"0\" role=\"region\" aria-label=\"Results\">"
	                    "<table id=\"table\">\n<thead><tr>");
	for (size_t i = 0; i < OQZ_COUNTOF(columns); i++)
		oqz_str_addf(h->out, "<th scope=\"col\" data-k=\"%s\" class=\"c-%s%s\" title=\"%s\">%s</th>",
		             columns[i].key, columns[i].key, i > 2 ? " n" : "", columns[i].help, columns[i].title);
	oqz_str_add(h->out, "</tr></thead>\n<tbody>\n");
	for (size_t i = 0; i < h->r->cells.n; i++)
		cell_rows(h, &t, h->r->cells.v[i]);
	for (size_t i = 0; i < h->r->floats.n; i++)
		if (!oqz_results_has_cells(h->r, h->r->floats.v[i].model))
			float_rows(h, &h->r->floats.v[i]);
	oqz_str_add(h->out, "</tbody></table></div>\n");
	if (t.metrics != SIZE_MAX)
		oqz_str_addf(h->out, "<p>Of every model's metrics the first %zu are here; results.csv has all.</p>\n",
		             t.metrics);
	oqz_str_add(h->out, "<details class=\"legend\"><summary>What the columns mean</summary><dl>");
	for (size_t i = 0; i < OQZ_COUNTOF(columns); i++)
		oqz_str_addf(h->out, "<dt>%s</dt><dd>%s</dd>", columns[i].title, columns[i].help);
	oqz_str_add(
	    h->out,
	    "</dl><p>Relative error of a layer: &#8214;quantized &#8722; float&#8214; / &#8214;float&#8214; over "
	    "all elements of its output and all images.</p></details>\n</section>\n");
}
