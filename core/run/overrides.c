/* SPDX-License-Identifier: Apache-2.0
 *
 * See overrides.h.
 */
#include "core/run/overrides.h"

#include "core/base/params.h"
#include "core/base/str.h"
#include "core/run/selection.h"

#include <string.h>

const struct oqz_yaml *oqz_scheme_node(struct oqz_arena *a, const struct oqz_scheme_spec *scheme,
                                       const struct oqz_model_spec *model, const struct oqz_param *table)
{
	const struct oqz_yaml *at = oqz_yaml_get(model->node, "calibration");
	const char *method = model->calib_method;
	bool has = false;

	for (size_t i = 0; table && table[i].name; i++)
		has |= strcmp(table[i].name, "calibrate") == 0;
	if (!method || !has)
		return scheme->node;
	struct oqz_yaml *y = oqz_yaml_new(a, OQZ_YAML_MAP, scheme->node), *v = oqz_yaml_scalar(a, method, at);
	if (!y || !v)
		return NULL;
	for (size_t i = 0; i < scheme->node->n; i++) {
		bool old = strcmp(scheme->node->pairs[i].key, "calibrate") == 0;
		if (!old && !oqz_yaml_set(a, y, scheme->node->pairs[i].key, scheme->node->pairs[i].value))
			return NULL;
	}
	return oqz_yaml_set(a, y, "calibrate", v) ? y : NULL;
}

const struct oqz_yaml *oqz_override_params(struct oqz_arena *a, const struct oqz_yaml *scheme, size_t i)
{
	struct oqz_yaml *y = oqz_yaml_merge(a, scheme, oqz_yaml_get(scheme, "overrides")->items[i]);

	if (y)
		oqz_yaml_unset(y, "nodes");
	return y;
}

enum oqz_status oqz_override_count(const struct oqz_yaml *scheme, size_t *ret, struct oqz_err *err)
{
	const struct oqz_yaml *list = oqz_yaml_get(scheme, "overrides");
	static const char *const fixed[] = {
		"plugin", "extends", "include", "exclude", "below", "overrides", "improve"
	};

	*ret = 0;
	if (!list || list->kind == OQZ_YAML_NULL)
		return OQZ_OK;
	if (list->kind != OQZ_YAML_SEQ)
		return oqz_yaml_fail(list, err, OQZ_E_USAGE, "`overrides` must be a list of mappings");
	for (size_t i = 0; i < list->n; i++) {
		const struct oqz_yaml *o = list->items[i];
		if (o->kind != OQZ_YAML_MAP || (!oqz_yaml_get(o, "nodes") && !oqz_yaml_get(o, "ops")))
			return oqz_yaml_fail(
			    o, err, OQZ_E_USAGE,
			    "an entry of `overrides` is a mapping that says which `nodes` or `ops` it is for");
		for (size_t k = 0; k < OQZ_COUNTOF(fixed); k++)
			if (oqz_yaml_get(o, fixed[k]))
				return oqz_yaml_fail(o, err, OQZ_E_USAGE, "`overrides` cannot change `%s`", fixed[k]);
	}
	*ret = list->n;
	return OQZ_OK;
}

static enum oqz_status read_names(struct oqz_arena *a, const struct oqz_yaml *list, struct oqz_names *ret,
                                  struct oqz_err *err)
{
	const char **v;

	OQZ_TRY(oqz_yaml_strings(a, list, &v, &ret->n, err));
	ret->v = v;
	return OQZ_OK;
}

static enum oqz_status open_part(struct oqz_job *j, struct oqz_scheme *s, size_t i, struct oqz_str *canonical,
                                 struct oqz_err *err)
{
	const struct oqz_yaml *own = oqz_yaml_get(s->node, "overrides")->items[i];
	const struct oqz_yaml *merged = oqz_override_params(j->arena, s->node, i);
	struct oqz_scheme_part *p = &s->parts[i + 1];

