/* SPDX-License-Identifier: Apache-2.0
 *
 * core/quant/improve and qplan_extras: rounding against the best of all roundings, mean outputs after bias correction,
 * and constants and gains through JSON.
 */
#include "core/base/base64.h"
#include "core/base/str.h"
#include "tests/unit/improve_case.h"

/* A site on the weights of a node: `bits` wide, one scale. */
static void add_weights(struct oqz_qplan *p, const struct oqz_node *n, int bits, float scale)
{
	const struct oqz_qplan_site s = { .node = n->name,
		                          .input = 1,
		                          .tensor = n->in[1]->name,
		                          .role = OQZ_INPUT_WEIGHT,
		                          .rule = "test",
		                          .spec = { .grid = { .kind = OQZ_GRID_AFFINE,
		                                              .bits = bits,
		                                              .qmin = -(1 << (bits - 1)),
		                                              .qmax = (1 << (bits - 1)) - 1 },
		                                    .axis = -1,
		                                    .n_scale = 1,
		                                    .scale = &scale } };

	ck_ok(oqz_qplan_add(p, &s, err));
}

/* Square error of the outputs of `node` over all images when its weights are `w`. */
static double output_error(struct bench *b, struct oqz_graph *g, struct oqz_node *node, const struct oqz_tensor *w)
{
	struct oqz_graph *q = NULL;
	double sum = 0;

	ck_ok(oqz_graph_clone(g, &q, err));
	struct oqz_qplan *one = oqz_qplan_new();
	ck_ok(oqz_qplan_set_constant(one, node->name, 1, w, err));
	ck_ok(oqz_qplan_replace(one, q, err));
	for (int i = 0; i < IMAGES; i++) {
		struct oracle x, y;
		oracle_run(&x, g, &b->input[i]);
		oracle_run(&y, q, &b->input[i]);
		const float *u = oracle_at(&x, node->out[0]->name)->data, *v = oracle_at(&y, node->out[0]->name)->data;
		for (int64_t k = 0; k < oqz_tensor_nelem(oracle_at(&x, node->out[0]->name)); k++)
			sum += ((double)u[k] - (double)v[k]) * ((double)u[k] - (double)v[k]);
		oracle_free(&x);
		oracle_free(&y);
	}
	oqz_qplan_free(one);
	oqz_graph_free(q);
	return sum;
}

/* One output channel with eight inputs: all 256 roundings can be tried. */
START_TEST(rounding_is_near_the_best)
{
	for (uint64_t seed = 1; seed <= 5; seed++) {
		struct bench data;
		struct gb b;
		const float scale = 0.3f;
		double best = INFINITY, nearest, ours;

		gb_init(&b, seed);
		struct oqz_value *x = gb_input(&b, "x", GB_DIMS(1, 2, 6, 6));
		GB_OP(&b, "Conv", x, gb_weights(&b, OQZ_DT_F32, GB_DIMS(1, 2, 2, 2), 0.5));
		gb_finish(&b);
		struct oqz_node *conv = b.g->nodes.v[0];
		bench_init(&data, GB_DIMS(1, 2, 6, 6));
		const struct oqz_improve_data host = { .ctx = &data, .n_images = IMAGES, .run = run_images };
		struct oqz_qplan *p = oqz_qplan_new();
		add_weights(p, conv, 4, scale);
		struct oqz_params *params = params_of(&oqz_improve_adaround, "positions=1000");
		ck_ok(oqz_improve_adaround.on_plan(b.g, p, params, &host, err));
		ck_assert_int_eq((int)p->constants.n, 1);
		struct oqz_tensor t = { 0 };
		ck_ok(oqz_tensor_alloc(&t, OQZ_DT_F32, &conv->in[1]->constant->shape, err));
		const float *w = conv->in[1]->constant->data;
		for (int mask = 0; mask < 256; mask++) {
			for (int k = 0; k < 8; k++)
				((float *)t.data)[k] = (floorf(w[k] / scale) + (float)(mask >> k & 1)) * scale;
			double e = output_error(&data, b.g, conv, &t);
			best = e < best ? e : best;
		}
		for (int k = 0; k < 8; k++)
			((float *)t.data)[k] = nearbyintf(w[k] / scale) * scale;
		nearest = output_error(&data, b.g, conv, &t);
		ours = output_error(&data, b.g, conv, &p->constants.v[0].value);
		ck_assert_msg(ours <= nearest * (1 + 1e-6), "seed %d: %g, nearest %g", (int)seed, ours, nearest);
		ck_assert_msg(ours <= 1.5 * best + 1e-9, "seed %d: %g, best %g", (int)seed, ours, best);
		/* on the grid: quantizing once more changes nothing */
		ck_ok(oqz_fake_quantize(&p->sites.v[0].spec, &t.shape, p->constants.v[0].value.data, t.data, err));
		ck_assert(memcmp(t.data, p->constants.v[0].value.data, oqz_tensor_bytes(&t)) == 0);
		oqz_tensor_release(&t);
		oqz_params_free(params);
		oqz_qplan_free(p);
		bench_release(&data);
		oqz_graph_free(b.g);
	}
}
END_TEST

