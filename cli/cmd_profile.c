/* SPDX-License-Identifier: Apache-2.0
 *
 * oqz profile: where the time of a model goes, per step and per kind of implementation, with achieved GFLOP/s, their
 * share of what a core reaches in that type, and bytes moved; optionally as a Chrome trace (chrome://tracing,
 * Perfetto).
 */
#include "cli/cli.h"
#include "core/base/file.h"
#include "core/base/rng.h"
#include "core/base/str.h"
#include "core/exec/exec.h"
#include "core/onnx/onnx.h"
#include "core/run/memory_limit.h"

#include <string.h>

static const struct oqz_option options[] = {
	{ "repeat", 0, "N", "runs to sum over (default 20)" },
	{ "engine", 0, "E", "auto, sim or reference" },
	OQZ_MEMORY_OPTION,
	{ "trace", 0, "FILE.json", "write a Chrome trace of one mean run" },
	{ "top", 0, "N", "how many steps to list (default 30; 0: all)" },
	{ 0 },
};

struct row {
	struct oqz_step_info info;
	double ms;
};

static int by_time(const void *a, const void *b)
{
	double x = ((const struct row *)a)->ms, y = ((const struct row *)b)->ms;

	return x < y ? 1 : x > y ? -1 : 0;
}

/* What one core reaches in each type. */
struct peaks {
	double f32, i8, bf16;
};

static double peak_of(const struct peaks *p, const struct oqz_step_info *s)
{
	enum oqz_dtype t = oqz_step_arithmetic(s);

	return t == OQZ_DT_I8 ? p->i8 : t == OQZ_DT_BF16 ? p->bf16 : p->f32;
}

static void print_numbers(const struct row *r, const struct peaks *peaks, double total)
{
	double rate = r->ms > 0 ? 2e-6 * (double)r->info.macs / r->ms : 0, peak = peak_of(peaks, &r->info);

	printf("%8.3f %6.2f %9.1f %6.1f %8.1f", r->ms, 100 * r->ms / total, rate, peak > 0 ? 100 * rate / peak : 0,
	       r->ms > 0 ? 1e-6 * (double)r->info.bytes / r->ms : 0);
}

static void print_steps(struct row *rows, size_t n, size_t top, const struct peaks *peaks, double total)
{
	qsort(rows, n, sizeof *rows, by_time);
	printf("%8s %6s %9s %6s %8s  %-18s %-36s %s\n", "ms", "%", "GFLOP/s", "% peak", "GB/s", "op", "implementation",
	       "node");
	for (size_t i = 0; i < n && (top == 0 || i < top); i++) {
		print_numbers(&rows[i], peaks, total);
		printf("  %-18s %-36s %s\n", rows[i].info.op, rows[i].info.impl, rows[i].info.node);
	}
}

/* Sums over steps of the same implementation. */
static void print_kinds(const struct row *rows, size_t n, const struct peaks *peaks, double total)
{
	OQZ_CLEANUP_FREE struct row *kinds = calloc(n + 1, sizeof *kinds);
	size_t k = 0;

	for (size_t i = 0; kinds && i < n; i++) {
		size_t j = 0;
		while (j < k && strcmp(kinds[j].info.impl, rows[i].info.impl) != 0)
			j++;
		if (j == k)
			kinds[k++].info.impl = rows[i].info.impl;
		kinds[j].ms += rows[i].ms;
		kinds[j].info.macs += rows[i].info.macs;
		kinds[j].info.bytes += rows[i].info.bytes;
	}
	if (!kinds)
		return;
	qsort(kinds, k, sizeof *kinds, by_time);
	printf("\n%8s %6s %9s %6s %8s  %s\n", "ms", "%", "GFLOP/s", "% peak", "GB/s", "implementation");
	for (size_t i = 0; i < k; i++) {
		print_numbers(&kinds[i], peaks, total);
		printf("  %s\n", kinds[i].info.impl);
	}
}

static enum oqz_status write_trace(const char *path, const struct row *rows, size_t n, struct oqz_err *err)
{
	struct oqz_str s = { 0 };
	double at = 0;

	oqz_str_add(&s, "[\n");
	for (size_t i = 0; i < n; i++) {
		oqz_str_add(&s, i ? ",\n{\"name\":" : "{\"name\":");
		oqz_str_add_json(&s, rows[i].info.node);
		oqz_str_add(&s, ",\"cat\":");
		oqz_str_add_json(&s, rows[i].info.impl);
		oqz_str_addf(&s, ",\"ph\":\"X\",\"pid\":1,\"tid\":1,\"ts\":%.3f,\"dur\":%.3f}", at, 1e3 * rows[i].ms);
		at += 1e3 * rows[i].ms;
	}
	oqz_str_add(&s, "\n]\n");
	enum oqz_status st = oqz_file_write(path, oqz_str_get(&s), s.len, err);
	oqz_str_release(&s);
	return st;
}

