/* SPDX-License-Identifier: Apache-2.0
 *
 * Equal bins for the searches of PPQ 0.6 (kl, mse; quantization.md 3.1, 3.2). They lie between the extremes, so these
 * must be known before the first number can be counted: a second pass over the images, which all schemes share. Which
 * bin a number falls into is torch.histc's float32 arithmetic, (x - start) / range * count, since a rule that compares
 * bins must not see them shifted.
 */
#include "core/quant/observer.h"

#include <float.h>
#include <math.h>
#include <string.h>

const struct oqz_bins_kind oqz_bins_kinds[OQZ_BINS_KINDS] = {
	{ .count = 4096, .magnitude = true },
	{ .count = 2048, .magnitude = true },
	{ .count = 2048, .magnitude = false },
};

static bool wanted(const struct oqz_observer *o, int kind) { return o->needs & (unsigned)OQZ_OBS_BINS_KL << kind; }

static enum oqz_status make_counts(struct oqz_bins *b, int kind, struct oqz_err *err)
{
	if (!b->n)
		b->n = calloc((size_t)oqz_bins_kinds[kind].count, sizeof *b->n);
	return b->n ? OQZ_OK : oqz_err_nomem(err, "bins", (size_t)oqz_bins_kinds[kind].count * sizeof *b->n);
}

/* Where the bins lie, by the extremes. */
static void place(const struct oqz_observer *o, int kind, struct oqz_bins *b)
{
	if (o->count == 0)
		return;
	b->start = oqz_bins_kinds[kind].magnitude ? 0 : o->lo;
	b->range = oqz_bins_kinds[kind].magnitude ? fmaxf(-o->lo, o->hi) : o->hi - o->lo;
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
		OQZ_TRY(make_counts(&o->bins[k], k, err));
	}
	*ret = oqz_steal(o);
	return OQZ_OK;
}

enum { ROW = 64 };

/* The bin of each of up to ROW numbers; -1: none, for what is not finite, and for what lies beyond the extremes of the
 * first pass, as happens where the second one runs behind more quantized tensors. Apart from the counting, so that the
 * division is vector code. */
OQZ_KERNEL static void find_bins(const float *x, size_t n, bool magnitude, float start, float range, float bins,
                                 int32_t *bin)
{
	for (size_t i = 0; i < n; i++) {
		float m = fabsf(x[i]), v = magnitude ? m : x[i];
		float at = (v - start) / range * bins;
		/* all numbers equal: range 0, and at is NaN */
		float in = at >= bins ? bins - 1 : at > 0 ? at : 0;
		bin[i] = m > FLT_MAX || m != m || at < 0 || at > bins ? -1 : (int32_t)in;
	}
}

static void count(struct oqz_bins *b, int bins, bool magnitude, const float *x, size_t n)
{
	int32_t bin[ROW];

	for (size_t at = 0; at < n; at += ROW) {
		size_t m = n - at < ROW ? n - at : ROW;
		find_bins(x + at, m, magnitude, b->start, b->range, (float)bins, bin);
		for (size_t i = 0; i < m; i++)
			if (bin[i] >= 0)
				b->n[bin[i]]++;
	}
}

void oqz_bins_add(struct oqz_observer *o, const float *x, size_t n)
{
	for (int k = 0; k < OQZ_BINS_KINDS; k++)
		if (wanted(o, k))
			count(&o->bins[k], oqz_bins_kinds[k].count, oqz_bins_kinds[k].magnitude, x, n);
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
		OQZ_TRY(make_counts(b, k, err));
		b->start = f->start;
		b->range = f->range;
		for (int i = 0; i < oqz_bins_kinds[k].count; i++)
			b->n[i] += f->n[i];
	}
	return OQZ_OK;
}

enum oqz_status oqz_bins_get(const struct oqz_observer *o, unsigned need, double *bins, struct oqz_err *err)
{
	for (int k = 0; k < OQZ_BINS_KINDS; k++) {
		if (need != (unsigned)OQZ_OBS_BINS_KL << k)
			continue;
		if (!o->bins[k].n)
			OQZ_FAIL(err, OQZ_E_MISMATCH, "the second pass, which counts into equal bins, is missing");
		for (int i = 0; i < oqz_bins_kinds[k].count; i++)
			bins[i] = (double)o->bins[k].n[i];
		return OQZ_OK;
	}
	OQZ_FAIL(err, OQZ_E_INTERNAL, "no bins are for need %u", need);
}
