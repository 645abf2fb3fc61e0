/* SPDX-License-Identifier: Apache-2.0
 *
 * The built plugin int8 through loader, graph view and driver: which sites under which rules, the selection that all
 * schemes share, plans from statistics, lone tensors, its manual page; and core/quant/quantize against plugins that
 * misbehave.
 */
#include "core/base/params.h"
#include "core/base/str.h"
#include "core/quant/qdq_tensor.h"
#include "core/quant/quantize.h"
#include "plugins/describe.h"
#include "plugins/host.h"
#include "plugins/loader.h"
#include "tests/unit/observe_case.h"
#include "tests/unit/observer_rows.h"

static struct oqz_plugin_host host;
static struct oqz_module *module;

static void setup(void)
{
	const char *build = getenv("top_builddir");
	char path[1024];

	if (module)
		return;
	snprintf(path, sizeof path, "%s/quantizers/int8/.libs/int8.so", build ? build : ".");
	ck_ok(oqz_module_open(path, &module, err));
	oqz_plugin_host_init(&host, NULL, NULL);
}

static struct oqz_params *params(const char *text)
{
	struct oqz_params *p;

	setup();
	ck_ok(oqz_params_parse(module->desc.base.params, text, "scheme int8", &p, err));
	return p;
}

/* x -> Conv -> ConvTranspose -> Reshape -> Gemm(transB=0) -> LayerNormalization -> MatMul(const) -> MatMul(two
 * computed) */
struct net {
	struct gb b;
	struct oqz_node *conv, *deconv, *gemm, *norm, *matmul, *attention;
};

static void net_make(struct net *n)
{
	struct gb *b = &n->b;

	gb_init(b, 3);
	struct oqz_value *x = gb_input(b, "x", GB_DIMS(1, 3, 8, 8));
	struct oqz_value *v = GB_OP(b, "Conv", x, gb_weights(b, OQZ_DT_F32, GB_DIMS(4, 3, 3, 3), 0.2),
	                            gb_weights(b, OQZ_DT_F32, GB_DIMS(4), 0.1));
	n->conv = b->last;
	v = GB_OP(b, "ConvTranspose", v, gb_weights(b, OQZ_DT_F32, GB_DIMS(4, 5, 2, 2), 0.2));
	n->deconv = b->last;
	v = GB_OP(b, "Reshape", v, GB_LIST(b, 5, 49));
	v = GB_OP(b, "Gemm", v, gb_weights(b, OQZ_DT_F32, GB_DIMS(49, 6), 0.2),
	          gb_weights(b, OQZ_DT_F32, GB_DIMS(6), 0.1));
	n->gemm = b->last;
	v = GB_OP(b, "LayerNormalization", v, gb_weights(b, OQZ_DT_F32, GB_DIMS(6), 1),
	          gb_weights(b, OQZ_DT_F32, GB_DIMS(6), 1));
	n->norm = b->last;
	v = GB_OP(b, "MatMul", v, gb_weights(b, OQZ_DT_F32, GB_DIMS(6, 7), 0.2));
	n->matmul = b->last;
	struct oqz_value *t = GB_OP(b, "Transpose", v);
	v = GB_OP(b, "MatMul", v, t);
	n->attention = b->last;
	gb_output(b, v);
	gb_finish(b);
}

/* "Conv_1:0 percentile -1; ..." of all sites. */
static const char *sites_of(const struct oqz_graph *g, const char *text, const struct oqz_selection *sel)
{
	static char out[2000];
	struct oqz_params *p = params(text);
	struct oqz_graph_view *view = NULL;
	struct oqz_quantize *z = NULL;
	size_t at = 0;

	ck_ok(oqz_graph_view_new(g, sel, &view, err));
	ck_ok(oqz_quantize_open(&module->desc.quantizer, &host.table, p, view, text, &z, err));
	out[0] = 0;
	for (size_t i = 0; i < oqz_quantize_count(z); i++) {
		const struct oqz_quantize_site *s = oqz_quantize_site(z, i);
		const char *op = oqz_graph_node(g, s->node)->op_type;
		at += (size_t)snprintf(out + at, sizeof out - at, "%s%s:%d %s %d", i ? "; " : "", op, s->site.input,
		                       s->site.calibrator, s->site.axis);
		ck_assert(s->constant == (s->needs == 0));
	}
	oqz_quantize_close(z);
	oqz_graph_view_free(view);
	oqz_params_free(p);
	return out;
}

