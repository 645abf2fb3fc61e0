/* SPDX-License-Identifier: Apache-2.0
 *
 * The run over all jobs. The parent never loads a plugin or touches a model: it forks, listens, and puts together what
 * the jobs left in the ledger.
 */
#include "core/run/runner.h"
#include "core/run/lock.h"
#include "core/base/file.h"
#include "core/base/str.h"
#include "core/run/child.h"
#include "core/run/conclude.h"
#include "core/run/gates.h"
#include "config.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

struct outcome {
	enum oqz_status status;
	bool skipped; /* not tried, since something was missing from the start */
	struct oqz_err err;
};

/* Cells of a job that did not come to results: failed, with the job's reason. */
static enum oqz_status add_failed(const struct oqz_manifest *m, size_t index, const struct outcome *o,
                                  struct oqz_results *r, struct oqz_err *err)
{
	const struct oqz_job_spec *spec = &m->jobs.v[index];

	for (size_t i = 0; i < spec->n_schemes; i++) {
		struct oqz_cell_result *c;
		OQZ_TRY(oqz_cell_begin(m, spec, spec->schemes[i], r, &c, err));
		c->status = o->skipped ? OQZ_CELL_SKIPPED : OQZ_CELL_FAILED;
		c->code = oqz_status_name(o->status);
		c->message = oqz_arena_strdup(r->arena, o->err.msg);
	}
	if (spec->n_schemes == 0)
		r->complete = false;
	return OQZ_OK;
}

/* Appends a job's stored results. The part is kept alive by the caller until the results are used up. */
static enum oqz_status add_part(struct oqz_results *part, struct oqz_results *r, struct oqz_err *err)
{
	bool ok = true;

	for (size_t i = 0; i < part->cells.n; i++)
		ok &= oqz_vec_push(&r->cells, part->cells.v[i]);
	for (size_t i = 0; i < part->floats.n; i++)
		ok &= oqz_vec_push(&r->floats, part->floats.v[i]);
	for (size_t i = 0; i < part->failed_images.n; i++)
		ok &= oqz_vec_push(&r->failed_images, part->failed_images.v[i]);
	for (size_t i = 0; i < part->samples.n; i++)
		ok &= oqz_vec_push(&r->samples, part->samples.v[i]);
	return ok ? OQZ_OK : oqz_err_nomem(err, "results", 1);
}

/* One complete set of results is built, stored and read back, so that it owns all its memory. */
static enum oqz_status collect(const struct oqz_manifest *m, const struct outcome *outcomes, struct oqz_ledger *ledger,
                               struct oqz_results **parts, struct oqz_results *r, struct oqz_err *err)
{
	r->version = PACKAGE_VERSION;
	r->manifest_sha256 = m->sha256;
	r->complete = true;
	for (size_t i = 0; i < m->jobs.n; i++) {
		OQZ_CLEANUP_FREE char *text = NULL;
		size_t size = 0;
		if (outcomes[i].status == OQZ_OK) {
			OQZ_TRY(oqz_ledger_get_blob(ledger, oqz_child_blob(r->arena, m, i), &text, &size, err));
			if (!text)
				OQZ_FAIL(err, OQZ_E_INTERNAL, "the ledger lacks the results of `%s`",
				         m->jobs.v[i].model->id);
			OQZ_TRY(oqz_results_restore(text, size, &parts[i], err));
			OQZ_TRY(add_part(parts[i], r, err));
		} else {
			OQZ_TRY(add_failed(m, i, &outcomes[i], r, err));
		}
	}
	for (size_t i = 0; i < r->cells.n; i++)
		r->complete &= r->cells.v[i]->status == OQZ_CELL_OK;
	OQZ_TRY(oqz_results_relate(r, err));
	return oqz_gates_check(m, r, err);
}

static enum oqz_status keep(struct oqz_results *r, struct oqz_ledger *ledger, struct oqz_results **ret,
                            struct oqz_err *err)
{
	struct oqz_str text = { 0 };

	oqz_results_store(r, &text);
	enum oqz_status st = oqz_str_ok(&text)
	                         ? oqz_ledger_put_blob(ledger, "results", oqz_str_get(&text), text.len, err)
	                         : oqz_err_nomem(err, "results", text.len);
	if (st == OQZ_OK)
		st = oqz_results_restore(oqz_str_get(&text), text.len, ret, err);
	oqz_str_release(&text);
	return st;
}

static enum oqz_status gather(const struct oqz_manifest *m, const struct outcome *outcomes, const char *dir,
                              struct oqz_results **ret, struct oqz_err *err)
{
	OQZ_CLEANUP(oqz_results_free_cleanup) struct oqz_results *r = oqz_results_new();
	OQZ_CLEANUP_FREE struct oqz_results **parts = calloc(m->jobs.n + 1, sizeof *parts);
	struct oqz_ledger *ledger = NULL;

	if (!r || !parts)
		return oqz_err_nomem(err, "results", m->jobs.n);
	OQZ_TRY(oqz_ledger_open(oqz_path_join(r->arena, dir, "ledger.db"), false, &ledger, err));
	enum oqz_status st = collect(m, outcomes, ledger, parts, r, err);
	if (st == OQZ_OK)
		st = keep(r, ledger, ret, err);
	struct oqz_err ignored = { 0 };
	enum oqz_status closed = oqz_ledger_close(ledger, st == OQZ_OK ? err : &ignored);
	oqz_results_free(oqz_steal(r)); /* before the parts, whose cells it has borrowed */
	for (size_t i = 0; i < m->jobs.n; i++)
		oqz_results_free(parts[i]);
	return st != OQZ_OK ? st : closed;
}

