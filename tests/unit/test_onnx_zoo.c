/* SPDX-License-Identifier: Apache-2.0
 *
 * Real models: each loads, saves and loads again as the same graph, and the whole pipeline opens it. Skipped without
 * the shared material.
 */
#include "tests/support/support.h"
#include "core/base/rng.h"
#include "core/base/str.h"
#include "core/graph/graph.h"
#include "core/onnx/onnx.h"
#include "core/ops/fold.h"

#include <glob.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

static glob_t models;

static char *dump(const struct oqz_graph *g)
{
	struct oqz_str s = { 0 };

	oqz_graph_dump(g, &s);
	ck_assert(oqz_str_ok(&s));
	return s.s;
}

static void compare_constants(const struct oqz_graph *a, const struct oqz_graph *b)
{
	for (size_t i = 0; i < a->values.n; i++) {
		const struct oqz_value *v = a->values.v[i], *w = oqz_graph_value(b, v->name);
		if (!v->constant)
			continue;
		ck_assert(w && w->constant && oqz_tensor_bytes(v->constant) == oqz_tensor_bytes(w->constant));
		ck_assert(memcmp(v->constant->data, w->constant->data, oqz_tensor_bytes(v->constant)) == 0);
	}
}

/* One operator set in the whole file is what resolving gives; files have that already unless they hold functions. */
START_TEST(models_round_trip)
{
	char path[600];

	snprintf(path, sizeof path, "%s/again.onnx", test_tmpdir("onnx_zoo"));
	for (size_t i = 0; i < models.gl_pathc; i++) {
		struct oqz_graph *g, *h;
		ck_ok(oqz_onnx_load(models.gl_pathv[i], &g, err));
		ck_assert_uint_gt(g->nodes.n, 4);
		ck_assert_uint_eq(g->inputs.n, 1);
		ck_ok(oqz_onnx_save(g, path, err));
		ck_ok(oqz_onnx_load(path, &h, err));
		char *a = dump(g), *b = dump(h);
		/* Constants come first in a saved file, so listings agree from the second round on. */
		ck_ok(oqz_onnx_save(h, path, err));
		oqz_graph_free(h);
		ck_ok(oqz_onnx_load(path, &h, err));
		char *c = dump(h);
		ck_assert_uint_eq(strlen(a), strlen(b));
		ck_assert_str_eq(b, c);
		compare_constants(g, h);
		free(a), free(b), free(c);
		oqz_graph_free(g);
		oqz_graph_free(h);
	}
}
END_TEST

START_TEST(models_open)
{
	for (size_t i = 0; i < models.gl_pathc; i++) {
		struct oqz_graph *g;
		int batchnorms = 0, identities = 0;
		ck_ok(oqz_model_open(models.gl_pathv[i], NULL, &g, err));
		for (size_t k = 0; k < g->nodes.n; k++) {
			const struct oqz_node *n = g->nodes.v[k];
			ck_assert_ptr_nonnull(n->op);
			batchnorms += !strcmp(n->op_type, "BatchNormalization");
			identities += !strcmp(n->op_type, "Identity");
			for (int o = 0; o < n->n_out; o++)
				ck_assert_msg(!n->out[o] || n->out[o]->type.dtype, "%s: %s has no type",
				              models.gl_pathv[i], n->name);
		}
		printf("%s: %zu nodes, %d BatchNormalization, %d Identity\n", models.gl_pathv[i], g->nodes.n,
		       batchnorms, identities);
		oqz_graph_free(g);
	}
}
END_TEST

/* Walks the graph with the reference kernels; the first output. */
static struct oqz_tensor evaluate(struct oqz_graph *g, const struct oqz_tensor *input)
{
	struct oqz_tensor *held = calloc(g->values.n, sizeof *held), result = { 0 };

