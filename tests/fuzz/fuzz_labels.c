/* SPDX-License-Identifier: Apache-2.0
 *
 * Lists of files with labels, and synset files, of the classification task.
 */
#include "tests/fuzz/fuzz_lists.h"

const char fuzz_target[] = "labels";

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char *const formats[] = { "root=/,reader=list,list=%s", "root=/,reader=list,list=%s,synsets=%s" };
	char text[1000];

	if (size > 0)
		fuzz_task("", fuzz_texts(data + 1, size - 1, formats[data[0] % 2], text, sizeof text));
	return 0;
}
