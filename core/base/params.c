/* SPDX-License-Identifier: Apache-2.0
 *
 * Parameter sets. Every type is stored as a list (a scalar has one item), so that reading, range checks, choices and
 * the canonical text are written once. The set owns copies of all strings; only the table is borrowed.
 */
#include "core/base/params_impl.h"
#include "core/base/str.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

static void context(struct oqz_err *err, const char *where, const char *owner, const char *key)
{
	if (key)
		oqz_err_prefix(err, "%s", key);
	if (owner)
		oqz_err_prefix(err, "%s", owner);
	if (where)
		oqz_err_prefix(err, "%s", where);
}

static enum oqz_status unknown_key(const struct oqz_param *table, const char *key, struct oqz_err *err)
{
	const char *names[OQZ_PARAM_MAX_ROWS] = { NULL };
	struct oqz_str hint = { 0 };
	size_t n = oqz_param_rows(table);

	for (size_t i = 0; i < n && i < OQZ_PARAM_MAX_ROWS; i++)
		names[i] = table[i].name;
	oqz_str_add_hint(&hint, key, "it has", '\'', names, n);
	oqz_err_set(err, OQZ_E_USAGE, "unknown parameter '%s'%s", key, n ? oqz_str_get(&hint) : " (it has none)");
	oqz_str_release(&hint);
	return OQZ_E_USAGE;
}

static enum oqz_status set_value(struct oqz_params *p, const struct oqz_param_value *value, struct oqz_err *err)
{
	const struct oqz_param *row = oqz_param_row(p->table, value->key);

	if (!row)
		return unknown_key(p->table, value->key, err);
	struct oqz_param_slot *slot = &p->slots[row - p->table];
	if (slot->given)
		OQZ_FAIL(err, OQZ_E_USAGE, "given twice");
	if (value->is_list && !oqz_param_types[row->type].is_list)
		OQZ_FAIL(err, OQZ_E_USAGE, "takes one value, not a list");
	if (!value->is_list && value->n != 1)
		OQZ_FAIL(err, OQZ_E_USAGE, "has no value");
	slot->given = true;
	/* An empty scalar for a list is the empty list: `k:` in flat text, `k: ""` in YAML. */
	bool empty = oqz_param_types[row->type].is_list && !value->is_list && value->items[0][0] == 0;
	return oqz_param_read(row, value->items, empty ? 0 : value->n, slot, p->arena, err);
}

static enum oqz_status fill(struct oqz_params *p, const struct oqz_param_value *values, size_t n, const char *owner,
                            struct oqz_err *err)
{
	for (size_t i = 0; i < n; i++) {
		enum oqz_status st = set_value(p, &values[i], err);
		if (st != OQZ_OK) {
			context(err, values[i].where, owner,
			        oqz_param_row(p->table, values[i].key) ? values[i].key : NULL);
			return st;
		}
	}
	for (const struct oqz_param *r = p->table; r && r->name; r++) {
		struct oqz_param_slot *slot = &p->slots[r - p->table];
		if (slot->given)
			continue;
		enum oqz_status st;
		if (r->dflt)
			st = oqz_param_default(r, slot, p->arena, err);
		else
			st = oqz_err_set(err, OQZ_E_USAGE, "required, but not given (%s)", r->help ? r->help : "");
		if (st != OQZ_OK) {
			context(err, n ? values[0].where : NULL, owner, r->name);
			return st;
		}
	}
	return OQZ_OK;
}

static enum oqz_status params_alloc(const struct oqz_param *table, struct oqz_params **ret, struct oqz_err *err)
{
	size_t rows = oqz_param_rows(table);

	if (rows > OQZ_PARAM_MAX_ROWS)
		OQZ_FAIL(err, OQZ_E_PLUGIN, "the parameter table has no end within %d rows", OQZ_PARAM_MAX_ROWS);
	OQZ_CLEANUP(oqz_params_free_cleanup) struct oqz_params *p = calloc(1, sizeof *p);
	if (!p)
		return oqz_err_nomem(err, "a parameter set", sizeof *p);
	p->table = table;
	p->arena = oqz_arena_new();
	if (p->arena)
		p->slots = OQZ_ARENA_NEW_N(p->arena, struct oqz_param_slot, rows);
	if (!p->slots)
		return oqz_err_nomem(err, "a parameter set", rows * sizeof(struct oqz_param_slot));
	*ret = oqz_steal(p);
	return OQZ_OK;
}

enum oqz_status oqz_params_new(const struct oqz_param *table, const struct oqz_param_value *values, size_t n,
                               const char *owner, struct oqz_params **ret, struct oqz_err *err)
{
	OQZ_CLEANUP(oqz_params_free_cleanup) struct oqz_params *p = NULL;

	OQZ_TRY(params_alloc(table, &p, err));
	OQZ_TRY(fill(p, values, n, owner, err));
	*ret = oqz_steal(p);
	return OQZ_OK;
}

enum oqz_status oqz_params_parse(const struct oqz_param *table, const char *text, const char *owner,
                                 struct oqz_params **ret, struct oqz_err *err)
{
	OQZ_CLEANUP(oqz_params_free_cleanup) struct oqz_params *p = NULL;
	const char *const *pairs;
	size_t n;

