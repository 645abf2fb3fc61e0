/* SPDX-License-Identifier: Apache-2.0
 *
 * Which keys exist where (schema.def), and the check of one mapping against them.
 */
#include "core/base/str.h"
#include "core/manifest/source.h"

#include <string.h>

enum kind { S, L, M, A };

static const struct {
	enum oqz_manifest_section section;
	const char *key;
	enum kind kind;
} keys[] = {
#define OQZ_KEY(section, key, kind) { OQZ_SECTION_##section, key, kind },
#include "core/manifest/schema.def"
#undef OQZ_KEY
};

bool oqz_schema_has(enum oqz_manifest_section section, const char *key)
{
	for (size_t i = 0; i < OQZ_COUNTOF(keys); i++)
		if (keys[i].section == section && strcmp(keys[i].key, key) == 0)
			return true;
	return false;
}

static bool kind_fits(enum kind k, const struct oqz_yaml *v)
{
	switch (k) {
	case S: return v->kind == OQZ_YAML_SCALAR;
	case L: return v->kind == OQZ_YAML_SEQ || v->kind == OQZ_YAML_SCALAR || v->kind == OQZ_YAML_NULL;
	case M: return v->kind == OQZ_YAML_MAP || v->kind == OQZ_YAML_NULL;
	case A: return true;
	}
	return false;
}

static enum oqz_status unknown_key(const struct oqz_yaml *map, const struct oqz_yaml_pair *p,
                                   enum oqz_manifest_section section, const char *what, struct oqz_err *err)
{
	const char *known[OQZ_COUNTOF(keys)];
	size_t n = 0;

	for (size_t i = 0; i < OQZ_COUNTOF(keys); i++)
		if (keys[i].section == section)
			known[n++] = keys[i].key;
	struct oqz_str hint = { 0 };
	oqz_str_add_hint(&hint, p->key, "it may have", '`', known, n);
	oqz_err_set(err, OQZ_E_USAGE, "%s:%d:%d: unknown key `%s` in %s%s", map->file,
	            p->line > 0 ? p->line : map->line, p->line > 0 ? p->column : map->column, p->key, what,
	            oqz_str_get(&hint));
	oqz_str_release(&hint);
	return OQZ_E_USAGE;
}

enum oqz_status oqz_schema_check(const struct oqz_yaml *map, enum oqz_manifest_section section, bool open,
                                 const char *what, struct oqz_err *err)
{
	static const char *const expected[] = { "a single value", "a list", "a mapping", "anything" };

	if (map->kind != OQZ_YAML_MAP)
		return oqz_yaml_fail(map, err, OQZ_E_USAGE, "%s must be a mapping of keys to values", what);
	for (size_t i = 0; i < map->n; i++) {
		const struct oqz_yaml_pair *p = &map->pairs[i];
		size_t k = 0;
		while (k < OQZ_COUNTOF(keys) && (keys[k].section != section || strcmp(keys[k].key, p->key) != 0))
			k++;
		if (k == OQZ_COUNTOF(keys)) {
			if (!open)
				return unknown_key(map, p, section, what, err);
		} else if (!kind_fits(keys[k].kind, p->value)) {
			return oqz_yaml_fail(p->value, err, OQZ_E_USAGE, "`%s` of %s must be %s", p->key, what,
			                     expected[keys[k].kind]);
		}
	}
	return OQZ_OK;
}
