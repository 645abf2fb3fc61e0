/* SPDX-License-Identifier: Apache-2.0
 *
 * The other image formats: netpbm, bitmap, TIFF, WebP, JPEG 2000. The decoder goes by a file's first bytes.
 */
#include "tests/fuzz/fuzz_image.h"

const char fuzz_target[] = "image";

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	fuzz_decode(data, size);
	return 0;
}
