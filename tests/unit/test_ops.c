/* SPDX-License-Identifier: Apache-2.0
 *
 * The frame of the operators: ops.def and the families' rows agree, attributes are parsed and refused by the table, old
 * forms are translated, shapes are bound, roles and products are told. Kernels are tested by the ONNX vectors
 * (test_ops_onnx.c); here only what those lack.
 */
#include "core/base/str.h"
#include "core/ops/fold.h"
#include "core/ops/interpret.h"
#include "core/ops/op_matmul.h"
#include "core/ops/window.h"
#include "tests/support/support.h"

#include <string.h>

static const struct {
	enum oqz_op_id id;
	const char *name, *domain;
} defs[] = {
#define OQZ_OP(id, name, domain, since, min_in, max_in, min_out, max_out, family) { OQZ_OP_##id, name, domain },
#include "core/ops/ops.def"
#undef OQZ_OP
};

START_TEST(every_operator_has_its_row)
{
	for (size_t i = 0; i < OQZ_COUNTOF(defs); i++) {
		const struct oqz_op *op = oqz_op_row(defs[i].id);
		ck_assert_msg(op != NULL, "%s has no row", defs[i].name);
		ck_assert_str_eq(op->name, defs[i].name);
		ck_assert_ptr_eq(oqz_op_find(defs[i].domain, defs[i].name), op);
		ck_assert_msg(op->infer && op->run, "%s lacks a type rule or a kernel", op->name);
		ck_assert_msg(op->max_in < 0 || op->n_roles <= op->max_in, "%s has too many roles", op->name);
		for (const struct oqz_attr_spec *s = op->attrs; s && s->name; s++)
			ck_assert_msg(s->offset < op->params_size, "%s: %s lies outside", op->name, s->name);
	}
	ck_assert_ptr_null(oqz_op_find("", "NoSuchOperator"));
	ck_assert_ptr_eq(oqz_op_find("ai.onnx", "Conv"), oqz_op_row(OQZ_OP_CONV));
	ck_assert_ptr_null(oqz_op_find("com.example", "Conv"));
}
END_TEST

/* ---- small graphs ---- */

static struct oqz_value *value(struct oqz_graph *g, const char *name)
{
	struct oqz_value *v;

	ck_ok(oqz_graph_add_value(g, name, &v, err));
	return v;
}

static struct oqz_value *input(struct oqz_graph *g, const char *name, enum oqz_dtype t, int rank, const int64_t *dims)
{
	struct oqz_value *v = value(g, name);

	v->type = (struct oqz_type) { t, oqz_shape_of(rank, dims) };
	v->is_input = true;
	ck_assert(oqz_vec_push(&g->inputs, v));
	return v;
}

static struct oqz_value *floats(struct oqz_graph *g, const char *name, int rank, const int64_t *dims, float fill)
{
	struct oqz_shape s = oqz_shape_of(rank, dims);
	struct oqz_tensor t = { 0 };
	struct oqz_value *v;

	ck_ok(oqz_tensor_alloc(&t, OQZ_DT_F32, &s, err));
	for (int64_t i = 0; i < oqz_tensor_nelem(&t); i++)
		((float *)t.data)[i] = fill;
	ck_ok(oqz_graph_add_constant(g, name, &t, &v, err));
	oqz_tensor_release(&t);
	return v;
}

static struct oqz_node *node(struct oqz_graph *g, const char *op, int opset, struct oqz_value *a, struct oqz_value *b,
                             const char *out)
{
	struct oqz_value *in[2] = { a, b }, *o = value(g, out);
	struct oqz_node *n;

	ck_ok(oqz_graph_add_node(g, NULL, "", op, opset, in, b ? 2 : 1, &o, 1, NULL, &n, err));
	return n;
}

static void output(struct oqz_graph *g, struct oqz_value *v)
{
	v->is_output = true;
	ck_assert(oqz_vec_push(&g->outputs, v));
}

