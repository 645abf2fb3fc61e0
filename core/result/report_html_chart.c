/* SPDX-License-Identifier: Apache-2.0
 *
 * The charts, as SVG with style-sheet colours. Coordinates are pixels with one decimal, y downwards. A series is two
 * paths: a line, and zero-length segments with round ends for the dots, which keeps large zoos small.
 */
#include "core/result/report_html.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

struct axis {
	double lo, hi;   /* of the data, log10 when `log` */
	double from, to; /* pixels of lo and hi */
	bool log;
};

static double place(const struct axis *a, double x)
{
	if (a->log)
		x = x > 0 ? log10(x) : a->lo;
	if (!(x > a->lo))
		return a->from;
	return x < a->hi ? a->from + (x - a->lo) / (a->hi - a->lo) * (a->to - a->from) : a->to;
}

/* Extremes of what has a place on the axis. */
struct range {
	double lo, hi;
};
static const struct range nothing = { INFINITY, -INFINITY };

static void widen(struct range *r, double x, bool log)
{
	if (!isfinite(x) || (log && x <= 0))
		return;
	r->lo = x < r->lo ? x : r->lo;
	r->hi = x > r->hi ? x : r->hi;
}

/* 1, 2 or 5 times a power of ten, at most `x`. */
static double round_down(double x)
{
	double p = pow(10, floor(log10(x)));

	return x >= 5 * p ? 5 * p : x >= 2 * p ? 2 * p : p;
}

static struct axis log_axis(struct range r, double from, double to)
{
	if (r.lo > r.hi)
		r = (struct range) { 0.01, 1 };
	double lo = round_down(r.lo), hi = round_down(r.hi);
	while (hi < r.hi || hi <= lo)
		hi = round_down(hi * 2.6);
	return (struct axis) { log10(lo), log10(hi), from, to, true };
}

static struct axis linear_axis(struct range r, double from, double to)
{
	widen(&r, 0, false);
	double span = r.hi > r.lo ? r.hi - r.lo : 1;
	return (struct axis) { r.lo - 0.05 * span, r.hi + 0.05 * span, from, to, false };
}

/* The i-th tick; false when there are no more. A log axis over more than three decades has only powers of ten. */
static bool tick(const struct axis *a, int i, double *ret)
{
	if (!a->log) {
		double step = round_down((a->hi - a->lo) / 3), x = (ceil(a->lo / step) + i) * step;
		*ret = fabs(x) < step / 2 ? 0 : x;
		return x <= a->hi;
	}
	static const double coarse[] = { 1, 2, 5 }, close[] = { 1, 1.5, 2, 3, 4, 5, 6, 8 };
	const double *mantissa = a->hi - a->lo < 0.8 ? close : coarse;
	int n = a->hi - a->lo < 0.8 ? OQZ_COUNTOF(close) : OQZ_COUNTOF(coarse);
	bool fine = a->hi - a->lo <= 3.1;
	double base = floor(a->lo + 1e-9);
	for (int k = 0;; k++) {
		double x = fine ? pow(10, base + k / n) * mantissa[k % n] : pow(10, base + k), at = log10(x);
		if (at > a->hi + 1e-9)
			return false;
		if (at >= a->lo - 1e-9 && i-- == 0) {
			*ret = x;
			return true;
		}
	}
}

static void tick_text(const struct oqz_html *h, double x)
{
	char text[40];

	snprintf(text, sizeof text, "%.4g", x);
	oqz_html_figure(h, text);
}

/* Lines across the panel with their numbers left of it. */
static void y_grid(const struct oqz_html *h, const struct axis *y, double x0, double x1)
{
	double v;

	for (int i = 0; i < 40 && tick(y, i, &v); i++) {
		double at = place(y, v);
		oqz_str_addf(h->out,
		             "<path class=\"grid%s\" d=\"M%.1f,%.1fH%.1f\"/><text class=\"tick\" x=\"%.1f\" y=\"%.1f\" "
		             "text-anchor=\"end\">",
		             !y->log && v == 0 ? " zero" : "", x0, at, x1, x0 - 6, at + 3.5);
		tick_text(h, v);
		oqz_str_add(h->out, "</text>");
	}
	oqz_str_add(h->out, "\n");
}

