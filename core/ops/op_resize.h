/* SPDX-License-Identifier: Apache-2.0
 *
 * What Resize takes from where, axis by axis (ONNX Resize-19): the reference kernel and the lowered one read it here.
 */
#ifndef OQZ_OPS_OP_RESIZE_H
#define OQZ_OPS_OP_RESIZE_H

#include "core/ops/op.h"

/* One axis: lengths, the scale, the region of interest (tf_crop_and_resize). `active`: it is one of those resized. */
struct oqz_resize_axis {
	int64_t in, out;
	double scale, roi_start, roi_end;
	bool active;
};

/* All axes (ret has OQZ_MAX_RANK) of an input of this shape, from the inputs roi, scales and sizes (NULL or empty where
 * left out). */
enum oqz_status oqz_resize_plan(const struct oqz_node *n, const struct oqz_shape *in, const struct oqz_tensor *roi,
                                const struct oqz_tensor *scales, const struct oqz_tensor *sizes,
                                struct oqz_resize_axis *ret, struct oqz_err *err);

/* Mode nearest? Else the weights below. */
bool oqz_resize_is_nearest(const struct oqz_node *n);
/* The input position that nearest takes for output position x; OQZ_NOWHERE (strided.h): extrapolated. */
int64_t oqz_resize_nearest(const struct oqz_node *n, const struct oqz_resize_axis *a, int64_t x);

/* Weights of an axis: output x takes n taps from first[x] on (clamped to the axis); outside[x]: extrapolated. */
struct oqz_resize_taps {
	int64_t n;
	int64_t *first;
	double *weight;
	bool *outside;
};
enum oqz_status oqz_resize_taps_init(struct oqz_resize_taps *ret, const struct oqz_node *n,
                                     const struct oqz_resize_axis *a, struct oqz_err *err);
void oqz_resize_taps_release(struct oqz_resize_taps *t);
/* Every coordinate of the axis maps to itself: same length, scale 1, the whole region. */
bool oqz_resize_is_identity(const struct oqz_resize_axis *a);

#endif
