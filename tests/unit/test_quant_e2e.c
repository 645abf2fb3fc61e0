/* SPDX-License-Identifier: Apache-2.0
 *
 * The whole chain on small networks against PPQ's numbers: model file -> float graph -> calibration -> plan of the
 * built plugins int8 and fp8 under the zoo's rules -> quantized graph -> error of every layer. Scales are compared one
 * by one; errors for every layer, and as AQE, MQE and OQE.
 */
#include "core/base/params.h"
#include "core/onnx/onnx.h"
#include "core/quant/quantize.h"
#include "plugins/host.h"
#include "plugins/loader.h"
#include "tests/unit/exec_graph.h"

enum { MAX_LAYERS = 128 };

struct chain {
	struct golden data, want;
	struct oqz_graph *g, *q;
	struct oqz_qplan *plan;
	struct oqz_shape in;
	int calib, test; /* runs of the model, each one batch of PPQ's */
};

static struct oqz_program *program(const struct oqz_graph *g, const struct oqz_shape *in, const char *const *taps,
                                   size_t n)
{
	struct oqz_exec_options opt = { .engine = OQZ_ENGINE_SIM, .taps = taps, .n_taps = n };
	struct oqz_program *p = NULL;

	ck_ok(oqz_program_new(g, &opt, in, &p, err));
	return p;
}

/* Run number i of an array of the data: a batch of the model's input. */
static void set_input(const struct chain *c, struct oqz_context *ctx, const char *array, int i)
{
	struct oqz_tensor all = golden_array(&c->data, array), *x = oqz_context_input(ctx, 0);
	size_t n = (size_t)oqz_tensor_nelem(x);

	ck_assert(((size_t)i + 1) * n <= (size_t)oqz_tensor_nelem(&all));
	memcpy(x->data, (const float *)all.data + (size_t)i * n, n * sizeof(float));
}

static void plain_copy(struct oqz_tensor *to, const struct oqz_tensor *from)
{
	*to = (struct oqz_tensor) { 0 };
	ck_ok(oqz_tensor_alloc(to, from->dtype, &from->shape, err));
	oqz_tensor_relayout(to, from);
}

/* Steps one by one; after each, the taps that it made are handed to `each`. */
static void run_taps(struct oqz_program *p, struct oqz_context *ctx, const char *const *taps, size_t n,
                     void (*each)(void *arg, size_t tap, const struct oqz_tensor *t), void *arg)
{
	for (size_t i = 0; i < n; i++)
		if (oqz_program_tap_step(p, oqz_program_tap(p, taps[i])) < 0)
			each(arg, i, oqz_context_tap(ctx, oqz_program_tap(p, taps[i])));
	for (size_t s = 0; s < oqz_program_nsteps(p); s++) {
		ck_ok(oqz_context_run(ctx, s, s + 1, err));
		for (size_t i = 0; i < n; i++)
			if (oqz_program_tap_step(p, oqz_program_tap(p, taps[i])) == (long)s)
				each(arg, i, oqz_context_tap(ctx, oqz_program_tap(p, taps[i])));
	}
}

struct watch {
	struct oqz_observer **obs;
	int image;
};

static void observe(void *arg, size_t tap, const struct oqz_tensor *t)
{
	struct watch *w = arg;
	struct oqz_tensor plain;

	plain_copy(&plain, t);
	ck_ok(oqz_observer_add(w->obs[tap], w->image, plain.data, (size_t)oqz_tensor_nelem(&plain), 0, err));
	oqz_tensor_release(&plain);
}

