/* SPDX-License-Identifier: Apache-2.0
 *
 * JPEG files. The suffix of a file means nothing to the decoder, so anything may come out of these bytes.
 */
#include "tests/fuzz/fuzz_image.h"

const char fuzz_target[] = "jpeg";

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	fuzz_decode(data, size);
	return 0;
}
