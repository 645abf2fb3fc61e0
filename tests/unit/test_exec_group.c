/* SPDX-License-Identifier: Apache-2.0
 *
 * Quantized layers as one step: what is absorbed and what is not, and that the integer, the simulated and the reference
 * form of a layer agree when they are given the same input (whole networks may differ by a step here and there, which
 * then spreads: see the layer on its own, oqz_context_run_alone).
 */
#include "core/ops/op_fakequant.h"
#include "tests/unit/exec_graph.h"

/* Q -> DQ behind a value, per tensor. */
static struct oqz_value *qdq(struct gb *b, struct oqz_value *x, enum oqz_dtype t, double scale, int zero)
{
	struct oqz_value *s = gb_scalar(b, OQZ_DT_F32, scale), *z = gb_scalar(b, t, zero);

	return GB_OP(b, "DequantizeLinear", GB_OP(b, "QuantizeLinear", x, s, z), s, z);
}

/* Codes -> DQ, one scale per index of `axis` (-1: one). */
static struct oqz_value *codes(struct gb *b, struct oqz_shape shape, int axis)
{
	struct oqz_tensor scale = { 0 };
	struct oqz_shape n = axis < 0 ? (struct oqz_shape) { .rank = 0 } : GB_DIMS(shape.dim[axis]);

	ck_ok(oqz_tensor_alloc(&scale, OQZ_DT_F32, &n, err));
	for (int64_t i = 0; i < oqz_tensor_nelem(&scale); i++)
		((float *)scale.data)[i] = 0.002f + 0.004f * (float)oqz_rng_f64(&b->rng);
	struct oqz_value *y = GB_OP(b, "DequantizeLinear", gb_weights(b, OQZ_DT_I8, shape, 40), gb_const(b, &scale));
	if (axis >= 0)
		ck_ok(oqz_node_set_int(b->last, "axis", axis, err));
	oqz_tensor_release(&scale);
	return y;
}

static struct oqz_value *fake(struct gb *b, struct oqz_value *x, const char *kind, double scale)
{
	struct oqz_value *y = GB_OP(b, "FakeQuant", x, gb_scalar(b, OQZ_DT_F32, scale));
	struct oqz_node *n = b->last;

	ck_ok(oqz_node_set_string(n, "kind", kind, err));
	if (strcmp(kind, "affine") == 0) {
		ck_ok(oqz_node_set_int(n, "qmin", -8, err));
		ck_ok(oqz_node_set_int(n, "qmax", 7, err));
		return y;
	}
	ck_ok(oqz_node_set_int(n, "exp_bits", 4, err));
	ck_ok(oqz_node_set_int(n, "man_bits", 3, err));
	ck_ok(oqz_node_set_int(n, "bias", 7, err));
	ck_ok(oqz_node_set_int(n, "special", 1, err));
	ck_ok(oqz_node_set_int(n, "rounding", 3, err));
	ck_ok(oqz_node_set_float(n, "max", 448, err));
	return y;
}

/* Runs every tapped layer alone on the oracle's inputs under each engine. */
static void check_layers(struct gb *b, const char *const *taps, size_t n)
{
	struct oqz_tensor inputs[4];
	struct oracle o;

	random_inputs(b, inputs);
	oracle_run(&o, b->g, inputs);
	for (int e = OQZ_ENGINE_AUTO; e <= OQZ_ENGINE_REFERENCE; e++) {
		struct oqz_program *p = program_of(b->g, (enum oqz_engine)e, taps, n);
		struct oqz_context *c = NULL;
		ck_ok(oqz_context_new(p, &c, err));
		fill_inputs(c, p, inputs);
		ck_ok(oqz_context_run(c, 0, oqz_program_nsteps(p), err));
		for (size_t t = 0; t < n; t++) {
			int tap = oqz_program_tap(p, taps[t]);
			const struct oqz_tensor *in[4], *out;
			size_t n_in = oqz_program_tap_ninputs(p, tap);
			for (size_t i = 0; i < n_in; i++)
				in[i] = oracle_at(&o, oqz_program_tap_input(p, tap, i));
			ck_ok(oqz_context_run_alone(c, tap, in, n_in, &out, err));
			double d = tensor_difference(out, oracle_at(&o, taps[t]));
			if (!(d <= 1e-5))
				print_steps(p);
			ck_assert_msg(d <= (e == OQZ_ENGINE_REFERENCE ? 0 : 1e-5), "engine %s, layer %s: off by %g",
			              oqz_engine_name((enum oqz_engine)e), taps[t], d);
		}
		oqz_context_free(c);
		oqz_program_free(p);
	}
	oracle_free(&o);
	for (size_t i = 0; i < b->g->inputs.n; i++)
		oqz_tensor_release(&inputs[i]);
}

static struct oqz_value *conv(struct gb *b, struct oqz_value *x, struct oqz_value *w, int64_t m, int64_t group)
{
	struct oqz_value *y = GB_OP(b, "Conv", x, w, gb_weights(b, OQZ_DT_F32, GB_DIMS(m), 0.1));

