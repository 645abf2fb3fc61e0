/* SPDX-License-Identifier: Apache-2.0
 *
 * COCOeval's matching and accumulation, see eval.h. Sums and comparisons are in the original's order and precision
 * (double), so figures agree to the last bits.
 */
#include "eval.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

const struct coco_area coco_box_areas[4] = { { 0, 1e10 }, { 0, 1024 }, { 1024, 9216 }, { 9216, 1e10 } };
const struct coco_area coco_keypoint_areas[3] = { { 0, 1e10 }, { 1024, 9216 }, { 9216, 1e10 } };

static bool outside(const struct coco_area *a, double area) { return area < a->lo || area > a->hi; }

uint32_t coco_count(const struct coco_area *area, const struct coco_truth *gt, size_t n)
{
	uint32_t count = 0;

	for (size_t i = 0; i < n; i++)
		count += !gt[i].ignore && !outside(area, gt[i].area);
	return count;
}

double coco_box_iou(const double dt[4], const double gt[4], bool crowd)
{
	double w = fmin(dt[2] + dt[0], gt[2] + gt[0]) - fmax(dt[0], gt[0]);
	double h = fmin(dt[3] + dt[1], gt[3] + gt[1]) - fmax(dt[1], gt[1]);

	if (w <= 0 || h <= 0)
		return 0;
	double i = w * h, u = crowd ? dt[2] * dt[3] : dt[2] * dt[3] + gt[2] * gt[3] - i;
	return i / u;
}

/* One area's view of the truths: those that count come first, else in file order. */
struct field {
	size_t n_gt;
	const struct coco_truth *gt;
	uint32_t *order;
	bool *ignore;    /* by truth */
	uint16_t *taken; /* by truth, bit t */
};

static void order_truths(struct field *f, const struct coco_area *area)
{
	size_t n = 0;

	for (size_t g = 0; g < f->n_gt; g++)
		f->ignore[g] = f->gt[g].ignore || outside(area, f->gt[g].area);
	for (int last = 0; last < 2; last++)
		for (size_t g = 0; g < f->n_gt; g++)
			if (f->ignore[g] == last)
				f->order[n++] = (uint32_t)g;
	if (f->n_gt)
		memset(f->taken, 0, f->n_gt * sizeof *f->taken);
}

/* The best free truth for a detection, or -1. Of equal ones the later wins; one that counts is kept against those that
 * do not. */
static int32_t best_truth(const struct field *f, const double *similarity, int t)
{
	double best = fmin(coco_threshold(t), 1 - 1e-10);
	int32_t m = -1;

	for (size_t j = 0; j < f->n_gt; j++) {
		uint32_t g = f->order[j];
		if ((f->taken[g] >> t & 1) && !f->gt[g].crowd)
			continue;
		if (m >= 0 && !f->ignore[m] && f->ignore[g])
			break;
		if (!(similarity[g] >= best))
			continue;
		best = similarity[g];
		m = (int32_t)g;
	}
	return m;
}

bool coco_match(const struct coco_area *areas, size_t n_areas, const double *similarity, size_t n_dt,
                const double *dt_area, size_t n_gt, const struct coco_truth *gt, struct coco_hits *ret,
                int32_t *matches)
{
	char *memory = malloc((n_gt + 1) * (sizeof(uint32_t) + sizeof(uint16_t) + sizeof(bool)));
	struct field f = { .n_gt = n_gt, .gt = gt };

	if (!memory)
		return false;
	f.order = (uint32_t *)memory;
	f.taken = (uint16_t *)(f.order + n_gt + 1);
	f.ignore = (bool *)(f.taken + n_gt + 1);
	if (n_dt)
		memset(ret, 0, n_dt * sizeof *ret);
	for (size_t a = 0; a < n_areas; a++) {
		order_truths(&f, &areas[a]);
		for (int t = 0; t < COCO_THRESHOLDS; t++)
			for (size_t d = 0; d < n_dt; d++) {
				int32_t m = best_truth(&f, similarity + d * n_gt, t);
				bool matched = m >= 0 && !gt[m].silent, ignored = m >= 0 && f.ignore[m];
				if (m >= 0)
					f.taken[m] |= (uint16_t)(1u << t);
				if (!matched && outside(&areas[a], dt_area[d]))
					ignored = true;
				ret[d].matched[a] |= (uint16_t)((unsigned)matched << t);
				ret[d].ignored[a] |= (uint16_t)((unsigned)ignored << t);
				if (matches)
					matches[(a * COCO_THRESHOLDS + (size_t)t) * n_dt + d] = m;
			}
	}
	free(memory);
	return true;
}

/* For each recall r/100 the hits that it takes, less one: the least k with (k + 1) / truths >= r/100, compared as
 * doubles as the original does. */
static void hits_for_recalls(uint64_t truths, uint64_t ret[COCO_RECALLS])
{
	uint64_t k = 0;

	for (int r = 0; r < COCO_RECALLS; r++) {
		double near = r * 0.01 * (double)truths; /* off by less than 2 */
		if (near > (double)k + 2)
			k = (uint64_t)near - 2;
		while ((double)(k + 1) / (double)truths < r * 0.01)
			k++;
		ret[r] = k;
	}
}

/* What has been counted so far: detections, by threshold those left out and hits, and the precision at each hit, `room`
 * for each threshold. */
struct tally {
	uint64_t seen, ignored[COCO_THRESHOLDS], *hits, room;
	double *precision;
};

/* One detection that is a hit, or left out, at some threshold. Hits beyond `room`, which no records of this task have,
 * are not counted. */
