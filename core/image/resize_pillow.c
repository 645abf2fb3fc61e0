/* SPDX-License-Identifier: Apache-2.0
 *
 * Pillow's Image.resize() for 8-bit images (libImaging/Resample.c, stable since 4.0): separable, horizontal first, the
 * intermediate rounded to bytes, weights in 22-bit fixed point. Being integer arithmetic, it can be reordered freely,
 * which the inner loops use: four pixels of three channels at a time horizontally, 64 samples vertically.
 */
#include "core/image/resize.h"
#include "core/base/checked.h"

#include <math.h>
#include <string.h>

enum { BITS = 22, HALF = 1 << (BITS - 1), LANES = 64 };

typedef int32_t v4s32 __attribute__((vector_size(16)));
typedef int32_t v16s32 __attribute__((vector_size(64)));

static double kernel_box(double x) { return x > -0.5 && x <= 0.5 ? 1 : 0; }

static double kernel_bilinear(double x)
{
	x = fabs(x);
	return x < 1 ? 1 - x : 0;
}

static double kernel_hamming(double x)
{
	x = fabs(x);
	if (x == 0)
		return 1;
	if (x >= 1)
		return 0;
	x *= M_PI;
	return sin(x) / x * (0.54f + 0.46f * cos(x));
}

static double kernel_bicubic(double x)
{
	const double a = -0.5;

	x = fabs(x);
	if (x < 1)
		return ((a + 2) * x - (a + 3)) * x * x + 1;
	return x < 2 ? (((x - 5) * x + 8) * x - 4) * a : 0;
}

static double sinc(double x)
{
	if (x == 0)
		return 1;
	x *= M_PI;
	return sin(x) / x;
}

static double kernel_lanczos(double x) { return x >= -3 && x < 3 ? sinc(x) * sinc(x / 3) : 0; }

static const struct kernel {
	double (*f)(double x);
	double support;
} kernels[] = {
	[OQZ_FILTER_PIL_BOX] = { kernel_box, 0.5 },       [OQZ_FILTER_PIL_BILINEAR] = { kernel_bilinear, 1 },
	[OQZ_FILTER_PIL_HAMMING] = { kernel_hamming, 1 }, [OQZ_FILTER_PIL_BICUBIC] = { kernel_bicubic, 2 },
	[OQZ_FILTER_PIL_LANCZOS] = { kernel_lanczos, 3 },
};

/* Weights of one axis for output positions [first, first + n). */
struct axis {
	int32_t *lo;   /* [n] first tap */
	int32_t *taps; /* [n] number of taps */
	int32_t *k;    /* [n][size] fixed-point weights, zero after the last tap */
	int32_t n, size;
};

/* What the horizontal pass over three channels needs beside its axis. */
struct lanes {
	int32_t *k;    /* [n][size][4] each weight four times over */
	int32_t *row;  /* one row at four ints a pixel, and 16 more */
	uint8_t *four; /* the same in bytes */
};

/* Taps per output position, a multiple of 4 so that the horizontal loop needs no remainder. */
static int32_t axis_size(float i0, float i1, int32_t out, const struct kernel *kernel)
{
	double scale = (double)(i1 - i0) / out, fs = scale < 1 ? 1 : scale;

	return ((int32_t)ceil(kernel->support * fs) * 2 + 1 + 3) / 4 * 4;
}

