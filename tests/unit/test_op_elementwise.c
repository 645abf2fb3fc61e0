/* SPDX-License-Identifier: Apache-2.0
 *
 * Elementwise operators: values by hand, every kind of broadcasting, every element type class, the corners of integers
 * and NaN.
 */
#include "tests/support/op_text.h"
#include <math.h>

START_TEST(unary_values)
{
	static const struct op_row rows[] = {
		{ "Abs", "", "uint64[2]: 0 18446744073709551615", "uint64[2]: 0 18446744073709551615" },
		{ "Sign", "", "uint64[3]: 0 1 18446744073709551615", "uint64[3]: 0 1 1" },
		{ "Abs", "", "float32[3]: -1.5 0 2", "float32[3]: 1.5 0 2" },
		{ "Abs", "", "int8[3]: -128 -3 5", "int8[3]: -128 3 5" },
		{ "Neg", "", "int64[2]: 4 -5", "int64[2]: -4 5" },
		{ "Sign", "", "float32[4]: -2 0 3 nan", "float32[4]: -1 0 1 nan" },
		{ "Sign", "", "uint8[2]: 0 200", "uint8[2]: 0 1" },
		{ "Relu", "", "float32[4]: -1 0 2 nan", "float32[4]: 0 0 2 nan" },
		{ "Relu", "", "float16[2]: -1 2", "float16[2]: 0 2" },
		{ "LeakyRelu", "alpha=0.25", "float32[2]: -4 4", "float32[2]: -1 4" },
		{ "LeakyRelu", "", "float32[1]: -1", "float32[1]: -0.01", 1e-7 },
		{ "ThresholdedRelu", "alpha=1.5", "float32[3]: 1 1.5 2", "float32[3]: 0 0 2" },
		{ "Sigmoid", "", "float32[3]: 0 100 -100", "float32[3]: 0.5 1 3.720076e-44", 1e-7 },
		{ "HardSigmoid", "", "float32[3]: -3 0 3", "float32[3]: 0 0.5 1", 1e-7 },
		{ "HardSwish", "", "float32[4]: -4 -1 1 4", "float32[4]: 0 -0.33333333 0.66666667 4", 1e-7 },
		{ "Tanh", "", "float32[2]: 0 1", "float32[2]: 0 0.76159416", 1e-7 },
		{ "Elu", "alpha=2.0", "float32[2]: -1 3", "float32[2]: -1.26424112 3", 1e-7 },
		{ "Selu", "", "float32[2]: -1 1", "float32[2]: -1.11133074 1.05070099", 1e-6 },
		{ "Celu", "alpha=2.0", "float32[2]: -2 2", "float32[2]: -1.26424112 2", 1e-7 },
		{ "Softplus", "", "float32[3]: 0 1000 -1000", "float32[3]: 0.69314718 1000 0", 1e-7 },
		{ "Softsign", "", "float32[2]: -1 3", "float32[2]: -0.5 0.75" },
		{ "Mish", "", "float32[2]: 0 1", "float32[2]: 0 0.86509839", 1e-7 },
		{ "Gelu", "", "float32[2]: 1 -1", "float32[2]: 0.84134475 -0.15865525", 1e-7 },
		{ "Gelu", "approximate=tanh", "float32[2]: 1 -1", "float32[2]: 0.84119199 -0.15880801", 1e-7 },
		{ "Swish", "alpha=2.0", "float32[1]: 1", "float32[1]: 0.88079708", 1e-7, 24 },
		{ "Shrink", "bias=1.0 lambd=1.5", "float32[3]: -2 1 2", "float32[3]: -1 0 1" },
		{ "Erf", "", "float32[1]: 0.5", "float32[1]: 0.52049988", 1e-7 },
		{ "Exp", "", "float64[1]: 1", "float64[1]: 2.718281828459045", 1e-15 },
		{ "Log", "", "float32[2]: 1 0", "float32[2]: 0 -inf" },
		{ "Sqrt", "", "float32[2]: 9 2", "float32[2]: 3 1.41421356", 1e-7 },
		{ "Reciprocal", "", "float32[2]: 4 0", "float32[2]: 0.25 inf" },
		{ "Floor", "", "float32[3]: -1.5 2.7 -0.2", "float32[3]: -2 2 -1" },
		{ "Ceil", "", "float32[3]: -1.5 2.2 0.1", "float32[3]: -1 3 1" },
		{ "Round", "", "float32[6]: 0.5 1.5 2.5 -0.5 -1.5 2.6", "float32[6]: 0 2 2 0 -2 3" },
		{ "Sin", "", "float32[1]: 1", "float32[1]: 0.84147098", 1e-7 },
		{ "Atanh", "", "float32[1]: 0.5", "float32[1]: 0.54930614", 1e-7 },
		{ "IsNaN", "", "float32[3]: nan 1 inf", "bool[3]: 1 0 0" },
		{ "IsInf", "", "float32[4]: nan -inf inf 1", "bool[4]: 0 1 1 0" },
		{ "IsInf", "detect_negative=0", "float32[2]: -inf inf", "bool[2]: 0 1" },
		{ "Not", "", "bool[2]: 1 0", "bool[2]: 0 1" },
		{ "BitwiseNot", "", "uint8[2]: 0 15", "uint8[2]: 255 240" },
	};

	op_check_all(rows, OQZ_COUNTOF(rows));
}
END_TEST

