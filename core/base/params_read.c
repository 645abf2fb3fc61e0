/* SPDX-License-Identifier: Apache-2.0
 *
 * Values of parameters from text: one item by its type, lists, and the cuts of flat text.
 */
#include "core/base/params_impl.h"
#include "core/base/str.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

enum { MAX_ITEMS = 1 << 20 };

const struct oqz_param_kind oqz_param_types[] = {
	[OQZ_P_BOOL] = { "bool", "true or false", OQZ_ITEM_BOOL, false },
	[OQZ_P_INT] = { "int", "a whole number", OQZ_ITEM_INT, false },
	[OQZ_P_FLOAT] = { "float", "a number", OQZ_ITEM_FLOAT, false },
	[OQZ_P_STRING] = { "string", "a word", OQZ_ITEM_STRING, false },
	[OQZ_P_PATH] = { "path", "a path", OQZ_ITEM_STRING, false },
	[OQZ_P_INTS] = { "ints", "a whole number", OQZ_ITEM_INT, true },
	[OQZ_P_FLOATS] = { "floats", "a number", OQZ_ITEM_FLOAT, true },
	[OQZ_P_STRINGS] = { "strings", "a word", OQZ_ITEM_STRING, true },
};

const char *oqz_param_type_name(enum oqz_param_type type)
{
	return (unsigned)type < OQZ_COUNTOF(oqz_param_types) ? oqz_param_types[type].name : NULL;
}

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

	if (oqz_param_types[row->type].is_list && !*text)
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

	switch (oqz_param_types[row->type].item) {
	case OQZ_ITEM_BOOL:
		if (!parse_bool(text, (int64_t *)into + i))
			break;
		return OQZ_OK;
	case OQZ_ITEM_INT:
		if (!oqz_parse_i64(text, &ll))
			break;
		((int64_t *)into)[i] = ll;
		return check_range(row, (double)ll, text, err);
	case OQZ_ITEM_FLOAT:
		if (!oqz_parse_f64(text, (double *)into + i))
			break;
		return check_range(row, ((double *)into)[i], text, err);
	case OQZ_ITEM_STRING: {
		char *copy = oqz_arena_strdup(arena, text);
		if (!copy)
			return oqz_err_nomem(err, "a parameter", strlen(text) + 1);
		((const char **)into)[i] = copy;
		return check_choice(row, text, err);
	}
	}
	OQZ_FAIL(err, OQZ_E_USAGE, "'%s' is not %s", text, oqz_param_types[row->type].a_value);
}

enum oqz_status oqz_param_read(const struct oqz_param *row, const char *const *items, size_t n,
                               struct oqz_param_slot *slot, struct oqz_arena *arena, struct oqz_err *err)
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

bool oqz_text_split(const char *text, char sep, bool unescape, struct oqz_arena *arena, const char *const **ret,
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

bool oqz_param_split(const struct oqz_param *row, const char *text, struct oqz_arena *arena, const char *const **ret,
                     size_t *ret_n)
{
	if (row && oqz_param_types[row->type].is_list)
		return oqz_text_split(text, ':', true, arena, ret, ret_n);
	if (*text)
		return oqz_text_split(text, 0, true, arena, ret, ret_n);
	static const char *const empty[] = { "" };
	*ret = empty;
	*ret_n = 1;
	return true;
}

enum oqz_status oqz_param_default(const struct oqz_param *row, struct oqz_param_slot *slot, struct oqz_arena *arena,
                                  struct oqz_err *err)
{
	const char *const *items;
	size_t n;

	/* An empty word is outside of every list of choices, and yet a legal "not chosen". */
	if (*row->dflt == 0 && oqz_param_types[row->type].item == OQZ_ITEM_STRING) {
		static const char *const empty[] = { "" };
		slot->n = oqz_param_types[row->type].is_list ? 0 : 1;
		slot->v.strings = empty;
		return OQZ_OK;
	}
	if (!oqz_param_split(row, row->dflt, arena, &items, &n))
		return oqz_err_nomem(err, "a parameter default", strlen(row->dflt));
	return oqz_param_read(row, items, n, slot, arena, err);
}
