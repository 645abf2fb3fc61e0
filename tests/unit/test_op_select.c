/* SPDX-License-Identifier: Apache-2.0
 *
 * Operators that pick by conditions, shapes that depend on values included.
 */
#include "tests/support/op_text.h"

START_TEST(selections_by_hand)
{
	static const struct op_row rows[] = {
		{ "Compress", "axis=1", "float32[2,3]: 1 2 3 4 5 6; bool[3]: 1 0 1", "float32[2,2]: 1 3 4 6" },
		{ "Compress", "", "float32[2,2]: 1 2 3 4; bool[3]: 0 1 1", "float32[2]: 2 3" },
		{ "NonZero", "", "float32[2,2]: 1 0 0 4", "int64[2,2]: 0 1 0 1" },
		{ "NonZero", "", "bool[3]: 0 0 0", "int64[1,0]:" },
		{ "OneHot", "", "int64[2]: 1 -1; int64[]: 3; float32[2]: 0 5", "float32[2,3]: 0 5 0 0 0 5" },
		{ "OneHot", "axis=0", "int64[2]: 1 7; int64[1]: 2; int8[2]: 2 1", "int8[2,2]: 2 2 1 2" },
		{ "Unique", "", "float32[5]: 2 1 1 3 2",
		  "float32[3]: 1 2 3; int64[3]: 1 0 3; int64[5]: 1 0 0 2 1; int64[3]: 2 2 1" },
		{ "Unique", "sorted=0", "float32[5]: 2 1 1 3 2",
		  "float32[3]: 2 1 3; int64[3]: 0 1 3; int64[5]: 0 1 1 2 0; int64[3]: 2 2 1" },
		{ "Unique", "axis=0", "int8[3,2]: 3 4 1 2 3 4",
		  "int8[2,2]: 1 2 3 4; int64[2]: 1 0; int64[3]: 1 0 1; int64[2]: 1 2" },
		{ "Unique", "axis=1", "int8[2,3]: 3 1 3 4 2 4", "int8[2,2]: 1 3 2 4" },
		{ "Trilu", "", "float32[3,3]: 1 2 3 4 5 6 7 8 9", "float32[3,3]: 1 2 3 0 5 6 0 0 9" },
		{ "Trilu", "upper=0", "int64[2,3]: 1 2 3 4 5 6; int64[]: 1", "int64[2,3]: 1 2 0 4 5 6" },
		{ "Trilu", "", "float32[2,2]: 1 2 3 4; int64[]: 9", "float32[2,2]: 0 0 0 0" },
		{ "ReverseSequence", "time_axis=1 batch_axis=0", "float32[2,3]: 1 2 3 4 5 6; int64[2]: 2 3",
		  "float32[2,3]: 2 1 3 6 5 4" },
		{ "ReverseSequence", "", "float32[2,2]: 1 2 3 4; int64[2]: 1 2", "float32[2,2]: 1 4 3 2" },
	};

	op_check_all(rows, OQZ_COUNTOF(rows));
	op_refuses(&(struct op_row) { "Compress", "", "float32[1]: 1; bool[2]: 1" }, OQZ_E_DATA, "conditions");
	op_refuses(&(struct op_row) { "OneHot", "", "int64[1]: 0; int64[]: 0; float32[2]: 0 1" }, OQZ_E_DATA, "depth");
}
END_TEST

OQZ_TEST_MAIN("op_select", selections_by_hand)
