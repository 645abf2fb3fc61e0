/* SPDX-License-Identifier: Apache-2.0
 *
 * The built plugin mx against the definition of its formats: each number looked up in the table of all values, scaled
 * by a power of two (or E4M3) found with exact arithmetic. Blocks along every axis and of all lengths; what has no
 * finite answer; layers on both engines.
 */
#include "tests/unit/plugin_case.h"

static const struct format {
	const char *name;
	int exp_bits, man_bits, emax, block; /* 0 exponent bits: integers */
	double top;
} formats[] = {
	{ "mxfp8_e4m3", 4, 3, 8, 32, 448 }, { "mxfp8_e5m2", 5, 2, 15, 32, 57344 }, { "mxfp6_e2m3", 2, 3, 2, 32, 7.5 },
	{ "mxfp6_e3m2", 3, 2, 4, 32, 28 },  { "mxfp4", 2, 1, 2, 32, 6 },           { "mxint8", 0, 7, 6, 32, 127 },
	{ "nvfp4", 2, 1, 2, 16, 6 },
};

/* The nearest multiple of the element's step at x, ties to even, not beyond the top; in double. */
static double element(const struct format *f, double x)
{
	double step = 1, a = fabs(x);

	if (f->exp_bits) {
		int bias = (1 << (f->exp_bits - 1)) - 1, e = a > 0 ? ilogb(a) : -1000;
		step = ldexp(1, (e < 1 - bias ? 1 - bias : e) - f->man_bits);
	}
	double r = nearbyint(a / step) * step;
	return copysign(r > f->top ? f->top : r, x);
}

static float e4m3(double x)
{
	const struct format f = { "", 4, 3, 8, 0, 448 };

	return (float)element(&f, x);
}

static double block_scale(const struct format *f, double amax, double factor)
{
	if (!strcmp(f->name, "nvfp4")) {
		float b = e4m3((double)((float)(amax / factor) / 6.0f));
		return factor * fmax((double)b, 0x1p-9);
	}
	int e = amax > 0 ? ilogb(amax) - f->emax : 0;
	return ldexp(1, e < -127 ? -127 : e);
}

/* Compares a tensor (outer, len, inner) with blocks along the middle. */
static void compare(const struct format *f, const float *x, const float *y, int outer, int len, int inner, int per,
                    double factor)
{
	for (int o = 0; o < outer; o++)
		for (int i = 0; i < inner; i++)
			for (int from = 0; from < len; from += per) {
				double amax = 0;
				for (int a = from; a < len && a < from + per; a++)
					amax = fmax(amax, fabs((double)x[(o * len + a) * inner + i]));
				double s = block_scale(f, amax, factor);
				for (int a = from; a < len && a < from + per; a++) {
					int k = (o * len + a) * inner + i;
					float u = x[k] / (float)s, want = (float)element(f, (double)u) * (float)s;
					ck_assert_msg(y[k] == want,
					              "%s (%d,%d,%d): %.9g of a block with %g: %.9g, not %.9g", f->name,
					              o, a, i, (double)x[k], amax, (double)y[k], (double)want);
				}
			}
}