	oqz_tensor_share(&held[g->inputs.v[0]->id], input);
	for (size_t i = 0; i < g->nodes.n; i++) {
		const struct oqz_node *n = g->nodes.v[i];
		const struct oqz_tensor *in[64] = { NULL };
		struct oqz_tensor out[16] = { 0 };
		ck_assert(n->n_in <= 64 && n->n_out <= 16);
		for (int k = 0; k < n->n_in; k++)
			if (n->in[k])
				in[k] = n->in[k]->constant ? n->in[k]->constant : &held[n->in[k]->id];
		ck_ok(oqz_op_run(n, in, out, err));
		for (int k = 0; k < n->n_out; k++) {
			if (n->out[k])
				held[n->out[k]->id] = out[k];
			else
				oqz_tensor_release(&out[k]);
		}
	}
	oqz_tensor_share(&result, &held[g->outputs.v[0]->id]);
	for (size_t i = 0; i < g->values.n; i++)
		oqz_tensor_release(&held[i]);
	free(held);
	return result;
}

static struct oqz_tensor run_model(const char *path, const char *const *passes, const struct oqz_shape *shape,
                                   int *nodes)
{
	struct oqz_tensor x = { 0 };
	struct oqz_graph *g;
	struct oqz_rng rng;

	ck_ok(oqz_model_open(path, passes, &g, err));
	ck_ok(oqz_bind_shapes(g, shape, err));
	ck_ok(oqz_tensor_alloc(&x, OQZ_DT_F32, shape, err));
	oqz_rng_init(&rng, 7);
	for (int64_t i = 0; i < oqz_tensor_nelem(&x); i++)
		((float *)x.data)[i] = (float)oqz_rng_normal(&rng);
	struct oqz_tensor y = evaluate(g, &x);
	*nodes = (int)g->nodes.n;
	oqz_tensor_release(&x);
	oqz_graph_free(g);
	return y;
}

START_TEST(passes_keep_the_numbers)
{
	static const char *const none[] = { NULL };
	static const struct {
		const char *path;
		struct oqz_shape shape;
	} cases[] = {
		{ "zoo/models/ocr/en_number_mobile_v2.0_rec_infer.onnx", { 4, { 1, 3, 32, 64 } } },
		{ "zoo/models/pose/simplepose_nano.onnx", { 4, { 1, 3, 256, 192 } } },
	};

	for (size_t i = 0; i < OQZ_COUNTOF(cases); i++) {
		const char *path = shared_path("%s", cases[i].path);
		double err2 = 0, ref2 = 0;
		int before, after;
		if (!path)
			continue;
		struct oqz_tensor a = run_model(path, none, &cases[i].shape, &before);
		struct oqz_tensor b = run_model(path, NULL, &cases[i].shape, &after);
		ck_assert_int_lt(after, before);
		ck_assert(oqz_shape_equal(&a.shape, &b.shape));
		for (int64_t k = 0; k < oqz_tensor_nelem(&a); k++) {
			double x = oqz_load_f(a.dtype, a.data, (size_t)k), y = oqz_load_f(b.dtype, b.data, (size_t)k);
			err2 += (x - y) * (x - y);
			ref2 += x * x;
		}
		printf("%s: %d nodes become %d, relative difference %.2g\n", path, before, after, sqrt(err2 / ref2));
		ck_assert(ref2 > 0 && sqrt(err2 / ref2) < 1e-5);
		oqz_tensor_release(&a);
		oqz_tensor_release(&b);
	}
}
END_TEST

int main(void)
{
	static const TTest *tests[3];
	char pattern[1024];

	tests[0] = models_round_trip;
	tests[1] = models_open;
	tests[2] = passes_keep_the_numbers;
	shared_require("zoo/models");
	snprintf(pattern, sizeof pattern, "%s/*/*.onnx", shared_path("zoo/models"));
	if (glob(pattern, 0, NULL, &models) != 0) {
		printf("skipped: no %s\n", pattern);
		return 77;
	}
	int ret = oqz_test_run("onnx_zoo", tests, OQZ_COUNTOF(tests));
	globfree(&models);
	return ret;
}
