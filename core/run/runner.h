/* SPDX-License-Identifier: Apache-2.0
 *
 * A run: every job of a manifest in a process of its own, one after the other, each with all worker threads; then one
 * set of results. A job whose process dies (a crashing plugin or kernel, the memory or time limit) fails its own cells,
 * with the signal named; the others go on.
 */
#ifndef OQZ_RUN_RUNNER_H
#define OQZ_RUN_RUNNER_H

#include "core/run/job.h"
#include "core/run/missing.h"

/* Where a run stands, for whoever shows it. Strings are borrowed for the call. */
struct oqz_run_event {
	size_t job, n_jobs;
	const char *model;
	struct oqz_progress progress; /* phase DONE: the job has ended */
	double seconds;               /* since the job's phase began */
	enum oqz_status status;       /* phase DONE: how */
	const char *message;          /* phase DONE: why it failed */
	const char *note;             /* not NULL: a plugin has something to say, nothing else in the event counts */
	enum oqz_log_level level;     /* of the note */
};

struct oqz_run_options {
	const char *dir; /* output folder: ledger.db, plans/, results.json, ... */
	int threads;
	bool calibrate_only;                                     /* stop after the plans are written */
	const struct oqz_missing *skip;                          /* jobs that lack something are skipped; may be NULL */
	const volatile sig_atomic_t *stop;                       /* may be NULL */
	void (*event)(void *ctx, const struct oqz_run_event *e); /* may be NULL */
	void *ctx;
};

/* Runs what the ledger lacks and writes the result files. *ret is set whenever the run came to results, also when some
 * cells failed (r->complete is false then). OQZ_E_INTERRUPTED: stopped by `stop`; what was computed is in the ledger.
 */
enum oqz_status oqz_run(const struct oqz_manifest *m, const struct oqz_registry *reg, const struct oqz_run_options *opt,
                        struct oqz_results **ret, struct oqz_err *err);

/* Writes results.json, results.csv, layers.csv into `dir`. */
enum oqz_status oqz_run_write(const struct oqz_results *r, const char *dir, struct oqz_err *err);

/* The last results that a ledger holds (oqz report). */
enum oqz_status oqz_run_restore(const char *dir, struct oqz_results **ret, struct oqz_err *err);

#endif