static void x_grid(const struct oqz_html *h, const struct axis *x, double y0, double y1)
{
	double v;

	for (int i = 0; i < 40 && tick(x, i, &v); i++) {
		double at = place(x, v);
		oqz_str_addf(h->out,
		             "<path class=\"grid\" d=\"M%.1f,%.1fV%.1f\"/><text class=\"tick\" x=\"%.1f\" y=\"%.1f\" "
		             "text-anchor=\"middle\">",
		             at, y0, y1, at, y1 + 15);
		tick_text(h, v);
		oqz_str_add(h->out, "</text>");
	}
	oqz_str_add(h->out, "\n");
}

/* ---------------------------------------------------------------------------------------------- difference, interval
 */

enum { BAR_WIDTH = 96, BAR_HEIGHT = 14 };

/* Compressed, so that one large loss does not make points of all other intervals. */
static double signed_root(double x) { return x < 0 ? -sqrt(-x) : sqrt(x); }

void oqz_html_interval_chart(const struct oqz_html *h, const struct oqz_metric_result *m, double scale)
{
	static const char *const tones[] = { "bad", "", "good" };
	const struct axis x = { -sqrt(scale), sqrt(scale), 3, BAR_WIDTH - 3, false };

	if (!(scale > 0) || !isfinite(m->delta) || isnan(m->ci_lo) || isnan(m->ci_hi))
		return;
	oqz_str_addf(h->out,
	             "<svg class=\"interval %s\" width=\"%d\" height=\"%d\" viewBox=\"0 0 %d %d\" aria-hidden=\"true\">"
	             "<path class=\"zero\" d=\"M%.1f,0V%d\"/><path class=\"whisker\" d=\"M%.1f,7H%.1f\"/>"
	             "<path class=\"dot\" d=\"M%.1f,7h0\"/></svg>",
	             tones[1 + oqz_metric_tone(m)], BAR_WIDTH, BAR_HEIGHT, BAR_WIDTH, BAR_HEIGHT, BAR_WIDTH / 2.0, BAR_HEIGHT,
	             place(&x, signed_root(m->ci_lo)), place(&x, signed_root(m->ci_hi)),
	             place(&x, signed_root(m->delta)));
}

/* ---------------------------------------------------------------------------------------------------- layer profile */

enum { PANEL = 190, LEFT = 52, TOP = 24, GAP = 34, TAIL = 24, LABEL_CHAR = 7 };

static size_t longest_name(const struct oqz_profile *p)
{
	size_t longest = 0;

	for (size_t i = 0; i < p->n; i++) {
		size_t n = strlen(p->names[i]);
		longest = n > longest ? n : longest;
	}
	return longest;
}

/* Bytes that all layer names begin with, up to the last separator: where names are too long for an axis, they go first.
 */
static size_t common_prefix(const struct oqz_profile *p)
{
	size_t n = p->n ? strlen(p->names[0]) : 0, cut = 0;

	for (size_t i = 1; i < p->n; i++) {
		size_t k = 0;
		while (k < n && p->names[i][k] == p->names[0][k])
			k++;
		n = k;
	}
	for (size_t k = 0; k < n && p->n > 1; k++)
		if (strchr("/_.:", p->names[0][k]))
			cut = k + 1;
	return cut;
}

/* Pixels that the longest label needs. */
static double label_height(size_t longest)
{
	return 16 + LABEL_CHAR * (double)(longest < TAIL + 1 ? longest : TAIL + 1);
}

/* The end of a long name, cut between characters. */
static void layer_label(const struct oqz_html *h, const char *name)
{
	size_t n = strlen(name);

	if (n > TAIL) {
		name += n - TAIL;
		while (((unsigned char)*name & 0xc0) == 0x80)
			name++;
		oqz_str_add(h->out, "\xe2\x80\xa6");
	}
	oqz_html_text(h, name);
}

