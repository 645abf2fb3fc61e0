/* SPDX-License-Identifier: Apache-2.0
 *
 * The built plugin cast: rounds as the conversion of element types does, saturating; either operand alone.
 */
#include "tests/unit/plugin_case.h"

/* Numbers of all sizes, signs and specials. */
static void all_sizes(float *x, int n)
{
	struct oqz_rng rng;

	oqz_rng_init(&rng, 3);
	for (int i = 0; i < n; i++) {
		uint32_t bits = (uint32_t)oqz_rng_u64(&rng);
		memcpy(&x[i], &bits, sizeof bits);
	}
	x[0] = 0;
	x[1] = -0.0f;
	x[2] = 65519.996f;
	x[3] = 2.98e-8f;
	x[4] = 1.0f + 0x1p-11f;
	x[5] = 1.0f + 0x3p-11f;
	x[6] = 1.0f + 0x1p-8f;
	x[7] = 1.0f + 0x3p-8f;
}

START_TEST(casts_round_as_element_types_do)
{
	static const struct {
		const char *params;
		enum oqz_dtype type;
		float max;
	} rows[] = { { "", OQZ_DT_F16, 65504 }, { "format=bf16", OQZ_DT_BF16, 0x1.fep127f } };
	enum { N = 20000 };
	static float x[N], want[N];
	static uint16_t codes[N];
	const struct oqz_tensor t = { .dtype = OQZ_DT_F32, .shape = GB_DIMS(N), .data = x };

	all_sizes(x, N);
	for (size_t r = 0; r < OQZ_COUNTOF(rows); r++) {
		struct oqz_tensor y = { 0 };
		oqz_from_f32(rows[r].type, x, N, codes);
		oqz_to_f32(rows[r].type, codes, N, want);
		plugin_qdq("cast", rows[r].params, &t, OQZ_INPUT_WEIGHT, 0, &y, NULL);
		const float *got = y.data;
		for (int i = 0; i < N; i++) {
			float w = isinf(want[i]) ? copysignf(rows[r].max, want[i]) : want[i];
			ck_assert_msg(got[i] == w || (got[i] != got[i] && x[i] != x[i]), "%.9g: %.9g, not %.9g",
			              (double)x[i], (double)got[i], (double)w);
		}
		oqz_tensor_release(&y);
	}
}
END_TEST

START_TEST(casts_of_one_side)
{
	struct gb b;

	layers_make(&b);
	struct oqz_qplan *weights = plugin_plan(&b, "cast", "activations=false", 1),
	                 *both = plugin_plan(&b, "cast", "format=bf16", 1);
	ck_assert_int_eq((int)weights->sites.n, 6);
	for (size_t i = 0; i < weights->sites.n; i++)
		ck_assert(weights->sites.v[i].role == OQZ_INPUT_WEIGHT);
	ck_assert_int_eq((int)both->sites.n, 14);
	struct oqz_qplan *outputs = plugin_plan(&b, "cast", "activations=false,outputs=true", 1);
	ck_assert_int_eq((int)outputs->sites.n, 6); /* what is computed is an activation */
	oqz_qplan_free(outputs);
	outputs = plugin_plan(&b, "cast", "weights=false,outputs=true", 1);
	ck_assert_int_eq((int)outputs->sites.n, 8 + 7);
	oqz_qplan_free(outputs);
	layers_agree(&b, weights, 2e-6, "");
	layers_agree(&b, both, 2e-6, "");
	plugin_refuses("cast", "activations=false,weights=false", "neither");
	oqz_qplan_free(weights);
	oqz_qplan_free(both);
	oqz_graph_free(b.g);
}
END_TEST

OQZ_TEST_MAIN("cast_plugin", casts_round_as_element_types_do, casts_of_one_side)