START_TEST(attributes_are_held_against_the_table)
{
	struct oqz_graph *g = oqz_graph_new();
	struct oqz_value *x = input(g, "x", OQZ_DT_F32, 4, (int64_t[]) { 1, 3, 8, 8 });
	struct oqz_value *w = floats(g, "w", 4, (int64_t[]) { 4, 3, 3, 3 }, 1);
	struct oqz_node *n = node(g, "Conv", 11, x, w, "y");

	g->source = "m.onnx";
	output(g, n->out[0]);
	ck_ok(oqz_node_set_int(n, "group", 1, err));
	ck_ok(oqz_node_set_int(n, "colour", 3, err));
	ck_fails(oqz_ops_resolve(g, err), OQZ_E_UNSUPPORTED, "m.onnx");
	ck_fails(oqz_ops_resolve(g, err), OQZ_E_UNSUPPORTED, "Conv");
	ck_fails(oqz_ops_resolve(g, err), OQZ_E_UNSUPPORTED, "unknown attribute colour");
	oqz_node_remove_attr(n, "colour");
	ck_ok(oqz_node_set_float(n, "strides", 2, err));
	ck_fails(oqz_ops_resolve(g, err), OQZ_E_DATA, "strides");
	ck_ok(oqz_node_set_ints(n, "strides", (int64_t[]) { 2, 2 }, 2, err));
	ck_ok(oqz_ops_resolve(g, err));
	const struct oqz_conv_params *p = OQZ_PARAMS(n, struct oqz_conv_params);
	ck_assert_int_eq(p->group, 1);
	ck_assert_uint_eq(p->strides.n, 2);
	ck_assert_ptr_null(p->pads.v);
	ck_assert_str_eq(p->auto_pad, "NOTSET");
	ck_ok(oqz_infer_types(g, err));
	ck_assert_int_eq(n->out[0]->type.shape.dim[1], 4);
	ck_assert_int_eq(n->out[0]->type.shape.dim[2], 3);
	/* roles and products: 1*4*3*3 outputs of 3*3*3 products */
	ck_assert_int_eq(oqz_op_role(n, 0), OQZ_ROLE_ACTIVATION);
	ck_assert_int_eq(oqz_op_role(n, 1), OQZ_ROLE_WEIGHT);
	ck_assert_int_eq(oqz_op_channel_axis(n, 1), 0);
	ck_assert_int_eq(oqz_op_channel_axis(n, 0), -1);
	ck_assert_int_eq(oqz_op_macs(n), 36 * 27);
	oqz_graph_free(g);
}
END_TEST

START_TEST(unsupported_operators_are_listed)
{
	struct oqz_graph *g = oqz_graph_new();
	struct oqz_value *x = input(g, "x", OQZ_DT_F32, 1, (int64_t[]) { 4 });
	struct oqz_node *n = node(g, "Frobnicate", 11, x, NULL, "y");
	struct oqz_str s = { 0 };

	output(g, node(g, "Upsample", 9, n->out[0], x, "z")->out[0]);
	ck_assert_int_eq(oqz_ops_unsupported(g, &s), 1);
	ck_assert_ptr_nonnull(strstr(oqz_str_get(&s), "ai.onnx::Frobnicate-11"));
	ck_fails(oqz_ops_resolve(g, err), OQZ_E_UNSUPPORTED, "Frobnicate");
	oqz_str_release(&s);
	oqz_graph_free(g);
}
END_TEST

START_TEST(an_operator_newer_than_the_model_is_refused)
{
	struct oqz_graph *g = oqz_graph_new();
	struct oqz_value *x = input(g, "x", OQZ_DT_F32, 1, (int64_t[]) { 4 });

	output(g, node(g, "Mish", 17, x, NULL, "y")->out[0]);
	ck_fails(oqz_ops_resolve(g, err), OQZ_E_DATA, "Mish");
	oqz_graph_free(g);
}
END_TEST

static float first_output(const struct oqz_graph *g, const float *x, const struct oqz_shape *s, size_t at)
{
	struct oqz_tensor in = { .dtype = OQZ_DT_F32, .shape = *s, .data = (void *)x }, out = { 0 };
	const struct oqz_tensor *const ins[] = { &in };

	ck_ok(oqz_interpret(g, ins, &out, NULL, NULL, err));
	ck_assert_int_gt(oqz_tensor_nelem(&out), (int64_t)at);
	float y = ((const float *)out.data)[at];
	oqz_tensor_release(&out);
	return y;
}

