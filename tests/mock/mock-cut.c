/* SPDX-License-Identifier: Apache-2.0
 *
 * Mock plugin: its descriptor is cut off before a required callback.
 */
#include "tests/mock/mock.h"

#include <stddef.h>

static const struct oqz_quantizer mock = {
	.base = { .magic = OQZ_PLUGIN_MAGIC,
	          .struct_size = offsetof(struct oqz_quantizer, sites),
	          .api_major = OQZ_API_MAJOR,
	          .abi = OQZ_ABI,
	          .kind = OQZ_KIND_QUANTIZER,
	          MOCK_WORDS("mock-cut") },
	MOCK_QUANTIZER_CALLS,
};

OQZ_PLUGIN_EXPORT(mock)
