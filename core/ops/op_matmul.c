/* SPDX-License-Identifier: Apache-2.0
 *
 * Operators of the family "matmul".
 */
#include "core/ops/ops_util.h"

const struct oqz_op oqz_ops_matmul[] = {
	{ .name = NULL },
};
