/* SPDX-License-Identifier: Apache-2.0
 *
 * Columns that UTF-8 text takes on a terminal: two for a Chinese character, none for a combining accent. Independent of
 * the locale. What is no valid UTF-8 or cannot be printed counts as one column.
 */
#ifndef OQZ_BASE_WIDTH_H
#define OQZ_BASE_WIDTH_H

#include "core/base/str.h"

/* Columns of the whole string. */
int oqz_width(const char *s);
/* Bytes of the longest beginning, in whole characters, that fits `columns`. */
size_t oqz_width_cut(const char *s, int columns);
/* Appends s, its middle replaced by an ellipsis when it does not fit `columns` (at least 1). */
void oqz_str_add_fitted(struct oqz_str *out, const char *s, int columns);

#endif
