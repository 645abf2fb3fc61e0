/* SPDX-License-Identifier: Apache-2.0
 *
 * See improvements.h. Images run one after the other on one thread: sums of floats then have one order, so that the
 * result does not depend on the number of threads.
 */
#include "core/run/improvements.h"
#include "core/base/str.h"
#include "core/ops/op.h"

#include <string.h>

/* ------------------------------------------------------------------------------------------------ the list */

void oqz_improvements_free(struct oqz_improve_step *steps, size_t n)
{
	for (size_t i = 0; i < n; i++)
		oqz_params_free(steps[i].params);
	free(steps);
}

static enum oqz_status unknown_pass(const struct oqz_yaml *at, const char *name, struct oqz_err *err)
{
	const char *names[16];
	size_t n = 0;

	for (; oqz_improves[n] && n < OQZ_COUNTOF(names); n++)
		names[n] = oqz_improves[n]->name;
	const char *near = oqz_str_nearest(name, names, n);
	return oqz_yaml_fail(at, err, OQZ_E_USAGE, "there is no improvement `%s`%s%s%s", name,
	                     near ? " (did you mean `" : "", near ? near : "", near ? "`?)" : "");
}

/* `name` or `{name: {parameter: value}}`. */
static enum oqz_status read_step(struct oqz_arena *a, const struct oqz_yaml *y, struct oqz_improve_step *ret,
                                 struct oqz_err *err)
{
	const struct oqz_yaml *given = NULL;
	const char *name = y->kind == OQZ_YAML_SCALAR ? y->scalar : NULL;

	if (y->kind == OQZ_YAML_MAP && y->n == 1) {
		name = y->pairs[0].key;
		given = y->pairs[0].value->kind == OQZ_YAML_NULL ? NULL : y->pairs[0].value;
	}
	if (!name || (given && given->kind != OQZ_YAML_MAP))
		return oqz_yaml_fail(y, err, OQZ_E_USAGE,
		                     "an entry of `improve` is a name, or {name: {parameter: value}}");
	ret->pass = oqz_improve_find(name);
	if (!ret->pass)
		return unknown_pass(y, name, err);
	if (!given)
		given = oqz_yaml_new(a, OQZ_YAML_MAP, y);
	const char *owner = oqz_arena_printf(a, "improvement `%s`", name);
	if (!given || !owner)
		return oqz_err_nomem(err, "improvements", 1);
	return oqz_manifest_params(a, given, OQZ_SECTION_NONE, ret->pass->params, owner, &ret->params, err);
}

static size_t rank_of(const struct oqz_improve *pass)
{
	size_t i = 0;

	while (oqz_improves[i] && oqz_improves[i] != pass)
		i++;
	return i;
}

static int by_rank(const void *a, const void *b)
{
	size_t x = rank_of(((const struct oqz_improve_step *)a)->pass);
	size_t y = rank_of(((const struct oqz_improve_step *)b)->pass);

	return (x > y) - (x < y);
}

enum oqz_status oqz_improvements_read(struct oqz_arena *a, const struct oqz_yaml *scheme, struct oqz_improve_step **ret,
                                      size_t *ret_n, struct oqz_err *err)
{
	const struct oqz_yaml *list = oqz_yaml_get(scheme, "improve");
	size_t n = !list || list->kind == OQZ_YAML_NULL ? 0 : list->kind == OQZ_YAML_SEQ ? list->n : 1;
	struct oqz_improve_step *steps = calloc(n + 1, sizeof *steps);
	enum oqz_status st = steps ? OQZ_OK : oqz_err_nomem(err, "improvements", n);

	for (size_t i = 0; i < n && st == OQZ_OK; i++) {
		const struct oqz_yaml *y = list->kind == OQZ_YAML_SEQ ? list->items[i] : list;
		st = read_step(a, y, &steps[i], err);
		for (size_t k = 0; k < i && st == OQZ_OK; k++)
			if (steps[k].pass == steps[i].pass)
				st =
				    oqz_yaml_fail(y, err, OQZ_E_USAGE, "`improve` has `%s` twice", steps[i].pass->name);
	}
	if (st != OQZ_OK) {
		oqz_improvements_free(steps, steps ? n : 0);
		return st;
	}
	qsort(steps, n, sizeof *steps, by_rank);
	*ret = steps;
	*ret_n = n;
	return OQZ_OK;
}

