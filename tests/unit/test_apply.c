/* SPDX-License-Identifier: Apache-2.0
 *
 * core/quant/apply: the quantized graph computes, bit for bit, what the float graph computes on tensors that
 * oqz_fake_quantize() put on the grid; which nodes say so for which grid; what does not fit is named.
 */
#include "core/quant/qplan.h"
#include "core/tensor/fakequant.h"
#include "tests/unit/exec_graph.h"

/* x (1,3,6,6) -> conv (4,3,3,3) -> Relu -> MatMul(r, r^T) and Add(r, x2): x feeds two convolutions. */
struct net {
	struct gb b;
	struct oqz_value *x, *w1, *w2, *y;
	struct oqz_node *conv1, *conv2;
};

static void net_make(struct net *n)
{
	gb_init(&n->b, 5);
	n->x = gb_input(&n->b, "x", GB_DIMS(1, 3, 6, 6));
	n->w1 = gb_weights(&n->b, OQZ_DT_F32, GB_DIMS(4, 3, 3, 3), 0.3);
	n->w2 = gb_weights(&n->b, OQZ_DT_F32, GB_DIMS(4, 3, 3, 3), 2.0);
	struct oqz_value *a = GB_OP(&n->b, "Conv", n->x, n->w1);
	n->conv1 = n->b.last;
	struct oqz_value *c = GB_OP(&n->b, "Conv", n->x, n->w2);
	n->conv2 = n->b.last;
	n->y = GB_OP(&n->b, "Add", a, c);
	gb_output(&n->b, n->y);
	gb_finish(&n->b);
}

static void evaluate(const struct oqz_graph *g, const struct oqz_tensor *x, float *y, size_t n)
{
	const struct oqz_exec_options opt = { .engine = OQZ_ENGINE_REFERENCE };
	OQZ_CLEANUP(oqz_program_free_cleanup) struct oqz_program *p = NULL;
	OQZ_CLEANUP(oqz_context_free_cleanup) struct oqz_context *c = NULL;

	ck_ok(oqz_program_new(g, &opt, &x->shape, &p, err));
	ck_ok(oqz_context_new(p, &c, err));
	memcpy(oqz_context_input(c, 0)->data, x->data, oqz_tensor_bytes(x));
	ck_ok(oqz_context_run(c, 0, oqz_program_nsteps(p), err));
	const struct oqz_tensor *out = oqz_context_output(c, 0);
	ck_assert_int_eq((int)oqz_tensor_nelem(out), (int)n);
	memcpy(y, out->data, n * sizeof *y);
}

/* The constant of the graph on the grid, in place of the old one. */
static void requantize_constant(struct oqz_graph *g, const char *name, const struct oqz_qspec *q)
{
	struct oqz_value *v = oqz_graph_value(g, name);
	struct oqz_tensor t = { 0 };

	ck_ok(oqz_tensor_copy(&t, v->constant, err));
	ck_ok(oqz_fake_quantize(q, &t.shape, t.data, t.data, err));
	ck_ok(oqz_value_set_constant(g, v, &t, err));
	oqz_tensor_release(&t);
}

enum { X = 3 * 6 * 6, Y = 4 * 4 * 4 };

static struct oqz_qplan_site activation(const struct net *n, const struct oqz_node *node, const struct oqz_qspec *q)
{
	return (struct oqz_qplan_site) { .node = node->name, .input = 0, .tensor = n->x->name, .spec = *q };
}

static struct oqz_qplan_site weight(const struct oqz_node *node, const struct oqz_qspec *q)
{
	return (struct oqz_qplan_site) {
		.node = node->name, .input = 1, .tensor = node->in[1]->name, .role = OQZ_INPUT_WEIGHT, .spec = *q
	};
}

