/* SPDX-License-Identifier: Apache-2.0
 *
 * Programs against the oracle: random graphs with every way tensors can share memory or change layout, under each
 * engine, with and without taps. A wrong life time, a wrong alias or a wrong layout shows as a wrong number here.
 */
#include "tests/unit/exec_graph.h"

#include <pthread.h>

enum { POOL_MAX = 64 };

/* A growing set of (N,C,H,W) tensors to draw operands from. */
struct pool {
	struct gb b;
	struct oqz_value *v[POOL_MAX];
	int n;
};

static struct oqz_shape shape_of(const struct oqz_value *v) { return v->type.shape; }

static uint64_t draw(struct pool *p, uint64_t n) { return oqz_rng_below(&p->b.rng, n); }

static void put(struct pool *p, struct oqz_value *v)
{
	gb_infer_last(&p->b);
	p->v[p->n++] = v;
}

static void add_conv(struct pool *p, struct oqz_value *x)
{
	struct oqz_shape s = shape_of(x);
	int64_t k = draw(p, 2) ? 3 : 1, m = 1 + (int64_t)draw(p, 24), group = 1;

	if (draw(p, 4) == 0)
		m = group = s.dim[1];
	struct oqz_value *w = gb_weights(&p->b, OQZ_DT_F32, GB_DIMS(m, s.dim[1] / group, k, k),
	                                 1 / sqrt((double)(s.dim[1] / group * k * k)));
	struct oqz_value *bias = gb_weights(&p->b, OQZ_DT_F32, GB_DIMS(m), 0.1);
	struct oqz_value *y = GB_OP(&p->b, "Conv", x, w, bias);
	int64_t pad = k / 2, stride = s.dim[2] > 6 && s.dim[3] > 6 && draw(p, 3) == 0 ? 2 : 1;
	GB_INTS(&p->b, "pads", pad, pad, pad + (stride == 2), pad);
	GB_INTS(&p->b, "strides", stride, stride);
	ck_ok(oqz_node_set_int(p->b.last, "group", group, err));
	put(p, y);
}

static const char *const unary[] = { "Relu", "Sigmoid",  "HardSwish", "Tanh", "LeakyRelu",
	                             "Elu",  "Softplus", "Abs",       "Exp",  "Neg" };

static void add_unary(struct pool *p, struct oqz_value *x)
{
	size_t k = draw(p, OQZ_COUNTOF(unary) + 1);

	if (k == OQZ_COUNTOF(unary))
		put(p, GB_OP(&p->b, "Clip", x, gb_scalar(&p->b, OQZ_DT_F32, -0.5), gb_scalar(&p->b, OQZ_DT_F32, 1)));
	else
		put(p, GB_OP(&p->b, k == 8 ? "Sigmoid" : unary[k], x)); /* exp of exp overflows soon */
}

static struct oqz_value *other(struct pool *p, const struct oqz_value *x, bool same_channels)
{
	for (int tries = 0; tries < 20; tries++) {
		struct oqz_value *y = p->v[draw(p, (uint64_t)p->n)];
		struct oqz_shape a = shape_of(x), c = shape_of(y);
		if (a.rank == c.rank && a.dim[2] == c.dim[2] && a.dim[3] == c.dim[3] &&
		    (!same_channels || a.dim[1] == c.dim[1]))
			return y;
	}
	return NULL;
}

static void add_binary(struct pool *p, struct oqz_value *x)
{
	static const char *const ops[] = { "Add", "Mul", "Sub", "Max", "Min" };
	const char *op = ops[draw(p, OQZ_COUNTOF(ops))];
	struct oqz_value *y = other(p, x, true), *pooled;
	struct oqz_shape s = shape_of(x);

	switch (draw(p, 6)) {
	case 0: y = gb_weights(&p->b, OQZ_DT_F32, GB_DIMS(1, s.dim[1], 1, 1), 1); break;
	case 1: y = gb_weights(&p->b, OQZ_DT_F32, GB_DIMS(s.dim[1], 1, 1), 1); break;
	case 2: y = gb_scalar(&p->b, OQZ_DT_F32, 0.5); break;
	case 3:
		pooled = GB_OP(&p->b, "GlobalAveragePool", x);
		gb_infer_last(&p->b);
		y = GB_OP(&p->b, "HardSigmoid", pooled);
		gb_infer_last(&p->b);
		break;
	case 4: y = gb_weights(&p->b, OQZ_DT_F32, GB_DIMS(s.dim[1], s.dim[2], s.dim[3]), 1); break;
	default: break;
	}
	if (!y)
		return;
	put(p, draw(p, 2) ? GB_OP(&p->b, op, x, y) : GB_OP(&p->b, op, y, x));
}