/* Add-6 with axis: B's dims stand at A's from axis on. */
START_TEST(legacy_broadcast_is_aligned_at_its_axis)
{
	struct oqz_graph *g = oqz_graph_new();
	struct oqz_shape s = { .rank = 3, .dim = { 2, 3, 2 } };
	struct oqz_value *x = input(g, "x", OQZ_DT_F32, 3, s.dim), *b;
	const float x0[12] = { 0 }, bias[3] = { 1, 2, 3 };
	struct oqz_tensor t = { .dtype = OQZ_DT_F32, .shape = { .rank = 1, .dim = { 3 } }, .data = (void *)bias };

	ck_ok(oqz_graph_add_constant(g, "b", &t, &b, err));
	struct oqz_node *n = node(g, "Add", 6, x, b, "y");
	ck_ok(oqz_node_set_int(n, "axis", 1, err));
	ck_ok(oqz_node_set_int(n, "broadcast", 1, err));
	output(g, n->out[0]);
	ck_ok(oqz_ops_resolve(g, err));
	for (size_t i = 0; i < 12; i++)
		ck_assert_float_eq(first_output(g, x0, &s, i), bias[i / 2 % 3]);
	oqz_graph_free(g);
}
END_TEST

/* Softmax-11 on axis 1 of (1, 2, 2) runs over all four elements. */
START_TEST(legacy_softmax_flattens)
{
	struct oqz_graph *g = oqz_graph_new();
	struct oqz_shape s = { .rank = 3, .dim = { 1, 2, 2 } };
	struct oqz_value *x = input(g, "x", OQZ_DT_F32, 3, s.dim);
	const float zeros[4] = { 0 };

	output(g, node(g, "Softmax", 11, x, NULL, "y")->out[0]);
	ck_ok(oqz_ops_resolve(g, err));
	ck_assert_str_eq(g->outputs.v[0]->name, "y");
	ck_assert_float_eq_tol(first_output(g, zeros, &s, 3), 0.25f, 1e-7f);
	ck_ok(oqz_bind_shapes(g, &s, err));
	ck_assert_float_eq_tol(first_output(g, zeros, &s, 3), 0.25f, 1e-7f);
	ck_assert_int_eq(g->outputs.v[0]->type.shape.rank, 3);
	oqz_graph_free(g);
}
END_TEST

/* Clip-6's bounds become inputs; a node of the newest form is left as it is. */
START_TEST(attributes_become_inputs)
{
	struct oqz_graph *g = oqz_graph_new();
	struct oqz_shape s = { .rank = 1, .dim = { 2 } };
	struct oqz_node *n = node(g, "Clip", 6, input(g, "x", OQZ_DT_F32, 1, s.dim), NULL, "y");
	const float x[2] = { -9, 9 };

	ck_ok(oqz_node_set_float(n, "min", -1, err));
	ck_ok(oqz_node_set_float(n, "max", 6, err));
	output(g, n->out[0]);
	ck_ok(oqz_ops_resolve(g, err));
	ck_assert_int_eq(n->n_in, 3);
	ck_assert_float_eq(first_output(g, x, &s, 0), -1);
	ck_assert_float_eq(first_output(g, x, &s, 1), 6);
	ck_ok(oqz_node_resolve(n, err));
	ck_assert_int_eq(n->n_in, 3);
	oqz_graph_free(g);
}
END_TEST

