/* SPDX-License-Identifier: Apache-2.0
 *
 * Keypoints made elsewhere (COCO results) against COCO annotations: the ten figures under pycocotools' names. All
 * persons of the file count, those without a result too; nothing is suppressed.
 */
#include "pose.h"
#include "tasks/coco/results.h"

#include <string.h>

struct judge {
	const struct task *t;
	struct coco_results r;
	struct person *persons; /* of one image */
	double *area;
	bool *counts;
	struct coco_entry *entries;
	size_t n_entries;
	uint64_t truths[POSE_AREAS];
};

static enum oqz_status make_room(struct judge *j, struct oqz_failure *f)
{
	const struct oqz_host *h = j->t->host;

	j->persons = h->alloc((j->r.n + 1) * sizeof *j->persons);
	j->area = h->alloc((j->r.n + 1) * sizeof *j->area);
	j->entries = h->alloc((j->r.n + 1) * sizeof *j->entries);
	j->counts = h->alloc((j->t->data.n_annotations + 1) * sizeof *j->counts);
	if (!j->persons || !j->area || !j->entries || !j->counts)
		return h->fail(f, OQZ_E_NOMEM, "out of memory");
	for (size_t i = 0; i < j->t->data.n_annotations; i++)
		j->counts[i] = true;
	return OQZ_OK;
}

static enum oqz_status judge_image(void *ctx, size_t image, const struct coco_result *r, size_t n,
                                   struct oqz_failure *f)
{
	struct judge *j = ctx;
	struct coco_hits hits[POSE_MAX_DET];
	size_t kept = 0;

	for (size_t i = 0; i < n && kept < POSE_MAX_DET; i++) {
		if (r[i].category != j->t->person)
			continue;
		struct person *p = &j->persons[kept];
		p->score = r[i].score;
		for (int k = 0; k < COCO_KEYPOINTS; k++)
			for (int a = 0; a < 2; a++)
				p->keypoints[k][a] = r[i].keypoints[3 * k + a];
		j->area[kept++] = r[i].box[2] * r[i].box[3];
	}
	TRY(match_persons(j->t, image, j->counts, j->persons, j->r.have_boxes ? j->area : NULL, kept, hits, j->truths,
	                  NULL, f));
	for (size_t i = 0; i < kept; i++)
		j->entries[j->n_entries++] =
		    (struct coco_entry) { .score = j->persons[i].score, .rank = (uint32_t)i, .hits = hits[i] };
	return OQZ_OK;
}

static enum oqz_status judge_all(struct judge *j, void *sink, struct oqz_failure *f)
{
	static const char *const names[POSE_FIGURES] = { "AP", "AP50", "AP75", "APM", "APL",
		                                         "AR", "AR50", "AR75", "ARM", "ARL" };
	const struct oqz_host *h = j->t->host;
	double figures[POSE_FIGURES];

	TRY(make_room(j, f));
	TRY(coco_results_by_image(&j->r, &j->t->data, judge_image, j, f));
	double *work = h->alloc(coco_work(j->n_entries) * sizeof *work);
	if (!work || !coco_sort(j->entries, j->n_entries)) {
		h->free_mem(work);
		return h->fail(f, OQZ_E_NOMEM, "out of memory");
	}
	pose_summarize(j->entries, j->n_entries, j->truths, work, figures);
	h->free_mem(work);
	for (int i = 0; i < POSE_FIGURES; i++)
		TRY(j->t->task_host->set_metric(sink, names[i], figures[i], f));
	return OQZ_OK;
}

enum oqz_status pose_judge(void *self, const char *annotations, const char *predictions, void *sink,
                           struct oqz_failure *f)
{
	struct task *t = self;
	const struct oqz_host *h = t->host;
	struct judge j = { .t = t };

	enum oqz_status st = coco_data_read(&t->data, h, annotations, COCO_READ_KEYPOINTS, f);
	if (st == OQZ_OK)
		st = dataset_find_person(t, annotations, f);
	if (st == OQZ_OK)
		st = coco_results_read(&j.r, &t->data, predictions, COCO_READ_KEYPOINTS, f);
	if (st == OQZ_OK)
		st = judge_all(&j, sink, f);
	coco_results_release(&j.r);
	h->free_mem(j.persons);
	h->free_mem(j.area);
	h->free_mem(j.entries);
	h->free_mem(j.counts);
	return st;
}