static void calibrate(struct chain *c, const char *plugin, const char *scheme)
{
	struct oqz_module *module = NULL;
	struct oqz_plugin_host host;
	struct oqz_params *params = NULL;
	struct oqz_graph_view *view = NULL;
	struct oqz_quantize *z = NULL;
	const char *build = getenv("top_builddir"), *taps[MAX_LAYERS];
	struct oqz_observer *obs[MAX_LAYERS] = { 0 }, *by_site[MAX_LAYERS] = { 0 };
	char path[1024];
	size_t n = 0;

	snprintf(path, sizeof path, "%s/quantizers/%s/.libs/%s.so", build ? build : ".", plugin, plugin);
	ck_ok(oqz_module_open(path, &module, err));
	oqz_plugin_host_init(&host, NULL, NULL);
	ck_ok(oqz_params_parse(module->desc.base.params, scheme, "scheme", &params, err));
	ck_ok(oqz_graph_view_new(c->g, NULL, &view, err));
	ck_ok(oqz_quantize_open(&module->desc.quantizer, &host.table, params, view, scheme, &z, err));
	ck_assert(oqz_quantize_count(z) <= MAX_LAYERS);
	for (size_t i = 0; i < oqz_quantize_count(z); i++) {
		const struct oqz_quantize_site *s = oqz_quantize_site(z, i);
		if (!s->needs)
			continue;
		/* one run of the model is one batch of PPQ's, hence one "image" of a batch of one */
		ck_ok(oqz_observer_new(s->needs, s->q, 1, &obs[n], err));
		by_site[i] = obs[n];
		taps[n++] = s->tensor;
	}
	/* PPQ observes activations in a network whose weights are quantized already */
	struct oqz_qplan *weights = NULL;
	struct oqz_graph *observed = NULL;
	ck_ok(oqz_quantize_plan_constants(z, &weights, err));
	ck_ok(oqz_qplan_apply(weights, c->g, &observed, err));
	struct oqz_program *p = program(observed, &c->in, taps, n);
	for (int i = 0; i < c->calib; i++) {
		struct oqz_context *ctx = NULL;
		struct watch w = { obs, i };
		ck_ok(oqz_context_new(p, &ctx, err));
		set_input(c, ctx, "calib", i);
		run_taps(p, ctx, taps, n, observe, &w);
		oqz_context_free(ctx);
	}
	ck_ok(oqz_quantize_plan(z, (const struct oqz_observer *const *)by_site, &c->plan, err));
	for (size_t i = 0; i < n; i++)
		oqz_observer_free(obs[i]);
	oqz_program_free(p);
	oqz_graph_free(observed);
	oqz_qplan_free(weights);
	oqz_quantize_close(z);
	oqz_graph_view_free(view);
	oqz_params_free(params);
	oqz_module_close(module);
}

/* ---------------------------------------------------------------------------------------------------- scales */

static const struct oqz_qplan_site *site_of(const struct chain *c, const char *node, int input)
{
	for (size_t i = 0; i < c->plan->sites.n; i++)
		if (!strcmp(c->plan->sites.v[i].node, node) && c->plan->sites.v[i].input == input)
			return &c->plan->sites.v[i];
	ck_abort_msg("the plan lacks %s:%d", node, input);
	return NULL;
}

/* The node of a golden operator: PPQ's fused layer normalizations have names of its own, but keep their outputs'. */
static const struct oqz_node *node_of(const struct chain *c, json_t *op)
{
	const struct oqz_node *n = oqz_graph_node(c->g, json_string_value(json_object_get(op, "name")));
	const struct oqz_value *v = oqz_graph_value(c->g, json_string_value(json_object_get(op, "output")));

	if (!n)
		n = v ? v->producer : NULL;
	ck_assert_msg(n != NULL, "no node %s", json_string_value(json_object_get(op, "name")));
	return n;
}

/* Scales of one input against the golden ones, which replace ours: the errors are compared on equal scales, since a
 * last bit (other sums in float32) moves whatever lies between two codes. Returns how many were another choice. */
static int take_scales(const char *node, size_t input, const struct oqz_qspec *q, json_t *scale, double slack)
{
	int other = 0;

	ck_assert_int_eq((int)q->n_scale, json_is_array(scale) ? (int)json_array_size(scale) : 1);
	for (size_t s = 0; s < q->n_scale; s++) {
		double want = json_number_value(json_is_array(scale) ? json_array_get(scale, s) : scale);
		double have = (double)q->scale[s];
		other += slack < 0 && have != want;
		ck_assert_msg(slack < 0 || fabs(have - want) <= slack * want, "%s:%zu scale %zu is %.9g, not %.9g",
		              node, input, s, have, want);
		((float *)(uintptr_t)q->scale)[s] = (float)want;
	}
	return other;
}