START_TEST(binding_checks_and_propagates)
{
	struct oqz_graph *g = oqz_graph_new();
	struct oqz_value *x = input(g, "x", OQZ_DT_F32, 2, (int64_t[]) { -1, 3 });
	struct oqz_value *y = input(g, "y", OQZ_DT_F32, 2, (int64_t[]) { -1, 3 });
	struct oqz_node *sum = node(g, "Add", 14, x, y, "sum");
	struct oqz_node *shape = node(g, "Shape", 15, sum->out[0], NULL, "shape");
	struct oqz_node *back = node(g, "Reshape", 14, x, shape->out[0], "z");

	x->dim_name[0] = y->dim_name[0] = "N";
	output(g, back->out[0]);
	ck_ok(oqz_ops_resolve(g, err));
	ck_ok(oqz_infer_types(g, err));
	struct oqz_shape bad[2] = { { 2, { 4, 3 } }, { 2, { 5, 3 } } }, wrong[2] = { { 2, { 4, 2 } }, { 2, { 4, 2 } } };
	struct oqz_shape good[2] = { { 2, { 4, 3 } }, { 2, { 4, 3 } } };
	ck_fails(oqz_bind_shapes(g, bad, err), OQZ_E_MISMATCH, "(N)");
	ck_fails(oqz_bind_shapes(g, wrong, err), OQZ_E_MISMATCH, "'x'");
	struct oqz_graph *c;
	ck_ok(oqz_graph_clone(g, &c, err));
	oqz_graph_free(g);
	oqz_graph_free(c);

	g = oqz_graph_new();
	x = input(g, "x", OQZ_DT_F32, 2, (int64_t[]) { -1, 3 });
	shape = node(g, "Shape", 15, x, NULL, "shape");
	back = node(g, "Reshape", 14, x, shape->out[0], "z");
	output(g, back->out[0]);
	ck_ok(oqz_ops_resolve(g, err));
	ck_ok(oqz_bind_shapes(g, good, err));
	ck_assert_uint_eq(g->nodes.n, 1); /* the shape is a constant now */
	ck_assert_int_eq(back->out[0]->type.shape.dim[0], 4);
	oqz_graph_free(g);
}
END_TEST

/* What is constant is evaluated; the pair around a quantized weight stays. */
START_TEST(folding_keeps_quantized_weights)
{
	struct oqz_graph *g = oqz_graph_new();
	struct oqz_value *x = input(g, "x", OQZ_DT_F32, 1, (int64_t[]) { 2 });
	struct oqz_value *one = floats(g, "one", 1, (int64_t[]) { 2 }, 1), *scale = floats(g, "s", 0, NULL, 0.5f);
	struct oqz_node *two = node(g, "Add", 14, one, one, "two");
	struct oqz_node *q = node(g, "QuantizeLinear", 13, two->out[0], scale, "q");
	struct oqz_node *dq = node(g, "DequantizeLinear", 13, q->out[0], scale, "dq");
	int changed;

	output(g, node(g, "Mul", 14, x, dq->out[0], "y")->out[0]);
	ck_ok(oqz_ops_resolve(g, err));
	ck_ok(oqz_fold_constants(g, 4, &changed, err));
	ck_assert_int_eq(changed, 0); /* larger than the limit */
	ck_ok(oqz_fold_constants(g, 0, &changed, err));
	ck_assert_int_eq(changed, 1);
	ck_assert_uint_eq(g->nodes.n, 3);
	ck_assert_ptr_nonnull(q->in[0]->constant);
	ck_assert_float_eq(((const float *)q->in[0]->constant->data)[1], 2);
	oqz_graph_free(g);
}
END_TEST

/* ---- windows ---- */

static struct oqz_window pool(int64_t in, int64_t k, int64_t s, int64_t pad_b, int64_t pad_e, bool ceil_mode,
                              const char *auto_pad)
{
	const int64_t kernel[1] = { k }, stride[1] = { s }, pads[2] = { pad_b, pad_e };
	struct oqz_pool_params p = { .auto_pad = auto_pad,
		                     .ceil_mode = ceil_mode,
		                     .kernel_shape = { 1, kernel },
		                     .strides = { 1, stride },
		                     .pads = { 2, pads } };
	struct oqz_shape x = { .rank = 3, .dim = { 1, 1, in } };
	struct oqz_window w;

	ck_ok(oqz_pool_window(&p, &x, &w, err));
	return w;
}

