/* SPDX-License-Identifier: Apache-2.0
 *
 * See compare.h. What counts as a regression: the primary metric is worse on the same images, and its p stays below
 * alpha after Holm's correction over all rows that were tested. Without the correction a zoo of a hundred cells would
 * report five regressions for nothing.
 */
#include "core/result/compare.h"
#include "core/base/str.h"
#include "core/base/unicode.h"
#include "core/metric/rank.h"
#include "core/result/columns.h"
#include "core/result/figures.h"
#include "core/result/words.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

static const char *const state_words[] = { "paired", "unpaired", "not comparable", "only in A", "only in B" };

struct oqz_comparison *oqz_comparison_new(void)
{
	struct oqz_comparison *c = calloc(1, sizeof *c);

	if (c && !(c->arena = oqz_arena_new())) {
		free(c);
		c = NULL;
	}
	if (c)
		c->alpha = 0.05;
	return c;
}

void oqz_comparison_free(struct oqz_comparison *c)
{
	if (!c)
		return;
	oqz_vec_release(&c->rows);
	oqz_arena_free(c->arena);
	free(c);
}

enum oqz_status oqz_comparison_judge(struct oqz_comparison *c, struct oqz_err *err)
{
	size_t n = c->rows.n;
	double *p = OQZ_ARENA_NEW_N(c->arena, double, n + 1), *adjusted = OQZ_ARENA_NEW_N(c->arena, double, n + 1);

	if (!p || !adjusted)
		return oqz_err_nomem(err, "a comparison", n);
	for (size_t i = 0; i < n; i++)
		p[i] = c->rows.v[i].n_metrics && c->rows.v[i].state == OQZ_COMPARE_PAIRED ? c->rows.v[i].metrics[0].p
		                                                                          : NAN;
	oqz_holm(p, n, adjusted);
	for (size_t i = 0; i < n; i++) {
		struct oqz_compare_row *r = &c->rows.v[i];
		c->shared += r->state <= OQZ_COMPARE_REFUSED;
		c->refused += r->state == OQZ_COMPARE_REFUSED;
		if (isnan(p[i]))
			continue;
		struct oqz_metric_result *m = &r->metrics[0];
		m->p_holm = adjusted[i];
		r->regression = (m->higher_is_better ? m->delta < 0 : m->delta > 0) && adjusted[i] < c->alpha;
		c->regressions += r->regression;
	}
	return OQZ_OK;
}

/* ------------------------------------------------------------------------------------------------ table */

enum { MODEL, SCHEME, METRIC, VALUE_A, VALUE_B, DELTA, INTERVAL, P, AQE_A, AQE_B, IMAGES, N_COLUMNS };
static const struct {
	const char *title;
	int rank; /* columns.h */
} columns_of[N_COLUMNS] = {
	[MODEL] = { "model", 0 },    [SCHEME] = { "scheme", 0 },          [METRIC] = { "metric", 2 },
	[VALUE_A] = { "A", 0 },      [VALUE_B] = { "B", 0 },              [DELTA] = { "B - A", 0 },
	[P] = { "p Holm", 1 },       [INTERVAL] = { "95 % interval", 3 }, [AQE_A] = { "AQE A", 4 },
	[AQE_B] = { "AQE B", 4 },    [IMAGES] = { "images", 5 },
};

struct line {
	const char *model, *scheme;            /* of any length */
	char text[N_COLUMNS][OQZ_FORMAT_SIZE]; /* of the other columns */
};

static const char *text_of(const struct line *l, int c)
{
	return c == MODEL ? l->model : c == SCHEME ? l->scheme : l->text[c];
}

