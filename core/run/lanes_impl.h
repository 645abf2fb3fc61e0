/* SPDX-License-Identifier: Apache-2.0
 *
 * Inside of a lane set, for lanes.c (which makes it), lane_walk.c and lane_compare.c (which run it).
 */
#ifndef OQZ_RUN_LANES_IMPL_H
#define OQZ_RUN_LANES_IMPL_H

#include "core/run/lanes.h"

enum { OQZ_MAX_ALONE_INPUTS = 8, OQZ_MAX_LANES = 64 };

/* One comparison: a value, in lane 0 and in one other lane. */
struct oqz_lane_event {
	long step0;        /* lane 0 has it after this step */
	size_t lane, slot; /* errors[lane].sums[slot]; layers first, then watched values */
	int tap0, tap;
	long step;
	const struct oqz_qplan_gain *gain; /* what the lane's value was rescaled by; NULL: not */
	size_t n_alone;                    /* inputs for the local error; 0: none to be had */
	int alone0[OQZ_MAX_ALONE_INPUTS];  /* lane 0's taps of these inputs */
	const struct oqz_qplan_gain
	    *alone_gain[OQZ_MAX_ALONE_INPUTS]; /* what they are rescaled by in the lane; NULL: not */
};

struct oqz_lane_set {
	size_t n_lanes, n_inputs;
	struct oqz_program **programs;
	size_t *n_layers;
	struct oqz_lane_event *events;
	size_t n_events, cap_events;
	size_t max_bytes; /* largest compared tensor, once layouts differ somewhere */
};

#endif