	if (!merged)
		return oqz_err_nomem(err, "overrides", 1);
	OQZ_TRY(read_names(j->arena, oqz_yaml_get(own, "nodes"), &p->nodes, err));
	OQZ_TRY(read_names(j->arena, oqz_yaml_get(own, "ops"), &p->ops, err));
	OQZ_TRY(oqz_manifest_params(j->arena, merged, OQZ_SECTION_SCHEME, s->module->desc.base.params,
	                            oqz_arena_printf(j->arena, "overrides of scheme `%s`", s->spec->name), &p->params,
	                            err));
	oqz_str_add(canonical, ";override");
	oqz_names_canonical(" nodes=", &p->nodes, canonical);
	oqz_names_canonical(" ops=", &p->ops, canonical);
	oqz_str_add(canonical, " ");
	oqz_params_canonical(p->params, canonical);
	return OQZ_OK;
}

enum oqz_status oqz_overrides_open(struct oqz_job *j, struct oqz_scheme *s, struct oqz_str *canonical,
                                   struct oqz_err *err)
{
	size_t n;

	OQZ_TRY(oqz_override_count(s->node, &n, err));
	s->parts = calloc(n + 1, sizeof *s->parts);
	if (!s->parts)
		return oqz_err_nomem(err, "a scheme", n);
	s->n_parts = n + 1;
	s->parts[0].params = s->params;
	for (size_t i = 0; i < n; i++)
		OQZ_TRY(open_part(j, s, i, canonical, err));
	return OQZ_OK;
}

void oqz_overrides_close(struct oqz_scheme *s)
{
	for (size_t i = 0; i < s->n_parts; i++) {
		oqz_quantize_close(s->parts[i].quantize);
		oqz_graph_view_free(s->parts[i].view);
		if (i > 0)
			oqz_params_free(s->parts[i].params);
	}
	free(s->parts);
}

enum oqz_status oqz_parts_open(struct oqz_job *j, struct oqz_scheme *s, struct oqz_err *err)
{
	for (size_t i = 0; i < s->n_parts; i++) {
		struct oqz_scheme_part *p = &s->parts[i];
		OQZ_TRY(oqz_selection_view(j, s, &p->view, err));
		if (i > 0)
			oqz_graph_view_narrow(p->view, &p->nodes, &p->ops, true);
		for (size_t k = i + 1; k < s->n_parts; k++)
			oqz_graph_view_narrow(p->view, &s->parts[k].nodes, &s->parts[k].ops, false);
		OQZ_TRY(oqz_quantize_open(&s->module->desc.quantizer, &j->host.table, p->params, p->view, s->canonical,
		                          &p->quantize, err));
	}
	return OQZ_OK;
}

enum oqz_status oqz_parts_merge(const struct oqz_job *j, const struct oqz_scheme *s,
                                const struct oqz_qplan *const *plans, struct oqz_qplan **ret, struct oqz_err *err)
{
	OQZ_CLEANUP(oqz_qplan_free_cleanup) struct oqz_qplan *merged = oqz_qplan_new();
	OQZ_CLEANUP_FREE size_t *at = calloc(s->n_parts, sizeof *at);

	if (!merged || !at)
		return oqz_err_nomem(err, "a plan", s->n_parts);
	OQZ_TRY(oqz_qplan_set_scheme(merged, s->canonical, err));
	/* a node belongs to one part, and each plan is in node order */
	for (size_t n = 0; n < j->graph->nodes.n; n++)
		for (size_t i = 0; i < s->n_parts; i++)
			for (; at[i] < plans[i]->sites.n; at[i]++) {
				const struct oqz_qplan_site *site = &plans[i]->sites.v[at[i]];
				if (strcmp(site->node, j->graph->nodes.v[n]->name) != 0)
					break;
				OQZ_TRY(oqz_qplan_add(merged, site, err));
			}
	*ret = oqz_steal(merged);
	return OQZ_OK;
}
