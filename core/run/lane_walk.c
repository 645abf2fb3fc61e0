/* SPDX-License-Identifier: Apache-2.0
 *
 * The lock-step walk of one image. Lane 0 is advanced behind the step that makes a value, every other lane to the same
 * value, all are compared with lane 0, and on. Steps that can be run in bands are left to the comparison. Threads,
 * where there are more than workers, share the lanes out: what is done in which lane does not depend on them.
 */
#include "core/run/lane_walk.h"
#include "core/base/budget.h"

void oqz_walker_free(struct oqz_walker *w)
{
	if (!w)
		return;
	oqz_team_free(w->team);
	for (size_t i = 0; w->lanes && i < w->set->n_lanes; i++) {
		oqz_context_free(w->lanes[i].context);
		oqz_tensor_release(&w->lanes[i].scratch);
		for (int k = 0; k < OQZ_MAX_ALONE_INPUTS; k++)
			oqz_tensor_release(&w->lanes[i].rescaled[k]);
		free(w->lanes[i].band);
	}
	oqz_budget_give(w->set->n_lanes * w->band_floats * sizeof(float));
	free(w->lanes);
	free(w);
}

enum oqz_status oqz_walker_new(const struct oqz_lane_set *s, int threads, struct oqz_walker **ret, struct oqz_err *err)
{
	OQZ_CLEANUP(oqz_walker_free_cleanup) struct oqz_walker *w = calloc(1, sizeof *w);

	if (!w)
		return oqz_err_nomem(err, "a worker", sizeof *w);
	w->set = s;
	w->lanes = calloc(s->n_lanes, sizeof *w->lanes);
	if (!w->lanes)
		return oqz_err_nomem(err, "a worker", s->n_lanes);
	for (size_t i = 0; i < s->n_lanes; i++)
		OQZ_TRY(oqz_context_new(s->programs[i], &w->lanes[i].context, err));
	for (size_t i = 0; i < s->n_events; i++)
		if (s->events[i].n_alone)
			OQZ_TRY(oqz_context_reserve_alone(w->lanes[s->events[i].lane].context, s->events[i].tap, err));
	if (threads > 1 && s->n_lanes > 1 &&
	    !(w->team = oqz_team_new((int)s->n_lanes < threads ? (int)s->n_lanes : threads)))
		return oqz_err_nomem(err, "threads", (size_t)threads);
	OQZ_TRY(oqz_walker_band_alloc(w, err));
	*ret = oqz_steal(w);
	return OQZ_OK;
}

size_t oqz_walker_bytes(const struct oqz_walker *w)
{
	size_t n = w->set->n_lanes * w->band_floats * sizeof(float);

	for (size_t i = 0; i < w->set->n_lanes; i++)
		n += oqz_context_bytes(w->lanes[i].context);
	return n;
}

/* The events behind `i` that are about the same value of lane 0, without those of lanes that are left out. A lane that
 * has two values for it (what an output layer computes, and that on a grid) shows the second one at the next meeting.
 * Returns the index behind them. */
static size_t gather(struct oqz_meeting *m, size_t i)
{
	const struct oqz_lane_set *s = m->w->set;
	size_t first = i;
	int tap0 = s->events[i].tap0;

	m->n = m->n_lanes = 0;
	m->lanes[m->n_lanes++] = 0;
	m->w->lanes[0].to = s->events[i].step0;
	for (; i < s->n_events && s->events[i].tap0 == tap0 && m->n < OQZ_MAX_LANES; i++) {
		const struct oqz_lane_event *e = &s->events[i];
		if (!m->errors[e->lane].sums)
			continue;
		if (m->n && m->events[m->n - 1]->lane == e->lane && m->events[m->n - 1]->tap != e->tap)
			break;
		m->events[m->n++] = e;
		if (m->lanes[m->n_lanes - 1] != e->lane)
			m->lanes[m->n_lanes++] = e->lane;
		m->w->lanes[e->lane].to = e->step;
	}
	m->all = (first == 0 || s->events[first - 1].step0 != s->events[first].step0) &&
	         (i == s->n_events || s->events[i].step0 != s->events[first].step0);
	return i;
}

