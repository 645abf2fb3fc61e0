/* SPDX-License-Identifier: Apache-2.0
 *
 * oqz check-onnx: runs ONNX backend test folders through an engine. Per case `PASS name`, `FAIL name: reason` or
 * `SKIP name: reason`; the last line counts them.
 */
#include "cli/cli.h"
#include "core/base/file.h"
#include "core/base/str.h"
#include "core/exec/exec.h"
#include "core/onnx/backend_case.h"
#include "core/run/memory_limit.h"

#include <string.h>

static const struct oqz_option options[] = {
	{ "engine", 0, "E", "auto, sim or reference" },
	OQZ_MEMORY_OPTION,
	{ "filter", 0, "GLOB", "only cases whose folder name matches" },
	{ "rtol", 0, "R", "relative tolerance (default 1e-3)" },
	{ "atol", 0, "A", "absolute tolerance (default 1e-7)" },
	{ 0 },
};

struct check {
	struct oqz_case_options options;
	enum oqz_engine engine;
	const char *filter;
	size_t count[3]; /* by enum oqz_case_outcome */
	size_t drawn;
};

/* The executor as the runner of a case: plan for the inputs' shapes, run once. */
static enum oqz_status run_program(void *ctx, const struct oqz_graph *g, const struct oqz_tensor *const *inputs,
                                   struct oqz_tensor *outputs, struct oqz_err *err)
{
	const struct check *k = ctx;
	struct oqz_exec_options opt = { .engine = k->engine, .lists = true };
	OQZ_CLEANUP(oqz_program_free_cleanup) struct oqz_program *p = NULL;
	OQZ_CLEANUP(oqz_context_free_cleanup) struct oqz_context *c = NULL;
	OQZ_CLEANUP_FREE struct oqz_shape *shapes = calloc(g->inputs.n + 1, sizeof *shapes);

	if (!shapes)
		return oqz_err_nomem(err, "shapes", g->inputs.n);
	for (size_t i = 0; i < g->inputs.n; i++)
		shapes[i] = inputs[i]->shape;
	OQZ_TRY(oqz_program_new(g, &opt, shapes, &p, err));
	OQZ_TRY(oqz_context_new(p, &c, err));
	for (size_t i = 0; i < g->inputs.n; i++)
		OQZ_TRY(oqz_context_set_input(c, i, inputs[i], err));
	OQZ_TRY(oqz_context_run(c, 0, oqz_program_nsteps(p), err));
	for (size_t i = 0; i < g->outputs.n; i++)
		OQZ_TRY(oqz_tensor_copy(&outputs[i], oqz_context_output(c, i), err));
	return OQZ_OK;
}

static enum oqz_status visit(void *ctx, const char *dir, struct oqz_err *err)
{
	static const char *const words[] = { "PASS", "FAIL", "SKIP" };
	struct check *k = ctx;
	struct oqz_case_result r;
	const char *name = oqz_path_base(dir);

	if (k->filter && !oqz_glob_match(k->filter, name))
		return OQZ_OK;
	OQZ_TRY(oqz_backend_case(dir, &k->options, run_program, k, &r, err));
	k->count[r.outcome]++;
	k->drawn += r.outcome == OQZ_CASE_PASS && r.drawn;
	printf("%s %s%s%s\n", words[r.outcome], name, r.reason[0] ? ": " : "", r.reason);
	fflush(stdout);
	return OQZ_OK;
}

static enum oqz_status number(const struct oqz_args *args, const char *name, double *ret, struct oqz_err *err)
{
	const char *s = cli_option(args, name);

	if (s && (!oqz_parse_f64(s, ret) || !(*ret >= 0)))
		OQZ_FAIL(err, OQZ_E_USAGE, "--%s takes a number that is not negative, not `%s`", name, s);
	return OQZ_OK;
}

static enum oqz_status check(const struct oqz_args *args, struct check *k, struct oqz_err *err)
{
	int64_t memory;

	OQZ_TRY(cli_engine(args, &k->engine, err));
	OQZ_TRY(number(args, "rtol", &k->options.rtol, err));
	OQZ_TRY(number(args, "atol", &k->options.atol, err));
	OQZ_TRY(cli_memory_limit(args, &memory, err));
	OQZ_TRY(oqz_memory_limit(memory, 1, err));
	for (size_t i = 0; i < args->operands.n; i++)
		OQZ_TRY(oqz_backend_each(args->operands.v[i], visit, k, err));
	return OQZ_OK;
}

static int run(const struct oqz_args *args)
{
	struct check k = { .options = { .rtol = 1e-3, .atol = 1e-7 }, .filter = cli_option(args, "filter") };
	struct oqz_err err = { 0 };

	if (check(args, &k, &err) != OQZ_OK)
		return cli_fail(&err);
	printf("%zu passed, %zu failed, %zu skipped\n", k.count[OQZ_CASE_PASS], k.count[OQZ_CASE_FAIL],
	       k.count[OQZ_CASE_SKIP]);
	if (k.drawn)
		fprintf(stderr, "oqz: of %zu passed cases with random numbers only type and shape were compared\n",
		        k.drawn);
	if (k.count[OQZ_CASE_PASS] + k.count[OQZ_CASE_FAIL] + k.count[OQZ_CASE_SKIP] == 0) {
		fprintf(stderr, "oqz: no case was found (a case is a folder with model.onnx and test_data_set_0)\n");
		return OQZ_EXIT_DATA;
	}
	return k.count[OQZ_CASE_FAIL] ? OQZ_EXIT_PARTIAL : OQZ_EXIT_OK;
}

const struct oqz_verb cmd_check_onnx = { "check-onnx", "DIR...", "run ONNX backend test folders", options, 1, -1, run };
