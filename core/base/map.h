/* SPDX-License-Identifier: Apache-2.0
 *
 * Hash map from strings to pointers. Keys are borrowed: they must outlive the map. Iteration is not offered; whoever
 * needs an order keeps a vector beside the map, so that no result can depend on hashing.
 */
#ifndef OQZ_BASE_MAP_H
#define OQZ_BASE_MAP_H

#include "core/base/compiler.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct oqz_map_slot {
	const char *key;
	void *value;
	uint64_t hash;
};

struct oqz_map {
	struct oqz_map_slot *slots;
	size_t n, cap;
};

/* NULL when absent. */
void *oqz_map_get(const struct oqz_map *m, const char *key);
bool oqz_map_has(const struct oqz_map *m, const char *key);
/* Adds or replaces; false when out of memory. */
bool oqz_map_set(struct oqz_map *m, const char *key, void *value);
void oqz_map_release(struct oqz_map *m);

#endif
