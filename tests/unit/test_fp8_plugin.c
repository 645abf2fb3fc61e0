/* SPDX-License-Identifier: Apache-2.0
 *
 * The built plugin fp8: the golden FP8 numbers bit for bit, formats and scales as their definitions say, what becomes
 * of its plans in a graph, and both engines against the reference kernels, layer by layer on equal inputs.
 */
#include "tests/unit/plugin_case.h"

static struct golden g;

static bool has_array(const char *key) { return json_object_get(json_object_get(g.json, "arrays"), key) != NULL; }

static void expect_same(const char *what, const struct oqz_tensor *got, const struct oqz_tensor *want)
{
	const float *a = got->data, *b = want->data;

	ck_assert(oqz_shape_equal(&got->shape, &want->shape));
	for (int64_t i = 0; i < oqz_tensor_nelem(want); i++)
		ck_assert_msg(a[i] == b[i] || (a[i] != a[i] && b[i] != b[i]), "%s, element %lld: %.9g, not %.9g", what,
		              (long long)i, (double)a[i], (double)b[i]);
}

static void probe(const char *name, const char *params, const char *want)
{
	struct oqz_tensor y = { 0 }, x, w;
	char key[64];

	snprintf(key, sizeof key, "%s/probe", name);
	x = golden_array(&g, key);
	snprintf(key, sizeof key, "%s/%s", name, want);
	w = golden_array(&g, key);
	plugin_qdq("fp8", params, &x, OQZ_INPUT_ACTIVATION, -1, &y, NULL);
	expect_same(params, &y, &w);
	oqz_tensor_release(&y);
}

START_TEST(golden_numbers_bit_for_bit)
{
	static const char *const data[] = { "normal",   "uniform",         "heavy",   "tiny",
		                            "large",    "zeros",           "allzero", "relu",
		                            "negative", "subnormal_scale", "ties",    "const" };
	static const char *const scales[] = { "0.0078125", "0.03125", "0.125", "1", "4", "16", "64" };
	static const char *const names[] = { "e4m3", "e5m2" }, *const formats[] = { "e4m3fn", "e5m2" };
	char key[64], params[100];
	int n = 0;

	if (!golden_open(&g, "quantization/qdq/fp8"))
		return;
	for (size_t k = 0; k < 2; k++) {
		snprintf(params, sizeof params, "format=%s,scale=1,rounding=half-toward-zero", formats[k]);
		probe(names[k], params, "probe_ppq");
		snprintf(params, sizeof params, "format=%s,scale=1", formats[k]);
		probe(names[k], params, "probe_rne");
		for (size_t d = 0; d < OQZ_COUNTOF(data); d++) {
			for (size_t s = 0; s < OQZ_COUNTOF(scales); s++) {
				struct oqz_tensor y = { 0 }, x, want;
				snprintf(key, sizeof key, "%s/y/%s/s%s", names[k], data[d], scales[s]);
				if (!has_array(key))
					continue;
				want = golden_array(&g, key);
				snprintf(params, sizeof params, "x/%s", data[d]);
				x = golden_array(&g, params);
				snprintf(params, sizeof params, "format=%s,scale=%s,rounding=half-toward-zero",
				         formats[k], scales[s]);
				plugin_qdq("fp8", params, &x, (s & 1) ? OQZ_INPUT_WEIGHT : OQZ_INPUT_ACTIVATION,
				           (s & 1) ? 0 : -1, &y, NULL);
				expect_same(key, &y, &want);
				oqz_tensor_release(&y);
				n++;
			}
		}
	}
	ck_assert_int_eq(n, 2 * 8 * 7);
	golden_close(&g);
}
END_TEST

