/* SPDX-License-Identifier: Apache-2.0
 *
 * oqz selftest: the installed program checks itself on this machine. A line for each check, `PASS name: what` or `FAIL
 * name: reason`; the last line counts them. Each plugin is tried in a process of its own.
 */
#include "cli/cli.h"
#include "core/exec/exec.h"
#include "core/run/selftest.h"

#include <string.h>

static const struct oqz_option options[] = { { 0 } };

struct tally {
	size_t passed, failed;
};

static void print_check(void *ctx, const char *name, const char *detail, const struct oqz_err *err)
{
	struct tally *t = ctx;

	printf("%s %s%s%s\n", err ? "FAIL" : "PASS", name, err || *detail ? ": " : "", err ? err->msg : detail);
	t->passed += !err;
	t->failed += err != NULL;
}

enum { SAID = 64 }; /* exit code of a child that has printed the failure itself */

static int try_plugin(void *ctx)
{
	const struct oqz_plugin_info *p = ctx;
	struct oqz_str detail = { 0 };
	struct oqz_err err = { 0 };
	struct tally t = { 0 };

	enum oqz_status st = oqz_selftest_plugin(p, &detail, &err);
	print_check(&t, p->name, oqz_str_get(&detail), st == OQZ_OK ? NULL : &err);
	oqz_str_release(&detail);
	return st == OQZ_OK ? OQZ_EXIT_OK : SAID;
}

static void check_plugin(const struct oqz_plugin_info *p, struct tally *t)
{
	struct oqz_err err = { 0 };

	if (p->refused) {
		oqz_err_set(&err, OQZ_E_PLUGIN, "refused: %s", p->refused);
		print_check(t, p->path, "", &err);
	} else if (!p->shadowed_by) {
		int code = cli_apart(try_plugin, (void *)p, p->path);
		if (code == OQZ_EXIT_OK || code == SAID) {
			t->passed += code == OQZ_EXIT_OK;
			t->failed += code == SAID;
			return;
		}
		oqz_err_set(&err, OQZ_E_PLUGIN, "its process ended, see standard error");
		print_check(t, p->name, "", &err);
	}
}

static int run(const struct oqz_args *args)
{
	OQZ_CLEANUP(oqz_registry_free_cleanup) struct oqz_registry *reg = NULL;
	struct tally own = { 0 }, plugins = { 0 };
	struct oqz_err err = { 0 };

	(void)args;
	fprintf(stderr, "oqz: %s\n", oqz_exec_describe());
	oqz_selftest_numbers(print_check, &own);
	oqz_selftest_kernels(print_check, &own);
	if (cli_open_registry(&reg, &err) != OQZ_OK)
		print_check(&plugins, "plugins", "", &err);
	for (size_t i = 0; reg && i < oqz_registry_count(reg); i++)
		check_plugin(oqz_registry_at(reg, i), &plugins);
	printf("%zu passed, %zu failed\n", own.passed + plugins.passed, own.failed + plugins.failed);
	return own.failed ? OQZ_EXIT_DATA : plugins.failed ? OQZ_EXIT_PLUGIN : OQZ_EXIT_OK;
}

const struct oqz_verb cmd_selftest = { "selftest", "", "check this installation on this machine", options, 0, 0, run };
