/* SPDX-License-Identifier: Apache-2.0
 *
 * core/graph passes on small graphs made in code; merged weights are checked against the formulas in double.
 */
#include "tests/support/support.h"
#include "core/base/rng.h"
#include "core/graph/pass.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

static struct oqz_value *value(struct oqz_graph *g, const char *name)
{
	struct oqz_value *v = oqz_map_get(&g->by_name, name);

	if (!v)
		ck_ok(oqz_graph_add_value(g, name, &v, err));
	return v;
}

static struct oqz_graph *new_graph(void)
{
	struct oqz_graph *g = oqz_graph_new();
	struct oqz_value *x = value(g, "x");

	x->is_input = true;
	ck_assert(oqz_vec_push(&g->inputs, x));
	return g;
}

static void output(struct oqz_graph *g, const char *name)
{
	value(g, name)->is_output = true;
	ck_assert(oqz_vec_push(&g->outputs, value(g, name)));
}

/* A float constant with numbers that are easy to tell apart (variances stay positive). */
static struct oqz_value *constant(struct oqz_graph *g, const char *name, int rank, const int64_t *dims)
{
	struct oqz_shape s = oqz_shape_of(rank, dims);
	struct oqz_tensor t = { 0 };
	struct oqz_value *v = value(g, name);
	struct oqz_rng rng;

	oqz_rng_init(&rng, (uint64_t)name[0] * 131 + (uint64_t)name[strlen(name) - 1]);
	ck_ok(oqz_tensor_alloc(&t, OQZ_DT_F32, &s, err));
	for (int64_t i = 0; i < oqz_tensor_nelem(&t); i++)
		((float *)t.data)[i] =
		    (float)(strncmp(name, "var", 3) ? oqz_rng_normal(&rng) : 0.1 + oqz_rng_f64(&rng));
	ck_ok(oqz_value_set_constant(g, v, &t, err));
	oqz_tensor_release(&t);
	return v;
}

#define CONSTANT(g, name, ...) \
	constant(g, name, (int)(sizeof((int64_t[]) { __VA_ARGS__ }) / sizeof(int64_t)), (int64_t[]) { __VA_ARGS__ })

/* out = op(inputs...), input names separated by blanks. */
static struct oqz_node *node(struct oqz_graph *g, const char *op, const char *out, const char *inputs)
{
	struct oqz_value *in[8], *o = value(g, out);
	struct oqz_node *n;
	char buf[128];
	int n_in = 0;

	snprintf(buf, sizeof buf, "%s", inputs);
	for (char *s = strtok(buf, " "); s; s = strtok(NULL, " "))
		in[n_in++] = value(g, s);
	ck_ok(oqz_graph_add_node(g, NULL, "", op, 13, in, n_in, &o, 1, NULL, &n, err));
	return n;
}

static const struct oqz_pass *find_pass(const char *name)
{
	for (const struct oqz_pass *p = oqz_passes; p->name; p++)
		if (strcmp(p->name, name) == 0)
			return p;
	ck_abort_msg("no pass %s", name);
}

static int run(struct oqz_graph *g, const char *pass)
{
	int changed = -1;

	ck_ok(oqz_graph_finish(g, err));
	ck_ok(find_pass(pass)->run(g, &changed, err));
	return changed;
}

START_TEST(identity_goes_but_names_stay)
{
	struct oqz_graph *g = new_graph();

	node(g, "Identity", "a", "x");
	node(g, "Relu", "b", "a");
	node(g, "Identity", "c", "b");
	node(g, "Identity", "y", "c");
	node(g, "Identity", "z", "x"); /* input to output: both names are promised */
	output(g, "y");
	output(g, "z");
	ck_assert_int_eq(run(g, "remove-identity"), 3);
	ck_assert_uint_eq(g->nodes.n, 2);
	ck_assert_str_eq(g->nodes.v[0]->op_type, "Relu");
	ck_assert_str_eq(g->nodes.v[0]->in[0]->name, "x");
	ck_assert_str_eq(g->nodes.v[0]->out[0]->name, "y");
	ck_assert_str_eq(g->outputs.v[0]->name, "y");
	ck_assert_str_eq(g->outputs.v[1]->name, "z");
	oqz_graph_free(g);
}
END_TEST

