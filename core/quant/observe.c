/* SPDX-License-Identifier: Apache-2.0
 *
 * Collecting and merging calibration statistics. See observe.h for what they promise and observer.h for their form.
 */
#include "core/quant/observer.h"

#include <math.h>
#include <string.h>

enum oqz_status oqz_observer_new(unsigned needs, double q, int batch, struct oqz_observer **ret, struct oqz_err *err)
{
	if ((needs & OQZ_OBS_BATCH) && (!(q > 0.5) || q > 1 || batch < 1))
		OQZ_FAIL(err, OQZ_E_USAGE,
		         "per-batch quantiles need 0.5 < q <= 1 and a batch of at least 1, not %g and %d", q, batch);
	struct oqz_observer *o = calloc(1, sizeof *o);
	if (!o)
		return oqz_err_nomem(err, "an observer", sizeof *o);
	o->needs = needs | OQZ_OBS_MINMAX;
	if (needs & OQZ_OBS_BATCH) {
		o->q = q;
		o->batch = batch;
	}
	o->lo = o->below = INFINITY;
	o->hi = o->above = -INFINITY;
	o->sure = INT64_MAX;
	*ret = o;
	return OQZ_OK;
}

void oqz_observer_free(struct oqz_observer *o)
{
	if (!o)
		return;
	for (int i = 0; i < OQZ_HIST_PAGES; i++)
		free(o->page[i]);
	for (size_t i = 0; i < o->batches.n; i++) {
		oqz_tail_release(&o->batches.v[i].top);
		oqz_tail_release(&o->batches.v[i].bottom);
	}
	oqz_vec_release(&o->batches);
	oqz_vec_release(&o->rows);
	for (int k = 0; k < OQZ_BINS_KINDS; k++)
		free(o->bins[k].n);
	free(o);
}

int64_t oqz_observer_count(const struct oqz_observer *o) { return o->count; }
int64_t oqz_observer_nonfinite(const struct oqz_observer *o) { return o->nonfinite; }
unsigned oqz_observer_needs(const struct oqz_observer *o) { return o->needs; }

enum oqz_status oqz_observer_nonempty(const struct oqz_observer *o, struct oqz_err *err)
{
	if (o->count == 0)
		OQZ_FAIL(err, OQZ_E_DATA, "no finite number was seen here during calibration (%lld others)",
		         (long long)o->nonfinite);
	return OQZ_OK;
}

/* ---------------------------------------------------------------------------------------------------- histogram */

uint64_t *oqz_hist_page(struct oqz_observer *o, int page)
{
	if (!o->page[page])
		o->page[page] = calloc(OQZ_HIST_BINS, sizeof *o->page[page]);
	return o->page[page];
}

void oqz_hist_edges(int page, int bin, double *ret_low, double *ret_high)
{
	int exponent = page & 255;
	double unit = exponent ? ldexp(1.0, exponent - 127) : ldexp(1.0, -126);
	double base = exponent ? 1.0 : 0.0;

	*ret_low = (base + (double)bin / OQZ_HIST_BINS) * unit;
	*ret_high = (base + (double)(bin + 1) / OQZ_HIST_BINS) * unit;
}

/* Position in value order: negative numbers by falling magnitude, zero, positive ones by rising magnitude. */
bool oqz_hist_next(const struct oqz_observer *o, int *at, int *ret_page, int *ret_bin, uint64_t *ret_count)
{
	enum { HALF = OQZ_HIST_PAGES / 2 * OQZ_HIST_BINS };

	for (int i = *at + 1; i <= 2 * HALF; i++) {
		int key = i < HALF ? 2 * HALF - 1 - i : i - HALF - 1;
		int page = key / OQZ_HIST_BINS, bin = key % OQZ_HIST_BINS;
		uint64_t n;
		if (i == HALF) {
			page = -1;
			bin = 0;
			n = (uint64_t)o->zeros;
		} else if (!o->page[page]) {
			i += i < HALF ? bin : OQZ_HIST_BINS - 1 - bin; /* to the page's last bin in this order */
			continue;
		} else {
			n = o->page[page][bin];
		}
		if (n) {
			*at = i;
			*ret_page = page;
			*ret_bin = bin;
			*ret_count = n;
			return true;
		}
	}
	return false;
}

