/* SPDX-License-Identifier: Apache-2.0
 *
 * Tables to words.
 */
#include "plugins/describe.h"
#include "core/base/params.h"
#include "core/base/str.h"
#include "plugins/loader.h"

#include <string.h>

static void add_range(struct oqz_str *out, double min, double max)
{
	if (min == 0 && max == 0)
		return;
	oqz_str_add(out, ", ");
	oqz_str_add_double(out, min);
	oqz_str_add(out, " to ");
	oqz_str_add_double(out, max);
}

void oqz_describe_param(const struct oqz_param *row, struct oqz_str *out)
{
	oqz_str_add(out, oqz_param_type_name(row->type));
	if (!row->dflt)
		oqz_str_add(out, ", required");
	else if (*row->dflt)
		oqz_str_addf(out, ", default %s", row->dflt);
	else
		oqz_str_add(out, ", default empty");
	add_range(out, row->min, row->max);
	if (row->unit)
		oqz_str_addf(out, "%s %s", row->min != 0 || row->max != 0 ? "" : ", in", row->unit);
	for (size_t i = 0; row->choices && row->choices[i]; i++)
		oqz_str_addf(out, "%s%s", i ? "|" : ", ", row->choices[i]);
}

void oqz_describe_metric(const struct oqz_metric *row, struct oqz_str *out)
{
	static const char *const units[] = { [OQZ_UNIT_RATIO] = "ratio",
		                             [OQZ_UNIT_DECIBEL] = "dB",
		                             [OQZ_UNIT_COUNT] = "count",
		                             [OQZ_UNIT_PIXELS] = "pixels",
		                             [OQZ_UNIT_SCALAR] = "scalar" };
	static const char *const tests[] = { [OQZ_TEST_NONE] = "not tested",
		                             [OQZ_TEST_MCNEMAR] = "McNemar test",
		                             [OQZ_TEST_BOOTSTRAP] = "paired bootstrap" };

	oqz_str_add(out, row->unit < OQZ_COUNTOF(units) ? units[row->unit] : "?");
	oqz_str_addf(out, ", %s is better", row->higher_is_better ? "higher" : "lower");
	add_range(out, row->min, row->max);
	oqz_str_addf(out, ", %s", row->test < OQZ_COUNTOF(tests) ? tests[row->test] : "?");
}

/* A name, its facts, and the help on a line of its own. */
static void add_entry(struct oqz_str *out, const char *name, const char *facts, const char *help)
{
	oqz_str_addf(out, "  %s (%s)\n      %s\n", name, facts, help ? help : "");
}

void oqz_describe_params_text(const char *title, const struct oqz_param *table, struct oqz_str *out)
{
	struct oqz_str facts = { 0 };

	if (!table || !table->name)
		return;
	oqz_str_addf(out, "\n%s\n", title);
	for (; table->name; table++) {
		oqz_str_clear(&facts);
		oqz_describe_param(table, &facts);
		add_entry(out, table->name, oqz_str_get(&facts), table->help);
	}
	oqz_str_release(&facts);
}

static void add_metrics(struct oqz_str *out, const struct oqz_metric *table)
{
	struct oqz_str facts = { 0 };

	if (!table || !table->name)
		return;
	oqz_str_add(out, "\nMetrics\n");
	for (; table->name; table++) {
		oqz_str_clear(&facts);
		oqz_describe_metric(table, &facts);
		add_entry(out, table->name, oqz_str_get(&facts), table->help);
	}
	oqz_str_release(&facts);
}

void oqz_describe_text(const struct oqz_plugin_info *p, struct oqz_str *out)
{
	if (p->refused) {
		oqz_str_addf(out, "%s\n  refused: %s\n", p->path, p->refused);
		return;
	}
	oqz_str_addf(out, "%s %s: %s\n", p->name, p->version, p->summary);
	oqz_str_addf(out, "  %s plugin, licence %s, api %u.%u, abi %s\n  %s\n", oqz_plugin_kind_name(p->kind),
	             p->licence, p->api_major, p->api_minor, p->abi ? p->abi : "", p->path);
	if (p->shadowed_by)
		oqz_str_addf(out, "  not used: %s comes first\n", p->shadowed_by);
	oqz_describe_params_text("Parameters", p->params, out);
	oqz_describe_params_text("Data set parameters", p->dataset_params, out);
	add_metrics(out, p->metrics);
}

static void add_markdown(struct oqz_str *out, const char *name, const char *facts, const char *help)
{
	oqz_str_addf(out, "- `%s` (%s): %s\n", name, facts, help ? help : "");
}

void oqz_describe_params_markdown(const struct oqz_param *table, struct oqz_str *out)
{
	struct oqz_str facts = { 0 };

	for (; table && table->name; table++) {
		oqz_str_clear(&facts);
		oqz_describe_param(table, &facts);
		add_markdown(out, table->name, oqz_str_get(&facts), table->help);
	}
	oqz_str_release(&facts);
}

void oqz_describe_metrics_markdown(const struct oqz_metric *table, struct oqz_str *out)
{
	struct oqz_str facts = { 0 };

	for (; table && table->name; table++) {
		oqz_str_clear(&facts);
		oqz_describe_metric(table, &facts);
		add_markdown(out, table->name, oqz_str_get(&facts), table->help);
	}
	oqz_str_release(&facts);
}

void oqz_describe_markdown(const struct oqz_plugin_info *p, struct oqz_str *out)
{
	oqz_str_add(out, "## Parameters\n\n");
	oqz_describe_params_markdown(p->params, out);
	if (p->kind != OQZ_KIND_TASK)
		return;
	oqz_str_add(out, "\n## Data sets\n\n");
	oqz_describe_params_markdown(p->dataset_params, out);
	oqz_str_add(out, "\n## Metrics\n\n");
	oqz_describe_metrics_markdown(p->metrics, out);
}
