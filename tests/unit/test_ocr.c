/* SPDX-License-Identifier: Apache-2.0
 *
 * Task OCR: texts, confidences and figures of PaddleOCR's own decoder and metric, and the built plugin on generated
 * label files and scores.
 */
#include "tests/support/task_bench.h"
#include "core/tensor/npy.h"
#include "tasks/ocr/ocr.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* -------------------------------------------------------------------------------------------------- goldens */

static void write_labels(const char *root, const json_t *labels)
{
	struct oqz_str text = { 0 };
	const json_t *l;
	size_t i;

	json_array_foreach((json_t *)labels, i, l) oqz_str_addf(&text, "%zu.png\t%s\n", i, json_string_value(l));
	test_write_file(root, "labels.txt", oqz_str_get(&text), text.len);
	oqz_str_release(&text);
}

static void run_case(const char *root, const json_t *c, const struct oqz_tensor *probs, const char *options,
                     const json_t *want)
{
	const char *dict = json_string_value(json_object_get(c, "dict"));
	double n = json_number_value(json_object_get(want, "all")), confidence = 0;
	struct task_bench b;
	char params[1200] = "";
	const json_t *x;
	size_t i;

	snprintf(params, sizeof params, "%s", options);
	if (dict)
		snprintf(params, sizeof params, "%s,dictionary=%s", options,
		         shared_path("golden/metrics/ocr/%s", dict));
	ck_ok(task_bench_open(&b, "ocr", root, params, "root=@,list=@/labels.txt", err));
	ck_assert_uint_eq(b.items.items.n, (size_t)n);
	for (i = 0; i < b.items.items.n; i++) {
		int64_t steps = probs->shape.dim[1], classes = probs->shape.dim[2];
		const struct oqz_output o = { "p",
			                      { OQZ_DT_F32,
			                        { 3, { 1, steps, classes } },
			                        (const float *)probs->data + (int64_t)i * steps * classes } };
		ck_ok(task_bench_score(&b, i, &o, 1, NULL, err));
	}
	ck_ok(task_bench_finish(&b, i, err));
	json_array_foreach(json_object_get(c, "conf"), i, x) confidence += json_number_value(x) / n;
	ck_assert_double_eq_tol(task_bench_value(&b, "confidence"), confidence, 1e-6);
	ck_assert_double_eq_tol(task_bench_value(&b, "accuracy") * n,
	                        json_number_value(json_object_get(want, "correct")), 1e-9);
	ck_assert_double_eq_tol((1 - task_bench_value(&b, "norm_edit_distance")) * n,
	                        json_number_value(json_object_get(want, "sum_norm_edit")), 1e-9);
	task_bench_close(&b);
}

START_TEST(figures_are_those_of_paddleocr)
{
	const char *path = shared_path("golden/metrics/ocr/ctc_recmetric.json"), *root = test_tmpdir("ocr-golden");
	const json_t *c, *want;
	const char *key;
	size_t i;
	int seen = 0;

	if (!path) {
		printf("skipped: no golden numbers\n");
		return;
	}
	json_t *all = json_load_file(path, 0, NULL);
	json_array_foreach(all, i, c)
	{
		const char *npy = json_string_value(json_object_get(c, "probs"));
		struct oqz_tensor probs = { 0 };
		if (!shared_path("golden/metrics/%s", npy))
			continue;
		ck_ok(oqz_npy_read(shared_path("golden/metrics/%s", npy), &probs, err));
		write_labels(root, json_object_get(c, "labels"));
		json_object_foreach(json_object_get((json_t *)c, "metrics"), key, want)
		{
			char options[100];
			snprintf(options, sizeof options, "ignore_space=%s,is_filter=%s",
			         strstr(key, "ignore_space=1") ? "true" : "false",
			         strstr(key, "is_filter=1") ? "true" : "false");
			run_case(root, c, &probs, options, want);
			seen++;
		}
		oqz_tensor_release(&probs);
	}
	ck_assert_int_ge(seen, 16);
	json_decref(all);
}
END_TEST

/* -------------------------------------------------------------------------------------------------- texts */

