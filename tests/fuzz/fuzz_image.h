/* SPDX-License-Identifier: Apache-2.0
 *
 * The image targets: decode in both modes under small limits, and look at every sample, so that an uninitialised or
 * missing one is seen by the tools that see such things.
 */
#ifndef OQZ_TESTS_FUZZ_IMAGE_H
#define OQZ_TESTS_FUZZ_IMAGE_H

#include "tests/fuzz/fuzz.h"
#include "core/image/image.h"

static inline void fuzz_decode(const uint8_t *data, size_t size)
{
	static const struct oqz_image_limits limits = { .max_side = 4096, .max_pixels = 1 << 18 };
	struct oqz_image img = { 0 };

	for (int mode = OQZ_IMAGE_RGB; mode <= OQZ_IMAGE_CODES; mode++) {
		struct oqz_err err = { 0 };
		unsigned sum = 0;
		if (oqz_image_decode(data, size, "fuzz", (enum oqz_image_mode)mode, &limits, &img, &err) != OQZ_OK) {
			fuzz_refused(&err);
			continue;
		}
		FUZZ_CHECK(img.width > 0 && img.height > 0 && img.width <= 4096 && img.height <= 4096);
		FUZZ_CHECK(img.channels == (mode == OQZ_IMAGE_RGB ? 3 : 1));
		for (size_t i = 0; i < oqz_image_bytes(&img) + OQZ_IMAGE_SLACK; i++)
			sum += img.data[i];
		fuzz_sink = sum;
		fuzz_accepted += mode == OQZ_IMAGE_RGB;
	}
	oqz_image_release(&img);
}

#endif
