/* SPDX-License-Identifier: Apache-2.0
 *
 * The figures that are bootstrapped, of lists that differ only in how often they name each record. Lists are drawn
 * image by image, so the persons of an image are matched once, and a list is one pass over them; one that takes an
 * image's persons apart is left to finish().
 */
#include "pose.h"

struct resampler {
	const struct oqz_record *records, *reference;
	size_t n;
	struct totals totals;
	struct coco_marks marks;
	struct coco_room room;
};

void pose_resample_close(void *self, void *resampler)
{
	const struct task *t = self;
	struct resampler *r = resampler;

	if (r) {
		totals_release(t, &r->totals);
		t->host->free_mem(r->marks.v);
		t->host->free_mem(r->marks.misses);
		t->host->free_mem(r->room.work);
	}
	t->host->free_mem(r);
}

enum oqz_status pose_resample_open(void *self, const struct oqz_record *records, const struct oqz_record *reference,
                                   size_t n, void **ret, struct oqz_failure *f)
{
	const struct task *t = self;
	struct resampler *r = t->host->alloc(sizeof *r);

	if (!r)
		return t->host->fail(f, OQZ_E_NOMEM, "out of memory");
	*r = (struct resampler) { .records = records, .reference = reference, .n = n };
	enum oqz_status st = totals_read(t, records, reference, n, &r->totals, f);
	if (st == OQZ_OK) {
		r->marks.v = t->host->alloc((r->totals.n_entries + 1) * sizeof *r->marks.v);
		r->marks.misses = t->host->alloc((r->totals.n_entries + 1) * sizeof *r->marks.misses);
		if (!r->marks.v || !r->marks.misses)
			st = t->host->fail(f, OQZ_E_NOMEM, "out of memory");
	}
	if (st == OQZ_OK) {
		coco_find_marks(r->totals.entries, r->totals.n_entries, 0, POSE_MAX_DET, &r->marks);
		*ret = r;
	} else {
		pose_resample_close(self, r);
	}
	return st;
}

/* The persons of every image come equally often. */
static bool whole_images(const struct totals *a, const uint32_t *times)
{
	for (size_t i = 0, end; i < a->n; i = end) {
		end = image_end(a, i);
		for (size_t k = i + 1; k < end; k++)
			if (times[a->persons[k].record] != times[a->persons[i].record])
				return false;
	}
	return true;
}

static enum oqz_status finish_list(struct task *t, const struct resampler *r, const uint32_t *times, void *sink,
                                   struct oqz_failure *f)
{
	size_t n = 0, at = 0;

	for (size_t i = 0; i < r->n; i++)
		n += times[i];
	struct oqz_record *list = t->host->alloc((2 * n + 1) * sizeof *list), *beside = list + n;
	if (!list)
		return t->host->fail(f, OQZ_E_NOMEM, "out of memory");
	for (size_t i = 0; i < r->n; i++)
		for (uint32_t left = times[i]; left; left--, at++) {
			list[at] = r->records[i];
			beside[at] = r->reference ? r->reference[i] : list[at];
		}
	enum oqz_status st = pose_finish_beside(t, list, r->reference ? beside : NULL, n, sink, f);
	t->host->free_mem(list);
	return st;
}

static enum oqz_status set_precision(struct task *t, struct resampler *r, const uint32_t *times, void *sink,
                                     struct oqz_failure *f)
{
	const struct totals *a = &r->totals;
	struct coco_mean mean = { 0, 0 };
	struct coco_curve curve;
	uint64_t truths = 0;

	for (size_t i = 0; i < a->n; i = image_end(a, i))
		truths += (uint64_t)times[a->persons[i].record] * a->persons[i].truths;
	if (truths) {
		TRY(coco_reserve(t->host, &r->room, truths, f));
		coco_curve_drawn(&r->marks, times, truths, r->room.work, &curve);
		coco_add_precision(&curve, 0, COCO_THRESHOLDS - 1, &mean);
	}
	return t->task_host->set_metric(sink, "ap", coco_mean(mean), f);
}

enum oqz_status pose_resample(void *self, void *resampler, const uint32_t *times, void *sink, struct oqz_failure *f)
{
	struct task *t = self;
	struct resampler *r = resampler;
	const struct totals *a = &r->totals;
	double own = 0, moved = 0;
	uint64_t n = 0, seen = 0;

	if (t->n_items && !whole_images(a, times))
		return finish_list(t, r, times, sink, f);
	for (size_t i = 0; i < a->n; i++) {
		uint32_t copies = times[a->persons[i].record];
		n += copies;
		own += copies * a->persons[i].oks;
		moved += copies * a->persons[i].moved.sum;
		seen += copies * a->persons[i].moved.seen;
	}
	if (!n)
		return t->host->fail(f, OQZ_E_DATA, "none of the persons was scored");
	TRY(t->task_host->set_metric(sink, "displacement", seen ? moved / (double)seen : 0, f));
	if (!t->n_items)
		return OQZ_OK;
	TRY(t->task_host->set_metric(sink, "oks", own / (double)n, f));
	return set_precision(t, r, times, sink, f);
}
