/* SPDX-License-Identifier: Apache-2.0
 *
 * Mock plugin: its parameter table contradicts itself.
 */
#include "tests/mock/mock.h"

static const struct oqz_param params[] = {
	{ "bits", OQZ_P_INT, "99", 2, 16, NULL, NULL, "a number" },
	{ 0 },
};

static const struct oqz_quantizer mock = {
	.base = { MOCK_QUANTIZER_HEAD, MOCK_WORDS("mock-params"), .params = params },
	MOCK_QUANTIZER_CALLS,
};

OQZ_PLUGIN_EXPORT(mock)
