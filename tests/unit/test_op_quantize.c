/* SPDX-License-Identifier: Apache-2.0
 *
 * QuantizeLinear, DequantizeLinear, DynamicQuantizeLinear, FakeQuant: every target type, where scales run, rounding at
 * ties, saturation, and that quantizing and dequantizing is what FakeQuant does in one step.
 */
#include "tests/support/op_text.h"

START_TEST(quantize_by_hand)
{
	static const struct op_row rows[] = {
		{ "QuantizeLinear", "", "float32[4]: 0 2 3 1000; float32[]: 2; uint8[]: 128",
		  "uint8[4]: 128 129 130 255" },
		{ "QuantizeLinear", "", "float32[4]: 1 3 5 -1; float32[]: 2; int8[]: 0", "int8[4]: 0 2 2 0" },
		{ "QuantizeLinear", "", "float32[2]: 1 2; float32[]: 1", "uint8[2]: 1 2" },
		{ "QuantizeLinear", "axis=0", "float32[2,2]: 4 8 4 8; float32[2]: 2 4; int8[2]: 0 1",
		  "int8[2,2]: 2 4 2 3" },
		{ "QuantizeLinear", "axis=-1", "float32[1,2]: 4 8; float32[2]: 2 4; int16[2]: 0 0", "int16[1,2]: 2 2" },
		{ "QuantizeLinear", "output_dtype=5", "float32[1]: 40000; float32[]: 1", "int16[1]: 32767" },
		{ "QuantizeLinear", "", "float32[3]: -100 3 100; float32[]: 1; int4[]: 1", "int4[3]: -8 4 7" },
		{ "QuantizeLinear", "", "float32[2]: -1 20; float32[]: 1; uint4[]: 0", "uint4[2]: 0 15" },
		{ "QuantizeLinear", "", "float16[1]: 6; float16[]: 2; int8[]: 0", "int8[1]: 3" },
		{ "QuantizeLinear", "", "int32[1]: 7; float32[]: 2; int8[]: 0", "int8[1]: 4" },
		{ "QuantizeLinear", "", "float32[3]: 1 1000 -1.1; float32[]: 1; float8e4m3fn[]: 0",
		  "float8e4m3fn[3]: 1 448 -1.125" },
		{ "QuantizeLinear", "saturate=0", "float32[1]: 1000; float32[]: 1; float8e4m3fn[]: 0",
		  "float8e4m3fn[1]: nan" },
		{ "QuantizeLinear", "", "float32[1]: 1e9; float32[]: 1; float8e5m2[]: 0", "float8e5m2[1]: 57344" },
		{ "QuantizeLinear", "axis=1 block_size=2", "float32[1,4]: 2 4 8 16; float32[1,2]: 2 8; int8[1,2]: 0 1",
		  "int8[1,4]: 1 2 2 3" },
		{ "QuantizeLinear", "axis=0 block_size=2", "float32[3,1]: 2 4 8; float32[2,1]: 2 8",
		  "uint8[3,1]: 1 2 1" },
		{ "QuantizeLinear", "saturate=0 axis=1 block_size=2",
		  "float32[1,3]: 2 4 16; float32[1,2]: 2 8; float8e4m3fn[1,2]: 0", "float8e4m3fn[1,3]: 1 2 2" },
	};

	op_check_all(rows, OQZ_COUNTOF(rows));
	op_refuses(&(struct op_row) { "QuantizeLinear", "axis=0", "float32[3]: 1; float32[2]: 1" }, OQZ_E_DATA,
	           "scales");
	op_refuses(&(struct op_row) { "QuantizeLinear", "", "float32[3]: 1; float32[]: 1; int64[]: 0" },
	           OQZ_E_UNSUPPORTED, "int64");
}
END_TEST

