/* SPDX-License-Identifier: Apache-2.0
 *
 * oqz run: the whole evaluation. Runs what the ledger lacks, writes the result files, prints the table.
 */
#include "cli/manifest_args.h"
#include "cli/progress.h"
#include "core/base/file.h"
#include "core/base/str.h"
#include "core/run/pool.h"
#include "core/run/runner.h"

#include <signal.h>
#include <string.h>

static const struct oqz_option options[] = {
	{ "jobs", 'j', "N", "worker threads (default: the processors)" },
	{ "output", 'o', "DIR", "output folder (default: <manifest stem>.oqz)" },
	{ "keep-going", 'k', NULL, "skip models whose files or data are missing, instead of trying them" },
	OQZ_MANIFEST_OPTIONS,
	OQZ_MEMORY_OPTION,
	{ "progress", 0, "MODE", "auto, plain, json or none" },
	{ 0 },
};

static volatile sig_atomic_t stop_flag;

static void on_signal(int sig) { stop_flag = sig; }

/* "dir/zoo.yaml" -> "zoo.oqz", in the folder where the command runs. */
static char *default_dir(const char *manifest)
{
	struct oqz_str s = { 0 };
	const char *base = oqz_path_base(manifest), *dot = strrchr(base, '.');

	oqz_str_addn(&s, base, dot && dot != base ? (size_t)(dot - base) : strlen(base));
	oqz_str_add(&s, ".oqz");
	return s.s;
}

static void install_handlers(void)
{
	struct sigaction sa = { .sa_handler = on_signal, .sa_flags = SA_RESTART | SA_RESETHAND };

	sigaction(SIGINT, &sa, NULL);
	sigaction(SIGTERM, &sa, NULL);
}

/* How the jobs ended, beside their progress. */
struct tally {
	struct cli_progress progress;
	size_t ok, failed;
	int code;   /* of the failed ones */
	bool mixed; /* they have several */
};

static void on_event(void *ctx, const struct oqz_run_event *e)
{
	struct tally *t = ctx;

	cli_progress_event(&t->progress, e);
	if (e->progress.phase != OQZ_PHASE_DONE)
		return;
	int code = cli_exit_code(e->status);
	t->ok += code == OQZ_EXIT_OK;
	if (code == OQZ_EXIT_OK)
		return;
	t->mixed |= t->failed && t->code != code;
	t->code = code;
	t->failed++;
}

/* 0 all well; 5 when a part failed; when nothing at all came to results and all for one kind of reason, that reason's.
 * `r` is NULL after a calibration. */
static int exit_code(const struct tally *t, const struct oqz_results *r)
{
	bool gate = false;

	if (t->failed && !t->ok && !t->mixed)
		return t->code;
	if (t->failed || (r && !r->complete))
		return OQZ_EXIT_PARTIAL;
	for (size_t i = 0; r && i < r->gates.n; i++)
		gate |= r->gates.v[i].failed;
	return gate ? OQZ_EXIT_GATE : OQZ_EXIT_OK;
}

/* Layers of a lane from a file whose errors no figure contains. */
static void print_unmatched(const struct oqz_cell_result *c)
{
	if (c->n_unmatched == 0)
		return;
	fprintf(stderr, "oqz: %s %s: %zu quantized layers have no counterpart in the float model:", c->model, c->scheme,
	        c->n_unmatched);
	for (size_t i = 0; i < c->n_unmatched; i++)
		fprintf(stderr, "%s %s", i ? "," : "", c->unmatched[i]);
	fputc('\n', stderr);
}

