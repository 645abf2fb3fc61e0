/* SPDX-License-Identifier: Apache-2.0
 *
 * core/exec/dnnl/dnnl_matmul.c and dnnl_qmatmul.c: Gemm and MatMul against plain loops; integer sums exactly.
 */
#include "core/exec/dnnl/dnnl_util.h"
#include "core/tensor/fakequant.h"
#include "tests/unit/dnnl_step.h"

/* One product with strides: c[m][n] += a[m][k] b[k][n]. */
static void product(const float *a, int64_t am, int64_t ak, const float *b, int64_t bk, int64_t bn, double *c,
                    int64_t m, int64_t k, int64_t n)
{
	for (int64_t i = 0; i < m; i++)
		for (int64_t j = 0; j < n; j++)
			for (int64_t p = 0; p < k; p++)
				c[i * n + j] += (double)a[i * am + p * ak] * b[p * bk + j * bn];
}

START_TEST(gemm_folds_transposition_alpha_beta_and_bias)
{
	struct oqz_rng r;
	struct step s;

	oqz_rng_init(&r, 21);
	for (int i = 0; i < 64; i++) {
		int64_t m = rand_in(&r, 1, 9), k = rand_in(&r, 1, 70), n = rand_in(&r, 1, 40);
		bool ta = i & 1, tb = i & 2, constant = i & 4;
		float alpha = constant && (i & 8) ? 0.37f : 1, beta = i & 16 ? 1.7f : 1;
		step_init(&s, "Gemm");
		step_int(&s, "transA", ta);
		step_int(&s, "transB", tb);
		step_float(&s, "alpha", alpha);
		step_float(&s, "beta", beta);
		struct oqz_tensor *a = step_input(&s, step_tensor(OQZ_DT_F32, ta ? DIMS(k, m) : DIMS(m, k)), false);
		struct oqz_tensor *b = step_input(&s, step_tensor(OQZ_DT_F32, tb ? DIMS(n, k) : DIMS(k, n)), constant);
		struct oqz_tensor *c = step_input(&s,
		                                  step_tensor(OQZ_DT_F32, i % 3 == 0   ? DIMS(n)
		                                                          : i % 3 == 1 ? DIMS(1, n)
		                                                                       : DIMS(1)),
		                                  true);
		fill_f32(&r, a);
		fill_f32(&r, b);
		fill_f32(&r, c);
		step_output(&s, DIMS(m, n));
		double *want = calloc((size_t)(m * n), sizeof *want);
		product(a->data, ta ? 1 : k, ta ? m : 1, b->data, tb ? 1 : n, tb ? k : 1, want, m, k, n);
		for (int64_t j = 0; j < m * n; j++) {
			want[j] = alpha * want[j] + beta * ((float *)c->data)[i % 3 == 2 ? 0 : j % n];
			if (i & 32)
				want[j] = fmax(0, want[j]);
		}
		if (i & 32)
			step_act(&s, "Relu");
		ck_ok(step_run(&s, &oqz_impl_dnnl_matmul, err));
		expect_near(&s, want, 5e-6, "gemm");
		free(want);
		step_release(&s);
	}
}
END_TEST

