/* SPDX-License-Identifier: Apache-2.0
 *
 * Parameter sets. Every type is stored as a list (a scalar has one item), so that reading, range checks, choices and
 * the canonical text are written once. The set owns copies of all strings; only the table is borrowed.
 */
#include "core/base/params.h"
#include "core/base/arena.h"
#include "core/base/str.h"
#include "core/base/vec.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

enum { MAX_ROWS = 512, MAX_ITEMS = 1 << 20 };

struct slot {
	bool given;
	size_t n;
	union {
		const int64_t *ints; /* INT, INTS, BOOL (0 or 1) */
		const double *floats;
		const char *const *strings;
		const void *any;
	} v;
};

struct oqz_params {
	const struct oqz_param *table;
	struct slot *slots;
	struct oqz_arena *arena;
};

/* What a type is made of. */
enum item { ITEM_BOOL, ITEM_INT, ITEM_FLOAT, ITEM_STRING };
static const struct {
	const char *name, *a_value;
	enum item item;
	bool is_list;
} types[] = {
	[OQZ_P_BOOL] = { "bool", "true or false", ITEM_BOOL, false },
	[OQZ_P_INT] = { "int", "a whole number", ITEM_INT, false },
	[OQZ_P_FLOAT] = { "float", "a number", ITEM_FLOAT, false },
	[OQZ_P_STRING] = { "string", "a word", ITEM_STRING, false },
	[OQZ_P_PATH] = { "path", "a path", ITEM_STRING, false },
	[OQZ_P_INTS] = { "ints", "a whole number", ITEM_INT, true },
	[OQZ_P_FLOATS] = { "floats", "a number", ITEM_FLOAT, true },
	[OQZ_P_STRINGS] = { "strings", "a word", ITEM_STRING, true },
};

const char *oqz_param_type_name(enum oqz_param_type type)
{
	return (unsigned)type < OQZ_COUNTOF(types) ? types[type].name : NULL;
}

static size_t table_rows(const struct oqz_param *table)
{
	size_t n = 0;

	while (table && n <= MAX_ROWS && table[n].name)
		n++;
	return n;
}

static const struct oqz_param *find_row(const struct oqz_param *table, const char *name)
{
	for (const struct oqz_param *r = table; r && r->name; r++)
		if (strcmp(r->name, name) == 0)
			return r;
	return NULL;
}

/* -------------------------------------------------------------------------------------------------- one item */

static bool parse_bool(const char *s, int64_t *ret)
{
	static const char *const words[][6] = {
		{ "false", "False", "FALSE", "no", "off", "0" },
		{ "true", "True", "TRUE", "yes", "on", "1" },
	};

	for (int b = 0; b < 2; b++)
		for (size_t i = 0; i < OQZ_COUNTOF(words[0]); i++)
			if (strcmp(s, words[b][i]) == 0) {
				*ret = b;
				return true;
			}
	return false;
}

static enum oqz_status check_range(const struct oqz_param *row, double x, const char *text, struct oqz_err *err)
{
	if (isnan(x))
		OQZ_FAIL(err, OQZ_E_USAGE, "'%s' is not a number", text);
	if ((row->min == 0 && row->max == 0) || (x >= row->min && x <= row->max))
		return OQZ_OK;
	OQZ_FAIL(err, OQZ_E_USAGE, "%s is outside of the range %g to %g%s%s", text, row->min, row->max,
	         row->unit ? " " : "", row->unit ? row->unit : "");
}

static enum oqz_status check_choice(const struct oqz_param *row, const char *text, struct oqz_err *err)
{
	struct oqz_str hint = { 0 };
	size_t n = 0;

	if (types[row->type].is_list && !*text)
		OQZ_FAIL(err, OQZ_E_USAGE, "an item is empty");
	/* Empty by default: written out, it stays legal. */
	if (!row->choices || (!*text && row->dflt && !*row->dflt))
		return OQZ_OK;
	for (; row->choices[n]; n++)
		if (strcmp(row->choices[n], text) == 0)
			return OQZ_OK;
	oqz_str_add_hint(&hint, text, "choices", '\'', row->choices, n);
	oqz_err_set(err, OQZ_E_USAGE, "'%s' is none of its choices%s", text, oqz_str_get(&hint));
	oqz_str_release(&hint);
	return OQZ_E_USAGE;
}

