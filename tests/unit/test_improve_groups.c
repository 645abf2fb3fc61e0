/* SPDX-License-Identifier: Apache-2.0
 *
 * core/quant/improve_groups: whatever lies between layers, rescaling leaves the function alone. Random models whose
 * dimensions are all alike, so that a channel taken for a row would show as another function and nothing else; models
 * that a group must not reach into; layers that share weights.
 */
#include "tests/unit/improve_case.h"

enum { D = 4 };

static struct oqz_value *pick(struct gb *b, struct oqz_value *const *pool, int n)
{
	return pool[oqz_rng_below(&b->rng, (uint64_t)n)];
}

static bool chance(struct gb *b, int of) { return oqz_rng_below(&b->rng, (uint64_t)of) == 0; }

/* Channels of a wide range of magnitudes. */
static struct oqz_value *weights(struct gb *b, struct oqz_shape s, bool transposed)
{
	struct oqz_value *v = gb_weights(b, OQZ_DT_F32, s, 0.5);
	int64_t n = oqz_tensor_nelem(v->constant), inner = n / s.dim[0];

	for (int64_t i = 0; i < n; i++)
		((float *)v->constant->data)[i] *= exp2f((float)((transposed ? i % inner : i / inner) % D) * 2 - 3);
	return v;
}

static struct oqz_value *bias(struct gb *b) { return chance(b, 2) ? gb_weights(b, OQZ_DT_F32, GB_DIMS(D), 0.5) : NULL; }

static struct oqz_value *layer(struct gb *b, struct oqz_value *x)
{
	struct oqz_value *y;
	int kernel = chance(b, 2) ? 3 : 1;
	bool depthwise = chance(b, 3);

	if (x->type.shape.rank == 2)
		return GB_OP(b, "Gemm", x, weights(b, GB_DIMS(D, D), true), bias(b));
	switch (oqz_rng_below(&b->rng, 5)) {
	case 0: return GB_OP(b, "MatMul", x, weights(b, GB_DIMS(D, D), true), bias(b));
	case 1: return GB_OP(b, "LayerNormalization", x, gb_weights(b, OQZ_DT_F32, GB_DIMS(D), 1), bias(b));
	case 2: return GB_OP(b, "ConvTranspose", x, weights(b, GB_DIMS(D, D, 1, 1), true), bias(b));
	default:
		y = GB_OP(b, "Conv", x, weights(b, GB_DIMS(D, depthwise ? 1 : D, kernel, kernel), false), bias(b));
		GB_INTS(b, "pads", kernel / 2, kernel / 2, kernel / 2, kernel / 2);
		ck_ok(oqz_node_set_int(b->last, "group", depthwise ? D : 1, err));
		return y;
	}
}

static struct oqz_value *pool_of(struct gb *b, struct oqz_value *x)
{
	static const char *const names[] = { "MaxPool", "AveragePool" };
	struct oqz_value *y;

	if (x->type.shape.rank == 2)
		return GB_OP(b, "Relu", x);
	if (chance(b, 6))
		return GB_OP(b, "Flatten", GB_OP(b, "GlobalAveragePool", x));
	y = GB_OP(b, names[chance(b, 2)], x);
	GB_INTS(b, "kernel_shape", 3, 3);
	GB_INTS(b, "pads", 1, 1, 1, 1);
	return y;
}

static struct oqz_value *between(struct gb *b, struct oqz_value *x, struct oqz_value *const *pool, int n)
{
	static const char *const activations[] = { "Relu", "LeakyRelu", "Identity", "Relu", "Sigmoid", "HardSwish" };
	struct oqz_value *other = pick(b, pool, n);

	switch (oqz_rng_below(&b->rng, 7)) {
	case 0:
		return GB_OP(b, "Clip", x, gb_scalar(b, OQZ_DT_F32, chance(b, 4) ? -0.5 : 0),
		             gb_scalar(b, OQZ_DT_F32, 1));
	case 1: return pool_of(b, x);
	case 2:
		return GB_OP(b, "PRelu", x,
		             other->type.shape.rank == x->type.shape.rank && chance(b, 2)
		                 ? other
		                 : gb_weights(b, OQZ_DT_F32, GB_DIMS(D), 0.5));
	case 3: return GB_OP(b, "Add", x, chance(b, 6) ? gb_weights(b, OQZ_DT_F32, GB_DIMS(D), 0.5) : other);
	case 4: return chance(b, 2) ? GB_OP(b, "Sub", other, x) : GB_OP(b, "Mul", x, other);
	default: return GB_OP(b, activations[oqz_rng_below(&b->rng, OQZ_COUNTOF(activations))], x);
	}
}

