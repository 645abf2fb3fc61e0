/* SPDX-License-Identifier: Apache-2.0
 *
 * core/exec/dnnl/dnnl_qtiles.c: layers on integer grids against exact sums, on small floats against sums in double;
 * bands, strides, one to three dimensions, matrices; what it must leave to others.
 */
#include "core/exec/dnnl/dnnl_bands.h"
#include "core/tensor/tile_product.h"
#include "tests/unit/fp8_case.h"
#include "tests/unit/qconv_case.h"

static bool unable(void)
{
	if (!oqz_dnnl_tiles())
		fprintf(stderr, "skipped: this CPU has no tile instructions, or oneDNN is kept from them\n");
	return !oqz_dnnl_tiles();
}

/* Channels that divide into blocks, others of any number; windows of one pixel. */
static void layer(struct oqz_rng *r, struct convcase *c)
{
	*c = (struct convcase) { .nsp = (int)rand_in(r, 1, 3), .batch = rand_in(r, 0, 3) ? 1 : 2, .group = 1 };
	c->ic = 16 * rand_in(r, 1, 7);
	c->oc = rand_in(r, 1, 80);
	for (int i = 0; i < 3; i++) {
		bool used = i < c->nsp;
		c->in[i] = used ? rand_in(r, 1, c->nsp == 3 ? 9 : c->nsp == 2 ? 24 : 200) : 1;
		c->k[i] = c->dil[i] = c->stride[i] = 1;
		if (used && rand_in(r, 0, 2) == 0)
			c->stride[i] = rand_in(r, 1, 3);
		c->out[i] = (c->in[i] - 1) / c->stride[i] + 1;
	}
}

/* Whether all bands of the layer have rows enough. */
static bool enough(const struct convcase *c)
{
	struct oqz_dnnl_conv_geom g = { .group = 1, .n_wdims = 4, .wdims = { c->oc, c->ic, 1, 1 } };
	int64_t all = c->batch * c->out[0] * c->out[1] * c->out[2], line = c->out[1], rows;

	if (c->nsp != 2)
		return all >= OQZ_TILE_ROWS;
	rows = oqz_dnnl_bands_rows(&g, c->batch, c->out[0], (size_t)(c->batch * line * c->oc));
	int64_t last = rows ? (c->out[0] - 1) % rows + 1 : c->out[0];
	return c->batch * last * line >= OQZ_TILE_ROWS;
}

START_TEST(sums_of_integers_are_exact)
{
	int ran = 0, rounds = step_rounds(300);
	struct oqz_rng r;
	struct convcase c;
	struct qcase q;
	char what[200];

	if (unable())
		return;
	oqz_rng_init(&r, step_seed(51));
	for (int i = 0; i < rounds; i++) {
		oqz_dnnl_band = (size_t)rand_in(&r, 1, 1 << rand_in(&r, 8, 14));
		layer(&r, &c);
		const struct grid *g = &grids[i % (int)OQZ_COUNTOF(grids)];
		qcase_init(&q, &c, &r, g, 0.25f, i % 2, (enum fill)(i / 2 % 4), (enum fill)(i / 8 % 4), i % 3 != 0);
		snprintf(what, sizeof what, "round %d: %lldx%lldx%lldx%lldx%lld -> %lld", i, (long long)c.batch,
		         (long long)c.ic, (long long)c.in[0], (long long)c.in[1], (long long)c.in[2], (long long)c.oc);
		struct oqz_err e = { 0 };
		enum oqz_status st = step_run(&q.s, &oqz_impl_qconv_tiles, &e);
		ck_assert_msg(st == (enough(&c) ? OQZ_OK : OQZ_E_UNSUPPORTED), "%s: %s %s", what, q.s.why, e.msg);
		if (st == OQZ_OK)
			expect_sums(&q, &c, what);
		ran += st == OQZ_OK;
		qcase_release(&q);
	}
	ck_assert_int_gt(ran, rounds / 3);
}
END_TEST

