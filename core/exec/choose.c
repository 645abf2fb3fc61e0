/* SPDX-License-Identifier: Apache-2.0
 *
 * Which implementation runs a step: the first of the operator's list that accepts, with as much of what stands behind
 * the operator (fuse.c) as it can take. The reference kernels end every list.
 */
#include "core/exec/program.h"
#include "core/base/str.h"

#include <stdio.h>
#include <string.h>

static void choice_init(struct oqz_step_choice *c)
{
	memset(c, 0, sizeof *c);
	c->inplace_input = -1;
}

static enum oqz_status try_impl(const struct oqz_impl *impl, const struct oqz_step_desc *d, struct oqz_step_choice *ret,
                                struct oqz_err *err)
{
	struct oqz_step_choice c;
	char why[200] = "";

	choice_init(&c);
	OQZ_TRY(impl->create(d, &c, why, sizeof why, err));
	if (c.name[0] == 0)
		snprintf(c.name, sizeof c.name, "%s", impl->name);
	*ret = c;
	return OQZ_OK;
}

/* Describes the step with a part of what may be fused, the richest first: Add and activation, Add, activation, nothing.
 * False: there is no such part. */
enum { FUSE_NOTHING = 3, FUSE_PARTS };
static bool set_fused(struct oqz_planner *pl, struct oqz_step_desc *d, const struct oqz_fuse *t, int part)
{
	bool add = part < 2;

	if ((add && !t->add) || (part == 0 && !t->add_act) || (part == 2 && !t->act))
		return false;
	d->add = add ? t->add : NULL;
	d->act = part == 0 ? t->add_act : part == 2 ? t->act : NULL;
	d->n_in = d->node->n_in;
	if (add) {
		d->add_in = t->add_in;
		d->n_in = t->add_in + 1;
		d->in_type[t->add_in] = oqz_value_type(t->other);
		d->constant[t->add_in] = t->other->constant;
		if (!t->other->constant)
			d->in_layout[t->add_in] = pl->p->slots.v[pl->made[t->other->id]].tensor.layout;
	}
	return true;
}

/* OQZ_E_UNSUPPORTED: no implementation of the list takes it. */
static enum oqz_status walk(struct oqz_planner *pl, struct oqz_step_desc *d, const struct oqz_fuse *fuse,
                            const struct oqz_impl **ret_impl, struct oqz_step_choice *ret, struct oqz_err *err)
{
	const struct oqz_impl *const *list = oqz_impl_list(d->node->op->id, d->group);
	const char *glob = pl->opt->impl;
	enum oqz_status st;

	for (; *list; list++) {
		if (glob && *list != &oqz_impl_sim && !oqz_glob_match(glob, (*list)->name))
			continue;
		if (d->group && d->engine == OQZ_ENGINE_SIM && *list != &oqz_impl_sim)
			continue;
		for (int part = 0; part < FUSE_PARTS; part++) {
			if (!set_fused(pl, d, fuse, part))
				continue;
			st = try_impl(*list, d, ret, err);
			if (st == OQZ_OK)
				*ret_impl = *list;
			if (st != OQZ_E_UNSUPPORTED)
				return st;
		}
	}
	return OQZ_E_UNSUPPORTED;
}

/* Implementations count on output 0; where only later ones are wanted the reference makes it aside. */
static bool has_first_output(const struct oqz_node *n) { return n->n_out < 1 || n->out[0] || n->op->min_out == 0; }

enum oqz_status oqz_plan_choose(struct oqz_planner *pl, struct oqz_step *s, const struct oqz_fuse *fuse,
                                struct oqz_err *err)
{
	struct oqz_step_desc *d = s->desc;
	enum oqz_status st = OQZ_E_UNSUPPORTED;

	if (!s->dynamic && d->engine != OQZ_ENGINE_REFERENCE && has_first_output(d->node))
		st = walk(pl, d, fuse, &s->impl, &s->choice, err);
	if (st != OQZ_E_UNSUPPORTED)
		return st;
	set_fused(pl, d, fuse, FUSE_NOTHING);
	s->impl = d->group && !s->dynamic ? &oqz_impl_reference_group : &oqz_impl_reference;
	return try_impl(s->impl, d, &s->choice, err);
}

enum oqz_status oqz_choose_float(const struct oqz_step_desc *d, const struct oqz_impl **ret_impl,
                                 struct oqz_step_choice *ret, struct oqz_err *err)
{
	const struct oqz_impl *const *list = oqz_impl_list(d->node->op->id, false);
	enum oqz_status st;

	for (; *list; list++) {
		st = try_impl(*list, d, ret, err);
		if (st == OQZ_OK)
			*ret_impl = *list;
		if (st != OQZ_E_UNSUPPORTED)
			return st;
	}
	*ret_impl = &oqz_impl_reference;
	return d->act ? OQZ_E_UNSUPPORTED : try_impl(&oqz_impl_reference, d, ret, err);
}
