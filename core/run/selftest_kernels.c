/* SPDX-License-Identifier: Apache-2.0
 *
 * Layers by the implementations that the executor chooses on this CPU, against the reference kernels. A layer is a row
 * of a table: the operator, one activation, its constants and attributes. Those with weights are also tried on
 * quantized inputs: exact integers and bfloat16 against float32 arithmetic on the same grids. A library that is wrong
 * on one kind of machine shows here before anyone believes its results.
 */
#include "core/run/selftest.h"

#include "core/base/rng.h"
#include "core/exec/exec.h"
#include "core/ops/fold.h"
#include "core/ops/op.h"
#include "core/quant/qplan.h"
#include "core/tensor/minifloat.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

enum { OPSET = 17, MAX_CONSTANTS = 4, MAX_ATTRS = 4 };

struct layer {
	const char *op, *what;
	struct oqz_shape in, constant[MAX_CONSTANTS]; /* rank 0: no further one */
	struct {
		const char *name;
		size_t n; /* 0: a number, else a list */
		int64_t v[4];
	} attr[MAX_ATTRS];
	int weight; /* input that is one, 0: none; its output channels */
	int axis;   /* lie along this axis */
};

static const struct layer layers[] = {
	{ "Conv",
	  "3x3",
	  { 4, { 1, 8, 19, 21 } },
	  { { 4, { 16, 8, 3, 3 } }, { 1, { 16 } } },
	  { { "pads", 4, { 1, 1, 1, 1 } } },
	  1,
	  0 },
	{ "Conv", "1x1", { 4, { 1, 24, 14, 14 } }, { { 4, { 40, 24, 1, 1 } }, { 1, { 40 } } }, { { 0 } }, 1, 0 },
	{ "Conv",
	  "3x3, stride 2",
	  { 4, { 1, 3, 33, 32 } },
	  { { 4, { 32, 3, 3, 3 } } },
	  { { "strides", 2, { 2, 2 } }, { "pads", 4, { 1, 1, 1, 1 } } },
	  1,
	  0 },
	{ "Conv",
	  "3x3, depthwise",
	  { 4, { 1, 24, 17, 15 } },
	  { { 4, { 24, 1, 3, 3 } }, { 1, { 24 } } },
	  { { "group", 0, { 24 } }, { "pads", 4, { 1, 1, 1, 1 } } },
	  1,
	  0 },
	{ "Conv",
	  "3x3 in groups",
	  { 4, { 1, 16, 12, 12 } },
	  { { 4, { 16, 8, 3, 3 } } },
	  { { "group", 0, { 2 } }, { "pads", 4, { 1, 1, 1, 1 } } },
	  1,
	  0 },
	{ "Conv",
	  "3x3, dilated",
	  { 4, { 1, 8, 20, 20 } },
	  { { 4, { 8, 8, 3, 3 } } },
	  { { "dilations", 2, { 2, 2 } }, { "pads", 4, { 2, 2, 2, 2 } } },
	  1,
	  0 },
	{ "ConvTranspose",
	  "4x4, stride 2",
	  { 4, { 1, 8, 9, 9 } },
	  { { 4, { 8, 12, 4, 4 } }, { 1, { 12 } } },
	  { { "strides", 2, { 2, 2 } }, { "pads", 4, { 1, 1, 1, 1 } } },
	  1,
	  1 },
	{ "Gemm",
	  "transposed",
	  { 2, { 5, 200 } },
	  { { 2, { 30, 200 } }, { 1, { 30 } } },
	  { { "transB", 0, { 1 } } },
	  1,
	  0 },
	{ "MatMul", "of a sequence", { 3, { 1, 33, 64 } }, { { 2, { 64, 48 } } }, { { 0 } }, 1, 1 },
	{ "MaxPool",
	  "3x3, stride 2",
	  { 4, { 1, 24, 17, 17 } },
	  { { 0 } },
	  { { "kernel_shape", 2, { 3, 3 } }, { "strides", 2, { 2, 2 } }, { "pads", 4, { 1, 1, 1, 1 } } },
	  0,
	  0 },
	{ "AveragePool",
	  "2x2",
	  { 4, { 1, 24, 16, 16 } },
	  { { 0 } },
	  { { "kernel_shape", 2, { 2, 2 } }, { "strides", 2, { 2, 2 } } },
	  0,
	  0 },
	{ "GlobalAveragePool", "", { 4, { 1, 40, 7, 9 } }, { { 0 } }, { { 0 } }, 0, 0 },
	{ "Softmax", "of the last axis", { 3, { 2, 17, 50 } }, { { 0 } }, { { "axis", 0, { -1 } } }, 0, 0 },
	{ "LayerNormalization", "", { 3, { 1, 20, 96 } }, { { 1, { 96 } }, { 1, { 96 } } }, { { 0 } }, 0, 0 },
	{ "Add", "", { 4, { 1, 16, 13, 13 } }, { { 4, { 1, 16, 13, 13 } } }, { { 0 } }, 0, 0 },
	{ "Mul", "per channel", { 4, { 1, 16, 13, 13 } }, { { 4, { 1, 16, 1, 1 } } }, { { 0 } }, 0, 0 },
	{ "Relu", "", { 4, { 1, 16, 13, 13 } }, { { 0 } }, { { 0 } }, 0, 0 },
	{ "Sigmoid", "", { 4, { 1, 16, 13, 13 } }, { { 0 } }, { { 0 } }, 0, 0 },
	{ "HardSwish", "", { 4, { 1, 16, 13, 13 } }, { { 0 } }, { { 0 } }, 0, 0 },
	{ "Erf", "", { 4, { 1, 16, 13, 13 } }, { { 0 } }, { { 0 } }, 0, 0 },
	{ "Transpose", "", { 4, { 1, 16, 13, 11 } }, { { 0 } }, { { "perm", 4, { 0, 2, 3, 1 } } }, 0, 0 },
};

