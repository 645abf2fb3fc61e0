/* SPDX-License-Identifier: Apache-2.0
 *
 * COCO annotation files (instances_*.json, person_keypoints_*.json): images by rising id, each with its annotations in
 * file order, and categories by rising id.
 */
#ifndef COCO_DATA_H
#define COCO_DATA_H

#include <oqz/task.h>

enum { COCO_KEYPOINTS = 17 };

struct coco_annotation {
	int64_t id;
	double box[4];            /* x, y, w, h */
	double area;              /* of the segmentation */
	uint32_t image, category; /* positions in the lists */
	bool crowd;
	const double *keypoints; /* 17 times x, y, visibility; NULL unless read */
	int n_keypoints;         /* with a visibility above 0 */
};

struct coco_image {
	int64_t id;
	char *file;
	int32_t width, height; /* 0 when the file does not say */
	size_t first, n;       /* its annotations */
};

struct coco_category {
	int64_t id;
	char *name;
};

struct coco_data {
	const struct oqz_host *host;
	struct coco_image *images;
	struct coco_annotation *annotations;
	struct coco_category *categories;
	double *keypoints;
	size_t n_images, n_annotations, n_categories;
	size_t n_strays; /* annotations of images that the file does not list; left out, as pycocotools does */
	bool has_id_0;   /* an annotation has the id 0, whose match pycocotools takes for none */
};

/* Suffixes of images that stand without annotations. */
extern const char *const coco_image_suffixes[];

enum { COCO_READ_KEYPOINTS = 1, COCO_AREA_FROM_BOX = 2 };

/* *d is zero before; release it also after a failure. */
enum oqz_status coco_data_read(struct coco_data *d, const struct oqz_host *host, const char *path, int flags,
                               struct oqz_failure *f);
/* The file that a data set's parameter `annotations` names. With the reader `images` there is none: nothing is read,
 * and *d stays zero. */
enum oqz_status coco_data_open(struct coco_data *d, const struct oqz_host *host, const struct oqz_params *dataset,
                               int flags, struct oqz_failure *f);
void coco_data_release(struct coco_data *d);
/* Position in the list of the image, or category, with that id. */
bool coco_find_image(const struct coco_data *d, int64_t id, uint32_t *ret);
bool coco_find_category(const struct coco_data *d, int64_t id, uint32_t *ret);
/* What the annotations of an image say, in 32 bits: a part of its items' tags, so that other annotations make another
 * data set. */
uint32_t coco_image_hash(const struct coco_data *d, size_t image);

#endif
