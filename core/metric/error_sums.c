/* SPDX-License-Identifier: Apache-2.0
 *
 * Error sums. The order of additions is fixed by the source (16 lanes, folded by halves, blocks in index order), so
 * that any vector width gives the same double; nothing here may be compiled with reassociation.
 */
#include "core/metric/error_sums.h"
#include "core/base/compiler.h"

#include <math.h>
#include <string.h>

enum { LANES = 16, CHUNK = 128, MAX_A = 64 };

typedef double v8f64 __attribute__((vector_size(64)));

/* To double in small pieces: these loops and the next are each what a compiler vectorises well. */
OQZ_KERNEL static void widened(const float *restrict b, size_t n, double *restrict out)
{
	for (size_t i = 0; i < n; i++)
		out[i] = (double)b[i];
}

/* Adds the squares of x, element i into partial sum i % 16, kept in two vectors; n is a multiple of 16. */
OQZ_KERNEL static void add_squares(const double *x, size_t n, v8f64 acc[2])
{
	v8f64 s[2] = { acc[0], acc[1] };

	for (size_t i = 0; i < n; i += LANES) {
		v8f64 lo, hi;
		memcpy(&lo, x + i, sizeof lo);
		memcpy(&hi, x + i + LANES / 2, sizeof hi);
		s[0] += lo * lo;
		s[1] += hi * hi;
	}
	acc[0] = s[0];
	acc[1] = s[1];
}

/* Written out, as compilers make one instruction of this, of __builtin_convertvector five. */
#define WIDENED(x) ((v8f64) { (x)[0], (x)[1], (x)[2], (x)[3], (x)[4], (x)[5], (x)[6], (x)[7] })

/* The same for the squares of a - b. */
OQZ_KERNEL static void add_differences(const float *a, const double *b, size_t n, v8f64 acc[2])
{
	v8f64 s[2] = { acc[0], acc[1] };

	for (size_t i = 0; i < n; i += LANES) {
		v8f64 lo, hi;
		memcpy(&lo, b + i, sizeof lo);
		memcpy(&hi, b + i + LANES / 2, sizeof hi);
		lo = WIDENED(a + i) - lo;
		hi = WIDENED(a + i + LANES / 2) - hi;
		s[0] += lo * lo;
		s[1] += hi * hi;
	}
	acc[0] = s[0];
	acc[1] = s[1];
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

/* The last numbers of a chunk, n < 16 of them: with zeros behind them in both, as adding +0 to a sum of squares changes
 * nothing. */
static void add_rest(const float *a, const double *b, size_t n, v8f64 acc[2])
{
	float a16[LANES] = { 0 };
	double b16[LANES] = { 0 };

	memcpy(a16, a, n * sizeof *a);
	memcpy(b16, b, n * sizeof *b);
	add_differences(a16, b16, LANES, acc);
}

void oqz_error_block(const float *const *a, size_t n_a, const float *b, size_t n, double *err2, double *ref2)
{
	v8f64 err[MAX_A][2], ref[2] = { 0 };
	double wide[CHUNK];

	for (; n_a > MAX_A; n_a -= MAX_A, a += MAX_A, err2 += MAX_A)
		oqz_error_block(a, MAX_A, b, n, err2, NULL);
	memset(err, 0, n_a * sizeof err[0]);
	for (size_t i = 0; i < n; i += CHUNK) {
		size_t m = n - i < CHUNK ? n - i : CHUNK, whole = m / LANES * LANES;
		widened(b + i, m, wide);
		for (size_t k = 0; k < n_a; k++) {
			add_differences(a[k] + i, wide, whole, err[k]);
			if (whole < m)
				add_rest(a[k] + i + whole, wide + whole, m - whole, err[k]);
		}
		for (size_t k = m; ref2 && k % LANES; k++)
			wide[k] = 0;
		if (ref2)
			add_squares(wide, (m + LANES - 1) / LANES * LANES, ref);
	}
	for (size_t k = 0; k < n_a; k++)
		err2[k] += fold(err[k]);
	if (ref2)
		*ref2 += fold(ref);
}

void oqz_error_sums(const float *a, const float *b, size_t n, struct oqz_error_sums *ret)
{
	struct oqz_error_sums sums = { 0, 0 };

	for (size_t i = 0; i < n; i += OQZ_ERROR_BLOCK) {
		const float *at = a + i;
		oqz_error_block(&at, 1, b + i, n - i < OQZ_ERROR_BLOCK ? n - i : OQZ_ERROR_BLOCK, &sums.err2,
		                &sums.ref2);
	}
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
