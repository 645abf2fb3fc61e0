/* SPDX-License-Identifier: Apache-2.0
 *
 * The passes that exist for the QuantZoo's rules, on models that are run before and behind: an isolated
 * BatchNormalization as a depthwise convolution, MatMul with the bias behind it, layer normalizations by a reciprocal.
 * The numbers stay, the layers that a scheme finds change, and a saved model has standard operators only.
 */
#include "core/graph/pass.h"
#include "core/onnx/onnx.h"
#include "tests/unit/plugin_case.h"

/* Runs a pass on a finished graph; how many places it changed. */
static int pass(struct oqz_graph *g, const char *name)
{
	const struct oqz_pass *p = NULL;
	int changed = -1;

	for (size_t i = 0; (p = oqz_model_pass(i)) && strcmp(p->name, name); i++)
		;
	ck_assert_msg(p != NULL, "no pass %s", name);
	ck_ok(p->run(g, &changed, err));
	ck_ok(oqz_ops_resolve(g, err));
	ck_ok(oqz_infer_types(g, err));
	return changed;
}

static int count(const struct oqz_graph *g, const char *op)
{
	int n = 0;

	for (size_t i = 0; i < g->nodes.n; i++)
		n += !strcmp(g->nodes.v[i]->op_type, op);
	return n;
}

/* Every output of `a` as of `b`, by name, on random inputs: within `tolerance`. */
static void same_outputs(struct gb *b, struct oqz_graph *changed, double tolerance)
{
	struct oqz_tensor in[8];
	struct oracle x, y;

	random_inputs(b, in);
	oracle_run(&x, b->g, in);
	oracle_run(&y, changed, in);
	for (size_t i = 0; i < b->g->outputs.n; i++) {
		const char *name = b->g->outputs.v[i]->name;
		double d = tensor_difference(oracle_at(&y, name), oracle_at(&x, name));
		ck_assert_msg(d <= tolerance, "%s is off by %g", name, d);
	}
	oracle_free(&x);
	oracle_free(&y);
	release_inputs(b, in);
}

static struct oqz_value *positive(struct gb *b, int64_t n)
{
	struct oqz_value *v = gb_weights(b, OQZ_DT_F32, GB_DIMS(n), 1);

	for (int64_t i = 0; i < n; i++)
		((float *)v->constant->data)[i] = fabsf(((float *)v->constant->data)[i]) + 0.1f;
	return v;
}

static struct oqz_value *batchnorm(struct gb *b, struct oqz_value *x, int64_t n)
{
	struct oqz_value *y =
	    GB_OP(b, "BatchNormalization", x, gb_weights(b, OQZ_DT_F32, GB_DIMS(n), 1),
	          gb_weights(b, OQZ_DT_F32, GB_DIMS(n), 1), gb_weights(b, OQZ_DT_F32, GB_DIMS(n), 1), positive(b, n));

	ck_ok(oqz_node_set_float(b->last, "epsilon", 0.01f, err));
	return y;
}

/* ---------------------------------------------------------------------------------------------------- batch norm */

START_TEST(isolated_batchnorm_becomes_a_layer)
{
	struct gb b;
	struct oqz_graph *g = NULL;

	gb_init(&b, 3);
	struct oqz_value *x = gb_input(&b, "x", GB_DIMS(2, 6, 5, 4)), *z = gb_input(&b, "z", GB_DIMS(1, 3, 7));
	GB_OP(&b, "Relu", batchnorm(&b, x, 6));
	struct oqz_value *pooled = GB_OP(&b, "MaxPool", x);
	GB_INTS(&b, "kernel_shape", 2, 2);
	batchnorm(&b, pooled, 6);
	batchnorm(&b, z, 3); /* one dimension of space */
	gb_finish(&b);
	ck_ok(oqz_graph_clone(b.g, &g, err));
	ck_assert_int_eq(pass(g, "fuse-batchnorm"), 0);
	ck_assert_int_eq(pass(g, "batchnorm-to-conv"), 3);
	ck_assert(count(g, "BatchNormalization") == 0 && count(g, "Conv") == 3);
	for (size_t i = 0; i < g->nodes.n; i++) /* patterns of a manifest go by the file's names */
		ck_assert_str_eq(g->nodes.v[i]->name, b.g->nodes.v[i]->name);
	same_outputs(&b, g, 1e-5);
	struct oqz_graph *before = b.g;
	b.g = g;
	struct oqz_qplan *plan = plugin_plan(&b, "int8", "axis=positional", 2);
	ck_assert_uint_eq(plan->sites.n, 6);
	ck_assert_uint_eq(plan->sites.v[1].spec.n_scale, 6); /* a scale per channel */
	layers_agree(&b, plan, 2e-6, "");
	oqz_qplan_free(plan);
	oqz_graph_free(g);
	oqz_graph_free(before);
}
END_TEST

