/* SPDX-License-Identifier: Apache-2.0
 *
 * Data sets of all six tasks that are broken: absent, empty or contradictory lists, labels that are none, text that is
 * no text, JSON of another shape, nested without end, or very large. Each is refused by name (file, and line where
 * there are lines), within a memory limit.
 */
#include "tests/support/task_bench.h"
#include "core/base/budget.h"

#include <stdio.h>
#include <string.h>
#include <sys/resource.h>

/* Files of one case: up to three, name and text; "@" in parameters is their folder. */
struct broken {
	const char *task, *dataset, *why;
	const char *files[6];
};

#define IMAGE "{\"id\": 1, \"file_name\": \"a.jpg\", \"width\": 9, \"height\": 9}"
#define PERSON "\"categories\": [{\"id\": 1, \"name\": \"person\"}]"
#define COCO "root=@,annotations=@/a.json"

static const struct broken cases[] = {
	/* lists of classification */
	{ "classification", "root=@,reader=list,list=@/none.txt", "none.txt", { NULL } },
	{ "classification", "root=@,reader=list,list=@/l.txt", "is empty", { "l.txt", "" } },
	{ "classification", "root=@,reader=list,list=@/l.txt", "l.txt:2", { "l.txt", "a.jpg 1\nb.jpg\n" } },
	{ "classification", "root=@,reader=list,list=@/l.txt", "l.txt:1", { "l.txt", "a.jpg one\n" } },
	{ "classification", "root=@,reader=list,list=@/l.txt", "l.txt:1", { "l.txt", "a.jpg -1\n" } },
	{ "classification", "root=@,reader=list,list=@/l.txt", "l.txt:1", { "l.txt", "a.jpg 1.5\n" } },
	{ "classification", "root=@,reader=list,list=@/l.txt", "l.txt:1", { "l.txt", "a.jpg 99999999999999999999\n" } },
	{ "classification", "root=@,reader=list,list=@/l.txt", "twice", { "l.txt", "a.jpg 1\na.jpg 2\n" } },
	{ "classification", "root=@,reader=list,list=@", "directory", { "l.txt", "" } },
	{ "classification", "root=@/none", "none", { NULL } },
	{ "classification", "root=@", "", { "a/keep.txt", "" } },
	{ "classification", "root=@,synsets=@/s.txt", "n02", { "n02/a.jpg", "x", "s.txt", "n01\n" } },
	{ "classification", "root=@,synsets=@/s.txt", "n01", { "n01/a.jpg", "x", "s.txt", "n01\nn01\n" } },
	/* JSON */
	{ "detection", COCO, "a.json", { NULL } },
	{ "detection", COCO, "a.json", { "a.json", "" } },
	{ "detection", COCO, "images", { "a.json", "{}" } },
	{ "detection",
	  COCO,
	  "no images",
	  { "a.json", "{\"images\": [], \"categories\": [{\"id\": 1, \"name\": \"c\"}], "
	              "\"annotations\": []}" } },
	{ "detection", COCO, "a.json", { "a.json", "{\"images\": [" IMAGE "], \"images\": 3}" } },
	{ "detection",
	  COCO,
	  "a.json",
	  { "a.json", "{\"images\": [" IMAGE "], " PERSON ", \"annotations\": [{\"id\": 1, "
	              "\"image_id\": 1, \"category_id\": 1, \"bbox\": [1, 1, 1e999, 2], "
	              "\"area\": 1}]}" } },
	{ "detection",
	  COCO,
	  "bbox",
	  { "a.json", "{\"images\": [" IMAGE "], " PERSON ", \"annotations\": [{\"id\": 1, "
	              "\"image_id\": 1, \"category_id\": 1, \"bbox\": \"1 1 2 2\", \"area\": 1}]}" } },
	{ "detection",
	  COCO,
	  "image_id",
	  { "a.json", "{\"images\": [" IMAGE "], " PERSON ", \"annotations\": [{\"id\": 1, "
	              "\"image_id\": \"1\", \"category_id\": 1, \"bbox\": [1, 1, 2, 2], "
	              "\"area\": 1}]}" } },
	{ "pose",
	  COCO,
	  "keypoints",
	  { "a.json", "{\"images\": [" IMAGE "], " PERSON ", \"annotations\": [{\"id\": 1, "
	              "\"image_id\": 1, \"category_id\": 1, \"bbox\": [1, 1, 2, 2], \"area\": 1, "
	              "\"num_keypoints\": 1, \"keypoints\": [1, 2]}]}" } },
	{ "pose", COCO, "a.json", { "a.json", "nonsense" } },
	/* text recognition */
	{ "ocr", "root=@,list=@/l.txt", "l.txt:1", { "l.txt", "a.png label without a tab\n" } },
	{ "ocr",
	  "root=@,list=@/l.txt",
	  "l.txt:2: the label is not UTF-8",
	  { "l.txt", "a.png\tok\nb.png\t\xff\xfe\n" } },
	{ "ocr", "root=@,list=@/l.txt", "twice", { "l.txt", "a.png\tx\na.png\ty\n" } },
	{ "ocr", "root=@,list=@/l.txt", "l.txt:1", { "l.txt", "[\"a.png\", \"b.png\"]\tx\n" } },
	{ "ocr", "root=@,reader=icdar,list=@/l.txt", "l.txt:1", { "l.txt", "a.png \"x\"\n" } },
	{ "ocr", "root=@,reader=icdar,list=@/l.txt", "without a file", { "l.txt", ", \"x\"\n" } },
	{ "ocr", "root=@,list=@/l.txt", "is empty", { "l.txt", "\n\n" } },
	/* pairs */
	{ "segmentation", "root=@/i,reader=pairs,labels=@/l", "no images", { "i/a.txt", "x", "l/a.png", "x" } },
	{ "segmentation", "root=@", "", { "a.png", "x" } },
	{ "superres", "lr=@/l,hr=@/h", "", { "l/1.png", "x", "h/2.png", "x" } },
	{ "superres", "lr=@/l,hr=@/none", "", { "l/1.png", "x" } },
	{ "superres", "lr=@/none,hr=@/h", "none", { "h/1.png", "x" } },
};

