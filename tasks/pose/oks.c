/* SPDX-License-Identifier: Apache-2.0
 *
 * Object keypoint similarity and what is built on it: matching (COCOeval, keypoints), suppression (mmpose), figures;
 * and the plain distances of PCK and EPE.
 */
#include "pose.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Standard deviations of the annotators, relative to the object's size (COCO). */
static const double sigmas[COCO_KEYPOINTS] = { .026, .025, .025, .035, .035, .079, .079, .072, .072,
	                                       .062, .062, .107, .107, .087, .087, .089, .089 };

static double variance(int k) { return (sigmas[k] * 2) * (sigmas[k] * 2); }

double oks(const struct coco_annotation *gt, const double dt[COCO_KEYPOINTS][2])
{
	const double *b = gt->box, *v = gt->keypoints;
	double sum = 0;
	int labelled = 0;

	for (int k = 0; k < COCO_KEYPOINTS; k++)
		labelled += v[3 * k + 2] > 0;
	for (int k = 0; k < COCO_KEYPOINTS; k++) {
		double dx, dy;
		if (labelled && !(v[3 * k + 2] > 0))
			continue;
		if (labelled) {
			dx = dt[k][0] - v[3 * k];
			dy = dt[k][1] - v[3 * k + 1];
		} else { /* distance to the box, doubled */
			dx = fmax(0, b[0] - b[2] - dt[k][0]) + fmax(0, dt[k][0] - (b[0] + b[2] * 2));
			dy = fmax(0, b[1] - b[3] - dt[k][1]) + fmax(0, dt[k][1] - (b[1] + b[3] * 2));
		}
		sum += exp(-((dx * dx + dy * dy) / variance(k) / (gt->area + 2.220446049250313e-16) / 2));
	}
	return sum / (labelled ? labelled : COCO_KEYPOINTS);
}

static double similarity(const struct person *a, const struct person *b)
{
	double sum = 0;

	for (int k = 0; k < COCO_KEYPOINTS; k++) {
		double dx = b->keypoints[k][0] - a->keypoints[k][0], dy = b->keypoints[k][1] - a->keypoints[k][1];
		sum +=
		    exp(-((dx * dx + dy * dy) / variance(k) / ((a->area + b->area) / 2 + 2.220446049250313e-16) / 2));
	}
	return sum / COCO_KEYPOINTS;
}

/* Insertion, so that equal scores keep their order; an image has few persons. */
void sort_persons(struct person *p, size_t n)
{
	for (size_t i = 1; i < n; i++) {
		struct person x = p[i];
		size_t k = i;
		for (; k && p[k - 1].score < x.score; k--)
			p[k] = p[k - 1];
		p[k] = x;
	}
}

size_t oks_nms(struct person *p, size_t n, double limit)
{
	size_t kept = 0;

	sort_persons(p, n);
	for (size_t i = 0; i < n; i++) {
		bool free = true;
		for (size_t k = 0; k < kept && free; k++)
			free = similarity(&p[k], &p[i]) <= limit;
		if (free)
			p[kept++] = p[i];
	}
	return kept;
}

/* What pycocotools' loadRes takes as the size of a result: the extent of all its keypoints. */
static double extent(const struct person *p)
{
	double lo[2] = { INFINITY, INFINITY }, hi[2] = { -INFINITY, -INFINITY };

	for (int k = 0; k < COCO_KEYPOINTS; k++)
		for (int a = 0; a < 2; a++) {
			lo[a] = fmin(lo[a], p->keypoints[k][a]);
			hi[a] = fmax(hi[a], p->keypoints[k][a]);
		}
	return (hi[0] - lo[0]) * (hi[1] - lo[1]);
}