void oqz_improvements_canonical(const struct oqz_improve_step *steps, size_t n, struct oqz_str *out)
{
	for (size_t i = 0; i < n; i++) {
		oqz_str_addf(out, ";improve %s:", steps[i].pass->name);
		oqz_params_canonical(steps[i].params, out);
	}
}

/* ------------------------------------------------------------------------------------------------ running images */

/* A graph planned for one input shape at a time, and copies of what its taps gave. */
struct runner {
	struct oqz_job *job;
	const struct oqz_graph *g;
	const char *const *taps;
	size_t n_taps;
	struct oqz_preparer *preparer;
	struct oqz_program *program;
	struct oqz_context *context;
	struct oqz_shape shape;
	struct at {
		long step;
		int tap;
		size_t index;
	} * order; /* by step */
	struct oqz_tensor *values;
	const struct oqz_tensor **views;
};

static void runner_release(struct runner *r)
{
	for (size_t i = 0; r->values && i < r->n_taps; i++)
		oqz_tensor_release(&r->values[i]);
	oqz_context_free(r->context);
	oqz_program_free(r->program);
	oqz_preparer_free(r->preparer);
	free(r->order);
	free(r->values);
	free(r->views);
}

static int by_step(const void *a, const void *b)
{
	long x = ((const struct at *)a)->step, y = ((const struct at *)b)->step;

	return (x > y) - (x < y);
}

static enum oqz_status plan_for(struct runner *r, const struct oqz_shape *shape, struct oqz_err *err)
{
	struct oqz_exec_options opt = { .engine = r->job->engine, .taps = r->taps, .n_taps = r->n_taps };

	if (r->program && oqz_shape_equal(&r->shape, shape))
		return OQZ_OK;
	oqz_context_free(r->context);
	oqz_program_free(r->program);
	r->context = NULL;
	r->program = NULL;
	OQZ_TRY(oqz_program_new(r->g, &opt, shape, &r->program, err));
	OQZ_TRY(oqz_context_new(r->program, &r->context, err));
	r->shape = *shape;
	for (size_t i = 0; i < r->n_taps; i++) {
		int tap = oqz_program_tap(r->program, r->taps[i]);
		if (tap < 0)
			OQZ_FAIL(err, OQZ_E_INTERNAL, "value '%s' cannot be read", r->taps[i]);
		r->order[i] = (struct at) { .step = oqz_program_tap_step(r->program, tap), .tap = tap, .index = i };
	}
	qsort(r->order, r->n_taps, sizeof *r->order, by_step);
	return OQZ_OK;
}

static enum oqz_status keep(struct runner *r, const struct at *at, struct oqz_err *err)
{
	const struct oqz_tensor *t = oqz_context_tap(r->context, at->tap);
	struct oqz_tensor *to = &r->values[at->index];

	if (!to->data || to->dtype != t->dtype || !oqz_shape_equal(&to->shape, &t->shape)) {
		oqz_tensor_release(to);
		OQZ_TRY(oqz_tensor_alloc(to, t->dtype, &t->shape, err));
	}
	oqz_tensor_relayout(to, t);
	r->views[at->index] = to;
	return OQZ_OK;
}

static enum oqz_status run_image(struct runner *r, size_t image, struct oqz_err *err)
{
	const struct oqz_item *item = &r->job->calib.items.items.v[image];
	struct oqz_geometry geometry;
	struct oqz_shape shape;
	struct oqz_view view;
	size_t at = 0;

