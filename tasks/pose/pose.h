/* SPDX-License-Identifier: Apache-2.0
 *
 * What the files of this task share: decode.c (outputs to keypoints), oks.c (similarity and matching), pose.c (records
 * and figures), dataset.c (persons).
 */
#ifndef POSE_H
#define POSE_H

#include "tasks/coco/data.h"
#include "tasks/coco/eval.h"
#include "tasks/common/common.h"
#include "tasks/common/life.h"

enum pose_head { HEAD_HEATMAP, HEAD_SIMCC, HEAD_REGRESSION, HEAD_OFFSETS, HEAD_ROWS };
enum { POSE_FIGURES = 10, POSE_MAX_DET = 20, POSE_AREAS = 3 };

struct task {
	COMMON_TASK_HEAD;
	struct coco_data data; /* empty for images without annotations */
	uint32_t person;       /* the category */
	uint32_t *items;       /* annotations that are items, by rising annotation id */
	size_t n_items;
	bool *is_item; /* by annotation */
	enum pose_head head;
	const char *const *output_names;
	size_t n_output_names;
	bool shift, reject;
	double split, keypoint_threshold, oks_nms;
};
#define NO_PERSON UINT32_MAX /* record of an image without annotations */

/* x, y, score of each keypoint. */
struct keypoints {
	float v[COCO_KEYPOINTS][3];
};

/* decode.c: keypoints in network pixels. */
enum oqz_status pose_decode(const struct task *t, const struct oqz_output *outputs, size_t n,
                            const struct oqz_geometry *g, struct keypoints *ret, struct oqz_failure *f);
/* (H, W) of one keypoint: its place in cells, and the maximum. */
void heatmap_peak(const float *map, int64_t h, int64_t w, bool shift, bool reject, float ret[3]);
/* Index of the first maximum, NaN left out; -1 without any. */
int64_t first_maximum(const float *x, int64_t n);
/* decode_movenet.c. Four outputs of one size: heatmaps (1, 17, H, W), centres (1, 1, H, W), regression from the centre
 * and offsets, (1, 34, H, W) each, x and y of a keypoint after each other. */
enum oqz_status decode_offsets(const struct task *t, const struct oqz_output *const o[4], const struct oqz_geometry *g,
                               struct keypoints *ret, struct oqz_failure *f);
/* 17 rows of y, x, score in shares of the frame: MoveNet with its decoder in the graph. */
enum oqz_status decode_rows(const struct task *t, const struct oqz_output *o, const struct oqz_geometry *g,
                            struct keypoints *ret, struct oqz_failure *f);

/* oks.c. A detection as the evaluator sees it. */
struct person {
	double keypoints[COCO_KEYPOINTS][2], score;
	double area; /* of the crop, for suppression */
	uint32_t annotation;
};
/* Object keypoint similarity with an annotation (pycocotools). */
double oks(const struct coco_annotation *gt, const double dt[COCO_KEYPOINTS][2]);
/* Drops persons that are too similar to better ones (mmpose's oks_nms); returns how many stay, best first. */
size_t oks_nms(struct person *p, size_t n, double limit);
/* Matches the persons found in one image with the annotations that `counts` admits; p is sorted by score, n at most
 * POSE_MAX_DET. `areas` are their sizes, NULL: the extents of their keypoints. `matches` may be NULL, else gets
 * (POSE_AREAS, COCO_THRESHOLDS, n) places in the image's annotations of persons, or -1. */
enum oqz_status match_persons(const struct task *t, size_t image, const bool *counts, const struct person *p,
                              const double *areas, size_t n, struct coco_hits *hits, uint64_t truths[POSE_AREAS],
                              int32_t *matches, struct oqz_failure *f);
void sort_persons(struct person *p, size_t n);
/* From sorted entries to the ten figures of COCOeval.summarize(); work has room for coco_work(n). */
void pose_summarize(const struct coco_entry *e, size_t n, const uint64_t truths[POSE_AREAS], double *work,
                    double figures[POSE_FIGURES]);

