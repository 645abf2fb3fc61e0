/* SPDX-License-Identifier: Apache-2.0
 *
 * oqz plan: what a manifest will cost before hours are spent on it: images, multiplications and additions, peak memory
 * of each job. Nothing of it is kept.
 */
#include "cli/manifest_args.h"
#include "core/base/budget.h"
#include "core/base/str.h"
#include "core/base/unicode.h"
#include "core/run/pool.h"
#include "core/run/trial.h"

static const struct oqz_option options[] = {
	{ "jobs", 'j', "N", "worker threads (default: one per processor)" },
	{ "json", 0, NULL, "one JSON object a line instead of the table" },
	OQZ_MANIFEST_OPTIONS,
	OQZ_MEMORY_OPTION,
	{ 0 },
};

/* The name, and spaces up to `width` columns of a terminal, in which a Chinese character takes two. */
static void print_name(const char *name, int width)
{
	int spaces = width - oqz_width(name);

	printf("%s%*s", name, spaces > 0 ? spaces : 0, "");
}

static void print_row(const struct oqz_job_spec *spec, const struct oqz_job_cost *c, int width)
{
	char peak[OQZ_BYTES_STR], worker[OQZ_BYTES_STR];
	const char *said = c->status != OQZ_OK ? c->message : c->note;

	print_name(spec->model->id, width);
	printf(" %7zu %9lld %10.3f %12s %12s%s%s\n", spec->n_schemes, (long long)c->items, 1e-9 * (double)c->macs,
	       oqz_bytes_str((size_t)c->peak_bytes, peak, sizeof peak),
	       oqz_bytes_str((size_t)c->worker_bytes, worker, sizeof worker), *said ? "  " : "", said);
}

static void print_table(const struct oqz_manifest *m, const struct oqz_job_cost *costs, int workers)
{
	int width = oqz_width("model");

	for (size_t i = 0; i < m->jobs.n; i++) {
		int w = oqz_width(m->jobs.v[i].model->id);
		width = w > width ? w : width;
	}
	print_name("model", width);
	printf(" %7s %9s %10s %12s %12s  (%d worker%s)\n", "schemes", "images", "GMAC/image", "peak memory",
	       "per worker", workers, workers == 1 ? "" : "s");
	for (size_t i = 0; i < m->jobs.n; i++)
		print_row(&m->jobs.v[i], &costs[i], width);
}

static void print_json(const struct oqz_job_spec *spec, const struct oqz_job_cost *c, int workers)
{
	struct oqz_str s = { 0 };

	oqz_str_add(&s, "{\"model\":");
	oqz_str_add_json(&s, spec->model->id);
	oqz_str_addf(&s,
	             ",\"schemes\":%zu,\"images\":%lld,\"macs\":%lld,\"workers\":%d,\"peak_bytes\":%lld,"
	             "\"worker_bytes\":%lld,\"status\":\"%s\",\"message\":",
	             spec->n_schemes, (long long)c->items, (long long)c->macs, workers, (long long)c->peak_bytes,
	             (long long)c->worker_bytes, oqz_status_name(c->status));
	oqz_str_add_json(&s, c->status != OQZ_OK ? c->message : c->note);
	printf("%s}\n", oqz_str_get(&s));
	oqz_str_release(&s);
}

static int run(const struct oqz_args *args)
{
	OQZ_CLEANUP(oqz_manifest_free_cleanup) struct oqz_manifest *m = NULL;
	OQZ_CLEANUP(oqz_registry_free_cleanup) struct oqz_registry *reg = NULL;
	OQZ_CLEANUP_FREE struct oqz_job_cost *costs = NULL;
	struct oqz_err err = { 0 };
	long long workers = oqz_cpu_count();
	enum oqz_status worst = OQZ_OK;
	bool json = cli_option(args, "json") != NULL;

	if (cli_integer(args, "jobs", 1, 1024, &workers, &err) != OQZ_OK ||
	    cli_load_manifest(args, &m, &err) != OQZ_OK || cli_open_registry(&reg, &err) != OQZ_OK)
		return cli_fail(&err);
	if (!(costs = calloc(m->jobs.n + 1, sizeof *costs))) {
		oqz_err_nomem(&err, "jobs", m->jobs.n);
		return cli_fail(&err);
	}
	if (oqz_trial(m, reg, (int)workers, costs, &err) != OQZ_OK)
		return cli_fail(&err);
	if (!json)
		print_table(m, costs, (int)workers);
	for (size_t i = 0; i < m->jobs.n; i++) {
		if (json)
			print_json(&m->jobs.v[i], &costs[i], (int)workers);
		worst = worst == OQZ_OK ? costs[i].status : worst;
	}
	return cli_exit_code(worst);
}

const struct oqz_verb cmd_plan = { "plan", "zoo.yaml", "what a manifest costs: images, products, memory", options, 1,
	                           1,      run };
