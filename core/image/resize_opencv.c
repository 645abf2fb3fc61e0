/* SPDX-License-Identifier: Apache-2.0
 *
 * cv2.resize() of OpenCV 4.6 for 8-bit images (imgproc/src/resize.cpp). Linear and cubic weights are 11-bit fixed
 * point; rows are interpolated horizontally into ints once and kept while the vertical pass needs them. OpenCV's vector
 * code for the vertical cubic pass computes in float32; so does ours.
 */
#include "core/base/checked.h"
#include "core/image/resize.h"

#include <math.h>
#include <string.h>

enum { SCALE = 2048 };

typedef uint8_t v4u8 __attribute__((vector_size(4)));
typedef int32_t v4s32 __attribute__((vector_size(16)));

/* Taps of one axis: up to 4 clamped source positions and weights per output position. */
struct taps {
	int32_t *at; /* [n][size] */
	int16_t *w;  /* [n][size] */
	int32_t n, size;
};

static void cubic_weights(float x, float c[4])
{
	const float a = -0.75f;

	c[0] = ((a * (x + 1) - 5 * a) * (x + 1) + 8 * a) * (x + 1) - 4 * a;
	c[1] = ((a + 2) * x - (a + 3)) * x * x + 1;
	c[2] = ((a + 2) * (1 - x) - (a + 3)) * (1 - x) * (1 - x) + 1;
	c[3] = 1.f - c[0] - c[1] - c[2];
}

/* `columns`: the x axis, where a linear position outside the image snaps to the edge; on the y axis the fraction is
 * kept and only row indices are clamped. */
static void taps_fill(struct taps *t, int32_t in, bool area, bool columns)
{
	double inv = (double)t->n / in, scale = 1.0 / inv;

	for (int32_t d = 0; d < t->n; d++) {
		float f, c[4];
		int32_t s;
		if (area) {
			s = (int32_t)floor(d * scale);
			f = (float)((d + 1) - (s + 1) * inv);
			f = f <= 0 ? 0.f : f - floorf(f);
		} else {
			f = (float)((d + 0.5) * scale - 0.5);
			s = (int32_t)floorf(f);
			f -= (float)s;
		}
		if (t->size == 2) {
			if (columns && s < 0)
				s = 0, f = 0;
			if (columns && s >= in - 1)
				s = in - 1, f = 0;
			c[0] = 1.f - f;
			c[1] = f;
		} else {
			cubic_weights(f, c);
			s--;
		}
		for (int32_t k = 0; k < t->size; k++) {
			int32_t p = s + k;
			t->at[d * t->size + k] = p < 0 ? 0 : p >= in ? in - 1 : p;
			t->w[d * t->size + k] = (int16_t)rintf(c[k] * SCALE);
		}
	}
}

/* Four channels are loaded and stored, three of them count: loads end in the next pixel or the image's slack, stores
 * are overwritten by the next pixel or fall into the row buffer's slack. */
OQZ_KERNEL static void across_rgb(const uint8_t *row, const struct taps *t, int32_t *out)
{
	for (int32_t x = 0; x < t->n; x++, out += 3) {
		v4s32 acc = { 0 };
		for (int32_t k = 0; k < t->size; k++) {
			v4u8 p;
			memcpy(&p, row + 3 * (size_t)t->at[x * t->size + k], 4);
			acc += __builtin_convertvector(p, v4s32) * t->w[x * t->size + k];
		}
		memcpy(out, &acc, sizeof acc);
	}
}

static void across_any(const uint8_t *row, const struct taps *t, int32_t channels, int32_t *out)
{
	for (int32_t x = 0; x < t->n; x++)
		for (int32_t c = 0; c < channels; c++) {
			int32_t acc = 0;
			for (int32_t k = 0; k < t->size; k++)
				acc += row[t->at[x * t->size + k] * channels + c] * t->w[x * t->size + k];
			*out++ = acc;
		}
}

OQZ_KERNEL static void down_linear(const int32_t *r0, const int32_t *r1, int32_t w0, int32_t w1, size_t n, uint8_t *out)
{
	for (size_t i = 0; i < n; i++)
		out[i] = (uint8_t)((((w0 * (r0[i] >> 4)) >> 16) + ((w1 * (r1[i] >> 4)) >> 16) + 2) >> 2);
}

