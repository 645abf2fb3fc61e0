/* SPDX-License-Identifier: Apache-2.0
 *
 * Mock plugin: a required callback is missing.
 */
#include "tests/mock/mock.h"

static const struct oqz_quantizer mock = {
	.base = { MOCK_QUANTIZER_HEAD, MOCK_WORDS("mock-missing") },
	.open = mock_quantizer_open,
	.close = mock_close,
	.sites = mock_sites,
};

OQZ_PLUGIN_EXPORT(mock)
