/* SPDX-License-Identifier: Apache-2.0
 *
 * Results for people: the table on a terminal and the same as Markdown. Both are the same grid of strings; on a narrow
 * terminal the least important columns are left out until the rest fits, and names lose their middle (columns.h).
 */
#include "core/base/str.h"
#include "core/base/unicode.h"
#include "core/result/columns.h"
#include "core/result/figures.h"
#include "core/result/results.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

enum column { MODEL, SCHEME, METRIC, FLOAT, QUANTIZED, DELTA, INTERVAL, P, AQE, MQE, OQE, IMAGES, N_COLUMNS };

static const struct {
	const char *title;
	bool left;
	int rank; /* the highest is dropped first; 0: never */
} columns_of[N_COLUMNS] = {
	[MODEL] = { "model", true, 0 },
	[SCHEME] = { "scheme", true, 0 },
	[METRIC] = { "metric", true, 1 },
	[FLOAT] = { "float", false, 0 },
	[QUANTIZED] = { "quant.", false, 0 },
	[DELTA] = { "diff", false, 0 },
	[INTERVAL] = { "95 % interval", false, 3 },
	[P] = { "p", false, 5 },
	[AQE] = { "AQE", false, 2 },
	[MQE] = { "MQE", false, 3 },
	[OQE] = { "OQE", false, 2 },
	[IMAGES] = { "images", false, 4 },
};

struct row {
	const char *model, *scheme;            /* of any length */
	char text[N_COLUMNS][OQZ_FORMAT_SIZE]; /* of the other columns */
	int tone;            /* of the difference: -1 a significant loss, 1 a significant gain, 0 neither */
	const char *outcome; /* "failed" or "skipped"; NULL for a cell with figures */
	const char *message;
};

struct grid {
	struct row *rows;
	size_t n;
	struct oqz_column columns[N_COLUMNS];
};

static const char *text_of(const struct row *row, int c)
{
	return c == MODEL ? row->model : c == SCHEME ? row->scheme : row->text[c];
}

static void fill_metric(struct row *row, const struct oqz_cell_result *c, const struct oqz_metric_result *m)
{
	snprintf(row->text[METRIC], sizeof row->text[0], "%s%s", m->name, oqz_unit_suffix(m->unit));
	oqz_format_value(row->text[FLOAT], sizeof row->text[0], m->unit, m->value_float, false);
	oqz_format_value(row->text[QUANTIZED], sizeof row->text[0], m->unit, m->value_quantized, false);
	oqz_format_delta(row->text[DELTA], sizeof row->text[0], m);
	oqz_format_interval(row->text[INTERVAL], sizeof row->text[0], m);
	oqz_format_p(row->text[P], sizeof row->text[0], m->p);
	row->tone = oqz_metric_tone(m);
	oqz_format_error(row->text[AQE], sizeof row->text[0], c->aqe);
	oqz_format_error(row->text[MQE], sizeof row->text[0], c->mqe);
	oqz_format_error(row->text[OQE], sizeof row->text[0], c->oqe);
	snprintf(row->text[IMAGES], sizeof row->text[0], c->failed_images ? "%lld (%lld failed)" : "%lld",
	         (long long)c->images, (long long)c->failed_images);
}

static void fill_row(struct row *row, const struct oqz_cell_result *c)
{
	row->model = c->model ? c->model : "";
	row->scheme = c->scheme ? c->scheme : "";
	if (c->status == OQZ_CELL_OK && c->metrics.n) {
		fill_metric(row, c, &c->metrics.v[0]);
		return;
	}
	row->outcome = c->status == OQZ_CELL_SKIPPED ? "skipped" : "failed";
	row->message = c->message ? c->message : "";
}

/* A model that ran without schemes: its float figures alone. */
static void fill_float(struct row *row, const struct oqz_float_result *f)
{
	row->model = f->model ? f->model : "";
	row->scheme = "(float)";
	if (f->n_metrics) {
		snprintf(row->text[METRIC], sizeof row->text[0], "%s%s", f->metrics[0].name,
		         oqz_unit_suffix(f->metrics[0].unit));
		oqz_format_value(row->text[FLOAT], sizeof row->text[0], f->metrics[0].unit, f->values[0], false);
	}
	snprintf(row->text[IMAGES], sizeof row->text[0], f->failed_images ? "%lld (%lld failed)" : "%lld",
	         (long long)f->images, (long long)f->failed_images);
}

static bool make_grid(const struct oqz_results *r, int columns, struct grid *g)
{
	g->rows = calloc(r->cells.n + r->floats.n + 1, sizeof *g->rows);
	if (!g->rows)
		return false;
	for (size_t i = 0; i < r->cells.n; i++)
		fill_row(&g->rows[g->n++], r->cells.v[i]);
	for (size_t i = 0; i < r->floats.n; i++)
		if (!oqz_results_has_cells(r, r->floats.v[i].model))
			fill_float(&g->rows[g->n++], &r->floats.v[i]);
	for (int c = 0; c < N_COLUMNS; c++) {
		struct oqz_column *column = &g->columns[c];
		*column = (struct oqz_column) { (int)strlen(columns_of[c].title), columns_of[c].rank, true };
		for (size_t i = 0; i < g->n; i++) {
			int width = oqz_width(text_of(&g->rows[i], c));
			column->width = width > column->width ? width : column->width;
		}
	}
	if (columns > 0)
		oqz_columns_fit(g->columns, N_COLUMNS, columns);
	return true;
}