static void axis_fill(struct axis *a, float i0, float i1, int32_t in, int32_t out, int32_t first,
                      const struct kernel *kernel, double *w)
{
	double scale = (double)(i1 - i0) / out, fs = scale < 1 ? 1 : scale;
	double support = kernel->support * fs, inv = 1.0 / fs;

	for (int32_t i = 0; i < a->n; i++) {
		double c = i0 + (first + i + 0.5) * scale, sum = 0;
		int32_t lo = (int32_t)(c - support + 0.5), hi = (int32_t)(c + support + 0.5);
		lo = lo < 0 ? 0 : lo;
		hi = hi > in ? in : hi;
		for (int32_t j = 0; j < hi - lo; j++) {
			w[j] = kernel->f((j + lo - c + 0.5) * inv);
			sum += w[j];
		}
		int32_t *k = a->k + (size_t)i * (size_t)a->size;
		memset(k, 0, (size_t)a->size * sizeof *k);
		for (int32_t j = 0; j < hi - lo; j++) {
			double v = sum != 0 ? w[j] / sum : w[j];
			k[j] = (int32_t)(v < 0 ? v * (1 << BITS) - 0.5 : v * (1 << BITS) + 0.5);
		}
		a->lo[i] = lo;
		a->taps[i] = hi - lo;
	}
}

static inline uint8_t to_u8(int32_t s)
{
	s >>= BITS;
	s = s < 0 ? 0 : s;
	return (uint8_t)(s > 255 ? 255 : s);
}

/* Three channels of bytes to four ints a pixel, so that four pixels are sixteen lanes and the loop over taps multiplies
 * and adds, nothing else. Reads one byte past the row. */
OQZ_KERNEL static void widen_row(const uint8_t *row, size_t n, uint8_t *four, int32_t *out)
{
	for (size_t x = 0; x < n; x++)
		memcpy(four + 4 * x, row + 3 * x, 4);
	for (size_t i = 0; i < 4 * n; i++)
		out[i] = four[i];
}

/* One row of three channels from a widened one that begins at the first tap of all. The fourth lane of a pixel is
 * computed and thrown away. Written with vectors because the compiler, left alone, vectorises the wrong loop. */
OQZ_KERNEL static void horizontal_rgb(const struct lanes *lanes, const struct axis *a, uint8_t *out)
{
	for (int32_t x = 0; x < a->n; x++, out += 3) {
		const int32_t *p = lanes->row + 4 * (size_t)(a->lo[x] - a->lo[0]);
		const int32_t *w = lanes->k + (size_t)x * (size_t)a->size * 4;
		v16s32 acc = { 0 };
		for (int32_t left = a->taps[x]; left > 0; left -= 4, p += 16, w += 16) {
			v16s32 px, k;
			memcpy(&px, p, sizeof px);
			memcpy(&k, w, sizeof k);
			acc += px * k;
		}
		v4s32 q[4];
		memcpy(q, &acc, sizeof q);
		v4s32 s = ((q[0] + q[1]) + (q[2] + q[3]) + HALF) >> BITS;
		s &= ~(s >> 31); /* below 0: 0 */
		s |= s > 255;    /* above 255: all bits, of which the lowest eight are kept */
		out[0] = (uint8_t)s[0];
		out[1] = (uint8_t)s[1];
		out[2] = (uint8_t)s[2];
	}
}

/* One row of any number of channels. */
static void horizontal_any(const uint8_t *row, const struct axis *a, int32_t channels, uint8_t *out)
{
	for (int32_t x = 0; x < a->n; x++)
		for (int32_t c = 0; c < channels; c++) {
			const uint8_t *p = row + (size_t)a->lo[x] * (size_t)channels + c;
			const int32_t *k = a->k + (size_t)x * (size_t)a->size;
			int32_t s = HALF;
			for (int32_t j = 0; j < a->taps[x]; j++)
				s += p[(size_t)j * (size_t)channels] * k[j];
			*out++ = to_u8(s);
		}
}

/* One output row of n samples from `taps` source rows. Reads and writes up to 63 samples past n: into the next row,
 * which is written later, or the image's slack. */
OQZ_KERNEL static void vertical_row(const uint8_t *src, size_t stride, const int32_t *k, int32_t taps, size_t n,
                                    uint8_t *out)
{
	for (size_t i = 0; i < n; i += LANES) {
		const uint8_t *p = src + i;
		int32_t acc[LANES];
		for (int l = 0; l < LANES; l++)
			acc[l] = HALF + p[l] * k[0];
		for (int32_t j = 1; j < taps; j++) {
			p += stride;
			for (int l = 0; l < LANES; l++)
				acc[l] += p[l] * k[j];
		}
		for (int l = 0; l < LANES; l++)
			out[i + (size_t)l] = to_u8(acc[l]);
	}
}