static void add_mover(struct pool *p, struct oqz_value *x)
{
	struct oqz_shape s = shape_of(x);
	struct oqz_value *y = other(p, x, false), *t;
	struct gb *b = &p->b;

	switch (draw(p, 9)) {
	case 0:
		if (!y)
			return;
		t = GB_OP(b, "Concat", x, y, x);
		ck_ok(oqz_node_set_int(b->last, "axis", draw(p, 2) ? 1 : -3, err));
		break;
	case 1: /* to NHWC and back, with something between that keeps the transposes apart */
		t = GB_OP(b, "Transpose", x);
		GB_INTS(b, "perm", 0, 2, 3, 1);
		gb_infer_last(b);
		t = GB_OP(b, draw(p, 2) ? "Relu" : "Identity", t);
		gb_infer_last(b);
		t = GB_OP(b, "Transpose", t);
		GB_INTS(b, "perm", 0, 3, 1, 2);
		break;
	case 2:
		t = GB_OP(b, "Transpose", x);
		GB_INTS(b, "perm", 0, 1, 3, 2);
		break;
	case 3:
		if (s.dim[2] < 4)
			return;
		t = GB_OP(b, "Slice", x, GB_LIST(b, 1, 0), GB_LIST(b, s.dim[2] - 1, 1000), GB_LIST(b, 2, -1),
		          GB_LIST(b, 1, 1));
		break;
	case 4: t = GB_OP(b, "Pad", x, GB_LIST(b, 0, 1, 0, 1, 0, 0, 1, 2), gb_scalar(b, OQZ_DT_F32, 0.25)); break;
	case 5: /* (N,C,H,W) -> (N,C,HW) -> back */
		t = GB_OP(b, "Reshape", x, GB_LIST(b, 0, 0, -1));
		gb_infer_last(b);
		t = GB_OP(b, "Relu", t);
		gb_infer_last(b);
		t = GB_OP(b, "Reshape", t, GB_LIST(b, 0, s.dim[1], s.dim[2], s.dim[3]));
		break;
	case 6: /* (N,C,H,W) -> (N,CH,W,1): channels are broken up */
		t = GB_OP(b, "Reshape", x, GB_LIST(b, 0, s.dim[1] * s.dim[2], s.dim[3], 1));
		break;
	case 7:
		if (s.dim[1] < 2)
			return;
		t = gb_op_n(b, "Split", (struct oqz_value *[]) { x, GB_LIST(b, 1, s.dim[1] - 1) }, 2, 2);
		ck_ok(oqz_node_set_int(b->last, "axis", 1, err));
		gb_infer_last(b);
		p->v[p->n++] = b->last->out[1];
		break;
	default:
		if (s.dim[2] % 2 || s.dim[3] % 2)
			return;
		t = GB_OP(b, "SpaceToDepth", x);
		ck_ok(oqz_node_set_int(b->last, "blocksize", 2, err));
		if (draw(p, 2)) {
			gb_infer_last(b);
			t = GB_OP(b, "DepthToSpace", t);
			ck_ok(oqz_node_set_int(b->last, "blocksize", 2, err));
			ck_ok(oqz_node_set_string(b->last, "mode", draw(p, 2) ? "CRD" : "DCR", err));
		}
		break;
	}
	put(p, t);
}

