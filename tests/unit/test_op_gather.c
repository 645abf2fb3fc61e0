/* SPDX-License-Identifier: Apache-2.0
 *
 * Movers by index, and what they do with indices that point nowhere.
 */
#include "tests/support/op_text.h"

START_TEST(gathers_by_hand)
{
	static const struct op_row rows[] = {
		{ "Gather", "", "float32[3,2]: 1 2 3 4 5 6; int64[2]: 2 0", "float32[2,2]: 5 6 1 2" },
		{ "Gather", "axis=1", "int8[2,3]: 1 2 3 4 5 6; int32[1,2]: -1 0", "int8[2,1,2]: 3 1 6 4" },
		{ "Gather", "", "int64[3]: 7 8 9; int64[]: 1", "int64[]: 8" },
		{ "GatherElements", "axis=1", "float32[2,2]: 1 2 3 4; int64[2,2]: 0 0 1 0", "float32[2,2]: 1 1 4 3" },
		{ "GatherElements", "axis=0", "float32[3,2]: 1 2 3 4 5 6; int64[1,2]: -1 0", "float32[1,2]: 5 2" },
		{ "GatherND", "", "float32[2,2]: 1 2 3 4; int64[2,2]: 0 0 1 1", "float32[2]: 1 4" },
		{ "GatherND", "", "float32[2,2]: 1 2 3 4; int64[2,1]: 1 0", "float32[2,2]: 3 4 1 2" },
		{ "GatherND", "batch_dims=1", "float32[2,2]: 1 2 3 4; int64[2,1]: 1 0", "float32[2]: 2 3" },
		{ "ScatterElements", "axis=1", "float32[1,4]: 1 2 3 4; int64[1,2]: 1 -1; float32[1,2]: 8 9",
		  "float32[1,4]: 1 8 3 9" },
		{ "ScatterElements", "axis=0 reduction=add", "int32[2]: 1 2; int64[3]: 1 1 0; int32[3]: 10 20 30",
		  "int32[2]: 31 32" },
		{ "Scatter", "axis=0", "float32[2]: 1 2; int64[1]: 1; float32[1]: 5", "float32[2]: 1 5", 0, 9 },
		{ "ScatterND", "", "float32[3]: 1 2 3; int64[2,1]: 2 0; float32[2]: 8 9", "float32[3]: 9 2 8" },
		{ "ScatterND", "reduction=mul", "float32[2,2]: 1 2 3 4; int64[2,1]: 1 1; float32[2,2]: 2 2 3 1",
		  "float32[2,2]: 1 2 18 8" },
		{ "ScatterND", "reduction=max", "float16[2]: 1 2; int64[2,1]: 0 1; float16[2]: 4 1",
		  "float16[2]: 4 2" },
	};

	op_check_all(rows, OQZ_COUNTOF(rows));
}
END_TEST

START_TEST(wild_indices_are_refused)
{
	op_refuses(&(struct op_row) { "Gather", "", "float32[3]: 1; int64[1]: 3" }, OQZ_E_DATA, "index 3");
	op_refuses(&(struct op_row) { "Gather", "", "float32[3]: 1; int64[1]: -4" }, OQZ_E_DATA, "index -4");
	op_refuses(&(struct op_row) { "Gather", "", "float32[0]:; int64[1]: 0" }, OQZ_E_DATA, "index 0");
	op_refuses(&(struct op_row) { "GatherND", "", "float32[2,2]: 1; int64[1,2]: 0 2" }, OQZ_E_DATA, "index 2");
	op_refuses(&(struct op_row) { "GatherND", "", "float32[2]: 1; int64[1,2]: 0 0" }, OQZ_E_DATA, "coordinates");
	op_refuses(&(struct op_row) { "GatherElements", "", "float32[2]: 1; int64[2]: 0 9" }, OQZ_E_DATA, "index 9");
	op_refuses(&(struct op_row) { "ScatterND", "", "float32[2]: 1; int64[1,1]: 2; float32[1]: 1" }, OQZ_E_DATA,
	           "index 2");
	op_refuses(&(struct op_row) { "ScatterND", "", "float32[2]: 1; int64[1,1]: 1; float32[2]: 1" }, OQZ_E_DATA,
	           "updates");
}
END_TEST

OQZ_TEST_MAIN("op_gather", gathers_by_hand, wild_indices_are_refused)
