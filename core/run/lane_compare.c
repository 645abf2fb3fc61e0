/* SPDX-License-Identifier: Apache-2.0
 *
 * What lanes are compared in. The comparison reads tensors as they lie in memory; only if two lanes chose different
 * layouts is one copied first.
 *
 * A layer's output is often larger than the cache, and all there is to do with it is to be compared and to become the
 * next layer's input codes. So steps that can are run band by band: a band of each lane, then the comparison, then the
 * beginnings of the lanes' next steps, all while the numbers are in the cache. Where nobody else wants them the bands
 * of a lane go into the same small piece of memory, one after the other. Sums are over blocks of the whole tensor in
 * its order: they do not depend on bands.
 */
#include "core/run/lane_walk.h"
#include "core/base/budget.h"
#include "core/base/pages.h"

#include <math.h>
#include <string.h>

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

/* A lane's value as the comparison walks over it. */
struct side {
	struct oqz_lane *lane;
	int tap, ahead; /* the next step's input that is read ahead; -1: none */
	size_t next;    /* the next step */
	bool kept;      /* the value is in its place; else only a band of it, behind what is left of the one before */
	const float *data;
};

/* Elements a band is preceded by: what is left of the one before, as only whole blocks are compared. */
enum { LEFT = OQZ_ERROR_BLOCK };

enum oqz_status oqz_walker_band_alloc(struct oqz_walker *w, struct oqz_err *err)
{
	const struct oqz_lane_set *s = w->set;
	size_t most = 0;

	for (size_t i = 0; i < s->n_events; i++) {
		size_t a = oqz_context_band_size(w->lanes[s->events[i].lane].context, s->events[i].tap);
		size_t b = oqz_context_band_size(w->lanes[0].context, s->events[i].tap0);
		most = a > most ? a : most;
		most = b > most ? b : most;
	}
	if (!most)
		return OQZ_OK;
	OQZ_TRY(oqz_budget_take(s->n_lanes * (most + LEFT) * sizeof(float), "bands of activations", err));
	w->band_floats = most + LEFT;
	for (size_t i = 0; i < s->n_lanes; i++)
		if (!(w->lanes[i].band = oqz_pages_alloc(w->band_floats * sizeof(float))))
			return oqz_err_nomem(err, "bands of activations", w->band_floats * sizeof(float));
	return OQZ_OK;
}

/* The tap of the meeting's value in a lane. */
static int tap_of(const struct oqz_meeting *m, size_t lane)
{
	for (size_t i = 0; i < m->n && lane; i++)
		if (m->events[i]->lane == lane)
			return m->events[i]->tap;
	return m->events[0]->tap0;
}

/* Lanes walk together through bands of one size: lane 0's, if it has any. With threads lane 0 is done before the others
 * begin. */
void oqz_meeting_bands(struct oqz_meeting *m)
{
	const struct oqz_tensor *b = oqz_context_tap(m->w->lanes[0].context, m->events[0]->tap0);

	m->band = 0;
	for (size_t i = 0; i < m->n_lanes; i++) {
		struct oqz_lane *l = &m->w->lanes[m->lanes[i]];
		int tap = tap_of(m, m->lanes[i]);
		const struct oqz_tensor *t = oqz_context_tap(l->context, tap);
		size_t size = m->lanes[i] == 0 && m->w->team ? 0 : oqz_context_band_size(l->context, tap);
		bool once = l->to >= 0 && l->at <= (size_t)l->to;
		for (size_t k = 0; k < m->n; k++)
			once &= m->events[k]->lane != m->lanes[i] || (m->events[k]->tap == tap && !m->events[k]->gain);
		l->banded = once && size && (size == m->band || !m->band) && t->dtype == OQZ_DT_F32 &&
		            oqz_shape_equal(&t->shape, &b->shape) && lie_alike(t, b, NULL);
		if (l->banded)
			m->band = size;
	}
}

