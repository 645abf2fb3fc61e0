/* SPDX-License-Identifier: Apache-2.0
 *
 * Operators that carry a state. Expected numbers come from the specification's equations, computed elsewhere in double.
 */
#include "tests/support/op_text.h"

#define CONV_X "float32[2,2,3]: -0.25 1.25 1 1.5 -0.5 2 1.5 -1.25 1 0.75 1.5 1.5"
#define CONV_W "float32[2,1,3]: 1 1.5 -1.25 -0.75 -0.5 1.25"
#define CONV_B "float32[2]: -1.5 -1.25"
#define CONV_PAST "float32[2,2,2]: -1.75 -0.75 1.25 -1.25 -1.75 0.75 -1.25 0.5"
#define CONV_STATE "float32[2,2,2]: 1.25 1 -0.5 2 -1.25 1 1.5 1.5"

START_TEST(causal_conv)
{
	static const struct op_row rows[] = {
		{ "CausalConvWithState", "", CONV_X "; " CONV_W,
		  "float32[2,2,3]: 0.3125 -1.9375 0.375 1.875 -1.375 1.625 -1.875 3.8125 -1.625 0.9375 1.5 "
		  "0.5625; " CONV_STATE,
		  0, 27 },
		{ "CausalConvWithState", "activation=silu", CONV_X "; " CONV_W "; " CONV_B "; " CONV_PAST,
		  "float32[2,2,3]: -0.0687168351 -0.0626328001 -0.27572064 0.180467302 -0.263427014 0.222249975 "
		  "-0.0719448398 2.92566483 -0.13152415 0.222249975 -0.0585988283 -0.230030241; " CONV_STATE,
		  1e-6, 27 },
		/* a step shorter than the state keeps a part of the past */
		{ "CausalConvWithState", "activation=swish",
		  "float32[1,2,1]: -0.25 0; " CONV_W "; -; float32[1,2,2]: -1.75 -0.75 1.25 -1.25",
		  "float32[1,2,1]: -0.183452449 -0.132032698; float32[1,2,2]: -0.75 -0.25 -1.25 0", 1e-6, 27 },
		/* a kernel of one element has no state; no step leaves the state as it is */
		{ "CausalConvWithState", "activation=none", "float16[1,2,2]: 1 2 3 4; float16[2,1,1]: 2 -1",
		  "float16[1,2,2]: 2 4 -3 -4; float16[1,2,0]", 0, 27 },
		{ "CausalConvWithState", "", "bfloat16[1,1,0]; bfloat16[1,1,3]: 1; -; bfloat16[1,1,2]: 5 6",
		  "bfloat16[1,1,0]; bfloat16[1,1,2]: 5 6", 0, 27 },
	};

	op_check_all(rows, OQZ_COUNTOF(rows));
}
END_TEST

#define CONV_REFUSED(attrs, in, code, text) \
	op_refuses(&(struct op_row) { "CausalConvWithState", attrs, in, "float32[1]; float32[1]", 0, 27 }, code, text)

START_TEST(causal_conv_refuses)
{
	CONV_REFUSED("activation=relu", CONV_X "; " CONV_W, OQZ_E_UNSUPPORTED, "relu");
	CONV_REFUSED("", "float32[2,3]: 1; " CONV_W, OQZ_E_DATA, "input 0 has rank 2");
	CONV_REFUSED("", CONV_X "; float32[3,1,3]: 1", OQZ_E_DATA, "input 1");
	CONV_REFUSED("", CONV_X "; float32[2,2,3]: 1", OQZ_E_DATA, "input 1");
	CONV_REFUSED("", CONV_X "; float32[2,1,0]", OQZ_E_DATA, "without elements");
	CONV_REFUSED("", CONV_X "; " CONV_W "; float32[3]: 1", OQZ_E_DATA, "input 2");
	CONV_REFUSED("", CONV_X "; " CONV_W "; -; float32[2,2,3]: 1", OQZ_E_DATA, "input 3");
	CONV_REFUSED("", CONV_X "; float16[2,1,3]: 1", OQZ_E_DATA, "input 1 is float16");
	CONV_REFUSED("", "int32[1,1,1]: 1; int32[1,1,1]: 1", OQZ_E_DATA, "float");
	op_refuses(&(struct op_row) { "CausalConvWithState", "", CONV_X "; " CONV_W, "-", 0, 26 }, OQZ_E_DATA,
	           "operator set 26 has no CausalConvWithState (since 27)");
}
END_TEST

