/* SPDX-License-Identifier: Apache-2.0
 *
 * What stands beside the figures: gates, what failed and why, and what exactly was measured.
 */
#include "core/result/report_html.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

/* Of lists that grow with the zoo and its data: so many failed images are shown, and provenance is open up to so many
 * cells. */
enum { FAILED_IMAGES = 500, OPEN_CELLS = 60 };

static void text_cell(const struct oqz_html *h, const char *tag, const char *s)
{
	oqz_str_addf(h->out, "<%s>", tag);
	oqz_html_text(h, s);
	oqz_str_addf(h->out, "</%.2s>", tag);
}

/* `numbers`: the first column of figures, which stand right below their title's right end. */
static void open_table(const struct oqz_html *h, const char *label, const char *const *titles, size_t numbers)
{
	oqz_str_addf(h->out,
	             "<div class=\"scroll\" tabindex=\"0\" role=\"region\" aria-label=\"%s\"><table class=\"plain\">"
	             "<thead><tr>",
	             label);
	for (size_t i = 0; titles[i]; i++)
		oqz_str_addf(h->out, "<th scope=\"col\"%s>%s</th>", i >= numbers ? " class=\"n\"" : "", titles[i]);
	oqz_str_add(h->out, "</tr></thead>\n<tbody>\n");
}

static void gates_table(const struct oqz_html *h, bool failed)
{
	static const char *const titles[] = { "Outcome", "Gate", NULL };

	open_table(h, failed ? "Failed gates" : "Passed gates", titles, SIZE_MAX);
	for (size_t i = 0; i < h->r->gates.n; i++) {
		const struct oqz_gate_result *g = &h->r->gates.v[i];
		if (g->failed != failed)
			continue;
		oqz_str_addf(h->out, "<tr><td class=\"%s\">%s</td>", failed ? "bad" : "good",
		             failed ? "&#10007; failed" : "&#10003; passed");
		text_cell(h, "td class=\"reason\"", g->text);
		oqz_str_add(h->out, "</tr>\n");
	}
	oqz_str_add(h->out, "</tbody></table></div>\n");
}

/* Those that failed first; behind them the others are folded. */
void oqz_html_gates(const struct oqz_html *h)
{
	size_t failed = 0, passed;

	for (size_t i = 0; i < h->r->gates.n; i++)
		failed += h->r->gates.v[i].failed;
	passed = h->r->gates.n - failed;
	if (!h->r->gates.n)
		return;
	oqz_str_add(h->out, "<section id=\"gates\">\n<h2>Gates</h2>\n");
	if (failed)
		gates_table(h, true);
	if (failed && passed)
		oqz_str_addf(h->out, "<details><summary>%zu passed</summary>\n", passed);
	if (passed)
		gates_table(h, false);
	oqz_str_addf(h->out, "%s</section>\n", failed && passed ? "</details>\n" : "");
}

static void link_cell(const struct oqz_html *h, struct oqz_correlation link)
{
	char text[OQZ_FORMAT_SIZE] = "-";

	if (!isnan(link.rho))
		snprintf(text, sizeof text, link.p < 0.001 ? "%+.2f (p < 0.001)" : "%+.2f (p %.3f)", link.rho, link.p);
	oqz_str_add(h->out, "<td class=\"n\">");
	oqz_html_figure(h, text);
	oqz_str_add(h->out, "</td>");
}

void oqz_html_links(const struct oqz_html *h)
{
	static const char *const titles[] = { "Task", "Metric", "Cells", "AQE", "MQE", "OQE", NULL };

	if (!h->r->links.n)
		return;
	oqz_str_add(
	    h->out,
	    "<h3>Does the error tell the loss?</h3>\n"
	    "<p>Spearman's rank correlation over the cells of each kind of task: at +1 the order of the "
	    "errors is the order of the losses, near 0 they have nothing to do with each other. p takes cells for "
	    "independent, which schemes of one model are not quite: exact for up to nine cells, by Student's t "
	    "beyond.</p>\n");
	open_table(h, "Correlation of error and loss", titles, 2);
	for (size_t i = 0; i < h->r->links.n; i++) {
		const struct oqz_link_result *l = &h->r->links.v[i];
		oqz_str_add(h->out, "<tr>");
		text_cell(h, "th scope=\"row\"", l->task);
		text_cell(h, "td", l->metric);
		oqz_str_addf(h->out, "<td class=\"n\">%" PRId64 "</td>", l->cells);
		link_cell(h, l->aqe);
		link_cell(h, l->mqe);
		link_cell(h, l->oqe);
		oqz_str_add(h->out, "</tr>\n");
	}
	oqz_str_add(h->out, "</tbody></table></div>\n");
}

/* A model often fails with all its schemes for one reason, which is then said once: cells of a model stand together. */
static bool same_failure(const struct oqz_cell_result *a, const struct oqz_cell_result *b)
{
	return a->status == b->status && strcmp(a->model, b->model) == 0 &&
	       strcmp(a->code ? a->code : "", b->code ? b->code : "") == 0 &&
	       strcmp(a->message ? a->message : "", b->message ? b->message : "") == 0;
}