/* The scale that the zoo's rule chooses for whole tensors. */
START_TEST(candidates_choose_as_golden)
{
	json_t *row;
	size_t i;
	int n = 0;

	if (!golden_open(&g, "quantization/observers/observers"))
		return;
	json_array_foreach(json_object_get(g.json, "rows"), i, row)
	{
		const char *data = json_string_value(json_object_get(row, "data"));
		bool weight = json_is_true(json_object_get(row, "weight"));
		if (strcmp(json_string_value(json_object_get(row, "observer")), "floating") != 0 ||
		    json_object_get(row, "axis"))
			continue;
		struct oqz_tensor y = { 0 }, x;
		struct oqz_qplan *plan = NULL;
		char key[64];
		snprintf(key, sizeof key, "%s/%s", weight ? "w" : "x", data);
		x = golden_array(&g, key);
		plugin_qdq("fp8", "scale=candidates,rounding=half-toward-zero", &x,
		           weight ? OQZ_INPUT_WEIGHT : OQZ_INPUT_ACTIVATION, weight ? 0 : -1, &y, &plan);
		double want = json_number_value(json_object_get(row, "full_data_choice"));
		ck_assert_msg((double)plan->sites.v[0].spec.scale[0] == want, "%s: %g, not %g", key,
		              (double)plan->sites.v[0].spec.scale[0], want);
		oqz_tensor_release(&y);
		oqz_qplan_free(plan);
		n++;
	}
	ck_assert_int_eq(n, 8 + 3);
	golden_close(&g);
}
END_TEST

/* Largest value, smallest value, dtype of the format. */
START_TEST(formats_are_what_they_say)
{
	static const struct {
		const char *params;
		double max, step;
		enum oqz_dtype dtype;
	} rows[] = {
		{ "", 448, 0x1p-9, OQZ_DT_F8E4M3FN },
		{ "format=e5m2", 57344, 0x1p-16, OQZ_DT_F8E5M2 },
		{ "format=e4m3fnuz", 240, 0x1p-10, OQZ_DT_F8E4M3FNUZ },
		{ "format=e5m2fnuz", 57344, 0x1p-17, OQZ_DT_F8E5M2FNUZ },
		{ "format=e4m3", 480, 0x1p-9, OQZ_DT_UNDEFINED },
		{ "format=e2m1", 6, 0.5, OQZ_DT_UNDEFINED },
		{ "format=e3m2", 28, 0x1p-4, OQZ_DT_UNDEFINED },
		{ "format=e2m3", 7.5, 0.125, OQZ_DT_UNDEFINED },
		{ "format=e5m10ieee", 65504, 0x1p-24, OQZ_DT_UNDEFINED },
		{ "format=e3m0", 16, 0.25, OQZ_DT_UNDEFINED },
		{ "format=e1m2", 3.5, 0.5, OQZ_DT_UNDEFINED },
		{ "format=e1m0fnuz", 1, 1, OQZ_DT_UNDEFINED },
		{ "bias=11", 28, 0x1p-13, OQZ_DT_UNDEFINED },
		{ "max=240", 240, 0x1p-9, OQZ_DT_UNDEFINED },
		{ "rounding=half-toward-zero", 448, 0x1p-9, OQZ_DT_UNDEFINED },
	};

	for (size_t i = 0; i < OQZ_COUNTOF(rows); i++) {
		float x[] = { 1e30f, -1e30f, (float)rows[i].step, (float)rows[i].step * 0.75f };
		const struct oqz_tensor t = { .dtype = OQZ_DT_F32, .shape = GB_DIMS(4), .data = x };
		struct oqz_tensor y = { 0 };
		struct oqz_qplan *plan = NULL;
		char params[100];
		snprintf(params, sizeof params, "%s%sscale=1", rows[i].params, *rows[i].params ? "," : "");
		plugin_qdq("fp8", params, &t, OQZ_INPUT_ACTIVATION, -1, &y, &plan);
		const float *got = y.data;
		ck_assert_msg((double)got[0] == rows[i].max && (double)got[1] == -rows[i].max &&
		                  (double)got[2] == rows[i].step && (double)got[3] == rows[i].step,
		              "%s: %g %g %g %g", params, (double)got[0], (double)got[1], (double)got[2],
		              (double)got[3]);
		ck_assert_int_eq(oqz_qspec_dtype(&plan->sites.v[0].spec), rows[i].dtype);
		oqz_tensor_release(&y);
		oqz_qplan_free(plan);
	}
	plugin_refuses("fp8", "format=e4m3fm", "`e4m3fm`");
	plugin_refuses("fp8", "format=e9m3", "M from 0 to 10, not `e9m3`");
	plugin_refuses("fp8", "format=e4m11", "`e4m11`");
	plugin_refuses("fp8", "max=447", "`447`");
	plugin_refuses("fp8", "max=512", "`512`");
	plugin_refuses("fp8", "max=0", "`0`");
	plugin_refuses("fp8", "max=-448", "`-448`");
	plugin_refuses("fp8", "max=0.0029296875", "`0.0029296875`"); /* one and a half of the smallest */
	plugin_refuses("fp8", "format=e0m3", "M from 0 to 10, not `e0m3`");
	plugin_refuses("fp8", "format=e4m", "`e4m`");
	plugin_refuses("fp8", "format=e4m03", "`e4m03`");
	plugin_refuses("fp8", "format=e4m0ieee", "has no code for NaN");
	plugin_refuses("fp8", "format=e8m3,bias=126", "above float32's largest");
	plugin_refuses("fp8", "bias=148", "below float32's smallest");
	plugin_refuses("fp8", "bias=147",
	               "with bias=147; for numbers up to 1 that takes a scale above float32's largest");
	plugin_refuses("fp8", "bias=147,scale=mse", "with bias=147; for numbers up to 1 that takes a scale above");
	plugin_refuses("fp8", "format=e2m1,bias=130,max=0x1p-130", "a larger `max` is needed");
	plugin_refuses("fp8", "bias=7.5", "`7.5`");
	plugin_refuses("fp8", "bias=-127", "from -126 to 150, not `-127`");
	plugin_refuses("fp8", "bias=151", "from -126 to 150, not `151`");
	plugin_refuses("fp8", "bias=nan", "not `nan`");
	plugin_refuses("fp8", "max=inf", "not `inf`");
	plugin_refuses("fp8", "scale=inf", "not `inf`");
	plugin_refuses("fp8", "scale=5e-31", "not `5e-31`"); /* below 2^-100 */
	plugin_refuses("fp8", "scale=2e30", "not `2e30`");   /* above 2^100 */
	plugin_refuses("fp8", "scale=big", "`big`");
	plugin_refuses("fp8", "scale=-1", "`-1`");

	struct gb b;
	layers_make(&b);
	struct oqz_qplan *plan = plugin_plan(&b, "fp8", "activations=false", 1);
	ck_assert_int_eq((int)plan->sites.n, 6);
	for (size_t i = 0; i < plan->sites.n; i++)
		ck_assert_int_eq(plan->sites.v[i].role, OQZ_INPUT_WEIGHT);
	oqz_qplan_free(plan);
	oqz_graph_free(b.g);
}
END_TEST

