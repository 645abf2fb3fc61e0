/* SPDX-License-Identifier: Apache-2.0
 *
 * oqz report: the last results of an output folder again, in another form, from the ledger alone.
 */
#include "cli/cli.h"
#include "core/base/str.h"
#include "core/run/runner.h"

#include <string.h>

static const struct oqz_option options[] = { { "format", 0, "FORM", "table (default), csv, layers, json, md or html" },
	                                     { 0 } };

static int run(const struct oqz_args *args)
{
	OQZ_CLEANUP(oqz_results_free_cleanup) struct oqz_results *r = NULL;
	const char *format = cli_option(args, "format");
	struct oqz_err err = { 0 };
	struct oqz_str s = { 0 };

	if (oqz_run_restore(args->operands.v[0], &r, &err) != OQZ_OK)
		return cli_fail(&err);
	if (!format || strcmp(format, "table") == 0)
		oqz_results_table(r, cli_columns(stdout), cli_colour(stdout), &s);
	else if (strcmp(format, "csv") == 0)
		oqz_results_csv(r, &s);
	else if (strcmp(format, "layers") == 0)
		oqz_results_layers_csv(r, &s);
	else if (strcmp(format, "json") == 0)
		oqz_results_json(r, &s);
	else if (strcmp(format, "md") == 0)
		oqz_results_markdown(r, &s);
	else if (strcmp(format, "html") == 0)
		oqz_results_html(r, &s);
	else {
		fprintf(stderr, "oqz: --format is table, csv, layers, json, md or html, not `%s`\n", format);
		return OQZ_EXIT_USAGE;
	}
	fwrite(oqz_str_get(&s), 1, s.len, stdout);
	oqz_str_release(&s);
	return OQZ_EXIT_OK;
}

const struct oqz_verb cmd_report = { "report", "DIR", "print the results that a ledger holds", options, 1, 1, run };
