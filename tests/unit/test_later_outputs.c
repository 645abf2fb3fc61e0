/* SPDX-License-Identifier: Apache-2.0
 *
 * Operators of which only a later output is wanted: no tensor stands where kernels count on output 0. (A fuzzer found
 * Attention whose scores alone were read.)
 */
#include "tests/unit/exec_graph.h"

static struct oqz_value *later_output(struct gb *b, int round)
{
	struct oqz_value *x = gb_input(b, "x", GB_DIMS(1, 3, 5, 4));
	struct oqz_value *channels = gb_weights(b, OQZ_DT_F32, GB_DIMS(3), 0);
	struct oqz_value *scale = gb_weights(b, OQZ_DT_F32, GB_DIMS(4), 1);

	switch (round) {
	case 0:
		gb_op_n(b, "Attention", (struct oqz_value *[]) { x, x, x }, 3, 4);
		b->last->opset = 23;
		return b->last->out[3];
	case 1: gb_op_n(b, "LayerNormalization", (struct oqz_value *[]) { x, scale }, 2, 3); break;
	case 2:
		gb_op_n(b, "MaxPool", &x, 1, 2);
		GB_INTS(b, "kernel_shape", 2, 2);
		break;
	case 3: gb_op_n(b, "Dropout", &x, 1, 2); break;
	case 4:
		gb_op_n(b, "SoftmaxCrossEntropyLoss",
		        (struct oqz_value *[]) { x, gb_weights(b, OQZ_DT_I64, GB_DIMS(1, 5, 4), 0) }, 2, 2);
		break;
	case 5:
		gb_op_n(b, "BatchNormalization", (struct oqz_value *[]) { x, channels, channels, channels, channels },
		        5, 3);
		ck_ok(oqz_node_set_int(b->last, "training_mode", 1, err));
		break;
	case 6:
		gb_op_n(b, "Split", &x, 1, 2);
		ck_ok(oqz_node_set_int(b->last, "axis", 3, err));
		ck_ok(oqz_node_set_int(b->last, "num_outputs", 2, err));
		break;
	case 7: gb_op_n(b, "TopK", (struct oqz_value *[]) { x, GB_LIST(b, 2) }, 2, 2); break;
	case 8: gb_op_n(b, "DynamicQuantizeLinear", &x, 1, 3); break;
	case 9:
		gb_op_n(b, "Attention", (struct oqz_value *[]) { x, x, x }, 3, 3);
		b->last->opset = 23;
		break;
	default: return NULL;
	}
	return b->last->out[1];
}

START_TEST(later_outputs_alone)
{
	for (int round = 0; round < 10; round++)
		for (int e = OQZ_ENGINE_AUTO; e <= OQZ_ENGINE_REFERENCE; e++) {
			struct oqz_tensor in[1];
			struct oracle o;
			struct gb b;
			gb_init(&b, 3);
			gb_output(&b, later_output(&b, round));
			gb_finish(&b);
			in[0] = (struct oqz_tensor) { 0 };
			ck_ok(oqz_tensor_alloc(&in[0], OQZ_DT_F32, &b.g->inputs.v[0]->type.shape, err));
			gb_random(&b, &in[0], 1);
			oracle_run(&o, b.g, in);
			struct oqz_program *p = program_of(b.g, (enum oqz_engine)e, NULL, 0);
			check_program(b.g, p, in, &o, 1e-5);
			oqz_program_free(p);
			oracle_free(&o);
			oqz_tensor_release(&in[0]);
			oqz_graph_free(b.g);
		}
}
END_TEST

OQZ_TEST_MAIN("later_outputs", later_outputs_alone)
