/* SPDX-License-Identifier: Apache-2.0
 *
 * Models that are well-formed files and make no sense: each is refused with a message that names the node and the
 * reason, while it is prepared, planned or run, by every engine, and takes neither memory nor time on the way.
 */
#include "tests/unit/exec_graph.h"
#include "core/base/budget.h"
#include "core/onnx/onnx.h"

/* Prepares, plans and runs; the first failure. */
static enum oqz_status go(struct gb *b, enum oqz_engine engine, struct oqz_err *err)
{
	OQZ_CLEANUP(oqz_program_free_cleanup) struct oqz_program *p = NULL;
	OQZ_CLEANUP(oqz_context_free_cleanup) struct oqz_context *c = NULL;
	struct oqz_exec_options opt = { .engine = engine };
	struct oqz_shape shapes[4];

	for (size_t i = 0; b->g->outputs.n == 0 && i < b->g->values.n; i++)
		if (b->g->values.v[i]->producer && b->g->values.v[i]->uses.n == 0)
			gb_output(b, b->g->values.v[i]);
	OQZ_TRY(oqz_graph_finish(b->g, err));
	OQZ_TRY(oqz_model_prepare(b->g, NULL, err));
	for (size_t i = 0; i < b->g->inputs.n; i++)
		shapes[i] = b->g->inputs.v[i]->type.shape;
	OQZ_TRY(oqz_program_new(b->g, &opt, shapes, &p, err));
	OQZ_TRY(oqz_context_new(p, &c, err));
	return oqz_context_run(c, 0, oqz_program_nsteps(p), err);
}

