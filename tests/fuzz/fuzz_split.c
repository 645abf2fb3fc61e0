/* SPDX-License-Identifier: Apache-2.0
 *
 * COCO annotation files as `oqz split` reads them.
 */
#include "tests/fuzz/fuzz.h"
#include "core/base/arena.h"
#include "core/split/split.h"

const char fuzz_target[] = "split";

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *path = fuzz_file("a.json", data, size);

	for (enum oqz_split_by by = OQZ_SPLIT_IMAGES; by <= OQZ_SPLIT_PERSONS; by++) {
		struct oqz_arena *a = oqz_arena_new();
		struct oqz_split_item *items = NULL;
		struct oqz_err err = { 0 };
		size_t n = 0;
		FUZZ_CHECK(a != NULL);
		if (oqz_split_coco(path, by, a, &items, &n, &err) != OQZ_OK) {
			fuzz_refused(&err);
		} else {
			for (size_t i = 0; i < n; i++)
				FUZZ_CHECK(items[i].name != NULL);
			fuzz_accepted++;
		}
		oqz_arena_free(a);
	}
	return 0;
}
