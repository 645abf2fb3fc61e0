/* SPDX-License-Identifier: Apache-2.0
 *
 * Emits the steps in graph order. Layouts are not searched for: each step is told how its inputs lie and says how it
 * wants them, so channels-last starts at the first convolution (which asks for it) and ends where an operator insists
 * on row-major. That is optimal for chains and good for everything the zoo has.
 */
#include "core/exec/program.h"
#include "core/base/budget.h"

#include <string.h>

bool oqz_step_init(struct oqz_program *p, const struct oqz_node *n, int n_in, int n_out, struct oqz_step *ret)
{
	struct oqz_step s = {
		.desc = OQZ_ARENA_NEW(p->arena, struct oqz_step_desc),
		.n_in = n_in,
		.n_out = n_out,
		.in = OQZ_ARENA_NEW_N(p->arena, int, (size_t)n_in),
		.out = OQZ_ARENA_NEW_N(p->arena, int, (size_t)n_out),
	};

	if (!s.desc || !s.in || !s.out)
		return false;
	s.desc->node = n;
	for (int i = 0; i < n_in; i++)
		s.in[i] = -1;
	for (int i = 0; i < n_out; i++)
		s.out[i] = -1;
	*ret = s;
	return true;
}

/* What the step reads at input i: the node's value, or the one before the quantization that the step absorbs. */
static struct oqz_value *step_input(const struct oqz_planner *pl, const struct oqz_node *n, int i)
{
	const struct oqz_group *g = &pl->groups[n->index];

	return i < 3 && g->in[i] ? g->in[i] : n->in[i];
}

static void describe(struct oqz_planner *pl, const struct oqz_node *n, struct oqz_step *s)
{
	struct oqz_step_desc *d = s->desc;
	const struct oqz_group *g = &pl->groups[n->index];

	d->n_in = n->n_in;
	d->n_out = n->n_out;
	d->engine = pl->opt->engine;
	d->group = g->group;
	memcpy(d->quant, g->quant, sizeof d->quant);
	for (int i = 0; i < n->n_in; i++) {
		struct oqz_value *v = step_input(pl, n, i);
		if (!v)
			continue;
		d->in_type[i] = oqz_value_type(v);
		d->constant[i] = v->constant;
		if (!v->constant)
			d->in_layout[i] = pl->p->slots.v[pl->made[v->id]].tensor.layout;
		s->dynamic |= !v->constant && !oqz_type_concrete(&d->in_type[i]);
	}
	for (int i = 0; i < n->n_out; i++) {
		if (!n->out[i] || !pl->needed[n->out[i]->id])
			continue;
		d->out_type[i] = oqz_value_type(n->out[i]);
		s->dynamic |= !oqz_type_concrete(&d->out_type[i]);
	}
}

/* The number of values that steps can handle, whether every input has been made, and the outputs' sizes. */
static enum oqz_status check_node(struct oqz_planner *pl, const struct oqz_node *n, struct oqz_err *err)
{
	if (n->n_in > OQZ_STEP_MAX_IN || n->n_out > OQZ_STEP_MAX_OUT)
		OQZ_FAIL(err, OQZ_E_UNSUPPORTED, "%d inputs and %d outputs where at most %d and %d can be", n->n_in,
		         n->n_out, OQZ_STEP_MAX_IN, OQZ_STEP_MAX_OUT);
	for (int i = 0; i < n->n_in; i++) {
		struct oqz_value *v = step_input(pl, n, i);
		if (v && !v->constant && pl->made[v->id] < 0)
			OQZ_FAIL(err, OQZ_E_INTERNAL, "input '%s' is not there yet", v->name);
	}
	for (int i = 0; i < n->n_out; i++) {
		struct oqz_type t;
		if (!n->out[i] || !pl->needed[n->out[i]->id])
			continue;
		t = oqz_value_type(n->out[i]);
		if (oqz_type_concrete(&t))
			OQZ_TRY(oqz_slot_fits(n->out[i], &t, err));
	}
	return OQZ_OK;
}

static enum oqz_status connect_inputs(struct oqz_planner *pl, const struct oqz_node *n, struct oqz_step *s,
                                      struct oqz_err *err)
{
	for (int i = 0; i < n->n_in; i++) {
		struct oqz_value *v = step_input(pl, n, i);
		if (!v || (v->constant && !s->choice.uses_constant[i]))
			continue;
		OQZ_TRY(oqz_slot_get(pl, v, s->choice.in_layout[i], &s->in[i], err));
		s->bytes += pl->p->slots.v[s->in[i]].bytes;
	}
	return OQZ_OK;
}

/* The other operand of an Add that the step does. */
static enum oqz_status connect_add(struct oqz_planner *pl, struct oqz_value *other, struct oqz_step *s,
                                   struct oqz_err *err)
{
	int i = s->desc->add_in;

	if (other->constant && !s->choice.uses_constant[i])
		return OQZ_OK;
	OQZ_TRY(oqz_slot_get(pl, other, s->choice.in_layout[i], &s->in[i], err));
	s->bytes += pl->p->slots.v[s->in[i]].bytes;
	return OQZ_OK;
}