/* Reads `text` as item i of the array `into`, which has the row's element type. */
static enum oqz_status read_item(const struct oqz_param *row, const char *text, void *into, size_t i,
                                 struct oqz_arena *arena, struct oqz_err *err)
{
	long long ll;

	switch (types[row->type].item) {
	case ITEM_BOOL:
		if (!parse_bool(text, (int64_t *)into + i))
			break;
		return OQZ_OK;
	case ITEM_INT:
		if (!oqz_parse_i64(text, &ll))
			break;
		((int64_t *)into)[i] = ll;
		return check_range(row, (double)ll, text, err);
	case ITEM_FLOAT:
		if (!oqz_parse_f64(text, (double *)into + i))
			break;
		return check_range(row, ((double *)into)[i], text, err);
	case ITEM_STRING: {
		char *copy = oqz_arena_strdup(arena, text);
		if (!copy)
			return oqz_err_nomem(err, "a parameter", strlen(text) + 1);
		((const char **)into)[i] = copy;
		return check_choice(row, text, err);
	}
	}
	OQZ_FAIL(err, OQZ_E_USAGE, "'%s' is not %s", text, types[row->type].a_value);
}

static enum oqz_status read_items(const struct oqz_param *row, const char *const *items, size_t n, struct slot *slot,
                                  struct oqz_arena *arena, struct oqz_err *err)
{
	/* int64_t, double and pointers: one size serves all. */
	_Static_assert(sizeof(int64_t) == sizeof(double) && sizeof(char *) <= sizeof(double), "element sizes");
	void *into = n > MAX_ITEMS ? NULL : oqz_arena_calloc(arena, n, sizeof(double));

	if (!into)
		return oqz_err_nomem(err, "a parameter list", n * sizeof(double));
	for (size_t i = 0; i < n; i++)
		OQZ_TRY(read_item(row, items[i], into, i, arena, err));
	slot->n = n;
	slot->v.any = into;
	return OQZ_OK;
}

/* -------------------------------------------------------------------------------------------------- flat text */

/* Cuts `text` at unescaped `sep` characters into arena copies. Escapes are removed when `unescape` is set (the
 * innermost cut), kept otherwise. "" gives no pieces. */
static bool split(const char *text, char sep, bool unescape, struct oqz_arena *arena, const char *const **ret,
                  size_t *ret_n)
{
	size_t n = *text != 0, i = 0;

	for (const char *s = text; *s; s++) {
		if (*s == '\\' && s[1])
			s++;
		else if (*s == sep)
			n++;
	}
	const char **pieces = OQZ_ARENA_NEW_N(arena, const char *, n);
	char *buf = oqz_arena_alloc(arena, strlen(text) + 1);
	if (!pieces || !buf)
		return false;
	for (const char *s = text; n && i < n; s++) {
		pieces[i++] = buf;
		for (; *s && *s != sep; s++) {
			if (*s == '\\' && s[1]) {
				if (!unescape)
					*buf++ = *s;
				s++;
			}
			*buf++ = *s;
		}
		*buf++ = 0;
	}
	*ret = pieces;
	*ret_n = n;
	return true;
}

/* Pieces of a value in flat text: list types are cut at ':'. */
static bool split_value(const struct oqz_param *row, const char *text, struct oqz_arena *arena, const char *const **ret,
                        size_t *ret_n)
{
	if (row && types[row->type].is_list)
		return split(text, ':', true, arena, ret, ret_n);
	if (*text)
		return split(text, 0, true, arena, ret, ret_n);
	static const char *const empty[] = { "" };
	*ret = empty;
	*ret_n = 1;
	return true;
}

/* -------------------------------------------------------------------------------------------------- sets */

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
	const char *names[MAX_ROWS] = { NULL };
	struct oqz_str hint = { 0 };
	size_t n = table_rows(table);

	for (size_t i = 0; i < n && i < MAX_ROWS; i++)
		names[i] = table[i].name;
	oqz_str_add_hint(&hint, key, "it has", '\'', names, n);
	oqz_err_set(err, OQZ_E_USAGE, "unknown parameter '%s'%s", key, n ? oqz_str_get(&hint) : " (it has none)");
	oqz_str_release(&hint);
	return OQZ_E_USAGE;
}

static enum oqz_status set_value(struct oqz_params *p, const struct oqz_param_value *value, struct oqz_err *err)
{
	const struct oqz_param *row = find_row(p->table, value->key);

