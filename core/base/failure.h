/* SPDX-License-Identifier: Apache-2.0
 *
 * What a plugin's failing call writes to, seen from our side. Plugins get a pointer to it and hand it to host->fail();
 * for them it is opaque. Make one on the stack around a call: struct oqz_failure f = { err };
 */
#ifndef OQZ_BASE_FAILURE_H
#define OQZ_BASE_FAILURE_H

#include "core/base/err.h"

struct oqz_failure {
	struct oqz_err *err;
};

#endif
