/* SPDX-License-Identifier: Apache-2.0
 *
 * What the program makes of a task that misbehaves (tests/mock/mock-task.c), and of one made before the optional
 * members existed; the host's services as a plugin sees them.
 */
#include "tests/support/task_bench.h"
#include "core/base/file.h"
#include "core/base/params.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

static enum oqz_status bench_open(struct task_bench *b, const char *mock, const char *params, struct oqz_err *err)
{
	char file[100];

	snprintf(file, sizeof file, "tests/mock/.libs/mock-%s.so", mock);
	return task_bench_start(b, file, "", params, "", err);
}

/* The whole life of one instance; the first failure. */
static enum oqz_status live(const char *how, double *value, struct oqz_err *err)
{
	char params[100];
	struct oqz_item_list list = { 0 };
	struct oqz_str record = { 0 };
	struct task_bench b;

	snprintf(params, sizeof params, "how=%s", how);
	enum oqz_status st = bench_open(&b, "task", params, err);
	if (st == OQZ_OK)
		st = oqz_task_items(b.task, &list, err);
	if (st == OQZ_OK)
		st = oqz_task_score(b.task, &list.items.v[0], NULL, 0, NULL, &record, err);
	if (st == OQZ_OK) {
		const struct oqz_record r = { record.s, record.len, 0 };
		st = oqz_task_finish(b.task, &r, 1, value, err);
	}
	oqz_str_release(&record);
	oqz_item_list_release(&list);
	task_bench_close(&b);
	return st;
}

START_TEST(broken_contracts_are_named)
{
	double v = 0;

	ck_ok(live("well", &v, err));
	ck_assert(v == 0.5);
	ck_fails(live("mute", &v, err), OQZ_E_PLUGIN, "mock-task: open() failed (damaged) without saying why");
	ck_fails(live("number", &v, err), OQZ_E_PLUGIN, "mock-task: open() returned 42, which is no status");
	ck_fails(live("items", &v, err), OQZ_E_DATA, "mock-task: the item 'a' comes twice");
	ck_fails(live("recordless", &v, err), OQZ_E_PLUGIN, "mock-task: score() gave no record for 'a'");
	ck_fails(live("unset", &v, err), OQZ_E_PLUGIN, "did not set the metric 'answer'");
	ck_fails(live("twice", &v, err), OQZ_E_PLUGIN, "metric 'answer' is set twice");
	ck_fails(live("undeclared", &v, err), OQZ_E_PLUGIN, "metric 'question' is not declared");
	ck_fails(live("nan", &v, err), OQZ_E_PLUGIN, "metric 'answer' is not a number");
	ck_fails(live("range", &v, err), OQZ_E_PLUGIN, "metric 'answer' is 1.5, outside of 0 to 1");
}
END_TEST

START_TEST(missing_optional_members_have_defaults)
{
	struct oqz_item_list list = { 0 };
	const struct oqz_record r = { "x", 1, 0 };
	char text[20] = "old";
	struct task_bench b;
	size_t n;

	ck_ok(bench_open(&b, "older", "", err));
	ck_assert_str_eq(oqz_task_metrics(b.task, &n)->name, "answer");
	ck_assert_uint_eq(n, 1);
	ck_ok(oqz_task_explain(b.task, &r, text, sizeof text, err));
	ck_assert_str_eq(text, "");
	ck_fails(oqz_task_items(b.task, &list, err), OQZ_E_DATA, "empty");
	oqz_item_list_release(&list);
	task_bench_close(&b);
}
END_TEST

/* One list, in which two records come as often as `times` says. */
static enum oqz_status draw(const char *params, const uint32_t *times, double *values, struct oqz_err *err)
{
	const struct oqz_record records[2] = { { "x", 1, 0 }, { "y", 1, 0 } };
	struct oqz_resampler *r = NULL;
	struct task_bench b;
	enum oqz_status st = bench_open(&b, "draws", params, err);
	if (st == OQZ_OK)
		st = oqz_resampler_open(b.task, records, NULL, 2, &r, err);
	ck_assert(st != OQZ_OK || r);
	if (st == OQZ_OK)
		st = oqz_resampler_run(r, times, values, err);
	oqz_resampler_close(r);
	task_bench_close(&b);
	return st;
}

