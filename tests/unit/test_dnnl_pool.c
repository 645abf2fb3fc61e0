/* SPDX-License-Identifier: Apache-2.0
 *
 * core/exec/dnnl/dnnl_pool.c and core/exec/impl_pool.c against the reference kernels.
 */
#include "tests/unit/dnnl_step.h"

START_TEST(windows_match_the_reference)
{
	struct oqz_rng r;
	struct step s;
	int accepted = 0;

	oqz_rng_init(&r, 31);
	for (int i = 0; i < 400; i++) {
		int nsp = i % 10 == 0 ? 1 : i % 10 == 1 ? 3 : 2;
		int64_t c = rand_in(&r, 1, 40), dims[5] = { i % 4 == 0 ? 3 : 1, c }, k[3], st[3], pads[6] = { 0 },
		        dil[3];
		bool max = i % 2, fits = true;
		char what[32];
		for (int d = 0; d < nsp; d++) {
			dims[d + 2] = rand_in(&r, 1, 12);
			k[d] = rand_in(&r, 1, 5);
			st[d] = rand_in(&r, 1, 3);
			dil[d] = rand_in(&r, 0, 3) ? 1 : 2;
			pads[d] = rand_in(&r, 0, k[d] - 1);
			pads[nsp + d] = rand_in(&r, 0, k[d] - 1);
			fits &= dims[d + 2] + pads[d] + pads[nsp + d] >= (k[d] - 1) * dil[d] + 1;
		}
		if (!fits)
			continue;
		step_init(&s, max ? "MaxPool" : "AveragePool");
		step_ints(&s, "kernel_shape", (size_t)nsp, k);
		step_ints(&s, "strides", (size_t)nsp, st);
		step_ints(&s, "pads", 2 * (size_t)nsp, pads);
		step_ints(&s, "dilations", (size_t)nsp, dil);
		step_int(&s, "ceil_mode", i & 4 ? 1 : 0);
		if (!max)
			step_int(&s, "count_include_pad", i & 8 ? 1 : 0);
		fill_f32(&r, step_input(&s, step_tensor(OQZ_DT_F32, oqz_shape_of(nsp + 2, dims)), false));
		snprintf(what, sizeof what, "case %d", i);
		ck_ok(step_resolve(&s, err));
		struct oqz_tensor ref = { 0 };
		const struct oqz_tensor *in = &s.in[0];
		ck_ok(oqz_op_run(&s.node, &in, &ref, err));
		step_output(&s, ref.shape);
		oqz_tensor_release(&ref);
		step_expect_reference(&s, &oqz_impl_pool, max ? 0 : 1e-6, what);
		s.d.in_layout[0] = OQZ_LAYOUT_CHANNELS_LAST;
		if (step_run(&s, &oqz_impl_dnnl_pool, NULL) == OQZ_OK) {
			step_expect_reference(&s, &oqz_impl_dnnl_pool, max ? 0 : 1e-6, what);
			accepted++;
		}
		step_release(&s);
	}
	ck_assert_int_gt(accepted, 150); /* refusals are for odd windows only */
}
END_TEST

START_TEST(windows_of_real_networks_are_accepted)
{
	/* channels, size, kernel, stride, pad, ceil, max */
	static const int64_t rows[][7] = { { 64, 112, 3, 2, 1, 0, 1 }, { 96, 55, 3, 2, 0, 0, 1 },
		                           { 64, 54, 3, 2, 0, 1, 1 },  { 512, 14, 2, 2, 0, 0, 1 },
		                           { 256, 20, 5, 1, 2, 0, 1 }, { 192, 35, 3, 1, 1, 0, 0 },
		                           { 128, 56, 2, 2, 0, 0, 0 }, { 832, 14, 3, 2, 0, 1, 1 },
		                           { 3, 17, 3, 2, 1, 0, 1 } };
	struct oqz_rng r;
	struct step s;

	oqz_rng_init(&r, 32);
	for (size_t i = 0; i < OQZ_COUNTOF(rows); i++) {
		const int64_t *t = rows[i], k[] = { t[2], t[2] }, st[] = { t[3], t[3] },
		              pads[] = { t[4], t[4], t[4], t[4] };
		step_init(&s, t[6] ? "MaxPool" : "AveragePool");
		step_ints(&s, "kernel_shape", 2, k);
		step_ints(&s, "strides", 2, st);
		step_ints(&s, "pads", 4, pads);
		step_int(&s, "ceil_mode", t[5]);
		fill_f32(&r, step_input(&s, step_tensor(OQZ_DT_F32, DIMS(1, t[0], t[1], t[1])), false));
		step_expect_reference(&s, &oqz_impl_pool, t[6] ? 0 : 1e-6, "layer");
		s.d.in_layout[0] = OQZ_LAYOUT_CHANNELS_LAST;
		step_expect_reference(&s, &oqz_impl_dnnl_pool, t[6] ? 0 : 1e-6, "layer");
		step_release(&s);
	}
}
END_TEST

/* A kernel from a file may be of any size; only the reference walks over what is inside alone. */
START_TEST(windows_far_larger_than_the_input_are_declined)
{
	const int64_t k[] = { INT32_MAX, INT32_MAX }, pads[] = { 1 << 30, 1 << 30, 1 << 30, 1 << 30 };
	struct step s;

	step_init(&s, "AveragePool");
	step_ints(&s, "kernel_shape", 2, k);
	step_ints(&s, "pads", 4, pads);
	step_input(&s, step_tensor(OQZ_DT_F32, DIMS(1, 2, 4, 4)), false);
	step_output(&s, DIMS(1, 2, 6, 6));
	ck_assert_int_eq(step_run(&s, &oqz_impl_pool, NULL), OQZ_E_UNSUPPORTED);
	s.d.in_layout[0] = OQZ_LAYOUT_CHANNELS_LAST;
	ck_assert_int_eq(step_run(&s, &oqz_impl_dnnl_pool, NULL), OQZ_E_UNSUPPORTED);
	step_release(&s);
}
END_TEST

START_TEST(global_pools_match_the_reference)
{
	static const char *const ops[] = { "GlobalAveragePool", "GlobalMaxPool" };
	struct oqz_rng r;
	struct step s;

	oqz_rng_init(&r, 33);
	for (int i = 0; i < 12; i++) {
		step_init(&s, ops[i % 2]);
		struct oqz_shape shape =
		    i % 3 ? DIMS(1 + i % 2, rand_in(&r, 1, 600), rand_in(&r, 1, 9), rand_in(&r, 1, 9))
		          : DIMS(2, rand_in(&r, 1, 40), rand_in(&r, 1, 90));
		fill_f32(&r, step_input(&s, step_tensor(OQZ_DT_F32, shape), false));
		for (int k = 0; k < 2; k++) {
			s.d.in_layout[0] = k ? OQZ_LAYOUT_CHANNELS_LAST : OQZ_LAYOUT_PLAIN;
			step_expect_reference(&s, &oqz_impl_dnnl_pool, i % 2 ? 0 : 6e-8, ops[i % 2]);
		}
		step_release(&s);
	}
}
END_TEST

OQZ_TEST_MAIN("dnnl_pool", windows_match_the_reference, windows_of_real_networks_are_accepted,
              windows_far_larger_than_the_input_are_declined, global_pools_match_the_reference)
