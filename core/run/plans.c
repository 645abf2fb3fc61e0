/* SPDX-License-Identifier: Apache-2.0
 *
 * A scheme's plan between calibration and evaluation: kept in the ledger, and turned into the scheme's graph. See
 * plans.h.
 */
#include "core/run/plans.h"

#include "core/base/str.h"
#include "core/run/cells.h"
#include "core/run/pool.h"

#include <string.h>

static const char *plan_blob(struct oqz_job *j, const struct oqz_scheme *s)
{
	char key[65];

	oqz_cell_key_plan(j, s, key);
	return oqz_arena_printf(j->arena, "plan.%s", key);
}

enum oqz_status oqz_plan_fetch(struct oqz_job *j, struct oqz_scheme *s, struct oqz_err *err)
{
	OQZ_CLEANUP_FREE char *text = NULL;
	const char *name = plan_blob(j, s);
	size_t size;

	if (!name)
		return oqz_err_nomem(err, "a plan", 1);
	if (!j->ledger)
		return OQZ_OK;
	OQZ_TRY(oqz_ledger_get_blob(j->ledger, name, &text, &size, err));
	return text ? oqz_qplan_from_json(text, size, "plan in the ledger", &s->plan, err) : OQZ_OK;
}

enum oqz_status oqz_plan_store(struct oqz_job *j, const struct oqz_scheme *s, struct oqz_err *err)
{
	struct oqz_str text = { 0 };

	if (!j->ledger || oqz_qplan_is_custom(s->plan))
		return OQZ_OK;
	OQZ_TRY(oqz_qplan_to_json(s->plan, &text, err));
	enum oqz_status st = oqz_ledger_put_blob(j->ledger, plan_blob(j, s), oqz_str_get(&text), text.len, err);
	oqz_str_release(&text);
	return st;
}

/* Layers of a scheme: outputs of the nodes that have a site, in execution order. Errors are taken of what the node
 * computes, before its output is put on a grid; an output of the model then has left its name to what is on the grid.
 */
static enum oqz_status find_layers(struct oqz_job *j, struct oqz_scheme *s, struct oqz_err *err)
{
	struct oqz_map nodes = { 0 };

	s->layers = OQZ_ARENA_NEW_N(j->arena, const char *, s->plan->sites.n + 1);
	s->own_layers = OQZ_ARENA_NEW_N(j->arena, const char *, s->plan->sites.n + 1);
	if (!s->layers || !s->own_layers)
		return oqz_err_nomem(err, "layers", s->plan->sites.n);
	for (size_t i = 0; i < s->plan->sites.n; i++)
		if (!oqz_map_set(&nodes, s->plan->sites.v[i].node, s)) {
			oqz_map_release(&nodes);
			return oqz_err_nomem(err, "layers", s->plan->sites.n);
		}
	for (size_t i = 0; i < j->graph->nodes.n; i++) {
		const struct oqz_node *n = j->graph->nodes.v[i];
		if (!n->n_out || !n->out[0] || !oqz_map_has(&nodes, n->name))
			continue;
		const struct oqz_node *own = oqz_graph_node(s->graph, n->name);
		s->own_layers[s->n_layers] = own ? own->out[0]->name : n->out[0]->name;
		s->layers[s->n_layers++] = n->out[0]->name;
	}
	oqz_map_release(&nodes);
	return OQZ_OK;
}

/* Watched values as their readers in the quantized graph see them: on the grid, where an output is put on one. An
 * output of the model has kept its name. */
static enum oqz_status find_watched(struct oqz_job *j, struct oqz_scheme *s, struct oqz_err *err)
{
	s->own_watch = OQZ_ARENA_NEW_N(j->arena, const char *, j->n_watch + 1);
	if (!s->own_watch)
		return oqz_err_nomem(err, "watched values", j->n_watch);
	for (size_t i = 0; i < j->n_watch; i++) {
		const struct oqz_value *v = oqz_graph_value(s->graph, j->watch[i]);
		const struct oqz_qplan_site *site = NULL;
		s->own_watch[i] = j->watch[i];
		for (size_t k = 0; v && !v->is_output && k < s->plan->sites.n && !site; k++)
			if (s->plan->sites.v[k].input < 0 && strcmp(s->plan->sites.v[k].tensor, j->watch[i]) == 0)
				site = &s->plan->sites.v[k];
		const char *name =
		    site ? oqz_arena_printf(j->arena, "%s/out%d/dq", site->node, -1 - site->input) : NULL;
		const struct oqz_node *last = name ? oqz_graph_node(s->graph, name) : NULL;
		if (last)
			s->own_watch[i] = last->out[0]->name;
	}
	return OQZ_OK;
}

struct using
{
	struct oqz_job *job;
	struct oqz_scheme *schemes;
	struct oqz_err *whys;
};

static enum oqz_status put_on_grid(void *ctx, int worker, size_t unit, struct oqz_err *err)
{
	const struct using *u = ctx;
	struct oqz_scheme *s = &u->schemes[unit];
	struct oqz_err *why = &u->whys[unit];

	if (!s->module || s->status != OQZ_OK || !s->plan)
		return OQZ_OK;
	if (s->plan->sites.n == 0)
		oqz_err_set(why, OQZ_E_UNSUPPORTED, "the scheme finds nothing to quantize in this model");
	else if (oqz_qplan_hash(s->plan, s->plan_sha256, why) == OQZ_OK)
		(void)oqz_qplan_apply(s->plan, u->job->graph, &s->graph, why);
	return OQZ_OK;
}

enum oqz_status oqz_plans_use(struct oqz_job *j, struct oqz_scheme *schemes, size_t n, struct oqz_err *whys,
                              struct oqz_err *err)
{
	struct using u = { .job = j, .schemes = schemes, .whys = whys };
	struct oqz_pool_job pool = { .n_units = n, .ctx = &u, .unit = put_on_grid };

	OQZ_TRY(oqz_pool_run(&pool, j->threads, err));
	for (size_t i = 0; i < n; i++) /* names go into the job's arena, which is one thread's */
		if (schemes[i].graph && schemes[i].module && whys[i].code == OQZ_OK &&
		    find_layers(j, &schemes[i], &whys[i]) == OQZ_OK)
			(void)find_watched(j, &schemes[i], &whys[i]);
	return OQZ_OK;
}
