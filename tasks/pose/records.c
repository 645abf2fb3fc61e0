/* SPDX-License-Identifier: Apache-2.0
 *
 * A record is one person's keypoints in the image. Persons of one image are judged together, so matching is done in
 * finish(); a person that a resampled list names twice stands in a copy of its image, and a person that has no record
 * (another split, a damaged file) is no miss.
 *
 * Bytes, little-endian: u32 version, u32 annotation, f32 area of the crop, f32 score of the person, f32 scale x, y, f32
 * width and height of the box (struct frame), then 17 times f32 x, y, score.
 */
#include "pose.h"
#include "tasks/common/bytes.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { VERSION = 2, N_HEAD = 6, N_FLOATS = N_HEAD + COCO_KEYPOINTS * 3, RECORD_SIZE = 8 + 4 * N_FLOATS };

struct record {
	uint32_t annotation;
	struct frame frame;
	float score;
	struct keypoints k;
};

/* Mean of the scores above the threshold, 0 without any (mmpose: bbox_keypoint with a box score of 1). */
static float person_score(const struct task *t, const struct keypoints *k)
{
	float sum = 0;
	int n = 0;

	for (int i = 0; i < COCO_KEYPOINTS; i++)
		if (k->v[i][2] > t->keypoint_threshold) {
			sum += k->v[i][2];
			n++;
		}
	return n ? sum / (float)n : 0;
}

enum oqz_status record_add(const struct task *t, uint32_t annotation, const struct keypoints *k,
                           const struct frame *frame, void *sink, struct oqz_failure *f)
{
	const float head[N_HEAD] = { frame->area,     person_score(t, k), frame->scale[0],
		                     frame->scale[1], frame->box[0],      frame->box[1] };
	unsigned char bytes[RECORD_SIZE], *p = bytes + 8;

	put_u32(bytes, VERSION);
	put_u32(bytes + 4, annotation);
	for (int i = 0; i < N_HEAD; i++, p += 4)
		put_f32(p, head[i]);
	for (int i = 0; i < COCO_KEYPOINTS; i++)
		for (int c = 0; c < 3; c++, p += 4)
			put_f32(p, k->v[i][c]);
	return t->task_host->add_record(sink, bytes, sizeof bytes, f);
}

static enum oqz_status record_read(const struct task *t, const struct oqz_record *from, struct record *ret,
                                   struct oqz_failure *f)
{
	const unsigned char *p = from->data;
	float head[N_HEAD];

	if (from->size != RECORD_SIZE || get_u32(p) != VERSION)
		return t->host->fail(f, OQZ_E_DATA, "a record of %zu bytes that is not of this task", from->size);
	ret->annotation = get_u32(p + 4);
	p += 8;
	for (int i = 0; i < N_HEAD; i++, p += 4)
		head[i] = get_f32(p);
	ret->score = head[1];
	ret->frame = (struct frame) { head[0], { head[2], head[3] }, { head[4], head[5] } };
	for (int i = 0; i < COCO_KEYPOINTS; i++)
		for (int c = 0; c < 3; c++, p += 4)
			ret->k.v[i][c] = get_f32(p);
	bool known = t->n_items ? ret->annotation < t->data.n_annotations && t->is_item[ret->annotation]
	                        : ret->annotation == NO_PERSON;
	if (!known || isnan(ret->score))
		return t->host->fail(f, OQZ_E_DATA, "a record of person %" PRIu32 ", whom the data set does not have",
		                     ret->annotation);
	return OQZ_OK;
}

/* -------------------------------------------------------------------------------------------------- collecting */

static int by_place(const void *a, const void *b)
{
	const struct placed *x = a, *y = b;

	if (x->image != y->image)
		return x->image < y->image ? -1 : 1;
	if (x->copy != y->copy)
		return x->copy < y->copy ? -1 : 1;
	return (x->record > y->record) - (x->record < y->record);
}

static void judge_alone(struct totals *a, const struct coco_annotation *gt, struct placed *who)
{
	double at[COCO_KEYPOINTS][2];
	bool visible[COCO_KEYPOINTS];

	for (int k = 0; k < COCO_KEYPOINTS; k++) {
		at[k][0] = gt->keypoints[3 * k];
		at[k][1] = gt->keypoints[3 * k + 1];
		visible[k] = gt->keypoints[3 * k + 2] > 0;
	}
	distances_add(&a->d, who->p.keypoints, at, visible, gt->box + 2);
	who->oks = oks(gt, who->p.keypoints);
	a->own_oks += who->oks;
}

