/* SPDX-License-Identifier: Apache-2.0
 *
 * Mock plugin: its magic number is another.
 */
#include "tests/mock/mock.h"

static const struct oqz_quantizer mock = {
	.base = { .magic = OQZ_PLUGIN_MAGIC + 1,
	          .struct_size = sizeof(struct oqz_quantizer),
	          .api_major = OQZ_API_MAJOR,
	          .abi = OQZ_ABI,
	          .kind = OQZ_KIND_QUANTIZER,
	          MOCK_WORDS("mock-magic") },
	MOCK_QUANTIZER_CALLS,
};

OQZ_PLUGIN_EXPORT(mock)
