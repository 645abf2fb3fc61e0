/* SPDX-License-Identifier: Apache-2.0
 *
 * Mock plugin: it loads well, and open() crashes.
 */
#include "tests/mock/mock.h"

#include <signal.h>

static enum oqz_status crash_open(const struct oqz_quantizer_host *host, const struct oqz_params *params, void **ret,
                                  struct oqz_failure *f)
{
	raise(SIGSEGV);
	return OQZ_OK;
}

static const struct oqz_quantizer mock = {
	.base = { MOCK_QUANTIZER_HEAD, MOCK_WORDS("mock-crash-open") },
	.open = crash_open,
	.close = mock_close,
	.sites = mock_sites,
	.plan = mock_plan,
};

OQZ_PLUGIN_EXPORT(mock)
