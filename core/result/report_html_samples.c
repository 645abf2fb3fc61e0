/* SPDX-License-Identifier: Apache-2.0
 *
 * The images that lost most, side by side: the truth, the float model, each scheme. A photograph stands in the page
 * once; every lane shows it again by reference and lays its own marks over it.
 */
#include "core/base/unicode.h"
#include "core/result/report_html.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

/* So many labels of a picture are kept from each other. */
enum { LABELS = 64 };

static void attribute(const struct oqz_html *h, const char *name, double v)
{
	oqz_str_addf(h->out, " %s=\"", name);
	oqz_str_add_double(h->out, isfinite(v) ? v : 0);
	oqz_str_add(h->out, "\"");
}

/* Letters that are readable on small pictures, which the page enlarges, and not too large on others. */
static double letters(const struct oqz_sample *s) { return fmin(11, fmax(6, s->width * 0.042)); }

/* A column of text: an average letter is 0.62 as wide as high, a Chinese character is narrower than two of them. */
static double column_width(const struct oqz_sample *s) { return 0.62 * letters(s); }

static void box_mark(const struct oqz_html *h, const struct oqz_mark *m)
{
	oqz_str_addf(h->out, "<rect class=\"box\" stroke=\"#%06" PRIx32 "\"", m->colour);
	attribute(h, "x", m->points[0][0]);
	attribute(h, "y", m->points[0][1]);
	attribute(h, "width", m->points[1][0] - m->points[0][0]);
	attribute(h, "height", m->points[1][1] - m->points[0][1]);
	oqz_str_add(h->out, "/>");
}

/* Labels of one picture that have their place: left, base line, right. */
struct labels {
	double at[LABELS][3];
	size_t n;
};

static bool is_free(const struct oqz_sample *s, const struct labels *placed, double left, double base, double right)
{
	if (base < letters(s) || base > s->height - 1)
		return false;
	for (size_t i = 0; i < placed->n; i++)
		if (left < placed->at[i][2] && right > placed->at[i][0] &&
		    fabs(base - placed->at[i][1]) < 1.1 * letters(s))
			return false;
	return true;
}

/* A label within its box at the top, where the box is high enough for something to be seen of what is in it; else above
 * or below it; else at its lower edge: the first place that no other label has taken. It is as long as the picture is
 * wide at most, and what it loses is its middle: a score stands at its end. */
static void box_label(const struct oqz_html *h, const struct oqz_sample *s, const struct oqz_mark *m,
                      struct labels *placed)
{
	struct oqz_str text = { 0 };
	oqz_str_add_fitted(&text, m->text, (int)fmax(1, (s->width - 3) / column_width(s)));
	const double high = letters(s), width = column_width(s) * oqz_width(oqz_str_get(&text)),
	             top = fmax(m->points[0][1], 0), bottom = fmin(m->points[1][1], s->height);
	const double left = fmax(1, fmin(m->points[0][0] + 3, s->width - 2 - width));
	const double inside = top + 1 + high, above = top - 2, below = bottom + high;
	const bool small = bottom - top < 2.5 * high;
	const double places[] = { small ? above : inside, small ? below : above, small ? inside : below, bottom - 3 };
	double base = inside;

	for (size_t i = 0; i < OQZ_COUNTOF(places); i++)
		if (is_free(s, placed, left, places[i], left + width)) {
			base = places[i];
			break;
		}
	if (placed->n < LABELS) {
		double *at = placed->at[placed->n++];
		at[0] = left;
		at[1] = base;
		at[2] = left + width;
	}
	oqz_str_addf(h->out, "<text class=\"label\" fill=\"#%06" PRIx32 "\"", m->colour);
	attribute(h, "font-size", high);
	attribute(h, "x", left);
	attribute(h, "y", base);
	oqz_str_add(h->out, ">");
	oqz_html_text(h, oqz_str_get(&text));
	oqz_str_add(h->out, "</text>");
	h->out->failed |= text.failed;
	oqz_str_release(&text);
}