START_TEST(clip_takes_bounds_from_inputs)
{
	static const struct op_row rows[] = {
		{ "Clip", "", "float32[4]: -2 0 7 nan; float32[]: -1; float32[]: 6", "float32[4]: -1 0 6 nan" },
		{ "Clip", "", "float32[2]: -2 7; -; float32[]: 6", "float32[2]: -2 6" },
		{ "Clip", "", "float32[2]: -2 7; float32[]: 0", "float32[2]: 0 7" },
		{ "Clip", "", "float32[2]: -2 7", "float32[2]: -2 7" },
		{ "Clip", "", "int8[3]: -100 0 100; int8[]: -7; int8[]: 7", "int8[3]: -7 0 7" },
		{ "Clip", "", "float32[1]: 3; float32[]: 5; float32[]: 4", "float32[1]: 4" },
		{ "Clip", "min=0.0 max=6.0", "float32[3]: -1 3 9", "float32[3]: 0 3 6", 0, 6 },
	};

	op_check_all(rows, OQZ_COUNTOF(rows));
}
END_TEST

START_TEST(binary_values)
{
	static const struct op_row rows[] = {
		{ "Add", "", "float32[2]: 1 2; float32[2]: 3 4", "float32[2]: 4 6" },
		{ "Add", "", "uint8[1]: 200; uint8[1]: 100", "uint8[1]: 44" },
		{ "Sub", "", "int32[2,1]: 1 2; int32[2]: 10 20", "int32[2,2]: -9 -19 -8 -18" },
		{ "Mul", "", "bfloat16[1]: 3; bfloat16[]: 5", "bfloat16[1]: 15" },
		{ "Div", "", "int64[4]: 7 -7 7 -7; int64[4]: 2 2 -2 -2", "int64[4]: 3 -3 -3 3" },
		{ "Div", "", "int64[1]: -9223372036854775808; int64[1]: -1", "int64[1]: -9223372036854775808" },
		{ "Div", "", "uint64[1]: 18446744073709551615; uint64[1]: 2", "uint64[1]: 9223372036854775807" },
		{ "Mod", "", "int32[4]: -4 7 5 -7; int32[4]: 2 -3 8 3", "int32[4]: 0 -2 5 2" },
		{ "Mod", "fmod=1", "float32[2]: -4.5 7.5; float32[2]: 2 -3", "float32[2]: -0.5 1.5" },
		{ "Pow", "", "float32[3]: 2 3 -2; float32[]: 2", "float32[3]: 4 9 4" },
		{ "Pow", "", "int32[3]: 2 3 -2; int32[3]: 3 0 3", "int32[3]: 8 1 -8" },
		{ "Pow", "", "int64[2]: 4 9; float32[]: 0.5", "int64[2]: 2 3" },
		{ "Pow", "", "float32[1]: 2; int64[1]: -1", "float32[1]: 0.5" },
		{ "Max", "", "float32[2]: 1 nan; float32[2]: 2 2; float32[]: 1.5", "float32[2]: 2 nan" },
		{ "Min", "", "int8[2]: -3 4; int8[1]: 2", "int8[2]: -3 2" },
		{ "Max", "", "uint64[1]: 18446744073709551615; uint64[1]: 1", "uint64[1]: 18446744073709551615" },
		{ "Sum", "", "float32[2]: 1 2; float32[1]: 10; float32[2,1]: 100 200",
		  "float32[2,2]: 111 112 211 212" },
		{ "Sum", "", "float32[1]: 5", "float32[1]: 5" },
		{ "Mean", "", "float32[2]: 1 2; float32[2]: 3 6", "float32[2]: 2 4" },
		{ "PRelu", "", "float32[1,2,2]: -1 2 -3 4; float32[2,1]: 0.5 2", "float32[1,2,2]: -0.5 2 -6 4" },
		{ "Equal", "", "float32[3]: 1 nan 2; float32[3]: 1 nan 3", "bool[3]: 1 0 0" },
		{ "Equal", "", "bool[2]: 1 0; bool[2]: 1 1", "bool[2]: 1 0" },
		{ "Greater", "", "int64[2]: 3 1; int64[]: 2", "bool[2]: 1 0" },
		{ "Greater", "", "uint64[1]: 18446744073709551615; uint64[1]: 1", "bool[1]: 1" },
		{ "LessOrEqual", "", "float32[3]: 1 2 3; float32[]: 2", "bool[3]: 1 1 0" },
		{ "And", "", "bool[4]: 0 0 1 1; bool[4]: 0 1 0 1", "bool[4]: 0 0 0 1" },
		{ "Xor", "", "bool[4]: 0 0 1 1; bool[4]: 0 1 0 1", "bool[4]: 0 1 1 0" },
		{ "BitShift", "direction=LEFT", "uint8[2]: 1 200; uint8[2]: 3 1", "uint8[2]: 8 144" },
		{ "BitShift", "direction=RIGHT", "uint64[1]: 18446744073709551615; uint64[1]: 63", "uint64[1]: 1" },
		{ "BitwiseXor", "", "int32[1]: -1; int32[1]: 5", "int32[1]: -6" },
		{ "Where", "", "bool[2,1]: 1 0; float32[1,2]: 1 2; float32[]: 9", "float32[2,2]: 1 2 9 9" },
		{ "Where", "", "bool[3]: 1 0 1; int64[3]: 1 2 3; int64[3]: 7 8 9", "int64[3]: 1 8 3" },
		{ "Add", "", "float32[0,2]:; float32[2]: 1 2", "float32[0,2]:" },
	};

	op_check_all(rows, OQZ_COUNTOF(rows));
}
END_TEST