START_TEST(formats_follow_their_definition)
{
	static const int64_t shapes[][3] = { { 3, 70, 1 }, { 2, 33, 40 }, { 5, 1, 9 }, { 1, 64, 300 } };
	static float x[64 * 300];
	struct oqz_rng rng;

	oqz_rng_init(&rng, 9);
	for (size_t k = 0; k < OQZ_COUNTOF(x); k++)
		x[k] = (float)(oqz_rng_normal(&rng) * exp2(oqz_rng_f64(&rng) * 24 - 14)) * (k % 50 < 40 ? 1 : 0);
	for (int k = 0; k < 64; k++) /* a row of ties */
		x[k] = (float)(k - 32) / 16;
	for (size_t i = 0; i < OQZ_COUNTOF(formats); i++) {
		const struct format *f = &formats[i];
		for (size_t s = 0; s < OQZ_COUNTOF(shapes) * 2; s++) {
			const int64_t *d = shapes[s / 2];
			const struct oqz_tensor t = { .dtype = OQZ_DT_F32, .shape = oqz_shape_of(3, d), .data = x };
			int per = s % 2 ? 7 : f->block;
			struct oqz_tensor y = { 0 };
			struct oqz_qplan *plan = NULL;
			char params[64];
			snprintf(params, sizeof params, "format=%s%s", f->name, s % 2 ? ",block=7" : "");
			/* input 0 of a Conv: axis 1 */
			plugin_qdq("mx", params, &t, OQZ_INPUT_ACTIVATION, -1, &y, &plan);
			const struct oqz_qspec *q = &plan->sites.v[0].spec;
			ck_assert(q->axis == 1 && q->block == per && q->n_scale == 1 && q->dynamic != 0);
			ck_assert_int_eq(oqz_qspec_dtype(q), OQZ_DT_UNDEFINED);
			double top = 0;
			for (int64_t k = 0; k < d[0] * d[1] * d[2]; k++)
				top = fmax(top, fabs((double)x[k]));
			if (q->dynamic == OQZ_SCALE_E4M3)
				ck_assert((double)q->scale[0] == (double)(float)(top / (448 * 6)));
			else
				ck_assert(q->scale[0] == 1);
			compare(f, x, y.data, (int)d[0], (int)d[1], (int)d[2], per, (double)q->scale[0]);
			oqz_tensor_release(&y);
			oqz_qplan_free(plan);
		}
	}
}
END_TEST

START_TEST(extremes_are_defined)
{
	float x[32] = { INFINITY, 1, -1e30f }, tiny[32] = { 0x1p-149f, -0x1p-140f }, nan[32] = { NAN, 2 },
	      zero[32] = { 0 };
	float *const rows[] = { x, tiny, nan, zero };

	for (size_t i = 0; i < OQZ_COUNTOF(formats); i++) {
		char params[64];
		snprintf(params, sizeof params, "format=%s,activations=false", formats[i].name);
		for (size_t r = 0; r < OQZ_COUNTOF(rows); r++) {
			const struct oqz_tensor t = { .dtype = OQZ_DT_F32, .shape = GB_DIMS(1, 32), .data = rows[r] };
			struct oqz_tensor y = { 0 };
			struct oqz_qplan *plan = NULL;
			plugin_qdq("mx", params, &t, OQZ_INPUT_WEIGHT, 0, &y, &plan);
			const float *got = y.data;
			ck_assert_msg(isfinite(got[1]), "%s row %zu: %g", formats[i].name, r, (double)got[1]);
			if (r == 0 && strcmp(formats[i].name, "nvfp4") != 0)
				ck_assert(isfinite(got[0]) && got[0] > 1e37f && got[1] == 0);
			if (r == 2)
				ck_assert(got[1] == 2 && (isnan(got[0]) || isfinite(got[0])));
			if (r == 3)
				ck_assert(got[0] == 0 && plan->sites.v[0].spec.scale[0] == 1);
			oqz_tensor_release(&y);
			oqz_qplan_free(plan);
		}
	}
}
END_TEST

START_TEST(plans_survive_json)
{
	struct oqz_str a = { 0 }, b = { 0 };
	struct oqz_qplan *again = NULL;
	struct gb net;

	layers_make(&net);
	struct oqz_qplan *plan = plugin_plan(&net, "mx", "format=nvfp4", 2);
	ck_ok(oqz_qplan_to_json(plan, &a, err));
	ck_assert(strstr(oqz_str_get(&a), "\"dynamic\": \"e4m3\"") != NULL);
	ck_ok(oqz_qplan_from_json(oqz_str_get(&a), a.len, "plan", &again, err));
	ck_ok(oqz_qplan_to_json(again, &b, err));
	ck_assert_str_eq(oqz_str_get(&a), oqz_str_get(&b));
	oqz_str_release(&a);
	oqz_str_release(&b);
	oqz_qplan_free(plan);
	oqz_qplan_free(again);
	oqz_graph_free(net.g);
}
END_TEST

