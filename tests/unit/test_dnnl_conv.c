/* SPDX-License-Identifier: Apache-2.0
 *
 * core/exec/dnnl/dnnl_conv.c against a plain loop in double.
 */
#include "core/exec/dnnl/dnnl_bands.h"
#include "tests/unit/dnnl_step.h"

#include <pthread.h>

struct sums {
	const float *x, *w;
	double *y;
};

static void add_product(void *ctx, int64_t o, int64_t i, int64_t w)
{
	struct sums *s = ctx;

	if (i >= 0)
		s->y[o] += (double)s->x[i] * s->w[w];
}

/* Fills a step from a case and the expected output (before activation) into a new array. */
static double *conv_case(struct step *s, const struct convcase *c, struct oqz_rng *r, bool bias)
{
	int64_t wc[3] = { c->k[0], c->k[1], c->k[2] };

	step_init(s, "Conv");
	convcase_attrs(c, s);
	struct oqz_tensor *x = step_input(s, step_tensor(OQZ_DT_F32, convcase_shape(c, c->batch, c->ic, c->in)), false);
	struct oqz_tensor *w =
	    step_input(s, step_tensor(OQZ_DT_F32, convcase_shape(c, c->oc, c->ic / c->group, wc)), true);
	fill_f32(r, x);
	fill_f32(r, w);
	step_output(s, convcase_shape(c, c->batch, c->oc, c->out));
	int64_t n = oqz_tensor_nelem(&s->out), osz = c->out[0] * c->out[1] * c->out[2];
	double *want = calloc((size_t)n, sizeof *want);
	if (bias) {
		struct oqz_tensor *b = step_input(s, step_tensor(OQZ_DT_F32, DIMS(c->oc)), true);
		fill_f32(r, b);
		for (int64_t i = 0; i < n; i++)
			want[i] = ((float *)b->data)[i / osz % c->oc];
	}
	convcase_walk(c, add_product, &(struct sums) { x->data, w->data, want });
	return want;
}

START_TEST(conv_matches_plain_loop_on_random_shapes)
{
	struct oqz_rng r;
	struct convcase c;
	struct step s;
	char what[64];

	oqz_rng_init(&r, 1);
	for (int i = 0; i < 400; i++) {
		oqz_dnnl_band = (size_t)rand_in(&r, 1, 2000);
		if (!convcase_random(&r, &c, i % 8 == 0 ? 3 : i % 4 == 1 ? 1 : 2))
			continue;
		double *want = conv_case(&s, &c, &r, i % 3 != 0);
		ck_ok(step_run(&s, &oqz_impl_dnnl_conv, err));
		snprintf(what, sizeof what, "case %d", i);
		expect_near(&s, want, 4e-6, what);
		free(want);
		step_release(&s);
	}
}
END_TEST

/* So many channels that another of oneDNN's kernels is taken. */
START_TEST(wide_windows_match_plain_loop)
{
	struct convcase c = { .nsp = 2,
		              .batch = 1,
		              .ic = 1040,
		              .oc = 470,
		              .group = 1,
		              .in = { 2, 3, 1 },
		              .k = { 3, 3, 1 },
		              .stride = { 1, 1, 1 },
		              .dil = { 1, 1, 1 },
		              .pad = { 1, 1, 1, 1 },
		              .out = { 2, 3, 1 } };
	struct oqz_rng r;
	struct step s;

	oqz_rng_init(&r, 5);
	double *want = conv_case(&s, &c, &r, true);
	ck_ok(step_run(&s, &oqz_impl_dnnl_conv, err));
	ck_assert_msg(!strstr(s.name, "brgconv"), "%s was taken", s.name);
	expect_near(&s, want, 4e-6, "wide");
	free(want);
	step_release(&s);
}
END_TEST

/* What is left of oneDNN's kernels for a far dilated window is the slowest, however many channels there are. */
START_TEST(wide_dilated_windows_take_the_kernel_of_narrow_ones)
{
	char narrow[64];

	for (int wide = 0; wide < 2; wide++) {
		struct convcase c = { .nsp = 2,
			              .batch = 1,
			              .ic = wide ? 1040 : 64,
			              .oc = 470,
			              .group = 1,
			              .in = { 13, 14, 1 },
			              .k = { 3, 3, 1 },
			              .stride = { 1, 1, 1 },
			              .dil = { 12, 12, 1 },
			              .pad = { 12, 12, 12, 12 },
			              .out = { 13, 14, 1 } };
		struct oqz_rng r;
		struct step s;
		oqz_rng_init(&r, 6);
		double *want = conv_case(&s, &c, &r, true);
		ck_ok(step_run(&s, &oqz_impl_dnnl_conv, err));
		expect_near(&s, want, 4e-6, wide ? "wide" : "narrow");
		if (!wide)
			snprintf(narrow, sizeof narrow, "%s", s.name);
		ck_assert_str_eq(s.name, narrow);
		free(want);
		step_release(&s);
	}
}
END_TEST

