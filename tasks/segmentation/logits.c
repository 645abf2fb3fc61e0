/* SPDX-License-Identifier: Apache-2.0
 *
 * Logits -> classes at the label map's size (metrics.md 2.5). 19 channels of 1024 x 2048 floats are 152 MiB; here only
 * the two source rows around an output row exist, stretched to the output's width. torch computes
 * h0 (w0 a + w1 b) + h1 (w0 c + w1 d) in float32: the brackets are the stretched rows, used by several output rows.
 */
#include "segmentation.h"

#include <math.h>

static float source(float scale, bool align, int64_t i)
{
	if (align)
		return scale * (float)i;
	float s = scale * ((float)i + 0.5F) - 0.5F;
	return s < 0 ? 0 : s;
}

static float scale_of(int64_t in, int64_t out, bool align)
{
	if (align)
		return out > 1 ? (float)(in - 1) / (float)(out - 1) : 0;
	return (float)in / (float)out;
}

size_t upsampler_bytes(const struct upsampler *u)
{
	size_t w = (size_t)u->out_width;

	return w * sizeof(int64_t) + w * (2 * (size_t)u->channels + 2) * sizeof(float);
}

void upsampler_init(struct upsampler *u, void *memory)
{
	float scale = scale_of(u->width, u->out_width, u->align_corners);

	u->x0 = memory;
	u->lambda = (float *)(u->x0 + u->out_width);
	u->best = u->lambda + u->out_width;
	u->rows = u->best + u->out_width;
	u->held[0] = u->held[1] = -1;
	for (int64_t x = 0; x < u->out_width; x++) {
		float s = source(scale, u->align_corners, x);
		int64_t x0 = (int64_t)s;
		u->x0[x] = x0 < u->width - 1 ? x0 : u->width - 1;
		u->lambda[x] = s - (float)u->x0[x];
	}
}

/* Source row y of all channels, stretched, in its slot. */
static const float *stretched(struct upsampler *u, int64_t y)
{
	float *slot = u->rows + (y & 1) * u->channels * u->out_width;

	if (u->held[y & 1] == y)
		return slot;
	u->held[y & 1] = y;
	for (int64_t c = 0; c < u->channels; c++) {
		const float *from = u->logits + (c * u->height + y) * u->width;
		float *to = slot + c * u->out_width;
		if (u->width == u->out_width) {
			memcpy(to, from, (size_t)u->width * sizeof *to);
			continue;
		}
		for (int64_t x = 0; x < u->out_width; x++) {
			int64_t a = u->x0[x], b = a + (a < u->width - 1);
			to[x] = (1 - u->lambda[x]) * from[a] + u->lambda[x] * from[b];
		}
	}
	return slot;
}

/* The rows above and below output row y, and the weight of the lower one; *below is NULL when it has none. */
static void neighbours(struct upsampler *u, int64_t y, const float **above, const float **below, float *weight)
{
	float scale = scale_of(u->height, u->out_height, u->align_corners);
	float s = source(scale, u->align_corners, y);
	int64_t y0 = (int64_t)s;

	if (y0 > u->height - 1)
		y0 = u->height - 1;
	*weight = s - (float)y0;
	*above = stretched(u, y0);
	*below = *weight != 0 ? stretched(u, y0 + (y0 < u->height - 1)) : NULL;
}

static float mix(const float *a, const float *b, float w, int64_t i) { return (1 - w) * a[i] + w * b[i]; }

void upsampler_values(struct upsampler *u, int64_t channel, int64_t y, float *ret)
{
	const float *a, *b;
	float w;

	neighbours(u, y, &a, &b, &w);
	for (int64_t x = 0; x < u->out_width; x++)
		ret[x] = b ? mix(a, b, w, channel * u->out_width + x) : a[channel * u->out_width + x];
}

int64_t upsampler_classes(struct upsampler *u, int64_t y, uint16_t *ret)
{
	const int64_t n = u->out_width;
	float *best = u->best;
	const float *a, *b;
	int64_t nan = 0;
	float w;

	neighbours(u, y, &a, &b, &w);
	for (int64_t x = 0; x < n; x++) {
		best[x] = -INFINITY;
		ret[x] = 0;
	}
	for (int64_t c = 0; c < u->channels; c++) {
		const float *ca = a + c * n, *cb = b ? b + c * n : NULL;
		for (int64_t x = 0; x < n; x++) {
			float v = cb ? mix(ca, cb, w, x) : ca[x];
			bool more = v > best[x];
			nan += v != v;
			ret[x] = more ? (uint16_t)c : ret[x];
			best[x] = more ? v : best[x];
		}
	}
	return nan;
}
