/* SPDX-License-Identifier: Apache-2.0
 *
 * oqz export: what a scheme made of a model, as an ONNX model with QuantizeLinear and DequantizeLinear nodes. From a
 * manifest, whose calibration is run for it, or from a model and a plan that `oqz calibrate` or `oqz run` wrote.
 */
#include "cli/manifest_args.h"
#include "core/base/file.h"
#include "core/base/str.h"
#include "core/onnx/onnx.h"
#include "core/run/job.h"
#include "core/run/memory_limit.h"

#include <string.h>

static const struct oqz_option options[] = {
	{ "scheme", 0, "NAME", "the scheme (may be left out when the model has one)" },
	{ "model", 0, "ID", "the model (may be left out when the manifest has one)" },
	{ "plan", 0, "FILE.json", "a saved plan; the operand is then the model's .onnx file" },
	{ "pass", 0, "PASS", "with --plan: a graph pass, as `passes` of the manifest (repeatable)" },
	{ "output", 'o', "FILE.onnx", "where the result goes (default MODEL.SCHEME.onnx, here)" },
	{ "jobs", 'j', "N", "worker threads (default 1)" },
	OQZ_MANIFEST_OPTIONS,
	OQZ_MEMORY_OPTION,
	{ 0 },
};

enum { MAX_PLAN_BYTES = 256 << 20 };

/* What only this program has cannot be written as ONNX. */
static enum oqz_status check_domains(const struct oqz_graph *g, struct oqz_err *err)
{
	for (size_t i = 0; i < g->nodes.n; i++) {
		const struct oqz_node *n = g->nodes.v[i];
		if (strcmp(n->domain, "oqz") == 0)
			OQZ_FAIL(err, OQZ_E_UNSUPPORTED,
			         "`%s`: ONNX has no element type with this grid and rounding (integers of 4, 8 and 16 "
			         "bits and "
			         "FP8, rounded to nearest-even, can be exported)",
			         n->name);
	}
	return OQZ_OK;
}

/* The graph of a plan: nodes of the operator sets that it needs, no import of ours. */
static enum oqz_status save(const struct oqz_qplan *plan, const struct oqz_graph *g, const char *path,
                            struct oqz_err *err)
{
	OQZ_CLEANUP(oqz_graph_free_cleanup) struct oqz_graph *q = NULL;
	size_t k = 0;

	OQZ_TRY(oqz_qplan_apply(plan, g, &q, err));
	OQZ_TRY(check_domains(q, err));
	OQZ_TRY(oqz_onnx_for_readers(q, err));
	OQZ_TRY(oqz_onnx_lower_opset(q, err));
	for (size_t i = 0; i < q->opsets.n; i++)
		if (strcmp(q->opsets.v[i].domain, "oqz") != 0)
			q->opsets.v[k++] = q->opsets.v[i];
	q->opsets.n = k;
	OQZ_TRY(oqz_onnx_save(q, path, err));
	fprintf(stderr, "oqz: %s: operator set %d, %zu quantized inputs\n", path, oqz_graph_opset(q, ""),
	        plan->sites.n);
	return OQZ_OK;
}

static enum oqz_status from_plan(const struct oqz_args *args, const char *plan_file, struct oqz_err *err)
{
	OQZ_CLEANUP(oqz_qplan_free_cleanup) struct oqz_qplan *plan = NULL;
	OQZ_CLEANUP(oqz_graph_free_cleanup) struct oqz_graph *g = NULL;
	OQZ_CLEANUP_FREE const char **given = NULL;
	OQZ_CLEANUP_FREE const char **passes = NULL;
	OQZ_CLEANUP_FREE char *text = NULL;
	const char *path = cli_option(args, "output");
	size_t size, n = cli_options(args, "pass", &given);

	if (!path || cli_option(args, "scheme") || cli_option(args, "model"))
		OQZ_FAIL(err, OQZ_E_USAGE, "--plan needs --output, and neither --scheme nor --model");
	passes = calloc(n + 1, sizeof *passes);
	if (!passes)
		return oqz_err_nomem(err, "passes", n);
	for (size_t i = 0; i < n; i++)
		passes[i] = given[i];
	OQZ_TRY(oqz_file_read(plan_file, MAX_PLAN_BYTES, &text, &size, err));
	OQZ_TRY(oqz_qplan_from_json(text, size, plan_file, &plan, err));
	OQZ_TRY(oqz_model_open(args->operands.v[0], n ? passes : NULL, &g, err));
	return save(plan, g, path, err);
}

