/* SPDX-License-Identifier: Apache-2.0
 *
 * Private to params*.c: params.c (sets of values), params_read.c (texts to values), params_table.c (tables of rows).
 */
#ifndef OQZ_BASE_PARAMS_IMPL_H
#define OQZ_BASE_PARAMS_IMPL_H

#include "core/base/arena.h"
#include "core/base/params.h"

enum { OQZ_PARAM_MAX_ROWS = 512 };

/* A row's values. */
struct oqz_param_slot {
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
	struct oqz_param_slot *slots;
	struct oqz_arena *arena;
};

/* What a type is made of. */
enum oqz_item { OQZ_ITEM_BOOL, OQZ_ITEM_INT, OQZ_ITEM_FLOAT, OQZ_ITEM_STRING };
struct oqz_param_kind {
	const char *name, *a_value;
	enum oqz_item item;
	bool is_list;
};
extern const struct oqz_param_kind oqz_param_types[]; /* by enum oqz_param_type */

/* Rows of a table, more than OQZ_PARAM_MAX_ROWS when it has no end within them. */
size_t oqz_param_rows(const struct oqz_param *table);
/* The row of a name; NULL when there is none. */
const struct oqz_param *oqz_param_row(const struct oqz_param *table, const char *name);

/* Reads items into a slot, checked against the row. */
enum oqz_status oqz_param_read(const struct oqz_param *row, const char *const *items, size_t n,
                               struct oqz_param_slot *slot, struct oqz_arena *arena, struct oqz_err *err);
/* Flat text. Both are false when out of memory. Cuts at unescaped `sep` characters into arena copies. Escapes are
 * removed when `unescape` is set (the innermost cut), kept otherwise. "" gives no pieces. */
bool oqz_text_split(const char *text, char sep, bool unescape, struct oqz_arena *arena, const char *const **ret,
                    size_t *ret_n);
/* Pieces of a value: list types are cut at ':'. */
bool oqz_param_split(const struct oqz_param *row, const char *text, struct oqz_arena *arena, const char *const **ret,
                     size_t *ret_n);
/* The row's default, into its slot. */
enum oqz_status oqz_param_default(const struct oqz_param *row, struct oqz_param_slot *slot, struct oqz_arena *arena,
                                  struct oqz_err *err);

#endif