double oqz_html_layer_value(const struct oqz_layer_result *l, bool local)
{
	return !l ? NAN : !local ? l->cumulative.pooled : l->has_local ? l->local.pooled : NAN;
}

static void draw_series(const struct oqz_html *h, const struct oqz_profile *p, size_t cell, bool local, double step,
                        const struct axis *y)
{
	char class[32];
	bool pen = false;
	struct oqz_str dots = { 0 };

	oqz_str_addf(h->out, "<g class=\"%s\"><path class=\"line\" d=\"",
	             oqz_html_scheme_class(h, p->cells[cell]->scheme, class));
	for (size_t i = 0; i < p->n; i++) {
		double v = oqz_html_layer_value(p->at[cell][i], local), x = LEFT + ((double)i + 0.5) * step;
		if (isnan(v)) {
			pen = false;
			continue;
		}
		double at = isinf(v) ? y->to : place(y, v);
		oqz_str_addf(h->out, "%s%.1f,%.1f", pen ? "L" : "M", x, at);
		oqz_str_addf(&dots, "M%.1f,%.1fh0", x, at);
		pen = true;
	}
	oqz_str_addf(h->out, "\"/><path class=\"dots\" d=\"%s\"/></g>\n", oqz_str_get(&dots));
	h->out->failed |= dots.failed;
	oqz_str_release(&dots);
}

static void draw_panel(const struct oqz_html *h, const struct oqz_profile *p, bool local, double top, double step)
{
	struct range r = nothing;

	for (size_t c = 0; c < p->n_cells; c++)
		for (size_t i = 0; i < p->n; i++)
			widen(&r, oqz_html_layer_value(p->at[c][i], local), true);
	const struct axis y = log_axis(r, top + PANEL, top);
	oqz_str_addf(h->out, "<text class=\"title\" x=\"%d\" y=\"%.1f\">%s</text>\n", LEFT, top - 8,
	             local ? "Local: this layer alone quantized" : "Cumulative: all layers up to here quantized");
	y_grid(h, &y, LEFT, LEFT + (double)p->n * step);
	for (size_t c = 0; c < p->n_cells; c++)
		draw_series(h, p, c, local, step, &y);
}

/* A column over both panels that shows a layer's figures when pointed at, with the name below. */
static void draw_column(const struct oqz_html *h, const struct oqz_profile *p, size_t i, size_t prefix, double step,
                        double bottom, double labels)
{
	double x = LEFT + (double)i * step, middle = x + step / 2;

	oqz_str_addf(h->out,
	             "<g class=\"column\"><rect x=\"%.1f\" y=\"%d\" width=\"%.1f\" height=\"%.1f\"/>"
	             "<text class=\"layer\" transform=\"translate(%.1f,%.1f)rotate(-90)\" text-anchor=\"end\">",
	             x, TOP, step, bottom - TOP + labels, middle + 3.5, bottom + 8);
	layer_label(h, p->names[i] + prefix);
	oqz_str_add(h->out, "</text><title>");
	oqz_html_text(h, p->names[i]);
	oqz_str_add(h->out, " (");
	oqz_html_text(h, p->ops[i]);
	oqz_str_add(h->out, ")");
	for (size_t c = 0; c < p->n_cells; c++) {
		const struct oqz_layer_result *l = p->at[c][i];
		if (!l)
			continue;
		oqz_str_add(h->out, "\n");
		oqz_html_text(h, p->cells[c]->scheme);
		oqz_str_add(h->out, ": ");
		oqz_html_error(h, l->cumulative.pooled);
		if (l->has_local) {
			oqz_str_add(h->out, ", local ");
			oqz_html_error(h, l->local.pooled);
		}
	}
	oqz_str_add(h->out, "</title></g>\n");
}