static void path_mark(const struct oqz_html *h, const struct oqz_mark *m)
{
	if (m->n == 1) {
		oqz_str_addf(h->out, "<circle r=\"3\" fill=\"#%06" PRIx32 "\"", m->colour);
		attribute(h, "cx", m->points[0][0]);
		attribute(h, "cy", m->points[0][1]);
		oqz_str_add(h->out, "/>");
		return;
	}
	oqz_str_addf(h->out, "<polyline class=\"bone\" stroke=\"#%06" PRIx32 "\" points=\"", m->colour);
	for (size_t i = 0; i < m->n; i++)
		for (int c = 0; c < 2; c++) {
			oqz_str_add_double(h->out, isfinite(m->points[i][c]) ? m->points[i][c] : 0);
			oqz_str_add(h->out, c ? " " : ",");
		}
	oqz_str_add(h->out, "\"/>");
}

static void picture(const struct oqz_html *h, const char *id, double x, double y, double width, double height,
                    const char *uri)
{
	oqz_str_addf(h->out, "<image preserveAspectRatio=\"none\"%s", id);
	attribute(h, "x", x);
	attribute(h, "y", y);
	attribute(h, "width", width);
	attribute(h, "height", height);
	oqz_str_add(h->out, " href=\"");
	oqz_html_text(h, uri);
	oqz_str_add(h->out, "\"/>");
}

static void draw_mark(const struct oqz_html *h, const struct oqz_mark *m)
{
	if (m->kind == OQZ_MARK_BOX)
		box_mark(h, m);
	else if (m->kind == OQZ_MARK_PATH)
		path_mark(h, m);
	else
		picture(h, "", m->points[0][0], m->points[0][1], m->points[1][0] - m->points[0][0],
		        m->points[1][1] - m->points[0][1], m->text);
}

static bool is_scheme(const struct oqz_html *h, const char *name)
{
	for (size_t i = 0; i < h->n_schemes; i++)
		if (strcmp(h->schemes[i], name) == 0)
			return true;
	return false;
}

/* Is the lane's answer worse than the float model's? */
static bool loses(const struct oqz_html *h, const struct oqz_sample *s, const struct oqz_sample_lane *lane)
{
	bool higher = true;
	double before = NAN;

	for (size_t i = 0; i < h->r->cells.n; i++)
		if (strcmp(h->r->cells.v[i]->model, s->model) == 0 && h->r->cells.v[i]->metrics.n)
			higher = h->r->cells.v[i]->metrics.v[0].higher_is_better;
	for (size_t i = 0; i < s->n_lanes; i++)
		if (strcmp(s->lanes[i].name, "float") == 0)
			before = s->lanes[i].value;
	return higher ? lane->value < before : lane->value > before;
}

/* A task's line with the page's minus before numbers, also in exponents; what stands in quotes is what was read. */
static void words(const struct oqz_html *h, const char *text)
{
	struct oqz_str s = { 0 };
	bool quoted = false;

	for (const char *p = text; *p; p++) {
		const char before = p > text ? p[-1] : ' ';
		bool number = p[1] >= '0' && p[1] <= '9';
		bool exponent = before == 'e' && p - text > 1 && p[-2] >= '0' && p[-2] <= '9';
		quoted ^= *p == '\'';
		if (*p == '-' && number && !quoted && (strchr(" (", before) || exponent))
			oqz_str_add(&s, "\xe2\x88\x92");
		else
			oqz_str_addn(&s, p, 1);
	}
	oqz_html_text(h, oqz_str_get(&s));
	h->out->failed |= s.failed;
	oqz_str_release(&s);
}