static double error_of(const float *x, const float *y, int n)
{
	double e = 0;

	for (int i = 0; i < n; i++)
		e += ((double)x[i] - (double)y[i]) * ((double)x[i] - (double)y[i]);
	return e;
}

/* amax is exact, per channel too; mse is a power of two and no other power is better by more than a bin's width. */
START_TEST(scales_follow_their_rule)
{
	enum { C = 5, N = 400 };
	static float x[C * N];
	const struct oqz_tensor t = { .dtype = OQZ_DT_F32, .shape = GB_DIMS(C, N), .data = x };
	struct oqz_tensor y = { 0 };
	struct oqz_qplan *plan = NULL;
	struct oqz_rng rng;

	oqz_rng_init(&rng, 5);
	for (int i = 0; i < C * N; i++)
		x[i] = (float)(oqz_rng_normal(&rng) * pow(3, i / N) * (i % 97 == 0 ? 20 : 1));
	plugin_qdq("fp8", "granularity=channel", &t, OQZ_INPUT_WEIGHT, 0, &y, &plan);
	const struct oqz_qspec *q = &plan->sites.v[0].spec;
	ck_assert(q->n_scale == C && q->axis == 0);
	for (int c = 0; c < C; c++) {
		float top = 0;
		for (int i = 0; i < N; i++)
			top = fmaxf(top, fabsf(x[c * N + i]));
		ck_assert(q->scale[c] == (float)((double)top / 448));
	}
	oqz_tensor_release(&y);
	oqz_qplan_free(plan);
	plugin_qdq("fp8", "scale=mse,format=e2m1", &t, OQZ_INPUT_WEIGHT, 0, &y, &plan);
	int e;
	float s = plan->sites.v[0].spec.scale[0];
	ck_assert(plan->sites.v[0].spec.n_scale == 1 && frexpf(s, &e) == 0.5f);
	double least = error_of(x, y.data, C * N);
	oqz_tensor_release(&y);
	oqz_qplan_free(plan);
	for (int k = -20; k <= 20; k++) {
		char params[100];
		snprintf(params, sizeof params, "format=e2m1,scale=%.17g", ldexp(1, k));
		plugin_qdq("fp8", params, &t, OQZ_INPUT_WEIGHT, 0, &y, NULL);
		double other = error_of(x, y.data, C * N);
		ck_assert_msg(least <= other * 1.01, "2^%d has %g, the choice %g has %g", k, other, (double)s, least);
		oqz_tensor_release(&y);
	}
}
END_TEST

