/* SPDX-License-Identifier: Apache-2.0
 *
 * Writes every target's seeds to FOLDER/<target>/<n>, where libFuzzer takes its corpus from (`make fuzz`).
 */
#include "tests/fuzz/fuzz.h"
#include "tests/fuzz/seeds.h"
#include "core/base/file.h"

#include <stdio.h>

int main(int argc, char **argv)
{
	struct oqz_err err;
	struct seeds s;
	char path[1000];

	if (argc != 2) {
		fprintf(stderr, "usage: mkseeds FOLDER\n");
		return 2;
	}
	for (const char *const *t = seeds_targets; *t; t++) {
		snprintf(path, sizeof path, "%s/%s", argv[1], *t);
		FUZZ_CHECK(oqz_mkdirs(path, &err) == OQZ_OK && seeds_make(*t, &s));
		for (size_t i = 0; i < s.n; i++) {
			snprintf(path, sizeof path, "%s/%s/seed-%zu", argv[1], *t, i);
			FUZZ_CHECK(oqz_file_write(path, s.v[i].data, s.v[i].size, &err) == OQZ_OK);
		}
		seeds_free(&s);
	}
	return 0;
}
