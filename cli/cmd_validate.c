/* SPDX-License-Identifier: Apache-2.0
 *
 * oqz validate: says what is wrong with a manifest without running it; with --data up to the first image end to end.
 * Every job is looked at in a process of its own, and all problems are listed, not the first one only.
 */
#include "cli/manifest_args.h"
#include "core/run/validate.h"

static const struct oqz_option options[] = {
	{ "data", 0, NULL, "also open models and data: operators, shapes, the first image through the model" },
	OQZ_MANIFEST_OPTIONS,
	OQZ_MEMORY_OPTION,
	{ 0 },
};

static void print_problem(void *ctx, const char *text)
{
	size_t *n = ctx;

	printf("%s\n", text);
	++*n;
}

static int run(const struct oqz_args *args)
{
	OQZ_CLEANUP(oqz_manifest_free_cleanup) struct oqz_manifest *m = NULL;
	OQZ_CLEANUP(oqz_registry_free_cleanup) struct oqz_registry *reg = NULL;
	struct oqz_err err = { 0 };
	enum oqz_status worst = OQZ_OK;
	size_t problems = 0;

	if (cli_load_manifest(args, &m, &err) != OQZ_OK || cli_open_registry(&reg, &err) != OQZ_OK ||
	    oqz_validate_parameters(m, reg, print_problem, &problems, &worst, &err) != OQZ_OK)
		return cli_fail(&err);
	if (cli_option(args, "data") && oqz_validate_data(m, reg, print_problem, &problems, &worst, &err) != OQZ_OK)
		return cli_fail(&err);
	if (problems == 0)
		fprintf(stderr, "oqz: %s: %zu job%s, no problems\n", m->file, m->jobs.n, m->jobs.n == 1 ? "" : "s");
	return cli_exit_code(worst);
}

const struct oqz_verb cmd_validate = {
	"validate", "zoo.yaml", "say what is wrong with a manifest", options, 1, 1, run
};
