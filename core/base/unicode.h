/* SPDX-License-Identifier: Apache-2.0
 *
 * What is to be known of characters beyond ASCII, independent of the locale: the columns that UTF-8 text takes on a
 * terminal (two for a Chinese character, none for a combining accent, one for what is no valid UTF-8 or cannot be
 * printed), and whether they are letters.
 */
#ifndef OQZ_BASE_UNICODE_H
#define OQZ_BASE_UNICODE_H

#include "core/base/str.h"

/* Columns of the whole string. */
int oqz_width(const char *s);
/* Bytes of the longest beginning, in whole characters, that fits `columns`. */
size_t oqz_width_cut(const char *s, int columns);
/* Appends s, its middle replaced by an ellipsis when it does not fit `columns` (at least 1). */
void oqz_str_add_fitted(struct oqz_str *out, const char *s, int columns);

/* Is every character a letter or digit of some script, or one of the ASCII characters in `also`? */
bool oqz_is_word(const char *s, const char *also);

#endif