START_TEST(sites_follow_the_rules)
{
	struct net n;

	net_make(&n);
	ck_assert_str_eq(
	    sites_of(n.b.g, "", NULL),
	    "Conv:0 percentile -1; Conv:1 minmax 0; ConvTranspose:0 percentile -1; ConvTranspose:1 minmax 1; "
	    "Gemm:0 percentile -1; Gemm:1 minmax 1; LayerNormalization:0 percentile -1; "
	    "MatMul:0 percentile -1; MatMul:1 minmax 1; MatMul:0 percentile -1; MatMul:1 percentile -1");
	ck_assert_str_eq(sites_of(n.b.g, "axis=positional,calibrate=mse", NULL),
	                 "Conv:0 mse -1; Conv:1 minmax 0; ConvTranspose:0 mse -1; ConvTranspose:1 minmax 1; "
	                 "Gemm:0 mse -1; Gemm:1 minmax 0; LayerNormalization:0 mse -1; "
	                 "MatMul:0 mse -1; MatMul:1 minmax 0; MatMul:0 mse -1; MatMul:1 minmax -1");
	ck_assert_str_eq(sites_of(n.b.g, "granularity=tensor,weight_calibrate=kl", NULL),
	                 "Conv:0 percentile -1; Conv:1 kl -1; ConvTranspose:0 percentile -1; ConvTranspose:1 kl -1; "
	                 "Gemm:0 percentile -1; Gemm:1 kl -1; LayerNormalization:0 percentile -1; "
	                 "MatMul:0 percentile -1; MatMul:1 kl -1; MatMul:0 percentile -1; MatMul:1 percentile -1");
	ck_assert_str_eq(sites_of(n.b.g, "activations=false", NULL),
	                 "Conv:1 minmax 0; ConvTranspose:1 minmax 1; Gemm:1 minmax 1; MatMul:1 minmax 1");
	oqz_graph_free(n.b.g);
}
END_TEST

#define NAMES(...)                                                                                                    \
	{                                                                                                             \
		(const char *const[]) { __VA_ARGS__ }, sizeof((const char *const[]) { __VA_ARGS__ }) / sizeof(char *) \
	}

START_TEST(selection_is_common)
{
	struct net n;

	net_make(&n);
	const struct oqz_selection only = { .ops = NAMES("Gemm") },
	                           edit = { .ops = NAMES("-MatMul", "-Conv", "+Transpose") },
	                           globs = { .include = NAMES("Conv*", "Gemm*"), .exclude = NAMES("*Transpose*") },
	                           below = { .below = NAMES(n.gemm->out[0]->name) },
	                           mixed = { .ops = NAMES("Conv", "-Gemm") },
	                           unknown = { .ops = NAMES("+Convolution") }, nowhere = { .below = NAMES("nowhere") };
	struct oqz_graph_view *v = NULL;

	ck_assert_str_eq(sites_of(n.b.g, "", &only), "Gemm:0 percentile -1; Gemm:1 minmax 1");
	ck_assert_str_eq(
	    sites_of(n.b.g, "", &edit),
	    "ConvTranspose:0 percentile -1; ConvTranspose:1 minmax 1; Gemm:0 percentile -1; Gemm:1 minmax 1; "
	    "LayerNormalization:0 percentile -1; Transpose:0 percentile -1");
	ck_assert_str_eq(sites_of(n.b.g, "", &globs),
	                 "Conv:0 percentile -1; Conv:1 minmax 0; Gemm:0 percentile -1; Gemm:1 minmax 1");
	ck_assert_str_eq(
	    sites_of(n.b.g, "", &below),
	    "Conv:0 percentile -1; Conv:1 minmax 0; ConvTranspose:0 percentile -1; ConvTranspose:1 minmax 1");
	ck_fails(oqz_graph_view_new(n.b.g, &mixed, &v, err), OQZ_E_USAGE, "either all");
	ck_fails(oqz_graph_view_new(n.b.g, &unknown, &v, err), OQZ_E_USAGE, "'Convolution'");
	ck_fails(oqz_graph_view_new(n.b.g, &nowhere, &v, err), OQZ_E_USAGE, "'nowhere'");
	oqz_graph_free(n.b.g);
}
END_TEST

