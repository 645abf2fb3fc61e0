/* SPDX-License-Identifier: Apache-2.0
 *
 * Private to core/result: which columns of a table a terminal has room for. The first two are names, of model and scheme.
 * Widths are those that a terminal gives the text, not bytes; columns stand two blanks apart.
 */
#ifndef OQZ_RESULT_COLUMNS_H
#define OQZ_RESULT_COLUMNS_H

#include <stdbool.h>

struct oqz_column {
	int width; /* of the widest text */
	int rank;  /* the highest is left out first; 0: never */
	bool shown;
};

/* Of those that are shown. */
int oqz_columns_width(const struct oqz_column *c, int n);
/* Leaves out columns and narrows names until `columns` hold the rest, as far as that is possible. */
void oqz_columns_fit(struct oqz_column *c, int n, int columns);

#endif