/* ------------------------------------------------------------------------------------------------ a graph of one node
 */

static enum oqz_status fill(struct oqz_tensor *t, const struct oqz_shape *shape, uint64_t seed, struct oqz_err *err)
{
	struct oqz_rng r;

	OQZ_TRY(oqz_tensor_alloc(t, OQZ_DT_F32, shape, err));
	oqz_rng_init(&r, seed);
	for (int64_t i = 0; i < oqz_tensor_nelem(t); i++)
		((float *)t->data)[i] = (float)oqz_rng_normal(&r);
	return OQZ_OK;
}

static enum oqz_status add_constants(const struct layer *l, struct oqz_graph *g, struct oqz_value **in, int *n_in,
                                     struct oqz_err *err)
{
	for (int i = 0; i < MAX_CONSTANTS && l->constant[i].rank; i++) {
		struct oqz_tensor t = { 0 };
		OQZ_TRY(fill(&t, &l->constant[i], (uint64_t)i + 2, err));
		enum oqz_status st = oqz_graph_insert_constant(g, &t, &in[*n_in], err, "constant%d", i);
		oqz_tensor_release(&t);
		OQZ_TRY(st);
		++*n_in;
	}
	return OQZ_OK;
}

static enum oqz_status set_attrs(const struct layer *l, struct oqz_node *n, struct oqz_err *err)
{
	for (int i = 0; i < MAX_ATTRS && l->attr[i].name; i++)
		OQZ_TRY(l->attr[i].n ? oqz_node_set_ints(n, l->attr[i].name, l->attr[i].v, l->attr[i].n, err)
		                     : oqz_node_set_int(n, l->attr[i].name, l->attr[i].v[0], err));
	return OQZ_OK;
}

static enum oqz_status graph_of(const struct layer *l, struct oqz_graph **ret, struct oqz_err *err)
{
	OQZ_CLEANUP(oqz_graph_free_cleanup) struct oqz_graph *g = oqz_graph_new();
	struct oqz_value *in[1 + MAX_CONSTANTS] = { NULL };
	struct oqz_node *n;
	int n_in = 1;

	if (!g || !oqz_vec_push(&g->opsets, ((struct oqz_opset) { "", OPSET })))
		return oqz_err_nomem(err, "a graph", sizeof *g);
	g->source = "selftest";
	OQZ_TRY(oqz_graph_add_value(g, "x", &in[0], err));
	in[0]->type = (struct oqz_type) { OQZ_DT_F32, l->in };
	in[0]->is_input = true;
	OQZ_TRY(add_constants(l, g, in, &n_in, err));
	OQZ_TRY(oqz_graph_insert_node(g, NULL, "", l->op, OPSET, in, n_in, &n, err, "y"));
	OQZ_TRY(set_attrs(l, n, err));
	n->out[0]->is_output = true;
	if (!oqz_vec_push(&g->inputs, in[0]) || !oqz_vec_push(&g->outputs, n->out[0]))
		return oqz_err_nomem(err, "a graph", sizeof *g);
	OQZ_TRY(oqz_graph_finish(g, err));
	OQZ_TRY(oqz_ops_resolve(g, err));
	OQZ_TRY(oqz_infer_types(g, err));
	*ret = oqz_steal(g);
	return OQZ_OK;
}