/* Runs the float graph on random images, observes, plans, applies. */
static struct oqz_qplan *plan_for(struct net *n, const char *text)
{
	OQZ_CLEANUP(oqz_graph_view_free_cleanup) struct oqz_graph_view *view = NULL;
	OQZ_CLEANUP(oqz_quantize_close_cleanup) struct oqz_quantize *z = NULL;
	struct oqz_params *p = params(text);
	struct oqz_observer *obs[OBSERVE_MAX] = { 0 };
	struct oqz_qplan *plan = NULL;

	ck_ok(oqz_graph_view_new(n->b.g, NULL, &view, err));
	ck_ok(oqz_quantize_open(&module->desc.quantizer, &host.table, p, view, text, &z, err));
	observe_sites(&n->b, z, obs, 24);
	ck_ok(oqz_quantize_plan(z, (const struct oqz_observer *const *)obs, &plan, err));
	for (size_t i = 0; i < OQZ_COUNTOF(obs); i++)
		oqz_observer_free(obs[i]);
	oqz_params_free(p);
	return plan;
}

static bool is_pow2(float x)
{
	int e;

	return frexpf(x, &e) == 0.5f;
}

START_TEST(plans_hold_what_was_asked)
{
	static const char *const texts[] = { "", "symmetric=false,calibrate=minmax",
		                             "axis=positional,scope=batch,granularity=tensor,scale=pow2",
		                             "bits=4,calibrate=mse,weight_calibrate=kl",
		                             "bits=6,symmetric=false,scope=batch,q=0.99" };

	for (size_t k = 0; k < OQZ_COUNTOF(texts); k++) {
		struct net n;
		struct oqz_graph *q = NULL;
		net_make(&n);
		struct oqz_qplan *p = plan_for(&n, texts[k]);
		ck_assert_int_eq((int)p->sites.n, 11);
		ck_assert_str_eq(p->scheme, texts[k]);
		bool asym = strstr(texts[k], "symmetric=false") != NULL, zeros = false;
		for (size_t i = 0; i < p->sites.n; i++) {
			const struct oqz_qplan_site *s = &p->sites.v[i];
			const struct oqz_grid *g = &s->spec.grid;
			bool act = s->role == OQZ_INPUT_ACTIVATION;
			ck_assert(g->kind == OQZ_GRID_AFFINE && g->bits == (k == 3 ? 4 : k == 4 ? 6 : 8));
			ck_assert((g->qmin == 0) == (asym && act) && g->qmax - g->qmin + 1 == 1 << g->bits);
			ck_assert(act || !s->spec.zero);
			zeros |= s->spec.zero != NULL;
			ck_assert(s->spec.n_scale == 1 || s->spec.axis >= 0);
			for (size_t c = 0; k == 2 && c < s->spec.n_scale; c++)
				ck_assert(is_pow2(s->spec.scale[c]) && s->spec.n_scale == 1);
		}
		ck_assert(zeros == asym);
		ck_ok(oqz_qplan_apply(p, n.b.g, &q, err));
		/* coarse grids change the outputs, 8-bit ones little */
		struct oqz_tensor in[1];
		struct oracle a, b;
		random_inputs(&n.b, in);
		oracle_run(&a, n.b.g, in);
		oracle_run(&b, q, in);
		double d = tensor_difference(oracle_at(&b, n.attention->out[0]->name),
		                             oracle_at(&a, n.attention->out[0]->name));
		ck_assert_msg(d > 0 && d < (k < 3 ? 0.1 : 1.0), "%s: relative difference %g", texts[k], d);
		oracle_free(&a);
		oracle_free(&b);
		oqz_tensor_release(&in[0]);
		oqz_graph_free(q);
		oqz_qplan_free(p);
		oqz_graph_free(n.b.g);
	}
}
END_TEST

