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
	struct oqz_graph *q = NULL, *again = NULL, *raw = NULL;
	struct oqz_tensor in[8];
	struct oracle a, b;
	struct gb net;
	char path[1024];

	layers_make(&net);
	struct oqz_qplan *plan = plugin_plan(&net, plugin, params, 3);
	ck_ok(oqz_qplan_apply(plan, net.g, &q, err));
	random_inputs(&net, in);
	oracle_run(&a, q, in);
	oqz_onnx_lower_opset(q);
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
	for (size_t i = 0; i < q->outputs.n; i++) {
		const char *name = q->outputs.v[i]->name;
		const struct oqz_tensor *x = oracle_at(&a, name), *y = oracle_at(&b, name);
		ck_assert_msg(oqz_tensor_bytes(x) == oqz_tensor_bytes(y) &&
		                  memcmp(x->data, y->data, oqz_tensor_bytes(x)) == 0,
		              "%s:%s: output %s changed", plugin, params, name);
	}
	oracle_free(&a);
	oracle_free(&b);
	for (size_t i = 0; i < net.g->inputs.n; i++)
		oqz_tensor_release(&in[i]);
	unlink(path);
	oqz_graph_free(raw);
	oqz_graph_free(q);
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

OQZ_TEST_MAIN("export", int8_is_readable_by_set_13, fp8_needs_set_19, blocks_need_set_21)