/* W and b to the bit, as PPQ makes them. */
START_TEST(isolated_batchnorm_by_formula)
{
	struct gb b;

	gb_init(&b, 4);
	batchnorm(&b, gb_input(&b, "x", GB_DIMS(1, 4, 2, 2)), 4);
	gb_finish(&b);
	const float *p[5];
	for (int i = 1; i < 5; i++)
		p[i] = b.last->in[i]->constant->data;
	float w[4], c[4];
	for (int i = 0; i < 4; i++) {
		w[i] = p[1][i] / sqrtf(p[4][i] + 0.01f);
		c[i] = p[2][i] - w[i] * p[3][i];
	}
	ck_assert_int_eq(pass(b.g, "batchnorm-to-conv"), 1);
	const struct oqz_node *n = b.g->nodes.v[0];
	ck_assert_str_eq(n->op_type, "Conv");
	ck_assert_int_eq(oqz_node_attr(n, "group")->i, 4);
	const struct oqz_shape depthwise = GB_DIMS(4, 1, 1, 1);
	ck_assert(oqz_shape_equal(&n->in[1]->constant->shape, &depthwise));
	ck_assert_mem_eq(n->in[1]->constant->data, w, sizeof w);
	ck_assert_mem_eq(n->in[2]->constant->data, c, sizeof c);
	oqz_graph_free(b.g);
}
END_TEST

/* Training form, no space, computed parameters, a variance below -epsilon. */
START_TEST(batchnorm_that_must_stay)
{
	struct gb b;

	gb_init(&b, 5);
	struct oqz_value *x = gb_input(&b, "x", GB_DIMS(2, 4, 3, 3)), *flat = gb_input(&b, "flat", GB_DIMS(2, 4)),
	                 *mean = gb_input(&b, "mean", GB_DIMS(4)), *bad = gb_weights(&b, OQZ_DT_F32, GB_DIMS(4), 1);
	((float *)bad->constant->data)[2] = -1;
	batchnorm(&b, x, 4);
	ck_ok(oqz_node_set_int(b.last, "training_mode", 1, err));
	batchnorm(&b, flat, 4);
	GB_OP(&b, "BatchNormalization", x, positive(&b, 4), positive(&b, 4), mean, positive(&b, 4));
	GB_OP(&b, "BatchNormalization", x, positive(&b, 4), positive(&b, 4), positive(&b, 4), bad);
	gb_finish(&b);
	ck_assert_int_eq(pass(b.g, "batchnorm-to-conv"), 0);
	ck_assert_int_eq(count(b.g, "BatchNormalization"), 4);
	oqz_graph_free(b.g);
}
END_TEST

/* ---------------------------------------------------------------------------------------------------- MatMul + Add */

static struct oqz_value *product(struct gb *b, struct oqz_value *x, int64_t k, int64_t n)
{
	return GB_OP(b, "MatMul", x, gb_weights(b, OQZ_DT_F32, GB_DIMS(k, n), 0.3));
}

static struct oqz_value *plus(struct gb *b, struct oqz_value *y, struct oqz_shape s, bool first)
{
	struct oqz_value *c = gb_weights(b, OQZ_DT_F32, s, 1);

	return first ? GB_OP(b, "Add", c, y) : GB_OP(b, "Add", y, c);
}

