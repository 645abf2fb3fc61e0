/* SPDX-License-Identifier: Apache-2.0
 *
 * oqz compare: two runs cell by cell, or two plans site by site. Folders are runs, files are plans.
 */
#include "cli/cli.h"
#include "core/base/file.h"
#include "core/base/str.h"
#include "core/quant/qplan_diff.h"
#include "core/run/compare_runs.h"

#include <math.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

static const struct oqz_option options[] = {
	{ "format", 0, "FORM", "table (default), csv or json" },
	{ "json", 0, NULL, "the same as --format json" },
	{ "alpha", 0, "A", "level at which a loss counts as a regression (default 0.05, Holm over all cells)" },
	{ "same-data", 0, NULL, "runs: pair images by name although the data's hashes differ" },
	{ 0 },
};

enum { MAX_PLAN_BYTES = 256 << 20 };

enum form { TABLE, CSV, JSON };

static bool read_form(const struct oqz_args *args, enum form *ret)
{
	static const char *const words[] = { "table", "csv", "json" };
	const char *word = cli_option(args, "json") ? "json" : cli_option(args, "format");

	*ret = TABLE;
	for (int i = 0; word && i < 3; i++)
		if (strcmp(word, words[i]) == 0) {
			*ret = (enum form)i;
			word = NULL;
		}
	if (word)
		fprintf(stderr, "oqz: --format is table, csv or json, not `%s`\n", word);
	return word == NULL;
}

/* ---------------------------------------------------------------------------------------------------- plans */

static enum oqz_status read_plan(const char *path, struct oqz_qplan **ret, struct oqz_err *err)
{
	OQZ_CLEANUP_FREE char *text = NULL;
	size_t size;

	OQZ_TRY(oqz_file_read(path, MAX_PLAN_BYTES, &text, &size, err));
	return oqz_qplan_from_json(text, size, path, ret, err);
}

static void describe_grid(const struct oqz_qplan_site *s, struct oqz_str *out)
{
	oqz_grid_describe(&s->spec.grid, out);
	if (s->spec.axis >= 0)
		oqz_str_addf(out, " axis %d", s->spec.axis);
	if (s->spec.block)
		oqz_str_addf(out, " blocks of %lld", (long long)s->spec.block);
	oqz_str_addf(out, ", %zu scale%s", s->spec.n_scale, s->spec.n_scale == 1 ? "" : "s");
}

/* "scale x0.5 to x2 (12 of 64), zero by 3" */
static void describe_change(const struct oqz_qplan_change *c, struct oqz_str *out)
{
	if (c->what & OQZ_QPLAN_ONLY) {
		oqz_str_addf(out, "only in %s: ", c->a ? "A" : "B");
		describe_grid(c->a ? c->a : c->b, out);
		return;
	}
	if (c->what & OQZ_QPLAN_TENSOR)
		oqz_str_addf(out, "%s `%s` against `%s`; ", c->a->input < 0 ? "makes" : "reads", c->a->tensor,
		             c->b->tensor);
	if (c->what & (OQZ_QPLAN_GRID | OQZ_QPLAN_PLACE)) {
		describe_grid(c->a, out);
		oqz_str_add(out, " against ");
		describe_grid(c->b, out);
		oqz_str_add(out, "; ");
	}
	if (c->what & OQZ_QPLAN_SCALE) {
		/* next to 1 the digits that tell it from 1 count */
		if (fabs(c->ratio_lo - 1) < 1e-4 && fabs(c->ratio_hi - 1) < 1e-4)
			oqz_str_addf(out, "scale x(1 %+.1e)",
			             fabs(c->ratio_hi - 1) > fabs(c->ratio_lo - 1) ? c->ratio_hi - 1 : c->ratio_lo - 1);
		else if (c->ratio_hi != c->ratio_lo)
			oqz_str_addf(out, "scale x%.6g to x%.6g", c->ratio_lo, c->ratio_hi);
		else
			oqz_str_addf(out, "scale x%.6g", c->ratio_lo);
		if (c->a->spec.n_scale > 1)
			oqz_str_addf(out, " (%zu of %zu)", c->n_scale, c->a->spec.n_scale);
		oqz_str_add(out, "; ");
	}
	if (c->what & OQZ_QPLAN_ZERO)
		oqz_str_addf(out, "zero point by up to %d; ", c->zero);
	if (out->len > 2)
		out->s[out->len -= 2] = 0;
}

/* One difference in any form: of a site (node and input or output), of a constant or value by name, of a scheme (no
 * name). */
struct row {
	const char *kind, *name, *tensor;
	int input;
	double ratio_lo, ratio_hi;
	int32_t zero;
	struct oqz_str what; /* released by print_row() */
};

/* "input 1", "output 0" */
static void add_place(struct oqz_str *out, int input)
{
	oqz_str_addf(out, "%s %d", input < 0 ? "output" : "input", input < 0 ? -1 - input : input);
}

