/* SPDX-License-Identifier: Apache-2.0
 *
 * Label files of text recognition (PaddleOCR's rec_gt, ICDAR's) and dictionaries.
 */
#include "tests/fuzz/fuzz_lists.h"

const char fuzz_target[] = "ocr";

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char text[1000];

	if (size < 1)
		return 0;
	if (data[0] % 3 == 0)
		fuzz_task("", fuzz_texts(data + 1, size - 1, "root=/,reader=paddle,list=%s", text, sizeof text));
	else if (data[0] % 3 == 1)
		fuzz_task("", fuzz_texts(data + 1, size - 1, "root=/,reader=icdar,list=%s", text, sizeof text));
	else
		fuzz_task(fuzz_texts(data + 1, size - 1, "dictionary=%s", text, sizeof text),
		          "root=/nonexistent,reader=images");
	return 0;
}
