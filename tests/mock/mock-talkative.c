/* SPDX-License-Identifier: Apache-2.0
 *
 * Mock plugin: its entry writes to standard output. It is to be accepted, and nothing of it to be seen.
 */
#include "tests/mock/mock.h"

#include <stdio.h>

static const struct oqz_quantizer mock = { .base = { MOCK_QUANTIZER_HEAD, MOCK_WORDS("mock-talkative") },
	                                   MOCK_QUANTIZER_CALLS };

OQZ_EXPORT const struct oqz_plugin *oqz_plugin_entry(const struct oqz_host *host);
OQZ_EXPORT const struct oqz_plugin *oqz_plugin_entry(const struct oqz_host *host)
{
	puts("mock-talkative was here");
	fflush(stdout);
	return &mock.base;
}