/* Quantizes x (of both convolutions) by `a` and the weights by `w`, and compares. Returns the quantized graph. */
static struct oqz_graph *check(struct net *n, const struct oqz_qspec *a, const struct oqz_qspec *w)
{
	OQZ_CLEANUP(oqz_qplan_free_cleanup) struct oqz_qplan *p = oqz_qplan_new();
	OQZ_CLEANUP(oqz_graph_free_cleanup) struct oqz_graph *plain = NULL;
	struct oqz_graph *q = NULL;
	struct oqz_qplan_site s[] = { activation(n, n->conv1, a), weight(n->conv1, w), activation(n, n->conv2, a),
		                      weight(n->conv2, w) };
	struct oqz_tensor x = { 0 };
	struct oqz_shape xs = GB_DIMS(1, 3, 6, 6);
	float want[Y], got[Y], raw[Y];

	for (size_t i = 0; i < OQZ_COUNTOF(s); i++)
		ck_ok(oqz_qplan_add(p, &s[i], err));
	ck_ok(oqz_qplan_apply(p, n->b.g, &q, err));
	ck_ok(oqz_tensor_alloc(&x, OQZ_DT_F32, &xs, err));
	gb_random(&n->b, &x, 1.5);
	evaluate(q, &x, got, Y);
	evaluate(n->b.g, &x, raw, Y);
	ck_ok(oqz_graph_clone(n->b.g, &plain, err));
	requantize_constant(plain, n->w1->name, w);
	requantize_constant(plain, n->w2->name, w);
	ck_ok(oqz_fake_quantize(a, &xs, x.data, x.data, err));
	evaluate(plain, &x, want, Y);
	int changed = 0;
	for (int i = 0; i < Y; i++) {
		ck_assert_msg(got[i] == want[i], "output %d: %a, not %a", i, (double)got[i], (double)want[i]);
		changed += got[i] != raw[i];
	}
	ck_assert_msg(changed > Y / 2, "quantization changed only %d outputs", changed);
	oqz_tensor_release(&x);
	return q;
}

static int count_op(const struct oqz_graph *g, const char *op)
{
	int n = 0;

	for (size_t i = 0; i < g->nodes.n; i++)
		n += !strcmp(g->nodes.v[i]->op_type, op);
	return n;
}

static const float act_scale = 0.02f, channel_scale[] = { 0.013f, 0.021f, 0.008f, 0.03f };

static struct oqz_qspec affine(int bits, bool sym, const int32_t *zero)
{
	int half = 1 << (bits - 1);
	struct oqz_grid g = {
		.kind = OQZ_GRID_AFFINE, .bits = bits, .qmin = sym ? -half : 0, .qmax = sym ? half - 1 : 2 * half - 1
	};

	return (struct oqz_qspec) { .grid = g, .axis = -1, .n_scale = 1, .scale = &act_scale, .zero = zero };
}

static struct oqz_qspec per_channel(struct oqz_qspec q)
{
	q.axis = 0;
	q.n_scale = 4;
	q.scale = channel_scale;
	q.zero = NULL;
	return q;
}

static struct oqz_qspec minifloat(enum oqz_dtype t, uint32_t round)
{
	const struct oqz_minifloat *f = oqz_minifloat_of(t);
	struct oqz_grid g = { .kind = OQZ_GRID_MINIFLOAT,
		              .rounding = round,
		              .bits = 8,
		              .exp_bits = f->exp_bits,
		              .man_bits = f->man_bits,
		              .bias = f->bias,
		              .special = (uint32_t)f->special,
		              .max = f->max };

	return (struct oqz_qspec) { .grid = g, .axis = -1, .n_scale = 1, .scale = &act_scale };
}

