/* SPDX-License-Identifier: Apache-2.0
 *
 * The cache under one lock; it is asked once per change of shape, not once per image.
 */
#include "core/run/shape_cache.h"

void oqz_shape_cache_init(struct oqz_shape_cache *c) { pthread_mutex_init(&c->lock, NULL); }

static void drop(struct oqz_shape_cache *c, struct oqz_shape_entry **slot)
{
	if (!*slot)
		return;
	c->destroy((*slot)->thing);
	free(*slot);
	*slot = NULL;
}

void oqz_shape_cache_release(struct oqz_shape_cache *c)
{
	for (size_t i = 0; i < OQZ_SHAPES_MAX; i++)
		drop(c, &c->entries[i]);
	pthread_mutex_destroy(&c->lock);
}

static struct oqz_shape_entry *find(struct oqz_shape_cache *c, const struct oqz_shape *shape)
{
	for (size_t i = 0; i < OQZ_SHAPES_MAX; i++)
		if (c->entries[i] && oqz_shape_equal(&c->entries[i]->shape, shape))
			return c->entries[i];
	return NULL;
}

/* Drops the longest unused things beyond those to be kept; returns a free slot or NULL. */
static struct oqz_shape_entry **make_room(struct oqz_shape_cache *c)
{
	for (;;) {
		struct oqz_shape_entry **oldest = NULL, **slot = NULL;
		size_t n = 0;
		for (size_t i = 0; i < OQZ_SHAPES_MAX; i++) {
			struct oqz_shape_entry **e = &c->entries[i];
			n += *e != NULL;
			if (!*e)
				slot = slot ? slot : e;
			else if ((*e)->users == 0 && (!oldest || (*e)->last_use < (*oldest)->last_use))
				oldest = e;
		}
		if (!oldest || n < OQZ_SHAPES_KEPT)
			return slot;
		drop(c, oldest);
	}
}

static enum oqz_status add(struct oqz_shape_cache *c, const struct oqz_shape *shape, struct oqz_shape_entry **ret,
                           struct oqz_err *err)
{
	struct oqz_shape_entry **slot = make_room(c);
	struct oqz_shape_entry *e = slot ? calloc(1, sizeof *e) : NULL;

	if (!slot)
		OQZ_FAIL(err, OQZ_E_LIMIT, "more than %d input shapes in use at once", OQZ_SHAPES_MAX);
	if (!e)
		return oqz_err_nomem(err, "input shapes", sizeof *e);
	enum oqz_status st = c->make(c->ctx, shape, &e->thing, err);
	if (st != OQZ_OK) {
		free(e);
		return st;
	}
	e->shape = *shape;
	*ret = *slot = e;
	return OQZ_OK;
}

enum oqz_status oqz_shape_cache_enter(struct oqz_shape_cache *c, const struct oqz_shape *shape,
                                      struct oqz_shape_entry **ret, struct oqz_err *err)
{
	enum oqz_status st = OQZ_OK;

	pthread_mutex_lock(&c->lock);
	struct oqz_shape_entry *e = find(c, shape);
	if (!e)
		st = add(c, shape, &e, err);
	if (st == OQZ_OK) {
		e->users++;
		e->last_use = ++c->clock;
		*ret = e;
	}
	pthread_mutex_unlock(&c->lock);
	return st;
}

void oqz_shape_cache_leave(struct oqz_shape_cache *c, struct oqz_shape_entry *e)
{
	if (!e)
		return;
	pthread_mutex_lock(&c->lock);
	e->users--;
	pthread_mutex_unlock(&c->lock);
}