START_TEST(matmul_broadcasts_batches)
{
	/* rank and dims of a and b */
	static const struct {
		int ra, rb;
		int64_t a[5], b[5], c[5];
		int rc;
		bool constant;
	} rows[] = {
		{ 2, 2, { 5, 7 }, { 7, 3 }, { 5, 3 }, 2, false },
		{ 3, 2, { 4, 5, 7 }, { 7, 3 }, { 4, 5, 3 }, 3, true },
		{ 3, 3, { 4, 5, 7 }, { 4, 7, 3 }, { 4, 5, 3 }, 3, false },
		{ 3, 3, { 4, 5, 7 }, { 4, 7, 3 }, { 4, 5, 3 }, 3, true },
		{ 4, 4, { 2, 3, 17, 8 }, { 2, 3, 8, 17 }, { 2, 3, 17, 17 }, 4, false },
		{ 4, 3, { 2, 3, 5, 8 }, { 3, 8, 9 }, { 2, 3, 5, 9 }, 4, false },
		{ 2, 3, { 5, 8 }, { 3, 8, 9 }, { 3, 5, 9 }, 3, false },
		{ 4, 4, { 2, 1, 5, 8 }, { 1, 3, 8, 9 }, { 2, 3, 5, 9 }, 4, false },
		{ 5, 5, { 2, 1, 2, 3, 4 }, { 2, 1, 2, 4, 5 }, { 2, 1, 2, 3, 5 }, 5, false },
		{ 1, 2, { 8 }, { 8, 9 }, { 9 }, 1, true },
		{ 2, 1, { 5, 8 }, { 8 }, { 5 }, 1, true },
		{ 1, 3, { 8 }, { 2, 8, 9 }, { 2, 9 }, 2, false },
	};
	struct oqz_rng r;
	struct step s;

	oqz_rng_init(&r, 22);
	for (size_t i = 0; i < OQZ_COUNTOF(rows); i++) {
		step_init(&s, "MatMul");
		struct oqz_tensor *a =
		    step_input(&s, step_tensor(OQZ_DT_F32, oqz_shape_of(rows[i].ra, rows[i].a)), false);
		struct oqz_tensor *b =
		    step_input(&s, step_tensor(OQZ_DT_F32, oqz_shape_of(rows[i].rb, rows[i].b)), rows[i].constant);
		fill_f32(&r, a);
		fill_f32(&r, b);
		step_output(&s, oqz_shape_of(rows[i].rc, rows[i].c));
		int64_t ad[5] = { 1, 1, 1, 1, 1 }, bd[5] = { 1, 1, 1, 1, 1 }; /* aligned at the right, as 5 dims */
		for (int k = 0; k < rows[i].ra; k++)
			ad[rows[i].ra == 1 ? 4 : 5 - rows[i].ra + k] = rows[i].a[k];
		for (int k = 0; k < rows[i].rb; k++)
			bd[rows[i].rb == 1 ? 3 : 5 - rows[i].rb + k] = rows[i].b[k];
		double *want = calloc((size_t)oqz_tensor_nelem(&s.out), sizeof *want);
		int64_t batch[3], m = ad[3], k = ad[4], n = bd[4], at = 0;
		for (int j = 0; j < 3; j++)
			batch[j] = ad[j] > bd[j] ? ad[j] : bd[j];
		for (int64_t x = 0; x < batch[0]; x++)
			for (int64_t y = 0; y < batch[1]; y++)
				for (int64_t z = 0; z < batch[2]; z++, at++) {
					int64_t ai = ((ad[0] > 1 ? x : 0) * ad[1] + (ad[1] > 1 ? y : 0)) * ad[2] +
					             (ad[2] > 1 ? z : 0);
					int64_t bi = ((bd[0] > 1 ? x : 0) * bd[1] + (bd[1] > 1 ? y : 0)) * bd[2] +
					             (bd[2] > 1 ? z : 0);
					product((float *)a->data + ai * m * k, k, 1, (float *)b->data + bi * k * n, n,
					        1, want + at * m * n, m, k, n);
				}
		char what[32];
		snprintf(what, sizeof what, "row %zu", i);
		ck_ok(step_run(&s, &oqz_impl_dnnl_matmul, err));
		expect_near(&s, want, 5e-6, what);
		free(want);
		step_release(&s);
	}
}
END_TEST

/* ---- integers -----------------------------------------------------------------------------------------------------
 */

struct qgrid {
	enum oqz_dtype dtype;
	int32_t zero, lo, hi;
};
static const struct qgrid grids[] = {
	{ OQZ_DT_U8, 0, 0, 255 }, { OQZ_DT_U8, 131, 0, 255 }, { OQZ_DT_I8, 0, -128, 127 }, { OQZ_DT_I8, -7, -128, 127 }
};