/* Against the definition: per channel on axis 1 and per tensor. */
START_TEST(lone_tensors_are_quantized)
{
	enum { A = 3, B = 4, C = 5 };
	float x[A * B * C];
	struct oqz_tensor t = { .dtype = OQZ_DT_F32, .shape = GB_DIMS(A, B, C), .data = x }, y = { 0 }, again = { 0 };
	const struct oqz_quantizer *q;
	struct oqz_qplan *plan = NULL;
	struct oqz_params *p = params("");
	uint32_t seed = 1;

	q = &module->desc.quantizer;
	for (int i = 0; i < A * B * C; i++)
		x[i] = (float)((int32_t)(seed = seed * 1664525u + 1013904223u) >> 8) * 0x1p-20f;
	ck_ok(oqz_qdq_tensor(q, &host.table, p, "int8:", &t, OQZ_INPUT_WEIGHT, 1, &y, &plan, err));
	ck_assert(plan->sites.n == 1 && plan->sites.v[0].spec.n_scale == B && plan->sites.v[0].spec.axis == 1);
	for (int b = 0; b < B; b++) {
		float top = 0;
		for (int i = 0; i < A * B * C; i++)
			top = i / C % B == b && fabsf(x[i]) > top ? fabsf(x[i]) : top;
		float s = (float)(2 * (double)top / 255);
		for (int i = 0; i < A * B * C; i++) {
			float r = rintf(x[i] / s);
			if (i / C % B == b)
				ck_assert(((float *)y.data)[i] == (r > 127 ? 127 : r < -128 ? -128 : r) * s);
		}
	}
	ck_ok(oqz_qdq_replay(plan, OQZ_INPUT_ACTIVATION, &t, &again, err));
	ck_assert(memcmp(y.data, again.data, sizeof x) == 0);
	oqz_tensor_release(&y);
	oqz_qplan_free(plan);
	ck_ok(oqz_qdq_tensor(q, &host.table, p, "int8:", &t, OQZ_INPUT_ACTIVATION, -1, &y, &plan, err));
	ck_assert(plan->sites.v[0].spec.n_scale == 1 && plan->sites.v[0].role == OQZ_INPUT_ACTIVATION);
	ck_assert_str_eq(plan->sites.v[0].rule, "percentile q=0.9999 scope=dataset");
	ck_fails(oqz_qdq_tensor(q, &host.table, p, "", &t, OQZ_INPUT_WEIGHT, 3, &y, NULL, err), OQZ_E_USAGE, "axis 3");
	/* rules that find a scale have the zero point 0, on asymmetric grids, too */
	struct oqz_params *isotone = params("symmetric=false,calibrate=isotone");
	struct oqz_tensor one = { 0 };
	struct oqz_qplan *found = NULL;
	ck_ok(oqz_qdq_tensor(q, &host.table, isotone, "int8:", &t, OQZ_INPUT_ACTIVATION, -1, &one, &found, err));
	ck_assert(found->sites.v[0].spec.grid.qmax == 255 && found->sites.v[0].spec.zero == NULL);
	oqz_tensor_release(&one);
	oqz_qplan_free(found);
	oqz_params_free(isotone);
	oqz_tensor_release(&y);
	oqz_tensor_release(&again);
	oqz_qplan_free(plan);
	oqz_params_free(p);
}
END_TEST

