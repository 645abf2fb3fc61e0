/* SPDX-License-Identifier: Apache-2.0
 *
 * What operator sets 18 to 27 changed and ONNX 1.12's vectors cannot show: new operators, new inputs and attributes,
 * new element types. One row or two for each entry of the changelog; expected values follow from the specification's
 * text.
 */
#include "tests/support/op_text.h"

START_TEST(set_18)
{
	static const struct op_row rows[] = {
		{ "ReduceSum", "keepdims=0", "float32[2,2]: 1 2 3 4; int64[1]: 1", "float32[2]: 3 7", 0, 18 },
		{ "ReduceMean", "keepdims=0", "float32[2,2]: 1 2 3 4; int64[1]: 0", "float32[2]: 2 3", 0, 18 },
		{ "ReduceMax", "noop_with_empty_axes=1", "float32[2]: 1 2; int64[0]", "float32[2]: 1 2", 0, 18 },
		{ "ReduceL2", "keepdims=0", "float32[2]: 3 4; -", "float32[]: 5", 0, 18 },
		{ "BitwiseAnd", "", "uint8[2]: 12 255; uint8[1]: 10", "uint8[2]: 8 10", 0, 18 },
		{ "BitwiseNot", "", "int8[2]: 0 5", "int8[2]: -1 -6", 0, 18 },
		{ "Mish", "", "float32[1]: 1", "float32[1]: 0.86509838", 1e-6, 18 },
		{ "GroupNormalization", "num_groups=2", "float32[1,2,2]: 1 3 2 6; float32[2]: 1 2; float32[2]: 0 1",
		  "float32[1,2,2]: -1 1 -1 3", 1e-4, 18 },
		{ "Pad", "", "float32[2,2]: 1 2 3 4; int64[2]: 1 0; -; int64[1]: 1", "float32[2,3]: 0 1 2 0 3 4", 0,
		  18 },
		{ "Split", "num_outputs=2", "float32[3]: 1 2 3", "float32[2]: 1 2; float32[1]: 3", 0, 18 },
		{ "ScatterElements", "reduction=max", "float32[2]: 1 5; int64[2]: 0 1; float32[2]: 3 2",
		  "float32[2]: 3 5", 0, 18 },
		{ "ScatterND", "reduction=min", "float32[2]: 1 5; int64[2,1]: 0 1; float32[2]: 3 2", "float32[2]: 1 2",
		  0, 18 },
		{ "CenterCropPad", "axes=[1]", "float32[1,4]: 1 2 3 4; int64[1]: 2", "float32[1,2]: 2 3", 0, 18 },
		{ "LpPool", "kernel_shape=[2] dilations=[2]", "float32[1,1,3]: 3 0 4", "float32[1,1,1]: 5", 1e-6, 18 },
		{ "Resize", "mode=linear axes=[2]", "float32[1,1,2]: 1 3; -; -; int64[1]: 4",
		  "float32[1,1,4]: 1 1.5 2.5 3", 1e-6, 18 },
	};

	op_check_all(rows, OQZ_COUNTOF(rows));
}
END_TEST