/* Nobody looks at lane 0's value after the comparison: for local errors, or where lanes lie otherwise. */
static bool looked_at_later(const struct oqz_meeting *m)
{
	const struct oqz_tensor *b = oqz_context_tap(m->w->lanes[0].context, m->events[0]->tap0);

	for (size_t i = 0; i < m->n; i++) {
		const struct oqz_lane_event *e = m->events[i];
		if (m->errors[e->lane].local ||
		    !lie_alike(oqz_context_tap(m->w->lanes[e->lane].context, e->tap), b, e->gain))
			return true;
	}
	return false;
}

/* Sums of the lanes that lie otherwise than lane 0. */
static enum oqz_status compare_others(struct oqz_meeting *m, const size_t *lanes, size_t n_lanes, struct oqz_err *err)
{
	const struct oqz_tensor *b = oqz_context_tap(m->w->lanes[0].context, m->events[0]->tap0);

	for (size_t k = 0; k < n_lanes; k++)
		for (size_t i = 0; i < m->n; i++) {
			const struct oqz_lane_event *e = m->events[i];
			struct oqz_lane *l = &m->w->lanes[e->lane];
			const struct oqz_tensor *t = oqz_context_tap(l->context, e->tap);
			if (e->lane == lanes[k] && !lie_alike(t, b, e->gain))
				OQZ_TRY(compare(&l->scratch, t, b, e->gain, &m->errors[e->lane].sums[e->slot], err));
		}
	return OQZ_OK;
}

static void side_init(struct side *s, const struct oqz_meeting *m, size_t lane)
{
	struct oqz_lane *l = &m->w->lanes[lane];

	*s = (struct side) { .lane = l, .tap = tap_of(m, lane) };
	s->next = l->banded ? (size_t)l->to + 1 : l->at;
	s->ahead = oqz_context_ahead_input(l->context, s->next, s->tap);
	s->kept = !l->banded || s->ahead < 0 || !m->all || !oqz_context_passes(l->context, s->tap) ||
	          (lane == 0 && (m->w->team || looked_at_later(m)));
	s->data = s->kept ? oqz_context_tap(l->context, s->tap)->data : l->band + LEFT;
}

/* What the comparison of some lanes walks with. */
struct walk {
	struct side sides[OQZ_MAX_LANES + 1];
	size_t n_sides;
	const struct side *of[OQZ_MAX_LANES]; /* of each sum */
	struct oqz_error_sums *ret[OQZ_MAX_LANES];
	double err2[OQZ_MAX_LANES];
	size_t n_sums;
	struct side b;
	double *ref2;
	size_t n, band, start; /* elements in all; in a band; before the present band */
};

static const float *at(const struct walk *w, const struct side *s, size_t first)
{
	return s->data + ((ptrdiff_t)first - (ptrdiff_t)(s->kept ? 0 : w->start));
}

static void compare_block(struct walk *w, size_t first, size_t size)
{
	const float *a[OQZ_MAX_LANES];

	for (size_t i = 0; i < w->n_sums; i++)
		a[i] = at(w, w->of[i], first);
	oqz_error_block(a, w->n_sums, at(w, &w->b, first), size, w->err2, w->ref2);
	for (size_t i = 0; i < w->n_sides; i++) {
		const struct side *s = &w->sides[i];
		if (s->ahead >= 0)
			oqz_context_ahead(s->lane->context, s->next, s->ahead, at(w, s, first), first, size);
	}
}

/* Band i of every lane that has bands. */
static enum oqz_status make_bands(const struct walk *w, size_t i, struct oqz_err *err)
{
	for (size_t k = 0; k < w->n_sides; k++) {
		const struct side *s = &w->sides[k];
		if (s->lane->banded)
			OQZ_TRY(
			    oqz_context_band(s->lane->context, s->tap, i, s->kept ? NULL : s->lane->band + LEFT, err));
	}
	return OQZ_OK;
}