static void add_row(struct oqz_str *line, const struct row *r, enum form form)
{
	bool placed = strcmp(r->kind, "site") == 0 || strcmp(r->kind, "constant") == 0;

	if (form == TABLE) {
		oqz_str_addf(line, "%s%s", placed ? "" : r->kind, placed ? "" : *r->name ? " " : "");
		oqz_str_add(line, r->name);
		if (placed) {
			oqz_str_add(line, " ");
			add_place(line, r->input);
		}
		if (*r->tensor)
			oqz_str_addf(line, " (%s)", r->tensor);
		oqz_str_addf(line, ": %s\n", oqz_str_get(&r->what));
	} else if (form == CSV) {
		oqz_str_addf(line, "%s,", r->kind);
		oqz_str_add_csv(line, r->name);
		oqz_str_add(line, ",");
		if (placed)
			add_place(line, r->input);
		oqz_str_add(line, ",");
		oqz_str_add_csv(line, r->tensor);
		oqz_str_addf(line, ",%.9g,%.9g,%d,", r->ratio_lo, r->ratio_hi, r->zero);
		oqz_str_add_csv(line, oqz_str_get(&r->what));
		oqz_str_add(line, "\n");
	} else {
		oqz_str_addf(line, "  {\"kind\": \"%s\", \"name\": ", r->kind);
		oqz_str_add_json(line, r->name);
		if (placed)
			oqz_str_addf(line, ", \"%s\": %d", r->input < 0 ? "output" : "input",
			             r->input < 0 ? -1 - r->input : r->input);
		if (*r->tensor) {
			oqz_str_add(line, ", \"tensor\": ");
			oqz_str_add_json(line, r->tensor);
			oqz_str_addf(line, ", \"ratio\": [%.9g, %.9g], \"zero\": %d", r->ratio_lo, r->ratio_hi,
			             r->zero);
		}
		oqz_str_add(line, ", \"what\": ");
		oqz_str_add_json(line, oqz_str_get(&r->what));
		oqz_str_add(line, "}");
	}
}

static void print_row(struct row *r, enum form form, bool *first)
{
	struct oqz_str line = { 0 };

	if (form == JSON)
		oqz_str_add(&line, *first ? "\n" : ",\n");
	add_row(&line, r, form);
	*first = false;
	fputs(oqz_str_get(&line), stdout);
	oqz_str_release(&r->what);
	oqz_str_release(&line);
}

static void print_params(const struct oqz_qplan_diff *d, enum form form, bool *first)
{
	for (size_t i = 0; i < d->params.n; i++) {
		const struct oqz_qplan_param *p = &d->params.v[i];
		struct row r = { .kind = "scheme", .name = "", .tensor = "", .ratio_lo = 1, .ratio_hi = 1 };
		if (p->a && p->b)
			oqz_str_addf(&r.what, "%s against %s", p->a, p->b);
		else
			oqz_str_addf(&r.what, "only in %s: %s", p->a ? "A" : "B", p->a ? p->a : p->b);
		print_row(&r, form, first);
	}
}

static void print_sites(const struct oqz_qplan_diff *d, enum form form, bool *first)
{
	for (size_t i = 0; i < d->changes.n; i++) {
		const struct oqz_qplan_change *c = &d->changes.v[i];
		const struct oqz_qplan_site *s = c->a ? c->a : c->b;
		struct row r = { .kind = "site",
			         .name = s->node,
			         .tensor = s->tensor,
			         .input = s->input,
			         .ratio_lo = c->ratio_lo,
			         .ratio_hi = c->ratio_hi,
			         .zero = c->zero };
		describe_change(c, &r.what);
		if (c->a && c->b && strcmp(c->a->rule, c->b->rule) != 0)
			oqz_str_addf(&r.what, " (%s against %s)", c->a->rule, c->b->rule);
		print_row(&r, form, first);
	}
}

static void print_numbers(const struct oqz_qplan_diff *d, enum form form, bool *first)
{
	for (size_t i = 0; i < d->numbers.n; i++) {
		const struct oqz_qplan_numbers *n = &d->numbers.v[i];
		struct row r = { .kind = n->gain ? "value" : "constant",
			         .name = n->name,
			         .tensor = "",
			         .input = n->input,
			         .ratio_lo = 1,
			         .ratio_hi = 1 };
		const char *what = n->gain ? "rescaled" : "numbers replaced";
		if (!n->in_a || !n->in_b)
			oqz_str_addf(&r.what, "%s in %s only", what, n->in_a ? "A" : "B");
		else if (n->apart > 1e300)
			oqz_str_addf(&r.what, "%s in both, not alike", what);
		else if (n->gain)
			oqz_str_addf(&r.what, "rescaled in both, by factors up to %.3g apart", n->apart);
		else
			oqz_str_addf(&r.what, "numbers replaced in both, %.3g of their norm apart", n->apart);
		print_row(&r, form, first);
	}
}

