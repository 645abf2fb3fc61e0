/* SPDX-License-Identifier: Apache-2.0
 *
 * Logits -> classes at the label map's size. 19 channels of 1024 x 2048 floats are 152 MiB; here only
 * the two source rows around an output row exist, stretched to the output's width. torch computes
 * h0 (w0 a + w1 b) + h1 (w0 c + w1 d) in float32: the brackets are the stretched rows, used by several output rows.
 * Logits that have the output's size already are read where they lie.
 */
#include "tasks/common/kernel.h"
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

static bool stretches(const struct upsampler *u) { return u->width != u->out_width; }

size_t upsampler_bytes(const struct upsampler *u)
{
	size_t w = (size_t)u->out_width;

	return w * 2 * sizeof(int32_t) + w * (1 + (stretches(u) ? 2 * (size_t)u->channels : 0)) * sizeof(float);
}

void upsampler_init(struct upsampler *u, void *memory)
{
	float scale = scale_of(u->width, u->out_width, u->align_corners);

	u->x0 = memory;
	u->x1 = u->x0 + u->out_width;
	u->lambda = (float *)(u->x1 + u->out_width);
	u->rows = u->lambda + u->out_width;
	u->held[0] = u->held[1] = -1;
	for (int64_t x = 0; x < u->out_width; x++) {
		float s = source(scale, u->align_corners, x);
		int64_t x0 = (int64_t)s, last = u->width - 1;
		x0 = x0 < last ? x0 : last;
		u->x0[x] = (int32_t)x0;
		u->x1[x] = (int32_t)(x0 < last ? x0 + 1 : last);
		u->lambda[x] = s - (float)x0;
	}
}

KERNEL static void stretch(const float *restrict from, const int32_t *restrict x0, const int32_t *restrict x1,
                           const float *restrict lambda, int64_t n, float *restrict to)
{
	for (int64_t x = 0; x < n; x++)
		to[x] = (1 - lambda[x]) * from[x0[x]] + lambda[x] * from[x1[x]];
}

/* A row of all channels, `step` numbers from one to the next; NULL: none. */
struct row {
	const float *at;
	int64_t step;
};

/* Source row y at the output's width. */
static struct row stretched(struct upsampler *u, int64_t y)
{
	float *slot = u->rows + (y & 1) * u->channels * u->out_width;
	const int64_t plane = u->height * u->width;

	if (!stretches(u))
		return (struct row) { u->logits + y * u->width, plane };
	for (int64_t c = 0; c < u->channels && u->held[y & 1] != y; c++)
		stretch(u->logits + c * plane + y * u->width, u->x0, u->x1, u->lambda, u->out_width,
		        slot + c * u->out_width);
	u->held[y & 1] = y;
	return (struct row) { slot, u->out_width };
}

/* The rows above and below output row y, and the weight of the lower one, which is none where that is 0. */
static void neighbours(struct upsampler *u, int64_t y, struct row *above, struct row *below, float *weight)
{
	float scale = scale_of(u->height, u->out_height, u->align_corners);
	float s = source(scale, u->align_corners, y);
	int64_t y0 = (int64_t)s;

	if (y0 > u->height - 1)
		y0 = u->height - 1;
	*weight = s - (float)y0;
	*above = stretched(u, y0);
	*below = *weight != 0 ? stretched(u, y0 + (y0 < u->height - 1)) : (struct row) { NULL, 0 };
}

static inline float mix(float a, float b, float w) { return (1 - w) * a + w * b; }

void upsampler_values(struct upsampler *u, int64_t channel, int64_t y, float *ret)
{
	struct row above, below;
	float w;

	neighbours(u, y, &above, &below, &w);
	const float *a = above.at + channel * above.step, *b = below.at ? below.at + channel * below.step : NULL;
	for (int64_t x = 0; x < u->out_width; x++)
		ret[x] = b ? mix(a[x], b[x], w) : a[x];
}

/* The best class of each pixel so far. */
enum { BLOCK = 512 };
struct best {
	float value[BLOCK];
	int32_t class[BLOCK];
};

static inline __attribute__((always_inline)) int32_t compete(float v, int32_t class, struct best *best, int64_t x)
{
	bool more = v > best->value[x];

	best->class[x] = more ? class : best->class[x];
	best->value[x] = more ? v : best->value[x];
	return v != v;
}

/* A class's values at n pixels; b NULL: those of a alone. Returns how many are NaN. */
KERNEL static int32_t take(const float *restrict a, const float *restrict b, float w, int64_t n, int32_t class,
                           struct best *restrict best)
{
	int32_t nan = 0;

	if (b)
		for (int64_t x = 0; x < n; x++)
			nan += compete(mix(a[x], b[x], w), class, best, x);
	else
		for (int64_t x = 0; x < n; x++)
			nan += compete(a[x], class, best, x);
	return nan;
}

int64_t upsampler_classes(struct upsampler *u, int64_t y, uint16_t *ret)
{
	struct row above, below;
	struct best best;
	int64_t nan = 0;
	float w;

	neighbours(u, y, &above, &below, &w);
	for (int64_t at = 0; at < u->out_width; at += BLOCK) {
		int64_t n = u->out_width - at < BLOCK ? u->out_width - at : BLOCK;
		for (int64_t x = 0; x < n; x++) {
			best.value[x] = -INFINITY;
			best.class[x] = 0;
		}
		for (int64_t c = 0; c < u->channels; c++)
			nan += take(above.at + c * above.step + at, below.at ? below.at + c * below.step + at : NULL, w,
			            n, (int32_t)c, &best);
		for (int64_t x = 0; x < n; x++)
			ret[at + x] = (uint16_t)best.class[x];
	}
	return nan;
}