	GB_INTS(b, "pads", 1, 1, 1, 1);
	ck_ok(oqz_node_set_int(b->last, "group", group, err));
	return y;
}

START_TEST(group_convolutions_agree)
{
	struct gb b;
	struct oqz_value *v[4];
	const char *taps[4];

	gb_init(&b, 3);
	struct oqz_value *x = gb_input(&b, "x", GB_DIMS(1, 16, 9, 7));
	v[0] = conv(&b, qdq(&b, x, OQZ_DT_I8, 0.02, 0), codes(&b, GB_DIMS(24, 16, 3, 3), 0), 24, 1);
	struct oqz_value *r = GB_OP(&b, "Relu", v[0]);
	v[1] = conv(&b, qdq(&b, r, OQZ_DT_U8, 0.01, 0), codes(&b, GB_DIMS(24, 1, 3, 3), -1), 24, 24);
	v[2] = conv(&b, qdq(&b, v[1], OQZ_DT_U8, 0.05, 131), codes(&b, GB_DIMS(8, 24, 3, 3), 0), 8, 1);
	v[3] = conv(&b, qdq(&b, v[2], OQZ_DT_I8, 0.03, -7), codes(&b, GB_DIMS(16, 8, 3, 3), 0), 16, 1);
	gb_finish(&b);
	for (int i = 0; i < 4; i++)
		taps[i] = v[i]->name;
	check_layers(&b, taps, 4);
	oqz_graph_free(b.g);
}
END_TEST

START_TEST(group_matrix_products_agree)
{
	struct gb b;
	const char *taps[5];

	gb_init(&b, 4);
	struct oqz_value *x = gb_input(&b, "x", GB_DIMS(2, 5, 16));
	struct oqz_value *m = GB_OP(&b, "MatMul", qdq(&b, x, OQZ_DT_I8, 0.03, 0), codes(&b, GB_DIMS(16, 12), 1));
	struct oqz_value *t = GB_OP(&b, "Transpose", m);
	GB_INTS(&b, "perm", 0, 2, 1);
	struct oqz_value *a = GB_OP(&b, "MatMul", qdq(&b, m, OQZ_DT_I8, 0.05, 0), qdq(&b, t, OQZ_DT_I8, 0.04, 0));
	struct oqz_value *ln =
	    GB_OP(&b, "LayerNormalization", qdq(&b, a, OQZ_DT_I8, 0.1, 3), gb_weights(&b, OQZ_DT_F32, GB_DIMS(5), 1),
	          gb_weights(&b, OQZ_DT_F32, GB_DIMS(5), 1));
	struct oqz_value *f = GB_OP(&b, "Reshape", ln, GB_LIST(&b, 10, 5));
	struct oqz_value *g = GB_OP(&b, "Gemm", qdq(&b, f, OQZ_DT_U8, 0.02, 100), codes(&b, GB_DIMS(7, 5), 0),
	                            gb_weights(&b, OQZ_DT_F32, GB_DIMS(7), 1));
	ck_ok(oqz_node_set_int(b.last, "transB", 1, err));
	struct oqz_value *left = GB_OP(&b, "MatMul", codes(&b, GB_DIMS(3, 10), -1), qdq(&b, f, OQZ_DT_I8, 0.02, 0));
	gb_output(&b, g);
	gb_output(&b, left);
	gb_finish(&b);
	taps[0] = m->name;
	taps[1] = a->name;
	taps[2] = ln->name;
	taps[3] = g->name;
	taps[4] = left->name; /* the constant is the left factor */
	check_layers(&b, taps, 5);
	oqz_graph_free(b.g);
}
END_TEST

START_TEST(group_takes_other_grids)
{
	struct gb b;
	const char *taps[4];

	gb_init(&b, 5);
	struct oqz_value *x = gb_input(&b, "x", GB_DIMS(1, 6, 8, 8));
	struct oqz_value *w = fake(&b, gb_weights(&b, OQZ_DT_F32, GB_DIMS(10, 6, 3, 3), 0.2), "minifloat", 0.01);
	struct oqz_value *c = conv(&b, fake(&b, x, "minifloat", 0.25), w, 10, 1);
	struct oqz_value *d = conv(&b, fake(&b, c, "affine", 0.2), codes(&b, GB_DIMS(4, 10, 3, 3), 0), 4, 1);
	struct oqz_value *e = conv(&b, qdq(&b, d, OQZ_DT_F8E4M3FN, 0.1, 0), codes(&b, GB_DIMS(4, 4, 3, 3), 0), 4, 1);
	/* one scale per channel: simulated in the layout of the convolution */
	struct oqz_value *s = gb_weights(&b, OQZ_DT_F32, GB_DIMS(4), 0);
	for (int i = 0; i < 4; i++)
		((float *)s->constant->data)[i] = 0.01f * (float)(i + 1);
	struct oqz_value *q = GB_OP(&b, "QuantizeLinear", e, s, gb_weights(&b, OQZ_DT_I8, GB_DIMS(4), 0));
	struct oqz_value *dq = GB_OP(&b, "DequantizeLinear", q, s, gb_weights(&b, OQZ_DT_I8, GB_DIMS(4), 0));
	struct oqz_value *f = conv(&b, dq, codes(&b, GB_DIMS(5, 4, 3, 3), 0), 5, 1);
	gb_finish(&b);
	taps[0] = c->name;
	taps[1] = d->name;
	taps[2] = e->name;
	taps[3] = f->name;
	check_layers(&b, taps, 4);
	oqz_graph_free(b.g);
}
END_TEST

