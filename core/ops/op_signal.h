/* SPDX-License-Identifier: Apache-2.0
 *
 * DFT: what type rule, reference kernel and lowered kernel share.
 */
#ifndef OQZ_OPS_OP_SIGNAL_H
#define OQZ_OPS_OP_SIGNAL_H

#include "core/ops/op.h"

struct oqz_dft {
	int axis;
	int64_t length, bins;   /* of the transform (the input is cut, or filled up with zeros), and of the output */
	bool inverse, mirrored; /* mirrored: half of a symmetric spectrum becomes a real signal */
};

/* From the node, the shape of its input, and inputs 1 and 2 (NULL: left out). */
enum oqz_status oqz_dft_plan(const struct oqz_node *n, const struct oqz_shape *x, const struct oqz_tensor *length,
                             const struct oqz_tensor *axis, struct oqz_dft *ret, struct oqz_err *err);
/* cos and sin of 2 pi k / n, k < n, in new memory (free()). */
enum oqz_status oqz_dft_roots(int64_t n, double **ret, struct oqz_err *err);

#endif