/* The scheme's answer is PPQ's to the last bit for every rule that sees all batches alike: between the search and the
 * scale no range is rounded. */
START_TEST(golden_rows_through_the_plugin)
{
	size_t i;
	json_t *row;
	int n = 0;
	struct golden g;

	if (!rows_open(&g))
		return;
	json_array_foreach(json_object_get(g.json, "rows"), i, row)
	{
		const char *rule = row_string(row, "observer");
		if (row_bool(row, "weight") || json_object_get(row, "axis") ||
		    (strcmp(rule, "mse") && strcmp(rule, "kl") && strcmp(rule, "minmax") && strcmp(rule, "isotone")))
			continue;
		struct oqz_tensor x = row_data(&g, row), y = { 0 };
		struct oqz_qplan *plan = NULL;
		char text[100];
		snprintf(text, sizeof text, "calibrate=%s,symmetric=%s,scale=%s", rule,
		         row_bool(row, "symmetric") ? "true" : "false", row_bool(row, "pow2") ? "pow2" : "free");
		struct oqz_params *p = params(text);
		ck_ok(oqz_qdq_tensor(&module->desc.quantizer, &host.table, p, text, &x, OQZ_INPUT_ACTIVATION, -1, &y,
		                     &plan, err));
		const struct oqz_qspec *spec = &plan->sites.v[0].spec;
		ck_assert_msg(spec->scale[0] == (float)json_number_value(json_object_get(row, "scale")) &&
		                  (spec->zero ? spec->zero[0] : 0) ==
		                      (int)json_number_value(json_object_get(row, "offset")),
		              "row %zu (%s, %s): %.9g", i, text, row_string(row, "data"), (double)spec->scale[0]);
		oqz_tensor_release(&y);
		oqz_qplan_free(plan);
		oqz_params_free(p);
		n++;
	}
	ck_assert_int_eq(n, 32 + 32 + 16 + 8); /* of the 68 rows of minmax 36 are of weights or along an axis */
	golden_close(&g);
}
END_TEST

/* Both ends of a range of mse reach the scale as they were found: numbers for which float32 ends would give another
 * scale. */
START_TEST(ranges_reach_the_scale_unrounded)
{
	enum { N = 400 };
	const struct oqz_calibrator *mse = oqz_calibrator_find("mse");
	struct oqz_site site = { .calibrator = "mse", .axis = -1, .grid = { OQZ_GRID_AFFINE, .bits = 4, .qmax = 15 } };
	struct oqz_params *p = params("bits=4,calibrate=mse,symmetric=false");
	int by_low_end = 0, by_high_end = 0;
	uint32_t seed = 9;
	float x[N];

	for (int round = 0; round < 60; round++) {
		OQZ_CLEANUP(oqz_observer_free_cleanup) struct oqz_observer *o = NULL;
		struct oqz_tensor t = { .dtype = OQZ_DT_F32, .shape = GB_DIMS(N), .data = x }, y = { 0 };
		struct oqz_qplan *plan = NULL;
		double lo, hi;
		float scale, rounded;
		int32_t zero;
		for (int i = 0; i < N; i++) {
			float u = (float)((seed = seed * 1664525u + 1013904223u) >> 8) * 0x1p-23f - 1;
			x[i] = u * u * u * u * u;
		}
		ck_ok(oqz_observe_once(oqz_calibrator_needs(mse, &site), 0, x, N, 0, &o, err));
		ck_ok(mse->find(o, &site, &lo, &hi, &scale, err));
		oqz_affine_from_range(lo, hi, &site.grid, false, false, &scale, &zero);
		ck_ok(oqz_qdq_tensor(&module->desc.quantizer, &host.table, p, "", &t, OQZ_INPUT_ACTIVATION, -1, &y,
		                     &plan, err));
		ck_assert(plan->sites.v[0].spec.scale[0] == scale && plan->sites.v[0].spec.zero[0] == zero);
		oqz_affine_from_range((double)(float)lo, hi, &site.grid, false, false, &rounded, &zero);
		by_low_end += rounded != scale;
		oqz_affine_from_range(lo, (double)(float)hi, &site.grid, false, false, &rounded, &zero);
		by_high_end += rounded != scale;
		oqz_tensor_release(&y);
		oqz_qplan_free(plan);
	}
	ck_assert_msg(by_low_end > 0 && by_high_end > 0, "%d, %d", by_low_end, by_high_end);
	oqz_params_free(p);
}
END_TEST

