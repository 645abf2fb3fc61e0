/* SPDX-License-Identifier: Apache-2.0
 *
 * See task_bench.h.
 */
#include "tests/support/task_bench.h"
#include "core/base/file.h"
#include "core/base/params.h"

#include <png.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void keep_log(void *ctx, enum oqz_log_level level, const char *line)
{
	struct task_bench *b = ctx;

	b->logged++;
	snprintf(b->log, sizeof b->log, "%s", line);
}

static void fill_in(const char *fmt, const char *root, struct oqz_str *ret)
{
	for (; *fmt; fmt++)
		if (*fmt == '@')
			oqz_str_add(ret, root);
		else
			oqz_str_addn(ret, fmt, 1);
}

static enum oqz_status parse(const struct oqz_param *rows, const char *text, const char *root, const char *owner,
                             struct oqz_params **ret, struct oqz_err *err)
{
	struct oqz_str full = { 0 };

	fill_in(text, root, &full);
	enum oqz_status st = oqz_params_parse(rows, oqz_str_get(&full), owner, ret, err);
	oqz_str_release(&full);
	return st;
}

enum oqz_status task_bench_start(struct task_bench *b, const char *file, const char *root, const char *params,
                                 const char *dataset, struct oqz_err *err)
{
	const char *build = getenv("top_builddir");
	char path[600];

	memset(b, 0, sizeof *b);
	snprintf(path, sizeof path, "%s/%s", build ? build : ".", file);
	oqz_plugin_host_init(&b->host, keep_log, b);
	OQZ_TRY(oqz_module_open(path, &b->module, err));
	const struct oqz_plugin *head = &b->module->desc.base; /* a test may open what is no task */
	OQZ_TRY(parse(head->params, params, root, "task", &b->params, err));
	OQZ_TRY(parse(head->kind == OQZ_KIND_TASK ? b->module->desc.task.dataset_params : NULL, dataset, root,
	              "data set", &b->dataset, err));
	return oqz_task_open(b->module, &b->host, b->params, b->dataset, &b->task, err);
}

enum oqz_status task_bench_open(struct task_bench *b, const char *name, const char *root, const char *params,
                                const char *dataset, struct oqz_err *err)
{
	char file[200];

	snprintf(file, sizeof file, "tasks/%s/.libs/%s.so", name, name);
	OQZ_TRY(task_bench_start(b, file, root, params, dataset, err));
	OQZ_TRY(oqz_task_items(b->task, &b->items, err));
	ck_assert_uint_le(b->items.items.n, BENCH_ITEMS);
	return OQZ_OK;
}

void task_bench_close(struct task_bench *b)
{
	for (size_t i = 0; i < BENCH_ITEMS; i++)
		oqz_str_release(&b->records[i]);
	oqz_item_list_release(&b->items);
	oqz_task_close(b->task);
	oqz_params_free(b->params);
	oqz_params_free(b->dataset);
	oqz_module_close(b->module);
}

enum oqz_status task_bench_score(struct task_bench *b, size_t i, const struct oqz_output *o, size_t n,
                                 const struct oqz_geometry *g, struct oqz_err *err)
{
	ck_assert_uint_lt(i, b->items.items.n);
	oqz_str_clear(&b->records[i]);
	return oqz_task_score(b->task, &b->items.items.v[i], o, n, g, &b->records[i], err);
}

enum oqz_status task_bench_finish(struct task_bench *b, size_t n, struct oqz_err *err)
{
	struct oqz_record r[BENCH_ITEMS] = { 0 };
	size_t n_metrics;

	oqz_task_metrics(b->task, &n_metrics);
	ck_assert_uint_le(n_metrics, BENCH_METRICS);
	for (size_t i = 0; i < n; i++)
		if (b->records[i].len)
			r[i] = (struct oqz_record) { b->records[i].s, b->records[i].len, b->items.items.v[i].tag };
	return oqz_task_finish(b->task, r, n, b->values, err);
}

double task_bench_value(const struct task_bench *b, const char *metric)
{
	size_t n;
	const struct oqz_metric *m = oqz_task_metrics(b->task, &n);

	for (size_t i = 0; i < n; i++)
		if (strcmp(m[i].name, metric) == 0)
			return b->values[i];
	ck_abort_msg("the task has no metric '%s'", metric);
	return 0;
}

void test_write_file(const char *root, const char *relative, const void *data, size_t size)
{
	char path[1200], dir[1200];

	snprintf(path, sizeof path, "%s/%s", root, relative);
	snprintf(dir, sizeof dir, "%s", path);
	*strrchr(dir, '/') = 0;
	ck_ok(oqz_mkdirs(dir, err));
	ck_ok(oqz_file_write(path, data, size, err));
}

void test_write_text(const char *root, const char *relative, const char *text)
{
	test_write_file(root, relative, text, strlen(text));
}

void test_write_png(const char *root, const char *relative, const uint8_t *data, int w, int h, int channels)
{
	png_image img = { .version = PNG_IMAGE_VERSION,
		          .width = (png_uint_32)w,
		          .height = (png_uint_32)h,
		          .format = channels == 1 ? PNG_FORMAT_GRAY : PNG_FORMAT_RGB };
	png_alloc_size_t size = 0;

	ck_assert(png_image_write_to_memory(&img, NULL, &size, 0, data, 0, NULL));
	void *bytes = malloc(size);
	ck_assert_ptr_nonnull(bytes);
	ck_assert_msg(png_image_write_to_memory(&img, bytes, &size, 0, data, 0, NULL), "%s", img.message);
	test_write_file(root, relative, bytes, size);
	free(bytes);
}