START_TEST(int8_becomes_pairs_per_edge)
{
	const int32_t zero = 100;
	struct net n;
	char name[64];

	net_make(&n);
	struct oqz_qspec a = affine(8, false, &zero), w = per_channel(affine(8, true, NULL));
	struct oqz_graph *q = check(&n, &a, &w);
	ck_assert_int_eq(count_op(q, "QuantizeLinear"), 2);
	ck_assert_int_eq(count_op(q, "DequantizeLinear"), 4);
	struct oqz_node *c = oqz_graph_node(q, n.conv1->name);
	ck_assert_str_eq(c->out[0]->name, n.conv1->out[0]->name);
	snprintf(name, sizeof name, "%s/0/dq", n.conv1->name);
	ck_assert_str_eq(c->in[0]->name, name);
	snprintf(name, sizeof name, "%s/1/dq", n.conv1->name);
	ck_assert_str_eq(c->in[1]->name, name);
	const struct oqz_value *codes = c->in[1]->producer->in[0];
	ck_assert(codes->constant && codes->constant->dtype == OQZ_DT_I8);
	const struct oqz_value *act = c->in[0]->producer->in[0];
	ck_assert(act->type.dtype == OQZ_DT_U8 && !strcmp(act->producer->op_type, "QuantizeLinear"));
	ck_assert(act->type.shape.rank == 4 && act->type.shape.dim[1] == 3);
	ck_assert(oqz_graph_value(q, n.w1->name) == NULL);
	oqz_graph_free(q);
	oqz_graph_free(n.b.g);
}
END_TEST

/* Grids that are an element type become pairs, all others FakeQuant, code books and blocks baked weights; results agree
 * in each case. */
START_TEST(every_grid_computes_the_same)
{
	const double book[] = { -2, -1, -0.5, 0, 0.5, 1, 2 };
	struct oqz_qspec half_up = affine(8, true, NULL), narrow = affine(8, true, NULL),
	                 codebook = affine(8, true, NULL);

	half_up.grid.rounding = OQZ_ROUND_HALF_UP;
	narrow.grid.qmin = -127;
	codebook.grid = (struct oqz_grid) { .kind = OQZ_GRID_CODEBOOK, .bits = 3, .n_values = 7, .values = book };
	const struct {
		struct oqz_qspec q;
		bool pairs;
	} rows[] = {
		{ affine(8, true, NULL), true },
		{ affine(16, true, NULL), true },
		{ affine(16, false, NULL), true },
		{ affine(4, true, NULL), true },
		{ affine(6, true, NULL), false },
		{ half_up, false },
		{ narrow, false },
		{ minifloat(OQZ_DT_F8E4M3FN, 0), true },
		{ minifloat(OQZ_DT_F8E4M3FN, 3), false },
		{ minifloat(OQZ_DT_F8E5M2, 0), true },
		{ codebook, false },
	};

	for (size_t i = 0; i < OQZ_COUNTOF(rows); i++) {
		struct net n;
		net_make(&n);
		struct oqz_qspec w = per_channel(rows[i].q);
		struct oqz_graph *q = check(&n, &rows[i].q, &w);
		ck_assert_int_eq(count_op(q, "QuantizeLinear"), rows[i].pairs ? 2 : 0);
		ck_assert_int_eq(count_op(q, "DequantizeLinear"), rows[i].pairs ? 4 : 0);
		ck_assert_int_eq(count_op(q, "FakeQuant"), rows[i].pairs                              ? 0
		                                           : rows[i].q.grid.kind == OQZ_GRID_CODEBOOK ? 2
		                                                                                      : 4);
		oqz_graph_free(q);
		oqz_graph_free(n.b.g);
	}
}
END_TEST

START_TEST(weights_in_blocks_become_pairs)
{
	float scale[4 * 2 * 9];
	struct net n;

	for (size_t i = 0; i < OQZ_COUNTOF(scale); i++)
		scale[i] = 0.01f + 0.001f * (float)i;
	net_make(&n);
	struct oqz_qspec a = affine(8, true, NULL), w = affine(4, true, NULL);
	w.axis = 1;
	w.block = 2; /* of 3 input channels: the last block is shorter */
	w.n_scale = OQZ_COUNTOF(scale);
	w.scale = scale;
	struct oqz_graph *q = check(&n, &a, &w);
	const struct oqz_node *dq = oqz_graph_node(q, n.conv1->name)->in[1]->producer;
	ck_assert(dq->in[0]->constant->dtype == OQZ_DT_I4 && oqz_node_attr(dq, "block_size")->i == 2);
	oqz_graph_free(q);
	oqz_graph_free(n.b.g);
}
END_TEST