static void add_resize(struct pool *p, struct oqz_value *x)
{
	static const char *const coord[] = { "half_pixel", "asymmetric", "align_corners", "pytorch_half_pixel",
		                             "half_pixel_symmetric" };
	static const char *const nearest[] = { "round_prefer_floor", "round_prefer_ceil", "floor", "ceil" };
	struct oqz_shape s = shape_of(x);
	struct gb *b = &p->b;
	struct oqz_value *t = GB_OP(b, "Resize", x, NULL, NULL,
	                            GB_LIST(b, s.dim[0], s.dim[1], 1 + (int64_t)draw(p, 20), 1 + (int64_t)draw(p, 20)));

	ck_ok(oqz_node_set_string(b->last, "mode", draw(p, 2) ? "nearest" : "linear", err));
	ck_ok(oqz_node_set_string(b->last, "nearest_mode", nearest[draw(p, 4)], err));
	ck_ok(oqz_node_set_string(b->last, "coordinate_transformation_mode", coord[draw(p, 5)], err));
	put(p, t);
}

/* Operators that keep the rank but look along an axis, and copies with repetition. */
static void add_axis(struct pool *p, struct oqz_value *x)
{
	struct oqz_shape s = shape_of(x);
	struct gb *b = &p->b;
	struct oqz_value *t;

	switch (draw(p, 6)) {
	case 0:
		t = GB_OP(b, "Softmax", x);
		ck_ok(oqz_node_set_int(b->last, "axis", (int64_t)draw(p, 4) - 2, err));
		break;
	case 1: t = GB_OP(b, "ReduceMean", x, draw(p, 2) ? GB_LIST(b, 2, 3) : GB_LIST(b, 1)); break;
	case 2: t = GB_OP(b, "Tile", x, GB_LIST(b, 1, 2, 1, 2)); break;
	case 3:
		t = GB_OP(b, "Gather", x, GB_LIST(b, 0, 0, s.dim[1] - 1));
		ck_ok(oqz_node_set_int(b->last, "axis", 1, err));
		break;
	case 4:
		t = GB_OP(b, "ReduceMax", x, GB_LIST(b, 2, 3));
		gb_infer_last(b);
		t = GB_OP(b, "Expand", t, GB_LIST(b, 1, 1, s.dim[2], s.dim[3]));
		break;
	default: /* a shuffle of channels */
		if (s.dim[1] % 2)
			return;
		t = GB_OP(b, "Reshape", x, GB_LIST(b, 0, 2, s.dim[1] / 2, s.dim[2], s.dim[3]));
		gb_infer_last(b);
		t = GB_OP(b, "Transpose", t);
		if (draw(p, 3) == 0) { /* the head of a detector: (N, anchors, H, W, numbers) */
			GB_INTS(b, "perm", 0, 1, 3, 4, 2);
			gb_infer_last(b);
			t = GB_OP(b, "Reshape", t, GB_LIST(b, 0, -1, s.dim[1] / 2, 1));
			break;
		}
		GB_INTS(b, "perm", 0, 2, 1, 3, 4);
		gb_infer_last(b);
		t = GB_OP(b, "Reshape", t, GB_LIST(b, 0, s.dim[1], s.dim[2], s.dim[3]));
		break;
	}
	put(p, t);
}

static void add_pool(struct pool *p, struct oqz_value *x)
{
	if (shape_of(x).dim[2] < 4 || shape_of(x).dim[3] < 4)
		return;
	struct oqz_value *t = GB_OP(&p->b, draw(p, 2) ? "MaxPool" : "AveragePool", x);
	GB_INTS(&p->b, "kernel_shape", 3, 3);
	GB_INTS(&p->b, "strides", 2, 2);
	GB_INTS(&p->b, "pads", 0, 1, 1, 1);
	put(p, t);
}

static void random_graph(struct pool *p, uint64_t seed, int steps)
{
	memset(p, 0, sizeof *p);
	gb_init(&p->b, seed);
	p->v[p->n++] = gb_input(&p->b, "x", GB_DIMS(1 + (int64_t)(seed % 2), 3, 12, 10));
	for (int i = 0; i < steps && p->n < POOL_MAX - 2; i++) {
		struct oqz_value *x = p->v[draw(p, 3) ? (uint64_t)p->n - 1 : draw(p, (uint64_t)p->n)];
		if (oqz_shape_nelem(&x->type.shape) > 40000)
			continue;
		switch (draw(p, 10)) {
		case 0:
		case 1: add_conv(p, x); break;
		case 2:
		case 3: add_unary(p, x); break;
		case 4:
		case 5: add_binary(p, x); break;
		case 6: add_mover(p, x); break;
		case 7: add_resize(p, x); break;
		case 8: add_axis(p, x); break;
		default: add_pool(p, x); break;
		}
	}
	gb_finish(&p->b);
}