static void fill_line(const struct oqz_compare_row *r, struct line *l)
{
	l->model = r->model;
	l->scheme = *r->scheme ? r->scheme : "(float)";
	if (r->state > OQZ_COMPARE_UNPAIRED || !r->n_metrics)
		return;
	const struct oqz_metric_result *m = &r->metrics[0];
	snprintf(l->text[METRIC], sizeof l->text[0], "%s%s", m->name, oqz_unit_suffix(m->unit));
	oqz_format_value(l->text[VALUE_A], sizeof l->text[0], m->unit, m->value_float, false);
	oqz_format_value(l->text[VALUE_B], sizeof l->text[0], m->unit, m->value_quantized, false);
	oqz_format_delta(l->text[DELTA], sizeof l->text[0], m);
	oqz_format_interval(l->text[INTERVAL], sizeof l->text[0], m);
	oqz_format_p(l->text[P], sizeof l->text[0], m->p_holm);
	if (!isnan(r->aqe[0]) || !isnan(r->aqe[1])) {
		oqz_format_error(l->text[AQE_A], sizeof l->text[0], r->aqe[0]);
		oqz_format_error(l->text[AQE_B], sizeof l->text[0], r->aqe[1]);
	}
	snprintf(l->text[IMAGES], sizeof l->text[0], "%" PRId64, r->images);
}

static void put_spaces(int n, struct oqz_str *out) { oqz_str_addf(out, "%*s", n, ""); }

/* Of a row without figures the names alone, up to where its remark begins. */
static void put_line(const struct line *l, const struct oqz_column *columns, const char *before, const char *after,
                     struct oqz_str *out)
{
	const bool bare = !*l->text[METRIC];

	for (int c = 0; c < (bare ? METRIC : N_COLUMNS); c++) {
		struct oqz_str s = { 0 };
		if (!columns[c].shown)
			continue;
		oqz_str_add_fitted(&s, text_of(l, c), columns[c].width);
		int pad = columns[c].width - oqz_width(oqz_str_get(&s));
		put_spaces((c ? 2 : 0) + (c > METRIC ? pad : 0), out);
		oqz_str_addf(out, "%s%s%s", c == DELTA ? before : "", oqz_str_get(&s), c == DELTA ? after : "");
		put_spaces(c > METRIC ? 0 : pad, out);
		out->failed |= s.failed;
		oqz_str_release(&s);
	}
	while (!bare && out->len && out->s[out->len - 1] == ' ')
		out->s[--out->len] = 0;
}

/* What a row has to say behind its figures. */
static void put_remark(const struct oqz_compare_row *r, struct oqz_str *out)
{
	if (r->state != OQZ_COMPARE_PAIRED)
		oqz_str_addf(out, "  %s%s%s", state_words[r->state], r->why ? ": " : "", r->why ? r->why : "");
	if (r->regression)
		oqz_str_add(out, "  REGRESSION");
	if (*r->notes)
		oqz_str_addf(out, "  (differs: %s)", r->notes);
	oqz_str_add(out, "\n");
}

static void put_summary(const struct oqz_comparison *c, struct oqz_str *out)
{
	size_t changed = 0;

	for (size_t i = 0; i < c->rows.n; i++)
		changed += c->rows.v[i].state <= OQZ_COMPARE_UNPAIRED && c->rows.v[i].n_metrics &&
		           c->rows.v[i].metrics[0].delta != 0;
	oqz_str_addf(out, "\nA = %s (oqz %s), B = %s (oqz %s)\n", c->a, c->version_a, c->b, c->version_b);
	oqz_str_addf(out,
	             "%zu cells in both, %zu with another figure, %zu significantly worse (Holm, alpha %g), %zu not "
	             "comparable, %zu in one only\n",
	             c->shared, changed, c->regressions, c->alpha, c->refused, c->rows.n - c->shared);
}

static void measure(const struct line *lines, size_t n, struct oqz_column ret[N_COLUMNS])
{
	for (int c = 0; c < N_COLUMNS; c++) {
		ret[c] = (struct oqz_column) { (int)strlen(columns_of[c].title), columns_of[c].rank, true };
		for (size_t i = 0; i < n; i++) {
			int w = oqz_width(text_of(&lines[i], c));
			ret[c].width = w > ret[c].width ? w : ret[c].width;
		}
	}
}