/* Rows [y0, y0 + rows) of src -> dst (a->n wide). */
static enum oqz_status horizontal(const struct oqz_image *src, int32_t y0, int32_t rows, const struct axis *a,
                                  const struct lanes *lanes, struct oqz_image *dst, struct oqz_err *err)
{
	size_t in = (size_t)src->width * (size_t)src->channels, out = (size_t)a->n * (size_t)src->channels;
	int32_t first = a->lo[0], last = a->lo[a->n - 1] + a->taps[a->n - 1];

	OQZ_TRY(oqz_image_reserve(dst, a->n, rows, src->channels, err));
	if (src->channels == 3)
		for (size_t i = 0; i < (size_t)a->n * (size_t)a->size; i++)
			for (int l = 0; l < 4; l++)
				lanes->k[i * 4 + (size_t)l] = a->k[i];
	if (src->channels == 3) /* lanes past the last tap have weight 0, but let them be numbers */
		memset(lanes->row + 4 * (size_t)(last - first), 0, 16 * sizeof(int32_t));
	for (int32_t y = 0; y < rows; y++) {
		const uint8_t *row = src->data + (size_t)(y0 + y) * in;
		if (src->channels == 3) {
			widen_row(row + 3 * (size_t)first, (size_t)(last - first), lanes->four, lanes->row);
			horizontal_rgb(lanes, a, dst->data + (size_t)y * out);
		} else {
			horizontal_any(row, a, src->channels, dst->data + (size_t)y * out);
		}
	}
	return OQZ_OK;
}

/* Whole rows of src (whose row 0 is row y0 of the source image) -> dst. */
static enum oqz_status vertical(const struct oqz_image *src, int32_t y0, const struct axis *a, struct oqz_image *dst,
                                struct oqz_err *err)
{
	size_t stride = (size_t)src->width * (size_t)src->channels;

	OQZ_TRY(oqz_image_reserve(dst, src->width, a->n, src->channels, err));
	for (int32_t y = 0; y < a->n; y++)
		vertical_row(src->data + (size_t)(a->lo[y] - y0) * stride, stride, a->k + (size_t)y * (size_t)a->size,
		             a->taps[y], stride, dst->data + (size_t)y * stride);
	return OQZ_OK;
}

/* Image.resize(NEAREST): positions are summed up step by step, as Pillow does (libImaging/Geometry.c). */
static enum oqz_status nearest(const struct oqz_image *src, const float *box, int32_t width, int32_t height,
                               const struct oqz_window *win, struct oqz_resize_work *work, struct oqz_image *dst,
                               struct oqz_err *err)
{
	double sx = (double)(box[2] - box[0]) / width, sy = (double)(box[3] - box[1]) / height;
	double xo = box[0] + sx * 0.5, yo = box[1] + sy * 0.5;
	size_t ch = (size_t)src->channels;
	int32_t *xs = oqz_resize_work_table(work, (size_t)width * sizeof *xs);

	if (!xs)
		return oqz_err_nomem(err, "resize table", (size_t)width * sizeof *xs);
	OQZ_TRY(oqz_image_reserve(dst, win->width, win->height, src->channels, err));
	for (int32_t x = 0; x < width; x++, xo += sx)
		xs[x] = (int32_t)xo < src->width ? (int32_t)xo : src->width - 1;
	for (int32_t y = 0; y < win->y + win->height; y++, yo += sy) {
		if (y < win->y)
			continue;
		int32_t row = (int32_t)yo < src->height ? (int32_t)yo : src->height - 1;
		uint8_t *out = dst->data + (size_t)(y - win->y) * (size_t)win->width * ch;
		for (int32_t x = 0; x < win->width; x++)
			for (size_t c = 0; c < ch; c++)
				*out++ =
				    src->data[((size_t)row * (size_t)src->width + (size_t)xs[win->x + x]) * ch + c];
	}
	return OQZ_OK;
}

