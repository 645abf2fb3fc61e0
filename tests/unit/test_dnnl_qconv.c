/* SPDX-License-Identifier: Apache-2.0
 *
 * core/exec/dnnl/dnnl_qconv.c against integer sums in 64 bits: with power-of-two scales the float output must be the
 * sum exactly, whatever the kernel inside.
 */
#include "core/exec/dnnl/dnnl_bands.h"
#include "core/exec/dnnl/dnnl_grid.h"
#include "tests/unit/fp8_case.h"
#include "tests/unit/qconv_case.h"

static bool unable(void)
{
	if (!oqz_dnnl_exact_int8())
		fprintf(stderr, "skipped: this CPU has no exact 8-bit products\n");
	return !oqz_dnnl_exact_int8();
}

START_TEST(sums_are_exact_on_random_shapes)
{
	struct oqz_rng r;
	struct convcase c;
	struct qcase q;
	char what[300];

	if (unable())
		return;
	oqz_rng_init(&r, 11);
	for (int i = 0; i < 500; i++) {
		oqz_dnnl_band = (size_t)rand_in(&r, 1, 2000);
		if (!convcase_random(&r, &c, i % 8 == 0 ? 3 : i % 8 == 1 ? 1 : 2))
			continue;
		const struct grid *g = &grids[i % (int)OQZ_COUNTOF(grids)];
		qcase_init(&q, &c, &r, g, 0.25f, i % 2, (enum fill)(i / 2 % 4), (enum fill)(i / 8 % 4), i % 3 != 0);
		ck_ok(step_run(&q.s, &oqz_impl_dnnl_qconv, err));
		snprintf(what, sizeof what, "case %d, grid %d..%d zero %d", i, g->lo, g->hi, g->zero);
		expect_sums(&q, &c, what);
		qcase_release(&q);
	}
}
END_TEST

START_TEST(sums_are_exact_on_layers_of_real_networks)
{
	/* ic, oc, group, height, width, kernel, stride, pad; of the small ones the pixels fill some tiles of 16, or the
	 * weights are a block of 8 x 8 to be transposed */
	static const int64_t rows[][8] = {
		{ 3, 64, 1, 56, 56, 7, 2, 3 },    { 64, 256, 1, 28, 28, 1, 1, 0 },   { 128, 128, 1, 14, 14, 3, 1, 1 },
		{ 512, 512, 1, 7, 7, 3, 1, 1 },   { 96, 96, 96, 28, 28, 3, 2, 1 },   { 960, 960, 960, 7, 7, 3, 1, 1 },
		{ 256, 512, 1, 14, 14, 1, 2, 0 }, { 128, 128, 32, 14, 14, 3, 1, 1 }, { 120, 120, 120, 14, 14, 5, 1, 2 },
		{ 80, 480, 1, 8, 6, 1, 1, 0 },    { 192, 32, 1, 16, 12, 1, 1, 0 },   { 8, 48, 1, 16, 3, 1, 1, 0 },
		{ 32, 8, 4, 64, 128, 1, 1, 0 },   { 64, 8, 8, 8, 8, 1, 1, 0 },       { 256, 16, 16, 8, 8, 1, 1, 0 },
	};
	struct oqz_rng r;
	struct qcase q;
	char what[300];

	if (unable())
		return;
	oqz_rng_init(&r, 12);
	for (size_t i = 0; i < OQZ_COUNTOF(rows) * 4; i++) {
		const int64_t *t = rows[i / 4];
		int64_t h = (t[3] + 2 * t[7] - t[5]) / t[6] + 1, w = (t[4] + 2 * t[7] - t[5]) / t[6] + 1;
		struct convcase c = { .nsp = 2,
			              .batch = 1,
			              .ic = t[0],
			              .oc = t[1],
			              .group = t[2],
			              .in = { t[3], t[4], 1 },
			              .k = { t[5], t[5], 1 },
			              .stride = { t[6], t[6], 1 },
			              .dil = { 1, 1, 1 },
			              .pad = { t[7], t[7], t[7], t[7] },
			              .out = { h, w, 1 } };
		static const int which[] = { 0, 1, 4, 6 };
		qcase_init(&q, &c, &r, &grids[which[i % 4]], 0.5f, true, i % 2 ? FILL_EXTREMES : FILL_HIGH, FILL_LOW,
		           true);
		ck_ok(step_run(&q.s, &oqz_impl_dnnl_qconv, err));
		snprintf(what, sizeof what, "layer %zu, grid %d", i / 4, which[i % 4]);
		expect_sums(&q, &c, what);
		qcase_release(&q);
	}
}
END_TEST

