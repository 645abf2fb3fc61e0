/* SPDX-License-Identifier: Apache-2.0
 *
 * The lock-step walk of one image. Lane 0 is advanced behind the step that makes a value, every other lane to the same
 * value, all are compared with lane 0, and on. The comparison reads tensors as they lie in memory; only if two lanes
 * chose different layouts is one copied first. Threads, where there are more than workers, share the lanes out: what
 * is done in which lane does not depend on them.
 */
#include "core/run/lanes_impl.h"
#include "core/run/team.h"

#include <math.h>
#include <string.h>

struct lane {
	struct oqz_context *context;
	struct oqz_tensor scratch;                        /* for relayouts; no memory unless needed */
	struct oqz_tensor rescaled[OQZ_MAX_ALONE_INPUTS]; /* inputs for the local error of a rescaled lane, likewise */
	size_t at;                                        /* the next step */
	long to;                                          /* where the meeting is */
	enum oqz_status status;
	struct oqz_err err;
};

struct oqz_walker {
	const struct oqz_lane_set *set;
	struct oqz_team *team;
	struct lane *lanes;
};

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
	}
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
	*ret = oqz_steal(w);
	return OQZ_OK;
}

size_t oqz_walker_bytes(const struct oqz_walker *w)
{
	size_t n = 0;

	for (size_t i = 0; i < w->set->n_lanes; i++)
		n += oqz_context_bytes(w->lanes[i].context);
	return n;
}

/* Puts a gain into a tensor or takes it out, whatever the layout. */
static enum oqz_status rescale(struct oqz_tensor *t, const struct oqz_qplan_gain *gain, bool out, struct oqz_err *err)
{
	int64_t n = oqz_tensor_nelem(t), inner = 1;
	bool last = t->layout != OQZ_LAYOUT_PLAIN; /* dimension 1 lies innermost */

	if (gain->axis >= t->shape.rank || t->shape.dim[gain->axis] != (int64_t)gain->n)
		OQZ_FAIL(err, OQZ_E_MISMATCH, "'%s' does not have the %zu channels that the plan rescales", gain->value,
		         gain->n);
	for (int i = gain->axis + 1; i < t->shape.rank && !(last && gain->axis == 1); i++)
		inner *= t->shape.dim[i];
	if (last && gain->axis > 1)
		inner *= t->shape.dim[1];
	for (int64_t i = 0; i < n; i++) {
		float f = gain->factor[(size_t)(i / inner) % gain->n], *x = (float *)t->data + i;
		*x = out ? *x / f : *x * f;
	}
	return OQZ_OK;
}

static enum oqz_status check_pair(const struct oqz_tensor *a, const struct oqz_tensor *b, struct oqz_err *err)
{
	if (a->dtype != OQZ_DT_F32 || b->dtype != OQZ_DT_F32 || !oqz_shape_equal(&a->shape, &b->shape))
		OQZ_FAIL(err, OQZ_E_MISMATCH,
		         "a compared value is %s in one lane and %s in the other, or of another shape",
		         oqz_dtype_name(b->dtype), oqz_dtype_name(a->dtype));
	return OQZ_OK;
}

/* Elements can be compared where they lie. */
static bool lie_alike(const struct oqz_tensor *a, const struct oqz_tensor *b, const struct oqz_qplan_gain *gain)
{
	return !gain && (a->layout == b->layout || a->shape.rank < 3);
}

/* Sums of A against B, whatever their layouts. Scratch memory grows once to the largest tensor that needs a relayout or
 * was rescaled. */
static enum oqz_status compare(struct oqz_tensor *scratch, const struct oqz_tensor *a, const struct oqz_tensor *b,
                               const struct oqz_qplan_gain *gain, struct oqz_error_sums *ret, struct oqz_err *err)
{
	OQZ_TRY(check_pair(a, b, err));
	if (!lie_alike(a, b, gain)) {
		if (!scratch->data || !oqz_shape_equal(&scratch->shape, &a->shape))
			OQZ_TRY(oqz_tensor_alloc(scratch, OQZ_DT_F32, &a->shape, err));
		scratch->layout = b->layout;
		oqz_tensor_relayout(scratch, a);
		if (gain)
			OQZ_TRY(rescale(scratch, gain, true, err));
		a = scratch;
	}
	oqz_error_sums(a->data, b->data, (size_t)oqz_tensor_nelem(a), ret);
	return OQZ_OK;
}

