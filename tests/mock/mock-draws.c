/* SPDX-License-Identifier: Apache-2.0
 *
 * Mock plugin: a task with a bootstrap of its own that leaves out the metric which a parameter names, or fails in the
 * function that another one names. Only one of its two metrics is bootstrapped, so the other one may be left out.
 */
#include "tests/mock/mock.h"

enum { DRAWS = 0x64726177 };

struct task {
	const struct oqz_task_host *host;
	const char *without, *fails;
	struct draws { /* what resample_open() gives */
		unsigned magic;
	} draws;
};

static const struct oqz_metric metrics[] = {
	{ "tested", OQZ_UNIT_RATIO, OQZ_TEST_BOOTSTRAP, true, 0, 1, "with an interval" },
	{ "untested", OQZ_UNIT_RATIO, OQZ_TEST_NONE, true, 0, 1, "without" },
	{ 0 },
};

static const struct oqz_param params[] = {
	{ "without", OQZ_P_STRING, "", 0, 0, NULL, NULL, "the metric that is not set" },
	{ "fails", OQZ_P_STRING, "", 0, 0, NULL, NULL, "the function that fails" },
	{ 0 },
};

static enum oqz_status task_open(const struct oqz_task_host *host, const struct oqz_params *p,
                                 const struct oqz_params *dataset, void **ret, struct oqz_failure *f)
{
	struct task *t = host->base->alloc(sizeof *t);

	if (!t)
		return host->base->fail(f, OQZ_E_NOMEM, "out of memory");
	*t = (struct task) {
		host, host->base->param_string(p, "without"), host->base->param_string(p, "fails"), { DRAWS }
	};
	*ret = t;
	return OQZ_OK;
}

static void task_close(void *self) { ((struct task *)self)->host->base->free_mem(self); }

static enum oqz_status resample_open(void *self, const struct oqz_record *records, const struct oqz_record *reference,
                                     size_t n, void **ret, struct oqz_failure *f)
{
	struct task *t = self;

	*ret = &t->draws;
	return strcmp(t->fails, "resample_open") ? OQZ_OK : t->host->base->fail(f, OQZ_E_DATA, "no list today");
}

/* The share of the list that the first record has. */
static enum oqz_status resample(void *self, void *resampler, const uint32_t *times, void *sink, struct oqz_failure *f)
{
	const struct task *t = self;
	const struct draws *d = resampler;
	enum oqz_status st = OQZ_OK;

	if (d->magic != DRAWS)
		return t->host->base->fail(f, OQZ_E_INTERNAL, "not what resample_open() gave");
	if (!strcmp(t->fails, "resample"))
		return t->host->base->fail(f, OQZ_E_DATA, "no figures today");

	for (const struct oqz_metric *m = metrics; m->name && st == OQZ_OK; m++)
		if (strcmp(m->name, t->without) != 0)
			st = t->host->set_metric(sink, m->name, times[0] / (double)(times[0] + times[1]), f);
	return st;
}

static void resample_close(void *self, void *resampler) {}

static const struct oqz_task mock = {
	.base = { MOCK_TASK_HEAD, MOCK_WORDS("mock-draws"), .params = params },
	.metrics = metrics,
	.open = task_open,
	.close = task_close,
	.items = mock_items,
	.score = mock_score,
	.finish = mock_finish,
	.resample_open = resample_open,
	.resample = resample,
	.resample_close = resample_close,
};

OQZ_PLUGIN_EXPORT(mock)