static void check_random(uint64_t seed, enum oqz_engine e)
{
	struct pool p;
	struct oqz_tensor inputs[1];
	const char *taps[POOL_MAX];
	struct oracle o;
	size_t n = 0;

	random_graph(&p, seed, 24);
	random_inputs(&p.b, inputs);
	oracle_run(&o, p.b.g, inputs);
	for (size_t i = 0; i < p.b.g->nodes.n; i++)
		if (seed % 3 && oqz_rng_below(&p.b.rng, seed % 3 == 1 ? 1 : 4) == 0 && n < POOL_MAX)
			taps[n++] = p.b.g->nodes.v[i]->out[0]->name;
	struct oqz_program *prog = program_of(p.b.g, e, taps, n);
	check_program(p.b.g, prog, inputs, &o, e == OQZ_ENGINE_REFERENCE ? 0 : 2e-4);
	oqz_program_free(prog);
	oracle_free(&o);
	oqz_tensor_release(&inputs[0]);
	oqz_graph_free(p.b.g);
}

START_TEST(program_equals_oracle)
{
	for (uint64_t seed = 1; seed <= 250; seed++)
		check_random(seed, OQZ_ENGINE_AUTO);
}
END_TEST

START_TEST(program_of_reference_is_the_oracle)
{
	for (uint64_t seed = 500; seed < 515; seed++)
		check_random(seed, OQZ_ENGINE_REFERENCE);
}
END_TEST

struct job {
	const struct oqz_program *p;
	const struct oqz_tensor *inputs;
	float *out;
	enum oqz_status st;
};

static void *worker(void *arg)
{
	struct job *j = arg;
	struct oqz_context *c = NULL;
	struct oqz_err err;

	j->st = oqz_context_new(j->p, &c, &err);
	for (int i = 0; i < 20 && j->st == OQZ_OK; i++) {
		memcpy(oqz_context_input(c, 0)->data, j->inputs[0].data, oqz_tensor_bytes(&j->inputs[0]));
		j->st = oqz_context_run(c, 0, oqz_program_nsteps(j->p), &err);
	}
	if (j->st == OQZ_OK)
		memcpy(j->out, oqz_context_output(c, 0)->data, oqz_tensor_bytes(oqz_context_output(c, 0)));
	oqz_context_free(c);
	return NULL;
}

START_TEST(program_is_shared_by_threads)
{
	struct pool p;
	struct oqz_tensor inputs[1];
	struct oqz_context *c = NULL;

	random_graph(&p, 7, 24);
	random_inputs(&p.b, inputs);
	struct oqz_program *prog = program_of(p.b.g, OQZ_ENGINE_AUTO, NULL, 0);
	ck_ok(oqz_context_new(prog, &c, err));
	size_t bytes = oqz_tensor_bytes(oqz_context_output(c, 0));
	oqz_context_free(c);
	struct job j[2] = { { prog, inputs, malloc(bytes), OQZ_OK }, { prog, inputs, malloc(bytes), OQZ_OK } };
	pthread_t t[2];
	for (int i = 0; i < 2; i++)
		ck_assert_int_eq(pthread_create(&t[i], NULL, worker, &j[i]), 0);
	for (int i = 0; i < 2; i++)
		pthread_join(t[i], NULL);
	ck_assert_int_eq(j[0].st, OQZ_OK);
	ck_assert_int_eq(j[1].st, OQZ_OK);
	ck_assert_mem_eq(j[0].out, j[1].out, bytes);
	free(j[0].out);
	free(j[1].out);
	oqz_program_free(prog);
	oqz_tensor_release(&inputs[0]);
	oqz_graph_free(p.b.g);
}
END_TEST

