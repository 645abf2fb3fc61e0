/* SPDX-License-Identifier: Apache-2.0
 *
 * Operators of the family "pool".
 */
#include "core/ops/ops_util.h"

const struct oqz_op oqz_ops_pool[] = {
	{ .name = NULL },
};
