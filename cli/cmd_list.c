/* SPDX-License-Identifier: Apache-2.0
 *
 * oqz list: what this installation has, one line each. Plugins are looked at from a child process (plugins/registry.h),
 * so a broken one is a line of this list and not the end of it.
 */
#include "cli/cli.h"
#include "cli/list_ops.h"
#include "core/base/str.h"
#include "core/graph/pass.h"
#include "core/image/preprocess.h"
#include "core/onnx/onnx.h"
#include "core/quant/improve.h"
#include "core/quant/observe.h"
#include "plugins/registry.h"

#include <string.h>

/* Columns are padded to the widest entry; the last one is free text. */
static void line(const char *name, int width, const char *second, int width2, const char *rest)
{
	printf("%-*s  %-*s  %s\n", width, name, width2, second, rest);
}

static int widest(const struct oqz_registry *r, int floor)
{
	for (size_t i = 0; i < oqz_registry_count(r); i++) {
		const char *name = oqz_registry_at(r, i)->name;
		if (name && (int)strlen(name) > floor)
			floor = (int)strlen(name);
	}
	return floor;
}

/* Everything, with where it is and why it is not used. */
static void print_all(const struct oqz_registry *r)
{
	int width = widest(r, 4);

	for (size_t i = 0; i < oqz_registry_count(r); i++) {
		const struct oqz_plugin_info *p = oqz_registry_at(r, i);
		if (p->refused) {
			printf("%-*s  %-9s  %s: %s\n", width, "-", "refused", p->path, p->refused);
			continue;
		}
		printf("%-*s  %-9s  %s  %s", width, p->name, oqz_plugin_kind_name(p->kind), p->version, p->path);
		if (p->shadowed_by)
			printf("  (not used: %s comes first)", p->shadowed_by);
		putchar('\n');
	}
}

static void print_kind(const struct oqz_registry *r, enum oqz_plugin_kind kind)
{
	int width = widest(r, 4);
	size_t refused = 0;

	for (size_t i = 0; i < oqz_registry_count(r); i++) {
		const struct oqz_plugin_info *p = oqz_registry_at(r, i);
		refused += p->refused != NULL;
		if (!p->refused && !p->shadowed_by && p->kind == kind)
			line(p->name, width, p->version, 5, p->summary);
	}
	if (refused)
		fprintf(stderr, "oqz: %zu refused, see `oqz list plugins`\n", refused);
}

static int list_registry(enum oqz_plugin_kind kind)
{
	OQZ_CLEANUP(oqz_registry_free_cleanup) struct oqz_registry *r = NULL;
	struct oqz_err err = { 0 };

	if (oqz_registry_new(NULL, &r, &err) != OQZ_OK)
		return cli_fail(&err);
	if (oqz_registry_any(r, &err) != OQZ_OK)
		fprintf(stderr, "oqz: %s\n", err.msg);
	else if (kind)
		print_kind(r, kind);
	else
		print_all(r);
	return OQZ_EXIT_OK;
}

static int list_plugins(void) { return list_registry(0); }
static int list_quantizers(void) { return list_registry(OQZ_KIND_QUANTIZER); }
static int list_tasks(void) { return list_registry(OQZ_KIND_TASK); }

static int list_calibrators(void)
{
	for (const struct oqz_calibrator *const *c = oqz_calibrators; *c; c++)
		line((*c)->name, 12, (*c)->per_axis ? "tensor, channel" : "tensor", 15, (*c)->summary);
	return OQZ_EXIT_OK;
}

static int list_passes(void)
{
	const struct oqz_pass *p;

	for (size_t i = 0; (p = oqz_model_pass(i)); i++)
		line(p->name, 17, p->on_request ? "on request" : "default", 10, p->summary);
	return OQZ_EXIT_OK;
}

static int list_improvements(void)
{
	for (const struct oqz_improve *const *p = oqz_improves; *p; p++)
		line((*p)->name, 12, (*p)->on_graph ? "before calibration" : "on the plan", 18, (*p)->summary);
	return OQZ_EXIT_OK;
}

static int list_steps(void)
{
	size_t n;
	const struct oqz_step_kind *const *steps = oqz_steps(&n);

	for (size_t i = 0; i < n; i++)
		line(steps[i]->name, 16, steps[i]->main ? steps[i]->main : "", 8, steps[i]->summary);
	return OQZ_EXIT_OK;
}

static int list_ops(void) { return cli_list_ops(false); }

static const struct {
	const char *name;
	int (*print)(void);
} kinds[] = {
	{ "plugins", list_plugins },
	{ "quantizers", list_quantizers },
	{ "tasks", list_tasks },
	{ "steps", list_steps },
	{ "calibrators", list_calibrators },
	{ "passes", list_passes },
	{ "improvements", list_improvements },
	{ "ops", list_ops },
};

static const struct oqz_option options[] = {
	{ "markdown", 0, NULL, "operators as the page operators.md of the documentation" },
	{ 0 },
};

static int run(const struct oqz_args *args)
{
	const char *names[OQZ_COUNTOF(kinds)];
	const char *kind = args->operands.n ? args->operands.v[0] : "plugins";

	if (cli_option(args, "markdown")) {
		if (strcmp(kind, "ops") == 0)
			return cli_list_ops(true);
		fprintf(stderr, "oqz list: --markdown is for `oqz list ops`\n");
		return OQZ_EXIT_USAGE;
	}
	for (size_t i = 0; i < OQZ_COUNTOF(kinds); i++) {
		if (strcmp(kind, kinds[i].name) == 0)
			return kinds[i].print();
		names[i] = kinds[i].name;
	}
	const char *near = oqz_str_nearest(kind, names, OQZ_COUNTOF(names));
	fprintf(stderr, "oqz list: unknown kind `%s`%s%s%s (see `oqz list --help`)\n", kind,
	        near ? "; did you mean `" : "", near ? near : "", near ? "`?" : "");
	return OQZ_EXIT_USAGE;
}

const struct oqz_verb cmd_list = { "list",
	                           "[plugins|quantizers|tasks|steps|calibrators|passes|improvements|ops]",
	                           "list plugins, preprocessing steps, calibrators, passes, improvements or operators",
	                           options,
	                           0,
	                           1,
	                           run };
