/* SPDX-License-Identifier: Apache-2.0
 *
 * Things that are made once per input shape (programs, lane sets) and shared by workers. A few unused ones are kept:
 * data sets with one size need one, data sets with a size per image come back to the same few.
 */
#ifndef OQZ_RUN_SHAPE_CACHE_H
#define OQZ_RUN_SHAPE_CACHE_H

#include "core/tensor/tensor.h"
#include <pthread.h>

enum { OQZ_SHAPES_KEPT = 4, OQZ_SHAPES_MAX = 1024 };

struct oqz_shape_entry {
	struct oqz_shape shape;
	void *thing;
	int users;
	uint64_t last_use;
};

struct oqz_shape_cache {
	enum oqz_status (*make)(void *ctx, const struct oqz_shape *shape, void **ret, struct oqz_err *err);
	void (*destroy)(void *thing);
	void *ctx;
	pthread_mutex_t lock;
	struct oqz_shape_entry *entries[OQZ_SHAPES_MAX]; /* NULL: free; an entry in use by a worker is never dropped */
	uint64_t clock;
};

/* Empty; make, destroy and ctx are the caller's to set. Nobody uses an entry when it is released. */
void oqz_shape_cache_init(struct oqz_shape_cache *c);
void oqz_shape_cache_release(struct oqz_shape_cache *c);
/* Finds or makes the thing for a shape and counts the caller as a user. Making is serialised: a second worker waits and
 * finds the first one's. */
enum oqz_status oqz_shape_cache_enter(struct oqz_shape_cache *c, const struct oqz_shape *shape,
                                      struct oqz_shape_entry **ret, struct oqz_err *err);
/* NULL is fine. */
void oqz_shape_cache_leave(struct oqz_shape_cache *c, struct oqz_shape_entry *e);

#endif
