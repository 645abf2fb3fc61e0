/* SPDX-License-Identifier: Apache-2.0
 *
 * Real models: each loads, saves and loads again as the same graph, and the whole pipeline opens it. Skipped without
 * the shared material.
 */
#include "tests/support/support.h"
#include "core/base/str.h"
#include "core/graph/graph.h"
#include "core/onnx/onnx.h"

#include <glob.h>
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

int main(void)
{
	static const TTest *tests[2];
	char pattern[1024];

	tests[0] = models_round_trip;
	tests[1] = models_open;
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
