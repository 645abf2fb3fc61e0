/* SPDX-License-Identifier: Apache-2.0
 *
 * Output quantization: what a node computes is on a grid for all its readers and as an output of the graph, the layer's
 * own value keeps its name, plans with such sites are data like others, and the engines agree.
 */
#include "core/graph/pass_impl.h"
#include "tests/unit/plugin_case.h"

/* conv -> y1 -> { relu -> y2 -> conv -> y3 (an output), add(y1, y2) (an output) } */
static void chain_make(struct gb *b)
{
	gb_init(b, 13);
	struct oqz_value *x = gb_input(b, "x", GB_DIMS(1, 4, 6, 6));
	struct oqz_value *y1 = GB_OP(b, "Conv", x, gb_weights(b, OQZ_DT_F32, GB_DIMS(8, 4, 1, 1), 0.3));
	struct oqz_value *y2 = GB_OP(b, "Relu", y1);
	GB_OP(b, "Conv", y2, gb_weights(b, OQZ_DT_F32, GB_DIMS(8, 8, 1, 1), 0.3));
	GB_OP(b, "Add", y1, y2);
	gb_finish(b);
}

static bool on_grid(const struct oqz_qspec *q, const struct oqz_tensor *t)
{
	struct oqz_tensor y = { 0 };
	bool same = true;

	ck_ok(oqz_tensor_alloc(&y, OQZ_DT_F32, &t->shape, err));
	ck_ok(oqz_fake_quantize(q, &t->shape, t->data, y.data, err));
	for (int64_t i = 0; i < oqz_tensor_nelem(t); i++)
		same = same && ((const float *)y.data)[i] == ((const float *)t->data)[i];
	oqz_tensor_release(&y);
	return same;
}

static const struct oqz_qplan_site *site(const struct oqz_qplan *p, const char *node, int input)
{
	for (size_t i = 0; i < p->sites.n; i++)
		if (!strcmp(p->sites.v[i].node, node) && p->sites.v[i].input == input)
			return &p->sites.v[i];
	ck_abort_msg("no site %s:%d", node, input);
	return NULL;
}

START_TEST(readers_see_the_grid)
{
	struct gb b;
	struct oqz_graph *q = NULL;
	struct oqz_tensor in[8];
	struct oracle o;

	chain_make(&b);
	const char *first = b.g->nodes.v[0]->name, *y1 = b.g->nodes.v[0]->out[0]->name;
	const struct oqz_node *last = NULL;
	for (size_t i = 0; i < b.g->nodes.n; i++)
		last = i > 0 && !strcmp(b.g->nodes.v[i]->op_type, "Conv") ? b.g->nodes.v[i] : last;
	const char *y3 = last->out[0]->name;
	struct oqz_qplan *plan = plugin_plan(&b, "int8", "outputs=true,calibrate=minmax", 4);
	ck_assert_uint_eq(plan->sites.n, 6);
	ck_assert_int_eq(plan->sites.v[0].input, -1);
	ck_assert_str_eq(plan->sites.v[0].tensor, y1);
	ck_assert_int_eq(plan->sites.v[0].role, OQZ_SITE_OUTPUT);
	ck_ok(oqz_qplan_apply(plan, b.g, &q, err));

	/* inside: the pair is the only reader of y1, and the readers of y1 read the pair */
	const struct oqz_value *v = oqz_graph_value(q, y1);
	ck_assert_str_eq(v->producer->name, first);
	const struct oqz_node *quantize = oqz_value_sole_use(v);
	ck_assert(quantize && oqz_node_is(quantize, "QuantizeLinear"));
	ck_assert_uint_eq(oqz_value_sole_use(quantize->out[0])->out[0]->uses.n, 2);
	/* at the end: the output keeps its name and is on the grid */
	v = oqz_graph_value(q, y3);
	ck_assert(v->is_output && oqz_node_is(v->producer, "DequantizeLinear"));

	random_inputs(&b, in);
	oracle_run(&o, q, in);
	ck_assert(on_grid(&site(plan, last->name, -1)->spec, oracle_at(&o, y3)));
	ck_assert(!on_grid(&site(plan, first, -1)->spec, oracle_at(&o, y1)));
	ck_assert(
	    on_grid(&site(plan, first, -1)->spec, oracle_at(&o, oqz_value_sole_use(quantize->out[0])->out[0]->name)));
	oracle_free(&o);
	oqz_tensor_release(&in[0]);
	oqz_graph_free(q);
	oqz_qplan_free(plan);
	oqz_graph_free(b.g);
}
END_TEST

START_TEST(plans_are_data)
{
	struct gb b;
	struct oqz_str a = { 0 }, again = { 0 };
	struct oqz_qplan *copy = NULL;

	chain_make(&b);
	struct oqz_qplan *plan = plugin_plan(&b, "fp8", "outputs=true", 2);
	ck_ok(oqz_qplan_to_json(plan, &a, err));
	ck_assert(strstr(a.s, "\"output\": 0,") && strstr(a.s, "\"role\": \"output\""));
	ck_ok(oqz_qplan_from_json(a.s, a.len, "plan", &copy, err));
	ck_ok(oqz_qplan_to_json(copy, &again, err));
	ck_assert_str_eq(a.s, again.s);
	oqz_qplan_free(copy);
	/* an output that is none */
	char *at = strstr(a.s, "\"role\": \"output\"");
	memcpy(at, "\"role\": \"weight\"", strlen("\"role\": \"weight\""));
	ck_fails(oqz_qplan_from_json(a.s, a.len, "plan", &copy, err), OQZ_E_DATA, "contradict");
	plan->sites.v[0].input = -9;
	struct oqz_graph *q = NULL;
	ck_fails(oqz_qplan_apply(plan, b.g, &q, err), OQZ_E_MISMATCH, "no such output");
	oqz_str_release(&a);
	oqz_str_release(&again);
	oqz_qplan_free(plan);
	oqz_graph_free(b.g);
}
END_TEST

/* All schemes that can, on every kind of layer: the engines compute what the reference kernels do. */
START_TEST(engines_agree)
{
	/* a sum in another order may fall on the other side of a boundary of the output's grid: one step of it */
	static const struct {
		const char *plugin, *params;
		double step;
	} schemes[] = {
		{ "int8", "outputs=true", 1.0 / 127 },
		{ "int8", "outputs=true,symmetric=false,granularity=tensor", 1.0 / 127 },
		{ "fp8", "outputs=true,scale=candidates,rounding=half-toward-zero", 1.0 / 8 },
		{ "mx", "outputs=true,format=mxfp8_e4m3", 1.0 / 8 },
		{ "cast", "outputs=true,format=bf16", 1.0 / 128 },
	};

	for (size_t i = 0; i < OQZ_COUNTOF(schemes); i++) {
		struct gb b;
		layers_make(&b);
		struct oqz_qplan *plan = plugin_plan(&b, schemes[i].plugin, schemes[i].params, 3);
		int outputs = 0;
		for (size_t k = 0; k < plan->sites.n; k++)
			outputs += plan->sites.v[k].input == -1;
		ck_assert_int_eq(outputs, 7);
		layers_agree(&b, plan, schemes[i].step, "");
		oqz_qplan_free(plan);
		oqz_graph_free(b.g);
	}
}
END_TEST

OQZ_TEST_MAIN("outputs", readers_see_the_grid, plans_are_data, engines_agree)