START_TEST(same_padding_splits_as_the_standard_says)
{
	struct oqz_rng r;
	struct step s;

	oqz_rng_init(&r, 2);
	for (int lower = 0; lower < 2; lower++) {
		/* 7 -> 4 with stride 2 and kernel 4: 3 cells of padding in each dim */
		struct convcase c = { .nsp = 2,
			              .batch = 1,
			              .ic = 5,
			              .oc = 6,
			              .group = 1,
			              .in = { 7, 7, 1 },
			              .k = { 4, 4, 1 },
			              .stride = { 2, 2, 1 },
			              .dil = { 1, 1, 1 },
			              .out = { 4, 4, 1 } };
		c.pad[0] = c.pad[1] = lower ? 2 : 1;
		double *want = conv_case(&s, &c, &r, false);
		for (size_t i = 0; i < s.node.n_attr; i++)
			if (strcmp(s.attr[i].name, "pads") == 0)
				s.attr[i] = (struct oqz_attr) { .name = "auto_pad",
					                        .type = OQZ_ATTR_STRING,
					                        .s = lower ? "SAME_LOWER" : "SAME_UPPER",
					                        .n = 10 };
		ck_ok(step_run(&s, &oqz_impl_dnnl_conv, err));
		expect_near(&s, want, 4e-6, lower ? "lower" : "upper");
		free(want);
		step_release(&s);
	}
}
END_TEST

static double act_relu(double x) { return x > 0 ? x : 0; }
static double act_leaky(double x) { return x > 0 ? x : x * 0.125; }
static double act_clip(double x) { return x < -0.5 ? -0.5 : x > 0.75 ? 0.75 : x; }
static double act_sigmoid(double x) { return 1 / (1 + exp(-x)); }
static double act_swish(double x) { return x / (1 + exp(-x)); }
static double act_tanh(double x) { return tanh(x); }
static double act_elu(double x) { return x > 0 ? x : 1.5 * expm1(x); }
static double act_hardsigmoid(double x) { return fmax(0, fmin(1, 0.25 * x + 0.5)); }
static double act_hardswish(double x) { return x * fmax(0, fmin(1, x / 6 + 0.5)); }
static double act_gelu(double x) { return 0.5 * x * (1 + erf(x * M_SQRT1_2)); }
static double act_mish(double x) { return x * tanh(log1p(exp(x))); }
static double act_softplus(double x) { return log1p(exp(x)); }

START_TEST(activations_are_fused)
{
	static const struct {
		const char *op;
		double (*f)(double);
		const char *attr[2];
		float value[2];
	} rows[] = {
		{ "Relu", act_relu, { 0 }, { 0 } },
		{ "LeakyRelu", act_leaky, { "alpha" }, { 0.125f } },
		{ "Clip", act_clip, { 0 }, { 0 } },
		{ "Sigmoid", act_sigmoid, { 0 }, { 0 } },
		{ "Swish", act_swish, { 0 }, { 0 } },
		{ "Tanh", act_tanh, { 0 }, { 0 } },
		{ "Elu", act_elu, { "alpha" }, { 1.5f } },
		{ "HardSigmoid", act_hardsigmoid, { "alpha", "beta" }, { 0.25f, 0.5f } },
		{ "HardSwish", act_hardswish, { 0 }, { 0 } },
		{ "Gelu", act_gelu, { 0 }, { 0 } },
		{ "Mish", act_mish, { 0 }, { 0 } },
		{ "Softplus", act_softplus, { 0 }, { 0 } },
	};
	struct oqz_tensor lo = step_tensor(OQZ_DT_F32, (struct oqz_shape) { 0 }),
	                  hi = step_tensor(OQZ_DT_F32, (struct oqz_shape) { 0 });
	struct oqz_rng r;
	struct step s;

	*(float *)lo.data = -0.5f;
	*(float *)hi.data = 0.75f;
	oqz_rng_init(&r, 3);
	for (size_t i = 0; i < OQZ_COUNTOF(rows) * 3; i++) {
		size_t row = i / 3;
		/* dense 3x3, depthwise 3x3, 1x1: three different kernels inside */
		struct convcase c = { .nsp = 2,
			              .batch = 1,
			              .ic = 24,
			              .oc = 24,
			              .group = i % 3 == 1 ? 24 : 1,
			              .in = { 9, 9, 1 },
			              .k = { 3, 3, 1 },
			              .stride = { 1, 1, 1 },
			              .dil = { 1, 1, 1 },
			              .pad = { 1, 1, 1, 1 },
			              .out = { 9, 9, 1 } };
		if (i % 3 == 2) {
			c.k[0] = c.k[1] = 1;
			memset(c.pad, 0, sizeof c.pad);
		}
		double *want = conv_case(&s, &c, &r, true);
		step_act(&s, rows[row].op);
		for (int k = 0; k < 2; k++)
			if (rows[row].attr[k])
				step_act_float(&s, rows[row].attr[k], rows[row].value[k]);
		if (strcmp(rows[row].op, "Clip") == 0) {
			step_act_input(&s, 1, &lo);
			step_act_input(&s, 2, &hi);
		}
		for (int64_t k = 0; k < oqz_tensor_nelem(&s.out); k++)
			want[k] = rows[row].f(want[k]);
		ck_ok(step_run(&s, &oqz_impl_dnnl_conv, err));
		expect_near(&s, want, 3e-5, rows[row].op);
		free(want);
		step_release(&s);
	}
	oqz_tensor_release(&lo);
	oqz_tensor_release(&hi);
}
END_TEST

