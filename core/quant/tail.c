/* SPDX-License-Identifier: Apache-2.0
 *
 * See tail.h. A buffer of twice the wanted size fills up; when it is full a selection throws the smaller half away and
 * the smallest survivor becomes the floor below which later values are not even stored. Each value is thus looked at
 * once and, in the long run, rarely stored.
 */
#include "core/quant/tail.h"

#include "core/base/checked.h"

#include <math.h>
#include <string.h>

void oqz_select_descending(float *v, size_t n, size_t k)
{
	size_t lo = 0, hi = n; /* the rank lies in [lo, hi) */

	while (hi - lo > 1) {
		float a = v[lo], b = v[lo + (hi - lo) / 2], c = v[hi - 1];
		float pivot = a > b ? (b > c ? b : (a > c ? c : a)) : (a > c ? a : (b > c ? c : b));
		/* three-way partition: activations have long runs of equal values */
		size_t i = lo, above = lo, below = hi;
		while (i < below) {
			float x = v[i];
			if (x > pivot) {
				v[i++] = v[above];
				v[above++] = x;
			} else if (x < pivot) {
				v[i] = v[--below];
				v[below] = x;
			} else {
				i++;
			}
		}
		if (k < above)
			hi = above;
		else if (k >= below)
			lo = below;
		else
			return;
	}
}

void oqz_tail_init(struct oqz_tail *t) { *t = (struct oqz_tail) { .sure = SIZE_MAX, .floor = -INFINITY }; }

void oqz_tail_release(struct oqz_tail *t)
{
	free(t->v);
	oqz_tail_init(t);
}

void oqz_tail_want(struct oqz_tail *t, size_t keep)
{
	if (keep > t->keep)
		t->keep = keep;
}

static void tail_prune(struct oqz_tail *t)
{
	if (t->n <= t->keep || t->keep == 0)
		return;
	oqz_select_descending(t->v, t->n, t->keep - 1);
	t->n = t->keep;
	t->floor = t->v[t->keep - 1];
	t->sure = t->sure < t->keep ? t->sure : t->keep;
}

/* Room for one more value. */
static enum oqz_status tail_grow(struct oqz_tail *t, struct oqz_err *err)
{
	size_t cap = t->cap ? 2 * t->cap : 256, bytes;
	size_t limit = t->keep < SIZE_MAX / 4 ? 2 * t->keep + 64 : SIZE_MAX / 2;

	if (t->cap >= limit) {
		tail_prune(t);
		return OQZ_OK;
	}
	cap = cap < limit ? cap : limit;
	float *v = oqz_size_mul(cap, sizeof *v, &bytes) ? realloc(t->v, bytes) : NULL;
	if (!v)
		return oqz_err_nomem(err, "the extremes of a batch", cap * sizeof *v);
	t->v = v;
	t->cap = cap;
	return OQZ_OK;
}

OQZ_KERNEL static bool any_above(float floor, float sign, const float *x, size_t n)
{
	int32_t any = 0;

	for (size_t i = 0; i < n; i++)
		any |= sign * x[i] > floor;
	return any != 0;
}

static enum oqz_status add_some(struct oqz_tail *t, float sign, const float *x, size_t n, struct oqz_err *err)
{
	for (size_t i = 0; i < n; i++) {
		float v = sign * x[i];
		if (!(v > t->floor) || v == INFINITY)
			continue;
		if (t->n == t->cap) {
			OQZ_TRY(tail_grow(t, err));
			if (!(v > t->floor))
				continue;
		}
		t->v[t->n++] = v;
	}
	return OQZ_OK;
}

enum oqz_status oqz_tail_add(struct oqz_tail *t, float sign, const float *x, size_t n, struct oqz_err *err)
{
	enum { TOGETHER = 64 };

	for (size_t at = 0; at < n; at += TOGETHER) {
		size_t m = n - at < TOGETHER ? n - at : TOGETHER;
		if (any_above(t->floor, sign, x + at, m))
			OQZ_TRY(add_some(t, sign, x + at, m, err));
	}
	return OQZ_OK;
}

enum oqz_status oqz_tail_merge(struct oqz_tail *t, const struct oqz_tail *from, struct oqz_err *err)
{
	oqz_tail_want(t, from->keep);
	OQZ_TRY(oqz_tail_add(t, 1.0f, from->v, from->n, err));
	t->sure = t->sure < from->sure ? t->sure : from->sure;
	return OQZ_OK;
}

bool oqz_tail_rank(struct oqz_tail *t, size_t k, float *ret)
{
	if (k >= t->n || k >= t->sure)
		return false;
	oqz_select_descending(t->v, t->n, k);
	*ret = t->v[k];
	return true;
}

static int descending(const void *a, const void *b)
{
	float x = *(const float *)a, y = *(const float *)b;

	return (x < y) - (x > y);
}

void oqz_tail_normalise(struct oqz_tail *t)
{
	tail_prune(t);
	/* selection order and the sign of zero are accidents of the order of arrival */
	for (size_t i = 0; i < t->n; i++)
		t->v[i] += 0.0f;
	if (t->n)
		qsort(t->v, t->n, sizeof *t->v, descending);
}
