/* SPDX-License-Identifier: Apache-2.0
 *
 * OpenCV's INTER_AREA when shrinking: block sums for whole factors, else a weighted sum per axis in float32 whose order
 * of additions is part of the result (imgproc/src/resize.cpp, ResizeArea_Invoker).
 */
#include "core/image/resize.h"

#include <float.h>
#include <math.h>
#include <string.h>

struct entry {
	int32_t from, to;
	float weight;
};

/* Entries of one axis in OpenCV's order; returns their number (at most 2 * in + 2 * out). */
static size_t entries(struct entry *e, int32_t in, int32_t out)
{
	double scale = 1.0 / ((double)out / in);
	size_t n = 0;

	for (int32_t d = 0; d < out; d++) {
		double f1 = d * scale, f2 = f1 + scale, cell = scale < in - f1 ? scale : in - f1;
		int32_t s1 = (int32_t)ceil(f1), s2 = (int32_t)floor(f2);
		s2 = s2 < in - 1 ? s2 : in - 1;
		s1 = s1 < s2 ? s1 : s2;
		if (s1 - f1 > 1e-3)
			e[n++] = (struct entry) { s1 - 1, d, (float)((s1 - f1) / cell) };
		for (int32_t s = s1; s < s2; s++)
			e[n++] = (struct entry) { s, d, (float)(1.0 / cell) };
		if (f2 - s2 > 1e-3) {
			double part = f2 - s2 < 1 ? f2 - s2 : 1;
			e[n++] = (struct entry) { s2, d, (float)((part < cell ? part : cell) / cell) };
		}
	}
	return n;
}

static uint8_t to_u8(float v)
{
	v = rintf(v);
	return (uint8_t)(int32_t)(v < 0 ? 0 : v > 255 ? 255 : v);
}

/* Whole factors fx, fy. */
static void blocks(const struct oqz_image *src, int32_t fx, int32_t fy, struct oqz_image *dst)
{
	const size_t ch = (size_t)src->channels, stride = (size_t)src->width * ch;
	const float unit = 1.f / (float)(fx * fy);
	uint8_t *out = dst->data;

	for (int32_t y = 0; y < dst->height; y++)
		for (int32_t x = 0; x < dst->width; x++)
			for (size_t c = 0; c < ch; c++) {
				const uint8_t *p =
				    src->data + (size_t)y * (size_t)fy * stride + (size_t)x * (size_t)fx * ch + c;
				int32_t sum = 0;
				for (int32_t j = 0; j < fy; j++)
					for (int32_t i = 0; i < fx; i++)
						sum += p[(size_t)j * stride + (size_t)i * ch];
				*out++ = fx == 2 && fy == 2 ? (uint8_t)((sum + 2) >> 2) : to_u8((float)sum * unit);
			}
}

static void across(const uint8_t *row, const struct entry *e, size_t n, size_t ch, float *out, size_t samples)
{
	memset(out, 0, samples * sizeof *out);
	for (size_t i = 0; i < n; i++)
		for (size_t c = 0; c < ch; c++)
			out[(size_t)e[i].to * ch + c] += row[(size_t)e[i].from * ch + c] * e[i].weight;
}

OQZ_KERNEL static void add_row(float *sum, const float *row, float weight, bool first, size_t n)
{
	if (first)
		for (size_t i = 0; i < n; i++)
			sum[i] = row[i] * weight;
	else
		for (size_t i = 0; i < n; i++)
			sum[i] += row[i] * weight;
}

enum oqz_status oqz_resize_opencv_area(const struct oqz_image *src, int32_t width, int32_t height,
                                       struct oqz_resize_work *work, struct oqz_image *dst, struct oqz_err *err)
{
	const size_t ch = (size_t)src->channels, n = (size_t)width * ch;
	const int32_t fx = src->width / width, fy = src->height / height;

	OQZ_TRY(oqz_image_reserve(dst, width, height, src->channels, err));
	if (fx * width == src->width && fy * height == src->height) {
		blocks(src, fx, fy, dst);
		return OQZ_OK;
	}
	size_t hmax = 2 * ((size_t)src->width + (size_t)width), vmax = 2 * ((size_t)src->height + (size_t)height);
	size_t bytes = (hmax + vmax) * sizeof(struct entry) + 2 * n * sizeof(float);
	struct entry *h = oqz_resize_work_table(work, bytes);
	if (!h)
		return oqz_err_nomem(err, "resize tables", bytes);
	struct entry *v = h + hmax;
	float *row = (float *)(v + vmax), *sum = row + n;
	size_t hn = entries(h, src->width, width), vn = entries(v, src->height, height);
	for (size_t i = 0; i < vn; i++) {
		across(src->data + (size_t)v[i].from * (size_t)src->width * ch, h, hn, ch, row, n);
		add_row(sum, row, v[i].weight, i == 0 || v[i].to != v[i - 1].to, n);
		if (i + 1 == vn || v[i + 1].to != v[i].to)
			for (size_t k = 0; k < n; k++)
				dst->data[(size_t)v[i].to * n + k] = to_u8(sum[k]);
	}
	return OQZ_OK;
}
