/* SPDX-License-Identifier: Apache-2.0
 *
 * Mock plugin: a task with a bootstrap of its own, without the callback that $OQZ_MOCK_WITHOUT names: whole when that
 * is unset.
 */
#include "tests/mock/mock.h"

#include <stdlib.h>

static enum oqz_status resample_open(void *self, const struct oqz_record *records, const struct oqz_record *reference,
                                     size_t n, void **ret, struct oqz_failure *f)
{
	return OQZ_OK;
}

static enum oqz_status resample(void *self, void *resampler, const uint32_t *times, void *sink, struct oqz_failure *f)
{
	return OQZ_OK;
}

static void resample_close(void *self, void *resampler) {}

static struct oqz_task mock = {
	.base = { MOCK_TASK_HEAD, MOCK_WORDS("mock-undrawn") },
	.metrics = mock_metrics,
	MOCK_TASK_CALLS,
	.resample_open = resample_open,
	.resample = resample,
	.resample_close = resample_close,
};

OQZ_EXPORT const struct oqz_plugin *oqz_plugin_entry(const struct oqz_host *host);
OQZ_EXPORT const struct oqz_plugin *oqz_plugin_entry(const struct oqz_host *host)
{
	const char *without = getenv("OQZ_MOCK_WITHOUT");
#define WITHOUT(member)                           \
	if (without && !strcmp(without, #member)) \
	mock.member = NULL

	WITHOUT(open);
	WITHOUT(close);
	WITHOUT(items);
	WITHOUT(score);
	WITHOUT(finish);
	WITHOUT(resample_open);
	WITHOUT(resample);
	WITHOUT(resample_close);
	return &mock.base;
}