void oqz_html_profile_chart(const struct oqz_html *h, const struct oqz_profile *p)
{
	double step = 1060.0 / (double)p->n;
	double bottom = TOP + PANEL + (p->has_local ? GAP + PANEL : 0);

	size_t longest = longest_name(p), prefix = longest > TAIL ? common_prefix(p) : 0;
	double labels = label_height(longest - prefix);

	step = step < 13 ? 13 : step > 96 ? 96 : step;
	oqz_str_add(h->out, "<p class=\"key\">");
	for (size_t c = 0; c < p->n_cells; c++) {
		oqz_str_add(h->out, "<span>");
		oqz_html_scheme(h, p->cells[c]->scheme);
		oqz_str_add(h->out, "</span> ");
	}
	double width = LEFT + (double)p->n * step + 12, height = bottom + labels;
	oqz_str_add(h->out,
	            "</p>\n<div class=\"scroll\" tabindex=\"0\" role=\"region\" aria-label=\"Error per layer\"");
	oqz_html_profile_data(h, p);
	oqz_str_addf(h->out,
	             "><svg class=\"chart\" width=\"%.0f\" height=\"%.0f\" viewBox=\"0 0 %.0f %.0f\" role=\"img\" "
	             "aria-label=\"Relative error per layer of ",
	             width, height, width, height);
	oqz_html_text(h, p->n_cells ? p->cells[0]->model : "");
	oqz_str_add(h->out, "; the same figures are in the table of all layers\">\n");
	draw_panel(h, p, false, TOP, step);
	if (p->has_local)
		draw_panel(h, p, true, TOP + PANEL + GAP, step);
	for (size_t i = 0; i < p->n; i++)
		draw_column(h, p, i, prefix, step, bottom, labels);
	oqz_str_add(h->out, "</svg></div>\n");
}

/* -------------------------------------------------------------------------------------------- error against accuracy
 */

enum { SCATTER_W = 360, SCATTER_H = 280, SCATTER_LEFT = 46, SCATTER_TOP = 26, SCATTER_BOTTOM = 42 };

static double model_error(const struct oqz_cell_result *c, int which)
{
	return which == 0 ? c->aqe : which == 1 ? c->mqe : c->oqe;
}

static bool has_point(const struct oqz_cell_result *c, int which)
{
	return c->status == OQZ_CELL_OK && c->metrics.n && isfinite(model_error(c, which)) &&
	       isfinite(oqz_html_relative_loss(&c->metrics.v[0], c->metrics.v[0].delta));
}

static bool point_of(const struct oqz_cell_result *c, int which, struct oqz_html_point *ret)
{
	if (!has_point(c, which))
		return false;
	const struct oqz_metric_result *m = &c->metrics.v[0];
	*ret = (struct oqz_html_point) { model_error(c, which), oqz_html_relative_loss(m, m->delta),
		                         oqz_html_relative_loss(m, m->ci_lo), oqz_html_relative_loss(m, m->ci_hi) };
	return true;
}

static void draw_point(const struct oqz_html *h, const struct oqz_cell_result *c, int which, const struct axis *x,
                       const struct axis *y)
{
	const struct oqz_metric_result *m = &c->metrics.v[0];
	double px = place(x, model_error(c, which)), a = oqz_html_relative_loss(m, m->ci_lo),
	       b = oqz_html_relative_loss(m, m->ci_hi);
	char class[32], text[OQZ_FORMAT_SIZE];

	oqz_str_addf(h->out, "<g class=\"point %s\">", oqz_html_scheme_class(h, c->scheme, class));
	if (isfinite(a) && isfinite(b))
		oqz_str_addf(h->out, "<path class=\"whisker\" d=\"M%.1f,%.1fV%.1f\"/>", px, place(y, a), place(y, b));
	oqz_str_addf(h->out, "<circle cx=\"%.1f\" cy=\"%.1f\" r=\"4.5\"/><title>", px,
	             place(y, oqz_html_relative_loss(m, m->delta)));
	oqz_html_text(h, c->model);
	oqz_str_add(h->out, "\n");
	oqz_html_text(h, c->scheme);
	oqz_str_add(h->out, "\n");
	oqz_html_text(h, m->name);
	oqz_format_delta(text, sizeof text, m);
	oqz_str_add(h->out, " ");
	oqz_html_figure(h, text);
	snprintf(text, sizeof text, " (%.2f %% of float lost)", oqz_html_relative_loss(m, m->delta));
	oqz_html_figure(h, text);
	oqz_str_add(h->out, ", error ");
	oqz_html_error(h, model_error(c, which));
	oqz_str_add(h->out, "</title></g>\n");
}

