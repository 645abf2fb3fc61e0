/* SPDX-License-Identifier: Apache-2.0
 *
 * oqz score: figures of predictions made elsewhere, by the same code that judges models here. Formats are the task
 * plugin's business.
 */
#include "cli/cli.h"
#include "core/base/str.h"
#include "plugins/registry.h"
#include "plugins/task_instance.h"

#include <math.h>
#include <string.h>

static const struct oqz_option options[] = {
	{ "task", 0, "TASK[:K=V,...]", "the task and its (or its data set's) parameters (required)" },
	{ "annotations", 0, "FILE", "the truth: a file, or a folder of images (required)" },
	{ "predictions", 0, "FILE", "what is judged: a file (default: standard input), or a folder" },
	{ 0 },
};

static void print_log(void *ctx, enum oqz_log_level level, const char *line)
{
	(void)ctx;
	if (level <= OQZ_LOG_WARN)
		fprintf(stderr, "oqz: %s\n", line);
}

static void add_value(struct oqz_str *s, double v)
{
	if (isfinite(v))
		oqz_str_add_double(s, v);
	else /* JSON has no infinity: a PSNR of equal images */
		oqz_str_add(s, "null");
}

/* "a.b" is entry b of the object a; what belongs together is set together. */
static void print_figures(const struct oqz_figures *f)
{
	struct oqz_str s = { 0 };
	const char *group = NULL;
	size_t group_n = 0;

	oqz_str_add(&s, "{");
	for (size_t i = 0; i < f->v.n; i++) {
		const char *name = f->v.v[i].name, *dot = strchr(name, '.');
		size_t n = dot ? (size_t)(dot - name) : 0;
		bool same = group && n == group_n && memcmp(name, group, n) == 0;
		if (group && !same)
			oqz_str_add(&s, "}");
		oqz_str_add(&s, i == 0 ? "" : ", ");
		if (dot && !same)
			oqz_str_addf(&s, "\"%.*s\": {", (int)n, name);
		group = dot ? name : NULL;
		group_n = n;
		oqz_str_add_json(&s, dot ? dot + 1 : name);
		oqz_str_add(&s, ": ");
		add_value(&s, f->v.v[i].value);
	}
	oqz_str_add(&s, group ? "}}" : "}");
	printf("%s\n", oqz_str_get(&s));
	oqz_str_release(&s);
}

static enum oqz_status score(const struct oqz_args *args, struct oqz_figures *ret, struct oqz_err *err)
{
	OQZ_CLEANUP(oqz_registry_free_cleanup) struct oqz_registry *reg = NULL;
	OQZ_CLEANUP(oqz_module_close_cleanup) struct oqz_module *module = NULL;
	const char *task = cli_option(args, "task"), *annotations = cli_option(args, "annotations"),
	           *predictions = cli_option(args, "predictions");
	struct oqz_plugin_host host;

	if (!task || !annotations)
		OQZ_FAIL(err, OQZ_E_USAGE, "score: --task and --annotations are needed");
	OQZ_CLEANUP_FREE char *name = strndup(task, strcspn(task, ":"));
	const char *rest = strchr(task, ':');
	if (!name)
		return oqz_err_nomem(err, task, 1);
	oqz_plugin_host_init(&host, print_log, NULL);
	OQZ_TRY(cli_open_registry(&reg, err));
	OQZ_TRY(oqz_registry_load(reg, OQZ_KIND_TASK, name, &module, err));
	enum oqz_status st =
	    oqz_task_judge(module, &host, rest ? rest + 1 : "", annotations, predictions ? predictions : "-", ret, err);
	if (st == OQZ_OK)
		print_figures(ret); /* while the module is loaded: warnings come first */
	return st;
}

static int run(const struct oqz_args *args)
{
	struct oqz_figures figures = { 0 };
	struct oqz_err err = { 0 };
	enum oqz_status st = score(args, &figures, &err);

	oqz_figures_release(&figures);
	return st == OQZ_OK ? OQZ_EXIT_OK : cli_fail(&err);
}

const struct oqz_verb cmd_score = { "score", "", "figures of predictions made elsewhere", options, 0, 0, run, true };
