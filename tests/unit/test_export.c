/* SPDX-License-Identifier: Apache-2.0
 *
 * Export of quantized graphs: saved with the oldest operator set that will do, loaded again, and computing bit for bit
 * what the graph computed.
 */
#include "core/onnx/onnx.h"
#include "tests/unit/plugin_case.h"

#include <unistd.h>

/* Plan of a plugin -> graph -> file -> graph. The operator set that the file has. */
static int round_trip(const char *plugin, const char *params)
{
	static const char *const no_passes[] = { NULL };
	struct oqz_graph *plain = NULL, *q = NULL, *again = NULL, *raw = NULL;
	struct oqz_tensor in[8];
	struct oracle a, b;
	struct gb net;
	char path[1024];

	layers_make(&net);
	struct oqz_qplan *plan = plugin_plan(&net, plugin, params, 3);
	ck_ok(oqz_qplan_apply(plan, net.g, &plain, err));
	ck_ok(oqz_graph_clone(plain, &q, err));
	random_inputs(&net, in);
	oracle_run(&a, plain, in);
	ck_ok(oqz_onnx_for_readers(q, err));
	ck_ok(oqz_onnx_lower_opset(q, err));
	size_t kept = 0; /* an import of ours, which no node needs any more, would be harmless */
	for (size_t i = 0; i < q->opsets.n; i++)
		if (strcmp(q->opsets.v[i].domain, "oqz") != 0)
			q->opsets.v[kept++] = q->opsets.v[i];
	q->opsets.n = kept;
	snprintf(path, sizeof path, "%s/%s.onnx", test_tmpdir("export"), plugin);
	ck_ok(oqz_onnx_save(q, path, err));
	ck_ok(oqz_onnx_load(path, &raw, err));
	int opset = oqz_graph_opset(raw, "");
	ck_ok(oqz_model_open(path, no_passes, &again, err));
	oracle_run(&b, again, in);
	snprintf(path, sizeof path, "%s:%s", plugin, params);
	oracle_same(&a, &b, path);
	oracle_free(&a);
	oracle_free(&b);
	release_inputs(&net, in);
	unlink(path);
	oqz_graph_free(raw);
	oqz_graph_free(q);
	oqz_graph_free(plain);
	oqz_graph_free(again);
	oqz_qplan_free(plan);
	oqz_graph_free(net.g);
	return opset;
}

START_TEST(int8_is_readable_by_set_13)
{
	ck_assert_int_eq(round_trip("int8", ""), 13);
	ck_assert_int_eq(round_trip("int8", "symmetric=false,granularity=tensor,scale=pow2"), 13);
	ck_assert_int_eq(round_trip("int8", "bits=16"), 21);
	ck_assert_int_eq(round_trip("int8", "bits=4,activations=false"), 21);
}
END_TEST

START_TEST(fp8_needs_set_19)
{
	ck_assert_int_eq(round_trip("fp8", ""), 19);
	ck_assert_int_eq(round_trip("fp8", "format=e5m2,granularity=channel"), 19);
	ck_assert_int_eq(round_trip("fp8", "format=e4m3fnuz,scale=mse"), 19);
}
END_TEST

START_TEST(blocks_need_set_21)
{
	ck_assert_int_eq(round_trip("int4", "block=16"), 21);
	ck_assert_int_eq(round_trip("int4", "symmetric=false"), 21);
}
END_TEST

/* How many nodes of a graph are this operator. */
static int count(const struct oqz_graph *g, const char *op_type)
{
	int n = 0;

	for (size_t i = 0; i < g->nodes.n; i++)
		n += strcmp(g->nodes.v[i]->op_type, op_type) == 0;
	return n;
}