/* Keys (sign, exponent, leading mantissa bits) of what is to be counted and neither zero nor infinite nor NaN; how
 * many. Without a branch: half of what comes behind a Relu is zero, in no order that a branch predictor could learn. */
static size_t hist_keys(const struct oqz_observer *o, const float *x, size_t n, uint32_t *key)
{
	const float below = o->below, above = o->above;
	size_t k = 0;

	for (size_t i = 0; i < n; i++) {
		uint32_t b;
		memcpy(&b, &x[i], sizeof b);
		key[k] = b >> 12;
		k += (((b & 0x7fffffff) - 1) < 0x7f7fffff) & ((x[i] <= below) | (x[i] >= above));
	}
	return k;
}

static enum oqz_status hist_add(struct oqz_observer *o, const float *x, size_t n, struct oqz_err *err)
{
	enum { BLOCK = 64 };
	uint32_t key[BLOCK];

	for (size_t at = 0; at < n; at += BLOCK) {
		size_t m = n - at < BLOCK ? n - at : BLOCK;
		size_t k = oqz_tails_want(o, x + at, m) ? hist_keys(o, x + at, m, key) : 0;
		for (size_t i = 0; i < k; i++) {
			uint64_t *page = o->page[key[i] / OQZ_HIST_BINS];
			if (!page && !(page = oqz_hist_page(o, (int)(key[i] / OQZ_HIST_BINS))))
				return oqz_err_nomem(err, "a page of a histogram", OQZ_HIST_BINS * sizeof *page);
			page[key[i] % OQZ_HIST_BINS]++;
		}
	}
	return OQZ_OK;
}

/* ---------------------------------------------------------------------------------------------------- extremes */

struct extremes {
	float lo, hi;
	size_t finite, zeros;
};

/* Works on the bits: as sign-and-magnitude integers turned into two's complement, floats compare as integers do, and
 * integer minima, unlike float ones (whose NaNs and signed zeros forbid reordering), become vector code. `n` is at most
 * CHUNK. */
enum { CHUNK = 1 << 20 };

struct ordered {
	int32_t lo, hi;
	uint32_t finite, zeros;
};

static inline int32_t order(int32_t bits) { return bits ^ ((bits >> 31) & INT32_MAX); }

static float unorder(int32_t o)
{
	int32_t bits = order(o);
	float x;

	memcpy(&x, &bits, sizeof x);
	return x;
}

OQZ_KERNEL static struct ordered extremes_chunk(const float *x, uint32_t n)
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

static struct extremes extremes_of(const float *x, size_t n)
{
	struct extremes e = { INFINITY, -INFINITY, 0, 0 };

	for (size_t i = 0; i < n; i += CHUNK) {
		struct ordered c = extremes_chunk(x + i, (uint32_t)(n - i < CHUNK ? n - i : CHUNK));
		if (c.finite == 0)
			continue;
		e.lo = unorder(c.lo) < e.lo ? unorder(c.lo) : e.lo;
		e.hi = unorder(c.hi) > e.hi ? unorder(c.hi) : e.hi;
		e.finite += c.finite;
		e.zeros += c.zeros;
	}
	return e;
}

/* ---------------------------------------------------------------------------------------------------- batches */

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
		         "the images of batch %lld differ too much in size for quantiles per batch; use scope=dataset",
		         (long long)b->index);
	*ret_lo = -lo + 0.0f; /* which zero was selected is an accident */
	*ret_hi = hi + 0.0f;
	return OQZ_OK;
}

/* Replaces what was collected of a complete batch by its quantiles. */
static enum oqz_status batch_close(const struct oqz_observer *o, struct oqz_batch *b, struct oqz_err *err)
{
	if (b->done || b->images < o->batch || b->count == 0)
		return OQZ_OK;
	OQZ_TRY(oqz_batch_quantiles(b, o->q, &b->lo, &b->hi, err));
	oqz_tail_release(&b->top);
	oqz_tail_release(&b->bottom);
	b->done = true;
	return OQZ_OK;
}

