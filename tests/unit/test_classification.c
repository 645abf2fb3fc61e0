/* SPDX-License-Identifier: Apache-2.0
 *
 * Task classification, driven through the built plugin: data set order, labels, ranks, ties, NaN, figures; the figures
 * of torch's topk where the label's score is not tied.
 */
#include "tests/support/task_bench.h"
#include "core/base/file.h"
#include "core/base/params.h"
#include "core/tensor/npy.h"

#include <math.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* -------------------------------------------------------------------------------------------------- a task at work */

static enum oqz_status bench_open(struct task_bench *b, const char *params, const char *dataset, struct oqz_err *err)
{
	return task_bench_start(b, "tasks/classification/.libs/classification.so", "", params, dataset, err);
}

static struct oqz_output output_of(const float *x, int64_t n)
{
	return (struct oqz_output) { "scores", { OQZ_DT_F32, { 2, { 1, n } }, x } };
}

static enum oqz_status score(struct task_bench *b, const float *x, int64_t n, uint64_t label, struct oqz_str *record,
                             struct oqz_err *err)
{
	const struct oqz_output o = output_of(x, n);
	const struct oqz_item item = { .id = "img", .image = "img", .tag = label };

	oqz_str_clear(record);
	return oqz_task_score(b->task, &item, &o, 1, NULL, record, err);
}

/* The metrics of one image: top1, top5, nan_rows. */
static void one(struct task_bench *b, const float *x, int64_t n, uint64_t label, double values[3])
{
	struct oqz_str record = { 0 };

	ck_ok(score(b, x, n, label, &record, err));
	const struct oqz_record r = { record.s, record.len, label };
	ck_ok(oqz_task_finish(b->task, &r, 1, values, err));
	oqz_str_release(&record);
}

/* -------------------------------------------------------------------------------------------------- files */

static char root[600];

static void touch(const char *relative, const char *text)
{
	char path[900], dir[900];
	struct oqz_err err;

	snprintf(path, sizeof path, "%s/%s", root, relative);
	snprintf(dir, sizeof dir, "%s", path);
	*strrchr(dir, '/') = 0;
	ck_assert_msg(oqz_mkdirs(dir, &err) == OQZ_OK, "%s", err.msg);
	ck_assert_msg(oqz_file_write(path, text, strlen(text), &err) == OQZ_OK, "%s", err.msg);
}

static void fresh_root(const char *name) { snprintf(root, sizeof root, "%s", test_tmpdir(name)); }

static const char *spec(const char *fmt)
{
	static char text[2000];
	char *out = text;

	for (; *fmt; fmt++)
		out += *fmt == '@' ? sprintf(out, "%s", root) : (*out = *fmt, 1);
	*out = 0;
	return text;
}

/* "id=label id=label ..." of a data set. */
static const char *items_text(const char *dataset)
{
	static char text[4000];
	struct oqz_item_list list = { 0 };
	struct task_bench b;

	text[0] = 0;
	ck_ok(bench_open(&b, "", spec(dataset), err));
	ck_ok(oqz_task_items(b.task, &list, err));
	for (size_t i = 0; i < list.items.n; i++) {
		const struct oqz_item *it = &list.items.v[i];
		snprintf(text + strlen(text), sizeof text - strlen(text), "%s%s=%d", i ? " " : "", it->id,
		         (int)it->tag);
		ck_assert_msg(access(it->image, F_OK) == 0, "%s is not there", it->image);
	}
	oqz_item_list_release(&list);
	task_bench_close(&b);
	return text;
}

static enum oqz_status items_fail(const char *dataset, struct oqz_err *err)
{
	struct oqz_item_list list = { 0 };
	struct task_bench b;
	enum oqz_status st = bench_open(&b, "", spec(dataset), err);

	if (st == OQZ_OK)
		st = oqz_task_items(b.task, &list, err);
	oqz_item_list_release(&list);
	task_bench_close(&b);
	return st;
}

