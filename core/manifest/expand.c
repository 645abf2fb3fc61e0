/* SPDX-License-Identifier: Apache-2.0
 *
 * The matrix. A table of wanted (model, scheme) pairs is filled row by row; jobs are read off it in the order of the
 * manifest, so that the order of rules never changes the order of results.
 */
#include "core/manifest/expand.h"
#include "core/base/str.h"
#include "core/manifest/source.h"

#include <string.h>

static bool has_tag(const struct oqz_model_spec *m, const char *glob)
{
	for (size_t i = 0; i < m->n_tags; i++)
		if (oqz_glob_match(glob, m->tags[i]))
			return true;
	return false;
}

/* A model pattern is a glob over ids, or tag:GLOB. */
static bool model_matches(const struct oqz_model_spec *m, const char *pattern)
{
	return strncmp(pattern, "tag:", 4) == 0 ? has_tag(m, pattern + 4) : oqz_glob_match(pattern, m->id);
}

struct table {
	size_t n_models, n_schemes;
	bool *want, *mark; /* [n_models * n_schemes] */
	bool *plain;       /* [n_models]: runs in float even without a scheme */
};

/* The id or name that a pattern which matches none may have meant, or NULL. */
static const char *nearest(const struct oqz_manifest *m, const char *pattern, bool model)
{
	size_t n = model ? m->models.n : m->schemes.n;
	OQZ_CLEANUP_FREE const char **names = calloc(n + 1, sizeof *names);

	for (size_t i = 0; names && i < n; i++)
		names[i] = model ? m->models.v[i]->id : m->schemes.v[i]->name;
	return names ? oqz_str_nearest(pattern, names, n) : NULL;
}

static enum oqz_status no_match(const struct oqz_manifest *m, const struct oqz_yaml *row, const char *pattern,
                                bool model, struct oqz_err *err)
{
	const char *near = nearest(m, pattern, model);

	return oqz_yaml_fail(row, err, OQZ_E_USAGE, "`%s` matches no %s%s%s%s", pattern, model ? "model" : "scheme",
	                     near ? "; did you mean `" : "", near ? near : "", near ? "`?" : "");
}

static enum oqz_status mark_row(struct oqz_manifest *m, const struct oqz_yaml *row, struct table *t,
                                struct oqz_err *err)
{
	static const char *const all[] = { "*" };
	const char **models = (const char **)all, **schemes = (const char **)all;
	size_t n_m = 1, n_s = 1;

	if (oqz_yaml_get(row, "models"))
		OQZ_TRY(oqz_yaml_strings(m->arena, oqz_yaml_get(row, "models"), &models, &n_m, err));
	if (oqz_yaml_get(row, "schemes"))
		OQZ_TRY(oqz_yaml_strings(m->arena, oqz_yaml_get(row, "schemes"), &schemes, &n_s, err));
	memset(t->mark, 0, t->n_models * t->n_schemes);
	for (size_t p = 0; p < n_s; p++) {
		bool hit = false;
		for (size_t j = 0; j < t->n_schemes; j++)
			hit |= oqz_glob_match(schemes[p], m->schemes.v[j]->name);
		if (!hit)
			return no_match(m, row, schemes[p], false, err);
	}
	for (size_t p = 0; p < n_m; p++) {
		bool hit = false;
		for (size_t i = 0; i < t->n_models; i++) {
			if (!model_matches(m->models.v[i], models[p]))
				continue;
			hit = true;
			t->plain[i] |= n_s == 0;
			for (size_t j = 0; j < t->n_schemes; j++)
				for (size_t q = 0; q < n_s; q++)
					if (oqz_glob_match(schemes[q], m->schemes.v[j]->name))
						t->mark[i * t->n_schemes + j] = true;
		}
		if (!hit)
			return no_match(m, row, models[p], true, err);
	}
	return OQZ_OK;
}

static enum oqz_status apply_except(struct oqz_manifest *m, const struct oqz_yaml *row, struct table *t,
                                    struct oqz_err *err)
{
	const struct oqz_yaml *list = oqz_yaml_get(row, "except");