static enum oqz_status batch_add(struct oqz_observer *o, int64_t image, const float *x, size_t n, size_t finite,
                                 struct oqz_err *err)
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
	OQZ_TRY(oqz_tail_add(&b->top, 1.0f, x, n, err));
	OQZ_TRY(oqz_tail_add(&b->bottom, -1.0f, x, n, err));
	b->images++;
	b->count += (int64_t)finite;
	return batch_close(o, b, err);
}

static enum oqz_status batch_merge(struct oqz_observer *o, const struct oqz_batch *from, struct oqz_err *err)
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
	return batch_close(o, b, err);
}

/* ---------------------------------------------------------------------------------------------------- whole observers
 */

enum oqz_status oqz_observer_add(struct oqz_observer *o, int64_t image, const float *x, size_t n, size_t row,
                                 struct oqz_err *err)
{
	if (image < 0)
		OQZ_FAIL(err, OQZ_E_USAGE, "image number %lld", (long long)image);
	if (o->second) {
		oqz_bins_add(o, x, n);
		return OQZ_OK;
	}
	struct extremes e = extremes_of(x, n);
	if (o->needs & OQZ_OBS_ROWS)
		OQZ_TRY(oqz_rows_add(o, image, x, n, row, err));
	if (o->needs & OQZ_OBS_HISTOGRAM)
		OQZ_TRY(hist_add(o, x, n, err));
	if (o->needs & OQZ_OBS_BATCH)
		OQZ_TRY(batch_add(o, image, x, n, e.finite, err));
	/* + 0.0f: the sign of zero depends on which one came first */
	if (e.finite) {
		o->lo = (e.lo < o->lo ? e.lo : o->lo) + 0.0f;
		o->hi = (e.hi > o->hi ? e.hi : o->hi) + 0.0f;
	}
	o->count += (int64_t)e.finite;
	o->nonfinite += (int64_t)(n - e.finite);
	o->zeros += (int64_t)e.zeros;
	oqz_tails_narrow(o);
	return OQZ_OK;
}

/* Whether a second pass has been merged in. */
static bool has_bins(const struct oqz_observer *o)
{
	for (int k = 0; k < OQZ_BINS_KINDS; k++)
		if (o->bins[k].n)
			return true;
	return false;
}

enum oqz_status oqz_observer_merge(struct oqz_observer *o, const struct oqz_observer *from, struct oqz_err *err)
{
	if (o->needs != from->needs || o->q != from->q || o->batch != from->batch)
		OQZ_FAIL(err, OQZ_E_MISMATCH, "statistics of different kinds (%u q=%g batch %d, %u q=%g batch %d)",
		         o->needs, o->q, o->batch, from->needs, from->q, from->batch);
	if (from->second)
		return oqz_bins_merge(o, from, err);
	if (o->second || ((o->needs & OQZ_OBS_SECOND) && from->count && (has_bins(o) || has_bins(from))))
		OQZ_FAIL(err, OQZ_E_MISMATCH, "statistics whose second pass is over cannot take in more images");
	OQZ_TRY(oqz_rows_merge(o, from, err));
	for (int p = 0; p < OQZ_HIST_PAGES; p++) {
		if (!from->page[p])
			continue;
		uint64_t *page = oqz_hist_page(o, p);
		if (!page)
			return oqz_err_nomem(err, "a page of a histogram", OQZ_HIST_BINS * sizeof *page);
		for (int i = 0; i < OQZ_HIST_BINS; i++)
			page[i] += from->page[p][i];
	}
	for (size_t i = 0; i < from->batches.n; i++)
		OQZ_TRY(batch_merge(o, &from->batches.v[i], err));
	if (from->count) {
		o->lo = from->lo < o->lo ? from->lo : o->lo;
		o->hi = from->hi > o->hi ? from->hi : o->hi;
	}
	if (from->below < from->above) { /* counted in both is what is outside of both */
		bool narrow = o->below < o->above;
		o->below = narrow && o->below < from->below ? o->below : from->below;
		o->above = narrow && o->above > from->above ? o->above : from->above;
	}
	o->ranks = o->ranks > from->ranks ? o->ranks : from->ranks;
	o->sure = o->sure < from->sure ? o->sure : from->sure;
	o->count += from->count;
	o->nonfinite += from->nonfinite;
	o->zeros += from->zeros;
	return OQZ_OK;
}
