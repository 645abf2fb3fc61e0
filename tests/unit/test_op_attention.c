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
	op_refuses(&(struct op_row) { "Attention", "", "float32[1,1,1,2]: 0; " K2, "-", 0, 23 }, OQZ_E_DATA, "belong");
	op_refuses(&(struct op_row) { "Attention", "", "float32[1,1,1,1]: 0; " K2 "; float32[3]: 0", "-", 0, 23 },
	           OQZ_E_DATA, "mask");
	op_refuses(
	    &(struct op_row) { "Attention", "", "float32[1,1,1]: 0; float32[1,1,1]: 0; float32[1,1,1]: 0", "-", 0, 23 },
	    OQZ_E_DATA, "heads");
}
END_TEST

#define NEW "float32[1,1,1,1]: 100; float32[1,1,1,1]: 5"
#define PAST "float32[1,1,1,1]: 0; float32[1,1,1,1]: 3"

/* Outputs: Y, present_key, present_value, qk_matmul_output. */
START_TEST(keys_of_earlier_calls)
{
	static const struct op_row rows[] = {
		/* a query behind one cached key sees both keys, though it is causal */
		{ "Attention", "is_causal=1", "float32[1,1,1,1]: 1; " NEW "; -; " PAST,
		  "float32[1,1,1,1]: 5; float32[1,1,2,1]: 0 100; float32[1,1,2,1]: 3 5", 1e-7, 23 },
		{ "Attention", "qk_matmul_output_mode=0", "float32[1,1,1,1]: 2; " NEW "; float32[1,2]: 7 -7; " PAST,
		  "float32[1,1,1,1]: 5; float32[1,1,2,1]: 0 100; float32[1,1,2,1]: 3 5; float32[1,1,1,2]: 0 200", 1e-7,
		  23 },
		{ "Attention", "qk_matmul_output_mode=1", "float32[1,1,1,1]: 2; " NEW "; float32[1,2]: 7 -7; " PAST,
		  "float32[1,1,1,1]: 5; float32[1,1,2,1]: 0 100; float32[1,1,2,1]: 3 5; float32[1,1,1,2]: 7 193", 1e-7,
		  23 },
		{ "Attention", "qk_matmul_output_mode=2 softcap=10.0",
		  "float32[1,1,1,1]: 2; " NEW "; float32[1,2]: 7 -7; " PAST,
		  "float32[1,1,1,1]: 3.03597242; float32[1,1,2,1]: 0 100; float32[1,1,2,1]: 3 5; float32[1,1,1,2]: 7 3",
		  1e-6, 24 },
		{ "Attention", "qk_matmul_output_mode=3", "float32[1,1,1,1]: 0; " NEW "; -; " PAST,
		  "float32[1,1,1,1]: 4; float32[1,1,2,1]: 0 100; float32[1,1,2,1]: 3 5; float32[1,1,1,2]: 0.5", 1e-7,
		  23 },
		/* keys beyond nonpad_kv_seqlen, and beyond the end of the mask, take no part */
		{ "Attention", "",
		  "float32[2,1,1,1]: 0; float32[2,1,2,1]: 0; float32[2,1,2,1]: 1 3 1 3; -; -; -; int64[2]: 1 2",
		  "float32[2,1,1,1]: 1 2", 1e-7, 24 },
		{ "Attention", "", "float32[1,1,1,1]: 0; float32[1,1,3,1]: 0; float32[1,1,3,1]: 1 3 100; bool[1,2]: 1",
		  "float32[1,1,1,1]: 2", 1e-7, 24 },
		/* nothing to see */
		{ "Attention", "", "float32[1,1,1,1]: 1; " K2 "; bool[1,2]: 0", "float32[1,1,1,1]: 0", 0, 24 },
		/* a cap keeps what is masked masked */
		{ "Attention", "softcap=1.0", "float32[1,1,1,1]: 1; " K2 "; bool[1,2]: 1 0", "float32[1,1,1,1]: 3",
		  1e-7, 24 },
		/* heads 0 and 1 of four share the first of two key heads */
		{ "Attention", "", "float32[1,4,1,1]: 0; float32[1,2,1,1]: 0; float32[1,2,1,1]: 1 2",
		  "float32[1,4,1,1]: 1 1 2 2", 1e-7, 23 },
	};

	op_check_all(rows, OQZ_COUNTOF(rows));
	op_refuses(
	    &(struct op_row) { "Attention", "", "float32[1,1,1,1]: 1; " NEW "; -; float32[1,1,1,1]: 0", "-", 0, 23 },
	    OQZ_E_DATA, "together");
}
END_TEST

START_TEST(rotations)
{
	static const struct op_row rows[] = {
		/* a quarter turn: (a, b) -> (-b, a); halves, or neighbours */
		{ "RotaryEmbedding", "", "float32[1,1,1,4]: 1 2 3 4; float32[1,1,2]: 0; float32[1,1,2]: 1",
		  "float32[1,1,1,4]: -3 -4 1 2", 0, 23 },
		{ "RotaryEmbedding", "interleaved=1", "float32[1,1,1,4]: 1 2 3 4; float32[1,1,2]: 0; float32[1,1,2]: 1",
		  "float32[1,1,1,4]: -2 1 -4 3", 0, 23 },
		{ "RotaryEmbedding", "rotary_embedding_dim=2",
		  "float32[1,1,1,4]: 1 2 3 4; float32[1,1,1]: 0; float32[1,1,1]: 1", "float32[1,1,1,4]: -2 1 3 4", 0,
		  23 },
		/* tables of whole heads, of which a part is turned */
		{ "RotaryEmbedding", "rotary_embedding_dim=2",
		  "float32[1,1,1,4]: 1 2 3 4; float32[1,1,2]: 0 7; float32[1,1,2]: 1 7", "float32[1,1,1,4]: -2 1 3 4",
		  0, 23 },
		{ "RotaryEmbedding", "rotary_embedding_dim=2",
		  "float32[1,1,1,4]: 1 2 3 4; float32[2,2]: 7 7 0 7; float32[2,2]: 7 7 1 7; int64[1,1]: 1",
		  "float32[1,1,1,4]: -2 1 3 4", 0, 23 },
		/* (B, length, heads * size) and tables by position */
		{ "RotaryEmbedding", "num_heads=2",
		  "float32[1,2,4]: 1 2 3 4 5 6 7 8; float32[2,1]: 1 0; float32[2,1]: 0 1; int64[1,2]: 1 0",
		  "float32[1,2,4]: -2 1 -4 3 5 6 7 8", 0, 23 },
		/* the same as (B, heads, length, size) */
		{ "RotaryEmbedding", "",
		  "float32[1,2,2,2]: 1 2 5 6 3 4 7 8; float32[2,1]: 1 0; float32[2,1]: 0 1; int64[1,2]: 1 0",
		  "float32[1,2,2,2]: -2 1 5 6 -4 3 7 8", 0, 23 },
	};

	op_check_all(rows, OQZ_COUNTOF(rows));
	op_refuses(&(struct op_row) { "RotaryEmbedding", "",
	                              "float32[1,1,1,2]: 1; float32[2,1]: 1; float32[2,1]: 1; int64[1,1]: 2", "-", 0,
	                              23 },
	           OQZ_E_DATA, "position");
}
END_TEST

OQZ_TEST_MAIN("op_attention", limits_by_hand, keys_of_earlier_calls, rotations)
