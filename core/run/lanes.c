/* SPDX-License-Identifier: Apache-2.0
 *
 * The lock-step walk. All lanes keep the float graph's node order, so comparing is a merge over events sorted by lane
 * 0's step: advance lane 0 behind the step that makes a value, advance each lane to the same value, compare, go on. The
 * comparison reads tensors as they lie in memory; only if two lanes chose different layouts is one copied first.
 */
#include "core/run/lanes.h"
#include "core/base/map.h"
#include "core/quant/match.h"

#include <math.h>
#include <string.h>

enum { MAX_ALONE_INPUTS = 8, MAX_LANES = 64 };

/* One comparison: a value, in lane 0 and in one other lane. */
struct event {
	long step0;        /* lane 0 has it after this step */
	size_t lane, slot; /* errors[lane].sums[slot]; layers first, then watched values */
	int tap0, tap;
	long step;
	const struct oqz_qplan_gain *gain; /* what the lane's value was rescaled by; NULL: not */
	size_t n_alone;                    /* inputs for the local error; 0: none to be had */
	int alone0[MAX_ALONE_INPUTS];      /* lane 0's taps of these inputs */
};

struct oqz_lane_set {
	size_t n_lanes, n_inputs;
	struct oqz_program **programs;
	size_t *n_layers;
	struct event *events;
	size_t n_events, cap_events;
	size_t max_bytes; /* largest compared tensor, once layouts differ somewhere */
};

struct oqz_walker {
	const struct oqz_lane_set *set;
	struct oqz_context **contexts;
	struct oqz_tensor scratch; /* for relayouts; no memory unless needed */
};

void oqz_lane_set_free(struct oqz_lane_set *s)
{
	if (!s)
		return;
	for (size_t i = 0; s->programs && i < s->n_lanes; i++)
		oqz_program_free(s->programs[i]);
	free(s->programs);
	free(s->n_layers);
	free(s->events);
	free(s);
}

/* What a lane's program is asked to keep. */
struct keep {
	OQZ_VEC(const char *) taps;
	struct oqz_map seen;
	OQZ_VEC(struct oqz_tap_hold) holds;
};

static void keep_release(struct keep *k)
{
	oqz_vec_release(&k->taps);
	oqz_map_release(&k->seen);
	oqz_vec_release(&k->holds);
}

static enum oqz_status add_name(struct keep *n, const char *name, struct oqz_err *err)
{
	if (oqz_map_has(&n->seen, name))
		return OQZ_OK;
	if (!oqz_map_set(&n->seen, name, n) || !oqz_vec_push(&n->taps, name))
		return oqz_err_nomem(err, "taps", n->taps.n);
	return OQZ_OK;
}

static const char *own_layer(const struct oqz_lane_spec *l, size_t i)
{
	return l->own_layers ? l->own_layers[i] : l->layers[i];
}

static const char *own_watch(const struct oqz_lane_spec *l, const char *const *watch, size_t i)
{
	return l->own_watch ? l->own_watch[i] : watch[i];
}

/* What lane `lane` is to be compared in, by its own names (`own`) or lane 0's: watched values and its layers. */
static enum oqz_status add_layers(struct keep *keep, const struct oqz_lane_spec *lane, bool own,
                                  const char *const *watch, size_t n_watch, struct oqz_err *err)
{
	for (size_t i = 0; i < n_watch; i++)
		OQZ_TRY(add_name(keep, own ? own_watch(lane, watch, i) : watch[i], err));
	for (size_t i = 0; i < lane->n_layers; i++)
		OQZ_TRY(add_name(keep, own ? own_layer(lane, i) : lane->layers[i], err));
	return OQZ_OK;
}

/* The float value that stands for `name`, which the step of the lane's layer reads; NULL: the float model has none
 * (codes that several layers share, say). Names of a lane's own are looked for in front of the layer's inputs, past the
 * grid and whatever activation the step has absorbed, and the same way is gone in the float graph. */