START_TEST(a_bootstrap_sets_what_is_tested)
{
	const uint32_t times[2] = { 3, 1 };
	double values[2];

	ck_ok(draw("", times, values, err));
	ck_assert(values[0] == 0.75 && values[1] == 0.75);
	ck_ok(draw("without=untested", times, values, err));
	ck_assert(values[0] == 0.75 && isnan(values[1]));
	ck_fails(draw("without=tested", times, values, err), OQZ_E_PLUGIN,
	         "mock-draws: resample() did not set the metric 'tested'");
	ck_fails(draw("fails=resample_open", times, values, err), OQZ_E_DATA, "no list today");
	ck_fails(draw("fails=resample", times, values, err), OQZ_E_DATA, "no figures today");
}
END_TEST

START_TEST(quantizers_are_no_tasks)
{
	struct task_bench b;

	ck_fails(bench_open(&b, "good", "", err), OQZ_E_PLUGIN, "'mock-good' is a quantizer, not a task");
	task_bench_close(&b);
}
END_TEST

static char logged[200];
static enum oqz_log_level logged_level;

static void keep(void *ctx, enum oqz_log_level level, const char *line)
{
	ck_assert_ptr_eq(ctx, &logged_level);
	logged_level = level;
	snprintf(logged, sizeof logged, "%s", line);
}

static enum oqz_status stop(void *ctx, const char *name)
{
	++*(int *)ctx;
	return OQZ_E_AGAIN;
}

START_TEST(host_services_do_what_they_say)
{
	struct oqz_plugin_host h;
	struct oqz_err why = { 0 };
	struct oqz_failure f = { &why };
	int calls = 0;
	char *data;
	size_t n;

	oqz_plugin_host_init(&h, keep, &logged_level);
	h.table.log(&h.table, OQZ_LOG_WARN, "%d\nlines", 2);
	ck_assert_str_eq(logged, "2 lines");
	ck_assert_int_eq(logged_level, OQZ_LOG_WARN);
	ck_assert_int_eq((h.table.fail)(&f, OQZ_E_DATA, "bad %s", "luck"), OQZ_E_DATA);
	ck_assert_str_eq(why.msg, "bad luck");
	ck_assert_int_eq(h.table.read_file("/nonexistent", &data, &n, &f), OQZ_E_NOENT);
	const char *dir = test_tmpdir("host");
	char path[700];
	snprintf(path, sizeof path, "%s/x.txt", dir);
	ck_ok(oqz_file_write(path, "abc", 3, err));
	ck_assert_int_eq(h.table.read_file(path, &data, &n, &f), OQZ_OK);
	ck_assert(n == 3 && strcmp(data, "abc") == 0);
	h.table.free_mem(data);
	ck_assert_int_eq(h.table.walk(dir, NULL, stop, &calls, &f), OQZ_E_AGAIN);
	ck_assert_int_eq(calls, 1);
	static const char *const none[] = { ".png", NULL };
	ck_assert_int_eq(h.table.walk(dir, none, stop, &calls, &f), OQZ_OK);
	ck_assert_int_eq(h.table.list_dirs(dir, stop, &calls, &f), OQZ_OK);
	ck_assert_int_eq(calls, 1);
	ck_assert_int_eq(h.table.walk(path, NULL, stop, &calls, &f), OQZ_E_DATA);
}
END_TEST

OQZ_TEST_MAIN("task_instance", broken_contracts_are_named, a_bootstrap_sets_what_is_tested,
              missing_optional_members_have_defaults, quantizers_are_no_tasks, host_services_do_what_they_say)