/* Moves the last `left` elements of a band of `size` to where the next one will find them in front of it. */
static void keep_left(const struct walk *w, size_t size, size_t left)
{
	for (size_t k = 0; k < w->n_sides; k++)
		if (!w->sides[k].kept) {
			float *band = w->sides[k].lane->band + LEFT;
			memmove(band - left, band + size - left, left * sizeof *band);
		}
}

static enum oqz_status walk_over(struct walk *w, struct oqz_err *err)
{
	size_t seen = 0;

	for (size_t i = 0; seen < w->n; i++) {
		w->start = i * w->band;
		size_t made = w->band && w->band < w->n - w->start ? w->start + w->band : w->n;
		OQZ_TRY(make_bands(w, i, err));
		while (seen < made && (made - seen >= OQZ_ERROR_BLOCK || made == w->n)) {
			size_t size = made - seen < OQZ_ERROR_BLOCK ? made - seen : OQZ_ERROR_BLOCK;
			compare_block(w, seen, size);
			seen += size;
		}
		keep_left(w, made - w->start, made - seen);
	}
	return OQZ_OK;
}

static enum oqz_status walk_init(struct walk *w, struct oqz_meeting *m, const size_t *lanes, size_t n_lanes,
                                 struct oqz_err *err)
{
	const struct oqz_tensor *b = oqz_context_tap(m->w->lanes[0].context, m->events[0]->tap0);

	w->n = (size_t)oqz_tensor_nelem(b);
	w->n_sides = n_lanes;
	w->n_sums = w->band = 0;
	w->ref2 = NULL;
	w->b = (struct side) { .kept = true, .data = b->data };
	for (size_t k = 0; k < n_lanes; k++) {
		struct side *s = &w->sides[k];
		side_init(s, m, lanes[k]);
		if (s->lane->banded)
			w->band = m->band;
		if (lanes[k] == 0) {
			w->b = *s;
			w->ref2 = &m->ref2;
		}
		for (size_t i = 0; i < m->n; i++) {
			const struct oqz_lane_event *e = m->events[i];
			if (e->lane != lanes[k])
				continue;
			const struct oqz_tensor *t = oqz_context_tap(s->lane->context, e->tap);
			OQZ_TRY(check_pair(t, b, err));
			if (!lie_alike(t, b, e->gain))
				continue;
			w->of[w->n_sums] = s;
			w->err2[w->n_sums] = 0;
			w->ret[w->n_sums++] = &m->errors[e->lane].sums[e->slot];
		}
	}
	return OQZ_OK;
}

enum oqz_status oqz_meeting_compare(struct oqz_meeting *m, const size_t *lanes, size_t n_lanes, struct oqz_err *err)
{
	struct walk w;

	OQZ_TRY(walk_init(&w, m, lanes, n_lanes, err));
	OQZ_TRY(walk_over(&w, err));
	for (size_t k = 0; k < n_lanes; k++) {
		struct oqz_lane *l = w.sides[k].lane;
		l->at = w.sides[k].next;
		if (w.sides[k].ahead >= 0)
			oqz_context_ahead_done(l->context, l->at);
	}
	for (size_t i = 0; i < w.n_sums; i++)
		w.ret[i]->err2 = w.err2[i];
	return compare_others(m, lanes, n_lanes, err);
}

enum oqz_status oqz_meeting_local(struct oqz_meeting *m, size_t lane, struct oqz_err *err)
{
	for (size_t i = 0; i < m->n; i++) {
		const struct oqz_lane_event *e = m->events[i];
		if (e->lane == lane && m->errors[lane].local && e->slot < m->w->set->n_layers[lane])
			OQZ_TRY(local_error(m->w, e, oqz_context_tap(m->w->lanes[0].context, e->tap0),
			                    &m->errors[lane].local[e->slot], err));
	}
	return OQZ_OK;
}
