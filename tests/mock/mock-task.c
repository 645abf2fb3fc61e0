/* SPDX-License-Identifier: Apache-2.0
 *
 * Mock plugin: a task whose callbacks misbehave as its parameter says: refuses to open without a reason, returns a
 * number that is no status, scores without a record, sets no, two, undeclared, NaN or out-of-range metrics, gives one
 * item twice. With MOCK_TASK_CRASH=score or finish in the environment it crashes there: a bug that its parameters do
 * not show, and that is mended later.
 */
#include "tests/mock/mock.h"

#include <math.h>
#include <signal.h>
#include <stdlib.h>

struct task {
	const struct oqz_task_host *host;
	const char *how;
};

static const char *const hows[] = { "well",       "mute", "number", "recordless", "unset", "twice",
	                            "undeclared", "nan",  "range",  "items",      NULL };

static const struct oqz_param params[] = {
	{ "how", OQZ_P_STRING, "well", 0, 0, hows, NULL, "in which way to misbehave" },
	{ 0 },
};

static bool is(const struct task *t, const char *how) { return strcmp(t->how, how) == 0; }

static void crash_in(const char *where)
{
	const char *wanted = getenv("MOCK_TASK_CRASH");

	if (wanted && strcmp(wanted, where) == 0)
		raise(SIGSEGV);
}

static enum oqz_status task_open(const struct oqz_task_host *host, const struct oqz_params *p,
                                 const struct oqz_params *dataset, void **ret, struct oqz_failure *f)
{
	struct task *t = host->base->alloc(sizeof *t);

	if (!t)
		return host->base->fail(f, OQZ_E_NOMEM, "out of memory");
	t->host = host;
	t->how = host->base->param_string(p, "how");
	if (is(t, "mute") || is(t, "number")) {
		enum oqz_status st = is(t, "mute") ? OQZ_E_DATA : (enum oqz_status)42;
		host->base->free_mem(t);
		return st;
	}
	*ret = t;
	return OQZ_OK;
}

static void task_close(void *self) { ((struct task *)self)->host->base->free_mem(self); }

static enum oqz_status task_items(void *self, void *sink, struct oqz_failure *f)
{
	struct task *t = self;
	const struct oqz_item a = { .id = "a", .image = "a.png" },
	                      b = { .id = is(t, "items") ? "a" : "b", .image = "b.png", .tag = 1 };
	enum oqz_status st = t->host->add_item(sink, &a, f);

	return st == OQZ_OK ? t->host->add_item(sink, &b, f) : st;
}

static enum oqz_status task_score(void *self, const struct oqz_item *item, const struct oqz_output *outputs, size_t n,
                                  const struct oqz_geometry *geometry, void *record_sink, struct oqz_failure *f)
{
	struct task *t = self;

	if (item->tag) /* not the first one */
		crash_in("score");
	return is(t, "recordless") ? OQZ_OK : t->host->add_record(record_sink, &item->tag, sizeof item->tag, f);
}

static enum oqz_status task_finish(void *self, const struct oqz_record *records, size_t n, void *sink,
                                   struct oqz_failure *f)
{
	struct task *t = self;

	crash_in("finish");
	if (is(t, "unset"))
		return OQZ_OK;
	double value = is(t, "nan") ? NAN : is(t, "range") ? 1.5 : 0.5;
	enum oqz_status st = t->host->set_metric(sink, is(t, "undeclared") ? "question" : "answer", value, f);
	return st == OQZ_OK && is(t, "twice") ? t->host->set_metric(sink, "answer", value, f) : st;
}

static const struct oqz_task mock = {
	.base = { MOCK_TASK_HEAD, MOCK_WORDS("mock-task"), .params = params },
	.metrics = mock_metrics,
	.open = task_open,
	.close = task_close,
	.items = task_items,
	.score = task_score,
	.finish = task_finish,
};

OQZ_PLUGIN_EXPORT(mock)
