/* SPDX-License-Identifier: Apache-2.0
 *
 * oqz compare: two runs cell by cell, or two plans site by site. Folders are runs, files are plans.
 */
#include "cli/cli.h"
#include "core/base/file.h"
#include "core/base/str.h"
#include "core/quant/qplan_diff.h"
#include "core/run/compare_runs.h"

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
		oqz_str_addf(out, "reads `%s` against `%s`; ", c->a->tensor, c->b->tensor);
	if (c->what & (OQZ_QPLAN_GRID | OQZ_QPLAN_PLACE)) {
		describe_grid(c->a, out);
		oqz_str_add(out, " against ");
		describe_grid(c->b, out);
		oqz_str_add(out, "; ");
	}
	if (c->what & OQZ_QPLAN_SCALE) {
		oqz_str_addf(out, "scale x%.6g", c->ratio_lo);
		if (c->ratio_hi != c->ratio_lo)
			oqz_str_addf(out, " to x%.6g", c->ratio_hi);
		if (c->a->spec.n_scale > 1)
			oqz_str_addf(out, " (%zu of %zu)", c->n_scale, c->a->spec.n_scale);
		oqz_str_add(out, "; ");
	}
	if (c->what & OQZ_QPLAN_ZERO)
		oqz_str_addf(out, "zero point by up to %d; ", c->zero);
	if (out->len > 2)
		out->s[out->len -= 2] = 0;
}

static void print_change(const struct oqz_qplan_change *c, enum form form, bool first)
{
	const struct oqz_qplan_site *s = c->a ? c->a : c->b;
	struct oqz_str text = { 0 }, line = { 0 };

	describe_change(c, &text);
	if (form == TABLE) {
		oqz_str_addf(&line, "%s input %d (%s): %s\n", s->node, s->input, s->tensor, oqz_str_get(&text));
	} else if (form == CSV) {
		oqz_str_add_csv(&line, s->node);
		oqz_str_addf(&line, ",%d,", s->input);
		oqz_str_add_csv(&line, s->tensor);
		oqz_str_addf(&line, ",%.9g,%.9g,%d,", c->ratio_lo, c->ratio_hi, c->zero);
		oqz_str_add_csv(&line, oqz_str_get(&text));
		oqz_str_add(&line, "\n");
	} else {
		oqz_str_addf(&line, "%s  {\"node\": ", first ? "\n" : ",\n");
		oqz_str_add_json(&line, s->node);
		oqz_str_addf(&line, ", \"input\": %d, \"tensor\": ", s->input);
		oqz_str_add_json(&line, s->tensor);
		oqz_str_addf(&line, ", \"ratio\": [%.9g, %.9g], \"zero\": %d, \"what\": ", c->ratio_lo, c->ratio_hi,
		             c->zero);
		oqz_str_add_json(&line, oqz_str_get(&text));
		oqz_str_add(&line, "}");
	}
	fputs(oqz_str_get(&line), stdout);
	oqz_str_release(&text);
	oqz_str_release(&line);
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
		puts("node,input,tensor,ratio_low,ratio_high,zero,what");
	if (form == JSON)
		printf("{\"schema\": 1, \"same\": %zu, \"common\": %zu, \"changes\": [", d.same, d.common);
	for (size_t i = 0; i < d.changes.n; i++)
		print_change(&d.changes.v[i], form, i == 0);
	if (form == JSON)
		puts("\n]}");
	if (form == TABLE)
		printf("%zu of %zu common sites differ, %zu are in one plan only%s\n", d.common - d.same, d.common,
		       a->sites.n + b->sites.n - 2 * d.common,
		       strcmp(a->scheme, b->scheme) ? "; the schemes' parameters differ" : "");
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
		oqz_comparison_table(c, cli_colour(stdout), &s);
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