static void random_model(struct improved *t, uint64_t seed)
{
	struct oqz_value *pool[32];
	int n = 0;

	gb_init(&t->b, seed);
	pool[n++] = gb_input(&t->b, "x", GB_DIMS(1, D, D, D));
	for (int i = 0; i < 14; i++) {
		/* mostly the newest, so that layers follow each other */
		struct oqz_value *x = chance(&t->b, 4) ? pick(&t->b, pool, n) : pool[n - 1];
		x = i % 2 ? between(&t->b, x, pool, n) : layer(&t->b, x);
		for (size_t k = 0; k < t->b.g->nodes.n; k++) {
			ck_ok(oqz_node_resolve(t->b.g->nodes.v[k], err));
			ck_ok(oqz_infer_node(t->b.g->nodes.v[k], err));
		}
		pool[n++] = x;
	}
	improved_start(t, GB_DIMS(1, D, D, D));
}

/* The float model's value of that name; of an inserted product the value that it multiplies. */
static const struct oqz_value *float_value(const struct improved *t, const char *name)
{
	const struct oqz_value *v = oqz_graph_value(t->b.g, name);
	const struct oqz_node *by = oqz_graph_value(t->g, name)->producer;

	return v ? v : strcmp(by->op_type, "Mul") == 0 ? oqz_graph_value(t->b.g, by->in[0]->name) : NULL;
}

/* Every gain is what its value has been multiplied by. Returns how many there are. */
static int check_gains(struct improved *t, int seed)
{
	struct oracle x, y;

	oracle_run(&x, t->b.g, &t->data.input[0]);
	oracle_run(&y, t->g, &t->data.input[0]);
	for (size_t i = 0; i < t->p->gains.n; i++) {
		const struct oqz_qplan_gain *gain = &t->p->gains.v[i];
		const struct oqz_value *f = float_value(t, gain->value);
		ck_assert_msg(f != NULL, "seed %d: '%s' is nothing of the float model", seed, gain->value);
		const struct oqz_tensor *u = oracle_at(&x, f->name), *v = oracle_at(&y, gain->value);
		int64_t inner = oqz_shape_span(&u->shape, gain->axis + 1, u->shape.rank);
		double top = 1e-6, apart = 0;
		ck_assert(u->shape.dim[gain->axis] == (int64_t)gain->n);
		for (int64_t k = 0; k < oqz_tensor_nelem(u); k++) {
			double by = (double)gain->factor[k / inner % (int64_t)gain->n];
			double want = (double)((const float *)u->data)[k] * by;
			top = fmax(top, fabs(want));
			apart = fmax(apart, fabs((double)((const float *)v->data)[k] - want));
		}
		ck_assert_msg(apart < 1e-4 * top, "seed %d: '%s' is not what its gain says", seed, gain->value);
	}
	oracle_free(&x);
	oracle_free(&y);
	return (int)t->p->gains.n;
}

START_TEST(rescaling_leaves_the_function_alone)
{
	static const struct {
		const struct oqz_improve *pass;
		const char *params;
	} runs[] = {
		{ &oqz_improve_equalize, "threshold=0" },
		{ &oqz_improve_equalize, "threshold=0,through=activation,relu6=keep" },
		{ &oqz_improve_migrate, "" },
		{ &oqz_improve_migrate, "insert=true,alpha=0.3" },
	};
	int changed[OQZ_COUNTOF(runs)] = { 0 };
	int checked = 0;

	for (uint64_t seed = 1; seed <= 150; seed++) {
		struct improved t;
		random_model(&t, seed);
		for (size_t r = 0; r < OQZ_COUNTOF(runs); r++) {
			struct oqz_graph *again = NULL;
			improved_again(&t);
			improved_run(&t, runs[r].pass, runs[r].params);
			double d = outputs_differ(&t.data, t.b.g, t.g);
			ck_assert_msg(d < 2e-4, "seed %d, %s %s: outputs %g apart", (int)seed, runs[r].pass->name,
			              runs[r].params, d);
			ck_ok(oqz_qplan_apply(t.p, t.b.g, &again, err));
			ck_assert(outputs_differ(&t.data, t.g, again) == 0);
			oqz_graph_free(again);
			changed[r] += t.p->constants.n > 0;
		}
		/* one pass behind the other: factors multiply, and the plan's gains say by how much */
		improved_again(&t);
		improved_run(&t, &oqz_improve_equalize, "threshold=0");
		improved_run(&t, &oqz_improve_migrate, "insert=true");
		ck_assert(outputs_differ(&t.data, t.b.g, t.g) < 2e-4);
		checked += check_gains(&t, (int)seed);
		improved_release(&t);
	}
	ck_assert(checked > 200);
	for (size_t r = 0; r < OQZ_COUNTOF(runs); r++)
		ck_assert_msg(changed[r] > 20, "%s %s: %d models changed", runs[r].pass->name, runs[r].params,
		              changed[r]);
}
END_TEST

/* Two layers of D channels with something between: `made` is the first one's output. */
static struct oqz_value *first_layer(struct improved *t, uint64_t seed, struct oqz_shape input)
{
	gb_init(&t->b, seed);
	struct oqz_value *x = gb_input(&t->b, "x", input);
	return input.rank == 4 ? GB_OP(&t->b, "Conv", x, weights(&t->b, GB_DIMS(D, D, 1, 1), false))
	                       : GB_OP(&t->b, "MatMul", x, weights(&t->b, GB_DIMS(D, D), true));
}

