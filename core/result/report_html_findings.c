/* SPDX-License-Identifier: Apache-2.0
 *
 * What the page found, in words, above all figures: for each scheme the losses that are proved, what the images leave
 * open for the other models, and the layer that errs most by itself. The table below has the figures behind every
 * sentence.
 */
#include "core/result/report_html.h"

#include <math.h>
#include <string.h>

/* Lists of more than MOST names end after NAMED. That no loss is proved is good news where hardly one is possible: up
 * to SMALL percent of the float value at the worse ends of all intervals. */
enum { MOST = 9, NAMED = 6, SMALL = 5 };
#define PERCENT "\xc2\xa0%%" /* never at the beginning of a line; for formats */

struct tally {
	size_t cells, losses, gains, unproved, without;
	double lost;                            /* sum over cells of the loss in percent of the float value */
	size_t with_share;                      /* cells that have one */
	bool open;                              /* some cell may lose more than SMALL */
	const struct oqz_cell_result *worst_in; /* the cell of the layer with the largest error of its own */
	const struct oqz_layer_result *worst;
};

static int tone(const struct oqz_cell_result *c) { return c->metrics.n ? oqz_metric_tone(&c->metrics.v[0]) : 0; }

static bool of_scheme(const struct oqz_cell_result *c, const char *scheme)
{
	return c->status == OQZ_CELL_OK && c->metrics.n && strcmp(c->scheme, scheme) == 0;
}

static void add_worst_layer(struct tally *t, const struct oqz_cell_result *c)
{
	for (size_t i = 0; i < c->layers.n; i++) {
		const struct oqz_layer_result *l = &c->layers.v[i];
		if (l->has_local && isfinite(l->local.pooled) &&
		    (!t->worst || l->local.pooled > t->worst->local.pooled)) {
			t->worst = l;
			t->worst_in = c;
		}
	}
}

static double worse_end(const struct oqz_metric_result *m) { return m->higher_is_better ? m->ci_lo : m->ci_hi; }

static struct tally count(const struct oqz_html *h, const char *scheme)
{
	struct tally t = { 0 };

	for (size_t i = 0; i < h->r->cells.n; i++) {
		const struct oqz_cell_result *c = h->r->cells.v[i];
		if (c->status != OQZ_CELL_OK || !c->metrics.n) {
			t.without += strcmp(c->scheme, scheme) == 0;
			continue;
		}
		if (!of_scheme(c, scheme))
			continue;
		double share = oqz_html_relative_loss(&c->metrics.v[0], c->metrics.v[0].delta);
		t.cells++;
		t.losses += tone(c) < 0;
		t.gains += tone(c) > 0;
		t.unproved += tone(c) == 0;
		if (isfinite(share)) {
			t.lost += share;
			t.with_share++;
		}
		t.open |= !(oqz_html_relative_loss(&c->metrics.v[0], worse_end(&c->metrics.v[0])) <= SMALL);
		add_worst_layer(&t, c);
	}
	return t;
}

static void model_link(const struct oqz_html *h, const char *model)
{
	oqz_str_addf(h->out, "<a href=\"#model-%zu\">", oqz_html_model(h, model));
	oqz_html_text(h, model);
	oqz_str_add(h->out, "</a>");
}

static void value(const struct oqz_html *h, const struct oqz_metric_result *m, double x, bool sign)
{
	char text[OQZ_FORMAT_SIZE];

	oqz_format_value(text, sizeof text, m->unit, x, sign);
	oqz_html_figure(h, text);
	oqz_str_add(h->out, "\xc2\xa0");
	oqz_str_add(h->out, oqz_unit_suffix(m->unit) + (oqz_unit_suffix(m->unit)[0] == ' '));
}