static void reshape(struct gb *b, struct oqz_value *x) { GB_OP(b, "Reshape", x, GB_LIST(b, 7, -1)); }
static void reshape_negative(struct gb *b, struct oqz_value *x) { GB_OP(b, "Reshape", x, GB_LIST(b, -5, 3)); }
static void expand(struct gb *b, struct oqz_value *x) { GB_OP(b, "Expand", x, GB_LIST(b, 1, 3, 1LL << 40, 1LL << 40)); }
static void tile(struct gb *b, struct oqz_value *x) { GB_OP(b, "Tile", x, GB_LIST(b, 1, 1LL << 40, 1LL << 30, 1)); }
static void tile_negative(struct gb *b, struct oqz_value *x) { GB_OP(b, "Tile", x, GB_LIST(b, 1, -2, 1, 1)); }
static void pad(struct gb *b, struct oqz_value *x)
{
	GB_OP(b, "Pad", x, GB_LIST(b, 0, 0, INT64_MAX, 0, 0, 0, INT64_MAX, 0));
}
static void conv_pads(struct gb *b, struct oqz_value *x)
{
	GB_OP(b, "Conv", x, gb_weights(b, OQZ_DT_F32, GB_DIMS(2, 3, 3, 3), 1));
	GB_INTS(b, "pads", INT64_MAX, INT64_MAX, 1, 1);
}
static void conv_stride(struct gb *b, struct oqz_value *x)
{
	GB_OP(b, "Conv", x, gb_weights(b, OQZ_DT_F32, GB_DIMS(2, 3, 3, 3), 1));
	GB_INTS(b, "strides", 0, 1);
}
static void conv_dilation(struct gb *b, struct oqz_value *x)
{
	GB_OP(b, "Conv", x, gb_weights(b, OQZ_DT_F32, GB_DIMS(2, 3, 3, 3), 1));
	GB_INTS(b, "dilations", 1LL << 40, 1);
}
static void conv_group(struct gb *b, struct oqz_value *x)
{
	GB_OP(b, "Conv", x, gb_weights(b, OQZ_DT_F32, GB_DIMS(2, 3, 3, 3), 1));
	ck_ok(oqz_node_set_int(b->last, "group", 0, err));
}
static void conv_channels(struct gb *b, struct oqz_value *x)
{
	GB_OP(b, "Conv", x, gb_weights(b, OQZ_DT_F32, GB_DIMS(2, 4, 3, 3), 1));
}
static void conv_type(struct gb *b, struct oqz_value *x)
{
	GB_OP(b, "Conv", x, gb_weights(b, OQZ_DT_F64, GB_DIMS(2, 3, 3, 3), 1));
}
static void wrong_kind(struct gb *b, struct oqz_value *x)
{
	GB_OP(b, "Conv", x, gb_weights(b, OQZ_DT_F32, GB_DIMS(2, 3, 3, 3), 1));
	ck_ok(oqz_node_set_string(b->last, "strides", "1,1", err));
}
static void unknown_attribute(struct gb *b, struct oqz_value *x)
{
	GB_OP(b, "Relu", x);
	ck_ok(oqz_node_set_int(b->last, "alpha", 1, err));
}
static void missing_input(struct gb *b, struct oqz_value *x) { GB_OP(b, "Conv", x); }
static void left_out(struct gb *b, struct oqz_value *x) { GB_OP(b, "Conv", x, NULL); }
static void too_many(struct gb *b, struct oqz_value *x) { GB_OP(b, "Relu", x, x); }
static void unknown_operator(struct gb *b, struct oqz_value *x) { GB_OP(b, "Rleu", x); }
static void mixed_types(struct gb *b, struct oqz_value *x) { GB_OP(b, "Add", x, gb_scalar(b, OQZ_DT_I64, 1)); }
static void no_broadcast(struct gb *b, struct oqz_value *x)
{
	GB_OP(b, "Add", x, gb_weights(b, OQZ_DT_F32, GB_DIMS(7), 1));
}
static void axis(struct gb *b, struct oqz_value *x)
{
	GB_OP(b, "Softmax", x);
	ck_ok(oqz_node_set_int(b->last, "axis", 9, err));
}
static void transpose(struct gb *b, struct oqz_value *x)
{
	GB_OP(b, "Transpose", x);
	GB_INTS(b, "perm", 0, 1, 1, 3);
}
static void gather(struct gb *b, struct oqz_value *x) { GB_OP(b, "Gather", x, gb_scalar(b, OQZ_DT_I64, 1LL << 40)); }
static void split(struct gb *b, struct oqz_value *x) { GB_OP(b, "Split", x, GB_LIST(b, -1, 2)); }
static void range(struct gb *b, struct oqz_value *x)
{
	(void)x;
	GB_OP(b, "Range", gb_scalar(b, OQZ_DT_I64, 0), gb_scalar(b, OQZ_DT_I64, 1LL << 62),
	      gb_scalar(b, OQZ_DT_I64, 1));
}
static void one_hot(struct gb *b, struct oqz_value *x)
{
	(void)x;
	GB_OP(b, "OneHot", GB_LIST(b, 1, 2), gb_scalar(b, OQZ_DT_I64, 1LL << 61), GB_LIST(b, 0, 1));
}
static void resize(struct gb *b, struct oqz_value *x)
{
	GB_OP(b, "Resize", x, NULL, NULL, GB_LIST(b, 1, 3, 1LL << 40, 1LL << 40));
}
static void matmul(struct gb *b, struct oqz_value *x)
{
	GB_OP(b, "MatMul", x, gb_weights(b, OQZ_DT_F32, GB_DIMS(5, 2), 1));
}
static void cast(struct gb *b, struct oqz_value *x)
{
	GB_OP(b, "Cast", x);
	ck_ok(oqz_node_set_int(b->last, "to", 99, err));
}
static void constant_of_shape(struct gb *b, struct oqz_value *x)
{
	(void)x;
	GB_OP(b, "ConstantOfShape", GB_LIST(b, 1LL << 33, 1LL << 33));
}
static void quantize(struct gb *b, struct oqz_value *x, int64_t scales, int64_t zeros)
{
	GB_OP(b, "QuantizeLinear", x, gb_weights(b, OQZ_DT_F32, GB_DIMS(scales), 1),
	      gb_weights(b, OQZ_DT_I8, GB_DIMS(zeros), 1));
}
static void quantize_axis(struct gb *b, struct oqz_value *x) { quantize(b, x, 7, 7); }
static void quantize_few(struct gb *b, struct oqz_value *x) { quantize(b, x, 2, 2); }
static void quantize_zeros(struct gb *b, struct oqz_value *x) { quantize(b, x, 3, 2); }
static void quantize_beyond(struct gb *b, struct oqz_value *x)
{
	quantize(b, x, 3, 3);
	ck_ok(oqz_node_set_int(b->last, "axis", -5, err));
}