START_TEST(linear_attention)
{
	static const struct op_row rows[] = {
		/* The rules one by one: gated with a decay for each element of a key, delta with a past; then the
		 * default rule with four query heads on two states, a decay for each head and one beta for all. */
		{ "LinearAttention", "update_rule=linear q_num_heads=1 kv_num_heads=1 scale=0.5",
		  "float32[1,2,2]: -1 1 1.5 1.75; float32[1,2,2]: 1 0 -0 0.5; float32[1,2,3]: -1.75 -1.5 1.75 0.25 "
		  "-1.75 -2",
		  "float32[1,2,3]: 0.875 0.75 -0.875 -1.203125 -1.890625 0.4375; float32[1,1,2,3]: -1.75 -1.5 1.75 "
		  "0.125 -0.875 -1",
		  1e-6, 27 },
		{ "LinearAttention", "update_rule=gated q_num_heads=2 kv_num_heads=2",
		  "float32[2,2,4]: 1.25 1.75 0.75 -0.5 0.75 1.75 -0.75 0.75 0 1.5 1.75 0 0.5 -1 2 -1.25; "
		  "float32[2,2,4]: 0.25 0.5 1.75 -1.5 0.75 1 1.75 -1 2 -0.75 1.5 -1.5 0.75 1.5 0.25 -0.25; "
		  "float32[2,2,2]: -2 -0.5 -1.25 -1.25 -0.5 2 -1.25 1.5; -; float32[2,2,4]: -0.5 -0.25 -0.25 -0.5 "
		  "-0.25 -0.5 -0.75 -1 0 -1 -0.75 -0.25 -0.75 -0.5 -0.75 -0.75",
		  "float32[2,2,2]: -1.67937861 -0.729203868 -3.00103468 2.18852924 0.397747564 3.7123106 0.666531386 "
		  "4.11841892; float32[2,2,2,1]: -1.32690039 -1.85653066 -2.60082073 1.52590958 -1.40986655 -1.647551 "
		  "1.79209966 -1.79209966",
		  1e-6, 27 },
		{ "LinearAttention", "update_rule=delta q_num_heads=2 kv_num_heads=2",
		  "float32[1,2,4]: 1.75 -0.5 1.75 0 1.5 1 -0.5 -1.75; float32[1,2,4]: -0.5 0.25 0.25 -1.25 1.75 0.5 "
		  "0.75 1; float32[1,2,2]: 1.75 -0.75 -1.5 1; float32[1,2,2,1]: -0.75 -0.75 -1.75 -1.25; -; "
		  "float32[1,2,2]: 0.25 0 0.75 0.25",
		  "float32[1,2,2]: -0.939126194 -2.16551452 -0.667660028 0.827259691; float32[1,2,2,1]: -0.314697266 "
		  "-0.472167969 -1.08203125 -0.359375",
		  1e-6, 27 },
		{ "LinearAttention", "q_num_heads=4 kv_num_heads=2 chunk_size=1",
		  "float32[1,2,8]: 0.75 0.5 1 1.25 -1.5 -1.5 -1.5 -1.5 -0.25 1.75 1.25 1.5 1.5 -1.5 1.75 1.75; "
		  "float32[1,2,4]: -0.5 0 0.25 -1.25 0.25 2 2 -1.5; float32[1,2,4]: -2 -1 0.75 -1.25 1.25 -1 0.75 1; "
		  "float32[1,2,2,2]: 0.25 -0.5 0.75 0 1 1.75 1.75 0; float32[1,2,2]: 0 -0.75 -0.75 -1; float32[1,2,1]: "
		  "0 0.25",
		  "float32[1,2,8]: 0.397747564 -0.265165043 0.839689303 -0.353553391 -1.37780607 -0.876785681 "
		  "-1.37780607 -0.876785681 0.728599773 -0.530037825 0.779915221 -0.759755673 0.658619233 0.686164081 "
		  "0.724153541 0.436912106; float32[1,2,2,2]: 0.150087092 -0.294992913 0.610238545 -0.47047709 "
		  "0.603078301 0.5 -0.017873867 -0.146921699",
		  1e-6, 27 },
		/* a state of another type than the rest */
		{ "LinearAttention", "update_rule=linear q_num_heads=1 kv_num_heads=1",
		  "float16[1,1,1]: 2; float16[1,1,1]: 1; float16[1,1,1]: 1; float32[1,1,1,1]: 0.0001",
		  "float16[1,1,1]: 2; float32[1,1,1,1]: 1.0001", 1e-7, 27 },
		/* no step leaves the state as it is */
		{ "LinearAttention", "update_rule=linear q_num_heads=1 kv_num_heads=1",
		  "float32[1,0,2]; float32[1,0,2]; float32[1,0,1]; float32[1,1,2,1]: 5 6",
		  "float32[1,0,1]; float32[1,1,2,1]: 5 6", 0, 27 },
	};

	op_check_all(rows, OQZ_COUNTOF(rows));
}
END_TEST

