/* SPDX-License-Identifier: Apache-2.0
 *
 * Reductions: every rule by hand, axes in every form, integers that must stay exact, sums that float32 could not take.
 */
#include "tests/support/op_text.h"
#include <math.h>

START_TEST(rules_by_hand)
{
	static const struct op_row rows[] = {
		{ "ReduceSum", "", "float32[2,3]: 1 2 3 4 5 6; int64[1]: 1", "float32[2,1]: 6 15" },
		{ "ReduceSum", "keepdims=0", "float32[2,3]: 1 2 3 4 5 6; int64[1]: 0", "float32[3]: 5 7 9" },
		{ "ReduceSum", "keepdims=0", "float32[2,3]: 1 2 3 4 5 6", "float32[]: 21" },
		{ "ReduceSum", "noop_with_empty_axes=1", "float32[2]: 1 2; int64[0]:", "float32[2]: 1 2" },
		{ "ReduceMean", "axes=[1,-1] keepdims=0", "float32[1,2,1,2]: 1 2 3 6", "float32[1,1]: 3", 0, 13 },
		{ "ReduceMean", "", "int32[4]: 1 2 3 5; int64[1]: 0", "int32[1]: 2" },
		{ "ReduceMax", "", "float32[2,2]: -1 -2 -3 nan; int64[1]: 1", "float32[2,1]: -1 nan" },
		{ "ReduceMin", "", "uint8[4]: 200 100 250 101", "uint8[1]: 100" },
		{ "ReduceMax", "", "int64[2]: 9007199254740993 9007199254740992", "int64[1]: 9007199254740993" },
		{ "ReduceProd", "", "float32[2,2]: 1 2 3 4; int64[1]: 0", "float32[1,2]: 3 8" },
		{ "ReduceL1", "", "float32[3]: -1 2 -3", "float32[1]: 6" },
		{ "ReduceL2", "", "float32[2]: 3 -4", "float32[1]: 5" },
		{ "ReduceSumSquare", "", "int32[3]: 1 2 -3", "int32[1]: 14" },
		{ "ReduceLogSum", "", "float32[2]: 1 1", "float32[1]: 0.69314718", 1e-7 },
		{ "ReduceLogSumExp", "", "float32[2]: 1000 1000", "float32[1]: 1000.693147", 1e-7 },
		{ "ReduceSum", "keepdims=0", "float32[0,2]:; int64[1]: 0", "float32[2]: 0 0" },
		{ "ReduceSum", "", "float32[]: 3", "float32[]: 3" },
		{ "ReduceSum", "", "float32[3]: 1e8 1 -1e8", "float32[1]: 1" },
	};

	op_check_all(rows, OQZ_COUNTOF(rows));
}
END_TEST

/* Reducing axes one after another is reducing them at once. */
START_TEST(axes_can_be_reduced_in_turn)
{
	static const char *const sets[] = { "int64[2]: 1 3", "int64[2]: 3 1", "int64[2]: -3 -1" };
	struct oqz_shape s = oqz_shape_of(4, (const int64_t[]) { 3, 5, 4, 7 });
	struct oqz_tensor x = op_random(1, 1, &s), one = op_tensor("int64[1]: 1"), three = op_tensor("int64[1]: 3");
	struct oqz_tensor a = { 0 }, b = { 0 };

	op_run_text("ReduceSum", "", (const struct oqz_tensor *[]) { &x, &one }, 2, &a, 1);
	op_run_text("ReduceSum", "", (const struct oqz_tensor *[]) { &a, &three }, 2, &b, 1);
	for (size_t i = 0; i < OQZ_COUNTOF(sets); i++) {
		struct oqz_tensor axes = op_tensor(sets[i]), both = { 0 };

		op_run_text("ReduceSum", "", (const struct oqz_tensor *[]) { &x, &axes }, 2, &both, 1);
		ck_assert(oqz_shape_equal(&b.shape, &both.shape));
		ck_assert_double_lt(max_abs_diff(b.data, both.data, 12, NULL), 1e-5);
		oqz_tensor_release(&axes);
		oqz_tensor_release(&both);
	}
	oqz_tensor_release(&x);
	oqz_tensor_release(&one);
	oqz_tensor_release(&three);
	oqz_tensor_release(&a);
	oqz_tensor_release(&b);
}
END_TEST

START_TEST(order_along_an_axis)
{
	static const struct op_row rows[] = {
		{ "ArgMax", "axis=1", "float32[2,3]: 1 3 3 9 2 9", "int64[2,1]: 1 0" },
		{ "ArgMax", "axis=1 select_last_index=1 keepdims=0", "float32[2,3]: 1 3 3 9 2 9", "int64[2]: 2 2" },
		{ "ArgMin", "axis=0", "int8[2,3]: 1 -3 3 1 2 -9", "int64[1,3]: 0 0 1" },
		{ "ArgMax", "axis=1", "float32[3,3]: 1 nan 3 -0 0 -1 nan nan 9", "int64[3,1]: 1 0 0" },
		{ "ArgMax", "axis=1 select_last_index=1", "float32[3,3]: 1 nan 3 -0 0 -1 -inf -inf -inf",
		  "int64[3,1]: 1 1 2" },
		{ "ArgMin", "axis=1", "float32[3,3]: 1 nan 3 0 -0 1 inf inf inf", "int64[3,1]: 0 0 0" },
		{ "TopK", "axis=1", "float32[2,4]: 1 4 3 4 -1 -2 -3 -4; int64[1]: 2",
		  "float32[2,2]: 4 4 -1 -2; int64[2,2]: 1 3 0 1" },
		{ "TopK", "axis=0 largest=0", "int64[3,1]: 5 3 4; int64[1]: 2", "int64[2,1]: 3 4; int64[2,1]: 1 2" },
		{ "TopK", "k=1", "float32[1,3]: 1 2 0", "float32[1,1]: 2; int64[1,1]: 1", 0, 9 },
		{ "CumSum", "", "float32[2,3]: 1 2 3 4 5 6; int64[]: 1", "float32[2,3]: 1 3 6 4 9 15" },
		{ "CumSum", "exclusive=1 reverse=1", "int32[3]: 1 2 3; int32[]: 0", "int32[3]: 5 3 0" },
	};

	op_check_all(rows, OQZ_COUNTOF(rows));
	op_refuses(&(struct op_row) { "TopK", "", "float32[2]: 1; int64[1]: 3", "-; -" }, OQZ_E_DATA, "K is 3");
	op_refuses(&(struct op_row) { "ReduceSum", "", "float32[2]: 1; int64[1]: 3" }, OQZ_E_DATA, "3");
}
END_TEST

OQZ_TEST_MAIN("op_reduce", rules_by_hand, axes_can_be_reduced_in_turn, order_along_an_axis)