/* A negative slack: other scales are counted, not refused. PPQ chose FP8 scales by random samples. */
static int compare_scales(const struct chain *c, json_t *ops, double slack)
{
	size_t k, i;
	json_t *op, *in;
	int sites = 0, other = 0;

	json_array_foreach(ops, k, op)
	{
		const char *node = node_of(c, op)->name;
		json_array_foreach(json_object_get(op, "inputs"), i, in)
		{
			json_t *scale = json_object_get(in, "scale");
			bool weight = json_is_true(json_object_get(in, "is_parameter"));
			if (!scale || i > 1)
				continue;
			other += take_scales(node, i, &site_of(c, node, (int)i)->spec, scale,
			                     weight && slack >= 0 ? 1e-7 : slack);
			sites++;
		}
	}
	ck_assert_int_eq(sites, (int)c->plan->sites.n);
	return other;
}

/* ---------------------------------------------------------------------------------------------------- errors */

static void keep(void *arg, size_t tap, const struct oqz_tensor *t) { plain_copy(&((struct oqz_tensor *)arg)[tap], t); }

static double relative_error(const struct oqz_tensor *a, const struct oqz_tensor *b)
{
	const float *x = a->data, *y = b->data;
	double e = 0, r = 0;

	for (int64_t i = 0; i < oqz_tensor_nelem(b); i++) {
		double d = (double)x[i] - (double)y[i];
		e += d * d;
		r += (double)y[i] * (double)y[i];
	}
	return sqrt(e / r);
}

static void layer_outputs(const struct chain *c, struct oqz_program *p, const char *const *taps, size_t n, int run,
                          struct oqz_tensor *out)
{
	struct oqz_context *ctx = NULL;

	ck_ok(oqz_context_new(p, &ctx, err));
	set_input(c, ctx, "test", run);
	run_taps(p, ctx, taps, n, keep, out);
	oqz_context_free(ctx);
}

/* The value whose error is the layer's. */
static const char *output_of(const struct chain *c, json_t *op) { return node_of(c, op)->out[0]->name; }

/* One value that is compared. */
struct layer {
	const char *tap;
	const struct oqz_qspec *reader; /* the golden figures are of the value on this grid; NULL: as it is */
	double sum, want;
};

/* PPQ's files name, for some layers that feed a quantized one directly, the value as its reader quantized it: their
 * stored activations lie on the reader's grid. The file shows which; ours are put on that grid before they are
 * compared. */
static const struct oqz_qspec *reader_of(const struct chain *c, const char *scheme, const char *tap)
{
	const struct oqz_value *v = oqz_graph_value(c->g, tap);
	const struct oqz_node *n = v ? oqz_value_sole_use(v) : NULL;
	char key[256];

	snprintf(key, sizeof key, "%s/act/%s", scheme, tap);
	if (!n || n->in[0] != v || !json_object_get(json_object_get(c->want.json, "arrays"), key))
		return NULL;
	for (size_t i = 0; i < c->plan->sites.n; i++) {
		const struct oqz_qplan_site *s = &c->plan->sites.v[i];
		if (strcmp(s->node, n->name) != 0 || s->input != 0)
			continue;
		struct oqz_tensor x = golden_array(&c->want, key), y = { 0 };
		ck_ok(oqz_tensor_alloc(&y, OQZ_DT_F32, &x.shape, err));
		ck_ok(oqz_fake_quantize(&s->spec, &x.shape, x.data, y.data, err));
		bool same = true;
		for (int64_t k = 0; k < oqz_tensor_nelem(&x); k++)
			same = same && ((const float *)y.data)[k] == ((const float *)x.data)[k];
		oqz_tensor_release(&y);
		return same ? &s->spec : NULL;
	}
	return NULL;
}

static void add_errors(const struct chain *c, struct layer *l, size_t n, struct oqz_program *pf, struct oqz_program *pq)
{
	struct oqz_tensor a[MAX_LAYERS], b[MAX_LAYERS];
	const char *taps[MAX_LAYERS];

	for (size_t k = 0; k < n; k++)
		taps[k] = l[k].tap;
	for (int i = 0; i < c->test; i++) {
		layer_outputs(c, pf, taps, n, i, b);
		layer_outputs(c, pq, taps, n, i, a);
		for (size_t k = 0; k < n; k++) {
			if (l[k].reader)
				ck_ok(oqz_fake_quantize(l[k].reader, &a[k].shape, a[k].data, a[k].data, err));
			l[k].sum += relative_error(&a[k], &b[k]) / c->test;
			oqz_tensor_release(&a[k]);
			oqz_tensor_release(&b[k]);
		}
	}
}

