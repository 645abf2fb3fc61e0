/* SPDX-License-Identifier: Apache-2.0
 *
 * core/quant/improve_equalize and improve_migrate: what rescaling leaves alone, through which nodes it goes, and what
 * it brings to one magnitude.
 */
#include "core/base/str.h"
#include "tests/unit/improve_case.h"

/* conv -> relu -> depthwise -> (+ residual of the first) -> pool -> conv, and a branch that ends the group. */
START_TEST(equalization_keeps_the_function)
{
	for (int blocked = 0; blocked < 2; blocked++) {
		struct bench data;
		struct gb b;
		struct oqz_graph *g = NULL;
		struct oracle x, y;

		gb_init(&b, 11);
		struct oqz_value *in = gb_input(&b, "x", GB_DIMS(1, 3, 8, 8));
		struct oqz_value *a = GB_OP(&b, "Conv", in, gb_weights(&b, OQZ_DT_F32, GB_DIMS(6, 3, 1, 1), 2),
		                            gb_weights(&b, OQZ_DT_F32, GB_DIMS(6), 1));
		a = GB_OP(&b, "Relu", a);
		struct oqz_value *d = GB_OP(&b, "Conv", a, gb_weights(&b, OQZ_DT_F32, GB_DIMS(6, 1, 1, 1), 0.3));
		ck_ok(oqz_node_set_int(b.last, "group", 6, err));
		d = GB_OP(&b, "Add", d, a);
		d = GB_OP(&b, blocked ? "Sigmoid" : "LeakyRelu", d);
		GB_OP(&b, "Conv", d, gb_weights(&b, OQZ_DT_F32, GB_DIMS(5, 6, 1, 1), 0.5));
		gb_finish(&b);
		bench_init(&data, GB_DIMS(1, 3, 8, 8));
		ck_ok(oqz_graph_clone(b.g, &g, err));
		struct oqz_qplan *p = oqz_qplan_new();
		struct oqz_params *params = params_of(&oqz_improve_equalize, "threshold=0");
		ck_ok(oqz_improve_equalize.on_graph(g, p, params, NULL, err));
		/* the sum ties maker and depthwise to one group; a sigmoid behind it ends it */
		ck_assert_msg((p->constants.n > 0) == !blocked, "%d constants", (int)p->constants.n);
		oracle_run(&x, b.g, &data.input[0]);
		oracle_run(&y, g, &data.input[0]);
		const char *out = b.g->outputs.v[0]->name;
		ck_assert(tensor_difference(oracle_at(&y, out), oracle_at(&x, out)) < 1e-5);
		for (size_t i = 0; i < p->gains.n; i++) {
			const struct oqz_qplan_gain *gain = &p->gains.v[i];
			const float *u = oracle_at(&x, gain->value)->data, *v = oracle_at(&y, gain->value)->data;
			ck_assert_int_eq(gain->axis, 1);
			for (size_t k = 0; k < 6 * 64; k++)
				ck_assert(fabsf(v[k] - u[k] * gain->factor[k / 64]) <= 1e-4f * (1 + fabsf(v[k])));
		}
		oracle_free(&x);
		oracle_free(&y);
		oqz_params_free(params);
		oqz_qplan_free(p);
		oqz_graph_free(g);
		bench_release(&data);
		oqz_graph_free(b.g);
	}
}
END_TEST