START_TEST(dropout_goes_outside_training)
{
	struct oqz_graph *g = new_graph();
	struct oqz_value *out[2], *x = value(g, "x");
	bool yes = true, no = false;
	struct oqz_tensor t = { .dtype = OQZ_DT_BOOL, .shape = { .rank = 0 }, .data = &yes };

	ck_ok(oqz_value_set_constant(g, value(g, "train"), &t, err));
	t.data = &no;
	ck_ok(oqz_value_set_constant(g, value(g, "infer"), &t, err));
	CONSTANT(g, "ratio", 1);
	node(g, "Dropout", "a", "x");
	node(g, "Dropout", "b", "a ratio infer");
	node(g, "Dropout", "c", "b ratio train");
	out[0] = value(g, "d");
	out[1] = value(g, "mask");
	ck_ok(oqz_graph_add_node(g, NULL, "", "Dropout", 13, &x, 1, out, 2, NULL, NULL, err));
	output(g, "c");
	output(g, "d");
	output(g, "mask");
	ck_assert_int_eq(run(g, "remove-identity"), 2);
	ck_assert_str_eq(oqz_graph_value(g, "c")->producer->in[0]->name, "x");
	ck_assert_uint_eq(g->nodes.n, 2);
	oqz_graph_free(g);
}
END_TEST

START_TEST(dead_branches_go)
{
	struct oqz_graph *g = new_graph();

	node(g, "Relu", "a", "x");
	node(g, "Neg", "b", "a");
	node(g, "Exp", "c", "b");
	CONSTANT(g, "k", 3);
	node(g, "Add", "d", "c k");
	node(g, "Abs", "y", "a");
	output(g, "y");
	ck_assert_int_eq(run(g, "remove-dead"), 3);
	ck_assert_uint_eq(g->nodes.n, 2);
	ck_assert_ptr_null(oqz_graph_value(g, "k"));
	ck_assert_int_eq(run(g, "remove-dead"), 0);
	oqz_graph_free(g);
}
END_TEST

/* op(x, w) + c with these shapes: is the Add taken in? */
static int try_bias(const char *op, int w_rank, const int64_t *w, int c_rank, const int64_t *c, int64_t attr)
{
	struct oqz_graph *g = new_graph();

	constant(g, "w", w_rank, w);
	struct oqz_value *k = constant(g, "c", c_rank, c);
	struct oqz_node *n = node(g, op, "t", "x w");
	if (attr)
		ck_ok(oqz_node_set_int(n, strcmp(op, "Gemm") ? "group" : "transB", attr, err));
	node(g, "Add", "y", "c t");
	output(g, "y");
	const void *data = k->constant->data;
	int changed = run(g, "fuse-bias");
	if (changed) {
		ck_assert_uint_eq(g->nodes.n, 1);
		ck_assert_str_eq(g->nodes.v[0]->out[0]->name, "y");
		ck_assert_ptr_eq(g->nodes.v[0]->in[2]->constant->data, data);
		if (strcmp(op, "Gemm"))
			ck_assert_int_eq(g->nodes.v[0]->in[2]->constant->shape.rank, 1);
	} else {
		ck_assert_uint_eq(g->nodes.n, 2);
	}
	oqz_graph_free(g);
	return changed;
}

#define DIMS(...) \
	(int)(sizeof((int64_t[]) { __VA_ARGS__ }) / sizeof(int64_t)), (int64_t[]) { __VA_ARGS__ }

START_TEST(bias_joins_where_shapes_allow)
{
	ck_assert_int_eq(try_bias("Conv", DIMS(4, 3, 1, 1), DIMS(1, 4, 1, 1), 0), 1);
	ck_assert_int_eq(try_bias("Conv", DIMS(4, 3, 1, 1), DIMS(4, 1, 1), 0), 0);    /* not the weight's rank */
	ck_assert_int_eq(try_bias("Conv", DIMS(4, 3, 1, 1), DIMS(1, 1, 1, 1), 0), 0); /* a scalar */
	ck_assert_int_eq(try_bias("Conv", DIMS(1, 3, 1, 1), DIMS(1, 4, 1, 1), 0), 0); /* broadcasts the output */
	ck_assert_int_eq(try_bias("Conv", DIMS(4, 3, 1, 1), DIMS(1, 4, 1, 2), 0), 0);
	ck_assert_int_eq(try_bias("Conv", DIMS(4, 3, 1, 1), DIMS(2, 4, 1, 1), 0), 0);
	ck_assert_int_eq(try_bias("ConvTranspose", DIMS(4, 3, 2, 2), DIMS(1, 6, 1, 1), 2), 1);
	ck_assert_int_eq(try_bias("ConvTranspose", DIMS(4, 3, 2, 2), DIMS(1, 3, 1, 1), 2), 0);
	ck_assert_int_eq(try_bias("Gemm", DIMS(5, 3), DIMS(3), 0), 1);
	ck_assert_int_eq(try_bias("Gemm", DIMS(5, 3), DIMS(1, 3), 0), 1);
	ck_assert_int_eq(try_bias("Gemm", DIMS(5, 3), DIMS(5), 1), 1);
	ck_assert_int_eq(try_bias("Gemm", DIMS(5, 3), DIMS(5), 0), 0);
	ck_assert_int_eq(try_bias("Gemm", DIMS(5, 3), DIMS(2, 3), 0), 0);
	ck_assert_int_eq(try_bias("Gemm", DIMS(5, 3), DIMS(1, 1, 3), 0), 0);
	ck_assert_int_eq(try_bias("MatMul", DIMS(5, 3), DIMS(3), 0), 0);
}
END_TEST

