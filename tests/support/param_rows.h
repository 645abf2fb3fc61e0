/* SPDX-License-Identifier: Apache-2.0
 *
 * A table with a parameter of every type, as a quantizer might declare it.
 */
#ifndef OQZ_TESTS_PARAM_ROWS_H
#define OQZ_TESTS_PARAM_ROWS_H

#include <oqz/plugin.h>

static const char *const param_methods[] = { "minmax", "percentile", "mse", NULL };

static const struct oqz_param param_rows[] = {
	{ "bits", OQZ_P_INT, "8", 2, 16, NULL, "bits", "width" },
	{ "symmetric", OQZ_P_BOOL, "true", 0, 0, NULL, NULL, "both signs" },
	{ "calibrate", OQZ_P_STRING, "minmax", 0, 0, param_methods, NULL, "rule" },
	{ "calibrate_q", OQZ_P_FLOAT, "0.9999", 0, 1, NULL, "ratio", "quantile" },
	{ "weight_calibrate", OQZ_P_STRING, "", 0, 0, param_methods, NULL, "rule for weights" },
	{ "k", OQZ_P_INTS, "1:5", 1, 100, NULL, NULL, "k" },
	{ "scales", OQZ_P_FLOATS, "", 0, 0, NULL, NULL, "scales" },
	{ "include", OQZ_P_STRINGS, "", 0, 0, NULL, NULL, "globs" },
	{ "root", OQZ_P_PATH, "", 0, 0, NULL, NULL, "folder" },
	{ 0 },
};

#endif
