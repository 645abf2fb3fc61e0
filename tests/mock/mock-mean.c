/* SPDX-License-Identifier: Apache-2.0
 *
 * Mock plugin: a task whose records are numbers and whose metric is their mean, tested by the bootstrap: statistics can
 * be held against a formula.
 */
#include "tests/mock/mock.h"

static const struct oqz_metric metrics[] = {
	{ "mean", OQZ_UNIT_RATIO, OQZ_TEST_BOOTSTRAP, true, -1e6, 1e6, "mean of the records" },
	{ 0 },
};

static enum oqz_status mean_open(const struct oqz_task_host *host, const struct oqz_params *p,
                                 const struct oqz_params *dataset, void **ret, struct oqz_failure *f)
{
	*ret = (void *)host;
	return OQZ_OK;
}

static void mean_close(void *self) { (void)self; }

static enum oqz_status mean_finish(void *self, const struct oqz_record *records, size_t n, void *sink,
                                   struct oqz_failure *f)
{
	const struct oqz_task_host *host = self;
	double sum = 0, v;

	for (size_t i = 0; i < n; i++) {
		memcpy(&v, records[i].data, sizeof v);
		sum += v;
	}
	return host->set_metric(sink, "mean", sum / (double)n, f);
}

static const struct oqz_task mock = {
	.base = { MOCK_TASK_HEAD, MOCK_WORDS("mock-mean") },
	.metrics = metrics,
	.open = mean_open,
	.close = mean_close,
	.items = mock_items,
	.score = mock_score,
	.finish = mean_finish,
};

OQZ_PLUGIN_EXPORT(mock)