/* With all positions seen, the layer's square error over the images is what is minimised: less than by nearest
 * rounding. */
static void ck_rounds_better(struct gb *b, struct oqz_shape input, const char *what)
{
	struct oqz_node *n = b->g->nodes.v[0];
	const struct oqz_tensor *w = n->in[1]->constant;
	const float scale = 0.3f;
	struct oqz_tensor t = { 0 };
	struct bench data;

	bench_init(&data, input);
	const struct oqz_improve_data host = { .ctx = &data, .n_images = IMAGES, .run = run_images };
	struct oqz_qplan *p = oqz_qplan_new();
	add_weights(p, n, 4, scale);
	struct oqz_params *params = params_of(&oqz_improve_adaround, "positions=100000");
	ck_ok(oqz_improve_adaround.on_plan(b->g, p, params, &host, err));
	ck_assert_msg(p->constants.n == 1, "%s: not rounded", what);
	ck_ok(oqz_tensor_alloc(&t, OQZ_DT_F32, &w->shape, err));
	for (int64_t k = 0; k < oqz_tensor_nelem(&t); k++)
		((float *)t.data)[k] = fminf(fmaxf(nearbyintf(((float *)w->data)[k] / scale), -8), 7) * scale;
	double nearest = output_error(&data, b->g, n, &t),
	       ours = output_error(&data, b->g, n, &p->constants.v[0].value);
	ck_assert_msg(ours < 0.9 * nearest, "%s: %g, nearest %g", what, ours, nearest);
	oqz_tensor_release(&t);
	oqz_params_free(params);
	oqz_qplan_free(p);
	bench_release(&data);
	oqz_graph_free(b->g);
}

START_TEST(layers_of_every_kind_are_rounded)
{
	struct oqz_shape line = GB_DIMS(1, 4, 23), plane = GB_DIMS(1, 4, 7, 8), space = GB_DIMS(1, 2, 5, 4, 6);
	struct gb b;

	gb_init(&b, 1);
	GB_OP(&b, "Conv", gb_input(&b, "x", line), gb_weights(&b, OQZ_DT_F32, GB_DIMS(6, 2, 5), 0.5));
	GB_INTS(&b, "strides", 2);
	GB_INTS(&b, "pads", 3, 1);
	ck_ok(oqz_node_set_int(b.last, "group", 2, err));
	gb_finish(&b);
	ck_rounds_better(&b, line, "one dimension, grouped");

	gb_init(&b, 2);
	GB_OP(&b, "Conv", gb_input(&b, "x", plane), gb_weights(&b, OQZ_DT_F32, GB_DIMS(3, 4, 3, 3), 0.5));
	GB_INTS(&b, "dilations", 2, 1);
	ck_ok(oqz_node_set_string(b.last, "auto_pad", "SAME_UPPER", err));
	gb_finish(&b);
	ck_rounds_better(&b, plane, "two dimensions, padded by name");

	gb_init(&b, 3);
	GB_OP(&b, "Conv", gb_input(&b, "x", space), gb_weights(&b, OQZ_DT_F32, GB_DIMS(3, 2, 2, 3, 2), 0.5));
	gb_finish(&b);
	ck_rounds_better(&b, space, "three dimensions");

	gb_init(&b, 4);
	GB_OP(&b, "ConvTranspose", gb_input(&b, "x", plane), gb_weights(&b, OQZ_DT_F32, GB_DIMS(4, 3, 4, 3), 0.5));
	GB_INTS(&b, "strides", 2, 2);
	GB_INTS(&b, "pads", 1, 0, 1, 1);
	GB_INTS(&b, "output_padding", 0, 1);
	ck_ok(oqz_node_set_int(b.last, "group", 2, err));
	gb_finish(&b);
	ck_rounds_better(&b, plane, "transposed, grouped");

	gb_init(&b, 5);
	GB_OP(&b, "ConvTranspose", gb_input(&b, "x", line), gb_weights(&b, OQZ_DT_F32, GB_DIMS(4, 3, 3), 0.5));
	GB_INTS(&b, "dilations", 2);
	gb_finish(&b);
	ck_rounds_better(&b, line, "transposed, one dimension");
}
END_TEST

