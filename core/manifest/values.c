/* SPDX-License-Identifier: Apache-2.0
 *
 * From a mapping in the manifest to a plugin's typed parameters: flattening of nested mappings, and paths made relative
 * to the file they stand in.
 */
#include "core/base/file.h"
#include "core/base/str.h"
#include "core/manifest/source.h"

#include <string.h>

static const struct oqz_param *row_of(const struct oqz_param *table, const char *name)
{
	for (; table && table->name; table++)
		if (strcmp(table->name, name) == 0)
			return table;
	return NULL;
}

static const char *resolve(struct oqz_arena *a, const struct oqz_yaml *y, const struct oqz_param *row)
{
	if (!row || row->type != OQZ_P_PATH || !*y->scalar)
		return y->scalar;
	return oqz_path_join(a, oqz_path_dir(a, y->file), y->scalar);
}

static enum oqz_status one_value(struct oqz_arena *a, const struct oqz_yaml *y, const char *key,
                                 const struct oqz_param *table, struct oqz_param_value *ret, struct oqz_err *err)
{
	size_t n = y->kind == OQZ_YAML_SEQ ? y->n : y->kind == OQZ_YAML_NULL ? 0 : 1;
	const char **items = OQZ_ARENA_NEW_N(a, const char *, n + 1);
	const struct oqz_param *row = row_of(table, key);

	if (!items)
		return oqz_err_nomem(err, key, n);
	for (size_t i = 0; i < n; i++) {
		const struct oqz_yaml *s = y->kind == OQZ_YAML_SEQ ? y->items[i] : y;
		if (s->kind != OQZ_YAML_SCALAR)
			return oqz_yaml_fail(s, err, OQZ_E_USAGE, "`%s` takes plain values", key);
		if (!(items[i] = resolve(a, s, row)))
			return oqz_err_nomem(err, key, 1);
	}
	*ret = (struct oqz_param_value) {
		.key = key, .items = items, .n = n, .is_list = y->kind == OQZ_YAML_SEQ, .where = oqz_yaml_where(a, y)
	};
	return OQZ_OK;
}

enum oqz_status oqz_manifest_values(struct oqz_arena *a, const struct oqz_yaml *map, enum oqz_manifest_section section,
                                    const struct oqz_param *table, struct oqz_param_value **ret, size_t *ret_n,
                                    struct oqz_err *err)
{
	size_t max = 0, n = 0;

	if (!map || map->kind == OQZ_YAML_NULL) {
		*ret = NULL;
		*ret_n = 0;
		return OQZ_OK;
	}
	if (map->kind != OQZ_YAML_MAP)
		return oqz_yaml_fail(map, err, OQZ_E_USAGE, "a mapping of parameters is expected here");
	for (size_t i = 0; i < map->n; i++)
		max += map->pairs[i].value->kind == OQZ_YAML_MAP ? map->pairs[i].value->n : 1;
	struct oqz_param_value *v = OQZ_ARENA_NEW_N(a, struct oqz_param_value, max + 1);
	if (!v)
		return oqz_err_nomem(err, "parameters", max);
	for (size_t i = 0; i < map->n; i++) {
		const struct oqz_yaml_pair *p = &map->pairs[i];
		if (oqz_schema_has(section, p->key))
			continue;
		if (p->value->kind != OQZ_YAML_MAP) {
			OQZ_TRY(one_value(a, p->value, p->key, table, &v[n++], err));
			continue;
		}
		for (size_t j = 0; j < p->value->n; j++) {
			const struct oqz_yaml_pair *q = &p->value->pairs[j];
			const char *key = oqz_params_flat_key(table, p->key, q->key);
			if (!key)
				return oqz_yaml_fail(q->value, err, OQZ_E_USAGE, "unknown parameter `%s.%s`", p->key,
				                     q->key);
			OQZ_TRY(one_value(a, q->value, key, table, &v[n++], err));
		}
	}
	*ret = v;
	*ret_n = n;
	return OQZ_OK;
}

enum oqz_status oqz_manifest_params(struct oqz_arena *a, const struct oqz_yaml *map, enum oqz_manifest_section section,
                                    const struct oqz_param *table, const char *owner, struct oqz_params **ret,
                                    struct oqz_err *err)
{
	struct oqz_param_value *v;
	size_t n;

	OQZ_TRY(oqz_manifest_values(a, map, section, table, &v, &n, err));
	return oqz_params_new(table, v, n, owner, ret, err);
}
