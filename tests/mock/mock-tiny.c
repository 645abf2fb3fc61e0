/* SPDX-License-Identifier: Apache-2.0
 *
 * Mock plugin: it claims to be smaller than the head.
 */
#include "tests/mock/mock.h"

static const struct oqz_quantizer mock = {
	.base = { .magic = OQZ_PLUGIN_MAGIC,
	          .struct_size = sizeof(struct oqz_plugin) - 1,
	          .api_major = OQZ_API_MAJOR,
	          .abi = OQZ_ABI,
	          .kind = OQZ_KIND_QUANTIZER,
	          MOCK_WORDS("mock-tiny") },
	MOCK_QUANTIZER_CALLS,
};

OQZ_PLUGIN_EXPORT(mock)
