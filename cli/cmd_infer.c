/* SPDX-License-Identifier: Apache-2.0
 *
 * oqz infer: a model on given tensors -> its outputs as .npy files; with --repeat also its throughput.
 */
#include "cli/cli.h"
#include "core/base/file.h"
#include "core/base/rng.h"
#include "core/base/str.h"
#include "core/exec/exec.h"
#include "core/onnx/onnx.h"
#include "core/run/memory_limit.h"
#include "core/run/pool.h"
#include "core/tensor/npy.h"

#include <string.h>
#include <sys/resource.h>
#include <time.h>

static const struct oqz_option options[] = {
	{ "input", 0, "NAME=FILE",
	  "an input from a .npy or .pb file (repeatable; NAME= may be left out for the only input)" },
	{ "random", 0, "SEED", "inputs that are not given are filled with random numbers" },
	{ "output", 'o', "DIR", "write each output to DIR/<name>.npy" },
	{ "engine", 0, "E", "auto, sim or reference" },
	OQZ_MEMORY_OPTION,
	{ "repeat", 0, "N", "run N times and print images per second" },
	{ "jobs", 'j', "N", "worker threads for --repeat (default 1)" },
	{ 0 },
};

struct infer {
	const struct oqz_args *args;
	struct oqz_graph *graph; /* until the program takes it over */
	struct oqz_program *program;
	size_t n_inputs;
	struct oqz_tensor *inputs;
	struct oqz_shape *shapes;
	struct oqz_context **contexts;
	int threads;
};

static enum oqz_status load_tensor(const char *path, struct oqz_tensor *ret, struct oqz_err *err)
{
	size_t n = strlen(path);

	if (n > 3 && strcmp(path + n - 3, ".pb") == 0)
		return oqz_onnx_load_tensor(path, ret, NULL, err);
	return oqz_npy_read(path, ret, err);
}

/* Random inputs: float about normal(0,1), integers 0 or 1; unknown dimensions are 1. */
static enum oqz_status random_input(const struct oqz_value *v, uint64_t seed, struct oqz_tensor *ret,
                                    struct oqz_err *err)
{
	struct oqz_shape s = v->type.shape;
	struct oqz_rng r;

	if (s.rank < 0)
		OQZ_FAIL(err, OQZ_E_USAGE, "input `%s` has no known rank: give it with --input", v->name);
	for (int i = 0; i < s.rank; i++)
		s.dim[i] = s.dim[i] < 0 ? 1 : s.dim[i];
	OQZ_TRY(oqz_tensor_alloc(ret, v->type.dtype, &s, err));
	oqz_rng_init(&r, seed ^ (uint64_t)v->id);
	for (size_t i = 0; i < (size_t)oqz_tensor_nelem(ret); i++)
		oqz_store_f(ret->dtype, ret->data, i,
		            oqz_dtype_is_float(ret->dtype) ? oqz_rng_normal(&r) : (double)oqz_rng_below(&r, 2));
	return OQZ_OK;
}

static enum oqz_status read_inputs(struct infer *f, struct oqz_err *err)
{
	OQZ_CLEANUP_FREE const char **given = NULL;
	size_t n_given = cli_options(f->args, "input", &given);
	const char *seed = cli_option(f->args, "random");
	long long s = 0;

	if (seed && !oqz_parse_i64(seed, &s))
		OQZ_FAIL(err, OQZ_E_USAGE, "--random takes a whole number");
	for (size_t k = 0; k < n_given; k++) {
		const char *eq = strchr(given[k], '=');
		size_t i = 0;
		for (; eq && i < f->graph->inputs.n; i++)
			if (strlen(f->graph->inputs.v[i]->name) == (size_t)(eq - given[k]) &&
			    strncmp(f->graph->inputs.v[i]->name, given[k], (size_t)(eq - given[k])) == 0)
				break;
		if (i == f->graph->inputs.n || (!eq && f->graph->inputs.n != 1))
			OQZ_FAIL(err, OQZ_E_USAGE, "--input %s: the model has no such input", given[k]);
		oqz_tensor_release(&f->inputs[i]);
		OQZ_TRY(load_tensor(eq ? eq + 1 : given[k], &f->inputs[i], err));
		if (f->inputs[i].dtype != f->graph->inputs.v[i]->type.dtype)
			OQZ_FAIL(err, OQZ_E_MISMATCH, "input `%s` is %s, the file has %s", f->graph->inputs.v[i]->name,
			         oqz_dtype_name(f->graph->inputs.v[i]->type.dtype), oqz_dtype_name(f->inputs[i].dtype));
	}
	for (size_t i = 0; i < f->graph->inputs.n; i++) {
		if (!f->inputs[i].data && !seed)
			OQZ_FAIL(err, OQZ_E_USAGE, "input `%s` is missing: --input %s=FILE, or --random SEED",
			         f->graph->inputs.v[i]->name, f->graph->inputs.v[i]->name);
		if (!f->inputs[i].data)
			OQZ_TRY(random_input(f->graph->inputs.v[i], (uint64_t)s, &f->inputs[i], err));
		f->shapes[i] = f->inputs[i].shape;
	}
	return OQZ_OK;
}

