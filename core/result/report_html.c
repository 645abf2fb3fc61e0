/* SPDX-License-Identifier: Apache-2.0
 *
 * The HTML page: its frame, the summary on top, and the order of its parts. Model names, messages and paths come from
 * other people's files: everything goes through oqz_html_text(), and the page's content security policy allows no
 * script but ours (by its digest) and no request at all.
 */
#include "core/result/report_html.h"
#include "core/base/hash.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

enum { N_COLOURS = 8, N_DASHES = 4 };

/* ------------------------------------------------------------------------------------------------ names and numbers */

/* Index of a name in a list that grows; both lists are as long as all cells and floats together. */
static size_t find_or_add(const char **list, size_t *n, const char *name)
{
	for (size_t i = 0; i < *n; i++)
		if (strcmp(list[i], name) == 0)
			return i;
	list[*n] = name;
	return (*n)++;
}

void oqz_html_scheme_style(const struct oqz_html *h, const char *scheme, unsigned *ret_colour, unsigned *ret_dash)
{
	size_t n = h->n_schemes, i = find_or_add(h->schemes, &n, scheme);

	*ret_colour = (unsigned)(i % N_COLOURS);
	*ret_dash = (unsigned)((i + i / N_COLOURS) % N_DASHES);
}

const char *oqz_html_scheme_class(const struct oqz_html *h, const char *scheme, char buf[32])
{
	unsigned colour, dash;

	oqz_html_scheme_style(h, scheme, &colour, &dash);
	snprintf(buf, 32, "s%u d%u", colour, dash);
	return buf;
}

void oqz_html_swatch(const struct oqz_html *h, const char *scheme)
{
	char class[32];

	oqz_str_addf(h->out,
	             "<svg class=\"swatch %s\" width=\"22\" height=\"8\" aria-hidden=\"true\">"
	             "<path class=\"line\" d=\"M1,4H21\"/><path class=\"dots\" d=\"M11,4h0\"/></svg>",
	             oqz_html_scheme_class(h, scheme, class));
}

void oqz_html_scheme(const struct oqz_html *h, const char *scheme)
{
	oqz_html_swatch(h, scheme);
	oqz_html_text(h, scheme);
}

size_t oqz_html_model(const struct oqz_html *h, const char *model)
{
	size_t n = h->n_models;

	return find_or_add(h->models, &n, model);
}

void oqz_html_figure(const struct oqz_html *h, const char *text)
{
	if (strcmp(text, "-") == 0) {
		oqz_str_add(h->out, "\xe2\x80\x93");
		return;
	}
	for (size_t n; *text; text += n + (text[n] == '-')) {
		n = strcspn(text, "-");
		char part[OQZ_FORMAT_SIZE];
		snprintf(part, sizeof part, "%.*s", (int)n, text);
		oqz_html_text(h, part); /* "<0.001" */
		oqz_str_add(h->out, text[n] ? "\xe2\x88\x92" : "");
	}
}

void oqz_html_error(const struct oqz_html *h, double x)
{
	char text[OQZ_FORMAT_SIZE];

	if (isinf(x)) {
		oqz_str_add(h->out, "&#8734;");
		return;
	}
	if (x != 0 && fabs(x) < 0.001)
		snprintf(text, sizeof text, "%.1e", x);
	else
		oqz_format_error(text, sizeof text, x);
	oqz_html_figure(h, text);
}

double oqz_html_relative_loss(const struct oqz_metric_result *m, double delta)
{
	double loss = m->higher_is_better ? -delta : delta;

	return m->value_float != 0 ? 100 * loss / fabs(m->value_float) : NAN;
}

static bool collect_names(struct oqz_html *h)
{
	const struct oqz_results *r = h->r;
	size_t n = r->cells.n + r->floats.n + 1;

	h->schemes = calloc(n + 1, sizeof *h->schemes);
	h->models = calloc(n + 1, sizeof *h->models);
	if (!h->schemes || !h->models)
		return false;
	for (size_t i = 0; i < r->cells.n; i++) {
		find_or_add(h->schemes, &h->n_schemes, r->cells.v[i]->scheme);
		find_or_add(h->models, &h->n_models, r->cells.v[i]->model);
	}
	for (size_t i = 0; i < r->floats.n; i++)
		find_or_add(h->models, &h->n_models, r->floats.v[i].model);
	return true;
}

/* ------------------------------------------------------------------------------------------------------ the frame */

/* The digest as content security policies want it: base64 of the 32 bytes. */
static void add_digest(struct oqz_str *out, const char *text)
{
	static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	struct oqz_sha256 sha;
	unsigned char bytes[33] = { 0 };
	char hex[65];

	oqz_sha256_init(&sha);
	oqz_sha256_add(&sha, text, strlen(text));
	oqz_sha256_hex(&sha, hex);
	for (size_t i = 0; i < 32; i++) {
		unsigned b = 0;
		sscanf(hex + 2 * i, "%2x", &b);
		bytes[i] = (unsigned char)b;
	}
	for (size_t i = 0; i < 33; i += 3) {
		unsigned v = (unsigned)bytes[i] << 16 | (unsigned)bytes[i + 1] << 8 | bytes[i + 2];
		char four[5] = { digits[v >> 18], digits[v >> 12 & 63], digits[v >> 6 & 63], digits[v & 63], 0 };
		if (i == 30)
			four[3] = '=';
		oqz_str_add(out, four);
	}
}

