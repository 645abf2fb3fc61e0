/* SPDX-License-Identifier: Apache-2.0
 *
 * How values get into an observer. A tensor is larger than the nearest cache and most of it is ordinary, so it is taken
 * block by block: the block's extremes are found first, and they say whether anything in it has to be looked at again,
 * for the ends of a histogram or of a batch. With histograms of which only the ends are wanted one pass over memory is
 * thus nearly all there is to do.
 */
#include "core/quant/observer.h"

#include <math.h>
#include <string.h>

enum {
	BLOCK = OQZ_OBSERVER_BLOCK,
	SOME = 1024,
};

/* ---------------------------------------------------------------------------------------------------- extremes */

struct extremes {
	float lo, hi;
	size_t finite, zeros;
};

/* Works on the bits: as sign-and-magnitude integers turned into two's complement, floats compare as integers do, and
 * integer minima, unlike float ones (whose NaNs and signed zeros forbid reordering), become vector code. */
struct ordered {
	int32_t lo, hi;
	uint32_t finite, zeros;
};

static inline int32_t order(int32_t bits) { return bits ^ ((bits >> 31) & INT32_MAX); }

static float unorder(int32_t o)
{
	int32_t bits = order(o);

	return oqz_hist_of_bits((uint32_t)bits);
}

OQZ_KERNEL static struct ordered ordered_extremes(const float *x, uint32_t n)
{
	int32_t lo = INT32_MAX, hi = INT32_MIN;
	uint32_t finite = 0, zeros = 0;

	for (uint32_t i = 0; i < n; i++) {
		int32_t b;
		memcpy(&b, &x[i], sizeof b);
		int32_t magnitude = b & INT32_MAX, o = order(b);
		/* a mask, not a condition: the compiler would branch */
		int32_t bad = (0x7f7fffff - magnitude) >> 31;
		int32_t l = (o & ~bad) | (INT32_MAX & bad), h = (o & ~bad) | (INT32_MIN & bad);
		lo = l < lo ? l : lo;
		hi = h > hi ? h : hi;
		finite += (uint32_t)(1 + bad);
		zeros += magnitude == 0;
	}
	return (struct ordered) { lo, hi, finite, zeros };
}

/* The same where all numbers are finite, with half as many instructions: float comparisons, which no NaN spoils, in
 * columns, so that their order is written down; the results are in the first one. `most` is the largest magnitude's
 * bits, by which it shows whether that was so. */
enum { COLUMNS = 16 };

struct columns {
	float lo[COLUMNS], hi[COLUMNS];
	int32_t most[COLUMNS], zeros[COLUMNS];
};

OQZ_KERNEL static void finite_extremes(const float *x, size_t n, struct columns *c)
{
	struct columns k = { 0 };

	for (size_t j = 0; j < COLUMNS; j++) {
		k.lo[j] = INFINITY;
		k.hi[j] = -INFINITY;
	}
	for (size_t i = 0; i < n; i += COLUMNS)
		for (size_t j = 0; j < COLUMNS; j++) {
			int32_t b;
			memcpy(&b, &x[i + j], sizeof b);
			int32_t magnitude = b & INT32_MAX;
			k.lo[j] = x[i + j] < k.lo[j] ? x[i + j] : k.lo[j];
			k.hi[j] = x[i + j] > k.hi[j] ? x[i + j] : k.hi[j];
			k.most[j] = magnitude > k.most[j] ? magnitude : k.most[j];
			k.zeros[j] += magnitude == 0;
		}
	for (size_t w = COLUMNS / 2; w > 0; w /= 2)
		for (size_t j = 0; j < w; j++) {
			k.lo[j] = k.lo[j + w] < k.lo[j] ? k.lo[j + w] : k.lo[j];
			k.hi[j] = k.hi[j + w] > k.hi[j] ? k.hi[j + w] : k.hi[j];
			k.most[j] = k.most[j + w] > k.most[j] ? k.most[j + w] : k.most[j];
			k.zeros[j] += k.zeros[j + w];
		}
	*c = k;
}

/* The same where no number has a sign, as behind a Relu: bits compare as the numbers do, so the largest ones say all
 * but the least, which is zero if any is. */
struct unsigned_extremes {
	uint32_t most, zeros;
};

OQZ_KERNEL static struct unsigned_extremes unsigned_extremes(const float *x, uint32_t n)
{
	uint32_t most = 0, zeros = 0;

	for (uint32_t i = 0; i < n; i++) {
		uint32_t b;
		memcpy(&b, &x[i], sizeof b);
		most = b > most ? b : most;
		zeros += b == 0;
	}
	return (struct unsigned_extremes) { most, zeros };
}

OQZ_KERNEL static uint32_t least_bits(const float *x, uint32_t n)
{
	uint32_t least = UINT32_MAX;

	for (uint32_t i = 0; i < n; i++) {
		uint32_t b;
		memcpy(&b, &x[i], sizeof b);
		least = b < least ? b : least;
	}
	return least;
}

