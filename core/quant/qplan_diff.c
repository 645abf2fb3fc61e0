/* SPDX-License-Identifier: Apache-2.0
 *
 * See qplan_diff.h.
 */
#include "core/quant/qplan_diff.h"

#include <stdlib.h>
#include <string.h>

void oqz_qplan_diff_release(struct oqz_qplan_diff *d)
{
	oqz_vec_release(&d->changes);
	oqz_vec_release(&d->numbers);
	oqz_vec_release(&d->params);
	oqz_arena_free(d->arena);
}

/* "node/input" -> site. Keys live in the arena. */
static const char *site_key(struct oqz_arena *arena, const struct oqz_qplan_site *s)
{
	return oqz_arena_printf(arena, "%s/%d", s->node, s->input);
}

static enum oqz_status index_sites(struct oqz_arena *arena, const struct oqz_qplan *p, struct oqz_map *ret,
                                   struct oqz_err *err)
{
	for (size_t i = 0; i < p->sites.n; i++) {
		const char *key = site_key(arena, &p->sites.v[i]);
		if (!key || !oqz_map_set(ret, key, &p->sites.v[i]))
			return oqz_err_nomem(err, "the sites of a plan", p->sites.n);
	}
	return OQZ_OK;
}

static void compare_scales(const struct oqz_qspec *a, const struct oqz_qspec *b, struct oqz_qplan_change *c)
{
	for (size_t i = 0; i < a->n_scale; i++) {
		double ratio = (double)b->scale[i] / (double)a->scale[i];
		int32_t za = a->zero ? a->zero[i] : 0, zb = b->zero ? b->zero[i] : 0, dz = abs(za - zb);
		c->n_scale += a->scale[i] != b->scale[i];
		c->ratio_lo = i == 0 || ratio < c->ratio_lo ? ratio : c->ratio_lo;
		c->ratio_hi = i == 0 || ratio > c->ratio_hi ? ratio : c->ratio_hi;
		c->zero = dz > c->zero ? dz : c->zero;
	}
	c->what |= (c->n_scale ? OQZ_QPLAN_SCALE : 0) | (c->zero ? OQZ_QPLAN_ZERO : 0);
}

static struct oqz_qplan_change compare_site(const struct oqz_qplan_site *a, const struct oqz_qplan_site *b)
{
	struct oqz_qplan_change c = { .a = a, .b = b, .ratio_lo = 1, .ratio_hi = 1 };
	const struct oqz_qspec *x = &a->spec, *y = &b->spec;

	c.what |= strcmp(a->tensor, b->tensor) != 0 ? OQZ_QPLAN_TENSOR : 0;
	c.what |= !oqz_grid_equal(&x->grid, &y->grid) ? OQZ_QPLAN_GRID : 0;
	if (x->axis != y->axis || x->block != y->block || x->n_scale != y->n_scale || x->dynamic != y->dynamic)
		c.what |= OQZ_QPLAN_PLACE;
	else
		compare_scales(x, y, &c);
	return c;
}

static enum oqz_status pair_sites(const struct oqz_qplan *a, const struct oqz_qplan *b, const struct oqz_map *in_a,
                                  const struct oqz_map *in_b, struct oqz_arena *arena, struct oqz_qplan_diff *ret,
                                  struct oqz_err *err)
{
	for (size_t i = 0; i < a->sites.n + b->sites.n; i++) {
		bool first = i < a->sites.n;
		const struct oqz_qplan_site *s = first ? &a->sites.v[i] : &b->sites.v[i - a->sites.n];
		const char *key = site_key(arena, s);
		if (!key)
			return oqz_err_nomem(err, "the sites of a plan", 1);
		const struct oqz_qplan_site *other = oqz_map_get(first ? in_b : in_a, key);
		struct oqz_qplan_change c = { .what = OQZ_QPLAN_ONLY, .ratio_lo = 1, .ratio_hi = 1 };
		if (other && !first)
			continue; /* had its turn */
		if (other)
			c = compare_site(s, other);
		else
			*(first ? &c.a : &c.b) = s;
		ret->common += other != NULL;
		ret->same += c.what == 0;
		ret->rules += c.what == 0 && strcmp(c.a->rule, c.b->rule) != 0;
		if (c.what && !oqz_vec_push(&ret->changes, c))
			return oqz_err_nomem(err, "differences", ret->changes.n);
	}
	return OQZ_OK;
}

enum oqz_status oqz_qplan_diff(const struct oqz_qplan *a, const struct oqz_qplan *b, struct oqz_qplan_diff *ret,
                               struct oqz_err *err)
{
	struct oqz_map in_a = { 0 }, in_b = { 0 };

	ret->arena = oqz_arena_new();
	enum oqz_status st = ret->arena ? OQZ_OK : oqz_err_nomem(err, "plans", 1);
	if (st == OQZ_OK)
		st = index_sites(ret->arena, a, &in_a, err);
	if (st == OQZ_OK)
		st = index_sites(ret->arena, b, &in_b, err);
	if (st == OQZ_OK)
		st = pair_sites(a, b, &in_a, &in_b, ret->arena, ret, err);
	if (st == OQZ_OK)
		st = oqz_numbers_diff(a, b, ret, err);
	if (st == OQZ_OK)
		st = oqz_scheme_diff(ret->arena, a->scheme, b->scheme, ret, err);
	if (st == OQZ_OK)
		st = oqz_scheme_diff(ret->arena, a->calibration, b->calibration, ret, err);
	oqz_map_release(&in_a);
	oqz_map_release(&in_b);
	return st;
}