void oqz_comparison_table(const struct oqz_comparison *c, int columns, bool colour, struct oqz_str *out)
{
	struct line *lines = calloc(c->rows.n + 1, sizeof *lines);
	struct line head = { .model = columns_of[MODEL].title, .scheme = columns_of[SCHEME].title };
	struct oqz_column shown[N_COLUMNS];

	if (!lines) {
		out->failed = true;
		return;
	}
	for (size_t i = 0; i < c->rows.n; i++)
		fill_line(&c->rows.v[i], &lines[i]);
	for (int k = 0; k < N_COLUMNS; k++)
		snprintf(head.text[k], sizeof head.text[k], "%s", columns_of[k].title);
	measure(lines, c->rows.n, shown);
	if (columns > 0)
		oqz_columns_fit(shown, N_COLUMNS, columns);
	put_line(&head, shown, "", "", out);
	oqz_str_add(out, "\n");
	for (int i = 0; i < oqz_columns_width(shown, N_COLUMNS); i++)
		oqz_str_add(out, "-");
	oqz_str_add(out, "\n");
	for (size_t i = 0; i < c->rows.n; i++) {
		bool red = colour && c->rows.v[i].regression;
		put_line(&lines[i], shown, red ? "\033[31m" : "", red ? "\033[0m" : "", out);
		put_remark(&c->rows.v[i], out);
	}
	free(lines);
	put_summary(c, out);
}

/* ------------------------------------------------------------------------------------------------ CSV and JSON */

static void number(struct oqz_str *out, double x, const char *none)
{
	if (isfinite(x))
		oqz_str_add_double(out, x);
	else
		oqz_str_add(out, none);
}

void oqz_comparison_csv(const struct oqz_comparison *c, struct oqz_str *out)
{
	oqz_str_add(out,
	            "model,scheme,state,metric,a,b,delta,ci95_low,ci95_high,p,p_holm,test,lost,gained,images,aqe_a,"
	            "aqe_b,mqe_a,mqe_b,oqe_a,oqe_b,regression,differs,why\n");
	for (size_t i = 0; i < c->rows.n; i++) {
		const struct oqz_compare_row *r = &c->rows.v[i];
		for (size_t k = 0; k < (r->n_metrics ? r->n_metrics : 1); k++) {
			static const struct oqz_metric_result none = { .lost = -1, .gained = -1 };
			const struct oqz_metric_result *m = r->n_metrics ? &r->metrics[k] : &none;
			const double values[] = { m->value_float, m->value_quantized, m->delta, m->ci_lo, m->ci_hi,
				                  m->p,           m->p_holm };
			const double errors[] = { r->aqe[0], r->aqe[1], r->mqe[0], r->mqe[1], r->oqe[0], r->oqe[1] };
			oqz_str_add_csv(out, r->model);
			oqz_str_add(out, ",");
			oqz_str_add_csv(out, r->scheme);
			oqz_str_addf(out, ",%s,%s", state_words[r->state], m->name ? m->name : "");
			for (size_t v = 0; v < OQZ_COUNTOF(values); v++) {
				oqz_str_add(out, ",");
				number(out, m->name ? values[v] : NAN, "");
			}
			oqz_str_addf(out, ",%s,", m->name ? oqz_word(oqz_test_words, m->test) : "");
			if (m->lost >= 0)
				oqz_str_addf(out, "%" PRId64 ",%" PRId64, m->lost, m->gained);
			oqz_str_addf(out, "%s,%" PRId64, m->lost >= 0 ? "" : ",", r->images);
			for (size_t v = 0; v < OQZ_COUNTOF(errors); v++) {
				oqz_str_add(out, ",");
				number(out, errors[v], "");
			}
			oqz_str_addf(out, ",%s,", r->regression && k == 0 ? "true" : "false");
			oqz_str_add_csv(out, r->notes);
			oqz_str_add(out, ",");
			oqz_str_add_csv(out, r->why ? r->why : "");
			oqz_str_add(out, "\n");
		}
	}
}