START_TEST(sets_19_and_20)
{
	static const struct op_row rows[] = {
		{ "AveragePool", "kernel_shape=[2] dilations=[2]", "float32[1,1,4]: 1 2 3 4", "float32[1,1,2]: 2 3", 0,
		  19 },
		{ "Cast", "to=17", "float32[3]: 1000 1.0625 -1", "float8e4m3fn[3]: 448 1 -1", 0, 19 },
		{ "Cast", "to=19 saturate=0", "float32[2]: 1e6 1", "float8e5m2[2]: inf 1", 0, 19 },
		{ "QuantizeLinear", "", "float32[3]: 2 1000 -3; float32[]: 2; float8e4m3fn[]: 0",
		  "float8e4m3fn[3]: 1 448 -1.5", 0, 19 },
		{ "DequantizeLinear", "", "float8e4m3fn[2]: 1 -1.5; float32[]: 2", "float32[2]: 2 -3", 0, 19 },
		{ "Reshape", "allowzero=1", "float32[0,2]; int64[2]: 2 0", "float32[2,0]", 0, 19 },
		{ "Pad", "mode=wrap", "float32[3]: 1 2 3; int64[2]: 1 2", "float32[6]: 3 1 2 3 1 2", 0, 19 },
		{ "Equal", "", "bool[2]: 1 0; bool[2]: 1 1", "bool[2]: 1 0", 0, 19 },
		{ "Gelu", "", "float32[1]: 1", "float32[1]: 0.84134475", 1e-6, 20 },
		{ "Gelu", "approximate=tanh", "float32[1]: 1", "float32[1]: 0.84119199", 1e-6, 20 },
		{ "IsInf", "", "float16[2]: inf 1", "bool[2]: 1 0", 0, 20 },
		{ "IsNaN", "", "bfloat16[2]: nan 1", "bool[2]: 1 0", 0, 20 },
		{ "ReduceMax", "keepdims=0", "bool[2]: 0 1; int64[1]: 0", "bool[]: 1", 0, 20 },
		{ "ReduceMin", "keepdims=0", "bool[2]: 0 1; int64[1]: 0", "bool[]: 0", 0, 20 },
		{ "DFT", "", "float32[1,2,1]: 1 3; -; int64[]: 1", "float32[1,2,2]: 4 0 -2 0", 1e-6, 20 },
		{ "AffineGrid", "align_corners=1", "float32[1,2,3]: 1 0 0 0 1 0; int64[4]: 1 1 1 2",
		  "float32[1,1,2,2]: -1 0 1 0", 1e-6, 20 },
		{ "ConstantOfShape", "value=bfloat16[1]:2", "int64[1]: 2", "bfloat16[2]: 2", 0, 20 },
	};

	op_check_all(rows, OQZ_COUNTOF(rows));
	op_refuses(&(struct op_row) { "Swish", "", "float32[1]: 1", "-", 0, 20 }, OQZ_E_DATA,
	           "operator set 20 has no Swish (since 24)");
}
END_TEST

