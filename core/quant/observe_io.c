/* SPDX-License-Identifier: Apache-2.0
 *
 * Observers as bytes, for shards and for runs that continue: "oqzobs3\n", then numbers. Counts are base-128 varints
 * (most are small), floats and doubles are their little-endian bits. Only bins and batches that hold something are
 * written, in order, so equal statistics give equal bytes. The reader believes nothing: bounds, order and sums are
 * checked.
 */
#include "core/quant/observer.h"

#include "core/base/str.h"

#include <math.h>
#include <string.h>

static const char magic[8] = "oqzobs3\n";

/* ---------------------------------------------------------------------------------------------------- writing */

static void put_varint(struct oqz_str *s, uint64_t v)
{
	unsigned char b[10];
	size_t n = 0;

	do {
		b[n] = (unsigned char)((v & 127) | (v > 127 ? 128 : 0));
		n++;
		v >>= 7;
	} while (v);
	oqz_str_addn(s, b, n);
}

/* The host is little-endian (checked by configure). */
static void put_float(struct oqz_str *s, float v) { oqz_str_addn(s, &v, sizeof v); }

static void put_pages(struct oqz_str *out, const struct oqz_observer *o)
{
	uint64_t used = 0;

	for (int p = 0; p < OQZ_HIST_PAGES; p++)
		used += o->page[p] != NULL;
	put_varint(out, used);
	for (int p = 0; p < OQZ_HIST_PAGES; p++) {
		uint64_t filled = 0;
		int last = -1;
		if (!o->page[p])
			continue;
		for (int i = 0; i < OQZ_HIST_BINS; i++)
			filled += o->page[p][i] != 0;
		put_varint(out, (uint64_t)p);
		put_varint(out, filled);
		for (int i = 0; i < OQZ_HIST_BINS; i++) {
			if (!o->page[p][i])
				continue;
			put_varint(out, (uint64_t)(i - last - 1));
			put_varint(out, o->page[p][i]);
			last = i;
		}
	}
}

static enum oqz_status put_tail(struct oqz_str *out, const struct oqz_tail *t, struct oqz_err *err)
{
	struct oqz_tail copy;

	oqz_tail_init(&copy);
	enum oqz_status st = oqz_tail_merge(&copy, t, err);
	if (st == OQZ_OK) {
		oqz_tail_normalise(&copy);
		put_varint(out, copy.keep);
		put_varint(out, copy.sure == SIZE_MAX ? 0 : (uint64_t)copy.sure + 1);
		put_varint(out, copy.n);
		oqz_str_addn(out, copy.v, copy.n * sizeof *copy.v);
	}
	oqz_tail_release(&copy);
	return st;
}

static int by_value(const void *a, const void *b)
{
	const struct oqz_top2 *x = a, *y = b;

	if (x->first != y->first)
		return x->first < y->first ? -1 : 1;
	return (x->second > y->second) - (x->second < y->second);
}

static enum oqz_status put_rows(struct oqz_str *out, const struct oqz_observer *o, struct oqz_err *err)
{
	size_t n = o->rows.n, size = n * sizeof(struct oqz_top2);
	OQZ_CLEANUP_FREE struct oqz_top2 *sorted = malloc(size + 1);

	if (!sorted)
		return oqz_err_nomem(err, "rows", size);
	if (n) {
		memcpy(sorted, o->rows.v, size);
		qsort(sorted, n, sizeof *sorted, by_value);
	}
	put_varint(out, n);
	oqz_str_addn(out, sorted, size);
	put_varint(out, (uint64_t)o->last_image);
	put_float(out, o->last_top);
	return OQZ_OK;
}

static void put_bins(struct oqz_str *out, const struct oqz_observer *o)
{
	put_varint(out, o->second);
	for (int k = 0; k < OQZ_BINS_KINDS; k++) {
		const struct oqz_bins *b = &o->bins[k];
		put_varint(out, b->n != NULL);
		if (!b->n)
			continue;
		put_float(out, b->start);
		put_float(out, b->range);
		for (int i = 0; i < OQZ_BINS; i++)
			put_varint(out, b->n[i]);
	}
}