	if (list && list->kind == OQZ_YAML_SCALAR)
		return oqz_yaml_fail(list, err, OQZ_E_USAGE, "`except` is a list: [{model: GLOB, scheme: GLOB}]");
	for (size_t e = 0; list && e < list->n; e++) {
		const struct oqz_yaml *x = list->items[e];
		OQZ_TRY(oqz_schema_check(x, OQZ_SECTION_EXCEPT, false, "`except`", err));
		const struct oqz_yaml *model = oqz_yaml_get(x, "model"), *scheme = oqz_yaml_get(x, "scheme"),
		                      *tag = oqz_yaml_get(x, "tag");
		bool hit = false;
		for (size_t i = 0; i < t->n_models; i++)
			for (size_t j = 0; j < t->n_schemes; j++) {
				if ((model && !oqz_glob_match(model->scalar, m->models.v[i]->id)) ||
				    (scheme && !oqz_glob_match(scheme->scalar, m->schemes.v[j]->name)) ||
				    (tag && !has_tag(m->models.v[i], tag->scalar)))
					continue;
				hit = true;
				t->mark[i * t->n_schemes + j] = false;
			}
		if (!hit)
			return oqz_yaml_fail(x, err, OQZ_E_USAGE, "`except` matches nothing");
	}
	return OQZ_OK;
}

/* --select model=GLOB,scheme=GLOB,tag=T (checked before): parts of one option must all hold; of several options one
 * must. */
static enum oqz_status selected(const struct oqz_manifest_options *opt, const struct oqz_model_spec *model,
                                const struct oqz_scheme_spec *scheme, bool *ret, struct oqz_err *err)
{
	*ret = !opt || opt->n_selects == 0;
	for (size_t k = 0; opt && k < opt->n_selects; k++) {
		OQZ_CLEANUP_FREE char *copy = strdup(opt->selects[k]);
		bool ok = true;
		if (!copy)
			return oqz_err_nomem(err, "--select", 1);
		for (char *save = NULL, *part = strtok_r(copy, ",", &save); part; part = strtok_r(NULL, ",", &save)) {
			if (strncmp(part, "model=", 6) == 0)
				ok &= model_matches(model, part + 6);
			else if (strncmp(part, "scheme=", 7) == 0)
				ok &= !scheme || oqz_glob_match(part + 7, scheme->name);
			else
				ok &= has_tag(model, part + 4);
		}
		*ret |= ok;
	}
	return OQZ_OK;
}

/* A pattern of --select that fits no model, scheme or tag at all is a slip of the pen, as it is in the matrix. */
static enum oqz_status check_select(const struct oqz_manifest *m, const char *select, const char *part,
                                    struct oqz_err *err)
{
	bool scheme = strncmp(part, "scheme=", 7) == 0, tag = strncmp(part, "tag=", 4) == 0, hit = false;
	const char *pattern = strchr(part, '=') + 1;

	for (size_t j = 0; scheme && j < m->schemes.n; j++)
		hit |= oqz_glob_match(pattern, m->schemes.v[j]->name);
	for (size_t i = 0; i < m->models.n; i++) {
		const struct oqz_model_spec *model = m->models.v[i];
		for (size_t k = 0; scheme && k < model->n_lanes; k++)
			hit |= oqz_glob_match(pattern, model->lanes[k]->name);
		hit |= !scheme && (tag ? has_tag(model, pattern) : model_matches(model, pattern));
	}
	const char *near = hit || tag ? NULL : nearest(m, pattern, !scheme);
	if (!hit)
		OQZ_FAIL(err, OQZ_E_USAGE, "--select %s: `%s` matches no %s of %s%s%s%s", select, pattern,
		         scheme ? "scheme"
		         : tag  ? "model's tag"
		                : "model",
		         m->file, near ? "; did you mean `" : "", near ? near : "", near ? "`?" : "");
	return OQZ_OK;
}

static enum oqz_status check_selects(const struct oqz_manifest *m, const struct oqz_manifest_options *opt,
                                     struct oqz_err *err)
{
	for (size_t k = 0; opt && k < opt->n_selects; k++) {
		OQZ_CLEANUP_FREE char *copy = strdup(opt->selects[k]);
		if (!copy)
			return oqz_err_nomem(err, "--select", 1);
		for (char *save = NULL, *part = strtok_r(copy, ",", &save); part; part = strtok_r(NULL, ",", &save)) {
			if (strncmp(part, "model=", 6) && strncmp(part, "scheme=", 7) && strncmp(part, "tag=", 4))
				OQZ_FAIL(err, OQZ_E_USAGE, "--select %s: write model=GLOB, scheme=GLOB or tag=T",
				         opt->selects[k]);
			OQZ_TRY(check_select(m, opt->selects[k], part, err));
		}
	}
	return OQZ_OK;
}