static void round_weights(struct gb *b, struct oqz_shape input, struct oqz_qplan *p)
{
	struct bench data;
	struct oqz_params *params = params_of(&oqz_improve_adaround, "");

	bench_init(&data, input);
	const struct oqz_improve_data host = { .ctx = &data, .n_images = IMAGES, .run = run_images };
	ck_ok(oqz_improve_adaround.on_plan(b->g, p, params, &host, err));
	oqz_params_free(params);
	bench_release(&data);
}

/* Scales per block of input channels, a third of the weights beyond the ends of the grid: every weight ends on a code.
 */
START_TEST(rounded_weights_are_codes_of_their_block)
{
	enum { M = 16, C = 32, BLOCK = 16 };
	struct oqz_shape input = GB_DIMS(1, C, 5, 5);
	struct gb b;
	float scale[M * C / BLOCK], y[M * C];
	struct oqz_qplan *p = oqz_qplan_new();

	gb_init(&b, 9);
	struct oqz_value *w = gb_weights(&b, OQZ_DT_F32, GB_DIMS(M, C, 1, 1), 1);
	GB_OP(&b, "Conv", gb_input(&b, "x", input), w);
	gb_finish(&b);
	for (int i = 0; i < M * C / BLOCK; i++)
		scale[i] = 0.05f + 0.01f * (float)(i * 7 % 13);
	const struct oqz_qplan_site s = { .node = b.g->nodes.v[0]->name,
		                          .input = 1,
		                          .tensor = w->name,
		                          .role = OQZ_INPUT_WEIGHT,
		                          .rule = "test",
		                          .spec = {
		                              .grid = { .kind = OQZ_GRID_AFFINE, .bits = 4, .qmin = -8, .qmax = 7 },
		                              .axis = 1,
		                              .block = BLOCK,
		                              .n_scale = M * C / BLOCK,
		                              .scale = scale } };
	ck_ok(oqz_qplan_add(p, &s, err));
	round_weights(&b, input, p);
	ck_assert_int_eq((int)p->constants.n, 1);
	const float *x = p->constants.v[0].value.data;
	ck_ok(oqz_fake_quantize(&s.spec, &w->type.shape, x, y, err));
	int beyond = 0, moved = 0;
	for (int i = 0; i < M * C; i++) {
		float step = scale[i / BLOCK], near = ((const float *)w->constant->data)[i] / step;
		ck_assert_msg(y[i] == x[i], "weight %d: %g is no code of its block, %g is", i, (double)x[i],
		              (double)y[i]);
		beyond += near > 7.5f || near < -8.5f;
		moved += near < 7 && near > -8 && fabsf(x[i] / step - near) > 0.5001f;
	}
	ck_assert(beyond > 50 && moved > 20);
	oqz_qplan_free(p);
	oqz_graph_free(b.g);
}
END_TEST