START_TEST(window_sizes_follow_onnx)
{
	ck_assert_int_eq(pool(5, 2, 2, 0, 0, false, "NOTSET").out[0], 2);
	ck_assert_int_eq(pool(5, 2, 2, 0, 0, true, "NOTSET").out[0], 3);
	/* ceil would give 3, but the last window would start in the end padding */
	ck_assert_int_eq(pool(4, 2, 3, 1, 1, true, "NOTSET").out[0], 2);
	ck_assert_int_eq(pool(1, 1, 2, 1, 1, true, "NOTSET").out[0], 1);
	struct oqz_window upper = pool(5, 4, 2, 0, 0, false, "SAME_UPPER"),
	                  lower = pool(5, 4, 2, 0, 0, false, "SAME_LOWER");
	ck_assert_int_eq(upper.out[0], 3);
	ck_assert_int_eq(upper.pad_begin[0], 1);
	ck_assert_int_eq(upper.pad_end[0], 2);
	ck_assert_int_eq(lower.pad_begin[0], 2);
	ck_assert_int_eq(lower.pad_end[0], 1);
	ck_assert_int_eq(pool(5, 2, 2, 1, 1, false, "VALID").out[0], 2);
}
END_TEST

START_TEST(window_refuses_nonsense)
{
	const int64_t kernel[1] = { 9 }, zero[1] = { 0 }, huge[1] = { INT64_MAX };
	struct oqz_pool_params p = { .auto_pad = "NOTSET", .kernel_shape = { 1, kernel } };
	struct oqz_shape x = { .rank = 3, .dim = { 1, 1, 4 } }, flat = { .rank = 2, .dim = { 1, 4 } };
	struct oqz_window w;

	ck_fails(oqz_pool_window(&p, &x, &w, err), OQZ_E_DATA, "window of extent 9");
	ck_fails(oqz_pool_window(&p, &flat, &w, err), OQZ_E_DATA, "rank 2");
	p.kernel_shape.v = zero;
	ck_fails(oqz_pool_window(&p, &x, &w, err), OQZ_E_DATA, "kernel_shape");
	p.kernel_shape.v = huge;
	ck_fails(oqz_pool_window(&p, &x, &w, err), OQZ_E_DATA, "kernel_shape");
}
END_TEST

/* ceil_mode with count_include_pad: what lies beyond the padding does not count. */
START_TEST(average_counts_padding_but_nothing_beyond)
{
	struct oqz_graph *g = oqz_graph_new();
	struct oqz_shape s = { .rank = 3, .dim = { 1, 1, 4 } };
	struct oqz_node *n = node(g, "AveragePool", 19, input(g, "x", OQZ_DT_F32, 3, s.dim), NULL, "y");
	const float x[4] = { 1, 1, 1, 1 };

	ck_ok(oqz_node_set_ints(n, "kernel_shape", (int64_t[]) { 3 }, 1, err));
	ck_ok(oqz_node_set_ints(n, "strides", (int64_t[]) { 2 }, 1, err));
	ck_ok(oqz_node_set_ints(n, "pads", (int64_t[]) { 1, 0 }, 2, err));
	ck_ok(oqz_node_set_int(n, "ceil_mode", 1, err));
	ck_ok(oqz_node_set_int(n, "count_include_pad", 1, err));
	output(g, n->out[0]);
	ck_ok(oqz_ops_resolve(g, err));
	ck_assert_float_eq_tol(first_output(g, x, &s, 0), 2.0f / 3, 1e-6f);
	ck_assert_float_eq_tol(first_output(g, x, &s, 1), 1, 1e-6f);
	oqz_graph_free(g);
}
END_TEST

OQZ_TEST_MAIN("ops", every_operator_has_its_row, attributes_are_held_against_the_table,
              unsupported_operators_are_listed, an_operator_newer_than_the_model_is_refused,
              legacy_broadcast_is_aligned_at_its_axis, legacy_softmax_flattens, attributes_become_inputs,
              binding_checks_and_propagates, folding_keeps_quantized_weights, window_sizes_follow_onnx,
              window_refuses_nonsense, average_counts_padding_but_nothing_beyond)
