/* SPDX-License-Identifier: Apache-2.0
 *
 * Mock plugin: its kind does not exist.
 */
#include "tests/mock/mock.h"

static const struct oqz_quantizer mock = {
	.base = { .magic = OQZ_PLUGIN_MAGIC,
	          .struct_size = sizeof(struct oqz_quantizer),
	          .api_major = OQZ_API_MAJOR,
	          .abi = OQZ_ABI,
	          .kind = 77,
	          MOCK_WORDS("mock-kind") },
	MOCK_QUANTIZER_CALLS,
};

OQZ_PLUGIN_EXPORT(mock)
