/* SPDX-License-Identifier: Apache-2.0
 *
 * Mock plugin: its name is not allowed.
 */
#include "tests/mock/mock.h"

static const struct oqz_quantizer mock = {
	.base = { MOCK_QUANTIZER_HEAD, MOCK_WORDS("Mock Name") },
	MOCK_QUANTIZER_CALLS,
};

OQZ_PLUGIN_EXPORT(mock)