static void draw_scatter(const struct oqz_html *h, int which)
{
	static const char *const names[] = { "AQE, mean over the layers", "MQE, the worst layer", "OQE, the output" };
	struct range rx = nothing, ry = nothing;

	for (size_t i = 0; i < h->r->cells.n; i++) {
		const struct oqz_cell_result *c = h->r->cells.v[i];
		if (!has_point(c, which))
			continue;
		const struct oqz_metric_result *m = &c->metrics.v[0];
		widen(&rx, model_error(c, which), true);
		widen(&ry, oqz_html_relative_loss(m, m->delta), false);
		widen(&ry, oqz_html_relative_loss(m, m->ci_lo), false);
		widen(&ry, oqz_html_relative_loss(m, m->ci_hi), false);
	}
	const struct axis x = log_axis(rx, SCATTER_LEFT + 10, SCATTER_W - 12);
	const struct axis y = linear_axis(ry, SCATTER_H - SCATTER_BOTTOM, SCATTER_TOP);
	oqz_str_add(h->out, "<div class=\"scatter\"");
	oqz_html_scatter_data(h, names[which], point_of, which);
	oqz_str_addf(h->out,
	             "><svg class=\"chart\" width=\"%d\" height=\"%d\" viewBox=\"0 0 %d %d\" role=\"img\" "
	             "aria-label=\"Loss of accuracy against %s; the figures are in the table of results\">\n",
	             SCATTER_W, SCATTER_H, SCATTER_W, SCATTER_H, names[which]);
	y_grid(h, &y, SCATTER_LEFT, SCATTER_W - 2);
	x_grid(h, &x, SCATTER_TOP, SCATTER_H - SCATTER_BOTTOM);
	oqz_str_addf(h->out,
	             "<text class=\"title\" x=\"%d\" y=\"%d\" text-anchor=\"middle\">%s</text>"
	             "<text x=\"8\" y=\"12\">loss, %% of float</text>\n",
	             (SCATTER_LEFT + SCATTER_W) / 2, SCATTER_H - 6, names[which]);
	for (size_t i = 0; i < h->r->cells.n; i++)
		if (has_point(h->r->cells.v[i], which))
			draw_point(h, h->r->cells.v[i], which, &x, &y);
	oqz_str_add(h->out, "</svg></div>\n");
}

void oqz_html_scatter(const struct oqz_html *h)
{
	bool any[3] = { 0 };

	for (int k = 0; k < 3; k++)
		for (size_t i = 0; i < h->r->cells.n; i++)
			any[k] |= has_point(h->r->cells.v[i], k);
	if (!any[0] && !any[1] && !any[2])
		return;
	oqz_str_add(
	    h->out,
	    "<section id=\"scatter\">\n<h2>Error against loss of accuracy</h2>\n"
	    "<p>Each point is one model under one scheme: what its primary metric loses, in percent of the float "
	    "value and with the 95&#160;% interval, over its relative error.</p>\n<p class=\"key\">");
	for (size_t i = 0; i < h->n_schemes; i++) {
		oqz_str_add(h->out, "<span>");
		oqz_html_scheme(h, h->schemes[i]);
		oqz_str_add(h->out, "</span> ");
	}
	oqz_str_add(h->out, "</p>\n<div class=\"charts\">\n");
	for (int k = 0; k < 3; k++)
		if (any[k])
			draw_scatter(h, k);
	oqz_str_add(h->out, "</div>\n");
	oqz_html_links(h);
	oqz_str_add(h->out, "</section>\n");
}