/* x (2, 5, 8) times matrices, plus rows in every form that fits; two of the results go on to another product. */
static void biased(struct gb *b)
{
	gb_init(b, 6);
	struct oqz_value *x = gb_input(b, "x", GB_DIMS(2, 5, 8)), *a = gb_input(b, "a", GB_DIMS(7, 8));
	struct oqz_value *y = plus(b, product(b, x, 8, 6), GB_DIMS(6), false);
	plus(b, product(b, GB_OP(b, "Relu", y), 6, 3), GB_DIMS(1, 1, 3), true);
	plus(b, product(b, x, 8, 4), GB_DIMS(1), false);
	plus(b, product(b, a, 8, 9), GB_DIMS(1, 9), false);
	gb_finish(b);
}

START_TEST(matmul_takes_its_bias)
{
	struct gb b;
	struct oqz_graph *g = NULL;

	biased(&b);
	ck_ok(oqz_graph_clone(b.g, &g, err));
	ck_assert_int_eq(pass(g, "fuse-matmul-add"), 4);
	ck_assert(count(g, "Add") == 0 && count(g, "MatMul") == 4);
	same_outputs(&b, g, 1e-6);
	/* quantized: the bias is none of the sites, and all engines add it */
	static const char *const schemes[][3] = { { "int8", "", "qmatmul" },
		                                  { "int8", "axis=positional", "" },
		                                  { "fp8", "", "" },
		                                  { "mx", "format=mxfp4", "" },
		                                  { "float", "", "" } };
	struct oqz_graph *before = b.g;
	b.g = g;
	for (size_t i = 0; i < OQZ_COUNTOF(schemes); i++) {
		struct oqz_qplan *plan = plugin_plan(&b, schemes[i][0], schemes[i][1], 3);
		ck_assert_uint_eq(plan->sites.n, 8);
		for (size_t k = 0; k < plan->sites.n; k++)
			ck_assert_int_lt(plan->sites.v[k].input, 2);
		layers_agree(&b, plan, 2e-6, schemes[i][2]);
		oqz_qplan_free(plan);
	}
	oqz_graph_free(g);
	oqz_graph_free(before);
}
END_TEST

/* A saved model is one that others can read: MatMul and Add again, the sum under its name. */
START_TEST(saved_apart)
{
	struct gb b;
	struct oqz_graph *g = NULL, *loaded = NULL;
	char path[1024];

	biased(&b);
	ck_ok(oqz_graph_clone(b.g, &g, err));
	ck_assert_int_eq(pass(g, "fuse-matmul-add"), 4);
	snprintf(path, sizeof path, "%s/biased.onnx", test_tmpdir("pass_seed"));
	ck_ok(oqz_onnx_save(g, path, err));
	ck_assert_int_eq(count(g, "Add"), 0); /* the graph itself is not touched */
	ck_ok(oqz_onnx_load(path, &loaded, err));
	ck_assert(count(loaded, "Add") == 4 && count(loaded, "MatMul") == 4);
	for (size_t i = 0; i < loaded->nodes.n; i++)
		ck_assert_int_le(loaded->nodes.v[i]->n_in, 2);
	ck_ok(oqz_ops_resolve(loaded, err));
	ck_ok(oqz_infer_types(loaded, err));
	same_outputs(&b, loaded, 1e-6);
	oqz_graph_free(loaded);
	oqz_graph_free(g);
	oqz_graph_free(b.g);
}
END_TEST

