/* SPDX-License-Identifier: Apache-2.0
 *
 * Detections of an image against its annotations, class by class, as COCOeval matches them (tasks/coco/eval.c).
 */
#include "detection.h"

#include <stdlib.h>
#include <string.h>

struct match_work {
	double *similarity, *area, (*box)[4];
	uint32_t *det; /* detections of the class */
	uint32_t *ann; /* annotations of the class, by place in the image */
	struct coco_truth *gt;
	struct coco_hits *hits; /* of `det` */
	int32_t *matches;
};

static enum oqz_status work_open(const struct task *t, struct match_work *w, size_t n_dt, size_t n_gt,
                                 struct oqz_failure *f)
{
	const struct oqz_host *h = t->host;

	w->similarity = h->alloc((DETECTION_MAX_DET * n_gt + 1) * sizeof *w->similarity);
	w->area = h->alloc((n_dt + 1) * sizeof *w->area);
	w->box = h->alloc((n_dt + 1) * sizeof *w->box);
	w->det = h->alloc((n_dt + 1) * sizeof *w->det);
	w->ann = h->alloc((n_gt + 1) * sizeof *w->ann);
	w->gt = h->alloc((n_gt + 1) * sizeof *w->gt);
	w->hits = h->alloc((n_dt + 1) * sizeof *w->hits);
	w->matches = h->alloc((DETECTION_MAX_DET * COCO_THRESHOLDS * DETECTION_AREAS + 1) * sizeof *w->matches);
	if (!w->similarity || !w->area || !w->box || !w->det || !w->ann || !w->gt || !w->hits || !w->matches)
		return h->fail(f, OQZ_E_NOMEM, "out of memory");
	return OQZ_OK;
}

static void work_close(const struct task *t, struct match_work *w)
{
	void *const all[] = { w->similarity, w->area, w->box, w->det, w->ann, w->gt, w->hits, w->matches };

	for (size_t i = 0; i < sizeof all / sizeof *all; i++)
		t->host->free_mem(all[i]);
}

/* The image's annotations of a category, in file order. */
static size_t collect_truths(const struct task *t, size_t image, uint32_t category, struct match_work *w)
{
	const struct coco_image *i = &t->data.images[image];
	size_t n = 0;

	for (size_t k = 0; k < i->n; k++) {
		const struct coco_annotation *a = &t->data.annotations[i->first + k];
		if (a->category != category)
			continue;
		w->ann[n] = (uint32_t)k;
		w->gt[n++] = (struct coco_truth) { a->area, a->crowd, a->crowd, t->compat && a->id == 0 };
	}
	return n;
}

/* Matches the detections of one category; those behind the first hundred stay unmatched and are never counted. */
static bool match_class(const struct task *t, size_t image, uint32_t category, const struct detection *d,
                        const double (*boxes)[4], size_t n, struct match_work *w, struct coco_hits *hits,
                        int32_t *matches)
{
	size_t n_dt = 0, n_gt = collect_truths(t, image, category, w);

	for (size_t i = 0; i < n && n_dt < DETECTION_MAX_DET; i++) {
		if (d[i].class != category)
			continue;
		for (int k = 0; k < 4; k++)
			w->box[n_dt][k] = boxes ? boxes[i][k] : d[i].box[k];
		w->area[n_dt] = w->box[n_dt][2] * w->box[n_dt][3];
		w->det[n_dt++] = (uint32_t)i;
	}
	for (size_t i = 0; i < n_dt; i++)
		for (size_t g = 0; g < n_gt; g++)
			w->similarity[i * n_gt + g] =
			    coco_box_iou(w->box[i], t->data.annotations[t->data.images[image].first + w->ann[g]].box,
			                 w->gt[g].crowd);
	if (!coco_match(coco_box_areas, DETECTION_AREAS, w->similarity, n_dt, w->area, n_gt, w->gt, w->hits,
	                w->matches))
		return false;
	for (size_t i = 0; i < n_dt; i++) {
		hits[w->det[i]] = w->hits[i];
		for (size_t k = 0; matches && k < COCO_THRESHOLDS; k++) {
			int32_t m = w->matches[k * n_dt + i];
			matches[k * n + w->det[i]] = m < 0 ? -1 : (int32_t)w->ann[m];
		}
	}
	return true;
}

static bool seen_before(const struct detection *d, size_t i)
{
	for (size_t k = 0; k < i; k++)
		if (d[k].class == d[i].class)
			return true;
	return false;
}

enum oqz_status match_image(const struct task *t, size_t image, const struct detection *d, const double (*boxes)[4],
                            size_t n, struct coco_hits *hits, int32_t *matches, struct oqz_failure *f)
{
	struct match_work w = { 0 };
	enum oqz_status st = work_open(t, &w, n, t->data.images[image].n, f);

	memset(hits, 0, n * sizeof *hits);
	for (size_t i = 0; matches && i < n * COCO_THRESHOLDS; i++)
		matches[i] = -1;
	for (size_t i = 0; i < n && st == OQZ_OK; i++)
		if (!seen_before(d, i) && !match_class(t, image, d[i].class, d, boxes, n, &w, hits, matches))
			st = t->host->fail(f, OQZ_E_NOMEM, "out of memory");
	work_close(t, &w);
	return st;
}
