/* SPDX-License-Identifier: Apache-2.0
 *
 * Open addressing with linear probing, at most half full; nothing is ever removed, so no tombstones are needed.
 */
#include "core/base/map.h"
#include "core/base/hash.h"

#include <string.h>

static struct oqz_map_slot *find(const struct oqz_map *m, const char *key, uint64_t hash)
{
	for (size_t i = hash & (m->cap - 1);; i = (i + 1) & (m->cap - 1)) {
		struct oqz_map_slot *s = &m->slots[i];
		if (!s->key || (s->hash == hash && strcmp(s->key, key) == 0))
			return s;
	}
}

static const struct oqz_map_slot *lookup(const struct oqz_map *m, const char *key)
{
	if (!m->cap)
		return NULL;
	const struct oqz_map_slot *s = find(m, key, oqz_hash64(key, strlen(key)));
	return s->key ? s : NULL;
}

void *oqz_map_get(const struct oqz_map *m, const char *key)
{
	const struct oqz_map_slot *s = lookup(m, key);

	return s ? s->value : NULL;
}

bool oqz_map_has(const struct oqz_map *m, const char *key) { return lookup(m, key) != NULL; }

static bool grow(struct oqz_map *m)
{
	struct oqz_map bigger = { .cap = m->cap ? m->cap * 2 : 16, .n = m->n };

	bigger.slots = calloc(bigger.cap, sizeof *bigger.slots);
	if (!bigger.slots)
		return false;
	for (size_t i = 0; i < m->cap; i++)
		if (m->slots[i].key)
			*find(&bigger, m->slots[i].key, m->slots[i].hash) = m->slots[i];
	free(m->slots);
	*m = bigger;
	return true;
}

bool oqz_map_set(struct oqz_map *m, const char *key, void *value)
{
	if (m->n * 2 >= m->cap && !grow(m))
		return false;
	uint64_t hash = oqz_hash64(key, strlen(key));
	struct oqz_map_slot *s = find(m, key, hash);
	m->n += !s->key;
	*s = (struct oqz_map_slot) { .key = key, .value = value, .hash = hash };
	return true;
}

void oqz_map_release(struct oqz_map *m)
{
	free(m->slots);
	memset(m, 0, sizeof *m);
}
