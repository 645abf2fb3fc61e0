/* SPDX-License-Identifier: Apache-2.0
 *
 * Plans in memory: everything in one arena, each site copied deeply and brought to one form (no zero points instead of
 * all 0), so that equal decisions have equal JSON and equal hashes.
 */
#include "core/quant/qplan.h"

#include "core/base/hash.h"
#include "core/base/str.h"

#include <string.h>

struct oqz_qplan *oqz_qplan_new(void)
{
	struct oqz_qplan *p = calloc(1, sizeof *p);

	if (!p)
		return NULL;
	p->arena = oqz_arena_new();
	p->scheme = p->calibration = "";
	if (!p->arena) {
		free(p);
		return NULL;
	}
	return p;
}

void oqz_qplan_free(struct oqz_qplan *p)
{
	if (!p)
		return;
	oqz_vec_release(&p->sites);
	oqz_vec_release(&p->gains);
	for (size_t i = 0; i < p->constants.n; i++)
		oqz_tensor_release(&p->constants.v[i].value);
	oqz_vec_release(&p->constants);
	oqz_arena_free(p->arena);
	free(p);
}

static bool all_zero(const int32_t *z, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (z[i] != 0)
			return false;
	}
	return true;
}

/* Copies what `from` points to; false when out of memory. */
static bool copy_spec(struct oqz_arena *a, struct oqz_qspec *to, const struct oqz_qspec *from)
{
	*to = *from;
	if (from->grid.kind == OQZ_GRID_CUSTOM) {
		to->n_scale = 0;
		to->scale = NULL;
		to->zero = NULL;
		return true;
	}
	to->fake_quantize = NULL;
	to->ctx = NULL;
	to->scale = oqz_arena_dup(a, from->scale, from->n_scale * sizeof *from->scale);
	to->zero = NULL;
	if (from->zero && !all_zero(from->zero, from->n_scale)) {
		to->zero = oqz_arena_dup(a, from->zero, from->n_scale * sizeof *from->zero);
		if (!to->zero)
			return false;
	}
	if (from->grid.kind == OQZ_GRID_CODEBOOK) {
		to->grid.values = oqz_arena_dup(a, from->grid.values, from->grid.n_values * sizeof *from->grid.values);
		if (!to->grid.values)
			return false;
	}
	return to->scale != NULL;
}

enum oqz_status oqz_qplan_add(struct oqz_qplan *p, const struct oqz_qplan_site *site, struct oqz_err *err)
{
	static const struct oqz_shape unknown = { .rank = -1 };
	struct oqz_qplan_site s = *site;

	if (oqz_qspec_check(&site->spec, &unknown, err) != OQZ_OK)
		return oqz_err_prefix(err, "node '%s', %s %d", site->node, site->input < 0 ? "output" : "input",
		                      site->input < 0 ? -1 - site->input : site->input);
	s.node = oqz_arena_strdup(p->arena, site->node);
	s.tensor = oqz_arena_strdup(p->arena, site->tensor);
	s.rule = oqz_arena_strdup(p->arena, site->rule ? site->rule : "");
	if (!s.node || !s.tensor || !s.rule || !copy_spec(p->arena, &s.spec, &site->spec) ||
	    !oqz_vec_push(&p->sites, s))
		return oqz_err_nomem(err, "a site of a plan", site->spec.n_scale * sizeof(float));
	return OQZ_OK;
}

bool oqz_qplan_is_custom(const struct oqz_qplan *p)
{
	for (size_t i = 0; i < p->sites.n; i++)
		if (p->sites.v[i].spec.grid.kind == OQZ_GRID_CUSTOM)
			return true;
	return false;
}

static enum oqz_status set_text(struct oqz_qplan *p, const char **to, const char *text, struct oqz_err *err)
{
	const char *copy = oqz_arena_strdup(p->arena, text);

	if (!copy)
		return oqz_err_nomem(err, "a plan", strlen(text));
	*to = copy;
	return OQZ_OK;
}

enum oqz_status oqz_qplan_set_scheme(struct oqz_qplan *p, const char *scheme, struct oqz_err *err)
{
	return set_text(p, &p->scheme, scheme, err);
}

enum oqz_status oqz_qplan_set_calibration(struct oqz_qplan *p, const char *calibration, struct oqz_err *err)
{
	return set_text(p, &p->calibration, calibration, err);
}

enum oqz_status oqz_qplan_hash(const struct oqz_qplan *p, char hex[65], struct oqz_err *err)
{
	struct oqz_str json = { 0 };
	struct oqz_sha256 h;
	enum oqz_status st = oqz_qplan_to_json(p, &json, err);

	if (st == OQZ_OK) {
		oqz_sha256_init(&h);
		oqz_sha256_add(&h, json.s, json.len);
		oqz_sha256_hex(&h, hex);
	}
	oqz_str_release(&json);
	return st;
}