enum oqz_status oqz_observer_save(const struct oqz_observer *o, struct oqz_str *out, struct oqz_err *err)
{
	if (o->below < o->above)
		OQZ_FAIL(err, OQZ_E_UNSUPPORTED, "statistics of which only the ends were kept cannot be saved");
	oqz_str_addn(out, magic, sizeof magic);
	put_varint(out, o->needs);
	oqz_str_addn(out, &o->q, sizeof o->q);
	put_varint(out, (uint64_t)o->batch);
	put_varint(out, (uint64_t)o->count);
	put_varint(out, (uint64_t)o->nonfinite);
	put_varint(out, (uint64_t)o->zeros);
	put_float(out, o->lo);
	put_float(out, o->hi);
	put_pages(out, o);
	put_varint(out, o->batches.n);
	for (size_t i = 0; i < o->batches.n; i++) {
		const struct oqz_batch *b = &o->batches.v[i];
		put_varint(out, (uint64_t)b->index);
		put_varint(out, (uint64_t)b->images);
		put_varint(out, (uint64_t)b->count);
		put_varint(out, b->done);
		if (b->done) {
			put_float(out, b->lo);
			put_float(out, b->hi);
		} else {
			OQZ_TRY(put_tail(out, &b->top, err));
			OQZ_TRY(put_tail(out, &b->bottom, err));
		}
	}
	OQZ_TRY(put_rows(out, o, err));
	put_bins(out, o);
	if (!oqz_str_ok(out))
		return oqz_err_nomem(err, "saved statistics", out->len);
	return OQZ_OK;
}

/* ---------------------------------------------------------------------------------------------------- reading */

struct reader {
	const unsigned char *p, *end;
	bool bad;
};

static void get_bytes(struct reader *r, void *to, size_t n)
{
	memset(to, 0, n);
	if ((size_t)(r->end - r->p) < n) {
		r->bad = true;
		return;
	}
	memcpy(to, r->p, n);
	r->p += n;
}

/* A count of at most `max`. */
static uint64_t get_varint(struct reader *r, uint64_t max)
{
	uint64_t v = 0;

	for (int shift = 0; shift < 63 && r->p < r->end; shift += 7) {
		unsigned char b = *r->p++;
		v |= (uint64_t)(b & 127) << shift;
		if (!(b & 128)) {
			if (v <= max)
				return v;
			break;
		}
	}
	r->bad = true;
	return 0;
}

static float get_float(struct reader *r)
{
	float v;

	get_bytes(r, &v, sizeof v);
	return v;
}

static enum oqz_status get_pages(struct reader *r, struct oqz_observer *o, struct oqz_err *err)
{
	uint64_t pages = get_varint(r, OQZ_HIST_PAGES), total = 0;

	for (uint64_t k = 0; k < pages && !r->bad; k++) {
		int p = (int)get_varint(r, OQZ_HIST_PAGES - 1), at = -1;
		uint64_t filled = get_varint(r, OQZ_HIST_BINS);
		uint64_t *page = oqz_hist_page(o, p);
		if (!page)
			return oqz_err_nomem(err, "a page of a histogram", OQZ_HIST_BINS * sizeof *page);
		for (; filled > 0 && !r->bad; filled--) {
			at += 1 + (int)get_varint(r, OQZ_HIST_BINS);
			if (at >= OQZ_HIST_BINS || page[at]) {
				r->bad = true;
				break;
			}
			page[at] = get_varint(r, INT64_MAX / 2);
			r->bad |= __builtin_add_overflow(total, page[at], &total);
		}
	}
	if ((o->needs & OQZ_OBS_HISTOGRAM) && total + (uint64_t)o->zeros != (uint64_t)o->count)
		r->bad = true;
	return OQZ_OK;
}

static enum oqz_status get_tail(struct reader *r, struct oqz_tail *t, struct oqz_err *err)
{
	t->keep = (size_t)get_varint(r, INT64_MAX / 16);
	uint64_t sure = get_varint(r, INT64_MAX);
	t->sure = sure ? (size_t)(sure - 1) : SIZE_MAX;
	size_t n = (size_t)get_varint(r, (uint64_t)(r->end - r->p) / sizeof *t->v);

	if (r->bad || n == 0)
		return OQZ_OK;
	t->v = malloc(n * sizeof *t->v);
	if (!t->v)
		return oqz_err_nomem(err, "the extremes of a batch", n * sizeof *t->v);
	t->n = t->cap = n;
	get_bytes(r, t->v, n * sizeof *t->v);
	for (size_t i = 0; i < n; i++)
		r->bad |= !isfinite(t->v[i]);
	return OQZ_OK;
}

static enum oqz_status get_batches(struct reader *r, struct oqz_observer *o, struct oqz_err *err)
{
	uint64_t n = get_varint(r, (uint64_t)(r->end - r->p));
	int64_t last = -1;

