/* SPDX-License-Identifier: Apache-2.0
 *
 * Error sums. The order of additions is fixed by the source (16 lanes, folded by halves, blocks in index order), so
 * that any vector width gives the same double; nothing here may be compiled with reassociation.
 */
#include "core/metric/error_sums.h"
#include "core/base/compiler.h"

#include <math.h>
#include <string.h>

enum { BLOCK = 4096, LANES = 16, CHUNK = 256 };

typedef double v8f64 __attribute__((vector_size(64)));

/* To double in small pieces: this loop and the next are each what a compiler vectorises well. */
OQZ_KERNEL static void differences(const float *a, const float *b, size_t n, double *diff, double *ref)
{
	for (size_t i = 0; i < n; i++) {
		diff[i] = (double)a[i] - (double)b[i];
		ref[i] = (double)b[i];
	}
}

/* The 16 partial sums of one block, of both kinds: four vectors, so that additions overlap. */
struct lanes {
	v8f64 err[2], ref[2];
};

/* Adds the squares of d and r, element i into lane i % 16; n is a multiple of 16. */
OQZ_KERNEL static void add_squares(const double *d, const double *r, size_t n, struct lanes *acc)
{
	struct lanes s = *acc;
	v8f64 x[2], y[2];

	for (size_t i = 0; i < n; i += LANES) {
		memcpy(x, d + i, sizeof x);
		memcpy(y, r + i, sizeof y);
		s.err[0] += x[0] * x[0];
		s.err[1] += x[1] * x[1];
		s.ref[0] += y[0] * y[0];
		s.ref[1] += y[1] * y[1];
	}
	*acc = s;
}

static double fold(const v8f64 v[2])
{
	double acc[LANES];

	memcpy(acc, v, sizeof acc);
	for (int w = LANES / 2; w > 0; w /= 2)
		for (int l = 0; l < w; l++)
			acc[l] += acc[l + w];
	return acc[0];
}

static void block(const float *a, const float *b, size_t n, struct oqz_error_sums *sums)
{
	struct lanes acc = { 0 };
	double d[CHUNK], r[CHUNK];

	for (size_t i = 0; i < n; i += CHUNK) {
		size_t m = n - i < CHUNK ? n - i : CHUNK, whole = (m + LANES - 1) / LANES * LANES;
		differences(a + i, b + i, m, d, r);
		for (size_t k = m; k < whole; k++)
			d[k] = r[k] = 0; /* adding +0 to a sum of squares changes nothing */
		add_squares(d, r, whole, &acc);
	}
	sums->err2 += fold(acc.err);
	sums->ref2 += fold(acc.ref);
}

void oqz_error_sums(const float *a, const float *b, size_t n, struct oqz_error_sums *ret)
{
	struct oqz_error_sums sums = { 0, 0 };

	for (size_t i = 0; i < n; i += BLOCK)
		block(a + i, b + i, n - i < BLOCK ? n - i : BLOCK, &sums);
	*ret = sums;
}

void oqz_layer_error(const struct oqz_error_sums *per_image, size_t n, size_t stride, struct oqz_layer_error *ret)
{
	struct oqz_layer_error e = { .images = (int64_t)n };
	double err2 = 0, ref2 = 0, sum = 0;
	int64_t counted = 0;

	for (size_t i = 0; i < n; i++) {
		const struct oqz_error_sums *s = &per_image[i * stride];
		err2 += s->err2;
		ref2 += s->ref2;
		if (!isfinite(s->err2) || !isfinite(s->ref2)) {
			e.nonfinite++;
			continue;
		}
		if (s->ref2 == 0 && s->err2 > 0) {
			e.undefined++;
			continue;
		}
		double r = s->err2 > 0 ? sqrt(s->err2 / s->ref2) : 0;
		sum += r;
		e.max = r > e.max ? r : e.max;
		counted++;
	}
	e.mean = counted ? sum / (double)counted : NAN;
	if (!counted)
		e.max = NAN;
	if (!isfinite(err2) || !isfinite(ref2))
		e.pooled = INFINITY;
	else
		e.pooled = err2 == 0 ? 0 : ref2 == 0 ? INFINITY : sqrt(err2 / ref2);
	*ret = e;
}

/* Mean of the finite values and maximum of all numbers. */
struct spread {
	double sum, max;
	int64_t finite, seen;
};

static void spread_add(struct spread *s, double x)
{
	if (isnan(x))
		return;
	s->max = s->seen++ == 0 || x > s->max ? x : s->max;
	if (isfinite(x)) {
		s->sum += x;
		s->finite++;
	}
}

static double spread_mean(const struct spread *s) { return s->finite ? s->sum / (double)s->finite : NAN; }
static double spread_max(const struct spread *s) { return s->seen ? s->max : NAN; }

void oqz_model_error(const struct oqz_layer_error *layers, const unsigned char *is_output, size_t n,
                     struct oqz_model_error *ret)
{
	struct spread pooled = { 0 }, mean = { 0 }, out_pooled = { 0 }, out_mean = { 0 };
	int64_t infinite = 0;

	for (size_t i = 0; i < n; i++) {
		spread_add(&pooled, layers[i].pooled);
		spread_add(&mean, layers[i].mean);
		infinite += isinf(layers[i].pooled) != 0;
		if (is_output && is_output[i]) {
			spread_add(&out_pooled, layers[i].pooled);
			spread_add(&out_mean, layers[i].mean);
		}
	}
	*ret = (struct oqz_model_error) {
		.aqe = spread_mean(&pooled),
		.mqe = spread_max(&pooled),
		.oqe = spread_max(&out_pooled),
		.mean_aqe = spread_mean(&mean),
		.mean_mqe = spread_max(&mean),
		.mean_oqe = spread_max(&out_mean),
		.layers = (int64_t)n,
		.infinite = infinite,
	};
}