	OQZ_TRY(params_alloc(table, &p, err));
	if (!oqz_text_split(text, ',', false, p->arena, &pairs, &n))
		return oqz_err_nomem(err, "parameters", strlen(text));
	struct oqz_param_value *values = OQZ_ARENA_NEW_N(p->arena, struct oqz_param_value, n);
	if (!values)
		return oqz_err_nomem(err, "parameters", n * sizeof *values);
	for (size_t i = 0; i < n; i++) {
		const char *eq = strchr(pairs[i], '=');
		char *key = eq ? oqz_arena_strndup(p->arena, pairs[i], (size_t)(eq - pairs[i])) : NULL;
		if (!eq) {
			oqz_err_set(err, OQZ_E_USAGE, "'%s' is not key=value", pairs[i]);
			context(err, NULL, owner, NULL);
			return OQZ_E_USAGE;
		}
		const struct oqz_param *row = key ? oqz_param_row(table, key) : NULL;
		if (!key || !oqz_param_split(row, eq + 1, p->arena, &values[i].items, &values[i].n))
			return oqz_err_nomem(err, "parameters", strlen(text));
		values[i].key = key;
		values[i].is_list = row && oqz_param_types[row->type].is_list;
	}
	OQZ_TRY(fill(p, values, n, owner, err));
	*ret = oqz_steal(p);
	return OQZ_OK;
}

void oqz_params_free(struct oqz_params *p)
{
	if (!p)
		return;
	oqz_arena_free(p->arena);
	free(p);
}

const char *oqz_params_flat_key(const struct oqz_param *table, const char *outer, const char *inner)
{
	size_t n = strlen(outer);

	for (const struct oqz_param *r = table; r && r->name; r++)
		if (strncmp(r->name, outer, n) == 0 && r->name[n] == '_' && strcmp(r->name + n + 1, inner) == 0)
			return r->name;
	bool itself = strcmp(inner, "method") == 0 || strcmp(inner, "value") == 0;
	const struct oqz_param *row = itself ? oqz_param_row(table, outer) : NULL;
	if (!row)
		row = oqz_param_row(table, inner);
	return row ? row->name : NULL;
}

/* -------------------------------------------------------------------------------------------------- access */

/* Like assert(): the caller asks for what its own table does not say. Prints, because nobody above can. */
static const struct oqz_param_slot *get(const struct oqz_params *p, const char *name, enum oqz_param_type a,
                                        enum oqz_param_type b)
{
	const struct oqz_param *row = oqz_param_row(p->table, name);

	if (row && (row->type == a || row->type == b))
		return &p->slots[row - p->table];
	fprintf(stderr, "oqz: parameter '%s' is read as %s, but its table %s%s\n", name, oqz_param_types[a].name,
	        row ? "says " : "lacks it", row ? oqz_param_types[row->type].name : "");
	abort();
}

bool oqz_params_bool(const struct oqz_params *p, const char *name)
{
	return get(p, name, OQZ_P_BOOL, OQZ_P_BOOL)->v.ints[0] != 0;
}

int64_t oqz_params_int(const struct oqz_params *p, const char *name)
{
	return get(p, name, OQZ_P_INT, OQZ_P_INT)->v.ints[0];
}

double oqz_params_float(const struct oqz_params *p, const char *name)
{
	return get(p, name, OQZ_P_FLOAT, OQZ_P_FLOAT)->v.floats[0];
}

const char *oqz_params_string(const struct oqz_params *p, const char *name)
{
	return get(p, name, OQZ_P_STRING, OQZ_P_PATH)->v.strings[0];
}

size_t oqz_params_ints(const struct oqz_params *p, const char *name, const int64_t **ret)
{
	const struct oqz_param_slot *s = get(p, name, OQZ_P_INTS, OQZ_P_INTS);

	*ret = s->v.ints;
	return s->n;
}

size_t oqz_params_floats(const struct oqz_params *p, const char *name, const double **ret)
{
	const struct oqz_param_slot *s = get(p, name, OQZ_P_FLOATS, OQZ_P_FLOATS);

	*ret = s->v.floats;
	return s->n;
}

size_t oqz_params_strings(const struct oqz_params *p, const char *name, const char *const **ret)
{
	const struct oqz_param_slot *s = get(p, name, OQZ_P_STRINGS, OQZ_P_STRINGS);

	*ret = s->v.strings;
	return s->n;
}

static void add_escaped(struct oqz_str *out, const char *s)
{
	for (; *s; s++) {
		if (strchr(",:\\", *s))
			oqz_str_add(out, "\\");
		oqz_str_addn(out, s, 1);
	}
}

static int by_name(const void *a, const void *b)
{
	const struct oqz_param *const *x = a, *const *y = b;

	return strcmp((*x)->name, (*y)->name);
}

void oqz_params_canonical(const struct oqz_params *p, struct oqz_str *out) { oqz_params_text(p, NULL, NULL, out); }

void oqz_params_text(const struct oqz_params *p, oqz_params_path_fn *path, void *ctx, struct oqz_str *out)
{
	const struct oqz_param *rows[OQZ_PARAM_MAX_ROWS];
	size_t n = oqz_param_rows(p->table);

	for (size_t i = 0; i < n; i++)
		rows[i] = &p->table[i];
	qsort(rows, n, sizeof rows[0], by_name);
	for (size_t i = 0; i < n; i++) {
		const struct oqz_param_slot *s = &p->slots[rows[i] - p->table];
		oqz_str_addf(out, "%s%s=", i ? "," : "", rows[i]->name);
		for (size_t k = 0; k < s->n; k++) {
			if (k)
				oqz_str_add(out, ":");
			switch (oqz_param_types[rows[i]->type].item) {
			case OQZ_ITEM_BOOL: oqz_str_add(out, s->v.ints[k] ? "true" : "false"); break;
			case OQZ_ITEM_INT: oqz_str_addf(out, "%" PRId64, s->v.ints[k]); break;
			case OQZ_ITEM_FLOAT: oqz_str_add_double(out, s->v.floats[k]); break;
			case OQZ_ITEM_STRING:
				add_escaped(out, path && rows[i]->type == OQZ_P_PATH ? path(ctx, s->v.strings[k])
				                                                     : s->v.strings[k]);
				break;
			}
		}
	}
}
