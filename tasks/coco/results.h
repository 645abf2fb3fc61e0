/* SPDX-License-Identifier: Apache-2.0
 *
 * Files in the COCO results format: a list of {image_id, category_id, bbox or keypoints, score}, as programs write them
 * for pycocotools (its loadRes). Numbers stay doubles: two scores that differ in the twelfth digit are not equal.
 */
#ifndef COCO_RESULTS_H
#define COCO_RESULTS_H

#include "tasks/coco/data.h"

struct coco_result {
	uint32_t image, category; /* positions in the annotation file's lists */
	uint32_t order;           /* in the file */
	double score;
	double box[4];           /* x, y, w, h; all 0 where there is none */
	const double *keypoints; /* 17 times x, y, score; NULL without COCO_READ_KEYPOINTS */
};

struct coco_results {
	const struct oqz_host *host;
	struct coco_result *v; /* by image; in it by falling score, equal ones in the order of the file */
	size_t n;
	bool have_boxes; /* the first result has a box: loadRes then takes every result's size from its box */
	double *keypoints;
};

/* Boxes, or with COCO_READ_KEYPOINTS keypoints. A result for an image that the annotations do not list is an error,
 * as is one without a number where one belongs; one of an unknown category is left out, as pycocotools does (a warning
 * counts them). *r is zero before; release it also after a failure. */
enum oqz_status coco_results_read(struct coco_results *r, const struct coco_data *d, const char *path, int flags,
                                  struct oqz_failure *f);
/* Calls `each` with the results of every image of the annotations, those without any too, until it fails. */
enum oqz_status coco_results_by_image(const struct coco_results *r, const struct coco_data *d,
                                      enum oqz_status (*each)(void *ctx, size_t image, const struct coco_result *v,
                                                              size_t n, struct oqz_failure *f),
                                      void *ctx, struct oqz_failure *f);
void coco_results_release(struct coco_results *r);

#endif
