/* SPDX-License-Identifier: Apache-2.0
 *
 * Detections made elsewhere (COCO results) against COCO annotations: the twelve figures under pycocotools' names. The
 * same matching and summing as for records, but on doubles as they stand in the file: a record keeps float32, which is
 * what models give.
 */
#include "detection.h"
#include "tasks/coco/results.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

struct judge {
	const struct task *t;
	struct coco_results r;
	struct coco_class *classes;
	struct coco_entry *entries;
	uint32_t *rank; /* in the image at hand, by category */
	double *work;
};

static enum oqz_status make_room(struct judge *j, struct oqz_failure *f)
{
	const struct oqz_host *h = j->t->host;
	size_t n = j->t->data.n_categories, at = 0;

	j->classes = h->alloc((n + 1) * sizeof *j->classes);
	j->rank = h->alloc((n + 1) * sizeof *j->rank);
	j->entries = h->alloc((j->r.n + 1) * sizeof *j->entries);
	if (!j->classes || !j->rank || !j->entries)
		return h->fail(f, OQZ_E_NOMEM, "out of memory");
	for (size_t i = 0; i < j->r.n; i++)
		j->classes[j->r.v[i].category].n++;
	j->work = h->alloc(coco_work(most_entries(j->classes, n)) * sizeof *j->work);
	if (!j->work)
		return h->fail(f, OQZ_E_NOMEM, "out of memory");
	for (size_t k = 0; k < n; k++) {
		j->classes[k].entries = j->entries + at;
		at += j->classes[k].n;
		j->classes[k].n = 0;
	}
	return OQZ_OK;
}

static void count_truths(struct judge *j, size_t image)
{
	const struct coco_image *im = &j->t->data.images[image];

	for (size_t k = im->first; k < im->first + im->n; k++) {
		const struct coco_annotation *a = &j->t->data.annotations[k];
		const struct coco_truth gt = { a->area, a->crowd, a->crowd, false };
		for (int area = 0; area < DETECTION_AREAS; area++)
			j->classes[a->category].truths[area] += coco_count(&coco_box_areas[area], &gt, 1);
	}
}

static void add_entries(struct judge *j, const struct coco_result *r, size_t n, const struct coco_hits *hits)
{
	for (size_t i = 0; i < n; i++)
		j->rank[r[i].category] = 0;
	for (size_t i = 0; i < n; i++) {
		struct coco_class *c = &j->classes[r[i].category];
		uint32_t rank = j->rank[r[i].category]++;
		if (rank < DETECTION_MAX_DET)
			c->entries[c->n++] = (struct coco_entry) { .score = r[i].score, .rank = rank, .hits = hits[i] };
	}
}

static enum oqz_status judge_image(void *ctx, size_t image, const struct coco_result *r, size_t n,
                                   struct oqz_failure *f)
{
	struct judge *j = ctx;
	const struct oqz_host *h = j->t->host;
	struct detection *d = h->alloc((n + 1) * sizeof *d);
	double(*boxes)[4] = h->alloc((n + 1) * sizeof *boxes);
	struct coco_hits *hits = h->alloc((n + 1) * sizeof *hits);
	enum oqz_status st = d && boxes && hits ? OQZ_OK : h->fail(f, OQZ_E_NOMEM, "out of memory");

	for (size_t i = 0; st == OQZ_OK && i < n; i++) {
		d[i].class = r[i].category;
		memcpy(boxes[i], r[i].box, sizeof *boxes);
	}
	if (st == OQZ_OK)
		st = match_image(j->t, image, d, (const double(*)[4])boxes, n, hits, NULL, f);
	if (st == OQZ_OK) {
		count_truths(j, image);
		add_entries(j, r, n, hits);
	}
	h->free_mem(d);
	h->free_mem(boxes);
	h->free_mem(hits);
	return st;
}

/* COCO's 80 names are unique; where two categories share one, the later goes by its id. */
static void category_name(const struct coco_data *d, size_t k, char *ret, size_t size)
{
	bool twice = false;

	for (size_t i = 0; i < k && !twice; i++)
		twice = strcmp(d->categories[i].name, d->categories[k].name) == 0;
	if (twice)
		snprintf(ret, size, "AP_category.%" PRId64, d->categories[k].id);
	else
		snprintf(ret, size, "AP_category.%s", d->categories[k].name);
}

static enum oqz_status set_figures(const struct judge *j, void *sink, struct oqz_failure *f)
{
	static const char *const names[N_FIGURES] = { "AP",  "AP50", "AP75",  "APs", "APm", "APl",
		                                      "AR1", "AR10", "AR100", "ARs", "ARm", "ARl" };
	const struct task *t = j->t;
	double figures[N_FIGURES];
	struct coco_curve curve;
	char name[600];

	summarize(j->classes, t->data.n_categories, j->work, figures);
	for (int i = 0; i < N_FIGURES; i++)
		TRY(t->task_host->set_metric(sink, names[i], figures[i], f));
	for (size_t k = 0; k < t->data.n_categories; k++) {
		const struct coco_class *c = &j->classes[k];
		struct coco_mean m = { 0, 0 };
		if (c->truths[0]) {
			coco_curve(c->entries, c->n, 0, DETECTION_MAX_DET, c->truths[0], j->work, &curve);
			coco_add_precision(&curve, 0, COCO_THRESHOLDS - 1, &m);
		}
		category_name(&t->data, k, name, sizeof name);
		TRY(t->task_host->set_metric(sink, name, coco_mean(m), f));
	}
	return OQZ_OK;
}

static enum oqz_status judge_all(struct judge *j, void *sink, struct oqz_failure *f)
{
	TRY(make_room(j, f));
	TRY(coco_results_by_image(&j->r, &j->t->data, judge_image, j, f));
	for (size_t k = 0; k < j->t->data.n_categories; k++)
		if (!coco_sort(j->classes[k].entries, j->classes[k].n))
			return j->t->host->fail(f, OQZ_E_NOMEM, "out of memory");
	return set_figures(j, sink, f);
}

enum oqz_status detection_judge(void *self, const char *annotations, const char *predictions, void *sink,
                                struct oqz_failure *f)
{
	struct task *t = self;
	const struct oqz_host *h = t->host;
	struct judge j = { .t = t };

	enum oqz_status st = coco_data_read(&t->data, h, annotations, t->data_flags, f);
	if (st == OQZ_OK)
		st = coco_results_read(&j.r, &t->data, predictions, 0, f);
	if (st == OQZ_OK)
		st = judge_all(&j, sink, f);
	coco_results_release(&j.r);
	h->free_mem(j.classes);
	h->free_mem(j.rank);
	h->free_mem(j.entries);
	h->free_mem(j.work);
	return st;
}
