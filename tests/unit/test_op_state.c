/* SPDX-License-Identifier: Apache-2.0
 *
 * Operators that carry a state. Expected numbers come from the specification's equations, computed elsewhere in double;
 * and a sequence cut in two, with the state handed on, gives what it gives in one piece.
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

OQZ_TEST_MAIN("op_state", causal_conv, causal_conv_refuses)
