/* SPDX-License-Identifier: Apache-2.0
 *
 * Real models of five tasks on real images in float, image by image against what the original evaluation code said of
 * ONNX Runtime's outputs (tests/golden/zoo.yaml has models, data and tasks; classification has a test of its own). An
 * image's figures are those of its record alone. Skipped where the material is not present.
 */
#include "tests/support/support.h"
#include "core/run/job.h"
#include "core/run/lanes.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct zoo {
	struct oqz_manifest *manifest;
	struct oqz_registry *registry;
	struct oqz_job *job;
	struct oqz_str records[64];
	double values[80];
	json_t *want;
};

static enum oqz_status open_zoo(struct zoo *z, const char *model, struct oqz_err *err)
{
	struct oqz_job_options opt = { .threads = 1 };
	char select[200], path[600];
	const char *const selects[] = { select };
	struct oqz_manifest_options mo = { .selects = selects, .n_selects = 1 };

	memset(z, 0, sizeof *z);
	snprintf(select, sizeof select, "model=%s", model);
	snprintf(path, sizeof path, "%s/tests/golden/zoo.yaml", getenv("top_srcdir") ? getenv("top_srcdir") : ".");
	setenv("OQZ_ZOO", shared_path("zoo"), 1);
	OQZ_TRY(oqz_manifest_load(path, &mo, &z->manifest, err));
	OQZ_TRY(oqz_registry_new(NULL, &z->registry, err));
	z->manifest->jobs.v[0].n_schemes = 0;
	return oqz_job_open(z->manifest, &z->manifest->jobs.v[0], z->registry, NULL, &opt, &z->job, err);
}

static void close_zoo(struct zoo *z)
{
	for (size_t i = 0; i < OQZ_COUNTOF(z->records); i++)
		oqz_str_release(&z->records[i]);
	oqz_job_close(z->job);
	oqz_registry_free(z->registry);
	oqz_manifest_free(z->manifest);
	json_decref(z->want);
}

static enum oqz_status run_item(struct zoo *z, struct oqz_preparer *w, size_t i, struct oqz_err *err)
{
	OQZ_CLEANUP(oqz_lane_set_free_cleanup) struct oqz_lane_set *set = NULL;
	OQZ_CLEANUP(oqz_walker_free_cleanup) struct oqz_walker *walker = NULL;
	const struct oqz_item *item = &z->job->test.items.items.v[i];
	struct oqz_lane_spec lane = { .graph = z->job->graph };
	struct oqz_lane_errors none = { 0 };
	struct oqz_output outputs[8];
	struct oqz_geometry g;
	struct oqz_view view;
	struct oqz_shape shape;

	OQZ_TRY(oqz_preparer_run(w, item->image, oqz_item_box(item), &view, &g, err));
	OQZ_TRY(oqz_job_input_shape(z->job->graph, &view, &shape, err));
	OQZ_TRY(oqz_lane_set_new(&lane, 1, NULL, 0, false, z->job->engine, &shape, 1, &set, err));
	OQZ_TRY(oqz_walker_new(set, 1, &walker, err));
	struct oqz_tensor t = { .dtype = view.dtype, .shape = view.shape, .data = (void *)view.data };
	const struct oqz_tensor *in = &t;
	OQZ_TRY(oqz_walker_run(walker, &in, &none, err));
	size_t n = z->job->graph->outputs.n;
	ck_assert_uint_le(n, OQZ_COUNTOF(outputs));
	for (size_t k = 0; k < n; k++) {
		const struct oqz_tensor *o = oqz_walker_output(walker, 0, k);
		outputs[k] = (struct oqz_output) { .name = z->job->graph->outputs.v[k]->name,
			                           .view = { .dtype = o->dtype, .shape = o->shape, .data = o->data } };
	}
	return oqz_task_score(z->job->test.instance, item, outputs, n, &g, &z->records[i], err);
}

/* Runs all items of a model's data set. False (a message is printed) where the material is absent. */
static bool run_zoo(struct zoo *z, const char *model, const char *expected)
{
	const char *path = shared_path("zoo/expected/%s.json", expected);

	if (!path) {
		printf("skipped: zoo/expected/%s.json is not here\n", expected);
		return false;
	}
	ck_ok(open_zoo(z, model, err));
	z->want = json_load_file(path, 0, NULL);
	ck_assert_ptr_nonnull(z->want);
	struct oqz_preparer *w = oqz_preparer_new(z->job->test.prepare, NULL);
	ck_assert_ptr_nonnull(w);
	ck_assert_uint_le(z->job->test.n, OQZ_COUNTOF(z->records));
	for (size_t i = 0; i < z->job->test.n; i++)
		ck_ok(run_item(z, w, i, err));
	oqz_preparer_free(w);
	return true;
}

/* Figures of records [first, first + n). */
static void figures(struct zoo *z, size_t first, size_t n)
{
	struct oqz_record r[64];

	for (size_t i = 0; i < n; i++)
		r[i] = (struct oqz_record) { z->records[first + i].s, z->records[first + i].len,
			                     z->job->test.items.items.v[first + i].tag };
	ck_ok(oqz_task_finish(z->job->test.instance, r, n, z->values, err));
}

