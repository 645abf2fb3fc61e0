/* SPDX-License-Identifier: Apache-2.0
 *
 * Operators of the family "move".
 */
#include "core/ops/ops_util.h"

const struct oqz_op oqz_ops_move[] = {
	{ .name = NULL },
};