START_TEST(sets_21_to_27)
{
	static const struct op_row rows[] = {
		{ "GroupNormalization", "num_groups=1", "float32[1,2,1]: 1 3; float32[2]: 1 2; float32[2]: 0 1",
		  "float32[1,2,1]: -1 3", 1e-4, 21 },
		{ "QuantizeLinear", "axis=1 block_size=2",
		  "float32[1,4]: 1 2 30 40; float32[1,2]: 1 10; int4[1,2]: 0 1", "int4[1,4]: 1 2 4 5", 0, 21 },
		{ "QuantizeLinear", "output_dtype=22", "float32[3]: -100 3 100; float32[]: 2", "int4[3]: -8 2 7", 0,
		  21 },
		{ "DequantizeLinear", "axis=0 block_size=2",
		  "uint4[4,1]: 1 2 3 15; float32[2,1]: 1 10; uint4[2,1]: 1 0", "float32[4,1]: 0 1 30 150", 0, 21 },
		{ "QuantizeLinear", "", "float32[2]: 2 70000; float32[]: 1; uint16[]: 3", "uint16[2]: 5 65535", 0, 21 },
		{ "Transpose", "", "int4[1,2]: -8 7", "int4[2,1]: -8 7", 0, 21 },
		{ "Size", "", "uint4[2,3]: 1", "int64[]: 6", 0, 21 },
		{ "Identity", "", "uint4[2]: 1 15", "uint4[2]: 1 15", 0, 21 },
		{ "HardSwish", "", "bfloat16[1]: 3", "bfloat16[1]: 3", 0, 22 },
		{ "MaxPool", "kernel_shape=[2]", "bfloat16[1,1,2]: 1 2", "bfloat16[1,1,1]: 2", 0, 22 },
		{ "Conv", "", "bfloat16[1,1,2]: 1 2; bfloat16[1,1,2]: 1 1", "bfloat16[1,1,1]: 3", 0, 22 },
		{ "GlobalAveragePool", "", "bfloat16[1,1,2]: 1 3", "bfloat16[1,1,1]: 2", 0, 22 },
		{ "Cast", "to=23", "float32[4]: 0.3 100 -2.5 5", "float4e2m1[4]: 0.5 6 -2 4", 0, 23 },
		{ "Cast", "to=23", "float32[5]: nan -nan inf -inf -0.1", "float4e2m1[5]: -0 -0 6 -6 -0", 0, 23 },
		{ "CastLike", "", "float16[2]: nan 1; float4e2m1[1]: 0", "float4e2m1[2]: -0 1", 0, 23 },
		{ "QuantizeLinear", "output_dtype=23", "float32[2]: 1 -100; float32[]: 2", "float4e2m1[2]: 0.5 -6", 0,
		  23 },
		{ "QuantizeLinear", "precision=1", "float16[2]: 3 5; float16[]: 2; int8[]: 0", "int8[2]: 2 2", 0, 23 },
		{ "RMSNormalization", "epsilon=0.0", "float32[1,2]: 3 4; float32[2]: 1 2",
		  "float32[1,2]: 0.84852814 2.26274170", 1e-6, 23 },
		{ "Swish", "alpha=2.0", "float32[1]: 1", "float32[1]: 0.88079708", 1e-6, 24 },
		{ "Cast", "to=24", "float32[3]: 1 1.5 3", "float8e8m0[3]: 1 2 4", 0, 24 },
		{ "Cast", "to=24 round_mode=down", "float32[3]: 1 1.5 3", "float8e8m0[3]: 1 1 2", 0, 24 },
		{ "Cast", "to=24 round_mode=nearest", "float32[3]: 1.25 1.5 3.5", "float8e8m0[3]: 1 2 4", 0, 24 },
		{ "Cast", "to=1", "float8e8m0[2]: 0.5 4", "float32[2]: 0.5 4", 0, 24 },
		{ "DequantizeLinear", "axis=0 block_size=2", "float4e2m1[2]: 1 6; float8e8m0[1]: 4; -",
		  "float8e8m0[2]: 4 32", 0, 24 },
		{ "TensorScatter", "", "float32[2,3,1]: 1 2 3 4 5 6; float32[2,1,1]: 7 8; int64[2]: 0 2",
		  "float32[2,3,1]: 7 2 3 4 5 8", 0, 24 },
		{ "TensorScatter", "mode=circular axis=1", "float32[1,3]: 1 2 3; float32[1,2]: 7 8; int64[1]: 2",
		  "float32[1,3]: 8 2 7", 0, 24 },
		{ "Cast", "to=25", "float32[3]: 0 1 3", "uint2[3]: 0 1 3", 0, 25 },
		{ "DequantizeLinear", "", "int2[2]: -2 1; float32[]: 3", "float32[2]: -6 3", 0, 25 },
		{ "CumProd", "", "float32[3]: 2 3 4; int64[]: 0", "float32[3]: 2 6 24", 0, 26 },
		{ "BitCast", "to=6", "float32[2]: 1 -2", "int32[2]: 1065353216 -1073741824", 0, 26 },
		{ "BitCast", "to=22", "uint4[2]: 15 7", "int4[2]: -1 7", 0, 26 },
		{ "Range", "stash_type=11", "float16[]: 1; float16[]: 2; float16[]: 0.25",
		  "float16[4]: 1 1.25 1.5 1.75", 0, 27 },
		{ "Range", "", "bfloat16[]: 3; bfloat16[]: 0; bfloat16[]: -1", "bfloat16[3]: 3 2 1", 0, 27 },
		{ "Multinomial", "sample_size=3 dtype=7", "float32[2,2]: 0 -1e9 -1e9 0", "int64[2,3]: 0 0 0 1 1 1", 0,
		  7 },
		{ "CumProd", "exclusive=1 reverse=1", "int32[3]: 2 3 4; int64[]: 0", "int32[3]: 12 4 1", 0, 26 },
	};

	op_check_all(rows, OQZ_COUNTOF(rows));
	op_refuses(
	    &(struct op_row) { "TensorScatter", "axis=1", "float32[1,3]: 1; float32[1,2]: 7; int64[1]: 2", "-", 0, 24 },
	    OQZ_E_DATA, "position");
	op_refuses(
	    &(struct op_row) { "Range", "stash_type=10", "float16[]: 1; float16[]: 2; float16[]: 1", "-", 0, 27 },
	    OQZ_E_DATA, "stash_type 10");
}
END_TEST