/* The quantized graph's first node of an operator; NULL: none. */
static const struct oqz_node *first_op(const struct oqz_graph *g, const char *op)
{
	for (size_t i = 0; i < g->nodes.n; i++)
		if (!strcmp(g->nodes.v[i]->op_type, op))
			return g->nodes.v[i];
	return NULL;
}

/* A grid is written as a type of ONNX, or, where it only resembles one, in words of our own. */
START_TEST(what_resembles_a_type_is_none)
{
	static const int32_t far = 200, three = 3;
	static const float steps[36] = { [0 ... 35] = 0.02f };
	struct oqz_qspec narrow = minifloat(OQZ_DT_F8E4M3FN, 0), shifted = affine(8, true, &far),
	                 odd = affine(5, false, &three), dynamic = minifloat(OQZ_DT_F8E4M3FN, 0);
	const struct {
		struct oqz_qspec q;
		bool typed; /* false: FakeQuant */
	} rows[] = {
		{ affine(8, true, NULL), true },
		{ affine(8, false, &three), true },
		{ affine(16, true, NULL), true },
		{ affine(4, true, NULL), true },
		{ minifloat(OQZ_DT_F8E4M3FN, 0), true },
		{ minifloat(OQZ_DT_F8E5M2, 0), true },
		{ narrow, false },
		{ shifted, false },
		{ odd, false },
		{ dynamic, false },
	};

	for (size_t i = 0; i < OQZ_COUNTOF(rows); i++) {
		struct net n;
		struct oqz_qspec q = rows[i].q;
		if (i == 6)
			q.grid.max = 240;
		if (i == 9) {
			q.dynamic = OQZ_SCALE_E8M0;
			q.axis = 1;
			q.block = 2;
		}
		net_make(&n);
		struct oqz_graph *g = check(&n, &q, &q);
		ck_assert_msg(!!first_op(g, "QuantizeLinear") == rows[i].typed &&
		                  !!first_op(g, "FakeQuant") == !rows[i].typed,
		              "row %zu", i);
		oqz_graph_free(g);
		oqz_graph_free(n.b.g);
	}
	struct net n;
	net_make(&n);
	struct oqz_qspec q = affine(8, true, NULL), blocks = q;
	blocks.axis = 1;
	blocks.block = 3;
	blocks.n_scale = 36;
	blocks.scale = steps;
	struct oqz_graph *g = check(&n, &q, &blocks);
	ck_assert(!first_op(g, "FakeQuant"));
	oqz_graph_free(g);
	/* what is computed has no scales for its blocks but those made at run time */
	struct oqz_qplan *p = oqz_qplan_new();
	struct oqz_qplan_site s = activation(&n, n.conv1, &blocks);
	ck_ok(oqz_qplan_add(p, &s, err));
	ck_fails(oqz_qplan_apply(p, n.b.g, &g, err), OQZ_E_UNSUPPORTED, "for constants only");
	oqz_qplan_free(p);
	oqz_graph_free(n.b.g);
}
END_TEST