START_TEST(dequantize_by_hand)
{
	static const struct op_row rows[] = {
		{ "DequantizeLinear", "", "uint8[3]: 0 128 255; float32[]: 2; uint8[]: 128", "float32[3]: -256 0 254" },
		{ "DequantizeLinear", "axis=1", "int8[1,2]: -3 4; float32[2]: 0.5 2; int8[2]: 0 1",
		  "float32[1,2]: -1.5 6" },
		{ "DequantizeLinear", "", "int32[1]: 100000; float32[]: 0.5", "float32[1]: 50000" },
		{ "DequantizeLinear", "", "int4[2]: -8 7; float32[]: 1", "float32[2]: -8 7" },
		{ "DequantizeLinear", "", "float8e4m3fn[2]: 448 -0.5; float32[]: 2", "float32[2]: 896 -1" },
		{ "DequantizeLinear", "", "int8[1]: 3; float16[]: 0.5", "float16[1]: 1.5" },
		{ "DequantizeLinear", "axis=1 block_size=2", "int8[2,3]: 1 2 3 4 5 6; float32[2,2]: 1 10 2 20",
		  "float32[2,3]: 1 2 30 8 10 120" },
	};

	op_check_all(rows, OQZ_COUNTOF(rows));
	op_refuses(&(struct op_row) { "DequantizeLinear", "", "int8[1]: 1; float32[]: 1; uint8[]: 0" }, OQZ_E_DATA,
	           "zero point");
}
END_TEST

START_TEST(dynamic_by_hand)
{
	static const struct op_row rows[] = {
		{ "DynamicQuantizeLinear", "", "float32[6]: 0 2 -3 -2.5 1.34 0.5",
		  "uint8[6]: 153 255 0 26 221 179; float32[]: 0.019607844; uint8[]: 153", 1e-9 },
		{ "DynamicQuantizeLinear", "", "float32[2]: 0 0", "uint8[2]: 0 0; float32[]: 1; uint8[]: 0" },
	};

	op_check_all(rows, OQZ_COUNTOF(rows));
}
END_TEST

START_TEST(fake_quant_is_both_at_once)
{
	static const struct op_row rows[] = {
		{ "oqz::FakeQuant", "kind=affine qmin=-2 qmax=1", "float32[4]: -9 -0.5 0.75 9; float32[]: 0.5",
		  "float32[4]: -1 -0.5 0.5 0.5" },
		{ "oqz::FakeQuant", "kind=affine qmin=0 qmax=15 axis=0",
		  "float32[2]: 3 3; float32[2]: 1 2; int32[2]: 0 5", "float32[2]: 3 4" },
		{ "oqz::FakeQuant", "kind=affine qmin=-8 qmax=7 rounding=7", "float32[2]: 0.9 -0.1; float32[]: 1",
		  "float32[2]: 0 -1" },
		{ "oqz::FakeQuant", "kind=minifloat exp_bits=4 man_bits=3 bias=7 special=1 max=448.0",
		  "float32[2]: 1000 1.1; float32[]: 1", "float32[2]: 448 1.125" },
		{ "oqz::FakeQuant", "kind=affine qmin=-8 qmax=7 axis=1 block=2",
		  "float32[1,3]: 3 3 3; float32[1,2]: 1 2", "float32[1,3]: 3 3 4" },
	};

	op_check_all(rows, OQZ_COUNTOF(rows));
	op_refuses(&(struct op_row) { "oqz::FakeQuant", "kind=custom", "float32[1]: 1; float32[]: 1" }, OQZ_E_PLUGIN,
	           "plugin");
	op_refuses(&(struct op_row) { "oqz::FakeQuant", "kind=odd", "float32[1]: 1; float32[]: 1" }, OQZ_E_UNSUPPORTED,
	           "odd");

	struct oqz_shape s = oqz_shape_of(3, (const int64_t[]) { 4, 6, 35 });
	struct oqz_tensor x = op_random(3, 200, &s), scale = op_tensor("float32[6]: 0.5 1 1.5 0.7 2 3"), codes = { 0 },
	                  a = { 0 }, b = { 0 }, zero = op_tensor("int8[6]: 0");
	op_run_text("QuantizeLinear", "", (const struct oqz_tensor *[]) { &x, &scale, &zero }, 3, &codes, 1);
	op_run_text("DequantizeLinear", "", (const struct oqz_tensor *[]) { &codes, &scale, &zero }, 3, &a, 1);
	op_run_text("oqz::FakeQuant", "kind=affine qmin=-128 qmax=127", (const struct oqz_tensor *[]) { &x, &scale }, 2,
	            &b, 1);
	ck_assert(max_abs_diff(a.data, b.data, 4 * 6 * 35, NULL) == 0);
	oqz_tensor_release(&x);
	oqz_tensor_release(&scale);
	oqz_tensor_release(&codes);
	oqz_tensor_release(&zero);
	oqz_tensor_release(&a);
	oqz_tensor_release(&b);
}
END_TEST

OQZ_TEST_MAIN("op_quantize", quantize_by_hand, dequantize_by_hand, dynamic_by_hand, fake_quant_is_both_at_once)