/* ------------------------------------------------------------------------------------------------ two engines */

struct result {
	struct oqz_tensor out;
	char impl[80]; /* of the layer's own step */
};

static enum oqz_status run(const struct oqz_graph *g, enum oqz_engine engine, const char *op, struct result *ret,
                           struct oqz_err *err)
{
	const struct oqz_exec_options opt = { .engine = engine };
	OQZ_CLEANUP(oqz_program_free_cleanup) struct oqz_program *p = NULL;
	OQZ_CLEANUP(oqz_context_free_cleanup) struct oqz_context *c = NULL;
	const struct oqz_shape *shape = &g->inputs.v[0]->type.shape;

	OQZ_TRY(oqz_program_new(g, &opt, shape, &p, err));
	OQZ_TRY(oqz_context_new(p, &c, err));
	struct oqz_tensor *x = oqz_context_input(c, 0);
	struct oqz_rng r;
	oqz_rng_init(&r, 1);
	for (int64_t i = 0; i < oqz_tensor_nelem(x); i++)
		((float *)x->data)[i] = (float)oqz_rng_normal(&r);
	OQZ_TRY(oqz_context_run(c, 0, oqz_program_nsteps(p), err));
	for (size_t i = 0; i < oqz_program_nsteps(p); i++) {
		struct oqz_step_info s;
		oqz_program_step(p, i, &s);
		if (strcmp(s.op, op) == 0)
			snprintf(ret->impl, sizeof ret->impl, "%s", s.impl);
	}
	return oqz_tensor_copy(&ret->out, oqz_context_output(c, 0), err);
}

/* Sums of a few hundred products in another order stay well below this part of the largest output. */
static const double tolerance = 1e-5;

static enum oqz_status compare(const struct oqz_tensor *a, const struct oqz_tensor *b, double *ret_apart,
                               struct oqz_err *err)
{
	const float *x = a->data, *y = b->data;
	double largest = 0, apart = 0;

	if (!oqz_shape_equal(&a->shape, &b->shape))
		OQZ_FAIL(err, OQZ_E_INTERNAL, "the outputs differ in shape");
	for (int64_t i = 0; i < oqz_tensor_nelem(a); i++) {
		double d = fabs((double)x[i] - (double)y[i]);
		largest = fmax(largest, fabs((double)y[i]));
		apart = isnan(d) ? INFINITY : fmax(apart, d);
	}
	*ret_apart = largest > 0 ? apart / largest : apart;
	if (!(*ret_apart <= tolerance))
		OQZ_FAIL(err, OQZ_E_INTERNAL, "differs by %.2g of the largest output", *ret_apart);
	return OQZ_OK;
}

static enum oqz_status both(const struct oqz_graph *g, const struct layer *l, enum oqz_engine oracle,
                            struct oqz_str *detail, struct oqz_err *err)
{
	struct result fast = { 0 }, slow = { 0 };
	double apart = 0;
	enum oqz_status st = run(g, OQZ_ENGINE_AUTO, l->op, &fast, err);

	if (st == OQZ_OK)
		st = run(g, oracle, l->op, &slow, err);
	if (st == OQZ_OK)
		st = compare(&fast.out, &slow.out, &apart, err);
	if (st == OQZ_OK)
		oqz_str_addf(detail, "%s, %.1g apart", fast.impl, apart);
	else
		oqz_err_prefix(err, "%s", *fast.impl ? fast.impl : "planning");
	oqz_tensor_release(&fast.out);
	oqz_tensor_release(&slow.out);
	return st;
}

/* ------------------------------------------------------------------------------------------------ quantized */

struct scheme {
	const char *name;
	enum oqz_dtype weight, input;
	int32_t zero; /* of the input */
};

static const struct scheme schemes[] = {
	{ "int8", OQZ_DT_I8, OQZ_DT_I8, 0 },
	{ "int8, asymmetric input", OQZ_DT_I8, OQZ_DT_U8, 117 },
	{ "fp8", OQZ_DT_F8E4M3FN, OQZ_DT_F8E4M3FN, 0 },
};