/* The node whose output the step leaves: its own or one that is fused behind. */
static const struct oqz_node *last_node(const struct oqz_step *s, const struct oqz_node *n)
{
	return s->desc->act ? s->desc->act : s->desc->add ? s->desc->add : n;
}

static enum oqz_status connect_outputs(struct oqz_planner *pl, const struct oqz_node *n, struct oqz_step *s,
                                       struct oqz_err *err)
{
	for (int i = 0; i < n->n_out; i++) {
		struct oqz_value *v = i == 0 ? last_node(s, n)->out[0] : n->out[i];
		if (!v || !pl->needed[v->id])
			continue;
		enum oqz_layout layout = s->dynamic ? OQZ_LAYOUT_PLAIN : s->choice.out_layout[i];
		struct oqz_type t = oqz_value_type(v);
		int slot = oqz_slot_add(pl->p, v, s->dynamic ? OQZ_SLOT_HEAP : OQZ_SLOT_ARENA, &t, layout);
		if (slot < 0)
			return oqz_err_nomem(err, "the plan", sizeof(struct oqz_slot));
		pl->p->slots.v[slot].pinned = pl->tapped[v->id];
		s->out[i] = pl->made[v->id] = pl->slot[v->id][layout] = slot;
		s->bytes += pl->p->slots.v[slot].bytes;
	}
	return OQZ_OK;
}

static enum oqz_status finish_outputs(struct oqz_planner *pl, const struct oqz_node *n, struct oqz_err *err)
{
	int slot;

	for (int i = 0; i < n->n_out; i++)
		if (n->out[i] && n->out[i]->is_output && pl->made[n->out[i]->id] >= 0)
			OQZ_TRY(oqz_slot_get(pl, n->out[i], OQZ_LAYOUT_PLAIN, &slot, err));
	return OQZ_OK;
}

/* Weights that only this step was made from, and has a copy of in its own order, are given back: where nobody else has
 * a share of them, a model then never needs twice the memory of its weights. */
static void give_weights_back(struct oqz_planner *pl, const struct oqz_node *n, const struct oqz_step *s)
{
	for (int i = 0; i < n->n_in; i++) {
		struct oqz_value *v = step_input(pl, n, i);
		if (v && v->constant && v->uses.n == 1 && !pl->keep[v->id] && !s->choice.uses_constant[i] &&
		    oqz_tensor_bytes(v->constant) > OQZ_SMALL_CONSTANT)
			oqz_tensor_release(v->constant);
	}
}

static enum oqz_status emit(struct oqz_planner *pl, struct oqz_node *n, struct oqz_err *err)
{
	struct oqz_step s;
	struct oqz_fuse fuse;
	struct oqz_node *last;
	bool alias;

	OQZ_TRY(check_node(pl, n, err));
	if (pl->opt->engine != OQZ_ENGINE_REFERENCE) {
		OQZ_TRY(oqz_plan_permute(pl, n, &last, err));
		if (!last)
			OQZ_TRY(oqz_plan_concat_norm(pl, n, &last, err));
		if (last)
			return finish_outputs(pl, last, err);
	}
	OQZ_TRY(oqz_slot_alias(pl, n, &alias, err));
	if (alias)
		return finish_outputs(pl, n, err);
	oqz_plan_fuse(pl, n, &fuse);
	if (!oqz_step_init(pl->p, n, fuse.add ? fuse.add_in + 1 : n->n_in, n->n_out, &s))
		return oqz_err_nomem(err, "the plan", sizeof s);
	describe(pl, n, &s);
	OQZ_TRY(oqz_plan_choose(pl, &s, &fuse, err));
	if (s.desc->act)
		pl->skip[s.desc->act->index] = true;
	if (s.desc->add)
		pl->skip[s.desc->add->index] = true;
	enum oqz_status st = oqz_budget_take(s.choice.state_bytes, "the packed weights", err);
	if (st == OQZ_OK) {
		pl->p->state_bytes += s.choice.state_bytes;
		st = connect_inputs(pl, n, &s, err);
	}
	if (st == OQZ_OK && s.desc->add)
		st = connect_add(pl, fuse.other, &s, err);
	if (st == OQZ_OK)
		st = connect_outputs(pl, n, &s, err);
	s.macs = oqz_op_macs(n);
	if (st == OQZ_OK && !oqz_vec_push(&pl->p->steps, s))
		st = oqz_err_nomem(err, "the plan", sizeof s);
	if (st != OQZ_OK) {
		if (s.impl->destroy)
			s.impl->destroy(s.choice.state);
		return st;
	}
	give_weights_back(pl, n, &s);
	return finish_outputs(pl, last_node(&s, n), err);
}

enum oqz_status oqz_plan_steps(struct oqz_planner *pl, struct oqz_err *err)
{
	for (size_t i = 0; i < pl->g->nodes.n; i++) {
		struct oqz_node *n = pl->g->nodes.v[i];
		bool wanted = false;
		for (int k = 0; k < n->n_out; k++)
			wanted |= n->out[k] && pl->needed[n->out[k]->id] && !n->out[k]->constant;
		if (!wanted || pl->skip[i] || n->dead)
			continue;
		if (emit(pl, n, err) != OQZ_OK)
			return oqz_node_err(n, err);
	}
	return OQZ_OK;
}