START_TEST(program_names_what_is_wrong)
{
	struct gb b;
	struct oqz_program *p = NULL;
	const char *taps[] = { "nothing" };

	gb_init(&b, 1);
	struct oqz_value *x = gb_input(&b, "x", GB_DIMS(1, 2, 4, 4));
	GB_OP(&b, "Relu", x);
	gb_finish(&b);
	struct oqz_exec_options opt = { .taps = taps, .n_taps = 1 };
	ck_fails(oqz_program_new(b.g, &opt, &x->type.shape, &p, err), OQZ_E_NOENT, "nothing");
	oqz_graph_free(b.g);
}
END_TEST

/* x * Sigmoid(x) and x * HardSigmoid(x), behind convolutions; the second gate is a tap and must survive. */
START_TEST(activation_of_two_nodes_is_fused)
{
	struct gb b;
	struct oqz_tensor in[1];
	struct oracle o;

	gb_init(&b, 1);
	struct oqz_value *x = gb_input(&b, "x", GB_DIMS(1, 4, 6, 6)), *c[3], *s[3];
	for (int i = 0; i < 3; i++) {
		c[i] = GB_OP(&b, "Conv", x, gb_weights(&b, OQZ_DT_F32, GB_DIMS(4, 4, 1, 1), 1));
		s[i] = GB_OP(&b, i == 2 ? "HardSigmoid" : "Sigmoid", c[i]);
		if (i == 2)
			ck_ok(oqz_node_set_float(b.last, "alpha", 1.0f / 6, err));
		GB_OP(&b, "Mul", i ? s[i] : c[i], i ? c[i] : s[i]);
	}
	struct oqz_value *h = GB_OP(&b, "Add", gb_scalar(&b, OQZ_DT_F32, 3), x);
	h = GB_OP(&b, "Clip", h, gb_scalar(&b, OQZ_DT_F32, 0), gb_scalar(&b, OQZ_DT_F32, 6));
	GB_OP(&b, "Div", GB_OP(&b, "Mul", x, h), gb_scalar(&b, OQZ_DT_F32, 6));
	gb_finish(&b);
	const char *taps[] = { s[1]->name };
	random_inputs(&b, in);
	oracle_run(&o, b.g, in);
	struct oqz_program *p = program_of(b.g, OQZ_ENGINE_AUTO, taps, 1);
	ck_assert_int_eq(count_steps(p, "Sigmoid"), 1);
	ck_assert_int_eq(count_steps(p, "Mul"), 1);
	ck_assert_int_eq(count_steps(p, "HardSigmoid") + count_steps(p, "Swish"), 0);
	ck_assert_int_eq(count_steps(p, "HardSwish"), 1);
	ck_assert_int_eq(count_steps(p, "Add") + count_steps(p, "Clip") + count_steps(p, "Div"), 0);
	check_program(b.g, p, in, &o, 1e-5);
	oqz_program_free(p);
	oracle_free(&o);
	oqz_tensor_release(&in[0]);
	oqz_graph_free(b.g);
}
END_TEST

/* ConvTranspose, one filter per channel: strides, dilations, cut edges, bias and activation. */
START_TEST(depthwise_transposed_convolution)
{
	for (int64_t k = 1; k <= 4; k++)
		for (int64_t stride = 1; stride <= 3; stride++)
			for (int64_t dilation = 1; dilation <= 2; dilation++) {
				struct gb b;
				struct oqz_tensor in[1];
				struct oracle o;
				gb_init(&b, (uint64_t)(k * 10 + stride));
				struct oqz_value *x = gb_input(&b, "x", GB_DIMS(2, 5, 4, 6));
				struct oqz_value *y =
				    GB_OP(&b, "ConvTranspose", x, gb_weights(&b, OQZ_DT_F32, GB_DIMS(5, 1, k, k), 1),
				          gb_weights(&b, OQZ_DT_F32, GB_DIMS(5), 1));
				ck_ok(oqz_node_set_int(b.last, "group", 5, err));
				GB_INTS(&b, "strides", stride, stride);
				GB_INTS(&b, "dilations", dilation, dilation);
				GB_INTS(&b, "pads", k / 2, 0, 0, k / 2);
				GB_INTS(&b, "output_padding", 0, stride - 1);
				GB_OP(&b, "Relu", y);
				gb_finish(&b);
				random_inputs(&b, in);
				oracle_run(&o, b.g, in);
				struct oqz_program *p = program_of(b.g, OQZ_ENGINE_AUTO, NULL, 0);
				ck_assert_int_eq(count_steps(p, "Relu"), 0);
				check_program(b.g, p, in, &o, 1e-6);
				oqz_program_free(p);
				oracle_free(&o);
				oqz_tensor_release(&in[0]);
				oqz_graph_free(b.g);
			}
}
END_TEST

