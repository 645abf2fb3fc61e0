/* SPDX-License-Identifier: Apache-2.0
 *
 * COCOeval (pycocotools cocoeval.py) as two pure functions: matching within one image and class, and the precision and
 * recall of a class over images. Boxes and keypoints differ only in the similarity that is handed in. Matching does
 * not depend on other images, so tasks do it once, keep its outcome in their records, and resampling repeats the second
 * function alone.
 */
#ifndef COCO_EVAL_H
#define COCO_EVAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <oqz/plugin.h>

enum { COCO_THRESHOLDS = 10, COCO_RECALLS = 101, COCO_MAX_AREAS = 4 };

/* Similarity threshold t: .50, .55, ... as numpy's linspace rounds them (.9 is not the nearest double). */
static inline double coco_threshold(int t) { return 0.5 + t * ((0.95 - 0.5) / 9); }

/* Ranges of object area in square pixels, both ends inclusive; the first one is "all". */
struct coco_area {
	double lo, hi;
};
extern const struct coco_area coco_box_areas[4];      /* all, small, medium, large */
extern const struct coco_area coco_keypoint_areas[3]; /* all, medium, large */

struct coco_truth {
	double area;
	bool crowd;  /* may be matched any number of times */
	bool ignore; /* neither a hit nor a miss */
	bool silent; /* a match of it does not count as one: what pycocotools does with annotation id 0 */
};

/* Of one detection, bit t for threshold t: matched a truth; left out of the count. */
struct coco_hits {
	uint16_t matched[COCO_MAX_AREAS], ignored[COCO_MAX_AREAS];
};

/* Matches detections (by falling score) with truths (in file order) of one image and class. `similarity` is (n_dt,
 * n_gt). `matches` may be NULL, else gets (n_areas, COCO_THRESHOLDS, n_dt) indices of truths, or -1. False when out of
 * memory. */
bool coco_match(const struct coco_area *areas, size_t n_areas, const double *similarity, size_t n_dt,
                const double *dt_area, size_t n_gt, const struct coco_truth *gt, struct coco_hits *ret,
                int32_t *matches);
/* Truths that count in an area. */
uint32_t coco_count(const struct coco_area *area, const struct coco_truth *gt, size_t n);

/* Intersection over union of boxes x, y, w, h; for a crowd the union is the detection alone. */
double coco_box_iou(const double dt[4], const double gt[4], bool crowd);

/* One detection among all of its class. `rank` is its place in its image and class, from 0. */
struct coco_entry {
	double score;
	uint32_t rank, record; /* `record` says whose it is, for those who ask */
	struct coco_hits hits;
};
/* sort.c. By falling score, equal scores in the order given, NaN last; fewer than 2^32. False when out of memory. */
bool coco_sort(struct coco_entry *e, size_t n);

/* Precision at the recalls 0, .01 ... 1 and the final recall, for each threshold. */
struct coco_curve {
	double precision[COCO_THRESHOLDS][COCO_RECALLS], recall[COCO_THRESHOLDS];
	uint64_t hits[COCO_THRESHOLDS];
};
/* Of sorted entries whose rank is below max_det. `work` has room for coco_work(n) values. truths > 0. */
static inline size_t coco_work(size_t n) { return COCO_THRESHOLDS * n + 1; }
void coco_curve(const struct coco_entry *e, size_t n, size_t area, uint32_t max_det, uint64_t truths, double *work,
                struct coco_curve *ret);

/* The same for lists that differ only in how often they name each record: what of sorted entries matters then, in one
 * area, of those whose rank is below max_det. Most detections are misses at all thresholds, of which only the records
 * count. */
struct coco_mark {
	uint32_t record : 31;
	uint32_t tied : 1; /* of the same record and score as the one before */
	uint16_t matched, ignored;
	uint32_t misses; /* that come before it, behind the mark before */
};
struct coco_marks {
	struct coco_mark *v;
	size_t n;
	uint32_t *misses; /* the records of all of them, in order; those behind the last mark are left out */
};
/* `ret` has room for n marks and n misses. */
void coco_find_marks(const struct coco_entry *e, size_t n, size_t area, uint32_t max_det, struct coco_marks *ret);
/* The room of such curves, kept from list to list: it grows to that of the list with most truths. */
struct coco_room {
	double *work;
	uint64_t truths;
};
/* `free_mem(room->work)` in the end. */
enum oqz_status coco_reserve(const struct oqz_host *h, struct coco_room *room, uint64_t truths, struct oqz_failure *f);
/* The curve of the list in which record r comes times[r] times, one after the other. truths > 0 are those of that
 * list; `work` has room for coco_work(truths) values. */
void coco_curve_drawn(const struct coco_marks *m, const uint32_t *times, uint64_t truths, double *work,
                      struct coco_curve *ret);

/* A mean that leaves out what is not defined: -1 without any value, as COCO prints it. */
struct coco_mean {
	double sum;
	uint64_t n;
};
static inline double coco_mean(struct coco_mean m) { return m.n ? m.sum / (double)m.n : -1; }
/* Adds a curve's precision (or recall) for the thresholds first..last. */
void coco_add_precision(const struct coco_curve *c, int first, int last, struct coco_mean *m);
void coco_add_recall(const struct coco_curve *c, int first, int last, struct coco_mean *m);

#endif