static void put_cell(const struct grid *g, int c, const char *text, const char *before, const char *after,
                     struct oqz_str *out)
{
	struct oqz_str s = { 0 };

	if (c == MODEL || c == SCHEME)
		oqz_str_add_fitted(&s, text, g->columns[c].width);
	else
		oqz_str_add(&s, text);
	int pad = g->columns[c].width - oqz_width(oqz_str_get(&s)); /* two-column characters may leave one free */
	oqz_str_add(out, before);
	for (int i = 0; i < pad && !columns_of[c].left; i++)
		oqz_str_add(out, " ");
	oqz_str_add(out, oqz_str_get(&s));
	for (int i = 0; i < pad && columns_of[c].left; i++)
		oqz_str_add(out, " ");
	oqz_str_add(out, after);
	out->failed |= s.failed;
	oqz_str_release(&s);
}

static void put_row(const struct grid *g, const struct row *row, bool colour, struct oqz_str *out)
{
	for (int c = 0; c < N_COLUMNS; c++) {
		if (!g->columns[c].shown)
			continue;
		if (row->outcome && c > SCHEME) {
			oqz_str_addf(out, "  %s%s: ", colour && row->outcome[0] == 'f' ? "\033[31m" : "", row->outcome);
			for (const char *p = row->message; *p; p++)
				oqz_str_addn(out, *p == '\n' ? " " : p, 1);
			oqz_str_add(out, colour && row->outcome[0] == 'f' ? "\033[0m" : "");
			break;
		}
		bool tinted = colour && c == DELTA && row->tone;
		oqz_str_add(out, c == MODEL ? "" : "  ");
		put_cell(g, c, text_of(row, c), tinted ? (row->tone < 0 ? "\033[31m" : "\033[32m") : "",
		         tinted ? "\033[0m" : "", out);
	}
	while (out->len && out->s[out->len - 1] == ' ')
		out->s[--out->len] = 0;
	oqz_str_add(out, "\n");
}

void oqz_results_table(const struct oqz_results *r, int columns, bool colour, struct oqz_str *out)
{
	struct grid g = { 0 };
	struct row head = { .model = columns_of[MODEL].title, .scheme = columns_of[SCHEME].title };

	if (!make_grid(r, columns, &g)) {
		out->failed = true;
		return;
	}
	for (int c = 0; c < N_COLUMNS; c++)
		snprintf(head.text[c], sizeof head.text[c], "%s", columns_of[c].title);
	put_row(&g, &head, false, out);
	for (int i = 0; i < oqz_columns_width(g.columns, N_COLUMNS); i++)
		oqz_str_add(out, "-");
	oqz_str_add(out, "\n");
	for (size_t i = 0; i < g.n; i++)
		put_row(&g, &g.rows[i], colour, out);
	free(g.rows);
}

/* A bar would end the cell, a line break the table. */
static void put_markdown(const struct grid *g, int c, const char *text, struct oqz_str *out)
{
	struct oqz_str s = { 0 };

	for (const char *p = text; *p; p++)
		oqz_str_add(&s, *p == '|' ? "\\|" : (char[]) { *p == '\n' ? ' ' : *p, 0 });
	put_cell(g, c, oqz_str_get(&s), "| ", c == N_COLUMNS - 1 ? " |\n" : " ", out);
	oqz_str_release(&s);
}

/* In the place of the first figure: whole, since no column's width follows it. */
static void put_outcome(const struct grid *g, const struct row *row, struct oqz_str *out)
{
	struct oqz_str s = { 0 };

	oqz_str_addf(&s, "%s%s%s", row->outcome, row->message[0] ? ": " : "", row->message);
	put_markdown(g, METRIC, oqz_str_get(&s), out);
	out->failed |= s.failed;
	oqz_str_release(&s);
}

void oqz_results_markdown(const struct oqz_results *r, struct oqz_str *out)
{
	struct grid g = { 0 };

	if (!make_grid(r, 0, &g)) {
		out->failed = true;
		return;
	}
	for (int c = 0; c < N_COLUMNS; c++)
		put_cell(&g, c, columns_of[c].title, "| ", c == N_COLUMNS - 1 ? " |\n" : " ", out);
	for (int c = 0; c < N_COLUMNS; c++)
		oqz_str_addf(out, "|%s%s", columns_of[c].left ? ":--" : "--:", c == N_COLUMNS - 1 ? "|\n" : "");
	for (size_t i = 0; i < g.n; i++)
		for (int c = 0; c < N_COLUMNS; c++) {
			const struct row *row = &g.rows[i];
			if (row->outcome && c == METRIC)
				put_outcome(&g, row, out);
			else
				put_markdown(&g, c, text_of(row, c), out);
		}
	free(g.rows);
}