static const struct oqz_value *float_input(const struct oqz_graph *g, const struct oqz_lane_spec *lane, size_t layer,
                                           const char *name)
{
	if (!lane->own_layers)
		return oqz_graph_value(g, name);
	const struct oqz_node *own = oqz_graph_value(lane->graph, lane->own_layers[layer])->producer;
	const struct oqz_node *twin = oqz_graph_value(g, lane->layers[layer])->producer;
	for (int i = 0; i < own->n_in && i < twin->n_in; i++) {
		const struct oqz_value *x = oqz_match_source(own->in[i]), *y = twin->in[i];
		/* a pair of nodes that the step did not absorb */
		for (const struct oqz_value *v = own->in[i]; v && v != x; v = v->producer->in[0])
			if (v->type.dtype == OQZ_DT_F32 && strcmp(v->name, name) == 0 && y && !y->constant)
				return y;
		for (int depth = 0; x && y && !y->constant && depth < 4; depth++) {
			if (strcmp(x->name, name) == 0)
				return y;
			if (!x->producer || !y->producer || strcmp(x->producer->op_type, y->producer->op_type) != 0)
				break;
			x = x->producer->in[0];
			y = y->producer->in[0];
		}
	}
	return NULL;
}

/* What lane 0 must have for the local errors of another lane: the values that the steps of its layers read, as far as
 * the float model has them, until the layer has its output. */
static enum oqz_status add_step_inputs(struct keep *keep, const struct oqz_graph *g, const struct oqz_program *p,
                                       const struct oqz_lane_spec *lane, struct oqz_err *err)
{
	for (size_t i = 0; i < lane->n_layers; i++) {
		int tap = oqz_program_tap(p, own_layer(lane, i));
		for (size_t k = 0; k < oqz_program_tap_ninputs(p, tap); k++) {
			const struct oqz_value *v = float_input(g, lane, i, oqz_program_tap_input(p, tap, k));
			if (!v || v->constant || (size_t)v->id >= g->values.n || g->values.v[v->id] != v)
				continue;
			struct oqz_tap_hold hold = { .value = v->name, .until = lane->layers[i] };
			OQZ_TRY(add_name(keep, v->name, err));
			if (!oqz_vec_push(&keep->holds, hold))
				return oqz_err_nomem(err, "taps", keep->holds.n);
		}
	}
	return OQZ_OK;
}

static enum oqz_status keep_float(struct keep *keep, const struct oqz_lane_set *s, const struct oqz_lane_spec *lanes,
                                  const char *const *watch, size_t n_watch, bool local, struct oqz_err *err)
{
	for (size_t k = 1; k < s->n_lanes; k++) {
		OQZ_TRY(add_layers(keep, &lanes[k], false, watch, n_watch, err));
		if (local)
			OQZ_TRY(add_step_inputs(keep, lanes[0].graph, s->programs[k], &lanes[k], err));
	}
	return OQZ_OK;
}

/* The float lane last: what it must keep depends on the others' steps. */
static enum oqz_status make_programs(struct oqz_lane_set *s, const struct oqz_lane_spec *lanes,
                                     const char *const *watch, size_t n_watch, bool local, enum oqz_engine engine,
                                     const struct oqz_shape *shapes, struct oqz_err *err)
{
	enum oqz_status st = OQZ_OK;

	for (size_t i = 0; i < s->n_lanes && st == OQZ_OK; i++) {
		size_t k = (i + 1) % s->n_lanes;
		struct keep keep = { 0 };
		st = k ? add_layers(&keep, &lanes[k], true, watch, n_watch, err)
		       : keep_float(&keep, s, lanes, watch, n_watch, local, err);
		struct oqz_exec_options opt = { .engine = engine,
			                        .taps = keep.taps.v,
			                        .n_taps = keep.taps.n,
			                        .holds = keep.holds.v,
			                        .n_holds = keep.holds.n };
		if (st == OQZ_OK)
			st = oqz_program_new(lanes[k].graph, &opt, shapes, &s->programs[k], err);
		keep_release(&keep);
	}
	return st;
}

static const struct oqz_qplan_gain *gain_of(const struct oqz_lane_spec *l, const char *value)
{
	return l->plan ? oqz_qplan_gain(l->plan, value) : NULL;
}

/* Lane 0's taps of what the layer's step reads, for local errors. An input that the float model does not have, or has
 * on another scale: none. */