START_TEST(bias_needs_a_sole_consumer_and_room)
{
	struct oqz_graph *g = new_graph();

	CONSTANT(g, "w", 4, 3, 1, 1);
	CONSTANT(g, "c", 1, 4, 1, 1);
	CONSTANT(g, "b", 4);
	node(g, "Conv", "t", "x w");
	node(g, "Add", "y", "t c");
	node(g, "Relu", "z", "t"); /* a second consumer */
	node(g, "Conv", "u", "x w b");
	node(g, "Add", "v", "u c"); /* there is a bias already */
	node(g, "Conv", "p", "x w");
	node(g, "Add", "q", "p p"); /* no constant */
	node(g, "Conv", "r", "x w");
	node(g, "Add", "s", "r c");
	const char *outputs[] = { "y", "z", "v", "q", "r", "s" }; /* r is an output itself */
	for (size_t i = 0; i < OQZ_COUNTOF(outputs); i++)
		output(g, outputs[i]);
	ck_assert_int_eq(run(g, "fuse-bias"), 0);
	oqz_graph_free(g);
}
END_TEST

/* What the constants were before a merge. */
struct before {
	struct oqz_tensor w, b, p[4]; /* scale, B, mean, var */
};

static void remember(struct oqz_graph *g, struct before *s, bool bias)
{
	static const char *const names[] = { "scale", "beta", "mean", "var" };

	memset(s, 0, sizeof *s);
	oqz_tensor_share(&s->w, oqz_graph_value(g, "w")->constant);
	if (bias)
		oqz_tensor_share(&s->b, oqz_graph_value(g, "b")->constant);
	for (int i = 0; i < 4; i++)
		oqz_tensor_share(&s->p[i], oqz_graph_value(g, names[i])->constant);
}

static double at(const struct oqz_tensor *t, int64_t i) { return ((float *)t->data)[i]; }

static void forget(struct before *s)
{
	oqz_tensor_release(&s->w);
	oqz_tensor_release(&s->b);
	for (int i = 0; i < 4; i++)
		oqz_tensor_release(&s->p[i]);
}

/* Merges and compares; channel(i) tells the output channel of weight element i. */
static void check_merge(const char *op, int rank, const int64_t *w, int64_t m, bool bias, const char *attr, int64_t val,
                        int64_t (*channel)(int64_t i))
{
	struct oqz_graph *g = new_graph();
	struct before s;
	const float eps = 0.02f;

	constant(g, "w", rank, w);
	CONSTANT(g, "b", m);
	CONSTANT(g, "scale", m);
	CONSTANT(g, "beta", m);
	CONSTANT(g, "mean", m);
	CONSTANT(g, "var", m);
	struct oqz_node *n = node(g, op, "t", bias ? "x w b" : "x w");
	if (attr)
		ck_ok(oqz_node_set_int(n, attr, val, err));
	struct oqz_node *bn = node(g, "BatchNormalization", "y", "t scale beta mean var");
	ck_ok(oqz_node_set_float(bn, "epsilon", 0.02f, err));
	output(g, "y");
	remember(g, &s, bias);
	ck_assert_int_eq(run(g, "fuse-batchnorm"), 1);
	ck_assert_uint_eq(g->nodes.n, 1);
	n = g->nodes.v[0];
	ck_assert_str_eq(n->out[0]->name, "y");
	ck_assert_int_eq(n->n_in, 3);
	ck_assert_str_eq(n->in[1]->name, "w");
	for (int64_t i = 0; i < oqz_tensor_nelem(&s.w); i++) {
		int64_t c = channel(i);
		float want = (float)at(&s.w, i) * ((float)at(&s.p[0], c) / sqrtf((float)at(&s.p[3], c) + eps));
		ck_assert_msg(want == (float)at(n->in[1]->constant, i), "%s weight %lld", op, (long long)i);
	}
	for (int64_t c = 0; c < m; c++) {
		float shifted = (bias ? (float)at(&s.b, c) : 0) - (float)at(&s.p[2], c);
		float want =
		    (float)at(&s.p[0], c) * shifted / sqrtf((float)at(&s.p[3], c) + eps) + (float)at(&s.p[1], c);
		ck_assert_msg(want == (float)at(n->in[2]->constant, c), "%s bias %lld", op, (long long)c);
	}
	forget(&s);
	oqz_graph_free(g);
}

