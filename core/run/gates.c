/* SPDX-License-Identifier: Apache-2.0
 *
 * Evaluation of gates; see gates.h for the rule.
 */
#include "core/run/gates.h"
#include "core/base/str.h"
#include "core/result/figures.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

static const struct oqz_metric_result *find_metric(const struct oqz_cell_result *c, const char *name)
{
	for (size_t i = 0; i < c->metrics.n; i++)
		if (strcmp(c->metrics.v[i].name, name) == 0)
			return &c->metrics.v[i];
	return NULL;
}

/* Whether the cell's task has the metric. A cell that failed has no metrics: others of its task tell, and without any
 * of these it is taken for one. */
static bool concerns(const struct oqz_results *r, const struct oqz_cell_result *c, const char *metric)
{
	if (c->status == OQZ_CELL_OK)
		return find_metric(c, metric);
	for (size_t i = 0; i < r->cells.n; i++) {
		const struct oqz_cell_result *other = r->cells.v[i];
		if (other->status == OQZ_CELL_OK && other->task && c->task && strcmp(other->task, c->task) == 0)
			return find_metric(other, metric);
	}
	return true;
}

static enum oqz_status add(struct oqz_results *r, bool failed, const char *text, struct oqz_err *err)
{
	struct oqz_gate_result g = { .text = text, .failed = failed };

	return text && oqz_vec_push(&r->gates, g) ? OQZ_OK : oqz_err_nomem(err, "gates", 1);
}

/* A difference in the words of the tables: of a ratio percentage points. */
struct amount {
	char text[40];
};

static struct amount amount(const struct oqz_metric_result *m, double x)
{
	struct amount a;

	if (m->unit == OQZ_UNIT_RATIO)
		snprintf(a.text, sizeof a.text, "%.4g pp", 100 * x);
	else
		snprintf(a.text, sizeof a.text, "%.6g%s", x, oqz_unit_suffix(m->unit));
	return a;
}

/* Does the gate fail, when the drop itself is over the limit or not? *ret_but: what the interval adds to it. */
static bool judge(const struct oqz_gate *g, const struct oqz_metric_result *m, bool over, struct oqz_arena *arena,
                  const char **ret_but)
{
	double least = m->higher_is_better ? -m->ci_hi : m->ci_lo, most = m->higher_is_better ? -m->ci_lo : m->ci_hi;
	bool without = isnan(least) || isnan(most);

	*ret_but = "";
	if (g->confidence == 0)
		return over;
	if (!g->non_inferiority) {
		bool failed = over && (without || least > g->max_drop);
		if (over && !failed)
			*ret_but = ", but within its uncertainty";
		return failed;
	}
	if (without)
		*ret_but = "; without an interval it proves nothing";
	else if (!(most <= g->max_drop))
		*ret_but = oqz_arena_printf(arena, "; its 95 %% interval reaches %s", amount(m, most).text);
	return without || !(most <= g->max_drop);
}

/* `m`: the metric; NULL in a cell that failed. */
static enum oqz_status check_cell(const struct oqz_gate *g, const struct oqz_cell_result *c,
                                  const struct oqz_metric_result *m, struct oqz_results *r, struct oqz_err *err)
{
	if (c->status != OQZ_CELL_OK)
		return add(r, true,
		           oqz_arena_printf(r->arena, "%s %s %s: the cell failed", c->model, c->scheme, g->metric),
		           err);
	double drop = (m->higher_is_better ? -m->delta : m->delta) + 0.0; /* a zero without a sign */
	bool over = !(drop <= g->max_drop);
	const char *but;
	bool failed = judge(g, m, over, r->arena, &but);
	return add(r, failed,
	           oqz_arena_printf(r->arena, "%s %s %s: drop %s %s %s%s", c->model, c->scheme, g->metric,
	                            amount(m, drop).text, over ? ">" : "<=", amount(m, g->max_drop).text,
	                            but ? but : ""),
	           err);
}

enum oqz_status oqz_gates_check(const struct oqz_manifest *m, struct oqz_results *r, struct oqz_err *err)
{
	for (size_t i = 0; i < m->gates.n; i++) {
		const struct oqz_gate *g = &m->gates.v[i];
		bool met = false, hit = false;
		for (size_t k = 0; k < r->cells.n; k++) {
			const struct oqz_cell_result *c = r->cells.v[k];
			if (!oqz_gate_matches(g, c->model, c->tags, c->n_tags, c->scheme))
				continue;
			met = true;
			if (!concerns(r, c, g->metric))
				continue;
			hit = true;
			OQZ_TRY(check_cell(g, c, find_metric(c, g->metric), r, err));
		}
		if (!hit)
			OQZ_TRY(add(r, met,
			            oqz_arena_printf(r->arena,
			                             met ? "gate in line %d: no cell that it matches has a metric `%s`"
			                                 : "gate in line %d (%s): none of its cells is selected",
			                             g->node->line, g->metric),
			            err));
	}
	return OQZ_OK;
}
