/* SPDX-License-Identifier: Apache-2.0
 *
 * Mock plugin: a task that begins a bootstrap and cannot draw.
 */
#include "tests/mock/mock.h"

static enum oqz_status resample_open(void *self, const struct oqz_record *records, const struct oqz_record *reference,
                                     size_t n, void **ret, struct oqz_failure *f)
{
	return OQZ_OK;
}

static void resample_close(void *self, void *resampler) {}

static const struct oqz_task mock = {
	.base = { MOCK_TASK_HEAD, MOCK_WORDS("mock-undrawn") },
	.metrics = mock_metrics,
	MOCK_TASK_CALLS,
	.resample_open = resample_open,
	.resample_close = resample_close,
};

OQZ_PLUGIN_EXPORT(mock)