static int64_t conv_channel(int64_t i) { return i / (3 * 2 * 2); }  /* (4,3,2,2) */
static int64_t gemm_channel(int64_t i) { return i % 3; }            /* (5,3) */
static int64_t gemm_channel_transposed(int64_t i) { return i / 3; } /* (5,3) */
/* (4,3,2,2) in 2 groups: input channels 0,1 feed output channels 0..2, 2,3 feed 3..5 */
static int64_t transposed_channel(int64_t i) { return i / 12 / 2 * 3 + i / 4 % 3; }

START_TEST(batchnorm_joins)
{
	check_merge("Conv", DIMS(4, 3, 2, 2), 4, false, NULL, 0, conv_channel);
	check_merge("Conv", DIMS(4, 3, 2, 2), 4, true, NULL, 0, conv_channel);
	check_merge("ConvTranspose", DIMS(4, 3, 2, 2), 6, true, "group", 2, transposed_channel);
	check_merge("Gemm", DIMS(5, 3), 3, true, NULL, 0, gemm_channel);
	check_merge("Gemm", DIMS(5, 3), 5, false, "transB", 1, gemm_channel_transposed);
}
END_TEST

START_TEST(batchnorm_leaves_shared_weights_alone)
{
	struct oqz_graph *g = new_graph();

	struct oqz_value *w = CONSTANT(g, "w", 2, 3, 1, 1);
	CONSTANT(g, "scale", 2);
	CONSTANT(g, "beta", 2);
	CONSTANT(g, "mean", 2);
	CONSTANT(g, "var", 2);
	struct oqz_node *n = node(g, "Conv", "t", "x w");
	node(g, "BatchNormalization", "y", "t scale beta mean var");
	struct oqz_node *other = node(g, "Conv", "z", "x w");
	output(g, "y");
	output(g, "z");
	float first = ((float *)w->constant->data)[0];
	ck_assert_int_eq(run(g, "fuse-batchnorm"), 1);
	ck_assert_ptr_eq(other->in[1], w);
	ck_assert(((float *)w->constant->data)[0] == first);
	ck_assert_ptr_ne(n->in[1], w);
	oqz_graph_free(g);
}
END_TEST

START_TEST(batchnorm_stays_where_it_must)
{
	struct oqz_graph *g = new_graph();

	CONSTANT(g, "w", 2, 3, 1, 1);
	CONSTANT(g, "v2", 2);
	CONSTANT(g, "scale", 2);
	CONSTANT(g, "beta", 2);
	CONSTANT(g, "mean", 2);
	struct oqz_value *neg = CONSTANT(g, "var", 2);
	node(g, "BatchNormalization", "a", "x scale beta mean v2"); /* isolated */
	node(g, "Conv", "b", "a w");
	node(g, "BatchNormalization", "c", "b scale beta mean x"); /* not constant */
	node(g, "Conv", "d", "a w");
	struct oqz_node *bn = node(g, "BatchNormalization", "e", "d scale beta mean v2");
	ck_ok(oqz_node_set_int(bn, "training_mode", 1, err));
	((float *)neg->constant->data)[1] = -1;
	node(g, "Conv", "f", "a w");
	node(g, "BatchNormalization", "h", "f scale beta mean var"); /* square root of a negative number */
	node(g, "Conv", "i", "a w x");
	node(g, "BatchNormalization", "j", "i scale beta mean scale"); /* bias not constant */
	output(g, "c");
	output(g, "e");
	output(g, "h");
	output(g, "j");
	ck_assert_int_eq(run(g, "fuse-batchnorm"), 0);
	oqz_graph_free(g);
}
END_TEST

static void number(struct oqz_graph *g, const char *name, float x)
{
	const struct oqz_tensor t = { .dtype = OQZ_DT_F32, .shape = { .rank = 0 }, .data = &x };

	ck_ok(oqz_value_set_constant(g, value(g, name), &t, err));
}

/* x (2,3,5) -> the written-out normalization -> y. Trick 1: the mean is over another axis; 2: the exponent is 3; 3: the
 * scale is no vector of the last axis; 4: no bias; 5: d is squared by Mul, constants first. */
