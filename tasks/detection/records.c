/* SPDX-License-Identifier: Apache-2.0
 *
 * Records and figures. A record holds an image's detections and, of each, whether it matched at every threshold and
 * area (match.c); and how many truths each class has. Figures of any list of records, with repeats or without, are one
 * sorted pass over them: a resampled image counts as a new image.
 *
 * Bytes, little-endian: u8 version, u8 0, u16 0, u32 image, u32 n_truths, u32 n_detections; n_truths times u32
 * category, u32 truths[4]; n_detections times u32 category, f32 score, f32 x, y, w, h, u16 matched[4], u16 ignored[4].
 */
#include "detection.h"
#include "tasks/common/bytes.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { VERSION = 1, HEAD_SIZE = 16, TRUTH_SIZE = 20, DETECTION_SIZE = 40 };

static void put(unsigned char **p, uint32_t x, int bytes)
{
	put_little(*p, x, bytes);
	*p += bytes;
}

static uint32_t get(const unsigned char **p, int bytes)
{
	*p += bytes;
	return (uint32_t)get_little(*p - bytes, bytes);
}

/* -------------------------------------------------------------------------------------------------- writing */

/* The truths of each category in the image; *ret_n entries at *p. */
static uint32_t put_truths(const struct task *t, size_t image, unsigned char **p)
{
	const struct coco_image *i = &t->data.images[image];
	const struct coco_annotation *a = t->data.annotations + i->first;
	uint32_t n = 0;

	for (size_t k = 0; k < i->n; k++) {
		uint32_t counts[DETECTION_AREAS] = { 0 };
		bool first = true;
		for (size_t j = 0; j < k && first; j++)
			first = a[j].category != a[k].category;
		if (!first)
			continue;
		for (size_t j = k; j < i->n; j++) {
			const struct coco_truth gt = { a[j].area, a[j].crowd, a[j].crowd, false };
			for (int area = 0; a[j].category == a[k].category && area < DETECTION_AREAS; area++)
				counts[area] += coco_count(&coco_box_areas[area], &gt, 1);
		}
		put(p, a[k].category, 4);
		for (int area = 0; area < DETECTION_AREAS; area++)
			put(p, counts[area], 4);
		n++;
	}
	return n;
}

static void put_detection(unsigned char **p, const struct detection *d, const struct coco_hits *hits)
{
	put(p, d->class, 4);
	put(p, bits_of_f32(d->score), 4);
	for (int k = 0; k < 4; k++)
		put(p, bits_of_f32(d->box[k]), 4);
	for (int a = 0; a < DETECTION_AREAS; a++)
		put(p, hits->matched[a], 2);
	for (int a = 0; a < DETECTION_AREAS; a++)
		put(p, hits->ignored[a], 2);
}

enum oqz_status record_add(const struct task *t, size_t image, const struct detection *d, size_t n, void *sink,
                           struct oqz_failure *f)
{
	const struct oqz_host *h = t->host;
	size_t room = HEAD_SIZE + t->data.images[image].n * TRUTH_SIZE + n * DETECTION_SIZE;
	unsigned char *bytes = h->alloc(room), *p = bytes + HEAD_SIZE;
	struct coco_hits *hits = h->alloc((n + 1) * sizeof *hits);
	enum oqz_status st =
	    bytes && hits ? match_image(t, image, d, NULL, n, hits, NULL, f) : h->fail(f, OQZ_E_NOMEM, "out of memory");

	if (st == OQZ_OK) {
		uint32_t n_truths = put_truths(t, image, &p);
		for (size_t i = 0; i < n; i++)
			put_detection(&p, &d[i], &hits[i]);
		size_t size = (size_t)(p - bytes);
		p = bytes;
		put(&p, VERSION, 4);
		put(&p, (uint32_t)image, 4);
		put(&p, n_truths, 4);
		put(&p, (uint32_t)n, 4);
		st = t->task_host->add_record(sink, bytes, size, f);
	}
	h->free_mem(bytes);
	h->free_mem(hits);
	return st;
}

/* -------------------------------------------------------------------------------------------------- reading */

enum oqz_status record_open(const struct task *t, const struct oqz_record *r, struct record_view *ret,
                            struct oqz_failure *f)
{
	const unsigned char *p = r->data;

	if (r->size < HEAD_SIZE || get(&p, 4) != VERSION)
		return t->host->fail(f, OQZ_E_DATA, "a record of %zu bytes that is not of this task", r->size);
	ret->image = get(&p, 4);
	ret->n_truths = get(&p, 4);
	ret->n_detections = get(&p, 4);
	ret->truths = p;
	ret->detections = p + (size_t)ret->n_truths * TRUTH_SIZE;
	if (r->size != HEAD_SIZE + (uint64_t)ret->n_truths * TRUTH_SIZE + (uint64_t)ret->n_detections * DETECTION_SIZE)
		return t->host->fail(f, OQZ_E_DATA, "a record of %zu bytes that should hold %" PRIu32 " detections",
		                     r->size, ret->n_detections);
	return OQZ_OK;
}

