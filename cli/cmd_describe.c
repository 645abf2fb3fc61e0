/* SPDX-License-Identifier: Apache-2.0
 *
 * oqz describe: what a plugin or a preprocessing step is and takes, from its own tables.
 */
#include "cli/cli.h"
#include "core/base/arena.h"
#include "core/base/str.h"
#include "core/image/preprocess.h"
#include "plugins/describe.h"
#include "plugins/registry.h"

#include <string.h>

static const struct oqz_option options[] = {
	{ "markdown", 0, NULL, "print the tables as a plugin's page has them" },
	{ 0 },
};

static bool is_file(const char *name)
{
	size_t n = strlen(name);

	return strchr(name, '/') || (n > 3 && strcmp(name + n - 3, ".so") == 0);
}

static enum oqz_status find(const char *name, struct oqz_arena *arena, struct oqz_registry **registry,
                            struct oqz_plugin_info *ret, struct oqz_err *err)
{
	const struct oqz_plugin_info *found;

	if (is_file(name)) {
		OQZ_TRY(oqz_plugin_probe(name, 0, arena, ret, err));
		if (ret->refused)
			OQZ_FAIL(err, OQZ_E_PLUGIN, "%s: %s", name, ret->refused);
		return OQZ_OK;
	}
	OQZ_TRY(oqz_registry_new(NULL, registry, err));
	OQZ_TRY(oqz_registry_find(*registry, 0, name, &found, err));
	*ret = *found;
	return OQZ_OK;
}

static int describe_step(const struct oqz_step_kind *step)
{
	struct oqz_str text = { 0 };

	oqz_str_addf(&text, "%s: %s\n", step->name, step->summary);
	if (step->main)
		oqz_str_addf(&text, "  preprocessing step; a bare value sets `%s`\n", step->main);
	else
		oqz_str_add(&text, "  preprocessing step\n");
	oqz_describe_params_text("Parameters", step->params, &text);
	fputs(oqz_str_get(&text), stdout);
	oqz_str_release(&text);
	return OQZ_EXIT_OK;
}

static int run(const struct oqz_args *args)
{
	OQZ_CLEANUP(oqz_arena_free_cleanup) struct oqz_arena *arena = oqz_arena_new();
	OQZ_CLEANUP(oqz_registry_free_cleanup) struct oqz_registry *registry = NULL;
	struct oqz_plugin_info info = { 0 };
	struct oqz_err err = { 0 };
	struct oqz_str text = { 0 };
	const struct oqz_step_kind *step = oqz_step_find(args->operands.v[0]);

	if (step)
		return describe_step(step);
	if (!arena) {
		oqz_err_nomem(&err, "a description", 0);
		return cli_fail(&err);
	}
	if (find(args->operands.v[0], arena, &registry, &info, &err) != OQZ_OK)
		return cli_fail(&err);
	if (cli_option(args, "markdown"))
		oqz_describe_markdown(&info, &text);
	else
		oqz_describe_text(&info, &text);
	fputs(oqz_str_get(&text), stdout);
	oqz_str_release(&text);
	return OQZ_EXIT_OK;
}

const struct oqz_verb cmd_describe = { "describe",
	                               "NAME|FILE.so",
	                               "say what a plugin or a preprocessing step is: its parameters, its metrics",
	                               options,
	                               1,
	                               1,
	                               run };
