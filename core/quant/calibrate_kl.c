/* SPDX-License-Identifier: Apache-2.0
 *
 * Calibrator `kl`: cuts the range where the distribution of |x| loses least information (Kullback-Leibler divergence)
 * when it is squeezed into the positive half of the grid. As PPQ 0.6's TorchHistObserver, with its first bins, its
 * logarithm to base 10, its divisor 2^(bits-1), and its power of two to the nearest exponent.
 *
 * With few codes there are up to 2048 cuts, whose divergences may differ by no more than a rounding. So both
 * distributions are PPQ's to the last bit, sums in torch's order included. What is left to chance is the last bit of a
 * divergence (a relative 1e-15), which in PPQ depends on the logarithm and the dot product of the machine that it runs
 * on. One case is not PPQ's: a cut before the first bin that counts, which exists for grids of at most 4 bits (of 4096
 * bins). There PPQ divides 0 by 0 and then takes that cut, which clips nearly everything; here it is no candidate.
 */
#include "core/quant/calibrate_hist.h"
#include "core/quant/torch_sum.h"

#include <math.h>

enum { KL_BINS = 4096 /* unless the scheme has a number of its own */ };

static float sum_of(const float *v, int n)
{
	return oqz_torch_sum(v, (size_t)n, n < OQZ_TORCH_VECTOR ? OQZ_TORCH_SCALAR : OQZ_TORCH_VECTOR);
}

/* h[0..cut) squeezed to `groups` levels and spread again over the bins that were not empty; returns the sum. */
static float kl_requantize(const float *h, int cut, int groups, float *out)
{
	int width = cut / groups;

	for (int g = 0; g < groups; g++) {
		const float *in = h + g * width;
		float sum = sum_of(in, width);
		int used = 0;
		for (int i = 0; i < width; i++)
			used += in[i] > 0;
		for (int i = 0; i < width; i++)
			out[g * width + i] = in[i] > 0 ? sum / (float)used : 0;
	}
	return sum_of(out, cut);
}

int oqz_kl_search(const float *bins, int count, int bits, float *work)
{
	int groups = 1 << (bits - 1), best = count, head = (int)(count * 0.002);
	float *h = work, *q = work + count;
	double least = INFINITY;

	for (int i = 0; i < count; i++)
		h[i] = i < head ? 0 : (i == head ? 1 : bins[i]);
	float all = sum_of(h, count);
	for (int cut = groups; cut <= count; cut += groups) {
		float tail = sum_of(h + cut, count - cut), sum = kl_requantize(h, cut, groups, q);
		double kl = 0; /* sum 0: NaN, which is not less */
		for (int i = 0; i < cut; i++) {
			float p = (i == cut - 1 ? h[i] + tail : h[i]) / all, r = q[i] / sum;
			kl += (double)p * (log10((double)p + 1e-30) - log10((double)r + 1e-30));
		}
		if (kl < least) {
			least = kl;
			best = cut;
		}
	}
	return best;
}

static enum oqz_status kl_find(const struct oqz_observer *o, const struct oqz_site *site, double *ret_lo,
                               double *ret_hi, float *ret_scale, struct oqz_err *err)
{
	double bins[OQZ_BINS];
	float narrow[OQZ_BINS], work[2 * OQZ_BINS];
	int bits = site->grid.bits, count = site->bins ? site->bins : KL_BINS;

	OQZ_TRY(oqz_observer_nonempty(o, err));
	if (!site->symmetric)
		OQZ_FAIL(err, OQZ_E_UNSUPPORTED, "calibrator kl finds symmetric ranges only");
	if (site->grid.kind != OQZ_GRID_AFFINE || bits < 2 || bits > 16 || 1 << (bits - 1) > count)
		OQZ_FAIL(err, OQZ_E_UNSUPPORTED,
		         "calibrator kl works for integer grids with up to twice as many codes as it has bins, %d",
		         count);
	float range = -o->lo > o->hi ? -o->lo : o->hi;
	double width = (double)range / count;
	double scale = 1e-8;
	if (width > 0) {
		OQZ_TRY(oqz_bins_get(o, OQZ_OBS_BINS_MAGNITUDE, count, bins, err));
		for (int i = 0; i < count; i++)
			narrow[i] = (float)bins[i];
		scale = oqz_kl_search(narrow, count, bits, work) * width / (1 << (bits - 1));
	}
	scale = scale > 1e-8 ? scale : 1e-8;
	if (site->pow2)
		scale = ldexp(1.0, (int)floor(log2(scale) + 0.5));
	*ret_lo = (double)o->lo;
	*ret_hi = (double)o->hi;
	*ret_scale = (float)scale;
	return OQZ_OK;
}

static unsigned kl_needs(const struct oqz_site *site)
{
	(void)site;
	return OQZ_OBS_BINS_MAGNITUDE;
}

const struct oqz_calibrator oqz_calibrator_kl = {
	.name = "kl",
	.summary = "cut with the least Kullback-Leibler divergence; symmetric",
	.needs = kl_needs,
	.describe = oqz_bins_describe,
	.per_axis = true,
	.find = kl_find,
};