	for (uint64_t i = 0; i < n && !r->bad; i++) {
		struct oqz_batch *b;
		int64_t index = (int64_t)get_varint(r, INT64_MAX / 2);
		if (r->bad || index <= last) {
			r->bad = true;
			break;
		}
		last = index;
		OQZ_TRY(oqz_observer_batch(o, index, &b, err));
		b->images = (int64_t)get_varint(r, (uint64_t)o->batch);
		b->count = (int64_t)get_varint(r, INT64_MAX / 2);
		b->done = get_varint(r, 1);
		if (b->done) {
			b->lo = get_float(r);
			b->hi = get_float(r);
			r->bad |= !(b->lo <= b->hi) || !isfinite(b->hi - b->lo) || b->count == 0;
		} else {
			OQZ_TRY(get_tail(r, &b->top, err));
			OQZ_TRY(get_tail(r, &b->bottom, err));
		}
	}
	return OQZ_OK;
}

static enum oqz_status get_rows(struct reader *r, struct oqz_observer *o, struct oqz_err *err)
{
	uint64_t n = get_varint(r, (uint64_t)(r->end - r->p) / sizeof(struct oqz_top2));

	r->bad |= n > 0 && !(o->needs & OQZ_OBS_ROWS);
	for (uint64_t i = 0; i < n && !r->bad; i++) {
		struct oqz_top2 t;
		t.first = get_float(r);
		t.second = get_float(r);
		r->bad |= !isfinite(t.first) || !isfinite(t.second);
		if (!oqz_vec_push(&o->rows, t))
			return oqz_err_nomem(err, "rows", n * sizeof t);
	}
	o->last_image = (int64_t)get_varint(r, INT64_MAX / 2);
	o->last_top = get_float(r);
	r->bad |= !isfinite(o->last_top);
	return OQZ_OK;
}

static enum oqz_status get_bins(struct reader *r, struct oqz_observer *o, struct oqz_err *err)
{
	o->second = get_varint(r, 1);
	for (int k = 0; k < OQZ_BINS_KINDS && !r->bad; k++) {
		struct oqz_bins *b = &o->bins[k];
		if (!get_varint(r, 1))
			continue;
		b->n = calloc(OQZ_BINS, sizeof *b->n);
		if (!b->n)
			return oqz_err_nomem(err, "bins", OQZ_BINS * sizeof *b->n);
		b->start = get_float(r);
		b->range = get_float(r);
		r->bad |= !(o->needs & (unsigned)OQZ_OBS_BINS_MAGNITUDE << k) || !isfinite(b->start) ||
		          !(b->range >= 0) || !isfinite(b->range);
		for (int i = 0; i < OQZ_BINS; i++)
			b->n[i] = get_varint(r, INT64_MAX / 2 / OQZ_BINS);
	}
	return OQZ_OK;
}

enum oqz_status oqz_observer_load(const void *data, size_t size, struct oqz_observer **ret, struct oqz_err *err)
{
	struct reader r = { .p = data, .end = (const unsigned char *)data + size };
	OQZ_CLEANUP(oqz_observer_free_cleanup) struct oqz_observer *o = NULL;
	char head[sizeof magic];
	double q;

	get_bytes(&r, head, sizeof head);
	if (r.bad || memcmp(head, magic, sizeof magic) != 0)
		OQZ_FAIL(err, OQZ_E_DATA, "these are no saved calibration statistics");
	unsigned needs = (unsigned)get_varint(&r, 63);
	get_bytes(&r, &q, sizeof q);
	int batch = (int)get_varint(&r, 1 << 30);
	if (r.bad || oqz_observer_new(needs, q, batch, &o, NULL) != OQZ_OK)
		OQZ_FAIL(err, OQZ_E_DATA, "saved calibration statistics are damaged in their head");
	o->count = (int64_t)get_varint(&r, INT64_MAX / 2);
	o->nonfinite = (int64_t)get_varint(&r, INT64_MAX / 2);
	o->zeros = (int64_t)get_varint(&r, (uint64_t)o->count);
	o->lo = get_float(&r);
	o->hi = get_float(&r);
	r.bad |= o->count > 0 && !(o->lo <= o->hi && isfinite(o->lo) && isfinite(o->hi));
	OQZ_TRY(get_pages(&r, o, err));
	OQZ_TRY(get_batches(&r, o, err));
	OQZ_TRY(get_rows(&r, o, err));
	OQZ_TRY(get_bins(&r, o, err));
	if (r.bad || r.p != r.end)
		OQZ_FAIL(err, OQZ_E_DATA, "saved calibration statistics are damaged at byte %zu",
		         (size_t)(r.p - (const unsigned char *)data));
	*ret = oqz_steal(o);
	return OQZ_OK;
}