static struct oqz_graph *written_norm(int trick)
{
	struct oqz_graph *g = new_graph();

	value(g, "x")->type = (struct oqz_type) { OQZ_DT_F32, oqz_shape_of(3, (int64_t[]) { 2, 3, 5 }) };
	value(g, "d")->type = value(g, "sq")->type = value(g, "x")->type;
	number(g, "two", trick == 2 ? 3 : 2);
	number(g, "eps", 1e-5f);
	CONSTANT(g, "scale", trick == 3 ? 1 : 5);
	CONSTANT(g, "bias", 5);
	struct oqz_node *a = node(g, "ReduceMean", "m", "x");
	ck_ok(oqz_node_set_ints(a, "axes", (int64_t[]) { trick == 1 ? 1 : -1 }, 1, err));
	node(g, "Sub", "d", "x m");
	if (trick == 5)
		node(g, "Mul", "sq", "d d");
	else
		node(g, "Pow", "sq", "d two");
	a = node(g, "ReduceMean", "v", "sq");
	ck_ok(oqz_node_set_ints(a, "axes", (int64_t[]) { 2 }, 1, err));
	node(g, "Add", "ve", trick == 5 ? "eps v" : "v eps");
	node(g, "Sqrt", "sd", "ve");
	node(g, "Div", "n", "d sd");
	node(g, "Mul", trick == 4 ? "y" : "s", trick == 5 ? "scale n" : "n scale");
	if (trick != 4)
		node(g, "Add", "y", trick == 5 ? "bias s" : "s bias");
	output(g, "y");
	return g;
}

START_TEST(layer_normalizations_are_found)
{
	for (int trick = 0; trick <= 5; trick++) {
		struct oqz_graph *g = written_norm(trick);
		bool fused = trick == 0 || trick > 3;
		ck_assert_msg(run(g, "fuse-layernorm") == fused, "trick %d", trick);
		const struct oqz_node *n = g->nodes.v[0];
		if (fused) {
			ck_assert_uint_eq(g->nodes.n, 1);
			ck_assert_str_eq(n->op_type, "LayerNormalization");
			ck_assert_str_eq(n->out[0]->name, "y");
			ck_assert_str_eq(n->in[1]->name, "scale");
			ck_assert_int_eq(n->n_in, trick == 4 ? 2 : 3);
			ck_assert(oqz_node_attr(n, "epsilon")->f == 1e-5f);
		}
		oqz_graph_free(g);
	}
}
END_TEST

START_TEST(gelus_are_found)
{
	static const struct {
		const char *scaled, *first, *second, *outer; /* inputs of the nodes; outer: the last product */
		bool fused;
	} rows[] = {
		{ "x root", "x t", "p half", "", true },  { "x root", "t x", "half p", "", true },
		{ "x root", "t half", "x p", "", true },  { "x root", "t h", "", "x half", true },
		{ "x half", "x t", "p half", "", false }, { "x root", "x t", "p root", "", false },
		{ "x root", "w t", "p half", "", false },
	};

	for (size_t i = 0; i < OQZ_COUNTOF(rows); i++) {
		struct oqz_graph *g = new_graph();
		number(g, "root", 1.41421356f);
		number(g, "one", 1);
		number(g, "half", 0.5f);
		node(g, "Relu", "w", "x");
		node(g, "Div", "u", rows[i].scaled);
		node(g, "Erf", "e", "u");
		node(g, "Add", "t", "e one");
		if (*rows[i].outer)
			node(g, "Mul", "h", rows[i].outer);
		node(g, "Mul", *rows[i].second ? "p" : "y", rows[i].first);
		if (*rows[i].second)
			node(g, "Mul", "y", rows[i].second);
		output(g, "y");
		ck_assert_msg(run(g, "fuse-gelu") == rows[i].fused, "row %zu", i);
		ck_assert(!rows[i].fused || (g->nodes.n == 1 && !strcmp(g->nodes.v[0]->op_type, "Gelu") &&
		                             !strcmp(g->nodes.v[0]->out[0]->name, "y")));
		oqz_graph_free(g);
	}
}
END_TEST

OQZ_TEST_MAIN("pass", identity_goes_but_names_stay, dropout_goes_outside_training, dead_branches_go,
              bias_joins_where_shapes_allow, bias_needs_a_sole_consumer_and_room, batchnorm_joins,
              batchnorm_leaves_shared_weights_alone, batchnorm_stays_where_it_must, layer_normalizations_are_found,
              gelus_are_found)