static void caption(const struct oqz_html *h, const struct oqz_sample *s, const struct oqz_sample_lane *lane)
{
	char text[OQZ_FORMAT_SIZE];

	oqz_str_add(h->out, "<figcaption>");
	if (is_scheme(h, lane->name))
		oqz_html_scheme(h, lane->name);
	else
		oqz_html_text(h, lane->name);
	if (!isnan(lane->value)) {
		oqz_format_value(text, sizeof text, s->unit, lane->value, false);
		oqz_str_addf(h->out, " <b%s>", loses(h, s, lane) ? " class=\"bad\"" : "");
		oqz_html_figure(h, text);
		oqz_str_add(h->out, "</b>");
	}
	if (lane->caption && lane->caption[0]) {
		oqz_str_add(h->out, "<div class=\"words\">");
		words(h, lane->caption);
		oqz_str_add(h->out, "</div>");
	}
	oqz_str_add(h->out, "</figcaption>");
}

static void photograph(const struct oqz_html *h, const struct oqz_sample *s, size_t index, size_t lane)
{
	char id[48];

	if (lane) {
		oqz_str_addf(h->out, "<use href=\"#shot-%zu\"/>", index);
		return;
	}
	snprintf(id, sizeof id, " id=\"shot-%zu\"", index);
	picture(h, id, 0, 0, s->width, s->height, s->picture);
}

/* The lane's marks, or how much its picture differs from the float model's; false when there is no such picture. */
static bool draw_shot(const struct oqz_html *h, const struct oqz_sample *s, size_t index, size_t k, bool difference)
{
	const struct oqz_sample_lane *lane = &s->lanes[k];
	bool any = !difference;
	struct labels placed = { .n = 0 };

	for (size_t i = 0; i < lane->n_marks && !any; i++)
		any = lane->marks[i].kind == OQZ_MARK_DIFFERENCE;
	if (!any)
		return false;
	oqz_str_addf(h->out, "<svg class=\"shot\" viewBox=\"0 0 %d %d\" role=\"img\" aria-label=\"", s->width,
	             s->height);
	oqz_html_text(h, s->item);
	oqz_str_add(h->out, ", ");
	oqz_html_text(h, lane->name);
	oqz_str_add(h->out, difference ? ", difference from float\">" : "\">");
	if (!difference)
		photograph(h, s, index, k);
	for (size_t i = 0; i < lane->n_marks; i++)
		if ((lane->marks[i].kind == OQZ_MARK_DIFFERENCE) == difference)
			draw_mark(h, &lane->marks[i]);
	for (size_t i = 0; i < lane->n_marks && !difference; i++) /* over all boxes */
		if (lane->marks[i].kind == OQZ_MARK_BOX && lane->marks[i].text[0])
			box_label(h, s, &lane->marks[i], &placed);
	oqz_str_add(h->out, "</svg>");
	return true;
}

static void one_sample(const struct oqz_html *h, size_t index)
{
	const struct oqz_sample *s = &h->r->samples.v[index];

	oqz_str_add(h->out, "<div class=\"sample\"><p class=\"item\">");
	oqz_html_text(h, s->item);
	oqz_str_add(h->out, " <small>in figures: ");
	oqz_html_text(h, s->metric);
	oqz_str_addf(h->out, "%s of this image alone</small></p>\n<div class=\"shots\" style=\"--n:%zu\">",
	             oqz_unit_suffix(s->unit), s->n_lanes);
	for (size_t k = 0; k < s->n_lanes; k++) {
		oqz_str_add(h->out, "<figure>");
		draw_shot(h, s, index, k, false);
		caption(h, s, &s->lanes[k]);
		if (draw_shot(h, s, index, k, true))
			oqz_str_addf(h->out, "<figcaption>|quantized &#8722; float| &#215; %d</figcaption>",
			             OQZ_DIFFERENCE_GAIN);
		oqz_str_add(h->out, "</figure>");
	}
	oqz_str_add(h->out, "</div></div>\n");
}

void oqz_html_samples(const struct oqz_html *h, const char *model)
{
	bool any = false;

	for (size_t i = 0; i < h->r->samples.n; i++) {
		if (strcmp(h->r->samples.v[i].model, model) != 0)
			continue;
		if (!any)
			oqz_str_add(h->out, "<h4>The images that lost most</h4>\n");
		any = true;
		one_sample(h, i);
	}
}
