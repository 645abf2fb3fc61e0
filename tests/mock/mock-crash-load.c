/* SPDX-License-Identifier: Apache-2.0
 *
 * Mock plugin: it crashes before its entry is called.
 */
#include "tests/mock/mock.h"

#include <stdlib.h>

__attribute__((constructor)) static void crash(void) { abort(); }

static const struct oqz_quantizer mock = {
	.base = { MOCK_QUANTIZER_HEAD, MOCK_WORDS("mock-crash-load") },
	MOCK_QUANTIZER_CALLS,
};

OQZ_PLUGIN_EXPORT(mock)
