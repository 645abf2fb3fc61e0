/* SPDX-License-Identifier: Apache-2.0
 *
 * Checks of a manifest against plugins (by their published tables) and, on request, against models and data.
 */
#include "core/run/validate.h"
#include "core/base/str.h"
#include "core/onnx/onnx.h"
#include "core/ops/op.h"
#include "core/run/improvements.h"
#include "core/run/lanes.h"
#include "core/run/missing.h"
#include "core/run/memory_limit.h"
#include "core/run/overrides.h"
#include "core/run/prepare_spec.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

struct report {
	oqz_problem_fn *problem;
	void *ctx;
	enum oqz_status *worst;
};

static void tell(const struct report *r, enum oqz_status st, const char *text)
{
	if (*r->worst == OQZ_OK)
		*r->worst = st;
	r->problem(r->ctx, text);
}

/* Checks one mapping's parameters against a table. */
static void check_params(const struct oqz_manifest *m, const struct oqz_yaml *node, enum oqz_manifest_section section,
                         const struct oqz_param *table, const char *owner, const struct report *r)
{
	struct oqz_params *p = NULL;
	struct oqz_err err = { 0 };

	if (oqz_manifest_params(m->arena, node, section, table, owner, &p, &err) != OQZ_OK)
		tell(r, err.code, err.msg);
	oqz_params_free(p);
}

static void check_overrides(const struct oqz_manifest *m, const struct oqz_scheme_spec *s,
                            const struct oqz_param *table, const struct report *r)
{
	struct oqz_err err = { 0 };
	size_t n;

	if (oqz_override_count(s->node, &n, &err) != OQZ_OK) {
		tell(r, err.code, err.msg);
		return;
	}
	for (size_t i = 0; i < n; i++) {
		const struct oqz_yaml *merged = oqz_override_params(m->arena, s->node, i);
		if (merged)
			check_params(m, merged, OQZ_SECTION_SCHEME, table,
			             oqz_arena_printf(m->arena, "overrides of scheme `%s`", s->name), r);
	}
}

/* `calibration: {method: ...}` of the models that this scheme is for. */
static void check_methods(const struct oqz_manifest *m, const struct oqz_scheme_spec *s, const struct oqz_param *table,
                          const struct report *r)
{
	for (size_t i = 0; i < m->jobs.n; i++) {
		const struct oqz_model_spec *model = m->jobs.v[i].model;
		bool wanted = false;
		for (size_t k = 0; k < m->jobs.v[i].n_schemes; k++)
			wanted |= m->jobs.v[i].schemes[k] == s;
		const struct oqz_yaml *node =
		    wanted && model->calib_method ? oqz_scheme_node(m->arena, s, model, table) : NULL;
		if (node && node != s->node)
			check_params(m, node, OQZ_SECTION_SCHEME, table,
			             oqz_arena_printf(m->arena, "scheme `%s` for model `%s`", s->name, model->id), r);
	}
}

static void check_improvements(const struct oqz_manifest *m, const struct oqz_scheme_spec *s, const struct report *r)
{
	struct oqz_improve_step *steps = NULL;
	struct oqz_err err = { 0 };
	size_t n = 0;

	if (oqz_improvements_read(m->arena, s->node, &steps, &n, &err) != OQZ_OK)
		tell(r, err.code, err.msg);
	oqz_improvements_free(steps, n);
}

static const struct oqz_plugin_info *find_plugin(const struct oqz_registry *reg, enum oqz_plugin_kind kind,
                                                 const char *name, const struct oqz_yaml *node, const struct report *r)
{
	const struct oqz_plugin_info *info = NULL;
	struct oqz_err err = { 0 };

	if (oqz_registry_find(reg, kind, name, &info, &err) == OQZ_OK)
		return info;
	const struct oqz_yaml *at = oqz_yaml_get(node, "plugin");
	oqz_err_prefix(&err, "%s:%d:%d", at->file, at->line, at->column);
	tell(r, err.code, err.msg);
	return NULL;
}

static void check_prepare(const struct oqz_manifest *m, const struct oqz_yaml *node, const struct report *r)
{
	struct oqz_prepare *p = NULL;
	struct oqz_err err = { 0 };

	if (node && oqz_prepare_from_yaml(m->arena, node, &p, &err) != OQZ_OK)
		tell(r, err.code, err.msg);
	oqz_prepare_free(p);
}

static void check_passes(const struct oqz_model_spec *model, const struct report *r)
{
	struct oqz_err err = { 0 }, placed = { 0 };

	if (oqz_model_check_passes(model->passes, &err) == OQZ_OK)
		return;
	oqz_yaml_fail(oqz_yaml_get(model->node, "passes"), &placed, err.code, "%s", err.msg);
	tell(r, placed.code, placed.msg);
}

