/* SPDX-License-Identifier: Apache-2.0
 *
 * A convolution on small-float grids, for tests of the implementations that take it.
 */
#ifndef OQZ_TESTS_FP8_CASE_H
#define OQZ_TESTS_FP8_CASE_H

#include "core/ops/op_fakequant.h"
#include "core/tensor/fakequant.h"
#include "tests/unit/dnnl_step.h"

struct float_sums {
	const float *x, *w;
	double *y;
};

static inline void add_float_product(void *ctx, int64_t o, int64_t i, int64_t w)
{
	struct float_sums *s = ctx;

	if (i >= 0)
		s->y[o] += (double)s->x[i] * s->w[w];
}

static const struct oqz_fakequant e4m3_to_zero = { .kind = "minifloat",
	                                           .rounding = OQZ_ROUND_HALF_TO_ZERO,
	                                           .exp_bits = 4,
	                                           .man_bits = 3,
	                                           .bias = 7,
	                                           .special = OQZ_MF_FN,
	                                           .max = 448,
	                                           .axis = 0 };

/* One layer whose input and weights are on a grid of small floats, by `impl`; expected values from the shared grid
 * arithmetic. `other` (NULL: none), where it chose a kernel of
 * oneDNN's depthwise family that sums in the same order, gives the same bits. */
static inline void fp8_case(const struct oqz_impl *impl, const struct oqz_impl *other, const struct convcase *c,
                            struct oqz_rng *r, enum oqz_dtype dtype, bool fake, bool per_channel, bool pow2,
                            const char *what)
{
	struct oqz_fq fq = { 0 };
	struct step s;
	struct oqz_node node = { .name = "f", .domain = "oqz", .params = (void *)&e4m3_to_zero };
	struct oqz_tensor sx = step_tensor(OQZ_DT_F32, (struct oqz_shape) { 0 }),
	                  sw = step_tensor(OQZ_DT_F32, per_channel ? DIMS(c->oc) : (struct oqz_shape) { 0 });

	ck_assert(oqz_fq_of_dtype(dtype, &fq));
	if (fake)
		fq.round = OQZ_ROUND_HALF_TO_ZERO;
	step_init(&s, "Conv");
	convcase_attrs(c, &s);
	struct oqz_tensor *x =
	    step_input(&s, step_tensor(OQZ_DT_F32, convcase_shape(c, c->batch, c->ic, c->in)), false);
	struct oqz_tensor w = step_tensor(OQZ_DT_F32, convcase_shape(c, c->oc, c->ic / c->group, c->k)),
	                  codes = step_tensor(dtype, w.shape);
	s.d.n_in = 2;
	s.d.in_type[1] = (struct oqz_type) { OQZ_DT_F32, w.shape };
	struct oqz_tensor *b = step_input(&s, step_tensor(OQZ_DT_F32, DIMS(c->oc)), true);
	fill_f32(r, x);
	fill_f32(r, &w);
	fill_f32(r, b);
	((float *)x->data)[0] = 1e4f; /* beyond the largest value: saturates */
	*(float *)sx.data = pow2 ? 0x1p-7f : 0.0103f;
	for (int64_t i = 0; i < oqz_tensor_nelem(&sw); i++)
		((float *)sw.data)[i] = pow2 ? ldexpf(1, (int)(i % 3) - 9) : 0.002f * (1 + (float)(i % 7));
	float *xq = malloc(oqz_tensor_bytes(x)), *wq = malloc(oqz_tensor_bytes(&w));
	fq.axis = -1;
	fq.scale = sx.data;
	oqz_fq_run(&fq, &x->shape, x->data, xq);
	fq.axis = per_channel ? 0 : -1;
	fq.scale = sw.data;
	oqz_fq_run(&fq, &w.shape, w.data, wq);
	int32_t *raw = malloc((size_t)oqz_tensor_nelem(&w) * sizeof *raw);
	oqz_fq_codes(&fq, &w.shape, w.data, raw);
	for (int64_t i = 0; i < oqz_tensor_nelem(&w); i++)
		((uint8_t *)codes.data)[i] = (uint8_t)raw[i];
	s.d.group = true;
	s.d.quant[0] = (struct oqz_step_quant) { .present = true,
		                                 .from_float = true,
		                                 .dtype = fake ? OQZ_DT_F32 : dtype,
		                                 .axis = -1,
		                                 .scale = &sx,
		                                 .fake = fake ? &node : NULL };
	s.d.quant[1] = (struct oqz_step_quant) { .present = true,
		                                 .dtype = fake ? OQZ_DT_F32 : dtype,
		                                 .axis = per_channel ? 0 : -1,
		                                 .scale = &sw,
		                                 .codes = fake ? &w : &codes,
		                                 .fake = fake ? &node : NULL };
	step_output(&s, convcase_shape(c, c->batch, c->oc, c->out));
	step_act(&s, "Relu");
	int64_t n = oqz_tensor_nelem(&s.out), osz = c->out[0] * c->out[1] * c->out[2];
	double *want = malloc((size_t)n * sizeof *want);
	for (int64_t i = 0; i < n; i++)
		want[i] = ((float *)b->data)[i / osz % c->oc];
	convcase_walk(c, add_float_product, &(struct float_sums) { xq, wq, want });
	for (int64_t i = 0; i < n; i++)
		want[i] = fmax(0, want[i]);
	struct oqz_err e = { 0 };
	enum oqz_status st = step_run(&s, impl, &e);
	ck_assert_msg(st == OQZ_OK, "%s: %s %s", what, s.why, e.msg);
	expect_near(&s, want, 3e-6, what);
	/* right in every case here, and still passed over: see trusted() of dnnl_select.c */
	ck_assert_msg(!strstr(s.name, "brgconv_1x1:avx512_core_amx_bf16"), "%s: %s was taken", what, s.name);
	if (other) {
		float *first = malloc((size_t)n * sizeof *first);
		memcpy(first, s.out.data, (size_t)n * sizeof *first);
		ck_ok(step_run(&s, other, err));
		bool alike = strstr(s.name, "brgdmm") != NULL;
		for (int64_t i = 0; i < n && alike; i++)
			ck_assert_msg(first[i] == ((float *)s.out.data)[i], "%s: %.9g at %lld, %.9g by %s", what,
			              (double)first[i], (long long)i, (double)((float *)s.out.data)[i], s.name);
		free(first);
	}
	free(want);
	free(raw);
	free(xq);
	free(wq);
	oqz_tensor_release(&w);
	oqz_tensor_release(&codes);
	oqz_tensor_release(&sx);
	oqz_tensor_release(&sw);
	step_release(&s);
}

#endif