static double figure(const struct zoo *z, const char *name)
{
	size_t n;
	const struct oqz_metric *m = oqz_task_metrics(z->job->test.instance, &n);

	for (size_t i = 0; i < n; i++)
		if (strcmp(m[i].name, name) == 0)
			return z->values[i];
	ck_abort_msg("no metric '%s'", name);
	return 0;
}

static void ck_near(const char *model, const char *what, double got, double want, double most)
{
	ck_assert_msg(fabs(got - want) <= most, "%s, %s: %.10g, expected %.10g", model, what, got, want);
}

static double number(const json_t *o, const char *key)
{
	const json_t *v = json_object_get(o, key);

	ck_assert_msg(json_is_number(v), "no number '%s'", key);
	return json_number_value(v);
}

/* Each metric's name and its key in the expected file's `score`. */
struct pair {
	const char *metric, *key;
	double tolerance;
};

static void ck_score(struct zoo *z, const char *model, const json_t *score, const struct pair *p, size_t n)
{
	figures(z, 0, z->job->test.n);
	for (size_t i = 0; i < n; i++)
		ck_near(model, p[i].metric, figure(z, p[i].metric), number(score, p[i].key), p[i].tolerance);
}

/* ------------------------------------------------------------------------------------------------ tasks */

static const char *const detectors[] = { "yolox_nano_kazuhito", "picodet_s_320", "yolov5n_320" };

START_TEST(detection)
{
	static const struct pair pairs[] = {
		{ "ap", "AP", 1e-3 },
		{ "ap50", "AP50", 1e-3 },
		{ "ap75", "AP75", 1e-3 },
		{ "ap_small", "AP_small", 1e-3 },
		{ "ap_medium", "AP_medium", 1e-3 },
		{ "ap_large", "AP_large", 1e-3 },
		{ "ar_1", "AR_1", 1e-3 },
		{ "ar_10", "AR_10", 1e-3 },
		{ "ar_100", "AR_100", 1e-3 },
		{ "ar_small", "AR_small", 1e-3 },
		{ "ar_medium", "AR_medium", 1e-3 },
		{ "ar_large", "AR_large", 1e-3 },
	};
	const char *model = detectors[_i];
	struct zoo z;

	if (!run_zoo(&z, model, model))
		return;
	ck_score(&z, model, json_object_get(z.want, "score"), pairs, OQZ_COUNTOF(pairs));
	/* images by rising id: id, candidates, kept by suppression, written, ... */
	const json_t *rows = json_object_get(z.want, "per_image");
	ck_assert_uint_eq(json_array_size(rows), z.job->test.n);
	for (size_t i = 0; i < z.job->test.n; i++) {
		const json_t *row = json_array_get(rows, i);
		double want = json_number_value(json_array_get(row, 3));
		char what[40];
		snprintf(what, sizeof what, "boxes of image %lld",
		         (long long)json_integer_value(json_array_get(row, 0)));
		figures(&z, i, 1);
		ck_near(model, what, figure(&z, "boxes"), want, fmax(2, 0.001 * want));
	}
	close_zoo(&z);
}
END_TEST

START_TEST(pose)
{
	static const struct pair pairs[] = {
		{ "ap", "AP", 1e-6 },
		{ "ap50", "AP50", 1e-6 },
		{ "ap75", "AP75", 1e-6 },
		{ "ap_medium", "AP_medium", 1e-6 },
		{ "ap_large", "AP_large", 1e-6 },
		{ "ar", "AR", 1e-6 },
		{ "ar50", "AR50", 1e-6 },
		{ "ar75", "AR75", 1e-6 },
		{ "ar_medium", "AR_medium", 1e-6 },
		{ "ar_large", "AR_large", 1e-6 },
	};
	struct zoo z;

	if (!run_zoo(&z, "simplepose_nano", "simplepose_nano"))
		return;
	ck_score(&z, "simplepose", json_object_get(z.want, "score"), pairs, OQZ_COUNTOF(pairs));
	ck_near("simplepose", "mean OKS", figure(&z, "oks"), number(z.want, "mean_own_oks"), 1e-4);
	const json_t *rows = json_object_get(z.want, "per_person");
	ck_assert_uint_eq(json_array_size(rows), z.job->test.n);
	for (size_t i = 0; i < z.job->test.n; i++) {
		const json_t *row = json_array_get(rows, i);
		char id[32];
		snprintf(id, sizeof id, "%lld", (long long)json_integer_value(json_array_get(row, 0)));
		ck_assert_str_eq(z.job->test.items.items.v[i].id, id);
		figures(&z, i, 1);
		/* one of five keypoints that stand on the edge of two cells may move: a seventeenth */
		ck_near(id, "OKS", figure(&z, "oks"), json_number_value(json_array_get(row, 3)), 0.06);
		ck_near(id, "score", figure(&z, "confidence"), json_number_value(json_array_get(row, 2)), 1e-3);
	}
	close_zoo(&z);
}
END_TEST

static const char *const segmenters[] = { "espnetv2_s0.5_city_256x512", "espnetv2_s2.0_city_512x1024" };