/* k = sqrt(down / up), from 0.1 to 10, 1 where the two weights add up to less than the threshold. */
START_TEST(equalization_follows_its_rule)
{
	static const float up[5] = { 0.1f, 1, 1, 4, 0.25f }, down[5] = { 0.2f, 1e4f, 1e-4f, 1, 0.25f },
	                   k[5] = { 1, 10, 0.1f, 0.5f, 1 };
	struct gb b;
	struct oqz_graph *g = NULL;
	struct oqz_qplan *p = oqz_qplan_new();
	struct oqz_params *params = params_of(&oqz_improve_equalize, "iterations=1,threshold=0.4");

	gb_init(&b, 12);
	struct oqz_value *first = gb_weights(&b, OQZ_DT_F32, GB_DIMS(5, 1, 1, 1), 1),
	                 *second = gb_weights(&b, OQZ_DT_F32, GB_DIMS(1, 5, 1, 1), 1);
	memcpy(first->constant->data, up, sizeof up);
	memcpy(second->constant->data, down, sizeof down);
	struct oqz_value *a = GB_OP(&b, "Conv", gb_input(&b, "x", GB_DIMS(1, 1, 4, 4)), first);
	const char *maker = b.last->name;
	GB_OP(&b, "Conv", GB_OP(&b, "Relu", a), second);
	gb_finish(&b);
	ck_ok(oqz_graph_clone(b.g, &g, err));
	ck_ok(oqz_improve_equalize.on_graph(g, p, params, NULL, err));
	const float *w = oqz_graph_node(g, maker)->in[1]->constant->data;
	for (int i = 0; i < 5; i++)
		ck_assert_msg(w[i] == up[i] * k[i], "channel %d: %g became %g", i, (double)up[i], (double)w[i]);
	oqz_params_free(params);
	oqz_qplan_free(p);
	oqz_graph_free(g);
	oqz_graph_free(b.g);
}
END_TEST

static double channel_peak(const struct oqz_tensor *w, int64_t c)
{
	int64_t inner = oqz_tensor_nelem(w) / w->shape.dim[0];
	double peak = 0;

	for (int64_t i = 0; i < inner; i++)
		peak = fmax(peak, fabs((double)((const float *)w->data)[c * inner + i]));
	return peak;
}

/* conv -> Clip(0, 1) -> depthwise -> Clip(0, 1) -> conv; of the first, channel 2 has no weights and is never positive,
 * channel 3 none and is 0.5. */
static void clipped_chain(struct gb *b, bool clip)
{
	struct oqz_tensor one = { 0 }, zero = { 0 };

	gb_init(b, 21);
	ck_ok(oqz_tensor_alloc(&one, OQZ_DT_F32, &(struct oqz_shape) { .rank = 0 }, err));
	ck_ok(oqz_tensor_alloc(&zero, OQZ_DT_F32, &(struct oqz_shape) { .rank = 0 }, err));
	*(float *)one.data = 1;
	*(float *)zero.data = 0;
	struct oqz_value *in = gb_input(b, "x", GB_DIMS(1, 3, 8, 8));
	struct oqz_value *w = gb_weights(b, OQZ_DT_F32, GB_DIMS(6, 3, 1, 1), 1),
	                 *bias = gb_weights(b, OQZ_DT_F32, GB_DIMS(6), 1);
	memset((float *)w->constant->data + 2 * 3, 0, 6 * sizeof(float));
	((float *)bias->constant->data)[2] = -1;
	((float *)bias->constant->data)[3] = 0.5f;
	struct oqz_value *a = GB_OP(b, "Conv", in, w, bias);
	a = clip ? GB_OP(b, "Clip", a, gb_const(b, &zero), gb_const(b, &one)) : GB_OP(b, "Relu", a);
	struct oqz_value *kernels = gb_weights(b, OQZ_DT_F32, GB_DIMS(6, 1, 3, 3), 0.3);
	for (int i = 0; i < 18; i++)
		((float *)kernels->constant->data)[18 + i] *= 100;
	a = GB_OP(b, "Conv", a, kernels, gb_weights(b, OQZ_DT_F32, GB_DIMS(6), 1));
	ck_ok(oqz_node_set_int(b->last, "group", 6, err));
	a = clip ? GB_OP(b, "Clip", a, gb_const(b, &zero), gb_const(b, &one)) : GB_OP(b, "Relu", a);
	GB_OP(b, "Conv", a, gb_weights(b, OQZ_DT_F32, GB_DIMS(5, 6, 1, 1), 2));
	oqz_tensor_release(&one);
	oqz_tensor_release(&zero);
	gb_finish(b);
}

static double outputs_differ(struct bench *data, struct oqz_graph *f, struct oqz_graph *g)
{
	double worst = 0;

	for (int i = 0; i < IMAGES; i++) {
		struct oracle x, y;
		oracle_run(&x, f, &data->input[i]);
		oracle_run(&y, g, &data->input[i]);
		worst = fmax(worst, tensor_difference(oracle_at(&y, g->outputs.v[0]->name),
		                                      oracle_at(&x, f->outputs.v[0]->name)));
		oracle_free(&x);
		oracle_free(&y);
	}
	return worst;
}

