/* SPDX-License-Identifier: Apache-2.0
 *
 * Mock plugin: its entry never returns.
 */
#include "tests/mock/mock.h"

#include <unistd.h>

OQZ_EXPORT const struct oqz_plugin *oqz_plugin_entry(const struct oqz_host *host);
OQZ_EXPORT const struct oqz_plugin *oqz_plugin_entry(const struct oqz_host *host)
{
	for (;;)
		pause();
}
