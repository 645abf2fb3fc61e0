/* SPDX-License-Identifier: Apache-2.0
 *
 * See columns.h.
 */
#include "core/result/columns.h"

enum { MODEL, SCHEME };
enum { NAME_MIN = 12 }; /* that a name keeps, however narrow the terminal */

int oqz_columns_width(const struct oqz_column *c, int n)
{
	int total = -2;

	for (int i = 0; i < n; i++)
		total += c[i].shown ? c[i].width + 2 : 0;
	return total;
}

/* Takes what is over from a column of names, down to NAME_MIN. */
static void shorten(struct oqz_column *c, int n, int which, int columns)
{
	int over = oqz_columns_width(c, n) - columns, spare = c[which].width - NAME_MIN;

	if (over > 0 && spare > 0)
		c[which].width -= over < spare ? over : spare;
}

/* A name gets a quarter of the terminal before it costs figures; then columns go by rank; then names give what they
 * can. */
void oqz_columns_fit(struct oqz_column *c, int n, int columns)
{
	int whole = c[MODEL].width;

	if (oqz_columns_width(c, n) > columns && c[MODEL].width > columns / 4)
		c[MODEL].width = columns / 4 > NAME_MIN ? columns / 4 : NAME_MIN;
	while (oqz_columns_width(c, n) > columns) {
		int worst = -1;
		for (int i = 0; i < n; i++)
			if (c[i].shown && c[i].rank && (worst < 0 || c[i].rank > c[worst].rank))
				worst = i;
		if (worst < 0)
			break;
		c[worst].shown = false;
	}
	shorten(c, n, SCHEME, columns);
	shorten(c, n, MODEL, columns);
	while (c[MODEL].width < whole && oqz_columns_width(c, n) < columns)
		c[MODEL].width++;
}