/* A grouped convolution is rounded as its groups would be, each by its own inputs. */
START_TEST(groups_are_rounded_apart)
{
	enum { M = 3, C = 4, K = 9 };
	struct oqz_shape input = GB_DIMS(1, 2 * C, 6, 6);
	struct gb b;
	struct oqz_qplan *p = oqz_qplan_new();

	gb_init(&b, 10);
	struct oqz_value *x = gb_input(&b, "x", input), *w = gb_weights(&b, OQZ_DT_F32, GB_DIMS(2 * M, C, 3, 3), 1),
	                 *half[2], *part[2];
	half[0] = GB_OP(&b, "Slice", x, GB_LIST(&b, 0), GB_LIST(&b, C), GB_LIST(&b, 1));
	half[1] = GB_OP(&b, "Slice", x, GB_LIST(&b, C), GB_LIST(&b, 2 * C), GB_LIST(&b, 1));
	/* other inputs in the second group, so that its moments are no multiple of the first's */
	half[1] = GB_OP(&b, "Relu", half[1]);
	struct oqz_value *whole = GB_OP(&b, "Concat", half[0], half[1]);
	ck_ok(oqz_node_set_int(b.last, "axis", 1, err));
	GB_OP(&b, "Conv", whole, w);
	ck_ok(oqz_node_set_int(b.last, "group", 2, err));
	for (int i = 0; i < 2; i++) {
		part[i] = gb_weights(&b, OQZ_DT_F32, GB_DIMS(M, C, 3, 3), 1);
		memcpy(part[i]->constant->data, (float *)w->constant->data + i * M * C * K, M * C * K * sizeof(float));
		GB_OP(&b, "Conv", half[i], part[i]);
	}
	gb_finish(&b);
	for (size_t i = 0; i < b.g->nodes.n; i++)
		if (!strcmp(b.g->nodes.v[i]->op_type, "Conv"))
			add_weights(p, b.g->nodes.v[i], 3, 0.3f);
	round_weights(&b, input, p);
	ck_assert_int_eq((int)p->constants.n, 3);
	const struct oqz_qplan_constant *grouped = NULL, *apart[2] = { NULL };
	for (size_t i = 0; i < 3; i++) {
		const struct oqz_qplan_constant *c = &p->constants.v[i];
		const struct oqz_value *v = oqz_graph_node(b.g, c->node)->in[1];
		*(v == w ? &grouped : v == part[0] ? &apart[0] : &apart[1]) = c;
	}
	for (int i = 0; i < 2; i++)
		ck_assert(!memcmp((const float *)grouped->value.data + i * M * C * K, apart[i]->value.data,
		                  M * C * K * sizeof(float)));
	oqz_qplan_free(p);
	oqz_graph_free(b.g);
}
END_TEST

/* Of a value's channel, over all images. */
static double channel_mean(struct bench *b, struct oqz_graph *g, const char *value, int axis, int64_t c)
{
	double sum = 0, n = 0;

	for (int i = 0; i < IMAGES; i++) {
		struct oracle o;
		oracle_run(&o, g, &b->input[i]);
		const struct oqz_tensor *t = oracle_at(&o, value);
		int64_t inner = oqz_shape_span(&t->shape, axis + 1, t->shape.rank);
		for (int64_t k = 0; k < oqz_tensor_nelem(t); k++)
			if (k / inner % t->shape.dim[axis] == c) {
				sum += (double)((const float *)t->data)[k];
				n++;
			}
		oracle_free(&o);
	}
	return sum / n;
}

/* Behind the plan every layer's outputs have the float model's means, channel by channel along `axis`. */
static void means_are_the_float_ones(struct improved *t, int axis, const char *what)
{
	struct oqz_graph *q = NULL;

	ck_ok(oqz_qplan_apply(t->p, t->b.g, &q, err));
	for (size_t l = 0; l < t->b.g->nodes.n; l++) {
		const struct oqz_node *n = t->b.g->nodes.v[l];
		if (n->n_in < 3)
			continue;
		for (int64_t c = 0; c < oqz_tensor_nelem(n->in[2]->constant); c++) {
			double got = channel_mean(&t->data, q, n->out[0]->name, axis, c),
			       want = channel_mean(&t->data, t->b.g, n->out[0]->name, axis, c);
			ck_assert_msg(fabs(got - want) < 1e-5, "%s, %s, channel %d: mean %g, not %g", what, n->name,
			              (int)c, got, want);
		}
	}
	oqz_graph_free(q);
}

