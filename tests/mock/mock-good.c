/* SPDX-License-Identifier: Apache-2.0
 *
 * Mock plugin: nothing is wrong with it; it has a parameter of every type.
 */
#include "tests/mock/mock.h"

static const char *const words[] = { "one", "two", NULL };

static const struct oqz_param params[] = {
	{ "flag", OQZ_P_BOOL, "true", 0, 0, NULL, NULL, "a flag" },
	{ "bits", OQZ_P_INT, "8", 2, 16, NULL, "bits", "a number" },
	{ "q", OQZ_P_FLOAT, "0.5", 0, 1, NULL, NULL, "a quantile" },
	{ "word", OQZ_P_STRING, "two", 0, 0, words, NULL, "a word" },
	{ "file", OQZ_P_PATH, "", 0, 0, NULL, NULL, "a path" },
	{ "ks", OQZ_P_INTS, "1:5", 0, 0, NULL, NULL, "numbers" },
	{ "scales", OQZ_P_FLOATS, "", 0, 0, NULL, NULL, "scales" },
	{ "globs", OQZ_P_STRINGS, "a:b", 0, 0, NULL, NULL, "patterns" },
	{ 0 },
};

static const struct oqz_quantizer mock = {
	.base = { MOCK_QUANTIZER_HEAD, MOCK_WORDS("mock-good"), .params = params },
	MOCK_QUANTIZER_CALLS,
};

OQZ_PLUGIN_EXPORT(mock)