	if (!row)
		return unknown_key(p->table, value->key, err);
	struct slot *slot = &p->slots[row - p->table];
	if (slot->given)
		OQZ_FAIL(err, OQZ_E_USAGE, "given twice");
	if (value->is_list && !types[row->type].is_list)
		OQZ_FAIL(err, OQZ_E_USAGE, "takes one value, not a list");
	if (!value->is_list && value->n != 1)
		OQZ_FAIL(err, OQZ_E_USAGE, "has no value");
	slot->given = true;
	/* An empty scalar for a list is the empty list: `k:` in flat text, `k: ""` in YAML. */
	bool empty = types[row->type].is_list && !value->is_list && value->items[0][0] == 0;
	return read_items(row, value->items, empty ? 0 : value->n, slot, p->arena, err);
}

static enum oqz_status set_default(const struct oqz_param *row, struct slot *slot, struct oqz_arena *arena,
                                   struct oqz_err *err)
{
	const char *const *items;
	size_t n;

	/* An empty word is outside of every list of choices, and yet a legal "not chosen". */
	if (*row->dflt == 0 && types[row->type].item == ITEM_STRING) {
		static const char *const empty[] = { "" };
		slot->n = types[row->type].is_list ? 0 : 1;
		slot->v.strings = empty;
		return OQZ_OK;
	}
	if (!split_value(row, row->dflt, arena, &items, &n))
		return oqz_err_nomem(err, "a parameter default", strlen(row->dflt));
	return read_items(row, items, n, slot, arena, err);
}

static enum oqz_status fill(struct oqz_params *p, const struct oqz_param_value *values, size_t n, const char *owner,
                            struct oqz_err *err)
{
	for (size_t i = 0; i < n; i++) {
		enum oqz_status st = set_value(p, &values[i], err);
		if (st != OQZ_OK) {
			context(err, values[i].where, owner, find_row(p->table, values[i].key) ? values[i].key : NULL);
			return st;
		}
	}
	for (const struct oqz_param *r = p->table; r && r->name; r++) {
		struct slot *slot = &p->slots[r - p->table];
		if (slot->given)
			continue;
		enum oqz_status st;
		if (r->dflt)
			st = set_default(r, slot, p->arena, err);
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
	size_t rows = table_rows(table);

	if (rows > MAX_ROWS)
		OQZ_FAIL(err, OQZ_E_PLUGIN, "the parameter table has no end within %d rows", MAX_ROWS);
	OQZ_CLEANUP(oqz_params_free_cleanup) struct oqz_params *p = calloc(1, sizeof *p);
	if (!p)
		return oqz_err_nomem(err, "a parameter set", sizeof *p);
	p->table = table;
	p->arena = oqz_arena_new();
	if (p->arena)
		p->slots = OQZ_ARENA_NEW_N(p->arena, struct slot, rows);
	if (!p->slots)
		return oqz_err_nomem(err, "a parameter set", rows * sizeof(struct slot));
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
	if (!split(text, ',', false, p->arena, &pairs, &n))
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
		const struct oqz_param *row = key ? find_row(table, key) : NULL;
		if (!key || !split_value(row, eq + 1, p->arena, &values[i].items, &values[i].n))
			return oqz_err_nomem(err, "parameters", strlen(text));
		values[i].key = key;
		values[i].is_list = row && types[row->type].is_list;
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
	const struct oqz_param *row = itself ? find_row(table, outer) : NULL;
	if (!row)
		row = find_row(table, inner);
	return row ? row->name : NULL;
}

/* -------------------------------------------------------------------------------------------------- the table itself
 */

static bool name_ok(const char *s)
{
	if (!(*s >= 'a' && *s <= 'z') || strlen(s) > 63)
		return false;
	return strspn(s, "abcdefghijklmnopqrstuvwxyz0123456789_") == strlen(s);
}

static enum oqz_status check_row(const struct oqz_param *table, const struct oqz_param *row, struct oqz_err *err)
{
	OQZ_CLEANUP(oqz_arena_free_cleanup) struct oqz_arena *arena = NULL;
	struct slot slot = { 0 };

