/* SPDX-License-Identifier: Apache-2.0
 *
 * Operators of com.microsoft against their definitions in ONNX Runtime's ContribOperators.md.
 */
#include "tests/support/op_text.h"

#define MS "com.microsoft::"
#define A8 "uint8[2]: 10 20; float32[]: 0.5; uint8[]: 10" /* 0 and 5 */

START_TEST(float_operators)
{
	static const struct op_row rows[] = {
		{ MS "Gelu", "", "float32[1]: 1", "float32[1]: 0.84134475", 1e-6 },
		{ MS "BiasGelu", "", "float32[1,2]: 1 0; float32[2]: 0 1", "float32[1,2]: 0.84134475 0.84134475",
		  1e-6 },
		{ MS "FastGelu", "", "float32[1]: 0.5; float32[1]: 0.5", "float32[1]: 0.84119199", 1e-6 },
		{ MS "FastGelu", "", "float32[1]: 1", "float32[1]: 0.84119199", 1e-6 },
		{ MS "QuickGelu", "", "float32[1]: 1", "float32[1]: 0.84579577", 1e-6 },
		{ MS "QuickGelu", "alpha=2.0", "float32[1]: 1", "float32[1]: 0.88079708", 1e-6 },
		{ MS "FusedMatMul", "transA=1 transB=1 alpha=2.0", "float32[1,2]: 1 2; float32[2,1]: 3 4",
		  "float32[2,2]: 6 8 12 16", 0 },
		{ MS "FusedMatMul", "", "float32[1,2]: 1 2; float32[2,1]: 3 4", "float32[1,1]: 11", 0 },
		{ MS "FusedConv", "activation=Relu", "float32[1,1,2]: 1 -2; float32[1,1,1]: 3; float32[1]: -1",
		  "float32[1,1,2]: 2 0", 0 },
		{ MS "FusedConv", "activation=LeakyRelu activation_params=[0.5,0.0]",
		  "float32[1,1,2]: 1 -2; float32[1,1,1]: 1", "float32[1,1,2]: 1 -1", 0 },
		{ MS "FusedConv", "activation=Clip activation_params=[0.0,2.0]",
		  "float32[1,1,2]: 3 -2; float32[1,1,1]: 1", "float32[1,1,2]: 2 0", 0 },
		{ MS "FusedConv", "activation=Relu strides=[2]",
		  "float32[1,1,3]: 1 5 -2; float32[1,1,1]: 1; -; float32[1,1,2]: 1 1", "float32[1,1,2]: 2 0", 0 },
		{ MS "SkipLayerNormalization", "epsilon=0.0",
		  "float32[1,1,2]: 1 1; float32[1,1,2]: 0 2; float32[2]: 1; float32[2]: 0 1; float32[2]: 1 1",
		  "float32[1,1,2]: -1 2", 1e-6 },
		{ MS "SkipSimplifiedLayerNormalization", "epsilon=0.0",
		  "float32[1,1,2]: 1 1; float32[1,1,2]: 2 3; float32[2]: 1", "float32[1,1,2]: 0.84852814 1.13137085",
		  1e-6 },
		{ MS "SimplifiedLayerNormalization", "epsilon=0.0", "float32[1,2]: 3 4; float32[2]: 1",
		  "float32[1,2]: 0.84852814 1.13137085", 1e-6 },
		{ "SimplifiedLayerNormalization", "epsilon=0.0", "float32[1,2]: 3 4; float32[2]: 1",
		  "float32[1,2]: 0.84852814 1.13137085", 1e-6 },
	};

	op_check_all(rows, OQZ_COUNTOF(rows));
	op_refuses(&(struct op_row) { MS "FusedMatMul", "transBatchA=1", "float32[1,1]: 1; float32[1,1]: 1", "-", 0 },
	           OQZ_E_UNSUPPORTED, "transBatchA");
	op_refuses(&(struct op_row) { MS "Inverse", "", "float32[1,1]: 1", "-", 0 }, OQZ_E_UNSUPPORTED, "Inverse");
}
END_TEST

START_TEST(quantized_operators)
{
	static const struct op_row rows[] = {
		{ MS "QuantizeLinear", "", "float32[2]: 1 -300; float32[]: 2; int8[]: 1", "int8[2]: 1 -128", 0 },
		{ MS "DequantizeLinear", "", "uint16[2]: 1 7; float32[]: 2; uint16[]: 1", "float32[2]: 0 12", 0 },
		{ MS "QLinearAdd", "", A8 "; uint8[2]: 1 2; float32[]: 1; uint8[]: 0; float32[]: 0.5; uint8[]: 100",
		  "uint8[2]: 102 114", 0 },
		{ MS "QLinearMul", "", A8 "; uint8[2]: 1 2; float32[]: 1; uint8[]: 0; float32[]: 1; uint8[]: 3",
		  "uint8[2]: 3 13", 0 },
		{ MS "QLinearSigmoid", "", A8 "; float32[]: 0.00390625; uint8[]: 0", "uint8[2]: 128 254", 0 },
		{ MS "QLinearLeakyRelu", "alpha=0.5", "int8[2]: -4 4; float32[]: 1; int8[]: 0; float32[]: 1; int8[]: 0",
		  "int8[2]: -2 4", 0 },
		{ MS "QLinearGlobalAveragePool", "",
		  "uint8[1,1,2]: 2 4; float32[]: 1; uint8[]: 0; float32[]: 0.5; uint8[]: 0", "uint8[1,1,1]: 6", 0 },
		{ MS "QLinearAveragePool", "kernel_shape=[2]",
		  "uint8[1,1,3]: 2 4 8; float32[]: 1; uint8[]: 0; float32[]: 1; uint8[]: 0", "uint8[1,1,2]: 3 6", 0 },
		{ MS "QLinearConcat", "axis=0",
		  "float32[]: 1; uint8[]: 0; " A8 "; uint8[1]: 9; float32[]: 1; uint8[]: 0", "uint8[3]: 0 5 9", 0 },
		{ MS "QLinearSoftmax", "axis=-1 opset=13",
		  "uint8[2]: 3 3; float32[]: 1; uint8[]: 0; float32[]: 0.25; uint8[]: 0", "uint8[2]: 2 2", 0 },
		/* C counts in a_scale * b_scale * alpha, per column */
		{ MS "QGemm", "transB=1",
		  "uint8[1,2]: 2 4; float32[]: 0.5; uint8[]: 0; int8[2,2]: 1 1 2 0; float32[2]: 1 2; int8[2]: 0; "
		  "int32[2]: 2 1; "
		  "float32[]: 1; uint8[]: 0",
		  "uint8[1,2]: 4 5", 0 },
		{ MS "QGemm", "alpha=2.0",
		  "uint8[1,1]: 2; float32[]: 0.5; uint8[]: 0; int8[1,1]: 3; float32[]: 1; int8[]: 0; int32[1]: 4",
		  "float32[1,1]: 10", 0 },
	};

	op_check_all(rows, OQZ_COUNTOF(rows));
	op_refuses(&(struct op_row) { MS "QLinearSigmoid", "", "uint8[1]: 1; float32[]: 1", "-", 0 }, OQZ_E_DATA,
	           "scale");
}
END_TEST

OQZ_TEST_MAIN("op_contrib", float_operators, quantized_operators)