/* How far a person's keypoints lie from the float model's. Where that found none there is nothing to compare with. */
static enum oqz_status add_movement(const struct task *t, struct totals *a, const struct record *r,
                                    const struct oqz_record *reference, struct oqz_failure *f)
{
	double now[COCO_KEYPOINTS][2], then[COCO_KEYPOINTS][2];
	const double net[2] = { (double)r->frame.box[0] * (double)r->frame.scale[0],
		                (double)r->frame.box[1] * (double)r->frame.scale[1] };
	bool there[COCO_KEYPOINTS];
	struct record was;

	TRY(record_read(t, reference, &was, f));
	if (was.annotation != r->annotation)
		return t->host->fail(f, OQZ_E_DATA, "the records of two persons are held against each other");
	for (int k = 0; k < COCO_KEYPOINTS; k++) {
		there[k] = !t->reject || was.k.v[k][2] > 0;
		for (int c = 0; c < 2; c++) {
			now[k][c] = (double)r->k.v[k][c] * (double)r->frame.scale[c];
			then[k][c] = (double)was.k.v[k][c] * (double)r->frame.scale[c];
		}
	}
	struct placed *who = &a->persons[a->n - 1];
	distances_add(&who->moved, now, then, there, net);
	distances_join(&a->moved, &who->moved);
	return OQZ_OK;
}

static void add_person(const struct task *t, struct totals *a, const struct record *r, size_t index)
{
	struct placed *at = &a->persons[a->n++];
	double sum = 0;

	*at = (struct placed) { .record = (uint32_t)index };
	at->p = (struct person) { .score = r->score, .area = r->frame.area, .annotation = r->annotation };
	for (int k = 0; k < COCO_KEYPOINTS; k++) {
		at->p.keypoints[k][0] = r->k.v[k][0];
		at->p.keypoints[k][1] = r->k.v[k][1];
		sum += r->k.v[k][2];
	}
	a->confidence += sum / COCO_KEYPOINTS;
	if (r->annotation == NO_PERSON)
		return;
	at->image = t->data.annotations[r->annotation].image;
	at->copy = a->seen[r->annotation]++;
	judge_alone(a, &t->data.annotations[r->annotation], at);
}

/* Truths of the image: its persons that have a record here, and those that are never counted. */
static void admit(const struct task *t, const struct placed *p, size_t n, bool *counts)
{
	const struct coco_image *im = &t->data.images[p->image];

	for (size_t k = im->first; k < im->first + im->n; k++)
		counts[k] = !t->is_item[k];
	for (size_t i = 0; i < n; i++)
		counts[p[i].p.annotation] = true;
}

static enum oqz_status judge_image(const struct task *t, struct totals *a, const struct placed *p, size_t n,
                                   struct oqz_failure *f)
{
	struct coco_hits hits[POSE_MAX_DET];
	struct person *found = t->host->alloc((n + 1) * sizeof *found);

	if (!found)
		return t->host->fail(f, OQZ_E_NOMEM, "out of memory");
	admit(t, p, n, a->counts);
	for (size_t i = 0; i < n; i++)
		found[i] = p[i].p;
	if (t->oks_nms > 0)
		n = oks_nms(found, n, t->oks_nms);
	sort_persons(found, n);
	n = n < POSE_MAX_DET ? n : POSE_MAX_DET;
	enum oqz_status st = match_persons(t, p->image, a->counts, found, NULL, n, hits, a->truths, NULL, f);
	for (size_t i = 0; st == OQZ_OK && i < n; i++)
		a->entries[a->n_entries++] = (struct coco_entry) { found[i].score, (uint32_t)i, p->record, hits[i] };
	t->host->free_mem(found);
	return st;
}

enum oqz_status totals_read(const struct task *t, const struct oqz_record *records, const struct oqz_record *reference,
                            size_t n, struct totals *a, struct oqz_failure *f)
{
	const struct oqz_host *h = t->host;
	struct record r;

	*a = (struct totals) { 0 };
	a->persons = h->alloc((n + 1) * sizeof *a->persons);
	a->entries = h->alloc((n + 1) * sizeof *a->entries);
	a->seen = h->alloc((t->data.n_annotations + 1) * sizeof *a->seen);
	a->counts = h->alloc((t->data.n_annotations + 1) * sizeof *a->counts);
	if (!a->persons || !a->entries || !a->seen || !a->counts)
		return h->fail(f, OQZ_E_NOMEM, "out of memory");
	for (size_t i = 0; i < n; i++) {
		if (!records[i].data)
			continue;
		TRY(record_read(t, &records[i], &r, f));
		add_person(t, a, &r, i);
		if (reference && reference[i].data)
			TRY(add_movement(t, a, &r, &reference[i], f));
	}
	if (!a->n)
		return h->fail(f, OQZ_E_DATA, "none of the %zu persons was scored", n);
	if (!t->n_items)
		return OQZ_OK;
	qsort(a->persons, a->n, sizeof *a->persons, by_place);
	for (size_t i = 0, end; i < a->n; i = end) {
		end = image_end(a, i);
		uint64_t before = a->truths[0];
		TRY(judge_image(t, a, a->persons + i, end - i, f));
		a->persons[i].truths = (uint32_t)(a->truths[0] - before);
	}
	return coco_sort(a->entries, a->n_entries) ? OQZ_OK : h->fail(f, OQZ_E_NOMEM, "out of memory");
}