static void print_summary(const struct oqz_qplan *a, const struct oqz_qplan *b, const struct oqz_qplan_diff *d)
{
	printf("%zu of %zu common sites differ, %zu are in one plan only", d->common - d->same, d->common,
	       a->sites.n + b->sites.n - 2 * d->common);
	if (d->rules)
		printf("; %zu are the same by another rule", d->rules);
	if (d->numbers.n)
		printf("; improvements' numbers differ in %zu places", d->numbers.n);
	puts("");
}

/* Plans differ or not; there is no better or worse in them, so the exit code is 0 either way. */
static int compare_plans(const char *path_a, const char *path_b, enum form form)
{
	OQZ_CLEANUP(oqz_qplan_free_cleanup) struct oqz_qplan *a = NULL;
	OQZ_CLEANUP(oqz_qplan_free_cleanup) struct oqz_qplan *b = NULL;
	OQZ_CLEANUP(oqz_qplan_diff_release) struct oqz_qplan_diff d = { 0 };
	struct oqz_err err = { 0 };

	if (read_plan(path_a, &a, &err) != OQZ_OK || read_plan(path_b, &b, &err) != OQZ_OK ||
	    oqz_qplan_diff(a, b, &d, &err) != OQZ_OK)
		return cli_fail(&err);
	if (d.common == 0 && a->sites.n + b->sites.n) {
		fprintf(stderr, "oqz: %s and %s have no site in common: they are not of one model\n", path_a, path_b);
		return OQZ_EXIT_INCOMPARABLE;
	}
	if (form == CSV)
		puts("kind,name,place,tensor,ratio_low,ratio_high,zero,what");
	if (form == JSON)
		printf("{\"schema\": 1, \"same\": %zu, \"common\": %zu, \"changes\": [", d.same, d.common);
	bool first = true;
	print_params(&d, form, &first);
	print_sites(&d, form, &first);
	print_numbers(&d, form, &first);
	if (form == JSON)
		puts("\n]}");
	if (form == TABLE)
		print_summary(a, b, &d);
	return OQZ_EXIT_OK;
}

/* ---------------------------------------------------------------------------------------------------- runs */

static int compare_runs(const struct oqz_args *args, double alpha, enum form form)
{
	OQZ_CLEANUP(oqz_registry_free_cleanup) struct oqz_registry *reg = NULL;
	OQZ_CLEANUP(oqz_comparison_free_cleanup) struct oqz_comparison *c = NULL;
	struct oqz_err err = { 0 };
	struct oqz_str s = { 0 };

	if (oqz_registry_new(NULL, &reg, &err) != OQZ_OK)
		return cli_fail(&err);
	if (oqz_compare_runs(args->operands.v[0], args->operands.v[1], cli_option(args, "same-data") != NULL, alpha,
	                     reg, &c, &err) != OQZ_OK)
		return cli_fail(&err);
	if (form == CSV)
		oqz_comparison_csv(c, &s);
	else if (form == JSON)
		oqz_comparison_json(c, &s);
	else
		oqz_comparison_table(c, cli_columns(stdout), cli_colour(stdout), &s);
	fwrite(oqz_str_get(&s), 1, s.len, stdout);
	oqz_str_release(&s);
	if (c->regressions)
		return OQZ_EXIT_GATE;
	if (c->shared == 0)
		fprintf(stderr, "oqz: %s and %s have no cell in common\n", args->operands.v[0], args->operands.v[1]);
	return c->shared == 0 || c->refused ? OQZ_EXIT_INCOMPARABLE : OQZ_EXIT_OK;
}

static int run(const struct oqz_args *args)
{
	const char *text = cli_option(args, "alpha");
	bool is_dir[2];
	double alpha = 0.05;
	enum form form;

	if (!read_form(args, &form))
		return OQZ_EXIT_USAGE;
	if (text && (!oqz_parse_f64(text, &alpha) || !(alpha > 0 && alpha < 1))) {
		fprintf(stderr, "oqz: --alpha is a number between 0 and 1, not `%s`\n", text);
		return OQZ_EXIT_USAGE;
	}
	for (int i = 0; i < 2; i++) {
		struct stat st;
		struct oqz_err err = { 0 };
		is_dir[i] = false;
		if (strcmp(args->operands.v[i], "-") == 0)
			continue; /* a plan */
		if (stat(args->operands.v[i], &st) != 0) {
			oqz_err_set(&err, OQZ_E_NOENT, "%s: there is no such folder or plan", args->operands.v[i]);
			return cli_fail(&err);
		}
		is_dir[i] = S_ISDIR(st.st_mode);
	}
	if (is_dir[0] != is_dir[1]) {
		fprintf(stderr, "oqz: `%s` is a run and `%s` a plan: two of a kind can be compared\n",
		        args->operands.v[is_dir[0] ? 0 : 1], args->operands.v[is_dir[0] ? 1 : 0]);
		return OQZ_EXIT_USAGE;
	}
	return is_dir[0] ? compare_runs(args, alpha, form)
	                 : compare_plans(args->operands.v[0], args->operands.v[1], form);
}

const struct oqz_verb cmd_compare = { "compare", "A B", "two runs cell by cell, or two plans site by site",
	                              options,   2,     2,
	                              run,       true };