static void json_number(struct oqz_str *out, const char *key, double x)
{
	oqz_str_addf(out, ", \"%s\": ", key);
	number(out, x, "null");
}

static void json_text(struct oqz_str *out, const char *key, const char *s)
{
	oqz_str_addf(out, ", \"%s\": ", key);
	if (s)
		oqz_str_add_json(out, s);
	else
		oqz_str_add(out, "null");
}

static void json_metric(struct oqz_str *out, const struct oqz_metric_result *m, bool tested)
{
	oqz_str_add_json(out, m->name);
	oqz_str_add(out, ": {\"a\": ");
	number(out, m->value_float, "null");
	json_number(out, "b", m->value_quantized);
	json_number(out, "delta", m->delta);
	if (tested && m->test != OQZ_TEST_NONE) {
		oqz_str_add(out, ", \"ci95\": [");
		number(out, m->ci_lo, "null");
		oqz_str_add(out, ", ");
		number(out, m->ci_hi, "null");
		oqz_str_add(out, "]");
		json_number(out, "p", m->p);
		json_number(out, "p_holm", m->p_holm);
		json_number(out, "detectable", m->detectable);
		json_text(out, "test", oqz_word(oqz_test_words, m->test));
	}
	if (m->lost >= 0)
		oqz_str_addf(out, ", \"lost\": %" PRId64 ", \"gained\": %" PRId64, m->lost, m->gained);
	json_text(out, "unit", oqz_word(oqz_unit_words, m->unit));
	json_text(out, "better", m->higher_is_better ? "higher" : "lower");
	oqz_str_add(out, "}");
}

static void json_row(struct oqz_str *out, const struct oqz_compare_row *r)
{
	static const char *const names[] = { "aqe", "mqe", "oqe" };
	const double *errors[] = { r->aqe, r->mqe, r->oqe };

	oqz_str_add(out, "{\"model\": ");
	oqz_str_add_json(out, r->model);
	json_text(out, "scheme", r->scheme);
	json_text(out, "state", state_words[r->state]);
	json_text(out, "why", r->why);
	json_text(out, "differs", r->notes);
	oqz_str_addf(out, ", \"images\": %" PRId64 ", \"regression\": %s, \"metrics\": {", r->images,
	             r->regression ? "true" : "false");
	for (size_t i = 0; i < r->n_metrics; i++) {
		oqz_str_add(out, i ? ", " : "");
		json_metric(out, &r->metrics[i], r->state == OQZ_COMPARE_PAIRED);
	}
	oqz_str_add(out, "}");
	for (size_t i = 0; i < OQZ_COUNTOF(names); i++) {
		oqz_str_addf(out, ", \"%s\": [", names[i]);
		number(out, errors[i][0], "null");
		oqz_str_add(out, ", ");
		number(out, errors[i][1], "null");
		oqz_str_add(out, "]");
	}
	oqz_str_add(out, "}");
}

void oqz_comparison_json(const struct oqz_comparison *c, struct oqz_str *out)
{
	oqz_str_add(out, "{\"schema\": 1, \"a\": ");
	oqz_str_add_json(out, c->a);
	json_text(out, "b", c->b);
	json_text(out, "version_a", c->version_a);
	json_text(out, "version_b", c->version_b);
	json_number(out, "alpha", c->alpha);
	oqz_str_addf(out, ", \"shared\": %zu, \"regressions\": %zu, \"not_comparable\": %zu, \"rows\": [", c->shared,
	             c->regressions, c->refused);
	for (size_t i = 0; i < c->rows.n; i++) {
		oqz_str_add(out, i ? ",\n  " : "\n  ");
		json_row(out, &c->rows.v[i]);
	}
	oqz_str_add(out, "\n]}\n");
}