START_TEST(folders_come_in_torchvision_order)
{
	fresh_root("classification-folders");
	touch("b/z.JPEG", "x");
	touch("b/a.png", "x");
	touch("b/notes.txt", "x");
	touch("a/x/2.jpg", "x");
	touch("a/x/s/3.jpg", "x");
	touch("a/x-y/1.jpg", "x");
	touch("a/9.jpg", "x");
	touch("a-b/1.webp", "x");
	touch("stray.jpg", "x");
	/* As torchvision.datasets.ImageFolder lists these files. */
	ck_assert_str_eq(items_text("root=@"),
	                 "a/9.jpg=0 a/x/2.jpg=0 a/x-y/1.jpg=0 a/x/s/3.jpg=0 a-b/1.webp=1 b/a.png=2 b/z.JPEG=2");
	ck_assert_str_eq(items_text("root=@,skip=1,stride=2,take_first=2"), "a/x/2.jpg=0 a/x/s/3.jpg=0");
	touch("synsets.txt", "\xef\xbb\xbfzero\r\nb a bee\r\na-b\r\na\r\n");
	ck_assert_str_eq(items_text("root=@,synsets=@/synsets.txt,take_first=5"),
	                 "a/9.jpg=3 a/x/2.jpg=3 a/x-y/1.jpg=3 a/x/s/3.jpg=3 a-b/1.webp=2");
	ck_assert_str_eq(items_text("root=@/b,reader=images"), "a.png=-1 z.JPEG=-1");
	touch("few.txt", "a\nb\n");
	ck_fails(items_fail("root=@,synsets=@/few.txt", err), OQZ_E_DATA, "'a-b' is no class");
	touch("twice.txt", "a\nb\na x\n");
	ck_fails(items_fail("root=@,synsets=@/twice.txt", err), OQZ_E_DATA, "'a' is there twice");
	touch("c/none.txt", "x");
	ck_fails(items_fail("root=@", err), OQZ_E_DATA, "c: a class folder without images");
	ck_fails(items_fail("root=@/nothing", err), OQZ_E_NOENT, "nothing");
	ck_fails(items_fail("root=@/c", err), OQZ_E_DATA, "empty");
}
END_TEST

START_TEST(link_loops_are_refused)
{
	char path[900];

	fresh_root("classification-loop");
	touch("a/1.jpg", "x");
	snprintf(path, sizeof path, "%s/a/loop", root);
	unlink(path);
	ck_assert_int_eq(symlink("..", path), 0);
	/* Seen from the class folder, the link leads up and back down into it. */
	ck_fails(items_fail("root=@", err), OQZ_E_DATA, "symbolic link back");
}
END_TEST

START_TEST(lists_are_read_line_by_line)
{
	fresh_root("classification-list");
	touch("img/a b.jpg", "x");
	touch("img/c.jpg", "x");
	touch("val.txt", "img/a b.jpg 3\r\nimg/c.jpg\t \t999  \n\n");
	ck_assert_str_eq(items_text("root=@,reader=list,list=@/val.txt"), "img/a b.jpg=3 img/c.jpg=999");
	touch("truth.txt", "490\n361\n");
	ck_fails(items_fail("root=@,reader=list,list=@/truth.txt", err), OQZ_E_DATA,
	         "truth.txt:1: '<file> <label>' expected");
	touch("bad.txt", "img/c.jpg 1\nimg/c.jpg x\n");
	ck_fails(items_fail("root=@,reader=list,list=@/bad.txt", err), OQZ_E_DATA, "bad.txt:2: 'x' is not a label");
	touch("neg.txt", "img/c.jpg -1\n");
	ck_fails(items_fail("root=@,reader=list,list=@/neg.txt", err), OQZ_E_DATA, "'-1' is not a label");
	touch("dup.txt", "img/c.jpg 1\nimg/c.jpg 2\n");
	ck_fails(items_fail("root=@,reader=list,list=@/dup.txt", err), OQZ_E_DATA, "comes twice");
	touch("classes.txt", "a\nb\n");
	ck_fails(items_fail("root=@,reader=list,list=@/val.txt,synsets=@/classes.txt", err), OQZ_E_DATA,
	         "val.txt:1: the label 3");
	ck_fails(items_fail("root=@,reader=list", err), OQZ_E_USAGE, "needs the parameter 'list'");
	ck_fails(items_fail("root=@,list=@/val.txt", err), OQZ_E_USAGE, "for the reader 'list'");
}
END_TEST

/* -------------------------------------------------------------------------------------------------- scores */

START_TEST(ties_go_to_the_lower_index)
{
	const float x[] = { 1, 3, 3, 3, 0, 2, 2 };
	struct task_bench b;
	double v[3];

	ck_ok(bench_open(&b, "", "root=/", err));
	one(&b, x, 7, 1, v);
	ck_assert(v[0] == 1 && v[1] == 1 && v[2] == 0);
	one(&b, x, 7, 2, v); /* rank 1 */
	ck_assert(v[0] == 0 && v[1] == 1);
	one(&b, x, 7, 6, v); /* rank 4 */
	ck_assert(v[0] == 0 && v[1] == 1);
	one(&b, x, 7, 0, v); /* rank 5 */
	ck_assert(v[0] == 0 && v[1] == 0);
	task_bench_close(&b);
}
END_TEST