START_TEST(repetitions_go_before_blanks)
{
	/* Classes: blank, a, b. Steps: a a blank a b(tie with a: the first wins, so a again) b */
	const float x[] = { 0, 1, 0, 0, .5F, 0, 1, 0, 0, 0, 1, 0, 0, .7F, .7F, 0, 0, 1 };
	int64_t kept[6];
	double confidence;

	ck_assert_uint_eq(ocr_ctc(x, 6, 3, kept, &confidence), 3);
	ck_assert(kept[0] == 1 && kept[1] == 1 && kept[2] == 2);
	ck_assert_double_eq_tol(confidence, 1, 1e-12);
	ck_assert_uint_eq(ocr_ctc(x + 6, 1, 3, kept, &confidence), 0);
	ck_assert_double_eq(confidence, 0);
}
END_TEST

static uint32_t distance(const char *a, const char *b)
{
	uint32_t x[50], y[50], row[50];
	size_t n, m;

	ck_assert(ocr_code_points(a, x, &n) && ocr_code_points(b, y, &m));
	return ocr_distance(x, n, y, m, row);
}

START_TEST(distances_count_code_points)
{
	ck_assert_uint_eq(distance("kitten", "sitting"), 3);
	ck_assert_uint_eq(distance("", "abc"), 3);
	ck_assert_uint_eq(distance("abc", ""), 3);
	ck_assert_uint_eq(distance("\xe4\xb8\xad\xe6\x96\x87", "\xe4\xb8\xad"), 1);
	ck_assert_uint_eq(distance("flaw", "lawn"), 2);
}
END_TEST

START_TEST(invalid_utf8_is_seen)
{
	static const char *const bad[] = {
		"\xff", "\xc0\x80", "\xe4\xb8", "\xed\xa0\x80", "\xf4\x90\x80\x80", "a\x80"
	};
	size_t n;

	for (size_t i = 0; i < OQZ_COUNTOF(bad); i++)
		ck_assert_msg(!ocr_code_points(bad[i], NULL, &n), "case %zu", i);
	ck_assert(ocr_code_points("\xf0\x9f\x98\x80x", NULL, &n));
	ck_assert_uint_eq(n, 2);
}
END_TEST

/* -------------------------------------------------------------------------------------------------- the plugin */

