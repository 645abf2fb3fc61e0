/* SPDX-License-Identifier: Apache-2.0
 *
 * Real ImageNet models on real images, image by image: file -> decoder -> preset -> model -> scores, against the scores
 * that ONNX Runtime gave. Skipped where the models are not present.
 */
#include "tests/support/support.h"
#include "core/exec/exec.h"
#include "core/onnx/onnx.h"
#include "core/run/pool.h"
#include "core/run/prepare_spec.h"

#include <math.h>
#include <stdatomic.h>
#include <string.h>

struct zoo {
	const json_t *images;
	size_t skip_classes; /* background classes in front */
	double absmax;
	struct oqz_prepare *prepare;
	struct oqz_program *program;
	struct oqz_preparer *preparers[2];
	struct oqz_context *contexts[2];
	atomic_int hits, same_best;
	double score_tolerance; /* relative to absmax; 0: scores are not compared */
};

static size_t best_of(const float *s, size_t n)
{
	size_t best = 0;

	for (size_t i = 1; i < n; i++)
		if (s[i] > s[best])
			best = i;
	return best;
}

static size_t rank_of(const float *s, size_t n, size_t label)
{
	size_t rank = 0;

	for (size_t j = 0; j < n; j++)
		rank += s[j] > s[label] || (s[j] == s[label] && j < label);
	return rank;
}

/* Scores of the five best classes and of the label must be ONNX Runtime's. */
static enum oqz_status compare_scores(const struct zoo *z, const json_t *want, const float *s, struct oqz_err *err)
{
	const json_t *top = json_object_get(want, "top5"), *scores = json_object_get(want, "top5_scores");
	double tol = z->score_tolerance * z->absmax;

	for (size_t k = 0; tol > 0 && k < 5; k++) {
		double expected = json_number_value(json_array_get(scores, k));
		double got = s[json_integer_value(json_array_get(top, k))];
		if (fabs(got - expected) > tol)
			OQZ_FAIL(err, OQZ_E_MISMATCH, "score %zu is %.9g, expected %.9g", k, got, expected);
	}
	return OQZ_OK;
}

static enum oqz_status one_image(void *ctx, int worker, size_t unit, struct oqz_err *err)
{
	struct zoo *z = ctx;
	const json_t *want = json_array_get(z->images, unit);
	const char *file = json_string_value(json_object_get(want, "file"));
	size_t label = (size_t)json_integer_value(json_object_get(want, "label"));
	struct oqz_geometry geometry;
	struct oqz_view view;
	char path[1100];

	snprintf(path, sizeof path, "%s/data/imagenet/test/%s", getenv("OQZ_ZOO_FOR_TEST"), file);
	OQZ_TRY(oqz_preparer_run(z->preparers[worker], path, NULL, &view, &geometry, err));
	struct oqz_tensor t = { .dtype = view.dtype, .shape = view.shape, .data = (void *)view.data };
	oqz_tensor_relayout(oqz_context_input(z->contexts[worker], 0), &t);
	OQZ_TRY(oqz_context_run(z->contexts[worker], 0, oqz_program_nsteps(z->program), err));
	const struct oqz_tensor *out = oqz_context_output(z->contexts[worker], 0);
	size_t n = (size_t)oqz_tensor_nelem(out) - z->skip_classes;
	const float *s = (const float *)out->data + z->skip_classes;
	if (compare_scores(z, want, s, err) != OQZ_OK)
		return oqz_err_prefix(err, "%s", file);
	z->hits += rank_of(s, n, label) == 0;
	z->same_best += best_of(s, n) == (size_t)json_integer_value(json_array_get(json_object_get(want, "top5"), 0));
	return OQZ_OK;
}

static void run_zoo(const char *model, const char *preset, size_t skip_classes, double tolerance, struct zoo *z,
                    json_t **ret)
{
	const struct oqz_shape shape = { .rank = 4, .dim = { 1, 3, 224, 224 } };
	struct oqz_exec_options opt = { 0 };
	struct oqz_graph *g = NULL;
	json_error_t jerr;

	*z = (struct zoo) { .skip_classes = skip_classes, .score_tolerance = tolerance };
	json_t *expected = json_load_file(shared_path("zoo/expected/%s.json", model), 0, &jerr);
	ck_assert_msg(expected != NULL, "%s", jerr.text);
	z->images = json_object_get(expected, "per_image");
	z->absmax = json_number_value(json_object_get(json_object_get(expected, "ort_second_run"), "max_abs_score"));
	setenv("OQZ_ZOO_FOR_TEST", shared_path("zoo"), 1);
	ck_ok(oqz_prepare_from_name(preset, &z->prepare, err));
	ck_ok(oqz_model_open(shared_path("zoo/models/classification/%s.onnx", model), NULL, &g, err));
	ck_ok(oqz_program_new(g, &opt, &shape, &z->program, err));
	for (int i = 0; i < 2; i++) {
		z->preparers[i] = oqz_preparer_new(z->prepare, NULL);
		ck_ok(oqz_context_new(z->program, &z->contexts[i], err));
	}
	struct oqz_pool_job pool = { .n_units = json_array_size(z->images), .ctx = z, .unit = one_image };
	ck_assert_uint_eq(pool.n_units, 200);
	ck_ok(oqz_pool_run(&pool, 2, err));
	for (int i = 0; i < 2; i++) {
		oqz_preparer_free(z->preparers[i]);
		oqz_context_free(z->contexts[i]);
	}
	oqz_program_free(z->program);
	oqz_prepare_free(z->prepare);
	oqz_graph_free(g);
	*ret = expected;
}

START_TEST(squeezenet_gives_the_scores_of_onnx_runtime)
{
	struct zoo z;
	json_t *e;

	run_zoo("squeezenet1.1_mxnet", "squeezenet", 0, 1e-4, &z, &e);
	ck_assert_int_eq(z.hits, 134);
	ck_assert_int_eq(z.same_best, 200);
	json_decref(e);
}
END_TEST

START_TEST(mobilenet_gives_the_scores_of_onnx_runtime)
{
	struct zoo z;
	json_t *e;

	run_zoo("mobilenet_v2_1.0_224_tf2ptq_deq_f32", "mobilenet-tf", 1, 1e-4, &z, &e);
	ck_assert_int_eq(z.hits, 177);
	ck_assert_int_eq(z.same_best, 200);
	json_decref(e);
}
END_TEST

/* Two right executions of a quantized graph differ by single steps that grow with depth: compared statistically. */
START_TEST(quantized_mobilenet_agrees_statistically)
{
	struct zoo z;
	json_t *e;

	run_zoo("mobilenet_v2_1.0_224_tf2ptq_qdq_int8", "mobilenet-tf", 1, 0, &z, &e);
	ck_assert_int_ge(z.hits, 172);
	ck_assert_int_le(z.hits, 178);
	ck_assert_int_ge(z.same_best, 190);
	json_decref(e);
}
END_TEST

int main(void)
{
	const TTest *const tests[] = { squeezenet_gives_the_scores_of_onnx_runtime,
		                       mobilenet_gives_the_scores_of_onnx_runtime,
		                       quantized_mobilenet_agrees_statistically };

	shared_require("zoo/expected/squeezenet1.1_mxnet.json");
	return oqz_test_run("zoo_classification", tests, OQZ_COUNTOF(tests));
}
