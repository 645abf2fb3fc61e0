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

/* ---- shapes beyond all memory, in every operator that is told one ---- */

#define HUGE_DIM (1LL << 40)

static struct oqz_value *whole(struct gb *b, int64_t x) { return gb_scalar(b, OQZ_DT_I64, (double)x); }
static void set(struct gb *b, const char *name, int64_t x) { ck_ok(oqz_node_set_int(b->last, name, x, err)); }
static void crop_pad(struct gb *b, struct oqz_value *x)
{
	GB_OP(b, "CenterCropPad", x, GB_LIST(b, 1, 3, HUGE_DIM, HUGE_DIM));
}
static void crop_pad_negative(struct gb *b, struct oqz_value *x)
{
	GB_OP(b, "CenterCropPad", x, GB_LIST(b, 1, 3, -4, 4));
}
static void affine(struct gb *b, struct oqz_value *x)
{
	(void)x;
	GB_OP(b, "AffineGrid", gb_weights(b, OQZ_DT_F32, GB_DIMS(1, 2, 3), 1), GB_LIST(b, 1, 3, HUGE_DIM, HUGE_DIM));
}
static void col2im(struct gb *b, struct oqz_value *x)
{
	(void)x;
	GB_OP(b, "Col2Im", gb_weights(b, OQZ_DT_F32, GB_DIMS(1, 4, 4), 1), GB_LIST(b, HUGE_DIM, HUGE_DIM),
	      GB_LIST(b, 2, 2));
}
static void unpool(struct gb *b, struct oqz_value *x)
{
	GB_OP(b, "MaxUnpool", x, gb_weights(b, OQZ_DT_I64, GB_DIMS(1, 3, 4, 4), 1),
	      GB_LIST(b, 1, 3, HUGE_DIM, HUGE_DIM));
	GB_INTS(b, "kernel_shape", 2, 2);
}
static void unpool_beyond(struct gb *b, struct oqz_value *x)
{
	struct oqz_value *at = gb_weights(b, OQZ_DT_I64, GB_DIMS(1, 3, 4, 4), 0);

	((int64_t *)at->constant->data)[5] = HUGE_DIM;
	GB_OP(b, "MaxUnpool", x, at);
	GB_INTS(b, "kernel_shape", 2, 2);
}
static void transposed(struct gb *b, struct oqz_value *x, const char *attr)
{
	GB_OP(b, "ConvTranspose", x, gb_weights(b, OQZ_DT_F32, GB_DIMS(3, 2, 3, 3), 1));
	GB_INTS(b, attr, HUGE_DIM, HUGE_DIM);
}
static void transposed_strides(struct gb *b, struct oqz_value *x) { transposed(b, x, "strides"); }
static void transposed_shape(struct gb *b, struct oqz_value *x) { transposed(b, x, "output_shape"); }
static void transposed_padding(struct gb *b, struct oqz_value *x) { transposed(b, x, "output_padding"); }
static void pool_kernel(struct gb *b, struct oqz_value *x)
{
	GB_OP(b, "AveragePool", x);
	GB_INTS(b, "kernel_shape", INT64_MAX, 2);
}
static void roi_align(struct gb *b, struct oqz_value *x)
{
	GB_OP(b, "RoiAlign", x, gb_weights(b, OQZ_DT_F32, GB_DIMS(1, 4), 1), GB_LIST(b, 0));
	set(b, "output_height", HUGE_DIM);
	set(b, "output_width", HUGE_DIM);
}
static void roi_of_no_image(struct gb *b, struct oqz_value *x)
{
	GB_OP(b, "RoiAlign", x, gb_weights(b, OQZ_DT_F32, GB_DIMS(1, 4), 1), GB_LIST(b, 7));
}
static void window(struct gb *b, struct oqz_value *x)
{
	(void)x;
	GB_OP(b, "HannWindow", whole(b, 1LL << 50));
}
static void window_negative(struct gb *b, struct oqz_value *x)
{
	(void)x;
	GB_OP(b, "HammingWindow", whole(b, -3));
}
static void dft(struct gb *b, struct oqz_value *x)
{
	(void)x;
	GB_OP(b, "DFT", gb_weights(b, OQZ_DT_F32, GB_DIMS(1, 4, 1), 1), whole(b, 1LL << 50));
}
static void mel(struct gb *b, struct oqz_value *x)
{
	(void)x;
	GB_OP(b, "MelWeightMatrix", whole(b, HUGE_DIM), whole(b, HUGE_DIM), whole(b, 8000), gb_scalar(b, OQZ_DT_F32, 0),
	      gb_scalar(b, OQZ_DT_F32, 4000));
}
static void random_shape(struct gb *b, struct oqz_value *x)
{
	(void)x;
	gb_op_n(b, "RandomNormal", NULL, 0, 1);
	GB_INTS(b, "shape", HUGE_DIM, HUGE_DIM);
}
static void multinomial(struct gb *b, struct oqz_value *x)
{
	(void)x;
	GB_OP(b, "Multinomial", gb_weights(b, OQZ_DT_F32, GB_DIMS(1, 4), 1));
	set(b, "sample_size", 1LL << 50);
}
static void blocks(struct gb *b, struct oqz_value *x)
{
	GB_OP(b, "SpaceToDepth", x);
	set(b, "blocksize", 0);
}
static void blocks_beyond(struct gb *b, struct oqz_value *x)
{
	GB_OP(b, "DepthToSpace", x);
	set(b, "blocksize", 1LL << 32);
}
static void scatter(struct gb *b, struct oqz_value *x)
{
	GB_OP(b, "ScatterElements", x, gb_weights(b, OQZ_DT_I64, GB_DIMS(1, 1, 1, 9), 0),
	      gb_weights(b, OQZ_DT_F32, GB_DIMS(1, 1, 1, 8), 1));
}
static void scatter_nd(struct gb *b, struct oqz_value *x)
{
	GB_OP(b, "ScatterND", x, GB_LIST(b, 0, 0, 0, 1LL << 33), gb_scalar(b, OQZ_DT_F32, 1));
}
static void gather_nd(struct gb *b, struct oqz_value *x) { GB_OP(b, "GatherND", x, GB_LIST(b, 0, 0, -5)); }
static void squeeze(struct gb *b, struct oqz_value *x) { GB_OP(b, "Squeeze", x, GB_LIST(b, 2)); }
static void unsqueeze(struct gb *b, struct oqz_value *x) { GB_OP(b, "Unsqueeze", x, GB_LIST(b, 2, 2)); }
static void slice(struct gb *b, struct oqz_value *x)
{
	GB_OP(b, "Slice", x, GB_LIST(b, 0), GB_LIST(b, 3), GB_LIST(b, 1), GB_LIST(b, 0));
}
static void top_k(struct gb *b, struct oqz_value *x)
{
	gb_op_n(b, "TopK", (struct oqz_value *[]) { x, GB_LIST(b, HUGE_DIM) }, 2, 2);
}
static void upsampled(struct gb *b, struct oqz_value *x)
{
	struct oqz_value *scales = gb_weights(b, OQZ_DT_F32, GB_DIMS(4), 0);

	for (int i = 0; i < 4; i++)
		((float *)scales->constant->data)[i] = 1e12f;
	GB_OP(b, "Resize", x, NULL, scales);
}
static void einsum(struct gb *b, struct oqz_value *x)
{
	GB_OP(b, "Einsum", x, x);
	ck_ok(oqz_node_set_string(b->last, "equation", "abcd,abcd->az", err));
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
	{ crop_pad, "CenterCropPad_", "" },
	{ crop_pad_negative, "CenterCropPad_", "-4" },
	{ affine, "AffineGrid_", "" },
	{ col2im, "Col2Im_", "" },
	{ unpool, "MaxUnpool_", "" },
	{ unpool_beyond, "MaxUnpool_", "ind" },
	{ transposed_strides, "ConvTranspose_", "" },
	{ transposed_shape, "ConvTranspose_", "" },
	{ transposed_padding, "ConvTranspose_", "" },
	{ pool_kernel, "AveragePool_", "" },
	{ roi_align, "RoiAlign_", "" },
	{ roi_of_no_image, "RoiAlign_", "7" },
	{ window, "HannWindow_", "" },
	{ window_negative, "HammingWindow_", "-3" },
	{ dft, "DFT_", "" },
	{ mel, "MelWeightMatrix_", "" },
	{ random_shape, "RandomNormal_", "" },
	{ multinomial, "Multinomial_", "" },
	{ blocks, "SpaceToDepth_", "0" },
	{ blocks_beyond, "DepthToSpace_", "" },
	{ scatter, "ScatterElements_", "" },
	{ scatter_nd, "ScatterND_", "ind" },
	{ gather_nd, "GatherND_", "-5" },
	{ squeeze, "Squeeze_", "4" },
	{ unsqueeze, "Unsqueeze_", "2" },
	{ slice, "Slice_", "0" },
	{ top_k, "TopK_", "K is" },
	{ upsampled, "Resize_", "" },
	{ einsum, "Einsum_", "axis 1" },
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