static void find_alone(const struct oqz_lane_set *s, const struct oqz_lane_spec *lanes, struct event *e)
{
	const struct oqz_program *p = s->programs[e->lane];
	size_t n = oqz_program_tap_ninputs(p, e->tap);

	for (size_t i = 0; i < n && n <= MAX_ALONE_INPUTS; i++) {
		const struct oqz_value *v =
		    float_input(lanes[0].graph, &lanes[e->lane], e->slot, oqz_program_tap_input(p, e->tap, i));
		if (v && gain_of(&lanes[e->lane], v->name))
			return;
		e->alone0[i] = v ? oqz_program_tap(s->programs[0], v->name) : -1;
		if (e->alone0[i] < 0)
			return;
	}
	e->n_alone = n <= MAX_ALONE_INPUTS ? n : 0;
}

/* `name0` in lane 0 is `name` in the lane. */
static enum oqz_status add_event(struct oqz_lane_set *s, const struct oqz_lane_spec *lanes, size_t lane, size_t slot,
                                 const char *name0, const char *name, bool local, struct oqz_err *err)
{
	struct event e = { .lane = lane, .slot = slot };
	const struct oqz_program *p0 = s->programs[0], *p = s->programs[lane];

	e.tap0 = oqz_program_tap(p0, name0);
	e.tap = oqz_program_tap(p, name);
	if (e.tap0 < 0 || e.tap < 0)
		OQZ_FAIL(err, OQZ_E_MISMATCH, "value '%s' is not in %s", e.tap0 < 0 ? name0 : name,
		         e.tap0 < 0 ? "the float model" : "the quantized model");
	e.step0 = oqz_program_tap_step(p0, e.tap0);
	e.step = oqz_program_tap_step(p, e.tap);
	e.gain = gain_of(&lanes[lane], name0);
	if (local && !e.gain)
		find_alone(s, lanes, &e);
	if (!oqz_vec_grow_((void **)&s->events, s->n_events, &s->cap_events, sizeof e))
		return oqz_err_nomem(err, "lanes", sizeof e);
	s->events[s->n_events++] = e;
	return OQZ_OK;
}

static int by_step(const void *a, const void *b)
{
	const struct event *x = a, *y = b;

	if (x->step0 != y->step0)
		return x->step0 < y->step0 ? -1 : 1;
	return x->lane != y->lane   ? (x->lane < y->lane ? -1 : 1)
	       : x->step != y->step ? (x->step < y->step ? -1 : 1)
	                            : 0;
}

/* A lane whose order of layers differs from lane 0's could have overwritten a value before it is compared. */
static enum oqz_status check_order(const struct oqz_lane_set *s, struct oqz_err *err)
{
	for (size_t lane = 1; lane < s->n_lanes; lane++) {
		long last = -1;
		for (size_t i = 0; i < s->n_events; i++) {
			if (s->events[i].lane != lane)
				continue;
			if (s->events[i].step < last)
				OQZ_FAIL(err, OQZ_E_INTERNAL, "lane %zu does not keep the order of the float model",
				         lane);
			last = s->events[i].step;
		}
	}
	return OQZ_OK;
}

enum oqz_status oqz_lane_set_new(const struct oqz_lane_spec *lanes, size_t n_lanes, const char *const *watch,
                                 size_t n_watch, bool local, enum oqz_engine engine, const struct oqz_shape *shapes,
                                 struct oqz_lane_set **ret, struct oqz_err *err)
{
	OQZ_CLEANUP(oqz_lane_set_free_cleanup) struct oqz_lane_set *s = calloc(1, sizeof *s);

