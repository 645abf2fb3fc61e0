/* SPDX-License-Identifier: Apache-2.0
 *
 * The built plugin float: takes every site and changes no bit of any layer.
 */
#include "tests/unit/plugin_case.h"

START_TEST(nothing_changes)
{
	OQZ_CLEANUP(oqz_graph_view_free_cleanup) struct oqz_graph_view *view = NULL;
	OQZ_CLEANUP(oqz_quantize_close_cleanup) struct oqz_quantize *z = NULL;
	struct oqz_params *p = plugin_params("float", "");
	struct oqz_qplan *plan = NULL;
	struct oqz_graph *q = NULL;
	struct oqz_tensor in[8];
	struct oracle a, b;
	struct gb net;

	layers_make(&net);
	ck_ok(oqz_graph_view_new(net.g, NULL, &view, err));
	ck_ok(oqz_quantize_open(plugin_open("float"), &plugin_host.table, p, view, "float:", &z, err));
	ck_ok(oqz_quantize_plan(z, NULL, &plan, err));
	ck_assert_int_eq((int)plan->sites.n, 14);
	ck_ok(oqz_qplan_apply(plan, net.g, &q, err));
	random_inputs(&net, in);
	oracle_run(&a, net.g, in);
	oracle_run(&b, q, in);
	oracle_same(&a, &b, "float");
	oracle_free(&a);
	oracle_free(&b);
	release_inputs(&net, in);
	oqz_graph_free(q);
	oqz_qplan_free(plan);
	oqz_params_free(p);
	oqz_graph_free(net.g);
}
END_TEST

OQZ_TEST_MAIN("float_plugin", nothing_changes)
