/* SPDX-License-Identifier: Apache-2.0
 *
 * PPQ's observers: what each row of the golden file has, and the data that it is about.
 */
#ifndef OQZ_TESTS_OBSERVER_ROWS_H
#define OQZ_TESTS_OBSERVER_ROWS_H

#include "core/quant/observe.h"
#include "tests/support/support.h"

#include <stdio.h>

/* Skips the test (false) where the files are absent. */
static inline bool rows_open(struct golden *g) { return golden_open(g, "quantization/observers/observers"); }

static inline const char *row_string(json_t *row, const char *key)
{
	return json_string_value(json_object_get(row, key));
}

static inline bool row_bool(json_t *row, const char *key) { return json_is_true(json_object_get(row, key)); }

/* The tensor that was observed: activations or, where the row says so, weights. */
static inline struct oqz_tensor row_data(struct golden *g, json_t *row)
{
	char key[128];

	snprintf(key, sizeof key, "%s/%s", row_bool(row, "weight") ? "w" : "x", row_string(row, "data"));
	return golden_array(g, key);
}

static inline struct oqz_grid int8_grid(bool symmetric)
{
	return (struct oqz_grid) {
		.kind = OQZ_GRID_AFFINE, .bits = 8, .qmin = symmetric ? -128 : 0, .qmax = symmetric ? 127 : 255
	};
}

/* OCP's E4M3 with PPQ's rounding. */
static const struct oqz_grid e4m3_grid = { .kind = OQZ_GRID_MINIFLOAT,
	                                   .rounding = 3,
	                                   .bits = 8,
	                                   .exp_bits = 4,
	                                   .man_bits = 3,
	                                   .bias = 7,
	                                   .special = OQZ_GRID_FN,
	                                   .max = 448 };

#endif