/* Products of small floats, and quantization that would be moved, are said in other words that compute the same. */
START_TEST(what_readers_refuse_is_said_otherwise)
{
	static const struct {
		const char *plugin, *params;
		int quantize, dequantize, cast, round;
	} rows[] = {
		/* Conv behind a Transpose, MatMul, MatMul of two activations; each quantizes its input 0, the last both
		 */
		{ "fp8", "", 3, 3, 4, 0 },
		{ "int8", "", 4, 6, 0, 0 },
		{ "int8", "bits=4", 3, 5, 0, 1 },
		{ "int8", "axis=positional", 4, 5, 1, 0 },
	};

	for (size_t i = 0; i < OQZ_COUNTOF(rows); i++) {
		struct oqz_graph *plain = NULL, *q = NULL;
		struct oqz_tensor in[8];
		struct oracle a, b;
		struct gb net;
		gb_init(&net, 3);
		struct oqz_value *x = gb_input(&net, "x", GB_DIMS(1, 5, 6, 7)), *y = gb_input(&net, "y", GB_DIMS(4, 8));
		struct oqz_value *t = GB_OP(&net, "Transpose", x);
		GB_INTS(&net, "perm", 0, 2, 1, 3);
		GB_OP(&net, "Conv", t, gb_weights(&net, OQZ_DT_F32, GB_DIMS(3, 6, 1, 1), 0.2));
		struct oqz_value *m = GB_OP(&net, "MatMul", y, gb_weights(&net, OQZ_DT_F32, GB_DIMS(8, 4), 0.2));
		GB_OP(&net, "MatMul", m, y);
		gb_finish(&net);
		struct oqz_qplan *plan = plugin_plan(&net, rows[i].plugin, rows[i].params, 3);
		ck_ok(oqz_qplan_apply(plan, net.g, &plain, err));
		ck_ok(oqz_graph_clone(plain, &q, err));
		ck_ok(oqz_onnx_for_readers(q, err));
		ck_assert_int_eq(count(q, "QuantizeLinear"), rows[i].quantize);
		ck_assert_int_eq(count(q, "DequantizeLinear"), rows[i].dequantize);
		ck_assert_int_eq(count(q, "Cast"), rows[i].cast);
		ck_assert_int_eq(count(q, "Round"), rows[i].round);
		random_inputs(&net, in);
		oracle_run(&a, plain, in);
		oracle_run(&b, q, in);
		for (size_t k = 0; k < q->outputs.n; k++) {
			const struct oqz_tensor *u = oracle_at(&a, q->outputs.v[k]->name),
			                        *v = oracle_at(&b, q->outputs.v[k]->name);
			ck_assert_msg(memcmp(u->data, v->data, oqz_tensor_bytes(u)) == 0, "%s:%s: output %zu changed",
			              rows[i].plugin, rows[i].params, k);
		}
		oracle_free(&a);
		oracle_free(&b);
		/* and read back as it was */
		ck_ok(oqz_onnx_from_readers(q, err));
		static const char *const ops[] = {
			"QuantizeLinear", "DequantizeLinear", "Cast", "Round", "Mul", "Div"
		};
		for (size_t k = 0; k < OQZ_COUNTOF(ops); k++)
			ck_assert_int_eq(count(q, ops[k]), count(plain, ops[k]));
		ck_ok(oqz_onnx_for_readers(q, err));
		ck_assert_int_eq(count(q, "Cast"), rows[i].cast);
		release_inputs(&net, in);
		oqz_graph_free(q);
		oqz_graph_free(plain);
		oqz_qplan_free(plan);
		oqz_graph_free(net.g);
	}
}
END_TEST

/* Reductions and Gelu alone raise no operator set; where another operator does, they are what they are now. */
START_TEST(older_forms_are_written)
{
	static const int64_t axes[] = { 1, -1 }; /* a shape, too */

	for (int newer = 0; newer < 2; newer++) {
		struct oqz_graph *q = NULL, *again = NULL, *raw = NULL;
		const char *const no_passes[] = { NULL };
		struct oqz_tensor in[8];
		struct oracle a, b;
		struct gb net;
		char path[1024];
		gb_init(&net, 4);
		struct oqz_value *x = gb_input(&net, "x", GB_DIMS(2, 3, 4, 5));
		GB_OP(&net, "ReduceMean", x, gb_list(&net, 2, axes));
		GB_OP(&net, "ReduceMax", x);
		ck_ok(oqz_node_set_int(net.last, "keepdims", 0, err));
		GB_OP(&net, "Gelu", x);
		GB_OP(&net, "Reshape", x, gb_list(&net, 2, axes));
		ck_ok(oqz_node_set_int(net.last, "allowzero", 0, err));
		if (newer) /* an operator of set 22 */
			GB_OP(&net, "Mish", x);
		gb_finish(&net);
		random_inputs(&net, in);
		oracle_run(&a, net.g, in);
		ck_ok(oqz_graph_clone(net.g, &q, err));
		ck_ok(oqz_onnx_lower_opset(q, err));
		ck_assert_int_eq(count(q, "Gelu"), newer && oqz_graph_opset(q, "") >= 20);
		ck_assert_int_eq(count(q, "Erf"), oqz_graph_opset(q, "") < 20);
		snprintf(path, sizeof path, "%s/older.onnx", test_tmpdir("export"));
		ck_ok(oqz_onnx_save(q, path, err));
		ck_ok(oqz_onnx_load(path, &raw, err));
		ck_assert_int_eq(oqz_graph_opset(raw, "") == 13, !newer);
		for (size_t k = 0; k < raw->nodes.n; k++) /* a word of set 14 */
			ck_assert(newer || !oqz_node_attr(raw->nodes.v[k], "allowzero"));
		ck_ok(oqz_model_open(path, no_passes, &again, err));
		oracle_run(&b, again, in);
		for (size_t k = 0; k < q->outputs.n; k++) {
			const struct oqz_tensor *u = oracle_at(&a, q->outputs.v[k]->name),
			                        *v = oracle_at(&b, q->outputs.v[k]->name);
			ck_assert(oqz_shape_equal(&u->shape, &v->shape));
			for (int64_t i = 0; i < oqz_tensor_nelem(u); i++)
				ck_assert_float_eq_tol(((float *)u->data)[i], ((float *)v->data)[i], 1e-6f);
		}
		oracle_free(&a);
		oracle_free(&b);
		release_inputs(&net, in);
		unlink(path);
		oqz_graph_free(raw);
		oqz_graph_free(q);
		oqz_graph_free(again);
		oqz_graph_free(net.g);
	}
}
END_TEST

OQZ_TEST_MAIN("export", int8_is_readable_by_set_13, fp8_needs_set_19, blocks_need_set_21,
              what_readers_refuse_is_said_otherwise, older_forms_are_written)