START_TEST(small_floats_are_summed_in_float32)
{
	int ran = 0;
	struct oqz_rng r;
	struct convcase c;
	char what[80];

	if (unable())
		return;
	oqz_rng_init(&r, step_seed(52));
	for (int i = 0; i < step_rounds(150); i++) {
		oqz_dnnl_band = (size_t)rand_in(&r, 1, 1 << rand_in(&r, 8, 14));
		layer(&r, &c);
		if (!enough(&c))
			continue;
		snprintf(what, sizeof what, "round %d", i);
		fp8_case(&oqz_impl_qconv_tiles, NULL, &c, &r, i & 4 ? OQZ_DT_F8E5M2 : OQZ_DT_F8E4M3FN,
		         !(i & 4) && i % 3 == 0, i & 1, i & 2, what);
		ran++;
	}
	ck_assert_int_gt(ran, 0);
}
END_TEST

/* The same bits as oneDNN's integer kernels, with scales and a bias that nothing divides evenly. */
START_TEST(integer_layers_equal_those_of_the_library)
{
	struct oqz_rng r;
	struct convcase c;
	struct qcase q;

	if (unable())
		return;
	oqz_rng_init(&r, step_seed(53));
	for (int i = 0; i < 60; i++) {
		oqz_dnnl_band = (size_t)1 << 16;
		layer(&r, &c);
		c.nsp = 2;
		c.in[2] = c.out[2] = c.stride[2] = 1;
		if (!enough(&c))
			continue;
		qcase_init(&q, &c, &r, &grids[i % (int)OQZ_COUNTOF(grids)], 0.0137f, true, FILL_RANDOM, FILL_RANDOM,
		           true);
		for (int64_t k = 0; k < c.oc; k++)
			((float *)q.scale[1].data)[k] = (float)(0.001 + 0.01 * oqz_rng_f64(&r));
		fill_f32(&r, step_input(&q.s, step_tensor(OQZ_DT_F32, DIMS(c.oc)), true));
		if (i % 2)
			step_act(&q.s, "Relu");
		ck_ok(step_run(&q.s, &oqz_impl_qconv_tiles, err));
		size_t n = (size_t)oqz_tensor_nelem(&q.s.out);
		float *first = malloc(n * sizeof *first);
		memcpy(first, q.s.out.data, n * sizeof *first);
		ck_ok(step_run(&q.s, &oqz_impl_dnnl_qconv, err));
		for (size_t k = 0; k < n; k++)
			ck_assert_msg(first[k] == ((float *)q.s.out.data)[k], "round %d: %.9g at %zu, %.9g by %s", i,
			              (double)first[k], k, (double)((float *)q.s.out.data)[k], q.s.name);
		free(first);
		qcase_release(&q);
	}
}
END_TEST

/* What a window sees besides its pixel, groups, activations that do more than clamp: declined with a reason. */
START_TEST(other_layers_are_declined)
{
	static const struct {
		int64_t ic, group, k, pad;
		const char *act, *why;
	} rows[] = { { 32, 1, 3, 1, NULL, "more than one pixel" },
		     { 32, 1, 1, 1, NULL, "more than one pixel" },
		     { 32, 2, 1, 0, NULL, "more than one pixel" },
		     { 17, 1, 1, 0, NULL, "divide" },
		     { 32, 1, 1, 0, "Sigmoid", "clamp" } };
	struct oqz_rng r;
	struct qcase q;

	if (unable())
		return;
	oqz_rng_init(&r, 54);
	for (size_t i = 0; i < OQZ_COUNTOF(rows); i++) {
		int64_t k = rows[i].k, pad = rows[i].pad, out = 8 + 2 * pad - k + 1;
		struct convcase c = { .nsp = 2,
			              .batch = 1,
			              .ic = rows[i].ic,
			              .oc = 16,
			              .group = rows[i].group,
			              .in = { 8, 8, 1 },
			              .k = { k, k, 1 },
			              .stride = { 1, 1, 1 },
			              .dil = { 1, 1, 1 },
			              .pad = { pad, pad, pad, pad },
			              .out = { out, out, 1 } };
		qcase_init(&q, &c, &r, &grids[0], 1, false, FILL_RANDOM, FILL_RANDOM, true);
		if (rows[i].act)
			step_act(&q.s, rows[i].act);
		ck_assert_int_eq(step_run(&q.s, &oqz_impl_qconv_tiles, NULL), OQZ_E_UNSUPPORTED);
		ck_assert_msg(strstr(q.s.why, rows[i].why) != NULL, "row %zu: %s", i, q.s.why);
		qcase_release(&q);
	}
}
END_TEST

OQZ_TEST_MAIN("dnnl_qtiles", sums_of_integers_are_exact, small_floats_are_summed_in_float32,
              integer_layers_equal_those_of_the_library, other_layers_are_declined)