static struct oqz_tensor scalar(enum oqz_dtype t, double v)
{
	struct oqz_tensor r = step_tensor(t, (struct oqz_shape) { 0 });

	oqz_store_f(t, r.data, 0, v);
	return r;
}

/* Fills input i's float (or code) tensor with codes of the grid and writes code - zero to `ints`. */
static void quantized_input(struct step *s, int i, const struct qgrid *g, struct oqz_tensor *scale,
                            struct oqz_tensor *zero, bool from_float, struct oqz_rng *r, int32_t *ints, bool extremes)
{
	struct oqz_tensor *t = &s->in[i];

	for (int64_t k = 0; k < oqz_tensor_nelem(t); k++) {
		int32_t code = extremes ? (oqz_rng_below(r, 2) ? g->hi : g->lo) : (int32_t)rand_in(r, g->lo, g->hi);
		ints[k] = code - g->zero;
		if (from_float)
			((float *)t->data)[k] = (float)ints[k] * *(float *)scale->data;
		else
			oqz_store_i(g->dtype, t->data, (size_t)k, code);
	}
	s->d.group = true;
	s->d.quant[i] = (struct oqz_step_quant) { .present = true,
		                                  .from_float = from_float,
		                                  .dtype = g->dtype,
		                                  .axis = -1,
		                                  .scale = scale,
		                                  .zero = zero,
		                                  .qmin = g->lo,
		                                  .qmax = g->hi };
}

static bool unable(void)
{
	if (!oqz_dnnl_exact_int8())
		fprintf(stderr, "skipped: this CPU has no exact 8-bit products\n");
	return !oqz_dnnl_exact_int8();
}

START_TEST(integer_sums_are_exact_with_packed_weights)
{
	struct oqz_rng r;
	struct step s;

	if (unable())
		return;
	oqz_rng_init(&r, step_seed(23));
	for (int i = 0; i < step_rounds(96); i++) {
		const struct qgrid *g = &grids[i % 4];
		bool gemm = i & 4, tb = gemm && (i & 8), from_float = i & 16, per_col = i & 32;
		int64_t m = i % 5 == 0 ? 1 : rand_in(&r, 1, 60), k = rand_in(&r, 1, 700), n = rand_in(&r, 1, 130);
		step_init(&s, gemm ? "Gemm" : "MatMul");
		if (gemm) {
			step_int(&s, "transB", tb);
			step_float(&s, "alpha", 0.5f);
		}
		struct oqz_tensor sa = scalar(OQZ_DT_F32, 0.125), za = scalar(g->dtype, g->zero), sw;
		struct oqz_tensor codes = step_tensor(OQZ_DT_I8, tb ? DIMS(n, k) : DIMS(k, n));
		int32_t *x = malloc((size_t)(m * k) * sizeof *x);
		sw = step_tensor(OQZ_DT_F32, per_col ? DIMS(n) : (struct oqz_shape) { 0 });
		for (int64_t j = 0; j < oqz_tensor_nelem(&sw); j++)
			((float *)sw.data)[j] = ldexpf(1, (int)(j % 4));
		step_input(&s,
		           step_tensor(from_float ? OQZ_DT_F32 : g->dtype, gemm || i & 64 ? DIMS(m, k) : DIMS(1, m, k)),
		           false);
		quantized_input(&s, 0, g, &sa, &za, from_float, &r, x, i % 7 == 0);
		for (int64_t j = 0; j < n * k; j++)
			((int8_t *)codes.data)[j] = i % 7 == 0 ? -128 : (int8_t)rand_in(&r, -128, 127);
		s.d.n_in = 2;
		s.d.in_type[1] = (struct oqz_type) { OQZ_DT_F32, codes.shape };
		s.d.quant[1] = (struct oqz_step_quant) { .present = true,
			                                 .dtype = OQZ_DT_I8,
			                                 .axis = per_col ? (tb ? 0 : 1) : -1,
			                                 .scale = &sw,
			                                 .codes = &codes,
			                                 .qmin = -128,
			                                 .qmax = 127 };
		step_output(&s, gemm || i & 64 ? DIMS(m, n) : DIMS(1, m, n));
		ck_ok(step_run(&s, &oqz_impl_dnnl_qmatmul, err));
		for (int64_t a = 0; a < m; a++)
			for (int64_t b = 0; b < n; b++) {
				int64_t sum = 0;
				for (int64_t p = 0; p < k; p++)
					sum +=
					    (int64_t)x[a * k + p] * ((int8_t *)codes.data)[tb ? b * k + p : p * n + b];
				float f = 0.125f * ((float *)sw.data)[per_col ? b : 0] * (gemm ? 0.5f : 1);
				float got = ((float *)s.out.data)[a * n + b];
				ck_assert_msg(got == (float)sum * f, "case %d (%s): (%lld,%lld) is %g, the sum is %lld",
				              i, s.name, (long long)a, (long long)b, (double)(got / f), (long long)sum);
			}
		free(x);
		oqz_tensor_release(&sa);
		oqz_tensor_release(&za);
		oqz_tensor_release(&sw);
		oqz_tensor_release(&codes);
		step_release(&s);
	}
}
END_TEST