static enum oqz_status add_jobs(struct oqz_manifest *m, const struct oqz_manifest_options *opt, const struct table *t,
                                struct oqz_err *err)
{
	for (size_t i = 0; i < t->n_models; i++) {
		struct oqz_job_spec job = { .model = m->models.v[i] };
		bool run_model;
		job.schemes =
		    OQZ_ARENA_NEW_N(m->arena, const struct oqz_scheme_spec *, t->n_schemes + job.model->n_lanes + 1);
		if (!job.schemes)
			return oqz_err_nomem(err, "jobs", t->n_schemes);
		OQZ_TRY(selected(opt, job.model, NULL, &run_model, err));
		bool any = t->plain[i];
		for (size_t j = 0; j < t->n_schemes; j++) {
			bool run;
			OQZ_TRY(selected(opt, job.model, m->schemes.v[j], &run, err));
			any |= t->want[i * t->n_schemes + j];
			if (run && t->want[i * t->n_schemes + j])
				job.schemes[job.n_schemes++] = m->schemes.v[j];
		}
		for (size_t k = 0; any && k < job.model->n_lanes; k++) {
			bool run;
			OQZ_TRY(selected(opt, job.model, job.model->lanes[k], &run, err));
			if (run)
				job.schemes[job.n_schemes++] = job.model->lanes[k];
		}
		if (run_model && any && (job.n_schemes || t->plain[i]) && !oqz_vec_push(&m->jobs, job))
			return oqz_err_nomem(err, "jobs", sizeof job);
	}
	if (m->jobs.n == 0)
		OQZ_FAIL(err, OQZ_E_USAGE,
		         "%s: nothing to run: the matrix and --select together leave no model with a scheme", m->file);
	return OQZ_OK;
}

bool oqz_gate_matches(const struct oqz_gate *g, const char *model, const char *const *tags, size_t n_tags,
                      const char *scheme)
{
	bool tagged = !g->tag;

	for (size_t i = 0; i < n_tags && !tagged; i++)
		tagged = oqz_glob_match(g->tag, tags[i]);
	return tagged && (!g->model || oqz_glob_match(g->model, model)) &&
	       (!g->scheme || oqz_glob_match(g->scheme, scheme));
}

/* A gate that is for no cell of the matrix would pass for ever; one that --select leaves without cells just rests. */
static enum oqz_status check_gates(const struct oqz_manifest *m, const struct table *t, struct oqz_err *err)
{
	for (size_t k = 0; k < m->gates.n; k++) {
		const struct oqz_gate *g = &m->gates.v[k];
		bool hit = false;
		for (size_t i = 0; i < t->n_models && !hit; i++) {
			const struct oqz_model_spec *s = m->models.v[i];
			bool any = t->plain[i];
			for (size_t j = 0; j < t->n_schemes; j++) {
				bool wanted = t->want[i * t->n_schemes + j];
				any |= wanted;
				hit |= wanted && oqz_gate_matches(g, s->id, s->tags, s->n_tags, m->schemes.v[j]->name);
			}
			for (size_t j = 0; any && j < s->n_lanes; j++)
				hit |= oqz_gate_matches(g, s->id, s->tags, s->n_tags, s->lanes[j]->name);
		}
		if (!hit)
			return oqz_yaml_fail(g->node, err, OQZ_E_USAGE, "this gate matches no cell of the matrix");
	}
	return OQZ_OK;
}

/* `what` `name` (at `n`) is in the manifest and nothing of it is evaluated. */
static enum oqz_status add_warning(struct oqz_manifest *m, const struct oqz_yaml *n, const char *what, const char *name,
                                   const char *why, struct oqz_err *err)
{
	char *w = oqz_arena_printf(m->arena, "%s:%d:%d: %s `%s` is %s", n->file, n->line, n->column, what, name, why);

	return w && oqz_vec_push(&m->warnings, w) ? OQZ_OK : oqz_err_nomem(err, "warnings", 1);
}

/* One line for all of them: a manifest that includes another one often takes a part of it on purpose. */
static enum oqz_status warn_unused_models(struct oqz_manifest *m, const struct table *t, struct oqz_err *err)
{
	enum { NAMED = 5 };
	struct oqz_str s = { 0 };
	size_t n = 0;