/* s = max|X|^alpha / max|W|^(1 - alpha), from 1e-3 to 1e3. */
START_TEST(migration_follows_its_rule)
{
	static const float weight[3] = { 2, 1e-20f, 0.5f };
	struct bench data;
	struct gb b;
	struct oqz_graph *g = NULL;
	struct oqz_qplan *p = oqz_qplan_new();
	struct oqz_params *params = params_of(&oqz_improve_migrate, "insert=true,alpha=0.75");
	double peak[3] = { 0 };

	gb_init(&b, 13);
	struct oqz_value *a = GB_OP(&b, "Sigmoid", gb_input(&b, "x", GB_DIMS(1, 3, 4, 4))),
	                 *w = gb_weights(&b, OQZ_DT_F32, GB_DIMS(1, 3, 1, 1), 1);
	memcpy(w->constant->data, weight, sizeof weight);
	GB_OP(&b, "Conv", a, w);
	const char *layer = b.last->name;
	gb_finish(&b);
	bench_init(&data, GB_DIMS(1, 3, 4, 4));
	const struct oqz_improve_data host = { .ctx = &data, .n_images = IMAGES, .run = run_images };
	for (int i = 0; i < IMAGES; i++) {
		struct oracle o;
		oracle_run(&o, b.g, &data.input[i]);
		const float *v = oracle_at(&o, a->name)->data;
		for (int k = 0; k < 48; k++)
			peak[k / 16] = fmax(peak[k / 16], fabs((double)v[k]));
		oracle_free(&o);
	}
	ck_ok(oqz_graph_clone(b.g, &g, err));
	ck_ok(oqz_improve_migrate.on_graph(g, p, params, &host, err));
	const struct oqz_qplan_gain *gain = oqz_qplan_gain(p, oqz_graph_node(g, layer)->in[0]->name);
	ck_assert(gain && gain->n == 3);
	for (int k = 0; k < 3; k++) {
		double s = pow(peak[k], 0.75) / pow((double)weight[k], 0.25);
		ck_assert_double_eq_tol((double)gain->factor[k] * fmin(fmax(s, 1e-3), 1e3), 1, 1e-6);
	}
	ck_assert(outputs_differ(&data, b.g, g) < 1e-5);
	oqz_params_free(params);
	oqz_qplan_free(p);
	oqz_graph_free(g);
	bench_release(&data);
	oqz_graph_free(b.g);
}
END_TEST

START_TEST(clips_get_limits_per_channel)
{
	struct bench data;
	struct gb b;
	struct oqz_graph *g = NULL, *again = NULL;
	struct oqz_str text = { 0 };
	struct oqz_qplan *p = oqz_qplan_new(), *read = NULL;
	struct oqz_params *params = params_of(&oqz_improve_equalize, "threshold=0");
	struct oqz_params *keep = params_of(&oqz_improve_equalize, "threshold=0,relu6=keep");

	clipped_chain(&b, true);
	bench_init(&data, GB_DIMS(1, 3, 8, 8));
	ck_ok(oqz_graph_clone(b.g, &g, err));
	ck_ok(oqz_improve_equalize.on_graph(g, p, params, NULL, err));
	ck_assert(outputs_differ(&data, b.g, g) < 1e-5);
	/* the plan says all of it: read back and put into the float graph it gives that graph again */
	ck_ok(oqz_qplan_to_json(p, &text, err));
	ck_ok(oqz_qplan_from_json(text.s, text.len, "plan.json", &read, err));
	ck_ok(oqz_qplan_apply(read, b.g, &again, err));
	ck_assert(outputs_differ(&data, g, again) == 0);
	ck_assert_int_eq((int)again->nodes.n, (int)b.g->nodes.n + 2);
	/* limits of another number of channels do not fit */
	for (size_t i = 0; i < read->constants.n; i++)
		if (read->constants.v[i].input == 2 && read->constants.v[i].value.shape.rank == 3)
			read->constants.v[i].value.shape.dim[0] = 5;
	oqz_graph_free(again);
	ck_fails(oqz_qplan_apply(read, b.g, &again, err), OQZ_E_MISMATCH, "");
	oqz_qplan_free(p);
	p = oqz_qplan_new();
	oqz_graph_free(g);
	ck_ok(oqz_graph_clone(b.g, &g, err));
	ck_ok(oqz_improve_equalize.on_graph(g, p, keep, NULL, err));
	ck_assert_int_eq((int)p->constants.n, 0);
	oqz_str_release(&text);
	oqz_params_free(params);
	oqz_params_free(keep);
	oqz_qplan_free(p);
	oqz_qplan_free(read);
	oqz_graph_free(g);
	bench_release(&data);
	oqz_graph_free(b.g);
}
END_TEST