/* The rule of a lone tensor's scale is in its plan, with the parameters that it depends on. */
START_TEST(rules_name_their_parameters)
{
	static const struct {
		const char *params, *rule;
	} rows[] = { { "calibrate=ema,momentum=0.25,q=0.9", "ema momentum=0.25 batch=1" },
		     { "scope=batch,q=0.9,momentum=0.5", "percentile q=0.9 scope=batch batch=1" },
		     { "calibrate=mse,bins=1024,scale=pow2", "mse bins=1024 pow2" },
		     { "calibrate=kl", "kl" } };
	float x[] = { 1, -2, 0.5f };
	const struct oqz_tensor t = { .dtype = OQZ_DT_F32, .shape = GB_DIMS(3), .data = x };

	for (size_t i = 0; i < OQZ_COUNTOF(rows); i++) {
		struct oqz_params *p = params(rows[i].params);
		struct oqz_tensor y = { 0 };
		struct oqz_qplan *plan = NULL;
		ck_ok(oqz_qdq_tensor(&module->desc.quantizer, &host.table, p, "int8:", &t, OQZ_INPUT_ACTIVATION, -1, &y,
		                     &plan, err));
		ck_assert_str_eq(plan->sites.v[0].rule, rows[i].rule);
		oqz_tensor_release(&y);
		oqz_qplan_free(plan);
		oqz_params_free(p);
	}
	/* of a weight, which is no batch of anything */
	struct oqz_params *of_weight = params("weight_calibrate=percentile,scope=batch,q=0.9");
	struct oqz_tensor w = { 0 };
	struct oqz_qplan *known = NULL;
	ck_ok(oqz_qdq_tensor(&module->desc.quantizer, &host.table, of_weight, "int8:", &t, OQZ_INPUT_WEIGHT, 0, &w,
	                     &known, err));
	ck_assert_str_eq(known->sites.v[0].rule, "percentile q=0.9 scope=batch");
	oqz_tensor_release(&w);
	oqz_qplan_free(known);
	oqz_params_free(of_weight);
	static const char *const unsound[] = { "symmetric=false,calibrate=constant",
		                               "symmetric=false,calibrate=floating" };
	for (size_t i = 0; i < OQZ_COUNTOF(unsound); i++) {
		struct oqz_params *p = params(unsound[i]);
		struct oqz_tensor y = { 0 };
		ck_fails(oqz_qdq_tensor(&module->desc.quantizer, &host.table, p, "int8:", &t, OQZ_INPUT_ACTIVATION, -1,
		                        &y, NULL, err),
		         OQZ_E_USAGE, "finds no zero points");
		oqz_params_free(p);
	}
}
END_TEST

/* By position, a constant first operand is no weight, and a computed second one has one scale. */
START_TEST(positions_decide)
{
	struct gb b;

	gb_init(&b, 5);
	struct oqz_value *x = gb_input(&b, "x", GB_DIMS(4, 3));
	gb_output(&b, GB_OP(&b, "MatMul", gb_weights(&b, OQZ_DT_F32, GB_DIMS(2, 4), 0.2), x));
	gb_finish(&b);
	ck_assert_str_eq(sites_of(b.g, "axis=positional", NULL), "MatMul:0 percentile -1; MatMul:1 minmax -1");
	oqz_graph_free(b.g);
}
END_TEST