START_TEST(integer_sums_are_exact_with_two_activations)
{
	struct oqz_rng r;
	struct step s;

	if (unable())
		return;
	oqz_rng_init(&r, step_seed(24));
	for (int i = 0; i < step_rounds(32); i++) {
		const struct qgrid *g = &grids[i % 4], *gb = &grids[2];
		int64_t h = rand_in(&r, 2, 4), m = rand_in(&r, 1, 40), k = rand_in(&r, 1, 70), n = rand_in(&r, 1, 40);
		struct oqz_tensor sa = scalar(OQZ_DT_F32, 0.125), za = scalar(g->dtype, g->zero),
		                  sb = scalar(OQZ_DT_F32, 4);
		int32_t *x = malloc((size_t)(h * m * k) * sizeof *x), *y = malloc((size_t)(h * k * n) * sizeof *y);
		step_init(&s, "MatMul");
		step_input(&s, step_tensor(i & 4 ? OQZ_DT_F32 : g->dtype, DIMS(1, h, m, k)), false);
		step_input(&s, step_tensor(i & 8 ? OQZ_DT_F32 : gb->dtype, DIMS(1, h, k, n)), false);
		quantized_input(&s, 0, g, &sa, &za, i & 4, &r, x, i & 16);
		quantized_input(&s, 1, gb, &sb, NULL, i & 8, &r, y, i & 16);
		step_output(&s, DIMS(1, h, m, n));
		ck_ok(step_run(&s, &oqz_impl_dnnl_qmatmul, err));
		for (int64_t c = 0; c < h * m * n; c++) {
			int64_t hb = c / (m * n), a = c / n % m, b = c % n, sum = 0;
			for (int64_t p = 0; p < k; p++)
				sum += (int64_t)x[(hb * m + a) * k + p] * y[(hb * k + p) * n + b];
			float got = ((float *)s.out.data)[c];
			ck_assert_msg(got == (float)sum * 0.5f, "case %d (%s): %lld is %g, the sum is %lld", i, s.name,
			              (long long)c, (double)got * 2, (long long)sum);
		}
		free(x);
		free(y);
		oqz_tensor_release(&sa);
		oqz_tensor_release(&za);
		oqz_tensor_release(&sb);
		step_release(&s);
	}
}
END_TEST