/* Lane 0's i-th input of a layer as the lane has it. */
static enum oqz_status input_alone(struct oqz_walker *w, const struct oqz_lane_event *e, size_t i,
                                   const struct oqz_tensor **ret, struct oqz_err *err)
{
	struct oqz_tensor *to = &w->lanes[e->lane].rescaled[i];

	*ret = oqz_context_tap(w->lanes[0].context, e->alone0[i]);
	if (!e->alone_gain[i])
		return OQZ_OK;
	if (!to->data || !oqz_shape_equal(&to->shape, &(*ret)->shape))
		OQZ_TRY(oqz_tensor_alloc(to, OQZ_DT_F32, &(*ret)->shape, err));
	to->layout = (*ret)->layout;
	oqz_tensor_relayout(to, *ret);
	*ret = to;
	return rescale(to, e->alone_gain[i], false, err);
}

static enum oqz_status local_error(struct oqz_walker *w, const struct oqz_lane_event *e, const struct oqz_tensor *b,
                                   struct oqz_error_sums *ret, struct oqz_err *err)
{
	const struct oqz_tensor *in[OQZ_MAX_ALONE_INPUTS], *a;
	struct oqz_err why = { 0 };

	*ret = (struct oqz_error_sums) { .err2 = 0, .ref2 = NAN };
	if (e->n_alone == 0)
		return OQZ_OK;
	for (size_t i = 0; i < e->n_alone; i++)
		OQZ_TRY(input_alone(w, e, i, &in[i], err));
	enum oqz_status st = oqz_context_run_alone(w->lanes[e->lane].context, e->tap, in, e->n_alone, &a, &why);
	if (st == OQZ_E_UNSUPPORTED)
		return OQZ_OK;
	if (st != OQZ_OK)
		OQZ_FAIL(err, st, "%s", why.msg);
	return compare(&w->lanes[e->lane].scratch, a, b, e->gain, ret, err);
}

/* One value in lane 0 and in those other lanes that are compared on this image. */
struct meeting {
	struct oqz_walker *w;
	const struct oqz_lane_errors *errors;
	const struct oqz_lane_event *events[OQZ_MAX_LANES];
	size_t n;
	size_t lanes[OQZ_MAX_LANES + 1], n_lanes; /* that take part, 0 the first */
	const struct oqz_tensor *b;
	double ref2;
};

/* The events behind `i` that are about the same value of lane 0, without those of lanes that are left out. Returns the
 * index behind them. */
static size_t gather(struct meeting *m, size_t i)
{
	const struct oqz_lane_set *s = m->w->set;
	int tap0 = s->events[i].tap0;

	m->n = m->n_lanes = 0;
	m->lanes[m->n_lanes++] = 0;
	m->w->lanes[0].to = s->events[i].step0;
	for (; i < s->n_events && s->events[i].tap0 == tap0 && m->n < OQZ_MAX_LANES; i++) {
		const struct oqz_lane_event *e = &s->events[i];
		if (!m->errors[e->lane].sums)
			continue;
		m->events[m->n++] = e;
		if (m->lanes[m->n_lanes - 1] != e->lane)
			m->lanes[m->n_lanes++] = e->lane;
		m->w->lanes[e->lane].to = e->step;
	}
	return i;
}

static void advance(void *ctx, size_t i)
{
	const struct meeting *m = ctx;
	struct lane *l = &m->w->lanes[m->lanes[i]];
	size_t to = (size_t)(l->to + 1);

	if (to <= l->at)
		return;
	l->status = oqz_context_run(l->context, l->at, to, &l->err);
	l->at = to;
}

/* Lanes whose next step reads the value too: what it begins with is done piece by piece with the comparison. */
static bool can_ahead(const struct meeting *m, size_t lane)
{
	const struct lane *l = &m->w->lanes[lane];
	int tap = m->events[0]->tap0;

	for (size_t i = 0; i < m->n && lane; i++)
		if (m->events[i]->lane == lane) {
			tap = m->events[i]->tap;
			break;
		}
	return oqz_context_can_ahead(l->context, l->at, tap);
}

/* The comparisons of some lanes in one pass over memory, together with the beginnings of their next steps: the tensors
 * are larger than the cache that they would otherwise be fetched into again. */
