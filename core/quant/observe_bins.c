/* SPDX-License-Identifier: Apache-2.0
 *
 * Equal bins for the searches of PPQ 0.6 (kl, mse). They lie between the extremes, so these
 * must be known before the first number can be counted: a second pass over the images, which all schemes share. Which
 * bin a number falls into is torch.histc's float32 arithmetic, (x - start) / range * count, since a rule that compares
 * bins must not see them shifted.
 *
 * All are counted into OQZ_BINS bins. Who wants 4096 or 2048 gets sums of neighbours: products with powers of two are
 * exact, so these are the numbers that counting into fewer bins would have given, and one count serves kl, mse and any
 * number of bins that a scheme asks for.
 */
#include "core/base/str.h"
#include "core/quant/observer.h"

#include <math.h>
#include <string.h>

static unsigned need_of(int kind) { return (unsigned)OQZ_OBS_BINS_MAGNITUDE << kind; }
static bool wanted(const struct oqz_observer *o, int kind) { return o->needs & need_of(kind); }
static bool of_magnitudes(int kind) { return need_of(kind) == OQZ_OBS_BINS_MAGNITUDE; }

static enum oqz_status make_counts(struct oqz_bins *b, struct oqz_err *err)
{
	if (!b->n)
		b->n = calloc(OQZ_BINS, sizeof *b->n);
	return b->n ? OQZ_OK : oqz_err_nomem(err, "bins", OQZ_BINS * sizeof *b->n);
}

/* Where the bins lie, by the extremes. */
static void place(const struct oqz_observer *o, int kind, struct oqz_bins *b)
{
	if (o->count == 0)
		return;
	b->start = of_magnitudes(kind) ? 0 : o->lo;
	b->range = of_magnitudes(kind) ? fmaxf(-o->lo, o->hi) : o->hi - o->lo;
}

enum oqz_status oqz_observer_second(const struct oqz_observer *first, struct oqz_observer **ret, struct oqz_err *err)
{
	OQZ_CLEANUP(oqz_observer_free_cleanup) struct oqz_observer *o = NULL;

	if (!(first->needs & OQZ_OBS_SECOND) || first->second)
		OQZ_FAIL(err, OQZ_E_INTERNAL, "these statistics want no second pass");
	OQZ_TRY(oqz_observer_new(first->needs, first->q, first->batch, &o, err));
	o->second = true;
	for (int k = 0; k < OQZ_BINS_KINDS; k++) {
		if (!wanted(o, k))
			continue;
		place(first, k, &o->bins[k]);
		OQZ_TRY(make_counts(&o->bins[k], err));
	}
	*ret = oqz_steal(o);
	return OQZ_OK;
}

enum { ROW = 64 };

/* The bin of each of up to ROW numbers; -1: none, for NaN, and for what lies beyond the extremes of the first pass, as
 * infinities do, and others where the second one runs behind more quantized tensors. Apart from the counting, so that
 * the division is vector code. */
OQZ_KERNEL static void find_bins(const float *x, size_t n, bool magnitude, float start, float range, int32_t *bin)
{
	const float bins = OQZ_BINS;

	for (size_t i = 0; i < n; i++) {
		float v = magnitude ? fabsf(x[i]) : x[i];
		float at = (v - start) / range * bins;
		/* all numbers equal: range 0, and at is NaN */
		float in = at >= bins ? bins - 1 : at > 0 ? at : 0;
		bin[i] = v != v || at < 0 || at > bins ? -1 : (int32_t)in;
	}
}

static void count(struct oqz_bins *b, bool magnitude, const float *x, size_t n)
{
	int32_t bin[ROW];

	for (size_t at = 0; at < n; at += ROW) {
		size_t m = n - at < ROW ? n - at : ROW;
		find_bins(x + at, m, magnitude, b->start, b->range, bin);
		for (size_t i = 0; i < m; i++)
			if (bin[i] >= 0)
				b->n[bin[i]]++;
	}
}

void oqz_bins_add(struct oqz_observer *o, const float *x, size_t n)
{
	for (int k = 0; k < OQZ_BINS_KINDS; k++)
		if (wanted(o, k))
			count(&o->bins[k], of_magnitudes(k), x, n);
}

enum oqz_status oqz_bins_merge(struct oqz_observer *o, const struct oqz_observer *from, struct oqz_err *err)
{
	for (int k = 0; k < OQZ_BINS_KINDS; k++) {
		const struct oqz_bins *f = &from->bins[k];
		struct oqz_bins here = { 0 }, *b = &o->bins[k];
		if (!f->n)
			continue;
		place(o, k, &here);
		here = o->second ? *b : here;
		if (here.start != f->start || here.range != f->range)
			OQZ_FAIL(err, OQZ_E_MISMATCH,
			         "bins over [%g, %g] are no second pass of statistics over [%g, %g]", (double)f->start,
			         (double)(f->start + f->range), (double)here.start, (double)(here.start + here.range));
		OQZ_TRY(make_counts(b, err));
		b->start = f->start;
		b->range = f->range;
		for (int i = 0; i < OQZ_BINS; i++)
			b->n[i] += f->n[i];
	}
	return OQZ_OK;
}

enum oqz_status oqz_bins_get(const struct oqz_observer *o, unsigned need, int count, double *bins, struct oqz_err *err)
{
	const int together = OQZ_BINS / count;

	for (int k = 0; k < OQZ_BINS_KINDS; k++) {
		if (need != need_of(k))
			continue;
		if (!o->bins[k].n)
			OQZ_FAIL(err, OQZ_E_MISMATCH, "the second pass, which counts into equal bins, is missing");
		for (int i = 0; i < count; i++) {
			uint64_t sum = 0;
			for (int j = 0; j < together; j++)
				sum += o->bins[k].n[i * together + j];
			bins[i] = (double)sum;
		}
		return OQZ_OK;
	}
	OQZ_FAIL(err, OQZ_E_INTERNAL, "no bins are for need %u", need);
}

void oqz_bins_describe(const struct oqz_site *site, struct oqz_str *out)
{
	if (site->bins)
		oqz_str_addf(out, " bins=%d", site->bins);
}