static inline void tally_one(struct tally *a, unsigned matched, unsigned out)
{
	a->seen++;
	for (int t = 0; (matched | out) >> t && t < COCO_THRESHOLDS; t++) {
		if (out >> t & 1)
			a->ignored[t]++;
		else if ((matched >> t & 1) && a->hits[t] < a->room) {
			uint64_t h = ++a->hits[t];
			a->precision[(uint64_t)t * a->room + h - 1] =
			    (double)h / ((double)(a->seen - a->ignored[t]) + 2.220446049250313e-16);
		}
	}
}

/* Precision only rises at hits, so its envelope and the first place of each recall are found among the hits alone. */
static void curve_of(const struct tally *a, uint64_t truths, struct coco_curve *ret)
{
	uint64_t place[COCO_RECALLS], all = 0;

	for (int t = 0; t < COCO_THRESHOLDS; t++)
		all += a->hits[t];
	if (!all) {
		memset(ret, 0, sizeof *ret);
		return;
	}
	hits_for_recalls(truths, place);
	for (int t = 0; t < COCO_THRESHOLDS; t++) {
		double *precision = a->precision + (uint64_t)t * a->room;
		uint64_t hits = ret->hits[t];
		for (uint64_t i = hits; i > 1; i--)
			precision[i - 2] = fmax(precision[i - 2], precision[i - 1]);
		ret->recall[t] = (double)hits / (double)truths;
		for (int r = 0; r < COCO_RECALLS; r++)
			ret->precision[t][r] = place[r] < hits ? precision[place[r]] : 0;
	}
}

/* Most detections are misses at all thresholds, which need only be counted. */
void coco_curve(const struct coco_entry *e, size_t n, size_t area, uint32_t max_det, uint64_t truths, double *work,
                struct coco_curve *ret)
{
	struct tally a = { .hits = ret->hits, .room = n, .precision = work };

	memset(ret->hits, 0, sizeof ret->hits);
	for (size_t i = 0; i < n; i++)
		if (e[i].rank < max_det)
			tally_one(&a, e[i].hits.matched[area], e[i].hits.ignored[area]);
	curve_of(&a, truths, ret);
}

static unsigned marks_of(const struct coco_entry *e, size_t area)
{
	return e->hits.matched[area] | e->hits.ignored[area];
}

/* Entries of one record that have the same score end before this place. */
static size_t tied_end(const struct coco_entry *e, size_t n, size_t i)
{
	size_t end = i + 1;

	while (end < n && e[end].record == e[i].record && e[end].score == e[i].score)
		end++;
	return end;
}

void coco_find_marks(const struct coco_entry *e, size_t n, size_t area, uint32_t max_det, struct coco_marks *ret)
{
	size_t misses = 0, before = 0;

	ret->n = 0;
	for (size_t i = 0, end; i < n; i = end) {
		unsigned any = 0, first = 1;
		end = tied_end(e, n, i);
		for (size_t k = i; k < end; k++)
			any |= e[k].rank < max_det ? marks_of(&e[k], area) : 0;
		for (size_t k = i; k < end; k++) {
			if (e[k].rank >= max_det)
				continue;
			if (!any) {
				ret->misses[misses++] = e[k].record;
				continue;
			}
			ret->v[ret->n++] = (struct coco_mark) { .record = e[k].record & INT32_MAX,
				                                .tied = !first,
				                                .matched = e[k].hits.matched[area],
				                                .ignored = e[k].hits.ignored[area],
				                                .misses = (uint32_t)(misses - before) };
			first = 0;
			before = misses;
		}
	}
}

enum oqz_status coco_reserve(const struct oqz_host *h, struct coco_room *room, uint64_t truths, struct oqz_failure *f)
{
	if (room->work && truths <= room->truths)
		return OQZ_OK;
	h->free_mem(room->work);
	room->work = h->alloc(coco_work(truths) * sizeof *room->work);
	room->truths = truths;
	return room->work ? OQZ_OK : h->fail(f, OQZ_E_NOMEM, "out of memory");
}

/* Equal scores stay in the list's order: all of a record, then all of its next copy. */
void coco_curve_drawn(const struct coco_marks *m, const uint32_t *times, uint64_t truths, double *work,
                      struct coco_curve *ret)
{
	struct tally a = { .hits = ret->hits, .room = truths, .precision = work };
	const uint32_t *miss = m->misses;

	memset(ret->hits, 0, sizeof ret->hits);
	for (size_t i = 0, end; i < m->n; i = end) {
		for (uint32_t k = 0; k < m->v[i].misses; k++)
			a.seen += times[*miss++];
		for (end = i + 1; end < m->n && m->v[end].tied;)
			end++;
		for (uint32_t left = times[m->v[i].record]; left; left--)
			for (size_t k = i; k < end; k++)
				tally_one(&a, m->v[k].matched, m->v[k].ignored);
	}
	curve_of(&a, truths, ret);
}

void coco_add_precision(const struct coco_curve *c, int first, int last, struct coco_mean *m)
{
	for (int t = first; t <= last; t++)
		for (int r = 0; r < COCO_RECALLS && c->hits[t]; r++) /* else zeros */
			m->sum += c->precision[t][r];
	m->n += (uint64_t)(last - first + 1) * COCO_RECALLS;
}

void coco_add_recall(const struct coco_curve *c, int first, int last, struct coco_mean *m)
{
	for (int t = first; t <= last; t++)
		m->sum += c->recall[t];
	m->n += (uint64_t)(last - first + 1);
}