	OQZ_TRY(oqz_preparer_run(r->preparer, item->image, oqz_item_box(item), &view, &geometry, err));
	OQZ_TRY(oqz_job_input_shape(r->g, &view, &shape, err));
	OQZ_TRY(plan_for(r, &shape, err));
	struct oqz_tensor t = { .dtype = view.dtype, .shape = view.shape, .data = (void *)view.data };
	oqz_tensor_relayout(oqz_context_input(r->context, 0), &t);
	for (size_t i = 0; i < r->n_taps; i++) {
		size_t to = (size_t)(r->order[i].step + 1);
		if (to > at)
			OQZ_TRY(oqz_context_run(r->context, at, to, err));
		at = to > at ? to : at;
		OQZ_TRY(keep(r, &r->order[i], err));
	}
	return OQZ_OK;
}

static enum oqz_status run_images(void *ctx, const struct oqz_graph *g, const char *const *taps, size_t n_taps,
                                  size_t n, oqz_improve_fn *each, void *each_ctx, struct oqz_err *err)
{
	struct oqz_job *j = ctx;
	OQZ_CLEANUP(runner_release) struct runner r = { .job = j, .g = g, .taps = taps, .n_taps = n_taps };

	r.preparer = oqz_preparer_new(j->calib.prepare, NULL);
	r.order = calloc(n_taps + 1, sizeof *r.order);
	r.values = calloc(n_taps + 1, sizeof *r.values);
	r.views = calloc(n_taps + 1, sizeof *r.views);
	if (!r.preparer || !r.order || !r.values || !r.views)
		return oqz_err_nomem(err, "taps", n_taps);
	for (size_t i = 0; i < n; i++) {
		if (j->stop && *j->stop)
			OQZ_FAIL(err, OQZ_E_INTERRUPTED, "interrupted");
		if (run_image(&r, i, err) != OQZ_OK)
			return oqz_err_prefix(err, "calibration image `%s`", j->calib.items.items.v[i].id);
		OQZ_TRY(each(each_ctx, i, r.views, err));
	}
	return OQZ_OK;
}

/* ------------------------------------------------------------------------------------------------ passes */

enum oqz_status oqz_improve_graph(struct oqz_job *j, struct oqz_scheme *s, struct oqz_err *err)
{
	const struct oqz_improve_data data = { .ctx = j, .n_images = j->calib.n, .run = run_images };

	OQZ_TRY(oqz_graph_clone(j->graph, &s->base, err));
	OQZ_TRY(oqz_ops_resolve(s->base, err)); /* nodes with bodies come out of a clone unresolved */
	s->improved = oqz_qplan_new();
	if (!s->improved)
		return oqz_err_nomem(err, "a plan", 1);
	for (size_t i = 0; i < s->n_improve; i++) {
		const struct oqz_improve_step *step = &s->improve[i];
		if (step->pass->on_graph &&
		    step->pass->on_graph(s->base, s->improved, step->params, &data, err) != OQZ_OK)
			return oqz_err_prefix(err, "improvement `%s`", step->pass->name);
	}
	return OQZ_OK;
}

enum oqz_status oqz_improve_plan(struct oqz_job *j, struct oqz_scheme *s, struct oqz_err *err)
{
	const struct oqz_improve_data data = { .ctx = j, .n_images = j->calib.n, .run = run_images };

	for (size_t i = 0; i < s->improved->constants.n; i++) {
		const struct oqz_qplan_constant *c = &s->improved->constants.v[i];
		OQZ_TRY(oqz_qplan_set_constant(s->plan, c->node, c->input, &c->value, err));
	}
	for (size_t i = 0; i < s->improved->gains.n; i++) {
		const struct oqz_qplan_gain *g = &s->improved->gains.v[i];
		OQZ_TRY(oqz_qplan_add_gain(s->plan, g->value, g->axis, g->n, g->factor, err));
	}
	for (size_t i = 0; i < s->n_improve; i++) {
		const struct oqz_improve_step *step = &s->improve[i];
		if (step->pass->on_plan && step->pass->on_plan(s->base, s->plan, step->params, &data, err) != OQZ_OK)
			return oqz_err_prefix(err, "improvement `%s`", step->pass->name);
	}
	return OQZ_OK;
}
