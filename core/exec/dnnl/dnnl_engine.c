/* SPDX-License-Identifier: Apache-2.0
 *
 * The library itself: its engine, made once; its team of threads, which is one; its errors; what the CPU lets it do.
 */
#include "core/exec/dnnl/dnnl_util.h"
#include "core/tensor/tile_product.h"

#include <dlfcn.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* Set once, before the first use of oneDNN, and constant afterwards. */
static struct {
	pthread_once_t once;
	dnnl_engine_t engine;
	void (*set_num_threads)(int);
} lib = { .once = PTHREAD_ONCE_INIT };

static bool isa_has(dnnl_cpu_isa_t want) { return (dnnl_get_effective_cpu_isa() & want) == want; }

static void lib_init(void)
{
#if DNNL_CPU_THREADING_RUNTIME == DNNL_RUNTIME_OMP
	/* By name: whichever OpenMP library oneDNN itself was linked with (libgomp, libomp) is the one to be told. */
	*(void **)&lib.set_num_threads = dlsym(RTLD_DEFAULT, "omp_set_num_threads");
	if (lib.set_num_threads)
		lib.set_num_threads(1);
#endif
	if (dnnl_engine_create(&lib.engine, dnnl_cpu, 0) != dnnl_success)
		lib.engine = NULL;
}

dnnl_engine_t oqz_dnnl_engine(void)
{
	pthread_once(&lib.once, lib_init);
	return lib.engine;
}

void oqz_dnnl_enter(void)
{
	oqz_dnnl_engine();
	if (lib.set_num_threads)
		lib.set_num_threads(1);
}

enum oqz_status oqz_dnnl_err(struct oqz_err *err, const char *what, dnnl_status_t s)
{
	static const char *const text[] = { "success",       "out of memory", "invalid arguments", "unimplemented",
		                            "iterator ends", "runtime error", "not required" };
	const char *t = (size_t)s < OQZ_COUNTOF(text) ? text[s] : "unknown status";
	int len = (int)strcspn(what, "(");

	return oqz_err_set(err,
	                   s == dnnl_out_of_memory   ? OQZ_E_NOMEM
	                   : s == dnnl_unimplemented ? OQZ_E_UNSUPPORTED
	                                             : OQZ_E_INTERNAL,
	                   "oneDNN: %.*s: %s", len, what, t);
}

enum oqz_status oqz_dnnl_decline(char *why, size_t size, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(why, size, fmt, ap);
	va_end(ap);
	return OQZ_E_UNSUPPORTED;
}

/* ---- what the CPU can do ---------------------------------------------------------------------------------------- */

bool oqz_dnnl_exact_int8(void)
{
#if defined(__x86_64__)
	/* oneDNN's word (which ONEDNN_MAX_CPU_ISA can lower) and the CPU's own */
	return isa_has(dnnl_cpu_isa_avx512_core_vnni) && __builtin_cpu_supports("avx512vnni");
#else
	return false;
#endif
}

bool oqz_dnnl_native_bf16(void)
{
#if defined(__x86_64__)
	return isa_has(dnnl_cpu_isa_avx512_core_bf16) && __builtin_cpu_supports("avx512bf16");
#else
	return false;
#endif
}

bool oqz_dnnl_tiles(void) { return isa_has(dnnl_cpu_isa_avx512_core_amx) && oqz_tile_usable(); }

const char *oqz_dnnl_describe(char *buf, size_t size)
{
	static const struct {
		dnnl_cpu_isa_t isa;
		const char *name;
	} rows[] = {
		{ dnnl_cpu_isa_avx512_core_amx, "avx512_core_amx" },
		{ dnnl_cpu_isa_avx512_core_bf16, "avx512_core_bf16" },
		{ dnnl_cpu_isa_avx512_core_vnni, "avx512_core_vnni" },
		{ dnnl_cpu_isa_avx512_core, "avx512_core" },
		{ dnnl_cpu_isa_avx2_vnni, "avx2_vnni" },
		{ dnnl_cpu_isa_avx2, "avx2" },
		{ dnnl_cpu_isa_avx, "avx" },
		{ dnnl_cpu_isa_sse41, "sse41" },
	};
	const dnnl_version_t *v = dnnl_version();
	const char *isa = "generic";

	for (size_t i = 0; i < OQZ_COUNTOF(rows); i++)
		if (isa_has(rows[i].isa)) {
			isa = rows[i].name;
			break;
		}
	snprintf(buf, size, "%s; oneDNN %d.%d.%d", isa, v->major, v->minor, v->patch);
	return buf;
}
