/* SPDX-License-Identifier: Apache-2.0
 *
 * What a result says about a cell besides measurements: names, provenance, and per layer the implementation, the number
 * of products, the error of the weights alone. Implementation and products need planned programs, so the evaluation
 * writes them into the ledger once and a later run that computes nothing reads them back.
 */
#include "core/base/str.h"
#include "core/run/cells.h"
#include "core/run/conclude.h"
#include "core/run/facts.h"
#include "core/run/foreign.h"
#include "config.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

enum oqz_status oqz_cell_begin(const struct oqz_manifest *m, const struct oqz_job_spec *spec,
                               const struct oqz_scheme_spec *scheme, struct oqz_results *r,
                               struct oqz_cell_result **ret, struct oqz_err *err)
{
	struct oqz_cell_result *c = oqz_results_add_cell(r);
	const struct oqz_model_spec *model = spec->model;

	if (!c)
		return oqz_err_nomem(err, "results", sizeof *c);
	const char **tags = OQZ_ARENA_NEW_N(r->arena, const char *, model->n_tags + 1);
	c->model = oqz_arena_strdup(r->arena, model->id);
	c->scheme = oqz_arena_strdup(r->arena, scheme->name);
	c->task = oqz_arena_strdup(r->arena, model->task->name);
	if (!tags || !c->model || !c->scheme || !c->task)
		return oqz_err_nomem(err, "results", sizeof *c);
	for (size_t i = 0; i < model->n_tags; i++)
		if (!(tags[i] = oqz_arena_strdup(r->arena, model->tags[i])))
			return oqz_err_nomem(err, "results", 1);
	c->tags = tags;
	c->n_tags = model->n_tags;
	c->status = OQZ_CELL_FAILED;
	c->aqe = c->mqe = c->oqe = c->mean_aqe = c->mean_mqe = c->mean_oqe = NAN;
	c->provenance.limited = m->limits.images > 0;
	*ret = c;
	return OQZ_OK;
}

static bool copy(struct oqz_arena *a, const char *text, const char **ret)
{
	*ret = oqz_arena_strdup(a, text);
	return *ret != NULL;
}

static const char *plugin_version(struct oqz_arena *a, const struct oqz_module *m)
{
	return m ? oqz_arena_printf(a, "%s %s", m->desc.base.name, m->desc.base.version) : oqz_arena_strdup(a, "");
}

enum oqz_status oqz_provenance_fill(const struct oqz_job *j, const struct oqz_scheme *s, struct oqz_arena *a,
                                    struct oqz_provenance *p, struct oqz_err *err)
{
	char key[65];

	if (s)
		oqz_cell_key_scheme(j, s, key);
	else
		oqz_cell_key_float(j, key);
	p->scheme_plugin = plugin_version(a, s ? s->module : NULL);
	p->task_plugin = plugin_version(a, j->task_module);
	p->engine = oqz_engine_name(j->engine);
	p->limited = j->test.n < j->test.items.items.n;
	if (!copy(a, j->model_sha256, &p->model_sha256) || !copy(a, s ? s->plan_sha256 : "", &p->plan_sha256) ||
	    !copy(a, j->test.contents, &p->dataset_sha256) || !copy(a, s ? s->canonical : "float", &p->scheme) ||
	    !copy(a, j->task_canonical, &p->task) || !copy(a, oqz_exec_describe(), &p->library) ||
	    !copy(a, key, &p->cell) || !copy(a, j->test.sha256, &p->list_sha256) || !p->scheme_plugin ||
	    !p->task_plugin)
		return oqz_err_nomem(err, "results", 1);
	return OQZ_OK;
}

enum oqz_status oqz_cell_provenance(const struct oqz_job *j, const struct oqz_scheme *s, struct oqz_results *r,
                                    struct oqz_cell_result *c, struct oqz_err *err)
{
	struct oqz_arena *a = r->arena;

	c->unmatched = OQZ_ARENA_NEW_N(a, const char *, s->n_unmatched + 1);
	if (!c->unmatched)
		return oqz_err_nomem(err, "results", s->n_unmatched);
	for (; c->n_unmatched < s->n_unmatched; c->n_unmatched++)
		if (!copy(a, s->unmatched[c->n_unmatched], &c->unmatched[c->n_unmatched]))
			return oqz_err_nomem(err, "results", 1);
	return oqz_provenance_fill(j, s, a, &c->provenance, err);
}

static const struct oqz_qplan_site *find_site(const struct oqz_qplan *p, const char *node, int input)
{
	for (size_t i = 0; i < p->sites.n; i++)
		if (p->sites.v[i].input == input && strcmp(p->sites.v[i].node, node) == 0)
			return &p->sites.v[i];
	return NULL;
}

/* ||W' - W|| / ||W|| of the constant inputs that the plan puts on a grid; NaN if there are none. */
static enum oqz_status weight_error(const struct oqz_qplan *p, const struct oqz_node *n, double *ret,
                                    struct oqz_err *err)
{
	struct oqz_error_sums total = { 0 };
	bool any = false;

	for (int i = 0; i < n->n_in; i++) {
		const struct oqz_qplan_site *site = find_site(p, n->name, i);
		const struct oqz_tensor *w = n->in[i] ? n->in[i]->constant : NULL;
		if (!site || !w || w->dtype != OQZ_DT_F32)
			continue;
		size_t count = (size_t)oqz_tensor_nelem(w);
		OQZ_CLEANUP_FREE float *y = malloc(count * sizeof *y + 1);
		struct oqz_error_sums s;
		if (!y)
			return oqz_err_nomem(err, "weights", count * sizeof *y);
		OQZ_TRY(oqz_fake_quantize(&site->spec, &w->shape, w->data, y, err));
		oqz_error_sums(y, w->data, count, &s);
		total.err2 += s.err2;
		total.ref2 += s.ref2;
		any = true;
	}
	*ret = !any ? NAN : total.err2 == 0 ? 0 : sqrt(total.err2 / total.ref2);
	return OQZ_OK;
}

