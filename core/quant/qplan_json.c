/* SPDX-License-Identifier: Apache-2.0
 *
 * Plans as JSON. Writing is our own: fixed key order, one site a line, numbers as the shortest decimal that reads back
 *to the same float32 or double, so that equal plans are equal bytes and two plans can be compared with diff. Reading
 *goes through jansson; a plan file is untrusted, so every member is checked, unknown ones are refused, and a message
 *says where.
 *
 *	{"oqz-plan": 1, "scheme": "int8:...", "calibration": "calibration:images=32,batch=1,weights=float", "sites": [
 *	{"node": "/conv1/Conv", "input": 0, "tensor": "x", "role": "activation",
 *	 "rule": "percentile q=0.9999 scope=dataset",
 *	 "grid": {"kind": "affine", "rounding": "half-even", "bits": 8, "min": -128, "max": 127},
 *	 "axis": -1, "block": 0, "scale": [0.0123]}, ...]}
 *
 * Improved plans have "constants" and "gains" behind the sites (qplan_extras.c). "dynamic" ("e8m0" or "e4m3") stands
 *before "scale" where block scales are made at run time.
 */
#include "core/quant/qplan.h"

#include "core/base/str.h"
#include "core/tensor/fakequant.h"

#include <jansson.h>
#include <stdio.h>
#include <string.h>

static const char *const roles[] = { "activation", "weight", "bias", "index", "output", NULL };
static const char *const kinds[] = { "", "affine", "minifloat", "codebook", "custom", NULL };
static const char *const specials[] = { "ieee", "fn", "fnuz", "finite", NULL };
static const char *const dynamics[] = { "", "e8m0", "e4m3", NULL };

/* ---------------------------------------------------------------------------------------------------- writing */

/* The shortest decimal whose double is nearest to this float32. */
static void add_float(struct oqz_str *out, float x)
{
	char text[40];
	double d = (double)x;

	for (int digits = 6; digits <= 9; digits++) {
		snprintf(text, sizeof text, "%.*g", digits, (double)x);
		d = strtod(text, NULL);
		if ((float)d == x)
			break;
	}
	oqz_str_add_double(out, d);
}

static void add_grid(struct oqz_str *out, const struct oqz_grid *g)
{
	oqz_str_addf(out, "{\"kind\": \"%s\"", g->kind <= OQZ_GRID_CUSTOM ? kinds[g->kind] : "");
	if (g->kind != OQZ_GRID_CUSTOM)
		oqz_str_addf(out, ", \"rounding\": \"%s\", \"bits\": %d", oqz_round_name((enum oqz_round)g->rounding),
		             g->bits);
	if (g->kind == OQZ_GRID_AFFINE) {
		oqz_str_addf(out, ", \"min\": %d, \"max\": %d", g->qmin, g->qmax);
	} else if (g->kind == OQZ_GRID_MINIFLOAT) {
		oqz_str_addf(out, ", \"exponent\": %d, \"mantissa\": %d, \"bias\": %d, \"special\": \"%s\", \"max\": ",
		             g->exp_bits, g->man_bits, g->bias, specials[g->special]);
		oqz_str_add_double(out, g->max);
	} else if (g->kind == OQZ_GRID_CODEBOOK) {
		oqz_str_add(out, ", \"values\": [");
		for (uint32_t i = 0; i < g->n_values; i++) {
			oqz_str_add(out, i ? ", " : "");
			oqz_str_add_double(out, g->values[i]);
		}
		oqz_str_add(out, "]");
	}
	oqz_str_add(out, "}");
}

static void add_site(struct oqz_str *out, const struct oqz_qplan_site *s)
{
	oqz_str_add(out, "{\"node\": ");
	oqz_str_add_json(out, s->node);
	if (s->input < 0)
		oqz_str_addf(out, ", \"output\": %d, \"tensor\": ", -1 - s->input);
	else
		oqz_str_addf(out, ", \"input\": %d, \"tensor\": ", s->input);
	oqz_str_add_json(out, s->tensor);
	oqz_str_addf(out, ", \"role\": \"%s\", \"rule\": ", roles[s->role <= OQZ_SITE_OUTPUT ? s->role : 0]);
	oqz_str_add_json(out, s->rule);
	oqz_str_add(out, ", \"grid\": ");
	add_grid(out, &s->spec.grid);
	oqz_str_addf(out, ", \"axis\": %d, \"block\": %lld", s->spec.axis, (long long)s->spec.block);
	if (s->spec.dynamic)
		oqz_str_addf(out, ", \"dynamic\": \"%s\"", dynamics[s->spec.dynamic]);
	oqz_str_add(out, ", \"scale\": [");
	for (size_t i = 0; i < s->spec.n_scale; i++) {
		oqz_str_add(out, i ? ", " : "");
		add_float(out, s->spec.scale[i]);
	}
	oqz_str_add(out, "]");
	if (s->spec.zero) {
		oqz_str_add(out, ", \"zero\": [");
		for (size_t i = 0; i < s->spec.n_scale; i++)
			oqz_str_addf(out, "%s%d", i ? ", " : "", s->spec.zero[i]);
		oqz_str_add(out, "]");
	}
	oqz_str_add(out, "}");
}

