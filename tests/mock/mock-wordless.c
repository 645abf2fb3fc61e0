/* SPDX-License-Identifier: Apache-2.0
 *
 * Mock plugin: it has no licence.
 */
#include "tests/mock/mock.h"

static const struct oqz_quantizer mock = {
	.base = { MOCK_QUANTIZER_HEAD, .name = "mock-wordless", .version = "1", .summary = "a mock" },
	MOCK_QUANTIZER_CALLS,
};

OQZ_PLUGIN_EXPORT(mock)
