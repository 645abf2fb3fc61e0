/* SPDX-License-Identifier: Apache-2.0
 *
 * Mock plugin: it has the name of another.
 */
#include "tests/mock/mock.h"

static const struct oqz_quantizer mock = {
	.base = { MOCK_QUANTIZER_HEAD, MOCK_WORDS("mock-good") },
	MOCK_QUANTIZER_CALLS,
};

OQZ_PLUGIN_EXPORT(mock)