enum oqz_status oqz_validate_parameters(const struct oqz_manifest *m, const struct oqz_registry *reg,
                                        oqz_problem_fn *problem, void *ctx, enum oqz_status *worst, struct oqz_err *err)
{
	struct report r = { .problem = problem, .ctx = ctx, .worst = worst };

	for (size_t i = 0; i < m->schemes.n; i++) {
		const struct oqz_scheme_spec *s = m->schemes.v[i];
		const struct oqz_plugin_info *p = find_plugin(reg, OQZ_KIND_QUANTIZER, s->plugin, s->node, &r);
		if (p) {
			check_params(m, s->node, OQZ_SECTION_SCHEME, p->params,
			             oqz_arena_printf(m->arena, "scheme `%s`", s->name), &r);
			check_overrides(m, s, p->params, &r);
			check_methods(m, s, p->params, &r);
			check_improvements(m, s, &r);
		}
	}
	for (size_t i = 0; i < m->tasks.n; i++) {
		const struct oqz_task_spec *t = m->tasks.v[i];
		const struct oqz_plugin_info *p = find_plugin(reg, OQZ_KIND_TASK, t->plugin, t->node, &r);
		const struct oqz_dataset *sets[] = { t->test, t->calib };
		if (!p)
			continue;
		check_params(m, t->node, OQZ_SECTION_TASK, p->params, oqz_arena_printf(m->arena, "task `%s`", t->name),
		             &r);
		for (size_t k = 0; k < OQZ_COUNTOF(sets); k++)
			if (sets[k])
				check_params(m, sets[k]->node, OQZ_SECTION_DATASET, p->dataset_params,
				             oqz_arena_printf(m->arena, "data set `%s`", sets[k]->name), &r);
	}
	for (size_t i = 0; i < m->datasets.n; i++)
		check_prepare(m, m->datasets.v[i]->prepare, &r);
	for (size_t i = 0; i < m->models.n; i++) {
		check_prepare(m, m->models.v[i]->prepare, &r);
		check_passes(m->models.v[i], &r);
	}
	(void)err;
	return OQZ_OK;
}

/* ------------------------------------------------------------------------------------------------ models and data */

/* All unsupported operators of a model, which opening it would report one at a time. */
static enum oqz_status list_unsupported(const char *file, struct oqz_err *err)
{
	OQZ_CLEANUP(oqz_graph_free_cleanup) struct oqz_graph *g = NULL;
	struct oqz_str ops = { 0 };

	OQZ_TRY(oqz_onnx_load(file, &g, err));
	int n = oqz_ops_unsupported(g, &ops);
	if (n) {
		for (char *p = ops.s; (p = strchr(p, '\n')); p++)
			*p = p[1] ? ';' : 0;
		oqz_err_set(err, OQZ_E_UNSUPPORTED, "%s: %d nodes with unsupported operators: %s", file, n,
		            oqz_str_get(&ops));
	}
	oqz_str_release(&ops);
	return n ? OQZ_E_UNSUPPORTED : OQZ_OK;
}

static enum oqz_status first_image(struct oqz_job *j, struct oqz_err *err)
{
	OQZ_CLEANUP(oqz_preparer_free_cleanup) struct oqz_preparer *w = oqz_preparer_new(j->test.prepare, NULL);
	OQZ_CLEANUP(oqz_lane_set_free_cleanup) struct oqz_lane_set *set = NULL;
	OQZ_CLEANUP(oqz_walker_free_cleanup) struct oqz_walker *walker = NULL;
	struct oqz_lane_spec lane = { .graph = j->graph };
	struct oqz_lane_errors none = { 0 };
	const struct oqz_item *first = &j->test.items.items.v[0];
	struct oqz_geometry geometry;
	struct oqz_view view;
	struct oqz_shape shape;
	struct oqz_str record = { 0 };

	if (!w)
		return oqz_err_nomem(err, "a preparer", 1);
	OQZ_TRY(oqz_preparer_run(w, first->image, oqz_item_box(first), &view, &geometry, err));
	OQZ_TRY(oqz_job_input_shape(j->graph, &view, &shape, err));
	OQZ_TRY(oqz_lane_set_new(&lane, 1, NULL, 0, false, j->engine, &shape, 1, &set, err));
	OQZ_TRY(oqz_walker_new(set, 1, &walker, err));
	struct oqz_tensor t = { .dtype = view.dtype, .shape = view.shape, .data = (void *)view.data };
	const struct oqz_tensor *in = &t;
	OQZ_TRY(oqz_walker_run(walker, &in, &none, err));
	struct oqz_output *outputs = OQZ_ARENA_NEW_N(j->arena, struct oqz_output, j->graph->outputs.n + 1);
	for (size_t i = 0; outputs && i < j->graph->outputs.n; i++) {
		const struct oqz_tensor *o = oqz_walker_output(walker, 0, i);
		outputs[i] = (struct oqz_output) { .name = j->graph->outputs.v[i]->name,
			                           .view = { .dtype = o->dtype, .shape = o->shape, .data = o->data } };
	}
	enum oqz_status st =
	    outputs ? oqz_task_score(j->test.instance, first, outputs, j->graph->outputs.n, &geometry, &record, err)
	            : oqz_err_nomem(err, "outputs", 1);
	oqz_str_release(&record);
	return st;
}