	if (!s)
		return oqz_err_nomem(err, "lanes", sizeof *s);
	if (n_lanes > MAX_LANES)
		OQZ_FAIL(err, OQZ_E_LIMIT, "%zu lanes at once (at most %d)", n_lanes, MAX_LANES);
	s->n_lanes = n_lanes;
	s->n_inputs = lanes[0].graph->inputs.n;
	s->programs = calloc(n_lanes, sizeof *s->programs);
	s->n_layers = calloc(n_lanes, sizeof *s->n_layers);
	if (!s->programs || !s->n_layers)
		return oqz_err_nomem(err, "lanes", n_lanes);
	OQZ_TRY(make_programs(s, lanes, watch, n_watch, local, engine, shapes, err));
	for (size_t k = 1; k < n_lanes; k++) {
		s->n_layers[k] = lanes[k].n_layers;
		for (size_t i = 0; i < lanes[k].n_layers; i++)
			OQZ_TRY(add_event(s, lanes, k, i, lanes[k].layers[i], own_layer(&lanes[k], i), local, err));
		for (size_t i = 0; i < n_watch; i++)
			OQZ_TRY(add_event(s, lanes, k, lanes[k].n_layers + i, watch[i], own_watch(&lanes[k], watch, i),
			                  false, err));
	}
	if (s->n_events)
		qsort(s->events, s->n_events, sizeof *s->events, by_step);
	OQZ_TRY(check_order(s, err));
	*ret = oqz_steal(s);
	return OQZ_OK;
}

const struct oqz_program *oqz_lane_set_program(const struct oqz_lane_set *s, size_t lane) { return s->programs[lane]; }

int64_t oqz_lane_set_macs(const struct oqz_lane_set *s)
{
	struct oqz_step_info info;
	int64_t n = 0;

	for (size_t i = 0; i < oqz_program_nsteps(s->programs[0]); i++) {
		oqz_program_step(s->programs[0], i, &info);
		n += info.macs;
	}
	return n;
}

const char *oqz_lane_set_impl(const struct oqz_lane_set *s, size_t lane, size_t layer)
{
	struct oqz_step_info info = { .impl = "" };

	for (size_t i = 0; i < s->n_events; i++)
		if (s->events[i].lane == lane && s->events[i].slot == layer && s->events[i].step >= 0)
			oqz_program_step(s->programs[lane], (size_t)s->events[i].step, &info);
	return info.impl;
}

void oqz_walker_free(struct oqz_walker *w)
{
	if (!w)
		return;
	for (size_t i = 0; w->contexts && i < w->set->n_lanes; i++)
		oqz_context_free(w->contexts[i]);
	free(w->contexts);
	oqz_tensor_release(&w->scratch);
	free(w);
}

enum oqz_status oqz_walker_new(const struct oqz_lane_set *s, struct oqz_walker **ret, struct oqz_err *err)
{
	OQZ_CLEANUP(oqz_walker_free_cleanup) struct oqz_walker *w = calloc(1, sizeof *w);

	if (!w)
		return oqz_err_nomem(err, "a worker", sizeof *w);
	w->set = s;
	w->contexts = calloc(s->n_lanes, sizeof *w->contexts);
	if (!w->contexts)
		return oqz_err_nomem(err, "a worker", s->n_lanes);
	for (size_t i = 0; i < s->n_lanes; i++)
		OQZ_TRY(oqz_context_new(s->programs[i], &w->contexts[i], err));
	for (size_t i = 0; i < s->n_events; i++)
		if (s->events[i].n_alone)
			OQZ_TRY(oqz_context_reserve_alone(w->contexts[s->events[i].lane], s->events[i].tap, err));
	*ret = oqz_steal(w);
	return OQZ_OK;
}

size_t oqz_walker_bytes(const struct oqz_walker *w)
{
	size_t n = 0;

	for (size_t i = 0; i < w->set->n_lanes; i++)
		n += oqz_context_bytes(w->contexts[i]);
	return n;
}

/* Takes a gain out of a tensor, whatever its layout. */
static enum oqz_status take_out(struct oqz_tensor *t, const struct oqz_qplan_gain *gain, struct oqz_err *err)
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
	for (int64_t i = 0; i < n; i++)
		((float *)t->data)[i] /= gain->factor[(size_t)(i / inner) % gain->n];
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
static enum oqz_status compare(struct oqz_walker *w, const struct oqz_tensor *a, const struct oqz_tensor *b,
                               const struct oqz_qplan_gain *gain, struct oqz_error_sums *ret, struct oqz_err *err)
{
	OQZ_TRY(check_pair(a, b, err));
	if (!lie_alike(a, b, gain)) {
		if (!w->scratch.data || !oqz_shape_equal(&w->scratch.shape, &a->shape))
			OQZ_TRY(oqz_tensor_alloc(&w->scratch, OQZ_DT_F32, &a->shape, err));
		w->scratch.layout = b->layout;
		oqz_tensor_relayout(&w->scratch, a);
		if (gain)
			OQZ_TRY(take_out(&w->scratch, gain, err));
		a = &w->scratch;
	}
	oqz_error_sums(a->data, b->data, (size_t)oqz_tensor_nelem(a), ret);
	return OQZ_OK;
}