uint32_t record_truths(const struct record_view *v, uint32_t i, uint32_t *ret_n)
{
	const unsigned char *p = v->truths + (size_t)i * TRUTH_SIZE;
	uint32_t class = get(&p, 4);

	*ret_n = get(&p, 4);
	return class;
}

static enum oqz_status count_record(const struct task *t, const struct record_view *v, struct totals *a,
                                    struct oqz_failure *f)
{
	const unsigned char *p = v->truths;

	for (uint32_t i = 0; i < v->n_truths; i++) {
		uint32_t class = get(&p, 4);
		if (class >= t->data.n_categories)
			return t->host->fail(f, OQZ_E_DATA, "a record names category %" PRIu32, class);
		for (int k = 0; k < DETECTION_AREAS; k++)
			a->classes[class].truths[k] += get(&p, 4);
	}
	for (uint32_t i = 0; i < v->n_detections; i++) {
		p = v->detections + (size_t)i * DETECTION_SIZE;
		uint32_t class = get(&p, 4);
		if (class >= t->data.n_categories)
			return t->host->fail(f, OQZ_E_DATA, "a record names category %" PRIu32, class);
		a->classes[class].n++;
		a->n++;
	}
	return OQZ_OK;
}

static void fill_record(const struct record_view *v, uint32_t record, struct totals *a)
{
	const unsigned char *p = v->detections;

	for (uint32_t i = 0; i < v->n_detections; i++) {
		uint32_t class = get(&p, 4);
		struct coco_class *c = &a->classes[class];
		struct coco_entry *e = &c->entries[c->n];
		e->score = f32_of_bits(get(&p, 4));
		p += 16;
		for (int k = 0; k < DETECTION_AREAS; k++)
			e->hits.matched[k] = (uint16_t)get(&p, 2);
		for (int k = 0; k < DETECTION_AREAS; k++)
			e->hits.ignored[k] = (uint16_t)get(&p, 2);
		e->rank = a->rank[class]++;
		e->record = record;
		a->touched[i] = class;
		c->n += e->rank < DETECTION_MAX_DET;
	}
	for (uint32_t i = 0; i < v->n_detections; i++)
		a->rank[a->touched[i]] = 0;
}

/* Counts first, then fills: `classes` has the entries' places in one array. */
enum oqz_status totals_read(const struct task *t, const struct oqz_record *records, size_t n, struct totals *a,
                            struct oqz_failure *f)
{
	const struct oqz_host *h = t->host;
	struct record_view v;
	size_t most = 0, at = 0, scored = 0;

	*a = (struct totals) { .classes = h->alloc((t->data.n_categories + 1) * sizeof *a->classes),
		               .rank = h->alloc((t->data.n_categories + 1) * sizeof *a->rank) };
	if (!a->classes || !a->rank)
		return h->fail(f, OQZ_E_NOMEM, "out of memory");
	for (size_t i = 0; i < n; i++) {
		if (!records[i].data)
			continue;
		TRY(record_open(t, &records[i], &v, f));
		TRY(count_record(t, &v, a, f));
		most = v.n_detections > most ? v.n_detections : most;
		scored++;
	}
	if (!scored)
		return h->fail(f, OQZ_E_DATA, "none of the %zu images was scored", n);
	a->entries = h->alloc((a->n + 1) * sizeof *a->entries);
	a->touched = h->alloc((most + 1) * sizeof *a->touched);
	if (!a->entries || !a->touched)
		return h->fail(f, OQZ_E_NOMEM, "out of memory");
	for (size_t k = 0; k < t->data.n_categories; k++) {
		a->classes[k].entries = a->entries + at;
		at += a->classes[k].n;
		a->classes[k].n = 0;
	}
	for (size_t i = 0; i < n; i++) {
		if (!records[i].data)
			continue;
		TRY(record_open(t, &records[i], &v, f));
		fill_record(&v, (uint32_t)i, a);
	}
	for (size_t k = 0; k < t->data.n_categories; k++)
		if (!coco_sort(a->classes[k].entries, a->classes[k].n))
			return h->fail(f, OQZ_E_NOMEM, "out of memory");
	return OQZ_OK;
}

void totals_release(const struct task *t, struct totals *a)
{
	t->host->free_mem(a->classes);
	t->host->free_mem(a->rank);
	t->host->free_mem(a->touched);
	t->host->free_mem(a->entries);
}

/* -------------------------------------------------------------------------------------------------- figures */

size_t most_entries(const struct coco_class *classes, size_t n)
{
	size_t most = 0;

	for (size_t k = 0; k < n; k++)
		most = classes[k].n > most ? classes[k].n : most;
	return most;
}