static enum oqz_status try_job(const struct oqz_manifest *m, size_t index, const struct oqz_registry *reg,
                               struct oqz_err *err)
{
	OQZ_CLEANUP(oqz_job_close_cleanup) struct oqz_job *j = NULL;
	struct oqz_job_options opt = { .threads = 1 };

	OQZ_TRY(list_unsupported(m->jobs.v[index].model->file, err));
	OQZ_TRY(oqz_job_open(m, &m->jobs.v[index], reg, NULL, &opt, &j, err));
	for (size_t i = 0; i < j->n_schemes; i++)
		if (j->schemes[i].status != OQZ_OK)
			OQZ_FAIL(err, j->schemes[i].status, "lane `%s`: %s", j->schemes[i].spec->name,
			         j->schemes[i].message);
	return first_image(j, err);
}

/* The message comes back over a pipe, status first. */
static enum oqz_status try_forked(const struct oqz_manifest *m, size_t index, const struct oqz_registry *reg,
                                  struct oqz_err *found, struct oqz_err *err)
{
	int fds[2], status = 0;
	size_t have = 0;

	if (pipe(fds) != 0)
		return oqz_err_errno(err, errno, "a pipe");
	fflush(NULL);
	pid_t pid = fork();
	if (pid < 0) {
		close(fds[0]);
		close(fds[1]);
		return oqz_err_errno(err, errno, "a process");
	}
	if (pid == 0) {
		struct oqz_err e = { 0 };
		e.code = oqz_memory_limit(m->limits.memory, 1, &e);
		if (e.code == OQZ_OK)
			e.code = try_job(m, index, reg, &e);
		ssize_t n = write(fds[1], &e, sizeof e);
		OQZ_EXIT_NOW(n == (ssize_t)sizeof e ? 0 : 1);
	}
	close(fds[1]);
	while (have < sizeof *found) {
		ssize_t n = read(fds[0], (char *)found + have, sizeof *found - have);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			break;
		have += (size_t)n;
	}
	close(fds[0]);
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	if (have < sizeof *found && !WIFSIGNALED(status))
		oqz_err_set(found, OQZ_E_PLUGIN, "the process ended without a word (exit status %d)",
		            WEXITSTATUS(status));
	else if (have < sizeof *found)
		oqz_err_set(found, OQZ_E_PLUGIN, "the process died of signal %d (%s)", WTERMSIG(status),
		            strsignal(WTERMSIG(status)));
	return OQZ_OK;
}

enum oqz_status oqz_validate_data(const struct oqz_manifest *m, const struct oqz_registry *reg, oqz_problem_fn *problem,
                                  void *ctx, enum oqz_status *worst, struct oqz_err *err)
{
	OQZ_CLEANUP(oqz_missing_release_cleanup) struct oqz_missing missing = { 0 };
	struct report r = { .problem = problem, .ctx = ctx, .worst = worst };

	OQZ_TRY(oqz_missing_find(m, reg, &missing, err));
	for (size_t i = 0; i < missing.files.n; i++) {
		const struct oqz_yaml *node = m->jobs.v[missing.files.v[i].job].model->node;
		const char *text = oqz_missing_text(m, &missing, i);
		struct oqz_err lacks = { 0 };
		oqz_yaml_fail(node, &lacks, OQZ_E_NOENT, "model `%s`: %s", m->jobs.v[missing.files.v[i].job].model->id,
		              text ? text : "out of memory");
		tell(&r, lacks.code, lacks.msg);
	}
	for (size_t i = 0; i < m->jobs.n; i++) {
		const struct oqz_yaml *node = m->jobs.v[i].model->node;
		struct oqz_err found = { 0 };
		if (missing.first[i] != SIZE_MAX)
			continue; /* said above, once for all models */
		OQZ_TRY(try_forked(m, i, reg, &found, err));
		if (found.code == OQZ_OK)
			continue;
		oqz_err_prefix(&found, "%s:%d:%d: model `%s`", node->file, node->line, node->column,
		               m->jobs.v[i].model->id);
		tell(&r, found.code, found.msg);
	}
	return OQZ_OK;
}