static void advance(void *ctx, size_t i)
{
	const struct oqz_meeting *m = ctx;
	struct oqz_lane *l = &m->w->lanes[m->lanes[i]];
	size_t to = (size_t)(l->to + !l->banded);

	if (to <= l->at)
		return;
	l->status = oqz_context_run(l->context, l->at, to, &l->err);
	l->at = to;
}

static void look(void *ctx, size_t i)
{
	struct oqz_meeting *m = ctx;
	size_t lane = m->lanes[i];
	struct oqz_lane *l = &m->w->lanes[lane];

	if (m->w->team)
		l->status = oqz_meeting_compare(m, &lane, 1, &l->err);
	if (l->status == OQZ_OK)
		l->status = oqz_meeting_local(m, lane, &l->err);
}

/* The first lane's failure, if any. */
static enum oqz_status outcome(const struct oqz_meeting *m, struct oqz_err *err)
{
	for (size_t i = 0; i < m->n_lanes; i++) {
		const struct oqz_lane *l = &m->w->lanes[m->lanes[i]];
		if (l->status != OQZ_OK)
			return oqz_err_set(err, l->status, "%s", l->err.msg);
	}
	return OQZ_OK;
}

static enum oqz_status meet(struct oqz_meeting *m, struct oqz_err *err)
{
	struct oqz_walker *w = m->w;

	oqz_meeting_bands(m);
	oqz_team_run(w->team, m->n_lanes, advance, m);
	OQZ_TRY(outcome(m, err));
	m->ref2 = 0;
	if (!w->team)
		OQZ_TRY(oqz_meeting_compare(m, m->lanes, m->n_lanes, err));
	oqz_team_run(w->team, m->n_lanes, look, m);
	for (size_t i = 0; i < m->n; i++)
		m->errors[m->events[i]->lane].sums[m->events[i]->slot].ref2 = m->ref2;
	return outcome(m, err);
}

static enum oqz_status set_inputs(struct oqz_walker *w, size_t lane, const struct oqz_tensor *const *inputs,
                                  struct oqz_err *err)
{
	struct oqz_lane *l = &w->lanes[lane];

	for (size_t i = 0; i < w->set->n_inputs; i++) {
		struct oqz_tensor *dst = oqz_context_input(l->context, i);
		if (dst->dtype != inputs[i]->dtype || !oqz_shape_equal(&dst->shape, &inputs[i]->shape))
			OQZ_FAIL(err, OQZ_E_MISMATCH, "input '%s' does not have the planned type or shape",
			         oqz_program_input_name(w->set->programs[lane], i));
		oqz_tensor_relayout(dst, inputs[i]);
	}
	l->at = 0;
	l->status = OQZ_OK;
	return OQZ_OK;
}

enum oqz_status oqz_walker_run(struct oqz_walker *w, const struct oqz_tensor *const *inputs,
                               const struct oqz_lane_errors *errors, struct oqz_err *err)
{
	const struct oqz_lane_set *s = w->set;
	struct oqz_meeting m = { .w = w, .errors = errors };

	for (size_t k = 0; k < s->n_lanes; k++)
		if (k == 0 || errors[k].sums)
			OQZ_TRY(set_inputs(w, k, inputs, err));
	for (size_t i = 0; i < s->n_events;) {
		i = gather(&m, i);
		if (m.n)
			OQZ_TRY(meet(&m, err));
	}
	m.n_lanes = 0;
	for (size_t k = 0; k < s->n_lanes; k++) {
		w->lanes[k].to = (long)oqz_program_nsteps(s->programs[k]) - 1;
		w->lanes[k].banded = false;
		if (k == 0 || errors[k].sums)
			m.lanes[m.n_lanes++] = k;
	}
	oqz_team_run(w->team, m.n_lanes, advance, &m);
	return outcome(&m, err);
}

const struct oqz_tensor *oqz_walker_output(struct oqz_walker *w, size_t lane, size_t i)
{
	return oqz_context_output(w->lanes[lane].context, i);
}