/* Corners that vectors of later ONNX releases ask for. */
START_TEST(corners)
{
	static const struct op_row rows[] = {
		{ "Clip", "", "float32[3]: -2 0 6; float32[]: 2; float32[]: 1", "float32[3]: 1 1 1", 0, 13 },
		{ "ReduceSum", "keepdims=1", "float32[2,0,1]; int64[1]: 1", "float32[2,1,1]: 0 0", 0, 18 },
		{ "ReduceProd", "keepdims=1", "float32[2,0,1]; int64[1]: 1", "float32[2,1,1]: 1 1", 0, 18 },
		{ "ReduceMin", "keepdims=1", "float32[2,0,1]; int64[1]: 1", "float32[2,1,1]: inf inf", 0, 18 },
		{ "ReduceMax", "keepdims=1", "float32[2,0,1]; int64[1]: 1", "float32[2,1,1]: -inf -inf", 0, 18 },
		{ "ReduceLogSum", "keepdims=1", "float32[2,0,1]; int64[1]: 1", "float32[2,1,1]: -inf -inf", 0, 18 },
		{ "ReduceLogSumExp", "keepdims=1", "float32[2,0,1]; int64[1]: 1", "float32[2,1,1]: -inf -inf", 0, 18 },
		{ "ReduceL1", "keepdims=1", "float32[2,0,1]; int64[1]: 1", "float32[2,1,1]: 0 0", 0, 18 },
		{ "ReduceSum", "keepdims=1", "float32[2,0,4]; int64[1]: 2", "float32[2,0,1]", 0, 13 },
		{ "QLinearMatMul", "",
		  "int8[1,2]: 2 4; float16[1]: 0.5; int8[1]: 0; int8[2,1]: 1 2; float16[1]: 1; int8[1]: 0; float16[1]: "
		  "1; int8[1]: 0",
		  "int8[1,1]: 5", 0, 21 },
		{ "Resize", "mode=linear keep_aspect_ratio_policy=not_larger axes=[2,3]",
		  "float32[1,1,2,2]: 1; -; -; int64[2]: 4 6", "float32[1,1,4,4]: 1", 0, 18 },
		{ "Resize", "mode=linear keep_aspect_ratio_policy=not_smaller axes=[2,3]",
		  "float32[1,1,2,2]: 1; -; -; int64[2]: 4 6", "float32[1,1,6,6]: 1", 0, 18 },
		{ "Resize", "mode=linear coordinate_transformation_mode=half_pixel_symmetric",
		  "float32[1,1,1,4]: 1 2 3 4; -; float32[4]: 1 1 1 0.6", "float32[1,1,1,2]: 1.6666667 3.3333333", 1e-5,
		  19 },
		{ "Div", "", "int32[2]: -7 7; int32[1]: 2", "int32[2]: -3 3", 0, 14 },
		{ "Cast", "to=22", "float32[3]: -8 7 3", "int4[3]: -8 7 3", 0, 21 },
		/* what does not fit keeps its low bits */
		{ "Cast", "to=22", "float32[4]: -9 8 15.9 -10", "int4[4]: 7 -8 -1 6", 0, 21 },
		{ "Cast", "to=21", "float16[4]: -9 -1 15 16", "uint4[4]: 7 15 15 0", 0, 21 },
		{ "Cast", "to=26", "float32[4]: -3 -2 1 2", "int2[4]: 1 -2 1 -2", 0, 25 },
		{ "Cast", "to=25", "float32[3]: -1 3 4", "uint2[3]: 3 3 0", 0, 25 },
		{ "Cast", "to=1", "int4[3]: -8 7 3", "float32[3]: -8 7 3", 0, 21 },
		{ "Cast", "to=2", "uint4[2]: 1 15", "uint8[2]: 1 15", 0, 21 },
		{ "Cast", "to=10", "float4e2m1[2]: 1 -6", "float16[2]: 1 -6", 0, 23 },
		{ "Cast", "to=18", "float16[2]: 1 -6", "float8e4m3fnuz[2]: 1 -6", 0, 19 },
		{ "Cast", "to=20 saturate=0", "float32[2]: 1e6 -6", "float8e5m2fnuz[2]: nan -6", 0, 19 },
		{ "CastLike", "saturate=0", "float32[2]: 1e6 -6; float8e4m3fn[1]: 0", "float8e4m3fn[2]: nan -6", 0,
		  19 },
		{ "TopK", "", "uint64[3]: 1 3 2; int64[1]: 2", "uint64[2]: 3 2; int64[2]: 1 2", 0, 11 },
		{ "MaxPool", "kernel_shape=[1] strides=[2] ceil_mode=1", "float32[1,1,2]: 1 2", "float32[1,1,1]: 1", 0,
		  22 },
		{ "RoiAlign",
		  "mode=max output_height=1 output_width=1 sampling_ratio=1 spatial_scale=1.0 "
		  "coordinate_transformation_mode=output_half_pixel",
		  "float32[1,1,2,2]: 1 2 3 4; float32[1,4]: 0 0 1 1; int64[1]: 0", "float32[1,1,1,1]: 1", 1e-6, 16 },
		{ "GridSample", "mode=linear align_corners=1", "float32[1,1,1,1,2]: 1 3; float32[1,1,1,1,3]: 0 0 0",
		  "float32[1,1,1,1,1]: 2", 0, 20 },
		{ "DFT", "inverse=1 onesided=0", "float32[1,2,2]: 4 0 -2 0; -; int64[]: 1", "float32[1,2,2]: 1 0 3 0",
		  1e-6, 20 },
		{ "DFT", "onesided=1", "float32[1,4,1]: 1 2 3 4; -; int64[]: 1", "float32[1,3,2]: 10 0 -2 2 -2 0", 1e-6,
		  20 },
		{ "DFT", "inverse=1 onesided=1", "float32[1,3,2]: 10 0 -2 2 -2 0; -; int64[]: 1",
		  "float32[1,4,1]: 1 2 3 4", 1e-6, 20 },
		{ "DFT", "inverse=1 onesided=1", "float32[1,2,2]: 6 0 -1.5 0.8660254; int64[]: 3; int64[]: 1",
		  "float32[1,3,1]: 1 2 3", 1e-6, 20 },
		{ "Split", "", "float32[0]; int64[3]: 0 0 0", "float32[0]; float32[0]; float32[0]", 0, 18 },
		{ "Unique", "sorted=1", "int64[1]: 0", "int64[1]: 0; int64[1]: 0; int64[1]: 0; int64[1]: 1", 0, 11 },
		{ "ConvTranspose", "group=2", "float32[1,2,1]: 1 2; float32[2,1,2]: 1 2 3 4", "float32[1,2,2]: 1 2 6 8",
		  0, 11 },
		{ "Max", "", "uint16[2]: 1 5; uint16[2]: 3 2", "uint16[2]: 3 5", 0, 13 },
		{ "Mod", "fmod=1", "float16[2]: -4 7; float16[2]: 3 -3", "float16[2]: -1 1", 0, 13 },
		{ "Pow", "", "bfloat16[2]: 2 3; float32[1]: 2", "bfloat16[2]: 4 9", 0, 15 },
		{ "Where", "", "bool[2]: 1 0; bfloat16[2]: 1 2; bfloat16[2]: 3 4", "bfloat16[2]: 1 4", 0, 16 },
		{ "LayerNormalization", "axis=-1", "float16[1,2]: 1 3; float16[2]: 1 1",
		  "float16[1,2]: -1 1; float32[1,1]: 2; float32[1,1]: 1", 1e-3, 17 },
		{ "Gemm", "", "int32[1,2]: 1 2; int32[2,1]: 3 4", "int32[1,1]: 11", 0, 13 },
		{ "MatMul", "", "uint64[1,2]: 1 2; uint64[2,1]: 3 4", "uint64[1,1]: 11", 0, 13 },
		{ "LpNormalization", "p=1 axis=1", "float32[1,2]: 3 -1", "float32[1,2]: 0.75 -0.25", 1e-6, 22 },
		{ "LpNormalization", "", "float32[1,2]: 0 0", "float32[1,2]: 0 0", 1e-6, 22 },
		{ "ArgMax", "", "bfloat16[3]: 1 3 2", "int64[1]: 1", 0, 13 },
		{ "Trilu", "", "bool[2,2]: 1 1 1 1", "bool[2,2]: 1 1 0 1", 0, 14 },
		{ "Slice", "", "complex64[2]: 1 2; int64[1]: 1; int64[1]: 2", "complex64[1]: 2", 0, 13 },
		{ "Hardmax", "", "float16[3]: 1 3 3", "float16[3]: 0 1 0", 0, 13 },
	};

	op_check_all(rows, OQZ_COUNTOF(rows));
}
END_TEST

OQZ_TEST_MAIN("op_opsets", set_18, sets_19_and_20, sets_21_to_27, corners)