enum oqz_status oqz_qplan_to_json(const struct oqz_qplan *p, struct oqz_str *out, struct oqz_err *err)
{
	oqz_str_add(out, "{\"oqz-plan\": 1, \"scheme\": ");
	oqz_str_add_json(out, p->scheme);
	if (*p->calibration) {
		oqz_str_add(out, ", \"calibration\": ");
		oqz_str_add_json(out, p->calibration);
	}
	oqz_str_add(out, ", \"sites\": [");
	for (size_t i = 0; i < p->sites.n; i++) {
		oqz_str_add(out, i ? ",\n" : "\n");
		add_site(out, &p->sites.v[i]);
	}
	oqz_str_add(out, "\n]");
	oqz_qplan_extras_to_json(p, out);
	oqz_str_add(out, "}\n");
	if (!oqz_str_ok(out))
		return oqz_err_nomem(err, "a plan as JSON", out->len);
	return OQZ_OK;
}

/* ---------------------------------------------------------------------------------------------------- reading */

/* An object being read: members asked for are counted, so that surplus ones are noticed. */
struct obj {
	json_t *j;
	const char *what;
	size_t seen;
	struct oqz_err *err;
};

static json_t *member(struct obj *o, const char *key, bool required)
{
	json_t *v = json_object_get(o->j, key);

	o->seen += v != NULL;
	if (!v && required)
		oqz_err_set(o->err, OQZ_E_DATA, "%s has no \"%s\"", o->what, key);
	return v;
}

static enum oqz_status get_string(struct obj *o, const char *key, const char **ret)
{
	json_t *v = member(o, key, true);

	if (!v)
		return o->err->code;
	if (!json_is_string(v) || strlen(json_string_value(v)) != json_string_length(v))
		OQZ_FAIL(o->err, OQZ_E_DATA, "\"%s\" of %s is no text", key, o->what);
	*ret = json_string_value(v);
	return OQZ_OK;
}

static enum oqz_status get_int(struct obj *o, const char *key, json_int_t min, json_int_t max, json_int_t *ret)
{
	json_t *v = member(o, key, true);

	if (!v)
		return o->err->code;
	if (!json_is_integer(v) || json_integer_value(v) < min || json_integer_value(v) > max)
		OQZ_FAIL(o->err, OQZ_E_DATA, "\"%s\" of %s is no integer from %lld to %lld", key, o->what,
		         (long long)min, (long long)max);
	*ret = json_integer_value(v);
	return OQZ_OK;
}

static enum oqz_status get_int32(struct obj *o, const char *key, int32_t min, int32_t max, int32_t *ret)
{
	json_int_t v;

	OQZ_TRY(get_int(o, key, min, max, &v));
	*ret = (int32_t)v;
	return OQZ_OK;
}

static enum oqz_status get_word(struct obj *o, const char *key, const char *const *words, uint32_t *ret)
{
	const char *s;

	OQZ_TRY(get_string(o, key, &s));
	for (uint32_t i = 0; words[i]; i++) {
		if (*words[i] && !strcmp(words[i], s)) {
			*ret = i;
			return OQZ_OK;
		}
	}
	OQZ_FAIL(o->err, OQZ_E_DATA, "\"%s\" of %s cannot be \"%s\"", key, o->what, s);
}

/* A list of numbers as doubles; *ret is malloc'ed. */
static enum oqz_status get_numbers(struct obj *o, const char *key, double **ret, size_t *ret_n)
{
	json_t *v = member(o, key, true), *e;
	size_t i, n = json_array_size(v);

