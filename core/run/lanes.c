/* SPDX-License-Identifier: Apache-2.0
 *
 * Lane sets: the programs of all lanes, and the list of meetings of their walk. All lanes keep the float graph's node
 * order, so comparing is a merge over events sorted by lane 0's step.
 */
#include "core/run/lanes_impl.h"
#include "core/base/map.h"
#include "core/quant/match.h"
#include "core/run/pool.h"

#include <string.h>

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

static const struct oqz_qplan_gain *gain_of(const struct oqz_lane_spec *l, const char *value)
{
	return l->plan ? oqz_qplan_gain(l->plan, value) : NULL;
}

/* What improvements put in front of a layer (core/quant/qplan.h) is not in the float model. A factor stands for what it
 * multiplies. Limits stand for the output of the Clip behind them, which the step has then absorbed: what was clipped
 * already is not changed by its lower bound. */
static const struct oqz_value *inserted_input(const struct oqz_graph *g, const struct oqz_value *v)
{
	const struct oqz_node *n = v ? v->producer : NULL, *clip = v ? oqz_value_sole_use(v) : NULL;

	if (n && strcmp(n->op_type, "Mul") == 0 && n->in[0])
		return oqz_graph_value(g, n->in[0]->name);
	if (n && strcmp(n->op_type, "Min") == 0 && clip && strcmp(clip->op_type, "Clip") == 0)
		return oqz_graph_value(g, clip->out[0]->name);
	return NULL;
}

/* The float value that stands for `name`, which the step of the lane's layer reads; NULL: the float model has none
 * (codes that several layers share, say). Names of a lane's own are looked for in front of the layer's inputs, past the
 * grid and whatever activation the step has absorbed, and the same way is gone in the float graph. */
static const struct oqz_value *float_input(const struct oqz_graph *g, const struct oqz_lane_spec *lane, size_t layer,
                                           const char *name)
{
	if (lane->plan || !lane->own_layers) {
		const struct oqz_value *v = oqz_graph_value(g, name);
		return v || !lane->plan ? v : inserted_input(g, oqz_graph_value(lane->graph, name));
	}
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

/* What the programs of a set are made from. */
struct making {
	struct oqz_lane_set *set;
	const struct oqz_lane_spec *lanes;
	const char *const *watch;
	size_t n_watch;
	bool local;
	enum oqz_engine engine;
	const struct oqz_shape *shapes;
};

static enum oqz_status make_program(const struct making *m, size_t k, struct oqz_err *err)
{
	const struct oqz_lane_spec *lane = &m->lanes[k];
	struct keep keep = { 0 };
	enum oqz_status st = k ? add_layers(&keep, lane, true, m->watch, m->n_watch, err)
	                       : keep_float(&keep, m->set, m->lanes, m->watch, m->n_watch, m->local, err);
	struct oqz_exec_options opt = { .engine = m->engine,
		                        .taps = keep.taps.v,
		                        .n_taps = keep.taps.n,
		                        .holds = keep.holds.v,
		                        .n_holds = keep.holds.n };

	if (st == OQZ_OK)
		st = oqz_program_new(lane->graph, &opt, m->shapes, &m->set->programs[k], err);
	keep_release(&keep);
	return st;
}

static enum oqz_status make_quantized(void *ctx, int worker, size_t unit, struct oqz_err *err)
{
	return make_program(ctx, unit + 1, err);
}

/* The float lane last: what it must keep depends on the others' steps. */
static enum oqz_status make_programs(struct making *m, int threads, struct oqz_err *err)
{
	struct oqz_pool_job pool = { .n_units = m->set->n_lanes - 1, .ctx = m, .unit = make_quantized };

	OQZ_TRY(oqz_pool_run(&pool, threads, err));
	return make_program(m, 0, err);
}

/* Lane 0's taps of what the layer's step reads, for local errors. An input that the float model does not have:
 * none. */
static void find_alone(const struct oqz_lane_set *s, const struct oqz_lane_spec *lanes, struct oqz_lane_event *e)
{
	const struct oqz_program *p = s->programs[e->lane];
	size_t n = oqz_program_tap_ninputs(p, e->tap);

	for (size_t i = 0; i < n && n <= OQZ_MAX_ALONE_INPUTS; i++) {
		const char *name = oqz_program_tap_input(p, e->tap, i);
		const struct oqz_value *v = float_input(lanes[0].graph, &lanes[e->lane], e->slot, name);
		const struct oqz_qplan_gain *gain = gain_of(&lanes[e->lane], name);
		e->alone_gain[i] = v && !gain ? gain_of(&lanes[e->lane], v->name) : gain;
		e->alone0[i] = v ? oqz_program_tap(s->programs[0], v->name) : -1;
		if (e->alone0[i] < 0)
			return;
	}
	e->n_alone = n <= OQZ_MAX_ALONE_INPUTS ? n : 0;
}

/* `name0` in lane 0 is `name` in the lane. */
static enum oqz_status add_event(struct oqz_lane_set *s, const struct oqz_lane_spec *lanes, size_t lane, size_t slot,
                                 const char *name0, const char *name, bool local, struct oqz_err *err)
{
	struct oqz_lane_event e = { .lane = lane, .slot = slot };
	const struct oqz_program *p0 = s->programs[0], *p = s->programs[lane];

	e.tap0 = oqz_program_tap(p0, name0);
	e.tap = oqz_program_tap(p, name);
	if (e.tap0 < 0 || e.tap < 0)
		OQZ_FAIL(err, OQZ_E_MISMATCH, "value '%s' is not in %s", e.tap0 < 0 ? name0 : name,
		         e.tap0 < 0 ? "the float model" : "the quantized model");
	e.step0 = oqz_program_tap_step(p0, e.tap0);
	e.step = oqz_program_tap_step(p, e.tap);
	e.gain = gain_of(&lanes[lane], name0);
	if (local)
		find_alone(s, lanes, &e);
	if (!oqz_vec_grow_((void **)&s->events, s->n_events, &s->cap_events, sizeof e))
		return oqz_err_nomem(err, "lanes", sizeof e);
	s->events[s->n_events++] = e;
	return OQZ_OK;
}

static int by_step(const void *a, const void *b)
{
	const struct oqz_lane_event *x = a, *y = b;

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
                                 int threads, struct oqz_lane_set **ret, struct oqz_err *err)
{
	OQZ_CLEANUP(oqz_lane_set_free_cleanup) struct oqz_lane_set *s = calloc(1, sizeof *s);

	if (!s)
		return oqz_err_nomem(err, "lanes", sizeof *s);
	if (n_lanes > OQZ_MAX_LANES)
		OQZ_FAIL(err, OQZ_E_LIMIT, "%zu lanes at once (at most %d)", n_lanes, OQZ_MAX_LANES);
	s->n_lanes = n_lanes;
	s->n_inputs = lanes[0].graph->inputs.n;
	s->programs = calloc(n_lanes, sizeof *s->programs);
	s->n_layers = calloc(n_lanes, sizeof *s->n_layers);
	if (!s->programs || !s->n_layers)
		return oqz_err_nomem(err, "lanes", n_lanes);
	struct making m = { .set = s,
		            .lanes = lanes,
		            .watch = watch,
		            .n_watch = n_watch,
		            .local = local,
		            .engine = engine,
		            .shapes = shapes };
	OQZ_TRY(make_programs(&m, threads, err));
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