START_TEST(bias_scale_and_activation_are_applied_to_the_sum)
{
	struct convcase c = { .nsp = 2,
		              .batch = 3,
		              .ic = 17,
		              .oc = 33,
		              .group = 1,
		              .in = { 9, 8, 1 },
		              .k = { 3, 3, 1 },
		              .stride = { 1, 1, 1 },
		              .dil = { 1, 1, 1 },
		              .pad = { 1, 1, 1, 1 },
		              .out = { 9, 8, 1 } };
	struct oqz_rng r;
	struct qcase q;

	if (unable())
		return;
	oqz_rng_init(&r, 13);
	for (int round = 0; round < 2; round++) {
		qcase_init(&q, &c, &r, &grids[round ? 6 : 1], 0.0137f, true, FILL_RANDOM, FILL_RANDOM, true);
		float *sw = q.scale[1].data;
		for (int64_t i = 0; i < c.oc; i++)
			sw[i] = (float)(0.001 + 0.01 * oqz_rng_f64(&r));
		struct oqz_tensor *b = step_input(&q.s, step_tensor(OQZ_DT_F32, DIMS(c.oc)), true);
		fill_f32(&r, b);
		/* a channel of zeros with a scale no product of which exists: its output is its bias */
		memset((int8_t *)q.codes.data + 3 * 17 * 9, 0, 17 * 9);
		sw[3] = 1e-40f;
		step_act(&q.s, "Relu");
		ck_ok(step_run(&q.s, &oqz_impl_dnnl_qconv, err));
		double *want = malloc((size_t)oqz_tensor_nelem(&q.s.out) * sizeof *want);
		for (int64_t i = 0; i < oqz_tensor_nelem(&q.s.out); i++) {
			int64_t ch = i / 72 % c.oc;
			double y = ch == 3 ? 0 : (double)q.sum[i] * 0.0137f * sw[ch];
			want[i] = fmax(0, y + ((float *)b->data)[ch]);
		}
		expect_near(&q.s, want, 3e-7, "biased");
		free(want);
		qcase_release(&q);
	}
}
END_TEST

/* oneDNN 2.6 offers a kernel for narrow groups before a sigmoid that it cannot make: the next one is taken. */
START_TEST(a_kernel_that_cannot_be_made_is_passed_over)
{
	struct convcase c = { .nsp = 2,
		              .batch = 1,
		              .ic = 16,
		              .oc = 16,
		              .group = 4,
		              .in = { 32, 32, 1 },
		              .k = { 3, 3, 1 },
		              .stride = { 1, 1, 1 },
		              .dil = { 2, 2, 1 },
		              .pad = { 2, 2, 2, 2 },
		              .out = { 32, 32, 1 } };
	struct oqz_rng r;
	struct qcase q;

	if (unable())
		return;
	oqz_rng_init(&r, 14);
	qcase_init(&q, &c, &r, &grids[4], 0x1p-8f, true, FILL_RANDOM, FILL_RANDOM, true);
	step_act(&q.s, "Sigmoid");
	ck_ok(step_run(&q.s, &oqz_impl_dnnl_qconv, err));
	OQZ_CLEANUP_FREE double *want = malloc((size_t)oqz_tensor_nelem(&q.s.out) * sizeof *want);
	for (int64_t i = 0; i < oqz_tensor_nelem(&q.s.out); i++) {
		float scale = ((float *)q.scale[1].data)[i / (32 * 32) % c.oc];
		want[i] = 1 / (1 + exp(-(double)q.sum[i] * 0x1p-8 * (double)scale));
	}
	expect_near(&q.s, want, 1e-5, "sigmoid");
	qcase_release(&q);
}
END_TEST

