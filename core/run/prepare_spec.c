/* SPDX-License-Identifier: Apache-2.0
 *
 * Presets are YAML files `steps: [...]`, looked for in $OQZ_PRESET_PATH and then where the program is installed.
 */
#include "core/run/prepare_spec.h"
#include "core/base/file.h"
#include "core/base/installed.h"
#include "core/manifest/manifest.h"

#include <string.h>
#include <unistd.h>

static enum oqz_status step_from_yaml(struct oqz_arena *a, const struct oqz_yaml *y, struct oqz_step_spec *ret,
                                      struct oqz_err *err)
{
	ret->where = oqz_yaml_where(a, y);
	if (y->kind == OQZ_YAML_SCALAR) {
		ret->name = y->scalar;
		return OQZ_OK;
	}
	if (y->kind != OQZ_YAML_MAP || y->n != 1)
		return oqz_yaml_fail(y, err, OQZ_E_USAGE,
		                     "a step is `- name`, `- name: value` or `- name: {parameter: value}`");
	const struct oqz_yaml *v = y->pairs[0].value;
	ret->name = y->pairs[0].key;
	const struct oqz_step_kind *info = oqz_step_find(ret->name);
	if (!info)
		return OQZ_OK; /* oqz_prepare_new names it, with a near match */
	if (v->kind != OQZ_YAML_MAP && v->kind != OQZ_YAML_NULL) {
		if (!info->main)
			return oqz_yaml_fail(v, err, OQZ_E_USAGE, "step `%s` takes a mapping of parameters", ret->name);
		struct oqz_yaml *map = oqz_yaml_new(a, OQZ_YAML_MAP, v);
		if (!map || !oqz_yaml_set(a, map, info->main, (struct oqz_yaml *)v))
			return oqz_err_nomem(err, ret->name, 1);
		v = map;
	}
	struct oqz_param_value *values;
	OQZ_TRY(oqz_manifest_values(a, v, OQZ_SECTION_NONE, info->params, &values, &ret->n, err));
	ret->values = values;
	return OQZ_OK;
}

static enum oqz_status from_list(struct oqz_arena *a, const struct oqz_yaml *list, const char *owner,
                                 struct oqz_prepare **ret, struct oqz_err *err)
{
	size_t n = list->kind == OQZ_YAML_NULL ? 0 : list->n;
	struct oqz_step_spec *steps = OQZ_ARENA_NEW_N(a, struct oqz_step_spec, n + 1);

	if (!steps)
		return oqz_err_nomem(err, owner, n);
	for (size_t i = 0; i < n; i++)
		OQZ_TRY(step_from_yaml(a, list->items[i], &steps[i], err));
	return oqz_prepare_new(steps, n, owner, ret, err);
}

static enum oqz_status from_file(struct oqz_arena *a, const char *path, const char *name, struct oqz_prepare **ret,
                                 struct oqz_err *err)
{
	struct oqz_yaml *y;

	OQZ_TRY(oqz_yaml_load(a, path, &y, err));
	const struct oqz_yaml *steps = y->kind == OQZ_YAML_SEQ ? y : oqz_yaml_get(y, "steps");
	if (!steps || (steps->kind != OQZ_YAML_SEQ && steps->kind != OQZ_YAML_NULL))
		return oqz_yaml_fail(y, err, OQZ_E_USAGE,
		                     "a preset is a list of steps, with or without `steps:` in front");
	return from_list(a, steps, oqz_arena_printf(a, "preset %s", name), ret, err);
}

/* The first existing <folder>/<name>.yaml, or NULL. */
static const char *find_preset(struct oqz_arena *a, const char *name)
{
	const char *path = getenv("OQZ_PRESET_PATH");

	for (const char *p = path ? path : ""; *p;) {
		size_t n = strcspn(p, ":");
		const char *file = oqz_arena_printf(a, "%.*s/%s.yaml", (int)n, p, name);
		if (n && file && access(file, R_OK) == 0)
			return file;
		p += n + (p[n] == ':');
	}
	const char *data = oqz_installed(a, OQZ_BINDIR, OQZ_DATADIR);
	const char *file = data ? oqz_arena_printf(a, "%s/presets/%s.yaml", data, name) : NULL;
	return file && access(file, R_OK) == 0 ? file : NULL;
}

enum oqz_status oqz_prepare_from_yaml(struct oqz_arena *a, const struct oqz_yaml *node, struct oqz_prepare **ret,
                                      struct oqz_err *err)
{
	if (!node || node->kind == OQZ_YAML_NULL)
		return oqz_prepare_new(NULL, 0, "prepare", ret, err);
	if (node->kind == OQZ_YAML_SEQ)
		return from_list(a, node, "prepare", ret, err);
	if (node->kind != OQZ_YAML_SCALAR)
		return oqz_yaml_fail(node, err, OQZ_E_USAGE, "`prepare` is a list of steps or the name of a preset");
	if (strchr(node->scalar, '/'))
		return from_file(a, oqz_path_join(a, oqz_path_dir(a, node->file), node->scalar), node->scalar, ret,
		                 err);
	const char *file = find_preset(a, node->scalar);
	if (!file)
		return oqz_yaml_fail(node, err, OQZ_E_USAGE,
		                     "there is no preset `%s` (in OQZ_PRESET_PATH or %s/presets)", node->scalar,
		                     OQZ_DATADIR);
	return from_file(a, file, node->scalar, ret, err);
}

enum oqz_status oqz_prepare_from_name(const char *name, struct oqz_prepare **ret, struct oqz_err *err)
{
	OQZ_CLEANUP(oqz_arena_free_cleanup) struct oqz_arena *a = oqz_arena_new();

	if (!a)
		return oqz_err_nomem(err, name, 1);
	bool is_file = strcmp(name, "-") == 0 || strchr(name, '/') || access(name, R_OK) == 0;
	const char *file = is_file ? name : find_preset(a, name);
	if (!file)
		OQZ_FAIL(err, OQZ_E_USAGE, "there is no file or preset `%s` (presets: OQZ_PRESET_PATH or %s/presets)",
		         name, OQZ_DATADIR);
	return from_file(a, file, name, ret, err);
}