	if (!v)
		return o->err->code;
	if (!json_is_array(v) || n == 0)
		OQZ_FAIL(o->err, OQZ_E_DATA, "\"%s\" of %s is no list of numbers", key, o->what);
	OQZ_CLEANUP_FREE double *x = malloc(n * sizeof *x);
	if (!x)
		return oqz_err_nomem(o->err, "a list of a plan", n * sizeof *x);
	json_array_foreach(v, i, e)
	{
		if (!json_is_number(e))
			OQZ_FAIL(o->err, OQZ_E_DATA, "entry %zu of \"%s\" of %s is no number", i, key, o->what);
		x[i] = json_number_value(e);
	}
	*ret = oqz_steal(x);
	*ret_n = n;
	return OQZ_OK;
}

static enum oqz_status no_surplus(const struct obj *o)
{
	if (json_object_size(o->j) != o->seen)
		OQZ_FAIL(o->err, OQZ_E_DATA, "%s has members that are not known here", o->what);
	return OQZ_OK;
}

/* *values is malloc'ed for code books, else NULL. */
static enum oqz_status read_grid(json_t *j, struct oqz_grid *g, double **values, struct oqz_err *err)
{
	struct obj o = { .j = j, .what = "grid", .err = err };
	const char *round;
	size_t n;

	if (!json_is_object(j))
		OQZ_FAIL(err, OQZ_E_DATA, "\"grid\" is no object");
	OQZ_TRY(get_word(&o, "kind", kinds, &g->kind));
	if (g->kind == OQZ_GRID_CUSTOM)
		OQZ_FAIL(err, OQZ_E_UNSUPPORTED,
		         "a custom grid exists in its plugin only and cannot be read from a file");
	OQZ_TRY(get_string(&o, "rounding", &round));
	int r = oqz_round_by_name(round);
	if (r < 0)
		OQZ_FAIL(err, OQZ_E_DATA, "no rounding is called \"%s\"", round);
	g->rounding = (uint32_t)r;
	OQZ_TRY(get_int32(&o, "bits", 1, 32, &g->bits));
	if (g->kind == OQZ_GRID_AFFINE) {
		OQZ_TRY(get_int32(&o, "min", -(1 << 24), 1 << 24, &g->qmin));
		OQZ_TRY(get_int32(&o, "max", -(1 << 24), 1 << 24, &g->qmax));
	} else if (g->kind == OQZ_GRID_MINIFLOAT) {
		OQZ_TRY(get_int32(&o, "exponent", 1, 8, &g->exp_bits));
		OQZ_TRY(get_int32(&o, "mantissa", 0, 10, &g->man_bits));
		OQZ_TRY(get_int32(&o, "bias", -200, 200, &g->bias));
		OQZ_TRY(get_word(&o, "special", specials, &g->special));
		json_t *max = member(&o, "max", true);
		if (!json_is_number(max))
			OQZ_FAIL(err, OQZ_E_DATA, "\"max\" of grid is no number");
		g->max = json_number_value(max);
	} else {
		OQZ_TRY(get_numbers(&o, "values", values, &n));
		g->n_values = (uint32_t)n;
		g->values = *values;
	}
	return no_surplus(&o);
}

static enum oqz_status read_scales(struct obj *o, struct oqz_qspec *q, float **scale, int32_t **zero)
{
	OQZ_CLEANUP_FREE double *s = NULL;
	OQZ_CLEANUP_FREE double *z = NULL;
	size_t n_zero;

	OQZ_TRY(get_numbers(o, "scale", &s, &q->n_scale));
	*scale = malloc(q->n_scale * sizeof **scale);
	*zero = malloc(q->n_scale * sizeof **zero);
	if (!*scale || !*zero)
		return oqz_err_nomem(o->err, "scales of a plan", q->n_scale * sizeof **scale);
	for (size_t i = 0; i < q->n_scale; i++)
		(*scale)[i] = (float)s[i];
	q->scale = *scale;
	if (!json_object_get(o->j, "zero"))
		return OQZ_OK;
	OQZ_TRY(get_numbers(o, "zero", &z, &n_zero));
	if (n_zero != q->n_scale)
		OQZ_FAIL(o->err, OQZ_E_DATA, "%zu scales but %zu zero points", q->n_scale, n_zero);
	for (size_t i = 0; i < n_zero; i++) {
		if (!(z[i] >= -0x1p24 && z[i] <= 0x1p24) || z[i] != (double)(int32_t)z[i])
			OQZ_FAIL(o->err, OQZ_E_DATA, "zero point %zu is no integer within 2^24", i);
		(*zero)[i] = (int32_t)z[i];
	}
	q->zero = *zero;
	return OQZ_OK;
}