void totals_release(const struct task *t, struct totals *a)
{
	t->host->free_mem(a->persons);
	t->host->free_mem(a->entries);
	t->host->free_mem(a->seen);
	t->host->free_mem(a->counts);
}

/* -------------------------------------------------------------------------------------------------- figures */

static enum oqz_status set_figures(const struct task *t, const struct totals *a, void *sink, struct oqz_failure *f)
{
	static const char *const names[POSE_FIGURES] = { "ap", "ap50", "ap75", "ap_medium", "ap_large",
		                                         "ar", "ar50", "ar75", "ar_medium", "ar_large" };
	double figures[POSE_FIGURES], *work = t->host->alloc(coco_work(a->n_entries) * sizeof *work);

	if (!work)
		return t->host->fail(f, OQZ_E_NOMEM, "out of memory");
	pose_summarize(a->entries, a->n_entries, a->truths, work, figures);
	t->host->free_mem(work);
	for (int i = 0; i < POSE_FIGURES; i++)
		TRY(t->task_host->set_metric(sink, names[i], figures[i], f));
	TRY(t->task_host->set_metric(sink, "oks", a->own_oks / (double)a->n, f));
	TRY(t->task_host->set_metric(sink, "pck05", distances_pck(a->d.near5, a->d.valid), f));
	TRY(t->task_host->set_metric(sink, "pck10", distances_pck(a->d.near10, a->d.valid), f));
	return t->task_host->set_metric(sink, "epe", a->d.seen ? a->d.sum / (double)a->d.seen : 0, f);
}

static enum oqz_status set_movement(const struct task *t, const struct totals *a, void *sink, struct oqz_failure *f)
{
	const struct distances *d = &a->moved;

	TRY(t->task_host->set_metric(sink, "displacement", d->seen ? d->sum / (double)d->seen : 0, f));
	TRY(t->task_host->set_metric(sink, "pck05_float", d->seen ? distances_pck(d->near5, d->valid) : 1, f));
	TRY(t->task_host->set_metric(sink, "pck10_float", d->seen ? distances_pck(d->near10, d->valid) : 1, f));
	return t->task_host->set_metric(sink, "confidence", a->confidence / (double)a->n, f);
}

/* `reference` may be NULL: then nothing has moved. */
enum oqz_status pose_finish_beside(void *self, const struct oqz_record *records, const struct oqz_record *reference,
                                   size_t n, void *sink, struct oqz_failure *f)
{
	const struct task *t = self;
	struct totals a;
	enum oqz_status st = totals_read(t, records, reference, n, &a, f);

	if (st == OQZ_OK && t->n_items)
		st = set_figures(t, &a, sink, f);
	if (st == OQZ_OK)
		st = set_movement(t, &a, sink, f);
	totals_release(t, &a);
	return st;
}

enum oqz_status pose_finish(void *self, const struct oqz_record *records, size_t n, void *sink, struct oqz_failure *f)
{
	return pose_finish_beside(self, records, NULL, n, sink, f);
}

enum oqz_status pose_explain(void *self, const struct oqz_record *record, char *text, size_t size,
                             struct oqz_failure *f)
{
	const struct task *t = self;
	double at[COCO_KEYPOINTS][2];
	struct record r;

	TRY(record_read(t, record, &r, f));
	for (int k = 0; k < COCO_KEYPOINTS; k++) {
		at[k][0] = r.k.v[k][0];
		at[k][1] = r.k.v[k][1];
	}
	if (t->n_items)
		snprintf(text, size, "score %.3f, similarity with the annotation %.3f", r.score,
		         oks(&t->data.annotations[r.annotation], at));
	else
		snprintf(text, size, "score %.3f", r.score);
	return OQZ_OK;
}

enum oqz_status record_keypoints(const struct task *t, const struct oqz_record *record, struct keypoints *ret,
                                 struct oqz_failure *f)
{
	struct record r;

	TRY(record_read(t, record, &r, f));
	*ret = r.k;
	return OQZ_OK;
}
