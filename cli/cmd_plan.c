/* SPDX-License-Identifier: Apache-2.0
 *
 * oqz plan: what a manifest will cost before hours are spent on it: images, multiplications and additions, peak memory
 * of each job. Nothing of it is kept.
 */
#include "cli/manifest_args.h"
#include "core/base/budget.h"
#include "core/base/str.h"
#include "core/run/pool.h"
#include "core/run/trial.h"

static const struct oqz_option options[] = {
	{ "jobs", 'j', "N", "worker threads (default: one per processor)" },
	{ "json", 0, NULL, "one JSON object a line instead of the table" },
	OQZ_MANIFEST_OPTIONS,
	OQZ_MEMORY_OPTION,
	{ 0 },
};

static void print_row(const struct oqz_job_spec *spec, const struct oqz_job_cost *c)
{
	char peak[OQZ_BYTES_STR], worker[OQZ_BYTES_STR];

	printf("%-24s %7zu %9lld %10.3f %12s %12s  %s\n", spec->model->id, spec->n_schemes, (long long)c->items,
	       1e-9 * (double)c->macs, oqz_bytes_str((size_t)c->peak_bytes, peak, sizeof peak),
	       oqz_bytes_str((size_t)c->worker_bytes, worker, sizeof worker),
	       c->status != OQZ_OK ? c->message : c->note);
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
		printf("%-24s %7s %9s %10s %12s %12s  (%lld workers)\n", "model", "schemes", "images", "GMAC/image",
		       "peak memory", "per worker", workers);
	for (size_t i = 0; i < m->jobs.n; i++) {
		if (json)
			print_json(&m->jobs.v[i], &costs[i], (int)workers);
		else
			print_row(&m->jobs.v[i], &costs[i]);
		worst = worst == OQZ_OK ? costs[i].status : worst;
	}
	return cli_exit_code(worst);
}

const struct oqz_verb cmd_plan = { "plan", "zoo.yaml", "what a manifest costs: images, products, memory", options, 1,
	                           1,      run };
