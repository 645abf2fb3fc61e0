/* SPDX-License-Identifier: Apache-2.0
 *
 * What the files of this task share: the instance, detections, and the way they take: heads.c (outputs to candidates),
 * nms.c (candidates to boxes), records.c (boxes to a record, records to figures).
 */
#ifndef DETECTION_H
#define DETECTION_H

#include "tasks/coco/data.h"
#include "tasks/coco/eval.h"
#include "tasks/common/common.h"
#include "tasks/common/life.h"

enum { MAX_STRIDES = 8, MAX_BINS = 64, N_FIGURES = 12 };
/* COCOeval's: sizes of objects that are told apart, and how many detections of a class and image are counted. */
enum { DETECTION_AREAS = 4, DETECTION_MAX_DET = 100 };
enum nms_kind { NMS_CLASS, NMS_ALL, NMS_NONE };

struct head;

struct task {
	COMMON_TASK_HEAD;
	struct coco_data data; /* empty for calibration images */
	int data_flags;        /* how it is read */
	const struct head *head;
	int bins;
	int64_t strides[MAX_STRIDES];
	size_t n_strides;
	const double *anchors; /* width, height, of each anchor of each level */
	size_t n_anchors;      /* of one level */
	const char *const *output_names;
	size_t n_output_names;
	float score_threshold, iou;
	bool inclusive, multi_label, clip, compat;
	enum nms_kind nms;
	size_t max_candidates, max_detections;
	const int64_t *class_ids;
	uint32_t *categories; /* of each class of the model: position in data.categories, or NO_CATEGORY */
	size_t n_classes;
};
#define NO_CATEGORY UINT32_MAX

/* (cell, class) with a score above the threshold; the cell's box is in struct candidates. */
struct candidate {
	float score;
	uint32_t class, cell;
};

/* What one image's outputs say. Boxes are x0, y0, x1, y1 in network pixels. */
struct candidates {
	struct candidate *v;
	size_t n, cap;
	float (*boxes)[4]; /* by cell; set for the cells that v names */
	size_t n_cells;
};
void candidates_release(const struct task *t, struct candidates *c);

struct detection {
	float score, box[4]; /* network pixels, later x, y, w, h in the image */
	uint32_t class;      /* of the model, later position of the category */
};

/* A head by its name; NULL when there is none. Fills in what follows from it and from parameters. */
const struct head *head_find(const char *name);
extern const char *const head_names[];
enum oqz_status head_setup(struct task *t, const struct oqz_params *p, struct oqz_failure *f);
/* All candidates of one image. */
enum oqz_status head_decode(const struct task *t, const struct oqz_output *outputs, size_t n,
                            const struct oqz_geometry *g, struct candidates *ret, struct oqz_failure *f);
/* Adds a candidate; the cell's box is the caller's to set. */
enum oqz_status candidates_add(const struct task *t, struct candidates *c, float score, uint32_t class, uint32_t cell,
                               struct oqz_failure *f);
enum oqz_status candidates_reserve(const struct task *t, struct candidates *c, size_t cells, struct oqz_failure *f);

/* The detections that suppression leaves, best first: at most t->max_detections, for which *ret has room. Reorders
 * the candidates. */
size_t nms(const struct task *t, struct candidates *c, struct detection *ret);

/* To x, y, w, h in pixels of the image, and the model's classes to categories (without one: dropped). */
size_t to_image(const struct task *t, const struct oqz_geometry *g, struct detection *d, size_t n);

/* match.c. Matches detections (by falling score) with an image's truth. `boxes` may be NULL: those in `d`; hits has
 * room for n. `matches` may be NULL, else gets annotation positions in the image, (class by class is the order of d)
 * for area "all": (COCO_THRESHOLDS, n), -1 without. */
enum oqz_status match_image(const struct task *t, size_t image, const struct detection *d, const double (*boxes)[4],
                            size_t n, struct coco_hits *hits, int32_t *matches, struct oqz_failure *f);
enum oqz_status record_add(const struct task *t, size_t image, const struct detection *d, size_t n, void *sink,
                           struct oqz_failure *f);
/* struct oqz_task's finish() and explain(). */
enum oqz_status detection_finish(void *self, const struct oqz_record *records, size_t n, void *metric_sink,
                                 struct oqz_failure *f);
enum oqz_status detection_explain(void *self, const struct oqz_record *record, char *text, size_t size,
                                  struct oqz_failure *f);

/* resample.c: struct oqz_task's resample_open(), resample(), resample_close(). */
enum oqz_status detection_resample_open(void *self, const struct oqz_record *records,
                                        const struct oqz_record *reference, size_t n, void **ret,
                                        struct oqz_failure *f);
enum oqz_status detection_resample(void *self, void *resampler, const uint32_t *times, void *metric_sink,
                                   struct oqz_failure *f);
void detection_resample_close(void *self, void *resampler);

/* A detection of a record, x, y, w, h in the image. */
struct found_box {
	double box[4];
	float score;
	uint32_t category;
	bool right; /* at IoU 0.5 */
};
/* Those with at least this score, at most `cap`, the best first. */
enum oqz_status record_boxes(const struct task *t, const struct oqz_record *record, float score, struct found_box *ret,
                             size_t cap, size_t *ret_n, struct oqz_failure *f);
/* draw.c: struct oqz_task's draw(). */
enum oqz_status detection_draw(void *self, const struct oqz_item *item, const struct oqz_record *record,
                               const struct oqz_output *outputs, size_t n_outputs, const struct oqz_geometry *geometry,
                               void *canvas, struct oqz_failure *f);

/* A record's parts. */
struct record_view {
	uint32_t image, n_truths, n_detections;
	const unsigned char *truths, *detections; /* as records.c has them */
};
enum oqz_status record_open(const struct task *t, const struct oqz_record *r, struct record_view *ret,
                            struct oqz_failure *f);
/* The category of truth i, and how many of it there are in area "all". */
uint32_t record_truths(const struct record_view *v, uint32_t i, uint32_t *ret_n);

/* What is accumulated of a category. */
struct coco_class {
	struct coco_entry *entries; /* sorted */
	size_t n;
	uint64_t truths[COCO_MAX_AREAS];
};
/* All records' detections, sorted by category; an entry's `record` is its place in the list. */
struct totals {
	struct coco_class *classes;
	struct coco_entry *entries;
	uint32_t *rank, *touched; /* of the image at hand, by class */
	size_t n;                 /* detections */
};
/* To be released also after a failure. A record that names no category of the data set is one. */
enum oqz_status totals_read(const struct task *t, const struct oqz_record *records, size_t n, struct totals *ret,
                            struct oqz_failure *f);
void totals_release(const struct task *t, struct totals *a);
/* Of the category that has most. */
size_t most_entries(const struct coco_class *classes, size_t n);
/* From n accumulated classes to the twelve figures of COCOeval.summarize(); work has room for
 * coco_work(most_entries()). */
void summarize(const struct coco_class *classes, size_t n, double *work, double figures[N_FIGURES]);

enum oqz_status detection_items(void *self, void *sink, struct oqz_failure *f);

/* judge.c: struct oqz_task's judge(). */
enum oqz_status detection_judge(void *self, const char *annotations, const char *predictions, void *sink,
                                struct oqz_failure *f);

#endif