static enum oqz_status local_error(struct oqz_walker *w, const struct event *e, const struct oqz_tensor *b,
                                   struct oqz_error_sums *ret, struct oqz_err *err)
{
	const struct oqz_tensor *in[MAX_ALONE_INPUTS], *a;
	struct oqz_err why = { 0 };

	*ret = (struct oqz_error_sums) { .err2 = 0, .ref2 = NAN };
	if (e->n_alone == 0)
		return OQZ_OK;
	for (size_t i = 0; i < e->n_alone; i++)
		in[i] = oqz_context_tap(w->contexts[0], e->alone0[i]);
	enum oqz_status st = oqz_context_run_alone(w->contexts[e->lane], e->tap, in, e->n_alone, &a, &why);
	if (st == OQZ_E_UNSUPPORTED)
		return OQZ_OK;
	if (st != OQZ_OK)
		OQZ_FAIL(err, st, "%s", why.msg);
	return compare(w, a, b, NULL, ret, err);
}

/* One value in lane 0 and in those other lanes that are compared on this image. */
struct meeting {
	const struct event *events[MAX_LANES];
	size_t n;
	const struct oqz_tensor *b;
};

/* The events behind `i` that are about the same value of lane 0, without those of lanes that are left out. Returns the
 * index behind them. */
static size_t gather(const struct oqz_lane_set *s, const struct oqz_lane_errors *errors, size_t i, struct meeting *ret)
{
	int tap0 = s->events[i].tap0;

	ret->n = 0;
	for (; i < s->n_events && s->events[i].tap0 == tap0 && ret->n < MAX_LANES; i++)
		if (errors[s->events[i].lane].sums)
			ret->events[ret->n++] = &s->events[i];
	return i;
}

static enum oqz_status advance(struct oqz_walker *w, size_t lane, long step, size_t *at, struct oqz_err *err)
{
	size_t to = (size_t)(step + 1);

	if (to <= at[lane])
		return OQZ_OK;
	OQZ_TRY(oqz_context_run(w->contexts[lane], at[lane], to, err));
	at[lane] = to;
	return OQZ_OK;
}

/* Lanes whose next step reads the value too: what it begins with is done piece by piece with the comparison. */
static size_t find_ahead(const struct oqz_walker *w, const struct meeting *m, const size_t *at, size_t *lanes)
{
	bool seen[MAX_LANES] = { false };
	size_t n = 0;

	if (oqz_context_can_ahead(w->contexts[0], at[0], m->events[0]->tap0))
		lanes[n++] = 0;
	for (size_t i = 0; i < m->n; i++) {
		const struct event *e = m->events[i];
		if (!seen[e->lane] && oqz_context_can_ahead(w->contexts[e->lane], at[e->lane], e->tap))
			lanes[n++] = e->lane;
		seen[e->lane] = true;
	}
	return n;
}

/* All comparisons of a meeting in one pass over memory, together with the beginnings of the next steps: the tensors are
 * larger than the cache that they would otherwise be fetched into again. */
