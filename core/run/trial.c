/* SPDX-License-Identifier: Apache-2.0
 *
 * The trial listens to the events of an ordinary run: the jobs' processes say what they use.
 */
#define _GNU_SOURCE /* nftw */
#include "core/run/trial.h"

#include <errno.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Histograms grow over the first images. */
enum { CALIB_IMAGES = 8 };

static int remove_entry(const char *path, const struct stat *s, int type, struct FTW *f)
{
	(void)s;
	(void)type;
	(void)f;
	return remove(path);
}

static int64_t larger(int64_t a, int64_t b) { return a > b ? a : b; }

static void listen(void *ctx, const struct oqz_run_event *e)
{
	struct oqz_job_cost *c = (struct oqz_job_cost *)ctx + e->job;

	if (e->note) {
		snprintf(c->note, sizeof c->note, "%s", e->note);
		return;
	}
	c->items = larger(c->items, e->progress.items);
	c->macs = larger(c->macs, e->progress.macs);
	c->peak_bytes = larger(c->peak_bytes, e->progress.peak_bytes);
	c->worker_bytes = larger(c->worker_bytes, e->progress.worker_bytes);
	if (e->progress.phase == OQZ_PHASE_DONE) {
		c->status = e->status;
		snprintf(c->message, sizeof c->message, "%s", e->status == OQZ_OK ? "" : e->message);
	}
}

enum oqz_status oqz_trial(struct oqz_manifest *m, const struct oqz_registry *reg, int workers,
                          struct oqz_job_cost *costs, struct oqz_err *err)
{
	OQZ_CLEANUP(oqz_results_free_cleanup) struct oqz_results *r = NULL;
	const char *tmp = getenv("TMPDIR");
	char dir[4096];

	int n = snprintf(dir, sizeof dir, "%s/oqz-plan-XXXXXX", tmp && *tmp ? tmp : "/tmp");
	if (n < 0 || (size_t)n >= sizeof dir)
		OQZ_FAIL(err, OQZ_E_USAGE, "TMPDIR is too long");
	if (!mkdtemp(dir))
		return oqz_err_errno(err, errno, dir);
	m->limits.images = workers;
	m->limits.calib_images = CALIB_IMAGES * workers;
	memset(costs, 0, m->jobs.n * sizeof *costs);
	struct oqz_run_options opt = { .dir = dir, .threads = workers, .event = listen, .ctx = costs };
	enum oqz_status st = oqz_run(m, reg, &opt, &r, err);
	nftw(dir, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
	return st;
}
