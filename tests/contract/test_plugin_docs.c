/* SPDX-License-Identifier: Apache-2.0
 *
 * A plugin's page says what its tables say: <name>.md has every line that `oqz describe --markdown <name>` prints.
 */
#include "core/base/file.h"
#include "core/base/str.h"
#include "plugins/describe.h"
#include "plugins/registry.h"
#include "tests/support/support.h"

#include <stdio.h>
#include <string.h>

/* Whole lines, so that a row that only starts alike does not do. */
static bool has_line(const char *text, const char *line, size_t n)
{
	for (const char *s = text; (s = strstr(s, "\n- `")) != NULL; s++)
		if (strncmp(s + 1, line, n) == 0 && s[1 + n] == '\n')
			return true;
	return false;
}

static int compare(const struct oqz_plugin_info *p)
{
	const char *src = getenv("top_srcdir");
	OQZ_CLEANUP_FREE char *page = NULL;
	struct oqz_str want = { 0 };
	char path[900];
	size_t size, n;
	int missing = 0;

	snprintf(path, sizeof path, "%s/%s/%s/%s.md", src ? src : ".",
	         p->kind == OQZ_KIND_TASK ? "tasks" : "quantizers", p->name, p->name);
	ck_ok(oqz_file_read(path, 1 << 20, &page, &size, err));
	oqz_describe_markdown(p, &want);
	for (const char *s = oqz_str_get(&want); *s; s += n + (s[n] == '\n')) {
		n = strcspn(s, "\n");
		if (strncmp(s, "- `", 3) != 0 || has_line(page, s, n))
			continue;
		printf("%s lacks the line\n  %.*s\n", path, (int)n, s);
		missing++;
	}
	oqz_str_release(&want);
	return missing;
}

START_TEST(pages_say_what_tables_say)
{
	OQZ_CLEANUP(oqz_registry_free_cleanup) struct oqz_registry *r = NULL;
	const struct oqz_registry_options o = { .plugindir = "" };
	int missing = 0, pages = 0;

	ck_ok(oqz_registry_new(&o, &r, err));
	for (size_t i = 0; i < oqz_registry_count(r); i++) {
		const struct oqz_plugin_info *p = oqz_registry_at(r, i);
		if (p->refused)
			continue;
		missing += compare(p);
		pages++;
	}
	ck_assert_int_gt(pages, 0);
	ck_assert_msg(missing == 0, "%d lines are missing; `oqz describe --markdown NAME` prints them", missing);
}
END_TEST

OQZ_TEST_MAIN("plugin docs", pages_say_what_tables_say)