START_TEST(unsigned_weights_with_a_zero_point_are_shifted)
{
	struct convcase c = { .nsp = 2,
		              .batch = 1,
		              .ic = 16,
		              .oc = 16,
		              .group = 1,
		              .in = { 5, 5, 1 },
		              .k = { 3, 3, 1 },
		              .stride = { 1, 1, 1 },
		              .dil = { 1, 1, 1 },
		              .pad = { 1, 1, 1, 1 },
		              .out = { 5, 5, 1 } };
	struct oqz_tensor codes, zero = step_tensor(OQZ_DT_U8, (struct oqz_shape) { 0 });
	struct oqz_rng r;
	struct qcase q;

	if (unable())
		return;
	oqz_rng_init(&r, 14);
	qcase_init(&q, &c, &r, &grids[0], 1, false, FILL_RANDOM, FILL_RANDOM, true);
	codes = step_tensor(OQZ_DT_U8, q.codes.shape);
	for (int64_t i = 0; i < oqz_tensor_nelem(&codes); i++)
		((uint8_t *)codes.data)[i] = (uint8_t)(((int8_t *)q.codes.data)[i] + 128);
	*(uint8_t *)zero.data = 128;
	q.s.d.quant[1].codes = &codes;
	q.s.d.quant[1].zero = &zero;
	q.s.d.quant[1].dtype = OQZ_DT_U8;
	ck_ok(step_run(&q.s, &oqz_impl_dnnl_qconv, err));
	expect_sums(&q, &c, "shifted");
	*(uint8_t *)zero.data = 3;
	ck_assert_int_eq(step_run(&q.s, &oqz_impl_dnnl_qconv, NULL), OQZ_E_UNSUPPORTED);
	ck_assert_ptr_nonnull(strstr(q.s.why, "8 bits"));
	oqz_tensor_release(&codes);
	oqz_tensor_release(&zero);
	qcase_release(&q);
}
END_TEST

START_TEST(other_grids_are_declined_with_a_reason)
{
	struct convcase c = { .nsp = 1,
		              .batch = 1,
		              .ic = 4,
		              .oc = 4,
		              .group = 1,
		              .in = { 5, 1, 1 },
		              .k = { 3, 1, 1 },
		              .stride = { 1, 1, 1 },
		              .dil = { 1, 1, 1 },
		              .out = { 3, 1, 1 } };
	struct oqz_tensor scales = step_tensor(OQZ_DT_F32, DIMS(4));
	struct oqz_rng r;
	struct qcase q;

	if (unable())
		return;
	oqz_rng_init(&r, 15);
	for (int i = 0; i < 4; i++)
		((float *)scales.data)[i] = 1;
	qcase_init(&q, &c, &r, &grids[4], 1, true, FILL_RANDOM, FILL_RANDOM, true);
	struct oqz_step_desc *d = &q.s.d, saved = *d;
	d->quant[0].scale = &scales;
	d->quant[0].axis = 1;
	ck_assert_int_eq(step_run(&q.s, &oqz_impl_dnnl_qconv, NULL), OQZ_E_UNSUPPORTED);
	ck_assert_ptr_nonnull(strstr(q.s.why, "more than one scale"));
	*d = saved;
	d->quant[1].axis = 1;
	ck_assert_int_eq(step_run(&q.s, &oqz_impl_dnnl_qconv, NULL), OQZ_E_UNSUPPORTED);
	ck_assert_ptr_nonnull(strstr(q.s.why, "per output channel"));
	*d = saved;
	d->quant[0].qmin = -32768;
	d->quant[0].qmax = 32767;
	ck_assert_int_eq(step_run(&q.s, &oqz_impl_dnnl_qconv, NULL), OQZ_E_UNSUPPORTED);
	ck_assert_ptr_nonnull(strstr(q.s.why, "8 bits"));
	*d = saved;
	d->quant[0].dtype = OQZ_DT_F32;
	ck_assert_int_eq(step_run(&q.s, &oqz_impl_dnnl_qconv, NULL), OQZ_E_UNSUPPORTED);
	ck_assert_ptr_nonnull(strstr(q.s.why, "integer or float grid"));
	*d = saved;
	oqz_tensor_release(&scales);
	qcase_release(&q);
}
END_TEST

/* ---- small floats -------------------------------------------------------------------------------------------------
 */

/* A layer of a size at which blocks of pixels and channels end anywhere: what kernels with tiles of 16 rows by 64 bytes
 * get wrong first. */
static struct convcase around_tiles(struct oqz_rng *r)
{
	static const int64_t kernels[] = { 1, 1, 1, 3, 3, 5, 7 };
	static const int64_t steps[] = { 1, 4, 8, 16, 16, 32, 64 };
	struct convcase c = { .nsp = 2, .batch = rand_in(r, 0, 3) ? 1 : 2, .group = 1, .in = { 1, 1, 1 } };

