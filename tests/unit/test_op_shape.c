/* SPDX-License-Identifier: Apache-2.0
 *
 * Reshaping, asking for shapes, making constants, and conversions between element types.
 */
#include "tests/support/graph_text.h"
#include "tests/support/op_text.h"

START_TEST(shapes_by_hand)
{
	static const struct op_row rows[] = {
		{ "Reshape", "", "float32[2,3]: 1 2 3 4 5 6; int64[2]: 3 -1", "float32[3,2]: 1 2 3 4 5 6" },
		{ "Reshape", "", "float32[2,3]: 1 2 3 4 5 6; int64[3]: 0 1 -1", "float32[2,1,3]: 1 2 3 4 5 6" },
		{ "Reshape", "allowzero=1", "float32[0,3]:; int64[2]: 3 0", "float32[3,0]:" },
		{ "Reshape", "", "float32[1]: 7; int64[0]:", "float32[]: 7" },
		{ "Reshape", "shape=[1,-1]", "float32[2]: 1 2", "float32[1,2]: 1 2", 0, 1 },
		{ "Flatten", "", "float32[2,1,2]: 1 2 3 4", "float32[2,2]: 1 2 3 4" },
		{ "Flatten", "axis=0", "float32[2,1]: 1 2", "float32[1,2]: 1 2" },
		{ "Flatten", "axis=-1", "float32[1,2,3]: 1 2 3 4 5 6", "float32[2,3]: 1 2 3 4 5 6" },
		{ "Flatten", "axis=2", "float32[1,2]: 1 2", "float32[2,1]: 1 2" },
		{ "Squeeze", "", "float32[1,2,1]: 1 2", "float32[2]: 1 2" },
		{ "Squeeze", "", "float32[1,2,1]: 1 2; int64[1]: -1", "float32[1,2]: 1 2" },
		{ "Squeeze", "axes=[0]", "float32[1,2]: 1 2", "float32[2]: 1 2", 0, 11 },
		{ "Unsqueeze", "", "float32[2]: 1 2; int64[2]: 0 -1", "float32[1,2,1]: 1 2" },
		{ "Shape", "", "float32[2,3]: 0", "int64[2]: 2 3" },
		{ "Shape", "start=-2 end=-1", "float32[2,3,4]: 0", "int64[1]: 3" },
		{ "Size", "", "float32[2,3]: 0", "int64[]: 6" },
		{ "Constant", "value=int8[2]:3,4", "", "int8[2]: 3 4" },
		{ "Constant", "value_ints=[5,6]", "", "int64[2]: 5 6" },
		{ "Constant", "value_float=0.5", "", "float32[]: 0.5" },
		{ "ConstantOfShape", "value=int32[1]:7", "int64[2]: 1 2", "int32[1,2]: 7 7" },
		{ "ConstantOfShape", "", "int64[1]: 2", "float32[2]: 0 0" },
		{ "Range", "", "float32[]: 1; float32[]: 5; float32[]: 2", "float32[2]: 1 3" },
		{ "Range", "", "int32[]: 10; int32[]: 4; int32[]: -3", "int32[2]: 10 7" },
		{ "Range", "", "int64[]: 3; int64[]: 3; int64[]: 1", "int64[0]:" },
		{ "EyeLike", "k=1 dtype=1", "int32[2,3]: 0", "float32[2,3]: 0 1 0 0 0 1" },
		{ "Dropout", "", "float32[2]: 1 2; float32[]: 0.5", "float32[2]: 1 2; bool[2]: 1 1" },
		/* NumPy's RandomState(0) begins with 0.5488 0.7152 0.6028 0.5449 0.4237 0.6459 */
		{ "Dropout", "seed=0", "float32[6]: 1 2 3 4 5 6; float32[]: 0.6; bool[]: 1",
		  "float32[6]: 0 5 7.5 0 0 15; bool[6]: 0 1 1 0 0 1", 1e-6 },
		{ "Dropout", "seed=0", "float32[2]: 1 2; float32[]: 0; bool[]: 1", "float32[2]: 1 2; bool[2]: 1 1" },
		{ "Dropout", "seed=0", "float32[2]: 1 2; -; bool[]: 1", "float32[2]: 2 4; bool[2]: 1 1" },
		{ "Identity", "", "int16[2]: 1 2", "int16[2]: 1 2" },
	};

	op_check_all(rows, OQZ_COUNTOF(rows));
	op_refuses(&(struct op_row) { "Reshape", "", "float32[3]: 1; int64[2]: 2 -1" }, OQZ_E_DATA, "fill");
	op_refuses(&(struct op_row) { "Reshape", "", "float32[4]: 1; int64[2]: -1 -1" }, OQZ_E_DATA, "more than one");
	op_refuses(&(struct op_row) { "Squeeze", "", "float32[2]: 1; int64[1]: 0" }, OQZ_E_DATA, "not 1");
	op_refuses(&(struct op_row) { "Range", "", "int64[]: 0; int64[]: 3; int64[]: 0" }, OQZ_E_DATA, "step");
	op_refuses(&(struct op_row) { "Dropout", "", "float32[1]: 1; float32[]: 1; bool[]: 1" }, OQZ_E_DATA, "ratio");
}
END_TEST

