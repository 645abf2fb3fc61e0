/* SPDX-License-Identifier: Apache-2.0
 *
 * Manifests: YAML to a tree, the tree as text and back, then the whole manifest (schema, variables, extends,
 * expansion). `include` would read what lies around on the machine; inputs that say it end after the YAML.
 */
#include "tests/fuzz/fuzz.h"
#include "core/base/str.h"
#include "core/manifest/manifest.h"

#include <string.h>

const char fuzz_target[] = "yaml";

/* What is printed reads back as what is printed. */
static void check_dump(const struct oqz_yaml *y)
{
	OQZ_CLEANUP(oqz_arena_free_cleanup) struct oqz_arena *a = oqz_arena_new();
	struct oqz_str first = { 0 }, second = { 0 };
	struct oqz_yaml *again;
	struct oqz_err err;

	oqz_yaml_dump(y, &first);
	FUZZ_CHECK(a && oqz_str_ok(&first));
	const char *text = oqz_str_get(&first);
	if (oqz_yaml_parse(a, text, strlen(text), "dump", &again, &err) != OQZ_OK)
		fuzz_broken(err.msg, __FILE__, __LINE__);
	oqz_yaml_dump(again, &second);
	FUZZ_CHECK(strcmp(text, oqz_str_get(&second)) == 0);
	oqz_str_release(&first);
	oqz_str_release(&second);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	OQZ_CLEANUP(oqz_arena_free_cleanup) struct oqz_arena *a = oqz_arena_new();
	OQZ_CLEANUP(oqz_manifest_free_cleanup) struct oqz_manifest *m = NULL;
	struct oqz_err err = { 0 };
	struct oqz_yaml *y;

	FUZZ_CHECK(a != NULL);
	if (oqz_yaml_parse(a, (const char *)data, size, "fuzz.yaml", &y, &err) != OQZ_OK) {
		fuzz_refused(&err);
		return 0;
	}
	check_dump(y);
	fuzz_accepted++;
	if (size == 0 || memmem(data, size, "include", 7))
		return 0;
	if (oqz_manifest_load(fuzz_file("m.yaml", data, size), NULL, &m, &err) != OQZ_OK)
		fuzz_refused(&err);
	else
		check_dump(m->root);
	return 0;
}