START_TEST(small_floats_run_in_bfloat16)
{
	struct oqz_rng r;
	struct oqz_fq fq = { 0 };
	struct step s;

	if (!oqz_dnnl_native_bf16()) {
		fprintf(stderr, "skipped: this CPU has no bfloat16 products\n");
		return;
	}
	oqz_rng_init(&r, step_seed(25));
	ck_assert(oqz_fq_of_dtype(OQZ_DT_F8E4M3FN, &fq));
	for (int i = 0; i < step_rounds(24); i++) {
		bool constant = i & 1, per_col = constant && (i & 2);
		int64_t h = constant ? 1 : 3, m = rand_in(&r, 1, 40), k = rand_in(&r, 1, 90), n = rand_in(&r, 1, 70);
		struct oqz_tensor sa = scalar(OQZ_DT_F32, 0.0103),
		                  sb = step_tensor(OQZ_DT_F32, per_col ? DIMS(n) : (struct oqz_shape) { 0 });
		for (int64_t j = 0; j < oqz_tensor_nelem(&sb); j++)
			((float *)sb.data)[j] = 0.003f * (float)(1 + j % 5);
		step_init(&s, "MatMul");
		struct oqz_tensor *a = step_input(&s, step_tensor(OQZ_DT_F32, DIMS(h, m, k)), false);
		struct oqz_tensor *b =
		    step_input(&s, step_tensor(OQZ_DT_F32, constant ? DIMS(k, n) : DIMS(h, k, n)), false);
		struct oqz_tensor codes = step_tensor(OQZ_DT_F8E4M3FN, b->shape);
		fill_f32(&r, a);
		fill_f32(&r, b);
		float *aq = malloc(oqz_tensor_bytes(a)), *bq = malloc(oqz_tensor_bytes(b));
		int32_t *raw = malloc(oqz_tensor_bytes(b));
		fq.axis = -1;
		fq.scale = sa.data;
		oqz_fq_run(&fq, &a->shape, a->data, aq);
		fq.axis = per_col ? 1 : -1;
		fq.scale = sb.data;
		oqz_fq_run(&fq, &b->shape, b->data, bq);
		oqz_fq_codes(&fq, &b->shape, b->data, raw);
		for (int64_t j = 0; j < oqz_tensor_nelem(b); j++)
			((uint8_t *)codes.data)[j] = (uint8_t)raw[j];
		s.d.group = true;
		s.d.quant[0] = (struct oqz_step_quant) {
			.present = true, .from_float = true, .dtype = OQZ_DT_F8E4M3FN, .axis = -1, .scale = &sa
		};
		s.d.quant[1] = (struct oqz_step_quant) { .present = true,
			                                 .from_float = !constant,
			                                 .dtype = OQZ_DT_F8E4M3FN,
			                                 .axis = per_col ? 1 : -1,
			                                 .scale = &sb,
			                                 .codes = constant ? &codes : NULL };
		if (constant)
			s.d.constant[1] = b; /* nothing for the run to read */
		step_output(&s, DIMS(h, m, n));
		double *want = calloc((size_t)(h * m * n), sizeof *want);
		for (int64_t j = 0; j < h; j++)
			product(aq + j * m * k, k, 1, bq + j * k * n, n, 1, want + j * m * n, m, k, n);
		ck_ok(step_run(&s, &oqz_impl_dnnl_qmatmul, err));
		expect_near(&s, want, 3e-6, constant ? "packed" : "pair");
		free(want);
		free(aq);
		free(bq);
		free(raw);
		oqz_tensor_release(&sa);
		oqz_tensor_release(&sb);
		oqz_tensor_release(&codes);
		step_release(&s);
	}
}
END_TEST

OQZ_TEST_MAIN("dnnl_matmul", gemm_folds_transposition_alpha_beta_and_bias, matmul_broadcasts_batches,
              integer_sums_are_exact_with_packed_weights, integer_sums_are_exact_with_two_activations,
              small_floats_run_in_bfloat16)