START_TEST(lstm_equals_reference)
{
	static const char *const directions[] = { "forward", "reverse", "bidirectional" };

	for (int k = 0; k < 6; k++) {
		struct gb b;
		struct oqz_tensor in[3];
		struct oracle o;
		int64_t dirs = k % 3 == 2 ? 2 : 1, h = 7;
		gb_init(&b, (uint64_t)k);
		struct oqz_value *x = gb_input(&b, "x", GB_DIMS(6, 3, 5));
		struct oqz_value *h0 = k > 2 ? gb_input(&b, "h", GB_DIMS(dirs, 3, h)) : NULL;
		struct oqz_value *c0 = k > 2 ? gb_weights(&b, OQZ_DT_F32, GB_DIMS(dirs, 3, h), 1) : NULL;
		struct oqz_value *args[] = { x,
			                     gb_weights(&b, OQZ_DT_F32, GB_DIMS(dirs, 4 * h, 5), 0.5),
			                     gb_weights(&b, OQZ_DT_F32, GB_DIMS(dirs, 4 * h, h), 0.5),
			                     gb_weights(&b, OQZ_DT_F32, GB_DIMS(dirs, 8 * h), 0.5),
			                     NULL,
			                     h0,
			                     c0 };
		gb_op_n(&b, "LSTM", args, k > 2 ? 7 : 4, 3);
		ck_ok(oqz_node_set_int(b.last, "hidden_size", h, err));
		ck_ok(oqz_node_set_string(b.last, "direction", directions[k % 3], err));
		gb_finish(&b);
		random_inputs(&b, in);
		oracle_run(&o, b.g, in);
		struct oqz_program *p = program_of(b.g, OQZ_ENGINE_AUTO, NULL, 0);
		struct oqz_step_info info;
		oqz_program_step(p, 0, &info);
		ck_assert_str_eq(info.impl, "dnnl.recurrent");
		check_program(b.g, p, in, &o, 1e-5);
		oqz_program_free(p);
		oracle_free(&o);
		release_inputs(&b, in);
		oqz_graph_free(b.g);
	}
}
END_TEST

/* A program without taps equals the oracle and has `few` to `some` Add steps, as the CPU can; with all tapped it has
 * all. */
static void check_additions(struct gb *b, struct oqz_value *const *v, size_t n, int few, int some, int all)
{
	struct oqz_tensor in[2];
	struct oracle o;
	const char *taps[8];

	gb_finish(b);
	random_inputs(b, in);
	oracle_run(&o, b->g, in);
	for (size_t i = 0; i < n; i++)
		taps[i] = v[i]->name;
	for (int tapped = 0; tapped < 2; tapped++) {
		struct oqz_program *p = program_of(b->g, OQZ_ENGINE_AUTO, taps, tapped ? n : 0);
		check_program(b->g, p, in, &o, 1e-5);
		int adds = count_steps(p, "Add");
		ck_assert_int_ge(adds, tapped ? all : few);
		ck_assert_int_le(adds, tapped ? all : some);
		oqz_program_free(p);
	}
	oracle_free(&o);
	release_inputs(b, in);
	oqz_graph_free(b->g);
}

/* Residual branches go into the later of two convolutions, biases into matrix products; not where the sum in between is
 * looked at, nor where the addition broadcasts. */