static void failed_cells(const struct oqz_html *h)
{
	static const char *const titles[] = { "Model", "Scheme", "Status", "Code", "Reason", NULL };

	open_table(h, "Cells without a result", titles, SIZE_MAX);
	for (size_t i = 0, n; i < h->r->cells.n; i += n) {
		const struct oqz_cell_result *c = h->r->cells.v[i];
		for (n = 1; i + n < h->r->cells.n && same_failure(h->r->cells.v[i + n], c);)
			n++;
		if (c->status == OQZ_CELL_OK)
			continue;
		oqz_str_add(h->out, "<tr>");
		text_cell(h, "th scope=\"row\" class=\"c-model\"", c->model);
		oqz_str_add(h->out, "<td class=\"c-scheme\">");
		for (size_t k = 0; k < n; k++) {
			oqz_str_add(h->out, k ? ", " : "");
			oqz_html_text(h, h->r->cells.v[i + k]->scheme);
		}
		oqz_str_add(h->out, "</td>");
		text_cell(h, "td class=\"bad\"", c->status == OQZ_CELL_SKIPPED ? "skipped" : "failed");
		text_cell(h, "td", c->code);
		text_cell(h, "td class=\"reason\"", c->message);
		oqz_str_add(h->out, "</tr>\n");
	}
	oqz_str_add(h->out, "</tbody></table></div>\n");
}

static void failed_images(const struct oqz_html *h)
{
	static const char *const titles[] = { "Model", "Image", "Reason", NULL };

	oqz_str_addf(h->out,
	             "<h3>Images (%zu)</h3>\n<p>They count for no metric, in float as little as quantized.</p>\n",
	             h->r->failed_images.n);
	open_table(h, "Failed images", titles, SIZE_MAX);
	for (size_t i = 0; i < h->r->failed_images.n && i < FAILED_IMAGES; i++) {
		const struct oqz_failed_image *f = &h->r->failed_images.v[i];
		oqz_str_add(h->out, "<tr>");
		text_cell(h, "th scope=\"row\"", f->model);
		text_cell(h, "td", f->item);
		text_cell(h, "td class=\"reason\"", f->message);
		oqz_str_add(h->out, "</tr>\n");
	}
	oqz_str_add(h->out, "</tbody></table></div>\n");
	if (h->r->failed_images.n > FAILED_IMAGES)
		oqz_str_addf(h->out, "<p>And %zu more, which results.json names.</p>\n",
		             h->r->failed_images.n - FAILED_IMAGES);
}

void oqz_html_failures(const struct oqz_html *h)
{
	bool cells = false;

	for (size_t i = 0; i < h->r->cells.n; i++)
		cells |= h->r->cells.v[i]->status != OQZ_CELL_OK;
	if (!cells && !h->r->failed_images.n)
		return;
	oqz_str_add(h->out, "<section id=\"failures\">\n<h2>Failures</h2>\n");
	if (cells)
		failed_cells(h);
	if (h->r->failed_images.n)
		failed_images(h);
	oqz_str_add(h->out, "</section>\n");
}

static void fact(const struct oqz_html *h, const char *name, const char *value, const char *more)
{
	if (!value)
		return;
	oqz_str_addf(h->out, "<dt>%s</dt><dd><code>", name);
	oqz_html_text(h, value);
	oqz_str_add(h->out, "</code>");
	if (more) {
		oqz_str_add(h->out, " ");
		oqz_html_text(h, more);
	}
	oqz_str_add(h->out, "</dd>");
}

void oqz_html_provenance(const struct oqz_html *h)
{
	oqz_str_add(h->out, "<section id=\"provenance\">\n<h2>Provenance</h2>\n"
	                    "<p>What exactly was measured: digests are SHA-256, parameters are complete.</p>\n");
	/* columns of thousands take the browser seconds to balance */
	bool folded = h->r->cells.n > OPEN_CELLS;
	if (folded)
		oqz_str_addf(h->out, "<details><summary>%zu cells</summary>\n", h->r->cells.n);
	oqz_str_add(h->out, "<div class=\"list\">\n");
	for (size_t i = 0; i < h->r->cells.n; i++) {
		const struct oqz_cell_result *c = h->r->cells.v[i];
		const struct oqz_provenance *p = &c->provenance;
		if (!p->model_sha256 && !p->scheme)
			continue;
		oqz_str_add(h->out, "<details><summary>");
		oqz_html_text(h, c->model);
		oqz_str_add(h->out, " &#183; ");
		oqz_html_scheme(h, c->scheme);
		oqz_str_add(h->out, "</summary>\n<dl>");
		fact(h, "Scheme", p->scheme, p->scheme_plugin);
		fact(h, "Task", p->task, p->task_plugin);
		fact(h, "Model", p->model_sha256, NULL);
		fact(h, "Data set", p->dataset_sha256, NULL);
		fact(h, "Plan", p->plan_sha256, NULL);
		fact(h, "Engine", p->engine, p->library);
		oqz_str_add(h->out, "</dl></details>\n");
	}
	oqz_str_addf(h->out, "</div>\n%s</section>\n", folded ? "</details>\n" : "");
}