/* Distances to annotated keypoints, over persons (mmpose keypoint_pck_accuracy, keypoint_epe). */
struct distances {
	uint64_t valid[COCO_KEYPOINTS], near5[COCO_KEYPOINTS], near10[COCO_KEYPOINTS], seen;
	double sum;
};
/* `visible` by keypoint; `norm` in x and y: a person with a zero in it counts for the mean distance alone. */
void distances_add(struct distances *d, const double pred[COCO_KEYPOINTS][2], const double gt[COCO_KEYPOINTS][2],
                   const bool *visible, const double norm[2]);
void distances_join(struct distances *d, const struct distances *more);
double distances_pck(const uint64_t *near, const uint64_t *valid);

/* records.c */
/* A person's place among images and their copies, and what it adds to sums over persons. */
struct placed {
	uint32_t image, copy;
	uint32_t record; /* its place in the list */
	uint32_t truths; /* of the first person of an image: those that count in it, of all sizes */
	struct person p;
	double oks;             /* with its own annotation */
	struct distances moved; /* from the float model's keypoints; in pixels of the network's input */
};
struct totals {
	struct placed *persons; /* by image and copy */
	size_t n;
	uint32_t *seen;             /* records so far, by annotation */
	bool *counts;               /* by annotation: a truth of the image at hand */
	struct coco_entry *entries; /* sorted; `record` is that of the image's first person */
	size_t n_entries;
	uint64_t truths[POSE_AREAS];
	struct distances d;
	double own_oks, confidence;
	struct distances moved;
};
/* The persons of one image that begin at i end before this place. */
static inline size_t image_end(const struct totals *a, size_t i)
{
	size_t end = i + 1;

	while (end < a->n && a->persons[end].image == a->persons[i].image && a->persons[end].copy == a->persons[i].copy)
		end++;
	return end;
}
/* Judges all persons; `reference` may be NULL: then nothing has moved. To be released also after a failure. */
enum oqz_status totals_read(const struct task *t, const struct oqz_record *records, const struct oqz_record *reference,
                            size_t n, struct totals *ret, struct oqz_failure *f);
void totals_release(const struct task *t, struct totals *a);

/* dataset.c */
enum oqz_status dataset_find_person(struct task *t, const char *path, struct oqz_failure *f);
enum oqz_status pose_open_dataset(void *self, const struct oqz_params *params, struct oqz_failure *f);
enum oqz_status pose_items(void *self, void *sink, struct oqz_failure *f);

/* records.c */
/* Where a person's keypoints are measured. */
struct frame {
	float area;     /* of the crop, in pixels of the image */
	float scale[2]; /* pixels of the network's input per pixel of the image */
	float box[2];   /* width and height of the person's box, in pixels of the image */
};
enum oqz_status record_keypoints(const struct task *t, const struct oqz_record *record, struct keypoints *ret,
                                 struct oqz_failure *f);
/* draw.c: struct oqz_task's draw(). */
enum oqz_status pose_draw(void *self, const struct oqz_item *item, const struct oqz_record *record,
                          const struct oqz_output *outputs, size_t n_outputs, const struct oqz_geometry *geometry,
                          void *canvas, struct oqz_failure *f);
enum oqz_status record_add(const struct task *t, uint32_t annotation, const struct keypoints *k,
                           const struct frame *frame, void *sink, struct oqz_failure *f);
/* struct oqz_task's finish(), finish_beside() and explain(). */
enum oqz_status pose_finish(void *self, const struct oqz_record *records, size_t n, void *metric_sink,
                            struct oqz_failure *f);
enum oqz_status pose_finish_beside(void *self, const struct oqz_record *records, const struct oqz_record *reference,
                                   size_t n, void *metric_sink, struct oqz_failure *f);
enum oqz_status pose_explain(void *self, const struct oqz_record *record, char *text, size_t size,
                             struct oqz_failure *f);

/* resample.c: struct oqz_task's resample_open(), resample(), resample_close(). */
enum oqz_status pose_resample_open(void *self, const struct oqz_record *records, const struct oqz_record *reference,
                                   size_t n, void **ret, struct oqz_failure *f);
enum oqz_status pose_resample(void *self, void *resampler, const uint32_t *times, void *metric_sink,
                              struct oqz_failure *f);
void pose_resample_close(void *self, void *resampler);

/* judge.c: keypoints made elsewhere against annotations; sets figures. */
enum oqz_status pose_judge(void *self, const char *annotations, const char *predictions, void *sink,
                           struct oqz_failure *f);

#endif