	if (!name_ok(row->name))
		OQZ_FAIL(err, OQZ_E_PLUGIN, "a name is [a-z][a-z0-9_]*, at most 63 long");
	if (find_row(table, row->name) != row)
		OQZ_FAIL(err, OQZ_E_PLUGIN, "declared twice");
	if (!oqz_param_type_name(row->type))
		OQZ_FAIL(err, OQZ_E_PLUGIN, "type %d does not exist", (int)row->type);
	if (!row->help || !*row->help || strchr(row->help, '\n'))
		OQZ_FAIL(err, OQZ_E_PLUGIN, "needs one line of help");
	if (!(row->min <= row->max))
		OQZ_FAIL(err, OQZ_E_PLUGIN, "its range %g to %g is empty", row->min, row->max);
	enum item item = types[row->type].item;
	if ((row->min != 0 || row->max != 0) && item != ITEM_INT && item != ITEM_FLOAT)
		OQZ_FAIL(err, OQZ_E_PLUGIN, "only numbers have a range");
	if (row->choices && (item != ITEM_STRING || !row->choices[0]))
		OQZ_FAIL(err, OQZ_E_PLUGIN, "choices are a non-empty list, for strings only");
	if (!row->dflt)
		return OQZ_OK;
	arena = oqz_arena_new();
	if (!arena)
		return oqz_err_nomem(err, "a parameter default", 0);
	enum oqz_status st = set_default(row, &slot, arena, err);
	if (st != OQZ_OK)
		oqz_err_prefix(err, "default");
	return st;
}

enum oqz_status oqz_params_check_table(const struct oqz_param *table, struct oqz_err *err)
{
	if (table_rows(table) > MAX_ROWS)
		OQZ_FAIL(err, OQZ_E_PLUGIN, "the parameter table has no end within %d rows", MAX_ROWS);
	for (const struct oqz_param *r = table; r && r->name; r++) {
		struct oqz_err why = { 0 };
		if (check_row(table, r, &why) != OQZ_OK)
			OQZ_FAIL(err, OQZ_E_PLUGIN, "parameter '%s': %s", r->name, why.msg);
	}
	return OQZ_OK;
}

/* -------------------------------------------------------------------------------------------------- access */

/* Like assert(): the caller asks for what its own table does not say. Prints, because nobody above can. */
static const struct slot *get(const struct oqz_params *p, const char *name, enum oqz_param_type a,
                              enum oqz_param_type b)
{
	const struct oqz_param *row = find_row(p->table, name);

	if (row && (row->type == a || row->type == b))
		return &p->slots[row - p->table];
	fprintf(stderr, "oqz: parameter '%s' is read as %s, but its table %s%s\n", name, types[a].name,
	        row ? "says " : "lacks it", row ? types[row->type].name : "");
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
	const struct slot *s = get(p, name, OQZ_P_INTS, OQZ_P_INTS);

	*ret = s->v.ints;
	return s->n;
}

size_t oqz_params_floats(const struct oqz_params *p, const char *name, const double **ret)
{
	const struct slot *s = get(p, name, OQZ_P_FLOATS, OQZ_P_FLOATS);

	*ret = s->v.floats;
	return s->n;
}

size_t oqz_params_strings(const struct oqz_params *p, const char *name, const char *const **ret)
{
	const struct slot *s = get(p, name, OQZ_P_STRINGS, OQZ_P_STRINGS);

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
	const struct oqz_param *rows[MAX_ROWS];
	size_t n = table_rows(p->table);

	for (size_t i = 0; i < n; i++)
		rows[i] = &p->table[i];
	qsort(rows, n, sizeof rows[0], by_name);
	for (size_t i = 0; i < n; i++) {
		const struct slot *s = &p->slots[rows[i] - p->table];
		oqz_str_addf(out, "%s%s=", i ? "," : "", rows[i]->name);
		for (size_t k = 0; k < s->n; k++) {
			if (k)
				oqz_str_add(out, ":");
			switch (types[rows[i]->type].item) {
			case ITEM_BOOL: oqz_str_add(out, s->v.ints[k] ? "true" : "false"); break;
			case ITEM_INT: oqz_str_addf(out, "%" PRId64, s->v.ints[k]); break;
			case ITEM_FLOAT: oqz_str_add_double(out, s->v.floats[k]); break;
			case ITEM_STRING:
				add_escaped(out, path && rows[i]->type == OQZ_P_PATH ? path(ctx, s->v.strings[k])
				                                                     : s->v.strings[k]);
				break;
			}
		}
	}
}
