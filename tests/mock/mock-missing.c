/* SPDX-License-Identifier: Apache-2.0
 *
 * Mock plugin: a quantizer without the required callback that $OQZ_MOCK_WITHOUT names, without plan() when it is unset.
 */
#include "tests/mock/mock.h"

#include <stdlib.h>

static struct oqz_quantizer mock = {
	.base = { MOCK_QUANTIZER_HEAD, MOCK_WORDS("mock-missing") },
	MOCK_QUANTIZER_CALLS,
};

OQZ_EXPORT const struct oqz_plugin *oqz_plugin_entry(const struct oqz_host *host);
OQZ_EXPORT const struct oqz_plugin *oqz_plugin_entry(const struct oqz_host *host)
{
	const char *without = getenv("OQZ_MOCK_WITHOUT");

	if (!without || !strcmp(without, "plan"))
		mock.plan = NULL;
	else if (!strcmp(without, "open"))
		mock.open = NULL;
	else if (!strcmp(without, "close"))
		mock.close = NULL;
	else if (!strcmp(without, "sites"))
		mock.sites = NULL;
	return &mock.base;
}
