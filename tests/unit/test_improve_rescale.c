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
		struct improved t;
		struct oracle x, y;

		gb_init(&t.b, 11);
		struct oqz_value *in = gb_input(&t.b, "x", GB_DIMS(1, 3, 8, 8));
		struct oqz_value *a = GB_OP(&t.b, "Conv", in, gb_weights(&t.b, OQZ_DT_F32, GB_DIMS(6, 3, 1, 1), 2),
		                            gb_weights(&t.b, OQZ_DT_F32, GB_DIMS(6), 1));
		a = GB_OP(&t.b, "Relu", a);
		struct oqz_value *d = GB_OP(&t.b, "Conv", a, gb_weights(&t.b, OQZ_DT_F32, GB_DIMS(6, 1, 1, 1), 0.3));
		ck_ok(oqz_node_set_int(t.b.last, "group", 6, err));
		d = GB_OP(&t.b, "Add", d, a);
		d = GB_OP(&t.b, blocked ? "Sigmoid" : "LeakyRelu", d);
		GB_OP(&t.b, "Conv", d, gb_weights(&t.b, OQZ_DT_F32, GB_DIMS(5, 6, 1, 1), 0.5));
		improved_start(&t, GB_DIMS(1, 3, 8, 8));
		improved_run(&t, &oqz_improve_equalize, "threshold=0");
		/* the sum ties maker and depthwise to one group; a sigmoid behind it ends it */
		ck_assert_msg((t.p->constants.n > 0) == !blocked, "%d constants", (int)t.p->constants.n);
		ck_assert(outputs_differ(&t.data, t.b.g, t.g) < 1e-5);
		oracle_run(&x, t.b.g, &t.data.input[0]);
		oracle_run(&y, t.g, &t.data.input[0]);
		for (size_t i = 0; i < t.p->gains.n; i++) {
			const struct oqz_qplan_gain *gain = &t.p->gains.v[i];
			const float *u = oracle_at(&x, gain->value)->data, *v = oracle_at(&y, gain->value)->data;
			ck_assert_int_eq(gain->axis, 1);
			for (size_t k = 0; k < 6 * 64; k++)
				ck_assert(fabsf(v[k] - u[k] * gain->factor[k / 64]) <= 1e-4f * (1 + fabsf(v[k])));
		}
		oracle_free(&x);
		oracle_free(&y);
		improved_again(&t);
		improved_run(&t, &oqz_improve_equalize, "threshold=0,through=activation");
		ck_assert_int_eq((int)t.p->constants.n, 0);
		improved_release(&t);
	}
}
END_TEST

enum { RULE = 6 };
static const float rule_up[RULE] = { 0.1f, 1, 1, 4, 0.25f, 0.125f },
                   rule_down[RULE] = { 0.2f, 1e4f, 1e-4f, 1, 0.25f, 0.375f };

/* Two layers with one weight per channel, of one image channel each; `twice`: another like the first joins it. */
static const char *rule_model(struct improved *t, bool twice)
{
	gb_init(&t->b, 12);
	struct oqz_value *first = gb_weights(&t->b, OQZ_DT_F32, GB_DIMS(RULE, 1, 1, 1), 1),
	                 *second = gb_weights(&t->b, OQZ_DT_F32, GB_DIMS(1, RULE, 1, 1), 1),
	                 *in = gb_input(&t->b, "x", GB_DIMS(1, 1, 4, 4));
	memcpy(first->constant->data, rule_up, sizeof rule_up);
	memcpy(second->constant->data, rule_down, sizeof rule_down);
	struct oqz_value *a = GB_OP(&t->b, "Conv", in, first);
	const char *maker = t->b.last->name;
	a = twice ? GB_OP(&t->b, "Add", a, GB_OP(&t->b, "Conv", in, first)) : a;
	GB_OP(&t->b, "Conv", GB_OP(&t->b, "Relu", a), second);
	improved_start(t, GB_DIMS(1, 1, 4, 4));
	return maker;
}

/* k = sqrt(down / up), from 0.1 to 10, 1 where the two weights add up to less than the threshold; so for all groups in
 * turn, whatever the number of makers, as often as iterations are asked for. */