static void halves(void *ctx, const struct oqz_shape *shape, const float *x, float *y)
{
	for (int64_t i = 0; i < oqz_shape_nelem(shape); i++)
		y[i] = rintf(x[i] * *(const float *)ctx) / *(const float *)ctx;
}

/* A plugin's own function: no scale, row-major, in front of a convolution that wants channels-last. */
START_TEST(group_takes_a_function)
{
	struct gb b;
	float two = 2;

	gb_init(&b, 9);
	struct oqz_value *x = gb_input(&b, "x", GB_DIMS(2, 4, 6, 5));
	struct oqz_value *c = conv(&b, x, codes(&b, GB_DIMS(6, 4, 3, 3), 0), 6, 1);
	struct oqz_value *f = GB_OP(&b, "FakeQuant", c);
	struct oqz_node *n = b.last;
	ck_ok(oqz_node_set_string(n, "kind", "custom", err));
	struct oqz_value *y = conv(&b, f, codes(&b, GB_DIMS(3, 6, 3, 3), 0), 3, 1);
	gb_finish(&b);
	struct oqz_fakequant *p = n->params;
	p->custom = halves;
	p->ctx = &two;
	check_layers(&b, (const char *[]) { y->name }, 1);
	oqz_graph_free(b.g);
}
END_TEST

START_TEST(group_leaves_shared_and_tapped_edges)
{
	struct gb b;
	struct oqz_tensor in[1];
	struct oracle o;
	const struct oqz_tensor *ret;
	struct oqz_context *c = NULL;

	gb_init(&b, 6);
	struct oqz_value *x = gb_input(&b, "x", GB_DIMS(1, 4, 6, 6));
	struct oqz_value *d = qdq(&b, x, OQZ_DT_U8, 0.02, 128);
	struct oqz_value *y = conv(&b, d, codes(&b, GB_DIMS(4, 4, 3, 3), 0), 4, 1);
	struct oqz_value *z = GB_OP(&b, "Add", GB_OP(&b, "Relu", y), d); /* the residual reads the same edge */
	struct oqz_value *e = qdq(&b, z, OQZ_DT_U8, 0.03, 90);
	struct oqz_value *w = conv(&b, e, codes(&b, GB_DIMS(4, 4, 3, 3), 0), 4, 1);
	gb_finish(&b);
	const char *taps[] = { y->name, w->name, e->name };
	random_inputs(&b, in);
	oracle_run(&o, b.g, in);
	for (int eng = 0; eng < 3; eng++) {
		struct oqz_program *p = program_of(b.g, (enum oqz_engine)eng, taps, 3);
		ck_assert_int_eq(count_steps(p, "QuantizeLinear"), 2);
		ck_assert_int_eq(count_steps(p, "DequantizeLinear"), 2);
		ck_ok(oqz_context_new(p, &c, err));
		ck_fails(
		    oqz_context_run_alone(c, 0, (const struct oqz_tensor *[]) { oracle_at(&o, "x") }, 1, &ret, err),
		    OQZ_E_UNSUPPORTED, "codes");
		oqz_context_free(c);
		if (eng != OQZ_ENGINE_AUTO)
			check_program(b.g, p, in, &o, 2e-5);
		oqz_program_free(p);
	}
	struct oqz_program *p = program_of(b.g, OQZ_ENGINE_AUTO, taps, 1);
	ck_assert_int_eq(count_steps(p, "DequantizeLinear"), 1);
	oqz_program_free(p);
	oracle_free(&o);
	oqz_tensor_release(&in[0]);
	oqz_graph_free(b.g);
}
END_TEST

START_TEST(weights_alone_are_no_group)
{
	struct gb b;
	struct oqz_tensor in[1];
	struct oracle o;

	gb_init(&b, 8);
	struct oqz_value *x = gb_input(&b, "x", GB_DIMS(1, 4, 6, 6));
	conv(&b, x, codes(&b, GB_DIMS(4, 4, 3, 3), 0), 4, 1);
	gb_finish(&b);
	random_inputs(&b, in);
	oracle_run(&o, b.g, in);
	struct oqz_program *p = program_of(b.g, OQZ_ENGINE_AUTO, NULL, 0);
	ck_assert_int_eq(count_steps(p, "DequantizeLinear"), 0);
	check_program(b.g, p, in, &o, 1e-5);
	oqz_program_free(p);
	oracle_free(&o);
	oqz_tensor_release(&in[0]);
	oqz_graph_free(b.g);
}
END_TEST

OQZ_TEST_MAIN("exec_group", group_convolutions_agree, group_matrix_products_agree, group_takes_other_grids,
              group_takes_a_function, group_leaves_shared_and_tapped_edges, weights_alone_are_no_group)
