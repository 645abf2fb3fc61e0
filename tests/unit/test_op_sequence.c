/* SPDX-License-Identifier: Apache-2.0
 *
 * Sequences and optionals as values: sharing and releasing, and what refuses them. The operators themselves are covered
 * by the ONNX project's vectors (test_ops_onnx, tests/cli/check_onnx.sh).
 */
#include "tests/support/op_text.h"

static struct oqz_tensor sequence_of(const char *a, const char *b)
{
	struct oqz_tensor s = { 0 }, x = op_tensor(a), y = op_tensor(b);

	ck_ok(oqz_list_alloc(&s, OQZ_DT_SEQUENCE, 2, err));
	ck_ok(oqz_list_set(&s, 0, &x, err));
	ck_ok(oqz_list_set(&s, 1, &y, err));
	oqz_tensor_release(&x);
	oqz_tensor_release(&y);
	return s;
}

START_TEST(lists_share_their_elements)
{
	struct oqz_tensor s = sequence_of("float32[2]: 1 2", "float32[]: 3"), copy = { 0 }, o = { 0 };

	ck_ok(oqz_tensor_copy(&copy, &s, err));
	ck_assert_ptr_eq(oqz_list_at(&s, 0)->data, oqz_list_at(&copy, 0)->data);
	ck_ok(oqz_list_alloc(&o, OQZ_DT_OPTIONAL, 1, err));
	ck_ok(oqz_list_set(&o, 0, &copy, err));
	oqz_tensor_release(&s);
	oqz_tensor_release(&copy);
	ck_assert(((const float *)oqz_list_at(oqz_list_at(&o, 0), 0)->data)[1] == 2);
	oqz_tensor_release(&o);
}
END_TEST

START_TEST(lists_do_not_nest)
{
	struct oqz_tensor s = sequence_of("float32[]: 1", "float32[]: 2"),
	                  t = sequence_of("float32[]: 1", "float32[]: 2"), o = { 0 };

	ck_fails(oqz_list_set(&s, 0, &t, err), OQZ_E_UNSUPPORTED, "inside");
	ck_ok(oqz_list_alloc(&o, OQZ_DT_OPTIONAL, 1, err));
	ck_fails(oqz_list_set(&o, 0, &o, err), OQZ_E_UNSUPPORTED, "inside");
	oqz_tensor_release(&s);
	oqz_tensor_release(&t);
	oqz_tensor_release(&o);
}
END_TEST

/* Runs `op` on a sequence of two float32 scalars and what else is given. */
static enum oqz_status run_on_sequence(const char *op, const char *attr, const char *more, struct oqz_tensor *out,
                                       struct oqz_err *why)
{
	struct oqz_tensor s = sequence_of("float32[]: 1", "float32[]: 2"), t = { 0 };
	const struct oqz_tensor *in[2] = { &s, &t };
	struct oqz_graph *g = oqz_graph_new();
	struct oqz_value *iv[2] = { NULL }, *ov;
	struct oqz_node *n;
	int n_in = more ? 2 : 1;

	if (more)
		t = op_tensor(more);
	ck_ok(oqz_graph_add_value(g, "s", &iv[0], err));
	ck_ok(oqz_graph_add_value(g, "t", &iv[1], err));
	ck_ok(oqz_graph_add_value(g, "y", &ov, err));
	ck_ok(oqz_graph_add_node(g, "node", "", op, 18, iv, n_in, &ov, 1, NULL, &n, err));
	if (attr)
		ck_ok(oqz_node_set_int(n, attr, 0, err));
	enum oqz_status st = oqz_node_resolve(n, why);
	if (st == OQZ_OK)
		st = oqz_op_run(n, in, out, why);
	oqz_tensor_release(&s);
	oqz_tensor_release(&t);
	oqz_graph_free(g);
	return st;
}

START_TEST(operators_of_tensors_refuse_them)
{
	static const char *const ops[] = {
		"Relu", "Transpose", "Shape", "Concat", "Softmax", "Sum", "SequenceConstruct"
	};
	struct oqz_tensor out = { 0 };

	for (size_t i = 0; i < OQZ_COUNTOF(ops); i++)
		ck_fails(run_on_sequence(ops[i], strcmp(ops[i], "Concat") ? NULL : "axis", NULL, &out, err), OQZ_E_DATA,
		         "sequence");
	ck_fails(run_on_sequence("Add", NULL, "float32[]: 1", &out, err), OQZ_E_DATA, "sequence");
}
END_TEST

START_TEST(positions_are_checked)
{
	struct oqz_tensor out = { 0 };

	ck_ok(run_on_sequence("SequenceAt", NULL, "int64[]: -1", &out, err));
	ck_assert(*(const float *)out.data == 2);
	oqz_tensor_release(&out);
	ck_fails(run_on_sequence("SequenceAt", NULL, "int64[]: 2", &out, err), OQZ_E_DATA, "position 2");
	ck_fails(run_on_sequence("SequenceAt", NULL, "int64[]: -3", &out, err), OQZ_E_DATA, "position -3");
	ck_fails(run_on_sequence("SequenceErase", NULL, "int64[]: 2", &out, err), OQZ_E_DATA, "position 2");
	ck_fails(run_on_sequence("SequenceInsert", NULL, "int64[]: 2", &out, err), OQZ_E_DATA, "into a sequence of");
	ck_ok(run_on_sequence("OptionalHasElement", NULL, NULL, &out, err));
	ck_assert(*(const uint8_t *)out.data == 1);
	oqz_tensor_release(&out);
}
END_TEST

OQZ_TEST_MAIN("op_sequence", lists_share_their_elements, lists_do_not_nest, operators_of_tensors_refuse_them,
              positions_are_checked)
