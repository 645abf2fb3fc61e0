/* SPDX-License-Identifier: Apache-2.0
 *
 * Mock plugin: it is made for a newer minor version, with members that this program does not know. It is to be
 * accepted.
 */
#include "tests/mock/mock.h"

struct newer {
	struct oqz_quantizer known;
	void (*unknown)(void);
};

static void unknown(void) {}

static const struct newer mock = {
	.known = { .base = { .magic = OQZ_PLUGIN_MAGIC,
	                     .struct_size = sizeof(struct newer),
	                     .api_major = OQZ_API_MAJOR,
	                     .api_minor = OQZ_API_MINOR + 7,
	                     .abi = OQZ_ABI,
	                     .kind = OQZ_KIND_QUANTIZER,
	                     MOCK_WORDS("mock-newer") },
	           MOCK_QUANTIZER_CALLS },
	.unknown = unknown,
};

OQZ_PLUGIN_EXPORT(mock.known)