/* ---- threads ----------------------------------------------------------------------------------------------------- */

struct sharer {
	const struct oqz_step_choice *choice;
	const struct oqz_tensor *in;
	const float *want;
	bool wrong;
};

static void *share(void *arg)
{
	struct sharer *t = arg;
	struct oqz_tensor out = { 0 };
	struct oqz_tensor *pout[] = { &out };
	const struct oqz_tensor *pin[] = { t->in };
	void *scratch = aligned_alloc(64, (t->choice->scratch_bytes + 64) / 64 * 64);

	t->wrong = !scratch || oqz_tensor_alloc(&out, OQZ_DT_F32, &t->in->shape, NULL) != OQZ_OK;
	for (int i = 0; i < 200 && !t->wrong; i++) {
		struct oqz_step_call call = { .in = pin, .out = pout, .scratch = scratch };
		memset(out.data, 0, oqz_tensor_bytes(&out));
		t->wrong = oqz_impl_dnnl_conv.run(t->choice->state, &call, NULL) != OQZ_OK ||
		           memcmp(out.data, t->want, oqz_tensor_bytes(&out)) != 0;
	}
	oqz_tensor_release(&out);
	free(scratch);
	return NULL;
}

START_TEST(threads_share_one_layer)
{
	enum { THREADS = 4 };
	struct convcase c = { .nsp = 2,
		              .batch = 1,
		              .ic = 32,
		              .oc = 32,
		              .group = 1,
		              .in = { 12, 12, 1 },
		              .k = { 3, 3, 1 },
		              .stride = { 1, 1, 1 },
		              .dil = { 1, 1, 1 },
		              .pad = { 1, 1, 1, 1 },
		              .out = { 12, 12, 1 } };
	struct oqz_step_choice choice = { .inplace_input = -1 };
	struct sharer sharer[THREADS];
	pthread_t thread[THREADS];
	struct oqz_rng r;
	struct step s;

	oqz_rng_init(&r, 5);
	free(conv_case(&s, &c, &r, true));
	ck_ok(step_resolve(&s, err));
	ck_ok(oqz_impl_dnnl_conv.create(&s.d, &choice, s.why, sizeof s.why, err));
	struct oqz_tensor in[THREADS], out[THREADS];
	for (int i = 0; i < THREADS; i++) { /* inputs differ: a mixed-up address gives another thread's answer */
		in[i] = step_tensor(OQZ_DT_F32, s.in[0].shape);
		out[i] = step_tensor(OQZ_DT_F32, s.out.shape);
		fill_f32(&r, &in[i]);
		void *scratch = aligned_alloc(64, (choice.scratch_bytes + 64) / 64 * 64);
		struct oqz_step_call call = { .in = (const struct oqz_tensor *[]) { &in[i] },
			                      .out = (struct oqz_tensor *[]) { &out[i] },
			                      .scratch = scratch };
		ck_ok(oqz_impl_dnnl_conv.run(choice.state, &call, err));
		sharer[i] = (struct sharer) { .choice = &choice, .in = &in[i], .want = out[i].data };
		free(scratch);
	}
	for (int i = 0; i < THREADS; i++)
		ck_assert_int_eq(pthread_create(&thread[i], NULL, share, &sharer[i]), 0);
	for (int i = 0; i < THREADS; i++) {
		pthread_join(thread[i], NULL);
		ck_assert_msg(!sharer[i].wrong, "thread %d got another result", i);
		oqz_tensor_release(&in[i]);
		oqz_tensor_release(&out[i]);
	}
	oqz_impl_dnnl_conv.destroy(choice.state);
	step_release(&s);
}
END_TEST

