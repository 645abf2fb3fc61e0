/* SPDX-License-Identifier: Apache-2.0
 *
 * Operators of the family "conv".
 */
#include "core/ops/ops_util.h"

const struct oqz_op oqz_ops_conv[] = {
	{ .name = NULL },
};
