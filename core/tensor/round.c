/* SPDX-License-Identifier: Apache-2.0
 *
 * Roundings by name, and on one number.
 */
#include "core/tensor/fakequant_impl.h"

#include <string.h>

static const char *const round_names[] = { "half-even", "half-up", "half-down", "half-toward-zero",
	                                   "half-away", NULL,      "up",        "down" };

const char *oqz_round_name(enum oqz_round r) { return (unsigned)r < OQZ_COUNTOF(round_names) ? round_names[r] : NULL; }

int oqz_round_by_name(const char *name)
{
	if (!strcmp(name, "nearest-even"))
		return OQZ_ROUND_HALF_EVEN;
	for (size_t i = 0; i < OQZ_COUNTOF(round_names); i++)
		if (round_names[i] && !strcmp(round_names[i], name))
			return (int)i;
	return -1;
}

float oqz_round_f32(float x, enum oqz_round r) { return oqz_round_one(x, r); }
