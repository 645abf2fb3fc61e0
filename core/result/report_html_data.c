/* SPDX-License-Identifier: Apache-2.0
 *
 * The figures of the charts for the page's script (html/charts.js): a JSON text in the attribute data-chart of the
 * element that holds the static drawing. Four digits are more than any screen shows.
 */
#include "core/result/report_html.h"

#include <math.h>
#include <string.h>

static void put_number(struct oqz_str *out, double x)
{
	if (isfinite(x))
		oqz_str_addf(out, "%.4g", x);
	else
		oqz_str_add(out, "null");
}

static void put_words(struct oqz_str *out, const char *name, const char *const *words, size_t n)
{
	oqz_str_addf(out, "\"%s\":[", name);
	for (size_t i = 0; i < n; i++) {
		oqz_str_add(out, i ? "," : "");
		oqz_str_add_json(out, words[i]);
	}
	oqz_str_add(out, "],");
}

static void open_series(const struct oqz_html *h, struct oqz_str *out, const char *scheme, bool first)
{
	unsigned colour, dash;

	oqz_html_scheme_style(h, scheme, &colour, &dash);
	oqz_str_add(out, first ? "{\"name\":" : ",{\"name\":");
	oqz_str_add_json(out, scheme);
	oqz_str_addf(out, ",\"colour\":%u,\"dash\":%u", colour, dash);
}

static void close_attribute(const struct oqz_html *h, struct oqz_str *json)
{
	oqz_str_add(h->out, " data-chart=\"");
	oqz_html_text(h, oqz_str_get(json));
	oqz_str_add(h->out, "\"");
	h->out->failed |= json->failed;
	oqz_str_release(json);
}

static void errors(struct oqz_str *out, const char *name, const struct oqz_profile *p, size_t cell, bool local)
{
	oqz_str_addf(out, ",\"%s\":[", name);
	for (size_t i = 0; i < p->n; i++) {
		double v = oqz_html_layer_value(p->at[cell][i], local);
		oqz_str_add(out, i ? "," : "");
		put_number(out, v > 0 ? v : NAN); /* the axis is logarithmic */
	}
	oqz_str_add(out, "]");
}

void oqz_html_profile_data(const struct oqz_html *h, const struct oqz_profile *p)
{
	struct oqz_str json = { 0 };

	oqz_str_addf(&json, "{\"kind\":\"profile\",\"local\":%s,", p->has_local ? "true" : "false");
	put_words(&json, "names", p->names, p->n);
	put_words(&json, "ops", p->ops, p->n);
	oqz_str_add(&json, "\"series\":[");
	for (size_t c = 0; c < p->n_cells; c++) {
		open_series(h, &json, p->cells[c]->scheme, c == 0);
		errors(&json, "cumulative", p, c, false);
		errors(&json, "local", p, c, true);
		oqz_str_add(&json, "}");
	}
	oqz_str_add(&json, "]}");
	close_attribute(h, &json);
}

void oqz_html_scatter_data(const struct oqz_html *h, const char *title, oqz_html_point_fn *point, int which)
{
	struct oqz_str json = { 0 };

	oqz_str_add(&json, "{\"kind\":\"scatter\",\"title\":");
	oqz_str_add_json(&json, title);
	oqz_str_add(&json, ",\"series\":[");
	for (size_t s = 0; s < h->n_schemes; s++) {
		bool first = true;
		open_series(h, &json, h->schemes[s], s == 0);
		oqz_str_add(&json, ",\"points\":[");
		for (size_t i = 0; i < h->r->cells.n; i++) {
			struct oqz_html_point p;
			const struct oqz_cell_result *c = h->r->cells.v[i];
			if (c->scheme != h->schemes[s] && strcmp(c->scheme, h->schemes[s]) != 0)
				continue;
			if (!point(c, which, &p) || !(p.x > 0))
				continue;
			oqz_str_add(&json, first ? "{\"model\":" : ",{\"model\":");
			first = false;
			oqz_str_add_json(&json, c->model);
			const double v[] = { p.x, p.y, p.low, p.high };
			static const char *const names[] = { "x", "y", "low", "high" };
			for (int k = 0; k < 4; k++) {
				oqz_str_addf(&json, ",\"%s\":", names[k]);
				put_number(&json, v[k]);
			}
			oqz_str_add(&json, "}");
		}
		oqz_str_add(&json, "]}");
	}
	oqz_str_add(&json, "]}");
	close_attribute(h, &json);
}