/* OpenCV takes 8 samples at a time in float32 and the rest in integers; the difference shows, so it is kept. */
OQZ_KERNEL static void down_cubic(int32_t *const r[4], const int16_t w[4], size_t n, uint8_t *out)
{
	const float unit = 1.f / (SCALE * SCALE);
	const float b0 = w[0] * unit, b1 = w[1] * unit, b2 = w[2] * unit, b3 = w[3] * unit;
	size_t whole = n / 8 * 8;

	for (size_t i = 0; i < whole; i++) {
		float v = (float)r[0][i] * b0 + ((float)r[1][i] * b1 + ((float)r[2][i] * b2 + (float)r[3][i] * b3));
		v = rintf(v);
		out[i] = (uint8_t)(int32_t)(v < 0 ? 0 : v > 255 ? 255 : v);
	}
	for (size_t i = whole; i < n; i++) {
		int32_t v = (r[0][i] * w[0] + r[1][i] * w[1] + r[2][i] * w[2] + r[3][i] * w[3] + (1 << 21)) >> 22;
		out[i] = (uint8_t)(v < 0 ? 0 : v > 255 ? 255 : v);
	}
}

static enum oqz_status separable(const struct oqz_image *src, int32_t width, int32_t height, bool cubic, bool area,
                                 struct oqz_resize_work *work, struct oqz_image *dst, struct oqz_err *err)
{
	struct taps h = { .n = width, .size = cubic ? 4 : 2 }, v = { .n = height, .size = cubic ? 4 : 2 };
	size_t n = (size_t)width * (size_t)src->channels, row = oqz_align_up(n + 4, 16);
	size_t hn = (size_t)h.n * (size_t)h.size, vn = (size_t)v.n * (size_t)v.size;
	size_t bytes = (4 * row + hn + vn) * sizeof(int32_t) + (hn + vn) * sizeof(int16_t);
	int32_t *held[4], held_row[4] = { -1, -1, -1, -1 };
	int32_t *mem = oqz_resize_work_table(work, bytes);

	if (!mem)
		return oqz_err_nomem(err, "resize tables", bytes);
	OQZ_TRY(oqz_image_reserve(dst, width, height, src->channels, err));
	for (size_t i = 0; i < 4; i++)
		held[i] = mem + i * row;
	h.at = mem + 4 * row;
	v.at = h.at + hn;
	h.w = (int16_t *)(v.at + vn);
	v.w = h.w + hn;
	taps_fill(&h, src->width, area, true);
	taps_fill(&v, src->height, area, false);
	for (int32_t y = 0; y < height; y++) {
		int32_t *need[4];
		for (int32_t k = 0; k < v.size; k++) {
			int32_t at = v.at[y * v.size + k], slot = at % 4; /* 4 consecutive rows never share a slot */
			if (held_row[slot] != at) {
				const uint8_t *p = src->data + (size_t)at * (size_t)src->width * (size_t)src->channels;
				if (src->channels == 3)
					across_rgb(p, &h, held[slot]);
				else
					across_any(p, &h, src->channels, held[slot]);
				held_row[slot] = at;
			}
			need[k] = held[slot];
		}
		const int16_t *w = v.w + (size_t)y * (size_t)v.size;
		if (cubic)
			down_cubic(need, w, n, dst->data + (size_t)y * n);
		else
			down_linear(need[0], need[1], w[0], w[1], n, dst->data + (size_t)y * n);
	}
	return OQZ_OK;
}

static enum oqz_status nearest(const struct oqz_image *src, int32_t width, int32_t height, struct oqz_image *dst,
                               struct oqz_err *err)
{
	double sx = 1.0 / ((double)width / src->width), sy = 1.0 / ((double)height / src->height);
	size_t ch = (size_t)src->channels;

	OQZ_TRY(oqz_image_reserve(dst, width, height, src->channels, err));
	uint8_t *out = dst->data;
	for (int32_t y = 0; y < height; y++) {
		int32_t ry = (int32_t)floor(y * sy);
		const uint8_t *row =
		    src->data + (size_t)(ry < src->height ? ry : src->height - 1) * (size_t)src->width * ch;
		for (int32_t x = 0; x < width; x++, out += ch) {
			int32_t rx = (int32_t)floor(x * sx);
			memcpy(out, row + (size_t)(rx < src->width ? rx : src->width - 1) * ch, ch);
		}
	}
	return OQZ_OK;
}

enum oqz_status oqz_resize_opencv(const struct oqz_image *src, int32_t width, int32_t height, enum oqz_filter filter,
                                  struct oqz_resize_work *work, struct oqz_image *dst, struct oqz_err *err)
{
	if (width == src->width && height == src->height)
		return oqz_image_copy(dst, src, err);
	if (filter == OQZ_FILTER_CV2_NEAREST)
		return nearest(src, width, height, dst, err);
	bool halved = src->width == 2 * (int64_t)width && src->height == 2 * (int64_t)height;
	bool shrinks = width <= src->width && height <= src->height;
	if ((filter == OQZ_FILTER_CV2_LINEAR && halved) || (filter == OQZ_FILTER_CV2_AREA && shrinks))
		return oqz_resize_opencv_area(src, width, height, work, dst, err);
	return separable(src, width, height, filter == OQZ_FILTER_CV2_CUBIC, filter == OQZ_FILTER_CV2_AREA, work, dst,
	                 err);
}