/* What the rule was is in the plan; a tensor of zeros, or of next to nothing, has a scale as well. */
START_TEST(rules_and_small_tensors)
{
	struct gb b;
	float x[2] = { 0, 0 };
	const struct oqz_tensor t = { .dtype = OQZ_DT_F32, .shape = GB_DIMS(2), .data = x };
	struct oqz_tensor y = { 0 };
	struct oqz_qplan *plan;

	for (int batch = 0; batch < 2; batch++) {
		layers_make(&b);
		plan = plugin_plan(&b, "fp8", batch ? "scale=percentile,scope=batch,q=0.99" : "scale=percentile,q=0.99",
		                   3);
		ck_assert(strstr(plan->sites.v[0].rule,
		                 batch ? "percentile q=0.99 scope=batch" : "percentile q=0.99 scope=dataset") != NULL);
		oqz_qplan_free(plan);
		oqz_graph_free(b.g);
	}
	for (int i = 0; i < 2; i++) {
		x[1] = i ? 1e-38f : 0;
		plugin_qdq("fp8", "", &t, OQZ_INPUT_ACTIVATION, -1, &y, &plan);
		ck_assert(plan->sites.v[0].spec.scale[0] == (i ? 0x1p-100f : 1));
		oqz_tensor_release(&y);
		oqz_qplan_free(plan);
	}
}
END_TEST

static int count(const struct oqz_graph *graph, const char *op)
{
	int n = 0;

	for (size_t i = 0; i < graph->nodes.n; i++)
		n += !strcmp(graph->nodes.v[i]->op_type, op);
	return n;
}

START_TEST(engines_agree_layer_by_layer)
{
	static const struct {
		const char *params;
		bool linear; /* becomes QuantizeLinear */
	} rows[] = {
		{ "", true },
		{ "scale=mse,granularity=channel", true },
		{ "format=e5m2,scale=mse", true },
		{ "scale=candidates,rounding=half-toward-zero", false },
		{ "granularity=channel,rounding=half-toward-zero", false },
		{ "format=e3m4,granularity=channel", false },
		{ "format=e3m0", false },
		{ "format=e4m0,rounding=half-toward-zero,scale=mse", false },
		{ "format=e1m6", false },
	};
	bool bf16 = strstr(oqz_exec_describe(), "bf16") != NULL;

	for (size_t i = 0; i < OQZ_COUNTOF(rows); i++) {
		struct gb b;
		struct oqz_graph *q = NULL;
		layers_make(&b);
		struct oqz_qplan *plan = plugin_plan(&b, "fp8", rows[i].params, 4);
		ck_assert_int_eq((int)plan->sites.n, 14);
		ck_ok(oqz_qplan_apply(plan, b.g, &q, err));
		ck_assert_int_eq(count(q, "QuantizeLinear"), rows[i].linear ? 8 : 0);
		ck_assert_int_eq(count(q, "DequantizeLinear"), rows[i].linear ? 14 : 0);
		ck_assert_int_eq(count(q, "FakeQuant"), rows[i].linear ? 0 : 14);
		oqz_graph_free(q);
		int fast = layers_agree(&b, plan, 2e-6, "bf16");
		ck_assert_msg(!bf16 || fast >= 4, "%s: only %d layers on bfloat16 products", rows[i].params, fast);
		oqz_qplan_free(plan);
		oqz_graph_free(b.g);
	}
}
END_TEST
/* One constant that three nodes read: weights of two, with other channels in each, and in the third the place of an
 * activation. Each has a grid of its own, and the engines compute with it. */