/* A bias that is more than a row, computed, or larger than the product; a product that others read as well. */
START_TEST(sums_that_stay)
{
	struct gb b;

	gb_init(&b, 7);
	struct oqz_value *x = gb_input(&b, "x", GB_DIMS(2, 5, 8)), *r = gb_input(&b, "r", GB_DIMS(6)),
	                 *v = gb_input(&b, "v", GB_DIMS(8));
	plus(&b, product(&b, x, 8, 6), GB_DIMS(5, 6), false);
	plus(&b, product(&b, x, 8, 6), GB_DIMS(5, 1), false);
	plus(&b, product(&b, x, 8, 6), GB_DIMS(1, 1, 1, 6), false);
	GB_OP(&b, "Add", product(&b, x, 8, 6), r);
	struct oqz_value *y = product(&b, x, 8, 6);
	plus(&b, y, GB_DIMS(6), false);
	GB_OP(&b, "Relu", y);
	y = product(&b, x, 8, 6);
	GB_OP(&b, "Add", y, y);
	/* a column of numbers is no matrix */
	GB_OP(&b, "Add", GB_OP(&b, "MatMul", x, gb_weights(&b, OQZ_DT_F32, GB_DIMS(8), 1)),
	      gb_weights(&b, OQZ_DT_F32, GB_DIMS(5), 1));
	GB_OP(&b, "Relu", v);
	gb_finish(&b);
	ck_assert_int_eq(pass(b.g, "fuse-matmul-add"), 0);
	oqz_graph_free(b.g);
}
END_TEST

/* Files cannot say it: a MatMul with three inputs is refused. The bytes: a model of one node. */
START_TEST(files_with_a_third_input)
{
	static const char model[] = "\x08\x07"
	                            "\x3a\x31"
	                            "\x0a\x14\x0a\x01x\x0a\x01w\x0a\x01"
	                            "c\x12\x01y\x22\x06MatMul"
	                            "\x12\x01g"
	                            "\x5a\x03\x0a\x01x\x5a\x03\x0a\x01w\x5a\x03\x0a\x01"
	                            "c"
	                            "\x62\x03\x0a\x01y"
	                            "\x42\x02\x10\x0d";
	struct oqz_graph *g = NULL;

	ck_fails(oqz_onnx_parse(model, sizeof model - 1, "three.onnx", ".", &g, err), OQZ_E_DATA, "MatMul");
}
END_TEST

/* ---------------------------------------------------------------------------------------------------- layer norm */

/* d * Reciprocal(sd), in either order. */
static void by_reciprocal(struct gb *b, bool swapped)
{
	gb_init(b, 9);
	struct oqz_value *x = gb_input(b, "x", GB_DIMS(2, 3, 5)), *two = gb_scalar(b, OQZ_DT_F32, 2),
	                 *eps = gb_scalar(b, OQZ_DT_F32, 1e-5), *axes = GB_LIST(b, -1);
	struct oqz_value *d = GB_OP(b, "Sub", x, GB_OP(b, "ReduceMean", x, axes));
	struct oqz_value *sd =
	    GB_OP(b, "Sqrt", GB_OP(b, "Add", GB_OP(b, "ReduceMean", GB_OP(b, "Pow", d, two), axes), eps));
	struct oqz_value *r = GB_OP(b, "Reciprocal", sd);
	struct oqz_value *n = swapped ? GB_OP(b, "Mul", r, d) : GB_OP(b, "Mul", d, r);
	GB_OP(b, "Add", GB_OP(b, "Mul", n, gb_weights(b, OQZ_DT_F32, GB_DIMS(5), 1)),
	      gb_weights(b, OQZ_DT_F32, GB_DIMS(5), 1));
	gb_finish(b);
}

START_TEST(layernorm_by_reciprocal)
{
	for (int swapped = 0; swapped < 2; swapped++) {
		struct gb b;
		struct oqz_graph *g = NULL;
		by_reciprocal(&b, swapped);
		ck_ok(oqz_graph_clone(b.g, &g, err));
		ck_assert_int_eq(pass(g, "fuse-layernorm"), 1);
		ck_assert(g->nodes.n == 1 && count(g, "LayerNormalization") == 1);
		ck_assert_str_eq(g->nodes.v[0]->name, b.g->nodes.v[b.g->nodes.n - 1]->name);
		same_outputs(&b, g, 1e-5);
		oqz_graph_free(g);
		oqz_graph_free(b.g);
	}
}
END_TEST

OQZ_TEST_MAIN("pass_seed", isolated_batchnorm_becomes_a_layer, isolated_batchnorm_by_formula, batchnorm_that_must_stay,
              matmul_takes_its_bias, saved_apart, sums_that_stay, files_with_a_third_input, layernorm_by_reciprocal)
