/* SPDX-License-Identifier: Apache-2.0
 *
 * Private to core/result: the parts of the HTML page. Charts are SVG that we write as part of the page, not a chart
 * library's canvas: they are there without scripts, their text is text (searchable, selectable, read aloud, printed),
 * they follow light and dark by style sheet, and the bytes do not depend on what is installed where the report is made.
 * The page is HTML and well-formed XML at once, so that a test can parse it strictly.
 */
#ifndef OQZ_RESULT_REPORT_HTML_H
#define OQZ_RESULT_REPORT_HTML_H

#include "core/base/str.h"
#include "core/result/figures.h"
#include "core/result/results.h"

/* core/result/html/, embedded */
extern const char oqz_report_css[], oqz_report_js[];

struct oqz_html {
	const struct oqz_results *r;
	struct oqz_str *out;
	/* in order of appearance; a scheme has the same colour in all of the page */
	const char **schemes, **models;
	size_t n_schemes, n_models;
};

/* One model's layers over its schemes. */
struct oqz_profile {
	const char **names, **ops; /* of the rows, in execution order */
	size_t n;
	/* of the cells with layers: the cell, and its layer in each row (NULL where it has none) */
	const struct oqz_cell_result **cells;
	const struct oqz_layer_result ***at;
	size_t n_cells;
	bool has_local;
};

static inline void oqz_html_text(const struct oqz_html *h, const char *s) { oqz_str_add_html(h->out, s ? s : ""); }
/* "s2 d2": the classes that give a scheme its colour and dash pattern. */
const char *oqz_html_scheme_class(const struct oqz_html *h, const char *scheme, char buf[32]);
/* A colour swatch and the name. */
void oqz_html_scheme(const struct oqz_html *h, const char *scheme);
/* The number of the model's section: id="model-N". */
size_t oqz_html_model(const struct oqz_html *h, const char *model);
/* What may be drawn or shown as a number: "&#8734;" for infinity, "-" for NaN. */
void oqz_html_error(const struct oqz_html *h, double x);

/* The parts, in the order of the page. */
void oqz_html_results(const struct oqz_html *h);
void oqz_html_scatter(const struct oqz_html *h);
void oqz_html_models(const struct oqz_html *h);
void oqz_html_failures(const struct oqz_html *h);
void oqz_html_gates(const struct oqz_html *h);
void oqz_html_provenance(const struct oqz_html *h);

/* Cumulative errors, and local ones below, over the layers. */
void oqz_html_profile_chart(const struct oqz_html *h, const struct oqz_profile *p);
/* Difference and interval on a line; `scale`: the half-width of the drawing in the metric's unit. */
void oqz_html_interval_chart(const struct oqz_html *h, const struct oqz_metric_result *m, double scale);

#endif
