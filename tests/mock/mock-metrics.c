/* SPDX-License-Identifier: Apache-2.0
 *
 * Mock plugin: a task with a metric declared twice.
 */
#include "tests/mock/mock.h"

static const struct oqz_metric metrics[] = {
	{ "answer", OQZ_UNIT_RATIO, OQZ_TEST_NONE, true, 0, 1, "first" },
	{ "answer", OQZ_UNIT_RATIO, OQZ_TEST_NONE, true, 0, 1, "second" },
	{ 0 },
};

static const struct oqz_task mock = {
	.base = { MOCK_TASK_HEAD, MOCK_WORDS("mock-metrics") },
	.metrics = metrics,
	MOCK_TASK_CALLS,
};

OQZ_PLUGIN_EXPORT(mock)