/* Least and largest number that a site with one scale can hold. */
static void grid_range(const struct oqz_qplan_site *site, double *lo, double *hi)
{
	*lo = *hi = NAN;
	if (!site || site->spec.n_scale != 1 || site->spec.dynamic)
		return;
	const struct oqz_grid *g = &site->spec.grid;
	double scale = site->spec.scale[0], zero = site->spec.zero ? site->spec.zero[0] : 0;
	if (g->kind == OQZ_GRID_AFFINE) {
		*lo = (g->qmin - zero) * scale;
		*hi = (g->qmax - zero) * scale;
	} else if (g->kind == OQZ_GRID_MINIFLOAT) {
		*lo = -g->max * scale;
		*hi = g->max * scale;
	} else if (g->kind == OQZ_GRID_CODEBOOK && g->n_values) {
		*lo = g->values[0] * scale;
		*hi = g->values[g->n_values - 1] * scale;
	}
}

/* Extremes of a node's first constant input behind its data. */
static void weight_range(const struct oqz_node *n, double *lo, double *hi)
{
	*lo = *hi = NAN;
	for (int i = 1; i < n->n_in; i++) {
		const struct oqz_tensor *w = n->in[i] ? n->in[i]->constant : NULL;
		if (!w || w->dtype != OQZ_DT_F32)
			continue;
		float a, b;
		oqz_extremes(w->data, (size_t)oqz_tensor_nelem(w), &a, &b);
		*lo = a <= b ? (double)a : NAN;
		*hi = a <= b ? (double)b : NAN;
		return;
	}
}

enum oqz_status oqz_layer_facts(struct oqz_job *j, const struct oqz_scheme *s, size_t layer,
                                struct oqz_layer_result *ret, struct oqz_err *err)
{
	const struct oqz_value *v = oqz_graph_value(j->graph, s->layers[layer]);

	if (!v || !v->producer)
		OQZ_FAIL(err, OQZ_E_INTERNAL, "layer '%s' has left the graph", s->layers[layer]);
	const struct oqz_node *n = v->producer;
	ret->node = n->name;
	ret->op = n->op_type;
	weight_range(n, &ret->weight_lo, &ret->weight_hi);
	ret->engine = s->facts && layer < s->n_facts ? s->facts[layer].impl : "";
	ret->macs = s->facts && layer < s->n_facts ? s->facts[layer].macs : 0;
	if (!s->plan)
		return oqz_foreign_facts(j, s, layer, ret, err);
	const struct oqz_qplan_site *in = find_site(s->plan, n->name, 0);
	ret->input_scale = in && in->spec.n_scale == 1 ? in->spec.scale[0] : NAN;
	grid_range(in, &ret->input_lo, &ret->input_hi);
	return weight_error(s->plan, n, &ret->weight_error, err);
}

/* ------------------------------------------------------------------------------------------------ in the ledger */

static const char *blob_name(struct oqz_job *j, const struct oqz_scheme *s)
{
	char key[65];

	oqz_cell_key_scheme(j, s, key);
	return oqz_arena_printf(j->arena, "facts.%s", key);
}

enum oqz_status oqz_facts_save(struct oqz_job *j, const struct oqz_scheme *s, const struct oqz_lane_set *set,
                               size_t lane, struct oqz_err *err)
{
	struct oqz_str out = { 0 };
	const struct oqz_program *p = oqz_lane_set_program(set, lane);
	const char *name = blob_name(j, s);

	for (size_t i = 0; i < s->n_layers; i++) {
		struct oqz_step_info info = { .impl = "" };
		long step = oqz_program_tap_step(p, oqz_program_tap(p, oqz_scheme_layer(s, i)));
		if (step >= 0)
			oqz_program_step(p, (size_t)step, &info);
		oqz_str_addf(&out, "%" PRId64 " %s\n", info.macs, info.impl);
	}
	enum oqz_status st = name && oqz_str_ok(&out)
	                         ? oqz_ledger_put_blob(j->ledger, name, oqz_str_get(&out), out.len, err)
	                         : oqz_err_nomem(err, "facts", out.len);
	oqz_str_release(&out);
	return st;
}

enum oqz_status oqz_facts_load(struct oqz_job *j, struct oqz_scheme *s, struct oqz_err *err)
{
	OQZ_CLEANUP_FREE char *text = NULL;
	const char *name = blob_name(j, s);
	size_t size;

	if (!name)
		return oqz_err_nomem(err, "facts", 1);
	OQZ_TRY(oqz_ledger_get_blob(j->ledger, name, &text, &size, err));
	if (!text)
		return OQZ_OK;
	s->facts = OQZ_ARENA_NEW_N(j->arena, struct oqz_layer_fact, s->n_layers + 1);
	if (!s->facts)
		return oqz_err_nomem(err, "facts", s->n_layers);
	char *p = text;
	for (s->n_facts = 0; s->n_facts < s->n_layers && *p; s->n_facts++) {
		char *end, *eol = strchr(p, '\n');
		if (!eol)
			break;
		*eol = 0;
		s->facts[s->n_facts].macs = strtoll(p, &end, 10);
		s->facts[s->n_facts].impl = oqz_arena_strdup(j->arena, *end == ' ' ? end + 1 : end);
		if (!s->facts[s->n_facts].impl)
			return oqz_err_nomem(err, "facts", 1);
		p = eol + 1;
	}
	return OQZ_OK;
}