/* `sign`: there are such among the tensor's numbers, as far as is known. */
static struct extremes extremes_of(const float *x, size_t n, bool sign)
{
	struct columns c;

	if (!sign) {
		struct unsigned_extremes u = unsigned_extremes(x, (uint32_t)n);
		if (u.most < 0x7f800000)
			return (struct extremes) { u.zeros ? 0.0f : oqz_hist_of_bits(least_bits(x, (uint32_t)n)),
				                   oqz_hist_of_bits(u.most), n, u.zeros };
	}
	if (n == BLOCK) {
		finite_extremes(x, n, &c);
		if (c.most[0] < 0x7f800000)
			return (struct extremes) { c.lo[0], c.hi[0], n, (size_t)c.zeros[0] };
	}
	struct ordered o = ordered_extremes(x, (uint32_t)n);
	if (o.finite == 0)
		return (struct extremes) { INFINITY, -INFINITY, 0, 0 };
	return (struct extremes) { unorder(o.lo), unorder(o.hi), o.finite, o.zeros };
}

/* ---------------------------------------------------------------------------------------------------- blocks */

static enum oqz_status batch_block(struct oqz_batch *b, const struct extremes *e, const float *x, size_t n,
                                   struct oqz_err *err)
{
	if (e->hi > b->top.floor)
		OQZ_TRY(oqz_tail_add(&b->top, 1.0f, x, n, err));
	if (-e->lo > b->bottom.floor)
		OQZ_TRY(oqz_tail_add(&b->bottom, -1.0f, x, n, err));
	b->count += (int64_t)e->finite;
	return OQZ_OK;
}

static enum oqz_status add_block(struct oqz_observer *o, const float *x, size_t n, struct oqz_err *err)
{
	if (n == BLOCK && oqz_hist_matters(o) != OQZ_HIST_ALL) {
		bool done;
		OQZ_TRY(oqz_hist_far(o, x, &done, err));
		if (done)
			return OQZ_OK;
	}
	struct extremes e = extremes_of(x, n, o->lo < 0);
	o->count += (int64_t)e.finite;
	o->nonfinite += (int64_t)(n - e.finite);
	o->zeros += (int64_t)e.zeros;
	if (e.finite == 0)
		return OQZ_OK;
	/* + 0.0f: the sign of zero depends on which one came first */
	o->lo = (e.lo < o->lo ? e.lo : o->lo) + 0.0f;
	o->hi = (e.hi > o->hi ? e.hi : o->hi) + 0.0f;
	if (o->needs & OQZ_OBS_BATCH)
		OQZ_TRY(batch_block(&o->batches.v[o->open_batch], &e, x, n, err));
	return o->needs & OQZ_OBS_HISTOGRAM ? oqz_hist_block(o, e.lo, e.hi, x, n, err) : OQZ_OK;
}

enum oqz_status oqz_observer_open(struct oqz_observer *o, int64_t image, size_t n, struct oqz_err *err)
{
	if (image < 0)
		OQZ_FAIL(err, OQZ_E_USAGE, "image number %lld", (long long)image);
	if (!o->second && (o->needs & OQZ_OBS_BATCH))
		OQZ_TRY(oqz_batch_open(o, image, n, &o->open_batch, err));
	return OQZ_OK;
}

enum oqz_status oqz_observer_piece(struct oqz_observer *o, const float *x, size_t n, struct oqz_err *err)
{
	if (o->second) {
		oqz_bins_add(o, x, n);
		return OQZ_OK;
	}
	for (size_t at = 0; at < n; at += BLOCK) {
		OQZ_TRY(add_block(o, x + at, n - at < BLOCK ? n - at : BLOCK, err));
		if (o->fresh >= o->ranks + SOME) /* enough for the walk from the ends to pay */
			oqz_tails_narrow(o);
	}
	return OQZ_OK;
}

enum oqz_status oqz_observer_close(struct oqz_observer *o, struct oqz_err *err)
{
	if (o->second || !(o->needs & OQZ_OBS_BATCH))
		return OQZ_OK;
	struct oqz_batch *b = &o->batches.v[o->open_batch];
	b->images++;
	return oqz_batch_close(o, b, err);
}

enum oqz_status oqz_observer_add(struct oqz_observer *o, int64_t image, const float *x, size_t n, size_t row,
                                 struct oqz_err *err)
{
	OQZ_TRY(oqz_observer_open(o, image, n, err));
	if (!o->second && (o->needs & OQZ_OBS_ROWS))
		OQZ_TRY(oqz_rows_add(o, image, x, n, row, err));
	OQZ_TRY(oqz_observer_piece(o, x, n, err));
	return oqz_observer_close(o, err);
}