START_TEST(shared_constants_have_a_grid_per_reader)
{
	struct gb b;

	gb_init(&b, 23);
	struct oqz_value *a = gb_input(&b, "a", GB_DIMS(7, 24)), *c = gb_input(&b, "c", GB_DIMS(24, 5)),
	                 *w = gb_weights(&b, OQZ_DT_F32, GB_DIMS(24, 24), 0.2);
	GB_OP(&b, "Gemm", a, w);
	ck_ok(oqz_node_set_int(b.last, "transB", 1, err));
	GB_OP(&b, "MatMul", a, w);
	GB_OP(&b, "MatMul", w, c);
	gb_finish(&b);
	struct oqz_qplan *p = plugin_plan(&b, "fp8", "granularity=channel", 3);
	ck_assert_int_eq((int)p->sites.n, 6);
	const float *x = w->constant->data;
	for (int by_row = 0; by_row < 2; by_row++) {
		const struct oqz_qplan_site *s = &p->sites.v[by_row ? 1 : 3];
		ck_assert(s->role == OQZ_INPUT_WEIGHT && s->spec.n_scale == 24 && s->spec.axis == (by_row ? 0 : 1));
		ck_assert_str_eq(s->tensor, w->name);
		for (int k = 0; k < 24; k++) {
			float top = 0;
			for (int i = 0; i < 24; i++)
				top = fmaxf(top, fabsf(x[by_row ? k * 24 + i : i * 24 + k]));
			ck_assert(s->spec.scale[k] == (float)((double)top / 448));
		}
	}
	const struct oqz_qplan_site *left = &p->sites.v[4];
	ck_assert(left->role == OQZ_INPUT_ACTIVATION && left->spec.n_scale == 1 && left->spec.axis == -1);
	ck_assert_str_eq(left->tensor, w->name);
	layers_agree(&b, p, 2e-6, "");
	oqz_qplan_free(p);
	oqz_graph_free(b.g);
}
END_TEST

/* Each word for where the scale comes from is a rule of the plan, with that rule's own parameter and no other's. */
START_TEST(scales_name_their_rule)
{
	static const struct {
		const char *params, *rule;
	} rows[] = { { "", "minmax" },
		     { "scale=mse", "mse pow2" },
		     { "scale=candidates", "floating" },
		     { "scale=ema,momentum=0.25,q=0.75", "ema momentum=0.25" },
		     { "scale=percentile,momentum=0.25,q=0.75", "percentile q=0.75 scope=dataset" },
		     { "scale=0.5,granularity=channel", "none" },
		     { "bias=147,scale=1", "none" } }; /* down to 2^-149 */

	for (size_t i = 0; i < OQZ_COUNTOF(rows); i++) {
		struct gb b;
		layers_make(&b);
		struct oqz_qplan *p = plugin_plan(&b, "fp8", rows[i].params, 1);
		const char *rule = p->sites.v[0].rule;
		ck_assert_msg(strncmp(rule, rows[i].rule, strlen(rows[i].rule)) == 0 &&
		                  (strstr(rule, "pow2") != NULL) == (strstr(rows[i].rule, "pow2") != NULL),
		              "fp8:%s: %s, not %s", rows[i].params, rule, rows[i].rule);
		oqz_qplan_free(p);
		oqz_graph_free(b.g);
	}
}
END_TEST

OQZ_TEST_MAIN("fp8_plugin", scales_name_their_rule, shared_constants_have_a_grid_per_reader, golden_numbers_bit_for_bit,
              candidates_choose_as_golden, formats_are_what_they_say, scales_follow_their_rule, rules_and_small_tensors,
              engines_agree_layer_by_layer)
