/* SPDX-License-Identifier: Apache-2.0
 *
 * Parameters of the normalizations.
 */
#ifndef OQZ_OPS_OP_NORM_H
#define OQZ_OPS_OP_NORM_H

#include "core/ops/op.h"

/* BatchNormalization, InstanceNormalization (epsilon), GroupNormalization, LayerNormalization, RMSNormalization. */
struct oqz_norm_params {
	float epsilon, momentum;
	int64_t training_mode, axis, num_groups, stash_type;
};

struct oqz_lrn_params {
	float alpha, beta, bias;
	int64_t size;
};

struct oqz_lp_norm_params {
	int64_t axis, p;
};

struct oqz_mvn_params {
	struct oqz_ints axes;
};

#endif