	for (size_t i = 0; i < t->n_models; i++) {
		bool used = t->plain[i];
		for (size_t j = 0; j < t->n_schemes; j++)
			used |= t->want[i * t->n_schemes + j];
		if (!used && n++ < NAMED)
			oqz_str_addf(&s, "%s`%s`", s.len ? ", " : "", m->models.v[i]->id);
	}
	if (n > NAMED)
		oqz_str_addf(&s, " and %zu more", n - NAMED);
	char *w = n == 0 ? NULL
	                 : oqz_arena_printf(m->arena, "%s: in no row of the matrix and not evaluated: %s", m->file,
	                                    oqz_str_get(&s));
	bool ok = n == 0 || (oqz_str_ok(&s) && w && oqz_vec_push(&m->warnings, w));
	oqz_str_release(&s);
	return ok ? OQZ_OK : oqz_err_nomem(err, "warnings", n);
}

static enum oqz_status warn_unused(struct oqz_manifest *m, const struct table *t, struct oqz_err *err)
{
	OQZ_TRY(warn_unused_models(m, t, err));
	for (size_t j = 0; j < t->n_schemes; j++) {
		bool used = false;
		for (size_t i = 0; i < t->n_models; i++)
			used |= t->want[i * t->n_schemes + j];
		if (!used)
			OQZ_TRY(
			    add_warning(m, m->schemes.v[j]->node, "scheme", m->schemes.v[j]->name, "not used", err));
	}
	for (size_t d = 0; d < m->datasets.n; d++) {
		bool used = false;
		for (size_t k = 0; k < m->tasks.n; k++)
			used |= m->tasks.v[k]->test == m->datasets.v[d] || m->tasks.v[k]->calib == m->datasets.v[d];
		if (!used)
			OQZ_TRY(add_warning(m, m->datasets.v[d]->node, "data set", m->datasets.v[d]->name, "not used",
			                    err));
	}
	for (size_t k = 0; k < m->tasks.n; k++) {
		bool used = false;
		for (size_t i = 0; i < t->n_models; i++)
			used |= m->models.v[i]->task == m->tasks.v[k];
		if (!used)
			OQZ_TRY(add_warning(m, m->tasks.v[k]->node, "task", m->tasks.v[k]->name, "not used", err));
	}
	return OQZ_OK;
}

enum oqz_status oqz_manifest_expand(struct oqz_manifest *m, const struct oqz_manifest_options *opt, struct oqz_err *err)
{
	const struct oqz_yaml *matrix = oqz_yaml_get(m->root, "matrix");
	struct table t = { .n_models = m->models.n, .n_schemes = m->schemes.n };
	size_t cells = t.n_models * t.n_schemes;

	t.want = OQZ_ARENA_NEW_N(m->arena, bool, cells + 1);
	t.mark = OQZ_ARENA_NEW_N(m->arena, bool, cells + 1);
	t.plain = OQZ_ARENA_NEW_N(m->arena, bool, t.n_models + 1);
	if (!t.want || !t.mark || !t.plain)
		return oqz_err_nomem(err, "the matrix", cells);
	if (!matrix || matrix->kind == OQZ_YAML_NULL) {
		memset(t.want, 1, cells);
		memset(t.plain, t.n_schemes == 0, t.n_models); /* no schemes at all: a float-only run */
	} else if (matrix->kind != OQZ_YAML_SEQ) {
		return oqz_yaml_fail(matrix, err, OQZ_E_USAGE, "`matrix` is a list of {models: [...], schemes: [...]}");
	}
	for (size_t r = 0; matrix && matrix->kind == OQZ_YAML_SEQ && r < matrix->n; r++) {
		OQZ_TRY(oqz_schema_check(matrix->items[r], OQZ_SECTION_MATRIX, false, "a row of the matrix", err));
		OQZ_TRY(mark_row(m, matrix->items[r], &t, err));
		OQZ_TRY(apply_except(m, matrix->items[r], &t, err));
		for (size_t i = 0; i < cells; i++)
			t.want[i] |= t.mark[i];
	}
	OQZ_TRY(check_gates(m, &t, err));
	OQZ_TRY(warn_unused(m, &t, err));
	OQZ_TRY(check_selects(m, opt, err));
	return add_jobs(m, opt, &t, err);
}