void summarize(const struct coco_class *classes, size_t n, double *work, double figures[N_FIGURES])
{
	static const uint32_t limits[3] = { 1, 10, 100 };
	struct coco_mean m[N_FIGURES] = { { 0, 0 } };
	struct coco_curve curve;

	for (size_t k = 0; k < n; k++) {
		const struct coco_class *c = &classes[k];
		for (size_t a = 0; a < DETECTION_AREAS; a++) {
			if (c->truths[a] == 0)
				continue;
			coco_curve(c->entries, c->n, a, DETECTION_MAX_DET, c->truths[a], work, &curve);
			coco_add_precision(&curve, 0, COCO_THRESHOLDS - 1, &m[a ? 2 + a : 0]);
			coco_add_recall(&curve, 0, COCO_THRESHOLDS - 1, &m[8 + a]);
			if (a)
				continue;
			coco_add_precision(&curve, 0, 0, &m[1]);
			coco_add_precision(&curve, 5, 5, &m[2]);
			for (int i = 0; i < 2; i++) {
				coco_curve(c->entries, c->n, 0, limits[i], c->truths[0], work, &curve);
				coco_add_recall(&curve, 0, COCO_THRESHOLDS - 1, &m[6 + i]);
			}
		}
	}
	for (int i = 0; i < N_FIGURES; i++)
		figures[i] = coco_mean(m[i]);
}

static enum oqz_status set_figures(const struct task *t, const struct totals *a, double *work, void *sink,
                                   struct oqz_failure *f)
{
	static const char *const names[N_FIGURES] = { "ap",   "ap50",  "ap75",   "ap_small", "ap_medium", "ap_large",
		                                      "ar_1", "ar_10", "ar_100", "ar_small", "ar_medium", "ar_large" };
	double figures[N_FIGURES];

	summarize(a->classes, t->data.n_categories, work, figures);
	for (int i = 0; i < N_FIGURES; i++)
		TRY(t->task_host->set_metric(sink, names[i], figures[i], f));
	return t->task_host->set_metric(sink, "boxes", (double)a->n, f);
}

enum oqz_status detection_finish(void *self, const struct oqz_record *records, size_t n, void *sink,
                                 struct oqz_failure *f)
{
	const struct task *t = self;
	struct totals a;
	double *work = NULL;
	enum oqz_status st = totals_read(t, records, n, &a, f);

	if (st == OQZ_OK &&
	    !(work = t->host->alloc(coco_work(most_entries(a.classes, t->data.n_categories)) * sizeof *work)))
		st = t->host->fail(f, OQZ_E_NOMEM, "out of memory");
	if (st == OQZ_OK)
		st = set_figures(t, &a, work, sink, f);
	totals_release(t, &a);
	t->host->free_mem(work);
	return st;
}

enum oqz_status detection_explain(void *self, const struct oqz_record *record, char *text, size_t size,
                                  struct oqz_failure *f)
{
	const struct task *t = self;
	struct record_view v;
	char best[100] = "";
	uint64_t truths = 0, shown = 0, right = 0;

	TRY(record_open(t, record, &v, f));
	const unsigned char *p = v.truths;
	for (uint32_t i = 0; i < v.n_truths; i++, p += 12) {
		get(&p, 4);
		truths += get(&p, 4);
	}
	for (uint32_t i = 0; i < v.n_detections; i++) {
		p = v.detections + (size_t)i * DETECTION_SIZE;
		uint32_t class = get(&p, 4);
		float score = f32_of_bits(get(&p, 4));
		p += 16;
		if (class >= t->data.n_categories)
			return t->host->fail(f, OQZ_E_DATA, "a record names category %" PRIu32, class);
		if (i == 0) {
			const char *whole = t->data.categories[class].name;
			char name[64];
			common_fit(name, sizeof name, whole, strlen(whole));
			snprintf(best, sizeof best, ", best %s %.3g", name, score);
		}
		shown += score >= 0.3f;
		right += score >= 0.3f && (get(&p, 2) & 1);
	}
	snprintf(text, size,
	         "%" PRIu32 " boxes%s; %" PRIu64 " from 0.3 up, %" PRIu64 " of them right at IoU 0.5; %" PRIu64
	         " to be found",
	         v.n_detections, best, shown, right, truths);
	return OQZ_OK;
}

enum oqz_status record_boxes(const struct task *t, const struct oqz_record *record, float score, struct found_box *ret,
                             size_t cap, size_t *ret_n, struct oqz_failure *f)
{
	struct record_view v;
	size_t n = 0;

	TRY(record_open(t, record, &v, f));
	for (uint32_t i = 0; i < v.n_detections && n < cap; i++) {
		const unsigned char *p = v.detections + (size_t)i * DETECTION_SIZE;
		ret[n].category = get(&p, 4);
		ret[n].score = f32_of_bits(get(&p, 4));
		for (int k = 0; k < 4; k++)
			ret[n].box[k] = f32_of_bits(get(&p, 4));
		ret[n].right = get(&p, 2) & 1;
		if (ret[n].category >= t->data.n_categories)
			return t->host->fail(f, OQZ_E_DATA, "a record names category %" PRIu32, ret[n].category);
		n += ret[n].score >= score;
	}
	*ret_n = n;
	return OQZ_OK;
}
