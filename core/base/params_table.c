/* SPDX-License-Identifier: Apache-2.0
 *
 * Tables of parameters: finding rows, and whether a table is one that a plugin may have.
 */
#include "core/base/params_impl.h"

#include <string.h>

size_t oqz_param_rows(const struct oqz_param *table)
{
	size_t n = 0;

	while (table && n <= OQZ_PARAM_MAX_ROWS && table[n].name)
		n++;
	return n;
}

const struct oqz_param *oqz_param_row(const struct oqz_param *table, const char *name)
{
	for (const struct oqz_param *r = table; r && r->name; r++)
		if (strcmp(r->name, name) == 0)
			return r;
	return NULL;
}

static bool name_ok(const char *s)
{
	if (!(*s >= 'a' && *s <= 'z') || strlen(s) > 63)
		return false;
	return strspn(s, "abcdefghijklmnopqrstuvwxyz0123456789_") == strlen(s);
}

static enum oqz_status check_row(const struct oqz_param *table, const struct oqz_param *row, struct oqz_err *err)
{
	OQZ_CLEANUP(oqz_arena_free_cleanup) struct oqz_arena *arena = NULL;
	struct oqz_param_slot slot = { 0 };

	if (!name_ok(row->name))
		OQZ_FAIL(err, OQZ_E_PLUGIN, "a name is [a-z][a-z0-9_]*, at most 63 long");
	if (oqz_param_row(table, row->name) != row)
		OQZ_FAIL(err, OQZ_E_PLUGIN, "declared twice");
	if (!oqz_param_type_name(row->type))
		OQZ_FAIL(err, OQZ_E_PLUGIN, "type %d does not exist", (int)row->type);
	if (!row->help || !*row->help || strchr(row->help, '\n'))
		OQZ_FAIL(err, OQZ_E_PLUGIN, "needs one line of help");
	if (!(row->min <= row->max))
		OQZ_FAIL(err, OQZ_E_PLUGIN, "its range %g to %g is empty", row->min, row->max);
	enum oqz_item item = oqz_param_types[row->type].item;
	if ((row->min != 0 || row->max != 0) && item != OQZ_ITEM_INT && item != OQZ_ITEM_FLOAT)
		OQZ_FAIL(err, OQZ_E_PLUGIN, "only numbers have a range");
	if (row->choices && (item != OQZ_ITEM_STRING || !row->choices[0]))
		OQZ_FAIL(err, OQZ_E_PLUGIN, "choices are a non-empty list, for strings only");
	if (!row->dflt)
		return OQZ_OK;
	arena = oqz_arena_new();
	if (!arena)
		return oqz_err_nomem(err, "a parameter default", 0);
	enum oqz_status st = oqz_param_default(row, &slot, arena, err);
	if (st != OQZ_OK)
		oqz_err_prefix(err, "default");
	return st;
}

enum oqz_status oqz_params_check_table(const struct oqz_param *table, struct oqz_err *err)
{
	if (oqz_param_rows(table) > OQZ_PARAM_MAX_ROWS)
		OQZ_FAIL(err, OQZ_E_PLUGIN, "the parameter table has no end within %d rows", OQZ_PARAM_MAX_ROWS);
	for (const struct oqz_param *r = table; r && r->name; r++) {
		struct oqz_err why = { 0 };
		if (check_row(table, r, &why) != OQZ_OK)
			OQZ_FAIL(err, OQZ_E_PLUGIN, "parameter '%s': %s", r->name, why.msg);
	}
	return OQZ_OK;
}