/* ---------------------------------------------------------------------------------------------------- manifests */

/* The job and the scheme that the options name, or that are the only ones. */
static enum oqz_status find_cell(const struct oqz_manifest *m, const char *model, const char *scheme, size_t *ret_job,
                                 const struct oqz_scheme_spec **ret, struct oqz_err *err)
{
	size_t found = 0;

	for (size_t i = 0; i < m->jobs.n; i++)
		for (size_t k = 0; k < m->jobs.v[i].n_schemes; k++) {
			if ((model && strcmp(m->jobs.v[i].model->id, model) != 0) ||
			    (scheme && strcmp(m->jobs.v[i].schemes[k]->name, scheme) != 0))
				continue;
			*ret_job = i;
			*ret = m->jobs.v[i].schemes[k];
			found++;
		}
	if (found != 1)
		OQZ_FAIL(err, OQZ_E_USAGE,
		         "%s: %zu cells of the matrix are %s%s%s%s; name one with --model and --scheme", m->file, found,
		         model ? "of model " : "", model ? model : "meant", scheme ? " under scheme " : "",
		         scheme ? scheme : "");
	return OQZ_OK;
}

static enum oqz_status export_cell(const struct oqz_args *args, const struct oqz_manifest *m, size_t job,
                                   const struct oqz_scheme_spec *scheme, long long threads, struct oqz_err *err)
{
	OQZ_CLEANUP(oqz_registry_free_cleanup) struct oqz_registry *reg = NULL;
	OQZ_CLEANUP(oqz_job_close_cleanup) struct oqz_job *j = NULL;
	const struct oqz_scheme_spec *one[] = { scheme };
	const struct oqz_job_spec spec = { .model = m->jobs.v[job].model, .schemes = one, .n_schemes = 1 };
	const struct oqz_job_options opt = { .threads = (int)threads };
	const char *path = cli_option(args, "output");
	struct oqz_str name = { 0 };

	if (scheme->file)
		OQZ_FAIL(err, OQZ_E_USAGE, "lane `%s` is a file already: %s", scheme->name, scheme->file);
	OQZ_TRY(cli_open_registry(&reg, err));
	OQZ_TRY(oqz_memory_limit(m->limits.memory, opt.threads, err));
	OQZ_TRY(oqz_job_open(m, &spec, reg, NULL, &opt, &j, err));
	OQZ_TRY(oqz_job_calibrate(j, err));
	if (j->schemes[0].status != OQZ_OK)
		OQZ_FAIL(err, j->schemes[0].status, "scheme `%s`: %s", scheme->name, j->schemes[0].message);
	oqz_str_addf(&name, "%s.%s.onnx", spec.model->id, scheme->name);
	enum oqz_status st = oqz_str_ok(&name)
	                         ? save(j->schemes[0].plan, j->graph, path ? path : oqz_str_get(&name), err)
	                         : oqz_err_nomem(err, "a name", name.len);
	oqz_str_release(&name);
	return st;
}

static int run(const struct oqz_args *args)
{
	OQZ_CLEANUP(oqz_manifest_free_cleanup) struct oqz_manifest *m = NULL;
	const char *plan = cli_option(args, "plan");
	const struct oqz_scheme_spec *scheme = NULL;
	struct oqz_err err = { 0 };
	long long threads = 1;
	size_t job = 0;
	enum oqz_status st = cli_integer(args, "jobs", 1, 1024, &threads, &err);

	if (st == OQZ_OK && !plan && cli_option(args, "pass"))
		st = oqz_err_set(&err, OQZ_E_USAGE, "--pass belongs to --plan; a manifest has `passes`");
	else if (st == OQZ_OK && plan)
		st = from_plan(args, plan, &err);
	else if (st == OQZ_OK)
		st = cli_load_manifest(args, &m, &err);
	if (st == OQZ_OK && m)
		st = find_cell(m, cli_option(args, "model"), cli_option(args, "scheme"), &job, &scheme, &err);
	if (st == OQZ_OK && m)
		st = export_cell(args, m, job, scheme, threads, &err);
	return st == OQZ_OK ? OQZ_EXIT_OK : cli_fail(&err);
}

const struct oqz_verb cmd_export = {
	"export", "zoo.yaml | MODEL.onnx", "write a quantized model as ONNX", options, 1, 1, run, true
};