START_TEST(segmentation)
{
	static const struct pair pairs[] = { { "miou", "mIoU", 1e-4 }, { "pixel_accuracy", "pixel_accuracy", 1e-4 } };
	const char *model = segmenters[_i];
	struct zoo z;

	if (!run_zoo(&z, model, model))
		return;
	ck_score(&z, model, json_object_get(z.want, "score"), pairs, OQZ_COUNTOF(pairs));
	const json_t *rows = json_object_get(z.want, "per_image"), *row;
	size_t i;
	json_array_foreach(rows, i, row)
	{
		const char *file = json_string_value(json_object_get(row, "file"));
		ck_assert_ptr_nonnull(strstr(z.job->test.items.items.v[i].id, file));
		figures(&z, i, 1);
		ck_near(file, "mIoU", figure(&z, "miou"), number(row, "mIoU"), 1e-4);
		ck_near(file, "pixel accuracy", figure(&z, "pixel_accuracy"), number(row, "pixel_accuracy"), 1e-4);
	}
	ck_assert_uint_eq(i, z.job->test.n);
	close_zoo(&z);
}
END_TEST

static const char *const word_sets[] = { "paddle_en", "paddle_imgs_words_en" };

START_TEST(ocr)
{
	static const struct pair pairs[] = { { "accuracy", "accuracy", 1e-12 },
		                             { "norm_edit_distance", "norm_edit_distance", 1e-12 } };
	char model[60], text[400], want[400];
	struct zoo z;
	size_t i, found = 0;
	const json_t *row;

	snprintf(model, sizeof model, "en_number-%s", word_sets[_i]);
	if (!run_zoo(&z, model, "en_number_mobile_v2.0_rec_infer"))
		return;
	ck_score(&z, model, json_object_get(json_object_get(z.want, "score"), word_sets[_i]), pairs,
	         OQZ_COUNTOF(pairs));
	json_array_foreach(json_object_get(z.want, "per_image"), i, row)
	{
		const char *file = json_string_value(json_object_get(row, "file"));
		size_t n = strlen(word_sets[_i]);
		if (strncmp(file, word_sets[_i], n) != 0 || file[n] != '/')
			continue;
		size_t k = 0;
		while (k < z.job->test.n && strcmp(z.job->test.items.items.v[k].id, file + n + 1) != 0)
			k++;
		ck_assert_msg(k < z.job->test.n, "%s is no item", file);
		struct oqz_record r = { z.records[k].s, z.records[k].len, z.job->test.items.items.v[k].tag };
		ck_ok(oqz_task_explain(z.job->test.instance, &r, text, sizeof text, err));
		snprintf(want, sizeof want, "'%s' ", json_string_value(json_object_get(row, "text")));
		ck_assert_msg(strncmp(text, want, strlen(want)) == 0, "%s: %s, expected %s", file, text, want);
		figures(&z, k, 1);
		ck_near(file, "confidence", figure(&z, "confidence"), number(row, "confidence"), 1.1e-3);
		found++;
	}
	ck_assert_uint_eq(found, z.job->test.n);
	close_zoo(&z);
}
END_TEST

static const char *const enlargers[] = { "realesr_animevideov3_x4", "fsrcnn_x4", "super_resolution_10" };

START_TEST(superres)
{
	static const struct pair pairs[] = { { "psnr", "psnr", 1e-3 } };
	const char *model = enlargers[_i];
	struct zoo z;
	size_t i;
	const json_t *row;

	if (!run_zoo(&z, model, model))
		return;
	ck_score(&z, model, json_object_get(z.want, "score"), pairs, OQZ_COUNTOF(pairs));
	json_array_foreach(json_object_get(z.want, "per_image"), i, row)
	{
		const char *file = json_string_value(json_object_get(row, "file"));
		double outside = number(row, "below_0") + number(row, "above_255");
		ck_assert_str_eq(z.job->test.items.items.v[i].id, file);
		figures(&z, i, 1);
		ck_near(file, "PSNR", figure(&z, "psnr"), number(row, "psnr"), 1e-3);
		ck_near(file, "values outside 0..255", figure(&z, "out_of_range"), outside, fmax(4, 0.001 * outside));
	}
	ck_assert_uint_eq(i, z.job->test.n);
	close_zoo(&z);
}
END_TEST

int main(void)
{
	SRunner *runner;
	Suite *s = suite_create("zoo tasks");
	TCase *c = tcase_create("float");

	shared_require("zoo/models");
	tcase_set_timeout(c, 0);
	tcase_add_loop_test(c, detection, 0, (int)OQZ_COUNTOF(detectors));
	tcase_add_test(c, pose);
	tcase_add_loop_test(c, segmentation, 0, (int)OQZ_COUNTOF(segmenters));
	tcase_add_loop_test(c, ocr, 0, (int)OQZ_COUNTOF(word_sets));
	tcase_add_loop_test(c, superres, 0, (int)OQZ_COUNTOF(enlargers));
	suite_add_tcase(s, c);
	runner = srunner_create(s);
	srunner_run_all(runner, CK_NORMAL);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed != 0;
}