/* Lays out and fills the tables of both axes in the work memory. `lanes` gets its room too.
 */
static enum oqz_status tables(struct oqz_resize_work *work, const struct oqz_image *src, const float *box,
                              int32_t width, int32_t height, const struct oqz_window *win, const struct kernel *kernel,
                              struct axis *h, struct axis *v, struct lanes *lanes, struct oqz_err *err)
{
	h->n = win->width;
	v->n = win->height;
	h->size = axis_size(box[0], box[2], width, kernel);
	v->size = axis_size(box[1], box[3], height, kernel);
	size_t hn = (size_t)h->n, vn = (size_t)v->n, hs = (size_t)h->size, vs = (size_t)v->size;
	size_t w = hs > vs ? hs : vs;
	size_t bytes = w * sizeof(double) + (hn * hs * 5 + vn * vs + 2 * (hn + vn)) * sizeof(int32_t) +
	               (size_t)src->width * 20 + 64;
	double *weights = oqz_resize_work_table(work, bytes);
	if (!weights)
		return oqz_err_nomem(err, "resize tables", bytes);
	lanes->k = (int32_t *)(weights + w);
	h->k = lanes->k + hn * hs * 4;
	v->k = h->k + hn * hs;
	h->lo = v->k + vn * vs;
	h->taps = h->lo + hn;
	v->lo = h->taps + hn;
	v->taps = v->lo + vn;
	lanes->row = v->taps + vn;
	lanes->four = (uint8_t *)(lanes->row + 4 * (size_t)src->width + 16);
	axis_fill(h, box[0], box[2], src->width, width, win->x, kernel, weights);
	axis_fill(v, box[1], box[3], src->height, height, win->y, kernel, weights);
	return OQZ_OK;
}

enum oqz_status oqz_resize_pillow(const struct oqz_image *src, const float *box, int32_t width, int32_t height,
                                  enum oqz_filter filter, const struct oqz_window *window, struct oqz_resize_work *work,
                                  struct oqz_image *dst, struct oqz_err *err)
{
	const float whole_box[4] = { 0, 0, (float)src->width, (float)src->height };
	const struct oqz_window whole = { 0, 0, width, height };
	const struct oqz_window *win = window ? window : &whole;
	struct axis h = { 0 }, v = { 0 };
	struct lanes lanes = { 0 };

	box = box ? box : whole_box;
	bool across = width != src->width || box[0] != 0 || box[2] != (float)width;
	bool down = height != src->height || box[1] != 0 || box[3] != (float)height;
	if (!across && !down)
		return oqz_image_crop(src, win, dst, err);
	if (filter == OQZ_FILTER_PIL_NEAREST)
		return nearest(src, box, width, height, win, work, dst, err);
	OQZ_TRY(tables(work, src, box, width, height, win, &kernels[filter], &h, &v, &lanes, err));
	int32_t y0 = win->y, y1 = win->y + win->height;
	if (down) {
		y0 = v.lo[0];
		y1 = v.lo[v.n - 1] + v.taps[v.n - 1];
	}
	if (!down)
		return horizontal(src, y0, y1 - y0, &h, &lanes, dst, err);
	if (across) {
		OQZ_TRY(horizontal(src, y0, y1 - y0, &h, &lanes, &work->tmp, err));
		return vertical(&work->tmp, y0, &v, dst, err);
	}
	if (win->width == src->width)
		return vertical(src, 0, &v, dst, err);
	const struct oqz_window columns = { win->x, y0, win->width, y1 - y0 };
	OQZ_TRY(oqz_image_crop(src, &columns, &work->tmp, err));
	return vertical(&work->tmp, y0, &v, dst, err);
}
