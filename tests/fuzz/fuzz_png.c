/* SPDX-License-Identifier: Apache-2.0
 *
 * PNG files. Every chunk ends with a checksum that damage makes wrong, so the decoder would never see more than the
 * first damaged chunk: each input is decoded as it is and once more with its checksums made right.
 */
#include "tests/fuzz/fuzz_image.h"

#include <string.h>

const char fuzz_target[] = "png";

static uint32_t crc32_of(const uint8_t *p, size_t n)
{
	uint32_t c = ~0u;

	while (n--) {
		c ^= *p++;
		for (int k = 0; k < 8; k++)
			c = c >> 1 ^ (c & 1 ? 0xedb88320u : 0);
	}
	return ~c;
}

static uint32_t be32(const uint8_t *p) { return (uint32_t)p[0] << 24 | p[1] << 16 | p[2] << 8 | p[3]; }

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint8_t *copy = malloc(size ? size : 1);

	FUZZ_CHECK(copy != NULL);
	fuzz_decode(data, size);
	if (size)
		memcpy(copy, data, size);
	for (size_t at = 8, n; at + 12 <= size && (n = be32(copy + at)) <= size - at - 12; at += n + 12) {
		uint32_t crc = crc32_of(copy + at + 4, n + 4);
		for (int k = 0; k < 4; k++)
			copy[at + 8 + n + (size_t)k] = (uint8_t)(crc >> (24 - 8 * k));
	}
	fuzz_decode(copy, size);
	free(copy);
	return 0;
}