static enum oqz_status skip_job(const struct oqz_missing *missing, size_t job, struct oqz_err *err)
{
	const struct oqz_missing_file *f = &missing->files.v[missing->first[job]];

	OQZ_FAIL(err, OQZ_E_NOENT, "skipped: %s is missing (%s)", f->path, f->what);
}

static enum oqz_status run_jobs(const struct oqz_manifest *m, const struct oqz_registry *reg,
                                const struct oqz_run_options *opt, struct outcome *outcomes, struct oqz_err *err)
{
	for (size_t i = 0; i < m->jobs.n; i++) {
		struct outcome *o = &outcomes[i];
		o->skipped = opt->skip && opt->skip->first[i] != SIZE_MAX;
		o->status = o->skipped ? skip_job(opt->skip, i, &o->err) : oqz_child_run(m, i, reg, opt, &o->err);
		struct oqz_run_event e = { .job = i,
			                   .n_jobs = m->jobs.n,
			                   .model = m->jobs.v[i].model->id,
			                   .progress = { .phase = OQZ_PHASE_DONE },
			                   .status = o->status,
			                   .message = o->err.msg };
		if (opt->event)
			opt->event(opt->ctx, &e);
		if (o->status == OQZ_E_INTERRUPTED || (opt->stop && *opt->stop))
			OQZ_FAIL(err, OQZ_E_INTERRUPTED,
			         "interrupted; what was computed is kept in %s, the same command goes on from there",
			         opt->dir);
	}
	return OQZ_OK;
}

static enum oqz_status write_file(const char *dir, const char *name, struct oqz_str *text, struct oqz_err *err)
{
	char path[4096];
	int n = snprintf(path, sizeof path, "%s/%s", dir, name);
	enum oqz_status st = !oqz_str_ok(text) ? oqz_err_nomem(err, name, text->len)
	                     : n < 0 || (size_t)n >= sizeof path
	                         ? oqz_err_set(err, OQZ_E_USAGE, "%s: too long a path", dir)
	                         : oqz_file_write(path, oqz_str_get(text), text->len, err);

	oqz_str_release(text);
	return st;
}

static enum oqz_status write_lock(const struct oqz_manifest *m, const struct oqz_results *r, const char *dir,
                                  struct oqz_err *err)
{
	struct oqz_str text = { 0 };

	oqz_run_lock(m, r, &text);
	return write_file(dir, "zoo.lock", &text, err);
}

enum oqz_status oqz_run(const struct oqz_manifest *m, const struct oqz_registry *reg, const struct oqz_run_options *opt,
                        struct oqz_results **ret, struct oqz_err *err)
{
	OQZ_CLEANUP_FREE struct outcome *outcomes = calloc(m->jobs.n + 1, sizeof *outcomes);
	struct oqz_results *r = NULL;
	int lock = -1;

	if (!outcomes)
		return oqz_err_nomem(err, "jobs", m->jobs.n);
	OQZ_TRY(oqz_ledger_lock(opt->dir, &lock, err));
	enum oqz_status st = run_jobs(m, reg, opt, outcomes, err);
	if (st == OQZ_OK && !opt->calibrate_only) {
		st = gather(m, outcomes, opt->dir, &r, err);
		if (st == OQZ_OK)
			st = oqz_run_write(r, opt->dir, err);
		if (st == OQZ_OK)
			st = write_lock(m, r, opt->dir, err);
	}
	close(lock);
	if (st != OQZ_OK) {
		oqz_results_free(r);
		return st;
	}
	if (r)
		*ret = r;
	return OQZ_OK;
}

enum oqz_status oqz_run_write(const struct oqz_results *r, const char *dir, struct oqz_err *err)
{
	static const struct {
		const char *name;
		void (*write)(const struct oqz_results *r, struct oqz_str *out);
	} files[] = {
		{ "results.json", oqz_results_json },
		{ "results.csv", oqz_results_csv },
		{ "layers.csv", oqz_results_layers_csv },
		{ "report.html", oqz_results_html },
	};

	for (size_t i = 0; i < OQZ_COUNTOF(files); i++) {
		struct oqz_str text = { 0 };
		files[i].write(r, &text);
		OQZ_TRY(write_file(dir, files[i].name, &text, err));
	}
	return OQZ_OK;
}

enum oqz_status oqz_run_restore(const char *dir, struct oqz_results **ret, struct oqz_err *err)
{
	OQZ_CLEANUP(oqz_arena_free_cleanup) struct oqz_arena *a = oqz_arena_new();
	OQZ_CLEANUP_FREE char *text = NULL;
	struct oqz_ledger *ledger = NULL;
	struct oqz_err ignored = { 0 };
	size_t size = 0;

	if (!a)
		return oqz_err_nomem(err, dir, 1);
	OQZ_TRY(oqz_ledger_open(oqz_path_join(a, dir, "ledger.db"), true, &ledger, err));
	enum oqz_status st = oqz_ledger_get_blob(ledger, "results", &text, &size, err);
	oqz_ledger_close(ledger, &ignored);
	OQZ_TRY(st);
	if (!text)
		OQZ_FAIL(err, OQZ_E_NOENT, "%s: no run has come to results here yet", dir);
	return oqz_results_restore(text, size, ret, err);
}
