/* SPDX-License-Identifier: Apache-2.0
 *
 * Histograms of which only the ends will be looked at. A quantile of 0.9999 needs the largest and the smallest
 * ten-thousandth of the values; once that many of them are known, a value between them can never be among the wanted
 * ranks, and looking that it is one costs a tenth of counting it. What is asked for afterwards is what the whole
 * histogram would have said, for any order of images and any division among threads.
 */
#include "core/quant/observer.h"

#include <math.h>
#include <string.h>

void oqz_observer_tails(struct oqz_observer *o, int64_t ranks)
{
	if (!(o->needs & OQZ_OBS_HISTOGRAM) || ranks <= o->ranks)
		return;
	o->ranks = ranks;
}

int64_t oqz_hist_counted(const struct oqz_observer *o)
{
	int64_t sum = o->zeros;

	for (int p = 0; p < OQZ_HIST_PAGES; p++)
		for (int i = 0; o->page[p] && i < OQZ_HIST_BINS; i++)
			sum += (int64_t)o->page[p][i];
	return sum;
}

/* Least and largest number of a bin; zero (page -1) as its neighbours, so that it is on neither side of itself: zeros
 * have a count of their own. */
static void bin_range(int page, int bin, float *ret_lo, float *ret_hi)
{
	double low, high;

	if (page < 0) {
		*ret_lo = 0x1p-149f;
		*ret_hi = -0x1p-149f;
		return;
	}
	oqz_hist_edges(page, bin, &low, &high);
	*ret_lo = (float)low;
	*ret_hi = nextafterf((float)high, 0);
	if (page >= OQZ_HIST_PAGES / 2) {
		float swap = *ret_lo;
		*ret_lo = -*ret_hi;
		*ret_hi = -swap;
	}
}

void oqz_tails_narrow(struct oqz_observer *o)
{
	int page, bin;
	float below, above, unused;

	o->fresh = 0;
	if (o->ranks == 0 || !oqz_hist_end(o, -1, o->ranks, &page, &bin))
		return;
	bin_range(page, bin, &unused, &below);
	oqz_hist_end(o, 1, o->ranks, &page, &bin);
	bin_range(page, bin, &above, &unused);
	/* What was left out before lay between the limits of then. Where more ranks are asked for than at that time,
	 * the new limits could lie further in, and what is counted there is not all. */
	bool first = o->below >= o->above;
	if (below < above && (first || (below <= o->below && above >= o->above))) {
		o->below = below;
		o->above = above;
	}
}

int64_t oqz_tails_known(const struct oqz_observer *o)
{
	int at = -1, page, bin;
	int64_t low = 0, high = 0;
	uint64_t n;
	float least, largest;

	if (o->below >= o->above)
		return INT64_MAX;
	while (oqz_hist_next(o, &at, &page, &bin, &n)) {
		bin_range(page, bin, &least, &largest);
		low += largest <= o->below ? (int64_t)n : 0;
		high += least >= o->above ? (int64_t)n : 0;
	}
	return low < high ? low : high;
}
