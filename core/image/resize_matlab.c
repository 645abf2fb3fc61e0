/* SPDX-License-Identifier: Apache-2.0
 *
 * MATLAB's imresize(..., 'bicubic') for 8-bit images, which made the small images of DIV2K, Set5 and most other
 * super-resolution sets. Separable, in double throughout, the axis with the smaller scale first; when
 * shrinking, the kernel is widened (antialiasing); outside, the image is mirrored with its edge repeated. One rounding,
 * at the end, halves away from zero.
 */
#include "core/image/resize.h"
#include "core/base/checked.h"

#include <math.h>
#include <string.h>

static double kernel(double x)
{
	x = fabs(x);
	if (x <= 1)
		return (1.5 * x - 2.5) * x * x + 1;
	return x <= 2 ? ((-0.5 * x + 2.5) * x - 4) * x + 2 : 0;
}

/* Taps of one axis: index[i * n + k] and weight[i * n + k] of output i. */
struct taps {
	int64_t n, *index;
	double *weight;
};

static size_t taps_bytes(double scale, int64_t out, int64_t *ret_n)
{
	double width = scale < 1 ? 4 / scale : 4;

	*ret_n = (int64_t)ceil(width) + 2;
	return (size_t)out * (size_t)*ret_n * (sizeof(int64_t) + sizeof(double));
}

/* Position t (from 1) of an image of n samples that is mirrored, edges repeated: ... 2 1 | 1 2 ... n | n n-1 ... */
static int64_t mirror(int64_t t, int64_t n)
{
	int64_t at = (t - 1) % (2 * n);

	at = at < 0 ? at + 2 * n : at;
	return at < n ? at : 2 * n - 1 - at;
}

static void fill_taps(double scale, int64_t in, int64_t out, struct taps *t)
{
	double shrink = scale < 1 ? scale : 1, width = 4 / shrink;

	for (int64_t i = 0; i < out; i++) {
		double u = (double)(i + 1) / scale + 0.5 * (1 - 1 / scale), sum = 0;
		int64_t left = (int64_t)floor(u - width / 2);
		for (int64_t k = 0; k < t->n; k++) {
			double w = shrink * kernel(shrink * (u - (double)(left + k)));
			t->index[i * t->n + k] = mirror(left + k, in);
			sum += t->weight[i * t->n + k] = w;
		}
		for (int64_t k = 0; k < t->n; k++)
			t->weight[i * t->n + k] /= sum;
	}
}

/* (rows, in, inner) -> (rows, out, inner). */
static void resample(const double *src, int64_t rows, int64_t in, int64_t inner, const struct taps *t, int64_t out,
                     double *dst)
{
	for (int64_t r = 0; r < rows; r++)
		for (int64_t i = 0; i < out; i++) {
			double *to = dst + (r * out + i) * inner;
			memset(to, 0, (size_t)inner * sizeof *to);
			for (int64_t k = 0; k < t->n; k++) {
				const double *from = src + (r * in + t->index[i * t->n + k]) * inner;
				const double w = t->weight[i * t->n + k];
				for (int64_t x = 0; x < inner; x++)
					to[x] += w * from[x];
			}
		}
}

static uint8_t to_byte(double v) { return (uint8_t)(v <= 0 ? 0 : v >= 255 ? 255 : floor(v + 0.5)); }

enum oqz_status oqz_resize_matlab(const struct oqz_image *src, double scale_x, double scale_y, int32_t width,
                                  int32_t height, struct oqz_resize_work *work, struct oqz_image *dst,
                                  struct oqz_err *err)
{
	const int64_t c = src->channels, w0 = src->width, h0 = src->height;
	bool rows_first = scale_y <= scale_x;
	size_t n_in = oqz_image_bytes(src), n_out = (size_t)width * (size_t)height * (size_t)c;
	size_t n_mid = (size_t)(rows_first ? w0 * height : (int64_t)width * h0) * (size_t)c;
	struct taps x, y;
	size_t bytes_x = taps_bytes(scale_x, width, &x.n), bytes_y = taps_bytes(scale_y, height, &y.n);

	char *memory = oqz_resize_work_table(work, (n_in + n_mid + n_out) * sizeof(double) + bytes_x + bytes_y);
	if (!memory)
		return oqz_err_nomem(err, "a resized image", n_out * sizeof(double));
	double *a = (double *)memory, *mid = a + n_in, *b = mid + n_mid;
	x.weight = b + n_out;
	x.index = (int64_t *)(x.weight + (int64_t)width * x.n);
	y.weight = (double *)(x.index + (int64_t)width * x.n);
	y.index = (int64_t *)(y.weight + (int64_t)height * y.n);
	fill_taps(scale_x, w0, width, &x);
	fill_taps(scale_y, h0, height, &y);
	for (size_t i = 0; i < n_in; i++)
		a[i] = src->data[i];
	if (rows_first) {
		resample(a, 1, h0, w0 * c, &y, height, mid);
		resample(mid, height, w0, c, &x, width, b);
	} else {
		resample(a, h0, w0, c, &x, width, mid);
		resample(mid, 1, h0, (int64_t)width * c, &y, height, b);
	}
	OQZ_TRY(oqz_image_reserve(dst, width, height, src->channels, err));
	for (size_t i = 0; i < n_out; i++)
		dst->data[i] = to_byte(b[i]);
	return OQZ_OK;
}