/* The models of one scheme whose verdict is `want`, each with `what` of it. */
static void name_models(const struct oqz_html *h, const char *scheme, int want, size_t n,
                        void what(const struct oqz_html *, const struct oqz_metric_result *))
{
	size_t shown = 0, named = n > MOST ? NAMED : n;

	for (size_t i = 0; i < h->r->cells.n && shown < named; i++) {
		const struct oqz_cell_result *c = h->r->cells.v[i];
		if (!of_scheme(c, scheme) || tone(c) != want)
			continue;
		oqz_str_add(h->out, shown++ ? ", " : " ");
		model_link(h, c->model);
		oqz_str_add(h->out, " ");
		what(h, &c->metrics.v[0]);
	}
	if (n > shown)
		oqz_str_addf(h->out, " and %zu more", n - shown);
}

static void difference(const struct oqz_html *h, const struct oqz_metric_result *m)
{
	value(h, m, m->delta, true);
	oqz_str_add(h->out, " ");
	oqz_html_text(h, m->name);
}

static void open_loss(const struct oqz_html *h, const struct oqz_metric_result *m)
{
	double worst = worse_end(m);

	if (isnan(worst)) {
		oqz_str_add(h->out, "(untested)");
		return;
	}
	value(h, m, worst, true);
}

static void verdicts(const struct oqz_html *h, const char *scheme, const struct tally *t)
{
	const char *none = t->open ? " <b>no loss is proved</b>" : " <b class=\"good\">no loss is proved</b>";

	if (t->losses) {
		oqz_str_addf(h->out, " <b class=\"bad\">loses on %zu of %zu %s:</b>", t->losses, t->cells,
		             t->cells == 1 ? "model" : "models");
		name_models(h, scheme, -1, t->losses, difference);
		oqz_str_add(h->out, ".");
	} else if (t->cells > 1) {
		oqz_str_addf(h->out, "%s on any of %zu models.", none, t->cells);
	} else if (t->cells) {
		oqz_str_addf(h->out, "%s on its only model.", none);
	}
	if (t->gains) {
		oqz_str_addf(h->out, " It gains on %zu:", t->gains);
		name_models(h, scheme, 1, t->gains, difference);
		oqz_str_add(h->out, ".");
	}
	if (t->unproved) {
		oqz_str_add(h->out, t->losses || t->gains
		                        ? " Nothing is proved for the others; they could still lose, at worst"
		                        : " With so few images it could still lose, at worst");
		name_models(h, scheme, 0, t->unproved, open_loss);
		oqz_str_add(h->out, ".");
	}
}

static void scheme_item(const struct oqz_html *h, const char *scheme)
{
	const struct tally t = count(h, scheme);

	oqz_str_add(h->out, "<li><b>");
	oqz_html_scheme(h, scheme);
	oqz_str_add(h->out, "</b>:");
	verdicts(h, scheme, &t);
	if (t.without)
		oqz_str_addf(h->out, " <b class=\"bad\">%zu %s no result.</b>", t.without,
		             t.without == 1 ? "model has" : "models have");
	if (t.with_share > 1)
		oqz_str_addf(h->out, " On average %.2f" PERCENT " of the float value is %s.",
		             fabs(t.lost) / (double)t.with_share, t.lost < 0 ? "gained" : "lost");
	if (t.worst) {
		oqz_str_add(h->out, " The layer that errs most by itself is <code>");
		oqz_html_text(h, t.worst->node);
		oqz_str_add(h->out, "</code> of ");
		model_link(h, t.worst_in->model);
		oqz_str_addf(h->out, ", by %.1f" PERCENT ".", 100 * t.worst->local.pooled);
	}
	oqz_str_add(h->out, "</li>\n");
}

void oqz_html_findings(const struct oqz_html *h)
{
	if (!h->n_schemes)
		return;
	oqz_str_add(h->out, "<section id=\"findings\">\n<h2>What was found</h2>\n<ul>\n");
	for (size_t i = 0; i < h->n_schemes; i++)
		scheme_item(h, h->schemes[i]);
	oqz_str_add(
	    h->out,
	    "</ul>\n<p class=\"note\">A loss is proved where the paired test of a model's first metric, corrected "
	    "for all the cells of this run (Holm), has p below 0.05. &#8220;At worst&#8221; is the lower end of the "
	    "95&#160;% interval; more images make it narrower.</p>\n</section>\n");
}
