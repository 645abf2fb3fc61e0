/* SPDX-License-Identifier: Apache-2.0
 *
 * Mock plugin: it is made for another major version.
 */
#include "tests/mock/mock.h"

static const struct oqz_quantizer mock = {
	.base = { .magic = OQZ_PLUGIN_MAGIC,
	          .struct_size = sizeof(struct oqz_quantizer),
	          .api_major = OQZ_API_MAJOR + 1,
	          .abi = OQZ_ABI,
	          .kind = OQZ_KIND_QUANTIZER,
	          MOCK_WORDS("mock-major") },
	MOCK_QUANTIZER_CALLS,
};

OQZ_PLUGIN_EXPORT(mock)
