/* SPDX-License-Identifier: Apache-2.0
 *
 * PSNR and SSIM as mmediting and BasicSR define them, in double throughout.
 *
 * SSIM needs five filtered images (both, both squared, the product). They are made row by row: each input row is
 * filtered horizontally once and kept for the eleven output rows that use it, so memory is a few rows and not five
 * planes. Only places where the whole window lies inside count.
 */
#include "superres.h"

#include <math.h>

double superres_squared_error(const double *a, const double *b, size_t n)
{
	double sum = 0;

	for (size_t i = 0; i < n; i++)
		sum += (a[i] - b[i]) * (a[i] - b[i]);
	return sum;
}

double superres_psnr(double mse) { return mse == 0 ? INFINITY : 20 * log10(255 / sqrt(mse)); }

double superres_y(double r, double g, double b) { return (65.481 * r + 128.553 * g + 24.966 * b) / 255 + 16; }

/* OpenCV's 14-bit integers; floor, as its shift, also below zero (predictions that are not clamped). */
double superres_y_full(double r, double g, double b) { return floor((4899 * r + 9617 * g + 1868 * b + 8192) / 16384); }

/* -------------------------------------------------------------------------------------------------- SSIM */

enum { A, B, AA, BB, AB, MAPS };

struct ring {
	double *rows; /* [SSIM_WINDOW][MAPS][width] */
	double *sum;  /* [MAPS][width] */
	double gauss[SSIM_WINDOW];
	int64_t width; /* of the output */
};

size_t superres_ssim_scratch(int64_t width) { return (size_t)width * MAPS * (SSIM_WINDOW + 1) * sizeof(double); }

static double *ring_row(const struct ring *r, int64_t y, int map)
{
	return r->rows + ((y % SSIM_WINDOW) * MAPS + map) * r->width;
}

/* cv2.getGaussianKernel(11, 1.5). */
static void fill_gauss(double g[SSIM_WINDOW])
{
	double sum = 0;

	for (int i = 0; i < SSIM_WINDOW; i++)
		sum += g[i] = exp(-(i - 5.0) * (i - 5.0) / (2 * 1.5 * 1.5));
	for (int i = 0; i < SSIM_WINDOW; i++)
		g[i] /= sum;
}

/* Filters one input row horizontally into its place of the ring. */
static void filter_row(const struct ring *r, const double *a, const double *b, int64_t y)
{
	double *map[MAPS];

	for (int m = 0; m < MAPS; m++) {
		map[m] = ring_row(r, y, m);
		memset(map[m], 0, (size_t)r->width * sizeof(double));
	}
	for (int k = 0; k < SSIM_WINDOW; k++) {
		const double g = r->gauss[k], *pa = a + k, *pb = b + k;
		for (int64_t x = 0; x < r->width; x++) {
			double u = pa[x], v = pb[x];
			map[A][x] += g * u;
			map[B][x] += g * v;
			map[AA][x] += g * (u * u);
			map[BB][x] += g * (v * v);
			map[AB][x] += g * (u * v);
		}
	}
}

/* Sum of the SSIM values of the output row whose first input row is y. */
static double output_row(const struct ring *r, int64_t y)
{
	const double c1 = 0.01 * 255 * (0.01 * 255), c2 = 0.03 * 255 * (0.03 * 255);
	const int64_t w = r->width;
	double total = 0;

	memset(r->sum, 0, (size_t)w * MAPS * sizeof(double));
	for (int k = 0; k < SSIM_WINDOW; k++) {
		const double g = r->gauss[k], *from = ring_row(r, y + k, 0);
		for (int64_t i = 0; i < w * MAPS; i++)
			r->sum[i] += g * from[i];
	}
	for (int64_t x = 0; x < w; x++) {
		double ma = r->sum[A * w + x], mb = r->sum[B * w + x];
		double va = r->sum[AA * w + x] - ma * ma, vb = r->sum[BB * w + x] - mb * mb;
		double cov = r->sum[AB * w + x] - ma * mb;
		total += (2 * ma * mb + c1) * (2 * cov + c2) / ((ma * ma + mb * mb + c1) * (va + vb + c2));
	}
	return total;
}

double superres_ssim(const double *a, const double *b, int64_t width, int64_t height, void *scratch)
{
	struct ring r = { .width = width - SSIM_WINDOW + 1, .rows = scratch };
	int64_t rows = height - SSIM_WINDOW + 1;
	double total = 0;

	r.sum = r.rows + SSIM_WINDOW * MAPS * r.width;
	fill_gauss(r.gauss);
	for (int64_t y = 0; y < height; y++) {
		filter_row(&r, a + y * width, b + y * width, y);
		if (y >= SSIM_WINDOW - 1)
			total += output_row(&r, y - SSIM_WINDOW + 1);
	}
	return total / ((double)r.width * (double)rows);
}
