/* SPDX-License-Identifier: Apache-2.0
 *
 * Quantiles per batch of images: PPQ's rule, which is not order-free. A batch keeps the values at its two ends (tail.h)
 * until all its images are there, then only its quantiles.
 */
#include "core/quant/observer.h"

#include <string.h>

void oqz_batch_ranks(int64_t n, double q, size_t *ret_top, size_t *ret_bottom)
{
	int64_t hi = (int64_t)((double)n * q), lo = (int64_t)((double)n * (1 - q));

	hi = hi < n - 1 ? hi : n - 1;
	*ret_top = (size_t)(n - 1 - hi);
	*ret_bottom = (size_t)lo;
}

enum oqz_status oqz_observer_batch(struct oqz_observer *o, int64_t index, struct oqz_batch **ret, struct oqz_err *err)
{
	struct oqz_batch b = { .index = index };
	size_t i = o->batches.n;

	while (i > 0 && o->batches.v[i - 1].index >= index)
		i--;
	if (i == o->batches.n || o->batches.v[i].index != index) {
		oqz_tail_init(&b.top);
		oqz_tail_init(&b.bottom);
		if (!oqz_vec_push(&o->batches, b))
			return oqz_err_nomem(err, "per-batch quantiles", (o->batches.n + 1) * sizeof b);
		memmove(o->batches.v + i + 1, o->batches.v + i, (o->batches.n - 1 - i) * sizeof b);
		o->batches.v[i] = b;
	}
	*ret = &o->batches.v[i];
	return OQZ_OK;
}

enum oqz_status oqz_batch_quantiles(const struct oqz_batch *b, double q, float *ret_lo, float *ret_hi,
                                    struct oqz_err *err)
{
	struct oqz_tail top = b->top, bottom = b->bottom; /* reordering inside is harmless */
	size_t t, u;
	float lo, hi;

	if (b->done) {
		*ret_lo = b->lo;
		*ret_hi = b->hi;
		return OQZ_OK;
	}
	oqz_batch_ranks(b->count, q, &t, &u);
	if (!oqz_tail_rank(&top, t, &hi) || !oqz_tail_rank(&bottom, u, &lo))
		OQZ_FAIL(err, OQZ_E_UNSUPPORTED,
		         "the images of batch %lld differ too much in size for quantiles of a batch: calibrate with "
		         "batches of one image (`calibration: {batch: 1}`)",
		         (long long)b->index);
	*ret_lo = -lo + 0.0f; /* which zero was selected is an accident */
	*ret_hi = hi + 0.0f;
	return OQZ_OK;
}

enum oqz_status oqz_batch_close(const struct oqz_observer *o, struct oqz_batch *b, struct oqz_err *err)
{
	if (b->done || b->images < o->batch || b->count == 0)
		return OQZ_OK;
	OQZ_TRY(oqz_batch_quantiles(b, o->q, &b->lo, &b->hi, err));
	oqz_tail_release(&b->top);
	oqz_tail_release(&b->bottom);
	b->done = true;
	return OQZ_OK;
}

enum oqz_status oqz_batch_open(struct oqz_observer *o, int64_t image, size_t n, size_t *ret, struct oqz_err *err)
{
	struct oqz_batch *b;
	size_t top, bottom;
	int64_t total;

	OQZ_TRY(oqz_observer_batch(o, image / o->batch, &b, err));
	if (b->images >= o->batch)
		OQZ_FAIL(err, OQZ_E_USAGE, "image %lld was added to a batch that is complete", (long long)image);
	if (__builtin_mul_overflow((int64_t)n, (int64_t)o->batch, &total) || total > INT64_C(1) << 52)
		OQZ_FAIL(err, OQZ_E_LIMIT, "a batch of %d tensors of %zu elements is too large", o->batch, n);
	oqz_batch_ranks(total, o->q, &top, &bottom);
	oqz_tail_want(&b->top, top + 2);
	oqz_tail_want(&b->bottom, bottom + 2);
	*ret = (size_t)(b - o->batches.v);
	return OQZ_OK;
}

enum oqz_status oqz_batch_merge(struct oqz_observer *o, const struct oqz_batch *from, struct oqz_err *err)
{
	struct oqz_batch *b;

	OQZ_TRY(oqz_observer_batch(o, from->index, &b, err));
	if (b->images + from->images > o->batch)
		OQZ_FAIL(err, OQZ_E_MISMATCH, "batch %lld of the calibration images is in both statistics",
		         (long long)from->index);
	if (from->done) { /* complete by itself, so b is empty */
		*b = *from;
		oqz_tail_init(&b->top);
		oqz_tail_init(&b->bottom);
		return OQZ_OK;
	}
	OQZ_TRY(oqz_tail_merge(&b->top, &from->top, err));
	OQZ_TRY(oqz_tail_merge(&b->bottom, &from->bottom, err));
	b->images += from->images;
	b->count += from->count;
	return oqz_batch_close(o, b, err);
}
