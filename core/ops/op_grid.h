/* SPDX-License-Identifier: Apache-2.0
 *
 * Where GridSample looks, one dimension at a time: for the reference kernel and the lowered one.
 */
#ifndef OQZ_OPS_OP_GRID_H
#define OQZ_OPS_OP_GRID_H

#include "core/ops/op.h"

struct oqz_grid_params {
	const char *mode, *padding_mode;
	int64_t align_corners;
};

enum { OQZ_GRID_TAPS = 4 };

/* Taps of a coordinate (-1..1 across n pixels): pixel index (-1: a zero) and weight, each with room for OQZ_GRID_TAPS.
 * Returns their number: one, two or four by the mode. */
int oqz_grid_taps(const struct oqz_grid_params *p, double coordinate, int64_t n, int64_t *index, double *weight);

#endif