static void print_results(const struct oqz_results *r, const char *dir)
{
	struct oqz_str s = { 0 };

	oqz_results_table(r, cli_columns(stdout), cli_colour(stdout), &s);
	fputs(oqz_str_get(&s), stdout);
	fflush(stdout); /* the table comes before what follows also where both go to one file */
	oqz_str_release(&s);
	bool limited = false;
	for (size_t i = 0; i < r->cells.n; i++)
		limited |= r->cells.v[i]->provenance.limited;
	if (limited)
		fprintf(stderr, "oqz: limited: the first images of each data set only, no evaluation of the models\n");
	for (size_t i = 0; i < r->failed_images.n && i < 10; i++)
		fprintf(stderr, "oqz: %s: image %s failed: %s\n", r->failed_images.v[i].model,
		        r->failed_images.v[i].item, r->failed_images.v[i].message);
	if (r->failed_images.n > 10)
		fprintf(stderr, "oqz: ... and %zu more failed images\n", r->failed_images.n - 10);
	for (size_t i = 0; i < r->cells.n; i++)
		print_unmatched(r->cells.v[i]);
	for (size_t i = 0; i < r->gates.n; i++)
		if (r->gates.v[i].failed)
			fprintf(stderr, "oqz: gate: %s\n", r->gates.v[i].text);
	fprintf(stderr, "oqz: results in %s\n", dir);
}

/* Says before hours of work what will not come of it. */
static void print_missing(const struct oqz_manifest *m, const struct oqz_missing *missing, bool keep_going)
{
	for (size_t i = 0; i < missing->files.n; i++) {
		const char *text = oqz_missing_text(m, missing, i);
		fprintf(stderr, "oqz: %s\n", text ? text : "out of memory");
	}
	if (missing->n_jobs)
		fprintf(stderr, "oqz: %s: %zu of %zu models lack something and %s\n", m->file, missing->n_jobs,
		        m->jobs.n, keep_going ? "are skipped" : "will fail; --keep-going skips them, --select chooses");
}

static int evaluate(const struct oqz_args *args, const struct oqz_manifest *m, struct oqz_run_options *opt)
{
	OQZ_CLEANUP(oqz_missing_release_cleanup) struct oqz_missing missing = { 0 };
	bool keep_going = cli_option(args, "keep-going");
	OQZ_CLEANUP(oqz_registry_free_cleanup) struct oqz_registry *reg = NULL;
	OQZ_CLEANUP(oqz_results_free_cleanup) struct oqz_results *r = NULL;
	struct tally tally = { 0 };
	struct oqz_err err = { 0 };

	if (!cli_progress_init(&tally.progress, cli_option(args, "progress"))) {
		fprintf(stderr, "oqz: --progress is auto, plain, json or none\n");
		return OQZ_EXIT_USAGE;
	}
	if (cli_open_registry(&reg, &err) != OQZ_OK || oqz_missing_find(m, reg, &missing, &err) != OQZ_OK)
		return cli_fail(&err);
	print_missing(m, &missing, keep_going);
	opt->skip = keep_going ? &missing : NULL;
	opt->event = on_event;
	opt->ctx = &tally;
	install_handlers();
	opt->stop = &stop_flag;
	enum oqz_status st = oqz_run(m, reg, opt, &r, &err);
	cli_progress_finish(&tally.progress);
	if (st != OQZ_OK)
		return cli_fail(&err);
	if (r)
		print_results(r, opt->dir);
	return exit_code(&tally, r);
}

static int run_verb(const struct oqz_args *args, bool calibrate_only)
{
	OQZ_CLEANUP(oqz_manifest_free_cleanup) struct oqz_manifest *m = NULL;
	OQZ_CLEANUP_FREE char *dir = NULL;
	struct oqz_run_options opt = { .calibrate_only = calibrate_only };
	struct oqz_err err = { 0 };
	long long threads = oqz_cpu_count();

	if (cli_integer(args, "jobs", 1, 1024, &threads, &err) != OQZ_OK || cli_load_manifest(args, &m, &err) != OQZ_OK)
		return cli_fail(&err);
	opt.threads = (int)threads;
	opt.dir = cli_option(args, "output");
	if (!opt.dir)
		opt.dir = dir = default_dir(args->operands.v[0]);
	return opt.dir ? evaluate(args, m, &opt) : OQZ_EXIT_DATA;
}

static int run(const struct oqz_args *args) { return run_verb(args, false); }
static int calibrate(const struct oqz_args *args) { return run_verb(args, true); }

const struct oqz_verb cmd_run = { "run", "zoo.yaml", "evaluate: run what the ledger lacks, print the table", options, 1,
	                          1,     run };
const struct oqz_verb cmd_calibrate = { "calibrate", "zoo.yaml", "only the calibration phase: write the plans",
	                                options,     1,          1,
	                                calibrate };
