/* SPDX-License-Identifier: Apache-2.0
 *
 * Mock plugin: a task made before the optional members existed: its descriptor ends before them, and what lies behind
 * it in memory is not its. It is to be accepted.
 */
#include "tests/mock/mock.h"

#include <stddef.h>

struct until_explain {
	unsigned char bytes[offsetof(struct oqz_task, explain)];
};

/* The members behind the claimed size are poison: a loader that believes them calls them. */
static const struct oqz_task mock = {
	.base = { .magic = OQZ_PLUGIN_MAGIC,
	          .struct_size = sizeof(struct until_explain),
	          .api_major = OQZ_API_MAJOR,
	          .abi = OQZ_ABI,
	          .kind = OQZ_KIND_TASK,
	          MOCK_WORDS("mock-older") },
	.metrics = mock_metrics,
	MOCK_TASK_CALLS,
	.explain = (enum oqz_status(*)(void *, const struct oqz_record *, char *, size_t, struct oqz_failure *))0x10,
	.instance_metrics = (const struct oqz_metric *(*)(void *))0x10,
};

OQZ_PLUGIN_EXPORT(mock)