START_TEST(corrected_means_are_the_float_ones)
{
	struct improved t;

	gb_init(&t.b, 3);
	struct oqz_value *x = gb_input(&t.b, "x", GB_DIMS(1, 3, 8, 8));
	x = GB_OP(&t.b, "Conv", x, gb_weights(&t.b, OQZ_DT_F32, GB_DIMS(4, 3, 3, 3), 0.4),
	          gb_weights(&t.b, OQZ_DT_F32, GB_DIMS(4), 1));
	x = GB_OP(&t.b, "Relu", x);
	GB_OP(&t.b, "Conv", x, gb_weights(&t.b, OQZ_DT_F32, GB_DIMS(2, 4, 3, 3), 0.4),
	      gb_weights(&t.b, OQZ_DT_F32, GB_DIMS(2), 1));
	improved_start(&t, GB_DIMS(1, 3, 8, 8));
	add_weights(t.p, t.b.g->nodes.v[0], 3, 0.25f);
	add_weights(t.p, t.b.g->nodes.v[2], 3, 0.25f);
	improved_run(&t, &oqz_improve_bias, "");
	ck_assert_int_eq((int)t.p->constants.n, 2);
	means_are_the_float_ones(&t, 1, "convolutions");
	ck_assert_uint_eq(t.data.ran, IMAGES);
	improved_run(&t, &oqz_improve_bias, "images=2");
	ck_assert_uint_eq(t.data.ran, 2);
	improved_release(&t);
}
END_TEST

/* Products of tokens, whose channels are last, with as many tokens as channels; a bias that counts twice. */
START_TEST(biases_of_products_are_corrected)
{
	enum { C = 5 };
	const struct {
		const char *op;
		struct oqz_shape input;
		float beta;
	} rows[] = { { "MatMul", GB_DIMS(1, C, 7), 1 },
		     { "MatMul", GB_DIMS(2, 3, 7), 1 },
		     { "MatMul", GB_DIMS(7), 1 },
		     { "Gemm", GB_DIMS(4, 7), 1 },
		     { "Gemm", GB_DIMS(4, 7), 2 } };

	for (size_t i = 0; i < OQZ_COUNTOF(rows); i++) {
		struct improved t;
		gb_init(&t.b, 4 + i);
		GB_OP(&t.b, rows[i].op, gb_input(&t.b, "x", rows[i].input),
		      gb_weights(&t.b, OQZ_DT_F32, GB_DIMS(7, C), 0.4), gb_weights(&t.b, OQZ_DT_F32, GB_DIMS(C), 1));
		if (rows[i].beta != 1)
			ck_ok(oqz_node_set_float(t.b.last, "beta", rows[i].beta, err));
		improved_start(&t, rows[i].input);
		add_weights(t.p, t.b.g->nodes.v[0], 3, 0.25f);
		improved_run(&t, &oqz_improve_bias, "");
		ck_assert_int_eq((int)t.p->constants.n, 1);
		means_are_the_float_ones(&t, rows[i].input.rank - 1, rows[i].op);
		improved_release(&t);
	}
}
END_TEST

/* Layers with a quantized input only are corrected; those that nothing quantizes are not, nor biases that are no number
 * per channel or do not count. */
START_TEST(other_biases_stay)
{
	const struct {
		struct oqz_shape bias;
		float beta;
		int site; /* the input that is quantized */
		size_t corrected;
	} rows[] = { { GB_DIMS(6), 1, 0, 1 },    { GB_DIMS(6), 1, 1, 1 }, { GB_DIMS(6), 1, -1, 0 },
		     { GB_DIMS(6, 1), 1, 1, 0 }, { GB_DIMS(1), 1, 1, 0 }, { GB_DIMS(6), 0, 1, 0 },
		     { GB_DIMS(6, 6), 1, 1, 0 } };
	const float scale = 0.5f;

	for (size_t i = 0; i < OQZ_COUNTOF(rows); i++) {
		struct improved t;
		gb_init(&t.b, 30);
		GB_OP(&t.b, "Gemm", GB_OP(&t.b, "Relu", gb_input(&t.b, "x", GB_DIMS(6, 7))),
		      gb_weights(&t.b, OQZ_DT_F32, GB_DIMS(7, 6), 0.4), gb_weights(&t.b, OQZ_DT_F32, rows[i].bias, 1));
		ck_ok(oqz_node_set_float(t.b.last, "beta", rows[i].beta, err));
		improved_start(&t, GB_DIMS(6, 7));
		const struct oqz_node *n = t.b.g->nodes.v[1];
		if (rows[i].site == 1)
			add_weights(t.p, n, 3, 0.25f);
		const struct oqz_qplan_site input = {
			.node = n->name,
			.input = 0,
			.tensor = n->in[0]->name,
			.role = OQZ_INPUT_ACTIVATION,
			.rule = "test",
			.spec = { .grid = { .kind = OQZ_GRID_AFFINE, .bits = 3, .qmin = -4, .qmax = 3 },
			          .axis = -1,
			          .n_scale = 1,
			          .scale = &scale }
		};
		if (rows[i].site == 0)
			ck_ok(oqz_qplan_add(t.p, &input, err));
		improved_run(&t, &oqz_improve_bias, "");
		ck_assert_msg(t.p->constants.n == rows[i].corrected, "row %d", (int)i);
		improved_release(&t);
	}
}
END_TEST

