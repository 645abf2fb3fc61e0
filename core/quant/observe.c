/* SPDX-License-Identifier: Apache-2.0
 *
 * Making, reading and merging calibration statistics. See observe.h for what they promise, observer.h for their form
 * and observe_values.c for how values get in.
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
	o->page[OQZ_HIST_PAGES] = o->ignored;
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
enum { HALF = OQZ_HIST_PAGES / 2 * OQZ_HIST_BINS, LAST = 2 * HALF };

static uint64_t count_at(const struct oqz_observer *o, int i, int *ret_page, int *ret_bin)
{
	int key = i < HALF ? LAST - 1 - i : i - HALF - 1;

	if (i == HALF) {
		*ret_page = -1;
		*ret_bin = 0;
		return (uint64_t)o->zeros;
	}
	*ret_page = key / OQZ_HIST_BINS;
	*ret_bin = key % OQZ_HIST_BINS;
	return o->page[*ret_page] ? o->page[*ret_page][*ret_bin] : 0;
}

bool oqz_hist_next(const struct oqz_observer *o, int *at, int *ret_page, int *ret_bin, uint64_t *ret_count)
{
	for (int i = *at + 1; i <= LAST; i++) {
		*ret_count = count_at(o, i, ret_page, ret_bin);
		if (*ret_count) {
			*at = i;
			return true;
		}
		if (*ret_page >= 0 && !o->page[*ret_page]) /* to the page's last bin in this order */
			i += i < HALF ? *ret_bin : OQZ_HIST_BINS - 1 - *ret_bin;
	}
	return false;
}

/* A page's counts, or 0 where there is none. */
static int64_t page_sum(const uint64_t *page)
{
	uint64_t sum = 0;

	for (int i = 0; page && i < OQZ_HIST_BINS; i++)
		sum += page[i];
	return (int64_t)sum;
}

bool oqz_hist_end(const struct oqz_observer *o, int from, int64_t ranks, int *ret_page, int *ret_bin)
{
	int step = from < 0 ? 1 : -1;
	int64_t sum = 0;

	for (int i = from < 0 ? 0 : LAST; i >= 0 && i <= LAST; i += step) {
		int64_t here = (int64_t)count_at(o, i, ret_page, ret_bin);
		bool first = *ret_page >= 0 && *ret_bin == ((i < HALF) == (from < 0) ? OQZ_HIST_BINS - 1 : 0);
		/* a page that does not reach it is passed over whole */
		int64_t whole = first ? page_sum(o->page[*ret_page]) : 0;
		if (first && sum + whole < ranks) {
			sum += whole;
			i += step * (OQZ_HIST_BINS - 1);
			continue;
		}
		sum += here;
		if (sum >= ranks)
			return true;
	}
	return false;
}

/* ---------------------------------------------------------------------------------------------------- whole observers
 */

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
		OQZ_TRY(oqz_batch_merge(o, &from->batches.v[i], err));
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
	o->count += from->count;
	o->nonfinite += from->nonfinite;
	o->zeros += from->zeros;
	return OQZ_OK;
}