/* Packed by hand: blocks of 16 output channels, the last one filled up with zeros. One byte elsewhere is found. */
START_TEST(packed_weights_are_held_against_their_source)
{
	enum { OC = 20, IC = 3, PADDED = 32 };
	const dnnl_dims_t dims = { OC, IC, 1, 1 };
	dnnl_memory_desc_t have, want;
	uint32_t seed = 3;

	for (int half = 0; half < 2; half++) {
		dnnl_data_type_t t = half ? dnnl_bf16 : dnnl_f32;
		size_t size = dnnl_data_type_size(t);
		unsigned char from[OC * IC * 4], to[PADDED * IC * 4] = { 0 };
		ck_assert(dnnl_memory_desc_init_by_tag(&have, 4, dims, t, dnnl_oihw) == dnnl_success);
		ck_assert(dnnl_memory_desc_init_by_tag(&want, 4, dims, t, dnnl_Oihw16o) == dnnl_success);
		ck_assert(dnnl_memory_desc_get_size(&want) == PADDED * IC * size);
		for (size_t i = 0; i < OC * IC * size; i++)
			from[i] = (unsigned char)((seed = seed * 1664525u + 1013904223u) >> 24);
		for (size_t o = 0; o < OC; o++)
			for (size_t c = 0; c < IC; c++)
				memcpy(to + ((o / 16 * IC + c) * 16 + o % 16) * size, from + (o * IC + c) * size, size);
		ck_ok(oqz_dnnl_check_packed(&have, from, &want, to, err));
		for (size_t i = 0; i < PADDED * IC * size; i++) {
			to[i] ^= 64;
			ck_fails(oqz_dnnl_check_packed(&have, from, &want, to, err), OQZ_E_INTERNAL, "wrongly");
			to[i] ^= 64;
		}
	}
}
END_TEST

START_TEST(what_cannot_be_done_is_declined_with_a_reason)
{
	struct convcase c = { .nsp = 1,
		              .batch = 1,
		              .ic = 2,
		              .oc = 2,
		              .group = 1,
		              .in = { 9, 1, 1 },
		              .k = { 3, 1, 1 },
		              .stride = { 1, 1, 1 },
		              .dil = { 1, 1, 1 },
		              .pad = { -1, -1 },
		              .out = { 5, 1, 1 } };
	struct oqz_rng r;
	struct step s;

	oqz_rng_init(&r, 4);
	free(conv_case(&s, &c, &r, false));
	ck_assert_int_eq(step_run(&s, &oqz_impl_dnnl_conv, NULL), OQZ_E_UNSUPPORTED);
	ck_assert_ptr_nonnull(strstr(s.why, "pads"));
	step_release(&s);
	c.pad[0] = c.pad[1] = 0;
	c.out[0] = 7;
	free(conv_case(&s, &c, &r, false));
	s.d.constant[1] = NULL;
	ck_assert_int_eq(step_run(&s, &oqz_impl_dnnl_conv, NULL), OQZ_E_UNSUPPORTED);
	ck_assert_ptr_nonnull(strstr(s.why, "run time"));
	s.d.constant[1] = &s.in[1];
	step_act(&s, "Sin");
	ck_assert_int_eq(step_run(&s, &oqz_impl_dnnl_conv, NULL), OQZ_E_UNSUPPORTED);
	ck_assert_ptr_nonnull(strstr(s.why, "Sin"));
	step_release(&s);
}
END_TEST

OQZ_TEST_MAIN("dnnl_conv", conv_matches_plain_loop_on_random_shapes, wide_windows_match_plain_loop,
              wide_dilated_windows_take_the_kernel_of_narrow_ones,
              same_padding_splits_as_the_standard_says, activations_are_fused, threads_share_one_layer,
              packed_weights_are_held_against_their_source, what_cannot_be_done_is_declined_with_a_reason)
