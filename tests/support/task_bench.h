/* SPDX-License-Identifier: Apache-2.0
 *
 * A built task plugin at work for a test: opened through the loader with parameters and a data set as text, fed with
 * outputs, asked for figures. And files for its data sets.
 */
#ifndef OQZ_TESTS_TASK_BENCH_H
#define OQZ_TESTS_TASK_BENCH_H

#include "plugins/task_instance.h"
#include "tests/support/support.h"

enum { BENCH_ITEMS = 64, BENCH_METRICS = 80 };

struct task_bench {
	struct oqz_plugin_host host;
	struct oqz_module *module;
	struct oqz_params *params, *dataset;
	struct oqz_task_instance *task;
	struct oqz_item_list items;
	struct oqz_str records[BENCH_ITEMS];
	double values[BENCH_METRICS];
	char log[1000];
	int logged;
};

/* Opens tasks/<name>/.libs/<name>.so below the build tree and reads its items. In both texts each @ stands for `root`.
 * Close it also after a failure. */
enum oqz_status task_bench_open(struct task_bench *b, const char *name, const char *root, const char *params,
                                const char *dataset, struct oqz_err *err);
/* The same for any plugin file below the build tree, without its items. */
enum oqz_status task_bench_start(struct task_bench *b, const char *file, const char *root, const char *params,
                                 const char *dataset, struct oqz_err *err);
void task_bench_close(struct task_bench *b);
/* Scores item i; its record is kept (an old one is replaced). */
enum oqz_status task_bench_score(struct task_bench *b, size_t i, const struct oqz_output *o, size_t n,
                                 const struct oqz_geometry *g, struct oqz_err *err);
/* Figures of the first n items' records; a failed item has none. */
enum oqz_status task_bench_finish(struct task_bench *b, size_t n, struct oqz_err *err);
/* A figure by name; the test fails when there is no such metric. */
double task_bench_value(const struct task_bench *b, const char *metric);

/* Writes root/relative, and the folders on the way. */
void test_write_file(const char *root, const char *relative, const void *data, size_t size);
void test_write_text(const char *root, const char *relative, const char *text);
/* An 8-bit PNG: gray for 1 channel, R,G,B for 3. */
void test_write_png(const char *root, const char *relative, const uint8_t *data, int w, int h, int channels);

#endif
