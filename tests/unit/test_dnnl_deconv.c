/* SPDX-License-Identifier: Apache-2.0
 *
 * core/exec/dnnl/dnnl_deconv.c against the reference kernel.
 */
#include "tests/unit/dnnl_step.h"

START_TEST(transposed_convolutions_match_the_reference)
{
	struct oqz_rng r;
	struct step s;

	oqz_rng_init(&r, 41);
	for (int i = 0; i < 240; i++) {
		int nsp = i % 9 == 0 ? 1 : i % 9 == 1 ? 3 : 2;
		int64_t group = i % 4 == 0 ? rand_in(&r, 2, 4) : i % 4 == 1 ? rand_in(&r, 1, 40) : 1;
		int64_t icg = i % 4 == 1 ? 1 : rand_in(&r, 1, 17), ocg = i % 4 == 1 ? 1 : rand_in(&r, 1, 17);
		int64_t x[5] = { i % 5 == 0 ? 2 : 1, group * icg }, w[5] = { group * icg, ocg }, k[3], st[3], pads[6],
		        dil[3], extra[3];
		bool fits = true;
		char what[32];
		for (int d = 0; d < nsp; d++) {
			x[d + 2] = rand_in(&r, 1, 8);
			w[d + 2] = k[d] = rand_in(&r, 1, 4);
			st[d] = rand_in(&r, 1, 3);
			dil[d] = rand_in(&r, 0, 3) ? 1 : 2;
			extra[d] = i % 3 == 0 ? rand_in(&r, 0, st[d] - 1) : 0;
			pads[d] = rand_in(&r, 0, k[d] - 1);
			pads[nsp + d] = rand_in(&r, 0, k[d] - 1);
			fits &=
			    (x[d + 2] - 1) * st[d] + (k[d] - 1) * dil[d] + 1 + extra[d] - pads[d] - pads[nsp + d] > 0;
		}
		if (!fits)
			continue;
		step_init(&s, "ConvTranspose");
		step_int(&s, "group", group);
		step_ints(&s, "strides", (size_t)nsp, st);
		step_ints(&s, "dilations", (size_t)nsp, dil);
		step_ints(&s, "pads", 2 * (size_t)nsp, pads);
		step_ints(&s, "output_padding", (size_t)nsp, extra);
		fill_f32(&r, step_input(&s, step_tensor(OQZ_DT_F32, oqz_shape_of(nsp + 2, x)), false));
		fill_f32(&r, step_input(&s, step_tensor(OQZ_DT_F32, oqz_shape_of(nsp + 2, w)), true));
		if (i & 1)
			fill_f32(&r, step_input(&s, step_tensor(OQZ_DT_F32, DIMS(group * ocg)), true));
		snprintf(what, sizeof what, "case %d", i);
		step_expect_reference(&s, &oqz_impl_dnnl_deconv, 3e-6, what);
		step_release(&s);
	}
}
END_TEST

/* Kernel = stride: each input pixel makes a tile of its own. */
START_TEST(tiles_match_the_reference)
{
	struct oqz_rng r;
	struct step s;

	oqz_rng_init(&r, 43);
	for (int i = 0; i < 60; i++) {
		int64_t k[2] = { rand_in(&r, 1, 4), rand_in(&r, 1, 4) }, c = rand_in(&r, 1, 40), m = rand_in(&r, 1, 20);
		int64_t x[4] = { 1 + i % 2, c, rand_in(&r, 1, 9), rand_in(&r, 1, 33) }, w[4] = { c, m, k[0], k[1] };
		char what[32];
		step_init(&s, "ConvTranspose");
		step_ints(&s, "strides", 2, k);
		fill_f32(&r, step_input(&s, step_tensor(OQZ_DT_F32, oqz_shape_of(4, x)), false));
		fill_f32(&r, step_input(&s, step_tensor(OQZ_DT_F32, oqz_shape_of(4, w)), true));
		if (i % 3)
			fill_f32(&r, step_input(&s, step_tensor(OQZ_DT_F32, DIMS(m)), true));
		snprintf(what, sizeof what, "case %d", i);
		step_expect_reference(&s, &oqz_impl_dnnl_deconv_tiles, 3e-6, what);
		step_release(&s);
	}
}
END_TEST

OQZ_TEST_MAIN("dnnl_deconv", transposed_convolutions_match_the_reference, tiles_match_the_reference)
