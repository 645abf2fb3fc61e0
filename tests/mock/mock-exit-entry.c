/* SPDX-License-Identifier: Apache-2.0
 *
 * Mock plugin: its entry ends the process as if all were well.
 */
#include "tests/mock/mock.h"

#include <stdlib.h>

OQZ_EXPORT const struct oqz_plugin *oqz_plugin_entry(const struct oqz_host *host);
OQZ_EXPORT const struct oqz_plugin *oqz_plugin_entry(const struct oqz_host *host) { exit(0); }
