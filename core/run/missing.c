/* SPDX-License-Identifier: Apache-2.0
 *
 * See missing.h. Which parameters are paths is known from the plugins' tables.
 */
#include "core/run/missing.h"
#include "core/base/arena.h"
#include "core/base/file.h"
#include "core/base/str.h"

#include <dirent.h>
#include <string.h>
#include <unistd.h>

enum { HINT_NAMES = 2000 };

/* Notes a path for job `job` if it is not there. */
static enum oqz_status look(const struct oqz_manifest *m, struct oqz_missing *r, size_t job, const char *path,
                            const char *what, struct oqz_err *err)
{
	size_t i = 0;

	if (!what)
		return oqz_err_nomem(err, path, 1);
	if (!*path || access(path, F_OK) == 0)
		return OQZ_OK;
	while (i < r->files.n && strcmp(r->files.v[i].path, path) != 0)
		i++;
	if (i == r->files.n) {
		struct oqz_missing_file f = { .path = oqz_arena_strdup(r->arena, path), .what = what, .job = job };
		if (!f.path || !oqz_vec_push(&r->files, f))
			return oqz_err_nomem(err, path, 1);
	}
	struct oqz_missing_file *f = &r->files.v[i];
	f->n_jobs += f->last != job + 1; /* a data set for both test and calibration is one want */
	f->last = job + 1;
	r->n_jobs += r->first[job] == SIZE_MAX;
	r->first[job] = r->first[job] == SIZE_MAX ? i : r->first[job];
	return OQZ_OK;
}

/* The paths among a mapping's parameters. */
static enum oqz_status look_at_params(const struct oqz_manifest *m, struct oqz_missing *r, size_t job,
                                      const struct oqz_yaml *node, enum oqz_manifest_section section,
                                      const struct oqz_param *table, const char *owner, struct oqz_err *err)
{
	OQZ_CLEANUP(oqz_params_free_cleanup) struct oqz_params *p = NULL;
	struct oqz_err ignored = { 0 };

	if (!owner)
		return oqz_err_nomem(err, "a list of files", 1);
	if (oqz_manifest_params(r->arena, node, section, table, owner, &p, &ignored) != OQZ_OK)
		return OQZ_OK;
	for (size_t i = 0; table && table[i].name; i++)
		if (table[i].type == OQZ_P_PATH)
			OQZ_TRY(look(m, r, job, oqz_params_string(p, table[i].name),
			             oqz_arena_printf(r->arena, "%s: %s", owner, table[i].name), err));
	return OQZ_OK;
}

static enum oqz_status look_at_job(const struct oqz_manifest *m, const struct oqz_registry *reg, size_t job,
                                   struct oqz_missing *r, struct oqz_err *err)
{
	const struct oqz_model_spec *model = m->jobs.v[job].model;
	const struct oqz_task_spec *t = model->task;
	const struct oqz_dataset *sets[] = { t->test, m->jobs.v[job].n_schemes ? t->calib : NULL };
	const struct oqz_plugin_info *plugin = NULL;
	struct oqz_err ignored = { 0 };

	OQZ_TRY(look(m, r, job, model->file, "model file", err));
	if (oqz_registry_find(reg, OQZ_KIND_TASK, t->plugin, &plugin, &ignored) != OQZ_OK)
		return OQZ_OK;
	OQZ_TRY(look_at_params(m, r, job, t->node, OQZ_SECTION_TASK, plugin->params,
	                       oqz_arena_printf(r->arena, "task `%s`", t->name), err));
	for (size_t i = 0; i < OQZ_COUNTOF(sets); i++)
		if (sets[i])
			OQZ_TRY(look_at_params(m, r, job, sets[i]->node, OQZ_SECTION_DATASET, plugin->dataset_params,
			                       oqz_arena_printf(r->arena, "data set `%s`", sets[i]->name), err));
	return OQZ_OK;
}

enum oqz_status oqz_missing_find(const struct oqz_manifest *m, const struct oqz_registry *reg, struct oqz_missing *ret,
                                 struct oqz_err *err)
{
	ret->arena = oqz_arena_new();
	ret->first = calloc(m->jobs.n + 1, sizeof *ret->first);
	if (!ret->arena || !ret->first)
		return oqz_err_nomem(err, "a list of files", m->jobs.n);
	for (size_t i = 0; i < m->jobs.n; i++)
		ret->first[i] = SIZE_MAX;
	for (size_t i = 0; i < m->jobs.n; i++)
		OQZ_TRY(look_at_job(m, reg, i, ret, err));
	return OQZ_OK;
}

/* For a path that is not there: "; did you mean `x`?" when its folder has something of nearly that name, "; there is no
 * folder `y`" when the folder itself is missing; "" otherwise or when out of memory. */
static const char *path_hint(struct oqz_arena *a, const char *path)
{
	const char *dir = oqz_path_dir(a, path), *near = NULL;
	OQZ_VEC(const char *) names = { 0 };

	if (!dir)
		return "";
	DIR *d = opendir(dir);
	if (!d)
		return access(dir, F_OK) == 0 ? "" : oqz_arena_printf(a, "; there is no folder `%s`", dir);
	for (const struct dirent *e; (e = readdir(d)) && names.n < HINT_NAMES;) {
		const char *name = e->d_name[0] == '.' ? NULL : oqz_arena_strdup(a, e->d_name);
		if (name && !oqz_vec_push(&names, name))
			break;
	}
	closedir(d);
	near = oqz_str_nearest(oqz_path_base(path), names.v, names.n);
	oqz_vec_release(&names);
	const char *hint = near ? oqz_arena_printf(a, "; did you mean `%s`?", near) : NULL;
	return hint ? hint : "";
}

const char *oqz_missing_text(const struct oqz_manifest *m, const struct oqz_missing *missing, size_t file)
{
	const struct oqz_missing_file *f = &missing->files.v[file];
	const char *model = m->jobs.v[f->job].model->id;

	if (f->n_jobs == 1)
		return oqz_arena_printf(missing->arena, "%s is missing (%s; %s)%s", f->path, f->what, model,
		                        path_hint(missing->arena, f->path));
	return oqz_arena_printf(missing->arena, "%s is missing (%s; %s and %zu more)%s", f->path, f->what, model,
	                        f->n_jobs - 1, path_hint(missing->arena, f->path));
}

void oqz_missing_release(struct oqz_missing *m)
{
	oqz_vec_release(&m->files);
	free(m->first);
	oqz_arena_free(m->arena);
	memset(m, 0, sizeof *m);
}