START_TEST(manual_page_says_what_the_table_says)
{
	const char *top = getenv("top_srcdir");
	char path[1024], line[1000];
	struct oqz_str want = { 0 }, got = { 0 };
	bool inside = false;

	setup();
	oqz_describe_params_markdown(module->desc.base.params, &want);
	snprintf(path, sizeof path, "%s/quantizers/int8/int8.md", top ? top : "..");
	FILE *f = fopen(path, "r");
	ck_assert_msg(f != NULL, "%s", path);
	while (fgets(line, sizeof line, f)) {
		if (!strncmp(line, "## ", 3))
			inside = !strncmp(line, "## Parameters", 13);
		else if (inside && line[0] == '-')
			oqz_str_add(&got, line);
	}
	fclose(f);
	ck_assert_str_eq(oqz_str_get(&got), oqz_str_get(&want));
	oqz_str_release(&want);
	oqz_str_release(&got);
}
END_TEST

/* ---------------------------------------------------------------------------------------------------- misbehaviour */

static enum {
	TWICE,
	NOWHERE,
	NO_RULE,
	PER_AXIS,
	WORDLESS,
	BAD_SCALE,
	BAD_GRID,
	NO_STATUS,
	NO_VALUES,
	LOCAL_VALUES,
	WEIGHT
} trick;
static int64_t told; /* how many elements the statistics say they have seen */

static enum oqz_status rogue_open(const struct oqz_quantizer_host *h, const struct oqz_params *p, void **ret,
                                  struct oqz_failure *f)
{
	*ret = (void *)(uintptr_t)h;
	return OQZ_OK;
}

static void rogue_close(void *self) { (void)self; }

static enum oqz_status rogue_sites(void *self, const struct oqz_graph_view *g, void *sink, struct oqz_failure *f)
{
	const struct oqz_quantizer_host *h = self;
	struct oqz_site s = { .node = trick == NOWHERE ? 999 : 0,
		              .input = trick == WEIGHT,
		              .calibrator = trick == NO_RULE ? "guess" : "minmax",
		              .axis = trick == PER_AXIS ? 1 : -1 };
	double values[] = { -1, 0, 1 };

	if (trick == NO_VALUES || trick == LOCAL_VALUES)
		s.grid = (struct oqz_grid) { .kind = OQZ_GRID_CODEBOOK,
			                     .n_values = 3,
			                     .values = trick == NO_VALUES ? NULL : values };
	enum oqz_status st = h->add_site(sink, &s, f);
	values[0] = values[2] = 0;

	if (st == OQZ_OK && trick == TWICE)
		st = h->add_site(sink, &s, f);
	return trick == WORDLESS ? OQZ_E_DATA : trick == NO_STATUS ? (enum oqz_status)77 : st;
}

static enum oqz_status rogue_plan(void *self, const struct oqz_graph_view *g, const struct oqz_site *site,
                                  const struct oqz_site_stats *stats, struct oqz_qspec *ret, struct oqz_failure *f)
{
	static const float scales[] = { 0, 1 };

	told = stats->count;
	ret->grid = (struct oqz_grid) { .kind = OQZ_GRID_AFFINE, .bits = 8, .qmin = -128, .qmax = 127 };
	ret->n_scale = 1;
	ret->scale = &scales[trick != BAD_SCALE];
	if (trick == BAD_GRID)
		ret->grid = (struct oqz_grid) { .kind = OQZ_GRID_MINIFLOAT,
			                        .bits = 8,
			                        .exp_bits = 4,
			                        .man_bits = 3,
			                        .bias = 7,
			                        .special = OQZ_GRID_FN,
			                        .max = 447 };
	return OQZ_OK;
}