START_TEST(label_files_are_read)
{
	const char *root = test_tmpdir("ocr-lists");
	struct task_bench b;

	test_write_text(root, "gt.txt", "\xef\xbb\xbfword_1.png, \"JOINT\"\r\nword_2.png, \"say \\\"a\\\", b\"\r\n");
	ck_ok(task_bench_open(&b, "ocr", root, "", "root=@,list=@/gt.txt,reader=icdar", err));
	ck_assert_uint_eq(b.items.items.n, 2);
	ck_assert_str_eq(b.items.items.v[1].id, "word_2.png");
	/* What was read is seen in the record's line. */
	float x[3 * 37] = { 0 };
	const struct oqz_output o = { "p", { OQZ_DT_F32, { 3, { 3, 1, 37 } }, x } };
	char line[200];
	x[11] = x[37] = x[2 * 37 + 12] = 1;
	ck_ok(task_bench_score(&b, 1, &o, 1, NULL, err));
	const struct oqz_record r = { b.records[1].s, b.records[1].len, 0 };
	ck_ok(oqz_task_explain(b.task, &r, line, sizeof line, err));
	ck_assert_str_eq(line, "'ab' 1.000, label 'say\"a\",b'");
	ck_ok(task_bench_finish(&b, 2, err));
	ck_assert_double_eq(task_bench_value(&b, "foreign_labels"), 1);
	task_bench_close(&b);
	/* A label of 60 characters of three bytes: the line has the 52 that fit 156 bytes, and says that there are more. */
	char label[200] = "word_1.png\t", shown[200] = "'ab' 1.000, label '";
	for (int i = 0; i < 60; i++) {
		strcat(label, "\xe5\xad\x97");
		strcat(shown, i < 52 ? "\xe5\xad\x97" : "");
	}
	strcat(shown, "\xe2\x80\xa6'");
	test_write_text(root, "long.txt", label);
	ck_ok(task_bench_open(&b, "ocr", root, "", "root=@,list=@/long.txt", err));
	ck_ok(task_bench_score(&b, 0, &o, 1, NULL, err));
	const struct oqz_record long_one = { b.records[0].s, b.records[0].len, 0 };
	ck_ok(oqz_task_explain(b.task, &long_one, line, sizeof line, err));
	ck_assert_str_eq(line, shown);
	task_bench_close(&b);
	test_write_text(root, "cr.txt", "a.png\tx\r\n\nb.png\ty\tmore\n");
	ck_ok(task_bench_open(&b, "ocr", root, "", "root=@,list=@/cr.txt", err));
	ck_assert_uint_eq(b.items.items.n, 2);
	ck_assert_int_eq(b.logged, 1);
	task_bench_close(&b);
	test_write_text(root, "bad.txt", "a.png\tx\nb.png y\n");
	ck_fails(task_bench_open(&b, "ocr", root, "", "root=@,list=@/bad.txt", err), OQZ_E_DATA, "bad.txt:2: '<file>");
	task_bench_close(&b);
	test_write_text(root, "latin.txt", "a.png\t\xe9\n");
	ck_fails(task_bench_open(&b, "ocr", root, "", "root=@,list=@/latin.txt", err), OQZ_E_DATA,
	         "latin.txt:1: the label");
	task_bench_close(&b);
	test_write_text(root, "many.txt", "[\"a.png\", \"b.png\"]\tx\n");
	ck_fails(task_bench_open(&b, "ocr", root, "", "root=@,list=@/many.txt", err), OQZ_E_UNSUPPORTED, "many.txt:1");
	task_bench_close(&b);
	ck_fails(task_bench_open(&b, "ocr", root, "", "root=@", err), OQZ_E_USAGE, "needs the parameter 'list'");
	task_bench_close(&b);
}
END_TEST

START_TEST(classes_must_fit_the_dictionary)
{
	const char *root = test_tmpdir("ocr-classes");
	const float x[2 * 5] = { 0, 0, 0, 1, 0, 0, 0, 0, 0, 1 };
	struct oqz_output o = { "p", { OQZ_DT_F32, { 2, { 2, 5 } }, x } };
	struct task_bench b;

	test_write_text(root, "dict.txt", "a\n\xe4\xb8\xad\nb");
	test_write_text(root, "labels.txt", "a.png\tb \n");
	ck_ok(task_bench_open(&b, "ocr", root, "dictionary=@/dict.txt,ignore_space=false", "root=@,list=@/labels.txt",
	                      err));
	ck_ok(task_bench_score(&b, 0, &o, 1, NULL, err));
	ck_ok(task_bench_finish(&b, 1, err));
	ck_assert_double_eq(task_bench_value(&b, "accuracy"), 1); /* class 4 is the space behind the dictionary */
	o.view.shape = (struct oqz_shape) { 3, { 1, 1, 6 } };
	ck_fails(task_bench_score(&b, 0, &o, 1, NULL, err), OQZ_E_MISMATCH,
	         "6 classes, but the dictionary has 3 lines");
	o.view.shape = (struct oqz_shape) { 3, { 2, 2, 2 } };
	ck_fails(task_bench_score(&b, 0, &o, 1, NULL, err), OQZ_E_MISMATCH, "not one image's scores");
	task_bench_close(&b);
	test_write_text(root, "bad.txt", "a\n\xff\n");
	ck_fails(task_bench_open(&b, "ocr", root, "dictionary=@/bad.txt", "root=@,list=@/labels.txt", err), OQZ_E_DATA,
	         "bad.txt:2: not UTF-8");
	task_bench_close(&b);
}
END_TEST

OQZ_TEST_MAIN("ocr", figures_are_those_of_paddleocr, repetitions_go_before_blanks, distances_count_code_points,
              invalid_utf8_is_seen, label_files_are_read, classes_must_fit_the_dictionary)