static void expect(const char *what, double have, double want, double slack)
{
	ck_assert_msg(fabs(have - want) <= slack * want, "%s: error %.6f, not %.6f", what, have, want);
}

static void compare_errors(const struct chain *c, const char *name, json_t *scheme, double slack)
{
	json_t *ops = json_object_get(scheme, "ops"), *op;
	struct layer l[MAX_LAYERS] = { { NULL, NULL, 0, 0 } };
	const char *taps[MAX_LAYERS];
	double aqe = 0, mqe = 0;
	size_t layers = json_array_size(ops), n = layers, k, watched = 0, worst = 0, read = 0;

	ck_assert(layers < MAX_LAYERS);
	json_array_foreach(ops, k, op)
	{
		l[k].tap = output_of(c, op);
		l[k].reader = reader_of(c, name, l[k].tap);
		l[k].want = json_number_value(json_object_get(op, "rel_error_mean"));
		read += l[k].reader != NULL;
	}
	/* the monitored value, often some layer's output */
	while (watched < layers && strcmp(l[watched].tap, "output") != 0)
		watched++;
	if (watched == layers)
		l[n++].tap = "output";
	for (k = 0; k < n; k++)
		taps[k] = l[k].tap;
	struct oqz_program *pf = program(c->g, &c->in, taps, n), *pq = program(c->q, &c->in, taps, n);
	add_errors(c, l, n, pf, pq);
	for (k = 0; k < layers; k++) {
		aqe += l[k].sum / (double)layers;
		mqe = l[k].sum > mqe ? l[k].sum : mqe;
		if (fabs(l[k].sum / l[k].want - 1) > fabs(l[worst].sum / l[worst].want - 1))
			worst = k;
	}
	double want_aqe = json_number_value(json_object_get(scheme, "AQE"));
	double want_mqe = json_number_value(json_object_get(scheme, "MQE"));
	double oqe = l[watched].sum, want_oqe = json_number_value(json_object_get(scheme, "OQE"));
	printf("  %s: AQE %.6f (PPQ %.6f), MQE %.6f (PPQ %.6f), OQE %.6f (PPQ %.6f); the worst of %zu layers (%zu as "
	       "read): %s %.6f (PPQ %.6f, %+.3f %%)\n",
	       name, aqe, want_aqe, mqe, want_mqe, oqe, want_oqe, layers, read, l[worst].tap, l[worst].sum,
	       l[worst].want, 100 * (l[worst].sum / l[worst].want - 1));
	for (k = 0; k < layers; k++)
		expect(l[k].tap, l[k].sum, l[k].want, slack);
	expect("AQE", aqe, want_aqe, slack);
	expect("MQE", mqe, want_mqe, slack);
	expect("OQE", oqe, want_oqe, slack);
	oqz_program_free(pf);
	oqz_program_free(pq);
}

static void check(const char *model, const char *scheme, const char *plugin, const char *params, int batch,
                  double scale_slack, double slack)
{
	struct chain c = { .in = GB_DIMS(batch, 3, 64, 64), .calib = 8, .test = 4 / batch };
	static const char *const edits[] = { "+fuse-layernorm", "+fuse-matmul-add", NULL };
	char stem[128];

	snprintf(stem, sizeof stem, "quantization/e2e/%s_golden", model);
	if (!golden_open(&c.data, "quantization/e2e/data64") || !golden_open(&c.want, stem))
		return;
	ck_ok(oqz_model_open(shared_path("golden/quantization/e2e/%s.onnx", model),
	                     strcmp(model, "tinyvit") == 0 ? edits : NULL, &c.g, err));
	calibrate(&c, plugin, params);
	json_t *want = json_object_get(json_object_get(c.want.json, "schemes"), scheme);
	ck_assert(want != NULL);
	int other = compare_scales(&c, json_object_get(want, "ops"), scale_slack);
	ck_assert_msg(other <= 2, "%d scales chosen otherwise", other);
	ck_ok(oqz_qplan_apply(c.plan, c.g, &c.q, err));
	compare_errors(&c, scheme, want, slack);
	oqz_qplan_free(c.plan);
	oqz_graph_free(c.g);
	oqz_graph_free(c.q);
	golden_close(&c.data);
	golden_close(&c.want);
}