static enum oqz_status compare_lanes(struct meeting *m, const size_t *lanes, size_t n_lanes, struct oqz_err *err)
{
	size_t n = (size_t)oqz_tensor_nelem(m->b), n_a = 0, n_ahead = 0, event = 0;
	struct lane *all = m->w->lanes, *ahead[OQZ_MAX_LANES + 1];
	double err2[OQZ_MAX_LANES] = { 0 }, *ref2 = lanes[0] == 0 ? &m->ref2 : NULL, *ret[OQZ_MAX_LANES];
	const float *a[OQZ_MAX_LANES], *b = m->b->data;

	for (size_t k = 0; k < n_lanes; k++) {
		struct lane *l = &all[lanes[k]];
		if (can_ahead(m, lanes[k]))
			ahead[n_ahead++] = l;
		for (event = 0; event < m->n; event++) {
			const struct oqz_lane_event *e = m->events[event];
			if (e->lane != lanes[k])
				continue;
			const struct oqz_tensor *t = oqz_context_tap(l->context, e->tap);
			struct oqz_error_sums *sums = &m->errors[e->lane].sums[e->slot];
			OQZ_TRY(check_pair(t, m->b, err));
			if (!lie_alike(t, m->b, e->gain)) {
				OQZ_TRY(compare(&l->scratch, t, m->b, e->gain, sums, err));
				continue;
			}
			a[n_a] = t->data;
			ret[n_a++] = &sums->err2;
		}
	}
	for (size_t first = 0; first < n; first += OQZ_ERROR_BLOCK) {
		size_t size = n - first < OQZ_ERROR_BLOCK ? n - first : OQZ_ERROR_BLOCK;
		oqz_error_block(a, n_a, b + first, size, err2, ref2);
		for (size_t i = 0; i < n_a; i++)
			a[i] += size;
		for (size_t i = 0; i < n_ahead; i++)
			oqz_context_ahead(ahead[i]->context, ahead[i]->at, first, size);
	}
	for (size_t i = 0; i < n_ahead; i++)
		oqz_context_ahead_done(ahead[i]->context, ahead[i]->at);
	for (size_t i = 0; i < n_a; i++)
		*ret[i] = err2[i];
	return OQZ_OK;
}

static enum oqz_status local_errors(struct meeting *m, size_t lane, struct oqz_err *err)
{
	for (size_t i = 0; i < m->n; i++) {
		const struct oqz_lane_event *e = m->events[i];
		if (e->lane == lane && m->errors[lane].local && e->slot < m->w->set->n_layers[lane])
			OQZ_TRY(local_error(m->w, e, m->b, &m->errors[lane].local[e->slot], err));
	}
	return OQZ_OK;
}

static void look(void *ctx, size_t i)
{
	struct meeting *m = ctx;
	size_t lane = m->lanes[i];
	struct lane *l = &m->w->lanes[lane];

	if (m->w->team)
		l->status = compare_lanes(m, &lane, 1, &l->err);
	if (l->status == OQZ_OK)
		l->status = local_errors(m, lane, &l->err);
}

/* The first lane's failure, if any. */
static enum oqz_status outcome(const struct meeting *m, struct oqz_err *err)
{
	for (size_t i = 0; i < m->n_lanes; i++) {
		const struct lane *l = &m->w->lanes[m->lanes[i]];
		if (l->status != OQZ_OK)
			return oqz_err_set(err, l->status, "%s", l->err.msg);
	}
	return OQZ_OK;
}

static enum oqz_status meet(struct meeting *m, struct oqz_err *err)
{
	struct oqz_walker *w = m->w;

	oqz_team_run(w->team, m->n_lanes, advance, m);
	OQZ_TRY(outcome(m, err));
	m->b = oqz_context_tap(w->lanes[0].context, m->events[0]->tap0);
	m->ref2 = 0;
	if (!w->team)
		OQZ_TRY(compare_lanes(m, m->lanes, m->n_lanes, err));
	oqz_team_run(w->team, m->n_lanes, look, m);
	for (size_t i = 0; i < m->n; i++)
		m->errors[m->events[i]->lane].sums[m->events[i]->slot].ref2 = m->ref2;
	return outcome(m, err);
}

static enum oqz_status set_inputs(struct oqz_walker *w, size_t lane, const struct oqz_tensor *const *inputs,
                                  struct oqz_err *err)
{
	struct lane *l = &w->lanes[lane];

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
	struct meeting m = { .w = w, .errors = errors };

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
