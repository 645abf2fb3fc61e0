/* SPDX-License-Identifier: Apache-2.0
 *
 * Attention: limits that can be written down (equal scores average, one large score picks), masks, shared key heads,
 * and that the two layouts of the operands mean the same.
 */
#include "tests/support/op_text.h"

#define K2 "float32[1,1,2,1]: 0 100; float32[1,1,2,1]: 3 5"

START_TEST(limits_by_hand)
{
	static const struct op_row rows[] = {
		{ "Attention", "", "float32[1,1,1,1]: 0; " K2, "float32[1,1,1,1]: 4", 1e-7, 23 },
		{ "Attention", "", "float32[1,1,2,1]: 1 -1; " K2, "float32[1,1,2,1]: 5 3", 1e-7, 23 },
		{ "Attention", "scale=0.01", "float32[1,1,1,1]: 1; " K2, "float32[1,1,1,1]: 4.46211716", 1e-7, 23 },
		{ "Attention", "is_causal=1", "float32[1,1,2,1]: 1 1; " K2, "float32[1,1,2,1]: 3 5", 1e-7, 23 },
		{ "Attention", "", "float32[1,1,1,1]: 1; " K2 "; bool[1,2]: 1 0", "float32[1,1,1,1]: 3", 1e-7, 23 },
		{ "Attention", "", "float32[1,1,1,1]: 1; " K2 "; float32[1,1,1,2]: 100 0", "float32[1,1,1,1]: 4", 1e-7,
		  23 },
		/* Two query heads on one key head; two heads side by side in the last dimension. */
		{ "Attention", "", "float32[1,2,1,1]: 1 -1; " K2, "float32[1,2,1,1]: 5 3", 1e-7, 23 },
		{ "Attention", "q_num_heads=2 kv_num_heads=1",
		  "float32[1,1,2]: 1 -1; float32[1,2,1]: 0 100; float32[1,2,1]: 3 5", "float32[1,1,2]: 5 3", 1e-7, 23 },
	};

	op_check_all(rows, OQZ_COUNTOF(rows));
	op_refuses(&(struct op_row) { "Attention", "softcap=2.0", "float32[1,1,1,1]: 0; " K2, "-", 0, 23 },
	           OQZ_E_UNSUPPORTED, "softcap");
	op_refuses(&(struct op_row) { "Attention", "", "float32[1,1,1,2]: 0; " K2, "-", 0, 23 }, OQZ_E_DATA, "belong");
	op_refuses(&(struct op_row) { "Attention", "", "float32[1,1,1,1]: 0; " K2 "; float32[3]: 0", "-", 0, 23 },
	           OQZ_E_DATA, "mask");
	op_refuses(
	    &(struct op_row) { "Attention", "", "float32[1,1,1]: 0; float32[1,1,1]: 0; float32[1,1,1]: 0", "-", 0, 23 },
	    OQZ_E_DATA, "heads");
}
END_TEST

OQZ_TEST_MAIN("op_attention", limits_by_hand)