static struct oqz_grid grid_of(enum oqz_dtype t)
{
	const struct oqz_minifloat *f = oqz_minifloat_of(t);

	if (!f)
		return (struct oqz_grid) { .kind = OQZ_GRID_AFFINE,
			                   .bits = 8,
			                   .qmin = t == OQZ_DT_U8 ? 0 : -128,
			                   .qmax = t == OQZ_DT_U8 ? 255 : 127 };
	return (struct oqz_grid) { .kind = OQZ_GRID_MINIFLOAT,
		                   .bits = 1 + f->exp_bits + f->man_bits,
		                   .exp_bits = f->exp_bits,
		                   .man_bits = f->man_bits,
		                   .bias = f->bias,
		                   .special = OQZ_GRID_FN,
		                   .max = f->max };
}

static enum oqz_status quantized(const struct oqz_graph *g, const struct layer *l, const struct scheme *s,
                                 struct oqz_graph **ret, struct oqz_err *err)
{
	OQZ_CLEANUP(oqz_qplan_free_cleanup) struct oqz_qplan *plan = oqz_qplan_new();
	const struct oqz_node *n = g->nodes.v[0];
	float of_input = 0.031f, of_weight[64];
	int32_t zero = s->zero;
	size_t channels = (size_t)l->constant[l->weight - 1].dim[l->axis];

	if (!plan || channels > OQZ_COUNTOF(of_weight))
		return oqz_err_nomem(err, "a plan", sizeof *plan);
	for (size_t i = 0; i < channels; i++)
		of_weight[i] = 0.02f + 0.001f * (float)(i % 7);
	const struct oqz_qplan_site sites[] = {
		{ n->name,
		  0,
		  n->in[0]->name,
		  OQZ_INPUT_ACTIVATION,
		  { .grid = grid_of(s->input),
		    .axis = -1,
		    .n_scale = 1,
		    .scale = &of_input,
		    .zero = zero ? &zero : NULL },
		  "selftest" },
		{ n->name,
		  l->weight,
		  n->in[l->weight]->name,
		  OQZ_INPUT_WEIGHT,
		  { .grid = grid_of(s->weight), .axis = l->axis, .n_scale = channels, .scale = of_weight },
		  "selftest" },
	};
	for (size_t i = 0; i < OQZ_COUNTOF(sites); i++)
		OQZ_TRY(oqz_qplan_add(plan, &sites[i], err));
	return oqz_qplan_apply(plan, g, ret, err);
}

static enum oqz_status quantized_layer(const struct oqz_graph *g, const struct layer *l, const struct scheme *s,
                                       struct oqz_str *detail, struct oqz_err *err)
{
	OQZ_CLEANUP(oqz_graph_free_cleanup) struct oqz_graph *q = NULL;

	OQZ_TRY(quantized(g, l, s, &q, err));
	return both(q, l, OQZ_ENGINE_REFERENCE, detail, err);
}

/* ------------------------------------------------------------------------------------------------ the list */

static void tell(oqz_selftest_fn *check, void *ctx, const struct layer *l, const char *scheme, struct oqz_str *detail,
                 const struct oqz_err *err)
{
	char name[96];

	snprintf(name, sizeof name, "%s%s%s%s%s", l->op, *l->what ? " " : "", l->what, *scheme ? ", " : "", scheme);
	check(ctx, name, oqz_str_get(detail), err->code == OQZ_OK ? NULL : err);
	oqz_str_clear(detail);
}

void oqz_selftest_kernels(oqz_selftest_fn *check, void *ctx)
{
	OQZ_CLEANUP(oqz_str_release) struct oqz_str detail = { 0 };

	for (size_t i = 0; i < OQZ_COUNTOF(layers); i++) {
		const struct layer *l = &layers[i];
		OQZ_CLEANUP(oqz_graph_free_cleanup) struct oqz_graph *g = NULL;
		struct oqz_err err = { 0 };
		if (graph_of(l, &g, &err) == OQZ_OK)
			(void)both(g, l, OQZ_ENGINE_REFERENCE, &detail, &err);
		tell(check, ctx, l, "", &detail, &err);
		for (size_t k = 0; g && l->weight && k < OQZ_COUNTOF(schemes); k++) {
			struct oqz_err why = { 0 };
			(void)quantized_layer(g, l, &schemes[k], &detail, &why);
			tell(check, ctx, l, schemes[k].name, &detail, &why);
		}
	}
}
