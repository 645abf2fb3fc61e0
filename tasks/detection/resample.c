/* SPDX-License-Identifier: Apache-2.0
 *
 * The figures that are bootstrapped, of lists that differ only in how often they name each record. Whether a detection
 * is right does not depend on other images, so detections are read and sorted once, and a list is one pass over what is
 * left of them. finish() would sort those of all images anew a thousand times over.
 */
#include "detection.h"

#include <string.h>

/* How many truths of a category a record has. */
struct share {
	uint32_t record, n;
};

struct class
{
	struct coco_marks marks;
	struct share *shares;
	size_t n_shares;
};

struct resampler {
	struct class *classes;
	struct coco_mark *marks; /* of all classes, one after the other; so are misses and shares */
	uint32_t *misses;
	struct share *shares;
	struct coco_room room;
};

void detection_resample_close(void *self, void *resampler)
{
	const struct oqz_host *h = ((const struct task *)self)->host;
	struct resampler *r = resampler;

	if (r) {
		h->free_mem(r->classes);
		h->free_mem(r->marks);
		h->free_mem(r->misses);
		h->free_mem(r->shares);
		h->free_mem(r->room.work);
	}
	h->free_mem(r);
}

/* Truths by category: counted, then filled in. */
static enum oqz_status read_shares(const struct task *t, struct resampler *r, const struct oqz_record *records,
                                   size_t n, bool fill, struct oqz_failure *f)
{
	struct record_view v;

	for (size_t i = 0; i < n; i++) {
		if (!records[i].data)
			continue;
		TRY(record_open(t, &records[i], &v, f));
		for (uint32_t k = 0; k < v.n_truths; k++) {
			struct share share = { .record = (uint32_t)i };
			struct class *c = &r->classes[record_truths(&v, k, &share.n)];
			if (fill)
				c->shares[c->n_shares] = share;
			c->n_shares++;
		}
	}
	return OQZ_OK;
}

static enum oqz_status prepare(const struct task *t, struct resampler *r, const struct totals *a,
                               const struct oqz_record *records, size_t n, struct oqz_failure *f)
{
	const struct oqz_host *h = t->host;
	size_t n_shares = 0, at = 0;

	r->classes = h->alloc((t->data.n_categories + 1) * sizeof *r->classes);
	r->marks = h->alloc((a->n + 1) * sizeof *r->marks);
	r->misses = h->alloc((a->n + 1) * sizeof *r->misses);
	if (!r->classes || !r->marks || !r->misses)
		return h->fail(f, OQZ_E_NOMEM, "out of memory");
	TRY(read_shares(t, r, records, n, false, f));
	for (size_t k = 0; k < t->data.n_categories; k++)
		n_shares += r->classes[k].n_shares;
	r->shares = h->alloc((n_shares + 1) * sizeof *r->shares);
	if (!r->shares)
		return h->fail(f, OQZ_E_NOMEM, "out of memory");
	n_shares = 0;
	for (size_t k = 0; k < t->data.n_categories; k++) {
		struct class *c = &r->classes[k];
		c->marks = (struct coco_marks) { .v = r->marks + at, .misses = r->misses + at };
		coco_find_marks(a->classes[k].entries, a->classes[k].n, 0, DETECTION_MAX_DET, &c->marks);
		at += a->classes[k].n;
		c->shares = r->shares + n_shares;
		n_shares += c->n_shares;
		c->n_shares = 0;
	}
	return read_shares(t, r, records, n, true, f);
}

enum oqz_status detection_resample_open(void *self, const struct oqz_record *records,
                                        const struct oqz_record *reference, size_t n, void **ret, struct oqz_failure *f)
{
	const struct task *t = self;
	struct resampler *r = t->host->alloc(sizeof *r);
	struct totals a;

	(void)reference;
	if (!r)
		return t->host->fail(f, OQZ_E_NOMEM, "out of memory");
	enum oqz_status st = totals_read(t, records, n, &a, f);
	if (st == OQZ_OK)
		st = prepare(t, r, &a, records, n, f);
	totals_release(t, &a);
	if (st == OQZ_OK)
		*ret = r;
	else
		detection_resample_close(self, r);
	return st;
}

enum oqz_status detection_resample(void *self, void *resampler, const uint32_t *times, void *sink,
                                   struct oqz_failure *f)
{
	/* first and last threshold */
	static const struct {
		const char *name;
		int first, last;
	} figures[] = { { "ap", 0, COCO_THRESHOLDS - 1 }, { "ap50", 0, 0 }, { "ap75", 5, 5 } };
	enum { N = sizeof figures / sizeof *figures };
	const struct task *t = self;
	struct resampler *r = resampler;
	struct coco_mean mean[N] = { { 0, 0 } };
	struct coco_curve curve;

	for (size_t k = 0; k < t->data.n_categories; k++) {
		const struct class *c = &r->classes[k];
		uint64_t truths = 0;
		for (size_t i = 0; i < c->n_shares; i++)
			truths += (uint64_t)times[c->shares[i].record] * c->shares[i].n;
		if (!truths)
			continue;
		TRY(coco_reserve(t->host, &r->room, truths, f));
		coco_curve_drawn(&c->marks, times, truths, r->room.work, &curve);
		for (int i = 0; i < N; i++)
			coco_add_precision(&curve, figures[i].first, figures[i].last, &mean[i]);
	}
	for (int i = 0; i < N; i++)
		TRY(t->task_host->set_metric(sink, figures[i].name, coco_mean(mean[i]), f));
	return OQZ_OK;
}
