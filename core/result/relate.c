/* SPDX-License-Identifier: Apache-2.0
 *
 * Figures over all cells of a run: Holm's correction of the primary metrics' p values, and the rank correlation of
 * AQE, MQE, OQE with what the primary metric loses, per kind of task, since 10 % error is nothing for one and much for
 * another.
 */
#include "core/metric/rank.h"
#include "core/result/results.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static struct oqz_metric_result *primary(const struct oqz_cell_result *c)
{
	return c->status == OQZ_CELL_OK && c->metrics.n ? &c->metrics.v[0] : NULL;
}

static enum oqz_status adjust(struct oqz_results *r, struct oqz_err *err)
{
	size_t n = r->cells.n;
	OQZ_CLEANUP_FREE double *p = calloc(2 * n + 1, sizeof *p);

	if (!p)
		return oqz_err_nomem(err, "statistics", n);
	for (size_t i = 0; i < n; i++) {
		const struct oqz_metric_result *m = primary(r->cells.v[i]);
		p[i] = m ? m->p : NAN;
	}
	oqz_holm(p, n, p + n);
	for (size_t i = 0; i < n; i++) {
		struct oqz_cell_result *c = r->cells.v[i];
		for (size_t k = 0; k < c->metrics.n; k++)
			c->metrics.v[k].p_holm = k == 0 && primary(c) ? p[n + i] : NAN;
	}
	return OQZ_OK;
}

/* The plugin behind a cell's task, and how much of that is its name: provenance has "classification 1.0". */
static const char *task_plugin(const struct oqz_cell_result *c, size_t *ret_length)
{
	const char *s = c->provenance.task_plugin ? c->provenance.task_plugin : c->task;

	*ret_length = strcspn(s, " ");
	return s;
}

static bool is_of(const struct oqz_cell_result *c, const char *kind)
{
	size_t length;
	const char *plugin = task_plugin(c, &length);

	return length == strlen(kind) && strncmp(plugin, kind, length) == 0;
}

/* x[0..n): one error figure, y[0..n): loss; n pairs of the cells that belong to the link. */
static size_t collect(const struct oqz_results *r, const struct oqz_link_result *link, int which, double *x, double *y)
{
	size_t n = 0;

	for (size_t i = 0; i < r->cells.n; i++) {
		const struct oqz_cell_result *c = r->cells.v[i];
		const struct oqz_metric_result *m = primary(c);
		if (!m || strcmp(m->name, link->metric) != 0 || !is_of(c, link->task))
			continue;
		x[n] = which == 0 ? c->aqe : which == 1 ? c->mqe : c->oqe;
		y[n++] = m->higher_is_better ? -m->delta : m->delta;
	}
	return n;
}

static bool known(const struct oqz_results *r, const char *task, const char *metric)
{
	for (size_t i = 0; i < r->links.n; i++)
		if (strcmp(r->links.v[i].task, task) == 0 && strcmp(r->links.v[i].metric, metric) == 0)
			return true;
	return false;
}

static enum oqz_status link_kinds(struct oqz_results *r, struct oqz_err *err)
{
	size_t n = r->cells.n;
	OQZ_CLEANUP_FREE double *xy = malloc((2 * n + 1) * sizeof *xy);

	if (!xy)
		return oqz_err_nomem(err, "statistics", n);
	for (size_t i = 0; i < n; i++) {
		const struct oqz_metric_result *m = primary(r->cells.v[i]);
		size_t length;
		const char *plugin = task_plugin(r->cells.v[i], &length);
		const char *task = oqz_arena_printf(r->arena, "%.*s", (int)length, plugin);
		if (!task)
			return oqz_err_nomem(err, "statistics", 1);
		if (!m || known(r, task, m->name))
			continue;
		struct oqz_link_result link = { .task = task, .metric = m->name };
		struct oqz_correlation *const figures[] = { &link.aqe, &link.mqe, &link.oqe };
		for (int which = 0; which < 3; which++) {
			size_t have = collect(r, &link, which, xy, xy + n);
			link.cells = (int64_t)have;
			*figures[which] = oqz_spearman(xy, xy + n, have);
		}
		if (!oqz_vec_push(&r->links, link))
			return oqz_err_nomem(err, "statistics", 1);
	}
	return OQZ_OK;
}

enum oqz_status oqz_results_relate(struct oqz_results *r, struct oqz_err *err)
{
	r->links.n = 0;
	OQZ_TRY(adjust(r, err));
	return link_kinds(r, err);
}
