/* SPDX-License-Identifier: Apache-2.0
 *
 * Inside of a walker, for lane_walk.c (which advances the lanes) and lane_compare.c (which looks at them).
 */
#ifndef OQZ_RUN_LANE_WALK_H
#define OQZ_RUN_LANE_WALK_H

#include "core/run/lanes_impl.h"
#include "core/run/team.h"

struct oqz_lane {
	struct oqz_context *context;
	struct oqz_tensor scratch;                        /* for relayouts; no memory unless needed */
	struct oqz_tensor rescaled[OQZ_MAX_ALONE_INPUTS]; /* inputs for the local error of a rescaled lane, likewise */
	float *band;                                      /* a band that need not be kept, see lane_compare.c */
	size_t at;                                        /* the next step */
	long to;                                          /* where the meeting is */
	bool banded;                                      /* step `to` is made band by band while it is compared */
	enum oqz_status status;
	struct oqz_err err;
};

struct oqz_walker {
	const struct oqz_lane_set *set;
	struct oqz_team *team;
	struct oqz_lane *lanes;
	size_t band_floats; /* room in each lane's `band` */
};

/* One value in lane 0 and in those other lanes that are compared on this image. */
struct oqz_meeting {
	struct oqz_walker *w;
	const struct oqz_lane_errors *errors;
	const struct oqz_lane_event *events[OQZ_MAX_LANES];
	size_t n;
	bool all;                                 /* no other event is about these steps of these lanes */
	size_t lanes[OQZ_MAX_LANES + 1], n_lanes; /* that take part, 0 the first */
	size_t band;                              /* elements of a band; 0: no lane has any */
	double ref2;
};

/* Bands that need not be kept: memory for the largest of the set. */
enum oqz_status oqz_walker_band_alloc(struct oqz_walker *w, struct oqz_err *err);
/* Says of each lane that takes part whether it is banded. */
void oqz_meeting_bands(struct oqz_meeting *m);
/* Runs what is left to run of these lanes, and compares them with lane 0: sums into errors, lane 0's into m->ref2 if it
 * is among them. */
enum oqz_status oqz_meeting_compare(struct oqz_meeting *m, const size_t *lanes, size_t n_lanes, struct oqz_err *err);
/* A lane's local errors of the meeting's value. */
enum oqz_status oqz_meeting_local(struct oqz_meeting *m, size_t lane, struct oqz_err *err);

#endif
