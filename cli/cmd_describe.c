/* SPDX-License-Identifier: Apache-2.0
 *
 * oqz describe: what a plugin or a preprocessing step is and takes, from its own tables. For a quantizer also the
 * number grid that it chooses with the given parameters, code by code, found by letting it quantize a small tensor.
 * That runs the plugin, so it happens in a child process: a plugin that crashes is reported like any other failure.
 *
 * Of a model: its graph behind the passes, with the names that a manifest's patterns and lists mean.
 */
#include "cli/cli.h"
#include "core/base/arena.h"
#include "core/base/params.h"
#include "core/base/str.h"
#include "core/graph/pass.h"
#include "core/image/preprocess.h"
#include "core/onnx/onnx.h"
#include "core/quant/observe.h"
#include "core/quant/improve.h"
#include "core/quant/qdq_tensor.h"
#include "plugins/describe.h"
#include "plugins/host.h"
#include "plugins/registry.h"

#include <string.h>

static const struct oqz_option options[] = {
	{ "markdown", 0, NULL, "print the tables as a plugin's page has them" },
	{ "pass", 0, "PASS", "of a model: a graph pass, as `passes` of the manifest (repeatable)" },
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
	OQZ_TRY(cli_open_registry(registry, err));
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

static int describe_improvement(const struct oqz_improve *p)
{
	struct oqz_str text = { 0 };

	oqz_str_addf(&text, "%s: %s\n  improvement pass, %s\n  %s\n", p->name, p->summary,
	             p->on_graph ? "on the float graph before calibration" : "on the finished plan", p->source);
	oqz_describe_params_text("Parameters", p->params, &text);
	fputs(oqz_str_get(&text), stdout);
	oqz_str_release(&text);
	return OQZ_EXIT_OK;
}

/* -------------------------------------------------------------------------------------------------- grids */

enum { MAX_CODES = 256, PER_LINE = 8 };

/* Values of all codes at scale 1, in order; only the ends of a grid with many. */
static void print_codes(const struct oqz_grid *g)
{
	size_t n = oqz_grid_ncodes(g), shown = n <= MAX_CODES ? n : PER_LINE;
	struct oqz_str s = { 0 };

	for (size_t i = 0; i < shown; i++) {
		oqz_str_addf(&s, "%s", i % PER_LINE ? " " : "\n      ");
		oqz_str_add_double(&s, oqz_grid_value(g, i));
	}
	if (shown < n) {
		oqz_str_add(&s, "\n      ...\n     ");
		for (size_t i = n - PER_LINE; i < n; i++) {
			oqz_str_add(&s, " ");
			oqz_str_add_double(&s, oqz_grid_value(g, i));
		}
	}
	printf("      %zu codes, at scale 1:%s\n", n, oqz_str_get(&s));
	oqz_str_release(&s);
}

static void print_spec(const char *what, const struct oqz_qspec *q)
{
	struct oqz_str s = { 0 };

	oqz_grid_describe(&q->grid, &s);
	printf("  %s: %s", what, oqz_str_get(&s));
	oqz_str_release(&s);
	if (q->axis < 0)
		puts(", one scale per tensor");
	else if (q->block > 0)
		printf(", one scale per %lld elements along axis %d\n", (long long)q->block, q->axis);
	else
		printf(", one scale per index of axis %d\n", q->axis);
	if (q->grid.kind != OQZ_GRID_CUSTOM)
		print_codes(&q->grid);
}

static enum oqz_status describe_role(const struct oqz_module *m, const struct oqz_params *params,
                                     enum oqz_input_role role, struct oqz_err *err)
{
	struct oqz_plugin_host host;
	struct oqz_tensor in = { 0 }, out = { 0 };
	OQZ_CLEANUP(oqz_qplan_free_cleanup) struct oqz_qplan *plan = NULL;
	bool weight = role == OQZ_INPUT_WEIGHT;

	/* Any tensor of a weight's rank serves: the grid does not depend on the values. */
	oqz_plugin_host_init(&host, NULL, NULL);
	OQZ_TRY(oqz_tensor_alloc(&in, OQZ_DT_F32, &(struct oqz_shape) { 4, { 2, 32, 3, 3 } }, err));
	for (int64_t i = 0; i < oqz_tensor_nelem(&in); i++)
		((float *)in.data)[i] = (float)(i % 255 - 127) / 64;
	enum oqz_status st = oqz_qdq_tensor(&m->desc.quantizer, &host.table, params, m->desc.base.name, &in, role,
	                                    weight ? 0 : -1, &out, &plan, err);
	oqz_tensor_release(&in);
	oqz_tensor_release(&out);
	if (st == OQZ_OK)
		print_spec(weight ? "weights" : "activations", &plan->sites.v[0].spec);
	else if (st == OQZ_E_UNSUPPORTED) /* a scheme for one of them only */
		printf("  %s: %s\n", weight ? "weights" : "activations", err->msg);
	return st == OQZ_E_UNSUPPORTED ? OQZ_OK : st;
}

/* In the child. */
static enum oqz_status print_grids(const struct oqz_plugin_info *p, const struct oqz_params *params,
                                   struct oqz_err *err)
{
	OQZ_CLEANUP(oqz_module_close_cleanup) struct oqz_module *m = NULL;
	struct oqz_str s = { 0 };

	OQZ_TRY(oqz_module_open(p->path, &m, err));
	oqz_params_canonical(params, &s);
	printf("\nNumber format%s%s\n", s.len ? " with " : "", oqz_str_get(&s));
	oqz_str_release(&s);
	OQZ_TRY(describe_role(m, params, OQZ_INPUT_WEIGHT, err));
	return describe_role(m, params, OQZ_INPUT_ACTIVATION, err);
}

struct grids {
	const struct oqz_plugin_info *plugin;
	const struct oqz_params *params;
};

static int print_grids_apart(void *ctx)
{
	const struct grids *g = ctx;
	struct oqz_err err = { 0 };

	return print_grids(g->plugin, g->params, &err) == OQZ_OK ? OQZ_EXIT_OK : cli_fail(&err);
}

static int describe_grids(const struct oqz_plugin_info *p, const struct oqz_params *params)
{
	return cli_apart(print_grids_apart, &(struct grids) { p, params }, p->path);
}

/* -------------------------------------------------------------------------------------------------- models */

static bool is_model(const char *name)
{
	size_t n = strlen(name);

	return n > 5 && strcmp(name + n - 5, ".onnx") == 0;
}

static enum oqz_status print_model(const struct oqz_args *args, struct oqz_err *err)
{
	OQZ_CLEANUP(oqz_graph_free_cleanup) struct oqz_graph *g = NULL;
	OQZ_CLEANUP_FREE const char **given = NULL;
	OQZ_CLEANUP_FREE const char **passes = NULL;
	size_t n = cli_options(args, "pass", &given);
	struct oqz_str text = { 0 };

	passes = calloc(n + 1, sizeof *passes);
	if (!passes)
		return oqz_err_nomem(err, "passes", n);
	for (size_t i = 0; i < n; i++)
		passes[i] = given[i];
	OQZ_TRY(oqz_model_open(args->operands.v[0], n ? passes : NULL, &g, err));
	oqz_graph_dump(g, &text);
	fputs(oqz_str_get(&text), stdout);
	oqz_str_release(&text);
	return OQZ_OK;
}

/* -------------------------------------------------------------------------------------------------- the verb */

/* "int8:bits=4" -> "int8" (in the arena) and "bits=4". A path keeps its colons. */
static char *split_operand(struct oqz_arena *arena, const char *operand, const char **ret_params)
{
	const char *colon = is_file(operand) ? NULL : strchr(operand, ':');

	*ret_params = colon ? colon + 1 : "";
	return oqz_arena_strndup(arena, operand, colon ? (size_t)(colon - operand) : strlen(operand));
}

/* A calibrator or a graph pass, of which there is little to say. */
static bool describe_rule(const char *name)
{
	const struct oqz_calibrator *c = oqz_calibrator_find(name);
	const struct oqz_pass *p = NULL;

	if (c) {
		printf("calibrator %s\n\n%s.\nScope: %s.\n", c->name, c->summary,
		       c->per_axis ? "whole tensors; constants per channel, too" : "whole tensors");
		return true;
	}
	for (size_t i = 0; (p = oqz_model_pass(i)) && strcmp(p->name, name); i++)
		;
	if (p)
		printf("pass %s\n\n%s.\n%s.\n", p->name, p->summary,
		       p->on_request ? "Runs on request, as `passes: [+NAME]` of a model"
		                     : "Part of the default pipeline; `passes: [-NAME]` of a model leaves it out");
	return p != NULL;
}

static int run(const struct oqz_args *args)
{
	OQZ_CLEANUP(oqz_arena_free_cleanup) struct oqz_arena *arena = oqz_arena_new();
	OQZ_CLEANUP(oqz_registry_free_cleanup) struct oqz_registry *registry = NULL;
	struct oqz_plugin_info info = { 0 };
	struct oqz_err err = { 0 };
	struct oqz_str text = { 0 };
	const struct oqz_step_kind *step = oqz_step_find(args->operands.v[0]);
	OQZ_CLEANUP(oqz_params_free_cleanup) struct oqz_params *params = NULL;
	const char *text_of_params = "",
	           *name = arena ? split_operand(arena, args->operands.v[0], &text_of_params) : NULL;

	if (is_model(args->operands.v[0]))
		return print_model(args, &err) == OQZ_OK ? OQZ_EXIT_OK : cli_fail(&err);
	if (step)
		return describe_step(step);
	if (describe_rule(args->operands.v[0]))
		return OQZ_EXIT_OK;
	if (oqz_improve_find(args->operands.v[0]))
		return describe_improvement(oqz_improve_find(args->operands.v[0]));
	if (!name) {
		oqz_err_nomem(&err, "a description", 0);
		return cli_fail(&err);
	}
	if (find(name, arena, &registry, &info, &err) != OQZ_OK ||
	    oqz_params_parse(info.params, text_of_params, info.name, &params, &err) != OQZ_OK)
		return cli_fail(&err);
	if (cli_option(args, "markdown"))
		oqz_describe_markdown(&info, &text);
	else
		oqz_describe_text(&info, &text);
	fputs(oqz_str_get(&text), stdout);
	oqz_str_release(&text);
	if (info.kind == OQZ_KIND_QUANTIZER && !cli_option(args, "markdown"))
		return describe_grids(&info, params);
	return OQZ_EXIT_OK;
}

const struct oqz_verb cmd_describe = {
	"describe",
	"NAME[:key=value,...]|FILE.so|MODEL.onnx",
	"describe a plugin, preprocessing step, calibrator, pass or improvement, or the graph of a model",
	options,
	1,
	1,
	run
};
