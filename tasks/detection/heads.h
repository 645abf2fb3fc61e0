/* SPDX-License-Identifier: Apache-2.0
 *
 * Heads of detectors: what a row of the table (heads.c) says, and the driver that walks over cells (heads_grid.c).
 */
#ifndef DETECTION_HEADS_H
#define DETECTION_HEADS_H

#include "detection.h"

enum coding { BOX_ANCHOR, BOX_SIDES, BOX_BINS, BOX_EXP, BOX_TANH, BOX_CENTRE, BOX_CORNERS, BOX_FINAL };
enum part { PART_CLASS, PART_BOX, PART_OBJECT, N_PARTS };

struct head {
	const char *name;
	const char *order; /* of channels in one tensor: b(ox), o(bjectness), c(lasses) */
	enum coding coding;
	float centre; /* of a cell, in cells */
	bool sigmoid; /* of scores; false: the graph has done it */
	bool power;   /* score = objectness^0.6 * class^0.4 */
	int bins;
	int64_t strides[MAX_STRIDES];
	const double *anchors;
};

/* heads_grid.c: every head but `final`. */
enum oqz_status decode_grid(const struct task *t, const struct oqz_output *const *outputs, size_t n,
                            const struct oqz_geometry *g, struct candidates *ret, struct oqz_failure *f);
/* heads_final.c: a graph that ends in its own suppression. */
enum oqz_status decode_final(const struct task *t, const struct oqz_output *const *outputs, size_t n,
                             struct candidates *ret, struct oqz_failure *f);

#endif