static void add_script(struct oqz_str *out, const char *text)
{
	oqz_str_add(out, "<script>");
	oqz_str_add(out, text);
	oqz_str_add(out, "</script>\n");
}

static void add_head(const struct oqz_html *h)
{
	struct oqz_str *out = h->out;

	oqz_str_add(
	    out, "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\"/>\n"
	         "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; img-src data:; style-src "
	         "'unsafe-inline'; script-src 'sha256-");
	add_digest(out, oqz_report_js);
	oqz_str_add(out, "' 'sha256-");
	add_digest(out, oqz_chart_js);
	oqz_str_add(out, "' 'sha256-");
	add_digest(out, oqz_charts_js);
	oqz_str_add(out, "'; base-uri 'none'; form-action 'none'\"/>\n"
	                 "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\"/>\n"
	                 "<meta name=\"color-scheme\" content=\"light dark\"/>\n<title>oqz: ");
	if (h->n_models) {
		oqz_html_text(h, h->models[0]);
		if (h->n_models > 1)
			oqz_str_addf(out, " and %zu more", h->n_models - 1);
	}
	oqz_str_add(out, "</title>\n<style>");
	oqz_html_column_titles(h);
	oqz_str_add(out, oqz_report_css);
	oqz_str_add(out, "</style>\n</head>\n<body>\n");
}

static void add_tile(const struct oqz_html *h, const char *tone, const char *link, size_t n, const char *what)
{
	oqz_str_addf(h->out, "<li class=\"%s\"><a href=\"#%s\"><b>%zu</b> %s</a></li>\n", tone, link, n, what);
}

static void add_summary(const struct oqz_html *h)
{
	const struct oqz_results *r = h->r;
	size_t failed = 0, skipped = 0, losses = 0, gates = 0;
	bool limited = false;

	for (size_t i = 0; i < r->cells.n; i++) {
		const struct oqz_cell_result *c = r->cells.v[i];
		failed += c->status == OQZ_CELL_FAILED;
		skipped += c->status == OQZ_CELL_SKIPPED;
		losses += c->status == OQZ_CELL_OK && c->metrics.n && oqz_metric_tone(&c->metrics.v[0]) < 0;
		limited |= c->provenance.limited;
	}
	for (size_t i = 0; i < r->gates.n; i++)
		gates += r->gates.v[i].failed;
	oqz_str_add(h->out, "<header>\n<h1>Quantization report</h1>\n<ul class=\"tiles\">\n");
	add_tile(h, "", "models", h->n_models, h->n_models == 1 ? "model" : "models");
	add_tile(h, "", "results", h->n_schemes, h->n_schemes == 1 ? "scheme" : "schemes");
	add_tile(h, losses ? "bad" : "good", "results", losses,
	         losses == 1 ? "significant loss" : "significant losses");
	if (failed || skipped)
		add_tile(h, "bad", "failures", failed + skipped, "without a result");
	if (r->failed_images.n)
		add_tile(h, "bad", "failures", r->failed_images.n,
		         r->failed_images.n == 1 ? "failed image" : "failed images");
	if (r->gates.n) {
		char what[64];
		snprintf(what, sizeof what, "of %zu gates failed", r->gates.n);
		add_tile(h, gates ? "bad" : "good", "gates", gates, what);
	}
	oqz_str_add(h->out, "</ul>\n");
	if (limited)
		oqz_str_add(h->out,
		            "<p class=\"warning\">A limited run: only the first images of each data set were used. "
		            "The figures are no evaluation of the models.</p>\n");
	oqz_str_add(h->out, "</header>\n");
}

void oqz_results_html(const struct oqz_results *r, struct oqz_str *out)
{
	struct oqz_html h = { .r = r, .out = out };

	if (!collect_names(&h) || !oqz_html_choose_details(&h)) {
		out->failed = true;
	} else {
		add_head(&h);
		add_summary(&h);
		oqz_str_add(out, "<main>\n");
		oqz_html_findings(&h);
		oqz_html_results(&h);
		oqz_html_gates(&h);
		oqz_html_failures(&h);
		oqz_html_scatter(&h);
		oqz_html_models(&h);
		oqz_html_provenance(&h);
		oqz_str_add(out, "</main>\n<footer>oqz ");
		oqz_html_text(&h, r->version);
		oqz_str_add(out, " &#183; manifest <code>");
		oqz_html_text(&h, r->manifest_sha256);
		oqz_str_add(out, "</code></footer>\n");
		add_script(out, oqz_report_js);
		add_script(out, oqz_chart_js);
		add_script(out, oqz_charts_js);
		oqz_str_add(out, "</body>\n</html>\n");
	}
	free(h.schemes);
	free(h.models);
	free(h.by_loss);
}