/* Kernels of channels without weights before them do not stay the largest by far; the constant that such a channel
 * carries does not become the largest value. */
START_TEST(channels_without_weights_are_settled)
{
	struct bench data;
	struct gb b;
	struct oqz_graph *g = NULL;
	struct oqz_qplan *p = oqz_qplan_new();
	struct oqz_params *params = params_of(&oqz_improve_equalize, "threshold=0");

	clipped_chain(&b, false);
	bench_init(&data, GB_DIMS(1, 3, 8, 8));
	ck_ok(oqz_graph_clone(b.g, &g, err));
	ck_ok(oqz_improve_equalize.on_graph(g, p, params, NULL, err));
	ck_assert(outputs_differ(&data, b.g, g) < 1e-4);
	const struct oqz_tensor *kernels = g->nodes.v[2]->in[1]->constant, *bias = g->nodes.v[0]->in[2]->constant;
	double others = 0, carried = 0;
	for (int64_t c = 0; c < 6; c++)
		if (c != 2 && c != 3) {
			others = fmax(others, channel_peak(kernels, c));
			carried = fmax(carried, (double)((const float *)bias->data)[c]);
		}
	ck_assert_msg(channel_peak(kernels, 2) <= others, "%g, the others %g", channel_peak(kernels, 2), others);
	ck_assert((double)((const float *)bias->data)[3] <= fmax(0.5, carried) * 1.001);
	ck_assert(channel_peak(kernels, 3) < channel_peak(b.g->nodes.v[2]->in[1]->constant, 3) || carried <= 0.5);
	oqz_params_free(params);
	oqz_qplan_free(p);
	oqz_graph_free(g);
	bench_release(&data);
	oqz_graph_free(b.g);
}
END_TEST

/* Behind a sigmoid no layer can take factors: inputs are multiplied instead. One channel is a hundred times the others.
 */
