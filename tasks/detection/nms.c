/* SPDX-License-Identifier: Apache-2.0
 *
 * Greedy suppression. Candidates are taken from a heap, best first, until enough are kept: a candidate's fate depends
 * on better ones only, so the result is that of sorting everything, without sorting the hundred thousand pairs that
 * pass a threshold of 0.001. float32 arithmetic in the original's order, so that overlaps near the limit fall the same
 * way; classes are kept apart by comparing them, not by shifting boxes, which would round coordinates.
 */
#include "detection.h"

#include <math.h>
#include <string.h>

/* Order of the originals: score, then class, then place in the output. */
static bool before(const struct candidate *a, const struct candidate *b)
{
	if (a->score != b->score)
		return a->score > b->score;
	if (a->class != b->class)
		return a->class < b->class;
	return a->cell < b->cell;
}

static void sink_down(struct candidate *v, size_t n, size_t i)
{
	struct candidate x = v[i];

	for (size_t child; (child = 2 * i + 1) < n; i = child) {
		if (child + 1 < n && before(&v[child + 1], &v[child]))
			child++;
		if (!before(&v[child], &x))
			break;
		v[i] = v[child];
	}
	v[i] = x;
}

static float area(const float b[4]) { return (b[2] - b[0]) * (b[3] - b[1]); }

static bool overlaps(const float a[4], const float b[4], float limit)
{
	float w = fminf(a[2], b[2]) - fmaxf(a[0], b[0]), h = fminf(a[3], b[3]) - fmaxf(a[1], b[1]);

	w = fmaxf(w, 0);
	h = fmaxf(h, 0);
	float inter = w * h;
	return inter / (area(a) + area(b) - inter) > limit;
}

static bool suppressed(const struct task *t, const struct detection *kept, size_t n, const float box[4], uint32_t class)
{
	for (size_t i = 0; i < n && t->nms != NMS_NONE; i++)
		if ((t->nms == NMS_ALL || kept[i].class == class) && overlaps(kept[i].box, box, t->iou))
			return true;
	return false;
}

size_t nms(const struct task *t, struct candidates *c, struct detection *ret)
{
	size_t n = c->n, kept = 0;
	size_t rounds = t->max_candidates && t->max_candidates < n ? t->max_candidates : n;

	for (size_t i = n / 2; i-- > 0;)
		sink_down(c->v, n, i);
	for (; rounds && kept < t->max_detections; rounds--) {
		struct candidate best = c->v[0];
		c->v[0] = c->v[--n];
		sink_down(c->v, n, 0);
		const float *box = c->boxes[best.cell];
		if (suppressed(t, ret, kept, box, best.class))
			continue;
		ret[kept].score = best.score;
		ret[kept].class = best.class;
		memcpy(ret[kept++].box, box, sizeof ret->box);
	}
	return kept;
}

static float clamp(float x, float most) { return x < 0 ? 0 : x > most ? most : x; }

size_t to_image(const struct task *t, const struct oqz_geometry *g, struct detection *d, size_t n)
{
	const float offset[2] = { (float)g->offset_x, (float)g->offset_y };
	const float scale[2] = { (float)g->scale_x, (float)g->scale_y };
	const float most[2] = { (float)g->image_width, (float)g->image_height };
	size_t kept = 0;

	for (size_t i = 0; i < n; i++) {
		struct detection x = d[i];
		for (int k = 0; k < 4; k++) {
			x.box[k] = (x.box[k] - offset[k & 1]) / scale[k & 1];
			if (t->clip)
				x.box[k] = clamp(x.box[k], most[k & 1]);
		}
		x.box[2] -= x.box[0];
		x.box[3] -= x.box[1];
		x.class = t->categories[x.class];
		bool finite = isfinite(x.box[0]) && isfinite(x.box[1]) && isfinite(x.box[2]) && isfinite(x.box[3]);
		if (x.class != NO_CATEGORY && finite)
			d[kept++] = x;
	}
	return kept;
}
