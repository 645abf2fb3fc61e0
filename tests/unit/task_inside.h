/* SPDX-License-Identifier: Apache-2.0
 *
 * A task plugin whose sources are built into the test program: an instance with sinks that remember what it gives, an
 * annotation file written for it, golden JSON.
 */
#ifndef OQZ_TESTS_TASK_INSIDE_H
#define OQZ_TESTS_TASK_INSIDE_H

#include "core/base/file.h"
#include "core/base/params.h"
#include "core/base/str.h"
#include "plugins/host.h"
#include "tests/support/support.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

struct bench {
	struct oqz_plugin_host host;
	struct oqz_task_host task_host;
	const struct oqz_task *plugin;
	struct oqz_params *params, *dataset;
	void *self;
	struct oqz_err why;
	double figures[24];
	size_t n_items;
	struct oqz_item last_item; /* strings are gone */
};

const struct oqz_plugin *oqz_plugin_entry(const struct oqz_host *host);

static inline enum oqz_status keep_item(void *sink, const struct oqz_item *item, struct oqz_failure *f)
{
	struct bench *b = sink;

	b->n_items++;
	b->last_item = *item;
	return OQZ_OK;
}

static inline enum oqz_status keep_record(void *sink, const void *data, size_t size, struct oqz_failure *f)
{
	oqz_str_addn(sink, data, size);
	return OQZ_OK;
}

static inline enum oqz_status keep_metric(void *sink, const char *name, double value, struct oqz_failure *f)
{
	struct bench *b = sink;

	for (size_t i = 0; b->plugin->metrics[i].name; i++)
		if (strcmp(b->plugin->metrics[i].name, name) == 0)
			b->figures[i] = value;
	return OQZ_OK;
}

static inline enum oqz_status bench_open(struct bench *b, const char *params, const char *dataset, struct oqz_err *err)
{
	memset(b, 0, sizeof *b);
	oqz_plugin_host_init(&b->host, NULL, NULL);
	b->task_host = (struct oqz_task_host) { .struct_size = sizeof b->task_host,
		                                .base = &b->host.table,
		                                .add_item = keep_item,
		                                .add_record = keep_record,
		                                .set_metric = keep_metric };
	b->plugin = (const struct oqz_task *)oqz_plugin_entry(NULL);
	OQZ_TRY(oqz_params_parse(b->plugin->base.params, params, "task", &b->params, err));
	OQZ_TRY(oqz_params_parse(b->plugin->dataset_params, dataset, "data set", &b->dataset, err));
	return b->plugin->open(&b->task_host, b->params, b->dataset, &b->self, &(struct oqz_failure) { err });
}

static inline void bench_close(struct bench *b)
{
	if (b->self)
		b->plugin->close(b->self);
	oqz_params_free(b->params);
	oqz_params_free(b->dataset);
}

static inline const char *annotations(const char *text)
{
	static char params[1200];
	char path[600];

	snprintf(path, sizeof path, "%s/a.json", test_tmpdir("task"));
	ck_ok(oqz_file_write(path, text, strlen(text), err));
	snprintf(params, sizeof params, "root=/,annotations=%s", path);
	return params;
}

#define FOUR                                                                                                  \
	"\"categories\": [{\"id\": 9, \"name\": \"d\"}, {\"id\": 1, \"name\": \"a\"}, {\"id\": 3, \"name\": " \
	"\"b\"}, {\"id\": 5, \"name\": \"c\"}]"
#define ONE_IMAGE "{\"images\": [{\"id\": 7, \"file_name\": \"x.jpg\", \"width\": 100, \"height\": 80}], " FOUR ", "
#define NO_TRUTH ONE_IMAGE "\"annotations\": []}"

static inline json_t *load(const char *relative)
{
	const char *path = shared_path("golden/metrics/%s", relative);

	if (!path)
		exit(77);
	json_error_t why;
	json_t *j = json_load_file(path, 0, &why);
	ck_assert_msg(j != NULL, "%s: %s", relative, why.text);
	return j;
}

static inline double num(const json_t *list, size_t i) { return json_number_value(json_array_get(list, i)); }

static inline void ck_close(const char *what, double got, double want, double most)
{
	ck_assert_msg(fabs(got - want) <= most, "%s: %.17g, expected %.17g", what, got, want);
}

#endif