static void nothing_is_rescaled(struct improved *t, struct oqz_shape input, const char *what)
{
	improved_start(t, input);
	improved_run(t, &oqz_improve_equalize, "threshold=0");
	ck_assert_msg(t->p->constants.n == 0, "%s: %d constants changed", what, (int)t->p->constants.n);
	improved_release(t);
}

START_TEST(groups_end_where_factors_would_show)
{
	const struct oqz_shape plane = GB_DIMS(1, D, 1, D), rows = GB_DIMS(D, D);
	struct improved t;
	struct oqz_value *a;

	a = first_layer(&t, 1, plane);
	gb_output(&t.b, a);
	gb_output(&t.b, GB_OP(&t.b, "Conv", a, weights(&t.b, GB_DIMS(D, D, 1, 1), false)));
	nothing_is_rescaled(&t, plane, "an output of the model");

	a = first_layer(&t, 2, plane);
	a = GB_OP(&t.b, "Add", a, t.b.g->inputs.v[0]);
	GB_OP(&t.b, "Conv", a, weights(&t.b, GB_DIMS(D, D, 1, 1), false));
	nothing_is_rescaled(&t, plane, "an input of the model");

	a = first_layer(&t, 3, plane);
	a = GB_OP(&t.b, "Reshape", a, GB_LIST(&t.b, D, D));
	GB_OP(&t.b, "Gemm", a, weights(&t.b, GB_DIMS(D, D), true));
	nothing_is_rescaled(&t, plane, "channels that become rows");

	a = first_layer(&t, 4, rows);
	GB_OP(&t.b, "Gemm", a, weights(&t.b, GB_DIMS(D, D), true));
	ck_ok(oqz_node_set_int(t.b.last, "transA", 1, err));
	nothing_is_rescaled(&t, rows, "a product of the transposed");

	a = first_layer(&t, 5, rows);
	GB_OP(&t.b, "Gemm", a, weights(&t.b, GB_DIMS(D, D), true), a);
	nothing_is_rescaled(&t, rows, "a layer that adds what it multiplies");

	gb_init(&t.b, 6);
	a = GB_OP(&t.b, "Gemm", gb_input(&t.b, "x", rows), weights(&t.b, GB_DIMS(D, D), true),
	          gb_weights(&t.b, OQZ_DT_F32, GB_DIMS(D, 1), 1));
	GB_OP(&t.b, "Gemm", a, weights(&t.b, GB_DIMS(D, D), true));
	nothing_is_rescaled(&t, rows, "a bias by rows");

	a = first_layer(&t, 7, plane);
	a = GB_OP(&t.b, "Clip", a, gb_scalar(&t.b, OQZ_DT_F32, -1), gb_scalar(&t.b, OQZ_DT_F32, 1));
	GB_OP(&t.b, "Conv", a, weights(&t.b, GB_DIMS(D, D, 1, 1), false));
	nothing_is_rescaled(&t, plane, "a clip from below zero");

	a = first_layer(&t, 8, plane);
	struct oqz_value *flat = GB_OP(&t.b, "Reshape", t.b.g->inputs.v[0], GB_LIST(&t.b, D, D));
	a = GB_OP(&t.b, "Add", a, GB_OP(&t.b, "MatMul", flat, weights(&t.b, GB_DIMS(D, D), true)));
	GB_OP(&t.b, "Conv", a, weights(&t.b, GB_DIMS(D, D, 1, 1), false));
	nothing_is_rescaled(&t, plane, "a sum of different ranks");

	a = first_layer(&t, 9, plane);
	GB_OP(&t.b, "Conv", gb_weights(&t.b, OQZ_DT_F32, GB_DIMS(1, D, D, D), 1), a);
	nothing_is_rescaled(&t, plane, "values that are weights of the next layer");
}
END_TEST

/* Layers that share weights or biases: each gets its own. */
START_TEST(shared_weights_are_copied)
{
	struct improved t;
	const struct oqz_shape plane = GB_DIMS(1, D, D, D);

	gb_init(&t.b, 9);
	struct oqz_value *w = weights(&t.b, GB_DIMS(D, D, 1, 1), false),
	                 *c = gb_weights(&t.b, OQZ_DT_F32, GB_DIMS(D), 1);
	struct oqz_value *a = GB_OP(&t.b, "Conv", gb_input(&t.b, "x", plane), w, c);
	a = GB_OP(&t.b, "Conv", GB_OP(&t.b, "Relu", a), w, c);
	GB_OP(&t.b, "Conv", GB_OP(&t.b, "Relu", a), w, c);
	improved_start(&t, plane);
	improved_run(&t, &oqz_improve_equalize, "threshold=0");
	ck_assert_int_eq((int)t.p->constants.n, 5); /* three times weights, two biases: the last layer makes no group */
	ck_assert(outputs_differ(&t.data, t.b.g, t.g) < 1e-5);
	improved_release(&t);
}
END_TEST

OQZ_TEST_MAIN("improve_groups", rescaling_leaves_the_function_alone, groups_end_where_factors_would_show,
              shared_weights_are_copied)