/* The next layer reads what is on the output's grid, and puts that on its own. */
START_TEST(outputs_come_before_inputs)
{
	struct gb b;
	struct oqz_graph *g = NULL;
	struct oqz_qplan *p = oqz_qplan_new();
	struct oqz_qspec q = affine(8, true, NULL);

	gb_init(&b, 6);
	struct oqz_value *a = GB_OP(&b, "Conv", gb_input(&b, "x", GB_DIMS(1, 3, 6, 6)),
	                            gb_weights(&b, OQZ_DT_F32, GB_DIMS(3, 3, 1, 1), 1));
	const char *first = b.last->name;
	GB_OP(&b, "Conv", a, gb_weights(&b, OQZ_DT_F32, GB_DIMS(2, 3, 1, 1), 1));
	const char *second = b.last->name;
	gb_finish(&b);
	ck_ok(oqz_qplan_add(p,
	                    &(struct oqz_qplan_site) {
	                        .node = first, .input = -1, .tensor = a->name, .role = OQZ_SITE_OUTPUT, .spec = q },
	                    err));
	ck_ok(oqz_qplan_add(p, &(struct oqz_qplan_site) { .node = second, .tensor = a->name, .spec = q }, err));
	ck_ok(oqz_qplan_apply(p, b.g, &g, err));
	const struct oqz_value *v = oqz_graph_node(g, second)->in[0];
	static const char *const way[] = { "DequantizeLinear", "QuantizeLinear", "DequantizeLinear", "QuantizeLinear",
		                           "Conv" };
	for (size_t i = 0; i < OQZ_COUNTOF(way); i++) {
		ck_assert_str_eq(v->producer->op_type, way[i]);
		v = v->producer->in[0];
	}
	oqz_qplan_free(p);
	oqz_graph_free(g);
	oqz_graph_free(b.g);
}
END_TEST

static void thirds(void *ctx, const struct oqz_shape *shape, const float *x, float *y)
{
	for (int64_t i = 0; i < oqz_shape_nelem(shape); i++)
		y[i] = rintf(x[i] * *(const float *)ctx) / *(const float *)ctx;
}

START_TEST(custom_functions_are_called)
{
	float three = 3;
	struct net n;
	struct oqz_qspec q = {
		.grid = { .kind = OQZ_GRID_CUSTOM }, .axis = -1, .fake_quantize = thirds, .ctx = &three
	};

	net_make(&n);
	struct oqz_graph *g = check(&n, &q, &q);
	ck_assert_int_eq(count_op(g, "FakeQuant"), 2);
	oqz_graph_free(g);
	oqz_graph_free(n.b.g);
}
END_TEST

static void refuse(const struct net *n, struct oqz_qplan_site s, const char *message)
{
	struct oqz_qplan *p = oqz_qplan_new();
	struct oqz_graph *q = NULL;

	ck_ok(oqz_qplan_add(p, &s, err));
	ck_fails(oqz_qplan_apply(p, n->b.g, &q, err), OQZ_E_MISMATCH, message);
	ck_fails(oqz_qplan_apply(p, n->b.g, &q, err), OQZ_E_MISMATCH, s.node);
	oqz_qplan_free(p);
}

START_TEST(what_does_not_fit_is_named)
{
	struct net n;

	net_make(&n);
	struct oqz_qspec q = affine(8, true, NULL), w = per_channel(q);
	struct oqz_qplan_site s = activation(&n, n.conv1, &q);
	s.node = "nowhere";
	refuse(&n, s, "no node");
	s = activation(&n, n.conv1, &q);
	s.input = 7;
	refuse(&n, s, "no such input");
	s = activation(&n, n.conv1, &q);
	s.tensor = "z";
	refuse(&n, s, "'z'");
	s = weight(n.conv1, &w);
	s.spec.n_scale = 3;
	refuse(&n, s, "4 are needed");
	struct oqz_qplan *p = oqz_qplan_new();
	struct oqz_graph *g = NULL;
	s = activation(&n, n.conv1, &q);
	ck_ok(oqz_qplan_add(p, &s, err));
	ck_ok(oqz_qplan_add(p, &s, err));
	ck_fails(oqz_qplan_apply(p, n.b.g, &g, err), OQZ_E_MISMATCH, "/0/dq"); /* the same edge twice */
	oqz_qplan_free(p);
	oqz_graph_free(n.b.g);
}
END_TEST

OQZ_TEST_MAIN("apply", what_resembles_a_type_is_none, outputs_come_before_inputs, int8_becomes_pairs_per_edge,
              every_grid_computes_the_same, weights_in_blocks_become_pairs, custom_functions_are_called,
              what_does_not_fit_is_named)