	for (int i = 0; i < 3; i++) {
		bool used = i < 2;
		int64_t k = used && (i == 0 || rand_in(r, 0, 3)) ? kernels[rand_in(r, 0, 6)] : 1;
		c.k[i] = i == 1 && rand_in(r, 0, 7) ? c.k[0] : used ? k : 1;
		c.stride[i] = used ? rand_in(r, 1, 2) : 1;
		c.dil[i] = 1;
		c.pad[2 * i] = used ? rand_in(r, 0, c.k[i] / 2) : 0;
		c.pad[2 * i + 1] = used ? rand_in(r, 0, c.k[i] / 2) : 0;
		c.in[i] = used ? rand_in(r, c.k[i], c.k[i] + (c.k[0] > 1 ? 20 : 40)) : 1;
	}
	c.pad[0] = c.pad[1] = c.pad[2] = c.pad[3] = c.k[0] / 2 < c.k[1] / 2 ? c.k[0] / 2 : c.k[1] / 2;
	for (int i = 0; i < 2; i++)
		c.out[i] = (c.in[i] + 2 * c.pad[0] - c.k[i]) / c.stride[i] + 1;
	c.out[2] = 1;
	int64_t step = steps[rand_in(r, 0, 6)], most = c.k[0] > 1 ? 96 : 512;
	c.ic = step * rand_in(r, 1, most / step);
	step = steps[rand_in(r, 0, 6)];
	c.oc = step * rand_in(r, 1, most / step);
	return c;
}

START_TEST(sums_are_right_around_tiles)
{
	struct oqz_rng r;
	struct qcase q;
	char what[160];

	if (unable())
		return;
	oqz_rng_init(&r, step_seed(21));
	for (int i = 0; i < step_rounds(60); i++) {
		oqz_dnnl_band = (size_t)rand_in(&r, 1, 1 << rand_in(&r, 8, 16));
		struct convcase c = around_tiles(&r);
		const struct grid *g = &grids[i % (int)OQZ_COUNTOF(grids)];
		snprintf(what, sizeof what,
		         "round %d, %lldx%lldx%lldx%lld -> %lldx%lldx%lld, kernel %lldx%lld, stride %lldx%lld", i,
		         (long long)c.batch, (long long)c.ic, (long long)c.in[0], (long long)c.in[1], (long long)c.oc,
		         (long long)c.out[0], (long long)c.out[1], (long long)c.k[0], (long long)c.k[1],
		         (long long)c.stride[0], (long long)c.stride[1]);
		if (i % 3 == 2 && oqz_dnnl_native_bf16()) {
			fp8_case(&oqz_impl_dnnl_qconv, NULL, &c, &r, i & 1 ? OQZ_DT_F8E4M3FN : OQZ_DT_F8E5M2, false,
			         i & 2, i & 4, what);
			continue;
		}
		qcase_init(&q, &c, &r, g, 0.25f, i % 2, FILL_RANDOM, FILL_EXTREMES, true);
		ck_ok(step_run(&q.s, &oqz_impl_dnnl_qconv, err));
		expect_sums(&q, &c, what);
		qcase_release(&q);
	}
}
END_TEST

START_TEST(small_floats_run_in_bfloat16)
{
	struct oqz_rng r;
	struct convcase c;
	char what[64];

	if (!oqz_dnnl_native_bf16()) {
		fprintf(stderr, "skipped: this CPU has no bfloat16 products\n");
		return;
	}
	oqz_rng_init(&r, 16);
	for (int i = 0; i < 200; i++) {
		oqz_dnnl_band = (size_t)rand_in(&r, 1, 2000);
		if (!convcase_random(&r, &c, i % 8 == 0 ? 3 : i % 8 == 1 ? 1 : 2))
			continue;
		snprintf(what, sizeof what, "case %d", i);
		bool fake = i % 3 == 0;
		fp8_case(&oqz_impl_dnnl_qconv, NULL, &c, &r, fake || i % 3 == 1 ? OQZ_DT_F8E4M3FN : OQZ_DT_F8E5M2, fake,
		         i & 1, i & 2, what);
	}
}
END_TEST

OQZ_TEST_MAIN("dnnl_qconv", sums_are_exact_on_random_shapes, sums_are_exact_on_layers_of_real_networks,
              bias_scale_and_activation_are_applied_to_the_sum, a_kernel_that_cannot_be_made_is_passed_over,
              unsigned_weights_with_a_zero_point_are_shifted, other_grids_are_declined_with_a_reason,
              sums_are_right_around_tiles, small_floats_run_in_bfloat16)
