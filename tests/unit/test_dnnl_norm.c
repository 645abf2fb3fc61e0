/* SPDX-License-Identifier: Apache-2.0
 *
 * core/exec/dnnl/dnnl_layer_norm.c, dnnl_lrn.c and core/exec/impl_norm.c against the reference kernels.
 */
#include "tests/unit/dnnl_step.h"

static void vector(struct step *s, struct oqz_rng *r, int64_t n, bool positive)
{
	struct oqz_tensor *t = step_input(s, step_tensor(OQZ_DT_F32, DIMS(n)), true);

	fill_f32(r, t);
	for (int64_t i = 0; i < n && positive; i++)
		((float *)t->data)[i] = fabsf(((float *)t->data)[i]) + 0.1f;
}

START_TEST(layer_normalization_matches_the_reference)
{
	struct oqz_rng r;
	struct step s;

	oqz_rng_init(&r, 61);
	for (int i = 0; i < 8; i++) {
		int64_t n = i & 1 ? 768 : 17;
		step_init(&s, "LayerNormalization");
		step_float(&s, "epsilon", 1e-6f);
		if (i & 4)
			step_int(&s, "axis", -1);
		fill_f32(&r, step_input(&s, step_tensor(OQZ_DT_F32, DIMS(2, 9, n)), false));
		vector(&s, &r, n, false);
		if (i & 2)
			vector(&s, &r, n, false);
		step_expect_reference(&s, &oqz_impl_dnnl_layer_norm, 2e-6, "layer");
		step_release(&s);
	}
}
END_TEST

START_TEST(batch_normalization_matches_the_reference)
{
	struct oqz_rng r;
	struct step s;

	oqz_rng_init(&r, 62);
	for (int i = 0; i < 16; i++) {
		int64_t c = i & 1 ? 64 : 17;
		struct oqz_shape shape = i & 4 ? DIMS(2, c, 30) : i & 8 ? DIMS(1, c, 3, 4, 5) : DIMS(3, c, 7, 5);
		step_init(&s, "BatchNormalization");
		step_float(&s, "epsilon", 1e-3f);
		fill_f32(&r, step_input(&s, step_tensor(OQZ_DT_F32, shape), false));
		for (int k = 0; k < 4; k++)
			vector(&s, &r, c, k == 3);
		step_expect_reference(&s, &oqz_impl_norm, 3e-6, s.node.op_type);
		step_release(&s);
	}
}
END_TEST

START_TEST(lrn_matches_the_reference)
{
	struct oqz_rng r;
	struct step s;

	oqz_rng_init(&r, 63);
	for (int i = 0; i < 8; i++) {
		step_init(&s, "LRN");
		step_int(&s, "size", i & 1 ? 5 : 3);
		step_float(&s, "alpha", i & 2 ? 1e-4f : 0.3f);
		step_float(&s, "beta", 0.75f);
		step_float(&s, "bias", i & 4 ? 2 : 1);
		fill_f32(&r, step_input(&s, step_tensor(OQZ_DT_F32, DIMS(1, i & 4 ? 64 : 19, 6, 5)), false));
		step_expect_reference(&s, &oqz_impl_dnnl_lrn, 2e-6, "lrn");
		step_release(&s);
	}
	step_init(&s, "LRN");
	step_int(&s, "size", 4);
	step_input(&s, step_tensor(OQZ_DT_F32, DIMS(1, 8, 2, 2)), false);
	step_output(&s, DIMS(1, 8, 2, 2));
	ck_assert_int_eq(step_run(&s, &oqz_impl_dnnl_lrn, NULL), OQZ_E_UNSUPPORTED);
	ck_assert_ptr_nonnull(strstr(s.why, "centre"));
	step_release(&s);
}
END_TEST

OQZ_TEST_MAIN("dnnl_norm", layer_normalization_matches_the_reference, batch_normalization_matches_the_reference,
              lrn_matches_the_reference)