static enum oqz_status read_site(struct oqz_qplan *p, json_t *j, struct oqz_err *err)
{
	struct obj o = { .j = j, .what = "a site", .err = err };
	struct oqz_qplan_site s = { 0 };
	OQZ_CLEANUP_FREE double *values = NULL;
	OQZ_CLEANUP_FREE float *scale = NULL;
	OQZ_CLEANUP_FREE int32_t *zero = NULL;
	uint32_t role = 0;
	json_int_t block;

	if (!json_is_object(j))
		OQZ_FAIL(err, OQZ_E_DATA, "this is no object");
	OQZ_TRY(get_string(&o, "node", &s.node));
	bool output = json_object_get(j, "output") != NULL;
	OQZ_TRY(get_int32(&o, output ? "output" : "input", 0, 1 << 20, &s.input));
	s.input = output ? -1 - s.input : s.input;
	OQZ_TRY(get_string(&o, "tensor", &s.tensor));
	OQZ_TRY(get_word(&o, "role", roles, &role));
	s.role = (enum oqz_input_role)role;
	if (output != (s.role == OQZ_SITE_OUTPUT))
		OQZ_FAIL(err, OQZ_E_DATA, "\"role\" and \"%s\" contradict each other", output ? "output" : "input");
	OQZ_TRY(get_string(&o, "rule", &s.rule));
	json_t *grid = member(&o, "grid", true);
	if (!grid)
		return err->code;
	OQZ_TRY(read_grid(grid, &s.spec.grid, &values, err));
	OQZ_TRY(get_int32(&o, "axis", -1, OQZ_MAX_RANK - 1, &s.spec.axis));
	OQZ_TRY(get_int(&o, "block", 0, INT32_MAX, &block));
	s.spec.block = block;
	if (json_object_get(j, "dynamic"))
		OQZ_TRY(get_word(&o, "dynamic", dynamics, &s.spec.dynamic));
	OQZ_TRY(read_scales(&o, &s.spec, &scale, &zero));
	OQZ_TRY(no_surplus(&o));
	return oqz_qplan_add(p, &s, err);
}

static enum oqz_status read_plan(struct oqz_qplan *p, json_t *root, struct oqz_err *err)
{
	struct obj o = { .j = root, .what = "the plan", .err = err };
	json_int_t version;
	const char *scheme;
	size_t i;
	json_t *e;

	if (!json_is_object(root) || !json_object_get(root, "oqz-plan"))
		OQZ_FAIL(err, OQZ_E_DATA, "this is no plan (it has no \"oqz-plan\")");
	OQZ_TRY(get_int(&o, "oqz-plan", 1, 1, &version));
	OQZ_TRY(get_string(&o, "scheme", &scheme));
	OQZ_TRY(oqz_qplan_set_scheme(p, scheme, err));
	if (json_object_get(root, "calibration")) {
		OQZ_TRY(get_string(&o, "calibration", &scheme));
		OQZ_TRY(oqz_qplan_set_calibration(p, scheme, err));
	}
	json_t *sites = member(&o, "sites", true), *constants = member(&o, "constants", false);
	json_t *gains = member(&o, "gains", false);
	if (!json_is_array(sites))
		OQZ_FAIL(err, OQZ_E_DATA, "\"sites\" of the plan is no list");
	OQZ_TRY(no_surplus(&o));
	json_array_foreach(sites, i, e)
	{
		if (read_site(p, e, err) != OQZ_OK)
			return oqz_err_prefix(err, "site %zu", i);
	}
	return oqz_qplan_extras_from_json(p, constants, gains, err);
}

enum oqz_status oqz_qplan_from_json(const char *text, size_t size, const char *name, struct oqz_qplan **ret,
                                    struct oqz_err *err)
{
	struct oqz_err local;
	json_error_t je;
	json_t *root = json_loadb(text, size, JSON_REJECT_DUPLICATES, &je);
	OQZ_CLEANUP(oqz_qplan_free_cleanup) struct oqz_qplan *p = oqz_qplan_new();

	err = err ? err : &local;
	if (!root)
		OQZ_FAIL(err, OQZ_E_DATA, "%s:%d:%d: %s", name, je.line, je.column, je.text);
	enum oqz_status st = p ? read_plan(p, root, err) : oqz_err_nomem(err, "a plan", sizeof *p);
	json_decref(root);
	if (st != OQZ_OK)
		return oqz_err_prefix(err, "%s", name);
	*ret = oqz_steal(p);
	return OQZ_OK;
}