static enum oqz_status compare_all(struct oqz_walker *w, const struct meeting *m, const struct oqz_lane_errors *errors,
                                   const size_t *at, struct oqz_err *err)
{
	size_t n = (size_t)oqz_tensor_nelem(m->b), n_a = 0, ahead[MAX_LANES], n_ahead = find_ahead(w, m, at, ahead);
	struct oqz_error_sums *ret[MAX_LANES];
	const float *a[MAX_LANES], *b = m->b->data;
	double err2[MAX_LANES] = { 0 }, ref2 = 0;

	for (size_t i = 0; i < m->n; i++) {
		const struct event *e = m->events[i];
		const struct oqz_tensor *t = oqz_context_tap(w->contexts[e->lane], e->tap);
		struct oqz_error_sums *sums = &errors[e->lane].sums[e->slot];
		OQZ_TRY(check_pair(t, m->b, err));
		if (!lie_alike(t, m->b, e->gain)) {
			OQZ_TRY(compare(w, t, m->b, e->gain, sums, err));
			continue;
		}
		a[n_a] = t->data;
		ret[n_a++] = sums;
	}
	for (size_t first = 0; first < n; first += OQZ_ERROR_BLOCK) {
		size_t size = n - first < OQZ_ERROR_BLOCK ? n - first : OQZ_ERROR_BLOCK;
		oqz_error_block(a, n_a, b + first, size, err2, &ref2);
		for (size_t i = 0; i < n_a; i++)
			a[i] += size;
		for (size_t i = 0; i < n_ahead; i++)
			oqz_context_ahead(w->contexts[ahead[i]], at[ahead[i]], first, size);
	}
	for (size_t i = 0; i < n_ahead; i++)
		oqz_context_ahead_done(w->contexts[ahead[i]], at[ahead[i]]);
	for (size_t i = 0; i < n_a; i++)
		*ret[i] = (struct oqz_error_sums) { err2[i], ref2 };
	return OQZ_OK;
}

static enum oqz_status meet(struct oqz_walker *w, struct meeting *m, const struct oqz_lane_errors *errors, size_t *at,
                            struct oqz_err *err)
{
	OQZ_TRY(advance(w, 0, m->events[0]->step0, at, err));
	for (size_t i = 0; i < m->n; i++)
		OQZ_TRY(advance(w, m->events[i]->lane, m->events[i]->step, at, err));
	m->b = oqz_context_tap(w->contexts[0], m->events[0]->tap0);
	OQZ_TRY(compare_all(w, m, errors, at, err));
	for (size_t i = 0; i < m->n; i++) {
		const struct event *e = m->events[i];
		if (errors[e->lane].local && e->slot < w->set->n_layers[e->lane])
			OQZ_TRY(local_error(w, e, m->b, &errors[e->lane].local[e->slot], err));
	}
	return OQZ_OK;
}

static enum oqz_status set_inputs(struct oqz_walker *w, size_t lane, const struct oqz_tensor *const *inputs,
                                  struct oqz_err *err)
{
	for (size_t i = 0; i < w->set->n_inputs; i++) {
		struct oqz_tensor *dst = oqz_context_input(w->contexts[lane], i);
		if (dst->dtype != inputs[i]->dtype || !oqz_shape_equal(&dst->shape, &inputs[i]->shape))
			OQZ_FAIL(err, OQZ_E_MISMATCH, "input '%s' does not have the planned type or shape",
			         oqz_program_input_name(w->set->programs[lane], i));
		oqz_tensor_relayout(dst, inputs[i]);
	}
	return OQZ_OK;
}

enum oqz_status oqz_walker_run(struct oqz_walker *w, const struct oqz_tensor *const *inputs,
                               const struct oqz_lane_errors *errors, struct oqz_err *err)
{
	const struct oqz_lane_set *s = w->set;
	size_t at[MAX_LANES] = { 0 };
	struct meeting m;

	for (size_t k = 0; k < s->n_lanes; k++)
		if (k == 0 || errors[k].sums)
			OQZ_TRY(set_inputs(w, k, inputs, err));
	for (size_t i = 0; i < s->n_events;) {
		i = gather(s, errors, i, &m);
		if (m.n)
			OQZ_TRY(meet(w, &m, errors, at, err));
	}
	for (size_t k = 0; k < s->n_lanes; k++)
		if (k == 0 || errors[k].sums)
			OQZ_TRY(advance(w, k, (long)oqz_program_nsteps(s->programs[k]) - 1, at, err));
	return OQZ_OK;
}

const struct oqz_tensor *oqz_walker_output(struct oqz_walker *w, size_t lane, size_t i)
{
	return oqz_context_output(w->contexts[lane], i);
}