static enum oqz_status measure(struct oqz_program *p, long long repeat, struct row *rows, uint64_t *ns,
                               struct oqz_err *err)
{
	OQZ_CLEANUP(oqz_context_free_cleanup) struct oqz_context *c = NULL;
	size_t n = oqz_program_nsteps(p);
	struct oqz_rng r;

	OQZ_TRY(oqz_context_new(p, &c, err));
	oqz_rng_init(&r, 1);
	for (long long k = -2; k < repeat; k++) {
		if (k == 0)
			oqz_context_set_profile(c, ns);
		for (size_t i = 0; i < oqz_program_ninputs(p); i++) {
			struct oqz_tensor *t = oqz_context_input(c, i);
			for (size_t e = 0; e < (size_t)oqz_tensor_nelem(t); e++)
				oqz_store_f(t->dtype, t->data, e,
				            oqz_dtype_is_float(t->dtype) ? oqz_rng_f64(&r) * 2 - 1 : 1);
		}
		OQZ_TRY(oqz_context_run(c, 0, n, err));
	}
	for (size_t i = 0; i < n; i++) {
		oqz_program_step(p, i, &rows[i].info);
		rows[i].ms = 1e-6 * (double)ns[i] / (double)repeat;
	}
	return OQZ_OK;
}

static enum oqz_status profile(const struct oqz_args *args, struct oqz_err *err)
{
	OQZ_CLEANUP(oqz_graph_free_cleanup) struct oqz_graph *g = NULL;
	OQZ_CLEANUP(oqz_program_free_cleanup) struct oqz_program *p = NULL;
	OQZ_CLEANUP_FREE struct oqz_shape *shapes = NULL;
	OQZ_CLEANUP_FREE struct row *rows = NULL;
	OQZ_CLEANUP_FREE uint64_t *ns = NULL;
	const char *trace = cli_option(args, "trace");
	struct oqz_exec_options opt = { 0 };
	long long repeat = 20, top = 30;
	int64_t memory;

	OQZ_TRY(cli_engine(args, &opt.engine, err));
	OQZ_TRY(cli_integer(args, "repeat", 1, 1000000, &repeat, err));
	OQZ_TRY(cli_integer(args, "top", 0, 1000000, &top, err));
	OQZ_TRY(cli_memory_limit(args, &memory, err));
	OQZ_TRY(oqz_memory_limit(memory, 1, err));
	OQZ_TRY(oqz_model_open(args->operands.v[0], NULL, &g, err));
	shapes = calloc(g->inputs.n + 1, sizeof *shapes);
	if (!shapes)
		return oqz_err_nomem(err, "shapes", g->inputs.n);
	for (size_t i = 0; i < g->inputs.n; i++) {
		shapes[i] = g->inputs.v[i]->type.shape;
		for (int d = 0; d < shapes[i].rank; d++)
			shapes[i].dim[d] = shapes[i].dim[d] > 0 ? shapes[i].dim[d] : d < 2 ? 1 : 224;
	}
	OQZ_TRY(oqz_program_of(&g, &opt, shapes, &p, err));
	size_t n = oqz_program_nsteps(p);
	rows = calloc(n + 1, sizeof *rows);
	ns = calloc(n + 1, sizeof *ns);
	if (!rows || !ns)
		return oqz_err_nomem(err, "steps", n);
	OQZ_TRY(measure(p, repeat, rows, ns, err));
	if (trace)
		OQZ_TRY(write_trace(trace, rows, n, err));
	double total = 0;
	for (size_t i = 0; i < n; i++)
		total += rows[i].ms;
	struct peaks peaks = { oqz_exec_peak(OQZ_DT_F32), oqz_exec_peak(OQZ_DT_I8), oqz_exec_peak(OQZ_DT_BF16) };
	printf("%.3f ms per run on one thread, %zu steps; %s\n", total, n, oqz_exec_describe());
	printf("peak of one core, measured: %.0f GFLOP/s float32, %.0f int8, %.0f bfloat16\n\n", peaks.f32, peaks.i8,
	       peaks.bf16);
	print_steps(rows, n, (size_t)top, &peaks, total);
	print_kinds(rows, n, &peaks, total);
	return OQZ_OK;
}

static int run(const struct oqz_args *args)
{
	struct oqz_err err = { 0 };

	return profile(args, &err) == OQZ_OK ? OQZ_EXIT_OK : cli_fail(&err);
}

const struct oqz_verb cmd_profile = {
	"profile", "MODEL.onnx", "where the time goes: per step and implementation", options, 1, 1, run
};