static const struct {
	void (*make)(struct gb *b, struct oqz_value *x);
	const char *node, *reason;
} cases[] = {
	{ reshape, "Reshape_", "do not fill" },
	{ reshape_negative, "Reshape_", "-5" },
	{ expand, "Expand_", "" },
	{ tile, "Tile_", "" },
	{ tile_negative, "Tile_", "-2" },
	{ pad, "Pad_", "" },
	{ conv_pads, "Conv_", "pad" },
	{ conv_stride, "Conv_", "stride" },
	{ conv_dilation, "Conv_", "" },
	{ conv_group, "Conv_", "group" },
	{ conv_channels, "Conv_", "channels" },
	{ conv_type, "Conv_", "float64" },
	{ wrong_kind, "Conv_", "attribute strides is" },
	{ unknown_attribute, "Relu_", "unknown attribute alpha" },
	{ missing_input, "Conv_", "has 1 inputs" },
	{ left_out, "Conv_", "input 1 is required" },
	{ too_many, "Relu_", "has 2 inputs" },
	{ unknown_operator, "Rleu_", "Rleu is not supported" },
	{ mixed_types, "Add_", "int64" },
	{ no_broadcast, "Add_", "do not broadcast" },
	{ axis, "Softmax_", "axis 9" },
	{ transpose, "Transpose_", "perm" },
	{ gather, "Gather_", "index" },
	{ split, "Split_", "split lengths" },
	{ range, "Range_", "" },
	{ one_hot, "OneHot_", "" },
	{ resize, "Resize_", "" },
	{ matmul, "MatMul_", "5" },
	{ cast, "Cast_", "99" },
	{ constant_of_shape, "ConstantOfShape_", "" },
	{ quantize_axis, "QuantizeLinear_", "7 scales" },
	{ quantize_few, "QuantizeLinear_", "2 scales" },
	{ quantize_zeros, "QuantizeLinear_", "2 zero points" },
	{ quantize_beyond, "QuantizeLinear_", "axis -5" },
};

/* All that is wrong with the answers, not the first only. */
START_TEST(nonsense_is_refused_by_name)
{
	size_t before = oqz_budget_used();
	int bad = 0;

	oqz_budget_set(before + (64 << 20));
	for (size_t i = 0; i < OQZ_COUNTOF(cases); i++)
		for (int engine = OQZ_ENGINE_AUTO; engine <= OQZ_ENGINE_REFERENCE; engine++) {
			struct oqz_err err = { 0 };
			struct gb b;
			gb_init(&b, 1);
			cases[i].make(&b, gb_input(&b, "x", GB_DIMS(1, 3, 4, 4)));
			enum oqz_status st = go(&b, (enum oqz_engine)engine, &err);
			bool named = (st == OQZ_E_DATA || st == OQZ_E_UNSUPPORTED || st == OQZ_E_LIMIT) &&
			             strstr(err.msg, "node '") && strstr(err.msg, cases[i].node) &&
			             strstr(err.msg, cases[i].reason);
			if (!named)
				printf("%s, '%s': status %d: %s\n", cases[i].node, cases[i].reason, (int)st, err.msg);
			bad += !named;
			oqz_graph_free(b.g);
			ck_assert_uint_eq(oqz_budget_used(), before);
		}
	oqz_budget_set(0);
	ck_assert_int_eq(bad, 0);
}
END_TEST

OQZ_TEST_MAIN("refused", nonsense_is_refused_by_name)