START_TEST(inputs_are_multiplied_where_nothing_takes_factors)
{
	struct bench data;
	struct gb b;
	struct oqz_graph *g = NULL, *again = NULL;
	struct oracle x, y;
	struct oqz_qplan *p = oqz_qplan_new();
	struct oqz_params *fold = params_of(&oqz_improve_migrate, ""),
	                  *insert = params_of(&oqz_improve_migrate, "insert=true");

	gb_init(&b, 31);
	struct oqz_value *in = gb_input(&b, "x", GB_DIMS(1, 3, 8, 8));
	struct oqz_value *w = gb_weights(&b, OQZ_DT_F32, GB_DIMS(6, 3, 1, 1), 1);
	for (int i = 0; i < 3; i++)
		((float *)w->constant->data)[3 + i] = 30;
	struct oqz_value *a = GB_OP(&b, "Conv", in, w);
	a = GB_OP(&b, "Mul", a, GB_OP(&b, "Sigmoid", a));
	struct oqz_value *d = GB_OP(&b, "Conv", a, gb_weights(&b, OQZ_DT_F32, GB_DIMS(6, 1, 3, 3), 1));
	GB_INTS(&b, "pads", 1, 1, 1, 1);
	ck_ok(oqz_node_set_int(b.last, "group", 6, err));
	struct oqz_node *depthwise = b.last;
	GB_OP(&b, "Conv", GB_OP(&b, "Add", d, a), gb_weights(&b, OQZ_DT_F32, GB_DIMS(4, 6, 1, 1), 1));
	gb_finish(&b);
	bench_init(&data, GB_DIMS(1, 3, 8, 8));
	const struct oqz_improve_data host = { .ctx = &data, .n_images = IMAGES, .run = run_images };
	ck_ok(oqz_graph_clone(b.g, &g, err));
	ck_ok(oqz_improve_migrate.on_graph(g, p, fold, &host, err));
	ck_assert_int_eq((int)p->constants.n, 0);
	ck_ok(oqz_improve_migrate.on_graph(g, p, insert, &host, err));
	/* two layers: weights and factors of each; of the network's own input nothing is multiplied */
	ck_assert_int_eq((int)p->constants.n, 4);
	ck_assert(outputs_differ(&data, b.g, g) < 1e-5);
	ck_ok(oqz_qplan_apply(p, b.g, &again, err));
	ck_assert(outputs_differ(&data, g, again) == 0);
	/* what the layer reads is what it read times the gain, and has lost the outlier */
	const char *read = oqz_graph_node(g, depthwise->name)->in[0]->name;
	const struct oqz_qplan_gain *gain = oqz_qplan_gain(p, read);
	ck_assert(gain && gain->axis == 1 && gain->n == 6);
	oracle_run(&x, b.g, &data.input[0]);
	oracle_run(&y, g, &data.input[0]);
	const float *u = oracle_at(&x, a->name)->data, *v = oracle_at(&y, read)->data;
	double peak[2][6] = { 0 };
	for (size_t k = 0; k < 6 * 64; k++) {
		ck_assert(fabsf(v[k] - u[k] * gain->factor[k / 64]) <= 1e-5f * (1 + fabsf(v[k])));
		peak[0][k / 64] = fmax(peak[0][k / 64], fabs((double)u[k]));
		peak[1][k / 64] = fmax(peak[1][k / 64], fabs((double)v[k]));
	}
	ck_assert(peak[1][1] / peak[1][0] < 0.5 * peak[0][1] / peak[0][0]);
	/* factors for another number of channels do not fit */
	for (size_t i = 0; i < p->constants.n; i++)
		if (p->constants.v[i].input == 0)
			p->constants.v[i].value.shape.dim[0] = 5;
	oqz_graph_free(again);
	ck_fails(oqz_qplan_apply(p, b.g, &again, err), OQZ_E_MISMATCH, "");
	oracle_free(&x);
	oracle_free(&y);
	oqz_params_free(fold);
	oqz_params_free(insert);
	oqz_qplan_free(p);
	oqz_graph_free(g);
	bench_release(&data);
	oqz_graph_free(b.g);
}
END_TEST

/* Factors of a layer whose input has open dimensions, the channels' among them, as recognizers of text are exported. */
START_TEST(factors_fit_open_dimensions)
{
	struct gb b;
	struct oqz_graph *g = NULL;
	struct oqz_tensor factors = { 0 };
	struct oqz_qplan *p = oqz_qplan_new();

	gb_init(&b, 7);
	struct oqz_value *x = gb_input(&b, "x", GB_DIMS(OQZ_DIM_UNKNOWN, OQZ_DIM_UNKNOWN, OQZ_DIM_UNKNOWN));
	GB_OP(&b, "MatMul", GB_OP(&b, "Sigmoid", x), gb_weights(&b, OQZ_DT_F32, GB_DIMS(6, 4), 1));
	struct oqz_node *layer = b.last;
	gb_finish(&b);
	ck_ok(oqz_tensor_alloc(&factors, OQZ_DT_F32, &(struct oqz_shape) { .rank = 1, .dim = { 6 } }, err));
	ck_ok(oqz_qplan_set_constant(p, layer->name, 0, &factors, err));
	ck_ok(oqz_qplan_apply(p, b.g, &g, err));
	const struct oqz_node *by = oqz_graph_node(g, layer->name)->in[0]->producer;
	ck_assert(by && strcmp(by->op_type, "Mul") == 0 && by->in[1]->constant);
	ck_assert_int_eq((int)by->in[1]->constant->shape.dim[0], 6);
	oqz_tensor_release(&factors);
	oqz_qplan_free(p);
	oqz_graph_free(g);
	oqz_graph_free(b.g);
}
END_TEST

OQZ_TEST_MAIN("improve_rescale", equalization_follows_its_rule, migration_follows_its_rule,
              equalization_keeps_the_function, clips_get_limits_per_channel, channels_without_weights_are_settled,
              inputs_are_multiplied_where_nothing_takes_factors, factors_fit_open_dimensions)