START_TEST(equalization_follows_its_rule)
{
	for (int run = 0; run < 4; run++) {
		const int rounds = 1 + run % 2;
		struct improved t;
		const char *maker = rule_model(&t, run >= 2);
		improved_run(&t, &oqz_improve_equalize, run % 2 ? "iterations=2" : "iterations=1,threshold=0.5");
		const float *w = oqz_graph_node(t.g, maker)->in[1]->constant->data;
		for (int i = 0; i < RULE; i++) {
			double up = (double)rule_up[i], down = (double)rule_down[i];
			for (int round = 0; round < rounds && up + down >= 0.5; round++) {
				double k = fmin(fmax(sqrt(down / up), 0.1), 10);
				up *= k;
				down /= k;
			}
			ck_assert_msg(fabs((double)w[i] - up) <= 1e-6 * up, "run %d, channel %d: %g became %g, not %g",
			              run, i, (double)rule_up[i], (double)w[i], up);
		}
		improved_release(&t);
	}
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
static void clipped_chain(struct improved *t, bool clip)
{
	struct gb *b = &t->b;
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
	improved_start(t, GB_DIMS(1, 3, 8, 8));
}

/* s = max|X|^alpha / max|W|^(1 - alpha), from 1e-3 to 1e3; 1 where a channel is 0, or what reads it. */
START_TEST(migration_follows_its_rule)
{
	enum { C = 5 };
	static const float weight[C] = { 2, 1e-20f, 0.5f, 0, 3 };
	struct improved t;
	double peak[C] = { 0 };

	gb_init(&t.b, 13);
	struct oqz_value *gate = gb_weights(&t.b, OQZ_DT_F32, GB_DIMS(C, 1, 1), 1),
	                 *w = gb_weights(&t.b, OQZ_DT_F32, GB_DIMS(1, C, 1, 1), 1);
	((float *)gate->constant->data)[4] = 0;
	memcpy(w->constant->data, weight, sizeof weight);
	struct oqz_value *a = GB_OP(&t.b, "Mul", gb_input(&t.b, "x", GB_DIMS(1, C, 4, 4)), gate);
	GB_OP(&t.b, "Conv", a, w);
	const char *layer = t.b.last->name;
	improved_start(&t, GB_DIMS(1, C, 4, 4));
	for (int i = 0; i < IMAGES; i++) {
		struct oracle o;
		oracle_run(&o, t.b.g, &t.data.input[i]);
		const float *v = oracle_at(&o, a->name)->data;
		for (int k = 0; k < C * 16; k++)
			peak[k / 16] = fmax(peak[k / 16], fabs((double)v[k]));
		oracle_free(&o);
	}
	ck_assert(peak[4] == 0);
	improved_run(&t, &oqz_improve_migrate, "insert=true,alpha=0.75");
	const struct oqz_qplan_gain *gain = oqz_qplan_gain(t.p, oqz_graph_node(t.g, layer)->in[0]->name);
	ck_assert(gain && gain->n == C);
	for (int k = 0; k < C; k++) {
		double s = k < 3 ? pow(peak[k], 0.75) / pow((double)weight[k], 0.25) : 1;
		ck_assert_double_eq_tol((double)gain->factor[k] * fmin(fmax(s, 1e-3), 1e3), 1, 1e-6);
	}
	ck_assert(outputs_differ(&t.data, t.b.g, t.g) < 1e-5);
	improved_release(&t);
}
END_TEST

/* Of tokens the channels lie along the last axis, also where there are as many tokens; a LayerNormalization takes the
 * factors. */
START_TEST(tokens_are_migrated_by_channel)
{
	enum { C = 6 };
	struct improved t;
	double peak[C] = { 0 };

	gb_init(&t.b, 14);
	struct oqz_value *scale = gb_weights(&t.b, OQZ_DT_F32, GB_DIMS(C), 1),
	                 *w = gb_weights(&t.b, OQZ_DT_F32, GB_DIMS(C, 3), 1);
	((float *)scale->constant->data)[2] = 50;
	struct oqz_value *a = GB_OP(&t.b, "LayerNormalization", gb_input(&t.b, "x", GB_DIMS(1, C, C)), scale);
	const char *norm = t.b.last->name;
	GB_OP(&t.b, "MatMul", a, w);
	improved_start(&t, GB_DIMS(1, C, C));
	for (int i = 0; i < IMAGES; i++) {
		struct oracle o;
		oracle_run(&o, t.b.g, &t.data.input[i]);
		for (int k = 0; k < C * C; k++)
			peak[k % C] = fmax(peak[k % C], fabs((double)((const float *)oracle_at(&o, a->name)->data)[k]));
		oracle_free(&o);
	}
	improved_run(&t, &oqz_improve_migrate, "");
	const float *u = scale->constant->data, *v = oqz_graph_node(t.g, norm)->in[1]->constant->data;
	for (int c = 0; c < C; c++) {
		double most = 0;
		for (int k = 0; k < 3; k++)
			most = fmax(most, fabs((double)((const float *)w->constant->data)[c * 3 + k]));
		ck_assert_double_eq_tol((double)v[c] / (double)u[c] * sqrt(peak[c] / most), 1, 1e-5);
	}
	const struct oqz_qplan_gain *gain = oqz_qplan_gain(t.p, a->name);
	ck_assert(gain && gain->axis == 2);
	ck_assert(outputs_differ(&t.data, t.b.g, t.g) < 1e-5);
	improved_release(&t);
}
END_TEST

START_TEST(clips_get_limits_per_channel)
{
	struct improved t;
	struct oqz_graph *again = NULL;
	struct oqz_str text = { 0 };
	struct oqz_qplan *read = NULL;

	clipped_chain(&t, true);
	improved_run(&t, &oqz_improve_equalize, "threshold=0");
	ck_assert(outputs_differ(&t.data, t.b.g, t.g) < 1e-5);
	/* the plan says all of it: read back and put into the float graph it gives that graph again */
	ck_ok(oqz_qplan_to_json(t.p, &text, err));
	ck_ok(oqz_qplan_from_json(text.s, text.len, "plan.json", &read, err));
	ck_ok(oqz_qplan_apply(read, t.b.g, &again, err));
	ck_assert(outputs_differ(&t.data, t.g, again) == 0);
	ck_assert_int_eq((int)again->nodes.n, (int)t.b.g->nodes.n + 2);
	/* limits of another number of channels do not fit */
	for (size_t i = 0; i < read->constants.n; i++)
		if (read->constants.v[i].input == 2 && read->constants.v[i].value.shape.rank == 3)
			read->constants.v[i].value.shape.dim[0] = 5;
	oqz_graph_free(again);
	ck_fails(oqz_qplan_apply(read, t.b.g, &again, err), OQZ_E_MISMATCH, "");
	improved_again(&t);
	improved_run(&t, &oqz_improve_equalize, "threshold=0,relu6=keep");
	ck_assert_int_eq((int)t.p->constants.n, 0);
	oqz_str_release(&text);
	oqz_qplan_free(read);
	improved_release(&t);
}
END_TEST

/* As the publication has it: the limits go, even where no channel is rescaled, and the model is the one with Relu. */
START_TEST(clips_become_relu)
{
	struct improved t, relu;

	gb_init(&t.b, 22);
	struct oqz_value *a = GB_OP(&t.b, "Conv", gb_input(&t.b, "x", GB_DIMS(1, 3, 8, 8)),
	                            gb_weights(&t.b, OQZ_DT_F32, GB_DIMS(6, 3, 1, 1), 1));
	a = GB_OP(&t.b, "Clip", a, gb_scalar(&t.b, OQZ_DT_F32, 0), gb_scalar(&t.b, OQZ_DT_F32, 1));
	GB_OP(&t.b, "Conv", a, gb_weights(&t.b, OQZ_DT_F32, GB_DIMS(5, 6, 1, 1), 1));
	improved_start(&t, GB_DIMS(1, 3, 8, 8));
	improved_run(&t, &oqz_improve_equalize, "threshold=1e6,relu6=relu");
	ck_assert_int_eq((int)t.p->constants.n, 3);
	ck_assert(outputs_differ(&t.data, t.b.g, t.g) > 1e-3);
	improved_release(&t);
	clipped_chain(&relu, false);
	clipped_chain(&t, true);
	improved_run(&t, &oqz_improve_equalize, "threshold=0,relu6=relu");
	for (int i = 0; i < IMAGES; i++) {
		struct oracle x, y;
		oracle_run(&x, relu.b.g, &relu.data.input[i]);
		oracle_run(&y, t.g, &t.data.input[i]);
		ck_assert(tensor_difference(oracle_at(&y, t.g->outputs.v[0]->name),
		                            oracle_at(&x, relu.b.g->outputs.v[0]->name)) < 1e-4);
		oracle_free(&x);
		oracle_free(&y);
	}
	improved_release(&t);
	improved_release(&relu);
}
END_TEST

/* Kernels of channels without weights before them do not stay the largest by far; the constant that such a channel
 * carries does not become the largest value. */
START_TEST(channels_without_weights_are_settled)
{
	struct improved t;

	clipped_chain(&t, false);
	improved_run(&t, &oqz_improve_equalize, "threshold=0");
	ck_assert(outputs_differ(&t.data, t.b.g, t.g) < 1e-4);
	const struct oqz_tensor *kernels = t.g->nodes.v[2]->in[1]->constant, *bias = t.g->nodes.v[0]->in[2]->constant;
	double others = 0, carried = 0;
	for (int64_t c = 0; c < 6; c++)
		if (c != 2 && c != 3) {
			others = fmax(others, channel_peak(kernels, c));
			carried = fmax(carried, (double)((const float *)bias->data)[c]);
		}
	ck_assert_msg(channel_peak(kernels, 2) <= others, "%g, the others %g", channel_peak(kernels, 2), others);
	ck_assert((double)((const float *)bias->data)[3] <= fmax(0.5, carried) * 1.001);
	ck_assert(channel_peak(kernels, 3) < channel_peak(t.b.g->nodes.v[2]->in[1]->constant, 3) || carried <= 0.5);
	improved_release(&t);
}
END_TEST

/* Of the channels without weights: to the geometric mean of the others' kernels, unless the constant that is carried
 * (behind Relu: if positive), the largest of all makers, would then exceed the largest of the others. */
START_TEST(constants_follow_their_rule)
{
	enum { C = 7 };
	static const float up[C] = { 1, 2, 0.5f, 0, 0, 0, 0 }, down[C] = { 4, 0.5f, 2, 64, 64, 0.25f, 64 },
	                   first[C] = { 0.5f, -3, 1, 0.25f, -0.25f, 0.1f, 20 },
	                   second[C] = { 0.25f, 1, 0, 0.5f, -2, 0, 1 };

	for (int rectified = 0; rectified < 2; rectified++) {
		struct improved t;
		double k[C], level = 0, top = 0;
		gb_init(&t.b, 15);
		struct oqz_value *w[2] = { gb_weights(&t.b, OQZ_DT_F32, GB_DIMS(C, 1, 1, 1), 1),
			                   gb_weights(&t.b, OQZ_DT_F32, GB_DIMS(1, C, 1, 1), 1) },
		                 *bias[2] = { gb_weights(&t.b, OQZ_DT_F32, GB_DIMS(C), 1),
			                      gb_weights(&t.b, OQZ_DT_F32, GB_DIMS(C), 1) },
		                 *in = gb_input(&t.b, "x", GB_DIMS(1, 1, 4, 4));
		memcpy(w[0]->constant->data, up, sizeof up);
		memcpy(w[1]->constant->data, down, sizeof down);
		memcpy(bias[0]->constant->data, first, sizeof first);
		memcpy(bias[1]->constant->data, second, sizeof second);
		struct oqz_value *a = GB_OP(&t.b, "Conv", in, w[0], bias[0]);
		const char *maker = t.b.last->name;
		a = GB_OP(&t.b, "Add", a, GB_OP(&t.b, "Conv", in, w[0], bias[1]));
		GB_OP(&t.b, "Conv", GB_OP(&t.b, rectified ? "Relu" : "LeakyRelu", a), w[1]);
		improved_start(&t, GB_DIMS(1, 1, 4, 4));
		improved_run(&t, &oqz_improve_equalize, "iterations=1,threshold=0");
		for (int c = 0; c < C; c++) {
			double u = rectified ? fmax(first[c], 0) : fabs((double)first[c]),
			       v = rectified ? fmax(second[c], 0) : fabs((double)second[c]), carried = fmax(u, v);
			if (c < 3) {
				k[c] = sqrt((double)down[c] / (double)up[c]);
				level += log((double)down[c] / k[c]) / 3;
				top = fmax(top, carried * k[c]);
				continue;
			}
			k[c] = (double)down[c] > exp(level) ? (double)down[c] / exp(level) : 1;
			k[c] = carried > 0 ? fmin(k[c], fmax(top / carried, 1)) : k[c];
		}
		const float *got = oqz_graph_node(t.g, maker)->in[2]->constant->data;
		for (int c = 0; c < C; c++)
			ck_assert_msg(fabs((double)got[c] - (double)first[c] * k[c]) <= 1e-5 * fabs((double)got[c]),
			              "%d, channel %d: %g became %g, not times %g", rectified, c, (double)first[c],
			              (double)got[c], k[c]);
		improved_release(&t);
	}
}
END_TEST

/* Behind a sigmoid no layer can take factors: inputs are multiplied instead. One channel is a hundred times the others.
 */
START_TEST(inputs_are_multiplied_where_nothing_takes_factors)
{
	struct improved t;
	struct oqz_graph *again = NULL;
	struct oracle x, y;

	gb_init(&t.b, 31);
	struct oqz_value *in = gb_input(&t.b, "x", GB_DIMS(1, 3, 8, 8));
	struct oqz_value *w = gb_weights(&t.b, OQZ_DT_F32, GB_DIMS(6, 3, 1, 1), 1);
	for (int i = 0; i < 3; i++)
		((float *)w->constant->data)[3 + i] = 30;
	struct oqz_value *a = GB_OP(&t.b, "Conv", in, w);
	a = GB_OP(&t.b, "Mul", a, GB_OP(&t.b, "Sigmoid", a));
	struct oqz_value *d = GB_OP(&t.b, "Conv", a, gb_weights(&t.b, OQZ_DT_F32, GB_DIMS(6, 1, 3, 3), 1));
	GB_INTS(&t.b, "pads", 1, 1, 1, 1);
	ck_ok(oqz_node_set_int(t.b.last, "group", 6, err));
	struct oqz_node *depthwise = t.b.last;
	GB_OP(&t.b, "Conv", GB_OP(&t.b, "Add", d, a), gb_weights(&t.b, OQZ_DT_F32, GB_DIMS(4, 6, 1, 1), 1));
	improved_start(&t, GB_DIMS(1, 3, 8, 8));
	improved_run(&t, &oqz_improve_migrate, "");
	ck_assert_int_eq((int)t.p->constants.n, 0);
	improved_run(&t, &oqz_improve_migrate, "insert=true");
	/* two layers: weights and factors of each; of the network's own input nothing is multiplied */
	ck_assert_int_eq((int)t.p->constants.n, 4);
	ck_assert(outputs_differ(&t.data, t.b.g, t.g) < 1e-5);
	ck_ok(oqz_qplan_apply(t.p, t.b.g, &again, err));
	ck_assert(outputs_differ(&t.data, t.g, again) == 0);
	/* what the layer reads is what it read times the gain, and has lost the outlier */
	const char *read = oqz_graph_node(t.g, depthwise->name)->in[0]->name;
	const struct oqz_qplan_gain *gain = oqz_qplan_gain(t.p, read);
	ck_assert(gain && gain->axis == 1 && gain->n == 6);
	oracle_run(&x, t.b.g, &t.data.input[0]);
	oracle_run(&y, t.g, &t.data.input[0]);
	const float *u = oracle_at(&x, a->name)->data, *v = oracle_at(&y, read)->data;
	double peak[2][6] = { 0 };
	for (size_t k = 0; k < 6 * 64; k++) {
		ck_assert(fabsf(v[k] - u[k] * gain->factor[k / 64]) <= 1e-5f * (1 + fabsf(v[k])));
		peak[0][k / 64] = fmax(peak[0][k / 64], fabs((double)u[k]));
		peak[1][k / 64] = fmax(peak[1][k / 64], fabs((double)v[k]));
	}
	ck_assert(peak[1][1] / peak[1][0] < 0.5 * peak[0][1] / peak[0][0]);
	/* factors for another number of channels do not fit */
	for (size_t i = 0; i < t.p->constants.n; i++)
		if (t.p->constants.v[i].input == 0)
			t.p->constants.v[i].value.shape.dim[0] = 5;
	oqz_graph_free(again);
	ck_fails(oqz_qplan_apply(t.p, t.b.g, &again, err), OQZ_E_MISMATCH, "");
	oracle_free(&x);
	oracle_free(&y);
	improved_release(&t);
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
              tokens_are_migrated_by_channel, equalization_keeps_the_function, clips_get_limits_per_channel,
              clips_become_relu, channels_without_weights_are_settled, constants_follow_their_rule,
              inputs_are_multiplied_where_nothing_takes_factors, factors_fit_open_dimensions)