START_TEST(additions_are_fused)
{
	struct oqz_value *v[4];
	struct gb b;

	for (int k = 0; k < 12; k++) {
		int64_t c = 1 + 7 * k, h = 5 + k, w = 9 - k % 4;
		gb_init(&b, 70 + (uint64_t)k);
		struct oqz_value *x = gb_input(&b, "x", GB_DIMS(1 + k % 2, 8, h, w));
		v[0] = GB_OP(&b, "Conv", x, gb_weights(&b, OQZ_DT_F32, GB_DIMS(c, 8, 3, 3), 0.2));
		GB_INTS(&b, "pads", 1, 1, 1, 1);
		struct oqz_value *r = GB_OP(&b, "Relu", v[0]);
		v[1] = GB_OP(&b, "Conv", r, gb_weights(&b, OQZ_DT_F32, GB_DIMS(c, c, 1, 1), 0.2),
		             gb_weights(&b, OQZ_DT_F32, GB_DIMS(c), 1));
		v[2] = GB_OP(&b, "Conv", x, gb_weights(&b, OQZ_DT_F32, GB_DIMS(c, 8, 1, 1), 0.2));
		struct oqz_value *sum = k % 3 ? GB_OP(&b, "Add", v[1], v[2]) : GB_OP(&b, "Add", v[2], v[1]);
		struct oqz_value *y = k % 2 ? GB_OP(&b, "Relu", sum) : sum;
		v[3] = GB_OP(&b, "Conv", y, gb_weights(&b, OQZ_DT_F32, GB_DIMS(c, c, 1, 1), 0.2));
		GB_OP(&b, "Add", v[3], gb_weights(&b, OQZ_DT_F32, GB_DIMS(c, 1, 1), 1)); /* stays: it broadcasts */
		check_additions(&b, v, 4, 1, 2, 2);

		gb_init(&b, 90 + (uint64_t)k);
		x = gb_input(&b, "x", GB_DIMS(1 + k % 2, h, 16));
		v[0] = GB_OP(&b, "MatMul", x, gb_weights(&b, OQZ_DT_F32, GB_DIMS(16, c), 0.3));
		sum = k % 3 ? GB_OP(&b, "Add", v[0], gb_weights(&b, OQZ_DT_F32, GB_DIMS(c), 1))
		            : GB_OP(&b, "Add", gb_weights(&b, OQZ_DT_F32, GB_DIMS(c), 1), v[0]);
		y = k % 2 ? GB_OP(&b, "Gelu", sum) : sum;
		v[1] = GB_OP(&b, "MatMul", y, gb_weights(&b, OQZ_DT_F32, GB_DIMS(c, 12), 0.3));
		GB_OP(&b, "Add", v[1], gb_weights(&b, OQZ_DT_F32, GB_DIMS(h, 12), 1)); /* stays: a row for each row */
		check_additions(&b, v, 2, 1, 1, 2);
	}
}
END_TEST

/* Shapes that depend on data: NonZero, and what follows it. */
START_TEST(shapes_may_depend_on_data)
{
	struct gb b;
	struct oqz_tensor in[1];
	struct oracle o;

	for (int e = 0; e < 3; e++) {
		gb_init(&b, 2);
		struct oqz_value *x = gb_input(&b, "x", GB_DIMS(1, 3, 5, 4));
		struct oqz_value *r =
		    GB_OP(&b, "Relu", GB_OP(&b, "Conv", x, gb_weights(&b, OQZ_DT_F32, GB_DIMS(2, 3, 1, 1), 1)));
		struct oqz_value *n = GB_OP(&b, "NonZero", r), *t = GB_OP(&b, "Transpose", n);
		struct oqz_value *g = GB_OP(&b, "GatherND", r, t);
		struct oqz_value *sum = GB_OP(&b, "ReduceSum", GB_OP(&b, "Sigmoid", g), GB_LIST(&b, 0));
		GB_OP(&b, "Add", sum, GB_OP(&b, "ReduceMax", r));
		gb_finish(&b);
		random_inputs(&b, in);
		oracle_run(&o, b.g, in);
		const char *taps[] = { g->name };
		struct oqz_program *p = program_of(b.g, (enum oqz_engine)e, taps, 1);
		check_program(b.g, p, in, &o, 1e-5);
		oqz_program_free(p);
		oracle_free(&o);
		oqz_tensor_release(&in[0]);
		oqz_graph_free(b.g);
	}
}
END_TEST

OQZ_TEST_MAIN("exec", additions_are_fused, activation_of_two_nodes_is_fused, shapes_may_depend_on_data,
              lstm_equals_reference, depthwise_transposed_convolution, program_equals_oracle,
              program_of_reference_is_the_oracle, program_is_shared_by_threads, program_names_what_is_wrong)