/* Blocks lie where products are summed; both engines compute what the reference kernels do, in any layout. */
START_TEST(engines_agree_layer_by_layer)
{
	static const int axes[] = { 1, 1, 1, 1, 1, 1, 1, 0, 1, 0, 1, 0, 1, 0 };

	for (size_t i = 0; i < OQZ_COUNTOF(formats); i++) {
		struct gb b;
		char params[64];
		snprintf(params, sizeof params, "format=%s", formats[i].name);
		layers_make(&b);
		struct oqz_qplan *plan = plugin_plan(&b, "mx", params, 2);
		ck_assert_int_eq((int)plan->sites.n, 14);
		for (size_t k = 0; k < plan->sites.n; k++)
			ck_assert_msg(plan->sites.v[k].spec.axis == axes[k], "%s:%d: axis %d", plan->sites.v[k].node,
			              plan->sites.v[k].input, plan->sites.v[k].spec.axis);
		layers_agree(&b, plan, 2e-6, "");
		oqz_qplan_free(plan);
		oqz_graph_free(b.g);
	}
}
END_TEST

/* Outputs have their blocks where the next layer sums: the channels; a transposed operand has K first. A tensor of
 * unknown rank has no axis. */
START_TEST(blocks_of_outputs_and_transposed_operands)
{
	struct gb b;

	gb_init(&b, 3);
	GB_OP(&b, "Conv", gb_input(&b, "x", GB_DIMS(1, 4, 5, 5)), gb_weights(&b, OQZ_DT_F32, GB_DIMS(4, 4, 1, 1), 1));
	GB_OP(&b, "Gemm", gb_input(&b, "a", GB_DIMS(6, 3)), gb_weights(&b, OQZ_DT_F32, GB_DIMS(6, 4), 1));
	ck_ok(oqz_node_set_int(b.last, "transA", 1, err));
	gb_finish(&b);
	struct oqz_qplan *plan = plugin_plan(&b, "mx", "outputs=true", 1);
	static const int axes[] = { 1, 1, 1, 1, 0, 0 }; /* output, input, weight of each */
	ck_assert_int_eq((int)plan->sites.n, 6);
	for (size_t k = 0; k < 6; k++)
		ck_assert_msg(plan->sites.v[k].spec.axis == axes[k], "%s:%d: axis %d", plan->sites.v[k].node,
		              plan->sites.v[k].input, plan->sites.v[k].spec.axis);
	oqz_qplan_free(plan);
	oqz_graph_free(b.g);

	struct oqz_graph_view *view = NULL;
	struct oqz_quantize *z = NULL;
	struct oqz_params *p = plugin_params("mx", "");
	gb_init(&b, 4);
	GB_OP(&b, "MatMul", gb_input(&b, "x", (struct oqz_shape) { .rank = -1 }),
	      gb_weights(&b, OQZ_DT_F32, GB_DIMS(4, 4), 1));
	gb_finish(&b);
	ck_ok(oqz_graph_view_new(b.g, NULL, &view, err));
	ck_fails(oqz_quantize_open(plugin_open("mx"), &plugin_host.table, p, view, "mx", &z, err), OQZ_E_UNSUPPORTED,
	         "its rank is not known");
	oqz_graph_view_free(view);
	oqz_params_free(p);
	oqz_graph_free(b.g);
}
END_TEST

OQZ_TEST_MAIN("mx_plugin", formats_follow_their_definition, extremes_are_defined, plans_survive_json,
              engines_agree_layer_by_layer, blocks_of_outputs_and_transposed_operands)
