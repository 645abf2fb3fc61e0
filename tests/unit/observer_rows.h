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

/* The scale that a rule finds for n numbers, in rows of `row`, all passes of it. */
static inline enum oqz_status find_scale(const char *name, struct oqz_site site, const float *x, size_t n, size_t row,
                                         float *ret_scale, struct oqz_err *e)
{
	const struct oqz_calibrator *c = oqz_calibrator_find(name);
	OQZ_CLEANUP(oqz_observer_free_cleanup) struct oqz_observer *o = NULL;
	double lo, hi;
	int32_t zero;

	site.q = site.q > 0 ? site.q : 0.9999;
	OQZ_TRY(oqz_observe_once(oqz_calibrator_needs(c, &site), oqz_calibrator_quantile(c, &site), x, n, row, &o, e));
	OQZ_TRY(c->find(o, &site, &lo, &hi, ret_scale, e));
	if (*ret_scale == 0)
		oqz_affine_from_range(lo, hi, &site.grid, site.symmetric, site.pow2, ret_scale, &zero);
	return OQZ_OK;
}

#endif
