/* SPDX-License-Identifier: Apache-2.0
 *
 * Operators of the family "shape".
 */
#include "core/ops/ops_util.h"

const struct oqz_op oqz_ops_shape[] = {
	{ .name = NULL },
};
