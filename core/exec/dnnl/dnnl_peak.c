/* SPDX-License-Identifier: Apache-2.0
 *
 * What one core reaches in practice, for `oqz profile` to hold steps against: a square matrix product that stays in the
 * cache, in each type that layers run in.
 */
#include "core/exec/dnnl/dnnl_util.h"

#include <stdlib.h>
#include <time.h>

enum { SIDE = 512, LEAST_MS = 30 };

static double cpu_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
	return 1e3 * (double)t.tv_sec + 1e-6 * (double)t.tv_nsec;
}

/* Billions of operations a second. */
static double measure(const struct oqz_dnnl_prim *p, const void *const *data, void *scratch)
{
	struct oqz_err err;
	int runs = 0;

	for (int i = 0; i < 2; i++)
		if (oqz_dnnl_prim_run(p, data, scratch, &err) != OQZ_OK)
			return 0;
	double start = cpu_ms(), ms;
	do {
		if (oqz_dnnl_prim_run(p, data, scratch, &err) != OQZ_OK)
			return 0;
		runs++;
		ms = cpu_ms() - start;
	} while (ms < LEAST_MS);
	return 2e-6 * SIDE * SIDE * SIDE * runs / ms;
}

double oqz_dnnl_peak(enum oqz_dtype t)
{
	OQZ_CLEANUP(oqz_dnnl_prim_free_cleanup) struct oqz_dnnl_prim *p = NULL;
	dnnl_data_type_t src = t == OQZ_DT_F32 ? dnnl_f32 : t == OQZ_DT_BF16 ? dnnl_bf16 : dnnl_u8;
	const dnnl_dim_t dims[2] = { SIDE, SIDE };
	dnnl_memory_desc_t a = oqz_dnnl_md_dims(2, dims, src), c = oqz_dnnl_md_dims(2, dims, dnnl_f32);
	dnnl_memory_desc_t w = oqz_dnnl_md_dims(2, dims, src == dnnl_u8 ? dnnl_s8 : src), any = oqz_dnnl_md_any(&w);
	OQZ_CLEANUP_FREE void *in = calloc(SIDE * SIDE, sizeof(float)), *out = calloc(SIDE * SIDE, sizeof(float));
	OQZ_CLEANUP_FREE void *scratch = NULL;
	dnnl_matmul_desc_t md;
	struct oqz_err err;

	if ((t == OQZ_DT_I8 && !oqz_dnnl_exact_int8()) || (t == OQZ_DT_BF16 && !oqz_dnnl_native_bf16()) || !in || !out)
		return 0;
	if (dnnl_matmul_desc_init(&md, &a, &any, NULL, &c) != dnnl_success ||
	    oqz_dnnl_prim_new(&md, NULL, &p, &err) != OQZ_OK ||
	    oqz_dnnl_prim_pack(p, DNNL_ARG_WEIGHTS, &w, in, oqz_dnnl_prim_md(p, dnnl_query_weights_md), &err) != OQZ_OK)
		return 0;
	oqz_dnnl_prim_arg(p, DNNL_ARG_SRC, &a);
	oqz_dnnl_prim_arg(p, DNNL_ARG_DST, &c);
	scratch = aligned_alloc(64, oqz_dnnl_prim_scratch(p) + 64);
	return scratch ? measure(p, (const void *[]) { in, out }, scratch) : 0;
}