START_TEST(misbehaving_plugins_are_named)
{
	const struct oqz_quantizer rogue = { .base = { .name = "rogue" },
		                             .open = rogue_open,
		                             .close = rogue_close,
		                             .sites = rogue_sites,
		                             .plan = rogue_plan };
	static const struct {
		int trick;
		enum oqz_status code;
		const char *message;
	} rows[] = {
		{ TWICE, OQZ_E_PLUGIN, "asked for twice" },
		{ NOWHERE, OQZ_E_PLUGIN, "does not exist" },
		{ NO_RULE, OQZ_E_USAGE, "'guess'" },
		{ PER_AXIS, OQZ_E_UNSUPPORTED, "per channel" },
		{ WORDLESS, OQZ_E_PLUGIN, "without saying why" },
		{ NO_STATUS, OQZ_E_PLUGIN, "without saying why" },
		{ NO_VALUES, OQZ_E_PLUGIN, "values that are nowhere" },
	};
	struct net n;
	struct oqz_graph_view *v = NULL;
	struct oqz_quantize *z = NULL;
	struct oqz_observer *o = NULL;
	struct oqz_qplan *plan = NULL;
	float x[] = { 1, NAN, 2 };

	setup();
	net_make(&n);
	ck_ok(oqz_graph_view_new(n.b.g, NULL, &v, err));
	for (size_t i = 0; i < OQZ_COUNTOF(rows); i++) {
		trick = rows[i].trick;
		ck_fails(oqz_quantize_open(&rogue, &host.table, NULL, v, "", &z, err), rows[i].code, rows[i].message);
		ck_fails(oqz_quantize_open(&rogue, &host.table, NULL, v, "", &z, err), rows[i].code, "rogue: ");
	}
	trick = BAD_SCALE;
	ck_ok(oqz_quantize_open(&rogue, &host.table, NULL, v, "", &z, err));
	ck_ok(oqz_observer_new(OQZ_OBS_MINMAX, 0, 0, &o, err));
	ck_ok(oqz_observer_add(o, 0, x, 3, 0, err));
	ck_fails(oqz_quantize_plan(z, (const struct oqz_observer *const *)&o, &plan, err), OQZ_E_PLUGIN,
	         "wrong answer");
	ck_fails(oqz_quantize_plan(z, (const struct oqz_observer *const *)&o, &plan, err), OQZ_E_PLUGIN, n.conv->name);
	ck_assert_int_eq((int)told, 2);
	trick = BAD_GRID;
	ck_fails(oqz_quantize_plan(z, (const struct oqz_observer *const *)&o, &plan, err), OQZ_E_PLUGIN, "maximum");
	oqz_observer_free(o);
	oqz_quantize_close(z);
	trick = WEIGHT;
	ck_ok(oqz_quantize_open(&rogue, &host.table, NULL, v, "", &z, err));
	ck_ok(oqz_quantize_plan_constants(z, &plan, err));
	ck_assert_int_eq((int)told, 4 * 3 * 3 * 3);
	oqz_qplan_free(plan);
	oqz_quantize_close(z);
	trick = LOCAL_VALUES; /* a code book is copied when it is asked for */
	ck_ok(oqz_quantize_open(&rogue, &host.table, NULL, v, "", &z, err));
	ck_assert(oqz_quantize_site(z, 0)->site.grid.values[0] == -1 &&
	          oqz_quantize_site(z, 0)->site.grid.values[2] == 1);
	oqz_quantize_close(z);
	oqz_graph_view_free(v);
	oqz_graph_free(n.b.g);
}
END_TEST

OQZ_TEST_MAIN("int8_plugin", sites_follow_the_rules, selection_is_common, plans_hold_what_was_asked,
              lone_tensors_are_quantized, golden_rows_through_the_plugin, ranges_reach_the_scale_unrounded,
              rules_name_their_parameters, positions_decide, manual_page_says_what_the_table_says,
              misbehaving_plugins_are_named)