START_TEST(errors_name_the_reason)
{
	op_refuses(&(struct op_row) { "Div", "", "int32[1]: 1; int32[1]: 0" }, OQZ_E_DATA, "division by zero");
	op_refuses(&(struct op_row) { "Add", "", "int32[2]: 1; float32[2]: 0" }, OQZ_E_DATA, "float32");
	op_refuses(&(struct op_row) { "Add", "", "int32[2]: 1; int32[3]: 0" }, OQZ_E_DATA, "Add");
	op_refuses(&(struct op_row) { "Sqrt", "", "int32[2]: 1" }, OQZ_E_UNSUPPORTED, "Sqrt of int32");
	op_refuses(&(struct op_row) { "Relu", "alpha=1.0", "float32[2]: 1" }, OQZ_E_UNSUPPORTED, "alpha");
	op_refuses(&(struct op_row) { "PRelu", "", "float32[2]: 1; float32[2,2]: 1" }, OQZ_E_DATA, "slope");
}
END_TEST

/* Broadcasting against the plain definition: index every operand by its own coordinates. */
START_TEST(broadcasting_agrees_with_its_definition)
{
	static const int64_t a[][4] = {
		{ 2, 3, 4, 5 }, { 1, 3, 1, 5 }, { 2, 1, 4, 1 }, { 1, 1, 1, 1 }, { 2, 3, 1, 1 }
	};

	for (size_t i = 0; i < OQZ_COUNTOF(a); i++)
		for (size_t j = 0; j < OQZ_COUNTOF(a); j++) {
			struct oqz_shape sa = oqz_shape_of(4, a[i]), sb = oqz_shape_of(4, a[j]);
			struct oqz_tensor x = op_random(i, 4, &sa), y = op_random(j + 10, 4, &sb), out = { 0 };
			const float *fx = x.data, *fy = y.data;

			op_run_text("Sub", "", (const struct oqz_tensor *[]) { &x, &y }, 2, &out, 1);
			for (int64_t k = 0; k < oqz_tensor_nelem(&out); k++) {
				int64_t rest = k, ix = 0, iy = 0, px = 1, py = 1;

				for (int d = 3; d >= 0; d--) {
					int64_t c = rest % out.shape.dim[d];

					ck_assert_int_eq(out.shape.dim[d],
					                 sa.dim[d] > sb.dim[d] ? sa.dim[d] : sb.dim[d]);
					rest /= out.shape.dim[d];
					ix += (sa.dim[d] == 1 ? 0 : c) * px;
					iy += (sb.dim[d] == 1 ? 0 : c) * py;
					px *= sa.dim[d];
					py *= sb.dim[d];
				}
				ck_assert(((float *)out.data)[k] == fx[ix] - fy[iy]);
			}
			oqz_tensor_release(&x);
			oqz_tensor_release(&y);
			oqz_tensor_release(&out);
		}
}
END_TEST

OQZ_TEST_MAIN("op_elementwise", unary_values, clip_takes_bounds_from_inputs, binary_values, errors_name_the_reason,
              broadcasting_agrees_with_its_definition)