static enum oqz_status run_once(void *ctx, int worker, size_t unit, struct oqz_err *err)
{
	struct infer *f = ctx;
	struct oqz_context *c = f->contexts[worker];

	for (size_t i = 0; i < f->n_inputs; i++)
		oqz_tensor_relayout(oqz_context_input(c, i), &f->inputs[i]);
	return oqz_context_run(c, 0, oqz_program_nsteps(f->program), err);
}

static enum oqz_status write_outputs(struct infer *f, const char *dir, struct oqz_err *err)
{
	OQZ_TRY(oqz_mkdirs(dir, err));
	for (size_t i = 0; i < oqz_program_noutputs(f->program); i++) {
		struct oqz_str path = { 0 };
		oqz_str_addf(&path, "%s/", dir);
		for (const char *p = oqz_program_output_name(f->program, i); *p; p++)
			oqz_str_addf(&path, "%c",
			             (*p >= 'a' && *p <= 'z') || (*p >= 'A' && *p <= 'Z') || (*p >= '0' && *p <= '9') ||
			                     strchr("._-", *p)
			                 ? *p
			                 : '_');
		oqz_str_add(&path, ".npy");
		enum oqz_status st = oqz_npy_write(oqz_str_get(&path), oqz_context_output(f->contexts[0], i), err);
		oqz_str_release(&path);
		OQZ_TRY(st);
	}
	return OQZ_OK;
}

static double clock_seconds(clockid_t clock)
{
	struct timespec t;

	clock_gettime(clock, &t);
	return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* Two rates: by the clock on the wall, and by the time that the processors spent, which a busy neighbour changes less.
 */
static enum oqz_status repeat(struct infer *f, long long n, struct oqz_err *err)
{
	struct oqz_pool_job pool = { .n_units = (size_t)n, .ctx = f, .unit = run_once };
	double images = (double)n * (double)(f->shapes[0].rank ? f->shapes[0].dim[0] : 1);
	struct rusage usage = { 0 };
	double wall = clock_seconds(CLOCK_MONOTONIC), cpu = clock_seconds(CLOCK_PROCESS_CPUTIME_ID);

	OQZ_TRY(oqz_pool_run(&pool, f->threads, err));
	getrusage(RUSAGE_SELF, &usage);
	fprintf(stderr, "%.1f MiB of memory at most\n", (double)usage.ru_maxrss / 1024);
	fprintf(stderr, "%.3f images per second of processor time\n",
	        images / (clock_seconds(CLOCK_PROCESS_CPUTIME_ID) - cpu));
	fprintf(stderr, "%.3f images/s\n", images / (clock_seconds(CLOCK_MONOTONIC) - wall));
	return OQZ_OK;
}

static enum oqz_status infer(struct infer *f, struct oqz_err *err)
{
	struct oqz_exec_options opt = { 0 };
	const char *dir = cli_option(f->args, "output");
	long long n = 0, threads = 1;
	int64_t memory;

	OQZ_TRY(cli_engine(f->args, &opt.engine, err));
	OQZ_TRY(cli_integer(f->args, "repeat", 1, 1000000000, &n, err));
	OQZ_TRY(cli_integer(f->args, "jobs", 1, 1024, &threads, err));
	f->threads = (int)threads;
	OQZ_TRY(cli_memory_limit(f->args, &memory, err));
	OQZ_TRY(oqz_memory_limit(memory, (int)threads, err));
	OQZ_TRY(oqz_model_open(f->args->operands.v[0], NULL, &f->graph, err));
	f->n_inputs = f->graph->inputs.n;
	f->inputs = calloc(f->n_inputs + 1, sizeof *f->inputs);
	f->shapes = calloc(f->n_inputs + 1, sizeof *f->shapes);
	f->contexts = calloc((size_t)threads, sizeof *f->contexts);
	if (!f->inputs || !f->shapes || !f->contexts)
		return oqz_err_nomem(err, "inputs", f->n_inputs);
	OQZ_TRY(read_inputs(f, err));
	OQZ_TRY(oqz_program_of(&f->graph, &opt, f->shapes, &f->program, err));
	for (int i = 0; i < f->threads; i++)
		OQZ_TRY(oqz_context_new(f->program, &f->contexts[i], err));
	OQZ_TRY(run_once(f, 0, 0, err));
	if (dir)
		OQZ_TRY(write_outputs(f, dir, err));
	return n ? repeat(f, n, err) : OQZ_OK;
}

static int run(const struct oqz_args *args)
{
	struct infer f = { .args = args };
	struct oqz_err err = { 0 };
	enum oqz_status st = infer(&f, &err);

	for (int i = 0; f.contexts && i < f.threads; i++)
		oqz_context_free(f.contexts[i]);
	free(f.contexts);
	oqz_program_free(f.program);
	for (size_t i = 0; f.inputs && i < f.n_inputs; i++)
		oqz_tensor_release(&f.inputs[i]);
	free(f.inputs);
	free(f.shapes);
	oqz_graph_free(f.graph);
	return st == OQZ_OK ? OQZ_EXIT_OK : cli_fail(&err);
}

const struct oqz_verb cmd_infer = { "infer", "MODEL.onnx", "run a model on tensors", options, 1, 1, run };