static enum oqz_status open_case(const struct broken *c, const char *root, struct oqz_err *err)
{
	struct task_bench b;

	for (int i = 0; i < 6 && c->files[i]; i += 2)
		test_write_text(root, c->files[i], c->files[i + 1]);
	enum oqz_status st = task_bench_open(&b, c->task, root, "", c->dataset, err);
	task_bench_close(&b);
	return st;
}

START_TEST(broken_data_are_named)
{
	int bad = 0;

	for (size_t i = 0; i < OQZ_COUNTOF(cases); i++) {
		char root[600];
		struct oqz_err err = { 0 };
		snprintf(root, sizeof root, "%s/%zu", test_tmpdir("broken"), i);
		enum oqz_status st = open_case(&cases[i], root, &err);
		bool good = (st == OQZ_E_DATA || st == OQZ_E_NOENT || st == OQZ_E_IO || st == OQZ_E_UNSUPPORTED) &&
		            strstr(err.msg, cases[i].why) && err.msg[0];
		if (!good)
			printf("case %zu (%s, '%s'): status %d: %s\n", i, cases[i].task, cases[i].why, (int)st,
			       err.msg);
		bad += !good;
	}
	ck_assert_int_eq(bad, 0);
}
END_TEST

/* `text` over and over, between two others. */
static void write_long(const char *path, const char *head, const char *text, size_t times, const char *tail)
{
	FILE *f = fopen(path, "w");

	ck_assert_ptr_nonnull(f);
	fputs(head, f);
	for (size_t i = 0; i < times; i++)
		fputs(text, f);
	fputs(tail, f);
	ck_assert_int_eq(fclose(f), 0);
}

START_TEST(nesting_has_an_end)
{
	static const char *const tasks[] = { "detection", "pose" };
	char path[600];
	const char *root = test_tmpdir("nested");

	snprintf(path, sizeof path, "%s/a.json", root);
	write_long(path, "{\"images\": ", "[", 10000000, "");
	for (size_t i = 0; i < OQZ_COUNTOF(tasks); i++) {
		struct task_bench b;
		ck_fails(task_bench_open(&b, tasks[i], root, "", COCO, err), OQZ_E_DATA, "a.json:1:");
		task_bench_close(&b);
	}
}
END_TEST

/* 100 MB of list elements need gigabytes as JSON values: with less memory than that, a clear error and no death. */
START_TEST(large_files_meet_the_limit)
{
#if !defined(__SANITIZE_ADDRESS__)
	struct rlimit old, small;
	char path[600];
	const char *root = test_tmpdir("large");
	struct task_bench b;
	struct oqz_err err = { 0 };

	snprintf(path, sizeof path, "%s/a.json", root);
	write_long(path, "{\"images\": [0", ",0", 50000000, "]}");
	ck_assert_int_eq(getrlimit(RLIMIT_DATA, &old), 0);
	small = old;
	small.rlim_cur = 400 << 20;
	ck_assert_int_eq(setrlimit(RLIMIT_DATA, &small), 0);
	enum oqz_status st = task_bench_open(&b, "detection", root, "", COCO, &err);
	setrlimit(RLIMIT_DATA, &old);
	task_bench_close(&b);
	remove(path);
	ck_assert_msg(st == OQZ_E_NOMEM, "status %d: %s", (int)st, err.msg);
	ck_assert_msg(strstr(err.msg, "a.json") != NULL, "%s", err.msg);
#endif
}
END_TEST

OQZ_TEST_MAIN("broken data", broken_data_are_named, nesting_has_an_end, large_files_meet_the_limit)
