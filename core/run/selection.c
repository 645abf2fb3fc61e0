/* SPDX-License-Identifier: Apache-2.0
 *
 * Combining two selections; see selection.h for the rule.
 */
#include "core/run/selection.h"

#include "core/base/str.h"

#include <string.h>

void oqz_names_canonical(const char *key, const struct oqz_names *names, struct oqz_str *out)
{
	for (size_t i = 0; i < names->n; i++) {
		oqz_str_add(out, i ? ":" : key);
		if (strpbrk(names->v[i], ":;\""))
			oqz_str_add_json(out, names->v[i]);
		else
			oqz_str_add(out, names->v[i]);
	}
}

enum oqz_status oqz_selection_canonical(struct oqz_arena *a, const struct oqz_selection_spec *s, struct oqz_str *out,
                                        struct oqz_err *err)
{
	const struct {
		const char *key;
		const struct oqz_yaml *list;
	} lists[] = {
		{ ";ops=", s->ops }, { ";include=", s->include }, { ";exclude=", s->exclude }, { ";below=", s->below }
	};

	for (size_t i = 0; i < OQZ_COUNTOF(lists); i++) {
		struct oqz_names names = { 0 };
		OQZ_TRY(oqz_yaml_strings(a, lists[i].list, (const char ***)&names.v, &names.n, err));
		oqz_names_canonical(lists[i].key, &names, out);
	}
	return OQZ_OK;
}

static enum oqz_status join(struct oqz_arena *a, const struct oqz_yaml *first, const struct oqz_yaml *second,
                            struct oqz_names *ret, struct oqz_err *err)
{
	const char **x, **y;
	size_t nx, ny;

	OQZ_TRY(oqz_yaml_strings(a, first, &x, &nx, err));
	OQZ_TRY(oqz_yaml_strings(a, second, &y, &ny, err));
	const char **v = OQZ_ARENA_NEW_N(a, const char *, nx + ny + 1);
	if (!v)
		return oqz_err_nomem(err, "a selection", nx + ny);
	memcpy(v, x, nx * sizeof *v);
	memcpy(v + nx, y, ny * sizeof *v);
	*ret = (struct oqz_names) { .v = v, .n = nx + ny };
	return OQZ_OK;
}

static bool has_entries(const struct oqz_yaml *list)
{
	return list && (list->kind == OQZ_YAML_SCALAR || (list->kind == OQZ_YAML_SEQ && list->n > 0));
}

static bool is_edit(const struct oqz_yaml *list)
{
	const struct oqz_yaml *y = list->kind == OQZ_YAML_SEQ ? list->items[0] : list;

	return y->kind == OQZ_YAML_SCALAR && (y->scalar[0] == '+' || y->scalar[0] == '-');
}

enum oqz_status oqz_selection_view(struct oqz_job *j, const struct oqz_scheme *s, struct oqz_graph_view **ret,
                                   struct oqz_err *err)
{
	const struct oqz_selection_spec *scheme = &s->spec->select, *model = &j->spec->model->quantize;
	struct oqz_selection sel = { 0 };

	if (has_entries(model->ops) && is_edit(model->ops) && has_entries(scheme->ops) && !is_edit(scheme->ops))
		OQZ_TRY(join(j->arena, oqz_yaml_merge(j->arena, scheme->ops, model->ops), NULL, &sel.ops, err));
	else if (has_entries(model->ops))
		OQZ_TRY(join(j->arena, is_edit(model->ops) ? scheme->ops : NULL, model->ops, &sel.ops, err));
	else
		OQZ_TRY(join(j->arena, scheme->ops, NULL, &sel.ops, err));
	OQZ_TRY(
	    join(j->arena, has_entries(model->include) ? model->include : scheme->include, NULL, &sel.include, err));
	OQZ_TRY(join(j->arena, scheme->exclude, model->exclude, &sel.exclude, err));
	OQZ_TRY(join(j->arena, scheme->below, model->below, &sel.below, err));
	return oqz_graph_view_new(OQZ_SCHEME_BASE(j, s), &sel, ret, err);
}