#define PER_CHANNEL "axis=positional,scope=batch"
#define POW2 "axis=positional,scope=batch,granularity=tensor,scale=pow2"

/* Scales: equal, but for the last bits that other sums in float32 leave in an activation's extremes; powers of two
 * exactly. Errors: 0.1 % per layer; more only where a value between two codes falls on the other side. */
START_TEST(tinynet_per_channel) { check("tinynet", "int8_perchannel", "int8", PER_CHANNEL, 2, 2e-6, 0.001); }
END_TEST
START_TEST(tinynet_pow2) { check("tinynet", "int8_pertensor_pow2", "int8", POW2, 2, 0, 0.001); }
END_TEST
START_TEST(mobilenet_per_channel) { check("mobilenetv2_025", "int8_perchannel", "int8", PER_CHANNEL, 2, 2e-6, 0.001); }
END_TEST
START_TEST(mobilenet_pow2) { check("mobilenetv2_025", "int8_pertensor_pow2", "int8", POW2, 2, 0, 0.001); }
END_TEST

#define FP8 "scale=candidates,rounding=half-toward-zero"
START_TEST(tinynet_fp8) { check("tinynet", "fp8_e4m3", "fp8", FP8, 2, 0, 0.001); }
END_TEST
START_TEST(mobilenet_fp8) { check("mobilenetv2_025", "fp8_e4m3", "fp8", FP8, 2, -1, 0.001); }
END_TEST
START_TEST(vit_per_channel_minmax)
{
	check("tinyvit", "int8_perchannel_minmax", "int8", "axis=positional,calibrate=minmax", 1, 2e-6, 0.001);
}
END_TEST
START_TEST(vit_per_channel) { check("tinyvit", "int8_perchannel", "int8", PER_CHANNEL, 1, 2e-6, 0.001); }
END_TEST
START_TEST(vit_pow2_minmax)
{
	check("tinyvit", "int8_pertensor_pow2_minmax", "int8", POW2 ",calibrate=minmax", 1, 0, 0.001);
}
END_TEST
START_TEST(vit_pow2) { check("tinyvit", "int8_pertensor_pow2", "int8", POW2, 1, 0, 0.001); }
END_TEST
START_TEST(vit_fp8) { check("tinyvit", "fp8_e4m3", "fp8", FP8, 1, -1, 0.001); }
END_TEST

/* The fused graph computes what the file says. */
START_TEST(fusions_are_neutral)
{
	static const char *const plain[] = { "fold-constants", NULL }, *const all[] = { "+fuse-layernorm",
		                                                                        "+fuse-matmul-add", NULL };
	static const char *const *const lists[] = { plain, all };
	struct chain c = { .in = GB_DIMS(1, 3, 64, 64) };
	struct oqz_tensor y[2];
	int norms = 0, gelus = 0;

	if (!golden_open(&c.data, "quantization/e2e/data64"))
		return;
	for (int k = 0; k < 2; k++) {
		ck_ok(oqz_model_open(shared_path("golden/quantization/e2e/tinyvit.onnx"), lists[k], &c.g, err));
		const char *tap = c.g->outputs.v[0]->name;
		struct oqz_program *p = program(c.g, &c.in, &tap, 1);
		layer_outputs(&c, p, &tap, 1, 0, &y[k]);
		oqz_program_free(p);
		for (size_t i = 0; i < c.g->nodes.n; i++) {
			norms += !strcmp(c.g->nodes.v[i]->op_type, "LayerNormalization");
			gelus += !strcmp(c.g->nodes.v[i]->op_type, "Gelu");
		}
		ck_assert(k || (norms == 0 && gelus == 0));
		oqz_graph_free(c.g);
	}
	ck_assert(norms == 7 && gelus == 3);
	ck_assert(relative_error(&y[1], &y[0]) < 1e-5);
	oqz_tensor_release(&y[0]);
	oqz_tensor_release(&y[1]);
	golden_close(&c.data);
}
END_TEST

OQZ_TEST_MAIN("quant_e2e", tinynet_per_channel, tinynet_pow2, mobilenet_per_channel, mobilenet_pow2, tinynet_fp8,
              mobilenet_fp8, vit_per_channel_minmax, vit_per_channel, vit_pow2_minmax, vit_pow2, vit_fp8,
              fusions_are_neutral)
