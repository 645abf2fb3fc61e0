/* SPDX-License-Identifier: Apache-2.0
 *
 * Equal bins for the calibrators that search over bins (mse, kl), made from the order-free histogram: the counts of a
 * logarithmic bin go to the equal bins it overlaps, in proportion and as real numbers. PPQ makes a second pass over the
 * images instead; the difference is at most the counts within one logarithmic bin (2^-11 relative) of an edge.
 */
#include "core/quant/calibrate_hist.h"

#include <math.h>

/* Spreads n values that lie in [low, high) over bins of `width` starting at `start`. */
static void spread(double low, double high, double n, double start, double width, double *bins, int count)
{
	double a = (low - start) / width, b = (high - start) / width;

	/* Saved statistics may hold bins outside of their own extremes. */
	a = !(a > 0) ? 0 : a > count ? count : a;
	b = !(b > 0) ? 0 : b > count ? count : b;
	int first = (int)a, last = (int)ceil(b) - 1;
	first = first >= count ? count - 1 : first;
	last = last < first ? first : (last >= count ? count - 1 : last);
	if (first == last || !(b > a)) {
		bins[first] += n;
		return;
	}
	for (int i = first; i <= last; i++) {
		double from = i == first ? a : i, to = i == last ? b : i + 1;
		bins[i] += n * (to - from) / (b - a);
	}
}

void oqz_hist_equal_bins(const struct oqz_observer *o, bool magnitude, double start, double width, double *bins,
                         int count)
{
	int at = -1, page, bin;
	uint64_t n;

	for (int i = 0; i < count; i++)
		bins[i] = 0;
	while (oqz_hist_next(o, &at, &page, &bin, &n)) {
		double low = 0, high = 0;
		if (page >= 0)
			oqz_hist_edges(page, bin, &low, &high);
		if (page >= OQZ_HIST_PAGES / 2 && !magnitude) {
			double t = low;
			low = -high;
			high = -t;
		}
		spread(low, high, (double)n, start, width, bins, count);
	}
}