START_TEST(nan_counts_as_minus_infinity)
{
	const float x[] = { NAN, 3, -INFINITY, 5 };
	struct task_bench b;
	double v[3];

	ck_ok(bench_open(&b, "k=1:3", "root=/", err));
	one(&b, x, 4, 3, v);
	ck_assert(v[0] == 1 && v[1] == 1 && v[2] == 1);
	one(&b, x, 4, 2, v); /* tied with the NaN before it: rank 3 */
	ck_assert(v[0] == 0 && v[1] == 0 && v[2] == 1);
	one(&b, x, 4, 0, v); /* the label's own score: a miss, though only two are above */
	ck_assert(v[0] == 0 && v[1] == 0 && v[2] == 1);
	task_bench_close(&b);
}
END_TEST

START_TEST(background_class_is_left_out)
{
	static float x[1001];
	struct task_bench b;
	double v[3];

	x[0] = 9;
	x[8] = 5;
	ck_ok(bench_open(&b, "", "root=/", err));
	one(&b, x, 1001, 7, v);
	ck_assert(v[0] == 1);
	one(&b, x, 1000, 8, v);
	ck_assert(v[0] == 0 && v[1] == 1);
	task_bench_close(&b);
	ck_ok(bench_open(&b, "background=keep", "root=/", err));
	one(&b, x, 1001, 0, v);
	ck_assert(v[0] == 1);
	task_bench_close(&b);
	ck_ok(bench_open(&b, "background=drop", "root=/", err));
	one(&b, x, 10, 7, v);
	ck_assert(v[0] == 1);
	task_bench_close(&b);
}
END_TEST

START_TEST(wrong_models_and_labels_are_refused)
{
	const float x[] = { 1, 2, 3, 4 };
	struct oqz_str record = { 0 };
	struct task_bench b;

	ck_ok(bench_open(&b, "", "root=/", err));
	ck_fails(score(&b, x, 4, 4, &record, err), OQZ_E_DATA, "'img' has the label 4, but the model has 4 classes");
	ck_fails(score(&b, x, 4, UINT64_MAX, &record, err), OQZ_E_DATA, "no label");
	struct oqz_output o = { "y", { OQZ_DT_F32, { 2, { 2, 2 } }, x } };
	const struct oqz_output two[] = { output_of(x, 4), output_of(x, 4) };
	const struct oqz_item item = { .id = "img", .image = "img" };
	ck_fails(oqz_task_score(b.task, &item, &o, 1, NULL, &record, err), OQZ_E_MISMATCH, "not one score per class");
	ck_fails(oqz_task_score(b.task, &item, two, 2, NULL, &record, err), OQZ_E_MISMATCH, "2 outputs");
	o.view.dtype = OQZ_DT_BOOL;
	ck_fails(oqz_task_score(b.task, &item, &o, 1, NULL, &record, err), OQZ_E_UNSUPPORTED, "element type");
	double v[3];
	const struct oqz_record broken = { "abc", 3, 0 }, absent = { NULL, 0, 0 };
	ck_fails(oqz_task_finish(b.task, &broken, 1, v, err), OQZ_E_DATA, "a record of 3 bytes");
	ck_fails(oqz_task_finish(b.task, &absent, 1, v, err), OQZ_E_DATA, "none of the 1 images");
	task_bench_close(&b);
	ck_fails(bench_open(&b, "k=1:1", "root=/", err), OQZ_E_USAGE, "twice");
	task_bench_close(&b);
	ck_ok(bench_open(&b, "output=z", "root=/", err));
	ck_fails(score(&b, x, 4, 0, &record, err), OQZ_E_MISMATCH, "no output 'z'");
	task_bench_close(&b);
	oqz_str_release(&record);
}
END_TEST

START_TEST(metrics_follow_k)
{
	struct task_bench b;
	size_t n;

	ck_ok(bench_open(&b, "k=3:10", "root=/", err));
	const struct oqz_metric *m = oqz_task_metrics(b.task, &n);
	ck_assert_uint_eq(n, 3);
	ck_assert_str_eq(m[0].name, "top3");
	ck_assert_str_eq(m[1].name, "top10");
	ck_assert_str_eq(m[2].name, "nan_rows");
	task_bench_close(&b);
}
END_TEST