enum oqz_status match_persons(const struct task *t, size_t image, const bool *counts, const struct person *p,
                              const double *areas, size_t n, struct coco_hits *hits, uint64_t truths[POSE_AREAS],
                              int32_t *matches, struct oqz_failure *f)
{
	const struct oqz_host *h = t->host;
	const struct coco_image *im = &t->data.images[image];
	struct coco_truth *gt = h->alloc((im->n + 1) * sizeof *gt);
	double *sim = h->alloc((n * im->n + 1) * sizeof *sim), area[POSE_MAX_DET];
	const struct coco_annotation **of = h->alloc((im->n + 1) * sizeof *of);
	size_t n_gt = 0;
	bool ok = gt && sim && of;

	for (size_t k = 0; ok && k < im->n; k++) {
		const struct coco_annotation *a = &t->data.annotations[im->first + k];
		if (a->category != t->person || !counts[im->first + k])
			continue;
		of[n_gt] = a;
		gt[n_gt++] = (struct coco_truth) { a->area, a->crowd, a->crowd || a->n_keypoints == 0, false };
	}
	for (size_t i = 0; ok && i < n; i++) {
		area[i] = areas ? areas[i] : extent(&p[i]);
		for (size_t k = 0; k < n_gt; k++)
			sim[i * n_gt + k] = oks(of[k], p[i].keypoints);
	}
	ok = ok && coco_match(coco_keypoint_areas, POSE_AREAS, sim, n, area, n_gt, gt, hits, matches);
	for (int a = 0; ok && a < POSE_AREAS; a++)
		truths[a] += coco_count(&coco_keypoint_areas[a], gt, n_gt);
	h->free_mem(gt);
	h->free_mem(sim);
	h->free_mem(of);
	return ok ? OQZ_OK : h->fail(f, OQZ_E_NOMEM, "out of memory");
}

void pose_summarize(const struct coco_entry *e, size_t n, const uint64_t truths[POSE_AREAS], double *work,
                    double figures[POSE_FIGURES])
{
	/* first and last threshold of: all, .50, .75 */
	static const int range[3][2] = { { 0, COCO_THRESHOLDS - 1 }, { 0, 0 }, { 5, 5 } };
	struct coco_curve c;

	for (int i = 0; i < POSE_FIGURES; i++)
		figures[i] = -1;
	for (size_t a = 0; a < POSE_AREAS; a++) {
		if (!truths[a])
			continue;
		coco_curve(e, n, a, POSE_MAX_DET, truths[a], work, &c);
		for (int r = 0; r < (a ? 1 : 3); r++) {
			struct coco_mean precision = { 0, 0 }, recall = { 0, 0 };
			coco_add_precision(&c, range[r][0], range[r][1], &precision);
			coco_add_recall(&c, range[r][0], range[r][1], &recall);
			figures[a ? 2 + a : (size_t)r] = coco_mean(precision);
			figures[5 + (a ? 2 + a : (size_t)r)] = coco_mean(recall);
		}
	}
}

void distances_add(struct distances *d, const double pred[COCO_KEYPOINTS][2], const double gt[COCO_KEYPOINTS][2],
                   const bool *visible, const double norm[2])
{
	for (int k = 0; k < COCO_KEYPOINTS; k++) {
		double x = pred[k][0] - gt[k][0], y = pred[k][1] - gt[k][1];
		if (!visible[k])
			continue;
		d->sum += hypot(x, y);
		d->seen++;
		if (norm[0] == 0 || norm[1] == 0)
			continue;
		double relative = hypot(x / norm[0], y / norm[1]);
		d->valid[k]++;
		d->near5[k] += relative < 0.05;
		d->near10[k] += relative < 0.1;
	}
}

void distances_join(struct distances *d, const struct distances *more)
{
	for (int k = 0; k < COCO_KEYPOINTS; k++) {
		d->valid[k] += more->valid[k];
		d->near5[k] += more->near5[k];
		d->near10[k] += more->near10[k];
	}
	d->seen += more->seen;
	d->sum += more->sum;
}

double distances_pck(const uint64_t *near, const uint64_t *valid)
{
	double sum = 0;
	int n = 0;

	for (int k = 0; k < COCO_KEYPOINTS; k++) {
		if (!valid[k])
			continue;
		sum += (double)near[k] / (double)valid[k];
		n++;
	}
	return n ? sum / n : 0;
}