START_TEST(extras_survive_json)
{
	struct oqz_qplan *p = oqz_qplan_new(), *r = NULL;
	struct oqz_tensor t = { 0 };
	const float factor[] = { 0.1f, 3 };
	struct oqz_str a = { 0 }, b = { 0 };
	struct oqz_shape s = GB_DIMS(2, 3);
	struct gb rnd;

	gb_init(&rnd, 1);
	ck_ok(oqz_tensor_alloc(&t, OQZ_DT_F32, &s, err));
	gb_random(&rnd, &t, 1);
	ck_ok(oqz_qplan_set_constant(p, "n \"1\"", 1, &t, err));
	ck_ok(oqz_qplan_add_gain(p, "v", 1, 2, factor, err));
	ck_ok(oqz_qplan_add_gain(p, "v", 1, 2, factor, err));
	ck_ok(oqz_qplan_to_json(p, &a, err));
	ck_ok(oqz_qplan_from_json(a.s, a.len, "plan.json", &r, err));
	ck_ok(oqz_qplan_to_json(r, &b, err));
	ck_assert_str_eq(a.s, b.s);
	ck_assert(memcmp(r->constants.v[0].value.data, t.data, oqz_tensor_bytes(&t)) == 0);
	ck_assert_double_eq_tol((double)oqz_qplan_gain(r, "v")->factor[0], 0.01, 1e-8);
	/* damaged: numbers cut off, shapes that promise more, NaN */
	const char *bad[][2] = { { "[2, 3]", "[2, 4]" },
		                 { "[2, 3]", "[200000, 300000, 300000]" },
		                 { "\"float32\": \"", "\"float32\": \"!" },
		                 { "\"axis\": 1", "\"axis\": -1" },
		                 { "\"factor\": [", "\"factor\": [-" } };
	for (size_t i = 0; i < OQZ_COUNTOF(bad); i++) {
		struct oqz_qplan *none = NULL;
		struct oqz_str text = { 0 };
		const char *at = strstr(a.s, bad[i][0]);
		ck_assert(at != NULL);
		oqz_str_addn(&text, a.s, (size_t)(at - a.s));
		oqz_str_add(&text, bad[i][1]);
		oqz_str_add(&text, at + strlen(bad[i][0]));
		ck_fails(oqz_qplan_from_json(text.s, text.len, "bad.json", &none, err), OQZ_E_DATA, "bad.json");
		oqz_str_release(&text);
	}
	oqz_str_release(&a);
	oqz_str_release(&b);
	oqz_tensor_release(&t);
	oqz_qplan_free(p);
	oqz_qplan_free(r);
	oqz_graph_free(rnd.g);
}
END_TEST

START_TEST(base64_is_strict)
{
	unsigned char bytes[10000], back[10000];
	struct oqz_str s = { 0 };

	for (size_t i = 0; i < sizeof bytes; i++)
		bytes[i] = (unsigned char)(i * 37 >> 3);
	for (size_t n = 1; n < sizeof bytes; n = n * 3 + 1) {
		oqz_str_clear(&s);
		oqz_base64_add(&s, bytes, n);
		ck_ok(oqz_base64_decode(s.s, s.len, back, n, err));
		ck_assert(memcmp(bytes, back, n) == 0);
		ck_fails(oqz_base64_decode(s.s, s.len, back, n + 1, err), OQZ_E_DATA, "bytes");
		s.s[0] = '*';
		ck_fails(oqz_base64_decode(s.s, s.len, back, n, err), OQZ_E_DATA, "base64");
	}
	ck_fails(oqz_base64_decode("QQ==QUJD", 8, back, 6, err), OQZ_E_DATA, "base64");
	oqz_str_release(&s);
}
END_TEST

OQZ_TEST_MAIN("improve", rounded_weights_are_codes_of_their_block, groups_are_rounded_apart, rounding_is_near_the_best,
              layers_of_every_kind_are_rounded, corrected_means_are_the_float_ones, biases_of_products_are_corrected,
              other_biases_stay, extras_survive_json, base64_is_strict)