#define LINEAR_REFUSED(attrs, in, code, text) \
	op_refuses(&(struct op_row) { "LinearAttention", attrs, in, "float32[1]; float32[1]", 0, 27 }, code, text)
#define QKV "float32[1,2,4]: 1; float32[1,2,2]: 1; float32[1,2,3]: 1"

START_TEST(linear_attention_refuses)
{
	LINEAR_REFUSED("update_rule=linear kv_num_heads=1", QKV, OQZ_E_DATA, "q_num_heads is required");
	LINEAR_REFUSED("update_rule=linear q_num_heads=3 kv_num_heads=2", QKV, OQZ_E_DATA, "no multiple");
	LINEAR_REFUSED("update_rule=linear q_num_heads=2 kv_num_heads=0", QKV, OQZ_E_DATA, "no multiple");
	LINEAR_REFUSED("update_rule=linear q_num_heads=3 kv_num_heads=1", QKV, OQZ_E_DATA, "3 heads");
	LINEAR_REFUSED("update_rule=linear q_num_heads=1 kv_num_heads=1", QKV, OQZ_E_DATA, "head size of key");
	LINEAR_REFUSED("update_rule=square q_num_heads=2 kv_num_heads=1", QKV, OQZ_E_UNSUPPORTED, "square");
	LINEAR_REFUSED("update_rule=gated q_num_heads=2 kv_num_heads=1", QKV, OQZ_E_DATA, "needs decay");
	LINEAR_REFUSED("update_rule=delta q_num_heads=2 kv_num_heads=1", QKV, OQZ_E_DATA, "needs beta");
	LINEAR_REFUSED("update_rule=linear q_num_heads=2 kv_num_heads=1", QKV "; -; float32[1,2,1]: 1", OQZ_E_DATA,
	               "has no decay");
	LINEAR_REFUSED("update_rule=gated q_num_heads=2 kv_num_heads=1",
	               QKV "; -; float32[1,2,1]: 1; float32[1,2,1]: 1", OQZ_E_DATA, "has no beta");
	LINEAR_REFUSED("update_rule=gated q_num_heads=2 kv_num_heads=1", QKV "; -; float32[1,2,3]: 1", OQZ_E_DATA,
	               "3 elements a step, should be 1 or 2");
	LINEAR_REFUSED("update_rule=delta q_num_heads=2 kv_num_heads=1", QKV "; -; -; float32[1,3,1]: 1", OQZ_E_DATA,
	               "input 5");
	LINEAR_REFUSED("update_rule=linear q_num_heads=2 kv_num_heads=1", QKV "; float32[1,1,2,2]: 1", OQZ_E_DATA,
	               "input 3");
	LINEAR_REFUSED("update_rule=linear q_num_heads=1 kv_num_heads=1",
	               "float32[1,2,2]: 1; float32[1,2,2]: 1; float32[1,3,2]: 1", OQZ_E_DATA, "input 2");
	LINEAR_REFUSED("update_rule=gated q_num_heads=2 kv_num_heads=1", QKV "; -; float16[1,2,1]: 1", OQZ_E_DATA,
	               "decay and beta are float16");
}
END_TEST

OQZ_TEST_MAIN("op_state", causal_conv, causal_conv_refuses, linear_attention, linear_attention_refuses)