START_TEST(class_count_mismatch_warns_once)
{
	const float x[] = { 1, 2, 3 };
	struct oqz_item_list list = { 0 };
	struct oqz_str record = { 0 };
	struct task_bench b;

	fresh_root("classification-warn");
	touch("a/1.jpg", "x");
	touch("b/1.jpg", "x");
	ck_ok(bench_open(&b, "", spec("root=@"), err));
	ck_ok(oqz_task_items(b.task, &list, err));
	ck_ok(score(&b, x, 3, 0, &record, err));
	ck_ok(score(&b, x, 3, 1, &record, err));
	ck_assert_int_eq(b.logged, 1);
	ck_assert_msg(strstr(b.log, "2 classes in the data set, 3 in the model"), "%s", b.log);
	oqz_str_release(&record);
	oqz_item_list_release(&list);
	task_bench_close(&b);
}
END_TEST

START_TEST(explain_names_classes)
{
	const float x[] = { 0.25f, 0.5f };
	struct oqz_str record = { 0 };
	struct task_bench b;
	char text[200];

	fresh_root("classification-explain");
	touch("s.txt", "n01 tench\nn02 goldfish\n");
	ck_ok(bench_open(&b, "", spec("root=@,synsets=@/s.txt"), err));
	ck_ok(score(&b, x, 2, 0, &record, err));
	const struct oqz_record r = { record.s, record.len, 0 };
	ck_ok(oqz_task_explain(b.task, &r, text, sizeof text, err));
	ck_assert_str_eq(text, "n02 goldfish (0.5); right is n01 tench, on place 2");
	/* Of equal scores the first one is the prediction. */
	const float tie[] = { 0.5f, 0.5f };
	ck_ok(score(&b, tie, 2, 1, &record, err));
	const struct oqz_record t = { record.s, record.len, 0 };
	ck_ok(oqz_task_explain(b.task, &t, text, sizeof text, err));
	ck_assert_str_eq(text, "n01 tench (0.5); right is n02 goldfish, on place 2");
	oqz_str_release(&record);
	task_bench_close(&b);
}
END_TEST

/* topk.json: labels, and the accuracies of ppq's `accuracy` over the rows where no tie involves the label. */
START_TEST(figures_equal_torch_topk)
{
	const char *file = shared_path("golden/metrics/classification/topk.json");
	const char *npy = shared_path("golden/metrics/classification/topk_logits_f32.npy");
	struct oqz_tensor logits = { 0 };
	struct oqz_record records[64];
	struct oqz_str bytes[64] = { 0 };
	json_error_t jerr;
	struct task_bench b;
	double v[3];

	if (!file || !npy) {
		printf("skipped: golden/metrics/classification is not here\n");
		return;
	}
	json_t *j = json_load_file(file, 0, &jerr);
	const json_t *labels = json_object_get(j, "labels"), *rows = json_object_get(j, "rows_without_ties");
	ck_ok(oqz_npy_read(npy, &logits, err));
	ck_ok(bench_open(&b, "", "root=/", err));
	int64_t classes = logits.shape.dim[1];
	size_t n = json_array_size(rows);
	ck_assert(n > 50 && n <= 64);
	for (size_t i = 0; i < n; i++) {
		size_t row = (size_t)json_integer_value(json_array_get(rows, i));
		uint64_t label = (uint64_t)json_integer_value(json_array_get(labels, row));
		ck_ok(score(&b, (const float *)logits.data + (int64_t)row * classes, classes, label, &bytes[i], err));
		records[i] = (struct oqz_record) { bytes[i].s, bytes[i].len, label };
	}
	ck_ok(oqz_task_finish(b.task, records, n, v, err));
	/* The golden figures are float32 percentages. */
	ck_assert(fabs(100 * v[0] - json_real_value(json_object_get(j, "top1_no_ties"))) < 1e-5);
	ck_assert(fabs(100 * v[1] - json_real_value(json_object_get(j, "top5_no_ties"))) < 1e-5);
	ck_assert(rint(v[0] * (double)n) == v[0] * (double)n);
	for (size_t i = 0; i < n; i++)
		oqz_str_release(&bytes[i]);
	oqz_tensor_release(&logits);
	json_decref(j);
	task_bench_close(&b);
}
END_TEST

OQZ_TEST_MAIN("classification", folders_come_in_torchvision_order, link_loops_are_refused, lists_are_read_line_by_line,
              ties_go_to_the_lower_index, nan_counts_as_minus_infinity, background_class_is_left_out,
              wrong_models_and_labels_are_refused, metrics_follow_k, class_count_mismatch_warns_once,
              explain_names_classes, figures_equal_torch_topk)
