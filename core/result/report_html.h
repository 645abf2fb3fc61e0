/* SPDX-License-Identifier: Apache-2.0
 *
 * Private to core/result: the parts of the HTML page. Charts are there twice: as SVG in the page (without scripts, in
 * print, read aloud), and, where scripts run, drawn by Chart.js from the same figures (hover, hiding schemes). Chart.js
 * is embedded when oqz is built, so that a report's bytes do not depend on what is installed where it is made. The page
 * is HTML and well-formed XML at once, so that a test can parse it strictly.
 */
#ifndef OQZ_RESULT_REPORT_HTML_H
#define OQZ_RESULT_REPORT_HTML_H

#include "core/base/str.h"
#include "core/result/figures.h"
#include "core/result/results.h"

/* core/result/html/, embedded */
extern const char oqz_report_css[], oqz_report_js[], oqz_charts_js[];
/* Chart.js; a line break when it was not there at build time */
extern const char oqz_chart_js[];

struct oqz_html {
	const struct oqz_results *r;
	struct oqz_str *out;
	/* in order of appearance; a scheme has the same colour in all of the page */
	const char **schemes, **models;
	size_t n_schemes, n_models;
	/* models by loss, the largest first; the page has the details of the first n_detailed */
	size_t *by_loss, n_detailed;
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
/* The two numbers of that: colour 0..7, dash 0..3. */
void oqz_html_scheme_style(const struct oqz_html *h, const char *scheme, unsigned *ret_colour, unsigned *ret_dash);
/* A colour swatch alone, and with the name. */
void oqz_html_swatch(const struct oqz_html *h, const char *scheme);
void oqz_html_scheme(const struct oqz_html *h, const char *scheme);
/* The number of the model's section: id="model-N". */
size_t oqz_html_model(const struct oqz_html *h, const char *model);
/* A figure as oqz_format_value() and its like write it, with the minus sign that is as wide as the plus; a dash alone, for
 * what does not exist, is a longer one. */
void oqz_html_figure(const struct oqz_html *h, const char *text);
/* An error as a figure; "&#8734;" for infinity. */
void oqz_html_error(const struct oqz_html *h, double x);

/* What a difference of the metric loses, in percent of its float value, which compares metrics of different units; NaN
 * where that is 0. */
double oqz_html_relative_loss(const struct oqz_metric_result *m, double delta);

/* by_loss and n_detailed: the page stays one that a browser opens in seconds, whatever the size of the zoo (see the
 * source for the limits). False when out of memory. */
bool oqz_html_choose_details(struct oqz_html *h);
/* How many metrics of a cell the result table has: all that there are, as long as it is not too long. */
size_t oqz_html_table_metrics(const struct oqz_html *h);

/* The parts, in the order of the page. */
void oqz_html_findings(const struct oqz_html *h);
/* CSS: the titles of the result table's columns, which its narrow form shows beside the figures. */
void oqz_html_column_titles(const struct oqz_html *h);
void oqz_html_results(const struct oqz_html *h);
void oqz_html_scatter(const struct oqz_html *h);
void oqz_html_models(const struct oqz_html *h);
void oqz_html_failures(const struct oqz_html *h);
void oqz_html_gates(const struct oqz_html *h);
void oqz_html_provenance(const struct oqz_html *h);
/* Rank correlations of error and loss, by kind of task. */
void oqz_html_links(const struct oqz_html *h);

/* What is large in a model's section: charts that need no script, all layers as a table, sample pictures. */
void oqz_html_model_details(const struct oqz_html *h, const char *model, const struct oqz_profile *p);
/* Its layers, to be released even on failure, which is lack of memory. */
bool oqz_html_profile_make(const struct oqz_results *r, const char *model, struct oqz_profile *p);
void oqz_html_profile_release(struct oqz_profile *p);

/* The model's sample pictures, if there are any. */
void oqz_html_samples(const struct oqz_html *h, const char *model);
/* The error of a layer that a chart shows; NaN where there is none. */
double oqz_html_layer_value(const struct oqz_layer_result *l, bool local);
/* A cell's place in a chart of loss against error `which` (0 AQE, 1 MQE, 2 OQE); false when it has none. */
struct oqz_html_point {
	double x, y, low, high; /* error; loss and its interval in percent of float */
};
typedef bool oqz_html_point_fn(const struct oqz_cell_result *c, int which, struct oqz_html_point *ret);
/* The attribute data-chart of the element that is open, for the script. */
void oqz_html_profile_data(const struct oqz_html *h, const struct oqz_profile *p);
void oqz_html_scatter_data(const struct oqz_html *h, const char *title, oqz_html_point_fn *point, int which);

/* Cumulative errors, and local ones below, over the layers. */
void oqz_html_profile_chart(const struct oqz_html *h, const struct oqz_profile *p);
/* Difference and interval on a line; `scale`: the half-width of the drawing in the metric's unit. */
void oqz_html_interval_chart(const struct oqz_html *h, const struct oqz_metric_result *m, double scale);

#endif
