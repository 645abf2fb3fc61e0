/* SPDX-License-Identifier: Apache-2.0
 *
 * Parameters of Softmax, LogSoftmax and Hardmax.
 */
#ifndef OQZ_OPS_OP_SOFTMAX_H
#define OQZ_OPS_OP_SOFTMAX_H

#include <stdint.h>

struct oqz_softmax_params {
	int64_t axis;
};

#endif