START_TEST(casts_by_hand)
{
	static const struct op_row rows[] = {
		{ "Cast", "to=6", "float32[4]: 1.9 -1.9 3e10 nan", "int32[4]: 1 -1 2147483647 0" },
		{ "Cast", "to=2", "int32[3]: -1 256 7", "uint8[3]: 255 0 7" },
		{ "Cast", "to=9", "float32[3]: 0 0.25 nan", "bool[3]: 0 1 1" },
		{ "Cast", "to=9", "int64[2]: 4294967296 0", "bool[2]: 1 0" },
		{ "Cast", "to=1", "int64[1]: 16777217", "float32[1]: 16777216" },
		{ "Cast", "to=10", "float32[3]: 2049 70000 1e-8", "float16[3]: 2048 inf 0" },
		{ "Cast", "to=16", "float32[1]: 1.00390625", "bfloat16[1]: 1" },
		{ "Cast", "to=11", "float16[1]: 0.5", "float64[1]: 0.5" },
		{ "Cast", "to=17", "float32[3]: 500 27 -0.0009765625", "float8e4m3fn[3]: 448 28 -0" },
		{ "Cast", "to=17 saturate=0", "float32[1]: 500", "float8e4m3fn[1]: nan" },
		{ "Cast", "to=19 saturate=0", "float32[1]: 1e9", "float8e5m2[1]: inf" },
		{ "Cast", "to=22", "int8[2]: 7 9", "int4[2]: 7 -7" },
		{ "CastLike", "", "float32[2]: 1.5 -2.5; int8[1]: 0", "int8[2]: 1 -2" },
		{ "Cast", "to=INT64", "float32[1]: 3", "int64[1]: 3", 0, 1 },
	};

	op_check_all(rows, OQZ_COUNTOF(rows));
	op_refuses(&(struct op_row) { "Cast", "to=14", "float32[1]: 1" }, OQZ_E_UNSUPPORTED, "conversion");
}
END_TEST

/* Folding asks for the size of a value that nobody has had to find memory for. */
START_TEST(more_elements_than_can_be_counted)
{
	struct oqz_graph *g = graph_text("in x float32[2]\nn = Size (x)\nout n");
	struct oqz_tensor x = { .dtype = OQZ_DT_F32,
		                .shape = oqz_shape_of(2, (const int64_t[]) { INT64_MAX, INT64_MAX }) },
	                  n = { 0 };

	ck_fails(oqz_op_run(g->nodes.v[0], (const struct oqz_tensor *[]) { &x }, &n, err), OQZ_E_LIMIT,
	         "too many elements");
	oqz_graph_free(g);
}
END_TEST

/* An empty tensor's other dimensions may have any length (found by libFuzzer: an input of such a shape). */
START_TEST(large_dimensions_next_to_none)
{
	struct oqz_shape s = oqz_shape_of(3, (const int64_t[]) { INT64_MAX, INT64_MAX, 0 });

	ck_assert_int_eq(oqz_shape_nelem(&s), 0);
	ck_assert_int_eq(oqz_shape_span(&s, 0, 2), INT64_MAX);
	ck_assert_int_eq(oqz_shape_span(&s, 1, 2), INT64_MAX);
	ck_assert_int_eq(oqz_shape_span(&s, 3, 3), 1);
}
END_TEST

OQZ_TEST_MAIN("op_shape", shapes_by_hand, casts_by_hand, more_elements_than_can_be_counted,
              large_dimensions_next_to_none)
